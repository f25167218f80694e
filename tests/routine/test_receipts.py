"""A receipt says only what attempts and calls prove, whatever has become of either since."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from refreshops.logins.cells import csv_chunks, original
from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.routine import receipt_files, receipt_lines, services, waiting
from refreshops.routine.models import Attempt, Run
from refreshops.routine.receipt_lines import DONE, FAILED, OPEN, WAITING
from refreshops.routine.receipts import (
    CHUNK,
    NoReceipt,
    Receipt,
    check_is_order,
    last_order,
    page_of_receipts,
    receipt_of,
    receipts,
    totals,
)
from refreshops.routine.standing import Standing
from refreshops.tracing.models import Call
from tests.builders import make_customer, make_login, make_logins
from tests.console.conftest import make_attempt, make_call, make_run

pytestmark = pytest.mark.django_db

ANSWER = {"method": "PATCH", "endpoint": "SetScheduledRefresh", "http_status_code": 200}
YES = {**ANSWER, "message": "ITSELF is off now."}
NO = {**ANSWER, "http_status_code": 401, "provider_code": "ACCESS_DENIED", "message": "Not you."}
SILENT = {**ANSWER, "http_status_code": None, "state": "no_answer", "error": "out of time"}
READ_BACK = {"http_status_code": 200}
DELETE = {"method": "DELETE", "endpoint": "DeleteCard", "http_status_code": 200}
DELETE_UNHEARD = {**DELETE, "http_status_code": None, "state": "no_answer", "error": "reset"}
DELETE_UNKNOWN = {**DELETE, "http_status_code": 401, "provider_code": "INVALID_LOGIN"}

VERIFIED = {"outcome": "fresh", "verified": True}
BEGUN = {"conversation": {"step": "patch"}}


def evidence_of(endpoint: str) -> str:
    return {
        "SetScheduledRefresh": "order",
        "DeleteCard": "order",
        "Authorize": "read_back",
        "GetAccountsSummary": "read_back",
    }.get(endpoint, "")


def order(calls: list[dict[str, Any]] | None = None, **fields: Any) -> Receipt:
    """Return the receipt of an order of one login; `run_…` fields are the run's."""
    of_run = {name[4:]: value for name, value in fields.items() if name.startswith("run_")}
    of_attempt = {name: value for name, value in fields.items() if not name.startswith("run_")}
    run = make_run(**({"purpose": "switch_off", "reason": "Left", "planned": 1} | of_run))
    login = make_login()
    attempt = make_attempt(run, login, **of_attempt)
    for call in calls or []:
        message = call.get("message", "").replace("ITSELF", login.login_id.upper())
        make_call(login, run, attempt_id=attempt.pk, **(call | {"message": message}))
    return receipt_of(attempt, evidence_of=evidence_of)


def states(receipt: Receipt) -> list[str]:
    return [line.state for line in receipt.lines]


@pytest.mark.parametrize(
    ("calls", "attempt", "lines", "standing"),
    [
        pytest.param([], {}, [DONE, WAITING, WAITING], Standing.UNDER_WAY, id="just-ordered"),
        pytest.param([YES], BEGUN, [DONE, DONE, WAITING], Standing.UNDER_WAY, id="accepted"),
        pytest.param(
            [ANSWER], BEGUN, [DONE, OPEN, WAITING], Standing.UNDER_WAY, id="answered-in-other-words"
        ),
        pytest.param(
            [YES, READ_BACK], VERIFIED, [DONE, DONE, DONE], Standing.VERIFIED, id="verified"
        ),
        pytest.param(
            [YES, READ_BACK],
            {"outcome": "fresh", "outcome_reason": "unconfirmed"},
            [DONE, DONE, OPEN],
            Standing.UNCONFIRMED,
            id="accepted-but-the-flag-was-hidden",
        ),
        pytest.param(
            [],
            {"outcome": "fresh", "outcome_reason": "here_only", "message": "It has no switch."},
            [DONE, DONE, OPEN],
            Standing.HERE_ONLY,
            id="the-provider-has-no-switch",
        ),
        pytest.param(
            [SILENT],
            {**BEGUN, "waits_for": "out of time"},
            [DONE, WAITING, WAITING],
            Standing.UNCONFIRMED,
            id="timed-out-tried-again-later",
        ),
        pytest.param(
            [SILENT],
            {"outcome": "provider_fault", "outcome_reason": "unconfirmed"},
            [DONE, FAILED, FAILED],
            Standing.UNCONFIRMED,
            id="never-confirmed",
        ),
        pytest.param(
            [SILENT, READ_BACK],
            VERIFIED,
            [DONE, OPEN, DONE],
            Standing.VERIFIED,
            id="answer-lost-but-the-flag-agrees",
        ),
        pytest.param(
            [NO],
            {"outcome": "our_config", "outcome_reason": "refused"},
            [DONE, FAILED, FAILED],
            Standing.REFUSED,
            id="refused",
        ),
        pytest.param(
            [NO],
            {"outcome": "login_gone", "outcome_reason": "unknown_login"},
            [DONE, FAILED, FAILED],
            Standing.UNKNOWN_THERE,
            id="unknown-to-the-provider",
        ),
        pytest.param(
            [YES, READ_BACK],
            {"outcome": "provider_fault", "outcome_reason": "unconfirmed"},
            [DONE, OPEN, FAILED],
            Standing.UNCONFIRMED,
            id="said-yes-but-the-flag-disagrees",
        ),
        pytest.param(
            [{**YES, "message": "Unable to change the login."}],
            {"outcome": "provider_fault", "outcome_reason": "unconfirmed"},
            [DONE, FAILED, FAILED],
            Standing.UNCONFIRMED,
            id="a-no-under-http-200-is-no-yes",
        ),
        pytest.param(
            [],
            {"state": "cancelled"},
            [DONE, FAILED, FAILED],
            Standing.CALLED_OFF,
            id="called-off-before-it-was-sent",
        ),
        pytest.param(
            [SILENT],
            {**BEGUN, "state": "cancelled"},
            [DONE, OPEN, FAILED],
            Standing.UNCONFIRMED,
            id="called-off-after-it-was-sent",
        ),
        pytest.param(
            [{**SILENT, "state": "sent", "error": "", "answered_at": None}],
            BEGUN,
            [DONE, WAITING, WAITING],
            Standing.UNDER_WAY,
            id="on-its-way",
        ),
    ],
)
def test_a_switch_order(calls, attempt, lines, standing):
    receipt = order(calls, **attempt)

    assert (states(receipt), receipt.standing) == (lines, standing)


def test_the_summary_that_told_the_flag_is_the_call_that_verifies():
    hidden = {"http_status_code": 401, "provider_code": "QUESTION_NOT_FOUND"}
    summary = {"endpoint": "GetAccountsSummary", "http_status_code": 200}

    receipt = order([YES, hidden, summary], **VERIFIED)

    assert receipt.verified.call.endpoint == "GetAccountsSummary"
    assert receipt.standing is Standing.VERIFIED


@pytest.mark.parametrize(
    ("calls", "attempt", "lines", "standing"),
    [
        pytest.param(
            [DELETE], {"outcome": "fresh"}, [DONE, DONE, DONE], Standing.DELETED, id="deleted"
        ),
        pytest.param(
            [DELETE_UNHEARD, DELETE_UNKNOWN],
            {"outcome": "fresh"},
            [DONE, DONE, DONE],
            Standing.DELETED,
            id="deleted-by-the-order-whose-answer-was-lost",
        ),
        pytest.param(
            [DELETE_UNKNOWN],
            {"outcome": "login_gone", "outcome_reason": "unknown_login"},
            [DONE, FAILED, FAILED],
            Standing.UNKNOWN_THERE,
            id="never-known-there",
        ),
        pytest.param(
            [{**DELETE, "http_status_code": 400, "provider_code": "CARD_IN_USE"}],
            {"conversation": {"step": "delete"}, "waits_for": "the login is in use"},
            [DONE, WAITING, WAITING],
            Standing.UNCONFIRMED,
            id="in-use-tried-again-later",
        ),
    ],
)
def test_an_order_to_forget(calls, attempt, lines, standing):
    receipt = order(calls, run_purpose="forget", **attempt)

    assert (states(receipt), receipt.standing) == (lines, standing)


@pytest.mark.parametrize(
    ("attempt", "standing", "accepted", "verified"),
    [
        pytest.param(
            {**VERIFIED, "message": "Schedule is off."},
            Standing.VERIFIED,
            ("open", "The call is no longer kept. On record: Schedule is off."),
            ("done", "no longer kept"),
            id="verified",
        ),
        pytest.param(
            {"outcome": "our_config", "outcome_reason": "refused", "provider_code": "NO_RIGHT"},
            Standing.REFUSED,
            ("failed", "The call is no longer kept. On record: NO_RIGHT"),
            ("failed", "did not carry out"),
            id="refused",
        ),
    ],
)
def test_a_receipt_outlives_its_calls(attempt, standing, accepted, verified):
    receipt = order([], **attempt)

    assert receipt.standing is standing
    assert (receipt.accepted.state, receipt.accepted.words) == accepted
    assert receipt.verified.state == verified[0]
    assert verified[1] in receipt.verified.words
    assert receipt.verified.call is None


def test_it_says_who_ordered_when_and_why():
    ops = User.objects.create_user("ops", first_name="Olga", last_name="Pace")

    receipt = order(run_opened_by=ops)

    assert receipt.ordered.title == "Ordered by Olga Pace (ops)"
    assert receipt.ordered.words == "Left"
    assert receipt.ordered.at == receipt.attempt.run.opened_at


def test_an_order_without_a_person_came_from_the_command_line():
    assert order().ordered.title == "Ordered by the command line"


@pytest.mark.parametrize(
    ("run", "state", "title"),
    [
        pytest.param({}, "not_needed", "No approval needed", id="small"),
        pytest.param(
            {"needs_approval": True, "state": "waiting"}, WAITING, "Waits for approval", id="waits"
        ),
        pytest.param(
            {"needs_approval": True, "approved_at": timezone.now()},
            DONE,
            "Approved by a person no longer on record",
            id="approved-by-somebody-gone",
        ),
        pytest.param(
            {
                "needs_approval": True,
                "state": "cancelled",
                "closed_at": timezone.now(),
                "state_reason": "Withdrawn by ops: not now",
            },
            FAILED,
            "Not approved",
            id="withdrawn",
        ),
    ],
)
def test_the_approval(run, state, title):
    receipt = order(**{f"run_{name}": value for name, value in run.items()})

    assert (receipt.approved.state, receipt.approved.title) == (state, title)
    assert (receipt.approved in receipt.lines) is bool(run)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        pytest.param({"needs_approval": True}, "waits for approval", id="for-approval"),
        pytest.param(
            {"starts_at": timezone.now() + timedelta(days=9)}, "waits for its date", id="for-a-date"
        ),
    ],
)
def test_a_waiting_order_says_what_it_waits_for(run, words):
    receipt = order(run_state="waiting", **{f"run_{name}": value for name, value in run.items()})

    assert receipt.standing is Standing.WAITING
    assert words in receipt.accepted.words
    assert receipt.next_try_at is None


@pytest.fixture
def large_order():
    """Return a switch-off by "ops" that waits for somebody else's approval."""
    now, ops = timezone.now(), User.objects.create_superuser("ops")
    login = make_login()
    (opened,) = services.switch(
        logins=Login.objects.filter(pk=login.pk),
        on=False,
        by=ops,
        reason="Left",
        now=now,
        local_date=now.date(),
        window=timedelta(seconds=60),
        approval_above=0,
    )
    return opened.run


def only_receipt(run: Run) -> Receipt:
    (found,) = receipts(Attempt.objects.filter(run=run), evidence_of=evidence_of)
    return found


def test_an_approved_order_names_both_persons(large_order):
    before = only_receipt(large_order)

    waiting.approve(large_order, by=User.objects.create_user("boss"), now=timezone.now())

    after = only_receipt(large_order)
    assert (before.standing, before.approved.title) == (Standing.WAITING, "Waits for approval")
    assert (after.standing, after.approved.title) == (Standing.UNDER_WAY, "Approved by boss")
    assert after.ordered.title == "Ordered by ops"


def test_a_withdrawn_order_says_who_withdrew_it_and_that_nothing_was_sent(large_order):
    waiting.withdraw(
        large_order, by=large_order.opened_by, why="They came back", now=timezone.now()
    )

    receipt = only_receipt(large_order)
    assert receipt.standing is Standing.CALLED_OFF
    assert (receipt.accepted.title, receipt.approved.title) == ("Not sent", "Not approved")
    assert "They came back" in receipt.accepted.words


def test_an_unconfirmed_order_says_when_it_is_tried_next_and_how_often_it_was_sent():
    receipt = order([SILENT, SILENT], **BEGUN, waits_for="out of time")

    assert receipt.verified.title == "Unconfirmed, next try"
    assert receipt.next_try_at == receipt.verified.at == receipt.attempt.not_before
    assert receipt.verified.words == "Out of time. Sent 2 times so far."
    assert receipt.order_calls == 2


def test_what_the_login_looks_like_now_changes_nothing():
    receipt = order([YES, READ_BACK], **VERIFIED)
    login = receipt.attempt.login
    login.status, login.nightly, login.gone_at = LoginStatus.ACTIVE, Nightly.ON, timezone.now()
    login.save()

    again = receipt_of(receipt.attempt, evidence_of=evidence_of)

    assert receipt_files.facts_of(again) == receipt_files.facts_of(receipt)


def test_calls_made_before_an_attempt_changed_its_run_count():
    receipt = order([YES, READ_BACK], **VERIFIED)
    moved_to = make_run(purpose="switch_off")
    Attempt.objects.filter(pk=receipt.attempt.pk).update(run=moved_to)

    again = receipt_of(Attempt.objects.get(pk=receipt.attempt.pk), evidence_of=evidence_of)

    assert again.accepted.call == receipt.accepted.call


def test_a_call_of_another_login_is_no_evidence():
    receipt = order([{**YES, "login_id": "another"}], **BEGUN)

    assert receipt.calls == ()
    assert receipt.accepted.state == WAITING


def test_calls_stripped_of_their_words_still_prove_what_they_proved():
    receipt = order([SILENT, YES, READ_BACK], **VERIFIED)
    Call.objects.filter(attempt_id=receipt.attempt.pk).update(message="", answer={}, body={})

    again = receipt_of(receipt.attempt, evidence_of=evidence_of)

    assert (again.standing, states(again)) == (Standing.VERIFIED, [DONE, DONE, DONE])
    assert again.accepted.words == "HTTP 200"


HOSTILE = [
    pytest.param("<script>alert(1)</script>", id="markup"),
    pytest.param('=HYPERLINK("http://x","y")', id="formula"),
    pytest.param("yes\r\nSet-Cookie: a=b", id="line-ends"),
    pytest.param("off\u202eno si", id="bidirectional"),
    pytest.param("\x1b[2Jgone", id="terminal"),
    pytest.param("yes " + "\u202e" * 496, id="as-long-as-a-row-holds"),
]


@pytest.mark.parametrize("message", HOSTILE)
def test_hostile_words_come_out_on_one_short_line(message):
    receipt = order([{**YES, "message": message}], **VERIFIED, message=message)

    for words in (receipt.accepted.words, receipt.note):
        assert 0 < len(words) <= 500
        assert words.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 1_000_000, id="a-megabyte"),
        pytest.param("\x00" * 1_000_000, id="of-nothing-to-see"),
        pytest.param("a\nb" * 400_000, id="of-lines"),
    ],
)
def test_no_text_is_too_long_to_be_cut(text):
    words = receipt_lines.ordered(Run(reason=text, opened_at=timezone.now())).words

    assert 0 < len(words) <= 500
    assert words.isprintable()


@pytest.mark.parametrize("message", HOSTILE)
def test_a_csv_of_hostile_words_parses_back_equal_and_runs_nothing(message):
    customer = make_customer("=C-1", name='+Maple, "Foods"\n@home')
    run = make_run(purpose="switch_off", reason="-1 left; \t'=2")
    login = make_login(customer=customer, institution="@bank")
    attempt = make_attempt(run, login, **VERIFIED, message=message)
    make_call(login, run, attempt_id=attempt.pk, **{**YES, "message": message})
    made = list(receipts(Attempt.objects.filter(run=run), evidence_of=evidence_of))

    text = "".join(csv_chunks(receipt_files.csv_rows(made))).encode().decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert all(cell[:1] not in tuple("=+-@\t\r") for row in rows for cell in row if cell)
    read = {name: original(cell) for name, cell in zip(rows[0], rows[1], strict=True)}
    facts = receipt_files.facts_of(made[0])
    for column in ("customer", "customer_name", "institution", "reason", "accepted_words"):
        assert read[column] == facts[column]
    assert read["standing"] == "verified"
    assert tuple(rows[0]) == receipt_files.COLUMNS


def test_the_json_document_holds_every_call_and_the_totals():
    receipt = order([YES, READ_BACK], **VERIFIED)
    run = receipt.attempt.run
    attempts = Attempt.objects.filter(run=run)

    text = "".join(
        receipt_files.json_document(
            run,
            receipts(attempts, evidence_of=evidence_of),
            environment="simulator",
            totals=totals(attempts, run=run),
            made_at=timezone.now(),
        )
    )

    document = json.loads(text)
    assert document["totals"] == {"verified": 1}
    assert document["environment"] == "simulator"
    (login,) = document["logins"]
    assert [call["endpoint"] for call in login["calls"]] == ["SetScheduledRefresh", "Authorize"]
    assert login["accepted_call"] == login["calls"][0]["call"]
    assert login["ordered_at"].endswith("Z")


def test_the_fingerprint_changes_with_the_evidence_and_not_with_the_day():
    receipt = order([YES, READ_BACK], **VERIFIED)

    first = receipt_files.facts_of(receipt)["fingerprint"]
    again = receipt_files.facts_of(receipt_of(receipt.attempt, evidence_of=evidence_of))
    Call.objects.filter(pk=receipt.calls[0].pk).update(message="Something else")
    changed = receipt_files.facts_of(receipt_of(receipt.attempt, evidence_of=evidence_of))

    assert again["fingerprint"] == first
    assert changed["fingerprint"] != first


def test_why_an_order_was_called_off_stands_in_its_note():
    why = "Called off: the nightly refresh was ordered on."

    facts = receipt_files.facts_of(order(state="cancelled", message=why))

    assert facts["note"] == facts["accepted_words"] == why
    assert (facts["standing"], facts["accepted_at"]) == ("called_off", None)


def test_the_totals_count_what_the_receipts_say():
    run = make_run(purpose="switch_off")
    ends: list[dict[str, Any]] = [
        VERIFIED,
        VERIFIED,
        {"outcome": "fresh"},
        {"outcome": "our_config", "outcome_reason": "refused"},
        {"outcome": "login_gone"},
        {"state": "cancelled"},
        {"state": "cancelled", **BEGUN},
        {**BEGUN, "waits_for": "the provider"},
        {},
    ]
    for login, fields in zip(make_logins(len(ends)), ends, strict=True):
        make_attempt(run, login, **fields)
    attempts = Attempt.objects.filter(run=run)

    counted = totals(attempts, run=run)

    told: dict[Standing, int] = {}
    for receipt in receipts(attempts, evidence_of=evidence_of):
        told[receipt.standing] = told.get(receipt.standing, 0) + 1
    assert counted == told
    assert counted[Standing.VERIFIED] == 2
    assert list(counted) == [standing for standing in Standing if standing in counted]


@pytest.fixture
def large_run():
    run = make_run(purpose="switch_off", planned=2 * CHUNK + 1)
    now = timezone.now()
    logins = make_logins(2 * CHUNK + 1)
    attempts = Attempt.objects.bulk_create(
        Attempt(run=run, login=login, purpose=run.purpose, not_before=now) for login in logins
    )
    Call.objects.bulk_create(
        Call(
            **{**ANSWER, "sent_at": now, "answered_at": now, "state": "answered"},
            message=f"{attempt.login.login_id} is off now.",
            provider="flinks",
            login_id=attempt.login.login_id,
            attempt_id=attempt.pk,
            run_id=run.pk,
        )
        for attempt in attempts
    )
    return run


def test_many_receipts_cost_two_queries_a_chunk(large_run, django_assert_num_queries):
    attempts = Attempt.objects.filter(run=large_run)

    with django_assert_num_queries(6):
        found = [row.accepted.state for row in receipts(attempts, evidence_of=evidence_of)]

    assert found == [DONE] * (2 * CHUNK + 1)


def test_a_page_of_receipts_is_cut_out_of_the_whole(large_run):
    attempts = Attempt.objects.filter(run=large_run)
    whole = [row.attempt.pk for row in receipts(attempts, evidence_of=evidence_of)]

    page = page_of_receipts(attempts, first=CHUNK, most=7, evidence_of=evidence_of)

    assert [row.attempt.pk for row in page] == whole[CHUNK : CHUNK + 7]


@pytest.mark.parametrize("purpose", ["refresh", "live_refresh", "check_schedule"])
def test_what_orders_nothing_has_no_receipt(purpose):
    run = make_run(purpose=purpose)

    with pytest.raises(NoReceipt, match="no order"):
        check_is_order(run)


def test_the_last_order_is_the_newest_that_ordered_something():
    login = make_login()
    assert last_order(Attempt.objects.filter(login=login)) is None
    make_attempt(make_run(purpose="switch_off"), login, **VERIFIED)
    newest = make_attempt(make_run(purpose="switch_on"), login)
    make_attempt(make_run(purpose="refresh"), login)

    assert last_order(Attempt.objects.filter(login=login)) == newest


def written(**options: Any) -> str:
    out = io.StringIO()
    call_command("receipts", stdout=out, **options)
    return out.getvalue()


def test_the_command_writes_csv_and_json():
    run = order([YES, READ_BACK], **VERIFIED).attempt.run

    rows = list(csv.reader(io.StringIO(written(run=run.pk).removeprefix("\ufeff"), newline="")))
    document = json.loads(written(run=run.pk, format="json"))

    assert len(rows) == 2
    assert document["logins"][0]["standing"] == "verified"
    assert document["environment"] == "simulator"


def test_the_command_writes_a_file_for_one_pair_of_eyes_and_overwrites_none(tmp_path):
    run = order([YES, READ_BACK], **VERIFIED).attempt.run
    path = tmp_path / "receipts.csv"

    assert written(run=run.pk, output=path) == ""

    assert path.read_bytes().startswith(b"\xef\xbb\xbforder,purpose")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="cannot be written: File exists"):
        written(run=run.pk, output=path)


@pytest.mark.parametrize("number", [0, -1, 4711, 10**30], ids=str)
def test_the_command_knows_no_such_run(number):
    with pytest.raises(CommandError, match=f"There is no run {number}") as refused:
        written(run=number)

    assert refused.value.returncode == 2


def test_the_command_gives_no_receipt_of_a_refresh():
    with pytest.raises(CommandError, match="no order") as refused:
        written(run=make_run().pk)

    assert refused.value.returncode == 2
