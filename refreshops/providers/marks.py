"""What stands in a text for a value that was hidden: equal values carry equal letters.

Letters alone, because whoever cleans a text twice takes digits for a number and words with digits
for a username. Whoever lacks the key cannot tell which value a mark stands for.
"""

import hmac
import re
from collections import Counter
from hashlib import sha256

HIDDEN = "[hidden]"
LETTERS = 8

_KINDS = "hidden|number|e-mail"
# The last one of a text that was cut may lack its end.
_MARK = re.compile(rf"\[({_KINDS})(?:\]|:([a-p]{{0,{LETTERS}}})(\]|(?=…)|$))")
_ONE_MARK = re.compile(rf"\[(?:{_KINDS})(?::[a-p]{{{LETTERS}}})?\]")
_APART = re.compile(r"[\W_]+")
_AROUND = " \t\"'`“”‘’«».,;:!?()"


class Marker:
    """Makes marks with a key; without one they are all alike."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    def __call__(self, value: str, *, kind: str = "hidden") -> str:
        """Return the mark of a value, `kind` being hidden, number or e-mail.

        Case, surrounding punctuation and the spaces and dashes within a number do not matter. A
        value that is a mark already stays what it is.
        """
        if _ONE_MARK.fullmatch(value):
            return value
        return f"[{kind}:{self.letters(_plain(value))}]" if self._key else f"[{kind}]"

    def letters(self, plain: str) -> str:
        """Return the letters that stand for a text."""
        digest = hmac.digest(self._key, plain.encode("utf-8", "replace"), sha256)
        halves = (half for byte in digest[: LETTERS // 2] for half in divmod(byte, 16))
        return "".join(chr(ord("a") + half) for half in halves)


PLAIN = Marker()


def renewed(text: str, *, marker: Marker, counted: Counter[str]) -> str:
    """Return `text` with every mark made anew by `marker`, so that two readers cannot compare.

    Equal marks stay equal; the letters of one that was cut off are dropped. `counted` grows by the
    marks found: "[hidden]", "[number]" and "[e-mail]".
    """

    def anew(found: re.Match[str]) -> str:
        kind, letters = found[1], found[2] or ""
        counted[f"[{kind}]"] += 1
        if len(letters) < LETTERS or not found[3]:
            return f"[{kind}]"
        return f"[{kind}:{marker.letters(letters)}]"

    return _MARK.sub(anew, text)


def _plain(value: str) -> str:
    text = " ".join(value.split()).strip(_AROUND).casefold()
    digits = _APART.sub("", text)
    return digits if digits.isdigit() else text
