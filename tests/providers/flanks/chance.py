"""Answers of Flanks by chance: documented ones, odd ones, and such with planted secrets."""

from refreshops.providers.contract import Answer, Silence
from refreshops.providers.flanks.codes import CODE_TABLE
from tests.providers.flanks.spoken import (
    DAYS_AGO_AT,
    IN_THE_FUTURE_AT,
    LOGIN_ID,
    LONG_AGO_AT,
    NAMES,
    OTHER_LOGIN_ID,
    PRODUCTS,
    SESSION_ID,
    TONIGHT_AT,
    status,
)

CANARY = "canary-key-7f3a"
GRANTED = "granted-token-55aa"
OPENS = "opens-a-page-31c"
PAYLOAD = "Ana-Gomez-payload"
IBAN = "ES7921000813610123456789"

CODES = [row.code for row in CODE_TABLE if row.code.isdigit()] + [
    "BRAND_NEW",
    "blocked",
    "transaction_token",
    CANARY,
    20001.5,
    True,
    [],
    "\x00",
]
MESSAGES = [
    None,
    f"key {CANARY}",
    "A credentials_token with this value does not exist",
    "Missing fields: page",
    "Invalid credentials",
    "access_denied",
    f"'{PAYLOAD}' has {IBAN}",
    ["x"],
    {"code": "ValidationError", "details": [{"field": CANARY, "error_type": PAYLOAD}]},
    f'{{"secret": "{CANARY}"}}',
    "x" * 3000,
]
MOMENTS = [
    *(int(at.timestamp()) for at in (TONIGHT_AT, TONIGHT_AT, DAYS_AGO_AT, LONG_AGO_AT)),
    int(TONIGHT_AT.timestamp()) * 1000,
    int(IN_THE_FUTURE_AT.timestamp()),
    0,
    None,
    "soon",
    CANARY,
]
TOKENS = [None, None, None, OPENS, 5, "a b", True]
ITEM = {
    "iban": IBAN,
    "alias": "Nómina",
    "owners": [PAYLOAD],
    "balance": 48151.62,
    "currency": "EUR",
}
ODD_BODIES = [None, 1, "ok", f"failed {CANARY}", [], {}, True, [5], {"items": [CANARY]}]


def any_answer(chance):
    if chance.random() < 0.1:
        return Silence("network", "out of time")
    if chance.random() < 0.1:
        status_code = chance.choice([200, 302, 401, 403, 404, 429, 502])
        return Silence("unreadable", f"HTML instead of JSON: {CANARY}", status_code)
    if chance.random() < 0.15:
        return Answer(chance.choice([200, 200, 401, 500]), chance.choice(ODD_BODIES))
    if chance.random() < 0.3:
        body = {"error": chance.choice(MESSAGES), "error_code": chance.choice(CODES)}
        return Answer(chance.choice([200, 202, 400, 400, 401, 403, 409, 429, 500]), body)
    return Answer(chance.choice([200, 200, 200, 202, 400]), any_status(chance))


def any_status(chance):
    def some():
        return [name for name in NAMES if chance.random() < 0.1]

    body = status(failed=some(), unmade=some()).body
    changes = {
        "blocked": chance.choice([False, False, False, True, None, "yes"]),
        "pending": chance.choice([False, False, False, True, None, 5]),
        "sca_token": chance.choice(TOKENS),
        "reset_token": chance.choice(TOKENS),
        "transaction_token": chance.choice(TOKENS),
        "last_update_timestamp": chance.choice(MOMENTS),
        "created_at_timestamp": chance.choice(MOMENTS),
        "last_update": None,
        "name": chance.choice(["banco-norte", CANARY, None, 7]),
        "errored": chance.choice([body["errored"], body["errored"], None, True, [], CANARY]),
        "created": chance.choice([body["created"], body["created"], None, "2026"]),
        "credentials_token": chance.choice([None, None, LOGIN_ID, OTHER_LOGIN_ID, 5]),
        "message": chance.choice([None, None, *MESSAGES[:3]]),
        "trace_id": chance.choice([None, "tr-9", CANARY, "a b"]),
        "owners": [PAYLOAD],
    }
    return {name: value for name, value in (body | changes).items() if chance.random() > 0.05}


def good_answer(chance, endpoint):
    """Return what the endpoint should answer, now and then with one field gone wrong."""
    if endpoint in PRODUCTS:
        return Answer(200, [ITEM] * chance.randrange(3))
    if endpoint == "credentials/list":
        items = [{"credentials_token": f"token-{n:04}", "status": CANARY} for n in range(3)]
        return Answer(200, {"items": items, "page": 1, "pages": chance.choice([1, 2, 3])})
    if endpoint == "token":
        return Answer(200, {"access_token": GRANTED, "expires_in": 3600})
    if endpoint == "credentials":
        return Answer(200, {"message": "Credentials deleted"})
    if endpoint == "credentials/force":
        return Answer(200, {"sca_token": OPENS, "reset_token": OPENS})
    if endpoint == "sessions/create-session":
        page = f"https://platform.flanks.io/s/{OPENS}"
        session = {"session_id": SESSION_ID, "url": page, "status": "Waiting:Challenge"}
        return Answer(200, {"session": session})
    body = status().body
    if chance.random() < 0.5:
        odd = any_status(chance)
        name = chance.choice(sorted(body))
        body[name] = odd.get(name)
    return Answer(200, body)
