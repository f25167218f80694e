"""What the provider keeps: its world, keys, rules, RequestIds and tokens; endpoints share it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from refreshops.simulator.answers import Answers, Planted, data_date
from refreshops.simulator.fates import NO_SESSION_MESSAGE, SUCCESS, Session
from refreshops.simulator.messages import Reply
from refreshops.simulator.sessions import AuthorizeTokens, OpenSession, Sessions
from refreshops.simulator.webhooks import Parcel, Posting, Webhooks
from refreshops.simulator.world import Login, World


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys this provider gave out, and its customer."""

    customer_id: str = "43387ca6-0391-4c82-857d-70d95f087ecb"
    secret_key: str = "simulator-secret-key"  # noqa: S105
    x_api_key: str = "simulator-x-api-key"
    bearer: str = "simulator-bearer"
    webhook_key: str = "simulator-webhook-key"


@dataclass(frozen=True, slots=True)
class Rules:
    """Times in seconds, and what the provider insists on."""

    require_token: bool = False
    session_seconds: float = 480.0
    token_seconds: float = 1800.0
    card_busy_seconds: float = 10.0
    body_kb: int = 50
    planted: Planted = Planted()


class Books:
    """The state behind all endpoints. `clock` returns epoch seconds."""

    def __init__(
        self,
        world: World,
        *,
        keys: Keys,
        rules: Rules,
        clock: Callable[[], float],
        posting: Posting | None = None,
    ) -> None:
        self.world = world
        self.keys = keys
        self.rules = rules
        self.clock = clock
        self.sessions = Sessions(idle_seconds=rules.session_seconds)
        self.tokens = AuthorizeTokens(live_seconds=rules.token_seconds)
        self.answers = Answers(body_kb=rules.body_kb, planted=rules.planted)
        self.webhooks = Webhooks(
            posting or Posting(), key=keys.webhook_key, body_of=self.webhook_body, clock=clock
        )

    def now(self) -> datetime:
        """Return the clock's time as a datetime."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def still_pending(self, login: Login, *, counting: bool = False) -> bool:
        """Whether the live request behind the login is still at work; `counting` this as a poll."""
        with self.world.lock:
            if login.polls_left > 0:
                login.polls_left -= counting
                return True
            if login.busy_until is None:
                if not login.fate.pending or not login.pending_seconds:
                    return False
                login.busy_until = self.clock() + login.pending_seconds
            return self.clock() < login.busy_until

    def cure(self, session: OpenSession) -> None:
        """Take the right answer to a session's challenge: its login is refreshed with it."""
        session.good_for, session.prompts = Session.OPEN, ()
        with self.world.lock:
            session.login.meet(SUCCESS)
            session.login.refreshed_at = self.now()
        self.tell_refreshed(session.login, request_id=session.request_id)

    def tell_refreshed(self, login: Login, *, request_id: str | None) -> None:
        """Let the webhooks know of a live refresh that ended well."""
        self.webhooks.announce(login, request_id=request_id)

    def webhook_body(self, parcel: Parcel) -> bytes:
        """Return what a webhook carries: the 200 of GetAccountsDetail, and its type.

        A parcel without RequestId gets a new one, good for data calls.
        """
        login, request_id = parcel.login, parcel.request_id
        if request_id is None:
            session = self.sessions.mint(login, good_for=Session.OPEN, at=self.clock())
            request_id = session.request_id
        if parcel.refreshed_at is not None:
            login = replace(login, refreshed_at=parcel.refreshed_at)
        return self.answers.webhook(
            login, kind=parcel.kind, request_id=request_id, as_of=data_date(login, now=self.now())
        )

    def no_session(self, request_id: str | None) -> Reply:
        text = f"RequestId {request_id} is invalid or session has ended"
        return self.answers.error(
            400, "SESSION_NONEXISTENT", text if request_id else NO_SESSION_MESSAGE
        )
