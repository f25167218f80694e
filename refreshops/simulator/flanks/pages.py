"""The pages a customer sees at the fake Flanks: one password or one code, and the way back."""

import threading
from html import escape
from urllib.parse import parse_qs, urlencode

from refreshops.simulator.connect_pages import HEADERS
from refreshops.simulator.flanks.books import FlanksBooks
from refreshops.simulator.flanks.fates import FLANKS_FATES, OK
from refreshops.simulator.flanks.sessions import CONNECT_PREFIX, ConnectSession, SessionStatus
from refreshops.simulator.messages import Reply, Request

HTML = "text/html; charset=utf-8"
ABORTED = "ABORTED_BY_USER"
# What the testbank's words do (flanks-api.md section 3); any other password or code is right.
FAILING_PASSWORDS = {
    "INVALID_CREDENTIALS": "InvalidCredentials",
    "INTERNAL_ERROR": "InternalError",
    "USER_INTERACTION_NEEDED": "UserInteractionNeeded",
    "SCA_TYPE_NOT_ALLOWED": "UnsupportedChallengeMethod",
    "ALREADY_EXISTS": "CREDENTIALS_ALREADY_EXIST",
}
FAILING_CODES = {
    "INVALID_SCA": "InvalidChallengeResponse",
    "INTERNAL_ERROR": "InternalError",
    "USER_INTERACTION_NEEDED": "UserInteractionNeeded",
}
DATA_ERROR = "DATA_ERROR_PRODUCT_"
ASKS_FOR_A_CODE = "SCA_"


class FlanksPages:
    """Answers everything below CONNECT_PREFIX: a page by GET, a step by POST."""

    def __init__(self, books: FlanksBooks) -> None:
        self._books = books
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Reply:
        """Return the reply to one request of a browser."""
        session = self._books.sessions.by_id.get(request.path.removeprefix(CONNECT_PREFIX))
        if session is None:
            return _notice("There is no such page.", status=404)
        if request.method not in ("GET", "POST"):
            return _notice("That cannot be done here.", status=405)
        with self._lock:
            if not session.waiting:
                return _notice("This page has been used already.", status=410)
            if request.method == "GET":
                return self._show(session)
            fields = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
            return self._step(session, {name: values[0] for name, values in fields.items()})

    def _step(self, session: ConnectSession, fields: dict[str, str]) -> Reply:
        match (fields.get("action"), session.status):
            case ("abort", _):
                return self._finish(session, ABORTED)
            case ("password", SessionStatus.WAITING_CREDENTIALS) if fields.get("password"):
                return self._password(session, fields["password"].strip())
            case ("code", SessionStatus.WAITING_CHALLENGE) if fields.get("code"):
                return self._finish(session, FAILING_CODES.get(fields["code"].strip()))
        return self._show(session)

    def _password(self, session: ConnectSession, password: str) -> Reply:
        error = FAILING_PASSWORDS.get(password)
        if error is None and password.startswith(ASKS_FOR_A_CODE):
            session.status = SessionStatus.WAITING_CHALLENGE
            return _to(f"{CONNECT_PREFIX}{session.session_id}")
        if password.startswith(DATA_ERROR):
            session.fate = f"errored_{password.removeprefix(DATA_ERROR).lower()}"
        return self._finish(session, error)

    def _finish(self, session: ConnectSession, error: str | None) -> Reply:
        session.finish(error)
        credential = self._books.world.find(session.connection_id)
        if error is None and credential is not None:
            self._books.cure(credential, FLANKS_FATES.get(session.fate or "", OK))
        told = {"session_id": session.session_id}
        if error is not None:
            told["error"] = error
        joint = "&" if "?" in session.redirect_url else "?"
        return _to(f"{session.redirect_url}{joint}{urlencode(told)}")

    def _show(self, session: ConnectSession) -> Reply:
        credential = self._books.world.find(session.connection_id)
        bank = credential.bank.title if credential is not None else ""
        if session.status is SessionStatus.WAITING_CHALLENGE:
            title, hints = f"Confirm at {bank}", FAILING_CODES
            form = _form(
                session, "code", _field("code", "The code that your bank sent", kind="text")
            )
        else:
            title, hints = f"Sign in at {bank}", FAILING_PASSWORDS
            form = _form(session, "password", _field("password", "Password", kind="password"))
        abort = _form(session, "abort", '<button class="plain">Cancel</button>', button="")
        told = [f"Anything is right but {', '.join(hints)}."]
        if hints is FAILING_PASSWORDS:
            told += ["SCA_SMS asks for a code, too.", f"{DATA_ERROR}ACCOUNT spoils accounts."]
        hint = "".join(f"<li>{escape(text)}</li>" for text in told)
        inner = f"<h1>{escape(title)}</h1>{form}{abort}"
        return _page(title, inner, aside=f'<aside class="hint"><ul>{hint}</ul></aside>')


def _field(name: str, label: str, *, kind: str) -> str:
    return (
        f'<label>{escape(label)}<input type="{kind}" name="{name}" value="" required'
        ' autocomplete="off" autocapitalize="none" spellcheck="false"></label>'
    )


def _form(
    session: ConnectSession, action: str, inner: str, *, button: str = "<button>Continue</button>"
) -> str:
    return (
        f'<form method="post" id="{action}" action="{CONNECT_PREFIX}{session.session_id}">'
        f'<input type="hidden" name="action" value="{action}">{inner}{button}</form>'
    )


def _notice(text: str, *, status: int) -> Reply:
    return _page("Flanks", f"<h1>Flanks</h1><p>{escape(text)}</p>", status=status)


def _page(title: str, inner: str, *, aside: str = "", status: int = 200) -> Reply:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · SIMULATOR</title>"
        '<link rel="icon" href="/v2/assets/connect.svg">'
        '<link rel="stylesheet" href="/v2/assets/connect.css"></head>'
        '<body data-events="[]"><p class="banner">Simulator: a fake Flanks. No bank is asked.</p>'
        f"<main>{inner}</main>{aside}</body></html>"
    )
    return Reply(status, html.encode(), content_type=HTML, headers=dict(HEADERS))


def _to(address: str) -> Reply:
    headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Reply(303, b"", content_type="text/plain", headers=headers)
