"""What the fake Flanks keeps: world, keys, rules, token, sessions; its endpoints share it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from refreshops.simulator.answers import Planted
from refreshops.simulator.flanks.fates import OK, FlanksFate, Spoken
from refreshops.simulator.flanks.products import Products
from refreshops.simulator.flanks.sessions import ConnectSessions
from refreshops.simulator.flanks.tokens import AccessTokens
from refreshops.simulator.flanks.world import Credential, FlanksWorld
from refreshops.simulator.messages import Reply, json_reply


@dataclass(slots=True)
class FlanksKeys:
    """The application's keys; `refused` turns away even who has them."""

    client_id: str = "simulator-client-id"
    client_secret: str = "simulator-client-secret"  # noqa: S105
    refused: bool = False


@dataclass(frozen=True, slots=True)
class FlanksRules:
    """Times in seconds, sizes, and `cure_polls`: how long a cured credential is pending."""

    token_seconds: float = 3600.0
    page_size: int = 50
    cure_polls: int = 0
    planted: Planted = Planted()


class FlanksBooks:
    """The state behind all endpoints. `clock` returns epoch seconds."""

    def __init__(
        self,
        world: FlanksWorld,
        *,
        keys: FlanksKeys,
        rules: FlanksRules,
        clock: Callable[[], float],
    ) -> None:
        self.world = world
        self.keys = keys
        self.rules = rules
        self.clock = clock
        self.tokens = AccessTokens(live_seconds=rules.token_seconds)
        self.sessions = ConnectSessions()
        self.products = Products(planted=rules.planted)

    def now(self) -> datetime:
        """Return the clock's time as a datetime."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def still_working(self, credential: Credential, *, counting: bool) -> bool:
        """Whether the extraction is under way; `counting` this as a poll."""
        with self.world.lock:
            if credential.polls_left > 0:
                credential.polls_left -= counting
                return True
            fate = credential.fate
            if fate.old:
                return True
            if not credential.pending_seconds or not fate.passing or fate.heals:
                return False
            return self._busy(credential)

    def still_processing(self, credential: Credential, product: str) -> bool:
        """Whether a product of a fate that heals is not there yet, counting this ask."""
        with self.world.lock:
            left = credential.asks_left.get(product, 0)
            if left > 0:
                credential.asks_left[product] = left - 1
                return True
            return bool(credential.pending_seconds) and self._busy(credential)

    def _busy(self, credential: Credential) -> bool:
        if credential.busy_until is None:
            credential.busy_until = self.clock() + credential.pending_seconds
        return self.clock() < credential.busy_until

    def cure(self, credential: Credential, fate: FlanksFate = OK) -> None:
        """Let its owner have done what was asked: extracted anew, by now or after a few polls."""
        with self.world.lock:
            credential.meet(fate, now=self.now())
            credential.updated_at = self.now()
            credential.work_again(self.rules.cure_polls or None)

    def says(self, spoken: Spoken) -> Reply:
        """Return a documented refusal, with the planted echo in its text."""
        return self.refuse(spoken.status, spoken.text, spoken.code, key=spoken.key)

    def refuse(
        self, status: int, text: str, code: int | None = None, *, key: str = "error"
    ) -> Reply:
        """Return `{"error": text, "error_code": code}`; no code, no such field."""
        value: dict[str, Any] = {key: self.rules.planted.message(text)}
        if code is not None:
            value["error_code"] = code
        return json_reply(status, value, code=None if code is None else str(code))

    def invalid_body(self, fields: Iterable[str]) -> Reply:
        """Return the Connect API's refusal of these fields."""
        details = [{"error_type": "invalid", "field": field} for field in fields]
        error = {"code": "ValidationError", "details": details}
        value = {"success": False, "error": error, "trace_id": self.sessions.new_trace()}
        return json_reply(400, value, code="ValidationError")
