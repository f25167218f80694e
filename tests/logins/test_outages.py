"""Which banks look down: active logins alone count, of the register or of part of it."""

import pytest

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
