"""The rows of webhooks: one a body, deleted by age, and their bodies long before."""

import uuid
from datetime import timedelta

import pytest

from refreshops.tracing import deliveries
from refreshops.tracing.models import Delivery, DeliveryState
from tests.builders import NOON

pytestmark = pytest.mark.django_db


def make_delivery(**fields):
    usual = {
        "received_at": NOON,
        "last_received_at": NOON,
        "provider": "flinks",
        "digest": uuid.uuid4().hex,
        "size": 9,
        "sealed": b"sealed",
    }
    return Delivery.objects.create(**(usual | fields))


def test_a_body_that_two_pages_keep_at_once_is_one_row():
    same = {"provider": "flinks", "digest": "d", "size": 9, "sealed": None, "now": NOON}

    first = deliveries.keep(delivered=None, why="not valid JSON", **same)
    second = deliveries.keep(delivered=None, why="not valid JSON", **same)

    assert (first.state, second) == ("unreadable", None)
    assert Delivery.objects.get().times == 2


def test_they_are_deleted_by_age():
    old = make_delivery(received_at=NOON - timedelta(days=91))
    young = make_delivery(received_at=NOON - timedelta(days=89))

    gone = deliveries.prune(before=NOON - timedelta(days=90))

    assert (gone, list(Delivery.objects.all())) == (1, [young])
    assert old.pk != young.pk


@pytest.mark.parametrize("state", DeliveryState.values)
def test_what_is_settled_for_good_is_not_settled_again(state):
    row = make_delivery(state=state)

    settled = deliveries.settle(row.pk, DeliveryState.APPLIED, now=NOON)

    row.refresh_from_db()
    assert settled is (state in deliveries.OPEN_STATES)
    assert (row.sealed is None) is settled


def test_a_login_without_an_id_is_nobodys():
    row = make_delivery(login_id="")

    stripped = deliveries.strip(provider="flinks", login_id="")

    row.refresh_from_db()
    assert (stripped, row.state, row.sealed) == (0, "stored", b"sealed")
