"""The only writer of events: who did what, why, to how many. It changes and deletes none.

Call `note` inside the transaction of the action itself: what is rolled back was not done.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from refreshops.tracing.models import Event

AT_THE_COMMAND_LINE = "the command line"
BY_ITSELF = "the schedule"


class Action(StrEnum):
    """The named actions. A value is stored: it may be added to, never changed."""

    ORDER = "order"
    APPROVE = "approve"
    WITHDRAW = "withdraw"
    PAUSE_RUN = "pause_run"
    RESUME_RUN = "resume_run"
    CANCEL_RUN = "cancel_run"
    RETRY_RUN = "retry_run"
    PAUSE_PROVIDER = "pause_provider"
    RESUME_PROVIDER = "resume_provider"
    CHANGE_PROVIDER = "change_provider"
    CHANGE_DAILY_TIME = "change_daily_time"
    IMPORT = "import"
    REGISTER = "register"
    EXPORT = "export"
    BUNDLE = "bundle"
    ASK_ERASURE = "ask_erasure"
    DISCLOSE = "disclose"
    VIEW_BANK_DATA = "view_bank_data"
    NOTE = "note"
    CHANGE_ROW = "change_row"


def note(
    action: Action,
    *,
    by: Any,
    at: datetime,
    actor: str = AT_THE_COMMAND_LINE,
    reason: str = "",
    number: int | None = None,
    run_id: int | None = None,
    provider: str = "",
    subject: tuple[str, int] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Event:
    """Add an event. `by` is a signed-in person or None; then `actor` says who acted.

    `subject` is (model, id), as ("login", 12). `details` is small, JSON, and holds no secret, no
    bank data and no name of a customer.
    """
    kind, key = subject if subject else ("", None)
    return Event.objects.create(
        at=at,
        action=action.value,
        actor=str(by.get_username())[:150] if by is not None else actor,
        actor_id=getattr(by, "pk", None),
        reason=reason.strip()[:500],
        number=number,
        run_id=run_id,
        provider=provider,
        subject=kind,
        subject_id=key,
        details=dict(details or {}),
    )
