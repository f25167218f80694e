"""The steps of a receipt in words: each with the call that proves it, or why there is none."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from refreshops.logins.cells import visible
from refreshops.routine.models import OPEN_ATTEMPT, Attempt, Run
from refreshops.routine.standing import Standing
from refreshops.rules.lifecycle import AttemptState, CallState, Purpose, RunState
from refreshops.rules.outcomes import Outcome
from refreshops.tracing.models import Call

OK = 200
LONGEST_WORDS = 500

DONE, WAITING, FAILED, OPEN, NOT_NEEDED = "done", "waiting", "failed", "open", "not_needed"

COMMAND_LINE = "the command line"
NOT_KEPT = "The call is no longer kept."

# Providers have been seen to say no under HTTP 200.
_DENIES = re.compile(r"\b(invalid|error|fail\w*|not found|unable|cannot|denied)\b", re.I)


@dataclass(frozen=True)
class Line:
    """One step of a receipt: how it stands, in words, when, and the call that proves it."""

    state: str
    title: str
    words: str
    at: datetime | None = None
    call: Call | None = None


def person(user: Any, *, unknown: str) -> str:
    """Return who somebody is, as a document names them."""
    if user is None:
        return unknown
    name, username = visible(user.get_full_name()), visible(user.get_username())
    return f"{name} ({username})" if name else username


def orderer(run: Run) -> str:
    """Return who gave an order; an order without a person came from the command line."""
    return person(run.opened_by, unknown=COMMAND_LINE)


def ordered(run: Run) -> Line:
    """Return who ordered, when and why."""
    return Line(DONE, f"Ordered by {orderer(run)}", _cut(run.reason), at=run.opened_at)


def approved(run: Run) -> Line:
    """Return who approved, or that nobody had to."""
    if not run.needs_approval:
        return Line(NOT_NEEDED, "No approval needed", "")
    if run.approved_at is not None:
        who = person(run.approved_by, unknown="a person no longer on record")
        return Line(DONE, f"Approved by {who}", "", at=run.approved_at)
    if run.state == RunState.CANCELLED:
        return Line(FAILED, "Not approved", _cut(run.state_reason))
    return Line(WAITING, "Waits for approval", "A second person must approve before it begins.")


def accepted(attempt: Attempt, orders: list[Call], *, standing: Standing) -> Line:
    """Return what the provider said to the order itself."""
    if standing is Standing.HERE_ONLY:
        return Line(DONE, _done_here(attempt), _cut(attempt.message), at=attempt.finished_at)
    good = [call for call in orders if _says_yes(call)]
    last = orders[-1] if orders else None
    if attempt.state == AttemptState.DONE and not orders:
        return _not_kept(attempt, standing)
    if good:
        return _answered_yes(attempt, good[-1])
    if standing is Standing.DELETED:
        words = "The order's answer was lost; asked again, the provider knew no such login."
        return Line(DONE, "Gone at the provider", words, at=attempt.finished_at, call=last)
    if standing is Standing.UNKNOWN_THERE:
        return Line(FAILED, "Unknown to the provider", _why(last), call=last, at=_at(last))
    if attempt.state == AttemptState.CANCELLED:
        return _called_off(attempt, last)
    if attempt.state in OPEN_ATTEMPT:
        words = _why(last) if last else _not_told(attempt.run)
        return Line(WAITING, "Not accepted yet", words, call=last)
    if attempt.verified:
        return Line(OPEN, "Answer not received", _why(last), at=_at(last), call=last)
    title = "Refused by the provider" if standing is Standing.REFUSED else "Not accepted"
    words = _why(last) or _cut(attempt.message)
    return Line(FAILED, title, words, at=_at(last), call=last)


def verified(attempt: Attempt, looks: list[Call], *, tries: int, standing: Standing) -> Line:
    """Return what the read-back said; for a login forgotten, what became of it here."""
    if standing is Standing.HERE_ONLY:
        return _nothing_told(attempt)
    if attempt.purpose == Purpose.FORGET:
        return _erased(attempt, standing)
    last = looks[-1] if looks else None
    if attempt.verified:
        words = "A separate call read the provider's flag, and it agrees."
        if last is None:
            words = f"A separate call read the provider's flag, and it agreed. {NOT_KEPT}"
        return Line(DONE, "Verified by a read-back", words, at=attempt.finished_at, call=last)
    if attempt.state in OPEN_ATTEMPT:
        return _still_open(attempt, tries=tries)
    if attempt.state == AttemptState.CANCELLED:
        return Line(FAILED, "Not verified", "The order was called off.")
    if attempt.outcome == Outcome.FRESH:
        words = "The provider accepted the order; its flag could not be read back."
        return Line(OPEN, "Unconfirmed: not verified by a read-back", words, call=last)
    if standing is Standing.UNCONFIRMED:
        words = "The provider did not confirm the order. Order it again to try once more."
        return Line(FAILED, "Unconfirmed", _tried(words, tries), call=last)
    words = "The provider did not carry out the order."
    if standing is Standing.UNKNOWN_THERE:
        words = "The provider says that it does not know this login."
    return Line(FAILED, "Nothing to verify", words)


def _answered_yes(attempt: Attempt, call: Call) -> Line:
    words, at = _cut(call.message) or f"HTTP {OK}", call.answered_at
    if attempt.purpose == Purpose.FORGET:
        return Line(DONE, "Deleted by the provider", words, at=at, call=call)
    ended = attempt.state == AttemptState.DONE
    # Until the attempt has ended, only a word that names the login counts as a yes to its order.
    believed = attempt.outcome == Outcome.FRESH if ended else call.login_id in call.message.lower()
    if not believed:
        return Line(OPEN, "Answered by the provider", words, at=at, call=call)
    return Line(DONE, "Accepted by the provider", words, at=at, call=call)


def _done_here(attempt: Attempt) -> str:
    off = attempt.purpose == Purpose.SWITCH_OFF
    return "Done here only: we stopped asking" if off else "Done here only: we ask again"


def _nothing_told(attempt: Attempt) -> Line:
    """Say what stays as it was at a provider that has no such switch."""
    if attempt.purpose == Purpose.SWITCH_OFF:
        words = "The provider has no switch for it and was told nothing: it goes on, and charges, "
        return Line(OPEN, "Not off at the provider", f"{words}until the login is deleted there.")
    words = "The provider has no switch for it and was told nothing."
    return Line(NOT_NEEDED, "Nothing to verify", words)


def _called_off(attempt: Attempt, last: Call | None) -> Line:
    why = _cut(attempt.message) or "The order was called off."
    if last is None:
        return Line(FAILED, "Not sent", why)
    words = f"{_why(last)} {why}".strip()
    return Line(OPEN, "Sent, then called off", words, at=_at(last), call=last)


def _not_kept(attempt: Attempt, standing: Standing) -> Line:
    """Say what the attempt itself holds where the trace has been pruned, or never was."""
    said = _cut(attempt.message) or attempt.provider_code
    words = f"{NOT_KEPT} On record: {said}" if said else NOT_KEPT
    if standing in (Standing.REFUSED, Standing.UNKNOWN_THERE):
        title = "Refused" if standing is Standing.REFUSED else "Unknown to the provider"
        return Line(FAILED, title, words, at=attempt.finished_at)
    if standing is Standing.DELETED:
        return Line(DONE, "Deleted by the provider", words, at=attempt.finished_at)
    return Line(OPEN, "The provider's answer is not kept", words)


def _erased(attempt: Attempt, standing: Standing) -> Line:
    if standing is Standing.DELETED:
        words = "Bank data and answers of this login were erased in the same step."
        return Line(DONE, "Erased here", words, at=attempt.finished_at)
    if attempt.state in OPEN_ATTEMPT:
        return _still_open(attempt, tries=0)
    return Line(FAILED, "Not deleted", "The provider did not say that it deleted this login.")


def _still_open(attempt: Attempt, *, tries: int) -> Line:
    if attempt.run.state == RunState.WAITING:
        return Line(WAITING, "Not verified yet", "The order has not begun.")
    if attempt.waits_for:
        words = _tried(f"{visible(attempt.waits_for).capitalize()}.", tries)
        return Line(WAITING, "Unconfirmed, next try", words, at=attempt.not_before)
    return Line(WAITING, "Not verified yet", "Comes right after the provider's answer.")


def _not_told(run: Run) -> str:
    if run.state != RunState.WAITING:
        return "The provider has not been told yet."
    if run.needs_approval and run.approved_at is None:
        return "The provider has not been told: the order waits for approval."
    return "The provider has not been told: the order waits for its date."


def _says_yes(call: Call) -> bool:
    answered = call.state == CallState.ANSWERED and call.http_status_code == OK
    return answered and not call.provider_code and not _DENIES.search(call.message)


def _why(call: Call | None) -> str:
    if call is None:
        return ""
    if call.error:
        return _cut(call.error)
    if call.state == CallState.SENT:
        return "No answer has been written down yet."
    said = " ".join(filter(None, (call.provider_code, call.message)))
    return _cut(said) or (
        f"HTTP {call.http_status_code}" if call.http_status_code else "No answer."
    )


def _at(call: Call | None) -> datetime | None:
    return call.answered_at if call else None


def _tried(words: str, tries: int) -> str:
    return f"{words} Sent {tries} times so far." if tries > 1 else words


def _cut(text: str) -> str:
    """Return foreign words on one line, nothing unseen in them, and not endlessly long."""
    return visible(text[: 2 * LONGEST_WORDS])[:LONGEST_WORDS]
