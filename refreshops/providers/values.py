"""Hides what looks like a person's value in a sentence a provider says: quoted words, usernames.

Knows no provider; `own` is a regular expression for the words that a provider itself quotes.
"""

import re
from functools import cache

from refreshops.providers.marks import PLAIN, Marker

# What is shown is shorter; the rest of a hostile megabyte is not looked at.
LOOKED_AT = 2000

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
ID_OR_TIME = re.compile(rf"(?:{_KEPT_WORD.pattern})[\d:.Z]*", re.IGNORECASE)


def without_values(message: str, *, marker: Marker = PLAIN, own: str = "(?!)") -> str:
    """Return a message without quoted values, named holders and words that look like usernames.

    A word looks like a username when a letter of it stands before an inner dot or when it mixes
    letters with two or more digits; GUIDs and dates are left, and a quoted word that is `own`.
    """

    def quoted(found: re.Match[str]) -> str:
        kept = ID_OR_TIME.fullmatch(found[2])
        return found[0] if kept else f"{found[1]}{marker(found[2])}{found[3]}"

    def holder(found: re.Match[str]) -> str:
        said = found[1] + found[2]
        return said + marker(found[0][len(said) :])

    message = _quoted(own).sub(quoted, message[:LOOKED_AT])
    message = _NAMED_HOLDER.sub(holder, message)
    return _WORD.sub(lambda word: _shown_word(word[0], marker), message)


@cache
def _quoted(own: str) -> re.Pattern[str]:
    return re.compile(
        rf"""(?<!\w)(["'`“‘«])(?!{own}["'`”’»])([^"'`“”‘’«»]{{1,120}})(["'`”’»])(?!\w)"""
    )


def _shown_word(word: str, marker: Marker) -> str:
    if _KEPT_WORD.fullmatch(word):
        return word
    digits = sum(mark.isdigit() for mark in word)
    mixed = digits >= 2 and any(mark.isalpha() for mark in word)
    return marker(word) if mixed or _INNER_DOT.match(word) else word
