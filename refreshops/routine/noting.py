"""What happens to runs, told to the story that is kept: one event for each named action.

Every function adds its event in the caller's transaction. Source: issue 4 F.
"""

from datetime import datetime
from typing import Any

from refreshops.routine.models import Run
from refreshops.tracing.events import BY_ITSELF, Action, note


def called(by: Any) -> str:
    """Return what people call whoever did something: the full name, else the user name.

    Words for who else it was stay as they are.
    """
    full = getattr(by, "get_full_name", None)
    return str((full() if full else "") or by)


def ordered(run: Run, *, left_out: int = 0, with_report: bool = False) -> None:
    """Tell who ordered a run just opened, and for how many logins.

    A retry is about the run that it repeats. Nobody's order came from the command line.
    """
    details = {
        "purpose": run.purpose,
        "brought_forward": run.brought_forward,
        "left_out": left_out,
        "with_report": with_report,
        "starts_at": run.starts_at.isoformat() if run.starts_at else None,
        "needs_approval": run.needs_approval,
    }
    note(
        Action.RETRY_RUN if run.retry_of_id else Action.ORDER,
        by=run.opened_by,
        at=run.opened_at,
        reason=run.reason,
        number=run.planned + run.brought_forward,
        run_id=run.pk,
        provider=run.provider.name,
        subject=("run", run.retry_of_id) if run.retry_of_id else None,
        details={name: value for name, value in details.items() if value},
    )


def done_to(
    run: Run, action: Action, *, by: Any, at: datetime, reason: str = "", number: int | None = None
) -> None:
    """Tell what was done to a run; `by` is a person, words for who else it was, or None."""
    note(
        action,
        by=by,
        at=at,
        reason=reason,
        number=number,
        run_id=run.pk,
        provider=run.provider.name,
        details={"purpose": run.purpose},
    )


def ended(run: Run, *, at: datetime, why: str) -> None:
    """Tell that a run has ended, and what its logins came to; its totals are counted already."""
    note(
        Action.END_RUN,
        by=BY_ITSELF,
        at=at,
        reason=why,
        number=run.totals["done"],
        run_id=run.pk,
        provider=run.provider.name,
        details={
            "purpose": run.purpose,
            "outcomes": run.totals["outcomes"],
            "cancelled": run.totals["cancelled"],
        },
    )
