"""Events are added, and never changed or deleted."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, transaction

from refreshops.tracing.events import AT_THE_COMMAND_LINE, LARGEST_NUMBER, Action, note
from refreshops.tracing.models import Event, EventIsKept
from tests.builders import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def event():
    return note(Action.ORDER, by="Ola", at=NOON, reason="They left", number=3, run_id=1)


def changed(row: Event) -> Event:
    row.reason = "Something else"
    return row


def doubled(row: Event) -> Event:
    """Return a new row under the number of one that is there."""
    return Event(pk=row.pk, at=NOON, action="order", actor="somebody")


@pytest.mark.parametrize(
    "meddle",
    [
        pytest.param(lambda row: changed(row).save(), id="saved-again"),
        pytest.param(lambda row: row.save(update_fields=["reason"]), id="saved-in-part"),
        pytest.param(lambda row: doubled(row).save(), id="saved-over"),
        pytest.param(lambda row: doubled(row).save(force_update=True), id="saved-over-by-force"),
        pytest.param(lambda row: changed(row).save_base(raw=True), id="loaded-over"),
        pytest.param(lambda row: row.delete(), id="deleted"),
        pytest.param(lambda row: Event.objects.update(reason="x"), id="updated"),
        pytest.param(lambda row: Event.objects.filter(pk=row.pk).delete(), id="deleted-by-query"),
        pytest.param(
            lambda row: Event.objects.bulk_update([changed(row)], ["reason"]), id="updated-in-bulk"
        ),
        pytest.param(
            lambda row: Event.objects.bulk_create(
                [changed(row)],
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=["reason"],
            ),
            id="created-over",
        ),
        pytest.param(
            lambda row: Event.objects.bulk_create(
                [doubled(row)], None, False, True, ["reason"], ["id"]
            ),
            id="created-over-by-place",
        ),
        pytest.param(
            lambda row: Event.objects.update_or_create(pk=row.pk, defaults={"reason": "x"}),
            id="updated-or-created",
        ),
        pytest.param(lambda row: Event._base_manager.update(reason="x"), id="by-the-base-manager"),
        pytest.param(lambda row: Event._base_manager.all().delete(), id="deleted-by-the-base"),
        pytest.param(lambda row: Event.objects.all()._raw_delete("default"), id="in-passing"),
    ],
)
def test_no_way_changes_or_deletes_an_event(event, meddle):
    kept = Event.objects.values().get()

    with pytest.raises(EventIsKept), transaction.atomic():
        meddle(event)

    assert Event.objects.values().get() == kept


def test_a_kept_event_can_be_loaded_into_an_empty_table(event):
    again = Event(pk=event.pk + 1, at=NOON, action="order", actor="Ola")

    again.save_base(raw=True)

    assert Event.objects.filter(pk=again.pk).exists()


def test_pruning_takes_no_event(event):
    old = note(Action.PAUSE_RUN, by=None, at=NOON - timedelta(days=4000))

    call_command("prune_calls", days=1)

    assert set(Event.objects.values_list("pk", flat=True)) >= {event.pk, old.pk}


@pytest.mark.parametrize(
    ("by", "actor"),
    [
        pytest.param(None, AT_THE_COMMAND_LINE, id="the-command-line"),
        pytest.param("RefreshOps itself", "RefreshOps itself", id="in-words"),
    ],
)
def test_an_event_says_who_acted_where_nobody_was_signed_in(by, actor):
    found = note(Action.PAUSE_RUN, by=by, at=NOON)

    assert (found.actor, found.actor_id) == (actor, None)


def test_an_event_outlives_the_account_of_who_acted():
    person = User.objects.create_user("ola")
    note(Action.PAUSE_RUN, by=person, at=NOON)
    number = person.pk

    person.delete()

    found = Event.objects.get()
    assert (found.actor, found.actor_id) == ("ola", number)


def test_an_event_without_an_actor_is_refused_by_the_database():
    with pytest.raises(IntegrityError), transaction.atomic():
        note(Action.ORDER, by="", at=NOON)


def test_long_reasons_and_large_numbers_are_cut_to_what_a_row_holds():
    found = note(Action.ORDER, by=None, at=NOON, reason=f"  {'y' * 600}", number=2**40)

    found.refresh_from_db()
    assert (found.reason, found.number) == ("y" * 500, LARGEST_NUMBER)
