"""The texts of mails: what may stand in one, and a mail made of it.

Nothing but four placeholders is filled in, and each value once: what a value holds is only text.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from refreshops.connect.letter_words import FRENCH, MONTHS, OURS
from refreshops.logins.models import LetterKind, LetterText

LINK, INSTITUTION, LENDER, EXPIRES = "{link}", "{institution}", "{lender}", "{expires}"
PLACEHOLDERS = (LINK, INSTITUTION, LENDER, EXPIRES)
# A subject stands in lists and on locked screens: no link is for those.
IN_SUBJECTS = (INSTITUTION, LENDER)
_PLACE = re.compile("|".join(map(re.escape, PLACEHOLDERS)))
_PLACE_OR_TEXT = re.compile(f"{_PLACE.pattern}|[^{{]+|{{")
_BRACES = re.compile(r"\{[^{}\n]{0,40}\}?|\}")
_HTML = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8"></head>'
    "<body>{body}</body></html>"
)
_PARAGRAPHS = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Values:
    """What the placeholders stand for; each is taken as one line."""

    link: str
    institution: str
    lender: str
    expires: str

    def of(self, placeholder: str) -> str:
        """Return the value of `{name}`, without line ends and what cannot be printed."""
        return one_line(getattr(self, placeholder.strip("{}")))


@dataclass(frozen=True)
class Composed:
    """A mail as it is sent: a subject of one line, a plain text, and the same as HTML."""

    subject: str
    body: str
    html: str


class UnfitText(ValueError):
    """A text cannot be sent like this; `field` is subject or body, the text a sentence."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def one_line(text: str) -> str:
    """Return a text as one line that can be printed: nothing in it can end a mail's header."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def check(*, kind: str, subject: str, body: str) -> None:
    """Raise `UnfitText` for a text that could not be sent, or would say nothing."""
    if not subject.strip() or not body.strip():
        field = "body" if subject.strip() else "subject"
        raise UnfitText(field, "Write both a subject and a text, or leave both empty for ours.")
    if subject != one_line(subject):
        raise UnfitText("subject", "The subject must be one line that can be printed.")
    _check_places("subject", subject, allowed=IN_SUBJECTS)
    _check_places("body", body, allowed=PLACEHOLDERS)
    if kind != LetterKind.TEST.value and LINK not in body:
        raise UnfitText("body", f"The text needs {LINK}: without it the customer can do nothing.")


def _check_places(field: str, text: str, *, allowed: tuple[str, ...]) -> None:
    for found in _BRACES.findall(text):
        if found in allowed:
            continue
        known = ", ".join(allowed)
        if found in PLACEHOLDERS:
            raise UnfitText(field, f"{found} may not stand here: only {known}.")
        raise UnfitText(field, f"“{found}” is no placeholder: write {known}, and no other braces.")


def text_of(*, kind: str, language: str) -> tuple[str, str]:
    """Return the subject and text in force: as somebody changed them, else ours."""
    row = LetterText.objects.filter(kind=kind, language=language).first()
    return in_force(row) if row is not None else OURS[kind, language]


def ours(*, kind: str, language: str) -> tuple[str, str]:
    """Return our own subject and text."""
    return OURS[kind, language]


def in_force(row: LetterText) -> tuple[str, str]:
    """Return the subject and text that a row puts in force."""
    return (row.subject, row.body) if row.body else OURS[row.kind, row.language]


def ensure_texts() -> None:
    """Write the rows that are missing, so that every text can be changed."""
    rows = [LetterText(kind=kind, language=language) for kind, language in OURS]
    LetterText.objects.bulk_create(rows, ignore_conflicts=True)


def compose(
    text: tuple[str, str], *, language: str, values: Values, before_subject: str = ""
) -> Composed:
    """Return the mail that a subject and text make with `values`."""
    subject, body = text
    return Composed(
        subject=one_line(f"{before_subject} {_filled(subject, values)}"),
        body=_filled(body, values),
        html=_HTML.format(language=language, body=paragraphs(body, values)),
    )


def _filled(text: str, values: Values) -> str:
    return _PLACE.sub(lambda found: values.of(found[0]), text)


def paragraphs(body: str, values: Values) -> SafeString:
    """Return a text as paragraphs of HTML; all of it escaped, the link one to follow."""
    parts = (part.strip() for part in _PARAGRAPHS.split(body))
    written = ((_lines(part, values),) for part in parts if part)
    return format_html_join("\n", "<p>{}</p>", written)


def _lines(part: str, values: Values) -> SafeString:
    lines = ((_line(line, values),) for line in part.splitlines())
    return format_html_join(SafeString("<br>\n"), "{}", lines)


def _line(line: str, values: Values) -> SafeString:
    pieces = ((_piece(piece, values),) for piece in _PLACE_OR_TEXT.findall(line))
    return format_html_join("", "{}", pieces)


def _piece(piece: str, values: Values) -> str:
    """Return a placeholder's value, the link as one; any other text as it stands."""
    if piece not in PLACEHOLDERS:
        return piece
    value = values.of(piece)
    return format_html('<a href="{}">{}</a>', value, value) if piece == LINK else value


def day_and_time(at: datetime, *, language: str) -> str:
    """Return a moment in our time zone as a mail says it: "November 27, 2026 at 14:05"."""
    here = localtime(at)
    month = MONTHS[language][here.month - 1]
    if language == FRENCH:
        return f"{here.day} {month} {here.year} à {here:%H} h {here:%M}"
    return f"{month} {here.day}, {here.year} at {here:%H:%M}"
