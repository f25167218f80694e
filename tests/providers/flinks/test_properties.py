"""Random answers to every script: it ends, claims nothing it was not told, keeps no secret."""

import json
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refreshops.providers.contract import Answer, Ask, Done, Halt, Pacing, Subject, Wait
from refreshops.providers.flinks import calls
from refreshops.providers.flinks import conversations as scripts
from refreshops.providers.flinks.staying import STAYS_FOR
from refreshops.providers.flinks.turns import turn_of
from refreshops.providers.redaction import Scrubber
from refreshops.rules.freshness import CLOCK_TOLERANCE, DataState
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flinks.chance import CANARY, MINTED, PAYLOAD, any_answer, good_answer
from tests.providers.flinks.spoken import (
    LOGIN_ID,
    NOON,
    POLICY,
)

TERMS = {"policy": POLICY, "scrubber": Scrubber(secrets=[CANARY])}
SCRIPTS = {
    "refresh": lambda mints: scripts.CachedRefresh(mints_token=mints, **TERMS),
    "live": lambda mints: scripts.LiveRefresh(mints_token=mints, **TERMS),
    "check": lambda mints: scripts.CheckSchedule(mints_token=mints, **TERMS),
    "off": lambda mints: scripts.SwitchSchedule(on=False, mints_token=mints, **TERMS),
    "on": lambda mints: scripts.SwitchSchedule(on=True, mints_token=mints, **TERMS),
    "forget": lambda mints: scripts.Forget(mints_token=mints, **TERMS),
    "reconnect": lambda mints: scripts.Reconnect(mints_token=mints, **TERMS),
    "connect": lambda mints: scripts.Connect(mints_token=mints, **TERMS),
    "invite": lambda mints: scripts.Invite(mints_token=True, **TERMS),
    "nightly": lambda mints: scripts.NightlyStatus(mints_token=mints, **TERMS),
}
OF_NO_LOGIN = ("nightly", "invite")


# Of each example some plays, and many in the soak.
as_many = pytest.mark.parametrize(
    "seeds", [pytest.param(8, id="some"), pytest.param(20, id="many", marks=pytest.mark.soak)]
)


class RandomPlay:
    """Plays a script to its end with random answers, checking every step on the way."""

    # 180 polls for each of two sessions, and some for everything else that may be repeated.
    MOST_STEPS = 450

    def __init__(self, script, chance, subject):
        self.script, self.chance, self.subject = script, chance, subject
        self.now, self.said_ids, self.history = NOON, set(), []
        # Some plays hear one thing for ever: that is where endless scripts would show.
        self.stuck = any_answer(chance) if chance.random() < 0.1 else None
        self.goodness = chance.choice([0.0, 0.5, 0.9])

    def run(self):
        step = self.script.begin(self.subject)
        assert self.script.resume(self.subject, step.state, now=self.now) == step
        for _ in range(self.MOST_STEPS):
            step = self._turn(step)
            if isinstance(step, Done):
                self.check_clean(repr(self.without_payload(step.result)))
                return step.result
        raise AssertionError(f"no end: {self.history[-5:]}")

    def _turn(self, ask):
        assert isinstance(ask, Ask)
        self.check_call(ask)
        if self.chance.random() < 0.05:
            # A crash: the step is asked again from its stored state.
            stored = json.loads(json.dumps(ask.state, allow_nan=False))
            self.now += timedelta(minutes=self.chance.choice([0, 1, 9, 40]))
            ask = self.script.resume(self.subject, stored, now=self.now)
            self.check_call(ask)
        heard = self.stuck or self._any_answer(ask.call.endpoint)
        self.now += timedelta(seconds=self.chance.choice([0, 1, 30]))
        self.history.append((ask, heard))
        if isinstance(heard, Answer) and isinstance(heard.body, dict):
            self.said_ids.add(str(heard.body.get("RequestId")))
        step = self.script.heard(self.subject, ask.state, heard, now=self.now)
        if isinstance(step, Wait | Halt):
            assert step.until >= self.now
            self.check_clean(getattr(step, "reason", "") + getattr(step, "note", ""))
            self.check_state(step.state)
            self.now = step.until
            return self.script.resume(self.subject, step.state, now=self.now)
        return step

    def _any_answer(self, endpoint):
        if self.chance.random() < self.goodness:
            return good_answer(self.chance, endpoint)
        return any_answer(self.chance)

    def check_call(self, ask):
        self.check_state(ask.state)
        if ask.call.endpoint in ("GetAccountsDetail", "GetAccountsSummary"):
            asked_with = ask.call.body["RequestId"]
        elif ask.call.endpoint == "GetAccountsDetailAsync":
            asked_with = ask.call.path.rpartition("/")[2]
        else:
            return
        assert asked_with
        assert asked_with in self.said_ids

    def check_state(self, state):
        stored = json.dumps(state, allow_nan=False)
        assert len(stored) < 3000
        self.check_clean(stored)
        assert MINTED not in stored

    def check_clean(self, text):
        assert CANARY not in text
        assert PAYLOAD not in text

    def without_payload(self, result):
        return [value for name, value in vars(result).items() if name != "bank_data"]

    def last(self):
        return self.turn(*self.history[-1])

    def turn(self, ask, heard):
        return turn_of(
            self.subject,
            ask.state,
            heard,
            now=self.now,
            kind=self.script._kind(ask.state),
            scrubber=TERMS["scrubber"],
        )


def play(name, seed):
    chance = random.Random(f"{name}-{seed}")
    script = SCRIPTS[name](chance.random() < 0.5)
    subject = Subject(
        "" if name in OF_NO_LOGIN else LOGIN_ID,
        held_as_of=chance.choice([None, NOON - timedelta(days=3)]),
        last_code=chance.choice(["", "UNAUTHORIZED", "SESSION_EXPIRED"]),
        same_code_runs=chance.randrange(4),
        worked_before=chance.random() < 0.5,
        last_refresh_at=chance.choice([None, NOON - timedelta(days=5), NOON + timedelta(days=5)]),
        last_asked_at=chance.choice([None, NOON - timedelta(days=4)]),
    )
    played = RandomPlay(script, chance, subject)
    return played, played.run()


@pytest.mark.parametrize("name", SCRIPTS)
@as_many
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(start=st.integers(0, 10**9))
def test_every_script_ends_and_keeps_no_secret(name, seeds, start):
    for seed in range(start, start + seeds):
        _, result = play(name, seed)

        assert result.outcome is not Outcome.PENDING


@pytest.mark.parametrize("name", ["refresh", "live", "check", "reconnect", "connect"])
@as_many
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(start=st.integers(0, 10**9))
def test_fresh_needs_a_believed_answer_with_a_timestamp_within_the_policy(name, seeds, start):
    for seed in range(start, start + seeds):
        played, result = play(name, seed)

        if result.outcome is Outcome.FRESH:
            turn = played.last()
            assert turn.succeeded or turn.meaning.reads_data
            assert turn.answer.http_status < 400 or turn.meaning.reads_data
            assert result.last_refresh_at is not None
            age = played.now - result.last_refresh_at
            assert -CLOCK_TOLERANCE <= age <= POLICY.fresh_within
        if result.bank_data is not None:
            assert played.last().succeeded
            assert played.last().answer.login_id in ("", LOGIN_ID)
            assert result.outcome in (Outcome.FRESH, Outcome.STALE, Outcome.USER_ACTION)
        elif name != "check":
            held = played.subject.held_as_of
            assert (result.data_state is DataState.NONE) == (held is None)


@pytest.mark.parametrize("name", ["off", "on"])
@as_many
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(start=st.integers(0, 10**9))
def test_a_switch_is_claimed_only_on_the_providers_word(name, seeds, start):
    wanted = name == "on"
    for seed in range(start, start + seeds):
        played, result = play(name, seed)

        if result.verified:
            turn = played.last()
            assert turn.answer.nightly is wanted
            assert turn.answer.login_id in ("", LOGIN_ID)
            assert result.nightly is wanted
        if result.outcome is Outcome.FRESH and not result.verified:
            assert result.reason is Reason.UNCONFIRMED
            assert played.history[-1][0].state["accepted"] is True
        if result.outcome is not Outcome.FRESH:
            assert result.nightly is not wanted


@pytest.mark.parametrize("name", ["check", "off", "on"])
@as_many
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(start=st.integers(0, 10**9))
def test_a_look_at_the_flag_asks_for_one_summary_and_keeps_no_data(name, seeds, start):
    for seed in range(start, start + seeds):
        played, result = play(name, seed)

        assert result.bank_data is None
        looks = [ask.call.endpoint for ask, _ in played.history]
        for asked, (ask, heard) in zip(looks[1:], played.history, strict=False):
            if ask.call.endpoint == asked == "GetAccountsSummary":
                turn = played.turn(ask, heard)
                assert turn.meaning.reason in (Reason.BUSY, Reason.TOO_FAST, Reason.KEYS)


@pytest.mark.parametrize("name", SCRIPTS)
@as_many
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(start=st.integers(0, 10**9))
def test_a_login_never_stays_longer_than_seven_days_after_its_refresh(name, seeds, start):
    for seed in range(start, start + seeds):
        played, result = play(name, seed)

        asked = [ask.call.endpoint for ask, _ in played.history]
        if result.drops_out_at is None:
            continue
        assert "Authorize" in asked
        assert name not in ("forget", *OF_NO_LOGIN)
        assert result.drops_out_at <= played.now + STAYS_FOR
        if result.last_refresh_at is not None and result.last_refresh_at <= played.now:
            assert result.drops_out_at <= result.last_refresh_at + STAYS_FOR


@pytest.mark.parametrize("name", ["live", "reconnect"])
@as_many
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(start=st.integers(0, 10**9))
def test_the_bank_is_asked_live_once_at_most_unless_it_was_busy(name, seeds, start):
    for seed in range(start, start + seeds):
        played, _ = play(name, seed)

        tried = 0
        for ask, heard in played.history:
            if ask.call.endpoint == "Authorize" and ask.state.get("live"):
                kind = played.script._kind(ask.state)
                turn = turn_of(
                    played.subject,
                    ask.state,
                    heard,
                    now=NOON,
                    kind=kind,
                    scrubber=TERMS["scrubber"],
                )
                held_up = turn.meaning.reason in (Reason.BUSY, Reason.TOO_FAST, Reason.KEYS)
                tried += not held_up
        assert tried <= 1


@pytest.mark.parametrize("name", SCRIPTS)
@as_many
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(start=st.integers(0, 10**9))
def test_a_handover_has_what_flinks_gave_for_it_and_nothing_else(name, seeds, start):
    for seed in range(start, start + seeds):
        played, result = play(name, seed)

        if result.handover is None:
            continue
        assert name in ("reconnect", "invite")
        assert result.bank_data is None
        assert (result.outcome is Outcome.FRESH) == (name == "invite")
        assert result.handover.request_id in ("", *played.said_ids)
        challenged = [
            heard.body["RequestId"]
            for ask, heard in played.history
            if ask.call.body == calls.authorize_live(LOGIN_ID).body
            and isinstance(heard, Answer)
            and isinstance(heard.body, dict)
            and played.turn(ask, heard).answer.status == 203
            and "RequestId" in heard.body
        ]
        assert result.handover.request_id in ("", *challenged)
        if result.handover.token:
            assert played.last().answer.token == result.handover.token
            assert played.history[-1][0].call.pacing is Pacing.FREE
        else:
            assert not played.script._mints_token
