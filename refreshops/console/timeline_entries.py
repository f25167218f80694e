"""What stands in a login's timeline: entries, a page of them, and where the next page begins."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from refreshops.console.lookups import YEARS
from refreshops.console.search import is_number
from refreshops.routine.receipts import ORDERS
from refreshops.tracing.models import Call

# What kinds of entries there are. Of one moment the later word stands above.
DELIVERED, EVENT, NOTE, OPEN, ORDERED, ENDED, STATUS, REGISTERED = (
    "delivered",
    "event",
    "note",
    "open",
    "ordered",
    "ended",
    "a_status",
    "a_birth",
)
# Of its reconnect cases: opened and closed, who was in touch, and which links were made.
CASE, CASE_CLOSED, CONTACT, LINK = "reconnect", "reconnected", "contact", "link"
KINDS = frozenset(
    {
        DELIVERED,
        EVENT,
        NOTE,
        OPEN,
        ORDERED,
        ENDED,
        STATUS,
        REGISTERED,
        CASE,
        CASE_CLOSED,
        CONTACT,
        LINK,
    }
)


@dataclass(frozen=True)
class Entry:
    """One thing that happened; `what` is a purpose, of an event its action, of a delivery its kind.

    `words` are a person's or a provider's, and whatever shows them escapes them.
    """

    kind: str
    at: datetime
    key: int
    what: str = ""
    origin: str = ""
    state: str = ""
    outcome: str = ""
    reason: str = ""
    code: str = ""
    words: str = ""
    run: int | None = None
    who: str = ""
    run_is_seen: bool = False
    verified: bool = False
    calls: list[Call] = field(default_factory=list)
    more_calls: int = 0

    @property
    def cursor(self) -> str:
        """Return what stands in an address for "older than this"."""
        return f"{self.at.isoformat()}_{self.kind}_{self.key}"

    @property
    def purpose(self) -> str:
        """What was ordered: an attempt's own name for it, as of the three below."""
        return self.what

    @property
    def outcome_reason(self) -> str:
        """The finer cause of the outcome."""
        return self.reason

    @property
    def waits_for(self) -> str:
        """What an attempt waits for."""
        return self.words

    @property
    def has_receipt(self) -> bool:
        """Tell whether it is a login's part in an order that leaves a receipt."""
        return self.kind in (ENDED, OPEN) and self.what in ORDERS


@dataclass(frozen=True)
class Timeline:
    """A page of entries; `older` is the cursor of the next, "" on the last.

    `calls` are the newest calls of the login, on the first page only.
    """

    entries: list[Entry]
    older: str
    is_first: bool
    calls: list[Call]


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: below this entry."""

    at: datetime
    kind: str
    key: int


def cursor_of(text: str) -> Cursor | None:
    """Read a cursor out of an address; None for what is none."""
    stamp, _, rest = text.partition("_")
    kind, _, key = rest.rpartition("_")
    try:
        at = parse_datetime(stamp)
    except ValueError:
        return None
    # Of a moment at the edge of the calendar no database can say when it is in UTC.
    if at is None or not is_aware(at) or at.year not in YEARS:
        return None
    if kind not in KINDS or not is_number(key):
        return None
    return Cursor(at, kind, int(key))
