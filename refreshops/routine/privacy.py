"""A privacy request about one customer: how much is held, and the order to erase all of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.logins.models import (
    ConnectLink,
    Contact,
    Customer,
    Letter,
    Login,
    Note,
    ReconnectCase,
)
from refreshops.routine import unlinking
from refreshops.routine.erasing import forgotten_logins, settle
from refreshops.routine.forgetting import forget
from refreshops.routine.models import OPEN_ATTEMPT, Attempt
from refreshops.routine.opening import NothingToDo, Opened, ReasonMissing, Refused
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.events import Action, note
from refreshops.tracing.models import Call, Delivery, Event

# So many logins are named in one question to the trace.
LOGINS_AT_ONCE = 100


@dataclass(frozen=True)
class Holdings:
    """How many rows are held about one customer; `forgotten` are among `logins`."""

    logins: int
    forgotten: int
    attempts: int
    calls: int
    snapshots: int
    accounts: int
    notes: int
    journal: int
    cases: int
    contacts: int
    links: int
    mails: int
    deliveries: int

    @property
    def bank_data(self) -> int:
        """Rows that hold what a bank said."""
        return self.snapshots + self.accounts

    def as_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def holdings(customer: Customer) -> Holdings:
    """Count what is held about a customer."""
    logins = Login.objects.filter(customer=customer)
    return Holdings(
        logins=logins.count(),
        forgotten=logins.filter(forgotten_logins()).count(),
        attempts=Attempt.objects.filter(login__customer=customer).count(),
        calls=sum(rows.count() for rows in calls_about(customer)),
        snapshots=Snapshot.objects.filter(login__customer=customer).count(),
        accounts=BankAccount.objects.filter(login__customer=customer).count(),
        notes=Note.objects.filter(login__customer=customer).count(),
        journal=journal_of(customer).count(),
        cases=ReconnectCase.objects.filter(login__customer=customer).count(),
        contacts=Contact.objects.filter(case__login__customer=customer).count(),
        links=ConnectLink.objects.filter(customer=customer).count(),
        mails=Letter.objects.filter(link__customer=customer).count(),
        deliveries=sum(rows.count() for rows in deliveries_about(customer)),
    )


def calls_about(customer: Customer) -> list[QuerySet[Call]]:
    """Return the calls made for a customer's logins, in parts: the trace has no foreign keys."""
    return [Call.objects.filter(part) for part in _about(customer)]


def deliveries_about(customer: Customer) -> list[QuerySet[Delivery]]:
    """Return what the provider sent by itself about a customer's logins, in parts as the calls."""
    return [Delivery.objects.filter(part) for part in _about(customer)]


def _about(customer: Customer) -> list[Q]:
    """Return the conditions of what was traced about a customer's logins, a few logins in each."""
    logins = list(
        Login.objects.filter(customer=customer)
        .order_by("pk")
        .values_list("provider__name", "login_id")
    )
    parts = (logins[at : at + LOGINS_AT_ONCE] for at in range(0, len(logins), LOGINS_AT_ONCE))
    return [
        reduce(or_, (Q(provider=provider, login_id=login_id) for provider, login_id in part))
        for part in parts
    ]


def journal_of(customer: Customer) -> QuerySet[LogEntry]:
    """Return who did or looked at what of this customer and their logins, in the browser."""
    kinds = ContentType.objects.get_for_models(Customer, Login)
    logins = Login.objects.filter(customer=customer).values_list("pk", flat=True)
    return LogEntry.objects.filter(
        Q(content_type=kinds[Customer], object_id=str(customer.pk))
        | Q(content_type=kinds[Login], object_id__in=[str(pk) for pk in logins])
    )


def story_of(customer: Customer) -> QuerySet[Event]:
    """Return the events about a customer, their logins, and one attempt or call for one, by id.

    A support bundle of a call went to the provider as one of the login did; one of a run or of a
    cell of its matrix notes whose calls were in it.
    """
    logins = set(Login.objects.filter(customer=customer).values_list("pk", flat=True))
    attempts = Attempt.objects.filter(login__customer=customer)
    # Few calls were ever spoken of; a customer may have many.
    spoken_of = Event.objects.filter(subject="call").values("subject_id")
    calls = [
        pk
        for part in calls_about(customer)
        for pk in part.filter(pk__in=spoken_of).values_list("pk", flat=True)
    ]
    return Event.objects.filter(
        Q(subject="customer", subject_id=customer.pk)
        | Q(pk__in=_bundles_of_many(logins))
        | Q(subject="login", subject_id__in=logins)
        | Q(subject="attempt", subject_id__in=attempts.values("pk"))
        | Q(subject="call", subject_id__in=calls)
    )


def _bundles_of_many(logins: set[int]) -> list[int]:
    """Return the events of the bundles that some of the logins were in among others."""
    # Few were ever made; SQLite cannot look into a JSON list.
    made = Event.objects.filter(action=Action.BUNDLE.value, subject__in=["", "run"])
    noted = made.values_list("pk", "details").iterator()
    return [pk for pk, details in noted if not logins.isdisjoint(details.get("logins", ()))]


def erase_customer(
    customer: Customer,
    *,
    by: Any,
    reason: str,
    now: datetime,
    local_date: date,
    window: timedelta,
    offers: Callable[[str], bool],
    approval_above: int | None = None,
) -> list[Opened]:
    """Order that nothing about a customer stays: one `forget` run a provider. Source: issue 3 E.

    No new bank data of theirs is kept from now on. When the last login is forgotten the customer's
    own row is blanked; at once when there is none. No run is opened then, nor when all of them are
    being forgotten already. Asking again orders what has failed. Raise `ReasonMissing`,
    `NothingToDo` when all that was asked is under way, and `Refused`.
    """
    if not reason.strip():
        raise ReasonMissing("Say why: the reason is all that stays of the request.")
    with transaction.atomic():
        # Their logins are locked before the customer, as when a login's attempt ends.
        theirs = Login.objects.filter(customer=customer)
        list(theirs.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
        known = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
        if known.erased_at is not None:
            raise Refused("This customer was erased already; nothing is left to do.")
        _ask(known, by=by, reason=reason, now=now)
        left = theirs.exclude(forgotten_logins())
        _note_request(known, by=by, reason=reason, number=left.count(), now=now)
        if settle(known.pk, now=now) or _under_way(left, asked_before=known.erasure_asked_at):
            return []
        return forget(
            logins=left,
            by=by,
            reason=reason,
            now=now,
            local_date=local_date,
            window=window,
            offers=offers,
            approval_above=approval_above,
        )


def _ask(customer: Customer, *, by: Any, reason: str, now: datetime) -> None:
    """Note the request; of several the first one stays, for it has a deadline in law."""
    if customer.erasure_asked_at is None:
        Customer.objects.filter(pk=customer.pk).update(
            erasure_asked_at=now, erasure_asked_by=by, erasure_reason=reason.strip()[:500]
        )
    unlinking.revoke_all(customer, by=by, now=now)


def _note_request(customer: Customer, *, by: Any, reason: str, number: int, now: datetime) -> None:
    subject = ("customer", customer.pk)
    note(Action.ASK_ERASURE, by=by, at=now, reason=reason, number=number, subject=subject)


def _under_way(logins: QuerySet[Login], *, asked_before: datetime | None) -> bool:
    """Tell whether all of them are being forgotten; raise `NothingToDo` if that was all we want."""
    waiting = Attempt.objects.filter(purpose=Purpose.FORGET.value, state__in=OPEN_ATTEMPT)
    if logins.exclude(Exists(waiting.filter(login=OuterRef("pk")))).exists():
        return False
    if asked_before is not None:
        held = waiting.filter(login__in=logins.values("pk")).order_by("run")
        names = ", ".join(f"run {pk}" for pk in held.values_list("run", flat=True).distinct())
        raise NothingToDo(f"All of it is under way already, in {names}: nothing was ordered twice.")
    return True
