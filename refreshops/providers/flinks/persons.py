"""Keeps people's names, numbers and usernames out of the words Flinks says beside an answer.

What the same answer says about its people is known and hidden exactly. An error names nobody
elsewhere, so in its message whatever looks like a quoted value, a username or a named holder is
hidden by its looks.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from refreshops.providers import values
from refreshops.providers.flinks.accounts import MOST_ACCOUNTS, accounts_in
from refreshops.providers.flinks.answers import FlinksAnswer
from refreshops.providers.marks import PLAIN, Marker
from refreshops.providers.redaction import MESSAGE_LIMIT, SHORTEST_SECRET, Scrubber, printable

_OF_ACCOUNT = ("AccountNumber",)
_OF_HOLDER = ("Name", "Email", "PhoneNumber")

# Flinks quotes the names of its own fields; they hold nothing and say what was wrong.
_OWN_WORD = (
    r"(?:GET|POST|PATCH|DELETE|[A-Za-z]*"
    r"(?:Ids?|Cached|Code|Status|Responses|Refresh|Activated|Name|[ _-]?[Kk]ey))"
)


def told(answer: FlinksAnswer, *, minting: bool, clean: Scrubber) -> str:
    """Return the message of an answer as it may be stored and shown.

    `minting` is for the call that brings a token: a bare text there may be the token itself.
    """
    if minting and not isinstance(answer.body, dict):
        return ""
    # Secrets before words that merely look like one: half a key must not remain.
    named = clean(without_persons(answer.message, answer.body, marker=clean.marker))
    return without_values(named, marker=clean.marker)[:MESSAGE_LIMIT]


def without_persons(text: str, body: Any, *, marker: Marker = PLAIN) -> str:
    """Return `text` without what `body`, the same answer, says about its people.

    Nor without the token it brings. A text that is a GUID or a time stays whole, whatever digits
    it shares with an account.
    """
    text = printable(text[: values.LOOKED_AT])
    if not text or not isinstance(body, dict):
        return text
    said = text.casefold()
    found = {word for word in _personal(body) if word.casefold() in said}
    if not found or (values.ID_OR_TIME.fullmatch(text) and said not in map(str.casefold, found)):
        return text
    longest_first = sorted(found, key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first))
    return re.sub(pattern, lambda named: marker(named[0]), text, flags=re.IGNORECASE)


def without_values(message: str, *, marker: Marker = PLAIN) -> str:
    """Return a message without quoted values, named holders and words that look like usernames.

    GUIDs, dates and the names of Flinks's own fields are left.
    """
    return values.without_values(message, marker=marker, own=_OWN_WORD)


def _personal(body: Mapping[str, Any]) -> Iterator[str]:
    for value in _values(body):
        word = printable(str(value)).strip() if isinstance(value, str | int) else ""
        if len(word) >= SHORTEST_SECRET and not isinstance(value, bool):
            yield word


def _values(body: Mapping[str, Any]) -> Iterator[Any]:
    yield body.get("Token")
    login = body.get("Login")
    if isinstance(login, dict):
        yield login.get("Username")
    for account in (accounts_in(body) or [])[:MOST_ACCOUNTS]:
        yield from (account.get(name) for name in _OF_ACCOUNT)
        holder = account.get("Holder")
        if isinstance(holder, dict):
            yield from (holder.get(name) for name in _OF_HOLDER)
