"""Everything that ever happened to one login, newest first, a page at a time by key.

One question for all that has rows of its own (attempts, orders, notes, events), one for the calls;
when it was registered and last changed its status stands on the login itself.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    BooleanField,
    CharField,
    DateTimeField,
    F,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Cast, Coalesce

from refreshops.console.scoping import calls_of, sees_everything
from refreshops.console.story import named
from refreshops.console.timeline_entries import (
    CASE,
    CASE_CLOSED,
    CONTACT,
    DELIVERED,
    ENDED,
    EVENT,
    LINK,
    NOTE,
    OPEN,
    ORDERED,
    REGISTERED,
    STATUS,
    Cursor,
    Entry,
    Timeline,
)
from refreshops.console.words import person
from refreshops.logins.models import ConnectLink, Contact, Login, Note, ReconnectCase
from refreshops.routine.models import OPEN_ATTEMPT, Attempt
from refreshops.rules.lifecycle import Origin
from refreshops.tracing.events import Action
from refreshops.tracing.models import Call, Delivery, Event

SHOWN = 25
# Of the newest calls so many are read to stand below their attempts.
NEWEST_CALLS = 200
CALLS_SHOWN = 12

# These stand there themselves.
NOT_TOLD = (Action.NOTE.value, Action.CONTACT.value, Action.MAKE_LINK.value)

COLUMNS = (
    "kind",
    "at",
    "key",
    "what",
    "origin",
    "state",
    "outcome",
    "reason",
    "code",
    "words",
    "run",
    "who_first",
    "who_last",
    "who_user",
    "who_id",
    "verified",
)


def timeline_of(
    user: Any, login: Login, *, now: datetime, below: Cursor | None = None, shown: int = SHOWN
) -> Timeline:
    """Return the newest entries, or those below a cursor, as far as `user` may see them.

    `login` must be one of theirs.
    """
    first, *others = _parts(user, login, now=now, below=below)
    found = first.union(*others, all=True).order_by("-t_at", "-t_kind", "-t_key")[: shown + 1]
    entries = [_entry(user, row) for row in found]
    entries += [row for row in _of_the_row(login) if _is_below(row, below)]
    entries.sort(key=lambda row: (row.kind == OPEN, row.at, row.kind, row.key), reverse=True)
    page = entries[:shown]
    calls = _calls(user, login, page, newest=below is None)
    return Timeline(
        entries=list(_with_calls(_without_echoes(page), calls)),
        older=page[-1].cursor if len(entries) > shown else "",
        is_first=below is None,
        calls=calls[:10] if below is None else [],
    )


def _parts(
    user: Any, login: Login, *, now: datetime, below: Cursor | None
) -> Iterator[QuerySet[Any]]:
    theirs = Attempt.objects.filter(login=login)
    ended = theirs.exclude(state__in=OPEN_ATTEMPT)
    # Whoever called it off may not have said when.
    ended_at = Coalesce("finished_at", "not_before")
    yield _below(ENDED, _attempts(ended, ENDED, ended_at), below)
    orders = theirs.exclude(run__origin=Origin.DAILY.value)
    yield _below(ORDERED, _attempts(orders, ORDERED, F("run__opened_at")), below)
    if below is None:
        yield _attempts(theirs.filter(state__in=OPEN_ATTEMPT), OPEN, Value(now, DateTimeField()))
    yield _below(NOTE, _notes(login), below)
    if user.has_perm("logins.view_reconnectcase"):
        yield _below(CASE, _cases(login), below)
        yield _below(CASE_CLOSED, _closed_cases(login), below)
        yield _below(CONTACT, _contacts(login), below)
    if user.has_perm("logins.view_connectlink"):
        yield _below(LINK, _links(login), below)
    if user.has_perm("tracing.view_event"):
        yield _below(EVENT, _events(login), below)
    if user.has_perm("tracing.view_delivery"):
        yield _below(DELIVERED, _deliveries(login), below)


def _below(kind: str, rows: QuerySet[Any], below: Cursor | None) -> QuerySet[Any]:
    """Keep what stands below a cursor, of rows that are all of one kind."""
    if below is None:
        return rows
    if kind == below.kind:
        return rows.filter(Q(t_at__lt=below.at) | Q(t_at=below.at, t_key__lt=below.key))
    return rows.filter(t_at__lte=below.at) if kind < below.kind else rows.filter(t_at__lt=below.at)


def _is_below(entry: Entry, below: Cursor | None) -> bool:
    return below is None or (entry.at, entry.kind, entry.key) < (below.at, below.kind, below.key)


def _attempts(rows: QuerySet[Attempt], kind: str, at: Any) -> QuerySet[Any]:
    ended = kind == ENDED
    return _table(
        rows,
        kind,
        at,
        what=F("purpose"),
        origin=F("run__origin"),
        state=F("state"),
        outcome=F("outcome") if ended else _EMPTY,
        reason=F("outcome_reason") if ended else _EMPTY,
        code=F("provider_code") if ended else _EMPTY,
        words={ENDED: F("message"), ORDERED: F("run__reason"), OPEN: F("waits_for")}[kind],
        run=F("run_id"),
        verified=F("verified"),
        **_person("run__opened_by"),
    )


def _notes(login: Login) -> QuerySet[Any]:
    rows = Note.objects.filter(login=login)
    return _table(rows, NOTE, F("written_at"), words=F("text"), **_person("written_by"))


def _cases(login: Login) -> QuerySet[Any]:
    rows = ReconnectCase.objects.filter(login=login)
    return _table(rows, CASE, F("opened_at"), reason=F("reason"), code=F("provider_code"))


def _closed_cases(login: Login) -> QuerySet[Any]:
    rows = ReconnectCase.objects.filter(login=login, closed_at__isnull=False)
    return _table(rows, CASE_CLOSED, F("closed_at"), state=F("closed_as"))


def _contacts(login: Login) -> QuerySet[Any]:
    rows = Contact.objects.filter(case__login=login)
    return _table(rows, CONTACT, F("at"), what=F("how"), words=F("text"), **_person("by"))


def _links(login: Login) -> QuerySet[Any]:
    rows = ConnectLink.objects.filter(login=login)
    return _table(rows, LINK, F("made_at"), state=F("ended_as"), **_person("made_by"))


def _events(login: Login) -> QuerySet[Any]:
    about = Event.objects.filter(subject="login", subject_id=login.pk)
    rows = named(about.exclude(action__in=NOT_TOLD))
    told = {"what": F("action"), "words": F("reason"), "run": F("run_id")}
    return _table(rows, EVENT, F("at"), who_first=F("actor_name"), who_user=F("actor"), **told)


def _deliveries(login: Login) -> QuerySet[Any]:
    rows = Delivery.objects.filter(provider=login.provider.name, login_id=login.login_id)
    told = {"what": F("kind"), "state": F("state"), "code": F("provider_code")}
    return _table(rows, DELIVERED, F("received_at"), words=F("state_reason"), **told)


def _person(path: str) -> dict[str, Any]:
    return {
        "who_first": F(f"{path}__first_name"),
        "who_last": F(f"{path}__last_name"),
        "who_user": F(f"{path}__username"),
        "who_id": F(f"{path}__id"),
    }


_EMPTY = Value("", CharField())
_NO_NUMBER = Cast(Value(None), BigIntegerField())


def _table(rows: QuerySet[Any], kind: str, at: Any, **columns: Any) -> QuerySet[Any]:
    """Give rows of any table the columns of the timeline; what is not said is empty."""
    given: dict[str, Any] = {
        **dict.fromkeys(COLUMNS, _EMPTY),
        "run": _NO_NUMBER,
        "who_id": _NO_NUMBER,
        "verified": Value(False, BooleanField()),
        "kind": Value(kind, CharField()),
        "at": at,
        "key": F("pk"),
        **columns,
    }
    # Prefixed, for a table may have a column of that name.
    named = rows.order_by().annotate(**{f"t_{name}": given[name] for name in COLUMNS})
    return named.values_list(*(f"t_{name}" for name in COLUMNS))


def _entry(user: Any, row: tuple[Any, ...]) -> Entry:
    said = dict(zip(COLUMNS, row, strict=True))
    full = f"{said.pop('who_first') or ''} {said.pop('who_last') or ''}".strip()
    who, who_id = full or said.pop("who_user", "") or "", said.pop("who_id")
    said.pop("who_user", None)
    seen = said["run"] is not None and (sees_everything(user) or who_id == user.pk)
    return Entry(**said, who=who, run_is_seen=seen)


def _of_the_row(login: Login) -> Iterator[Entry]:
    """Yield what the login itself remembers."""
    if login.status_changed_at is not None:
        yield Entry(
            STATUS,
            login.status_changed_at,
            login.pk,
            state=login.status,
            words=login.status_reason,
            who=person(login.status_changed_by),
        )
    yield Entry(REGISTERED, login.created_at, login.pk)


def _without_echoes(entries: list[Entry]) -> Iterator[Entry]:
    """Leave out a change of status that is but the beginning of an order that stands there."""
    begun = {row.at for row in entries if row.kind == ORDERED}
    return (row for row in entries if row.kind != STATUS or row.at not in begun)


def _calls(user: Any, login: Login, page: list[Entry], *, newest: bool) -> list[Call]:
    """Return calls to stand below their attempts, newest first."""
    rows = calls_of(user).filter(provider=login.provider.name, login_id=login.login_id)
    if not newest:
        rows = rows.filter(attempt_id__in=[row.key for row in page if row.kind == ENDED])
    return list(rows.defer("answer", "body").order_by("-sent_at", "-pk")[:NEWEST_CALLS])


def _with_calls(entries: Iterator[Entry], calls: list[Call]) -> Iterator[Entry]:
    of_attempt: dict[int | None, list[Call]] = {}
    for call in calls:
        of_attempt.setdefault(call.attempt_id, []).append(call)
    for row in entries:
        found = of_attempt.get(row.key, []) if row.kind in (ENDED, OPEN) else []
        shown = found[:CALLS_SHOWN]
        yield replace(row, calls=shown, more_calls=len(found) - len(shown)) if found else row
