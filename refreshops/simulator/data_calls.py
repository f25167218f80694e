"""GetAccountsDetail and GetAccountsSummary, with their Async twins: data for a RequestId."""

from refreshops.simulator.answers import data_date
from refreshops.simulator.books import Books
from refreshops.simulator.fates import PENDING_MESSAGE, UNAUTHORIZED_MESSAGE, Session
from refreshops.simulator.messages import Malformed, Reply, Request
from refreshops.simulator.sessions import Expired, OpenSession

DAYS = {"Days90": 90, "Days365": 365}


class DataCalls:
    """The endpoints that use a session."""

    def __init__(self, books: Books) -> None:
        self._books = books

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
        return self._books.answers.detail(
            login,
            request_id=session.request_id,
            as_of=data_date(login, now=self._books.now()),
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
        as_of = data_date(login, now=self._books.now())
        return self._books.answers.summary(login, request_id=session.request_id, as_of=as_of)

    def _data_session(self, request: Request, request_id: str | None) -> OpenSession | Reply:
        """Return the session whose data may be read now, or what to answer instead."""
        if request.headers.get("x-api-key") != self._books.keys.x_api_key:
            return self._books.answers.error(401, "ACCESS_DENIED", "Authentication unsuccessful")
        try:
            session = self._books.sessions.use(request_id, at=self._books.clock())
        except Expired as expired:
            if expired.processing:
                return self._books.answers.error(401, "SESSION_EXPIRED", None)
            return self._books.no_session(request_id)
        if session is None or session.login.deleted or session.good_for is Session.ENDED:
            return self._books.no_session(request_id)
        if session.good_for is Session.LOCKED:
            return self._books.answers.error(
                401, "UNAUTHORIZED", UNAUTHORIZED_MESSAGE, request_id=session.request_id
            )
        return self._hindrance(session, polled=request.method == "GET") or session

    def _hindrance(self, session: OpenSession, *, polled: bool) -> Reply | None:
        """Return the answer of a login whose fate speaks at the data call, if it still does."""
        login, fate = session.login, session.login.fate
        if self._books.still_pending(login, counting=True):
            if session.processing_since is None:
                session.processing_since = self._books.clock()
            dispatched = fate.pending and fate.code == "OPERATION_DISPATCHED" and not polled
            return self._books.answers.pending(
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
            return self._books.no_session(session.request_id)
        return self._books.answers.error(
            fate.status, fate.code, fate.message, request_id=session.request_id
        )
