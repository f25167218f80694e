"""The way back from the provider's page: what a browser says is looked at, and never believed.

A return belongs to a link by its tag, or by the session it was handed over with, and to the last
time that link sent somebody on: there is one for each. What came back is asked about at the
provider before anything is registered or closed. Source: issue 5 C, issue 6 D.
"""

import re
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from refreshops.connect.clicking import Opening, locked
from refreshops.connect.links import session_mark
from refreshops.logins.models import ConnectLink, Login, LoginStatus
from refreshops.providers.contract import Returned
from refreshops.routine import connecting
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.events import A_CUSTOMER, Action, note

SWITCHED_OFF = "The connection that came back was switched off here."

_TAG = re.compile(r"rf-([0-9a-f]{32})")


def succeeded(returned: Returned) -> bool:
    """Tell whether a return tells of a connection that was made; no more than tells."""
    return not returned.failed and bool(returned.login_id or returned.session_id)


def first_link(
    claims: Iterable[tuple[str, Returned]], *, now: datetime
) -> tuple[ConnectLink | None, str]:
    """Return the link that one of the returns names, by provider, and the login it speaks of."""
    for provider, returned in claims:
        link = link_of(returned, provider=provider, now=now)
        if link is not None:
            return link, returned.login_id
    return None, ""


def link_of(returned: Returned, *, provider: str, now: datetime) -> ConnectLink | None:
    """Return the link that a return names if it sent somebody to that provider and is alive.

    The row is looked for whatever is wrong with the tag or the session: one question in any case.
    """
    named = ConnectLink.objects.filter(_named(returned), provider__name=provider)
    newest = named.select_related("provider", "customer", "login").order_by("-handed_at", "-pk")
    link = newest.first()
    if link is None or link.handed_at is None or link.revoked_at is not None:
        return None
    return link if link.ended_at is not None or now < link.expires_at else None


def _named(returned: Returned) -> Q:
    """Return the condition of the link by the echo of its tag; without one, by the session."""
    if returned.session_id and not returned.tag:
        return Q(session_mark=session_mark(returned.session_id))
    found = _TAG.fullmatch(returned.tag)
    return Q(key=uuid.UUID(found[1]) if found else uuid.UUID(int=0))


def take_return(
    link: ConnectLink,
    *,
    login_id: str,
    canonical: Callable[[str], str],
    opening: Opening,
    now: datetime,
) -> bool:
    """Have what came back looked at; False when this return was taken already, or comes too late.

    Without a `login_id` the link's own login is asked about, and judged by that alone. Raises
    ValueError when `login_id` can be no id of a login, or is needed and missing, and `turns.Busy`
    when the provider cannot be asked now: then nothing was taken, and the return may come again.
    """
    claimed = canonical(login_id) if login_id else ""
    if not claimed and link.login_id is None:
        raise ValueError("It is not said which login came back.")
    with transaction.atomic():
        link = locked(link)
        if not _is_awaited(link):
            return False
        ConnectLink.objects.filter(pk=link.pk).update(returned_at=now, claimed_login_id=claimed)
        login = _login_of(link, claimed)
        why = _why_not(link, login)
        if why:
            _refuse(link, why, now=now)
        elif login is not None:
            opening.attempt(link, Purpose.REFRESH, now=now, login=login)
        else:
            opening.attempt(link, Purpose.CONNECT, now=now, claimed_login_id=claimed)
    return True


def _login_of(link: ConnectLink, claimed: str) -> Login | None:
    if not claimed:
        return link.login
    return Login.objects.filter(provider_id=link.provider_id, login_id=claimed).first()


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
