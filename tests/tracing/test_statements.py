"""Statements made once: what they store and read is what the ORM would."""

from datetime import UTC, datetime, timedelta

import pytest

from refreshops.bankdata.models import Piece
from refreshops.logins.models import Login
from refreshops.routine.models import Attempt, Run, Slot
from refreshops.tracing import statements
from tests.builders import NOON, make_login, make_logins, make_provider
from tests.tracing.stored_alike import differences

pytestmark = pytest.mark.django_db


def test_every_kind_of_field_is_stored_and_read_as_by_the_orm():
    assert list(differences()) == []


def test_an_update_that_fits_no_row_says_so():
    slot = Slot.objects.create(provider=make_provider(), free_at=NOON)

    changed = statements.update_row(
        Slot,
        where={"id": slot.pk, "free_at": NOON + timedelta(microseconds=1)},
        values={"free_at": NOON + timedelta(days=1)},
    )

    assert not changed
    assert Slot.objects.get().free_at == NOON


def test_a_relation_takes_the_id_under_either_name():
    first, second = make_logins(2)
    run = Run.objects.create(
        provider=first.provider,
        purpose="refresh",
        origin="person",
        local_date=NOON.date(),
        opened_at=NOON,
    )
    attempt = Attempt.objects.create(run=run, login=first, purpose="refresh", not_before=NOON)

    for name, login in (("login", second), ("login_id", first)):
        statements.update_row(Attempt, where={"id": attempt.pk}, values={name: login.pk})
        assert Attempt.objects.get().login == login


def test_only_the_rows_meant_are_deleted():
    first, second = (Slot.objects.create(provider=make_provider(), free_at=NOON) for _ in "ab")

    statements.delete_rows(Slot, where={"id": first.pk})

    assert list(Slot.objects.values_list("pk", flat=True)) == [second.pk]


def test_several_rows_are_inserted_at_once_and_none_is_no_statement():
    provider = make_provider()
    times = [NOON + timedelta(seconds=number) for number in range(3)]

    statements.insert_rows([])
    statements.insert_rows([Slot(provider=provider, free_at=at) for at in times])

    assert list(Slot.objects.order_by("id").values_list("free_at", flat=True)) == times


def test_a_hand_written_select_takes_aware_times():
    free_at = datetime(2026, 11, 20, 17, tzinfo=UTC)
    slot = Slot.objects.create(provider=make_provider(), free_at=free_at)

    text = "SELECT id FROM routine_slot WHERE free_at = %s"

    assert statements.fetch(text, [free_at]) == (slot.pk,)
    assert statements.fetch(text, [free_at + timedelta(seconds=1)]) is None


def test_what_an_outer_join_leaves_out_is_none():
    login = make_login()
    text = """SELECT {l}, {a} FROM logins_login l
        LEFT JOIN routine_attempt a ON a.login_id = l.id WHERE l.id = %s"""

    assert statements.fetch_models(text, [login.pk], l=Login, a=Attempt) == (login, None)


def test_a_row_is_put_in_the_place_of_the_one_that_is_equal_where_only_one_may_be():
    login = make_login()
    first = Piece(attempt_id=7, name="account", login=login, payload=b"old", kept_at=NOON)
    statements.put_row(first, unique=("attempt_id", "name"))
    kept = Piece.objects.get()
    later = NOON + timedelta(minutes=1)

    for name, login_id in (("account", None), ("card", login.pk)):
        row = Piece(attempt_id=7, name=name, login_id=login_id, payload=b"new", kept_at=later)
        statements.put_row(row, unique=("attempt_id", "name"))

    rows = list(Piece.objects.order_by("pk").values_list("pk", "name", "login_id", "kept_at"))
    assert rows[0] == (kept.pk, "account", None, later)
    assert rows[1][1:] == ("card", login.pk, later)
    assert [bytes(row.payload) for row in Piece.objects.all()] == [b"new", b"new"]
