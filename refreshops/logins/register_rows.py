"""Judges the rows of a register file: which are logins, which are faults, and why. No database."""

import re
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from refreshops.logins.register_file import Record, Unreadable

COLUMNS = (
    "login_id",
    "institution",
    "customer",
    "customer_name",
    "account_manager",
    "provider",
    "status",
)
REQUIRED = ("login_id", "customer")
STATUSES = ("active", "inactive")
# What the tables hold; a test compares.
LONGEST = {"customer": 64, "customer_name": 200, "institution": 100, "account_manager": 150}

FAULTS_KEPT = 100

# NUL and other controls, zero-width and bidirectional marks, bytes that were no UTF-8.
_UNSEEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")

Canonical = Mapping[str, Callable[[str], str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One login of the file. An empty text means that the file does not say."""

    line: int
    login_id: str
    customer: str
    provider: str
    institution: str = ""
    customer_name: str = ""
    account_manager: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True, order=True)
class RowFault:
    """What is wrong with the row that begins on a physical line."""

    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}"


@dataclass
class Faults:
    """All faults counted, the first `most` kept. Add them in the order of the file."""

    count: int = 0
    kept: list[RowFault] = field(default_factory=list)
    most: int = FAULTS_KEPT

    def add(self, line: int, why: str) -> None:
        """Count a fault."""
        self.count += 1
        if len(self.kept) < self.most:
            self.kept.append(RowFault(line, why))

    def first(self) -> list[RowFault]:
        """Return the first faults by line."""
        return sorted(self.kept)[: self.most]

    def __add__(self, other: "Faults") -> "Faults":
        return Faults(self.count + other.count, self.kept + other.kept)


def check_header(
    header: Iterable[str],
    *,
    columns: tuple[str, ...] = COLUMNS,
    required: tuple[str, ...] = REQUIRED,
    other_names: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Return the column names; raise `Unreadable` for unknown, doubled and missing ones.

    `other_names` gives the column that goes by another name elsewhere.
    """
    written = (name.strip().lower() for name in header)
    names = tuple(other_names.get(name, name) for name in written)
    wanted = f"The first row must name columns out of: {','.join(columns)}."
    if len(names) == 1 and re.search(r"[;\t|]", names[0]):
        raise Unreadable(f"The columns are not separated by commas. {wanted}")
    unknown = [name for name in names if name not in columns]
    if unknown:
        first = ", ".join(shown(name) for name in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise Unreadable(f"Unknown column {first}{more}. {wanted}")
    if len(set(names)) < len(names):
        raise Unreadable(f"A column stands there twice. {wanted}")
    missing = [name for name in required if name not in names]
    if missing:
        raise Unreadable(f"The column {' and '.join(missing)} is missing. {wanted}")
    return names


def judge(
    records: Iterable[Record],
    *,
    columns: tuple[str, ...],
    canonical: Canonical,
    default_provider: str,
) -> tuple[list[Entry], Faults]:
    """Return the good rows and the faults of the others.

    `canonical` gives each known provider's function that makes an id canonical or raises
    ValueError with a sentence. A login may stand in the file once, after that (fault D4); a
    customer's rows may not contradict each other.
    """
    clerk = _Clerk(columns, canonical, default_provider)
    entries = []
    faults = Faults()
    for record in records:
        entry, wrong = clerk.read(record)
        if wrong:
            faults.add(record.line, "; ".join(wrong))
        elif entry is not None:
            entries.append(entry)
    return entries, faults


class _Clerk:
    """Reads row after row and remembers what the rows above said."""

    def __init__(
        self, columns: tuple[str, ...], canonical: Canonical, default_provider: str
    ) -> None:
        self._columns = columns
        self._canonical = canonical
        self._default_provider = default_provider
        self._line_of: dict[tuple[str, str], int] = {}
        # (customer, column) -> (what it says, on which line)
        self._said: dict[tuple[str, str], tuple[str, int]] = {}

    def read(self, record: Record) -> tuple[Entry | None, list[str]]:
        if record.fault:
            return None, [record.fault]
        if len(record.cells) != len(self._columns):
            return None, [
                f"{len(record.cells)} cells where the header has {len(self._columns)} columns"
            ]
        row = dict(zip(self._columns, record.cells, strict=True))
        wrong = unseen(row)
        if wrong:
            return None, wrong
        row = {name: value if name == "login_id" else tidy(value) for name, value in row.items()}
        wrong = too_long(row)
        entry = self._entry(record.line, row, wrong)
        if not wrong:
            self._check_against_rows_above(entry, wrong)
        return entry, wrong

    def _entry(self, line: int, row: dict[str, str], wrong: list[str]) -> Entry:
        provider = sys.intern(row.get("provider", "").lower() or self._default_provider)
        status = sys.intern(row.get("status", "").lower())
        if not row["customer"]:
            wrong.append("customer is empty")
        if status and status not in STATUSES:
            wrong.append(f"status {shown(status)} is unknown: active or inactive")
        return Entry(
            line=line,
            login_id=self._login_id(provider, row["login_id"], wrong),
            customer=row["customer"],
            provider=provider,
            institution=sys.intern(row.get("institution", "")),
            customer_name=row.get("customer_name", ""),
            account_manager=sys.intern(row.get("account_manager", "")),
            status=status,
        )

    def _login_id(self, provider: str, text: str, wrong: list[str]) -> str:
        canonical = self._canonical.get(provider)
        if canonical is None:
            known = ", ".join(self._canonical)
            wrong.append(f"provider {shown(provider)} is unknown; we know {known}")
            return ""
        if not text.strip():
            wrong.append("login_id is empty")
            return ""
        try:
            return canonical(text)
        except ValueError as error:
            wrong.append(f"login_id {shown(text)}: {error}")
            return ""

    def _check_against_rows_above(self, entry: Entry, wrong: list[str]) -> None:
        key = (entry.provider, entry.login_id)
        above = self._line_of.setdefault(key, entry.line)
        if above != entry.line:
            wrong.append(f"login_id {entry.login_id} stands on line {above} already")
        for column in ("customer_name", "account_manager"):
            says = getattr(entry, column)
            if not says:
                continue
            said, line = self._said.setdefault((entry.customer, column), (says, entry.line))
            if said != says:
                wrong.append(
                    f"{column} {shown(says)} contradicts line {line}, where customer "
                    f"{shown(entry.customer)} has {shown(said)}"
                )


def tidy(value: str) -> str:
    """Return one line of text, composed characters, no space around or doubled inside."""
    plain = " ".join(value.split())
    return plain if plain.isascii() else unicodedata.normalize("NFC", plain)


def unseen(row: Mapping[str, str], *, text_is_enough: Collection[str] = ("login_id",)) -> list[str]:
    """Name the cells that hold what no eye sees.

    Of those in `text_is_enough` only what is no text: in an id the rest is dropped instead.
    """
    if not _UNSEEN.search("".join(row.values())):
        return []
    wrong = []
    for name, value in row.items():
        found = (_NOT_TEXT if name in text_is_enough else _UNSEEN).search(value)
        if found is None:
            continue
        code = ord(found[0])
        if 0xD800 <= code <= 0xDFFF:
            wrong.append(f"{name} is no UTF-8 text (save the file as CSV in UTF-8)")
        else:
            wrong.append(f"{name} holds the invisible character U+{code:04X}")
    return wrong


def too_long(row: dict[str, str], *, longest: Mapping[str, int] = LONGEST) -> list[str]:
    """Name the cells that hold more than the tables do."""
    return [
        f"{name} has {len(row[name])} characters, more than {limit}"
        for name, limit in longest.items()
        if len(row.get(name, "")) > limit
    ]


def shown(text: str) -> str:
    """Quote a cell for a message: short, and with everything unprintable escaped."""
    return ascii(text[:60]) if not text[:60].isprintable() else f"'{text[:60]}'"
