"""What a person reads before approving or withdrawing an order that waits."""

from typing import Any

from refreshops import wiring
from refreshops.console import orders
from refreshops.console.moments import moment
from refreshops.console.scoping import attempts_of
from refreshops.console.words import person
from refreshops.logins.models import Login
from refreshops.routine.models import Run
from refreshops.routine.waiting import why_it_waits
from refreshops.rules.lifecycle import Purpose


def plan_of(run: Run, *, user: Any) -> orders.Plan | None:
    """Return what a waiting order will touch, of what `user` may see; None for no such order."""
    kind = orders.KINDS.get(Purpose(run.purpose))
    if kind is None:
        return None
    attempts = attempts_of(user).filter(run=run, login__isnull=False)
    chosen = Login.objects.filter(pk__in=attempts.order_by().values("login_id"))
    return orders.plan(kind, chosen=chosen, window=wiring.window())


def facts(run: Run, plan: orders.Plan) -> list[tuple[str, str]]:
    """Return who ordered what and why, how long it takes and what it saves."""
    who = person(run.opened_by) if run.opened_by else "the command line"
    found = [
        ("Order", plan.kind.title),
        ("Ordered by", who),
        ("Ordered", moment(run.opened_at)),
        ("Reason", run.reason),
        ("Logins", str(plan.chosen)),
        ("Waits", why_it_waits(run)),
    ]
    if plan.skipped:
        found.append(("Left out", plan.left_out))
    found += plan.peculiar
    found.append(("Takes", f"{plan.lasting} ({plan.limit})"))
    if plan.cost:
        found.append(("Money", plan.cost))
    return [(label, value) for label, value in found if value]
