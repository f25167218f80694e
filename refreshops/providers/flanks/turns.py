"""One turn of a conversation: what was heard, what it means, and whether it is believed."""

from dataclasses import dataclass, replace
from datetime import datetime

from refreshops.providers.contract import Answer, Heard, Silence, State, Subject
from refreshops.providers.flanks import codes
from refreshops.providers.flanks.accounts import MOST_ACCOUNTS, items_in
from refreshops.providers.flanks.answers import (
    FlanksAnswer,
    Status,
    listed,
    read,
    read_status,
    session_tokens,
)
from refreshops.providers.flanks.meaning import CallKind
from refreshops.providers.meaning import CodeMeaning
from refreshops.providers.redaction import MESSAGE_LIMIT, Scrubber
from refreshops.providers.values import LOOKED_AT, without_values
from refreshops.rules.outcomes import Outcome, Reason

# An unreadable body under one of these statuses still says what is wrong (a refused token, a wrong
# address, a gateway's limit); under 2xx, 3xx and 5xx it says nothing.
TELLING_STATUSES = frozenset({400, 401, 403, 404, 405, 415, 429})
# These codes speak of a credential that Flanks holds.
_OF_A_HELD_ONE = frozenset({"20001", "20002", "20003", "50001", "50002", "50003"})
_OWN_WORD = r"[a-z]+(?:_[a-z]+)*"


@dataclass(frozen=True)
class Turn:
    """What a script decides on. `detail` is why there is no believable answer, for people.

    `status` is there when the call asked for one and it is believed.
    """

    subject: Subject
    state: State
    now: datetime
    kind: CallKind
    answer: FlanksAnswer
    meaning: CodeMeaning
    status: Status | None = None
    detail: str = ""

    @property
    def is_fault(self) -> bool:
        """Tell whether the call may be repeated: nothing believable came, or a 5xx without code."""
        codeless = not self.answer.code and self.answer.http_status >= 500
        return self.meaning.reason in codes.FAULT_ROWS or codeless

    @property
    def succeeded(self) -> bool:
        """Tell whether Flanks says yes and the answer is believed."""
        return self.meaning.outcome is Outcome.FRESH

    @property
    def is_refused_token(self) -> bool:
        """Tell whether the access token was refused: a 401 without a code is never the bank's."""
        return self.answer.http_status == 401 and self.meaning.reason is Reason.KEYS

    @property
    def is_of_a_held_one(self) -> bool:
        """Tell whether Flanks answered about a credential that it holds."""
        return self.status is not None or self.answer.code in _OF_A_HELD_ONE


def turn_of(subject: Subject, state: State, heard: Heard, *, now: datetime, kind: CallKind) -> Turn:
    """Read what was heard and judge whether to believe it."""
    fault = None
    if isinstance(heard, Silence):
        answer, fault = _read_silence(heard)
    else:
        answer = read(heard)
    if answer.http_status not in (0, 401):
        state = {name: value for name, value in state.items() if name != "renewed"}
    meaning = codes.FAULT_ROWS[fault] if fault else _meaning(answer, kind)
    turn = Turn(subject, state, now, kind, answer, meaning, detail=_detail(heard))
    if fault:
        return turn
    if kind is CallKind.STATUS and turn.succeeded:
        turn = replace(turn, status=read_status(answer.body))
    doubt = _doubt(turn)
    if doubt:
        meaning = codes.FAULT_ROWS[Reason.BAD_ANSWER]
        return replace(turn, meaning=meaning, status=None, detail=doubt)
    return turn


def told(answer: FlanksAnswer, *, clean: Scrubber) -> str:
    """Return the message of an answer as it may be stored and shown: without values and people.

    Nor with a token that stands in the same answer.
    """
    message = answer.message[:LOOKED_AT]
    for token in session_tokens(answer.body):
        message = message.replace(token, clean.marker(token))
    return without_values(clean(message), marker=clean.marker, own=_OWN_WORD)[:MESSAGE_LIMIT]


def _read_silence(heard: Silence) -> tuple[FlanksAnswer, Reason | None]:
    status = heard.http_status or 0
    if heard.kind == "network":
        return FlanksAnswer(http_status=0), Reason.NETWORK
    answer = FlanksAnswer(http_status=status, message=_detail(heard))
    return answer, None if status in TELLING_STATUSES else Reason.BAD_ANSWER


def _detail(heard: Heard) -> str:
    if isinstance(heard, Answer):
        return ""
    return f"{heard.detail} (HTTP {heard.http_status})" if heard.http_status else heard.detail


def _meaning(answer: FlanksAnswer, kind: CallKind) -> CodeMeaning:
    return codes.look_up(
        code=answer.code, http_status=answer.http_status, message=answer.message, kind=kind
    )


def _doubt(turn: Turn) -> str:
    """Return why an answer is not believed, or an empty text (faults C7, C16)."""
    answer = turn.answer
    if answer.login_id and turn.subject.login_id and answer.login_id != turn.subject.login_id:
        return "the answer speaks of another login"
    if not turn.succeeded:
        return _doubt_at_waiting(turn)
    if isinstance(answer.body, dict) and answer.body.get("error"):
        return "success with an error beside it"
    match turn.kind:
        case CallKind.STATUS:
            return turn.status.odd if turn.status else "success without a status"
        case CallKind.DATA:
            return _doubt_at_data(turn)
        case CallKind.LIST if listed(answer.body) is None:
            return "success without a list"
        case CallKind.DELETE | CallKind.FORCE | CallKind.SESSION if not isinstance(
            answer.body, dict
        ):
            return "success without a word"
    return ""


def _doubt_at_waiting(turn: Turn) -> str:
    waits = turn.meaning.outcome is Outcome.PENDING
    if waits and turn.kind not in (CallKind.STATUS, CallKind.DATA):
        return "still working, where only yes or no is documented"
    return ""


def _doubt_at_data(turn: Turn) -> str:
    items = items_in(turn.answer.body)
    if items is None:
        return "success without a list of data"
    return f"an answer with {len(items)} entries" if len(items) > MOST_ACCOUNTS else ""
