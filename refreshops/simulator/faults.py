"""Faults by script: what goes wrong, at which endpoint, and how many times."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

# These take the place of the answer: the request is not acted on.
INSTEAD = frozenset(
    {
        "status",  # status, retry_after: an HTML page of a gateway
        "code",  # status, code, message: a documented error
        "stall",  # no answer at all
        "reset",  # TCP reset
        "invalid_json",
        "wrong_type",  # form: one of FORMS
        "html_200",
        "gzip_bomb",  # megabytes
        "huge",  # megabytes
        "endless",  # chunks until the client leaves
        "endless_headers",
        "redirect",  # status, location
        "garbage",  # not HTTP
    }
)
# These happen to the real answer: the request was acted on.
AFTERWARDS = frozenset(
    {
        "cut",  # a Content-Length larger than what is sent
        "slow",  # interval_seconds between two bytes
        "do_then_stall",
        "do_then_reset",
        "no_request_id",
        "wrong_login",
        "status_mismatch",  # body_status, code, http_status: body and HTTP contradict each other
        "duplicate_keys",
    }
)
# What `wrong_type` may send instead of the documented object.
FORMS = frozenset(
    {
        *("list", "number", "null", "string", "true", "nan", "deep", "empty"),
        *("bom", "latin1", "huge_number", "wrong_fields"),
    }
)
ENDPOINTS = frozenset(
    {
        "GenerateAuthorizeToken",
        "Authorize",
        "GetAccountsDetail",
        "GetAccountsDetailAsync",
        "GetAccountsSummary",
        "GetAccountsSummaryAsync",
        "SetScheduledRefresh",
        "GetNightlyRefreshStatus",
        "DeleteCard",
    }
)
FLANKS_ENDPOINTS = frozenset(
    {
        *("token", "credentials/status", "credentials/force", "credentials/list", "credentials"),
        *("account", "portfolio", "investment", "card", "liability", "holder", "auth", "data"),
        *("card/transaction", "investment/transaction", "liability/transaction"),
        *("bank/available", "connectors/list-connectors"),
        *("sessions/create-session", "sessions/list-sessions"),
    }
)
PROVIDERS = {"flinks": ENDPOINTS, "flanks": FLANKS_ENDPOINTS}
# Without an endpoint a fault of these kinds waits for a call whose answer it can falsify.
_SPOKEN_WITH_REQUEST_ID = frozenset({"no_request_id", "wrong_login", "status_mismatch"})


class BadFault(ValueError):
    """A fault script that cannot be meant; the text says why."""


@dataclass(slots=True)
class Fault:
    """One fault. `times`: how often it still strikes (None: always); `share` 1.0: each call.

    Without `endpoint` and `provider` it strikes at both providers.
    """

    kind: str
    endpoint: str | None = None
    times: int | None = None
    share: float = 1.0
    details: dict[str, Any] = field(default_factory=dict)
    provider: str | None = None

    @classmethod
    def from_json(cls, value: object) -> "Fault":
        """Return the fault that a JSON object describes; raises BadFault."""
        if not isinstance(value, dict) or value.get("kind") not in INSTEAD | AFTERWARDS:
            raise BadFault(
                f"a fault is an object whose kind is one of {sorted(INSTEAD | AFTERWARDS)}"
            )
        details = dict(value)
        kind, endpoint = details.pop("kind"), details.pop("endpoint", None)
        provider = details.pop("provider", None)
        if provider is not None and provider not in PROVIDERS:
            raise BadFault(f"provider is one of {sorted(PROVIDERS)}")
        known = PROVIDERS.get(provider, ENDPOINTS | FLANKS_ENDPOINTS)
        if endpoint is not None and endpoint not in known:
            raise BadFault(f"endpoint {endpoint!r} is not one of {sorted(known)}")
        if endpoint in FLANKS_ENDPOINTS and kind in _SPOKEN_WITH_REQUEST_ID:
            raise BadFault(f"{kind} is for answers of Flinks")
        if details.get("form", "list") not in FORMS:
            raise BadFault(f"form is one of {sorted(FORMS)}")
        if not isinstance(details.get("times", 0), int | None):
            raise BadFault("times is a whole number, or null for always")
        times, share = details.pop("times", None), details.pop("share", 1.0)
        return cls(kind, endpoint, times, share, details, provider)

    def to_json(self) -> dict[str, Any]:
        """Return the script, as `from_json` reads it."""
        return {
            "kind": self.kind,
            "endpoint": self.endpoint,
            "times": self.times,
            "share": self.share,
            **({"provider": self.provider} if self.provider else {}),
            **self.details,
        }

    def strikes(self, endpoint: str, chance: Random) -> bool:
        """Whether the fault hits a call to `endpoint` now."""
        if self.times is not None and self.times <= 0:
            return False
        if self.endpoint is None and self.kind in _SPOKEN_WITH_REQUEST_ID:
            return endpoint == "Authorize"
        if self.endpoint not in (None, endpoint):
            return False
        if self.provider is not None and endpoint not in PROVIDERS[self.provider]:
            return False
        return self.share >= 1 or chance.random() < self.share


class FaultScript:
    """The faults of all calls, and the picking of one for each call."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int) -> None:
        self.everywhere = list(faults)
        self._chance = Random(f"{seed}/faults")
        self._lock = threading.Lock()

    def pick(self, endpoint: str, *, own: list[Fault]) -> Fault | None:
        """Return the fault that strikes this call and count it: a login's own come first."""
        if not own and not self.everywhere:
            return None
        with self._lock:
            for fault in (*own, *self.everywhere):
                if fault.strikes(endpoint, self._chance):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None
