"""The kinds of calls a row of the Flanks code table may be limited to, and the endpoints' names."""

from enum import StrEnum

TOKEN = "token"  # noqa: S105
STATUS = "credentials/status"
FORCE = "credentials/force"
LIST = "credentials/list"
DELETE = "credentials"
CREATE_SESSION = "sessions/create-session"


class CallKind(StrEnum):
    """What was asked: the same code can mean different things on different calls."""

    TOKEN = "token"  # noqa: S105
    STATUS = "status"
    DATA = "data call"
    FORCE = "forced step"
    LIST = "list"
    DELETE = "deletion"
    SESSION = "session"


_KINDS = {
    TOKEN: CallKind.TOKEN,
    STATUS: CallKind.STATUS,
    FORCE: CallKind.FORCE,
    LIST: CallKind.LIST,
    DELETE: CallKind.DELETE,
    CREATE_SESSION: CallKind.SESSION,
}


def kind_of(endpoint: str) -> CallKind:
    """Return the kind of a call by its endpoint; whatever has no name of its own fetches data."""
    return _KINDS.get(endpoint, CallKind.DATA)
