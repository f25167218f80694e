"""Names the cause of a missing answer in a few words that hold no URL, header or body."""

import http.client
import socket
import ssl
from collections.abc import Iterator

import requests
from urllib3 import exceptions as u

OUT_OF_TIME = "out of time"


def cause_of(error: BaseException) -> str:
    """Return why there is no answer, e.g. "connection refused" or "TLS: certificate has expired".

    Looks through everything requests and urllib3 wrapped around the cause.
    """
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            # "Hostname mismatch, certificate is not valid for 'x'": the part before the name.
            return f"TLS: {link.verify_message.split(',')[0]}"
    for kinds, words in _CAUSES:
        if any(isinstance(link, kinds) for link in chain):
            return words
    return "no answer"


# The first that fits names the cause, so the narrower kinds stand first.
_CAUSES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ssl.SSLError, u.SSLError, requests.exceptions.SSLError), "TLS failed"),
    ((u.NameResolutionError, socket.gaierror), "name not found (DNS)"),
    ((requests.ConnectTimeout,), "no connection in time"),
    ((http.client.IncompleteRead, u.IncompleteRead, u.InvalidChunkLength), "answer cut off"),
    ((ConnectionRefusedError,), "connection refused"),
    ((http.client.RemoteDisconnected,), "connection closed without an answer"),
    ((ConnectionResetError, BrokenPipeError), "connection reset"),
    ((u.ReadTimeoutError, TimeoutError, requests.Timeout), OUT_OF_TIME),
    ((u.NewConnectionError,), "no connection"),
    ((u.ProtocolError, http.client.HTTPException), "not an HTTP answer"),
)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all it wraps: as cause, as context, as argument, as urllib3's reason."""
    waiting, seen = [error], set()
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        wrapped = (link.__cause__, link.__context__, getattr(link, "reason", None), *link.args)
        waiting.extend(inner for inner in wrapped if isinstance(inner, BaseException))
