"""Which banks look down, by how their active logins last ended: one rule for every screen."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count

from refreshops.logins.models import LoginQuerySet
from refreshops.logins.tallies import COLUMNS, Counted, count_active
from refreshops.rules.outages import looks_down
from refreshops.rules.outcomes import Outcome


def banks_down(logins: LoginQuerySet | None = None) -> frozenset[str]:
    """Return the institutions that look down, of the whole register or of part of it; one query."""
    if logins is None:
        return down_among(count_active())
    rows = logins.active().order_by().values_list(*COLUMNS)
    return down_among(rows.annotate(number=Count("pk")))


def down_among(counted: Iterable[Counted]) -> frozenset[str]:
    """Return the institutions that look down, of active logins counted as `tallies` does."""
    failing, total = Counter[str](), Counter[str]()
    for institution, _, outcome, number in counted:
        total[institution] += number
        if outcome == Outcome.INSTITUTION_UNAVAILABLE.value:
            failing[institution] += number
    return frozenset(
        name
        for name, number in failing.items()
        if name and looks_down(failing=number, total=total[name])
    )
