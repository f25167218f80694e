"""The groups of people: each permission of the table exists, and nobody may more than it says."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from refreshops.routine.roles import ACCOUNT_MANAGERS, AUDITORS, ROLES, ensure_groups


def test_every_permission_of_the_table_exists(db):
    missing = ensure_groups(group_model=Group, permission_model=Permission)

    assert missing == []
    for name, permissions in ROLES.items():
        assert Group.objects.get(name=name).permissions.count() == len(permissions)


def test_it_is_safe_to_repeat_and_takes_nothing_away(db):
    ensure_groups(group_model=Group, permission_model=Permission)
    extra = Permission.objects.get(codename="delete_session")
    Group.objects.get(name=AUDITORS).permissions.add(extra)

    ensure_groups(group_model=Group, permission_model=Permission)

    assert Group.objects.count() == len(ROLES)
    assert extra in Group.objects.get(name=AUDITORS).permissions.all()


@pytest.mark.parametrize("permission", ROLES[AUDITORS])
def test_auditors_only_read_and_take_out(permission):
    assert permission.split(".")[1].startswith(("view_", "export_"))


def test_account_managers_neither_see_bank_data_nor_other_managers_rows():
    permissions = ROLES[ACCOUNT_MANAGERS]

    assert "logins.view_every_customer" not in permissions
    assert not [row for row in permissions if row.startswith("bankdata.")]


def test_the_tables_and_the_migrations_agree(db):
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())
