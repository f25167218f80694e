"""Answers of Flinks by chance: documented ones, odd ones, and such with planted secrets."""

from refreshops.providers.contract import Answer, Silence
from refreshops.providers.flinks.codes import CODE_TABLE
from tests.providers.flinks.spoken import (
    IN_THE_FUTURE,
    LAST_WEEK,
    LOGIN_ID,
    LONG_AGO,
    NEVER,
    NEW_REQUEST_ID,
    OTHER_LOGIN_ID,
    REQUEST_ID,
    TONIGHT,
)

CANARY = "canary-key-7f3a"
MINTED = "minted-token-55aa"
PAYLOAD = "jane-doe-payload"
CODES = [row.code for row in CODE_TABLE] + ["", "BRAND_NEW", CANARY, 17, None, [], "é", "\x00"]
STATUSES = [None, 200, 200, 200, 201, 202, 203, 204, 400, 401, 401, 404, 429, 500, 503, "x", 1e400]
REQUEST_IDS = [None, REQUEST_ID, REQUEST_ID, REQUEST_ID, NEW_REQUEST_ID, "", "a/b", CANARY, 5]
MOMENTS = [None, TONIGHT, TONIGHT, LAST_WEEK, LONG_AGO, NEVER, IN_THE_FUTURE, "soon", 5, CANARY]
MESSAGES = [
    None,
    f"key {CANARY}",
    "You must provide a valid auth key",
    "LoginId does not belong",
    "username or password",
    ["x"],
    f'{{"Password": "{CANARY}"}}',
    "x" * 3000,
]
LOGIN_IDS = [LOGIN_ID, LOGIN_ID.upper(), LOGIN_ID, OTHER_LOGIN_ID, None, 5, CANARY]
ACCOUNTS = [[], [{"Title": PAYLOAD, "AccountNumber": "7641238", "Transactions": [{}]}], None, "x"]
ODD_BODIES = [None, 1, "activated", "deactivated", f"failed {CANARY}", [], {}, True]


def any_answer(chance):
    if chance.random() < 0.1:
        return Silence("network", "out of time")
    if chance.random() < 0.1:
        status = chance.choice([200, 302, 403, 404, 429, 502])
        return Silence("unreadable", f"HTML instead of JSON: {CANARY}", status)
    if chance.random() < 0.15:
        return Answer(chance.choice([200, 200, 401, 500]), chance.choice(ODD_BODIES))
    return Answer(chance.choice([200, 200, 200, 202, 203, 400, 401, 429, 500]), any_body(chance))


def any_body(chance):
    body = {
        "HttpStatusCode": chance.choice(STATUSES),
        "FlinksCode": chance.choice(CODES) if chance.random() < 0.5 else None,
        "Message": chance.choice(MESSAGES) if chance.random() < 0.5 else None,
        "RequestId": chance.choice(REQUEST_IDS),
        "Institution": chance.choice(["Maple Bank", CANARY, None, 7]),
        "Token": MINTED if chance.random() < 0.8 else chance.choice([None, "", "a b", 5]),
        "Tag": chance.choice([None, "link-17", CANARY, 5, PAYLOAD + "@example.com"]),
        "Accounts": chance.choice(ACCOUNTS),
        "IneligibleCards": chance.choice([None, [], [{"LoginId": LOGIN_ID}], [5], CANARY]),
        "Login": {
            "Id": chance.choice(LOGIN_IDS),
            "IsScheduledRefresh": chance.choice([True, False, None, "yes"]),
            "LastRefresh": chance.choice(MOMENTS),
            "Username": PAYLOAD,
        },
    }
    if chance.random() < 0.2:
        body["Login"] = chance.choice([None, [], "x"])
    return {name: value for name, value in body.items() if value is not None}


def good_answer(chance, endpoint):
    """Return what the endpoint should answer, now and then with one field gone wrong."""
    if endpoint == "SetScheduledRefresh":
        return Answer(200, "LoginId has now been set for automatic refresh")
    body = {
        "HttpStatusCode": 200,
        "RequestId": REQUEST_ID,
        "Institution": "Maple Bank",
        "Token": MINTED,
        "Accounts": ACCOUNTS[1],
        "IneligibleCards": [],
        "Login": {
            "Id": LOGIN_ID,
            "IsScheduledRefresh": chance.random() < 0.5,
            "LastRefresh": chance.choice(MOMENTS),
            "Username": PAYLOAD,
        },
    }
    if chance.random() < 0.2:
        odd = any_body(chance)
        name = chance.choice(sorted(set(body) | {"FlinksCode", "Message"}))
        body[name] = odd.get(name)
    return Answer(200, {name: value for name, value in body.items() if value is not None})
