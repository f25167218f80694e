"""The cells of an ended run: the same numbers as its attempts give, for as long as these do."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from refreshops.logins.models import Login
from refreshops.providers.contract import Result
from refreshops.routine import cells, ended, engine, learning, tasks
from refreshops.routine.models import Attempt, Run, RunCells
from refreshops.routine.tallies import tally_closely
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome
from tests.builders import make_login, make_provider
from tests.routine.conftest import drain

pytestmark = pytest.mark.django_db

BANKS = ("TD", "TD", "RBC", "")
CODES = ("", "INVALID_LOGIN", "RETRY_LATER", "")
OUTCOMES = ("fresh", "user_action", "institution_unavailable", "unknown")


@pytest.fixture
def run(make_desk, open_today):
    """A run that has ended: of four logins at two banks and one unknown bank."""
    for number, bank in enumerate(BANKS):
        make_login(login_id=f"login-{number}", institution=bank)
    run = open_today()
    drain(make_desk())
    rows = Attempt.objects.filter(run=run, login__isnull=False).order_by("login_id")
    for row, code, outcome in zip(rows, CODES, OUTCOMES, strict=True):
        Attempt.objects.filter(pk=row.pk).update(provider_code=code, outcome=outcome)
    engine.tend(make_desk())
    run.refresh_from_db()
    assert run.state == "closed"
    return run


def counted(run):
    """Return what the attempts themselves say."""
    return tally_closely(Attempt.objects.all(), run=run.pk)


def told(tally):
    return (
        tally.done,
        tally.cancelled,
        dict(tally.outcomes),
        dict(tally.data_states),
        sorted(tally.cells),
    )


def test_an_ended_run_keeps_what_counting_its_attempts_gives(run):
    assert told(cells.kept(run)) == told(counted(run))
    assert ("TD", "INVALID_LOGIN", "user_action", 1) in cells.kept(run).cells


def test_what_is_kept_is_read_without_a_look_at_attempts(run):
    with CaptureQueriesContext(
        connection,
    ) as asked:
        cells.kept(run)

    assert len(asked) == 1
    assert "routine_attempt" not in asked[0]["sql"]


def test_an_open_run_keeps_nothing(open_today):
    make_login()

    assert cells.kept(open_today()) is None


@pytest.mark.parametrize("state", ["due", "calling"])
def test_a_run_that_still_waits_for_a_late_answer_is_counted(run, state):
    run.totals[state] = 1

    assert cells.kept(run) is None


def test_a_bank_that_is_learned_later_is_counted_anew(run, clock):
    login = Login.objects.get(institution="")
    attempt = Attempt.objects.create(
        run=Run.objects.create(
            provider=run.provider,
            purpose=Purpose.REFRESH.value,
            origin="person",
            local_date=run.local_date,
            opened_at=clock(),
        ),
        login=login,
        purpose=Purpose.REFRESH.value,
        state="calling",
        not_before=clock(),
        lease_until=clock() + timedelta(minutes=1),
    )

    heard = Result(Outcome.UNKNOWN, DataState.NONE, institution="Tangerine")
    learning.finish(attempt, heard, sealed=None, now=clock())

    assert cells.kept(run) is None
    assert ("Tangerine", "", "unknown", 1) in counted(run).cells


def test_an_import_that_renames_a_bank_has_all_runs_counted_anew(run, tmp_path):
    login = Login.objects.get(login_id="login-2")
    file = tmp_path / "logins.csv"
    file.write_text(f"login_id,customer,institution\n{login.login_id},C-1,Royal\n")
    Login.objects.filter(pk=login.pk).update(login_id="43387ca6-0391-4c82-857d-70d95f087ecb")
    login.refresh_from_db()
    reference = login.customer.reference
    file.write_text(f"login_id,customer,institution\n{login.login_id},{reference},Royal\n")

    call_command("import_logins", str(file), verbosity=0)

    assert cells.kept(run) is None


def test_runs_without_the_login_keep_their_cells(run):
    stranger = make_login(login_id="stranger")

    cells.forget(login_id=stranger.pk)

    assert cells.kept(run) is not None


def test_the_cells_outlive_the_attempts_but_are_not_drawn_without_them(run, clock):
    ended.prune(before=clock() + timedelta(days=1))

    assert not Attempt.objects.filter(run=run).exists()
    assert cells.kept(run) is None
    assert RunCells.objects.get(run=run).cells != []


def test_runs_whose_attempts_stay_keep_their_cells(run):
    ended.prune(before=run.opened_at)

    assert cells.kept(run) is not None


def test_a_night_makes_up_for_runs_without_cells(run):
    before = told(cells.kept(run))
    RunCells.objects.all().delete()

    tasks.prune()

    assert told(cells.kept(run)) == before
    assert cells.count_again() == 0


def test_a_run_of_which_attempts_are_gone_is_not_drawn_from_the_rest(run):
    RunCells.objects.all().delete()
    Attempt.objects.filter(run=run, outcome="fresh").delete()

    cells.count_again()

    assert cells.kept(run) is None
    assert cells.count_again() == 0


def test_the_provider_as_a_whole_is_in_no_cell(run, clock):
    Attempt.objects.create(
        run=run,
        purpose=Purpose.REFRESH.value,
        state="done",
        outcome="fresh",
        not_before=clock(),
        finished_at=clock(),
    )

    learning.keep_totals(run.pk)
    run.refresh_from_db()

    assert sum(number for *_, number in cells.kept(run).cells) == len(BANKS)
    assert make_provider() == run.provider
