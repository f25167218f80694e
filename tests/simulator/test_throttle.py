"""The throttle is a strict sliding window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refreshops.simulator.throttle import Throttle
from tests.simulation import running_simulator

WINDOW = 60.0


class TestWindow:
    @pytest.mark.parametrize(
        ("earlier", "admitted"),
        [
            pytest.param([], True, id="the-first"),
            pytest.param([0.0, 1.0], True, id="room-for-one"),
            pytest.param([0.0, 1.0, 2.0], False, id="full"),
            pytest.param([-WINDOW, -2.0, -1.0], True, id="the-oldest-just-left"),
            pytest.param([-WINDOW + 0.001, -2.0, -1.0], False, id="the-oldest-still-there"),
        ],
    )
    def test_admit(self, earlier, admitted):
        throttle = Throttle(limit=3, window_seconds=WINDOW)
        for arrived in earlier:
            throttle.admit(arrived + 3.0)

        assert throttle.admit(3.0) is admitted

    def test_zero_is_no_limit(self):
        throttle = Throttle(limit=0, window_seconds=WINDOW)

        assert all(throttle.admit(1.0) for _ in range(100))

    def test_a_refused_arrival_takes_no_place(self):
        throttle = Throttle(limit=1, window_seconds=WINDOW)

        assert [throttle.admit(at) for at in (0.0, 30.0, 61.0)] == [True, False, True]
        assert throttle.refused == 1

    @given(st.lists(st.floats(0, 1000), max_size=200), st.integers(1, 8))
    def test_no_window_ever_holds_more_than_the_limit(self, arrivals, limit):
        throttle = Throttle(limit=limit, window_seconds=WINDOW)

        admitted = sorted(at for at in arrivals if throttle.admit(at))

        for first, at in enumerate(admitted):
            inside = [other for other in admitted[first:] if other < at + WINDOW]
            assert len(inside) <= limit

    @given(st.lists(st.floats(0, 1000), max_size=60), st.integers(1, 4))
    def test_one_is_refused_only_where_a_window_would_be_overfull(self, arrivals, limit):
        throttle = Throttle(limit=limit, window_seconds=WINDOW)
        admitted = []

        for at in arrivals:
            with_it = sorted([*admitted, at])
            overfull = any(
                with_it[first + limit] - with_it[first] < WINDOW
                for first in range(len(with_it) - limit)
            )
            assert throttle.admit(at) is not overfull
            if not overfull:
                admitted.append(at)

    def test_one_that_got_here_late_shares_no_window_with_what_came_a_window_later(self):
        throttle = Throttle(limit=2, window_seconds=WINDOW)

        assert [throttle.admit(at) for at in (0.0, 1.0, 60.5, 61.5)] == [True] * 4
        assert [throttle.admit(at) for at in (60.2, 1.2)] == [False, False]

    def test_a_new_limit_holds_at_once(self):
        throttle = Throttle(limit=3, window_seconds=WINDOW)
        assert [throttle.admit(at) for at in (0.0, 1.0)] == [True, True]

        throttle.change(limit=2)

        assert not throttle.admit(2.0)


@pytest.mark.processes
class TestOverHttp:
    def test_the_31st_authorize_of_a_window_is_too_many(self, connect):
        with running_simulator(scenario="calm", logins=40, limit=30, window=30) as simulator:
            client = connect(simulator)
            ids = [row["login_id"] for row in simulator.register_rows()]
            statuses = [client.authorize(login_id).status for login_id in ids]
            refused = client.authorize(ids[0])
            free = client.mint()

            assert statuses == [200] * 30 + [401] * 10
            assert refused.code == "TOO_MANY_REQUESTS"
            assert "retry-after" not in refused.headers
            assert free.status == 200
            assert simulator.counts()["most_in_a_window"] == 30

    def test_switching_and_deleting_take_places_too(self, connect):
        with running_simulator(
            scenario="calm", logins=3, limit=3, window=30, retry_after="seconds"
        ) as simulator:
            client = connect(simulator)
            login_id = simulator.register_rows()[0]["login_id"]
            client.authorize(login_id)
            client.switch({"LoginId": login_id, "IsActivated": False})
            client.call("DELETE", f"DeleteCard/{login_id}")

            refused = client.switch({"LoginId": login_id, "IsActivated": True})

            assert refused.code == "TOO_MANY_REQUESTS"
            assert 28 <= int(refused.headers["retry-after"]) <= 31
            assert not simulator.login(login_id)["scheduled"]
