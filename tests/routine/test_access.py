"""The shared access token: fetched by one for all, kept sealed, and never burning a login."""

import logging
from datetime import timedelta

import pytest
from django.db import connection

from refreshops.bankdata.vault import Vault
from refreshops.logins.models import PauseKind, Provider
from refreshops.providers.contract import NoAnswer
from refreshops.providers.handing import Grant
from refreshops.routine import access, claims, engine, services
from refreshops.routine.models import AccessToken, Attempt, Slot
from refreshops.routine.recording import record
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.models import Call
from tests.builders import ScriptedProvider, TokenOffice, make_login, make_logins, make_provider
from tests.routine.at_once import at_once
from tests.routine.conftest import KEY, drain

OTHER_KEY = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="

pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    return TokenOffice()


@pytest.fixture
def provider(office):
    return ScriptedProvider(office=office)


@pytest.fixture
def desk(make_desk, provider):
    return make_desk(provider)


def endpoints(provider):
    return [endpoint for endpoint, _ in provider.asked]


def reclaim(desk, clock):
    clock.move(seconds=11)
    claims.reclaim(provider_id=desk.row.pk, now=clock(), furthest=timedelta(minutes=2))


class TestOneForAll:
    def test_a_token_is_fetched_before_the_first_call_and_serves_them_all(
        self, desk, provider, office, open_today
    ):
        make_logins(4)
        run = open_today()

        drain(desk)
        engine.tend(desk)

        run.refresh_from_db()
        assert run.totals["outcomes"] == {"fresh": 4}
        assert endpoints(provider)[0] == "token"
        assert office.minted == 1

    def test_the_fetch_is_traced_with_its_attempt_and_without_a_login(self, desk, open_today):
        make_login()
        run = open_today()

        drain(desk)

        told = Call.objects.get(endpoint="token")
        assert (told.state, told.login_id, told.institution) == ("answered", "", "")
        assert (told.attempt_id, told.run_id) == (Attempt.objects.get().pk, run.pk)

    def test_the_fetch_takes_no_slot(self, desk, open_today, clock, office):
        make_logins(2)
        open_today()
        Slot.objects.exclude(pk=Slot.objects.first().pk).delete()
        office.says = ["fault"]

        engine.speak_once(desk)

        assert Slot.objects.get().free_at <= clock()

    def test_while_one_fetches_another_desk_waits(self, make_desk, provider, office, open_today):
        make_logins(3)
        open_today()
        one, other = make_desk(provider), make_desk(provider)

        fetching = claims.claim(one)
        waiting = claims.claim(other)
        record(one, fetching, engine.exchange(one, fetching))
        drain(other)

        assert fetching.fetches_token
        assert waiting is None
        assert Attempt.objects.filter(outcome="fresh").count() == 3
        assert office.minted == 1

    def test_who_waits_does_not_count_as_a_start(self, make_desk, provider, open_today):
        make_logins(2)
        open_today()
        one, other = make_desk(provider), make_desk(provider)
        fetching = claims.claim(one)

        for _ in range(5):
            assert claims.claim(other) is None

        assert Attempt.objects.exclude(pk=fetching.attempt.pk).get().starts == 0

    def test_a_second_process_finds_the_token_of_the_first(
        self, make_desk, provider, office, open_today
    ):
        make_logins(2)
        open_today()
        engine.speak_once(make_desk(provider))

        drain(make_desk(provider))

        assert office.minted == 1
        assert set(Attempt.objects.values_list("outcome", flat=True)) == {"fresh"}

    @pytest.mark.django_db(transaction=True)
    def test_many_that_claim_at_one_instant_fetch_once(self, make_desk, office, open_today):
        make_logins(12)
        open_today()
        desks = [make_desk(ScriptedProvider(office=office)) for _ in range(6)]

        at_once(*(lambda desk=desk: drain(desk) for desk in desks))
        drain(desks[0])

        assert office.minted == 1
        assert Attempt.objects.filter(outcome="fresh").count() == 12
        assert Call.objects.filter(http_status_code=401).count() == 0


class TestItsTime:
    def test_a_token_is_given_up_a_minute_before_its_end(
        self, desk, office, clock, open_today, order
    ):
        make_login()
        open_today()
        drain(desk)
        clock.move(minutes=58, seconds=59)
        order()
        drain(desk)
        before = office.minted

        clock.move(seconds=1)
        order()
        drain(desk)

        assert (before, office.minted) == (1, 2)

    def test_a_short_lived_one_is_used_for_half_its_life(
        self, desk, office, clock, open_today, order
    ):
        office.lasts = timedelta(seconds=40)
        make_login()
        open_today()
        drain(desk)
        clock.move(seconds=19)
        order()
        drain(desk)
        before = office.minted

        clock.move(seconds=1)
        order()
        drain(desk)

        assert (before, office.minted) == (1, 2)

    @pytest.mark.parametrize("lasts", [timedelta(0), timedelta(seconds=-5)], ids=["none", "less"])
    def test_one_that_is_over_already_is_a_fault_and_no_endless_loop(
        self, desk, office, clock, open_today, lasts
    ):
        office.lasts = lasts
        make_logins(3)
        open_today()

        for _ in range(10):
            drain(desk)
            clock.move(seconds=5)

        assert office.minted == access.FAULTS_BEFORE_PAUSE
        assert Provider.objects.get().paused_kind == PauseKind.TOKEN

    def test_it_runs_out_between_two_calls_of_one_attempt(
        self, make_desk, office, clock, open_today
    ):
        make_login()
        open_today()

        def answer(call):
            if call.endpoint == "authorize":
                clock.move(hours=1)
                return {"then": "ask", "step": "detail"}
            return {"then": "done"}

        provider = ScriptedProvider(answer, office=office)
        drain(make_desk(provider))

        assert endpoints(provider) == ["token", "authorize", "token", "detail"]
        assert Attempt.objects.get().outcome == "fresh"

    def test_a_clock_set_back_keeps_nobody_waiting_after_a_fault(
        self, desk, office, clock, open_today
    ):
        make_login()
        open_today()
        office.says = ["fault"]
        drain(desk)
        clock.move(hours=-2)
        Attempt.objects.update(not_before=clock())
        Slot.objects.update(free_at=clock())

        drain(desk)

        assert Attempt.objects.get().outcome == "fresh"


class TestRefused:
    def test_one_that_another_process_revoked_is_renewed_once_and_the_call_made_again(
        self, desk, provider, office, open_today
    ):
        make_logins(3)
        open_today()
        engine.speak_once(desk)
        office.give()

        drain(desk)

        assert office.minted == 3
        assert endpoints(provider).count("token") == 2
        assert set(Attempt.objects.values_list("outcome", flat=True)) == {"fresh"}
        assert Call.objects.filter(http_status_code=401).count() == 1

    def test_many_refusals_of_one_token_are_one_renewal(
        self, make_desk, provider, office, open_today, clock
    ):
        make_logins(4)
        open_today()
        desk = make_desk(provider)
        drain_one_token(desk)
        works = [claims.claim(desk) for _ in range(4)]
        office.current = "revoked"

        for work in works:
            record(desk, work, engine.exchange(desk, work))
        drain(desk)

        assert endpoints(provider).count("token") == 2
        assert Attempt.objects.filter(outcome="fresh").count() == 4

    def test_a_refusal_that_comes_late_leaves_the_next_token_alone(
        self, make_desk, provider, office, open_today
    ):
        make_logins(2)
        open_today()
        desk = make_desk(provider)
        drain_one_token(desk)
        late, quick = claims.claim(desk), claims.claim(desk)
        office.current = "revoked"
        refused = engine.exchange(desk, late)
        record(desk, quick, engine.exchange(desk, quick))
        drain(desk)

        record(desk, late, refused)
        drain(desk)

        assert endpoints(provider).count("token") == 2
        assert Attempt.objects.filter(outcome="fresh").count() == 2

    def test_refused_again_after_a_renewal_pauses_and_burns_no_login(
        self, make_desk, office, open_today
    ):
        make_logins(4)
        open_today()
        office.says = [{"token": "one"}, {"token": "two"}]

        drain(make_desk(ScriptedProvider(office=office)))

        row = Provider.objects.get()
        assert (row.paused_kind, row.paused_reason) == ("keys", "Refused twice.")
        assert Attempt.objects.filter(state="due").count() == 4
        assert Call.objects.count() == 4

    def test_after_that_pause_another_token_is_fetched_before_anything_is_asked(
        self, make_desk, office, open_today, clock
    ):
        make_logins(2)
        open_today()
        office.says = [{"token": "one"}, {"token": "two"}]
        provider = ScriptedProvider(office=office)
        desk = make_desk(provider)
        drain(desk)
        clock.move(minutes=15)

        engine.tend(desk)
        drain(desk)

        assert endpoints(provider)[4] == "token"
        assert Attempt.objects.filter(outcome="fresh").count() == 2


def drain_one_token(desk):
    """Let one attempt fetch the token, and rest again."""
    work = claims.claim(desk)
    assert work.fetches_token
    assert record(desk, work, engine.exchange(desk, work)) is None


class TestFaults:
    @pytest.mark.parametrize(
        "fault", ["fault", NoAnswer("timeout"), {"odd": 1}], ids=["no-token", "silence", "unread"]
    )
    def test_three_in_a_row_pause_the_provider_with_a_reason_and_burn_no_login(
        self, desk, provider, office, open_today, clock, fault
    ):
        make_logins(4)
        open_today()
        office.says = [fault] * 9
        asked = []

        for _ in range(4):
            drain(desk)
            asked.append(len(provider.asked))
            clock.move(seconds=4.9)
            drain(desk)
            clock.move(seconds=0.1)

        row = Provider.objects.get()
        assert asked == [1, 2, 3, 3]
        assert row.paused_kind == PauseKind.TOKEN
        assert row.paused_reason == access.WHY_PAUSED
        assert row.resume_at is not None
        assert Attempt.objects.filter(state="due").count() == 4
        assert Call.objects.exclude(state="sent").count() == 3

    def test_what_is_waited_for_is_said(self, desk, office, open_today):
        make_login()
        open_today()
        office.says = ["fault"]

        drain(desk)

        assert Attempt.objects.get().waits_for == "the provider gave no access token"

    def test_a_fault_that_passes_is_forgotten(self, desk, office, open_today, clock):
        make_logins(2)
        open_today()
        office.says = ["fault", "fault"]

        for _ in range(3):
            drain(desk)
            clock.move(seconds=5)

        assert Provider.objects.get().paused_at is None
        assert AccessToken.objects.get().faults == 0
        assert Attempt.objects.filter(outcome="fresh").count() == 2

    def test_when_the_pause_is_over_it_is_tried_again(self, desk, office, open_today, clock):
        make_login()
        open_today()
        office.says = ["fault"] * 3
        for _ in range(3):
            drain(desk)
            clock.move(seconds=5)
        clock.move(minutes=5)

        engine.tend(desk)
        drain(desk)

        assert Attempt.objects.get().outcome == "fresh"

    @pytest.mark.parametrize("before", [0, 1, 2], ids=["at-once", "after-one", "after-two"])
    def test_refused_keys_pause_at_once_and_say_so(self, desk, office, open_today, clock, before):
        make_logins(3)
        open_today()
        office.says = ["fault"] * before + ["refused"] * 5

        for _ in range(before + 1):
            drain(desk)
            clock.move(seconds=5)

        row = Provider.objects.get()
        assert (row.paused_kind, row.paused_reason) == ("keys", "Our keys were refused.")
        assert Attempt.objects.filter(state="due").count() == 3
        assert Call.objects.count() == before + 1

    def test_a_provider_that_is_away_is_paused_for_that(self, desk, office, open_today, clock):
        make_logins(2)
        open_today()
        Provider.objects.update(silences=4)
        engine.tend(desk)
        office.says = [NoAnswer("connection refused")]

        drain(desk)

        assert Provider.objects.get().paused_kind == PauseKind.NETWORK
        assert AccessToken.objects.get().faults == 0

    def test_a_provider_without_a_token_parks_the_call_that_wants_one(self, make_desk, open_today):
        make_login()
        open_today()
        provider = ScriptedProvider(office=TokenOffice())
        provider.token_call = lambda: None

        drain(make_desk(provider))

        ended = Attempt.objects.get()
        assert (ended.outcome, ended.outcome_reason) == ("our_config", "flow")
        assert provider.asked == []


class TestDeathAndCancellation:
    def test_a_killed_fetcher_holds_nobody_up_for_longer_than_its_lease(
        self, make_desk, provider, office, open_today, clock
    ):
        make_logins(2)
        open_today()
        claims.claim(make_desk(provider))
        other = make_desk(provider)
        assert claims.claim(other) is None

        reclaim(other, clock)
        drain(other)

        assert Attempt.objects.filter(outcome="fresh").count() == 2
        assert Call.objects.order_by("pk").first().state == "no_answer"
        assert office.minted == 1

    def test_a_token_that_comes_late_after_a_takeover_is_told_to_nobody(
        self, make_desk, provider, open_today, clock
    ):
        make_logins(2)
        open_today()
        late, quick = make_desk(provider), make_desk(provider)
        work = claims.claim(late)
        answer = engine.exchange(late, work)
        reclaim(quick, clock)
        drain_one_token(quick)

        assert record(late, work, answer) is None
        drain(late)
        drain(quick)

        assert endpoints(provider).count("token") == 2
        assert Call.objects.filter(http_status_code=401).count() == 0
        assert AccessToken.objects.get().serial == 1
        assert Attempt.objects.filter(outcome="fresh").count() == 2

    def test_a_token_whose_writing_was_rolled_back_is_not_used(
        self, make_desk, provider, open_today, clock
    ):
        make_logins(2)
        open_today()
        desk = make_desk(provider)
        work = claims.claim(desk)
        reclaim(desk, clock)

        record(desk, work, engine.exchange(desk, work))

        assert desk.token is None
        assert AccessToken.objects.get().sealed is None

    def test_a_run_cancelled_while_it_fetches_leaves_the_token_to_the_others(
        self, make_desk, office, open_today, clock, order
    ):
        make_login(institution="A")
        run = open_today()
        provider = ScriptedProvider(office=office)
        office.says = [lambda: services.cancel_run(run, by="Ola", why="enough", now=clock())]

        drain(make_desk(provider))
        cancelled = Attempt.objects.get().state
        order(Purpose.CHECK_SCHEDULE)
        drain(make_desk(provider))

        assert cancelled == "cancelled"
        assert office.minted == 1
        assert Attempt.objects.get(purpose="check_schedule").outcome == "fresh"

    def test_an_attempt_erased_while_it_fetches_holds_nobody_up(
        self, make_desk, provider, open_today
    ):
        erased, other = make_login(institution="A"), make_login(institution="B")
        open_today()
        one = make_desk(provider)
        work = claims.claim(one)
        assert work.attempt.login_id == erased.pk
        erased.delete()

        drain(make_desk(provider))

        assert Attempt.objects.get(login=other).outcome == "fresh"

    def test_a_paused_run_keeps_the_token_that_was_fetched_for_it(
        self, make_desk, office, open_today, clock
    ):
        make_login()
        run = open_today()
        office.says = [lambda: services.pause_run(run, by="Ola", why="wait", now=clock())]

        drain(make_desk(ScriptedProvider(office=office)))

        assert Attempt.objects.get().state == "due"
        assert AccessToken.objects.get().sealed is not None


class TestSealed:
    def test_one_under_a_key_that_was_removed_is_fetched_anew_by_one(
        self, make_desk, provider, office, open_today
    ):
        make_logins(3)
        open_today()
        drain_one_token(make_desk(provider))
        one, other = make_desk(provider), make_desk(provider)
        one.vault = other.vault = Vault([OTHER_KEY])

        fetching, waiting = claims.claim(one), claims.claim(other)
        record(one, fetching, engine.exchange(one, fetching))
        drain(other)

        assert fetching.fetches_token
        assert waiting is None
        assert office.minted == 2
        assert Attempt.objects.filter(outcome="fresh").count() == 3

    def test_it_is_nowhere_in_the_clear(self, desk, office, open_today, caplog, clock):
        caplog.set_level(logging.DEBUG)
        make_logins(3)
        open_today()
        office.says = [{"odd": "token-canary-odd"}]
        drain(desk)
        clock.move(seconds=5)
        drain(desk)
        office.give()
        clock.move(hours=1)

        drain(desk)

        assert Attempt.objects.filter(outcome="fresh").count() == 3
        assert "token-canary" not in caplog.text
        assert "token-canary" not in everything_stored()

    def test_it_is_in_no_repr(self, desk, open_today):
        make_login()
        open_today()
        drain_one_token(desk)

        work = claims.claim(desk)

        assert work.call.token.startswith("token-canary")
        for told in (work, work.call, desk, desk.token, Grant("token-canary", timedelta(1))):
            assert "token-canary" not in repr(told)

    def test_it_is_opened_by_our_key_alone(self, desk, office, open_today):
        make_login()
        open_today()

        drain(desk)

        sealed = bytes(AccessToken.objects.get().sealed)
        assert Vault([KEY]).open(sealed) == office.current


def everything_stored():
    """Return every column of every row, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


class TestDoneHere:
    @pytest.fixture
    def here(self):
        return ScriptedProvider(
            here=frozenset({Purpose.SWITCH_OFF, Purpose.CHECK_SCHEDULE}), office=TokenOffice()
        )

    def test_what_needs_no_call_ends_without_call_slot_and_token(self, make_desk, here, order):
        make_logins(3)
        run = order(Purpose.CHECK_SCHEDULE).run
        desk = make_desk(here)
        slots = list(Slot.objects.order_by("pk").values_list("free_at", flat=True))

        drain(desk)
        engine.tend(desk)

        run.refresh_from_db()
        ended = set(Attempt.objects.values_list("outcome", "outcome_reason", "message"))
        assert ended == {("fresh", "here_only", "Nothing was asked of the provider.")}
        assert run.state == "closed"
        assert here.asked == []
        assert not Call.objects.exists()
        assert list(Slot.objects.order_by("pk").values_list("free_at", flat=True)) == slots
        assert desk.held == {}

    def test_a_provider_whose_every_slot_is_taken_is_no_hindrance_for_long(
        self, make_desk, here, order, clock
    ):
        make_logins(5)
        order(Purpose.CHECK_SCHEDULE)
        desk = make_desk(here, limit=1)
        Slot.objects.update(free_at=clock() + timedelta(seconds=60))
        clock.move(seconds=60)

        drain(desk)

        assert Attempt.objects.filter(state="done").count() == 5

    def test_five_hundred_are_quick(self, make_desk, here, order, django_assert_max_num_queries):
        make_logins(500)
        order(Purpose.CHECK_SCHEDULE)
        desk = make_desk(here, limit=1)

        with django_assert_max_num_queries(500 * 14):
            drain(desk)

        assert Attempt.objects.filter(state="done").count() == 500

    def test_a_worker_that_is_told_to_halt_halts_between_two(self, make_desk, here, order):
        make_logins(5)
        order(Purpose.CHECK_SCHEDULE)
        desk = make_desk(here)
        desk.halting = True

        assert claims.claim(desk) is None

        assert Attempt.objects.filter(state="done").count() == 1

    def test_between_them_a_call_is_found(self, make_desk, here, order, open_today):
        make_logins(3)
        order(Purpose.CHECK_SCHEDULE)
        open_today()

        drain(make_desk(here))

        assert set(Attempt.objects.values_list("purpose", "outcome")) == {
            ("check_schedule", "fresh"),
            ("refresh", "fresh"),
        }

    def test_of_a_paused_provider_they_wait_too(self, make_desk, here, order, clock):
        make_logins(2)
        order(Purpose.CHECK_SCHEDULE)
        services.pause_provider(make_provider(), by=None, why="maintenance", now=clock())

        drain(make_desk(here))

        assert Attempt.objects.filter(state="due").count() == 2
