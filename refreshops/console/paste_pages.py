"""A pasted or uploaded list of LoginIds and references: what it names, then the usual order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from refreshops import wiring
from refreshops.console.exports import csv_response, dated_name
from refreshops.console.order_kinds import KINDS, Kind, may
from refreshops.console.scoping import logins_of, seen_by, sees_everything
from refreshops.console.story import tell
from refreshops.logins.models import Customer, Login
from refreshops.logins.pasted import Ends, Match, Word, match
from refreshops.logins.pasted_words import SIZE_CAP, text_of
from refreshops.logins.register_file import Unreadable
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.events import Action

# What may be ordered for a list; each needs its own permission.
ORDERED = (Purpose.SWITCH_OFF, Purpose.SWITCH_ON, Purpose.CHECK_SCHEDULE)
SHOWN = 100
# A longer text is not sent back for correction: it would stand in the page once more.
SENT_BACK = 1_000_000
# More would not fit into the confirmation's form.
MOST_LOGINS = 100_000


@dataclass(frozen=True)
class Part:
    """One class of the preview: how many words, what it means, and the first of them."""

    ends: Ends
    title: str
    words: str
    count: int
    rows: list[tuple[Word, str]]

    @property
    def not_shown(self) -> int:
        """Words beyond the first."""
        return self.count - len(self.rows)


def kinds_for(user: Any) -> list[Kind]:
    """Return the orders this person may give for a list."""
    if not user.has_perm("logins.view_login"):
        return []
    return [KINDS[purpose] for purpose in ORDERED if may(user, KINDS[purpose].permission)]


def view(request: HttpRequest) -> HttpResponseBase:
    """Show the form; with a list, what it names; as CSV when that was asked for."""
    kinds = kinds_for(request.user)
    if not kinds:
        raise PermissionDenied
    by_action = {kind.action: kind for kind in kinds}
    kind = by_action.get(request.POST.get("order", ""), kinds[0])
    if request.method != "POST":
        return _page(request, kinds, kind)
    text = request.POST.get("words", "")
    try:
        uploaded = _uploaded(request)
        found = _matched(request, kind, uploaded or text)
        text = uploaded or text
    except Unreadable as refusal:
        return _page(request, kinds, kind, text=text, error=str(refusal))
    if request.POST.get("answer") == "csv":
        details = {"what": "match of a list", "as": "csv"}
        tell(request, Action.EXPORT, number=len(found.keys), details=details)
        rows = _table(found, kind, request.user)
        return csv_response(rows, filename=dated_name("match", kind.action, ending="csv"))
    return _page(request, kinds, kind, text=text, found=found)


def _uploaded(request: HttpRequest) -> str:
    file = request.FILES.get("file")
    if file is None:
        return ""
    return text_of(file.read(SIZE_CAP + 1))


def _matched(request: HttpRequest, kind: Kind, text: str) -> Match:
    found = match(
        text,
        logins=logins_of(request.user),
        customers=seen_by(request.user, Customer.objects.all()),
        canonical=wiring.CANONICAL,
        done=kind.skips,
    )
    if len(found.keys) > MOST_LOGINS:
        raise Unreadable(
            f"The list names {len(found.keys)} logins, more than {MOST_LOGINS}. Give it in parts."
        )
    return found


def _page(
    request: HttpRequest,
    kinds: list[Kind],
    kind: Kind,
    *,
    text: str = "",
    error: str = "",
    found: Match | None = None,
) -> TemplateResponse:
    parts = _parts(found, kind, request.user) if found else []
    context = {
        **admin.site.each_context(request),
        "title": "Give a list",
        "kinds": kinds,
        "kind": kind,
        "text": text if len(text) <= SENT_BACK else "",
        "error": error,
        "found": found,
        "parts": parts,
        "keys": ",".join(map(str, found.keys)) if found else "",
        "order_url": reverse("admin:logins_login_changelist"),
        "megabytes": SIZE_CAP // 1024 // 1024,
    }
    status = 400 if error else 200
    return TemplateResponse(request, "console/paste.html", context, status=status)


def titles(kind: Kind, user: Any) -> dict[Ends, tuple[str, str]]:
    """Return the heading of each class and what it means, for an order and a reader.

    Who sees only their own customers reads one class for what is not there and what is not theirs:
    two would tell them that somebody else's row exists.
    """
    whole = sees_everything(user)
    return {
        Ends.FOUND: ("Found", "These go on to the confirmation."),
        Ends.ALREADY: _left_out(kind),
        Ends.DUPLICATE: ("Duplicate", "They stand, or their logins stand, further up: once only."),
        Ends.EMPTY: ("Without logins", "Customers of the register that have no login."),
        Ends.UNKNOWN: (
            ("Unknown", "No login and no customer of the register is called so.")
            if whole
            else ("Unknown, or not yours", "None of your customers and logins is called so.")
        ),
    }


def _left_out(kind: Kind) -> tuple[str, str]:
    """Return the heading of what the order leaves out and why: of several causes each below it."""
    causes = [why for _, why in kind.causes if why]
    if len(causes) > 1:
        return "Left out", f"For one of these causes: {'; '.join(causes)}."
    return kind.skips_because.capitalize() or "Done", "Left out."


def _parts(found: Match, kind: Kind, user: Any) -> list[Part]:
    named = titles(kind, user)
    first = {ends: found.named(ends)[:SHOWN] for ends in Ends}
    known = _what_they_are([word for words in first.values() for word in words])
    return [
        Part(
            ends,
            *named[ends],
            found.counts[ends],
            [(word, _about(word, known)) for word in first[ends]],
        )
        for ends in named
        if found.counts[ends] or ends is Ends.FOUND
    ]


def _what_they_are(words: list[Word]) -> dict[int, Login]:
    """Fetch the first login of each word, to name its customer and bank."""
    keys = {word.logins[0] for word in words if word.logins}
    return Login.objects.select_related("customer").in_bulk(list(keys))


def _about(word: Word, known: dict[int, Login]) -> str:
    if word.above:
        return f"as on line {word.above}"
    login = known.get(word.logins[0]) if word.logins else None
    if login is None:
        return ""
    number = len(word.logins)
    one = login.institution or "an unknown bank"
    said = f"{login.customer}: {one if number == 1 else f'{number} logins'}"
    return f"{said}; {word.already} more done already" if word.already else said


def _table(found: Match, kind: Kind, user: Any) -> Iterator[tuple[object, ...]]:
    """Yield the whole match as rows of a table, the header first."""
    named = titles(kind, user)
    yield ("line", "word", "match", "logins", "done_already", "as_on_line")
    for word in found.words:
        yield (
            word.line,
            word.text,
            named[word.ends][0],
            len(word.logins),
            word.already,
            word.above or "",
        )


def tools_for(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the link to this page for those who may use it."""
    return [("Give a list…", reverse("admin:login_list"))] if kinds_for(request.user) else []
