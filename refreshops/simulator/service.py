"""What each endpoint does: the provider's own rules, without HTTP, throttle or faults."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from refreshops.simulator import challenges
from refreshops.simulator.answers import Answers, Planted, data_date, nightly_row
from refreshops.simulator.fates import (
    AUTH_KEY_MESSAGE,
    AUTHORIZE_TOKEN_MESSAGE,
    BAD_CREDENTIALS_MESSAGE,
    NO_SESSION_MESSAGE,
    PENDING_MESSAGE,
    SUCCESS,
    UNAUTHORIZED_MESSAGE,
    UNKNOWN_LOGIN_MESSAGE,
    Fate,
    Live,
    Session,
)
from refreshops.simulator.identifiers import canonical
from refreshops.simulator.messages import Malformed, Reply, Request, json_reply
from refreshops.simulator.sessions import AuthorizeTokens, Expired, OpenSession, Sessions
from refreshops.simulator.world import Login, World

DAYS = {"Days90": 90, "Days365": 365}


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys this provider gave out, and its customer."""

    customer_id: str = "43387ca6-0391-4c82-857d-70d95f087ecb"
    secret_key: str = "simulator-secret-key"  # noqa: S105
    x_api_key: str = "simulator-x-api-key"
    bearer: str = "simulator-bearer"


@dataclass(frozen=True, slots=True)
class Rules:
    """Times in seconds, and what the provider insists on."""

    require_token: bool = False
    session_seconds: float = 480.0
    token_seconds: float = 1800.0
    card_busy_seconds: float = 10.0
    body_kb: int = 50
    planted: Planted = Planted()


class Service:
    """The endpoints. `clock` returns epoch seconds."""

    def __init__(
        self, world: World, *, keys: Keys, rules: Rules, clock: Callable[[], float]
    ) -> None:
        self.world = world
        self.keys = keys
        self.rules = rules
        self.clock = clock
        self.sessions = Sessions(idle_seconds=rules.session_seconds)
        self.tokens = AuthorizeTokens(live_seconds=rules.token_seconds)
        self.answers = Answers(body_kb=rules.body_kb, planted=rules.planted)

    def now(self) -> datetime:
        """Return the clock's time as a datetime."""
        return datetime.fromtimestamp(self.clock(), UTC)

    # Tokens

    def generate_authorize_token(self, request: Request, _: str | None) -> Reply:
        """POST /GenerateAuthorizeToken: a single-use token for the secret key."""
        if request.headers.get("flinks-auth-key") != self.keys.secret_key:
            return self.answers.error(401, "UNAUTHORIZED", AUTH_KEY_MESSAGE)
        token = self.tokens.mint(at=self.clock())
        return json_reply(200, {"HttpStatusCode": 200, "Token": token})

    # Authorize

    def authorize(self, request: Request, _: str | None) -> Reply:
        """POST /Authorize: cached, live, or the answer to a challenge."""
        if not self._token_is_good(request):
            return self.answers.error(401, "UNAUTHORIZED", AUTHORIZE_TOKEN_MESSAGE)
        fields = request.fields()
        if "RequestId" in fields:
            return self._answer_challenge(fields.get("RequestId"), fields.get("SecurityResponses"))
        if "LoginId" not in fields:
            if "Username" in fields and "Password" in fields:
                return self.answers.error(400, "INVALID_LOGIN", BAD_CREDENTIALS_MESSAGE)
            raise Malformed("LoginId is missing")
        login = self.world.find(canonical(fields["LoginId"]))
        if login is None:
            return self.answers.error(400, "INVALID_LOGIN", UNKNOWN_LOGIN_MESSAGE)
        cached = fields.get("MostRecentCached", False)
        if not isinstance(cached, bool):
            raise Malformed("MostRecentCached is not a boolean")
        login.authorized_at = self.clock()
        return self._authorize_cached(login) if cached else self._authorize_live(login)

    def _token_is_good(self, request: Request) -> bool:
        token = request.headers.get("flinks-auth-key")
        if token is None:
            return not self.rules.require_token
        return self.tokens.spend(token, at=self.clock())

    def _authorize_cached(self, login: Login) -> Reply:
        """Repeat the outcome of the last refresh (seed 000)."""
        with self.world.lock:
            login.cached_call_at = self.now()
        fate = login.fate
        if fate.pending and not fate.at_data and not self._still_pending(login):
            fate = SUCCESS
        return self._outcome(login, fate)

    def _authorize_live(self, login: Login) -> Reply:
        if login.fate.live is Live.CHALLENGE:
            prompts = challenges.prompts_for(login)
            session = self._mint(login, Session.LOCKED, prompts=prompts)
            return self.answers.challenged(
                login,
                request_id=session.request_id,
                challenges=challenges.challenge_list(prompts),
            )
        if login.fate.live is Live.SUCCESS:
            return self._refreshed_now(login)
        return self._outcome(login, login.fate)

    def _refreshed_now(self, login: Login) -> Reply:
        with self.world.lock:
            login.refreshed_at = self.now()
            if not login.fate.pending:
                login.meet(SUCCESS)
            # "202 is expected on the initial call" after a live Authorize.
            login.polls_left = max(login.polls_left, 1)
        session = self._mint(login, Session.OPEN)
        return self.answers.authorized(login, request_id=session.request_id, fate=SUCCESS)

    def _outcome(self, login: Login, fate: Fate) -> Reply:
        session = None
        if fate.session is not Session.NONE:
            session = self._mint(login, fate.session)
        request_id = session.request_id if session else None
        if fate.succeeds:
            return self.answers.authorized(login, request_id=request_id or "", fate=fate)
        if fate.pending:
            return self.answers.pending(
                fate.code or "", fate.message or "", request_id=request_id or ""
            )
        return self.answers.refused(
            login,
            status=fate.status,
            code=fate.code or "",
            message=fate.message,
            request_id=request_id,
        )

    def _mint(self, login: Login, good_for: Session, prompts: tuple[str, ...] = ()) -> OpenSession:
        return self.sessions.mint(login, good_for=good_for, at=self.clock(), prompts=prompts)

    def _answer_challenge(self, request_id: object, responses: object) -> Reply:
        try:
            session = self.sessions.use(canonical(request_id), at=self.clock())
        except Expired:
            return self.answers.error(401, "SESSION_EXPIRED", None)
        if session is None:
            return self._no_session(canonical(request_id))
        login = session.login
        code: str | None = "ALREADY_AUTHORIZED"
        if session.prompts:
            code = challenges.judge(responses, prompts=session.prompts)
        if code is not None:
            return self.answers.refused(
                login, status=401, code=code, message=None, request_id=session.request_id
            )
        session.good_for, session.prompts = Session.OPEN, ()
        with self.world.lock:
            login.meet(SUCCESS)
            login.refreshed_at = self.now()
        return self.answers.authorized(login, request_id=session.request_id, fate=SUCCESS)

    # Data

    def accounts_detail(self, request: Request, request_id: str | None) -> Reply:
        """POST /GetAccountsDetail and GET /GetAccountsDetailAsync/{requestId}."""
        options = request.fields() if request.method == "POST" else {}
        days = options.get("DaysOfTransactions", "Days90")
        if days not in DAYS:
            raise Malformed("DaysOfTransactions is neither Days90 nor Days365")
        session = self._data_session(request, request_id)
        if isinstance(session, Reply):
            return session
        login = session.login
        return self.answers.detail(
            login,
            request_id=session.request_id,
            as_of=data_date(login, now=self.now()),
            days=DAYS[days],
            transactions=options.get("WithTransactions", True) is not False,
            only=options.get("AccountsFilter") or None,
        )

    def accounts_summary(self, request: Request, request_id: str | None) -> Reply:
        """POST /GetAccountsSummary and GET /GetAccountsSummaryAsync/{requestId}."""
        session = self._data_session(request, request_id)
        if isinstance(session, Reply):
            return session
        login = session.login
        as_of = data_date(login, now=self.now())
        return self.answers.summary(login, request_id=session.request_id, as_of=as_of)

    def _data_session(self, request: Request, request_id: str | None) -> OpenSession | Reply:
        """Return the session whose data may be read now, or what to answer instead."""
        if request.headers.get("x-api-key") != self.keys.x_api_key:
            return self.answers.error(401, "ACCESS_DENIED", "Authentication unsuccessful")
        try:
            session = self.sessions.use(request_id, at=self.clock())
        except Expired as expired:
            if expired.processing:
                return self.answers.error(401, "SESSION_EXPIRED", None)
            return self._no_session(request_id)
        if session is None or session.login.deleted or session.good_for is Session.ENDED:
            return self._no_session(request_id)
        if session.good_for is Session.LOCKED:
            return self.answers.error(
                401, "UNAUTHORIZED", UNAUTHORIZED_MESSAGE, request_id=session.request_id
            )
        return self._hindrance(session, polled=request.method == "GET") or session

    def _hindrance(self, session: OpenSession, *, polled: bool) -> Reply | None:
        """Return the answer of a login whose fate speaks at the data call, if it still does."""
        login, fate = session.login, session.login.fate
        if self._still_pending(login, counting=True):
            if session.processing_since is None:
                session.processing_since = self.clock()
            dispatched = fate.pending and fate.code == "OPERATION_DISPATCHED" and not polled
            return self.answers.pending(
                fate.code or "" if dispatched else "OPERATION_PENDING",
                fate.message or "" if dispatched else PENDING_MESSAGE,
                request_id=session.request_id,
            )
        session.processing_since = None
        if not fate.at_data or fate.pending or login.hiccups_left == 0:
            return None
        if login.hiccups_left is not None:
            login.hiccups_left -= 1
        if fate.code == "SESSION_NONEXISTENT":
            session.good_for = Session.ENDED
            return self._no_session(session.request_id)
        return self.answers.error(
            fate.status, fate.code, fate.message, request_id=session.request_id
        )

    def _still_pending(self, login: Login, *, counting: bool = False) -> bool:
        """Whether the live request behind the login is still at work; `counting` this as a poll."""
        with self.world.lock:
            if login.polls_left > 0:
                login.polls_left -= counting
                return True
            if not login.fate.pending or not login.pending_seconds:
                return False
            if login.busy_until is None:
                login.busy_until = self.clock() + login.pending_seconds
            return self.clock() < login.busy_until

    def _no_session(self, request_id: str | None) -> Reply:
        text = f"RequestId {request_id} is invalid or session has ended"
        return self.answers.error(
            400, "SESSION_NONEXISTENT", text if request_id else NO_SESSION_MESSAGE
        )

    # Schedule and cards

    def set_scheduled_refresh(self, request: Request, _: str | None) -> Reply:
        """PATCH /SetScheduledRefresh: either casing of its two keys; a bare JSON string back."""
        given = {key.lower(): value for key, value in request.fields().items()}
        wanted, login_id = given.get("isactivated"), given.get("loginid")
        if not isinstance(wanted, bool):
            raise Malformed("isActivated is required and is a boolean")
        login = self.world.find(canonical(login_id))
        if login is None or login.fate.name.startswith("invalid_login_id"):
            return self.answers.error(400, "INVALID_REQUEST", f"The login '{login_id}' is invalid.")
        with self.world.lock:
            login.scheduled = wanted
        state = "activated for" if wanted else "deactivated from"
        return json_reply(200, f"LoginId {login.login_id} has now been {state} automatic refresh")

    def nightly_refresh_status(self, request: Request, _: str | None) -> Reply:
        """GET /GetNightlyRefreshStatus: logins whose refresh is on but no longer happens."""
        if request.headers.get("authorization") != f"Bearer {self.keys.bearer}":
            return self.answers.error(401, "ACCESS_DENIED", "Authentication unsuccessful")
        now = self.now()
        failing = [
            nightly_row(login)
            for login in self.world.logins.values()
            if login.scheduled and not login.deleted and not login.still_eligible(now)
        ]
        return json_reply(200, {"HttpStatusCode": 200, "IneligibleCards": failing})

    def delete_card(self, request: Request, login_id: str | None) -> Reply:
        """DELETE /DeleteCard/{loginId}: refused while an Authorize is still warm (seed 001)."""
        login = self.world.find(login_id)
        if login is None:
            return self.answers.error(400, "INVALID_LOGIN", f"Invalid LoginId {login_id}")
        busy_from = login.authorized_at
        if busy_from is not None and self.clock() - busy_from < self.rules.card_busy_seconds:
            return self.answers.error(
                400, "CARD_IN_USE", "The card is still being processed, try again later"
            )
        with self.world.lock:
            login.deleted, login.scheduled = True, False
        message = f"LoginId {login.login_id} has been deleted"
        return json_reply(200, {"StatusCode": 200, "Message": message})
