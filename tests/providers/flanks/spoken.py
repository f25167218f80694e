"""Answers in the documented shapes with values of our own, and a way to play a whole script."""

import json
from datetime import UTC, datetime, timedelta

from refreshops.providers.contract import (
    Answer,
    Ask,
    Done,
    Halt,
    Policy,
    Renew,
    Silence,
    Subject,
    Wait,
)
from refreshops.providers.redaction import Scrubber

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
LOGIN_ID = "Tk-9f27.c4_b1~e0a8d5"
OTHER_LOGIN_ID = "another-token-77"
SESSION_ID = "5e55-10n-0f-Ana-Gomez"
SECRET = "canary-client-secret"
TONIGHT_AT = datetime(2026, 3, 3, 4, 12, tzinfo=UTC)
DAYS_AGO_AT = datetime(2026, 2, 27, 4, 12, tzinfo=UTC)
LONG_AGO_AT = datetime(2026, 1, 5, 4, 12, tzinfo=UTC)
IN_THE_FUTURE_AT = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
PRODUCTS = ("account", "portfolio", "investment", "card", "liability")
NAMES = ("auth", "account", "card", "portfolio", "investment", "liability", "holders")
BACK = "https://desk.example/connect/back/"

SUBJECT = Subject(LOGIN_ID)
POLICY = Policy()
NETWORK = Silence("network", "out of time")
HTML_502 = Silence("unreadable", "HTML instead of JSON", 502)
HTML_200 = Silence("unreadable", "HTML instead of JSON", 200)
HTML_401 = Silence("unreadable", "HTML instead of JSON", 401)
TERMS = {
    "policy": POLICY,
    "scrubber": Scrubber(secrets=[SECRET]),
    "products": PRODUCTS,
    "return_url": BACK,
}


def status(*, at=TONIGHT_AT, failed=(), unmade=(), key="transaction", bad_lists=(), **changes):
    """A good status; `failed` and `unmade` name products, `bad_lists` kinds of transactions."""
    body = {
        "pending": False,
        "blocked": False,
        "reset_token": None,
        "sca_token": None,
        "transaction_token": None,
        "name": "banco-norte",
        "last_transaction_date": "2026-03-01",
        "last_update": at.strftime("%Y-%m-%d") if at else None,
        "time": at.strftime("%H:%M") if at else None,
        "last_update_timestamp": int(at.timestamp()) if at else None,
        "created_at_timestamp": int(datetime(2025, 5, 5, tzinfo=UTC).timestamp()),
        "errored": {
            "product": {name: name in failed for name in NAMES},
            key: {kind: kind in bad_lists for kind in ("account", "card", "investment")},
        },
        "created": {
            "product": {name: name not in unmade for name in NAMES},
            key: dict.fromkeys(("account", "card", "investment"), True),
        },
    }
    return Answer(200, body | changes)


def refused(code=None, *, http=400, text="It did not work.", key="error"):
    """An error answer; without a code it has none."""
    body = {key: text} | ({"error_code": code} if code is not None else {})
    return Answer(http, body)


def data(*names):
    """A data answer with one thing for each name."""
    return Answer(
        200,
        [
            {
                "_id": f"id-{name}",
                "iban": "ES7921000813610123456789",
                "alias": name,
                "balance": 1234.5,
                "currency": "eur",
                "owners": ["Ana Gómez"],
                "type": None,
            }
            for name in names
        ],
    )


UNKNOWN = refused(40001, text="A credentials_token with this value does not exist")
INCOMPLETE = refused(20001, text="User data not available. Please try again later.")
PROCESSING = refused(20002, text="Retrieving user data. Please try again in a moment.")
CHECKING = refused(20003, text="Making security checks. Your account will be activated soon.")
REFUSED_TOKEN = refused(http=401, text="Invalid credentials")
NO_TOKEN = refused(http=401, text="Not authenticated")
DELETED = Answer(200, {"message": "Credentials deleted"})


class Play:
    """Plays a script as the engine does: waits pass at once, pieces are kept, a token is renewed.

    `calls` are the endpoints asked, `pauses` what was waited for in seconds, `renewals` how often
    another token was fetched, `end` the result with its pieces.
    """

    def __init__(self, script, *, subject=SUBJECT, now=NOON):
        self.script, self.subject, self.now = script, subject, now
        self.asked, self.pauses, self.notes, self.states = [], [], [], []
        self.pieces, self.renewals, self.halted = {}, 0, None
        self._take(script.begin(subject))

    @property
    def calls(self):
        return [call.endpoint for call in self.asked]

    @property
    def end(self):
        assert isinstance(self.step, Done), self.step
        return self.script.gathered(self.step.result, self.pieces)

    def hear(self, *heard):
        for answer in heard:
            assert isinstance(self.step, Ask), self.step
            self._take(self.script.heard(self.subject, self.step.state, answer, now=self.now))
        return self

    def hear_everything(self, **instead):
        """Answer every data call, with `instead` for some products."""
        while isinstance(self.step, Ask) and self.calls[-1] in PRODUCTS:
            name = self.calls[-1]
            self.hear(instead.get(name) or data(name))
        return self

    def _take(self, said):
        piece = getattr(said, "piece", None)
        if piece is not None:
            self.pieces[piece.name] = json.loads(json.dumps(piece.content))
        if isinstance(said, Wait | Halt):
            self.pauses.append((said.until - self.now).total_seconds())
            self.notes.append(getattr(said, "note", ""))
            self.now = said.until
            self.halted = said if isinstance(said, Halt) else self.halted
        if isinstance(said, Renew):
            self.renewals += 1
        if isinstance(said, Wait | Halt | Renew):
            stored = json.loads(json.dumps(said.state, allow_nan=False))
            said = self.script.resume(self.subject, stored, now=self.now)
        self.step = said
        if isinstance(said, Ask):
            self.asked.append(said.call)
            self.states.append(said.state)


def seconds(**amount):
    return timedelta(**amount).total_seconds()
