"""Support bundles: what goes into one is shown first, then handed out as a zip."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import file_digest
from typing import IO, Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from refreshops import wiring
from refreshops.console.bundle_source import Source, source_of, source_of_cell
from refreshops.console.confirm import reason_of
from refreshops.console.exports import dated_name, zip_response
from refreshops.console.scoping import sees_how_much_bank_data
from refreshops.console.story import tell
from refreshops.logins.cells import csv_chunks
from refreshops.rules.lifecycle import CallState
from refreshops.rules.outcomes import Outcome
from refreshops.tracing import bundle
from refreshops.tracing.bundle import WHY_REMOVED
from refreshops.tracing.events import Action
from refreshops.tracing.handing_out import LABELS, Case
from refreshops.tracing.models import Call

PERMISSION = "tracing.bundle_call"
SHOWN = 10
READ_AT_ONCE = 50
FILES = (
    ("ticket.txt", "The text to paste into a ticket, with what we expected instead."),
    ("timeline.csv", "Every call, and how each attempt ended, in order."),
    ("calls/*.json", "Each call with its parameters and the answer’s listed fields."),
    ("manifest.json", "Each file’s SHA-256, what was removed and why, what was left out."),
)

methods = require_http_methods(["GET", "HEAD", "POST"])


@methods
def of_row(request: HttpRequest, kind: str, pk: int) -> HttpResponseBase:
    """Offer and make the bundle of a call, login, attempt or run."""
    _check_may(request)
    return _answer(request, source_of(request.user, kind, pk))


@methods
def of_cell(request: HttpRequest) -> HttpResponseBase:
    """Offer and make the bundle of a matrix cell, a run's or the index page's."""
    _check_may(request)
    return _answer(request, source_of_cell(request.user, request.GET.dict()))


def _check_may(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _answer(request: HttpRequest, source: Source | None) -> HttpResponseBase:
    if source is None:
        raise Http404("bundle")
    if request.method == "POST" and source.calls:
        return _made(request, source)
    words = wiring.ticket_words(source.provider, amounts=sees_how_much_bank_data(request.user))
    context = {
        **admin.site.each_context(request),
        "title": "Support bundle",
        "source": source,
        "provider": words.title,
        "logins": len({call.login_id for call in source.calls if call.login_id}),
        "first": source.calls[0] if source.calls else None,
        "last": source.calls[-1] if source.calls else None,
        "shown": _worst_first(source)[:SHOWN],
        "not_shown": max(0, len(source.calls) - SHOWN),
        "files": FILES,
        "removed": WHY_REMOVED.items(),
    }
    return TemplateResponse(request, "console/bundle.html", context)


def _worst_first(source: Source) -> list[Call]:
    """Return the calls as the page shows some of them: those that failed, then the others of
    attempts that did, each the newest first.
    """
    failed = {row.attempt_id for row in source.endings if row.outcome != Outcome.FRESH}

    def rank(call: Call) -> int:
        if call.state == CallState.NO_ANSWER or (call.http_status_code or 0) >= 400:
            return 0
        return 1 if call.attempt_id in failed else 2

    newest_first = source.calls[::-1]
    return sorted(newest_first, key=rank)


def _made(request: HttpRequest, source: Source) -> HttpResponseBase:
    with ExitStack() as closing:
        file = closing.enter_context(tempfile.TemporaryFile())
        _write(file, request, source)
        file.seek(0)
        _tell(request, source, sha256=file_digest(file, "sha256").hexdigest())
        closing.pop_all()  # the answer closes it
    parts = [source.kind, source.row.pk] if source.row else [source.kind]
    return zip_response(file, filename=dated_name("support", *parts, ending="zip"))


def _write(file: IO[bytes], request: HttpRequest, source: Source) -> None:
    case = Case(
        subject=source.subject,
        environment=wiring.environment_label(source.provider),
        made_at=wiring.clock(),
        rule=source.rule,
        left_out=source.left_out,
        salt=secrets.token_bytes(32),
        names=_names_at(source.provider),
    )
    bundle.write(
        file,
        case=case,
        calls=_whole(source.calls),
        endings=source.endings,
        words=wiring.ticket_words(source.provider, amounts=sees_how_much_bank_data(request.user)),
        table=csv_chunks,
    )


def _names_at(provider: str) -> dict[str, str]:
    """Return what a provider's support calls the ids and the code, by our labels."""
    theirs = wiring.words(provider)
    return {
        LABELS["login_id"]: theirs.login_id,
        LABELS["request_id"]: theirs.request_id,
        LABELS["provider_code"]: theirs.code,
    }


def _whole(calls: list[Call]) -> Iterator[Call]:
    """Yield the calls with their bodies, a few in memory at a time."""
    for start in range(0, len(calls), READ_AT_ONCE):
        numbers = [call.pk for call in calls[start : start + READ_AT_ONCE]]
        found = Call.objects.in_bulk(numbers)
        # Retention may have taken one meanwhile.
        yield from (found[number] for number in numbers if number in found)


@transaction.atomic
def _tell(request: HttpRequest, source: Source, *, sha256: str) -> None:
    """Note in the story, and in the row's own history, that a bundle was made."""
    row: Any = source.row
    # Who asks what was handed out about them finds it by these: no more than a bundle holds.
    about = {"logins": source.logins} if source.logins else {}
    tell(
        request,
        Action.BUNDLE,
        reason=reason_of(request),
        number=len(source.calls),
        run_id=source.run_id,
        provider=source.provider,
        subject=(source.kind, row.pk) if row else None,
        details={"what": source.kind, **source.details, **about, "sha256": sha256},
    )
    if row:
        number = len(source.calls)
        LogEntry.objects.create(
            user_id=int(request.user.pk or 0),
            content_type=ContentType.objects.get_for_model(row),
            object_id=str(row.pk),
            object_repr=f"{source.kind.capitalize()} {row.pk}",
            action_flag=CHANGE,
            change_message=f"Made a support bundle of {number} call{'' if number == 1 else 's'}.",
        )
