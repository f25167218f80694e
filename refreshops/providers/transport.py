"""The one door to the network: one exchange in, one JSON answer out, or a typed absence of it.

    NoAnswer            nothing usable arrived; the provider may or may not have acted
    UnreadableAnswer    something arrived that is not the documented JSON

Neither carries a URL, a header or a body, not even in a chained exception. Knows no provider.
"""

import http.client
import io
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from refreshops.providers import unpacking
from refreshops.providers.contract import Answer, NoAnswer, UnreadableAnswer
from refreshops.providers.marks import PLAIN, Marker
from refreshops.providers.silence import cause_of

# urllib3 writes whole URLs into its messages, and ours hold the customer id.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)
KEPT_HEADERS = ("content-type", "date", "retry-after")
_exchange = threading.local()


class _TimedReader(io.RawIOBase):
    """Reads a socket under one deadline for the whole answer, however slowly bytes arrive."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = _exchange.ends - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedSocket:
    """Stands in for the socket where http.client only asks it for a file."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._socket), buffer_size=65536)


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_TimedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _HTTPConnection(urllib3.connection.HTTPConnection):
    response_class = _TimedResponse


class _HTTPSConnection(urllib3.connection.HTTPSConnection):
    response_class = _TimedResponse


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _TimedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class _Session(requests.Session):
    """Never looks where a redirect leads.

    Even with `allow_redirects=False` requests prepares the next request, and for that reads the
    whole body, unpacks it without a limit and decodes the Location.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class Transport:
    """One requests.Session per thread to one provider: no redirects, no retries, no environment.

    `ca` is the path of a CA bundle to trust instead of the built-in one. Raises ValueError when
    `base_url` is not https (loopback hosts excepted) or carries credentials, a query or a fragment,
    and when the file `ca` does not exist.
    """

    def __init__(
        self, *, base_url: str, connect_timeout_s: float = 10.0, ca: str | None = None
    ) -> None:
        self._base_url = checked_base_url(base_url)
        if ca is not None and not Path(ca).exists():
            raise ValueError("The CA file to trust does not exist.")
        self._connect_timeout_s = connect_timeout_s
        self._ca = ca
        self._own = threading.local()

    def exchange(
        self,
        *,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        deadline_s: float,
        secrets: Iterable[str] = (),
        marker: Marker = PLAIN,
    ) -> Answer:
        """Make one exchange under one deadline and return its answer, whatever its status.

        `secrets` are hidden in the excerpt of an unreadable answer, and what looks like one leaves
        a mark of `marker`. Raises NoAnswer and
        UnreadableAnswer. Memory stays flat against endless and packed bodies (fault C8).
        """
        started = time.monotonic()
        _exchange.ends = started + deadline_s
        absence: NoAnswer | UnreadableAnswer
        try:
            response = self._sent(method, path, headers, body, deadline_s)
            with response:
                return self._read(response, started=started, secrets=secrets, marker=marker)
        except unpacking.NotReadable as refused:
            absence = UnreadableAnswer(
                refused.detail,
                http_status=response.status_code,
                excerpt=refused.excerpt,
                elapsed_ms=_since(started),
            )
        except _FAILURES as error:
            absence = NoAnswer(cause_of(error), elapsed_ms=_since(started))
        # Raised here and not above: what requests raises names the URL, and would be chained.
        raise absence

    def _sent(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        deadline_s: float,
    ) -> requests.Response:
        return self._session().request(
            method,
            self._base_url + path,
            json=body,
            headers=headers,
            timeout=(min(self._connect_timeout_s, deadline_s), deadline_s),
            allow_redirects=False,
            stream=True,
        )

    def _read(
        self,
        response: requests.Response,
        *,
        started: float,
        secrets: Iterable[str],
        marker: Marker,
    ) -> Answer:
        body = unpacking.read_json(response, secrets=secrets, marker=marker)
        return Answer(
            http_status=response.status_code,
            body=body,
            headers={
                name: response.headers[name] for name in KEPT_HEADERS if name in response.headers
            },
            elapsed_ms=_since(started),
        )

    def _session(self) -> requests.Session:
        session = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = _Session()
            session.trust_env = False
            session.verify = self._ca or True
            session.headers["Accept-Encoding"] = "gzip"
            session.headers["Accept"] = "application/json"
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.mount("https://", _TimedAdapter(pool_connections=1, pool_maxsize=1))
            session.mount("http://", _TimedAdapter(pool_connections=1, pool_maxsize=1))
        return session


def checked_base_url(url: str) -> str:
    """Return `url` ending in a slash, or raise ValueError with one sentence saying why not."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("The provider's address is not a URL.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("The provider's address must begin with https:// and name a host.")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(
            "The provider's address must be https: only loopback hosts may do without."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("The provider's address must hold no user, password, query or fragment.")
    return url if url.endswith("/") else url + "/"


def check_return(url: str) -> None:
    """Raise ValueError unless the customer may be sent back there: Flinks adds who they are."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("The address to come back to is no URL.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError("The address to come back to must be https: only loopback may do without.")
    if "@" in parts.netloc or "\\" in url or parts.fragment:
        raise ValueError("The address to come back to must hold no user and no fragment.")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
