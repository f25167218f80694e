"""What one login's page shows above its register entry."""

from dataclasses import replace
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Count
from django.http import HttpRequest

from refreshops import wiring
from refreshops.bankdata.models import BankAccount
from refreshops.console import link_pages
from refreshops.console.addresses import bundle_of, calls_list, deliveries_list
from refreshops.console.deadlines import by_when
from refreshops.console.matrix import Outage, build
from refreshops.console.notes import LONGEST, may_note
from refreshops.console.order_kinds import KINDS, Kind, kinds_of, may, offering
from refreshops.console.receipts import receipt_of
from refreshops.console.scoping import logins_of, sees_bank_data
from refreshops.console.story import tell
from refreshops.console.timeline import timeline_of
from refreshops.console.timeline_entries import ENDED, OPEN, Timeline, cursor_of
from refreshops.console.words import about_login, has_no_switch, held_data, outcome_now
from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.routine.receipts import ORDERS, Receipt
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome
from refreshops.tracing.events import Action

VIEWED = 4


def login_context(request: HttpRequest, login: Login) -> dict[str, Any]:
    """Return the panels of a login's page, as far as this person may see them.

    Below an older part of the timeline (`before` in the address) stands nothing else.
    """
    user, now = request.user, wiring.clock()
    below = cursor_of(request.GET.get("before", ""))
    timeline = timeline_of(user, login, now=now, below=below)
    order = _order_to_show(login, timeline)
    outage = None if order else _outage(user, login)
    context = {
        "title": f"{login.customer} at {login.institution or 'an unknown bank'}",
        "subtitle": None,
        "login": login,
        "plain": about_login(login, now=now, outage=outage),
        "by_when": by_when(login, now=now, nobody_acts=outage is not None),
        "outcome": outcome_now(login, now=now, reason=login.outcome_reason),
        "held": held_data(login, now=now),
        "timeline": timeline,
        "calls_url": calls_list(q=login.login_id),
        "deliveries_url": _deliveries(user, login),
        "bundle_url": bundle_of("login", login.pk) if _may_bundle(user) else "",
        "sees_cases": user.has_perm("logins.view_reconnectcase"),
        "link_url": link_pages.address_for_login(user, login),
        "may_send": link_pages.may_send(user),
    }
    if below:
        return context
    return {**context, **_newest(request, login, timeline), "receipt": _receipt(login, order)}


def _receipt(login: Login, order: int | None) -> Receipt | None:
    return receipt_of(order, provider=login.provider.name) if order else None


def _newest(request: HttpRequest, login: Login, timeline: Timeline) -> dict[str, Any]:
    """Return what stands beside the newest part of the timeline only."""
    may_write = may_note(request.user) and login.customer.erasure_asked_at is None
    orders = kinds_of(request.user)
    return {
        "orders": [at_login(login, row) for row in orders if _fits(login, row)],
        "peculiar": _peculiar(login, request.user),
        "calls": timeline.calls,
        "accounts": _accounts(request, login),
        "may_note": may_write,
        "longest_note": LONGEST,
    }


def _deliveries(user: Any, login: Login) -> str:
    return deliveries_list(q=login.login_id) if user.has_perm("tracing.view_delivery") else ""


def _may_bundle(user: Any) -> bool:
    return bool(user.has_perm("tracing.bundle_call"))


def _order_to_show(login: Login, timeline: Timeline) -> int | None:
    """Return the attempt whose receipt the page shows; every other one's is linked in the timeline.

    That of the newest order, while it matters: under way, or the last that was done, or why the
    login is off.
    """
    tried = [row for row in timeline.entries if row.kind in (OPEN, ENDED)]
    order = next((row for row in tried if row.what in ORDERS), None)
    if order is None or not timeline.is_first:
        return None
    matters = order.kind == OPEN or order is tried[0] or login.status == LoginStatus.INACTIVE
    return order.key if matters else None


def _outage(user: Any, login: Login) -> Outage | None:
    """Return the outage of the login's bank, by the rule and the rows of the matrix; or None."""
    down = login.outcome == Outcome.INSTITUTION_UNAVAILABLE
    if not down or login.status != LoginStatus.ACTIVE or not login.institution:
        return None
    rows = logins_of(user).active().filter(institution=login.institution).exclude(outcome="")
    counted = rows.order_by().values_list("institution", "provider_code", "outcome")
    found = build(counted.annotate(Count("pk")), link=lambda *_: "")
    return next(iter(found.outages), None)


def _fits(login: Login, kind: Kind) -> bool:
    """Tell whether an order makes sense for one login as it stands."""
    if login.provider.name not in wiring.provider_names():
        return False
    active = login.status == LoginStatus.ACTIVE
    if kind.purpose is Purpose.LIVE_REFRESH:
        barred = (Outcome.USER_ACTION, Outcome.LOGIN_GONE)
        offered = login.provider.name in offering(kind.purpose)
        return active and offered and login.gone_at is None and login.outcome not in barred
    if kind.purpose is Purpose.REFRESH:
        return active
    if kind.purpose is Purpose.SWITCH_ON:
        return not active or (login.nightly == Nightly.OFF and not has_no_switch(login))
    if kind.purpose is Purpose.SWITCH_OFF:
        # Again, when the provider did not take it or nobody has read it back.
        unproven = login.nightly != Nightly.OFF or login.nightly_verified_at is None
        return active or (unproven and not has_no_switch(login))
    return True


def at_login(login: Login, kind: Kind) -> Kind:
    """Return an order as one login's page calls it: where it alone ends the costs, it says so."""
    held = login.status == LoginStatus.INACTIVE and login.gone_at is None
    if kind.purpose is Purpose.FORGET and held and has_no_switch(login):
        return replace(kind, label=f"Delete at {login.provider}…")
    return kind


def _peculiar(login: Login, user: Any) -> list[tuple[str, str]]:
    """Say of the orders this person may give what they are at the provider, or why they lack."""
    name = login.provider.name
    if name not in wiring.provider_names():
        return [("Orders", f"{login.provider} is not set up here, so nothing is asked there.")]
    mine = [row for row in KINDS.values() if may(user, row.permission)]
    told = [row for row in mine if _fits(login, row) or not wiring.offers(name, row.purpose)]
    found = [(at_login(login, row).label.rstrip("…"), row.purpose) for row in told]
    return [(label, said) for label, purpose in found if (said := wiring.about(name, purpose))]


def _accounts(request: HttpRequest, login: Login) -> dict[str, Any] | None:
    """Return accounts and snapshot, and note who looked; None without the permission."""
    if not sees_bank_data(request.user):
        return None
    known = BankAccount.objects.filter(login=login).select_related("snapshot")
    rows = list(known.defer("snapshot__payload").order_by("title", "pk"))
    if rows:
        note_viewing(request, login)
    return {"rows": rows, "snapshot": rows[0].snapshot if rows else None}


def note_viewing(request: HttpRequest, row: Any) -> None:
    """Write down that this person looked at bank data (design.md section 6)."""
    login_pk = row.pk if isinstance(row, Login) else row.login_id
    tell(request, Action.VIEW_BANK_DATA, subject=("login", login_pk))
    LogEntry.objects.create(
        user_id=int(request.user.pk or 0),
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        # No account's title and number: the journal outlives what is erased.
        object_repr=f"{row._meta.verbose_name} {row.pk}".capitalize(),
        action_flag=VIEWED,
        change_message="Viewed the bank data.",
    )
