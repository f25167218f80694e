"""A provider that goes away in the middle of orders: they survive and end as it truly is."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from refreshops.logins.models import Login, PauseKind, Provider
from refreshops.providers.contract import Answer, Call, NoAnswer
from refreshops.providers.flinks import Flinks
from refreshops.routine import engine, lanes, services
from refreshops.routine.models import Attempt, Run
from refreshops.tracing.models import Event
from tests.builders import NOON, FakeClock, make_logins, make_provider
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db

CUSTOMER_ID = "43387ca6-0391-4c82-857d-70d95f087ecb"


class Unsteady(Flinks):
    """Flinks with a flag for each login, away between two moments.

    `deaf` says that it does not even act while it is away; else it acts, and its answer is lost.
    """

    def __init__(self, clock: FakeClock, *, away_from, away_for, deaf: bool) -> None:
        super().__init__(api_url="http://127.0.0.1:9/v3/", customer_id=CUSTOMER_ID)
        self.clock = clock
        self.away = (away_from, away_from + away_for)
        self.deaf = deaf
        self.on: dict[str, bool] = {}
        self.orders: list[str] = []

    def send(self, call: Call) -> Answer:
        away = self.away[0] <= self.clock() < self.away[1]
        if not (away and self.deaf) and call.endpoint == "SetScheduledRefresh":
            self.on[call.body["loginId"]] = call.body["isActivated"]
            self.orders.append(call.body["loginId"])
        if away:
            raise NoAnswer("connection refused")
        if call.endpoint == "SetScheduledRefresh":
            return Answer(200, f"{call.body['loginId']} has been deactivated")
        login_id = call.body["LoginId"]
        login = {"Id": login_id, "IsScheduledRefresh": self.on.get(login_id, True)}
        return Answer(200, {"HttpStatusCode": 200, "RequestId": "r", "Login": login})


def lane_story() -> list[str]:
    """Return what was told of the provider, oldest first."""
    told = Event.objects.filter(subject="provider").order_by("at", "pk")
    return list(told.values_list("action", flat=True))


@pytest.mark.parametrize(
    ("away_for", "deaf"),
    [
        pytest.param(timedelta(hours=1), True, id="an-hour-doing-nothing"),
        pytest.param(timedelta(hours=1), False, id="an-hour-acting-unheard"),
        pytest.param(timedelta(hours=30), False, id="a-day-and-more"),
    ],
)
def test_an_order_outlives_a_provider_that_is_away(make_desk, clock, away_for, deaf):
    make_logins(12, nightly="on")
    flinks = Unsteady(clock, away_from=NOON + WINDOW, away_for=away_for, deaf=deaf)
    desk = make_desk(flinks, limit=5)
    (opened,) = services.switch(
        logins=Login.objects.all(),
        on=False,
        by=None,
        reason="They left",
        now=clock(),
        local_date=clock().date(),
        window=WINDOW,
    )

    while clock() < flinks.away[1] + timedelta(hours=1):
        engine.tend(desk)
        drain(desk)
        assert not Login.objects.filter(
            nightly="off", login_id__in=[key for key, on in flinks.on.items() if on]
        ).exists()
        clock.move(minutes=1 if clock() < NOON + timedelta(hours=1) else 6)

    assert Run.objects.get(pk=opened.run.pk).state == "closed"
    assert Provider.objects.get().paused_at is None
    assert set(flinks.on.values()) == {False}
    assert set(Login.objects.values_list("nightly", flat=True)) == {"off"}
    assert not Login.objects.filter(nightly_verified_at=None).exists()
    assert set(Attempt.objects.values_list("outcome", "verified")) == {("fresh", True)}
    # However long it was away and however often it was looked for: it went, and it came back.
    assert lane_story() == ["pause_provider", "resume_provider"]
    # Nobody is ordered again and again while it is away: the probes are few.
    assert len(flinks.orders) <= 12 + away_for / timedelta(minutes=5) + 5


class TestTheStoryOfAPause:
    """A try that fails again adds nothing to the story; one that holds is told, and people are."""

    @pytest.fixture
    def lane(self, clock):
        pk = make_provider().pk

        def stop(kind=PauseKind.KEYS, *, minutes=15):
            until = clock() + timedelta(minutes=minutes)
            lanes.pause(provider_id=pk, kind=kind, why="refused", now=clock(), resume_at=until)

        def go_on(minutes):
            clock.move(minutes=minutes)
            lanes.resume_when_due(provider_id=pk, now=clock())
            return Provider.objects.get()

        return stop, go_on

    def test_a_pause_that_comes_back_is_told_once(self, lane):
        stop, go_on = lane
        for _ in range(20):
            stop()
            assert go_on(15).paused_at is None

        assert lane_story() == ["pause_provider"]

    def test_a_try_that_held_is_told_with_the_time_it_began(self, lane, clock):
        stop, go_on = lane
        stop()
        go_on(15)
        tried_at = clock()
        go_on(9)
        early = lane_story()

        row = go_on(1)
        go_on(30)

        assert (early, lane_story()) == (["pause_provider"], ["pause_provider", "resume_provider"])
        assert Event.objects.get(action="resume_provider").at == tried_at
        assert (row.resume_at, row.paused_kind) == (None, "")

    def test_after_one_that_held_the_next_pause_is_news(self, lane):
        stop, go_on = lane
        stop()
        go_on(15)
        go_on(10)
        stop()

        assert lane_story() == ["pause_provider", "resume_provider", "pause_provider"]

    def test_another_cause_is_news(self, lane):
        stop, go_on = lane
        stop()
        go_on(15)
        stop(PauseKind.THROTTLED, minutes=1)

        assert Event.objects.count() == 2
        assert Event.objects.latest("pk").details == {"kind": "too many requests"}

    def test_an_answer_after_silence_is_told_at_once(self, lane, clock):
        stop, go_on = lane
        stop(PauseKind.NETWORK, minutes=5)
        assert go_on(5).silences == lanes.SILENCES_BEFORE_PAUSE - 1
        lanes.note_answer(provider_id=Provider.objects.get().pk)
        go_on(0)

        assert lane_story() == ["pause_provider", "resume_provider"]

    def test_people_are_told_whatever_is_on_trial(self, lane, clock):
        stop, go_on = lane
        stop()
        row = go_on(15)
        services.pause_provider(row, by=None, why="maintenance", now=clock())
        services.resume_provider(row, by=None, now=clock())
        row = go_on(30)

        assert lane_story() == ["pause_provider", "pause_provider", "resume_provider"]
        assert (row.paused_at, row.resume_at, row.paused_kind) == (None, None, "")

    def test_a_round_that_finds_nothing_writes_nothing(self, lane):
        _, go_on = lane

        with CaptureQueriesContext(connection) as queries:
            go_on(0)

        assert {row["sql"].split()[0] for row in queries.captured_queries} == {"SELECT"}
