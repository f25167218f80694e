"""What one login's page shows above its register entry."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.console.addresses import calls_list
from refreshops.console.order_kinds import Kind, kinds_of
from refreshops.console.receipts import last_receipt
from refreshops.console.scoping import attempts_of, calls_of, runs_of, sees_bank_data
from refreshops.console.story import tell
from refreshops.console.words import about_login, held_data
from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.events import Action

LAST_CALLS = 10
LAST_ATTEMPTS = 10
VIEWED = 4


def login_context(request: HttpRequest, login: Login) -> dict[str, Any]:
    """Return the panels of a login's page, as far as this person may see them."""
    user = request.user
    attempts = attempts_of(user).filter(login=login).select_related("run").order_by("-pk")
    latest = list(attempts[:LAST_ATTEMPTS])
    visible = runs_of(user).filter(pk__in=[row.run_id for row in latest])
    calls = calls_of(user).filter(provider=login.provider.name, login_id=login.login_id)
    return {
        "title": f"{login.customer} at {login.institution or 'an unknown bank'}",
        "subtitle": None,
        "login": login,
        "plain": about_login(login),
        "held": held_data(login),
        "orders": [row for row in kinds_of(user) if _fits(login, row)],
        "receipt": last_receipt(login),
        "attempts": latest,
        "visible_runs": set(visible.values_list("pk", flat=True)),
        "calls": calls.defer("answer", "body").order_by("-sent_at", "-pk")[:LAST_CALLS],
        "calls_url": calls_list(q=login.login_id),
        "accounts": _accounts(request, login),
    }


def _fits(login: Login, kind: Kind) -> bool:
    """Tell whether an order makes sense for one login as it stands."""
    active = login.status == LoginStatus.ACTIVE
    if kind.purpose in (Purpose.REFRESH, Purpose.LIVE_REFRESH):
        return active
    if kind.purpose is Purpose.SWITCH_ON:
        return not active or login.nightly == Nightly.OFF
    if kind.purpose is Purpose.SWITCH_OFF:
        # Again, when the provider did not take it or nobody has read it back.
        return active or login.nightly != Nightly.OFF or login.nightly_verified_at is None
    return True


def _accounts(request: HttpRequest, login: Login) -> dict[str, Any] | None:
    """Return accounts and snapshot, and note who looked; None without the permission."""
    if not sees_bank_data(request.user):
        return None
    rows = list(BankAccount.objects.filter(login=login).order_by("title", "pk"))
    if rows:
        note_viewing(request, login)
    snapshot = Snapshot.objects.filter(login=login).defer("payload").order_by("-fetched_at").first()
    return {"rows": rows, "snapshot": snapshot}


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
