"""Reads a body in small pieces under a size cap and parses it as strict JSON."""

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import requests

from refreshops.providers.marks import PLAIN, Marker
from refreshops.providers.redaction import scrub

# A year of transactions is 50 KB to 1 MB; more than this is not an answer.
MOST_BYTES = 8 * 1024 * 1024
PIECE_BYTES = 64 * 1024
EXCERPT_CHARACTERS = 2000
# Documented answers nest six deep; whoever walks or stores a value relies on this limit.
DEEPEST = 64

_HIDDEN_MARKUP = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SPACES = re.compile(r"\s+")
_ALL_BUT_STRUCTURE = bytes(set(range(256)) - set(b"[{:,"))
_CONTAINERS = (dict, list)


class NotReadable(Exception):
    """A body that is not the JSON we asked for; `excerpt` is cleaned text, maybe empty."""

    def __init__(self, detail: str, *, excerpt: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.excerpt = excerpt


def read_json(
    response: requests.Response, *, secrets: Iterable[str] = (), marker: Marker = PLAIN
) -> Any:
    """Return the parsed body; `None` where the status promises none (204).

    Raises NotReadable for a redirect, an encoding not asked for, more than `MOST_BYTES` unpacked,
    and anything but strict JSON: NaN, a number no float can hold, a key twice in one object and
    more than `DEEPEST` levels are refused too (fault C6). A byte order mark and Latin-1 are
    tolerated.
    """
    if 300 <= response.status_code < 400:
        raise NotReadable("redirected to another address; not followed")
    raw = b"".join(_capped(_unpacked(response)))
    if response.status_code == 204 and not raw:
        return None
    return parse(raw, secrets=secrets, marker=marker)


def parse(raw: bytes, *, secrets: Iterable[str] = (), marker: Marker = PLAIN) -> Any:
    """Return the value of strict JSON; raises NotReadable as `read_json` does."""
    text = _decoded(raw)
    try:
        value = _DECODER.decode(text)
        if not _may_be_deep(raw) or not is_deep(value):
            return value
        detail = TOO_DEEP
    except (ValueError, RecursionError) as error:
        detail = _complaint(text, error)
    raise NotReadable(detail, excerpt=_excerpt(text, secrets, marker))


def _unpacked(response: requests.Response) -> Iterator[bytes]:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    pieces = _pieces(response)
    if encoding in ("", "identity"):
        return pieces
    if encoding in ("gzip", "x-gzip"):
        return _gunzipped(pieces)
    raise NotReadable("packed in a way we did not ask for")


def _pieces(response: requests.Response) -> Iterator[bytes]:
    while piece := response.raw.read(PIECE_BYTES, decode_content=False):
        yield piece


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack piece by piece, so that a small body cannot become a large one in memory."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        for piece in pieces:
            waiting = piece
            while waiting:
                yield unpacker.decompress(waiting, PIECE_BYTES)
                waiting = unpacker.unconsumed_tail
        yield unpacker.flush(PIECE_BYTES)
    except zlib.error:
        raise NotReadable("damaged gzip body") from None
    if not unpacker.eof:
        raise NotReadable("gzip body cut off")


def _capped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    seen = 0
    for piece in pieces:
        seen += len(piece)
        if seen > MOST_BYTES:
            raise NotReadable(f"answer larger than {MOST_BYTES // 1024 // 1024} MB")
        yield piece


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    # "1e999" is good JSON, and becomes an infinity that no JSON column takes.
    if number - number != 0:
        raise ValueError("a number too large")
    return number


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


_DECODER = json.JSONDecoder(
    parse_float=_finite, parse_constant=_refuse_constant, object_pairs_hook=_unambiguous
)
TOO_DEEP = "JSON nested too deeply"


def _may_be_deep(raw: bytes) -> bool:
    """Tell from the bytes alone, which is quick, whether a walk is worth its time.

    On any way down, each object stands under a key or in a list that is on the way too, so the
    levels are at most one, twice the lists and the objects under a key.
    """
    structure = raw.translate(None, _ALL_BUT_STRUCTURE)
    return 1 + 2 * structure.count(b"[") + structure.count(b":{") > DEEPEST


def is_deep(value: Any) -> bool:
    """Tell whether a value has more than `DEEPEST` levels."""
    level = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(DEEPEST):
        inner = [held.values() if isinstance(held, dict) else held for held in level]
        level = [each for held in inner for each in held if isinstance(each, _CONTAINERS)]
        if not level:
            return False
    return True


def _complaint(text: str, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return TOO_DEEP
    start = text.lstrip()[:1]
    if not start:
        return "empty answer"
    return "HTML instead of JSON" if start == "<" else "not valid JSON"


def _excerpt(text: str, secrets: Iterable[str], marker: Marker) -> str:
    # Tags are looked for in a part only, so that a hostile megabyte costs nothing.
    part = _TAG.sub(" ", _HIDDEN_MARKUP.sub(" ", text[: EXCERPT_CHARACTERS * 8]))
    shown = _SPACES.sub(" ", part).strip()
    return scrub(shown, secrets=secrets, limit=EXCERPT_CHARACTERS, marker=marker)
