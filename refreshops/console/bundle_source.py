"""Which calls go into a support bundle: chosen within what the person may see, and bounded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, F, IntegerField, Max, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber

from refreshops import wiring
from refreshops.console.addresses import NO_BANK, NO_CODE, NOT_ASKED, logins_list, page
from refreshops.console.badges import outcome_label
from refreshops.console.scoping import attempts_of, calls_of, logins_of, runs_of
from refreshops.console.search import is_number
from refreshops.routine.models import Attempt, Run
from refreshops.rules.lifecycle import AttemptState, CallState, Purpose
from refreshops.rules.outcomes import Outcome
from refreshops.tracing.bundle import Ending
from refreshops.tracing.models import Call

MOST_CALLS = 500
CALLS_EACH = 5
MOST_LOGINS = MOST_CALLS // CALLS_EACH
# What is left out is counted no further than this.
COUNTED_TO = 10_000
REFRESHES = (Purpose.REFRESH.value, Purpose.LIVE_REFRESH.value)
# How an address writes what a row does not say.
UNSAID = {"institution": NO_BANK, "code": NO_CODE, "outcome": NOT_ASKED}
CELL = ("institution", "code", "outcome")


@dataclass(frozen=True)
class Source:
    """What a bundle is made of. `title` names it for us, `subject` for the provider's support.

    `calls` are without their bodies, oldest first; `known` is how many there are to choose from
    (None: not counted), `row` the row the event and the journal speak of; `logins` are the keys of
    those it is about where the row does not say so.
    """

    kind: str
    title: str
    subject: str
    provider: str
    back_url: str
    rule: str
    calls: list[Call]
    endings: list[Ending]
    known: int | None = None
    row: Any = None
    run_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    logins: list[int] = field(default_factory=list)

    @property
    def left_out(self) -> int | None:
        """Return how many calls were not chosen."""
        return None if self.known is None else max(0, self.known - len(self.calls))


def source_of(user: Any, kind: str, pk: int) -> Source | None:
    """Return what the bundle of a row is made of; None when there is none for this person."""
    if not is_number(str(pk)):
        return None
    find = {"call": _of_call, "login": _of_login, "attempt": _of_attempt, "run": _of_run}.get(kind)
    return find(user, pk) if find else None


def source_of_cell(user: Any, query: Mapping[str, str]) -> Source | None:
    """Return what the bundle of a matrix cell is made of: of a run's, or of the index page's."""
    asked = {name: query.get(name, "") for name in (*CELL, "run", "provider")}
    chosen = {name: value for name, value in asked.items() if value and "\0" not in value}
    run, provider = chosen.pop("run", ""), chosen.pop("provider", "")
    if not chosen or (asked["run"] and not is_number(run)):
        return None
    return _of_run_cell(user, int(run), chosen) if run else _of_todays_cell(user, chosen, provider)


def _of_call(user: Any, pk: int) -> Source | None:
    call = calls_of(user).filter(pk=pk).first()
    if call is None:
        return None
    mine, words = calls_of(user).filter(pk=pk), wiring.words(call.provider)
    if call.attempt_id:
        mine = calls_of(user).filter(attempt_id=call.attempt_id)
    calls, known = _newest(mine)
    if call.pk not in {row.pk for row in calls}:
        calls = [call, *calls[1:]]
    return Source(
        kind="call",
        title=f"Call {pk}",
        subject=f"the {call.endpoint} of {words.request_id} {call.request_id or 'unknown'}",
        provider=call.provider,
        back_url=page("tracing_call", pk),
        rule=f"The call and the others of its attempt, at most the newest {MOST_CALLS}",
        calls=calls,
        known=known,
        endings=_endings(_with_login(attempts_of(user).filter(pk=call.attempt_id or 0))),
        row=call,
        run_id=call.run_id,
    )


def _of_login(user: Any, pk: int) -> Source | None:
    login = logins_of(user).select_related("provider").filter(pk=pk).first()
    if login is None:
        return None
    name = login.provider.name
    calls, known = _newest(calls_of(user).filter(login_id=login.login_id, provider=name))
    numbers = {call.attempt_id for call in calls if call.attempt_id}
    return Source(
        kind="login",
        title=f"Login {login.login_id}",
        subject=f"{wiring.words(name).login_id} {login.login_id}",
        provider=name,
        back_url=page("logins_login", pk),
        rule=f"The newest {MOST_CALLS} calls of the login",
        calls=calls,
        known=known,
        endings=_endings(_with_login(attempts_of(user).filter(login=login, pk__in=numbers))),
        row=login,
    )


def _of_attempt(user: Any, pk: int) -> Source | None:
    attempt = attempts_of(user).select_related("login", "run__provider").filter(pk=pk).first()
    if attempt is None:
        return None
    calls, known = _newest(calls_of(user).filter(attempt_id=pk))
    named = wiring.words(attempt.run.provider.name).login_id
    of_login = f" of {named} {attempt.login.login_id}" if attempt.login else ""
    return Source(
        kind="attempt",
        title=f"Attempt {pk} of run {attempt.run_id}",
        subject=f"attempt {pk}{of_login}",
        provider=attempt.run.provider.name,
        back_url=page("routine_attempt", pk),
        rule=f"The newest {MOST_CALLS} calls of the attempt",
        calls=calls,
        known=known,
        endings=_endings([attempt]),
        row=attempt,
        run_id=attempt.run_id,
    )


def _of_run(user: Any, pk: int) -> Source | None:
    run = _run(user, pk)
    if run is None:
        return None
    attempts = _worst_first(attempts_of(user).filter(run=run))
    everything = calls_of(user).filter(run_id=pk)
    return Source(
        kind="run",
        title=f"Run {pk}",
        subject=f"run {pk} of {run.local_date}",
        provider=run.provider.name,
        back_url=page("routine_run", pk),
        rule=_rule_of_many("logins that failed first"),
        calls=_few_of_each(user, attempts),
        known=_counted(everything),
        endings=_endings(attempts),
        row=run,
        run_id=pk,
        logins=_logins(attempts),
    )


def _of_run_cell(user: Any, pk: int, chosen: dict[str, str]) -> Source | None:
    run = _run(user, pk)
    if run is None:
        return None
    rows = attempts_of(user).filter(run=run, state=AttemptState.DONE.value)
    attempts = _worst_first(rows.filter(_in_cell(chosen, login="login__")))
    words = _cell_words(chosen)
    return Source(
        kind="cell",
        title=f"{words} in run {pk}",
        subject=f"{words}, run {pk} of {run.local_date}",
        provider=run.provider.name,
        back_url=page("routine_run", pk),
        rule=_rule_of_many("logins of the cell"),
        calls=_few_of_each(user, attempts),
        endings=_endings(attempts),
        run_id=pk,
        details=chosen,
        logins=_logins(attempts),
    )


def _of_todays_cell(user: Any, chosen: dict[str, str], provider: str) -> Source | None:
    there = Q(provider__name=provider) if provider else Q()
    rows = logins_of(user).active().filter(there, _in_cell(chosen)).order_by("-pk")
    found = list(rows.select_related("provider")[:MOST_LOGINS])
    if not found:
        return None
    logins = [row for row in found if row.provider_id == found[0].provider_id]  # one support's
    ended = attempts_of(user).filter(state=AttemptState.DONE.value, purpose__in=REFRESHES)
    last = ended.filter(login__in=logins).values("login").annotate(last=Max("pk"))
    numbers = [row["last"] for row in last]
    attempts = list(_with_login(attempts_of(user).filter(pk__in=numbers)).order_by("-pk"))
    return Source(
        kind="cell",
        title=_cell_words(chosen),
        subject=f"{_cell_words(chosen)}, as of the last refresh of each login",
        provider=logins[0].provider.name,
        back_url=logins_list(**chosen, provider=provider),
        rule=_rule_of_many("logins of the cell, of each its last refresh"),
        calls=_few_of_each(user, attempts),
        endings=_endings(attempts),
        details=chosen,
        logins=_logins(attempts),
    )


def _run(user: Any, pk: int) -> Run | None:
    return runs_of(user).select_related("provider").filter(pk=pk).first()


def _newest(rows: QuerySet[Call]) -> tuple[list[Call], int]:
    """Return the newest calls, oldest first, and how many there are in all."""
    found = list(rows.defer("answer", "body").order_by("-sent_at", "-pk")[:MOST_CALLS])
    known = len(found) if len(found) < MOST_CALLS else _counted(rows)
    return found[::-1], known


def _counted(rows: QuerySet[Call]) -> int:
    return int(rows.order_by()[:COUNTED_TO].count())


def _worst_first(attempts: QuerySet[Attempt]) -> list[Attempt]:
    """Return the newest attempts that ended badly; the others only where there is room left."""
    failed = Q(state=AttemptState.DONE.value) & ~Q(outcome=Outcome.FRESH.value)
    return list(_with_login(attempts).order_by(_first(failed), "-pk")[:MOST_LOGINS])


def _with_login(attempts: QuerySet[Attempt]) -> QuerySet[Attempt]:
    return attempts.select_related("login").defer("conversation")


def _first(condition: Q) -> Any:
    """Return what puts the rows that fulfil a condition before the others."""
    return Case(When(condition, then=Value(0)), default=Value(1), output_field=IntegerField()).asc()


def _few_of_each(user: Any, attempts: list[Attempt]) -> list[Call]:
    """Return of each attempt the newest calls, failed ones first; all together oldest first."""
    if not attempts:
        return []
    failed = Q(state=CallState.NO_ANSWER.value) | Q(http_status_code__gte=400)
    order = [_first(failed), F("sent_at").desc(), F("pk").desc()]
    place = Window(RowNumber(), partition_by=[F("attempt_id")], order_by=order)
    numbers = [attempt.pk for attempt in attempts]
    rows = calls_of(user).filter(attempt_id__in=numbers).defer("answer", "body")
    chosen = rows.annotate(place=place).filter(place__lte=CALLS_EACH)
    return sorted(chosen, key=lambda call: (call.sent_at, call.pk))


def _endings(attempts: Iterable[Attempt]) -> list[Ending]:
    return [
        Ending(
            at=row.finished_at,
            attempt_id=row.pk,
            run_id=row.run_id,
            login_id=row.login.login_id if row.login else "",
            institution=row.login.institution if row.login else "",
            purpose=row.purpose,
            outcome=row.outcome,
            provider_code=row.provider_code,
            message=row.message,
        )
        for row in attempts
        if row.state == AttemptState.DONE and row.finished_at is not None
    ]


def _logins(attempts: Iterable[Attempt]) -> list[int]:
    return sorted({row.login_id for row in attempts if row.login_id})


def _in_cell(chosen: dict[str, str], *, login: str = "") -> Q:
    fields = {"institution": f"{login}institution", "code": "provider_code", "outcome": "outcome"}
    return Q(
        **{fields[name]: "" if value == UNSAID[name] else value for name, value in chosen.items()}
    )


def _cell_words(chosen: dict[str, str]) -> str:
    """Return a cell as people call it: the bank, and the code or else the outcome."""
    bank = chosen.get("institution", "Every institution")
    outcome = outcome_label(chosen["outcome"]) if "outcome" in chosen else ""
    code = chosen.get("code", "")
    what = f"{outcome}, no code".lstrip(", ") if code == NO_CODE else code or outcome
    return f"{bank} × {what}" if what else bank


def _rule_of_many(which: str) -> str:
    return (
        f"At most {MOST_LOGINS} {which}, of each its newest {CALLS_EACH} calls, failed ones first"
    )
