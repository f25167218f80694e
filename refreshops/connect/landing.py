"""The way back from the provider's page: what a browser says is looked at, and never believed.

A return belongs to a link by its tag, and to the last time that link sent somebody on: there is
one for each. What came back is asked about at the provider before anything is registered.
Source: issue 5 C.
"""

import re
import uuid
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from refreshops.connect.clicking import Opening, locked
from refreshops.logins.models import ConnectLink, Login, LoginStatus
from refreshops.routine import connecting
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.events import A_CUSTOMER, Action, note

SWITCHED_OFF = "The connection that came back was switched off here."

_TAG = re.compile(r"rf-([0-9a-f]{32})")


def link_of_tag(tag: str, *, now: datetime) -> ConnectLink | None:
    """Return the link that a tag names if it sent somebody to the provider and is alive."""
    found = _TAG.fullmatch(tag)
    key = uuid.UUID(found[1] if found else (0).to_bytes(16).hex())
    link = (
        ConnectLink.objects.filter(key=key).select_related("provider", "customer", "login").first()
    )
    if link is None or found is None or link.handed_at is None or link.revoked_at is not None:
        return None
    return link if link.ended_at is not None or now < link.expires_at else None


def take_return(
    link: ConnectLink,
    *,
    login_id: str,
    canonical: Callable[[str], str],
    opening: Opening,
    now: datetime,
) -> bool:
    """Have what came back looked at; False when this return was taken already, or comes too late.

    Raises ValueError when `login_id` can be no id of a login and `turns.Busy` when the
    provider cannot be asked now: then nothing was taken, and the same return may come again.
    """
    claimed = canonical(login_id)
    with transaction.atomic():
        link = locked(link)
        if not _is_awaited(link):
            return False
        ConnectLink.objects.filter(pk=link.pk).update(returned_at=now, claimed_login_id=claimed)
        login = Login.objects.filter(provider_id=link.provider_id, login_id=claimed).first()
        why = _why_not(link, login)
        if why:
            _refuse(link, why, now=now)
        elif login is not None:
            opening.attempt(link, Purpose.REFRESH, now=now, login=login)
        else:
            opening.attempt(link, Purpose.CONNECT, now=now, claimed_login_id=claimed)
    return True


def _is_awaited(link: ConnectLink) -> bool:
    """Tell whether somebody was sent on who has not come back: old returns are only replayed."""
    if link.handed_at is None or link.ended_at is not None or link.revoked_at is not None:
        return False
    return link.returned_at is None or link.returned_at < link.handed_at


def _why_not(link: ConnectLink, login: Login | None) -> str:
    if why := connecting.why_not_asked(link):
        return why
    if login is None:
        return ""
    if login.customer_id != link.customer_id:
        return connecting.OF_SOMEBODY_ELSE
    return "" if login.status == LoginStatus.ACTIVE.value else SWITCHED_OFF


def _refuse(link: ConnectLink, why: str, *, now: datetime) -> None:
    ConnectLink.objects.filter(pk=link.pk).update(refused_why=why)
    key = link.login_id
    note(
        Action.REFUSE_RETURN,
        by=A_CUSTOMER,
        at=now,
        reason=why,
        provider=link.provider.name,
        subject=("login", key) if key else ("customer", link.customer_id),
        details={"link": link.pk},
    )
