"""The shape of one row of the Flinks code table, and the kinds of calls a row may be limited to."""

from dataclasses import dataclass
from enum import StrEnum

from refreshops.rules.outcomes import MEANING_OF, Actor, Outcome, Reason, Retry


class CallKind(StrEnum):
    """What was asked: the same code can mean different things on different calls."""

    TOKEN = "token"  # noqa: S105
    CACHED = "cached check"
    LIVE = "live refresh"
    DATA = "data call"
    POLL = "async poll"
    SCHEDULE = "schedule order"
    DELETE = "deletion"
    STATUS = "nightly status"


@dataclass(frozen=True, kw_only=True)
class CodeMeaning:
    """What one answer means, in the product's words and in words for an operator.

    `message_pattern` (a regular expression, matched without regard to case) and `calls` limit the
    row; empty means any. `if_worked_before` limits it to logins that were fresh once. `reads_data`
    says that the RequestId of this answer opens the cached data; `stays_nightly` that Flinks itself
    tries again next night (reference/outcomes.md section 6).
    """

    code: str
    http_status: int | None
    outcome: Outcome
    reason: Reason = Reason.NONE
    retry: Retry
    meaning: str
    next_step: str
    acts: Actor | None = None
    message_pattern: str = ""
    calls: frozenset[CallKind] = frozenset()
    if_worked_before: bool = False
    reads_data: bool = False
    stays_nightly: bool = False

    @property
    def actor(self) -> Actor:
        """Say whose move it is: the row's own word, else the outcome's."""
        return self.acts or MEANING_OF[self.outcome].actor
