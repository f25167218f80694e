"""The shape of one row of a provider's code table, and of the tables as a document shows them."""

import re
from collections.abc import Iterable, Sequence
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

    def fits(self, *, message: str, kind: StrEnum, worked_before: bool = False) -> bool:
        """Tell whether the row speaks of this message, at this kind of call, of such a login."""
        if self.calls and kind not in self.calls:
            return False
        if self.if_worked_before and not worked_before:
            return False
        pattern = self.message_pattern
        return not pattern or bool(re.search(pattern, message, re.IGNORECASE))


def of_status(rows: Iterable[CodeMeaning], status: int) -> tuple[CodeMeaning, ...]:
    """Return the rows without a code for an HTTP status; those of 500 stand for every 5xx."""
    wanted = 500 if 500 <= status < 600 else status
    return tuple(row for row in rows if row.http_status == wanted)


def unlisted(provider: str, *, code: str, http_status: int) -> CodeMeaning:
    """Return the row for what stands in no table; `provider` is its name for people."""
    what = f"the code {code}" if code else f"HTTP status {http_status} without a code"
    return CodeMeaning(
        code=code,
        http_status=http_status,
        outcome=Outcome.UNKNOWN,
        retry=Retry.NEXT_RUN,
        meaning=f"{provider} sent {what}, which is not in our table.",
        next_step=f"Ask {provider} what it means and have it added to the table.",
    )


class Table(NamedTuple):
    """A part of a code table under its heading; `intro` may be empty."""

    heading: str
    intro: str
    rows: Sequence[CodeMeaning]
