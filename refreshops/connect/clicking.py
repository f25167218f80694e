"""The click on a link's button: what it begins, how often, and the way on to the provider's page.

A live refresh costs money and disturbs a bank, so it is made for a login twice a day at most, and
never where the customer has to give the bank's password anew. A provider that knows no live
refresh makes none to reconnect either: there these two rules hold nobody back, and the limits of a
link's clicks do. Source: issue 5 B and E, issue 6 D.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from refreshops.connect.links import MOST_STARTS, session_mark
from refreshops.connect.standing import UNDER_WAY, Standing, standing_of
from refreshops.logins.models import ConnectLink, Login
from refreshops.providers.contract import Handover
from refreshops.routine import connecting, live_limits
from refreshops.routine.models import OPEN_ATTEMPT, Attempt, Run
from refreshops.routine.refusals import Refused
from refreshops.rules.lifecycle import AttemptState, Origin, Purpose

MOST_STARTS_AN_HOUR = 5
AN_HOUR = timedelta(hours=1)
BEGINS = (Purpose.RECONNECT.value, Purpose.INVITE.value)

# Builds the address of the provider's page; the link's own words stand in it.
Address = Callable[[Handover | None, ConnectLink], str]


class TooOften(Refused):
    """A link that was clicked too often, lately or ever."""


@dataclass(frozen=True)
class Opening:
    """What opening an attempt needs besides the link; `window` and `share_percent` as settings."""

    local_date: date
    window: timedelta
    share_percent: int

    def attempt(self, link: ConnectLink, purpose: Purpose, *, now: datetime, **of: Any) -> Attempt:
        """Open an attempt of a customer, or raise `turns.Busy`."""
        return connecting.open_attempt(
            link,
            purpose=purpose,
            now=now,
            local_date=self.local_date,
            window=self.window,
            share_percent=self.share_percent,
            **of,
        )


def locked(link: ConnectLink) -> ConnectLink:
    """Return a link as it is now, held to the end of the transaction."""
    found = ConnectLink.objects.select_for_update(of=("self",))
    return found.select_related("provider", "customer", "login").get(pk=link.pk)


def start(
    link: ConnectLink, *, opening: Opening, offers: Callable[[Purpose], bool], now: datetime
) -> bool:
    """Begin a connection after a click; False when the click before is still being worked on.

    Raises `TooOften` and `turns.Busy`; nothing is counted then. Nudge the drivers afterwards.
    """
    with transaction.atomic():
        link = locked(link)
        attempt = connecting.attempt_of(link)
        under_way = attempt is not None and not connecting.is_over(attempt)
        if under_way or _is_settled(link, standing_of(link, attempt, now=now)):
            return False
        _check_often(link, now=now)
        purpose = _purpose(link, offers=offers, now=now)
        clicked: dict[str, Any] = {"starts": F("starts") + 1, "started_at": now, "refused_why": ""}
        if purpose is None:
            # Nothing has to be prepared there: the customer goes straight on.
            clicked |= {"attempt_id": None, "sealed_handover": None, "handover_until": None}
        else:
            login = link.login if purpose is Purpose.RECONNECT else None
            opening.attempt(link, purpose, now=now, login=login)
        ConnectLink.objects.filter(pk=link.pk).update(**clicked)
    return True


def _is_settled(link: ConnectLink, standing: Standing) -> bool:
    return standing in UNDER_WAY or standing is Standing.DONE or _leads_nowhere(link)


def _leads_nowhere(link: ConnectLink) -> bool:
    """Tell whether a link was shut after its address was looked up, before we held it."""
    return link.revoked_at is not None or bool(connecting.why_not_asked(link))


def _check_often(link: ConnectLink, *, now: datetime) -> None:
    if link.starts >= MOST_STARTS:
        raise TooOften("This link was used too often.")
    lately = Run.objects.filter(
        provider_id=link.provider_id,
        origin=Origin.CONNECT.value,
        purpose__in=BEGINS,
        opened_at__gt=now - AN_HOUR,
        reason=connecting.reason_of(link),
    )
    if lately.count() >= MOST_STARTS_AN_HOUR:
        raise TooOften("This link was used too often within an hour.")


def _purpose(
    link: ConnectLink, *, offers: Callable[[Purpose], bool], now: datetime
) -> Purpose | None:
    login = link.login
    if login is not None and offers(Purpose.RECONNECT):
        signs_in = offers(Purpose.LIVE_REFRESH)
        if not signs_in or _helps_live(login, now=now):
            return Purpose.RECONNECT
    return Purpose.INVITE if offers(Purpose.INVITE) else None


def _helps_live(login: Login, *, now: datetime) -> bool:
    """Tell whether a live refresh may be made for a login, and could help.

    Stricter than for people's orders: here the customer can go on without one.
    """
    wanting = Login.objects.filter(live_limits.wants_credentials(), pk=login.pk)
    if login.gone_at is not None or wanting.exists():
        return False
    today = Q(state__in=OPEN_ATTEMPT) | Q(
        state=AttemptState.DONE.value, finished_at__gt=now - live_limits.A_DAY
    )
    made = Attempt.objects.filter(today, login=login, purpose__in=live_limits.SIGNS_IN)
    return made.count() < live_limits.MOST_A_DAY


def go_on(
    link: ConnectLink, *, open_sealed: Callable[[bytes], Any], address: Address, now: datetime
) -> str:
    """Return the address at the provider that a link leads to now, once; else an empty text.

    The handover is spent by that: whoever comes later has to click again. What `address` raises
    leaves everything as it was.
    """
    with transaction.atomic():
        link = locked(link)
        standing = standing_of(link, connecting.attempt_of(link), now=now)
        if standing is not Standing.GO or _leads_nowhere(link):
            return ""
        handover = None
        if link.sealed_handover is not None:
            handover = Handover(**open_sealed(bytes(link.sealed_handover)))
        url = address(handover, link)
        _spend(link)
        mark = session_mark(handover.request_id if handover is not None else "")
        ConnectLink.objects.filter(pk=link.pk).update(handed_at=now, session_mark=mark)
    return url


def _spend(link: ConnectLink) -> None:
    """Clear the handover, with every link that waited for the same attempt: it is good once."""
    links = ConnectLink.objects.filter(pk=link.pk)
    if link.attempt_id is not None:
        links = ConnectLink.objects.filter(attempt_id=link.attempt_id)
    links.update(sealed_handover=None, handover_until=None)
