"""What a person reads before "retry failed only": how many of what, how long, and who not."""

from collections.abc import Iterator

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from refreshops import wiring
from refreshops.console.badges import outcome_label_of
from refreshops.console.cards import logins_words
from refreshops.console.charts import in_bar_order
from refreshops.console.moments import lasting_words
from refreshops.routine.live_limits import MOST_A_DAY
from refreshops.routine.models import Run
from refreshops.routine.paces import places
from refreshops.routine.retrying import RetryPlan
from refreshops.rules.outcomes import Outcome
from refreshops.rules.pacing import forecast

AGAIN = "Asked again"
WHY_NOT = {
    Outcome.FRESH.value: "ended well",
    Outcome.USER_ACTION.value: "only the customer can repair these; repeats can lock a bank login",
    Outcome.LOGIN_GONE.value: "cannot be refreshed any more",
    Outcome.PENDING.value: "the provider still works on these",
}


def facts(run: Run, plan: RetryPlan) -> list[tuple[str, str | SafeString]]:
    """Return how many are asked again, of which outcomes, how long it takes, and who is left out.

    Without a login to ask again there is no fact `AGAIN`.
    """
    number, found = plan.again.total(), []
    if number:
        limit = run.provider.logins_per_minute
        taken = places(run.purpose, logins=number)
        lasts = forecast(logins=taken, per_window=limit, window=wiring.window())
        found = [
            (AGAIN, logins_words(number)),
            ("Of these", _lines(_by_outcome(run, plan))),
            ("Takes", f"{lasting_words(lasts)} at {limit} a minute, before the daily run"),
        ]
    left_out = list(_left_out(run, plan))
    return [*found, ("Left out", _lines(left_out))] if left_out else found


def _by_outcome(run: Run, plan: RetryPlan) -> Iterator[str]:
    for outcome, number in in_bar_order(plan.again):
        yield f"{number} {outcome_label_of(outcome, run)}"


def _left_out(run: Run, plan: RetryPlan) -> Iterator[str]:
    for outcome, number in in_bar_order(plan.left_out):
        why = WHY_NOT.get(outcome, "not to be retried")
        yield f"{number} {outcome_label_of(outcome, run)}: {why}"
    if plan.answered_since:
        yield f"{plan.answered_since} answered since: a later run settled what failed here"
    if plan.switched_since:
        yield f"{plan.switched_since} switched here since this run"
    if plan.not_live:
        yield (
            f"{plan.not_live} not to be tried live now: {MOST_A_DAY} tries a day at the bank, and "
            "none with credentials that were refused"
        )


def _lines(rows: "Iterator[str] | list[str]") -> SafeString:
    return format_html_join("", '<span class="line">{}</span>', ((row,) for row in rows))
