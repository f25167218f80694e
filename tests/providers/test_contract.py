"""One suite for every provider: what the engine relies on, whoever is spoken with."""

import contextlib
import inspect
import json
import random
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refreshops.providers import contract
from refreshops.providers.contract import (
    Answer,
    Ask,
    Done,
    Grant,
    Halt,
    Handover,
    NotOffered,
    Pacing,
    Policy,
    Renew,
    Silence,
    Subject,
    Wait,
)
from refreshops.providers.flanks import Flanks
from refreshops.providers.flinks import Flinks
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome
from tests.providers.flanks import chance as flanks_chance
from tests.providers.flanks import spoken as flanks_spoken
from tests.providers.flinks import chance as flinks_chance
from tests.providers.flinks import spoken as flinks_spoken

NOON = flinks_spoken.NOON
POLICY = Policy()
BACK = "https://desk.example/connect/back/"
NETWORK = Silence("network", "out of time")
HTML = Silence("unreadable", "HTML instead of JSON", 200)
OPENING = "opening"
SCRIPTS = [*Purpose, OPENING]


@dataclass(frozen=True)
class Case:
    """A provider with keys that are planted, and what it may answer.

    `planted` may stand in nothing that is kept; `opens` are the endpoints one of which must have
    been answered before any of `data` is asked for.
    """

    name: str
    make: Any
    login_id: str
    chance: Any
    planted: tuple[str, ...]
    opens: frozenset[str]
    data: frozenset[str]


CASES = [
    Case(
        "flinks",
        lambda: Flinks(
            api_url="https://acme-api.private.fin.ag/v3/",
            customer_id="canary-customer-1",
            secret_key=flinks_chance.CANARY,
            bearer_secret="canary-bearer-2",
        ),
        flinks_spoken.LOGIN_ID,
        flinks_chance,
        (flinks_chance.CANARY, flinks_chance.MINTED, flinks_chance.PAYLOAD, "canary-customer-1"),
        frozenset({"Authorize"}),
        frozenset({"GetAccountsDetail", "GetAccountsDetailAsync", "GetAccountsSummary"}),
    ),
    Case(
        "flanks",
        lambda: Flanks(
            api_url="https://api.flanks.io/",
            client_id="our-client-id",
            client_secret=flanks_chance.CANARY,
            return_url=BACK,
        ),
        flanks_spoken.LOGIN_ID,
        flanks_chance,
        (
            flanks_chance.CANARY,
            flanks_chance.GRANTED,
            flanks_chance.OPENS,
            flanks_chance.PAYLOAD,
            flanks_chance.IBAN,
            "48151.62",
        ),
        frozenset({"credentials/status"}),
        frozenset(flanks_spoken.PRODUCTS),
    ),
]
for_each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
for_each_script = pytest.mark.parametrize("script", SCRIPTS, ids=str)
by_chance = settings(max_examples=12, deadline=None, derandomize=True, database=None)


def script_of(case, name):
    """Return the provider's script of a purpose, or None where it offers none."""
    provider = case.make()
    if name == OPENING:
        return provider.opening(POLICY)
    try:
        return provider.conversation(name, POLICY)
    except NotOffered:
        return None


class Play:
    """Plays a script to its end with random answers, as the engine would; checks every step."""

    # A list of a thousand pages is the longest; the longest wait is some hundred polls.
    MOST_STEPS = 1200

    def __init__(self, case, name, seed):
        self.case, self.name = case, name
        self.chance = random.Random(f"{case.name}-{name}-{seed}")
        self.script = script_of(case, name)
        no_login = name in (OPENING, Purpose.INVITE)
        self.subject = Subject(
            "" if no_login else case.login_id,
            held_as_of=self.chance.choice([None, NOON - timedelta(days=3)]),
            last_code=self.chance.choice(["", "UNAUTHORIZED", "20003"]),
            same_code_runs=self.chance.randrange(4),
            worked_before=self.chance.random() < 0.5,
        )
        self.now, self.asked, self.answered, self.pieces = NOON, [], [], {}
        self.last = None
        self.goodness = self.chance.choice([0.0, 0.6, 0.95])
        self.stuck = self._any_answer("") if self.chance.random() < 0.1 else None

    def run(self):
        step = self.script.begin(self.subject)
        for _ in range(self.MOST_STEPS):
            self._keep(step)
            if isinstance(step, Done):
                result = self.script.gathered(step.result, self.pieces)
                shown = replace(result, bank_data=None, handover=None)
                self.check_clean(repr(shown) + json.dumps(shown.report))
                return result
            if not isinstance(step, Ask):
                self.now = max(self.now, getattr(step, "until", self.now))
                step = self._resumed(step.state)
                continue
            step = self._turn(step)
        raise AssertionError(f"no end: {self.asked[-5:]}")

    def _turn(self, ask):
        if self.chance.random() < 0.05:
            # A crash: the call is made again, from the stored state.
            self.now += timedelta(minutes=self.chance.choice([0, 1, 9, 40]))
            ask = self._resumed(ask.state)
        self._check_call(ask.call)
        self.asked.append(ask.call.endpoint)
        heard = self.stuck or self._any_answer(ask.call.endpoint)
        if isinstance(heard, Answer):
            self.answered.append(ask.call.endpoint)
        self.last = heard
        self.now += timedelta(seconds=self.chance.choice([0, 1, 30]))
        return self.script.heard(self.subject, ask.state, heard, now=self.now)

    def _resumed(self, state):
        stored = json.loads(json.dumps(state, allow_nan=False))
        ask = self.script.resume(self.subject, stored, now=self.now)
        assert isinstance(ask, Ask)
        return ask

    def _any_answer(self, endpoint):
        if endpoint and self.chance.random() < self.goodness:
            return self.case.chance.good_answer(self.chance, endpoint)
        return self.case.chance.any_answer(self.chance)

    def _keep(self, step):
        piece = getattr(step, "piece", None)
        if piece is not None:
            assert self.script.gathers
            self.pieces[piece.name] = json.loads(json.dumps(piece.content))
        if isinstance(step, Done):
            return
        stored = json.dumps(step.state, allow_nan=False)
        assert len(stored) < 3000
        self.check_clean(stored + getattr(step, "note", "") + getattr(step, "reason", ""))
        if isinstance(step, Wait | Halt):
            assert step.until >= self.now
        if isinstance(step, Halt):
            assert step.kind in ("keys", "throttled")
            assert step.reason
        if isinstance(step, Renew):
            assert step.state["renewed"] == 1

    def _check_call(self, call):
        if call.endpoint in self.case.data:
            assert self.case.opens & set(self.answered), "data before it may be asked for"
        shown = self.case.make().shown_url(call) + json.dumps(self.case.make().shown_body(call))
        self.check_clean(shown)

    def check_clean(self, text):
        assert [word for word in self.case.planted if word in text] == []


@for_each
@for_each_script
@by_chance
@given(seed=st.integers(0, 10**9))
def test_every_script_ends_and_keeps_nothing_planted(case, script, seed):
    if script_of(case, script) is None:
        return
    for part in range(4):
        result = Play(case, script, f"{seed}-{part}").run()

        assert isinstance(result.outcome, Outcome)


@for_each
@pytest.mark.parametrize("script", [Purpose.REFRESH, Purpose.LIVE_REFRESH], ids=str)
@by_chance
@given(seed=st.integers(0, 10**9))
def test_a_failure_is_never_fresh(case, script, seed):
    if script_of(case, script) is None:
        return
    for part in range(6):
        play = Play(case, script, f"{seed}-{part}")
        result = play.run()

        if result.outcome is Outcome.FRESH:
            assert isinstance(play.last, Answer)
            assert play.last.http_status < 400
            assert play.asked[-1] in case.data
            assert result.bank_data is not None
            age = play.now - result.last_refresh_at
            assert -timedelta(minutes=5) <= age <= POLICY.fresh_within
        if result.bank_data is not None:
            json.dumps(result.bank_data.payload)


@for_each
@for_each_script
@pytest.mark.parametrize("heard", [NETWORK, HTML], ids=["silence", "unreadable"])
def test_who_hears_nothing_believable_ends_without_success(case, script, heard):
    play = Play(case, script, 0) if script_of(case, script) else None
    if play is None:
        return
    play.stuck = heard

    result = play.run()

    assert result.outcome is not Outcome.FRESH or not play.asked
    assert result.handover is None
    assert result.bank_data is None


@for_each
@for_each_script
def test_a_purpose_is_offered_or_says_why_not(case, script):
    provider = case.make()
    if script == OPENING:
        return
    about = provider.about(script)
    assert about == "" or about.endswith(".")
    if script_of(case, script) is None:
        with pytest.raises(NotOffered, match=r"\w\.$"):
            provider.conversation(script, POLICY)


@for_each
@for_each_script
def test_a_script_begins_with_a_call_or_is_done_at_once(case, script):
    conversation = script_of(case, script)
    if conversation is None:
        return
    subject = Subject(case.login_id)

    first = conversation.begin(subject)

    if isinstance(first, Done):
        assert first.result.message
        return
    assert conversation.resume(subject, first.state, now=NOON) == first
    assert first.call.pacing in Pacing
    assert first.call.endpoint in case.make().words.endpoints


@for_each
@for_each_script
def test_the_same_script_speaks_for_many_logins(case, script):
    conversation = script_of(case, script)
    if conversation is None:
        return

    first, _ = (conversation.begin(Subject(case.login_id)) for _ in range(2))
    if isinstance(first, Ask):
        before = json.dumps(first.state)
        conversation.heard(Subject(case.login_id), first.state, NETWORK, now=NOON)
        conversation.heard(Subject(case.login_id), first.state, Answer(429, {}), now=NOON)
        assert json.dumps(first.state) == before
        assert conversation.begin(Subject(case.login_id)) == first


@for_each
@by_chance
@given(seed=st.integers(0, 10**9))
def test_pieces_of_any_kind_can_be_put_together(case, seed):
    chance = random.Random(seed)
    for name in (Purpose.REFRESH, OPENING):
        play = Play(case, name, seed)
        result = play.run()
        odd = [None, 5, [], {}, "x", [5], [{"iban": []}]]
        chosen = {piece: play.pieces[piece] for piece in play.pieces if chance.random() < 0.5}
        if name == Purpose.REFRESH:
            chosen |= {"account": chance.choice(odd), "brand-new": chance.choice(odd)}

        again = play.script.gathered(result, chosen)

        assert again.outcome is result.outcome


@for_each
@by_chance
@given(seed=st.integers(0, 10**9))
def test_the_trace_of_any_answer_holds_nothing_planted(case, seed):
    provider, chance = case.make(), random.Random(seed)
    for _ in range(30):
        endpoint = chance.choice(provider.words.endpoints)
        call = replace(
            contract.Call(endpoint, "POST", "x", body={"sca_token": "planted"}),
            token=chance.choice(["", "canary-call-token"]),
        )
        answer = case.chance.any_answer(chance)
        if isinstance(answer, Silence):
            answer = case.chance.good_answer(chance, endpoint)

        envelope = provider.envelope(call, answer)

        told = json.dumps([vars(envelope) | {"answer": dict(envelope.answer)}])
        assert [word for word in case.planted if word in told] == []
        assert "planted" not in json.dumps(provider.shown_body(call))
        assert len(told) < 20_000


@for_each
@by_chance
@given(seed=st.integers(0, 10**9))
def test_any_answer_to_the_token_call_is_a_token_a_pause_or_a_fault(case, seed):
    provider, chance = case.make(), random.Random(seed)
    call = provider.token_call()
    for _ in range(20):
        heard = case.chance.any_answer(chance)

        said = provider.read_token(heard, now=NOON)

        assert said is None or isinstance(said, Grant | Halt)
        if isinstance(said, Halt):
            assert said.state == {}
            assert said.until > NOON
            assert [word for word in case.planted if word in said.reason] == []
    if call is None:
        assert provider.read_token(Answer(200, {"access_token": "x" * 20}), now=NOON) is None
    else:
        assert not call.shared_token
        assert call.pacing is Pacing.FREE
        assert [word for word in case.planted if word in repr(call)] == []


@for_each
@given(query=st.dictionaries(st.sampled_from(["session_id", "loginId", "tag", "error"]), st.text()))
@by_chance
def test_whatever_a_browser_brings_back_can_be_read(case, query):
    returned = case.make().read_return(query)

    assert isinstance(returned.failed, bool)
    if not query:
        assert returned.failed


@for_each
@pytest.mark.parametrize(
    "handover", [None, Handover("0123-session-abc", "opens"), Handover(token="t-1")], ids=repr
)
def test_a_customer_is_led_to_a_page_of_the_provider_or_nowhere(case, handover):
    url = ""
    with contextlib.suppress(NotOffered):
        url = case.make().connect_url(
            handover=handover, redirect_url=BACK, tag="link-17", first=handover is None
        )

    if url or (handover and handover.request_id):
        assert urlsplit(url).scheme == "https"
        assert urlsplit(url).hostname.endswith((".fin.ag", ".flanks.io"))


@for_each
def test_nothing_is_taken_for_a_delivery_that_is_not_signed(case):
    provider = case.make()

    assert provider.is_signed(b"{}", {}) is False
    with pytest.raises(ValueError, match=r"\.$"):
        provider.read_delivery("x")


@for_each
def test_the_provider_has_every_word_of_the_contract(case):
    wanted = {
        name: member
        for name, member in vars(contract.Provider).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }
    made = case.make()

    assert made.name == case.name
    for name, member in wanted.items():
        ours = inspect.signature(getattr(type(made), name))
        assert list(ours.parameters) == list(inspect.signature(member).parameters), name
    assert {made.evidence_of(endpoint) for endpoint in made.words.endpoints} <= {
        "",
        "order",
        "read_back",
    }
    assert made.words.asking in made.words.refreshing <= set(made.words.endpoints)
