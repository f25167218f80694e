"""Calls go by age alone."""

import gc
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from refreshops.tracing import recorder, retention
from refreshops.tracing.models import Call
from tests.builders import NOON

pytestmark = pytest.mark.django_db


def make_call(*, at, **fields):
    usual = {
        "provider": "flinks",
        "endpoint": "Authorize",
        "method": "POST",
        "url": "https://provider/v3/[customer]/BankingServices/Authorize",
        "body": {"LoginId": "x"},
        "login_id": "x",
        "institution": "",
        "run_id": 1,
        "attempt_id": 1,
    }
    return recorder.write_down(recorder.Intent(**(usual | fields)), now=at)


def test_only_calls_older_than_the_day_go():
    for days in (0, 1, 91, 92, 93, 200):
        make_call(at=NOON - timedelta(days=days))

    deleted = retention.prune(before=NOON - timedelta(days=90))

    assert deleted == 4
    assert Call.objects.count() == 2


@pytest.mark.parametrize(
    ("seconds_a_row", "steps"),
    [
        pytest.param(0, [5, 10, 20, 40, 80, 25], id="as-many-again-while-it-is-quick"),
        pytest.param(0.00008, [5, 10, 20, 40, *[50] * 4, 30], id="to-measure"),
        pytest.param(1, [*[5] * 8, 2], id="never-fewer-than-a-few"),
    ],
)
def test_a_step_of_the_deletion_is_as_long_as_a_new_row_can_wait(seconds_a_row, steps):
    for _ in range(sum(steps)):
        make_call(at=NOON)
    left, rests = [sum(steps)], []

    def stopwatch():
        """Tell a time that goes on with the deletion alone."""
        return (left[0] - Call.objects.count()) * seconds_a_row

    def rest(seconds):
        rests.append(seconds)
        left.append(Call.objects.count())

    deleted = retention.delete_in_steps(Call.objects.order_by("pk"), rest=rest, stopwatch=stopwatch)

    assert deleted == sum(steps)
    assert [before - after for before, after in pairwise(left)] == steps
    assert rests == [retention.REST_S] * len(steps)


def test_the_command_says_how_many(capsys):
    make_call(at=timezone.now() - timedelta(days=10))
    make_call(at=timezone.now())

    call_command("prune_calls", "--days", "7")

    assert "1 calls older than 7 days deleted" in capsys.readouterr().out


def test_todays_evidence_cannot_be_pruned():
    with pytest.raises(CommandError, match="at least 1"):
        call_command("prune_calls", "--days", "0")


def test_a_call_is_completed_once_and_never_again():
    call = make_call(at=NOON)
    answer = {
        "http_status_code": 200,
        "provider_code": "",
        "message": "",
        "request_id": "r",
        "institution": "BMO",
        "answer": {},
    }

    first = recorder.answered(call, at=NOON, **answer)
    second = recorder.not_answered(call, at=NOON, error="too late")

    assert (first, second) == (True, False)
    assert Call.objects.get().state == "answered"


def test_only_calls_in_flight_are_cut_off():
    done, left = make_call(at=NOON), make_call(at=NOON)
    recorder.not_answered(done, at=NOON, error="reset")

    cut = recorder.cut_off(attempt_id=1, at=NOON, error="the worker stopped")

    assert cut == 1
    assert dict(Call.objects.values_list("pk", "error")) == {
        done: "reset",
        left: "the worker stopped",
    }


def _delete_in_two_steps():
    """By a stopwatch that stands: no step counts as slow, whatever else the machine does."""
    retention.delete_in_steps(
        Call.objects.order_by("pk"), rest=lambda seconds: None, stopwatch=lambda: 0.0
    )


@pytest.mark.django_db(transaction=True)
def test_a_deletion_carries_its_own_log_into_the_database_after_each_step():
    for _ in range(12):
        make_call(at=NOON)

    with CaptureQueriesContext(connection) as queries:
        _delete_in_two_steps()

    said = [row["sql"].split()[0] for row in queries.captured_queries]
    steps = [word for word in said if word in ("DELETE", "PRAGMA")]
    tidied = ["PRAGMA"] if connection.vendor == "sqlite" else []
    assert steps == ["DELETE", *tidied] * 2


@pytest.mark.parametrize("was_on", [True, False], ids=["on", "off"])
def test_no_garbage_is_collected_while_a_step_keeps_others_from_writing(was_on):
    for _ in range(12):
        make_call(at=NOON)
    during = []

    def watch(execute, sql, params, many, context):
        if sql.startswith("DELETE"):
            during.append(gc.isenabled())
        return execute(sql, params, many, context)

    (gc.enable if was_on else gc.disable)()
    try:
        with connection.execute_wrapper(watch):
            _delete_in_two_steps()
        after = gc.isenabled()
    finally:
        gc.enable()

    assert during == [False, False]
    assert after is was_on


def test_a_step_that_fails_leaves_garbage_collection_on():
    make_call(at=NOON)

    def fail(execute, sql, params, many, context):
        if sql.startswith("DELETE"):
            raise OSError("the disk is full")
        return execute(sql, params, many, context)

    with pytest.raises(OSError, match="full"), connection.execute_wrapper(fail):
        _delete_in_two_steps()

    assert gc.isenabled()
