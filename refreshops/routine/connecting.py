"""What customers who come by a connect link set going, and what their attempts leave behind.

Nothing here believes what a browser says: a LoginId that came back is registered only when the
provider has confirmed it, in the transaction that ends the attempt. Source: issue 5 B and C.
"""

from datetime import date, datetime, timedelta

from django.db import connection, transaction

from refreshops.logins import cases
from refreshops.logins.models import (
    ConnectLink,
    Customer,
    LinkEnd,
    Login,
    LoginStatus,
    Provider,
)
from refreshops.providers.contract import Result
from refreshops.routine.models import OPEN_ATTEMPT, RANK_CUSTOMER, Attempt, Run
from refreshops.routine.turns import next_turn
from refreshops.rules.lifecycle import AttemptState, Origin, Purpose
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing.events import A_CUSTOMER, Action, note

# How long a handover may lie: Flinks forgets a RequestId after 8 idle minutes.
HANDOVER_LASTS = timedelta(minutes=7)
# A login connected by this link was refreshed after its customer was sent on, and they came
# back soon: else any login that was refreshed in a night since would do. Clocks differ a little.
BACK_WITHIN = timedelta(hours=1)
CLOCKS_DIFFER = timedelta(minutes=5)
CAME_WELL = frozenset({Outcome.FRESH, Outcome.STALE})

OF_SOMEBODY_ELSE = "The connection that came back belongs to somebody else."
NOT_OF_THIS_LINK = "The connection that came back was not made by this link."
TO_BE_ERASED = "The customer asked to be forgotten meanwhile."
NOT_CONFIRMED = "The provider did not confirm the connection that came back."
REVOKED = "The link was revoked meanwhile."
SWITCHED_OFF = "The login of this link is switched off here."
MOVED = "The login of this link belongs to another customer now."


def open_attempt(
    link: ConnectLink,
    *,
    purpose: Purpose,
    now: datetime,
    local_date: date,
    window: timedelta,
    share_percent: int,
    login: Login | None = None,
    claimed_login_id: str = "",
) -> Attempt:
    """Open a run of one for a customer, or join what already waits for the same login.

    All customers together begin at most `share_percent` of the provider's calls in any window.
    Raise `Busy` when their turn would come too late. Nudge the provider's drivers afterwards.
    """
    with transaction.atomic():
        # Attempts are locked before the provider, as where an attempt ends by pausing it.
        attempt = _waiting(login, purpose) if login is not None else None
        # Whoever else comes at this instant waits here, and sees our turn.
        provider = Provider.objects.select_for_update(no_key=True).get(pk=link.provider_id)
        if attempt is None and login is not None:
            attempt = _waiting(login, purpose, wait=False)
        if attempt is None:
            begins_at = next_turn(provider, now=now, window=window, share_percent=share_percent)
            run = _run(link, provider, purpose, now, local_date, begins_at)
            attempt = Attempt.objects.create(
                run=run,
                login=login,
                claimed_login_id=claimed_login_id,
                purpose=purpose.value,
                rank=RANK_CUSTOMER,
                paced=purpose is not Purpose.INVITE,
                not_before=begins_at,
            )
        ConnectLink.objects.filter(pk=link.pk).update(
            attempt_id=attempt.pk, sealed_handover=None, handover_until=None, refused_why=""
        )
    return attempt


def _waiting(login: Login, purpose: Purpose, *, wait: bool = True) -> Attempt | None:
    """Return what already waits for this login with this purpose, moved to the front.

    Who must not `wait` takes one that somebody else has locked as it is.
    """
    found = Attempt.objects.filter(login=login, purpose=purpose.value, state__in=OPEN_ATTEMPT)
    skips = not wait and connection.features.has_select_for_update_skip_locked
    attempt = found.select_for_update(skip_locked=skips).first()
    if attempt is None:
        return found.first() if skips else None
    Attempt.objects.filter(pk=attempt.pk).update(rank=RANK_CUSTOMER)
    return attempt


def _run(
    link: ConnectLink,
    provider: Provider,
    purpose: Purpose,
    now: datetime,
    local_date: date,
    begins_at: datetime,
) -> Run:
    return Run.objects.create(
        provider=provider,
        purpose=purpose.value,
        origin=Origin.CONNECT.value,
        local_date=local_date,
        opened_by=None,
        reason=reason_of(link),
        opened_at=now,
        starts_at=begins_at,
        planned=1,
    )


def reason_of(link: ConnectLink) -> str:
    """Return why the runs of a link were opened: it names the link, and nobody."""
    return f"A customer came by connect link {link.pk}"


def register(attempt: Attempt, result: Result, *, now: datetime) -> str:
    """Register the login that a customer brought back, once the provider has confirmed it.

    Before the attempt ends, in the transaction that ends it; from then on it speaks for that login.
    Return why nothing may be registered, or an empty text.
    """
    link = _link_of(attempt)
    if link is None:
        return NOT_OF_THIS_LINK
    why = _why_not(link, result)
    if not why:
        login = _registered(link, attempt, result)
        if login.customer_id == link.customer_id:
            Attempt.objects.filter(pk=attempt.pk).update(login=login)
            attempt.login = login
            return ""
        why = OF_SOMEBODY_ELSE
    ConnectLink.objects.filter(pk=link.pk).update(refused_why=why)
    _tell(link, Action.REFUSE_RETURN, attempt, now=now, reason=why)
    return why


def _why_not(link: ConnectLink, result: Result) -> str:
    """Say why a login must not be registered, or return an empty text.

    The provider's echo of our tag decides; where it gives none, a refresh on the way does.
    """
    if result.outcome not in CAME_WELL or result.bank_data is None:
        return NOT_CONFIRMED
    if Customer.objects.filter(pk=link.customer_id, erasure_asked_at__isnull=False).exists():
        return TO_BE_ERASED
    if link.revoked_at is not None:
        return REVOKED
    if why := why_not_asked(link):
        return why
    if result.tag:
        return "" if result.tag == tag_text(link) else NOT_OF_THIS_LINK
    return "" if _refreshed_on_the_way(link, result.last_refresh_at) else NOT_OF_THIS_LINK


def _refreshed_on_the_way(link: ConnectLink, refreshed_at: datetime | None) -> bool:
    """Tell whether a login was refreshed since its customer was sent on, who came back soon."""
    handed_at, returned_at = link.handed_at, link.returned_at
    if handed_at is None or returned_at is None or refreshed_at is None:
        return False
    came_soon = returned_at - handed_at <= BACK_WITHIN
    return came_soon and refreshed_at >= handed_at - CLOCKS_DIFFER


def why_not_asked(link: ConnectLink) -> str:
    """Say why nobody is to reconnect a link's login any more, or return an empty text.

    A login may be switched off, or given to another customer, after a link was sent: whoever holds
    that link must not sign in to somebody else's bank.
    """
    login = link.login
    if login is None:
        return ""
    if login.customer_id != link.customer_id:
        return MOVED
    return "" if login.status == LoginStatus.ACTIVE.value else SWITCHED_OFF


def tag_text(link: ConnectLink) -> str:
    """Return what the provider is given to recognise a link by: no secret, and no customer."""
    return f"rf-{link.key.hex}"


def _registered(link: ConnectLink, attempt: Attempt, result: Result) -> Login:
    """Return the login as the register has it now; somebody may have been quicker."""
    login, _ = Login.objects.get_or_create(
        provider_id=link.provider_id,
        login_id=attempt.claimed_login_id,
        defaults={
            "customer_id": link.customer_id,
            "institution": (result.institution or link.institution)[:100],
        },
    )
    return login


def settle(attempt: Attempt, result: Result, *, sealed: bytes | None, now: datetime) -> None:
    """Tell the link what its attempt came to, in the transaction that ends it.

    `sealed` is the encrypted handover, where the result has one.
    """
    links = ConnectLink.objects.filter(attempt_id=attempt.pk)
    if result.handover is not None:
        links.update(sealed_handover=sealed, handover_until=now + HANDOVER_LASTS)
        return
    got_in = _got_in(result)
    if attempt.login is None or not (got_in or result.outcome in CAME_WELL):
        return
    for link in links.select_for_update():
        meant = attempt.claimed_login_id or link.login_id in (None, attempt.login_id)
        if meant and (got_in or link.login_id is None):
            _end(link, attempt, attempt.login, now=now)


def _got_in(result: Result) -> bool:
    """Tell whether the provider can sign in again: what it lacks then, the customer cannot give."""
    return result.outcome is Outcome.FRESH or result.reason is Reason.PARTIAL


def _end(link: ConnectLink, attempt: Attempt, login: Login, *, now: datetime) -> None:
    if attempt.purpose == Purpose.RECONNECT.value:
        how = LinkEnd.CURED
    else:
        how = LinkEnd.RECONNECTED if link.login_id else LinkEnd.CONNECTED
    living = ConnectLink.objects.filter(pk=link.pk, ended_at__isnull=True)
    if living.update(ended_at=now, ended_as=how.value, sealed_handover=None, handover_until=None):
        _tell(link, Action.CONNECT, attempt, now=now, login_id=login.pk, how=how.value)
    if attempt.claimed_login_id:
        cases.close_replaced(login, now=now)


def _tell(
    link: ConnectLink,
    action: Action,
    attempt: Attempt,
    *,
    now: datetime,
    reason: str = "",
    login_id: int | None = None,
    how: str = "",
) -> None:
    key = login_id or link.login_id
    details = {"link": link.pk, "how": how}
    note(
        action,
        by=A_CUSTOMER,
        at=now,
        reason=reason,
        run_id=attempt.run_id,
        subject=("login", key) if key else ("customer", link.customer_id),
        details={name: value for name, value in details.items() if value},
    )


def _link_of(attempt: Attempt) -> ConnectLink | None:
    links = ConnectLink.objects.filter(attempt_id=attempt.pk)
    return links.select_for_update().order_by("pk").first()


def is_over(attempt: Attempt) -> bool:
    """Tell whether an attempt has ended, one way or the other."""
    return attempt.state in (AttemptState.DONE.value, AttemptState.CANCELLED.value)


def attempt_of(link: ConnectLink) -> Attempt | None:
    """Return the attempt that works for a link now, with its run; None when there is none."""
    if link.attempt_id is None:
        return None
    return Attempt.objects.filter(pk=link.attempt_id).select_related("run").first()
