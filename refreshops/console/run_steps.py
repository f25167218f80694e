"""The named orders about a run, from approving to retrying, each with its question."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from refreshops import wiring
from refreshops.console import order_facts, order_kinds, retry_facts
from refreshops.console.addresses import page
from refreshops.console.cards import Card, logins_words
from refreshops.console.confirm import Question, ask, reason_of
from refreshops.console.once import place_once
from refreshops.console.orders import Plan
from refreshops.console.scoping import attempts_of, sees_everything
from refreshops.routine import services, tasks, waiting
from refreshops.routine.models import OPEN_RUN, Attempt, Run
from refreshops.routine.retrying import RETRYABLE, retry_plan
from refreshops.routine.tallies import tallies
from refreshops.rules.lifecycle import AttemptState, Purpose, RunState


@dataclass(frozen=True)
class Step:
    """One order about a run."""

    name: str
    label: str
    button: str
    consequence: str
    needs_reason: bool
    grave: bool
    fits: Callable[[Run, Card], bool]


def may(user: Any, run: Run, name: str) -> bool:
    """Tell whether this person may give an order about a run; one's own one may always withdraw."""
    if name == "approve":
        return bool(user.has_perm("logins.approve_order"))
    if name == "withdraw" and run.opened_by_id == user.pk:
        return True
    # A retry is a new order: whoever may not give that order may not give it again either.
    kind = order_kinds.KINDS.get(Purpose(run.purpose))
    if name == "retry" and kind is not None and not order_kinds.may(user, kind.permission):
        return False
    return bool(user.has_perm("routine.control_run"))


STEPS = {
    row.name: row
    for row in (
        Step(
            "approve",
            "Approve…",
            "Approve the order",
            "Somebody else ordered this for many logins. With your approval it begins at once, or "
            "on its date; your name stands on the receipt.",
            needs_reason=False,
            grave=False,
            fits=lambda run, card: (
                run.state == RunState.WAITING.value
                and run.needs_approval
                and run.approved_at is None
            ),
        ),
        Step(
            "withdraw",
            "Withdraw…",
            "Withdraw the order",
            "The order ends before it began: nothing was changed, and nothing will be.",
            needs_reason=True,
            grave=True,
            fits=lambda run, card: run.state == RunState.WAITING.value,
        ),
        Step(
            "pause",
            "Pause…",
            "Pause the run",
            "Calls already on their way end by themselves; no further login is asked until "
            "somebody resumes the run.",
            needs_reason=True,
            grave=False,
            fits=lambda run, card: run.state == RunState.OPEN.value,
        ),
        Step(
            "resume",
            "Resume",
            "Resume the run",
            "The run goes on where it stood.",
            needs_reason=False,
            grave=False,
            fits=lambda run, card: run.state == RunState.PAUSED.value,
        ),
        Step(
            "retry",
            "Retry failed only…",
            "Retry failed only",
            "Opens a new run over the logins that may get better by asking again. Never those "
            "that succeeded, and never those where the customer must act: repeats can lock a bank "
            "login.",
            needs_reason=False,
            grave=False,
            fits=lambda run, card: any(card.outcomes.get(name) for name in RETRYABLE),
        ),
        Step(
            "cancel",
            "Cancel…",
            "Cancel the run",
            "Logins not asked yet will not be asked by this run. It cannot be opened again.",
            needs_reason=True,
            grave=True,
            fits=lambda run, card: run.state in OPEN_RUN,
        ),
    )
}


def offered(run: Run, card: Card, *, user: Any) -> list[dict[str, Any]]:
    """Return the orders that make sense now and are this person's to give, as buttons."""
    return [
        {
            "label": step.label,
            "url": reverse("admin:run_step", args=[run.pk, step.name]),
            "grave": step.grave,
        }
        for step in STEPS.values()
        if step.fits(run, card)
        and may(user, run, step.name)
        and not (step.name == "approve" and run.opened_by_id == user.pk)
    ]


def view(request: HttpRequest, run: Run, name: str) -> HttpResponse:
    """Ask, then give the order and say what happened."""
    step = STEPS.get(name)
    if step is None:
        raise Http404(name)
    if not may(request.user, run, name):
        raise PermissionDenied
    if name == "approve" and run.opened_by_id == request.user.pk:
        messages.error(request, waiting.OWN_ORDER)
        return redirect(page("routine_run", run.pk))
    question = _question(run, step, user=request.user)
    if request.method != "POST":
        return ask(request, question)
    reason = reason_of(request)
    if step.needs_reason and not reason.strip():
        return ask(request, question, error="Say why: the next person will want to know.")
    try:
        return _give(request, run, step, reason=reason)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(page("routine_run", run.pk))


def _question(run: Run, step: Step, *, user: Any) -> Question:
    waits = step.name in ("approve", "withdraw")
    plan = order_facts.plan_of(run, user=user) if waits else None
    facts = order_facts.facts(run, plan) if plan else _facts(run, step, user=user)
    return Question(
        title=f"{step.button}?" if step.name != "retry" else "Retry failed only",
        consequence=_consequence(step, plan),
        button=step.button,
        back_url=page("routine_run", run.pk),
        about=run,
        needs_reason=step.needs_reason,
        grave=step.grave or (step.name == "approve" and plan is not None and plan.kind.grave),
        facts=facts,
        possible=step.name != "retry" or retry_facts.AGAIN in dict(facts),
        sample=plan.sample if plan else [],
        not_shown=plan.not_shown if plan else 0,
    )


def _consequence(step: Step, plan: Plan | None) -> str:
    """Say what the step does; who approves an order reads what whoever gave it has read."""
    if step.name != "approve" or plan is None:
        return step.consequence
    return f"{step.consequence} {plan.kind.consequence}"


def _facts(run: Run, step: Step, *, user: Any) -> list[tuple[str, Any]]:
    if step.name == "retry":
        return retry_facts.facts(run, retry_plan(run, attempts_of(user), now=wiring.clock()))
    tally = tallies(attempts_of(user), [run.pk])[run.pk]
    number = run.planned if sees_everything(user) else tally.logins
    facts = [("Logins in this run", str(number)), ("Not asked yet", str(tally.due))]
    if step.name == "cancel":
        facts.append(("Already asked", f"{tally.done}; what they answered stays"))
    if step.name == "resume":
        facts.append(("Paused", run.state_reason))
    return facts


def _give(request: HttpRequest, run: Run, step: Step, *, reason: str) -> HttpResponse:
    if step.name == "retry":
        return _retry(request, run)
    if step.name not in ("approve", "withdraw"):
        _refuse_for_foreign(request.user, run)
    messages.info(request, _DOING[step.name](run, request.user, reason))
    return redirect(page("routine_run", run.pk))


def _approve(run: Run, by: Any, reason: str) -> str:
    waiting.approve(run, by=by, now=wiring.clock())
    tasks.nudge(run.provider.name)
    return f"Run {run.pk} is approved. {waiting.why_it_waits(run) or 'It has begun.'}"


def _withdraw(run: Run, by: Any, reason: str) -> str:
    # Only of logins that are theirs to see: one may have gone to another manager since.
    due = attempts_of(by).filter(run=run, login__isnull=False, state=AttemptState.DUE.value)
    number = due.count()
    waiting.withdraw(run, by=by, why=reason, now=wiring.clock())
    stay = "stays as it is" if number == 1 else "stay as they are"
    return f"Run {run.pk} is withdrawn; {logins_words(number)} {stay}."


def _pause(run: Run, by: Any, reason: str) -> str:
    paused = services.pause_run(run, by=by, why=reason, now=wiring.clock())
    return f"Run {run.pk} {'is paused.' if paused else 'was paused already: nothing was changed.'}"


def _resume(run: Run, by: Any, reason: str) -> str:
    resumed = services.resume_run(run, by=by, now=wiring.clock())
    tasks.nudge(run.provider.name)
    return f"Run {run.pk} {'goes on.' if resumed else 'went on already: nothing was changed.'}"


def _cancel(run: Run, by: Any, reason: str) -> str:
    left = services.cancel_run(run, by=by, why=reason, now=wiring.clock())
    not_asked = f"{logins_words(left)} will not be asked" if left else "nothing was left to ask"
    return f"Run {run.pk} is cancelled; {not_asked}."


_DOING: dict[str, Callable[[Run, Any, str], str]] = {
    "approve": _approve,
    "withdraw": _withdraw,
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
}


def _refuse_for_foreign(user: Any, run: Run) -> None:
    """Raise `services.Refused` when the order would act on logins this person may not see."""
    whole = Attempt.objects.filter(run=run, login__isnull=False).count()
    if whole > attempts_of(user).filter(run=run, login__isnull=False).count():
        raise services.Refused(
            "This run holds logins that are not yours any more; ask Operations to do it."
        )


def _retry(request: HttpRequest, run: Run) -> HttpResponse:
    now = wiring.clock()
    _refuse_for_foreign(request.user, run)

    def place() -> list[int]:
        opened = services.retry_failed(
            run,
            by=request.user,
            now=now,
            local_date=wiring.local_date(now),
            window=wiring.window(),
        )
        tasks.nudge(run.provider.name)
        return [opened.run.pk]

    placed = place_once(request, token=request.POST.get("token", ""), place=place)
    said = "This retry was ordered before; here it is." if placed.again else "Retry ordered."
    messages.info(request, said)
    return redirect(page("routine_run", placed.run_ids[0]))
