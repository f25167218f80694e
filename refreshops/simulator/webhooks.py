"""Webhooks out: signed deliveries, tried again until they are answered with 200."""

import base64
import hashlib
import heapq
import hmac
import http.client
import ipaddress
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from refreshops.simulator.world import Login

KINDS = ("GetAccountsDetail", "KYC")
SIGNATURES = ("good", "bad", "none")
SIGNATURE_HEADER = "flinks-authenticity-key"
POSTMEN = 4
KEPT_ATTEMPTS = 1000


class BadTarget(ValueError):
    """A URL that deliveries must not go to."""


@dataclass(frozen=True, slots=True)
class Posting:
    """Where deliveries go without being asked for (None: nowhere); 10 tries, 30 minutes apart."""

    url: str | None = None
    tries: int = 10
    retry_seconds: float = 1800.0
    delay_seconds: float = 0.0
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery. `refreshed_at` tells another LastRefresh than the login has (None: its own)."""

    login: Login
    url: str
    kind: str = "GetAccountsDetail"
    request_id: str | None = None
    signature: str = "good"
    key: str | None = None
    refreshed_at: datetime | None = None


BodyOf = Callable[[Parcel], bytes]


@dataclass(order=True, slots=True)
class _Due:
    at: float
    number: int
    parcel: Parcel = field(compare=False)
    tried: int = field(default=0, compare=False)


def signed(body: bytes, *, key: str) -> str:
    """Return base64(HMAC-SHA256(key, raw body)) (API notes, section 2)."""
    digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def checked_target(url: object) -> str:
    """Return a URL of this machine; raises BadTarget for any other."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        raise BadTarget("a webhook URL is text")
    parts = urlsplit(url)
    host, _ = parts.hostname or "", parts.port
    loopback = host == "localhost"
    with suppress(ValueError):
        loopback = loopback or ipaddress.ip_address(host).is_loopback
    if parts.scheme != "http" or not loopback:
        raise BadTarget("webhooks are delivered over http to this machine only")
    return url


class Webhooks:
    """Deliver without blocking anybody who is being answered. `clock` returns epoch seconds."""

    def __init__(
        self, posting: Posting, *, key: str, body_of: BodyOf, clock: Callable[[], float]
    ) -> None:
        if posting.url is not None:
            checked_target(posting.url)
        self.posting = posting
        self.key = key
        self.attempts: deque[dict[str, Any]] = deque(maxlen=KEPT_ATTEMPTS)
        self._body_of = body_of
        self._clock = clock
        self._due: list[_Due] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._under_way = 0
        self._postmen = 0

    def announce(self, login: Login, *, request_id: str | None = None) -> None:
        """Deliver the login's data soon, and again until it is accepted; needs a configured URL."""
        if self.posting.url is None:
            return
        parcel = Parcel(login, self.posting.url, request_id=request_id)
        delay = max(self.posting.delay_seconds, login.pending_seconds if login.busy_until else 0.0)
        self._queue(_Due(time.monotonic() + delay, next(self._numbers), parcel))

    def post(self, parcel: Parcel, *, tried: int = 0) -> int | None:
        """Make one delivery now; return the HTTP status it got, None when there was no answer."""
        status = self._exchange(parcel)
        self.attempts.append(
            {
                "login_id": parcel.login.login_id,
                "kind": parcel.kind,
                "try": tried + 1,
                "at": self._clock(),
                "status": status,
            }
        )
        return status

    def picture(self) -> dict[str, Any]:
        """Return the attempts so far, oldest first, and how many deliveries still wait."""
        with self._changed:
            waiting = len(self._due) + self._under_way
        return {"waiting": waiting, "attempts": list(self.attempts)}

    def _exchange(self, parcel: Parcel) -> int | None:
        body = self._body_of(parcel)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if parcel.signature != "none":
            key = self.key if parcel.key is None else parcel.key
            wrong = "not " if parcel.signature == "bad" else ""
            headers[SIGNATURE_HEADER] = signed(body, key=wrong + key)
        parts = urlsplit(parcel.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port or 80, timeout=self.posting.timeout_seconds
        )
        try:
            connection.request("POST", target, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _queue(self, due: _Due) -> None:
        with self._changed:
            heapq.heappush(self._due, due)
            if self._postmen < POSTMEN:
                self._postmen += 1
                threading.Thread(target=self._walk, daemon=True).start()
            self._changed.notify()

    def _walk(self) -> None:
        while True:
            due = self._next()
            status = None
            try:
                status = self.post(due.parcel, tried=due.tried)
            finally:
                due.tried += 1
                self._settle(due, delivered=status == 200)

    def _next(self) -> _Due:
        with self._changed:
            while not self._due or self._due[0].at > time.monotonic():
                wait = self._due[0].at - time.monotonic() if self._due else None
                self._changed.wait(None if wait is None else max(0.0, wait))
            self._under_way += 1
            return heapq.heappop(self._due)

    def _settle(self, due: _Due, *, delivered: bool) -> None:
        with self._changed:
            self._under_way -= 1
            if not delivered and due.tried < self.posting.tries:
                due.at = time.monotonic() + self.posting.retry_seconds
                heapq.heappush(self._due, due)
                self._changed.notify()
