"""How commands are told which logins they are about: by LoginId, by customer, or by a list."""

from argparse import ArgumentParser, _MutuallyExclusiveGroup
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q

from refreshops import wiring
from refreshops.logins import pasted
from refreshops.logins.models import Customer, Login, LoginQuerySet
from refreshops.logins.register_file import Unreadable

LARGEST_FILE = 64 << 20


def add_choices(which: _MutuallyExclusiveGroup) -> None:
    """Add the three ways of naming logins."""
    which.add_argument("--login-id", nargs="+", metavar="ID")
    which.add_argument("--customer", nargs="+", metavar="REF")
    which.add_argument("--file", type=Path, metavar="F", help="one LoginId or reference a line")


def add_provider(parser: ArgumentParser, *, help: str) -> None:
    """Add the choice of one provider."""
    parser.add_argument("--provider", metavar="NAME", help=help)


def providers(name: str | None) -> list[str]:
    """Return the provider of that name, or without one all; `CommandError` when there is none."""
    known = wiring.provider_names()
    if name and name not in known:
        raise CommandError(f"No provider is called {name!r}; we know {', '.join(known)}.")
    return [name] if name else list(known)


def chosen(options: dict[str, Any]) -> LoginQuerySet:
    """Return the logins named; raise `CommandError` when any word names nothing."""
    if options["login_id"]:
        return _named(options["login_id"], by_login=True)
    if options["customer"]:
        return _named(options["customer"], by_login=False)
    return _listed(options["file"])


def _listed(path: Path) -> LoginQuerySet:
    """Find the logins that a file names; refuse it whole when any word names nothing."""
    if not path.is_file():
        raise CommandError(f"{path} is no file.")
    if path.stat().st_size > LARGEST_FILE:
        raise CommandError(f"{path} is too large for a list of logins.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read as UTF-8 text: {error}") from error
    if not text.strip():
        return Login.objects.none()
    try:
        found = pasted.match(
            text,
            logins=Login.objects.all(),
            customers=Customer.objects.all(),
            canonical=wiring.CANONICAL,
            done=Q(pk__isnull=True),
        )
    except Unreadable as unreadable:
        raise CommandError(f"{path}: {unreadable}") from unreadable
    _refuse_unknown({word.text for word in found.named(pasted.Ends.UNKNOWN)})
    return Login.objects.filter(pk__in=found.keys)


def _named(words: list[str], *, by_login: bool) -> LoginQuerySet:
    """Find the logins named; refuse the whole order when any word names nothing."""
    ids: set[str] = set()
    references: set[str] = set()
    for word in words:
        as_id = _login_id(word) if by_login else None
        if as_id is not None:
            ids.add(as_id)
        else:
            references.add(word)
    found = Login.objects.filter(Q(login_id__in=ids) | Q(customer__reference__in=references))
    unknown = ids - set(found.values_list("login_id", flat=True))
    known = Customer.objects.filter(reference__in=references)
    _refuse_unknown(unknown | references - set(known.values_list("reference", flat=True)))
    return found


def _refuse_unknown(words: set[str]) -> None:
    if words:
        raise CommandError(
            f"Not in the register, nothing was changed: {', '.join(sorted(words)[:20])}"
        )


def _login_id(word: str) -> str | None:
    for name in wiring.provider_names():
        with suppress(ValueError):
            return wiring.canonical_login_id(name, word)
    return None
