"""What the provider keeps: its world, keys, rules, RequestIds and tokens; endpoints share it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from refreshops.simulator.answers import Answers, Planted
from refreshops.simulator.fates import NO_SESSION_MESSAGE
from refreshops.simulator.messages import Reply
from refreshops.simulator.sessions import AuthorizeTokens, Sessions
from refreshops.simulator.world import Login, World


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys this provider gave out, and its customer."""

    customer_id: str = "43387ca6-0391-4c82-857d-70d95f087ecb"
    secret_key: str = "simulator-secret-key"  # noqa: S105
    x_api_key: str = "simulator-x-api-key"
    bearer: str = "simulator-bearer"


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
        self, world: World, *, keys: Keys, rules: Rules, clock: Callable[[], float]
    ) -> None:
        self.world = world
        self.keys = keys
        self.rules = rules
        self.clock = clock
        self.sessions = Sessions(idle_seconds=rules.session_seconds)
        self.tokens = AuthorizeTokens(live_seconds=rules.token_seconds)
        self.answers = Answers(body_kb=rules.body_kb, planted=rules.planted)

    def now(self) -> datetime:
        """Return the clock's time as a datetime."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def still_pending(self, login: Login, *, counting: bool = False) -> bool:
        """Whether the live request behind the login is still at work; `counting` this as a poll."""
        with self.world.lock:
            if login.polls_left > 0:
                login.polls_left -= counting
                return True
            if not login.fate.pending or not login.pending_seconds:
                return False
            if login.busy_until is None:
                login.busy_until = self.clock() + login.pending_seconds
            return self.clock() < login.busy_until

    def no_session(self, request_id: str | None) -> Reply:
        text = f"RequestId {request_id} is invalid or session has ended"
        return self.answers.error(
            400, "SESSION_NONEXISTENT", text if request_id else NO_SESSION_MESSAGE
        )
