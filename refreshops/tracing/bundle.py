"""The support bundle: a zip of calls for a provider's support, and a manifest of what is missing.

    ticket.txt      text to paste: what went wrong, with ids, times, codes, and what was expected
    timeline.csv    every call and every end of an attempt, oldest first
    calls/*.json    each call, redacted
    manifest.json   each file with its SHA-256, what was removed and why, what was left out

Takes rows as they are and asks the database for nothing. Equal rows, time and salt give equal
bytes. Source: issue 4 D.
"""

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, Any

from refreshops.providers.marks import Marker
from refreshops.providers.redaction import printable
from refreshops.tracing import bundle_ticket
from refreshops.tracing.handing_out import CUSTOMER, FIELDS, LABELS, Case, Desk, Words, moment
from refreshops.tracing.models import Call

# Writes rows as the pieces of a CSV file that no spreadsheet runs.
Table = Callable[[Iterable[Sequence[object]]], Iterator[str]]

WHY_REMOVED = {
    "[hidden]": "a secret, a username, a name or a value that looks like one",
    "[number]": "a run of digits that could be a card's or an account's",
    "[e-mail]": "an e-mail address",
    CUSTOMER: "our customer id, part of every address",
}
SAME_LETTERS = (
    "Letters behind a mark, as in [hidden:abcdefgh], stand for the value: equal letters, equal "
    "value, within this bundle alone. They were made with a key and a salt that are not in it. "
    "A mark without letters was one of our own keys, or is older than the letters."
)
NEVER_STORED = (
    "Only the fields listed here are ever written down; every other field of a request or an "
    "answer, all bank data among them, is dropped before."
)
NOT_IN_HERE = "Customers (reference, name, manager), people of ours, and their notes and reasons."
_LAST = "manifest.json"
_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, as the timeline tells it."""

    at: datetime
    attempt_id: int
    run_id: int
    login_id: str
    institution: str
    purpose: str
    outcome: str
    provider_code: str
    message: str


def write(
    file: IO[bytes],
    *,
    case: Case,
    calls: Iterable[Call],
    endings: Sequence[Ending],
    words: Words,
    table: Table,
) -> dict[str, Any]:
    """Write the bundle of `calls`, oldest first, to `file`; return its manifest.

    Keeps no call in memory but its lines of the ticket and the timeline.
    """
    stale = {row.attempt_id for row in endings if row.outcome == "stale"}
    case = replace(case, subject=words.address(case.subject))
    desk = Desk(words=words, marker=Marker(case.salt), stale=stale)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        shelf = _Shelf(archive, made_at=case.made_at)
        told = [
            _stored(call, number, desk, shelf, case) for number, call in enumerate(calls, start=1)
        ]
        ends = [_ending_line(row, desk) for row in endings]
        shelf.add("timeline.csv", "".join(table(_timeline(told, ends, case))).encode())
        ticket = bundle_ticket.text(case=case, title=words.title, calls=told, ends=ends)
        shelf.add("ticket.txt", ticket.encode())
        manifest = _manifest(case, desk, shelf, calls=len(told))
        shelf.add(_LAST, _json(manifest))
    return manifest


class _Shelf:
    """The files of a zip, and what the manifest says of them."""

    def __init__(self, archive: zipfile.ZipFile, *, made_at: datetime) -> None:
        self.files: list[dict[str, Any]] = []
        self._archive = archive
        self._at = made_at.astimezone(UTC).timetuple()[:6]

    def add(self, name: str, content: bytes) -> None:
        entry = zipfile.ZipInfo(name, date_time=self._at)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        # The same bytes wherever they are written.
        entry.create_system = 3
        self._archive.writestr(entry, content)
        digest = sha256(content).hexdigest()
        self.files.append({"name": name, "bytes": len(content), "sha256": digest})


def _stored(call: Call, number: int, desk: Desk, shelf: _Shelf, case: Case) -> dict[str, Any]:
    """Add a call's document; return the lines of it that the other files tell."""
    document = {"call": call.pk, **desk.document(call)}
    what = _NAME.sub("-", call.endpoint).strip("-")[:40] or "call"
    name = f"calls/{number:04}-{what}.json"
    shelf.add(name, _json({case.named(key): value for key, value in document.items()}))
    large = ("answer", LABELS["body"])
    return {key: value for key, value in document.items() if key not in large} | {"file": name}


def _ending_line(row: Ending, desk: Desk) -> dict[str, Any]:
    return {
        LABELS["sent_at"]: moment(row.at),
        LABELS["login_id"]: printable(row.login_id),
        LABELS["institution"]: desk.cleaned(row.institution),
        LABELS["provider_code"]: desk.cleaned(row.provider_code),
        LABELS["message"]: desk.said(row.message),
        LABELS["run_id"]: row.run_id,
        LABELS["attempt_id"]: row.attempt_id,
        "purpose": row.purpose,
        "outcome": row.outcome,
    }


def _timeline(
    calls: list[dict[str, Any]], ends: list[dict[str, Any]], case: Case
) -> Iterator[Sequence[Any]]:
    names = [LABELS[name] for name in FIELDS if name not in ("attempt_id", "run_id")]
    columns = (
        *names,
        *("took_ms", "expected", LABELS["run_id"], LABELS["attempt_id"]),
        *("purpose", "outcome", "file"),
    )
    yield ("what", *map(case.named, columns))
    lines = [("call", row) for row in calls] + [("attempt ended", row) for row in ends]
    # A call of the same moment comes before the end it led to.
    for what, row in sorted(
        lines, key=lambda line: (line[1][LABELS["sent_at"]], line[0] != "call")
    ):
        yield (what, *(row.get(name) for name in columns))


def _manifest(case: Case, desk: Desk, shelf: _Shelf, *, calls: int) -> dict[str, Any]:
    return {
        "about": case.subject,
        "provider": desk.words.title,
        "environment": case.environment,
        "made_at": moment(case.made_at),
        "calls": {"in_here": calls, "rule": case.rule, "left_out": case.left_out},
        "files": shelf.files.copy(),
        "removed": [
            {"mark": mark, "why": why, "times": desk.removed[mark]}
            for mark, why in WHY_REMOVED.items()
        ],
        "letters": SAME_LETTERS,
        "never_stored": {
            "why": NEVER_STORED,
            "kept_of_requests": list(desk.words.kept_of_requests),
            "kept_of_answers": list(desk.words.kept_of_answers),
        },
        "not_in_here": NOT_IN_HERE,
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
