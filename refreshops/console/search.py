"""What people type into a search box, made comparable with what is stored."""

NUMBER_DIGITS = 18


def canonical(term: str) -> str:
    """Return an id as the register writes it: no braces, no spaces, lower case."""
    return "".join(term.split()).strip("{}").lower()


def spellings(term: str) -> tuple[str, ...]:
    """Return the ids that `term` may mean: as the register writes it, and with its own capitals."""
    plain = "".join(term.split()).strip("{}")
    return (plain,) if plain == plain.lower() else (plain.lower(), plain)


def is_number(term: str) -> bool:
    """Tell whether `term` is a row's number that a database can hold."""
    return term.isascii() and term.isdigit() and len(term) <= NUMBER_DIGITS
