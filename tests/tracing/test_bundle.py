"""A support bundle from plain rows: the same bytes, bounded memory, equal secrets told equal."""

import io
import json
import re
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from refreshops.logins.cells import csv_chunks
from refreshops.providers.flinks import calls as flinks_calls
from refreshops.providers.flinks.codes import CODE_TABLE
from refreshops.providers.flinks.envelopes import KEPT_IN_ANSWER
from refreshops.providers.flinks.ticket import EXPECTED, Ticket
from refreshops.providers.marks import Marker
from refreshops.providers.redaction import names_of
from refreshops.tracing import bundle
from refreshops.tracing.bundle_ticket import IN_FULL
from refreshops.tracing.handing_out import Case
from refreshops.tracing.models import Call

NOON = datetime(2026, 11, 20, 17, 0, 0, 123456, tzinfo=UTC)
LOGIN_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
KEY = "sk-canary-of-ours"
MARKER = Marker(b"of this installation")
MARK = re.compile(r"\[hidden:([a-p]{8})\]")


def make_row(number=1, **fields):
    """Return a call that is in no database: an Authorize that was refused."""
    sent_at = NOON + timedelta(seconds=number)
    defaults = {
        "id": number,
        "sent_at": sent_at,
        "answered_at": sent_at + timedelta(milliseconds=250),
        "provider": "flinks",
        "endpoint": "Authorize",
        "method": "POST",
        "url": f"https://api.example/v3/[customer]/BankingServices/Authorize/{LOGIN_ID}",
        "state": "answered",
        "http_status_code": 401,
        "provider_code": "INVALID_USERNAME",
        "message": "",
        "login_id": LOGIN_ID,
        "run_id": 7,
        "attempt_id": number,
    }
    return Call(**(defaults | fields))


def write(rows, *, salt=b"salt", endings=(), left_out=0):
    file = io.BytesIO()
    case = Case("run 7", "production", NOON, "The newest", left_out, salt)
    words = Ticket(secrets=[KEY], marker=MARKER)
    bundle.write(file, case=case, calls=rows, endings=endings, words=words, table=csv_chunks)
    return file.getvalue()


def files_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def without_manifest(files):
    return "".join(text for name, text in files.items() if name != "manifest.json")


def test_equal_rows_time_and_salt_give_equal_bytes():
    def rows():
        return [make_row(number, message="user 'jane doe' is locked") for number in range(5)]

    assert write(rows()) == write(rows())
    assert write(rows()) != write(rows(), salt=b"another")


def test_equal_secrets_carry_equal_letters_in_every_file_of_one_bundle_alone():
    said = f"user {MARKER('jane_1985')} is locked"
    rows = [make_row(1, message=said), make_row(2, message=said, answer={"Message": said})]

    first, second = (files_of(write(rows, salt=salt)) for salt in (b"one", b"two"))

    manifest = json.loads(first["manifest.json"])
    letters = [set(MARK.findall(without_manifest(files))) for files in (first, second)]
    assert [len(found) for found in letters] == [1, 1]
    assert letters[0] != letters[1]
    assert MARK.findall(said)[0] not in set.union(*letters)
    assert manifest["removed"][0] == {
        "mark": "[hidden]",
        "why": bundle.WHY_REMOVED["[hidden]"],
        "times": 3,
    }


def test_a_row_of_older_rules_is_cleaned_by_todays():
    old = make_row(
        message=f"user jane_1985 of {KEY}",
        error="holder Jane Canary",
        url=f"https://api.example/v3/{KEY}/x",
        institution="Card 4520 1234 5678 9012",
        provider_code="a@b.example",
        body={"LoginId": LOGIN_ID, "Password": "hunter2222"},
        answer={"Message": "user 'jane_1985'", "Holder": "Jane Canary", "RequestId": KEY},
    )

    everything = "".join(files_of(write([old])).values())

    for secret in ("jane_1985", KEY, "Canary", "9012", "b.example", "hunter"):
        assert secret not in everything
    assert everything.count(LOGIN_ID) > 2
    assert "https://api.example/v3/[hidden]/x" in everything


def test_a_long_ticket_is_cut_and_says_so():
    ticket = files_of(write([make_row(number) for number in range(IN_FULL + 7)], left_out=40))

    text = ticket["ticket.txt"]
    assert text.count("We expected:") == IN_FULL
    assert "And 7 more like these" in text
    assert "Left out:        40 (The newest)" in text


def test_a_call_without_an_answer_is_told_as_wrong_and_one_on_its_way_is_not():
    silent = make_row(1, state="no_answer", http_status_code=None, provider_code="", error="cut")
    sent = make_row(2, state="sent", http_status_code=None, provider_code="", answered_at=None)

    files = files_of(write([silent, sent]))

    told = [json.loads(files[name]) for name in sorted(files) if name.startswith("calls/")]
    assert [bool(call["expected"]) for call in told] == [True, False]
    assert "No answer:       cut" in files["ticket.txt"]


def test_no_call_at_all_still_gives_a_bundle():
    assert json.loads(files_of(write([]))["manifest.json"])["calls"]["in_here"] == 0


def test_memory_does_not_grow_with_the_bodies():
    answer = {"Links": [{"rel": ["x " * 200] * 7}] * 3}
    assert len(json.dumps(answer)) > 8000

    def peak(count):
        tracemalloc.start()
        write(make_row(number, answer=answer) for number in range(count))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    few, many = peak(50), peak(400)
    assert many - few < 350 * 4000


@pytest.mark.parametrize(
    ("endpoint", "code", "status", "expected"),
    [
        ("Authorize", "", 200, False),
        ("Authorize", "OPERATION_PENDING", 202, False),
        ("Authorize", "QUESTION_NOT_FOUND", 401, True),
        ("GetAccountsDetail", "", 202, False),
        ("SetScheduledRefresh", "INVALID_REQUEST", 400, True),
        ("Authorize", "NEVER_HEARD", 401, True),
        ("Authorize", "", None, True),
        ("Elsewhere", "", 500, True),
    ],
)
def test_what_was_expected_is_said_of_calls_that_went_wrong(endpoint, code, status, expected):
    said = Ticket().expected(
        endpoint=endpoint, body={}, code=code, message="", http_status=status, stale=False
    )

    assert bool(said) is expected


def test_a_live_refresh_expects_no_cached_data():
    facts = {"code": "INVALID_PASSWORD", "message": "", "http_status": 401, "stale": False}

    said = Ticket().expected(endpoint="Authorize", body={"MostRecentCached": False}, **facts)

    assert "without a question" in said


def test_every_call_we_make_has_something_expected_of_it():
    made = [
        flinks_calls.generate_authorize_token(),
        flinks_calls.authorize_cached(LOGIN_ID),
        flinks_calls.authorize_live(LOGIN_ID),
        flinks_calls.accounts_detail("r"),
        flinks_calls.accounts_detail_async("r"),
        flinks_calls.accounts_summary("r"),
        flinks_calls.set_scheduled_refresh(LOGIN_ID, on=True),
        flinks_calls.delete_card(LOGIN_ID),
        flinks_calls.nightly_refresh_status(),
    ]

    assert {call.endpoint for call in made} <= EXPECTED.keys()


def test_cleaning_leaves_every_code_of_the_table_as_it_is():
    assert [Ticket().cleaned(row.code) for row in CODE_TABLE] == [row.code for row in CODE_TABLE]


def test_the_manifest_lists_what_the_allowlist_keeps():
    listed = json.loads(files_of(write([]))["manifest.json"])["never_stored"]["kept_of_answers"]

    assert set(names_of(KEPT_IN_ANSWER)) < set(listed)
    assert not {"AccountCount", "Login.Username", "Token"} & set(listed)
