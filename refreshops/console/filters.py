"""Filters whose choices cost little and show no foreign rows."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest

from refreshops import wiring
from refreshops.console import labels
from refreshops.console.addresses import NO_BANK, NO_CODE, NOT_ASKED
from refreshops.console.badges import data_words, outcome_label
from refreshops.console.scoping import sees_everything
from refreshops.console.search import is_number
from refreshops.logins import clock, leaks
from refreshops.logins.institutions import all_institutions, institutions_of_manager
from refreshops.logins.models import Customer, Login, Provider
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome

Choices = list[tuple[str, str]]


class ExactFilter(admin.SimpleListFilter):
    """Narrow by one field; any value may stand in the address, listed or not."""

    field = ""
    # What stands in an address for the rows that have no value at all.
    nothing = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows with the chosen value."""
        value = self.value()
        if not value:
            return queryset
        if value == self.nothing:
            return queryset.filter(**{self.field: ""})
        # PostgreSQL refuses a NUL in a text with an error; no row holds one.
        return queryset.none() if "\0" in value else queryset.filter(**{self.field: value})


class TypedFilter(admin.SimpleListFilter):
    """A filter that takes a typed value beside its choices, in a form of its own."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield the choices, and keep the other parameters of the address for the form."""
        self.others = [
            (name, value)
            for name, value in changelist.params.items()
            if name != self.parameter_name
        ]
        yield from super().choices(changelist)


class OutcomeFilter(ExactFilter):
    """By outcome, the logins that were never asked included."""

    title, parameter_name, field = "outcome", "outcome", "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the ten outcomes and "not asked yet"."""
        return [
            *((row.value, outcome_label(row.value)) for row in Outcome),
            (NOT_ASKED, outcome_label("")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows with the chosen outcome."""
        if self.value() == NOT_ASKED:
            return queryset.filter(outcome="")
        return super().queryset(request, queryset)


class DataStateFilter(ExactFilter):
    """By the age of the data we hold."""

    title, parameter_name, field = "data we hold", "data_state", "data_state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the four data states."""
        return [(row.value, data_words(row.value)) for row in DataState]


class InstitutionFilter(ExactFilter):
    """By bank, as far as the reader has logins there."""

    title, parameter_name, field = "institution", "institution", "institution"
    nothing = NO_BANK

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the institutions of the reader's logins."""
        user = request.user
        everything = sees_everything(user)
        names = all_institutions() if everything else institutions_of_manager(user)
        not_known = [(NO_BANK, "not known")] if self.value() == NO_BANK else []
        return [*((name, name) for name in names), *not_known]


class CodeFilter(ExactFilter):
    """By the provider's code; the choices are the tables', so that no rows are read for them."""

    parameter_name, field = "code", "provider_code"
    nothing = NO_CODE

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self.title = labels.words_of_list(request).code
        super().__init__(request, *args)

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the codes of the tables, of one provider where the list is narrowed to it."""
        codes = {code for name in labels.listed(request) for code in wiring.codes_of(name)}
        if self.value() == NO_CODE:
            return [*((code, code) for code in sorted(codes)), (NO_CODE, "none")]
        if self.value():
            codes.add(str(self.value()))
        return [(code, code) for code in sorted(codes)]


class ManagerFilter(admin.SimpleListFilter):
    """By account manager; absent for a reader who sees only their own customers."""

    title, parameter_name = "account manager", "manager"
    path = "customer__account_manager"
    nobody = "nobody"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the people who manage customers."""
        if not sees_everything(request.user):
            return []
        # A look into the index for each person, instead of a row for each customer.
        theirs = Customer.objects.filter(account_manager=OuterRef("pk"))
        people = get_user_model().objects.filter(Exists(theirs))
        named = [(str(row.pk), row.get_full_name() or row.get_username()) for row in people]
        return [*sorted(named, key=lambda row: row[1].lower()), (self.nobody, "Nobody")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the chosen manager."""
        value = self.value()
        if value == self.nobody:
            return queryset.filter(**{f"{self.path}__isnull": True})
        if value:
            return queryset.filter(**{self.path: value}) if is_number(value) else queryset.none()
        return queryset


class CustomerManagerFilter(ManagerFilter):
    """The same, on the list of customers."""

    path = "account_manager"


class ProviderFilter(ExactFilter):
    """By provider; absent while there is only one."""

    title, parameter_name, field = "provider", "provider", "provider__name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the providers we can talk to, if there is a choice."""
        names = sorted(wiring.provider_names())
        return [(name, wiring.words(name).title) for name in names] if len(names) > 1 else []


class LoginProviderFilter(ProviderFilter):
    """The same on logins: those of a person's own customers are found by customer."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the logins at the chosen provider."""
        value = self.value()
        if not value or connection.vendor != "sqlite" or sees_everything(request.user):
            return super().queryset(request, queryset)
        # Where an index could find the provider, SQLite reads all of its logins for these few.
        chosen = Provider.objects.filter(name=value).values("pk")
        return queryset.alias(at=F("provider") + 0).filter(at__in=chosen)


class EndpointFilter(ExactFilter):
    """By endpoint, from the list of those we call."""

    title, parameter_name, field = "endpoint", "endpoint", "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the endpoints, of one provider where the list is narrowed to it."""
        found = [end for name in labels.listed(request) for end in wiring.words(name).endpoints]
        return [(name, name) for name in found]


class HttpStatusFilter(ExactFilter):
    """By the status the provider's answer carried."""

    title, parameter_name, field = "HttpStatusCode", "http", "http_status_code"
    statuses = ("200", "202", "203", "400", "401", "403", "404", "405", "429", "500", "502", "503")

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the statuses met in practice."""
        return [(status, status) for status in self.statuses]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows with the chosen status."""
        value = self.value() or ""
        if value and not (value.isascii() and value.isdigit() and len(value) < 6):
            return queryset.none()
        return super().queryset(request, queryset)


class LeakFilter(admin.SimpleListFilter):
    """By how our register and the provider disagree: the lists of the page "Leaks"."""

    title, parameter_name = "leak", "leak"
    unconfirmed = "unconfirmed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the lists, and the alarm."""
        named = [(row.name, row.title) for row in leaks.LEAKS.values()]
        return [*named, (self.unconfirmed, "Unconfirmed for over a day")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Login]:
        """Keep the rows of the chosen list."""
        name = self.value()
        if not name:
            return queryset
        if name == self.unconfirmed:
            return leaks.unconfirmed_for_long(queryset, now=wiring.clock())
        return leaks.leaking(queryset, name) if name in leaks.LEAKS else queryset.none()


class DropsOutFilter(admin.SimpleListFilter):
    """By the seven-day clock: what the provider stops refreshing soon, or has stopped already."""

    title, parameter_name = "seven-day clock", "drops_out"
    soon, out = "2", "out"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the two choices."""
        return [(self.soon, "Drops out within 2 days"), (self.out, "Has dropped out")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Login]:
        """Keep the active logins on that side of the moment."""
        value = self.value()
        if not value:
            return queryset
        now = wiring.clock()
        if value == self.soon:
            return clock.dropping_out(queryset, now=now)
        return clock.already_out(queryset, now=now) if value == self.out else queryset.none()
