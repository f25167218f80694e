"""Control of the fake Flanks, under /_simulator/flanks/: look at it, change it behind our back."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from refreshops.simulator.faults import Fault
from refreshops.simulator.flanks.banks import spanish_bank_called
from refreshops.simulator.flanks.fates import FLANKS_FATES
from refreshops.simulator.flanks.gateway import FlanksGateway
from refreshops.simulator.flanks.world import Credential, FlanksRecipe, flanks_stranger


@dataclass(frozen=True, slots=True)
class FlanksControl:
    """Answers what follows /_simulator/flanks/; raises ValueError for what cannot be meant."""

    gateway: FlanksGateway
    recipe: FlanksRecipe

    def step(
        self, method: str, rest: list[str], fields: Callable[[], dict[str, Any]]
    ) -> Callable[[], Any] | None:
        """Return what answers one request; None when there is no such control."""
        subject, *more = rest or [""]
        steps: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "state"): self._state,
            ("GET", "counts"): self.counts,
            ("GET", "login"): lambda: describe(self._credential(more)),
            ("POST", "login"): lambda: self._change(self._credential(more), fields()),
            ("POST", "logins"): lambda: self._add(fields()),
            ("POST", "token"): lambda: self._token(fields()),
            ("POST", "limit"): lambda: self._limit(fields()),
            ("POST", "night"): lambda: {"refreshed": self.run_night()},
            ("GET", "sessions"): self._sessions,
        }
        return steps.get((method, subject))

    def counts(self) -> dict[str, Any]:
        """Return what has come and gone so far."""
        books, throttle = self.gateway.books, self.gateway.throttle
        credentials = books.world.credentials.values()
        return {
            "logins": len(credentials),
            "there": sum(each.there for each in credentials),
            "fates": Counter(each.fate.name for each in credentials),
            "tokens_minted": books.tokens.minted,
            "tokens_denied": books.tokens.denied,
            "bearers_refused": books.tokens.refused,
            "refused": throttle.refused,
            "most_in_a_window": throttle.most_in_a_window,
            "limit": throttle.limit,
            "window_seconds": throttle.window_seconds,
            "sessions": len(books.sessions.by_id),
        }

    def run_night(self) -> int:
        """Extract from every bank now; return how many went well."""
        return self.gateway.books.world.run_night(self.gateway.books.now())

    def _state(self) -> dict[str, Any]:
        books = self.gateway.books
        return {
            "scenario": self.recipe.scenario,
            "seed": self.recipe.seed,
            "now": books.now().isoformat(),
            "counts": self.counts(),
            "logins": [describe(each) for each in books.world.credentials.values()],
        }

    def _credential(self, rest: list[str]) -> Credential:
        found = self.gateway.books.world.credentials.get(rest[0] if rest else "")
        if found is None:
            raise ValueError("no such login")
        return found

    def _add(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Take in a credential that nobody registered; `institution` and what `_change` takes."""
        books, given = self.gateway.books, dict(fields)
        number = len(books.world.credentials)
        credential = flanks_stranger(self.recipe, number=number, now=books.now())
        bank = spanish_bank_called(given.pop("institution", credential.bank.name))
        if bank is None:
            raise ValueError("institution is no bank of this simulator")
        credential.bank = bank
        self._change(credential, given)
        books.world.add(credential)
        return describe(credential)

    def _change(self, credential: Credential, fields: dict[str, Any]) -> dict[str, Any]:
        unknown = set(fields) - set(_SETTERS)
        if unknown:
            raise ValueError(f"cannot change {sorted(unknown)}, only {sorted(_SETTERS)}")
        now = self.gateway.books.now()
        with self.gateway.books.world.lock:
            for name in _SETTERS:
                if name in fields:
                    _SETTERS[name](credential, fields[name], now)
        return describe(credential)

    def _token(self, fields: dict[str, Any]) -> dict[str, Any]:
        """End the token, let tokens end sooner than told, change the secret or refuse it."""
        books = self.gateway.books
        tokens, keys = books.tokens, books.keys
        if fields.get("revoke"):
            tokens.revoke()
        if "live_seconds" in fields:
            told = fields.get("told_seconds")
            tokens.live_for(float(fields["live_seconds"]), told=told, at=books.clock())
        if "client_secret" in fields:
            keys.client_secret = str(fields["client_secret"])
        if "refused" in fields:
            keys.refused = _boolean("refused", fields["refused"])
        return {"minted": tokens.minted, "denied": tokens.denied, "refused": tokens.refused}

    def _limit(self, fields: dict[str, Any]) -> dict[str, Any]:
        throttle = self.gateway.throttle
        throttle.change(limit=fields.get("limit"), window_seconds=fields.get("window_seconds"))
        return {"limit": throttle.limit, "window_seconds": throttle.window_seconds}

    def _sessions(self) -> list[dict[str, Any]]:
        sessions = list(self.gateway.books.sessions.by_id.values())
        return [session.to_json(origin="") for session in sessions]


def describe(credential: Credential) -> dict[str, Any]:
    """Return a credential as the control endpoints show it: no holder, no token of a session."""
    fate = credential.fate
    return {
        "login_id": credential.login_id,
        "institution": credential.bank.name,
        "customer": credential.customer.reference,
        "status": credential.status,
        "there": credential.there,
        "deleted": credential.deleted,
        "registered": credential.registered,
        "fate": fate.name,
        "outcome": fate.outcome,
        "code": fate.code,
        "tokens": sorted(credential.tokens),
        "updated_at": credential.updated_at and credential.updated_at.isoformat(),
        "polls_left": credential.polls_left,
        "overrides": credential.overrides,
        "faults": [fault.to_json() for fault in credential.faults],
    }


def _set_fate(credential: Credential, value: Any, now: datetime) -> None:
    if value not in FLANKS_FATES:
        raise ValueError(f"fate {value!r} is not one of {sorted(FLANKS_FATES)}")
    credential.meet(FLANKS_FATES[value], now=now)


def _set_deleted(credential: Credential, value: Any, now: datetime) -> None:
    credential.deleted = _boolean("deleted", value)


def _set_updated(credential: Credential, value: Any, now: datetime) -> None:
    try:
        moment = None if value is None else datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError("updated_at is ISO time in UTC, or null for never") from error
    credential.updated_at = moment if moment is None else moment.replace(tzinfo=UTC)


def _set_hours_ago(credential: Credential, value: Any, now: datetime) -> None:
    credential.updated_at = now - timedelta(hours=float(value))


def _set_created(credential: Credential, value: Any, now: datetime) -> None:
    credential.created_at = now - timedelta(hours=float(value))


def _set_faults(credential: Credential, value: Any, now: datetime) -> None:
    if not isinstance(value, list):
        raise ValueError("faults is a list")
    credential.faults = [Fault.from_json(script) for script in value]


def _set_pending_polls(credential: Credential, value: Any, now: datetime) -> None:
    credential.pending_polls, credential.pending_seconds = int(value), 0.0
    credential.work_again()


def _set_pending_seconds(credential: Credential, value: Any, now: datetime) -> None:
    credential.pending_polls, credential.pending_seconds = 0, float(value)
    credential.work_again()


def _set_overrides(credential: Credential, value: Any, now: datetime) -> None:
    if not isinstance(value, dict):
        raise ValueError("overrides is an object to lay over the status")
    credential.overrides = value


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false")
    return value


# In the order they are carried out: a fate before how long it stays pending, and before its dates.
_SETTERS: dict[str, Callable[[Credential, Any, datetime], None]] = {
    "fate": _set_fate,
    "deleted": _set_deleted,
    "updated_at": _set_updated,
    "updated_hours_ago": _set_hours_ago,
    "created_hours_ago": _set_created,
    "faults": _set_faults,
    "pending_polls": _set_pending_polls,
    "pending_seconds": _set_pending_seconds,
    "overrides": _set_overrides,
}
