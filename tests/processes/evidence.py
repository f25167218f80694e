"""Comparing the two logs: what the simulator saw, and what our trace says."""

from bisect import bisect_left
from collections import Counter
from typing import Any

from tests.installation import Installation
from tests.simulation import Simulator

NAMELESS = ("GenerateAuthorizeToken", "GetNightlyRefreshStatus", "token", "credentials/list")
PACED = ("Authorize", "SetScheduledRefresh", "DeleteCard")


def starts(lines: list[dict[str, Any]]) -> list[float]:
    """Return when the paced calls arrived at the simulator, in order."""
    return sorted(line["arrived"] for line in lines if line["endpoint"] in PACED)


def fullest_window(arrivals: list[float], *, window_s: float) -> int:
    """Return the most calls that any half-open window of `window_s` holds."""
    return max(
        (bisect_left(arrivals, at + window_s) - index for index, at in enumerate(arrivals)),
        default=0,
    )


def quota_used(arrivals: list[float], *, limit: int, window_s: float) -> float:
    """Return the time of the best legal schedule divided by the time taken."""
    ideal = ((len(arrivals) - 1) // limit) * window_s
    return ideal / (arrivals[-1] - arrivals[0])


def assert_one_to_one(place: Installation, simulator: Simulator) -> None:
    """Every request has a row, in the same order per login; a row without one says "no answer".

    The trace may hold calls that never left (the worker died between the commit and the send), and
    those are closed as unanswered; the simulator may hold nothing that the trace lacks.
    """
    seen: dict[str, list[str]] = {}
    for line in sorted(simulator.log_lines(), key=lambda line: line["arrived"]):
        seen.setdefault(line["login_id"] or "", []).append(line["endpoint"])
    traced: dict[str, list[tuple[str, str]]] = {}
    rows = place.rows("SELECT login_id, endpoint, state FROM tracing_call ORDER BY id")
    for login_id, endpoint, state in rows:
        key = "" if endpoint in NAMELESS else login_id
        traced.setdefault(key, []).append((endpoint, state))
    assert not [row for row in rows if row[2] == "sent"], "a call was left in flight"
    # Those without a login are compared below: where no key is set, no call of ours is one.
    assert not seen.keys() - traced.keys() - {""}
    for login_id, told in traced.items():
        if login_id:
            _assert_same_order(told, seen.get(login_id, []), login_id)
    _assert_nameless_are_traced(seen.get("", []), rows)


def _assert_nameless_are_traced(seen: list[str], rows: list[tuple[Any, ...]]) -> None:
    """Requests without a login: tokens and the report, or one cut off before its body was there.

    The latter is a kill in the middle of sending; its row must be one of those without an answer.
    """
    heard = Counter(seen)
    for endpoint in heard:
        told = [state for _, name, state in rows if name == endpoint]
        if endpoint not in NAMELESS:
            told = [state for state in told if state == "no_answer"]
        assert heard[endpoint] <= len(told), f"{heard[endpoint]} times {endpoint}, told {told}"


def _assert_same_order(told: list[tuple[str, str]], heard: list[str], login_id: str) -> None:
    everything = [endpoint for endpoint, _ in told]
    answered = [endpoint for endpoint, state in told if state == "answered"]
    what = f"{login_id}: the simulator saw {heard}, the trace says {told}"
    assert _is_part_of(heard, everything), what
    assert _is_part_of(answered, heard), what


def _is_part_of(few: list[str], many: list[str]) -> bool:
    """Tell whether `few` stands in `many` in the same order."""
    rest = iter(many)
    return all(one in rest for one in few)


def assert_everything_ended_once(place: Installation, *, planned: int) -> None:
    """Invariant I1: each login ends in exactly one terminal state, nothing is left running."""
    states = place.rows(
        "SELECT state, count(*) FROM routine_attempt WHERE login_id IS NOT NULL GROUP BY state"
    )
    assert states == [("done", planned)]
    assert place.rows("SELECT DISTINCT state FROM routine_run") == [("closed",)]
