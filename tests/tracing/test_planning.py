"""SQLite never goes by sizes that were counted once: not after a migration, not after a night."""

import pytest
from django.apps import apps
from django.db import connection
from django.db.models.signals import post_migrate

from refreshops.routine import tasks
from refreshops.tracing import planning
from tests.builders import make_logins

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL counts again by itself"),
]

OF_A_MANAGER = "SELECT id FROM logins_login WHERE customer_id = 1 AND status = 'active'"


def plan_of(sql):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in cursor.fetchall()]


def believed():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tbl FROM sqlite_stat1")
        return {row[0] for row in cursor.fetchall()}


def migrate():
    """Say what `migrate` says to an app when it has ended."""
    config = apps.get_app_config("routine")
    post_migrate.send(sender=config, app_config=config, verbosity=0, using="default")


@pytest.mark.parametrize("when", [migrate, tasks.prune], ids=["migration", "daily-pruning"])
def test_what_was_counted_once_is_forgotten(when):
    usual = plan_of(OF_A_MANAGER)
    make_logins(3)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert "logins_login" in believed()

    when()

    assert believed() == set()
    assert plan_of(OF_A_MANAGER) == usual


def test_who_was_never_told_has_nothing_to_forget():
    assert planning.forget_sizes() is False
