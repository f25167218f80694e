"""The shape of one row of a provider's code table, and of the tables as a document shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from refreshops.rules.outcomes import MEANING_OF, Actor, Outcome, Reason, Retry


@dataclass(frozen=True, kw_only=True)
class CodeMeaning:
    """What one answer means, in the product's words and in words for an operator.

    `message_pattern` (a regular expression, matched without regard to case) and `calls` limit the
    row; empty means any. `if_worked_before` limits it to logins that were fresh once. `reads_data`
    says that this answer opens the data of an earlier refresh; `stays_nightly` that the provider
    itself tries again next night (reference/outcomes.md section 6).
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
    calls: frozenset[StrEnum] = frozenset()
    if_worked_before: bool = False
    reads_data: bool = False
    stays_nightly: bool = False

    @property
    def actor(self) -> Actor:
        """Say whose move it is: the row's own word, else the outcome's."""
        return self.acts or MEANING_OF[self.outcome].actor


class Table(NamedTuple):
    """A part of a code table under its heading; `intro` may be empty."""

    heading: str
    intro: str
    rows: Sequence[CodeMeaning]
