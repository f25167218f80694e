"""RequestIds and authorize tokens: who holds which, and when they die."""

import threading
from dataclasses import dataclass

from refreshops.simulator.fates import Session
from refreshops.simulator.identifiers import new_guid
from refreshops.simulator.world import Login

# API notes, section 4: 8 idle minutes, 30 while the data is being processed.
PROCESSING_RATIO = 30 / 8


@dataclass(slots=True)
class OpenSession:
    """One RequestId. `used_at` and `processing_since` are epoch seconds."""

    request_id: str
    login: Login
    good_for: Session
    used_at: float
    processing_since: float | None = None
    prompts: tuple[str, ...] = ()


class Expired(Exception):
    """The RequestId was good once; `processing` tells which of the two clocks ran out."""

    def __init__(self, session: OpenSession, *, processing: bool) -> None:
        super().__init__(session.request_id)
        self.session = session
        self.processing = processing


class Sessions:
    """All RequestIds that were minted and are not forgotten yet."""

    def __init__(self, *, idle_seconds: float) -> None:
        self.idle_seconds = idle_seconds
        self._by_id: dict[str, OpenSession] = {}
        self._lock = threading.Lock()
        self._minted = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def mint(
        self, login: Login, *, good_for: Session, at: float, prompts: tuple[str, ...] = ()
    ) -> OpenSession:
        """Return a new session, alive from `at` (epoch seconds)."""
        session = OpenSession(new_guid(), login, good_for, at, prompts=prompts)
        with self._lock:
            self._by_id[session.request_id] = session
            self._minted += 1
            if self._minted % 2000 == 0:
                self._forget(before=at - 2 * PROCESSING_RATIO * self.idle_seconds)
        return session

    def holder(self, request_id: str | None) -> Login | None:
        """Return whose RequestId this is or was, if anybody remembers."""
        session = self._by_id.get(request_id) if request_id else None
        return session.login if session else None

    def use(self, request_id: str | None, *, at: float) -> OpenSession | None:
        """Return the live session and restart its idle clock, or None when it is unknown.

        Raises Expired when it was idle, or in processing, for too long.
        """
        session = self._by_id.get(request_id) if request_id else None
        if session is None:
            return None
        if session.processing_since is not None:
            if at - session.processing_since > self.idle_seconds * PROCESSING_RATIO:
                raise Expired(session, processing=True)
        elif at - session.used_at > self.idle_seconds:
            raise Expired(session, processing=False)
        session.used_at = at
        return session

    def _forget(self, *, before: float) -> None:
        old = [key for key, session in self._by_id.items() if session.used_at < before]
        for key in old:
            del self._by_id[key]


class AuthorizeTokens:
    """Single-use tokens for Authorize; unused they die after `live_seconds`."""

    def __init__(self, *, live_seconds: float) -> None:
        self.live_seconds = live_seconds
        self._minted_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def mint(self, *, at: float) -> str:
        """Return a new token."""
        token = new_guid()
        with self._lock:
            self._minted_at[token] = at
        return token

    def spend(self, token: str, *, at: float) -> bool:
        """Whether the token was alive; it no longer is."""
        with self._lock:
            minted_at = self._minted_at.pop(token, None)
        return minted_at is not None and at - minted_at <= self.live_seconds
