"""The rows of webhook deliveries: kept first, settled later, emptied early, deleted in the end."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from refreshops.providers.contract import Delivered
from refreshops.tracing.models import Delivery, DeliveryState
from refreshops.tracing.retention import delete_in_steps

# What may still be applied one day: the login may be registered, or our reading be mended.
OPEN_STATES = (
    DeliveryState.STORED.value,
    DeliveryState.UNKNOWN_LOGIN.value,
    DeliveryState.PARKED.value,
)
BODY_LASTS = timedelta(days=14)
FORGOTTEN = "Nothing is kept of a login that was forgotten."
BODY_GONE = "Its body was deleted before it could be applied."


def again(*, provider: str, digest: str, now: datetime) -> bool:
    """Count a body that is kept already; False when it is not."""
    same = Delivery.objects.filter(provider=provider, digest=digest)
    return bool(same.update(times=F("times") + 1, last_received_at=now))


def keep(
    *,
    provider: str,
    digest: str,
    size: int,
    delivered: Delivered | None,
    sealed: bytes | None,
    why: str = "",
    now: datetime,
) -> Delivery | None:
    """Keep a delivery before anything is done with it; None when somebody was quicker.

    `sealed` is the raw body, encrypted, of one that brings data. Without `delivered` it could not
    be read. `why` says in one sentence why there is nothing to learn.
    """
    row = Delivery(
        received_at=now,
        last_received_at=now,
        provider=provider,
        digest=digest,
        size=size,
        sealed=sealed,
        state_reason=why[:200],
        **(_read(delivered) if delivered else {}),
    )
    if delivered is None:
        row.state, row.settled_at = DeliveryState.UNREADABLE.value, now
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        if again(provider=provider, digest=digest, now=now):
            return None
        raise
    return row


def _read(delivered: Delivered) -> dict[str, object]:
    envelope = delivered.envelope
    return {
        "kind": delivered.kind[:60],
        "login_id": delivered.login_id[:64],
        "request_id": delivered.request_id[:64],
        "tag": delivered.tag[:120],
        "institution": delivered.institution[:100],
        "http_status_code": envelope.http_status_code,
        "provider_code": envelope.provider_code[:80],
        "message": delivered.message[:500],
        "answer": dict(envelope.answer),
    }


def settle(delivery_id: int, state: DeliveryState, *, why: str = "", now: datetime) -> bool:
    """Say what became of a delivery that was not settled; False when somebody else has said it.

    The body goes at once, unless it may still be applied.
    """
    emptied: dict[str, object] = {} if state.value in OPEN_STATES else {"sealed": None}
    if state is DeliveryState.UNKNOWN_LOGIN:
        emptied["tries"] = 0  # nothing went wrong: it is applied when the login is registered
    waiting = Delivery.objects.filter(pk=delivery_id, state__in=OPEN_STATES)
    return bool(
        waiting.update(state=state.value, state_reason=why[:200], settled_at=now, **emptied)
    )


def begin(delivery_id: int) -> int:
    """Count a try to apply a delivery before it is made; the number of it, 0 if all is settled."""
    waiting = Delivery.objects.filter(pk=delivery_id, state__in=OPEN_STATES)
    if not waiting.update(tries=F("tries") + 1):
        return 0
    return int(waiting.values_list("tries", flat=True).first() or 0)


def take_back_a_try(delivery_id: int) -> None:
    """Count a try as not made: the database was away, which is not the delivery's fault."""
    Delivery.objects.filter(pk=delivery_id, tries__gt=0).update(tries=F("tries") - 1)


def strip(*, provider: str, login_id: str) -> int:
    """Take what could name a person out of a login's deliveries, and every body; return how many.

    Ids, times, kinds and codes stay, as those of calls do. Source: issue 3 E.
    """
    if not login_id:
        return 0
    theirs = Delivery.objects.filter(provider=provider, login_id=login_id)
    theirs.filter(state__in=OPEN_STATES).update(
        state=DeliveryState.IGNORED.value, state_reason=FORGOTTEN
    )
    return theirs.update(message="", answer={}, institution="", tag="", sealed=None)


def drop_old_bodies(*, now: datetime) -> int:
    """Delete the bodies that nobody will apply any more; return how many.

    Such a delivery stays as it is listed, and can only be read from then on.
    """
    old = Delivery.objects.filter(received_at__lt=now - BODY_LASTS, sealed__isnull=False)
    return old.update(sealed=None)


def prune(*, before: datetime) -> int:
    """Delete deliveries that first came before `before`; return how many."""
    return delete_in_steps(Delivery.objects.filter(received_at__lt=before).order_by("received_at"))
