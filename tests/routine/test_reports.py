"""A report of all that a provider holds: as of its first page, and said where it ends."""

from datetime import timedelta

import pytest

from refreshops.logins import unknown
from refreshops.logins.models import Login, LoginStatus, Provider
from refreshops.providers.contract import Answer, Ask, Call, Done, Pacing, Result, Wait
from refreshops.routine import checking, reports
from refreshops.routine.models import Attempt, Run
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome
from refreshops.tracing.models import Call as CallRow
from tests.builders import NOON, ScriptedProvider, make_login, make_provider
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db

LONG_AGO = NOON - timedelta(days=30)


class FullList:
    """Two pages, ten minutes apart; then the report."""

    gathers = False

    def __init__(self, report):
        self.report = report

    def begin(self, subject):
        return self.resume(subject, {"page": 1}, now=NOON)

    def resume(self, subject, state, *, now):
        body = {"login": subject.login_id}
        return Ask(Call("list", "POST", "list", body=body, pacing=Pacing.FREE), state)

    def heard(self, subject, state, heard, *, now):
        if state["page"] == 1:
            return Wait(now + timedelta(minutes=10), {"page": 2})
        return Done(Result(Outcome.FRESH, DataState.NONE, report=self.report))


class Listing(ScriptedProvider):
    def __init__(self, report):
        super().__init__()
        self.report = report

    def opening(self, policy):
        return FullList(self.report)

    def send(self, call):
        return Answer(200, {}) if call.endpoint == "list" else super().send(call)


def full(*ids):
    return {"complete": True, "logins": [{"login_id": one} for one in ids]}


@pytest.fixture
def ours():
    """Three logins registered long ago."""
    found = [make_login(login_id=f"ours-{number}", nightly="on") for number in range(3)]
    Login.objects.update(created_at=LONG_AGO)
    return found


@pytest.fixture
def read(make_desk, clock):
    """Read the report that says `report`; `meanwhile` happens between its two pages."""

    def run(report, meanwhile=lambda: None):
        desk = make_desk(Listing(report))
        opened = checking.check_schedule(
            provider=make_provider(),
            logins=Login.objects.none(),
            by=None,
            reason="a test",
            now=clock(),
            local_date=clock().date(),
            window=WINDOW,
            with_report=True,
        )
        drain(desk)
        clock.move(minutes=5)
        meanwhile()
        clock.move(minutes=6)
        drain(desk)
        return opened.run

    return run


def standing():
    rows = Login.objects.order_by("pk").values_list("nightly", "nightly_seen_at", "gone_at")
    return list(rows)


def test_it_counts_as_of_when_its_first_page_was_asked_for(ours, read):
    read(full("ours-0", "ours-1", "new-one"))

    asked_at = CallRow.objects.order_by("pk").values_list("sent_at", flat=True)[0]
    assert asked_at == NOON
    assert standing() == [("on", NOON, None), ("on", NOON, None), ("off", NOON, NOON)]
    assert [row.login_id for row in unknown.UnknownLogin.objects.all()] == ["new-one"]


def test_what_was_heard_between_its_pages_stays(ours, read, clock):
    def meanwhile():
        Login.objects.filter(login_id="ours-2").update(last_asked_at=clock())

    read(full("ours-0", "ours-1"), meanwhile)

    assert standing()[2] == ("on", None, None)


def test_the_run_and_the_attempt_say_what_came_of_it(ours, read):
    run = read(full("ours-0", "ours-1", "new-one"))

    kept = Run.objects.get(pk=run.pk).report["nightly"]
    assert kept == {
        "reported": 3,
        "unknown": 1,
        "dropped": 0,
        "complete": True,
        "held": 2,
        "gone": 1,
        "believed": True,
        "doubt": "",
    }
    assert Attempt.objects.get(run=run).message == (
        "The provider holds 3; 1 of them unknown here. "
        "Of ours 2 are held there, and 1 not any more."
    )


def test_a_list_that_is_not_believed_is_said_and_changes_nothing(ours, read):
    before = standing()

    run = read(full("new-one"))

    assert standing() == before
    assert not unknown.UnknownLogin.objects.exists()
    message = Attempt.objects.get(run=run).message
    assert message.startswith("The list names none of our 3 logins: nothing was changed.")
    assert [row["doubt"] for row in reports.newest()] == [message]


@pytest.mark.parametrize(
    ("state", "minutes", "believed"),
    [
        pytest.param("done", 2, False, id="deleted-while-it-was-read"),
        pytest.param("calling", None, False, id="being-deleted"),
        pytest.param("done", -2, True, id="deleted-before"),
        pytest.param("due", None, True, id="to-be-deleted"),
    ],
)
def test_a_deletion_of_ours_while_it_is_read_lets_nothing_go(ours, read, state, minutes, believed):
    def meanwhile():
        run = Run.objects.create(
            provider=make_provider(),
            purpose=Purpose.FORGET.value,
            origin="person",
            local_date=NOON.date(),
            opened_at=LONG_AGO,
        )
        ended = {"outcome": "fresh", "finished_at": NOON + timedelta(minutes=minutes or 0)}
        leased = {"lease_until": NOON + timedelta(days=1)}
        Attempt.objects.create(
            run=run,
            login=make_login(status=LoginStatus.INACTIVE),
            purpose=run.purpose,
            state=state,
            not_before=NOON + timedelta(days=1),
            **{"done": ended, "calling": leased, "due": {}}[state],
        )

    run = read(full("ours-0", "ours-1"), meanwhile)

    assert standing()[2] == (("off", NOON, NOON) if believed else ("on", None, None))
    report = Attempt.objects.get(run=run)
    assert (unknown.MOVED in report.message) is not believed


def test_a_plain_list_is_told_as_before(ours, read):
    before = standing()

    run = read([{"login_id": "new-one"}, {"login_id": "ours-0"}])

    assert standing() == before
    assert Attempt.objects.get(run=run).message == "The report names 2; 1 of them unknown here."


def test_each_providers_newest_report_is_its_own(ours, read):
    Provider.objects.create(name="flanks")
    read(full("ours-0", "ours-1", "ours-2"))

    (found,) = reports.newest()

    assert (found["provider"], found["complete"], found["doubt"]) == ("flinks", True, "")
