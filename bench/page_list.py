"""Which pages are measured: each list with its filters, searches and depths, and single rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from refreshops.logins.models import Letter, Login, Provider
from refreshops.routine.models import Attempt, Run
from refreshops.tracing.models import Call, Delivery, Event

OPS, MANAGER, AUDITOR = "ops", "manager-01", "auditor"
# Of a filter with many choices so many are measured, spread over them.
CHOICES = 4
SECOND = "second page"
LISTS = {
    "calls": "tracing_call",
    "attempts": "routine_attempt",
    "runs": "routine_run",
    "logins": "logins_login",
    "customers": "logins_customer",
    "events": "tracing_event",
    "unknown logins": "logins_unknownlogin",
    "cases": "logins_reconnectcase",
    "snapshots": "bankdata_snapshot",
    "mails": "logins_letter",
    "deliveries": "tracing_delivery",
}
# What an account manager opens; the rest is not theirs.
MANAGERS_LISTS = ("calls", "attempts", "runs", "logins", "customers", "cases")


@dataclass(frozen=True, slots=True)
class Page:
    """One address for one person. `kind` says which goal it has to meet."""

    name: str
    who: str
    path: str
    kind: str
    # What the same page is where there are a hundred rows: a filter beside the whole list.
    floor: str


def pages(who: str) -> list[Page]:
    """Return the pages of a person, in the order people meet them."""
    names = MANAGERS_LISTS if who == MANAGER else tuple(LISTS)
    found = [Page("morning", who, reverse("admin:index"), "page", "morning")]
    found.append(Page("morning.json", who, reverse("admin:morning"), "page", "morning.json"))
    found.append(Page("leaks", who, reverse("admin:leaks"), "page", "leaks"))
    recovery = reverse("admin:case_recovery")
    found.append(Page("recovery", who, recovery, "page", "recovery"))
    client = signed_in(who)
    for name in names:
        found += _of_list(client, name, who)
    found += _of_rows(who)
    return found


def signed_in(who: str) -> Client:
    """Return a client with a session of its own."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(known(who))
    return client


def known(who: str) -> User:
    """Return the person of that name."""
    return User.objects.get(username=who)


def _of_list(client: Client, name: str, who: str) -> Iterator[Page]:
    address = reverse(f"admin:{LISTS[name]}_changelist")
    yield Page(name, who, address, "list", name)
    for label, query in _filters(client, address):
        yield Page(f"{name} {label}", who, f"{address}{query}", "filter", name)
    for label, query in _searches(name, who).items():
        # A run fills a page: that is a filter which one types.
        kind = "filter" if label == "search run" else "search"
        yield Page(f"{name} {label}", who, f"{address}?{urlencode(query)}", kind, name)
    for label, query in _depths(name).items():
        kind = "list" if label == SECOND else "deep"
        yield Page(f"{name} {label}", who, f"{address}?{urlencode(query)}", kind, name)


def _filters(client: Client, address: str) -> Iterator[tuple[str, str]]:
    """Yield a sample of the choices of each filter, as the list itself offers them."""
    changelist = client.get(address).context_data["cl"]
    for spec in changelist.filter_specs:
        offered = [row for row in spec.choices(changelist) if "query_string" in row][1:]
        step = max(1, (len(offered) + CHOICES - 1) // CHOICES)
        for row in offered[::step]:
            yield f"{spec.title}: {row['display']}", row["query_string"]


def _searches(name: str, who: str) -> dict[str, dict[str, Any]]:
    logins, calls = _logins_of(who), Call.objects.exclude(request_id="")
    asked = logins.filter(attempts__state="done").order_by("pk")[0:1].get()
    call = calls.filter(login_id=asked.login_id).order_by("pk").first()
    customer = asked.customer
    by_id = {"LoginId": {"q": asked.login_id}, "absent LoginId": {"q": "f" * 8 + "-0" * 14}}
    numbers = {"run": {"q": _runs().order_by("-pk")[1:2].get().pk}}
    found: dict[str, dict[str, dict[str, Any]]] = {
        "calls": by_id | numbers | {"RequestId": {"q": call.request_id if call else "x"}},
        "attempts": by_id | numbers,
        "runs": numbers,
        "logins": by_id
        | {
            "LoginId's beginning": {"q": asked.login_id[:8]},
            "customer's reference": {"q": customer.reference},
            "customer's name": {"q": customer.name},
            "no customer's name": {"q": "zzzzzz"},
        },
        "cases": {
            "LoginId": {"q": _asked_back(who).login_id},
            "closed, by name": {"q": customer.name, "view": "closed"},
            "closed, no customer's name": {"q": "zzzzzz", "view": "closed"},
            "customer's reference": {"q": customer.reference},
            "no customer's name": {"q": "zzzzzz"},
        },
        "customers": {"reference": {"q": customer.reference}, "name": {"q": customer.name}},
        "events": {"LoginId": {"q": asked.login_id}, "run": numbers["run"]},
        "snapshots": {"LoginId": {"q": asked.login_id}},
        "deliveries": by_id,
    }
    return {f"search {label}": query for label, query in found.get(name, {}).items()}


def _depths(name: str) -> dict[str, dict[str, Any]]:
    """Return the middle and the end of the lists that are paged by key, page 20 of the others."""
    if name == "calls":
        return {"half down": {"before": _middle(Call, "sent_at")}, "oldest": {"after": "oldest"}}
    if name == "events":
        return {"half down": {"before": _middle(Event, "at")}, "oldest": {"after": "oldest"}}
    if name == "mails":
        return {
            "half down": {"before": _middle(Letter, "queued_at")},
            "oldest": {"after": "oldest"},
        }
    if name == "deliveries":
        middle = _middle(Delivery, "received_at")
        return {"half down": {"before": middle}, "oldest": {"after": "oldest"}}
    if name == "attempts":
        return {"half down": {"before": _middle(Attempt, "")}, "oldest": {"after": "oldest"}}
    return {SECOND: {"p": 2}}


def _middle(model: Any, time: str) -> str:
    rows = model.objects.order_by(f"-{time}", "-pk") if time else model.objects.order_by("-pk")
    row = rows[rows.count() // 2]
    microseconds = int(getattr(row, time).timestamp() * 1_000_000) if time else 0
    return f"{microseconds}.{row.pk}"


def _of_rows(who: str) -> Iterator[Page]:
    """Yield the pages of one row each."""
    login = _logins_of(who).filter(attempts__state="done").order_by("pk")[0:1].get()
    call = Call.objects.filter(login_id=login.login_id).order_by("-pk")[0:1].get()
    rows: list[tuple[str, str, Any]] = [
        ("a login", "admin:logins_login_change", login.pk),
        ("a customer", "admin:logins_customer_change", login.customer_id),
        ("a call", "admin:tracing_call_change", call.pk),
    ]
    waiting = _asked_back(who)
    open_case = waiting.cases.get(closed_at=None)
    rows += [
        ("a case", "admin:logins_reconnectcase_change", open_case.pk),
        ("a login with a case", "admin:logins_login_change", waiting.pk),
        ("a customer with a case", "admin:logins_customer_change", waiting.customer_id),
        ("links of a login", "admin:login_link", waiting.pk),
        ("links of a customer", "admin:customer_link", waiting.customer_id),
    ]
    attempt = login.attempts.filter(state="done").order_by("-pk")[0:1].get()
    rows.append(("an attempt", "admin:routine_attempt_change", attempt.pk))
    if who == MANAGER:
        yield from (Page(n, who, reverse(u, args=[pk]), "page", n) for n, u, pk in rows)
        return
    rows += [
        ("a mail", "admin:logins_letter_change", Letter.objects.order_by("-pk")[0].pk),
        ("a delivery", "admin:tracing_delivery_change", Delivery.objects.order_by("-pk")[0].pk),
    ]
    newest = list(_runs().order_by("-opened_at", "-pk").filter(origin="daily")[:3])
    rows += [
        ("today's run", "admin:routine_run_change", newest[0].pk),
        ("today's progress.json", "admin:run_progress", newest[0].pk),
        ("yesterday's run", "admin:routine_run_change", newest[1].pk),
        ("an older run", "admin:routine_run_change", newest[2].pk),
    ]
    yield from (Page(n, who, reverse(u, args=[pk]), "page", n) for n, u, pk in rows)
    yesterday = reverse("admin:routine_run_change", args=[newest[1].pk])
    for query in ("outcome=user_action", "code=RETRY_LATER", "institution=TD"):
        yield Page(
            f"yesterday's run {query}", who, f"{yesterday}?{query}", "page", "yesterday's run"
        )


def _runs() -> Any:
    """Return one provider's runs: the day's others are as new."""
    first = Provider.objects.order_by("pk")[0:1].get()
    return Run.objects.filter(provider=first)


def _asked_back(who: str) -> Login:
    """Return a login whose customer must act, and was written to."""
    waiting = _logins_of(who).filter(cases__closed_at__isnull=True, links__isnull=False)
    found: Login = waiting.filter(cases__isnull=False).order_by("-pk")[0:1].get()
    return found


def _logins_of(who: str) -> Any:
    logins = Login.objects.active().select_related("customer")
    return logins if who != MANAGER else logins.filter(customer__account_manager__username=who)
