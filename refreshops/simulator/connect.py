"""The fake Flinks Connect under /v2/: its parameters, its steps, and the way back."""

import threading
from collections.abc import Callable
from urllib.parse import parse_qs, unquote

from refreshops.simulator import challenges
from refreshops.simulator.answers import data_date
from refreshops.simulator.banks import FLINKS_CAPITAL, Bank, bank_called
from refreshops.simulator.books import Books
from refreshops.simulator.connect_hints import hints_for
from refreshops.simulator.connect_pages import asset, notice, page_of
from refreshops.simulator.fates import AUTHORIZE_TOKEN_MESSAGE
from refreshops.simulator.identifiers import canonical
from refreshops.simulator.ledger import accounts_of
from refreshops.simulator.messages import Reply, Request
from refreshops.simulator.onboarding import Onboarding, Person
from refreshops.simulator.sessions import Expired, OpenSession
from refreshops.simulator.visits import BadWish, Step, Visit, Visits, Wishes
from refreshops.simulator.world import Login, Recipe

PREFIX = "/v2/"
Fields = dict[str, list[str]]


class Connect:
    """Answers everything under /v2/. A page is shown by GET, a step taken by POST."""

    def __init__(self, books: Books, *, recipe: Recipe) -> None:
        self._books = books
        self._onboarding = Onboarding(books, recipe=recipe)
        self._visits = Visits(idle_seconds=books.rules.session_seconds)
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Reply:
        """Return the reply to one request of a browser."""
        with self._lock:
            return self._answer(request)

    def _answer(self, request: Request) -> Reply:
        match [unquote(part) for part in request.path.removeprefix(PREFIX).split("/") if part]:
            case ["assets", name] if request.method == "GET":
                return asset(name) or _nothing_there()
            case ["visit", visit_id]:
                return self._visited(request, visit_id)
            case [] if request.method == "GET":
                return self._open(request.query, bank=None)
            case ["Credential", name] if request.method == "GET":
                return self._open(request.query, bank=bank_called(name))
        return _nothing_there()

    # --- The way in ---

    def _open(self, query: dict[str, str], *, bank: Bank | None) -> Reply:
        try:
            wishes = Wishes.read(query)
        except BadWish as reason:
            return notice("bad_link", status=400, text=str(reason), code="INVALID_REQUEST")
        if not self._token_is_good(query.get("authorizeToken")):
            return notice(
                "bad_token",
                status=401,
                language=wishes.language,
                text=AUTHORIZE_TOKEN_MESSAGE,
                code="UNAUTHORIZED",
            )
        session = None
        if "requestId" in query:
            session = self._handed_over(query["requestId"])
            if session is None:
                return _expired(wishes.language)
        visit = self._visits.begin(wishes, step=Step.INSTITUTIONS, at=self._books.clock())
        if bank is not None:
            self._choose(visit, bank)
        if session is not None:
            visit.session, visit.bank = session, session.login.bank
            visit.step, visit.prompts = Step.MFA, session.prompts
        elif wishes.consent:
            visit.step = Step.CONSENT
        return _to(f"{PREFIX}visit/{visit.visit_id}")

    def _token_is_good(self, token: str | None) -> bool:
        if token is None:
            return not self._books.rules.require_token
        return self._books.tokens.spend(token, at=self._books.clock())

    def _handed_over(self, request_id: str) -> OpenSession | None:
        """Return the live session that waits for an answer, None when there is none such."""
        try:
            session = self._books.sessions.use(canonical(request_id), at=self._books.clock())
        except Expired:
            return None
        if session is None or not session.prompts or session.login.deleted:
            return None
        return session

    # --- The steps ---

    def _visited(self, request: Request, visit_id: str) -> Reply:
        visit = self._visits.use(visit_id, at=self._books.clock())
        if visit is None:
            return _expired("en")
        if request.method == "GET":
            return self._show(visit)
        if request.method != "POST":
            return _nothing_there()
        fields = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        action = _first(fields, "action")
        taking = self._steps().get((visit.step, action))
        visit.framed = visit.framed or _first(fields, "framed") == "1"
        if taking is not None:
            visit.problem = None
            if not taking(visit, fields):
                return _expired(visit.wishes.language)
        elif action == "close" and visit.wishes.closable and visit.step is not Step.DONE:
            visit.step = Step.CLOSED
        landing = visit.landing() if visit.step is Step.DONE else None
        framed_or_nowhere = visit.framed or landing is None
        return _to(f"{PREFIX}visit/{visit.visit_id}" if framed_or_nowhere else landing or "")

    def _steps(self) -> dict[tuple[Step, str], Callable[[Visit, Fields], bool]]:
        """Return what may be done where; each tells whether the session is still alive."""
        return {
            (Step.CONSENT, "accept"): self._accept,
            (Step.CONSENT, "deny"): self._deny,
            (Step.INSTITUTIONS, "institution"): self._institution,
            (Step.CREDENTIAL, "back"): self._back,
            (Step.CREDENTIAL, "credential"): self._credential,
            (Step.MFA, "mfa"): self._mfa,
            (Step.ACCOUNTS, "accounts"): self._accounts_chosen,
        }

    def _accept(self, visit: Visit, fields: Fields) -> bool:
        visit.once.append({"step": "COMPONENT_ACCEPT_CONSENT"})
        visit.step = Step.INSTITUTIONS if visit.bank is None else Step.CREDENTIAL
        return True

    def _deny(self, visit: Visit, fields: Fields) -> bool:
        visit.once.append({"step": "COMPONENT_DENY_CONSENT"})
        visit.step = Step.CLOSED
        return True

    def _institution(self, visit: Visit, fields: Fields) -> bool:
        bank = bank_called(_first(fields, "institution"))
        if bank is not None:
            self._choose(visit, bank)
        return True

    def _choose(self, visit: Visit, bank: Bank) -> None:
        visit.bank, visit.step = bank, Step.CREDENTIAL
        visit.once.append({"step": "INSTITUTION_SELECTED", "institution": bank.name})

    def _back(self, visit: Visit, fields: Fields) -> bool:
        visit.step = Step.INSTITUTIONS
        return True

    def _credential(self, visit: Visit, fields: Fields) -> bool:
        visit.username = _first(fields, "username").strip()
        person = self._person(visit)
        code = self._onboarding.refusal(person, password=_first(fields, "password"))
        if code is not None:
            return self._wrong(visit, code, words=code)
        visit.prompts = self._onboarding.prompts(person)
        if visit.prompts:
            visit.step = Step.MFA
        else:
            self._connected(visit, person)
        return True

    def _mfa(self, visit: Visit, fields: Fields) -> bool:
        session = visit.session
        if session is not None and self._handed_over(session.request_id) is None:
            return False
        answers = {
            prompt: [_first(fields, f"answer-{place}")]
            for place, prompt in enumerate(visit.prompts)
        }
        code = challenges.judge(answers, prompts=visit.prompts)
        if code is not None:
            return self._wrong(visit, code, words="wrong_answer")
        if session is None:
            self._connected(visit, self._person(visit))
            return True
        with self._books.world.lock:
            tag = visit.wishes.tag
            session.login.tag = session.login.tag if tag is None else tag
        self._books.cure(session)
        self._finish(visit, session.login)
        return True

    def _wrong(self, visit: Visit, code: str, *, words: str) -> bool:
        visit.problem = words
        visit.once.append({"step": code, "institution": visit.bank_name})
        return True

    def _accounts_chosen(self, visit: Visit, fields: Fields) -> bool:
        ids = [row["Id"] for row in self._accounts(visit)]
        chosen = [given for given in fields.get("account", []) if given in ids]
        if chosen:
            visit.account_ids = tuple(chosen if visit.wishes.several_accounts else chosen[:1])
            visit.once.append({"step": "ACCOUNT_SELECTED"})
            visit.step = Step.DONE
        return True

    def _connected(self, visit: Visit, person: Person) -> None:
        login = self._onboarding.connect(
            person, tag=visit.wishes.tag, scheduled=visit.wishes.scheduled
        )
        self._finish(visit, login)

    def _finish(self, visit: Visit, login: Login) -> None:
        visit.login, visit.bank = login, login.bank
        visit.step = Step.ACCOUNTS if visit.wishes.select_accounts else Step.DONE

    def _person(self, visit: Visit) -> Person:
        # Nobody signs in before choosing one; the default is for the type alone.
        return Person(visit.bank or FLINKS_CAPITAL, visit.username, visit.wishes.language)

    # --- The pages ---

    def _show(self, visit: Visit) -> Reply:
        accounts = self._accounts(visit) if visit.step is Step.ACCOUNTS else []
        return page_of(
            visit, hints=hints_for(visit, onboarding=self._onboarding), accounts=accounts
        )

    def _accounts(self, visit: Visit) -> list[dict[str, object]]:
        if visit.login is None:
            return []
        as_of = data_date(visit.login, now=self._books.now())
        return accounts_of(visit.login, as_of=as_of, body_kb=4, days=1)


def _first(fields: Fields, name: str) -> str:
    return fields.get(name, [""])[0]


def _to(address: str) -> Reply:
    headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Reply(303, b"", content_type="text/plain", headers=headers)


def _expired(language: str) -> Reply:
    return notice("expired", status=401, language=language, code="SESSION_EXPIRED")


def _nothing_there() -> Reply:
    return Reply(404, b"There is no such page.", content_type="text/plain; charset=utf-8")
