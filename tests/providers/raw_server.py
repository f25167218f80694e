"""A provider of a few lines on a raw socket, so that a test can say every byte and every pause."""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

Script = Callable[[socket.socket], None]


class RawServer:
    """Answers each request by `script`; `requests` holds what arrived, `url` ends in a slash."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()
        origin = "https://localhost" if tls else "http://127.0.0.1"
        self.url = f"{origin}:{self._listening.getsockname()[1]}/v3/"
        self.ca = ""

    def serve(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                while request := _read_request(connection):
                    self.requests.append(request)
                    self._script(connection)

    def stop(self) -> None:
        self.stopping.set()
        self._listening.close()


def _read_request(connection: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        piece = connection.recv(65536)
        if not piece:
            return b""
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def raw_server(script: Script | bytes, *, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Run a server that sends fixed bytes, or does what `script` does with the socket."""
    fixed = script if isinstance(script, bytes) else None
    server = RawServer((lambda sock: sock.sendall(fixed)) if fixed is not None else script, tls)
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.stop()


def http(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode("latin-1") + body


def drip_body(sock: socket.socket) -> None:
    """Send one byte at a time and never finish."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(60):
        sock.sendall(b" ")
        time.sleep(0.05)
