"""GET /healthz."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection

from refreshops.logins.models import Provider
from refreshops.routine import seats

pytestmark = pytest.mark.django_db


def now() -> datetime:
    return datetime.now(UTC)


def test_without_a_worker_it_is_well_unless_asked_for_one(client):
    assert client.get("/healthz").status_code == 200
    assert client.get("/healthz?worker=1").status_code == 503


@pytest.mark.parametrize(
    ("age_seconds", "status", "alive"),
    [pytest.param(5, 200, True, id="just-seen"), pytest.param(70, 503, False, id="long-gone")],
)
def test_the_worker_counts_as_alive_for_a_minute(client, age_seconds, status, alive):
    seats.beat(seats.WORKER, now=now() - timedelta(seconds=age_seconds))

    answer = client.get("/healthz?worker=1")

    assert answer.status_code == status
    assert answer.json()["worker"]["alive"] is alive
    assert abs(answer.json()["worker"]["age_seconds"] - age_seconds) < 5


def test_it_names_paused_providers_without_their_reason(client):
    Provider.objects.create(
        name="flinks", paused_at=now(), paused_kind="keys", paused_reason="The key abc was refused."
    )

    body = client.get("/healthz").content.decode()

    assert '"provider": "flinks", "kind": "keys"' in body
    assert "abc" not in body


def test_without_a_database_it_says_so(client):
    def refuse(execute, sql, params, many, context):
        raise OperationalError("no such host db.internal")

    with connection.execute_wrapper(refuse):
        answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json() == {"database": "unreachable", "worker": None, "paused": []}


def test_it_is_never_cached_and_changes_nothing(client):
    assert "no-store" in client.get("/healthz")["Cache-Control"]
    assert client.post("/healthz").status_code == 405


def test_https_is_not_forced_on_a_probe(client, settings):
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/healthz").status_code == 200
