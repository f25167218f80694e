"""Applying what a provider sent by itself: each delivery once, whoever else works on its login.

Of two workers that apply the same delivery one finds it settled; one that dies in between leaves it
as it was, for the next heartbeat. Source: issue 5 D.
"""

import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.models import Exists, OuterRef, Q, QuerySet

from refreshops.bankdata import snapshots
from refreshops.logins.models import Login, LoginStatus
from refreshops.providers import unpacking
from refreshops.providers.contract import Result
from refreshops.routine import teaching, turn
from refreshops.routine.desk import Desk, subject_of_login
from refreshops.routine.models import Attempt
from refreshops.routine.teaching import Weight
from refreshops.rules.lifecycle import AttemptState
from refreshops.tracing import deliveries
from refreshops.tracing.models import Delivery, DeliveryState

logger = logging.getLogger(__name__)

MOST_TRIES = 3
# A snapshot that no attempt fetched.
NO_ATTEMPT = 0

UNKNOWN = "No login of this id is registered here."
NO_ID = "It does not say which login it is about."
SWITCHED_OFF = "The login is switched off here."
PARKED = "It could not be applied in three tries; the log holds the details."
STARTED_AND_LOST = "Three workers began to apply it, and none came to an end."

Stop = Any


def waiting(provider: str, *, left_over: bool) -> QuerySet[Delivery]:
    """Return the deliveries of a provider that should be applied now.

    With `left_over` also those that were begun before, and those of logins that were unknown when
    they came and have been registered since.
    """
    theirs = Delivery.objects.filter(provider=provider).order_by("pk")
    stored = Q(state=DeliveryState.STORED.value)
    if not left_over:
        return theirs.filter(stored, tries=0)
    known = Login.objects.filter(provider__name=provider, login_id=OuterRef("login_id"))
    found = Q(state=DeliveryState.UNKNOWN_LOGIN.value, sealed__isnull=False) & Exists(known)
    return theirs.filter(stored | found)


def any_waits(provider: str, *, left_over: bool) -> bool:
    """Tell whether there is anything to apply."""
    return waiting(provider, left_over=left_over).exists()


def apply_waiting(desk: Desk, *, left_over: bool, stop: Stop) -> int:
    """Apply what waits, oldest first, until nothing does or `stop()`; return how many were tried.

    One that cannot be applied holds up no other.
    """
    rows = waiting(desk.provider.name, left_over=left_over).values_list("pk", flat=True)
    tried = last = 0
    while not stop():
        key = rows.filter(pk__gt=last).first()
        if key is None:
            break
        apply(desk, key)
        tried, last = tried + 1, key
    return tried


def apply(desk: Desk, delivery_id: int) -> None:
    """Apply one delivery if it is not settled; park it when it fails for the third time.

    Raises `OperationalError` or `InterfaceError` when the database is away; then it still waits.
    """
    with desk.writing():
        tries = deliveries.begin(delivery_id)
    if tries == 0:
        return
    if tries > MOST_TRIES:
        _park(desk, delivery_id, STARTED_AND_LOST)
        return
    try:
        _apply(desk, Delivery.objects.get(pk=delivery_id))
    except (OperationalError, InterfaceError):
        deliveries.take_back_a_try(delivery_id)
        raise
    except Exception:
        logger.exception("Delivery %s could not be applied", delivery_id)
        if tries == MOST_TRIES:
            _park(desk, delivery_id, PARKED)


def _park(desk: Desk, delivery_id: int, why: str) -> None:
    with desk.writing():
        deliveries.settle(delivery_id, DeliveryState.PARKED, why=why, now=desk.clock())


def _apply(desk: Desk, row: Delivery) -> None:
    login = _login_of(row)
    if login is None:
        _settle_without_a_login(desk, row)
        return
    if row.sealed is None:
        with desk.writing():
            turn.hold_login(login.pk)
            if not _nothing_is_kept(row, login, now=desk.clock()):
                why = row.state_reason or deliveries.BODY_GONE
                deliveries.settle(row.pk, DeliveryState.IGNORED, why=why, now=desk.clock())
        return
    # Everything that takes time happens before the login is held; what the delivery means is
    # asked once more then, for the login may have learned something meanwhile.
    body = unpacking.parse(desk.vault.open(row.sealed)["body"].encode("latin-1"))
    data = _judged(desk, login, body).bank_data
    sealed = desk.vault.seal(data.payload) if data is not None else None
    with desk.writing():
        turn.hold_login(login.pk)
        _settle(desk, row, login, body, sealed=sealed)


def _settle_without_a_login(desk: Desk, row: Delivery) -> None:
    state, why = DeliveryState.UNKNOWN_LOGIN, UNKNOWN
    if row.sealed is None:
        state, why = DeliveryState.IGNORED, row.state_reason or NO_ID
    with desk.writing():
        deliveries.settle(row.pk, state, why=why, now=desk.clock())


def _login_of(row: Delivery) -> Login | None:
    if not row.login_id:
        return None
    found = Login.objects.filter(provider__name=row.provider, login_id=row.login_id)
    return found.select_related("customer").first()


def _judged(desk: Desk, login: Login, body: Any) -> Result:
    return desk.provider.judge_delivery(
        subject_of_login(login), body, policy=desk.policy, now=desk.clock()
    )


def _settle(desk: Desk, row: Delivery, login: Login, body: Any, *, sealed: bytes | None) -> None:
    """Write down all that a delivery leads to, holding its login; nothing if it is settled."""
    now = desk.clock()
    login = Login.objects.select_related("customer").get(pk=login.pk)
    if _nothing_is_kept(row, login, now=now):
        return
    if login.status != LoginStatus.ACTIVE.value:
        deliveries.settle(row.pk, DeliveryState.IGNORED, why=SWITCHED_OFF, now=now)
        return
    result = _judged(desk, login, body)
    if result.outcome not in teaching.KNOWS_IT:
        deliveries.settle(row.pk, DeliveryState.IGNORED, why=result.message, now=now)
        return
    weight = teaching.weight_of(login, result, received_at=row.received_at)
    teaches = weight in (Weight.ALL, Weight.DATA_ONLY)
    state = DeliveryState.APPLIED if teaches else DeliveryState.SUPERSEDED
    if not deliveries.settle(row.pk, state, why=weight.value, now=now) or not teaches:
        return
    data, kept = result.bank_data, None
    if data is not None and sealed is not None:
        kept = snapshots.store(
            login=login, attempt_id=NO_ATTEMPT, data=data, sealed=sealed, now=now
        )
    if result.nightly is not None and _switched_lately(login, row):
        result = replace(result, nightly=None)
    teaching.by_delivery(login, result, weight=weight, stored=data if kept else None, now=now)


def _nothing_is_kept(row: Delivery, login: Login, *, now: datetime) -> bool:
    """Empty the delivery of a login that was forgotten, or is to be; False for any other."""
    gone = login.status != LoginStatus.ACTIVE.value and login.gone_at is not None
    if not gone and login.customer.erasure_asked_at is None:
        return False
    deliveries.settle(row.pk, DeliveryState.IGNORED, why=deliveries.FORGOTTEN, now=now)
    deliveries.strip(provider=row.provider, login_id=row.login_id)
    return True


def _switched_lately(login: Login, row: Delivery) -> bool:
    """Tell whether an order of ours may be newer than what a delivery says of the flag."""
    orders = Attempt.objects.filter(
        login=login, purpose__in=[purpose.value for purpose in teaching.SWITCHING]
    ).exclude(state=AttemptState.CANCELLED.value)
    since = row.received_at - teaching.LATE_BY
    return orders.filter(Q(finished_at__isnull=True) | Q(finished_at__gte=since)).exists()
