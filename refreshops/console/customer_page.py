"""What a customer's page shows above its register entry, and the counts of the customers' list."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import (
    Aggregate,
    BooleanField,
    Case,
    Count,
    DecimalField,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    When,
)
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from refreshops.console import link_pages, privacy_pages
from refreshops.console.addresses import all_logins, page
from refreshops.console.labels import words_of_rows
from refreshops.console.order_kinds import KINDS, Kind, may
from refreshops.console.orders import CHARGED
from refreshops.console.scoping import attempts_of, logins_of
from refreshops.logins.models import Customer, Login, LoginStatus, Provider
from refreshops.routine.models import Attempt
from refreshops.rules.lifecycle import Purpose

LOGINS_SHOWN = 100
RECEIPTS_SHOWN = 10
# What can be ordered for all logins of a customer at once, and what leaves a receipt.
FOR_ALL = (Purpose.SWITCH_OFF, Purpose.SWITCH_ON)
WITH_RECEIPT = (*FOR_ALL, Purpose.FORGET)

COST = "cost_in_"


@dataclass(frozen=True)
class Line:
    """One login of the customer; `cost` is empty where the provider charges nothing for it."""

    login: Login
    cost: str


@dataclass(frozen=True)
class OrderLine:
    """One order about one of their logins, and the page with its receipt."""

    attempt: Attempt
    url: str


def with_counts(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """Note on each customer how many logins are on and off, and what they cost, by currency.

    Subqueries: counted for the rows of one page only, however many customers there are. Each asks
    for nothing but a customer's logins, so that no other index can look better to a database.
    """
    theirs = Login.objects.filter(customer=OuterRef("pk")).order_by().values("customer")
    notes = {
        "active": _noted(theirs, Count("pk", filter=Q(status=LoginStatus.ACTIVE))),
        "inactive": _noted(theirs, Count("pk", filter=Q(status=LoginStatus.INACTIVE))),
    }
    for currency, prices in _prices().items():
        charged = [When(CHARGED & Q(provider=key), then=price) for key, price in prices]
        cost = Sum(Case(*charged, output_field=DecimalField(max_digits=12, decimal_places=2)))
        notes[f"{COST}{currency}"] = _noted(theirs, cost)
    return customers.annotate(**notes)


def _noted(logins: Any, what: Aggregate) -> Subquery:
    return Subquery(logins.annotate(noted=what).values("noted"))


def _prices() -> dict[str, list[tuple[int, Decimal]]]:
    """Return the currencies we are charged in, each with its providers and what they ask.

    None where no price is set.
    """
    charging = Provider.objects.filter(cost_per_login_month__gt=0, currency__regex="^[A-Z]{3}$")
    found: dict[str, list[tuple[int, Decimal]]] = {}
    for key, currency, price in charging.order_by("currency", "pk").values_list(
        "pk", "currency", "cost_per_login_month"
    ):
        found.setdefault(currency, []).append((key, price))
    return found


def costs_of(customer: Any) -> str:
    """Return what `with_counts` found a month to cost, as in "3.00 CAD"; "" for nothing."""
    noted = {name: value for name, value in vars(customer).items() if name.startswith(COST)}
    return _money({name.removeprefix(COST): value for name, value in noted.items() if value})


def _money(sums: dict[str, Decimal]) -> str:
    return ", ".join(f"{amount:.2f} {currency}" for currency, amount in sorted(sums.items()))


def customer_context(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Return the panels of a customer's page, as far as this person may see them."""
    logins = logins_of(request.user).filter(customer=customer)
    sums = _sums(logins)
    lines = _lines(logins)
    receipts = _receipts(request, customer)
    number = sums.number
    return {
        "title": str(customer),
        "subtitle": None,
        "customer": customer,
        "lines": lines,
        "words": words_of_rows(line.login for line in lines),
        "number": number,
        "not_shown": max(0, number - LOGINS_SHOWN),
        "cost": _money({currency: amount for currency, amount in sums.costs.items() if amount}),
        "orders": [] if customer.erasure_asked_at else _orders(request, sums),
        "logins_url": all_logins(customer__id__exact=str(customer.pk)),
        "receipts": receipts,
        "receipt_words": words_of_rows(line.attempt.login for line in receipts),
        "privacy": _privacy(request, customer),
        "link_url": link_pages.address_for_customer(request.user, customer),
        "may_send": link_pages.may_send(request.user),
    }


def _lines(logins: QuerySet[Login]) -> list[Line]:
    is_charged = ExpressionWrapper(Q(CHARGED), output_field=BooleanField())
    rows = logins.annotate(is_charged=is_charged).select_related("provider")
    return [
        Line(row, _price(row.provider) if row.is_charged else "")
        for row in rows.order_by("status", "institution", "pk")[:LOGINS_SHOWN]
    ]


def _price(provider: Provider) -> str:
    price = provider.cost_per_login_month
    return _money({provider.currency: price}) if price else ""


@dataclass
class _Sums:
    """What one question says of all logins: `touched` is how many each order would be given for."""

    number: int = 0
    costs: dict[str, Decimal | None] = field(default_factory=dict)
    touched: "Counter[Purpose]" = field(default_factory=Counter)


def _sums(logins: QuerySet[Login]) -> _Sums:
    parts = {purpose.value: Count("pk", filter=~KINDS[purpose].skips) for purpose in FOR_ALL}
    rows: Any = (
        logins.order_by()
        .values("provider__currency")
        .annotate(
            number=Count("pk"),
            cost=Sum("provider__cost_per_login_month", filter=CHARGED),
            **parts,
        )
    )
    found = _Sums()
    for row in rows:
        found.number += row["number"]
        found.costs[row["provider__currency"]] = row["cost"]
        found.touched.update({purpose: row[purpose.value] for purpose in FOR_ALL})
    return found


def _orders(request: HttpRequest, sums: _Sums) -> list[Kind]:
    """Return the orders this person may give that would touch one of the logins."""
    kinds = [KINDS[purpose] for purpose in FOR_ALL]
    return [
        kind for kind in kinds if may(request.user, kind.permission) and sums.touched[kind.purpose]
    ]


def _receipts(request: HttpRequest, customer: Customer) -> list[OrderLine]:
    rows = attempts_of(request.user).filter(
        login__customer=customer, purpose__in=[purpose.value for purpose in WITH_RECEIPT]
    )
    newest = rows.select_related("login__provider", "run__opened_by").order_by("-pk")[
        :RECEIPTS_SHOWN
    ]
    return [OrderLine(row, receipt_url(row)) for row in newest]


def receipt_url(attempt: Attempt) -> str:
    """Return the address of the receipt of one login's order."""
    try:
        return reverse("admin:login_receipt", args=[attempt.login_id, attempt.pk])
    except NoReverseMatch:
        return page("logins_login", attempt.login_id)


def _privacy(request: HttpRequest, customer: Customer) -> list[tuple[str, str, bool]]:
    """Return the privacy pages this person may open: label, address, whether it is grave."""
    found = []
    if privacy_pages.may_export(request):
        url = reverse("admin:customer_export", args=[customer.pk])
        found.append(("Export everything held…", url, False))
    if privacy_pages.may_erase(request) and customer.erased_at is None:
        url = reverse("admin:customer_erase", args=[customer.pk])
        found.append(("Erase…", url, True))
    return found
