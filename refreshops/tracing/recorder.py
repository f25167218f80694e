"""The only writer of Call rows: written before the exchange, completed once, never edited again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from refreshops.rules.lifecycle import CallState
from refreshops.tracing import statements
from refreshops.tracing.models import Call


@dataclass(frozen=True)
class Intent:
    """A call about to be made, already redacted."""

    provider: str
    endpoint: str
    method: str
    url: str
    body: Mapping[str, Any]
    login_id: str
    institution: str
    run_id: int
    attempt_id: int


def write_down(intent: Intent, *, now: datetime) -> int:
    """Insert the row of a call that is about to be sent; return its id."""
    call = Call(
        sent_at=now,
        provider=intent.provider,
        endpoint=intent.endpoint,
        method=intent.method,
        url=intent.url[:500],
        body=dict(intent.body),
        login_id=intent.login_id,
        institution=intent.institution,
        run_id=intent.run_id,
        attempt_id=intent.attempt_id,
    )
    return statements.insert_row(call)


def answered(
    call_id: int,
    *,
    at: datetime,
    http_status_code: int | None,
    provider_code: str,
    message: str,
    request_id: str,
    institution: str,
    answer: Mapping[str, Any],
) -> bool:
    """Complete a sent call; False when somebody closed it before."""
    fields: dict[str, Any] = {
        "state": CallState.ANSWERED.value,
        "answered_at": at,
        "http_status_code": http_status_code,
        "provider_code": provider_code[:80],
        "message": message[:500],
        "request_id": request_id[:64],
        "answer": dict(answer),
    }
    if institution:
        fields["institution"] = institution[:100]
    return _close(call_id, fields)


def not_answered(
    call_id: int, *, at: datetime, error: str, http_status_code: int | None = None
) -> bool:
    """Close a sent call that got no usable answer, and say why."""
    return _close(
        call_id,
        {
            "state": CallState.NO_ANSWER.value,
            "answered_at": at,
            "http_status_code": http_status_code,
            "error": error[:2100] or "no answer",
        },
    )


def cut_off(*, attempt_id: int, at: datetime, error: str) -> int:
    """Close every call of an attempt that was left in flight by a dead worker."""
    return Call.objects.filter(attempt_id=attempt_id, state=CallState.SENT.value).update(
        state=CallState.NO_ANSWER.value, answered_at=at, error=error[:2100]
    )


def _close(call_id: int, fields: Mapping[str, Any]) -> bool:
    still_sent = {"id": call_id, "state": CallState.SENT.value}
    return statements.update_row(Call, where=still_sent, values=fields)
