"""Keeps people's names, numbers and usernames out of the words Flinks says beside an answer.

What the same answer says about its people is known and hidden exactly. An error names nobody
elsewhere, so in its message whatever looks like a quoted value, a username or a named holder is
hidden by its looks.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from refreshops.providers.flinks.accounts import MOST_ACCOUNTS, accounts_in
from refreshops.providers.flinks.answers import FlinksAnswer
from refreshops.providers.marks import PLAIN, Marker
from refreshops.providers.redaction import MESSAGE_LIMIT, SHORTEST_SECRET, Scrubber, printable

# What is shown is shorter; the rest of a hostile megabyte is not looked at.
_LOOKED_AT = 2000
_OF_ACCOUNT = ("AccountNumber",)
_OF_HOLDER = ("Name", "Email", "PhoneNumber")

# Flinks quotes the names of its own fields; they hold nothing and say what was wrong.
_OWN_WORD = (
    r"(?:GET|POST|PATCH|DELETE|[A-Za-z]*"
    r"(?:Ids?|Cached|Code|Status|Responses|Refresh|Activated|Name|[ _-]?[Kk]ey))"
)
_QUOTED = re.compile(
    rf"""(?<!\w)(["'`“‘«])(?!{_OWN_WORD}["'`”’»])([^"'`“”‘’«»]{{1,120}})(["'`”’»])(?!\w)"""
)
_NAMED_HOLDER = re.compile(
    r"\b(?i:(holders?|owners?|customers?|clients?)(\s+(?:name\s+|is\s+)?|\s*:\s*))"
    r"[^\W\d_a-z][\w'’-]*\.?(?:\s+[^\W\d_a-z][\w'’-]*\.?){1,4}"
)
_WORD = re.compile(r"\w[\w.+-]*\w")
_INNER_DOT = re.compile(r"(?=.{5})\S*[^\W\d_]\w*\.\w")
_KEPT_WORD = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d(?:T\d\d)?|[\d.]+Z",
    re.IGNORECASE,
)
_ID_OR_TIME = re.compile(rf"(?:{_KEPT_WORD.pattern})[\d:.Z]*", re.IGNORECASE)


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
    text = printable(text[:_LOOKED_AT])
    if not text or not isinstance(body, dict):
        return text
    said = text.casefold()
    found = {word for word in _personal(body) if word.casefold() in said}
    if not found or (_ID_OR_TIME.fullmatch(text) and said not in map(str.casefold, found)):
        return text
    longest_first = sorted(found, key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first))
    return re.sub(pattern, lambda named: marker(named[0]), text, flags=re.IGNORECASE)


def without_values(message: str, *, marker: Marker = PLAIN) -> str:
    """Return a message without quoted values, named holders and words that look like usernames.

    A word looks like a username when a letter of it stands before an inner dot or when it mixes
    letters with two or more digits; GUIDs and dates are left.
    """

    def quoted(found: re.Match[str]) -> str:
        kept = _ID_OR_TIME.fullmatch(found[2])
        return found[0] if kept else f"{found[1]}{marker(found[2])}{found[3]}"

    def holder(found: re.Match[str]) -> str:
        said = found[1] + found[2]
        return said + marker(found[0][len(said) :])

    message = _QUOTED.sub(quoted, message[:_LOOKED_AT])
    message = _NAMED_HOLDER.sub(holder, message)
    return _WORD.sub(lambda word: _shown_word(word[0], marker), message)


def _shown_word(word: str, marker: Marker) -> str:
    if _KEPT_WORD.fullmatch(word):
        return word
    digits = sum(mark.isdigit() for mark in word)
    mixed = digits >= 2 and any(mark.isalpha() for mark in word)
    return marker(word) if mixed or _INNER_DOT.match(word) else word


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
