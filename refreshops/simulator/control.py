"""The control endpoints under /_simulator/: look at the world and change it behind our back."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from refreshops.simulator.answers import last_refresh
from refreshops.simulator.banks import BANKS, Bank
from refreshops.simulator.fates import FATES
from refreshops.simulator.faults import Fault
from refreshops.simulator.flanks.control import FlanksControl
from refreshops.simulator.gateway import Gateway
from refreshops.simulator.identifiers import canonical
from refreshops.simulator.journal import Journal
from refreshops.simulator.messages import Malformed, Reply, Request, json_reply
from refreshops.simulator.onboarding import person_behind
from refreshops.simulator.webhook_orders import read_order
from refreshops.simulator.world import Login, Recipe, stranger


class Refused(ValueError):
    """A change that cannot be meant; the text says why."""


@dataclass(frozen=True, slots=True)
class Control:
    """Answers requests of this machine only; they are neither logged nor throttled."""

    gateway: Gateway
    journal: Journal
    recipe: Recipe
    flanks: FlanksControl

    def answer(self, request: Request, *, peer: str) -> Reply:
        """Return the reply to one control request."""
        if not peer.startswith("127.") and peer != "::1":
            return json_reply(403, {"error": "control is for this machine only"})
        _, _, subject, *rest = request.path.split("/")
        steps: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "state"): self._state,
            ("GET", "counts"): self._counts,
            ("GET", "login"): lambda: describe(self._login(rest)),
            ("POST", "login"): lambda: self._change(self._login(rest), request.fields()),
            ("POST", "logins"): lambda: self._add(request.fields()),
            ("POST", "faults"): lambda: self._faults(request.fields()),
            ("POST", "night"): self._night,
            ("POST", "limit"): lambda: self._limit(request.fields()),
            ("POST", "webhook"): lambda: self._webhook(request.fields()),
            ("GET", "webhooks"): self.gateway.books.webhooks.picture,
            ("GET", "person"): lambda: person_behind(self._login(rest)),
        }
        step = steps.get((request.method, subject))
        if subject == "flanks":
            step = self.flanks.step(request.method, rest, request.fields)
        if step is None:
            return json_reply(404, {"error": f"no control {request.method} {subject}"})
        try:
            return json_reply(200, step())
        except (ValueError, TypeError, Malformed) as reason:
            return json_reply(400, {"error": str(reason)})

    def _state(self) -> dict[str, Any]:
        logins = self.gateway.books.world.logins.values()
        return {
            "scenario": self.recipe.scenario,
            "seed": self.recipe.seed,
            "now": self.gateway.books.now().isoformat(),
            "customer_id": self.gateway.books.keys.customer_id,
            "flanks": self.flanks.counts(),
            "faults": [fault.to_json() for fault in self.gateway.faults.everywhere],
            "counts": self._counts(),
            "logins": [describe(login) for login in logins],
        }

    def _counts(self) -> dict[str, Any]:
        throttle = self.gateway.throttle
        logins = self.gateway.books.world.logins.values()
        return {
            "logins": len(logins),
            "scheduled": sum(login.scheduled for login in logins),
            "fates": Counter(login.fate.name for login in logins),
            "arrived": self.journal.arrived,
            "logged": self.journal.written,
            "refused": throttle.refused,
            "most_in_a_window": throttle.most_in_a_window,
            "limit": throttle.limit,
            "window_seconds": throttle.window_seconds,
            "sessions": len(self.gateway.books.sessions),
        }

    def _login(self, rest: list[str]) -> Login:
        login_id = canonical(rest[0]) if rest else None
        login = self.gateway.books.world.logins.get(login_id or "")
        if login is None:
            raise Refused("no such login")
        return login

    def _add(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Take in a login that nobody registered; `institution` and what `_change` takes."""
        books, given = self.gateway.books, dict(fields)
        login = stranger(self.recipe, number=len(books.world.logins), now=books.now())
        login.bank = _bank(given.pop("institution", login.bank.name))
        self._change(login, given)
        books.world.add(login)
        return describe(login)

    def _change(self, login: Login, fields: dict[str, Any]) -> dict[str, Any]:
        unknown = set(fields) - set(_SETTERS)
        if unknown:
            raise Refused(f"cannot change {sorted(unknown)}, only {sorted(_SETTERS)}")
        now = self.gateway.books.now()
        with self.gateway.books.world.lock:
            for name, value in sorted(fields.items(), key=lambda pair: _ORDER[pair[0]]):
                _SETTERS[name](login, value, now)
        return describe(login)

    def _faults(self, fields: dict[str, Any]) -> dict[str, Any]:
        made = [Fault.from_json(value) for value in fields.get("faults", [])]
        self.gateway.faults.everywhere = made
        return {"faults": [fault.to_json() for fault in made]}

    def _night(self) -> dict[str, Any]:
        books = self.gateway.books
        refreshed = books.world.run_night(books.now())
        for login in refreshed:
            books.webhooks.announce(login)
        return {"refreshed": len(refreshed), "flanks": self.flanks.run_night()}

    def _webhook(self, fields: dict[str, Any]) -> dict[str, Any]:
        books = self.gateway.books
        login = self._login([str(fields.get("login_id", ""))])
        order = read_order(fields, login=login, posting=books.webhooks.posting, now=books.now())
        return {"statuses": order.carry_out(books.webhooks)}

    def _limit(self, fields: dict[str, Any]) -> dict[str, Any]:
        throttle = self.gateway.throttle
        throttle.change(limit=fields.get("limit"), window_seconds=fields.get("window_seconds"))
        return {"limit": throttle.limit, "window_seconds": throttle.window_seconds}


def describe(login: Login) -> dict[str, Any]:
    """Return a login as the control endpoints show it: no username, no holder."""
    fate = login.fate
    return {
        "login_id": login.login_id,
        "institution": login.bank.name,
        "customer": login.customer.reference,
        "status": login.status,
        "scheduled": login.scheduled,
        "deleted": login.deleted,
        "registered": login.registered,
        "fate": fate.name,
        "code": fate.code,
        "http_status": fate.status,
        "at_data": fate.at_data,
        "last_refresh": last_refresh(login),
        "polls_left": login.polls_left,
        "faults": [fault.to_json() for fault in login.faults],
    }


def _set_fate(login: Login, value: Any, now: datetime) -> None:
    if value not in FATES:
        raise Refused(f"fate {value!r} is not one of {sorted(FATES)}")
    login.meet(FATES[value])


def _set_scheduled(login: Login, value: Any, now: datetime) -> None:
    login.scheduled = _boolean("scheduled", value)


def _set_deleted(login: Login, value: Any, now: datetime) -> None:
    login.deleted = _boolean("deleted", value)


def _set_last_refresh(login: Login, value: Any, now: datetime) -> None:
    try:
        moment = None if value is None else datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Refused("last_refresh is ISO time in UTC, or null for never") from error
    login.refreshed_at = moment if moment is None else moment.replace(tzinfo=UTC)


def _set_hours_ago(login: Login, value: Any, now: datetime) -> None:
    login.refreshed_at = now - timedelta(hours=float(value))


def _set_faults(login: Login, value: Any, now: datetime) -> None:
    if not isinstance(value, list):
        raise Refused("faults is a list")
    login.faults = [Fault.from_json(script) for script in value]


def _set_pending_polls(login: Login, value: Any, now: datetime) -> None:
    login.pending_polls, login.pending_seconds = int(value), 0.0
    login.meet(login.fate)


def _set_pending_seconds(login: Login, value: Any, now: datetime) -> None:
    login.pending_polls, login.pending_seconds = 0, float(value)
    login.meet(login.fate)


def _bank(name: Any) -> Bank:
    for bank in BANKS:
        if bank.name == name:
            return bank
    raise Refused(f"institution is one of {[bank.name for bank in BANKS]}")


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"{name} is true or false")
    return value


_SETTERS: dict[str, Callable[[Login, Any, datetime], None]] = {
    "fate": _set_fate,
    "scheduled": _set_scheduled,
    "deleted": _set_deleted,
    "last_refresh": _set_last_refresh,
    "last_refresh_hours_ago": _set_hours_ago,
    "faults": _set_faults,
    "pending_polls": _set_pending_polls,
    "pending_seconds": _set_pending_seconds,
}
# A fate is set before how long it stays pending.
_ORDER = {name: place for place, name in enumerate(_SETTERS)}
