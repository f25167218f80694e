"""Receipts as files: one CSV row a login, or one JSON document with every call, made row by row."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from refreshops.logins.cells import Row, visible
from refreshops.routine.models import Run
from refreshops.routine.receipt_lines import LONGEST_WORDS, Line, orderer, person
from refreshops.routine.receipts import Receipt
from refreshops.routine.standing import Standing
from refreshops.tracing.models import Call

COLUMNS = (
    "order",
    "purpose",
    "provider",
    "customer",
    "customer_name",
    "institution",
    "login_id",
    "standing",
    "ordered_at",
    "ordered_by",
    "reason",
    "begins_at",
    "approved_at",
    "approved_by",
    "accepted",
    "accepted_at",
    "accepted_http_status_code",
    "accepted_provider_code",
    "accepted_words",
    "accepted_call",
    "verified",
    "verified_at",
    "verified_words",
    "verified_call",
    "order_calls",
    "read_backs",
    "next_try_at",
    "ended_at",
    "provider_code",
    "note",
    "fingerprint",
)


def csv_rows(receipts: Iterable[Receipt]) -> Iterator[Row]:
    """Yield the header and a row for each receipt; times are datetimes, texts as they came."""
    yield COLUMNS
    for receipt in receipts:
        facts = facts_of(receipt)
        yield [facts[column] for column in COLUMNS]


def json_document(
    run: Run,
    receipts: Iterable[Receipt],
    *,
    environment: str,
    totals: dict[Standing, int],
    made_at: datetime,
) -> Iterator[str]:
    """Yield one JSON object: the order's facts, its totals, and `logins` with all their calls."""
    head = order_facts(run) | {
        "environment": environment,
        "made_at": made_at,
        "totals": {standing.value: number for standing, number in totals.items()},
    }
    yield f'{_json(head)[:-1]}, "logins": ['
    between = "\n"
    for receipt in receipts:
        calls = [call_facts(call) for call in receipt.calls]
        yield f"{between}{_json(facts_of(receipt) | {'calls': calls})}"
        between = ",\n"
    yield "\n]}\n"


def order_facts(run: Run) -> dict[str, Any]:
    """Return what is the same for every login of an order."""
    approver = person(run.approved_by, unknown="") if run.approved_at else ""
    return {
        "order": run.pk,
        "purpose": run.purpose,
        "provider": run.provider.name,
        "ordered_at": run.opened_at,
        "ordered_by": orderer(run),
        "reason": visible(run.reason),
        "begins_at": run.starts_at,
        "approved_at": run.approved_at,
        "approved_by": approver,
    }


def facts_of(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as plain values by column, its `fingerprint` last."""
    attempt, login = receipt.attempt, receipt.attempt.login
    facts = order_facts(attempt.run) | {
        "customer": visible(login.customer.reference) if login else "",
        "customer_name": visible(login.customer.name) if login else "",
        "institution": visible(login.institution) if login else "",
        "login_id": login.login_id if login else "",
        "standing": receipt.standing.value,
        **_line("accepted", receipt.accepted),
        "accepted_http_status_code": _of_call(receipt.accepted, "http_status_code"),
        "accepted_provider_code": _of_call(receipt.accepted, "provider_code"),
        **_line("verified", receipt.verified),
        "order_calls": receipt.order_calls,
        "read_backs": receipt.read_backs,
        "next_try_at": receipt.next_try_at,
        "ended_at": attempt.finished_at,
        "provider_code": visible(attempt.provider_code),
        "note": receipt.note,
    }
    return facts | {"fingerprint": _fingerprint(facts, receipt.calls)}


def call_facts(call: Call) -> dict[str, Any]:
    """Return one exchange with the provider as plain values."""
    return {
        "call": call.pk,
        "sent_at": call.sent_at,
        "method": call.method,
        "endpoint": call.endpoint,
        "url": call.url,
        "body": call.body,
        "state": call.state,
        "answered_at": call.answered_at,
        "http_status_code": call.http_status_code,
        "provider_code": call.provider_code,
        "message": visible(call.message)[:LONGEST_WORDS],
        "request_id": call.request_id,
        "error": visible(call.error)[: 4 * LONGEST_WORDS],
        "answer": call.answer,
    }


def _line(name: str, line: Line) -> dict[str, Any]:
    return {
        name: line.title,
        f"{name}_at": line.at if line.state == "done" else None,
        f"{name}_words": line.words,
        f"{name}_call": line.call.pk if line.call else None,
    }


def _of_call(line: Line, field: str) -> Any:
    return getattr(line.call, field) if line.call else None


def _fingerprint(facts: dict[str, Any], calls: Iterable[Call]) -> str:
    """Return 16 hexadecimal digits that change with anything the receipt says."""
    told = _json([facts, [call_facts(call) for call in calls]])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _json(value: Any) -> str:
    # Escaped to ASCII: no mark of a foreign text can change how the document reads.
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} has no place in a receipt")
