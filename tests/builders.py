"""Builders of rows and of a scripted provider, shared by tests."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from refreshops.logins.models import Customer, Login, LoginStatus, Provider
from refreshops.providers.contract import (
    Answer,
    Ask,
    BankData,
    Call,
    Done,
    Envelope,
    Halt,
    NoAnswer,
    NotOffered,
    Pacing,
    Policy,
    Result,
    Silence,
    Wait,
)
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def make_provider(**fields: Any) -> Provider:
    """Return the Flinks row."""
    return Provider.objects.get_or_create(name="flinks", defaults=fields)[0]


def make_customer(reference: str = "C-1", **fields: Any) -> Customer:
    """Return a customer by reference."""
    return Customer.objects.get_or_create(reference=reference, defaults=fields)[0]


def make_login(**fields: Any) -> Login:
    """Return a new active login."""
    defaults: dict[str, Any] = {
        "provider": fields.pop("provider", None) or make_provider(),
        "customer": fields.pop("customer", None) or make_customer(),
        "login_id": str(uuid.uuid4()),
        "institution": "Maple Trust",
        "status": LoginStatus.ACTIVE,
    }
    return Login.objects.create(**(defaults | fields))


def make_logins(count: int, **fields: Any) -> list[Login]:
    """Return `count` new active logins."""
    return [make_login(**fields) for _ in range(count)]


class FakeClock:
    """A clock that moves when told, safe to read from many threads."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


class ScriptedConversation:
    """Authorize (paced), then detail; the answer's body says what follows."""

    gathers = False

    def __init__(self, *, mint: bool = False) -> None:
        self.mint = mint

    def begin(self, subject: Any) -> Ask:
        return self.resume(subject, {"step": "mint" if self.mint else "authorize"}, now=NOON)

    def resume(self, subject: Any, state: dict[str, Any], *, now: datetime) -> Ask:
        pacing = {"authorize": Pacing.USE, "mint": Pacing.RESERVE}
        step = state["step"]
        call = Call(
            endpoint=step,
            method="POST",
            path=step,
            body={"login": subject.login_id},
            pacing=pacing.get(step, Pacing.FREE),
            deadline_s=5,
        )
        return Ask(call, state)

    def heard(self, subject: Any, state: dict[str, Any], heard: Any, *, now: datetime) -> Any:
        if isinstance(heard, Silence):
            return Done(Result(Outcome.PROVIDER_FAULT, DataState.NONE, reason=Reason.NETWORK))
        said = heard.body
        match said["then"]:
            case "ask":
                return self.resume(subject, {"step": said["step"]}, now=now)
            case "wait":
                until = now + timedelta(seconds=said["seconds"])
                return Wait(until, {"step": said["step"]}, note="the provider")
            case "halt":
                return Halt("keys", "The key was refused.", now + timedelta(minutes=15), state)
            case "break":
                raise RuntimeError("our own mistake")
        outcome = Outcome(said.get("outcome", "fresh"))
        data = BankData(now, (), 0, {"secret": "balance"}) if said.get("data") else None
        return Done(Result(outcome, DataState.FRESH, bank_data=data))

    def gathered(self, result: Result, pieces: Any) -> Result:
        return result


class ScriptedProvider:
    """A provider whose answers a function gives; keeps the list of what it was asked."""

    name = "flinks"

    def __init__(self, answer: Callable[[Call], Any] | None = None, *, mint: bool = False) -> None:
        self.answer = answer or usual_answer
        self.mint = mint
        self.asked: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def conversation(self, purpose: Purpose, policy: Policy) -> ScriptedConversation:
        if purpose is Purpose.FORGET:
            raise NotOffered("This provider cannot forget.")
        return ScriptedConversation(mint=self.mint)

    def opening(self, policy: Policy) -> None:
        return None

    def send(self, call: Call) -> Answer:
        with self.lock:
            self.asked.append((call.endpoint, call.body["login"]))
        found = self.answer(call)
        if isinstance(found, NoAnswer):
            raise found
        return Answer(200, found)

    def shown_url(self, call: Call) -> str:
        return f"http://provider/{call.path}"

    def shown_body(self, call: Call) -> dict[str, Any]:
        return dict(call.body or {})

    def envelope(self, call: Call, answer: Answer) -> Envelope:
        return Envelope(200, "", "", f"request-of-{call.body['login'][:8]}", "", {})

    def evidence_of(self, endpoint: str) -> str:
        return {"order": "order", "authorize": "read_back"}.get(endpoint, "")


def usual_answer(call: Call) -> dict[str, Any]:
    """Authorize leads to detail, detail ends fresh with data."""
    if call.endpoint == "mint":
        return {"then": "ask", "step": "authorize"}
    if call.endpoint == "authorize":
        return {"then": "ask", "step": "detail"}
    return {"then": "done", "data": True}
