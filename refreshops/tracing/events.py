"""The only writer of events: who did what, why, to how many. It changes and deletes none.

Call `note` inside the transaction of the action itself: what is rolled back was not done.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from refreshops.tracing.models import Event

# Who acted where nobody was signed in. No user name holds a space.
AT_THE_COMMAND_LINE = "the command line"
BY_ITSELF = "RefreshOps itself"
THE_SCHEDULE = "the schedule"
SOMEBODY = "somebody unknown"
A_CUSTOMER = "a customer by a link"

LARGEST_NUMBER = 2**31 - 1


class Action(StrEnum):
    """The named actions. A value is stored: it may be added to, never changed."""

    ORDER = "order"
    APPROVE = "approve"
    WITHDRAW = "withdraw"
    BEGIN_RUN = "begin_run"
    PAUSE_RUN = "pause_run"
    RESUME_RUN = "resume_run"
    CANCEL_RUN = "cancel_run"
    RETRY_RUN = "retry_run"
    OPEN_DAILY = "open_daily"
    END_RUN = "end_run"
    PAUSE_PROVIDER = "pause_provider"
    RESUME_PROVIDER = "resume_provider"
    CHANGE_PROVIDER = "change_provider"
    CHANGE_DAILY_TIME = "change_daily_time"
    IMPORT = "import"
    REGISTER = "register"
    EXPORT = "export"
    BUNDLE = "bundle"
    ASK_ERASURE = "ask_erasure"
    ERASE = "erase"
    DISCLOSE = "disclose"
    VIEW_BANK_DATA = "view_bank_data"
    NOTE = "note"
    MAKE_LINK = "make_link"
    REVOKE_LINK = "revoke_link"
    CONNECT = "connect"
    REFUSE_RETURN = "refuse_return"
    CONTACT = "contact"
    SNOOZE = "snooze"
    SEND_LETTERS = "send_letters"
    CHANGE_LETTER = "change_letter"
    CHANGE_ROW = "change_row"
    PRUNE = "prune"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    FAIL_SIGN_IN = "fail_sign_in"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 (the name of an action)


def note(
    action: Action,
    *,
    by: Any,
    at: datetime,
    reason: str = "",
    number: int | None = None,
    run_id: int | None = None,
    provider: str = "",
    subject: tuple[str, int] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Event:
    """Add an event. `by` is a signed-in person, words for who else it was, or None.

    None stands for the command line. `subject` is (model, id), as ("login", 12). `details` is
    small, JSON, and holds no secret, no bank data and no name of a customer.
    """
    kind, key = subject if subject else ("", None)
    return Event.objects.create(
        at=at,
        action=action.value,
        actor=_words_for(by)[:150],
        actor_id=getattr(by, "pk", None),
        reason=reason.strip()[:500],
        number=None if number is None else min(number, LARGEST_NUMBER),
        run_id=run_id,
        provider=provider,
        subject=kind,
        subject_id=key,
        details=dict(details or {}),
    )


def _words_for(by: Any) -> str:
    if by is None:
        return AT_THE_COMMAND_LINE
    return by if isinstance(by, str) else str(by.get_username())
