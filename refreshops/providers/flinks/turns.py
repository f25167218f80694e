"""One turn of a conversation: what was heard, what it means, and whether it is believed."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from refreshops.providers.contract import Answer, Heard, Silence, State, Subject
from refreshops.providers.flinks import codes
from refreshops.providers.flinks.accounts import MOST_ACCOUNTS, accounts_in
from refreshops.providers.flinks.answers import FlinksAnswer, Timestamp, read
from refreshops.providers.flinks.meaning import CallKind, CodeMeaning
from refreshops.providers.redaction import Scrubber
from refreshops.rules.outcomes import Outcome, Reason

# An unreadable body under one of these statuses still says what is wrong (a wrong address, a
# gateway's limit); under 2xx, 3xx and 5xx it says nothing.
TELLING_STATUSES = frozenset({400, 403, 404, 405, 429})


@dataclass(frozen=True)
class Turn:
    """What a script decides on. `detail` is why there is no believable answer, for people."""

    subject: Subject
    state: State
    now: datetime
    kind: CallKind
    answer: FlinksAnswer
    meaning: CodeMeaning
    detail: str = ""

    @property
    def is_fault(self) -> bool:
        """Tell whether the call may be repeated: nothing believable came, or a 5xx without code."""
        codeless = not self.answer.code and self.answer.status >= 500
        return self.meaning.reason in codes.FAULT_ROWS or codeless

    @property
    def succeeded(self) -> bool:
        """Tell whether Flinks says yes and the answer is believed."""
        return self.meaning.outcome is Outcome.FRESH


def turn_of(
    subject: Subject,
    state: State,
    heard: Heard,
    *,
    now: datetime,
    kind: CallKind,
    scrubber: Scrubber,
) -> Turn:
    """Read what was heard and judge whether to believe it."""
    if isinstance(heard, Silence):
        answer, fault = _read_silence(heard)
    else:
        answer, fault = read(heard), None
    if scrubber.finds_secret(answer.request_id):
        # An echo of a key is no RequestId: it would be stored with the state.
        answer = replace(answer, request_id="")
    meaning = codes.FAULT_ROWS[fault] if fault else _meaning(answer, subject, kind)
    turn = Turn(subject, state, now, kind, answer, meaning, detail=_detail(heard))
    doubt = "" if fault else _doubt(turn)
    if doubt:
        return replace(turn, meaning=codes.FAULT_ROWS[Reason.BAD_ANSWER], detail=doubt)
    return turn


def _read_silence(heard: Silence) -> tuple[FlinksAnswer, Reason | None]:
    status = heard.http_status or 0
    if heard.kind == "network":
        return FlinksAnswer(http_status=0, status=0), Reason.NETWORK
    answer = FlinksAnswer(http_status=status, status=status, message=_detail(heard))
    return answer, None if status in TELLING_STATUSES else Reason.BAD_ANSWER


def _detail(heard: Heard) -> str:
    if isinstance(heard, Answer):
        return ""
    return f"{heard.detail} (HTTP {heard.http_status})" if heard.http_status else heard.detail


def _meaning(answer: FlinksAnswer, subject: Subject, kind: CallKind) -> CodeMeaning:
    return codes.look_up(
        code=answer.code,
        http_status=answer.status,
        message=answer.message,
        kind=kind,
        worked_before=subject.worked_before,
    )


def _doubt(turn: Turn) -> str:
    """Return why an answer is not believed, or an empty text (faults C7, C16)."""
    answer, ours = turn.answer, turn.subject.login_id.lower()
    if answer.login_id and ours and answer.login_id != ours:
        return "the answer speaks of another login"
    good = turn.succeeded or turn.meaning.outcome is Outcome.PENDING
    if good and answer.http_status >= 400:
        return f"HTTP {answer.http_status} with a body that says {answer.status}"
    match turn.kind:
        case CallKind.CACHED | CallKind.LIVE if good:
            return _doubt_at_authorize(turn)
        case CallKind.DATA | CallKind.POLL if turn.succeeded:
            return _doubt_at_data(turn)
        case CallKind.TOKEN | CallKind.SCHEDULE | CallKind.DELETE | CallKind.STATUS if (
            turn.meaning.outcome is Outcome.PENDING
        ):
            return "still working, where only yes or no is documented"
        case CallKind.TOKEN if turn.succeeded and not answer.token:
            return "success without a token"
        case CallKind.SCHEDULE if turn.succeeded and not isinstance(answer.body, str | dict):
            return "success without a word"
    return ""


def _doubt_at_authorize(turn: Turn) -> str:
    if not turn.answer.request_id:
        return "success without a RequestId"
    if turn.succeeded and not turn.answer.status_in_body:
        return "success without an HttpStatusCode"
    return ""


def _doubt_at_data(turn: Turn) -> str:
    if not turn.answer.status_in_body:
        return "success without an HttpStatusCode"
    if turn.answer.request_id != turn.state.get("request_id"):
        return "the answer belongs to another RequestId"
    accounts = accounts_in(turn.answer.body)
    if accounts is None:
        return "success without accounts"
    if len(accounts) > MOST_ACCOUNTS:
        return f"an answer with {len(accounts)} accounts"
    return ""


@dataclass(frozen=True)
class Learned:
    """What answers told about a login on the way, whatever the end will be.

    `stays` says whether Flinks goes on refreshing it by itself, `asked` when a cached call of ours
    was last answered (ISO, empty when none was).
    """

    nightly: bool | None = None
    last_refresh: str = ""
    institution: str = ""
    stays: bool | None = None
    asked: str = ""

    @classmethod
    def from_state(cls, state: State) -> "Learned":
        """Read what earlier turns wrote down."""
        return cls(**state.get("learned", {}))

    def and_from(self, answer: FlinksAnswer, *, institution: str) -> "Learned":
        """Return this with what a newer, believed answer says; silence about a thing keeps it."""
        said = {Timestamp.NEVER: "never"}.get(answer.last_refresh, "")
        if answer.last_refresh_at:
            said = answer.last_refresh_at.isoformat()
        return replace(
            self,
            nightly=self.nightly if answer.nightly is None else answer.nightly,
            last_refresh=said or self.last_refresh,
            institution=institution or self.institution,
        )

    def and_clock(self, *, stays: bool | None, asked_at: datetime | None) -> "Learned":
        """Return this with a newer word about the nightly refresh; silence keeps the older."""
        return replace(
            self,
            stays=self.stays if stays is None else stays,
            asked=asked_at.isoformat() if asked_at else self.asked,
        )

    @property
    def never_refreshed(self) -> bool:
        """Tell whether Flinks said that this login never had a good refresh."""
        return self.last_refresh == "never"

    @property
    def asked_at(self) -> datetime | None:
        """Return when a cached call was last answered."""
        return datetime.fromisoformat(self.asked) if self.asked else None

    @property
    def last_refresh_at(self) -> datetime | None:
        """Return the provider's LastRefresh; None when it is unknown or never happened."""
        if self.last_refresh in ("", "never"):
            return None
        return datetime.fromisoformat(self.last_refresh)

    def to_state(self) -> dict[str, Any]:
        """Return this as JSON."""
        return asdict(self)
