"""The receipt of a switch order: ordered, accepted by the provider, verified by a read-back.

Built from the attempt and the trace alone: a step without its evidence is never shown as done.
"""

from dataclasses import dataclass
from datetime import datetime

from refreshops.console.badges import purpose_words, reason_words
from refreshops.logins.models import Login
from refreshops.routine.models import OPEN_ATTEMPT, Attempt
from refreshops.rules.lifecycle import AttemptState, Purpose
from refreshops.rules.outcomes import Outcome
from refreshops.tracing.models import Call

SWITCHES = (Purpose.SWITCH_OFF.value, Purpose.SWITCH_ON.value)
ORDER_METHOD = "PATCH"
OK = 200

DONE, WAITING, FAILED, OPEN = "done", "waiting", "failed", "open"


@dataclass(frozen=True)
class Line:
    """One step of a receipt: how it stands, in words, when, and the call that proves it."""

    state: str
    title: str
    words: str
    at: datetime | None = None
    call: Call | None = None


@dataclass(frozen=True)
class Receipt:
    """The last switch order of a login."""

    title: str
    attempt: Attempt
    lines: list[Line]


def last_receipt(login: Login) -> Receipt | None:
    """Return the receipt of the login's last switch order, or None if there was none."""
    attempt = (
        Attempt.objects.filter(login=login, purpose__in=SWITCHES)
        .select_related("run__opened_by")
        .order_by("-pk")
        .first()
    )
    if attempt is None:
        return None
    calls = list(
        Call.objects.filter(
            login_id=login.login_id, run_id=attempt.run_id, attempt_id=attempt.pk
        ).order_by("sent_at", "pk")
    )
    lines = [_ordered(attempt), _accepted(attempt, calls), _verified(attempt, calls)]
    return Receipt(purpose_words(attempt.purpose), attempt, lines)


def _ordered(attempt: Attempt) -> Line:
    run = attempt.run
    who = run.opened_by.get_username() if run.opened_by else "the schedule"
    return Line(DONE, f"Ordered by {who}", run.reason, at=run.opened_at)


def _accepted(attempt: Attempt, calls: list[Call]) -> Line:
    sent = [call for call in calls if call.method == ORDER_METHOD]
    yes = [call for call in sent if call.http_status_code == OK and not call.provider_code]
    if yes:
        return _answered_yes(attempt, yes[-1])
    last = sent[-1] if sent else None
    if attempt.state == AttemptState.CANCELLED:
        return Line(FAILED, "Not sent", attempt.message or "The order was called off.")
    if attempt.state in OPEN_ATTEMPT:
        words = _why(last) if last else "The provider has not been told yet."
        return Line(WAITING, "Not accepted yet", words, call=last)
    if attempt.verified:
        return Line(OPEN, "Answer not received", _why(last), call=last)
    return Line(FAILED, "Not accepted", _why(last) or attempt.message, call=last)


def _answered_yes(attempt: Attempt, call: Call) -> Line:
    words = call.message or "HTTP 200"
    ended_otherwise = attempt.state == AttemptState.DONE and attempt.outcome != Outcome.FRESH
    if ended_otherwise:
        return Line(OPEN, "Answered by the provider", words, at=call.answered_at, call=call)
    return Line(DONE, "Accepted by the provider", words, at=call.answered_at, call=call)


def _why(call: Call | None) -> str:
    if call is None:
        return ""
    return call.error or " ".join(filter(None, (call.provider_code, call.message)))


def _verified(attempt: Attempt, calls: list[Call]) -> Line:
    if attempt.verified:
        return Line(
            DONE,
            "Verified by a read-back",
            "A separate call read the provider's flag, and it agrees.",
            at=attempt.finished_at,
            call=_last_read_back(calls),
        )
    if attempt.state in OPEN_ATTEMPT:
        return _still_open(attempt)
    if attempt.state == AttemptState.CANCELLED:
        return Line(FAILED, "Not verified", "The order was called off.")
    if attempt.outcome == Outcome.FRESH:
        words = "The provider accepted the order; its flag could not be read back."
        return Line(OPEN, "Not verified by a read-back", words, call=_last_read_back(calls))
    why = reason_words(attempt.outcome_reason) or attempt.message
    return Line(FAILED, "Unconfirmed", f"{why}. Order it again to try once more.".lstrip(". "))


def _still_open(attempt: Attempt) -> Line:
    if attempt.waits_for:
        return Line(WAITING, "Unconfirmed, next try", attempt.waits_for, at=attempt.not_before)
    return Line(WAITING, "Not verified yet", "Comes right after the provider's answer.")


def _last_read_back(calls: list[Call]) -> Call | None:
    read = [call for call in calls if call.method != ORDER_METHOD and "Authorize" in call.endpoint]
    return next((call for call in reversed(read) if call.endpoint == "Authorize"), None)
