"""Answers in the documented shapes with values of our own, and a way to play a whole script."""

from datetime import UTC, datetime, timedelta

import pytest

from refreshops.providers.contract import Answer, Ask, Done, Halt, Policy, Silence, Subject, Wait

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
LOGIN_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
OTHER_LOGIN_ID = "11111111-2222-3333-4444-555555555555"
REQUEST_ID = "7a6b5c4d-3e2f-1a0b-9c8d-7e6f5a4b3c2d"
NEW_REQUEST_ID = "99999999-8888-7777-6666-555555555555"
TOKEN = "deadbeef-0000-4000-8000-feedfacecafe"
TONIGHT = "2026-03-03T05:36:07.6121953"
TONIGHT_AT = datetime(2026, 3, 3, 5, 36, 7, 612195, tzinfo=UTC)
LAST_WEEK = "2026-02-27T05:36:07.612195"
LONG_AGO = "2026-01-02T05:36:07.612195"
IN_THE_FUTURE = "2026-03-03T13:00:00.0000000"
NEVER = "0001-01-01T00:00:00"

SUBJECT = Subject(LOGIN_ID)
POLICY = Policy()
NETWORK = Silence("network", "out of time")
HTML_502 = Silence("unreadable", "HTML instead of JSON", 502)
HTML_200 = Silence("unreadable", "HTML instead of JSON", 200)


def login(*, at=TONIGHT, nightly=True, login_id=LOGIN_ID):
    said = {"Username": "jane.doe", "IsScheduledRefresh": nightly, "LastRefresh": at}
    return {name: value for name, value in said.items() if value is not None} | {"Id": login_id}


def authorized(*, request_id=REQUEST_ID, **changes):
    """A good Authorize; a change of None takes a field out."""
    body = {
        "Links": [{"rel": "AccountsDetail", "href": "/GetAccountsDetail", "example": None}],
        "HttpStatusCode": 200,
        "Login": login(),
        "Institution": "Maple Bank",
        "RequestId": request_id,
    } | changes
    return Answer(200, {name: value for name, value in body.items() if value is not None})


def refused(code, *, status=401, request_id=None, message=None, **more):
    """An error answer, as the cached Authorize gives it: without a Login."""
    body = {
        "HttpStatusCode": status,
        "FlinksCode": code,
        "Message": message,
        "Institution": "Maple Bank",
        "RequestId": request_id,
    } | more
    return Answer(status, {name: value for name, value in body.items() if value is not None})


def detail(*, request_id=REQUEST_ID, **changes):
    """A good data answer with one account."""
    account = {
        "Transactions": [{"Date": "2026-03-01", "Description": "PAYROLL", "Credit": 10.5}],
        "Title": "Chequing",
        "AccountNumber": "7641238",
        "LastFourDigits": None,
        "Balance": {"Available": 5405.5, "Current": 5105.5, "Limit": None},
        "Type": "Chequing",
        "Currency": "CAD",
        "Holder": {"Name": "Jane Doe", "Email": "jane@example.com"},
    }
    body = {
        "HttpStatusCode": 200,
        "Accounts": [account],
        "Login": login(),
        "Institution": "Maple Bank",
        "RequestId": request_id,
    } | changes
    return Answer(200, {name: value for name, value in body.items() if value is not None})


def summary(*, request_id=REQUEST_ID, **changes):
    """A good summary: the data answer without transactions."""
    answer = detail(request_id=request_id, **changes)
    for account in answer.body.get("Accounts", []):
        del account["Transactions"]
    return answer


def pending(*, code="OPERATION_PENDING", request_id=REQUEST_ID):
    return refused(code, status=202, request_id=request_id)


def minted():
    return Answer(200, {"HttpStatusCode": 200, "Token": TOKEN})


# Answers to a summary that tell nothing about the flag.
UNREADABLE_SUMMARIES = [
    pytest.param(NETWORK, id="silence"),
    pytest.param(HTML_200, id="html"),
    pytest.param(HTML_502, id="error-page"),
    pytest.param(pending(), id="pending"),
    pytest.param(refused("SESSION_NONEXISTENT", status=400), id="session-over"),
    pytest.param(refused("UNAUTHORIZED"), id="unauthorized"),
    pytest.param(refused("BRAND_NEW"), id="unknown-code"),
    pytest.param(summary(Login=login(login_id=OTHER_LOGIN_ID, nightly=False)), id="another-login"),
    pytest.param(summary(request_id=NEW_REQUEST_ID), id="another-request-id"),
]


class Play:
    """Plays a script: `calls` are the endpoints asked, `pauses` what was waited for, in seconds.

    Waits and halts pass at once on the clock of the play. `end` is the result, `step` the last
    thing the script said.
    """

    def __init__(self, script, *, subject=SUBJECT, now=NOON):
        self.script, self.subject, self.now = script, subject, now
        self.step = script.begin(subject)
        self.asked = [self.step.call]
        self.pauses = []
        self.states = [self.step.state]

    @property
    def calls(self):
        return [call.endpoint for call in self.asked]

    @property
    def end(self):
        assert isinstance(self.step, Done), self.step
        return self.step.result

    def hear(self, *heard, takes=timedelta(0)):
        for answer in heard:
            assert isinstance(self.step, Ask), self.step
            self.now += takes
            said = self.script.heard(self.subject, self.step.state, answer, now=self.now)
            self._take(said)
        return self

    def _take(self, said):
        if isinstance(said, Wait | Halt):
            self.pauses.append((said.until - self.now).total_seconds())
            self.states.append(said.state)
            self.now = said.until
            self.halted = said if isinstance(said, Halt) else None
            said = self.script.resume(self.subject, said.state, now=self.now)
        self.step = said
        if isinstance(said, Ask):
            self.asked.append(said.call)
            self.states.append(said.state)
