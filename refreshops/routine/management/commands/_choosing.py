"""How commands are told which logins they are about: by LoginId, by customer, or by a list."""

from argparse import ArgumentParser, _MutuallyExclusiveGroup
from collections import Counter
from contextlib import suppress
from functools import partial
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


def add_provider(parser: ArgumentParser, *, help: str = "only logins of this one") -> None:
    """Add the choice of one provider."""
    parser.add_argument("--provider", metavar="NAME", help=help)


def providers(name: str | None) -> list[str]:
    """Return the provider of that name, or without one all; `CommandError` when there is none."""
    known = wiring.provider_names()
    if name and name not in known:
        raise CommandError(f"No provider is called {name!r}; we know {', '.join(known)}.")
    return [name] if name else list(known)


def chosen(options: dict[str, Any]) -> LoginQuerySet:
    """Return the logins named; raise `CommandError` when any word names nothing, or an id two.

    With `provider` among the options only that one's logins count.
    """
    names = providers(options.get("provider"))
    logins = Login.objects.filter(provider__name__in=names)
    if options["login_id"]:
        return _named(options["login_id"], logins, names=names)
    if options["customer"]:
        return _named(options["customer"], logins, names=[])
    return _listed(options["file"], logins, names=names)


def _listed(path: Path, logins: LoginQuerySet, *, names: list[str]) -> LoginQuerySet:
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
            logins=logins,
            customers=Customer.objects.all(),
            canonical={name: partial(wiring.canonical_login_id, name) for name in names},
            done=Q(pk__isnull=True),
        )
    except Unreadable as unreadable:
        raise CommandError(f"{path}: {unreadable}") from unreadable
    _refuse_unknown({word.text for word in found.named(pasted.Ends.UNKNOWN)})
    rows = Login.objects.filter(pk__in=found.keys)
    _refuse_doubtful(list(rows.values_list("login_id", flat=True)))
    return rows


def _named(words: list[str], logins: LoginQuerySet, *, names: list[str]) -> LoginQuerySet:
    """Find the logins named; refuse the whole order when any word names nothing, or an id two.

    An id may be spelled as either of two providers would: the register knows whose it is.
    """
    spelled = {word: _spellings(word, names) for word in words}
    readings = {reading for readings in spelled.values() for reading in readings}
    rows = logins.filter(login_id__in={login_id for _, login_id in readings})
    known = {
        (provider, login_id): key
        for key, provider, login_id in rows.values_list("pk", "provider__name", "login_id")
        if (provider, login_id) in readings
    }
    ids = {
        word: [known[one] for one in readings if one in known] for word, readings in spelled.items()
    }
    _refuse_doubtful([word for word, keys in ids.items() for _ in keys])
    references = {word for word, keys in ids.items() if not keys}
    customers = Customer.objects.filter(reference__in=references)
    _refuse_unknown(references - set(customers.values_list("reference", flat=True)))
    keys = [key for found in ids.values() for key in found]
    return logins.filter(Q(pk__in=keys) | Q(customer__reference__in=references))


def _spellings(word: str, names: list[str]) -> set[tuple[str, str]]:
    """Return how each provider would write this id: (provider, id)."""
    found = set()
    for name in names:
        with suppress(ValueError):
            found.add((name, wiring.canonical_login_id(name, word)))
    return found


def _refuse_unknown(words: set[str]) -> None:
    if words:
        raise CommandError(
            f"Not in the register, nothing was changed: {', '.join(sorted(words)[:20])}"
        )


def _refuse_doubtful(ids: list[str]) -> None:
    """Refuse what stands there twice: once for each login that it names."""
    doubtful = sorted(word for word, times in Counter(ids).items() if times > 1)
    if doubtful:
        raise CommandError(
            "The id of a login at more than one provider, nothing was changed "
            f"(say --provider): {', '.join(doubtful[:20])}"
        )
