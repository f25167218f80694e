"""Where register and provider disagree: each login in exactly the lists it belongs to."""

import random
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from refreshops.logins import leak_report, leaks
from refreshops.logins.models import Login, LoginStatus, Nightly, Provider, UnknownLogin
from tests.builders import NOON, make_customer, make_login, make_provider

pytestmark = pytest.mark.django_db

ACTIVE, INACTIVE = LoginStatus.ACTIVE, LoginStatus.INACTIVE
ON, OFF, UNKNOWN = Nightly.ON, Nightly.OFF, Nightly.UNKNOWN


def lists_of(login):
    mine = Login.objects.filter(pk=login.pk)
    return {name for name in leaks.LEAKS if leaks.leaking(mine, name).exists()}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"status": ACTIVE, "nightly": ON}, set(), id="as-it-should-be"),
        pytest.param(
            {"status": INACTIVE, "nightly": OFF, "nightly_verified_at": NOON},
            set(),
            id="proven-off",
        ),
        pytest.param({"status": INACTIVE, "nightly": ON}, {"off_here_on_there"}, id="money"),
        pytest.param(
            {"status": INACTIVE, "nightly": ON, "nightly_verified_at": NOON},
            {"off_here_on_there"},
            id="on-again-after-its-proof",
        ),
        pytest.param({"status": ACTIVE, "nightly": OFF}, {"on_here_off_there"}, id="stale"),
        pytest.param(
            {"status": ACTIVE, "nightly": ON, "gone_at": NOON}, {"unknown_there"}, id="gone"
        ),
        pytest.param(
            {"status": ACTIVE, "nightly": OFF, "gone_at": NOON},
            {"unknown_there"},
            id="off-and-gone",
        ),
        pytest.param(
            {"status": ACTIVE, "nightly": UNKNOWN, "gone_at": NOON},
            {"unknown_there"},
            id="gone-and-never-told",
        ),
        pytest.param({"status": INACTIVE, "nightly": ON, "gone_at": NOON}, set(), id="retired"),
        pytest.param({"status": INACTIVE, "nightly": UNKNOWN, "gone_at": NOON}, set(), id="lost"),
        pytest.param({"status": INACTIVE, "nightly": OFF}, {"never_verified"}, id="unproven-off"),
        pytest.param({"status": ACTIVE, "nightly": UNKNOWN}, {"never_verified"}, id="never-told"),
        pytest.param(
            {"status": INACTIVE, "nightly": UNKNOWN}, {"never_verified"}, id="unconfirmed-off"
        ),
    ],
)
def test_a_login_is_in_exactly_the_lists_it_belongs_to(fields, expected):
    assert lists_of(make_login(**fields)) == expected


class TestReplaced:
    @pytest.fixture
    def pair(self):
        """Make an older and a newer login of one customer at one bank."""

        def make(older=None, newer=None):
            first, second = make_login(**(older or {})), make_login(**(newer or {}))
            aged = Login.objects.filter(pk=first.pk)
            aged.update(created_at=second.created_at - timedelta(days=30))
            return first, second

        return make

    def test_the_older_of_two_is_suggested_and_the_newer_is_not(self, pair):
        older, newer = pair({"nightly": ON}, {"nightly": ON})

        assert lists_of(older) == {"replaced"}
        assert lists_of(newer) == set()

    @pytest.mark.parametrize(
        ("older", "newer"),
        [
            pytest.param({}, {"institution": "Other Bank"}, id="another-bank"),
            pytest.param({"institution": ""}, {"institution": ""}, id="bank-not-known"),
            pytest.param({}, {"status": INACTIVE}, id="the-newer-is-off"),
            pytest.param({}, {"gone_at": NOON}, id="the-newer-is-gone"),
            pytest.param({"status": INACTIVE}, {}, id="the-older-is-off-already"),
        ],
    )
    def test_what_is_no_replacement(self, pair, older, newer):
        first, _ = pair({"nightly": ON} | older, {"nightly": ON} | newer)

        assert "replaced" not in lists_of(first)

    def test_another_customers_login_replaces_nothing(self, pair):
        older, _ = pair({"nightly": ON}, {"nightly": ON, "customer": make_customer("C-2")})

        assert lists_of(older) == set()

    def test_two_of_the_same_age_replace_each_other_not(self):
        both = [make_login(nightly=ON) for _ in range(2)]
        Login.objects.update(created_at=NOON)

        assert [lists_of(login) for login in both] == [set(), set()]


class TestMoney:
    def test_costs_are_summed_by_currency(self):
        canada = make_provider(cost_per_login_month="1.50")
        spain = Provider.objects.create(
            name="flanks", cost_per_login_month="0.75", currency="EUR", logins_per_minute=5
        )
        for provider, number in ((canada, 3), (spain, 2)):
            for _ in range(number):
                make_login(provider=provider)

        assert leaks.monthly_costs(Login.objects.all()) == [
            leaks.Cost(3, Decimal("4.50"), "CAD"),
            leaks.Cost(2, Decimal("1.50"), "EUR"),
        ]

    def test_a_price_of_nothing_is_left_out(self):
        make_login(provider=make_provider(cost_per_login_month=0))

        assert leaks.monthly_costs(Login.objects.all()) == []


@pytest.mark.parametrize(
    ("fields", "alarming"),
    [
        pytest.param({"nightly": UNKNOWN}, True, id="no-word"),
        pytest.param({"nightly": ON}, True, id="still-on"),
        pytest.param({"nightly": OFF}, False, id="accepted"),
        pytest.param({"nightly": ON, "gone_at": NOON}, False, id="gone"),
        pytest.param({"nightly": ON, "status": ACTIVE}, False, id="active"),
        pytest.param({"nightly": ON, "status_changed_at": NOON}, False, id="ordered-just-now"),
    ],
)
def test_a_switch_off_that_is_not_confirmed_after_a_day_is_an_alarm(fields, alarming):
    ordered = {"status": INACTIVE, "status_changed_at": NOON - timedelta(days=1, seconds=1)}
    make_login(**(ordered | fields))

    assert leaks.unconfirmed_for_long(Login.objects.all(), now=NOON).exists() is alarming


def make_unknown(login_id):
    return UnknownLogin.objects.create(
        provider=make_provider(), login_id=login_id, first_seen_at=NOON, last_seen_at=NOON
    )


def test_an_unknown_login_leaves_the_list_when_somebody_registers_it():
    rows = [make_unknown(f"unknown-{number}") for number in range(2)]

    make_login(login_id="unknown-0")

    assert list(leaks.unknown_here()) == [rows[1]]


class TestTheReport:
    @pytest.fixture
    def report(self):
        def make(**terms):
            usual = {
                "now": NOON,
                "zone": UTC,
                "asked_today": False,
                "dropping": ["flinks"],
            }
            return leak_report.report(Login.objects.all(), **(usual | terms))

        return make

    def test_without_leaks_every_list_is_empty(self, report):
        make_provider(cost_per_login_month="1.50")
        make_login(nightly=ON, drops_out_at=NOON + timedelta(days=30))

        found = report()

        assert [found[name] for name in leak_report.LISTS] == [[], [], [], [], [], []]
        assert leak_report.number_of_leaks(found) == 0
        assert (found["monthly_cost"], found["unconfirmed"]) == ({}, 0)
        assert found["clock"]["sentence"] == "Nobody drops out within 7 days."

    def test_rows_say_whose_they_are_and_since_when(self, report, django_user_model):
        make_provider(cost_per_login_month="1.50")
        manager = django_user_model.objects.create_user("anna")
        customer = make_customer("C-7", account_manager=manager)
        make_login(
            login_id="off-here",
            customer=customer,
            status=INACTIVE,
            nightly=ON,
            nightly_seen_at=NOON,
        )

        found = report()

        assert found["off_here_on_there"] == [
            {
                "login_id": "off-here",
                "provider": "flinks",
                "customer": "C-7",
                "manager": "anna",
                "institution": "Maple Trust",
                "status": "inactive",
                "nightly": "on",
                "nightly_seen_at": NOON.isoformat(),
                "nightly_verified_at": None,
                "gone_at": None,
            }
        ]
        assert found["monthly_cost"] == {"CAD": "1.50"}
        assert found["monthly_costs"]["off_here_on_there"] == {"CAD": "1.50"}

    def test_a_replaced_login_names_the_newer_one(self, report):
        older, _, newest = (make_login(nightly=ON) for _ in range(3))
        for age, login in enumerate((newest, older)):
            Login.objects.filter(pk=login.pk).update(created_at=NOON - timedelta(days=age))
        Login.objects.exclude(pk__in=[older.pk, newest.pk]).update(created_at=NOON - timedelta(9))

        rows = report()["replaced"]

        assert {row["login_id"]: row["replaced_by"] for row in rows}[older.login_id] == (
            newest.login_id
        )

    def test_unknown_logins_are_listed_with_what_they_may_cost(self, report):
        make_provider(cost_per_login_month="2.00")
        make_unknown("nobody-knows")

        found = report()

        (row,) = found["unknown_here"]
        assert (row["login_id"], row["provider"]) == ("nobody-knows", "flinks")
        assert row["first_seen_at"] == NOON.isoformat()
        assert found["monthly_costs"]["unknown_here"] == {"CAD": "2.00"}

    def test_random_registers_have_the_same_numbers_in_report_and_lists(self, report):
        chance = random.Random(31)
        make_provider(cost_per_login_month="1.00")
        for _ in range(80):
            make_login(
                status=chance.choice([ACTIVE, INACTIVE]),
                nightly=chance.choice([ON, OFF, UNKNOWN]),
                gone_at=chance.choice([None, None, NOON]),
                nightly_verified_at=chance.choice([None, NOON]),
                customer=make_customer(f"C-{chance.randrange(30)}"),
            )

        found = report()

        for name in leaks.LEAKS:
            leaking = leaks.leaking(Login.objects.all(), name)
            ids = {row["login_id"] for row in found[name]}
            assert ids == set(leaking.values_list("login_id", flat=True))
            if name in found["monthly_costs"]:
                cost = found["monthly_costs"][name].get("CAD", "0.00")
                assert Decimal(cost) == len(ids)
