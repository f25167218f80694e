"""Logins the provider reports and nobody registered: noted from its report, registered once."""

import tracemalloc
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from refreshops.logins import leaks, unknown
from refreshops.logins.models import Login, LoginStatus, Nightly, Provider, UnknownLogin
from tests.builders import NOON, make_customer, make_login, make_provider

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=1)


def an_id(number=1):
    return str(uuid.UUID(int=number))


def card(login_id, **said):
    usual = {
        "last_refresh_at": "2026-11-11T05:36:07.612195+00:00",
        "state": "AnsweringSecurityChallenge",
        "code": "",
    }
    return {"login_id": login_id} | usual | said


def note(*cards, now=NOON, provider=None):
    return unknown.note_report(provider or make_provider(), list(cards), now=now)


def ids():
    return set(UnknownLogin.objects.values_list("login_id", flat=True))


class TestNoting:
    def test_what_nobody_registered_is_written_down(self):
        known = make_login()

        noted = note(card(an_id(1), code="INVALID_PASSWORD"), card(known.login_id))

        row = UnknownLogin.objects.get()
        assert (noted.reported, noted.unknown, noted.dropped) == (2, 1, 0)
        assert (row.login_id, row.provider) == (an_id(1), make_provider())
        assert (row.first_seen_at, row.last_seen_at) == (NOON, NOON)
        assert row.last_refresh_at == datetime(2026, 11, 11, 5, 36, 7, 612195, tzinfo=UTC)
        assert row.provider_state == "AnsweringSecurityChallenge"
        assert row.provider_code == "INVALID_PASSWORD"

    def test_a_newer_report_keeps_when_it_was_first_seen_and_brings_the_rest(self):
        note(card(an_id(1)))

        note(card(an_id(1), code="DISABLED_LOGIN", last_refresh_at=None, state=""), now=LATER)

        row = UnknownLogin.objects.get()
        assert (row.first_seen_at, row.last_seen_at) == (NOON, LATER)
        assert (row.provider_code, row.provider_state) == ("DISABLED_LOGIN", "")
        assert row.last_refresh_at is None

    def test_what_the_newest_report_leaves_out_is_forgotten(self):
        note(card(an_id(1)), card(an_id(2)))

        noted = note(card(an_id(2)), now=LATER)

        assert noted.dropped == 1
        assert ids() == {an_id(2)}

    def test_an_empty_report_empties_the_list(self):
        note(card(an_id(1)))

        note(now=LATER)

        assert ids() == set()

    def test_one_registered_since_leaves_the_list(self):
        note(card(an_id(1)))
        make_login(login_id=an_id(1))

        note(card(an_id(1)), now=LATER)

        assert ids() == set()

    def test_an_older_report_that_comes_late_changes_nothing(self):
        note(card(an_id(1)), now=LATER)

        note(card(an_id(2)), now=NOON)

        assert ids() == {an_id(1)}

    def test_the_same_report_noted_twice_is_noted_once(self):
        note(card(an_id(1)))
        note(card(an_id(1)))

        assert UnknownLogin.objects.count() == 1

    def test_another_providers_rows_are_left_alone(self):
        other = Provider.objects.create(name="flanks")
        note(card(an_id(1)), provider=other)
        make_login(login_id=an_id(2), provider=other)

        note(card(an_id(2)), now=LATER)

        assert ids() == {an_id(1), an_id(2)}

    @pytest.mark.parametrize(
        "row",
        [
            pytest.param(None, id="null"),
            pytest.param("text", id="text"),
            pytest.param({}, id="no-id"),
            pytest.param({"login_id": ""}, id="empty-id"),
            pytest.param({"login_id": 17}, id="number"),
            pytest.param({"login_id": "x" * 65}, id="too-long"),
            pytest.param({"login_id": "a b"}, id="with-a-space"),
            pytest.param({"login_id": "a\x00b"}, id="with-a-nul"),
            pytest.param({"login_id": "a\u202eb"}, id="with-a-bidi-mark"),
        ],
    )
    def test_a_row_without_a_usable_id_is_passed_over(self, row):
        noted = note(row, card(an_id(1)))

        assert noted.reported == 1
        assert ids() == {an_id(1)}

    @pytest.mark.parametrize("report", [None, {}, "cards", 7])
    def test_what_is_no_list_is_read_as_nothing_said_wrong(self, report):
        note(card(an_id(1)))

        noted = unknown.note_report(make_provider(), report, now=LATER)

        assert noted == unknown.Noted(0, 0, 0)
        assert ids() == {an_id(1)}

    def test_an_id_named_twice_is_one_row(self):
        note(card(an_id(1), code="FIRST"), card(an_id(1), code="SECOND"))

        assert UnknownLogin.objects.get().provider_code == "FIRST"

    @pytest.mark.parametrize("moment", ["soon", 5, None, "", "0001-01-01", "9999-12-31", "9" * 40])
    def test_odd_moments_and_long_texts_are_taken_as_far_as_they_go(self, moment):
        note(card(an_id(1), last_refresh_at=moment, state="S\x00" * 200, code=["x"]))

        row = UnknownLogin.objects.get()
        assert row.last_refresh_at is None
        assert row.provider_state == "S" * 80
        assert row.provider_code == ""

    def test_a_report_of_many_rows_costs_few_statements_and_little_memory(self):
        report = [card(an_id(number)) for number in range(1, 5001)]
        tracemalloc.start()
        with CaptureQueriesContext(connection) as queries:
            unknown.note_report(make_provider(), report, now=NOON)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert UnknownLogin.objects.count() == 5000
        assert len(queries) < 100
        assert peak < 30 << 20


class TestRegistering:
    def register(self, *numbers, customer=None, **terms):
        rows = UnknownLogin.objects.filter(login_id__in=[an_id(number) for number in numbers])
        customer = customer or make_customer("unassigned")
        return unknown.register_unknown(rows, customer=customer, by=None, now=LATER, **terms)

    def test_they_become_logins_of_the_customer_that_are_on_at_the_provider(self):
        note(card(an_id(1)), card(an_id(2)), card(an_id(3)))

        registered = self.register(1, 2)

        assert [login.login_id for login in registered] == [an_id(1), an_id(2)]
        login = Login.objects.get(login_id=an_id(1))
        assert login.customer.reference == "unassigned"
        assert (login.status, login.nightly) == (LoginStatus.ACTIVE, Nightly.ON)
        assert (login.nightly_seen_at, login.status_changed_at) == (NOON, LATER)
        assert login.last_refresh_at == datetime(2026, 11, 11, 5, 36, 7, 612195, tzinfo=UTC)
        assert [row.login_id for row in leaks.unknown_here()] == [an_id(3)]

    def test_for_a_switch_off_they_are_registered_as_inactive_and_leak(self):
        note(card(an_id(1)))

        registered = self.register(1, active=False)

        leaking = leaks.leaking(Login.objects.all(), leaks.OFF_HERE_ON_THERE)
        assert list(leaking) == registered

    def test_one_that_somebody_registered_meanwhile_stays_theirs(self):
        note(card(an_id(1)), card(an_id(2)))
        make_login(login_id=an_id(1), customer=make_customer("C-9"))

        registered = self.register(1, 2)

        assert [login.login_id for login in registered] == [an_id(2)]
        assert Login.objects.get(login_id=an_id(1)).customer.reference == "C-9"

    def test_twice_is_once(self):
        note(card(an_id(1)))
        rows = list(UnknownLogin.objects.all())
        customer = make_customer("unassigned")

        for _ in range(2):
            again = unknown.register_unknown(rows, customer=customer, by=None, now=LATER)

        assert again == []
        assert Login.objects.count() == 1
