"""GenerateAuthorizeToken and Authorize: cached, live, and the answer to a challenge."""

from refreshops.simulator import challenges
from refreshops.simulator.books import Books
from refreshops.simulator.fates import (
    AUTH_KEY_MESSAGE,
    AUTHORIZE_TOKEN_MESSAGE,
    BAD_CREDENTIALS_MESSAGE,
    SUCCESS,
    UNKNOWN_LOGIN_MESSAGE,
    Fate,
    Live,
    Session,
)
from refreshops.simulator.identifiers import canonical
from refreshops.simulator.messages import Malformed, Reply, Request, json_reply
from refreshops.simulator.sessions import Expired, OpenSession
from refreshops.simulator.world import Login


class Authorization:
    """The endpoints that open a session."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def generate_authorize_token(self, request: Request, _: str | None) -> Reply:
        """POST /GenerateAuthorizeToken: a single-use token for the secret key."""
        if request.headers.get("flinks-auth-key") != self._books.keys.secret_key:
            return self._books.answers.error(401, "UNAUTHORIZED", AUTH_KEY_MESSAGE)
        token = self._books.tokens.mint(at=self._books.clock())
        return json_reply(200, {"HttpStatusCode": 200, "Token": token})

    def authorize(self, request: Request, _: str | None) -> Reply:
        """POST /Authorize: cached, live, or the answer to a challenge."""
        if not self._token_is_good(request):
            return self._books.answers.error(401, "UNAUTHORIZED", AUTHORIZE_TOKEN_MESSAGE)
        fields = request.fields()
        if "RequestId" in fields:
            return self._answer_challenge(fields.get("RequestId"), fields.get("SecurityResponses"))
        if "LoginId" not in fields:
            if "Username" in fields and "Password" in fields:
                return self._books.answers.error(400, "INVALID_LOGIN", BAD_CREDENTIALS_MESSAGE)
            raise Malformed("LoginId is missing")
        login = self._books.world.find(canonical(fields["LoginId"]))
        if login is None:
            return self._books.answers.error(400, "INVALID_LOGIN", UNKNOWN_LOGIN_MESSAGE)
        cached = fields.get("MostRecentCached", False)
        if not isinstance(cached, bool):
            raise Malformed("MostRecentCached is not a boolean")
        login.authorized_at = self._books.clock()
        return self._authorize_cached(login) if cached else self._authorize_live(login)

    def _token_is_good(self, request: Request) -> bool:
        token = request.headers.get("flinks-auth-key")
        if token is None:
            return not self._books.rules.require_token
        return self._books.tokens.spend(token, at=self._books.clock())

    def _authorize_cached(self, login: Login) -> Reply:
        """Repeat the outcome of the last refresh (seed 000)."""
        with self._books.world.lock:
            login.cached_call_at = self._books.now()
        fate = login.fate
        if fate.pending and not fate.at_data and not self._books.still_pending(login):
            fate = SUCCESS
        return self._outcome(login, fate)

    def _authorize_live(self, login: Login) -> Reply:
        if login.fate.live is Live.CHALLENGE:
            prompts = challenges.prompts_for(login)
            session = self._mint(login, Session.LOCKED, prompts=prompts)
            return self._books.answers.challenged(
                login,
                request_id=session.request_id,
                challenges=challenges.challenge_list(prompts),
            )
        if login.fate.live is Live.SUCCESS:
            return self._refreshed_now(login)
        return self._outcome(login, login.fate)

    def _refreshed_now(self, login: Login) -> Reply:
        with self._books.world.lock:
            login.refreshed_at = self._books.now()
            if not login.fate.pending:
                login.meet(SUCCESS)
            # "202 is expected on the initial call" after a live Authorize.
            login.polls_left = max(login.polls_left, 1)
        session = self._mint(login, Session.OPEN)
        self._books.tell_refreshed(login, request_id=session.request_id)
        return self._books.answers.authorized(login, request_id=session.request_id, fate=SUCCESS)

    def _outcome(self, login: Login, fate: Fate) -> Reply:
        session = None
        if fate.session is not Session.NONE:
            session = self._mint(login, fate.session)
        request_id = session.request_id if session else None
        if fate.succeeds:
            return self._books.answers.authorized(login, request_id=request_id or "", fate=fate)
        if fate.pending:
            return self._books.answers.pending(
                fate.code or "", fate.message or "", request_id=request_id or ""
            )
        return self._books.answers.refused(
            login,
            status=fate.status,
            code=fate.code or "",
            message=fate.message,
            request_id=request_id,
        )

    def _mint(self, login: Login, good_for: Session, prompts: tuple[str, ...] = ()) -> OpenSession:
        return self._books.sessions.mint(
            login, good_for=good_for, at=self._books.clock(), prompts=prompts
        )

    def _answer_challenge(self, request_id: object, responses: object) -> Reply:
        try:
            session = self._books.sessions.use(canonical(request_id), at=self._books.clock())
        except Expired:
            return self._books.answers.error(401, "SESSION_EXPIRED", None)
        if session is None:
            return self._books.no_session(canonical(request_id))
        login = session.login
        code: str | None = "ALREADY_AUTHORIZED"
        if session.prompts:
            code = challenges.judge(responses, prompts=session.prompts)
        if code is not None:
            return self._books.answers.refused(
                login, status=401, code=code, message=None, request_id=session.request_id
            )
        self._books.cure(session)
        return self._books.answers.authorized(login, request_id=session.request_id, fate=SUCCESS)
