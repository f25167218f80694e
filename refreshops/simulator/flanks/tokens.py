"""The access token: one at a time, for an hour, against client id and secret."""

import threading

from refreshops.simulator.identifiers import new_guid


class AccessTokens:
    """Mints the token; a new one ends the one before (old documents, flanks-api.md section 1).

    `live_seconds` is how long one really lives, `told_seconds` what `expires_in` says.
    """

    def __init__(self, *, live_seconds: float) -> None:
        self.live_seconds = live_seconds
        self.told_seconds = live_seconds
        self.minted = 0
        self.denied = 0
        self.refused = 0
        self._current: str | None = None
        self._ends_at = 0.0
        self._lock = threading.Lock()

    def mint(self, *, at: float) -> str:
        """Return a new token, alive from `at` (epoch seconds)."""
        with self._lock:
            self.minted += 1
            self._current = f"flanks-{new_guid()}"
            self._ends_at = at + self.live_seconds
            return self._current

    def deny(self) -> None:
        """Count an asker with wrong keys."""
        with self._lock:
            self.denied += 1

    def is_good(self, token: str, *, at: float) -> bool:
        """Whether this is the token of now; those that are none are counted."""
        with self._lock:
            good = token == self._current and at < self._ends_at
            self.refused += not good
            return good

    def revoke(self) -> None:
        """End the current token, as another process minting one would."""
        with self._lock:
            self._current = None

    def live_for(self, seconds: float, *, told: float | None = None, at: float) -> None:
        """Let the current token and later ones live for so long; `told`: what is said of it."""
        with self._lock:
            self.live_seconds = seconds
            self.told_seconds = self.told_seconds if told is None else told
            self._ends_at = min(self._ends_at, at + seconds)
