"""What one status object says, by the precedence of its fields (outcomes.md 5b)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from refreshops.providers.flanks.accounts import PRODUCTS
from refreshops.providers.flanks.answers import Status
from refreshops.providers.flanks.codes import field_row
from refreshops.rules.outcomes import Outcome, Reason

PENDING, ERRORED = "pending", "errored"
_FOR_THE_CUSTOMER = ("blocked", "sca_token", "reset_token")
_TRANSACTIONS = " transactions"
_NOTE = "Older transactions wait for the customer."
# Identity and holders are never fetched here, but an error of theirs is a fault all the same.
BESIDE = frozenset({"auth", "holders"})
_PARTS = {"auth": "identity", **{name: many for name, (_, many) in PRODUCTS.items()}}


@dataclass(frozen=True)
class Sign:
    """The field that decides, by name; empty when nothing speaks against the data.

    `message` is for people. `errored` names what failed, of what we ask for or `BESIDE` it,
    `unfinished` what Flanks still fetches; `note` is what is said beside every outcome.
    """

    name: str
    message: str = ""
    errored: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()
    note: str = ""

    @property
    def is_for_the_customer(self) -> bool:
        """Tell whether only the customer can help."""
        return self.name in _FOR_THE_CUSTOMER

    @property
    def verdict(self) -> dict[str, str]:
        """Return what it makes of an attempt, as JSON."""
        row = field_row(self.name)
        return {
            "outcome": str(row.outcome),
            "reason": str(row.reason),
            "provider_code": self.name,
            "message": self.message,
        }


def of(status: Status, products: Iterable[str]) -> Sign:
    """Return what decides: blocked, then SCA, then reset, then pending, then errors."""
    asked = {*products, *(f"{name}{_TRANSACTIONS}" for name in products)}
    errored = frozenset(asked if status.all_errored else (asked | BESIDE) & status.errored)
    unfinished = set(products) if status.none_created else set(products) & status.not_created
    note = _NOTE if "transaction_token" in status.tokens else ""
    name = _first(status, pending=bool(unfinished), errored=bool(errored))
    said = field_row(name).meaning if name else ""
    if name == PENDING and unfinished:
        said = f"Flanks still fetches: {_listed(unfinished)}."
    if name == ERRORED:
        said = not_all(dict.fromkeys(errored, "error at Flanks"))
    every = frozenset(products) if status.pending else frozenset(unfinished)
    return Sign(name, " ".join(filter(None, (said, note))), errored, every, note)


def _first(status: Status, *, pending: bool, errored: bool) -> str:
    signs = {
        "blocked": status.blocked,
        "sca_token": "sca_token" in status.tokens,
        "reset_token": "reset_token" in status.tokens,
        PENDING: status.pending or pending,
        ERRORED: errored,
    }
    return next((name for name, applies in signs.items() if applies), "")


def not_all(missing: Mapping[str, str]) -> str:
    """Return a sentence that names what is missing, and why."""
    told = (f"{_part(name)} ({missing[name]})" for name in sorted(missing))
    return f"Not everything came: {', '.join(told)}."


def read_verdict(verdict: Mapping[str, str]) -> dict[str, Any]:
    """Return a verdict as the fields of a result."""
    return {
        **verdict,
        "outcome": Outcome(verdict["outcome"]),
        "reason": Reason(verdict["reason"]),
    }


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_part(name) for name in sorted(names))


def _part(name: str) -> str:
    return _PARTS.get(name, name)
