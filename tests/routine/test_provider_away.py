"""A provider that goes away in the middle of orders: they survive and end as it truly is."""

from datetime import timedelta

import pytest

from refreshops.logins.models import Login, Provider
from refreshops.providers.contract import Answer, Call, NoAnswer
from refreshops.providers.flinks import Flinks
from refreshops.routine import engine, services
from refreshops.routine.models import Attempt, Run
from tests.builders import NOON, FakeClock, make_logins
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
    # Nobody is ordered again and again while it is away: the probes are few.
    assert len(flinks.orders) <= 12 + away_for / timedelta(minutes=5) + 5
