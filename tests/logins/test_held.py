"""A full list of what a provider holds, beside the register: both ways, and never too eagerly."""

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from refreshops.logins import leaks, unknown
from refreshops.logins.models import Login, LoginStatus, Nightly, Provider, UnknownLogin
from tests.builders import NOON, make_login, make_provider

pytestmark = pytest.mark.django_db

LONG_AGO = NOON - timedelta(days=30)
ASKED = NOON - timedelta(minutes=5)
LATER = NOON - timedelta(minutes=1)


def a_login(login_id, **fields):
    """Return a login that was registered long before the list was asked for."""
    created_at = fields.pop("created_at", LONG_AGO)
    login = make_login(login_id=login_id, **fields)
    Login.objects.filter(pk=login.pk).update(created_at=created_at)
    return login


def full(*ids, **more):
    rows = [{"login_id": one, "last_refresh_at": None, "state": "ok", "code": ""} for one in ids]
    return {"complete": True, "logins": rows} | more


def note(report, *, now=NOON, asked_at=ASKED, **terms):
    return unknown.note_report(make_provider(), report, now=now, asked_at=asked_at, **terms)


def standing(login):
    return Login.objects.values_list("nightly", "nightly_seen_at", "gone_at").get(pk=login.pk)


def everything():
    return list(Login.objects.order_by("pk").values()), list(UnknownLogin.objects.values())


HELD = (Nightly.ON.value, ASKED, None)
GONE = (Nightly.OFF.value, ASKED, ASKED)


class TestBothWays:
    @pytest.mark.parametrize("status", LoginStatus.values)
    @pytest.mark.parametrize("nightly", Nightly.values)
    @pytest.mark.parametrize("gone_at", [None, LONG_AGO], ids=["known", "gone-before"])
    def test_what_the_list_names_is_on_there(self, status, nightly, gone_at):
        login = a_login("held-one", status=status, nightly=nightly, gone_at=gone_at)

        noted = note(full("held-one"))

        assert standing(login) == HELD
        assert (noted.held, noted.gone, noted.unknown) == (1, 0, 0)

    @pytest.mark.parametrize("status", LoginStatus.values)
    @pytest.mark.parametrize("nightly", Nightly.values)
    def test_what_the_list_lacks_is_gone_there(self, status, nightly):
        a_login("held-one")
        login = a_login("lost-one", status=status, nightly=nightly)

        noted = note(full("held-one"))

        assert standing(login) == GONE
        assert (noted.held, noted.gone) == (1, 1)

    def test_one_that_was_gone_before_keeps_since_when(self):
        a_login("held-one")
        login = a_login("lost-one", gone_at=LONG_AGO, nightly="off", nightly_seen_at=LONG_AGO)

        noted = note(full("held-one"))

        assert standing(login) == ("off", LONG_AGO, LONG_AGO)
        assert noted.gone == 0

    def test_each_difference_stands_in_its_list(self):
        a_login("fine-one", nightly="on")
        left = a_login("left-one", status="inactive", nightly="off", nightly_verified_at=LONG_AGO)
        lost = a_login("lost-one", nightly="on")
        a_login("retired-one", status="inactive", nightly="on")

        note(full("fine-one", "left-one", "new-one"))

        found = {name: set(leaks.leaking(Login.objects.all(), name)) for name in leaks.LEAKS}
        assert {name: rows for name, rows in found.items() if rows} == {
            leaks.OFF_HERE_ON_THERE: {left},
            leaks.UNKNOWN_THERE: {lost},
        }
        assert [row.login_id for row in leaks.unknown_here()] == ["new-one"]

    def test_a_proof_that_it_is_off_falls_where_the_provider_holds_it(self):
        left = a_login("left-one", status="inactive", nightly="off", nightly_verified_at=LONG_AGO)
        kept = a_login("kept-one", nightly_verified_at=LONG_AGO)

        note(full("left-one", "kept-one"))

        left.refresh_from_db()
        kept.refresh_from_db()
        assert (left.nightly_verified_at, kept.nightly_verified_at) == (None, LONG_AGO)

    def test_nothing_else_of_a_login_changes(self):
        held = a_login("held-one", outcome="fresh", last_refresh_at=LONG_AGO, drops_out_at=NOON)
        lost = a_login("lost-one", outcome="stale", last_refresh_at=LONG_AGO, drops_out_at=NOON)
        taught = {"nightly", "nightly_seen_at", "gone_at"}
        before = Login.objects.in_bulk([held.pk, lost.pk])

        note(full("held-one"))

        for key, login in Login.objects.in_bulk([held.pk, lost.pk]).items():
            for field in Login._meta.concrete_fields:
                if field.name not in taught:
                    assert getattr(login, field.attname) == getattr(before[key], field.attname)

    def test_logins_of_another_provider_are_left_alone(self):
        other = Provider.objects.create(name="flanks")
        theirs = [a_login(one, provider=other, nightly="unknown") for one in ("held-one", "x-two")]
        a_login("held-one")

        note(full("held-one"))

        assert [standing(login) for login in theirs] == [("unknown", None, None)] * 2

    def test_a_plain_list_says_nothing_of_those_it_leaves_out(self):
        login = a_login("held-one", nightly="on")

        noted = note([{"login_id": "new-one"}])

        assert standing(login) == ("on", None, None)
        assert (noted.complete, noted.unknown, noted.held, noted.gone) == (False, 1, 0, 0)


class TestNewerAnswersStay:
    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param({"created_at": LATER}, id="registered-since"),
            pytest.param({"created_at": ASKED}, id="registered-at-once"),
            pytest.param({"last_asked_at": LATER}, id="asked-since"),
            pytest.param({"nightly_seen_at": LATER}, id="told-since"),
            pytest.param({"gone_at": LATER}, id="gone-since"),
        ],
    )
    @pytest.mark.parametrize("names", [True, False], ids=["named", "lacking"])
    def test_of_a_login_something_newer_is_known(self, fields, names):
        a_login("held-one")
        login = a_login("new-one", nightly="unknown", **fields)
        before = standing(login)

        note(full("held-one", *(["new-one"] if names else [])))

        assert standing(login) == before

    def test_the_same_list_noted_twice_teaches_once(self):
        for one in ("held-one", "lost-one"):
            a_login(one)
        first = note(full("held-one", "new-one"))
        before = everything()

        again = note(full("held-one", "new-one"))

        assert (first.held, first.gone) == (1, 1)
        assert (again.held, again.gone) == (0, 0)
        assert everything() == before

    def test_a_list_asked_for_earlier_and_noted_later_takes_nothing_back(self):
        login = a_login("held-one")
        a_login("other-one")
        note(full("other-one"), now=NOON, asked_at=LATER)

        note(full("other-one", "held-one"), now=NOON, asked_at=ASKED)

        assert standing(login) == ("off", LATER, LATER)

    def test_a_newer_list_finds_again_what_an_older_one_lacked(self):
        login = a_login("lost-one")
        a_login("held-one")
        note(full("held-one"))

        noted = note(full("held-one", "lost-one"), now=NOON + timedelta(1), asked_at=NOON)

        assert standing(login) == ("on", NOON, None)
        assert noted.held == 2

    def test_after_deletions_meanwhile_what_the_list_lacks_proves_nothing(self):
        held, lost = a_login("held-one"), a_login("lost-one", nightly="on")

        noted = note(full("held-one", "new-one"), moved=True)

        assert (standing(held), standing(lost)) == (HELD, ("on", None, None))
        assert (noted.held, noted.gone, noted.unknown) == (1, 0, 1)
        assert noted.doubt == unknown.MOVED
        assert unknown.MOVED in noted.words

    def test_deletions_meanwhile_are_no_matter_where_nothing_is_missing(self):
        a_login("held-one")

        assert note(full("held-one"), moved=True).doubt == ""


class TestDoubts:
    @pytest.fixture
    def ours(self):
        """Twelve logins that are on there, and one the last list named and nobody knew."""
        for number in range(12):
            a_login(f"ours-{number}", nightly="on", nightly_seen_at=LONG_AGO)
        note(full(*(f"ours-{number}" for number in range(12)), "stranger"), asked_at=LONG_AGO)

    @pytest.mark.parametrize(
        ("report", "why"),
        [
            pytest.param(full(), "names none of our 12 logins", id="empty"),
            pytest.param(full("a-1", "b-2"), "names none of our 12 logins", id="somebody-elses"),
            pytest.param(full("ours-1", complete=False), "did not come whole", id="partial"),
            pytest.param(full("ours-1", complete="yes"), "did not come whole", id="a-word"),
            pytest.param({"logins": []}, "did not come whole", id="not-said"),
            pytest.param(
                full(*(f"ours-{number}" for number in range(5))),
                "lacks 7 of our 12 logins",
                id="less-than-half",
            ),
            pytest.param(
                {"complete": True, "logins": [*full("ours-1")["logins"], None]},
                "rows without a login",
                id="null-row",
            ),
            pytest.param(
                {"complete": True, "logins": [*full("ours-1")["logins"], {"login_id": None}]},
                "rows without a login",
                id="null-id",
            ),
        ],
    )
    def test_a_list_that_looks_wrong_changes_nothing_and_says_so(self, ours, report, why):
        before = everything()

        noted = note(report, now=NOON + timedelta(hours=1), asked_at=NOON)

        assert everything() == before
        assert why in noted.doubt
        assert noted.words == noted.doubt
        assert (noted.believed, noted.held, noted.gone) == (False, 0, 0)

    def test_a_list_longer_than_we_read_is_not_whole(self, ours, monkeypatch):
        monkeypatch.setattr(unknown, "MOST_REPORTED", 12)
        before = everything()

        noted = note(full(*(f"ours-{number}" for number in range(13))), asked_at=NOON)

        assert everything() == before
        assert "more than 12 logins" in noted.doubt

    @pytest.mark.parametrize("report", [None, {}, "cards", 7, {"complete": True}, {"logins": 3}])
    def test_what_holds_no_list_is_read_as_nothing_said(self, ours, report):
        before = everything()

        assert note(report) == unknown.Noted(0, 0, 0)
        assert everything() == before

    @pytest.mark.parametrize("number", range(1, 6))
    def test_few_may_vanish_at_once(self, number):
        a_login("held-one")
        lost = [a_login(f"lost-{one}") for one in range(number)]

        noted = note(full("held-one"))

        assert noted.gone == number
        assert {standing(login) for login in lost} == {GONE}

    def test_as_many_as_half_may_vanish_at_once(self):
        for number in range(12):
            a_login(f"ours-{number}")

        assert note(full(*(f"ours-{number}" for number in range(6)))).gone == 6

    def test_an_id_that_none_of_ours_can_have_is_no_doubt(self):
        a_login("held-one")

        noted = note(full("held-one", "x" * 65, "a b"))

        assert (noted.believed, noted.held, noted.reported) == (True, 1, 1)

    @pytest.mark.parametrize("ids", [(), ("new-1", "new-2")], ids=["empty", "strangers"])
    def test_while_nobody_is_registered_any_list_is_believed(self, ids):
        noted = note(full(*ids))

        assert noted.believed
        assert UnknownLogin.objects.count() == len(ids)

    def test_when_all_of_ours_are_known_to_be_gone_an_empty_list_is_believed(self):
        a_login("lost-one", gone_at=LONG_AGO)
        note(full("new-one"), asked_at=LONG_AGO)

        noted = note(full(), now=NOON + timedelta(1), asked_at=NOON)

        assert (noted.believed, noted.dropped) == (True, 1)


def test_random_lists_are_told_exactly():
    chance = random.Random(6)
    for round_ in range(15):
        Login.objects.all().delete()
        logins, named = {}, []
        for number in range(30):
            heard_at = chance.choice([None, LONG_AGO, LATER])
            logins[f"login-{number}"] = a_login(
                f"login-{number}",
                status=chance.choice(LoginStatus.values),
                nightly=chance.choice(Nightly.values),
                nightly_seen_at=heard_at,
                gone_at=chance.choice([None, None, LONG_AGO]),
            )
        named = [one for one in logins if chance.random() < 0.8]

        noted = note(full(*named, "stranger"), now=NOON + timedelta(round_))

        assert noted.believed
        for one, login in logins.items():
            if login.nightly_seen_at == LATER:
                expected = (login.nightly, LATER, login.gone_at)
            elif one in named:
                expected = HELD
            elif login.gone_at:
                expected = (login.nightly, login.nightly_seen_at, login.gone_at)
            else:
                expected = GONE
            assert standing(login) == expected


def test_a_long_list_costs_few_statements():
    provider = make_provider()
    customer = make_login(login_id="first-one").customer
    Login.objects.bulk_create(
        Login(provider=provider, customer=customer, login_id=f"ours-{number}")
        for number in range(4000)
    )
    Login.objects.update(created_at=LONG_AGO)
    report = full(*(f"ours-{number}" for number in range(3000)))

    with CaptureQueriesContext(connection) as queries:
        noted = note(report)

    assert (noted.held, noted.gone) == (3000, 1001)
    assert len(queries) < 60
