"""One HTTP exchange with a provider: the call, what came back, and why nothing did.

Other folders take these names from `contract`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Pacing(StrEnum):
    """Whether a call takes one of the provider's slots.

    RESERVE is for a call that prepares a paced one (a single-use token): the slot is taken before
    it, so that the token does not age in a queue, and the USE that follows spends it.
    """

    FREE = "free"
    RESERVE = "reserve"
    USE = "use"


@dataclass(frozen=True)
class Call:
    """One HTTP exchange to be made.

    `path` is relative to the provider's base URL, `deadline_s` covers the whole exchange. `auth`
    names the credential added when sending; `token` is a secret that lives only in memory. Neither
    reaches the trace or the conversation's state. With `shared_token` the engine puts the access
    token into `token` that all our calls share (`Provider.token_call`).
    """

    endpoint: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    auth: str = ""
    token: str = field(default="", repr=False)
    pacing: Pacing = Pacing.FREE
    deadline_s: float = 60.0
    shared_token: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back, read as JSON; `headers` in lower case. Never logged as it is."""

    http_status: int
    body: Any = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    elapsed_ms: int = 0


@dataclass(frozen=True)
class Silence:
    """Why there is no answer to reason about.

    `kind` is `network` (nothing usable arrived; the provider may have acted or not) or `unreadable`
    (something that is not the documented JSON). `detail` is safe to show.
    """

    kind: str
    detail: str
    http_status: int | None = None


Heard = Answer | Silence


class NoAnswer(Exception):
    """Refused, reset, cut off or out of time. `detail` holds no URL, header or body."""

    def __init__(self, detail: str, *, elapsed_ms: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.elapsed_ms = elapsed_ms


class UnreadableAnswer(Exception):
    """The provider answered with something that is not the documented JSON.

    `excerpt` is redacted text of at most 2 KB.
    """

    def __init__(self, detail: str, *, http_status: int, excerpt: str = "", elapsed_ms: int = 0):
        super().__init__(detail)
        self.detail = detail
        self.http_status = http_status
        self.excerpt = excerpt
        self.elapsed_ms = elapsed_ms
