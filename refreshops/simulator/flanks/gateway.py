"""The way of one request to the fake Flanks: route, bearer, throttle, faults, endpoint, latency."""

import json
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from refreshops.simulator.falsified import falsify, instead_of_answer, retry_after
from refreshops.simulator.faults import INSTEAD, Fault, FaultScript
from refreshops.simulator.flanks.books import FlanksBooks
from refreshops.simulator.flanks.connect_calls import ConnectCalls
from refreshops.simulator.flanks.endpoints import CONFIGURATION, Endpoints, Refused
from refreshops.simulator.gateway import Asked, Pace, Route, fields_or_none
from refreshops.simulator.messages import Malformed, Reply, Request
from refreshops.simulator.throttle import Throttle

PREFIXES = ("/v0/", "/connect/v2/")
CREDENTIALS = "/v0/bank/credentials"
DATA = (
    *("account", "portfolio", "investment", "card", "liability", "holder", "auth", "data"),
    *("card/transaction", "investment/transaction", "liability/transaction"),
)


class FlanksGateway:
    """Answers every request below one of the prefixes."""

    def __init__(
        self, books: FlanksBooks, *, throttle: Throttle, faults: FaultScript, pace: Pace, seed: int
    ) -> None:
        self.books = books
        self.throttle = throttle
        self.faults = faults
        self.pace = pace
        self._chance = Random(f"{seed}/flanks jitter")
        self._routes = _routes_of(books)

    def about(self, request: Request) -> Asked:
        """Return what the request is about, as far as path and body tell."""
        by_method = self._routes.get(_path_of(request), {})
        endpoint, route = by_method.get(request.method) or next(
            iter(by_method.values()), (None, None)
        )
        fields = fields_or_none(request)
        return Asked(endpoint, route, None, None, login_id=_token_in(fields), provider="flanks")

    def answer(self, request: Request, asked: Asked, *, wait: Callable[[float], None]) -> Reply:
        """Return the reply to send. `wait` lets time pass and may raise (the client left)."""
        reply = self._answer(request, asked)
        wait(self.pace.seconds(self._chance))
        return reply

    def _answer(self, request: Request, asked: Asked) -> Reply:
        refuse = self.books.refuse
        if asked.route is None:
            return refuse(404, "Not found")
        if asked.route.method != request.method:
            reply = refuse(405, "Method not allowed")
            reply.headers["Allow"] = ", ".join(self._routes[_path_of(request)])
            return reply
        unknown = None if asked.endpoint == "token" else self._unknown_bearer(request)
        if unknown is not None:
            return unknown
        credential = self.books.world.find(asked.login_id)
        polled = asked.endpoint == "credentials/status" and credential and credential.waiting
        if asked.route.paced and not polled and not self.throttle.admit(request.arrived):
            return self._too_many(request)
        own = credential.faults if credential else []
        fault = self.faults.pick(asked.endpoint or "", own=own)
        if fault is not None and fault.kind in INSTEAD:
            return self._instead(fault)
        reply = self._act(request, asked.route)
        return reply if fault is None else self._spoilt(reply, fault)

    def _act(self, request: Request, route: Route) -> Reply:
        if request.method != "GET" and "json" not in request.headers.get("content-type", ""):
            return self.books.refuse(415, "Not matching body content type")
        try:
            return route.answering(request, None)
        except Malformed:
            return self.books.refuse(400, "Invalid body", CONFIGURATION)
        except Refused as refused:
            return refused.reply

    def _unknown_bearer(self, request: Request) -> Reply | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return self.books.refuse(401, "Not authenticated")
        if not self.books.tokens.is_good(token.strip(), at=self.books.clock()):
            return self.books.refuse(401, "Invalid credentials")
        return None

    def _too_many(self, request: Request) -> Reply:
        # No document tells of a limit; this is what others say.
        reply = self.books.refuse(429, "Too many requests")
        seconds = int(self.throttle.free_in_seconds(request.arrived)) + 1
        form = self.pace.retry_after
        reply.headers |= retry_after(str(seconds) if form == "seconds" else form)
        return reply

    def _instead(self, fault: Fault) -> Reply:
        if fault.kind != "code":
            return instead_of_answer(fault, stall_seconds=self.pace.stall_seconds)
        details = fault.details
        code = details.get("code")
        reply = self.books.refuse(
            int(details.get("status", 400)), details.get("message") or "Error", code
        )
        reply.headers |= retry_after(details.get("retry_after"))
        return reply

    def _spoilt(self, reply: Reply, fault: Fault) -> Reply:
        if fault.kind != "duplicate_keys":
            return falsify(reply, fault, stall_seconds=self.pace.stall_seconds)
        value = json.loads(reply.body)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict) and first:
            key = json.dumps(next(iter(first)))
            reply.body = reply.body.replace(b"{", f"{{{key}:true,".encode(), 1)
        return reply


def _path_of(request: Request) -> str:
    return request.path.rstrip("/")


def _token_in(fields: dict[str, Any]) -> str | None:
    """Return the credential a body speaks of: its own words differ between the two APIs."""
    wishes, query = fields.get("configuration"), fields.get("query")
    found = fields.get("credentials_token")
    if found is None and isinstance(wishes, dict):
        found = wishes.get("connection_id")
    if found is None and isinstance(query, dict):
        asked = query.get("connection_id_in")
        found = asked[0] if isinstance(asked, list) and len(asked) == 1 else None
    return found if isinstance(found, str) else None


def _routes_of(books: FlanksBooks) -> dict[str, dict[str, tuple[str, Route]]]:
    """Return every endpoint, with the name it is logged by, by its path and its method."""
    calls, connect = Endpoints(books), ConnectCalls(books)

    def by_body(answering: Callable[..., Reply], *more: str) -> Callable[..., Reply]:
        return lambda request, _: answering(request.fields(), *more)

    def at_host(answering: Callable[..., Reply]) -> Callable[..., Reply]:
        return lambda request, _: answering(request.fields(), _origin_of(request))

    routes: dict[tuple[str, str], tuple[str, Callable[..., Reply], bool]] = {
        ("POST", "/v0/token"): ("token", by_body(calls.token), False),
        ("POST", f"{CREDENTIALS}/status"): ("credentials/status", by_body(calls.status), True),
        ("PUT", f"{CREDENTIALS}/status"): ("credentials/force", by_body(calls.force), True),
        ("POST", f"{CREDENTIALS}/list"): ("credentials/list", by_body(calls.list), False),
        ("DELETE", CREDENTIALS): ("credentials", by_body(calls.delete), True),
        ("GET", "/v0/bank/available"): ("bank/available", partial(_bodiless, calls.banks), False),
        **{
            ("POST", f"{CREDENTIALS}/{kind}"): (kind, by_body(calls.data, kind), False)
            for kind in DATA
        },
        **{
            ("POST", f"/connect/v2/{name}"): (name, at_host(answering), False)
            for name, answering in (
                ("connectors/list-connectors", connect.list_connectors),
                ("sessions/create-session", connect.create_session),
                ("sessions/list-sessions", connect.list_sessions),
            )
        },
    }
    found: dict[str, dict[str, tuple[str, Route]]] = {}
    for (method, path), (name, answering, paced) in routes.items():
        found.setdefault(path, {})[method] = (name, Route(method, answering, paced=paced))
    return found


def _bodiless(answering: Callable[..., Reply], request: Request, _: str | None) -> Reply:
    return answering({})


def _origin_of(request: Request) -> str:
    return f"http://{request.headers.get('host', '127.0.0.1')}"
