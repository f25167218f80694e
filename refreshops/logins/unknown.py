"""Logins the provider reports and nobody registered: noted from its report, registered by people.

No HTTP here: the report is what the provider's script read. Every statement works on batches, so
that a report of a hundred thousand rows costs seconds, not memory.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db import transaction

from refreshops.logins import held
from refreshops.logins.models import (
    Customer,
    Login,
    LoginStatus,
    Nightly,
    Provider,
    UnknownLogin,
)

# A report that names more than this is not believed to the end.
MOST_REPORTED = 200_000
TEXT_LIMIT = 80
MOVED = "Logins were deleted there while the list was read: what it lacks was not taken for gone."

_AN_ID = re.compile(r"[!-~]{1,64}")


@dataclass(frozen=True)
class Noted:
    """What a report told: ids it named, those nobody registered, and rows it names no more.

    Of a full list also how many of ours it says are `held`, and how many not any more: `gone`.
    `doubt` says in words what was not believed; a list not `believed` at all changed nothing.
    """

    reported: int
    unknown: int
    dropped: int
    complete: bool = False
    held: int = 0
    gone: int = 0
    believed: bool = True
    doubt: str = ""

    @property
    def words(self) -> str:
        """Say in one or two sentences what came of it."""
        if not self.believed:
            return self.doubt
        if not self.complete:
            return f"The report names {self.reported}; {self.unknown} of them unknown here."
        said = (
            f"The provider holds {self.reported}; {self.unknown} of them unknown here. "
            f"Of ours {self.held} are held there, and {self.gone} not any more."
        )
        return f"{said} {self.doubt}".strip()


def note_report(
    provider: Provider,
    report: Any,
    *,
    now: datetime,
    asked_at: datetime | None = None,
    moved: bool = False,
) -> Noted:
    """Write the unknown logins of the provider's newest report down; forget those it left out.

    `report` is a list of objects with `login_id` (canonical), `last_refresh_at` (ISO text or None),
    `state` and `code`; rows without a usable id are passed over. An object with such a list as
    `logins` and `complete` true names every login that the provider holds: ours are held there or
    not, by what was known when it was asked for (`asked_at`, else `now`). `moved` says that logins
    were deleted there meanwhile: then a row may have slipped from one page to another, and what the
    list lacks proves nothing.

    What is neither, and an older report than the one last noted, change nothing. A list that is not
    whole, or looks like somebody else's, changes nothing either, and `Noted.doubt` says so.
    """
    whole = isinstance(report, dict)
    rows = report.get("logins") if isinstance(report, dict) else report
    if not isinstance(rows, list):
        return Noted(0, 0, 0)
    named = _named(rows)
    if UnknownLogin.objects.filter(provider=provider, last_seen_at__gt=now).exists():
        return Noted(len(named), 0, 0)
    with transaction.atomic():
        if not whole:
            return _write_unknown(provider, named, now=now)
        if doubt := _not_whole(report, rows):
            return Noted(len(named), 0, 0, believed=False, doubt=doubt)
        return _reconcile(provider, named, now=now, asked_at=asked_at or now, moved=moved)


def _not_whole(report: Mapping[str, Any], rows: list[Any]) -> str:
    """Say why a list cannot be all that the provider holds; empty where it can."""
    if report.get("complete") is not True:
        return "The list did not come whole: nothing was changed."
    if len(rows) > MOST_REPORTED:
        return f"The list names more than {MOST_REPORTED} logins: nothing was changed."
    if any(not _names_one(row) for row in rows):
        return "The list has rows without a login: nothing was changed."
    return ""


def _names_one(row: Any) -> bool:
    login_id = row.get("login_id") if isinstance(row, dict) else None
    return isinstance(login_id, str) and bool(login_id)


def _reconcile(
    provider: Provider,
    named: dict[str, Mapping[str, Any]],
    *,
    now: datetime,
    asked_at: datetime,
    moved: bool,
) -> Noted:
    compared = held.compare(provider, named, asked_at=asked_at)
    if compared.doubt:
        return Noted(len(named), 0, 0, complete=True, believed=False, doubt=compared.doubt)
    taught = held.teach(compared, asked_at=asked_at, with_missing=not moved)
    doubt = MOVED if moved and compared.missing else ""
    noted = _write_unknown(provider, named, now=now)
    return replace(noted, complete=True, held=taught.held, gone=taught.gone, doubt=doubt)


def _write_unknown(
    provider: Provider, named: dict[str, Mapping[str, Any]], *, now: datetime
) -> Noted:
    unknown = 0
    for ids in held.batches(named):
        known = _registered(provider, ids)
        rows = [_row(provider, named[one], now=now) for one in ids if one not in known]
        _upsert(rows)
        unknown += len(rows)
    dropped, _ = UnknownLogin.objects.filter(provider=provider, last_seen_at__lt=now).delete()
    return Noted(len(named), unknown, dropped)


def _named(rows: list[Any]) -> dict[str, Mapping[str, Any]]:
    named: dict[str, Mapping[str, Any]] = {}
    for row in islice(rows, MOST_REPORTED):
        login_id = row.get("login_id") if isinstance(row, dict) else None
        if isinstance(login_id, str) and _AN_ID.fullmatch(login_id):
            named.setdefault(login_id, row)
    return named


def _registered(provider: Provider, ids: list[str]) -> set[str]:
    found = Login.objects.filter(provider=provider, login_id__in=ids)
    return set(found.values_list("login_id", flat=True))


def _row(provider: Provider, said: Mapping[str, Any], *, now: datetime) -> UnknownLogin:
    return UnknownLogin(
        provider=provider,
        login_id=said["login_id"],
        first_seen_at=now,
        last_seen_at=now,
        last_refresh_at=_moment(said.get("last_refresh_at")),
        provider_state=_text(said.get("state")),
        provider_code=_text(said.get("code")),
    )


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    # No zone can show the ends of the calendar; nothing was refreshed then.
    if not 1970 < moment.year < 9999:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(value: Any) -> str:
    # PostgreSQL cannot store NUL.
    return value.replace("\x00", "")[:TEXT_LIMIT] if isinstance(value, str) else ""


def _upsert(rows: list[UnknownLogin]) -> None:
    UnknownLogin.objects.bulk_create(
        rows,
        batch_size=held.BATCH,
        update_conflicts=True,
        unique_fields=["provider", "login_id"],
        update_fields=["last_seen_at", "last_refresh_at", "provider_state", "provider_code"],
    )


def register_unknown(
    rows: Iterable[UnknownLogin], *, customer: Customer, by: Any, now: datetime, active: bool = True
) -> list[Login]:
    """Register unknown logins under a customer, and return those that are registered by this.

    The provider reports only logins whose nightly refresh is on, so they count as on there. One
    that somebody registered meanwhile keeps its customer and is left out. With `active` false they
    are registered as inactive: a switch-off of them is the order that should follow.
    """
    wanted: dict[int, dict[str, UnknownLogin]] = {}
    for row in rows:
        wanted.setdefault(row.provider_id, {})[row.login_id] = row
    registered: list[Login] = []
    with transaction.atomic():
        for provider_id, named in wanted.items():
            for ids in held.batches(named):
                new = [_login(named[one], customer, by=by, now=now, active=active) for one in ids]
                registered += _insert(provider_id, ids, new, customer)
    return registered


def _insert(provider_id: int, ids: list[str], new: list[Login], customer: Customer) -> list[Login]:
    there = Login.objects.filter(provider_id=provider_id, login_id__in=ids)
    before = set(there.values_list("login_id", flat=True))
    Login.objects.bulk_create(new, batch_size=held.BATCH, ignore_conflicts=True)
    # One that was inserted between the two by somebody else is theirs, unless the customer is ours.
    return list(there.filter(customer=customer).exclude(login_id__in=before).order_by("pk"))


def _login(row: UnknownLogin, customer: Customer, *, by: Any, now: datetime, active: bool) -> Login:
    return Login(
        provider_id=row.provider_id,
        login_id=row.login_id,
        customer=customer,
        status=LoginStatus.ACTIVE if active else LoginStatus.INACTIVE,
        status_changed_at=now,
        status_changed_by=by,
        status_reason="Registered: the provider reported it and nobody knew it.",
        nightly=Nightly.ON,
        nightly_seen_at=row.last_seen_at,
        last_refresh_at=row.last_refresh_at,
    )
