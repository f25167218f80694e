"""Which reconnect cases stand in the list, in which order: views, filters, notes on rows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.paginator import Page
from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.lookups import Exact
from django.http import HttpRequest
from django.utils.functional import cached_property

from refreshops import wiring
from refreshops.console import cases_banks, cases_words, filters
from refreshops.console.badges import reason_words
from refreshops.console.machine_rows import COUNT_CAP, CappedPaginator
from refreshops.console.scoping import seen_by, sees_everything
from refreshops.logins import cases
from refreshops.logins.case_models import REASONS
from refreshops.logins.institutions import all_institutions, institutions_of_manager
from refreshops.logins.models import ConnectLink, Letter, LetterState, ReconnectCase

Rows = QuerySet[ReconnectCase]
Choices = list[tuple[str, str]]

VIEW = "view"
TO_DO, SNOOZED, DOWN, PROPOSED, OPEN, CLOSED = (
    "",
    "snoozed",
    "bank_down",
    "proposed",
    "open",
    "closed",
)
# Behind the numbers of the page "Recovery".
LATELY, CAME_BACK = "lately", "came_back"
VIEWS = {
    TO_DO: "To do",
    SNOOZED: "Put off",
    DOWN: "Bank down",
    PROPOSED: "Proposes switch-off",
    OPEN: "All that are open",
    CLOSED: "Closed",
    LATELY: "Opened in 30 days",
    CAME_BACK: "Opened in 30 days and back",
}
# Nobody was in touch for so long: somebody should ask again.
LONG_AGO = timedelta(days=3)
NO_REASON = "-"


def cases_of(user: Any) -> Rows:
    """Return the cases this person may see."""
    rows: Rows = seen_by(user, ReconnectCase.objects.all())
    return rows


def cases_shown(user: Any, view: str, *, banks_down: frozenset[str], now: datetime) -> Rows:
    """Return what this person's list shows in one of `VIEWS`; nothing to who sees no cases."""
    if not user.has_perm("logins.view_reconnectcase"):
        return ReconnectCase.objects.none()
    return narrow(cases_of(user), view, down=banks_down, now=now)


def narrow(rows: Rows, view: str, *, down: frozenset[str], now: datetime) -> Rows:
    """Narrow `rows` to one of `VIEWS`; no row for a name that is none."""
    since = now - cases.RECOVERY_OVER
    match view:
        case "open":
            return rows.filter(closed_at__isnull=True)
        case "closed":
            return rows.filter(closed_at__isnull=False)
        case "lately":
            return rows.filter(opened_at__gte=since)
        case "came_back":
            return rows.filter(opened_at__gte=since, closed_at__isnull=False)
    wanted = rows.filter(cases.wanted())
    match view:
        case "":
            return cases.to_do(wanted, now=now, banks_down=down)
        case "snoozed":
            return wanted.filter(snoozed_until__gt=now)
        case "bank_down":
            return wanted.filter(login__institution__in=sorted(down))
        case "proposed":
            to_do = cases.to_do(wanted, now=now, banks_down=down)
            after = wiring.case_switch_off_after()
            return cases.proposing_switch_off(to_do, now=now, after=after)
    return rows.none()


def order_of(view: str) -> tuple[Any, ...]:
    """Return the order of a view.

    What is to do begins with whom nobody has asked yet, the oldest first, and ends with whom
    somebody was in touch with last; what is over begins with the newest.
    """
    if view in (LATELY, CAME_BACK):
        return ("-opened_at", "-pk")
    if view == CLOSED:
        return ("-closed_at", "-opened_at", "-pk")
    if view == SNOOZED:
        return ("snoozed_until", "pk")
    return (F("last_contact_at").asc(nulls_first=True), "opened_at", "pk")


def with_newest_case(logins: Any) -> Any:
    """Note on each login its newest case: `case_id`, None for none, `case_opened_at`, and
    `case_closed_at`.
    """
    theirs = ReconnectCase.objects.filter(login=OuterRef("pk")).order_by("-opened_at", "-pk")
    return logins.annotate(
        case_id=Subquery(theirs.values("pk")[:1]),
        case_opened_at=Subquery(theirs.values("opened_at")[:1]),
        case_closed_at=Subquery(theirs.values("closed_at")[:1]),
    )


def with_links(rows: Rows, *, now: datetime) -> Rows:
    """Note on each case how the newest link of its login stands: `link_state`, None for none.

    One that leads nowhere any more hides none that is with the customer still.
    """
    leads_nowhere = Q(ended_at__isnull=True) & (
        Q(revoked_at__isnull=False) | Q(expires_at__lte=now)
    )
    last = Case(When(leads_nowhere, then=Value(1)), default=Value(0))
    newest = ConnectLink.objects.filter(login=OuterRef("login_id")).order_by(
        last, "-made_at", "-pk"
    )
    return rows.annotate(link_state=Subquery(newest.values_list(link_state(now))[:1]))


def link_state(now: datetime) -> Case:
    """Return `cases_words.state_of` as a part of a question about links."""
    letters = Letter.objects.filter(link=OuterRef("pk")).order_by("-queued_at", "-pk")
    mailed = Subquery(letters.values("state")[:1])
    known = [LetterState.QUEUED.value, LetterState.SENT.value]
    return Case(
        When(ended_at__isnull=False, then=Value(cases_words.USED)),
        When(revoked_at__isnull=False, then=Value(cases_words.REVOKED)),
        When(expires_at__lte=now, then=Value(cases_words.EXPIRED)),
        When(opened_at__isnull=False, then=Value(cases_words.OPENED)),
        *(When(Exact(mailed, Value(state)), then=Value(state)) for state in known),
        default=Value(cases_words.MADE),
        output_field=CharField(),
    )


class CasePaginator(CappedPaginator):
    """Reads the keys in order, and then one page: how a link stands is asked for what is shown."""

    @cached_property
    def _keys(self) -> list[int]:
        rows: Any = self.object_list
        return list(rows.values_list("pk", flat=True)[: COUNT_CAP + 1])

    @cached_property
    def _counted(self) -> int:
        return len(self._keys)

    def page(self, number: Any) -> Page:
        """Return one page; raise as the stock paginator does for one that is not there."""
        rows: Any = self.object_list
        if rows.model is not ReconnectCase:
            return super().page(number)  # what was done to a case, by its history
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        keys = self._keys[first : first + self.per_page]
        shown = ReconnectCase.objects.filter(pk__in=keys).order_by(*rows.query.order_by)
        shown.query.select_related = rows.query.select_related
        return Page(with_links(shown, now=wiring.clock()), number, self)


class ViewFilter(admin.SimpleListFilter):
    """What of the work is shown: without a choice, what is to do."""

    title, parameter_name = "show", VIEW

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the views; those behind numbers of another page while they are chosen."""
        asked = request.GET.get(VIEW, "")
        hidden = {LATELY, CAME_BACK} - {asked}
        return [(name, words) for name, words in VIEWS.items() if name and name not in hidden]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield the views, the default under its own name."""
        for number, choice in enumerate(super().choices(changelist)):
            yield choice if number else {**choice, "display": VIEWS[TO_DO]}

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep the cases of the view."""
        view = self.value() or TO_DO
        down = (
            cases_banks.down_for(request) if view in (TO_DO, DOWN, PROPOSED) else frozenset[str]()
        )
        return narrow(queryset, view, down=down, now=wiring.clock())


class ReasonFilter(filters.ExactFilter):
    """By why the customer must act."""

    title, parameter_name, field = "reason", "reason", "reason"
    nothing = NO_REASON

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the reasons."""
        named = [(row.value, reason_words(row.value).capitalize()) for row in REASONS]
        return [*named, (NO_REASON, "Not said")]


class BankFilter(filters.InstitutionFilter):
    """By bank: of open cases those that have any, of others every bank of the reader's."""

    field = "login__institution"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the institutions."""
        if request.GET.get(VIEW, "") in (CLOSED, LATELY, CAME_BACK):
            user = request.user
            everything = sees_everything(user)
            names = all_institutions() if everything else institutions_of_manager(user)
        else:
            names = sorted(name for name in cases_banks.open_by_bank(request) if name)
        not_known = [(self.nothing, "not known")] if self.value() == self.nothing else []
        return [*((name, name) for name in names), *not_known]


class CaseManagerFilter(filters.ManagerFilter):
    """By account manager."""

    path = "login__customer__account_manager"


class CaseProviderFilter(filters.ProviderFilter):
    """By the provider of the login."""

    field = "login__provider__name"


class ContactedFilter(admin.SimpleListFilter):
    """By whether somebody was in touch with the customer."""

    title, parameter_name = "contacted", "contacted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the choices."""
        return [("never", "Never"), ("long_ago", f"Over {LONG_AGO.days} days ago")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep the cases last contacted so."""
        match self.value():
            case None | "":
                return queryset
            case "never":
                return queryset.filter(last_contact_at__isnull=True)
            case "long_ago":
                return queryset.filter(last_contact_at__lt=wiring.clock() - LONG_AGO)
        return queryset.none()
