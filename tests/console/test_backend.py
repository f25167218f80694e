"""The sign-in backend: what Django's own would answer, in one query."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Permission, User

from refreshops.console.permissions import OneQueryBackend
from tests.console.conftest import GROUPS


def fresh(user):
    """Return the person as the database has them, nothing remembered."""
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("with_one_of_their_own", [False, True], ids=["groups", "own-too"])
def test_it_answers_as_djangos_own_backend(people, name, with_one_of_their_own):
    if with_one_of_their_own:
        people[name].user_permissions.add(Permission.objects.get(codename="delete_group"))

    found = OneQueryBackend().get_all_permissions(fresh(people[name]))

    assert found == ModelBackend().get_all_permissions(fresh(people[name]))
    assert bool(found) is (name != "nobody" or with_one_of_their_own)


@pytest.mark.parametrize("name", ["ops", "admin"])
def test_a_disabled_person_may_nothing(people, name):
    User.objects.update(is_active=False)

    assert OneQueryBackend().get_all_permissions(fresh(people[name])) == set()
    assert not fresh(people[name]).has_perm("logins.view_login")


def test_nobody_signed_in_may_nothing_and_single_rows_have_no_permissions(people):
    assert OneQueryBackend().get_all_permissions(AnonymousUser()) == set()
    assert OneQueryBackend().get_all_permissions(fresh(people["ops"]), obj=people["ops"]) == set()


def test_one_query_however_much_is_asked(people, django_assert_num_queries):
    ops = fresh(people["ops"])

    with django_assert_num_queries(1):
        assert ops.has_perm("logins.view_login")
        assert ops.has_module_perms("routine")
        assert not ops.has_perm("auth.delete_user")
