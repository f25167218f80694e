"""Connect sessions: a page of its own for one step of one customer, good once."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from refreshops.simulator.identifiers import new_guid

CONNECT_PREFIX = "/flanks/connect/"
FORGET_ABOVE = 5000


class SessionStatus(StrEnum):
    """The documented states (flanks-api.md section 3)."""

    WAITING_CREDENTIALS = "Waiting:ProvideCredentials"
    WAITING_CHALLENGE = "Waiting:Challenge"
    OK = "Finished:OK"
    ERROR = "Finished:Error"


@dataclass(slots=True)
class ConnectSession:
    """One session: whose it is, where its owner returns to, and how it stands."""

    session_id: str
    connection_id: str
    redirect_url: str
    status: SessionStatus
    created_at: float  # epoch seconds
    error_code: str | None = None
    fate: str | None = None  # what a testbank word makes of the credential in the end

    @property
    def waiting(self) -> bool:
        """Whether its owner has not been here, or is at it."""
        return self.status in (SessionStatus.WAITING_CREDENTIALS, SessionStatus.WAITING_CHALLENGE)

    def finish(self, error_code: str | None = None) -> None:
        """End it; there is no second time."""
        self.status = SessionStatus.OK if error_code is None else SessionStatus.ERROR
        self.error_code = error_code

    def to_json(self, *, origin: str) -> dict[str, Any]:
        """Return it as the API tells it; `origin` is scheme, host and port of the pages."""
        return {
            "session_id": self.session_id,
            "status": self.status.value,
            "connection_id": self.connection_id,
            "error_code": self.error_code,
            "url": f"{origin}{CONNECT_PREFIX}{self.session_id}",
        }


class ConnectSessions:
    """All sessions that were made and are not forgotten yet."""

    def __init__(self) -> None:
        self.by_id: dict[str, ConnectSession] = {}
        self._lock = threading.Lock()

    def open(
        self, *, connection_id: str, redirect_url: str, status: SessionStatus, at: float
    ) -> ConnectSession:
        """Return a new session."""
        session = ConnectSession(new_guid(), connection_id, redirect_url, status, at)
        with self._lock:
            self.by_id[session.session_id] = session
            if len(self.by_id) > FORGET_ABOVE:
                del self.by_id[next(iter(self.by_id))]
        return session

    def matching(self, query: Mapping[str, list[str]]) -> list[ConnectSession]:
        """Return those whose fields are among the values asked for, oldest first."""
        fields = ("session_id", "status", "connection_id", "error_code")
        with self._lock:
            sessions = list(self.by_id.values())
        return [
            session
            for session in sessions
            if all(
                getattr(session, field) in query[f"{field}_in"]
                for field in fields
                if f"{field}_in" in query
            )
        ]

    def new_trace(self) -> str:
        """Return a trace_id."""
        return new_guid()
