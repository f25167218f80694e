"""The way of one request: route, throttle, faults, one session at a time, endpoint, latency."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from refreshops.simulator.authorization import Authorization
from refreshops.simulator.books import Books
from refreshops.simulator.data_calls import DataCalls
from refreshops.simulator.falsified import documented_error, falsify, instead_of_answer
from refreshops.simulator.fates import (
    BAD_REQUEST_MESSAGE,
    TOO_MANY_MESSAGE,
    UNKNOWN_LOGIN_MESSAGE,
)
from refreshops.simulator.faults import INSTEAD, FaultScript
from refreshops.simulator.identifiers import canonical
from refreshops.simulator.messages import Malformed, Reply, Request, json_reply
from refreshops.simulator.throttle import Throttle
from refreshops.simulator.upkeep import Upkeep

PATH = re.compile(
    r"/v3/(?P<customer>[^/]+)/BankingServices/(?P<endpoint>[A-Za-z]+)(?:/(?P<argument>[^/]+))?/?"
)
Answering = Callable[[Request, str | None], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: `argument` names what follows it in the path; a paced one takes a place."""

    method: str
    answering: Answering
    argument: str | None = None
    paced: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow the provider is, in seconds, and which Retry-After it sends (None: no header)."""

    latency: float = 0.0
    jitter: float = 0.0
    stall_seconds: float = 300.0
    retry_after: str | None = None

    def seconds(self, chance: Random) -> float:
        """Return how long one answer takes."""
        return self.latency + (chance.random() * self.jitter if self.jitter else 0.0)


@dataclass(slots=True)
class Asked:
    """What a request is about, as far as the path and the body tell."""

    endpoint: str | None
    route: Route | None
    customer: str | None
    argument: str | None
    login_id: str | None = None
    request_id: str | None = None
    provider: str = "flinks"


class Gateway:
    """Answers every request outside the control endpoints."""

    def __init__(
        self, books: Books, *, throttle: Throttle, faults: FaultScript, pace: Pace, seed: int
    ) -> None:
        self.books = books
        self.throttle = throttle
        self.faults = faults
        self.pace = pace
        self._chance = Random(f"{seed}/jitter")
        self._speaking: set[str] = set()
        self._speaking_lock = threading.Lock()
        self._routes = routes_of(books)

    def about(self, request: Request) -> Asked:
        """Return what the request is about; the login of a data call by its RequestId."""
        match = PATH.fullmatch(request.path)
        if match is None:
            return Asked(None, None, None, None)
        endpoint = match["endpoint"]
        asked = Asked(endpoint, self._routes.get(endpoint), match["customer"], match["argument"])
        fields = fields_or_none(request)
        login_id = fields.get("LoginId", fields.get("loginId"))
        request_id = fields.get("RequestId")
        if asked.route is not None and asked.route.argument == "login_id":
            login_id = asked.argument
        elif asked.route is not None and asked.route.argument == "request_id":
            request_id = asked.argument
        asked.login_id, asked.request_id = canonical(login_id), canonical(request_id)
        if asked.login_id is None:
            holder = self.books.sessions.holder(asked.request_id)
            asked.login_id = holder.login_id if holder else None
        return asked

    def answer(self, request: Request, asked: Asked, *, wait: Callable[[float], None]) -> Reply:
        """Return the reply to send. `wait` lets time pass and may raise (the client left)."""
        misdirected = self._misdirected(request, asked)
        if misdirected is not None or asked.route is None or asked.endpoint is None:
            wait(self._latency())
            return misdirected or self._not_found(request)
        if asked.route.paced and not self.throttle.admit(request.arrived):
            wait(self._latency())
            return self._too_many(request)
        with self._one_at_a_time(asked) as alone:
            if not alone:
                reply = self._refused_as("CONCURRENT_SESSION")
            else:
                reply = self._act(request, asked, asked.route)
            wait(self._latency())
        return reply

    def _act(self, request: Request, asked: Asked, route: Route) -> Reply:
        login = self.books.world.find(asked.login_id)
        own = login.faults if login else []
        fault = self.faults.pick(asked.endpoint or "", own=own)
        if fault is not None and fault.kind in INSTEAD:
            return instead_of_answer(fault, stall_seconds=self.pace.stall_seconds)
        argument = asked.request_id if route.argument != "login_id" else asked.login_id
        try:
            reply = self._checked(request) or route.answering(request, argument)
        except Malformed as reason:
            text = f"{BAD_REQUEST_MESSAGE}. {reason}"
            reply = self.books.answers.error(400, "INVALID_REQUEST", text)
        if fault is not None:
            return falsify(reply, fault, stall_seconds=self.pace.stall_seconds)
        return reply

    def _checked(self, request: Request) -> Reply | None:
        """Refuse a wrong key wherever one is sent; the data calls insist on it themselves."""
        given = request.headers.get("x-api-key")
        if given is None or given == self.books.keys.x_api_key:
            return None
        return self.books.answers.error(401, "ACCESS_DENIED", "Authentication unsuccessful")

    @contextmanager
    def _one_at_a_time(self, asked: Asked) -> Iterator[bool]:
        """Yield False when another Authorize for this login is being answered right now."""
        login_id = asked.login_id
        if asked.endpoint != "Authorize" or login_id is None:
            yield True
            return
        with self._speaking_lock:
            alone = login_id not in self._speaking
            self._speaking.add(login_id)
        try:
            yield alone
        finally:
            if alone:
                with self._speaking_lock:
                    self._speaking.discard(login_id)

    def _misdirected(self, request: Request, asked: Asked) -> Reply | None:
        route = asked.route
        if route is None or (route.argument is None) != (asked.argument is None):
            return self._not_found(request)
        if request.method != route.method:
            text = f"The requested resource does not support http method '{request.method}'."
            reply = json_reply(405, {"HttpStatusCode": 405, "Message": text})
            reply.headers["Allow"] = route.method
            return reply
        if asked.customer != self.books.keys.customer_id:
            return self.books.answers.error(400, "INVALID_LOGIN", UNKNOWN_LOGIN_MESSAGE)
        return None

    def _not_found(self, request: Request) -> Reply:
        text = f"No HTTP resource was found that matches the request URI '{request.path}'."
        return json_reply(404, {"HttpStatusCode": 404, "Message": text})

    def _too_many(self, request: Request) -> Reply:
        form = self.pace.retry_after
        if form == "seconds":
            form = str(int(self.throttle.free_in_seconds(request.arrived)) + 1)
        return documented_error(
            {
                "status": 401,
                "code": "TOO_MANY_REQUESTS",
                "message": self.books.rules.planted.message(TOO_MANY_MESSAGE),
                "retry_after": form,
            }
        )

    def _refused_as(self, code: str) -> Reply:
        return self.books.answers.error(401, code, None)

    def _latency(self) -> float:
        return self.pace.seconds(self._chance)


def fields_or_none(request: Request) -> dict[str, Any]:
    """Return the JSON object of the body, empty when there is none."""
    if not request.body:
        return {}
    try:
        return request.fields()
    except Malformed:
        return {}


def routes_of(books: Books) -> dict[str, Route]:
    """Return every endpoint by its name."""
    authorization, data, upkeep = Authorization(books), DataCalls(books), Upkeep(books)
    detail, summary = data.accounts_detail, data.accounts_summary
    return {
        "GenerateAuthorizeToken": Route("POST", authorization.generate_authorize_token),
        "Authorize": Route("POST", authorization.authorize, paced=True),
        "GetAccountsDetail": Route("POST", detail),
        "GetAccountsDetailAsync": Route("GET", detail, argument="request_id"),
        "GetAccountsSummary": Route("POST", summary),
        "GetAccountsSummaryAsync": Route("GET", summary, argument="request_id"),
        "SetScheduledRefresh": Route("PATCH", upkeep.set_scheduled_refresh, paced=True),
        "GetNightlyRefreshStatus": Route("GET", upkeep.nightly_refresh_status),
        "DeleteCard": Route("DELETE", upkeep.delete_card, argument="login_id", paced=True),
    }
