"""Ways to send a reply: whole, or broken in one of the ways a network and a gateway know."""

import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from http.client import responses
from typing import Any

from refreshops.simulator.messages import Reply

MEGABYTE = 1024 * 1024


class ClientGone(Exception):
    """The client closed its side before it was answered."""


class Line:
    """One accepted connection, as far as sending goes."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def send(self, data: bytes) -> None:
        """Send all of `data`; raises ClientGone."""
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise ClientGone from error

    def wait(self, seconds: float) -> None:
        """Let time pass; raises ClientGone as soon as the client closes."""
        if seconds <= 0:
            return
        self.connection.settimeout(seconds)
        try:
            if self.connection.recv(1, socket.MSG_PEEK) == b"":
                raise ClientGone
            # A pipelined request is waiting: nobody is leaving.
            time.sleep(seconds)
        except TimeoutError:
            return
        except OSError as error:
            raise ClientGone from error
        finally:
            self.connection.settimeout(None)

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raise ClientGone


def head_of(reply: Reply, *, length: int | None, keep_alive: bool) -> bytes:
    """Return status line and headers; no `length` means chunks."""
    lines = [
        f"HTTP/1.1 {reply.status} {responses.get(reply.status, 'Unknown')}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked",
    ]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if not keep_alive:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def deliver(reply: Reply, line: Line, *, keep_alive: bool, leaving: Callable[[], None]) -> bool:
    """Send the reply its way; return whether the connection can be used again.

    `leaving` is called right before the last byte of a good answer leaves. Raises ClientGone.
    """
    if reply.delivery == "whole":
        leaving()
        line.send(head_of(reply, length=len(reply.body), keep_alive=keep_alive) + reply.body)
        return keep_alive
    _BROKEN_WAYS[reply.delivery](reply, line)
    leaving()
    return False


def _cut(reply: Reply, line: Line) -> None:
    half = max(1, len(reply.body) // 2)
    line.send(head_of(reply, length=len(reply.body), keep_alive=False) + reply.body[:half])


def _slow(reply: Reply, line: Line) -> None:
    line.send(head_of(reply, length=len(reply.body), keep_alive=False))
    for position in range(len(reply.body)):
        line.send(reply.body[position : position + 1])
        line.wait(float(reply.details.get("interval_seconds", 1.0)))


def _stall(reply: Reply, line: Line) -> None:
    line.wait(float(reply.details.get("seconds", 300.0)))
    raise ClientGone


def _reset(reply: Reply, line: Line) -> None:
    line.reset()


def _garbage(reply: Reply, line: Line) -> None:
    line.send(b"SSH-2.0-OpenSSH_9.6\r\n")


def _huge(reply: Reply, line: Line) -> None:
    size = int(reply.details.get("megabytes", 100)) * MEGABYTE
    line.send(head_of(reply, length=size, keep_alive=False))
    for chunk in _filling(size):
        line.send(chunk)


def _gzip_bomb(reply: Reply, line: Line) -> None:
    packed = _bomb(int(reply.details.get("megabytes", 300)))
    reply.headers["Content-Encoding"] = "gzip"
    line.send(head_of(reply, length=len(packed), keep_alive=False) + packed)


def _endless(reply: Reply, line: Line) -> None:
    line.send(head_of(reply, length=None, keep_alive=False))
    interval = float(reply.details.get("interval_seconds", 0.0))
    while True:
        line.send(b"400\r\n" + b"a" * 1024 + b"\r\n")
        line.wait(interval)


def _endless_headers(reply: Reply, line: Line) -> None:
    line.send(b"HTTP/1.1 200 OK\r\n")
    interval = float(reply.details.get("interval_seconds", 0.1))
    while True:
        line.send(b"X-Filler: aaaaaaaaaaaaaaaa\r\n")
        line.wait(interval)


def _filling(size: int) -> Iterator[bytes]:
    opening = b'{"HttpStatusCode":200,"Filling":"'
    yield opening
    left = size - len(opening) - 2
    block = b"a" * MEGABYTE
    while left > 0:
        yield block[:left]
        left -= MEGABYTE
    yield b'"}'


@lru_cache(maxsize=4)
def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(chunk) for chunk in _filling(megabytes * MEGABYTE))
    return packed + packer.flush()


_BROKEN_WAYS: dict[str, Callable[[Any, Line], None]] = {
    "cut": _cut,
    "slow": _slow,
    "stall": _stall,
    "reset": _reset,
    "garbage": _garbage,
    "huge": _huge,
    "gzip_bomb": _gzip_bomb,
    "endless": _endless,
    "endless_headers": _endless_headers,
}
