"""Reconnect cases: opened by an answer that needs the customer, closed by the next fresh one.

Everything here runs in the transaction of what is told to it. Source: issue 5 A.
"""

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, TextField

from refreshops.logins.models import (
    ClosedAs,
    Contact,
    How,
    Login,
    LoginStatus,
    ReconnectCase,
)
from refreshops.rules.outcomes import Outcome, Reason

# A customer who must act again within this time has a relapse, and not a case of its own.
RELAPSE_WITHIN = timedelta(days=14)
RECOVERY_OVER = timedelta(days=30)

# By hand, for every fresh answer comes by here: a query built by Django takes ten times as long.
_CLOSE = """
    UPDATE logins_reconnectcase SET closed_at = %s, closed_as = %s, snoozed_until = NULL
     WHERE login_id = %s AND closed_at IS NULL"""


def heard(
    login: Login,
    *,
    outcome: str,
    reason: str,
    provider_code: str,
    attempt_id: int | None,
    now: datetime,
) -> None:
    """Open, keep or close the case of a login after an answer about it.

    The caller holds the login's row. Only `user_action` opens one, and only for a login that is
    active; only `fresh` closes one, or a refresh of which a part is missing: the bank let the
    provider in. A bank that is down is neither.
    """
    if outcome == Outcome.FRESH.value or reason == Reason.PARTIAL.value:
        close(login_id=login.pk, how=ClosedAs.FRESH, now=now)
    elif outcome == Outcome.USER_ACTION.value:
        status = Login.objects.values_list("status", flat=True).get(pk=login.pk)
        if status == LoginStatus.ACTIVE.value:
            _open(
                login.pk,
                reason=reason,
                provider_code=provider_code,
                attempt_id=attempt_id,
                now=now,
            )


def close(*, login_id: int, how: ClosedAs, now: datetime) -> bool:
    """Close the open case of a login; False when it has none."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [connection.ops.adapt_datetimefield_value(now), how.value, login_id])
        return bool(cursor.rowcount)


def close_replaced(login: Login, *, now: datetime) -> int:
    """Close the cases of a customer's other logins at the bank of a login connected anew.

    Another name or language at the same bank gives a new id; the old login stays behind, and stands
    in the leaks as replaced. Return how many were closed.
    """
    if not login.institution:
        return 0
    others = Login.objects.filter(
        provider_id=login.provider_id,
        customer_id=login.customer_id,
        institution=login.institution,
        cases__closed_at__isnull=True,
        cases__isnull=False,
    ).exclude(pk=login.pk)
    keys = set(others.values_list("pk", flat=True))
    return sum(close(login_id=key, how=ClosedAs.REPLACED, now=now) for key in keys)


def _open(
    login_id: int, *, reason: str, provider_code: str, attempt_id: int | None, now: datetime
) -> None:
    said = {"reason": reason[:30], "provider_code": provider_code[:80], "attempt_id": attempt_id}
    cases = ReconnectCase.objects.filter(login_id=login_id)
    if cases.filter(closed_at__isnull=True).update(**said):
        return
    last = cases.order_by("-closed_at", "-pk").first()
    if last is not None and last.closed_as == ClosedAs.REPLACED.value:
        return  # its customer has a newer login at this bank, and must not be asked for the old one
    if last is None or last.closed_at is None or last.closed_at < now - RELAPSE_WITHIN:
        ReconnectCase.objects.create(login_id=login_id, opened_at=now, **said)
        return
    cases.filter(pk=last.pk).update(
        closed_at=None, closed_as="", reopened=F("reopened") + 1, reminders=0, **said
    )


def wanted() -> Q:
    """Return the condition of open cases whose login is still wanted.

    Asked of each case, and not joined: few cases are open, and many logins active, with which
    SQLite would begin.
    """
    logins = Login.objects.filter(
        pk=OuterRef("login_id"), status=LoginStatus.ACTIVE, gone_at__isnull=True
    )
    return Q(Exists(logins), closed_at__isnull=True)


def open_cases(*, logins: QuerySet[Login] | None = None) -> QuerySet[ReconnectCase]:
    """Return the open cases of logins that are still wanted; of `logins` alone, if given.

    The case of a login that was switched off rests: nobody asks its customer for anything.
    """
    found = ReconnectCase.objects.filter(wanted())
    return found if logins is None else found.filter(login__in=logins)


def to_do(
    cases: QuerySet[ReconnectCase], *, now: datetime, banks_down: Collection[str] = ()
) -> QuerySet[ReconnectCase]:
    """Return those of `cases` that somebody should work on now.

    Not those that are snoozed, nor those of a bank that is down: nobody can reconnect there.
    """
    awake = cases.filter(Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now))
    return awake.exclude(login__institution__in=list(banks_down)) if banks_down else awake


def proposing_switch_off(
    cases: QuerySet[ReconnectCase], *, now: datetime, after: timedelta
) -> QuerySet[ReconnectCase]:
    """Return those of `cases` that are open for so long that switching off is proposed."""
    return cases.filter(opened_at__lte=now - after)


def log(case: ReconnectCase, *, how: How, by: Any = None, text: str = "", now: datetime) -> Contact:
    """Add a line to the contact log of a case; `by` is None for the customer."""
    with transaction.atomic():
        contact = Contact.objects.create(
            case=case, at=now, by=by, how=how.value, text=text.strip()[:500]
        )
        ReconnectCase.objects.filter(pk=case.pk).update(last_contact_at=now)
    return contact


def snooze(case: ReconnectCase, *, until: datetime | None) -> bool:
    """Let a case rest until then, or wake it with None; False when it has been closed meanwhile."""
    opened = ReconnectCase.objects.filter(pk=case.pk, closed_at__isnull=True)
    return bool(opened.update(snoozed_until=until))


def recovery(
    cases: QuerySet[ReconnectCase] | None = None,
    *,
    now: datetime,
    over: timedelta = RECOVERY_OVER,
) -> list[tuple[str, int, int]]:
    """Count for each institution the cases opened lately and those of them closed again.

    Of `cases` alone, if given. Rows of (institution, opened, closed), by institution; one query.
    """
    rows = ReconnectCase.objects.all() if cases is None else cases
    return sorted(_by_bank(rows, since=now - over))


def recovery_beside(
    cases: QuerySet[ReconnectCase], *, now: datetime, over: timedelta = RECOVERY_OVER
) -> "RowsAsJson":
    """Return the same as part of another question; `recovery_told` reads it."""
    return RowsAsJson(_by_bank(cases, since=now - over))


def recovery_told(text: str | None) -> list[tuple[str, int, int]]:
    """Read what `recovery_beside` gave."""
    return sorted((bank, opened, closed) for bank, opened, closed in json.loads(text or "[]"))


def _by_bank(cases: QuerySet[ReconnectCase], *, since: datetime) -> QuerySet[Any, Any]:
    lately = cases.filter(opened_at__gte=since).order_by()
    banks = lately.values_list(F("login__institution"))
    return banks.annotate(opened=Count("pk"), closed=Count("closed_at"))


class RowsAsJson(Subquery):
    """Rows of three columns as one text, for a page that may ask only so many questions."""

    output_field = TextField()
    template = "(WITH found(a, b, c) AS (%(subquery)s) SELECT {} FROM found)"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Gather them as SQLite does."""
        rows = "json_group_array(json_array(a, b, c))"
        return self.as_sql(compiler, connection, template=self.template.format(rows), **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Gather them as PostgreSQL does."""
        rows = "CAST(json_agg(json_build_array(a, b, c)) AS TEXT)"
        return self.as_sql(compiler, connection, template=self.template.format(rows), **extra)
