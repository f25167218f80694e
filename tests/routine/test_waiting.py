"""Orders that wait for a date or a second person: they touch nothing until they begin."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import IntegrityError, transaction

from refreshops.logins.models import Customer, Login
from refreshops.routine import services, waiting
from refreshops.routine.models import RANK_PERSON, RANK_WAITING, Attempt, LostRace, Run
from refreshops.routine.progress import progress_of
from refreshops.routine.roles import ACCOUNT_MANAGERS, OPERATIONS, ensure_groups
from refreshops.routine.waiting import approve, begin_due, withdraw
from tests.builders import NOON, make_customer, make_login, make_logins, make_provider
from tests.routine.conftest import WINDOW, drain

pytestmark = pytest.mark.django_db

# Midnight of 1 December in Toronto.
FIRST_OF_DECEMBER = datetime(2026, 12, 1, 5, tzinfo=UTC)


def person(name: str, group: str) -> User:
    ensure_groups(group_model=Group, permission_model=Permission)
    user = User.objects.create(username=name)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.fixture
def mona(db):
    return person("mona", ACCOUNT_MANAGERS)


@pytest.fixture
def ola(db):
    return person("ola", OPERATIONS)


@pytest.fixture
def switch(clock):
    def make(*, on=False, logins=None, by=None, **more):
        (opened,) = services.switch(
            logins=Login.objects.all() if logins is None else logins,
            on=on,
            by=by,
            reason="The customer left",
            now=clock(),
            local_date=clock().date(),
            window=WINDOW,
            **more,
        )
        return opened

    return make


@pytest.fixture
def begin(clock):
    def make(at=None):
        return begin_due(provider_id=make_provider().pk, now=at or clock())

    return make


def states_of(run) -> list[str]:
    return list(Attempt.objects.filter(run=run).order_by("pk").values_list("state", flat=True))


def messages_of(run) -> list[str]:
    return list(Attempt.objects.filter(run=run).order_by("pk").values_list("message", flat=True))


class TestAnOrderWithADate:
    def test_changes_nothing_until_its_day(self, switch, open_today, make_desk):
        make_logins(3, nightly="on")

        opened = switch(starts_at=FIRST_OF_DECEMBER)
        daily = open_today()
        drain(make_desk())

        assert (opened.run.state, opened.planned) == ("waiting", 3)
        assert opened.waits == "Begins on 1 December 2026."
        assert states_of(daily) == ["done"] * 3
        assert states_of(opened.run) == ["due"] * 3
        assert set(Login.objects.values_list("status", "status_reason")) == {("active", "")}

    def test_begins_on_its_day_and_calls_off_what_speaks_against_it(
        self, switch, begin, open_today, clock
    ):
        login = make_login()
        opened = switch(starts_at=FIRST_OF_DECEMBER)
        daily = open_today()

        assert begin(FIRST_OF_DECEMBER - timedelta(seconds=1)) == []
        assert begin(FIRST_OF_DECEMBER) == [opened.run]

        login.refresh_from_db()
        attempt = Attempt.objects.get(run=opened.run)
        assert (login.status, login.status_changed_at) == ("inactive", FIRST_OF_DECEMBER)
        assert (attempt.rank, attempt.not_before) == (RANK_PERSON, FIRST_OF_DECEMBER)
        assert Run.objects.get(pk=opened.run.pk).state == "open"
        assert states_of(daily) == ["cancelled"]

    def test_begins_once(self, switch, begin):
        make_login()
        switch(starts_at=FIRST_OF_DECEMBER)

        assert len(begin(FIRST_OF_DECEMBER)) == 1
        assert begin(FIRST_OF_DECEMBER) == []

    def test_is_begun_and_driven_by_whoever_tends_the_provider(self, switch, make_desk, clock):
        from refreshops.routine import engine

        make_logins(2)
        opened = switch(starts_at=FIRST_OF_DECEMBER)
        desk = make_desk()
        engine.tend(desk)
        assert drain(desk) == 0

        clock.at = FIRST_OF_DECEMBER
        engine.tend(desk)
        drain(desk)

        assert states_of(opened.run) == ["done", "done"]

    @pytest.mark.parametrize(
        ("starts_at", "says"),
        [
            pytest.param(NOON - timedelta(days=1), "has passed", id="yesterday"),
            pytest.param(NOON, "has passed", id="now"),
            pytest.param(NOON + timedelta(days=400), "more than a year", id="in-13-months"),
        ],
    )
    def test_that_makes_no_sense_is_refused(self, switch, starts_at, says):
        make_login()

        with pytest.raises(services.Refused, match=says):
            switch(starts_at=starts_at)
        assert not Run.objects.exists()

    def test_says_on_the_run_page_why_it_waits(self, switch, clock):
        make_login()
        run = switch(starts_at=FIRST_OF_DECEMBER + timedelta(hours=10, minutes=30)).run

        found = progress_of(run, now=clock(), window=WINDOW)

        assert found.waits_because == "Begins on 1 December 2026 at 10:30."
        assert (found.eta_at, found.due, found.percent) == (None, 1, 0)

    def test_leaves_out_customers_who_came_back(self, switch, begin):
        came_back = make_customer("back")
        make_login(customer=make_customer("gone"), institution="A")
        again = make_login(customer=came_back, institution="B")
        run = switch(starts_at=FIRST_OF_DECEMBER).run
        Customer.objects.filter(pk=came_back.pk).update(last_activity_at=NOON + timedelta(days=2))

        begin(FIRST_OF_DECEMBER)

        assert states_of(run) == ["due", "cancelled"]
        assert messages_of(run)[1] == waiting.CAME_BACK
        again.refresh_from_db()
        assert again.status == "active"

    def test_leaves_out_what_is_off_and_verified_by_then(self, switch, begin):
        make_login(institution="A")
        off = make_login(institution="B")
        run = switch(starts_at=FIRST_OF_DECEMBER).run
        Login.objects.filter(pk=off.pk).update(
            status="inactive", nightly="off", nightly_verified_at=NOON
        )

        begin(FIRST_OF_DECEMBER)

        assert states_of(run) == ["due", "cancelled"]
        assert Login.objects.get(pk=off.pk).nightly_verified_at == NOON

    def test_brings_nobody_back_who_asked_to_be_forgotten(self, switch, begin):
        make_login(status="inactive")
        run = switch(on=True, starts_at=FIRST_OF_DECEMBER).run
        Customer.objects.update(erasure_asked_at=NOON + timedelta(days=2))

        begin(FIRST_OF_DECEMBER)

        assert messages_of(run) == [waiting.FORGOTTEN]
        assert Login.objects.get().status == "inactive"

    def test_stands_in_nobodys_way_who_orders_other_logins(self, switch):
        first, second = make_login(), make_login()
        later = switch(starts_at=FIRST_OF_DECEMBER, logins=Login.objects.filter(pk=first.pk))

        at_once = switch(logins=Login.objects.filter(pk=second.pk))

        assert (later.run.planned, at_once.planned) == (1, 1)

    def test_that_finds_nothing_left_closes_with_a_sentence(self, switch, begin):
        make_login()
        run = switch(starts_at=FIRST_OF_DECEMBER).run
        Customer.objects.update(last_activity_at=NOON + timedelta(days=2))

        assert begin(FIRST_OF_DECEMBER) == [run]

        run.refresh_from_db()
        assert run.state == "closed"
        assert run.state_reason.startswith("Nothing was left to do")
        assert run.totals["cancelled"] == 1

    def test_leaves_out_logins_that_are_another_managers_by_then(self, switch, begin, mona, ola):
        mine, handed_over = make_customer("mine"), make_customer("over")
        Customer.objects.update(account_manager=mona)
        make_login(customer=mine, institution="A")
        make_login(customer=handed_over, institution="B")
        run = switch(starts_at=FIRST_OF_DECEMBER, by=mona).run
        Customer.objects.filter(pk=handed_over.pk).update(account_manager=ola)

        begin(FIRST_OF_DECEMBER)

        assert states_of(run) == ["due", "cancelled"]
        assert messages_of(run)[1] == waiting.NOT_THEIRS

    def test_of_somebody_who_sees_everyone_keeps_all_even_when_their_account_is_closed(
        self, switch, begin, mona, ola
    ):
        make_login()
        Customer.objects.update(account_manager=mona)
        run = switch(starts_at=FIRST_OF_DECEMBER, by=ola).run
        User.objects.filter(pk=ola.pk).update(is_active=False)

        begin(FIRST_OF_DECEMBER)

        assert states_of(run) == ["due"]


class TestALargeOrder:
    def test_waits_for_a_second_person_and_begins_with_their_approval(
        self, switch, begin, clock, mona, ola
    ):
        make_logins(3)
        Customer.objects.update(account_manager=mona)
        opened = switch(by=mona, approval_above=2)
        assert (opened.run.state, opened.waits) == (
            "waiting",
            "Waits for a second person's approval.",
        )
        assert begin(NOON + timedelta(days=3000)) == []

        clock.move(hours=2)
        approve(opened.run, by=ola, now=clock())

        assert (opened.run.state, opened.run.approved_by) == ("open", ola)
        assert opened.run.approved_at == clock()
        assert set(Login.objects.values_list("status", "status_changed_by")) == {
            ("inactive", mona.pk)
        }
        assert set(Attempt.objects.values_list("rank", "not_before")) == {(RANK_PERSON, clock())}

    @pytest.mark.parametrize(("above", "state"), [(3, "open"), (2, "waiting"), (None, "open")])
    def test_is_one_over_more_logins_than_the_limit(self, switch, ola, above, state):
        make_logins(3)

        assert switch(by=ola, approval_above=above).run.state == state

    def test_with_a_date_still_waits_for_it_after_the_approval(
        self, switch, begin, clock, mona, ola
    ):
        make_logins(3)
        Customer.objects.update(account_manager=mona)
        opened = switch(by=mona, approval_above=2, starts_at=FIRST_OF_DECEMBER)
        assert opened.waits == (
            "Waits for a second person's approval; then begins on 1 December 2026."
        )

        approve(opened.run, by=ola, now=clock())

        assert opened.run.state == "waiting"
        assert waiting.why_it_waits(opened.run) == "Begins on 1 December 2026."
        assert begin(FIRST_OF_DECEMBER) == [opened.run]

    def test_whose_approval_comes_after_its_date_begins_at_once(self, switch, begin, mona, ola):
        make_logins(3)
        Customer.objects.update(account_manager=mona)
        run = switch(by=mona, approval_above=2, starts_at=FIRST_OF_DECEMBER).run
        later = FIRST_OF_DECEMBER + timedelta(days=1)
        assert begin(later) == []

        approve(run, by=ola, now=later)

        assert run.state == "open"

    def test_is_not_approved_by_who_ordered_it(self, switch, clock, ola):
        make_logins(3)
        run = switch(by=ola, approval_above=2).run

        with pytest.raises(services.Refused, match="Nobody approves their own order"):
            approve(run, by=ola, now=clock())
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.filter(pk=run.pk).update(approved_by=ola, approved_at=clock())

    def test_cannot_begin_unapproved_whatever_the_code_does(self, switch, clock, ola):
        make_logins(3)
        run = switch(by=ola, approval_above=2).run

        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.filter(pk=run.pk).update(state="open")

    def test_is_approved_once(self, switch, clock, mona, ola):
        make_logins(3)
        run = switch(by=mona, approval_above=2, starts_at=FIRST_OF_DECEMBER).run
        approve(run, by=ola, now=clock())

        with pytest.raises(services.Refused, match="was approved by ola already"):
            approve(run, by=person("max", OPERATIONS), now=clock())

    def test_that_is_none_needs_no_approval(self, switch, clock, mona, ola):
        make_login()
        run = switch(by=mona, starts_at=FIRST_OF_DECEMBER).run

        with pytest.raises(services.Refused, match="needs no approval"):
            approve(run, by=ola, now=clock())

    def test_that_was_withdrawn_cannot_be_approved(self, switch, clock, mona, ola):
        make_logins(3)
        run = switch(by=mona, approval_above=2).run
        withdraw(run, by=mona, why="A mistake", now=clock())

        with pytest.raises(services.Refused, match="was withdrawn"):
            approve(run, by=ola, now=clock())


class TestWithdrawing:
    def test_calls_everything_off_and_touches_no_login(self, switch, clock, begin):
        make_logins(2)
        run = switch(starts_at=FIRST_OF_DECEMBER).run

        number = withdraw(run, by="Ola", why="They stay", now=clock())

        run.refresh_from_db()
        assert (number, run.state, run.closed_at) == (2, "cancelled", clock())
        assert run.state_reason == "Withdrawn by Ola: They stay"
        assert set(messages_of(run)) == {"Withdrawn by Ola: They stay"}
        assert run.totals["cancelled"] == 2
        assert set(Login.objects.values_list("status", flat=True)) == {"active"}
        assert begin(FIRST_OF_DECEMBER) == []

    def test_says_why(self, switch, clock):
        make_login()
        run = switch(starts_at=FIRST_OF_DECEMBER).run

        with pytest.raises(services.ReasonMissing):
            withdraw(run, by="Ola", why=" ", now=clock())

    def test_comes_too_late_once_it_has_begun(self, switch, clock, begin):
        make_login()
        run = switch(starts_at=FIRST_OF_DECEMBER).run
        begin(FIRST_OF_DECEMBER)

        with pytest.raises(services.RunAlreadyClosed, match="does not wait any more"):
            withdraw(run, by="Ola", why="They stay", now=clock())
        assert states_of(run) == ["due"]

    def test_is_what_cancelling_a_waiting_run_means(self, switch, clock):
        make_login()
        run = switch(starts_at=FIRST_OF_DECEMBER).run

        assert services.cancel_run(run, by="Ola", why="They stay", now=clock()) == 1
        assert Run.objects.get().state_reason.startswith("Withdrawn")

    @pytest.mark.parametrize(
        ("step", "more"),
        [(services.pause_run, {"why": "Wait"}), (services.resume_run, {})],
        ids=["pause", "resume"],
    )
    def test_is_the_only_way_to_stop_a_waiting_run(self, switch, clock, step, more):
        make_login()
        run = switch(starts_at=FIRST_OF_DECEMBER).run

        with pytest.raises(services.Refused, match="has not begun"):
            step(run, by="Ola", now=clock(), **more)

    def test_leaves_the_logins_free_for_another_order(self, switch, clock):
        make_login()
        withdraw(switch(starts_at=FIRST_OF_DECEMBER).run, by="Ola", why="Sooner", now=clock())

        assert switch().planned == 1


class TestTwoOrders:
    def test_one_at_once_takes_logins_out_of_one_that_waits(self, switch, begin):
        first, second = make_logins(2)
        waits = switch(starts_at=FIRST_OF_DECEMBER).run

        at_once = switch(logins=Login.objects.filter(pk=first.pk))

        waits.refresh_from_db()
        moved = Attempt.objects.get(login=first)
        assert (at_once.planned, waits.planned, waits.state) == (1, 1, "waiting")
        assert (moved.run, moved.rank, moved.not_before) == (at_once.run, RANK_PERSON, NOON)
        assert Attempt.objects.get(login=second).rank == RANK_WAITING

    def test_one_that_lost_its_last_login_is_cancelled(self, switch):
        make_logins(2)
        waits = switch(starts_at=FIRST_OF_DECEMBER).run

        at_once = switch()

        waits.refresh_from_db()
        assert waits.state == "cancelled"
        assert waits.state_reason == f"All its logins went into run {at_once.run.pk}, at once."

    def test_one_that_waits_leaves_to_the_other_what_it_holds(self, switch):
        first, _ = make_logins(2)
        at_once = switch(logins=Login.objects.filter(pk=first.pk)).run

        waits = switch(starts_at=FIRST_OF_DECEMBER)

        assert (waits.planned, waits.left_out, waits.brought_forward) == (1, 1, 0)
        assert Attempt.objects.get(login=first).run == at_once

    def test_the_same_one_twice_is_one(self, switch):
        make_logins(2)
        run = switch(starts_at=FIRST_OF_DECEMBER).run

        with pytest.raises(services.AlreadyOrdered) as again:
            switch(starts_at=FIRST_OF_DECEMBER + timedelta(days=1))

        assert again.value.runs == [run.pk]
        assert Run.objects.count() == 1

    def test_a_contrary_one_at_once_calls_off_one_that_waits(self, switch, begin):
        make_login(status="inactive")
        waits = switch(on=True, starts_at=FIRST_OF_DECEMBER).run

        switch(on=False)

        assert states_of(waits) == ["cancelled"]
        assert messages_of(waits) == ["Called off: the nightly refresh was ordered off."]

    def test_off_on_a_day_and_on_again_on_a_later_one_both_happen(
        self, switch, begin, make_desk, clock
    ):
        login = make_login()
        new_year = FIRST_OF_DECEMBER + timedelta(days=31)
        switch(on=False, starts_at=FIRST_OF_DECEMBER)
        switch(on=True, starts_at=new_year)
        desk = make_desk()

        begin(FIRST_OF_DECEMBER)
        login.refresh_from_db()
        assert login.status == "inactive"
        clock.at = FIRST_OF_DECEMBER
        drain(desk)
        clock.at = new_year
        begin(new_year)
        drain(desk)

        login.refresh_from_db()
        assert login.status == "active"
        assert list(Attempt.objects.order_by("pk").values_list("state", flat=True)) == [
            "done",
            "done",
        ]

    def test_the_newer_of_two_that_wait_counts(self, switch, begin):
        login = make_login()
        earlier_order_later_date = switch(on=False, starts_at=FIRST_OF_DECEMBER).run
        newer = switch(on=True, starts_at=FIRST_OF_DECEMBER - timedelta(days=2)).run
        Login.objects.filter(pk=login.pk).update(nightly="off")

        begin(FIRST_OF_DECEMBER - timedelta(days=2))

        assert states_of(newer) == ["due"]
        assert states_of(earlier_order_later_date) == ["cancelled"]

    def test_what_is_called_off_while_another_calls_still_counts(self, switch):
        login = make_login()
        switch()
        Attempt.objects.update(state="calling", lease_until=NOON)
        switch(on=True)

        again = switch(on=False)

        login.refresh_from_db()
        assert login.status == "inactive"
        assert (again.planned, again.brought_forward, again.run.state) == (0, 1, "closed")
        assert set(Attempt.objects.values_list("purpose", "state")) == {
            ("switch_off", "calling"),
            ("switch_on", "cancelled"),
        }

    def test_a_customer_who_had_us_forget_them_is_not_switched_on_again(self, switch, clock):
        make_login(status="inactive")
        Customer.objects.update(erasure_asked_at=clock())

        with pytest.raises(services.NothingToDo):
            switch(on=True)


def test_who_begins_and_who_withdraws_do_not_both_win(switch, clock, monkeypatch):
    make_login()
    run = switch(starts_at=FIRST_OF_DECEMBER).run
    seen_waiting = Run.objects.get(pk=run.pk)
    withdraw(run, by="Ola", why="They stay", now=clock())

    with pytest.raises(LostRace):
        waiting._begin(seen_waiting, now=FIRST_OF_DECEMBER)

    assert states_of(run) == ["cancelled"]
    assert Login.objects.get().status == "active"


def test_a_retry_of_a_look_at_the_schedule_takes_inactive_logins_too(order, clock):
    from refreshops.rules.lifecycle import Purpose

    make_login(status="inactive")
    run = order(Purpose.CHECK_SCHEDULE).run
    Attempt.objects.update(state="done", outcome="provider_fault")

    again = services.retry_failed(
        run, by=None, now=clock(), local_date=clock().date(), window=WINDOW
    )

    assert again.planned == 1
