"""The status, then the data: what each sign leads to, what is kept, and how long is waited."""

import itertools
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from refreshops.providers.contract import Answer, Ask, Done, Halt, Pacing, Subject, Wait
from refreshops.providers.flanks.conversations import Check, Refresh
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flanks.spoken import (
    CHECKING,
    DAYS_AGO_AT,
    HTML_200,
    HTML_401,
    HTML_502,
    IN_THE_FUTURE_AT,
    INCOMPLETE,
    LOGIN_ID,
    LONG_AGO_AT,
    NETWORK,
    NO_TOKEN,
    NOON,
    OTHER_LOGIN_ID,
    POLICY,
    PROCESSING,
    PRODUCTS,
    REFUSED_TOKEN,
    SECRET,
    SUBJECT,
    TERMS,
    TONIGHT_AT,
    UNKNOWN,
    Play,
    data,
    refused,
    status,
)

STATUS = "credentials/status"
YOUNG = int((NOON - timedelta(hours=3)).timestamp())
# One sign each, from the strongest to the weakest, and what it means alone.
SIGNS = {
    "blocked": ({"blocked": True}, Outcome.USER_ACTION, Reason.CREDENTIALS),
    "sca_token": ({"sca_token": "s-1"}, Outcome.USER_ACTION, Reason.MFA),
    "reset_token": ({"reset_token": "r-1"}, Outcome.USER_ACTION, Reason.CREDENTIALS),
    "pending": (
        {"pending": True, "created_at_timestamp": YOUNG},
        Outcome.PENDING,
        Reason.NONE,
    ),
    "errored": (
        {"errored": {"product": {"investment": True}}},
        Outcome.PROVIDER_FAULT,
        Reason.PARTIAL,
    ),
}


def refresh(subject=SUBJECT, **changes):
    return Play(Refresh(**(TERMS | changes)), subject=subject)


def to_the_end(play, answer):
    """Hear the same status until the script ends, and good data whenever it asks."""
    while isinstance(play.step, Ask):
        play.hear(answer if play.calls[-1] == STATUS else data(play.calls[-1]))
    return play.end


class TestACleanStatus:
    @pytest.mark.parametrize("stamp", [1, 1000], ids=["seconds", "milliseconds"])
    @pytest.mark.parametrize("key", ["transaction", "transactions"])
    def test_everything_is_fetched_into_one_snapshot(self, stamp, key):
        stamped = int(TONIGHT_AT.timestamp()) * stamp

        play = refresh().hear(status(key=key, last_update_timestamp=stamped)).hear_everything()

        assert play.calls == [STATUS, *PRODUCTS]
        assert play.end.outcome is Outcome.FRESH
        assert play.end.data_state is DataState.FRESH
        assert play.end.last_refresh_at == TONIGHT_AT
        assert play.end.nightly is True
        assert play.end.institution == "banco-norte"
        assert (play.end.provider_code, play.end.message) == ("", "")
        assert [a.title for a in play.end.bank_data.accounts] == list(PRODUCTS)
        assert play.end.bank_data.as_of == TONIGHT_AT

    def test_only_the_first_status_takes_a_slot(self):
        pending = status(pending=True, created_at_timestamp=YOUNG)

        play = refresh().hear(pending, status()).hear_everything()

        assert [call.pacing for call in play.asked] == [Pacing.USE] + [Pacing.FREE] * 6
        assert all(call.shared_token for call in play.asked)

    @pytest.mark.parametrize(
        ("at", "reason", "state"),
        [
            (DAYS_AGO_AT, Reason.NONE, DataState.STALE_USABLE),
            (LONG_AGO_AT, Reason.NONE, DataState.STALE_EXPIRED),
            (None, Reason.NO_TIMESTAMP, DataState.NONE),
            (IN_THE_FUTURE_AT, Reason.FUTURE_TIMESTAMP, DataState.STALE_USABLE),
        ],
        ids=["days", "weeks", "none", "future"],
    )
    def test_an_old_or_senseless_time_is_stale_and_the_data_is_kept(self, at, reason, state):
        end = refresh().hear(status(at=at)).hear_everything().end

        assert (end.outcome, end.reason, end.data_state) == (Outcome.STALE, reason, state)
        assert len(end.bank_data.accounts) == 5
        assert (end.last_refresh_at is None) == (reason is not Reason.NONE)

    @pytest.mark.parametrize("stamp", [0, None, "soon", -1, True])
    def test_a_timestamp_of_nonsense_is_no_timestamp(self, stamp):
        end = refresh().hear(status(last_update_timestamp=stamp)).hear_everything().end

        assert (end.outcome, end.reason) == (Outcome.STALE, Reason.NO_TIMESTAMP)

    def test_an_old_last_transaction_means_nothing(self):
        end = refresh().hear(status(last_transaction_date="2019-01-01")).hear_everything().end

        assert end.outcome is Outcome.FRESH

    def test_waiting_transactions_are_said_and_change_nothing(self):
        end = refresh().hear(status(transaction_token="t-1")).hear_everything().end

        assert end.outcome is Outcome.FRESH
        assert end.message == "Older transactions wait for the customer."
        assert end.provider_code == ""

    def test_empty_lists_are_data(self):
        lists = dict.fromkeys(PRODUCTS, Answer(200, []))

        end = refresh().hear(status()).hear_everything(**lists).end

        assert end.outcome is Outcome.FRESH
        assert end.bank_data.accounts == ()

    def test_only_the_configured_products_are_asked_for_and_waited_for(self):
        play = refresh(products=("card",)).hear(status(unmade=("account",), failed=("investment",)))

        end = play.hear_everything().end

        assert play.calls == [STATUS, "card"]
        assert end.outcome is Outcome.FRESH


class TestPrecedence:
    @pytest.mark.parametrize("name", SIGNS)
    def test_each_sign_alone_decides(self, name):
        fields, outcome, reason = SIGNS[name]

        end = to_the_end(refresh(), status(**fields))

        assert (end.outcome, end.reason) == (outcome, reason)
        assert end.provider_code == name
        assert end.nightly is True
        assert end.message

    @pytest.mark.parametrize(("first", "second"), list(itertools.combinations(SIGNS, 2)))
    def test_of_two_signs_the_stronger_decides(self, first, second):
        both = SIGNS[second][0] | SIGNS[first][0]

        end = to_the_end(refresh(), status(**both))

        assert (end.outcome, end.provider_code) == (SIGNS[first][1], first)

    @pytest.mark.parametrize("name", SIGNS)
    def test_every_sign_goes_before_the_age(self, name):
        end = to_the_end(refresh(), status(at=LONG_AGO_AT, **SIGNS[name][0]))

        assert end.outcome is SIGNS[name][1]

    @pytest.mark.parametrize("name", SIGNS)
    def test_a_check_reads_the_same_signs_and_fetches_nothing(self, name):
        fields, outcome, reason = SIGNS[name]

        play = Play(Check(**TERMS)).hear(status(**fields))

        assert play.calls == [STATUS]
        assert (play.end.outcome, play.end.reason) == (outcome, reason)
        assert play.end.provider_code == name
        assert play.end.nightly is True
        assert play.end.bank_data is None


class TestTheCustomersTurn:
    @pytest.mark.parametrize("name", ["blocked", "sca_token", "reset_token"])
    @pytest.mark.parametrize(
        ("held", "at", "fetches"),
        [
            (None, DAYS_AGO_AT, True),
            (LONG_AGO_AT, DAYS_AGO_AT, True),
            (DAYS_AGO_AT, DAYS_AGO_AT, False),
            (TONIGHT_AT, DAYS_AGO_AT, False),
            (None, None, False),
            (None, IN_THE_FUTURE_AT, False),
        ],
        ids=["nothing-held", "newer", "same", "older", "no-time", "future"],
    )
    def test_newer_data_is_fetched_despite_errors_and_the_verdict_stays(
        self, name, held, at, fetches
    ):
        play = refresh(subject=Subject(LOGIN_ID, held_as_of=held))

        end = play.hear(status(at=at, **SIGNS[name][0])).hear_everything().end

        assert (end.outcome, end.provider_code) == (Outcome.USER_ACTION, name)
        assert (end.bank_data is not None) == fetches
        bodies = [call.body for call in play.asked[1:]]
        assert all(body["ignore_data_error"] is True for body in bodies)
        if fetches:
            assert end.data_state is DataState.STALE_USABLE

    def test_nobody_waits_for_a_part_that_is_not_ready(self):
        play = refresh().hear(status(blocked=True)).hear_everything(card=PROCESSING)

        assert play.pauses == []
        assert play.end.outcome is Outcome.USER_ACTION
        assert play.end.bank_data.payload["missing"] == {"card": "not fetched yet"}

    def test_a_fault_of_the_data_calls_leaves_the_verdict(self):
        play = refresh().hear(status(sca_token="s"), data("account"), NETWORK, NETWORK, NETWORK)
        play.hear_everything()

        assert (play.end.outcome, play.end.reason) == (Outcome.USER_ACTION, Reason.MFA)
        assert play.end.bank_data.payload["missing"] == {"portfolio": "no answer of use"}


class TestPartialFailures:
    @pytest.mark.parametrize("name", PRODUCTS)
    def test_a_failed_part_is_named_and_the_rest_is_kept(self, name):
        play = refresh().hear(status(failed=(name,))).hear_everything()

        end = play.end
        assert (end.outcome, end.reason) == (Outcome.PROVIDER_FAULT, Reason.PARTIAL)
        assert end.message.startswith("Not everything came: ")
        assert end.message.endswith("(error at Flanks).")
        assert end.provider_code == "errored"
        assert end.data_state is DataState.STALE_USABLE
        asked = {call.endpoint: call.body for call in play.asked[1:]}
        assert [n for n in asked if asked[n].get("ignore_data_error")] == [name]
        assert len(end.bank_data.accounts) == 5

    def test_failed_transactions_are_named_and_everything_is_fetched(self):
        end = refresh().hear(status(bad_lists=("card",))).hear_everything().end

        assert end.message == "Not everything came: card transactions (error at Flanks)."
        assert len(end.bank_data.accounts) == 5

    def test_without_the_setting_a_failed_part_is_not_asked_for(self):
        play = refresh(ignore_data_errors=False).hear(status(failed=("card",)))

        end = play.hear_everything().end

        assert "card" not in play.calls
        assert end.reason is Reason.PARTIAL
        assert len(end.bank_data.accounts) == 4

    def test_a_part_that_fails_when_asked_is_asked_once_more_despite_that(self):
        play = refresh().hear(status(), data("a"), data("p"), INCOMPLETE, data("stored"))

        end = play.hear_everything().end

        assert play.calls.count("investment") == 2
        assert play.asked[4].body["ignore_data_error"] is True
        assert end.provider_code == "20001"
        assert end.message == "Not everything came: investments (error at Flanks)."
        assert len(end.bank_data.accounts) == 5

    def test_a_part_that_has_nothing_stored_is_missing(self):
        play = refresh().hear(status()).hear_everything(investment=INCOMPLETE)

        assert "investment" not in play.end.bank_data.payload["products"]
        assert play.end.bank_data.payload["missing"] == {"investment": "error at Flanks"}

    def test_where_nothing_came_at_all_what_we_hold_is_as_old_as_it_was(self):
        play = refresh(subject=Subject(LOGIN_ID, held_as_of=DAYS_AGO_AT)).hear(status())

        end = play.hear_everything(**dict.fromkeys(PRODUCTS, INCOMPLETE)).end

        assert end.reason is Reason.PARTIAL
        assert end.bank_data is None
        assert end.data_state is DataState.STALE_USABLE


class TestPending:
    def test_it_is_asked_by_the_minute_for_an_hour_and_seldom_after_that(self):
        pending = status(pending=True, created_at_timestamp=YOUNG)

        play = refresh()
        end = to_the_end(play, pending)

        assert play.pauses == [60.0] * 60 + [1800.0] * 22
        assert set(play.notes) == {"Flanks is still fetching this login's data"}
        assert end.outcome is Outcome.PENDING
        assert end.provider_code == "pending"
        assert play.now - NOON <= POLICY.long_work_limit

    @pytest.mark.parametrize("name", PRODUCTS)
    def test_a_product_that_was_not_made_yet_is_waited_for_behind_the_others(self, name):
        play = refresh().hear(status(unmade=(name,))).hear_everything()
        play.hear(status()).hear_everything()

        others = [other for other in PRODUCTS if other != name]
        assert play.calls == [STATUS, *others, STATUS, name]
        assert play.pauses == [60.0]
        assert (play.end.outcome, play.end.provider_code) == (Outcome.FRESH, "")
        assert len(play.end.bank_data.accounts) == 5

    def test_one_that_is_not_made_for_two_days_is_missing_and_the_others_are_kept(self):
        waited = replace(SUBJECT, last_code="pending", same_code_runs=2)

        play = refresh(subject=waited).hear(status(unmade=("card",))).hear_everything()

        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.PARTIAL)
        assert play.end.message == "Not everything came: cards (not fetched yet)."
        assert play.pauses == []
        assert len(play.end.bank_data.accounts) == 4

    def test_after_two_days_without_anything_it_is_a_fault_of_flanks(self):
        old = int((NOON - timedelta(hours=49)).timestamp())
        never = {"last_update_timestamp": None, "last_update": None, "time": None}

        end = refresh().hear(status(pending=True, created_at_timestamp=old, **never)).end

        assert (end.outcome, end.reason) == (Outcome.PROVIDER_FAULT, Reason.TOO_LONG)
        assert end.provider_code == "pending"

    def test_an_old_login_that_its_customer_has_just_cured_is_waited_for(self):
        old = int((NOON - timedelta(days=300)).timestamp())
        cured = replace(SUBJECT, last_code="blocked", same_code_runs=9)

        play = refresh(subject=cured).hear(status(pending=True, created_at_timestamp=old))

        assert play.pauses == [60.0]

    def test_what_two_runs_have_waited_for_is_a_fault_of_flanks(self):
        waited = replace(SUBJECT, last_code="pending", same_code_runs=2)

        end = refresh(subject=waited).hear(status(pending=True)).end

        assert (end.outcome, end.reason) == (Outcome.PROVIDER_FAULT, Reason.TOO_LONG)

    @pytest.mark.parametrize("code", [50001, 60000])
    def test_what_is_said_of_one_kind_of_data_costs_that_alone(self, code):
        play = refresh().hear(status()).hear_everything(card=refused(code))

        assert (play.end.outcome, play.end.reason) == (Outcome.PROVIDER_FAULT, Reason.PARTIAL)
        assert play.end.provider_code == str(code)
        assert len(play.end.bank_data.accounts) == 4

    def test_a_failure_in_between_changes_nothing(self):
        pending = status(pending=True, created_at_timestamp=YOUNG)

        play = refresh().hear(pending, NETWORK, HTML_502, refused(http=500), status())

        assert play.pauses == [60.0] * 4
        assert play.hear_everything().end.outcome is Outcome.FRESH

    def test_a_check_of_the_data_is_asked_for_seldom_and_is_never_the_customers(self):
        play = refresh()

        end = to_the_end(play, CHECKING)

        assert set(play.pauses) == {1800.0}
        assert (end.outcome, end.provider_code) == (Outcome.PENDING, "20003")
        assert end.reason is Reason.NONE

    def test_the_third_run_that_ends_with_a_check_is_two_days_late(self):
        waited = replace(SUBJECT, last_code="20003", same_code_runs=2)

        end = refresh(subject=waited).hear(CHECKING).end

        assert (end.outcome, end.reason) == (Outcome.PROVIDER_FAULT, Reason.TOO_LONG)

    @pytest.mark.parametrize(
        "answer",
        [PROCESSING, Answer(202, {"message": "Accepted"})],
        ids=["20002", "202"],
    )
    def test_processing_of_the_status_itself_waits_too(self, answer):
        play = refresh().hear(answer, status()).hear_everything()

        assert play.pauses == [60.0]
        assert play.end.outcome is Outcome.FRESH

    def test_a_part_in_the_making_is_waited_for_after_the_others(self):
        play = refresh().hear(status(), data("a"), PROCESSING, data("i"), data("c"), data("l"))

        assert play.calls[-1] == STATUS
        play.hear(status(), data("late"))
        assert play.calls[-1] == "portfolio"
        assert play.pauses == [60.0]
        assert [a.title for a in play.end.bank_data.accounts] == ["a", "late", "i", "c", "l"]

    def test_what_failed_before_the_wait_is_still_missing_after_it(self):
        play = refresh().hear(status())
        play.hear_everything(investment=INCOMPLETE, card=PROCESSING)

        end = play.hear(status(), data("late")).end

        assert end.provider_code == "20001"
        assert end.message == "Not everything came: investments (error at Flanks)."

    def test_after_a_check_of_the_data_the_pace_is_the_usual_again(self):
        pending = status(pending=True, created_at_timestamp=YOUNG)

        play = refresh().hear(CHECKING, pending, pending)

        assert play.pauses == [1800.0, 60.0, 60.0]

    def test_after_another_refresh_everything_is_fetched_again(self):
        play = refresh().hear(status(at=DAYS_AGO_AT)).hear_everything(card=PROCESSING)

        play.hear(status()).hear_everything()

        assert play.calls.count("account") == 2
        assert play.end.outcome is Outcome.FRESH

    def test_what_came_is_kept_where_a_part_never_comes(self):
        play = refresh().hear(status())
        while isinstance(play.step, Ask):
            name = play.calls[-1]
            play.hear({STATUS: status(), "card": PROCESSING}.get(name) or data(name))

        assert play.end.outcome is Outcome.PENDING
        assert play.end.message == "Not everything came: cards (not fetched yet)."
        assert len(play.end.bank_data.accounts) == 4
        assert play.end.data_state is DataState.STALE_USABLE

    @pytest.mark.parametrize("seed", range(20))
    def test_on_a_random_clock_every_wait_is_one_of_the_two_and_the_limit_ends_it(self, seed):
        chance = random.Random(seed)
        script, now = Refresh(**TERMS), NOON
        pending = status(pending=True, created_at_timestamp=YOUNG)
        step, asked = script.begin(SUBJECT), 0
        while not isinstance(step, Done):
            step = script.heard(SUBJECT, step.state, pending, now=now)
            if isinstance(step, Wait):
                first = now - NOON < POLICY.long_work_first
                every = POLICY.long_work_every if first else POLICY.long_work_later_every
                assert step.until - now == every
                now = step.until + timedelta(seconds=chance.randrange(900))
                step = script.resume(SUBJECT, step.state, now=now)
            asked += 1

        assert asked <= 83
        assert now - NOON <= POLICY.long_work_limit + timedelta(seconds=900)


class TestErrors:
    @pytest.mark.parametrize(
        ("answer", "outcome", "reason", "code"),
        [
            (INCOMPLETE, Outcome.PROVIDER_FAULT, Reason.PARTIAL, "20001"),
            (UNKNOWN, Outcome.LOGIN_GONE, Reason.UNKNOWN_LOGIN, "40001"),
            (refused(40001, text="Invalid x"), Outcome.OUR_CONFIG, Reason.FLOW, "40001"),
            (refused(50001), Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE, "50001"),
            (refused(50001, http=500), Outcome.INSTITUTION_UNAVAILABLE, Reason.NONE, "50001"),
            (refused(50002), Outcome.USER_ACTION, Reason.CREDENTIALS, "50002"),
            (refused(50003), Outcome.USER_ACTION, Reason.MFA, "50003"),
            (refused(60001), Outcome.UNKNOWN, Reason.NONE, "60001"),
            (refused(http=405), Outcome.OUR_CONFIG, Reason.FLOW, ""),
            (refused(http=415), Outcome.OUR_CONFIG, Reason.FLOW, ""),
            (refused("blocked"), Outcome.UNKNOWN, Reason.NONE, "blocked"),
            (refused("transaction_token", http=200), Outcome.UNKNOWN, Reason.NONE, None),
        ],
    )
    def test_a_refused_status_ends_as_its_code_says(self, answer, outcome, reason, code):
        end = refresh().hear(answer).end

        assert (end.outcome, end.reason) == (outcome, reason)
        assert code is None or end.provider_code == code
        assert end.bank_data is None

    @pytest.mark.parametrize("heard", [NETWORK, HTML_200, HTML_502, refused(http=500)])
    def test_a_fault_is_repeated_and_ends_as_a_fault(self, heard):
        play = refresh().hear(heard, heard, heard)

        assert play.pauses == [5.0, 20.0]
        assert play.end.outcome is Outcome.PROVIDER_FAULT

    @pytest.mark.parametrize(
        "odd",
        [
            status(blocked="maybe"),
            status(credentials_token=OTHER_LOGIN_ID),
            status(error="but no"),
            Answer(200, []),
            Answer(200, {"message": "ok"}),
            Answer(200, "ok"),
            Answer(200, None),
        ],
        ids=["odd-flag", "another-login", "error-beside", "list", "no-status", "text", "nothing"],
    )
    def test_what_is_not_believed_is_never_fresh(self, odd):
        end = refresh().hear(odd, odd, odd).end

        assert (end.outcome, end.reason) == (Outcome.PROVIDER_FAULT, Reason.BAD_ANSWER)
        assert end.nightly is None

    @pytest.mark.parametrize("odd", [Answer(200, {}), Answer(200, [{}] * 501)], ids=["map", "many"])
    def test_data_that_is_not_believed_ends_without_data(self, odd):
        play = refresh().hear(status(), *[odd] * 3 * len(PRODUCTS))

        assert play.end.reason is Reason.BAD_ANSWER
        assert play.end.bank_data is None

    def test_where_nothing_comes_the_data_of_yesterday_stays(self):
        play = refresh(subject=Subject(LOGIN_ID, held_as_of=DAYS_AGO_AT))

        play.hear(status(), *[NETWORK] * 3 * len(PRODUCTS))

        assert play.end.reason is Reason.NETWORK
        assert play.end.bank_data is None
        assert play.end.data_state is DataState.STALE_USABLE

    def test_a_fault_half_way_costs_that_part_alone(self):
        play = refresh().hear(status(), data("a"), NETWORK, NETWORK, NETWORK).hear_everything()

        end = play.end
        assert (end.outcome, end.reason) == (Outcome.PROVIDER_FAULT, Reason.PARTIAL)
        assert end.message == "Not everything came: portfolios (no answer of use)."
        assert end.data_state is DataState.STALE_USABLE
        assert end.bank_data.payload["missing"] == {"portfolio": "no answer of use"}
        assert play.calls == [STATUS, "account", *["portfolio"] * 3, *PRODUCTS[2:]]

    def test_only_the_call_in_flight_is_repeated(self):
        play = refresh().hear(status(), data("a"), NETWORK).hear_everything()

        assert play.calls == [STATUS, "account", "portfolio", *PRODUCTS[1:]]
        assert play.end.outcome is Outcome.FRESH


class TestTheToken:
    @pytest.mark.parametrize("refusal", [REFUSED_TOKEN, NO_TOKEN, HTML_401])
    def test_a_refused_token_is_renewed_once_and_the_call_made_again(self, refusal):
        play = refresh().hear(refusal, status()).hear_everything()

        assert play.renewals == 1
        assert play.calls == [STATUS, STATUS, *PRODUCTS]
        assert play.end.outcome is Outcome.FRESH

    def test_each_call_may_renew_once(self):
        play = refresh().hear(REFUSED_TOKEN, status(), REFUSED_TOKEN).hear_everything()

        assert play.renewals == 2
        assert play.end.outcome is Outcome.FRESH

    def test_a_second_refusal_in_a_row_pauses_the_provider(self):
        play = refresh().hear(REFUSED_TOKEN, NETWORK, REFUSED_TOKEN)

        assert play.halted.kind == "keys"
        assert play.halted.until - NOON >= timedelta(minutes=15)
        assert "renewed" not in play.halted.state

    def test_a_login_that_halts_for_ever_ends(self):
        play = refresh().hear(*[REFUSED_TOKEN] * 7)

        while isinstance(play.step, Ask):
            play.hear(REFUSED_TOKEN)

        assert (play.end.outcome, play.end.reason) == (Outcome.OUR_CONFIG, Reason.KEYS)

    def test_access_denied_pauses_at_once(self):
        step = Refresh(**TERMS).heard(
            SUBJECT, {"step": "status"}, refused(http=403, text="access_denied"), now=NOON
        )

        assert isinstance(step, Halt)
        assert step.kind == "keys"

    def test_too_many_requests_pause_as_long_as_flanks_says(self):
        busy = Answer(429, {"error": "Too many requests"}, headers={"retry-after": "90"})

        play = refresh().hear(busy)

        assert play.halted.kind == "throttled"
        assert play.pauses == [90.0]

    @pytest.mark.parametrize("code", [50002, 60001])
    def test_a_401_with_a_code_is_not_about_the_token(self, code):
        play = refresh().hear(refused(code, http=401))

        assert play.renewals == 0
        assert play.end.provider_code == str(code)


def test_the_state_is_small_and_holds_no_token():
    told = status(
        at=DAYS_AGO_AT,
        blocked=True,
        reset_token="canary-reset",
        sca_token="canary-sca",
        transaction_token="canary-transactions",
        name=f"bank {SECRET}",
    )

    play = refresh().hear(told).hear_everything(card=INCOMPLETE)

    kept = repr(play.states) + repr(play.end)
    assert "canary" not in kept
    assert max(len(repr(state)) for state in play.states) < 2000
