"""Privacy requests: everything held about one customer as a file, and the erasure of all of it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from refreshops import wiring
from refreshops.console.addresses import page
from refreshops.console.confirm import Question, ask, reason_of
from refreshops.console.moments import moment
from refreshops.console.once import place_once
from refreshops.console.scoping import runs_of, sees_bank_data
from refreshops.console.story import tell
from refreshops.logins.models import Customer, Login
from refreshops.routine import privacy, services, tasks
from refreshops.routine.disclosure import everything_about
from refreshops.routine.erasing import forgotten_logins
from refreshops.routine.privacy import Holdings
from refreshops.tracing.events import Action

SAMPLE = 20
# Beside Django's own flags for added, changed and deleted; 4 is for a page that was viewed.
EXPORTED, ERASED = 5, 6
# For a customer whose reference cannot be typed.
TYPED_OTHERWISE = "ERASE"


class CustomerPrivacy:
    """Mixin of the customers' admin: its two pages for privacy requests."""

    admin_site: Any
    get_object: Any
    has_view_permission: Callable[..., bool]

    def has_change_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        """Nobody writes a name over an erased one."""
        erased = obj is not None and obj.erased_at is not None
        return not erased and super().has_change_permission(request, obj)  # type: ignore[misc]

    def get_urls(self) -> list[URLPattern]:
        """Add the two pages."""
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/export/", wrap(self.export_customer), name="customer_export"),
            path("<int:pk>/erase/", wrap(self.erase_customer), name="customer_erase"),
        ]
        return own + super().get_urls()  # type: ignore[misc]

    def export_customer(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Say what is held; a post answers with all of it, and is written down."""
        return self._answer(request, pk, allowed=may_export(request), view=_export)

    def erase_customer(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Ask for reason and reference; then order that nothing about the customer stays."""
        return self._answer(request, pk, allowed=may_erase(request), view=_erase)

    def _answer(
        self,
        request: HttpRequest,
        pk: int,
        *,
        allowed: bool,
        view: Callable[[HttpRequest, Customer], HttpResponseBase],
    ) -> HttpResponseBase:
        # Who may not is told so before anybody looks whether the customer exists.
        if not (allowed and self.has_view_permission(request)):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        customer = self.get_object(request, str(pk))
        if customer is None:
            raise Http404(f"customer {pk}")
        return view(request, customer)


def may_export(request: HttpRequest) -> bool:
    """Tell whether this person may have all that is held: bank data is in it."""
    return sees_bank_data(request.user)


def may_erase(request: HttpRequest) -> bool:
    """Tell whether this person may have customers of theirs erased."""
    return bool(request.user.has_perm("logins.forget_login"))


def _export(request: HttpRequest, customer: Customer) -> HttpResponseBase:
    held = privacy.holdings(customer)
    if request.method != "POST":
        return ask(request, _export_question(request, customer, held))
    now = wiring.clock()
    with transaction.atomic():
        _write_down(request, customer, flag=EXPORTED, said="Exported everything held.")
        tell(request, Action.DISCLOSE, number=held.logins, subject=("customer", customer.pk))
    answer = StreamingHttpResponse(
        everything_about(customer, vault=wiring.vault(), now=now), content_type="application/json"
    )
    name = f"customer-{customer.pk}-{wiring.local_date(now).isoformat()}.json"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _export_question(request: HttpRequest, customer: Customer, held: Holdings) -> Question:
    return Question(
        title=f"Everything held about {customer}",
        consequence="One JSON file with all of it: the register, what was ordered and tried, the "
        "calls as traced, and the bank data in the clear. Who takes it is written down.",
        button="Export as JSON",
        back_url=page("logins_customer", customer.pk),
        about=customer,
        facts=_facts(request, customer, held),
    )


def _facts(request: HttpRequest, customer: Customer, held: Holdings) -> list[tuple[str, str]]:
    forgotten = f", {held.forgotten} of them forgotten" if held.forgotten else ""
    facts = [
        ("Logins", f"{held.logins}{forgotten}"),
        ("Attempts", str(held.attempts)),
        ("Calls", str(held.calls)),
        ("Webhooks", str(held.deliveries)),
        ("Reconnect cases", f"{held.cases}, with {held.contacts} contacts"),
        ("Connect links", f"{held.links}, with {held.mails} mails"),
        ("Notes", str(held.notes)),
        ("Entries in the journal", str(held.journal)),
    ]
    # How much bank data there is says something of it.
    if sees_bank_data(request.user):
        facts.append(("Snapshots of bank data", str(held.snapshots)))
        facts.append(("Bank accounts", str(held.accounts)))
    if customer.erasure_asked_at is not None:
        facts.append(("Erasure asked", moment(customer.erasure_asked_at)))
    if customer.erased_at is not None:
        facts.append(("Erased", moment(customer.erased_at)))
    return facts


def _erase(request: HttpRequest, customer: Customer) -> HttpResponseBase:
    question = _erase_question(request, customer)
    if request.method != "POST" or not question.possible:
        return ask(request, question)
    if not question.is_typed(request):
        return ask(request, question, error=f"Type {question.typed} to go on, exactly so.")
    try:
        return _give(request, customer)
    except services.NothingToDo as waiting:
        messages.info(request, str(waiting))
        return redirect(page("logins_customer", customer.pk))
    except services.Refused as refusal:
        return ask(request, question, error=str(refusal))


def _erase_question(request: HttpRequest, customer: Customer) -> Question:
    left = Login.objects.filter(customer=customer).exclude(forgotten_logins())
    number = left.count()
    return Question(
        title=f"Erase {customer}",
        consequence="The provider deletes their logins. What was fetched for them is deleted here, "
        "calls keep only ids, times and codes, their connect links lead nowhere from now on, and "
        "then cases, contacts and mails are deleted and name, reference, e-mail and activity of "
        "the customer are blanked. Nobody can undo it. What was ordered, when, why and by whom "
        "stays.",
        button="Erase for good",
        back_url=page("logins_customer", customer.pk),
        about=customer,
        needs_reason=True,
        grave=True,
        facts=_facts(request, customer, privacy.holdings(customer)),
        sample=list(
            left.select_related("customer", "provider").order_by("institution", "pk")[:SAMPLE]
        ),
        not_shown=max(0, number - SAMPLE),
        possible=customer.erased_at is None,
        typed=customer.reference.strip() or TYPED_OTHERWISE,
        notices=_notices(number),
    )


def _notices(number: int) -> list[str | SafeString]:
    found: list[str | SafeString] = [
        "The reason stays: say on what request, and do not name the person in it.",
        "A later import that names this customer makes them anew: take them out of the file.",
    ]
    if number > wiring.approval_above():
        found.append(
            f"Over {wiring.approval_above()} logins: a second person with the permission must "
            "approve this order before they are forgotten."
        )
    return found


def _give(request: HttpRequest, customer: Customer) -> HttpResponse:
    def place() -> list[int]:
        now = wiring.clock()
        opened = privacy.erase_customer(
            customer,
            by=request.user,
            reason=reason_of(request),
            now=now,
            local_date=wiring.local_date(now),
            window=wiring.window(),
            offers=wiring.can_forget,
            approval_above=wiring.approval_above(),
        )
        _write_down(request, customer, flag=ERASED, said="Ordered the erasure.")
        for row in opened:
            tasks.nudge(row.run.provider.name)
        messages.success(request, _said(customer, opened))
        return [row.run.pk for row in opened]

    placed = place_once(request, token=request.POST.get("token", ""), place=place)
    if placed.again:
        messages.info(request, "This form was sent before; nothing was ordered twice.")
    visible = runs_of(request.user).filter(pk__in=placed.run_ids)
    if len(placed.run_ids) == 1 and visible.exists():
        return redirect(page("routine_run", placed.run_ids[0]))
    return redirect(page("logins_customer", customer.pk))


def _said(customer: Customer, opened: list[services.Opened]) -> str:
    customer.refresh_from_db()
    if customer.erased_at is not None:
        return "Erased: no login of theirs was left to forget."
    if not opened:
        return "Erasure noted: their logins are being forgotten already."
    runs = ", ".join(f"run {row.run.pk}" for row in opened)
    number = sum(row.planned + row.brought_forward for row in opened)
    logins = f"{number} login{'' if number == 1 else 's'}"
    waits = " ".join(sorted({row.waits for row in opened}))
    said = f"Erasure ordered: {logins} in {runs}. The customer is erased when the last has ended."
    return f"{said} {waits}".strip()


def _write_down(request: HttpRequest, customer: Model, *, flag: int, said: str) -> None:
    """Note in the journal who did it; the row's name is not repeated there."""
    LogEntry.objects.create(
        user_id=int(request.user.pk or 0),
        content_type=ContentType.objects.get_for_model(customer),
        object_id=str(customer.pk),
        object_repr=f"Customer {customer.pk}",
        action_flag=flag,
        change_message=said,
    )
