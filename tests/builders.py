"""Builders of rows and of a scripted provider, shared by tests."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
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
    Renew,
    Result,
    Silence,
    Wait,
)
from refreshops.providers.handing import Grant, Piece
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def make_provider(name: str = "flinks", **fields: Any) -> Provider:
    """Return a provider's row."""
    return Provider.objects.get_or_create(name=name, defaults=fields)[0]


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


class TokenOffice:
    """Gives access tokens as a provider does: each new one ends those before.

    `says` are the answers of the next token calls instead: `NoAnswer`, "fault" (an answer without a
    token), "refused" (our keys are wrong), "odd" (our reading breaks on it), or a deed to do first.
    """

    def __init__(self, *, lasts: timedelta = timedelta(hours=1)) -> None:
        self.lasts = lasts
        self.minted = 0
        self.current = ""
        self.says: list[Any] = []
        self.lock = threading.Lock()

    def mint(self) -> Any:
        with self.lock:
            said = self.says.pop(0) if self.says else None
        if callable(said):
            said()
        elif said is not None:
            return said
        return {"token": self.give()}

    def give(self) -> str:
        """Make a token, perhaps for somebody else."""
        with self.lock:
            self.minted += 1
            self.current = f"token-canary-{self.minted:04}"
            return self.current


class ScriptedConversation:
    """Authorize (paced), then detail; the answer's body says what follows."""

    def __init__(
        self, *, mint: bool = False, shared: bool = False, gathers: bool = False, here: bool = False
    ) -> None:
        self.mint = mint
        self.shared = shared
        self.gathers = gathers
        self.here = here

    def begin(self, subject: Any) -> Ask | Done:
        if self.here:
            return Done(
                Result(
                    Outcome.FRESH,
                    DataState.FRESH,
                    reason=Reason.HERE_ONLY,
                    message="Nothing was asked of the provider.",
                )
            )
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
            shared_token=self.shared,
        )
        return Ask(call, state)

    def heard(self, subject: Any, state: dict[str, Any], heard: Any, *, now: datetime) -> Any:
        if isinstance(heard, Silence):
            return Done(Result(Outcome.PROVIDER_FAULT, DataState.NONE, reason=Reason.NETWORK))
        if heard.http_status == 401:
            if "renewed" in state:
                return Halt("keys", "Refused twice.", now + timedelta(minutes=15), state)
            return Renew(state | {"renewed": 1})
        said = heard.body
        piece = Piece(*said["piece"]) if "piece" in said else None
        match said["then"]:
            case "ask":
                call = self.resume(subject, {"step": said["step"]}, now=now).call
                return Ask(call, {"step": said["step"]}, piece=piece)
            case "wait":
                until = now + timedelta(seconds=said["seconds"])
                return Wait(until, {"step": said["step"]}, note="the provider", piece=piece)
            case "halt":
                return Halt("keys", "The key was refused.", now + timedelta(minutes=15), state)
            case "break":
                raise RuntimeError("our own mistake")
        outcome = Outcome(said.get("outcome", "fresh"))
        data = BankData(now, (), 0, {"secret": "balance"}) if said.get("data") else None
        return Done(Result(outcome, DataState.FRESH, bank_data=data), piece=piece)

    def gathered(self, result: Result, pieces: Any) -> Result:
        """Put the pieces into one payload, in their order, where there is any."""
        if not self.gathers or not pieces:
            return result
        payload = [[name, content] for name, content in pieces.items()]
        return replace(result, bank_data=BankData(NOON, (), 0, payload))


class ScriptedProvider:
    """A provider whose answers a function gives; keeps the list of what it was asked.

    With an `office` its calls need the shared access token, and get a 401 without the current one.
    With `gathers` its answers come in pieces. Of the purposes in `here` it need not be asked.
    """

    name = "flinks"

    def __init__(
        self,
        answer: Callable[[Call], Any] | None = None,
        *,
        mint: bool = False,
        office: TokenOffice | None = None,
        gathers: bool = False,
        here: frozenset[Purpose] = frozenset(),
    ) -> None:
        self.answer = answer or usual_answer
        self.mint = mint
        self.office = office
        self.gathers = gathers
        self.here = here
        self.asked: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def conversation(self, purpose: Purpose, policy: Policy) -> ScriptedConversation:
        if purpose is Purpose.FORGET:
            raise NotOffered("This provider cannot forget.")
        return ScriptedConversation(
            mint=self.mint,
            shared=self.office is not None,
            gathers=self.gathers,
            here=purpose in self.here,
        )

    def opening(self, policy: Policy) -> None:
        return None

    def about(self, purpose: Purpose) -> str:
        return ""

    def token_call(self) -> Call | None:
        if self.office is None:
            return None
        return Call(endpoint="token", method="POST", path="token", body={}, deadline_s=5)

    def read_token(self, heard: Any, *, now: datetime) -> Grant | Halt | None:
        assert self.office is not None
        if isinstance(heard, Silence) or heard.body == "fault":
            return None
        if heard.body == "refused":
            return Halt("keys", "Our keys were refused.", now + timedelta(minutes=15), {})
        return Grant(heard.body["token"], self.office.lasts)

    def send(self, call: Call) -> Answer:
        with self.lock:
            self.asked.append((call.endpoint, (call.body or {}).get("login", "")))
        if call.endpoint == "token":
            found = self.office.mint() if self.office else None
        elif self.office and (not call.token or call.token != self.office.current):
            return Answer(401, {"error": "Invalid credentials"})
        else:
            found = self.answer(call)
        if isinstance(found, NoAnswer):
            raise found
        return Answer(200, found)

    def shown_url(self, call: Call) -> str:
        return f"http://provider/{call.path}"

    def shown_body(self, call: Call) -> dict[str, Any]:
        return dict(call.body or {})

    def envelope(self, call: Call, answer: Answer) -> Envelope:
        login_id = (call.body or {}).get("login", "")
        return Envelope(answer.http_status, "", "", f"request-of-{login_id[:8]}", "", {})

    def evidence_of(self, endpoint: str) -> str:
        return {"order": "order", "authorize": "read_back"}.get(endpoint, "")


def usual_answer(call: Call) -> dict[str, Any]:
    """Authorize leads to detail, detail ends fresh with data."""
    if call.endpoint == "mint":
        return {"then": "ask", "step": "authorize"}
    if call.endpoint == "authorize":
        return {"then": "ask", "step": "detail"}
    return {"then": "done", "data": True}
