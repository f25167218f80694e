"""What the provider said of a flag before we ordered it switched proves nothing afterwards."""

import random
from typing import Any

import pytest

from refreshops.logins.models import Login
from refreshops.providers.contract import Answer, Call, NoAnswer
from refreshops.providers.flinks import Flinks
from refreshops.routine import claims, engine, services
from refreshops.routine.checking import check_schedule
from refreshops.routine.refusals import NothingToDo
from refreshops.rules.lifecycle import Purpose
from tests.builders import make_login, make_provider
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db

CUSTOMER_ID = "43387ca6-0391-4c82-857d-70d95f087ecb"
OVER = {"HttpStatusCode": 400, "FlinksCode": "RETRY_LATER", "RequestId": "r"}


class Slow(Flinks):
    """Flinks with one flag.

    It is still working on everybody until `ready`; what stands in `mute` is done, and not answered.
    """

    def __init__(self, *, on: bool, shows: bool = True) -> None:
        super().__init__(api_url="http://127.0.0.1:9/v3/", customer_id=CUSTOMER_ID)
        self.on, self.shows = on, shows
        self.ready = False
        self.mute: set[str] = set()

    def send(self, call: Call) -> Answer:
        body: Any = OVER if self.ready else {**OVER, "FlinksCode": "OPERATION_PENDING"}
        if call.endpoint == "SetScheduledRefresh":
            self.on = call.body["isActivated"]
            body = f"{call.body['loginId']} has been switched"
        elif call.endpoint == "Authorize" and self.shows:
            login = {"Id": call.body["LoginId"], "IsScheduledRefresh": self.on}
            body = {"HttpStatusCode": 200, "RequestId": "r", "Login": login}
        if call.endpoint in self.mute:
            raise NoAnswer("cut")
        status = 200 if isinstance(body, str) else body["HttpStatusCode"]
        return Answer(status, body)


@pytest.fixture
def give(clock):
    """Give an order over every login; one given already, or with nobody to ask, is as good."""

    def order(purpose: Purpose):
        terms = {
            "logins": Login.objects.all(),
            "by": None,
            "reason": "a test",
            "now": clock(),
            "local_date": clock().date(),
            "window": WINDOW,
        }
        try:
            if purpose is Purpose.CHECK_SCHEDULE:
                check_schedule(provider=make_provider(), **terms)
            elif purpose in (Purpose.REFRESH, Purpose.LIVE_REFRESH):
                services.open_run(provider=make_provider(), purpose=purpose, **terms)
            else:
                services.switch(on=purpose is Purpose.SWITCH_ON, **terms)
        except NothingToDo:
            pass

    return order


def test_a_refresh_that_rested_takes_no_switch_on_back(make_desk, open_today, give, clock):
    login, flinks = make_login(), Slow(on=False)
    desk = make_desk(flinks)
    open_today()
    drain(desk)

    give(Purpose.SWITCH_ON)
    drain(desk)
    flinks.ready = True
    clock.move(seconds=11)
    drain(desk)

    login.refresh_from_db()
    assert (login.nightly, login.nightly_verified_at is not None) == ("on", True)
    assert login.outcome == "institution_unavailable"


def test_a_refresh_that_nothing_came_between_teaches_the_flag(make_desk, open_today, give, clock):
    login, flinks = make_login(), Slow(on=True)
    desk = make_desk(flinks)
    give(Purpose.SWITCH_ON)
    drain(desk)
    flinks.on = False  # behind our back
    open_today()
    drain(desk)

    flinks.ready = True
    clock.move(seconds=11)
    drain(desk)

    login.refresh_from_db()
    assert login.nightly == "off"


@pytest.mark.parametrize(
    "seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 40))]
)
def test_whatever_rests_dies_or_overtakes_nothing_is_shown_that_is_not_so(
    make_desk, clock, give, seed
):
    chance = random.Random(seed)
    print(f"seed {seed}")
    login, flinks = make_login(nightly="on"), Slow(on=True)
    desk = make_desk(flinks, limit=30)

    for _ in range(60):
        flinks.ready, flinks.shows = chance.random() < 0.5, chance.random() < 0.7
        mute = ("SetScheduledRefresh", "Authorize", "GetAccountsDetail", "GetAccountsDetailAsync")
        flinks.mute = {name for name in mute if chance.random() < 0.2}
        if chance.random() < 0.5:
            give(chance.choice([p for p in Purpose if p is not Purpose.FORGET]))
        match chance.randrange(4):
            case 0:  # a worker dies with a call in flight; the provider acts on it or not
                work = claims.claim(desk)
                if work is not None and chance.random() < 0.5:
                    engine.exchange(desk, work)
                desk.held.clear()
            case _:
                engine.speak_once(desk)
        clock.move(seconds=chance.choice([0.5, 11, 70, 4000]))
        engine.tend(desk)
        services.resume_provider(desk.row, by=None, now=clock())

        login.refresh_from_db()
        shown = {"on": True, "off": False}.get(login.nightly)
        assert shown in (None, flinks.on), f"shown {login.nightly}, is {flinks.on}"
