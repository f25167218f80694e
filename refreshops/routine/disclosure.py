"""Everything held about one customer, as one JSON document written piece by piece."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import BinaryField, Exists, Field, Model, OuterRef, Q, QuerySet

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.bankdata.vault import Sealed, Vault
from refreshops.logins.models import (
    ConnectLink,
    Contact,
    Customer,
    Letter,
    Login,
    Note,
    ReconnectCase,
    UnknownLogin,
)
from refreshops.routine import unlinking
from refreshops.routine.models import Attempt, Run
from refreshops.routine.privacy import calls_about, deliveries_about, journal_of, story_of
from refreshops.tracing.models import Delivery

CHUNK = 500
# How we work, not whom we know; and what a run counted is about other customers too.
# A link's key is no secret without its signature, and says nothing of anybody.
LEFT_OUT = {
    ConnectLink: {"key"},
    Attempt: {"lease_token", "lease_until", "slot"},
    Run: {"report", "totals", "planned", "brought_forward", "forecast_seconds"},
}

Row = dict[str, Any]


def everything_about(customer: Customer, *, vault: Vault, now: datetime) -> Iterator[str]:
    """Yield the document: an object with a list for each kind of row, in order of their ids.

    Every column of every table is in it but those of `LEFT_OUT`; people are named by username.
    Snapshots are opened with `vault`, one at a time; one that no key opens says so. The same rows
    give the same bytes. Source: issue 3 E.
    """
    logins = Login.objects.filter(customer=customer)
    same_id = logins.filter(provider=OuterRef("provider"), login_id=OuterRef("login_id"))
    attempts = Attempt.objects.filter(login__customer=customer)
    returns = unlinking.returns_of(customer)
    runs = Q(pk__in=attempts.values("run")) | Q(pk__in=returns.values("run"))
    calls = (row for part in calls_about(customer) for row in _rows(part))
    parts: dict[str, Iterator[Row]] = {
        "customer": _rows(Customer.objects.filter(pk=customer.pk)),
        "logins": _rows(logins),
        "reported_by_the_provider": _rows(UnknownLogin.objects.filter(Exists(same_id))),
        "runs": _rows(Run.objects.filter(runs)),
        "attempts": _rows(attempts),
        "returns": _rows(returns),
        "calls": calls,
        "bank_accounts": _rows(BankAccount.objects.filter(login__customer=customer)),
        "snapshots": _snapshots(customer, vault=vault),
        "deliveries": _deliveries(customer, vault=vault),
        "cases": _rows(ReconnectCase.objects.filter(login__customer=customer)),
        "contacts": _rows(Contact.objects.filter(case__login__customer=customer)),
        "links": _rows(ConnectLink.objects.filter(customer=customer)),
        "mails": _rows(Letter.objects.filter(link__customer=customer)),
        "notes": _rows(Note.objects.filter(login__customer=customer)),
        "journal": _rows(journal_of(customer)),
        "story": _rows(story_of(customer)),
    }
    yield f'{{"made_at": {_json(now)}'
    for name, rows in parts.items():
        yield f",\n{_json(name)}: ["
        for number, row in enumerate(rows):
            yield f"{',' if number else ''}\n  {_json(row)}"
        yield "]"
    yield "}\n"


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


def _rows(rows: QuerySet[Any]) -> Iterator[Row]:
    """Yield the rows as objects, a few at a time in memory."""
    names = _columns(rows.model)
    found = rows.order_by("pk").values_list(*names.values())
    for values in found.iterator(chunk_size=CHUNK):
        yield dict(zip(names, values, strict=True))


def _columns(model: type[Model]) -> dict[str, str]:
    """Return the name of each column in the document, and how it is looked up."""
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, BinaryField) and field.name not in LEFT_OUT.get(model, ())
    ]
    return {field.name: _lookup(field) for field in fields}


def _lookup(field: Field) -> str:
    """Return the column, or the words that another table has for it."""
    words = {get_user_model(): "username", ContentType: "model"}.get(field.related_model)
    return f"{field.name}__{words}" if words else field.attname


def _snapshots(customer: Customer, *, vault: Vault) -> Iterator[Row]:
    for row in _rows(Snapshot.objects.filter(login__customer=customer)):
        payload = Snapshot.objects.values_list("payload", flat=True).filter(pk=row["id"]).first()
        if payload is not None:  # pruned while we wrote
            yield {**row, **_opened(payload, vault=vault)}


def _deliveries(customer: Customer, *, vault: Vault) -> Iterator[Row]:
    """Yield what the provider sent by itself; with its body while that is kept."""
    for part in deliveries_about(customer):
        for row in _rows(part):
            kept = Delivery.objects.values_list("sealed", flat=True).filter(pk=row["id"]).first()
            yield row if kept is None else {**row, **_opened(kept, vault=vault)}


def _opened(sealed: bytes | memoryview, *, vault: Vault) -> Row:
    try:
        return {"data": vault.open(sealed)}
    except Sealed as unreadable:
        return {"data": None, "unreadable": str(unreadable)}
