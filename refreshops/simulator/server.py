"""HTTP/1.1 on a socket: one thread per connection, kept alive, quick at small requests."""

import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from refreshops.simulator.connect import PREFIX, Connect
from refreshops.simulator.control import Control
from refreshops.simulator.delivery import ClientGone, Line, deliver
from refreshops.simulator.flanks.gateway import PREFIXES, FlanksGateway
from refreshops.simulator.flanks.pages import FlanksPages
from refreshops.simulator.flanks.sessions import CONNECT_PREFIX
from refreshops.simulator.gateway import Asked, Gateway
from refreshops.simulator.journal import Journal
from refreshops.simulator.messages import Reply, Request, json_reply

LONGEST_LINE = 65_536
LARGEST_BODY = 8 * 1024 * 1024
CONTROL_PREFIX = "/_simulator/"


class Unreadable(Exception):
    """What came in is not a request."""


class CutOff(Exception):
    """The client left in the middle of its body; `request` is what came of it."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.target)
        self.request = request


class Reader(Protocol):
    """The part of a binary file a request is read from."""

    def readline(self, limit: int, /) -> bytes: ...

    def read(self, size: int, /) -> bytes: ...


def read_request(
    reader: Reader, *, clock: Callable[[], float], send: Callable[[bytes], None]
) -> Request | None:
    """Return the next request of a connection, None at its end; raises Unreadable or CutOff."""
    line = reader.readline(LONGEST_LINE)
    if not line:
        return None
    arrived = clock()
    words = line.split()
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        raise Unreadable(line[:80])
    headers: dict[str, str] = {}
    while (line := reader.readline(LONGEST_LINE)) not in (b"\r\n", b"\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            raise Unreadable(line[:80])
        headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    length = int(headers.get("content-length") or 0)
    if length > LARGEST_BODY or "transfer-encoding" in headers:
        raise Unreadable(b"a body of known and modest length is wanted")
    if headers.get("expect", "").lower() == "100-continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
    method, target = words[0].decode("latin-1"), words[1].decode("latin-1")
    request = Request(method, target, headers, b"", arrived)
    request.body = reader.read(length) if length else b""
    if len(request.body) < length:
        raise CutOff(request)
    return request


class Connection(socketserver.StreamRequestHandler):
    """One connection of a client."""

    server: "SimulatorServer"
    disable_nagle_algorithm = True
    rbufsize = 65_536

    def handle(self) -> None:
        line = Line(self.connection)
        self.server.connections.add(self.connection)
        try:
            while self._one_exchange(line):
                pass
        except (Unreadable, ValueError):
            refusal = json_reply(400, {"HttpStatusCode": 400, "FlinksCode": "INVALID_REQUEST"})
            with suppress(ClientGone):
                deliver(refusal, line, keep_alive=False, leaving=_nothing)
        except (ClientGone, OSError):
            return

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with suppress(OSError, ValueError):
            super().finish()

    def _one_exchange(self, line: Line) -> bool:
        try:
            request = read_request(self.rfile, clock=self.server.clock, send=line.send)
        except CutOff as cut_off:
            self.server.journal.expect()
            self.server.journal.write(_entry(cut_off.request, self._about(cut_off.request)))
            return False
        if request is None:
            return False
        keep_alive = request.headers.get("connection", "").lower() != "close"
        if request.target.startswith(CONTROL_PREFIX):
            reply = self.server.control.answer(request, peer=str(self.client_address[0]))
            return deliver(reply, line, keep_alive=keep_alive, leaving=_nothing)
        pages = self.server.pages_at(request)
        if pages is not None:
            # Pages for people: neither logged nor throttled, the log is that of the API.
            page = pages.answer(request)
            return deliver(page, line, keep_alive=keep_alive, leaving=_nothing)
        return self._traced(request, line, keep_alive=keep_alive)

    def _traced(self, request: Request, line: Line, *, keep_alive: bool) -> bool:
        """Answer, and write the line of the log whatever becomes of the answer."""
        server = self.server
        server.journal.expect()
        asked = self._about(request)
        entry = _entry(request, asked)

        def leaving() -> None:
            entry["answered"] = server.clock()

        try:
            reply = server.gateway_of(request).answer(request, asked, wait=line.wait)
            alive = deliver(reply, line, keep_alive=keep_alive, leaving=leaving)
            _complete(entry, reply)
            return alive
        finally:
            server.journal.write(entry)

    def _about(self, request: Request) -> Asked:
        return self.server.gateway_of(request).about(request)


def _nothing() -> None:
    return None


def _entry(request: Request, asked: Asked) -> dict[str, Any]:
    return {
        "arrived": request.arrived,
        "answered": None,
        "method": request.method,
        "path": request.path,
        "provider": asked.provider,
        "endpoint": asked.endpoint if asked.route else None,
        "login_id": asked.login_id,
        "request_id": asked.request_id,
        "status": None,
        "code": None,
    }


def _complete(entry: dict[str, Any], reply: Reply) -> None:
    entry["status"], entry["code"] = reply.status or None, reply.code
    entry["request_id"] = entry["request_id"] or reply.request_id


class SimulatorServer(socketserver.ThreadingTCPServer):
    """The listening socket and what its connections share. `clock` returns epoch seconds."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(
        self,
        address: tuple[str, int],
        *,
        gateway: Gateway,
        flanks: FlanksGateway,
        control: Control,
        connect: Connect,
        flanks_pages: FlanksPages,
        journal: Journal,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.gateway = gateway
        self.flanks = flanks
        self.control = control
        self._pages: dict[str, Connect | FlanksPages] = {
            PREFIX: connect,
            CONNECT_PREFIX: flanks_pages,
        }
        self.journal = journal
        self.clock = clock
        self.connections: set[socket.socket] = set()
        # A waiting thread should read its request line at once, not after a busy one's turn.
        sys.setswitchinterval(0.0005)
        super().__init__(address, Connection)

    @property
    def port(self) -> int:
        """The port really bound."""
        return int(self.server_address[1])

    def gateway_of(self, request: Request) -> Gateway | FlanksGateway:
        """Return the provider whose API a request is for."""
        return self.flanks if request.target.startswith(PREFIXES) else self.gateway

    def pages_at(self, request: Request) -> Connect | FlanksPages | None:
        """Return the pages for people that a request asks for, if any."""
        for prefix, pages in self._pages.items():
            if request.target.startswith(prefix):
                return pages
        return None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what broke; the thread of one connection ends, the others go on."""
        if isinstance(sys.exc_info()[1], OSError):
            return
        super().handle_error(request, client_address)

    def run_in_background(self) -> threading.Thread:
        """Serve from a thread of its own, until `stop`."""
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        return thread

    def stop(self, *, within_seconds: float = 0.5) -> None:
        """Accept no more, give answers under way a moment, then hang up; the log gets them all."""
        self.shutdown()
        self.socket.close()
        self._await_log(within_seconds)
        for connection in tuple(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._await_log(within_seconds)
        self.journal.close()

    def _await_log(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while self.journal.arrived > self.journal.written and time.monotonic() < ends_at:
            time.sleep(0.01)
