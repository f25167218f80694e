"""Which banks look down, by how their active logins last ended: one rule for every screen."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection
from django.db.models import Count, Q, QuerySet

from refreshops.logins.models import Login, LoginQuerySet, LoginStatus
from refreshops.logins.owned import begun_at_customers
from refreshops.logins.tallies import Counted
from refreshops.rules.outages import OUTAGE_SHARE, looks_down
from refreshops.rules.outcomes import Outcome

# So many institutions are counted in one question: each is a column of its answer.
AT_ONCE = 500
_FAILING = Outcome.INSTITUTION_UNAVAILABLE.value


def banks_down(logins: LoginQuerySet | None = None) -> frozenset[str]:
    """Return the institutions that look down, of the whole register or of part of it.

    Two questions, however many logins there are; one for part of the register.
    """
    if logins is None:
        return down_of(dict(failing_by_bank()))
    counted = begun_at_customers(logins.active()).order_by().values_list("institution")
    rows = counted.annotate(failing=Count("pk", filter=Q(outcome=_FAILING)), total=Count("pk"))
    return frozenset(
        name for name, failing, total in rows if name and looks_down(failing=failing, total=total)
    )


def failing_by_bank() -> QuerySet[Login, tuple[str, int]]:
    """Return each institution with how many active logins last failed on its side, if any did."""
    rows = Login.objects.active().filter(outcome=_FAILING).exclude(institution="")
    return rows.order_by().values_list("institution").annotate(failing=Count("pk"))


def down_of(failing: Mapping[str, int]) -> frozenset[str]:
    """Return those of the institutions of `failing_by_bank` that look down; one query.

    Of each no more active logins are counted than must be there for it not to look down.
    """
    # With as many logins as fail, a bank looks down if it ever does.
    likely = [row for row in failing.items() if looks_down(failing=row[1], total=row[1])]
    found = set[str]()
    for first in range(0, len(likely), AT_ONCE):
        part = likely[first : first + AT_ONCE]
        totals = _counted_up_to({name: int(number / OUTAGE_SHARE) + 1 for name, number in part})
        found |= {
            name
            for (name, number), total in zip(part, totals, strict=True)
            if looks_down(failing=number, total=total)
        }
    return frozenset(found)


def _counted_up_to(most: Mapping[str, int]) -> Sequence[int]:
    """Count the active logins of each institution, as far as the number beside it."""
    table = connection.ops.quote_name(Login._meta.db_table)
    count = (
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM {table}"  # noqa: S608 - our own table's name
        " WHERE status = %s AND institution = %s LIMIT %s) looked_at)"
    )
    params = [given for row in most.items() for given in (LoginStatus.ACTIVE.value, *row)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([count] * len(most))}", params)
        numbers: Sequence[int] = cursor.fetchone()
    return numbers


def down_among(counted: Iterable[Counted]) -> frozenset[str]:
    """Return the institutions that look down, of active logins counted as `tallies` does."""
    failing, total = Counter[str](), Counter[str]()
    for institution, _, outcome, number in counted:
        total[institution] += number
        if outcome == _FAILING:
            failing[institution] += number
    return frozenset(
        name
        for name, number in failing.items()
        if name and looks_down(failing=number, total=total[name])
    )
