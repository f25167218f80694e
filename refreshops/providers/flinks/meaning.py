"""The kinds of calls a row of the Flinks code table may be limited to."""

from enum import StrEnum

from refreshops.providers.meaning import CodeMeaning as CodeMeaning


class CallKind(StrEnum):
    """What was asked: the same code can mean different things on different calls."""

    TOKEN = "token"  # noqa: S105
    CACHED = "cached check"
    LIVE = "live refresh"
    DATA = "data call"
    POLL = "async poll"
    SCHEDULE = "schedule order"
    DELETE = "deletion"
    STATUS = "nightly status"
