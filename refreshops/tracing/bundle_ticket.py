"""The text of a support ticket: what went wrong, in the provider's own words, to be pasted."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from refreshops.tracing.handing_out import LABELS, Case, moment

# So many calls are told in full; a longer text nobody pastes.
IN_FULL = 20
SUMMARY_LINES = 20

_ID, _CODE, _STATUS = LABELS["login_id"], LABELS["provider_code"], LABELS["http_status_code"]
_AT, _MESSAGE = LABELS["sent_at"], LABELS["message"]
_WIDTH = 16

Told = dict[str, Any]


def text(*, case: Case, title: str, calls: list[Told], ends: list[Told]) -> str:
    """Return the ticket; `calls` and `ends` are lines as the timeline tells them."""
    return "\n".join(_lines(case, title, calls, ends)) + "\n"


def _lines(case: Case, title: str, calls: list[Told], ends: list[Told]) -> Iterator[str]:
    wrong = [row for row in calls if row["expected"]]
    headline = f"To the support of {title}: {case.subject}"
    yield headline
    yield "=" * len(headline)
    yield ""
    yield _pair("Environment", case.environment)
    yield _pair("Made at", moment(case.made_at))
    yield _pair("Calls", _how_many_calls(calls, case))
    if case.left_out:
        yield _pair("Left out", f"{case.left_out} ({case.rule})")
    yield "All times are UTC. The calls themselves are in calls/, all of them in timeline.csv."
    yield ""
    yield from _summary(calls)
    yield from _ends(ends)
    yield from _in_full(wrong or calls, case, wrong=bool(wrong))


def _how_many_calls(calls: list[Told], case: Case) -> str:
    if not calls:
        return "none"
    logins = len({row[_ID] for row in calls if row[_ID]})
    about = f" about {logins} {case.named(_ID)}{'' if logins == 1 else 's'}" if logins else ""
    return f"{len(calls)}{about}, {calls[0][_AT]} to {calls[-1][_AT]}"


def _summary(calls: list[Told]) -> Iterator[str]:
    counted = Counter((row["endpoint"], row[_STATUS], row[_CODE]) for row in calls)
    yield "What came back"
    for (endpoint, status, code), number in counted.most_common(SUMMARY_LINES):
        came = "no answer" if status is None else f"HttpStatusCode {status}"
        yield f"  {number:>5} x {endpoint}: {came}{f', {code}' if code else ''}"
    if len(counted) > SUMMARY_LINES:
        yield f"  and {len(counted) - SUMMARY_LINES} more kinds"
    yield ""


def _ends(ends: list[Told]) -> Iterator[str]:
    counted = Counter((row["purpose"], row["outcome"]) for row in ends)
    if counted:
        yield "How it ended for us"
        for (purpose, outcome), number in counted.most_common():
            yield f"  {number:>5} x {purpose}: {outcome}"
        yield ""


def _in_full(calls: list[Told], case: Case, *, wrong: bool) -> Iterator[str]:
    yield "What went wrong, newest first" if wrong else "The newest calls"
    yield ""
    for number, row in enumerate(reversed(calls[-IN_FULL:]), start=1):
        yield f"{number}. {row['method']} {row[LABELS['url']]}"
        for label, value in _facts(row):
            if value not in ("", None):
                yield f"   {_pair(case.named(label), value)}"
        yield ""
    if len(calls) > IN_FULL:
        yield f"And {len(calls) - IN_FULL} more like these: see timeline.csv."


def _facts(row: Told) -> list[tuple[str, Any]]:
    took = row["took_ms"]
    return [
        ("Sent at", row[_AT]),
        ("Answered", f"{row[LABELS['answered_at']]} ({took} ms)" if took is not None else ""),
        (_ID, row[_ID]),
        (LABELS["request_id"], row[LABELS["request_id"]]),
        ("Institution", row["institution"]),
        (_STATUS, row[_STATUS]),
        (_CODE, row[_CODE]),
        ("Message", row[_MESSAGE]),
        ("No answer", row["error"]),
        ("We expected", row["expected"]),
        ("File", row["file"]),
    ]


def _pair(label: str, value: object) -> str:
    return f"{label + ':':<{_WIDTH}} {value}"
