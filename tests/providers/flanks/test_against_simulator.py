"""Code, documents and simulator say the same: every fate of the fake Flanks, over real HTTP."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import pytest

from refreshops.providers.contract import (
    Ask,
    Done,
    Grant,
    Halt,
    NoAnswer,
    Policy,
    Renew,
    Silence,
    Subject,
    UnreadableAnswer,
    Wait,
)
from refreshops.providers.flanks import Flanks
from refreshops.providers.flanks.answers import TOKENS
from refreshops.providers.flanks.codes import explain
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.simulator.flanks.fates import CODES, FLANKS_FATES
from tests.simulation import running_simulator

CLIENT_ID, SECRET = "a-client-id", "a-client-secret"
BACK = "http://127.0.0.1:9/connect/back/"
NOBODY = Subject("")


@pytest.fixture(scope="module")
def simulator():
    with running_simulator(
        scenario="codes",
        flanks_logins=1,
        flanks_client_id=CLIENT_ID,
        flanks_client_secret=SECRET,
        flanks_page_size=7,
        pending_polls=2,
    ) as running:
        yield running


class Speaker:
    """Speaks with the fake Flanks as the engine does, without resting where it should wait."""

    def __init__(self, simulator):
        self.provider = Flanks(
            api_url=simulator.flanks_url,
            client_id=CLIENT_ID,
            client_secret=SECRET,
            return_url=BACK,
        )
        self.token, self.envelopes, self.secrets = "", [], set()

    def speak(self, script, subject):
        """Return the result of a script, and of a halt None."""
        step, pieces = script.begin(subject), {}
        while not isinstance(step, Done):
            piece = getattr(step, "piece", None)
            if piece:
                pieces[piece.name] = json.loads(json.dumps(piece.content))
            if isinstance(step, Halt):
                return None
            if isinstance(step, Renew):
                self.token = ""
            now = datetime.now(UTC)
            if isinstance(step, Wait):
                now = step.until
            if not isinstance(step, Ask):
                step = script.resume(subject, step.state, now=now)
                continue
            step = script.heard(subject, step.state, self.heard(step.call), now=now)
        if step.piece:
            pieces[step.piece.name] = step.piece.content
        return script.gathered(step.result, pieces)

    def order(self, purpose, login_id):
        script = self.provider.conversation(purpose, Policy())
        return self.speak(script, Subject(login_id))

    def heard(self, call):
        if call.shared_token and not self.token:
            said = self.heard_token()
            assert isinstance(said, Grant), said
            self.token = said.token
        call = replace(call, token=self.token if call.shared_token else "")
        try:
            answer = self.provider.send(call)
        except NoAnswer as none:
            return Silence("network", none.detail)
        except UnreadableAnswer as odd:
            return Silence("unreadable", odd.detail, odd.http_status)
        self.envelopes.append(self.provider.envelope(call, answer))
        if isinstance(answer.body, dict):
            given = (answer.body.get(name) for name in TOKENS)
            self.secrets |= {token for token in given if token}
        return answer

    def heard_token(self):
        answer = self.provider.send(self.provider.token_call())
        return self.provider.read_token(answer, now=datetime.now(UTC))


@pytest.fixture(scope="module")
def speaker(simulator):
    return Speaker(simulator)


@pytest.mark.parametrize("fate", CODES, ids=lambda fate: fate.name)
def test_a_refresh_ends_as_the_documents_say(simulator, speaker, fate):
    login = simulator.flanks.add_login(fate=fate.name, institution="banco-norte")
    policy = Policy()
    if fate.outcome == "pending":
        script = speaker.provider.conversation(
            Purpose.REFRESH, replace(policy, long_work_limit=policy.long_work_later_every)
        )
        result = speaker.speak(script, Subject(login["login_id"]))
    else:
        result = speaker.order(Purpose.REFRESH, login["login_id"])

    assert (result.outcome, result.provider_code) == (Outcome(fate.outcome), fate.code)
    if result.outcome in (Outcome.FRESH, Outcome.STALE):
        assert result.bank_data is not None
    if result.outcome is Outcome.FRESH and not fate.empty:
        assert result.bank_data.accounts
    if result.provider_code and result.reason is not Reason.TOO_LONG:
        row = explain(code=result.provider_code, message=result.message, http_status=400)
        assert row.outcome is result.outcome


def test_what_speaks_about_us_pauses_the_provider(simulator, speaker):
    names = {"forbidden": "keys", "token_refused": "keys", "too_many_requests": "throttled"}
    for name in names:
        login = simulator.flanks.add_login(fate=FLANKS_FATES[name].name, institution="testbank")

        assert speaker.order(Purpose.REFRESH, login["login_id"]) is None


def test_the_list_names_every_login_page_by_page(simulator, speaker):
    report = speaker.speak(speaker.provider.opening(Policy()), NOBODY).report

    held = {
        login["login_id"]
        for login in simulator.flanks.logins(deleted=False)
        if FLANKS_FATES[login["fate"]].exists
    }
    assert report["complete"] is True
    assert {login["login_id"] for login in report["logins"]} == held


def test_what_is_deleted_is_gone(simulator, speaker):
    login = simulator.flanks.add_login(fate="ok", institution="banco-norte")

    deleted = speaker.order(Purpose.FORGET, login["login_id"])

    assert (deleted.outcome, deleted.nightly) == (Outcome.FRESH, False)
    assert speaker.order(Purpose.REFRESH, login["login_id"]).outcome is Outcome.LOGIN_GONE
    assert speaker.order(Purpose.FORGET, login["login_id"]).outcome is Outcome.LOGIN_GONE


def test_a_token_that_was_revoked_heals(simulator, speaker):
    login = simulator.flanks.add_login(fate="ok", institution="banco-norte")
    simulator.flanks.token(revoke=True)

    assert speaker.order(Purpose.REFRESH, login["login_id"]).outcome is Outcome.FRESH


@pytest.mark.parametrize(
    ("fate", "action", "word"),
    [
        ("blocked", "password", "a-new-password"),
        ("blocked_without_token", "password", "a-new-password"),
        ("credentials_error", "password", "a-new-password"),
        ("sca_needed", "code", "123456"),
        ("sca_required", "code", "123456"),
        ("reset_forced", "password", "a-new-password"),
    ],
)
def test_a_customer_cures_a_login_on_the_page_of_a_session(simulator, speaker, fate, action, word):
    login_id = simulator.flanks.add_login(fate=fate, institution="testbank")["login_id"]
    handed = speaker.order(Purpose.RECONNECT, login_id)
    page = speaker.provider.connect_url(
        handover=handed.handover, redirect_url=BACK, tag="t", first=False
    )

    returned = _typed(page, {"action": action, action: word})

    assert handed.outcome is Outcome.USER_ACTION
    assert (returned.session_id, returned.failed) == (handed.handover.request_id, False)
    assert speaker.order(Purpose.RECONNECT, login_id).outcome is Outcome.FRESH


def test_no_token_of_a_session_stands_in_the_trace(simulator, speaker):
    told = repr(speaker.envelopes)

    sessions = [session["session_id"] for session in simulator.flanks.sessions()]
    secrets = {*speaker.secrets, *sessions, speaker.token, SECRET}
    assert len(secrets) > 10
    assert [secret for secret in secrets if secret in told] == []


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, request, *args):
        return None

    def http_error_303(self, request, response, code, message, headers):
        return response

    http_error_302 = http_error_303


def _typed(page, fields):
    """Fill in the page's form and return what the browser brings back to us."""
    sent = build_opener(_Stay).open(page, data=urlencode(fields).encode(), timeout=5)
    query = parse_qs(urlsplit(sent.headers["Location"]).query)
    provider = Flanks(api_url="http://127.0.0.1:9/", client_id=CLIENT_ID, client_secret=SECRET)
    return provider.read_return({name: values[0] for name, values in query.items()})
