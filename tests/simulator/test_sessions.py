"""RequestIds and pending answers live by a clock; here the test owns it."""

import json
from datetime import UTC, datetime

import pytest

from refreshops.simulator.books import Books, Keys, Rules
from refreshops.simulator.faults import FaultScript
from refreshops.simulator.gateway import Gateway, Pace
from refreshops.simulator.messages import Request
from refreshops.simulator.throttle import Throttle
from refreshops.simulator.world import Recipe, grow

MORNING = datetime(2026, 3, 4, 12, 0, tzinfo=UTC).timestamp()


class Provider:
    """A provider without sockets, whose time stands still until a test moves it."""

    def __init__(self, *, scenario="calm", **recipe):
        self.time = MORNING
        grown = Recipe(seed=1, scenario=scenario, logins=2, **recipe)
        world = grow(grown, now=datetime.fromtimestamp(MORNING, UTC))
        books = Books(world, keys=Keys(), rules=Rules(body_kb=4), clock=lambda: self.time)
        self.gateway = Gateway(
            books,
            throttle=Throttle(limit=0, window_seconds=60),
            faults=FaultScript(seed=1),
            pace=Pace(),
            seed=1,
        )
        self.login_id = next(iter(world.logins))

    def ask(self, method, endpoint, fields=None, **headers):
        target = f"/v3/{Keys().customer_id}/BankingServices/{endpoint}"
        sent = {"content-type": "application/json", "x-api-key": Keys().x_api_key, **headers}
        body = json.dumps(fields).encode() if fields else b""
        request = Request(method, target, sent, body, self.time)
        asked = self.gateway.about(request)
        reply = self.gateway.answer(request, asked, wait=lambda seconds: None)
        return reply.status, json.loads(reply.body)

    def authorize(self, **headers):
        fields = {"LoginId": self.login_id, "MostRecentCached": True}
        return self.ask("POST", "Authorize", fields, **headers)[1]["RequestId"]

    def detail(self, request_id):
        status, body = self.ask("POST", "GetAccountsDetail", {"RequestId": request_id})
        return status, body.get("FlinksCode")

    def poll(self, request_id):
        status, body = self.ask("GET", f"GetAccountsDetailAsync/{request_id}")
        return status, body.get("FlinksCode")


class TestIdleLife:
    @pytest.mark.parametrize(
        ("idle_minutes", "heard"),
        [
            pytest.param(7.9, (200, None), id="still-alive"),
            pytest.param(8.1, (400, "SESSION_NONEXISTENT"), id="ended"),
        ],
    )
    def test_eight_idle_minutes(self, idle_minutes, heard):
        provider = Provider()
        request_id = provider.authorize()

        provider.time += idle_minutes * 60

        assert provider.detail(request_id) == heard

    def test_use_restarts_the_clock(self):
        provider = Provider()
        request_id = provider.authorize()

        for _ in range(3):
            provider.time += 7 * 60
            assert provider.detail(request_id) == (200, None)

    def test_an_unknown_one_is_nonexistent(self):
        heard = Provider().detail("5b1fb1d0-3c57-4b19-8d7f-6df1b1f0a3c2")

        assert heard == (400, "SESSION_NONEXISTENT")


class TestPending:
    def test_so_many_polls_and_then_the_data_for_good(self):
        provider = Provider(scenario="pending", pending_polls=3)
        request_id = provider.authorize()

        heard = [provider.detail(request_id), *(provider.poll(request_id) for _ in range(4))]

        assert heard == [(202, "OPERATION_PENDING")] * 3 + [(200, None)] * 2
        assert provider.detail(provider.authorize()) == (200, None)

    def test_so_many_seconds_and_then_the_data(self):
        provider = Provider(scenario="pending", pending_seconds=120)
        request_id = provider.authorize()
        heard = []

        for _ in range(14):
            heard.append(provider.poll(request_id)[0])
            provider.time += 10

        assert heard == [202] * 12 + [200] * 2

    def test_processing_outlives_eight_minutes_but_not_thirty(self):
        provider = Provider(scenario="pending", pending_polls=1000)
        request_id = provider.authorize()
        provider.detail(request_id)

        provider.time += 29 * 60
        inside = provider.poll(request_id)
        provider.time += 2 * 60
        outside = provider.poll(request_id)

        assert inside == (202, "OPERATION_PENDING")
        assert outside == (401, "SESSION_EXPIRED")


class TestTokens:
    @pytest.mark.parametrize(
        ("minutes", "status"),
        [
            pytest.param(29, 200, id="unused-for-29-minutes"),
            pytest.param(31, 401, id="unused-for-31-minutes"),
        ],
    )
    def test_an_unused_token_dies_after_half_an_hour(self, minutes, status):
        provider = Provider()
        key = {"flinks-auth-key": Keys().secret_key}
        token = provider.ask("POST", "GenerateAuthorizeToken", **key)[1]["Token"]

        provider.time += minutes * 60

        fields = {"LoginId": provider.login_id, "MostRecentCached": True}
        heard = provider.ask("POST", "Authorize", fields, **{"flinks-auth-key": token})
        assert heard[0] == status
