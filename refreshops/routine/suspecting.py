"""When the logins of a run are all unknown to the provider, the mistake is likely our own."""

from datetime import datetime

from django.db.models import QuerySet, Subquery

from refreshops.logins.models import Login, PauseKind
from refreshops.routine import lanes
from refreshops.routine.models import Attempt
from refreshops.rules.lifecycle import AttemptState
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing.models import Call

# The first so many logins of a run all unknown to the provider: our customer id is wrong.
FIRST_FEW = 5


def our_customer_id(attempt: Attempt, *, now: datetime) -> None:
    """Pause a run in which every login so far is unknown: the mistake is likely our own.

    Those logins then count as ours to fix, so that they can be retried (outcomes.md 5a), and not
    as gone. After a resume the next few are suspected in the same way, until one login answers
    otherwise. One that was known to be gone before the run raises no suspicion.
    """
    ended = Attempt.objects.filter(
        run_id=attempt.run_id, state=AttemptState.DONE.value, login__isnull=False
    )
    gone, ours = Outcome.LOGIN_GONE.value, Outcome.OUR_CONFIG.value
    if ended.exclude(outcome__in=[gone, ours]).exists():
        return
    suspects = ended.filter(outcome=gone).exclude(login__gone_at__lt=attempt.run.opened_at)
    if suspects.count() < FIRST_FEW or _another_is_known(attempt, ended):
        return
    Login.objects.filter(pk__in=list(suspects.values_list("login_id", flat=True))).update(
        outcome=ours, outcome_reason=Reason.FLOW.value, gone_at=None
    )
    suspects.update(outcome=ours, outcome_reason=Reason.FLOW.value)
    lanes.pause(
        provider_id=attempt.run.provider_id,
        kind=PauseKind.SUSPECT,
        why=f"Every login of run {attempt.run_id} so far is unknown to the provider. Check the "
        "customer id and the address, resume, then retry the failed ones.",
        now=now,
    )


def _another_is_known(attempt: Attempt, ended: QuerySet[Attempt]) -> bool:
    """Tell whether the same call got a yes for a login of this run that has not ended yet.

    An order of two paced calls asks everybody the first before anybody the second: who is unknown
    ends first.
    """
    last = Call.objects.filter(attempt_id=attempt.pk).order_by("-pk").values("endpoint")[:1]
    said_yes = Call.objects.filter(
        run_id=attempt.run_id, endpoint=Subquery(last), http_status_code=200, provider_code=""
    )
    return said_yes.exclude(attempt_id__in=ended.values("pk")).exists()
