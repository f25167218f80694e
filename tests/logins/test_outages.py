"""Which banks look down: active logins alone count, of the register or of part of it."""

import pytest

from refreshops.logins import outages
from refreshops.logins.models import Login
from refreshops.logins.outages import banks_down
from tests.builders import make_customer, make_logins

pytestmark = pytest.mark.django_db

FAILS = {"outcome": "institution_unavailable", "provider_code": "RETRY_LATER"}


def test_a_bank_is_down_over_all_its_codes_and_another_is_not():
    make_logins(2, institution="Down", **FAILS)
    make_logins(2, institution="Down", **{**FAILS, "provider_code": "UNAVAILABLE"})
    make_logins(4, institution="Down", outcome="fresh")
    make_logins(3, institution="Up", **FAILS)
    make_logins(4, institution="Up", outcome="user_action")

    assert banks_down() == banks_down(Login.objects.all()) == {"Down"}


def test_inactive_logins_do_not_count_and_no_name_is_no_bank():
    make_logins(3, institution="Left", status="inactive", **FAILS)
    make_logins(3, institution="", **FAILS)

    assert banks_down() == frozenset()


def test_part_of_the_register_has_outages_of_its_own(django_user_model):
    manager = django_user_model.objects.create_user("manager")
    own = make_customer("OWN", account_manager=manager)
    make_logins(3, customer=own, institution="Half", **FAILS)
    make_logins(5, customer=make_customer("FOR"), institution="Half", outcome="fresh")

    assert banks_down() == frozenset()
    assert banks_down(Login.objects.filter(customer=own)) == {"Half"}


@pytest.mark.parametrize(
    ("failing", "others", "down"),
    [(2, 0, False), (3, 0, True), (3, 3, True), (3, 4, False), (3, 40, False), (4, 4, True)],
)
def test_counting_no_further_than_needed_draws_the_same_line(failing, others, down):
    make_logins(failing, institution="Bank", **FAILS)
    make_logins(others, institution="Bank", outcome="fresh")

    assert banks_down() == banks_down(Login.objects.all()) == ({"Bank"} if down else frozenset())


def test_many_banks_are_asked_about_in_parts(monkeypatch):
    monkeypatch.setattr(outages, "AT_ONCE", 2)
    for name in ("A", "B", "C"):
        make_logins(3, institution=name, **FAILS)
    make_logins(4, institution="B", outcome="fresh")

    assert banks_down() == {"A", "C"}


def test_as_many_questions_however_many_banks_and_logins(django_assert_num_queries):
    for name in ("A", "B", "C", "D"):
        make_logins(5, institution=name, **FAILS)

    with django_assert_num_queries(2):
        assert len(banks_down()) == 4
    with django_assert_num_queries(1):
        assert len(banks_down(Login.objects.all())) == 4
