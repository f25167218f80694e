"""A receipt in the browser: on the login's page, and as documents for the billing department."""

import csv
import io
import json
import tracemalloc

import pytest
from django.urls import reverse
from django.utils import timezone

from refreshops.console.receipt_pages import PER_PAGE
from refreshops.console.receipts import STANDING_WORDS, last_receipt
from refreshops.logins.cells import original
from refreshops.logins.models import Customer, Login, Provider
from refreshops.routine.models import Attempt, Run
from refreshops.routine.standing import Standing
from refreshops.tracing.models import Call
from tests.builders import make_login
from tests.console.conftest import LAST_FOUR, make_attempt, make_call, make_run, page_of
from tests.console.test_hygiene import HANDLER, INLINE_SCRIPT, INLINE_STYLE, STYLE_TAG

YES = {"method": "PATCH", "endpoint": "SetScheduledRefresh", "http_status_code": 200}
READ_BACK = {"http_status_code": 200}


def make_order(login, *calls, run=None, **attempt):
    """Return an attempt of a switch-off with its calls."""
    run = run or make_run(purpose="switch_off", reason="Left", planned=1)
    made = make_attempt(run, login, **attempt)
    for call in calls:
        make_call(login, run, attempt_id=made.pk, **call)
    return made


def test_the_steps_link_to_their_calls(signed_in, register):
    make_order(register.own, YES, READ_BACK, outcome="fresh", verified=True)
    receipt = last_receipt(register.own)

    page = signed_in("manager").get(page_of(register.own)).content.decode()

    assert "Receipt: switch off" in page
    assert f"call {receipt.accepted.call.pk}" in page
    assert f"call {receipt.verified.call.pk}" in page


def test_a_login_never_switched_has_none(register):
    assert last_receipt(register.own) is None


def test_every_standing_has_its_words():
    assert set(STANDING_WORDS) == set(Standing)


def address(name, run):
    return reverse(f"admin:{name}", args=[run.pk])


def text_of(response) -> str:
    assert response.status_code == 200
    return response.getvalue().decode("utf-8-sig")


def table_of(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(response), newline="")))


@pytest.fixture
def both(register, people):
    """Return an order of "manager" over a login of their own and one that is another's by now."""
    run = make_run(purpose="switch_off", reason="Left", opened_by=people["manager"], planned=2)
    make_order(register.own, YES, READ_BACK, run=run, outcome="fresh", verified=True)
    make_order(register.foreign, YES, run=run, outcome="provider_fault")
    return run


def test_the_document_says_who_why_and_what_came_of_it(signed_in, both, register):
    page = signed_in("ops").get(address("run_receipt", both)).content.decode()

    assert f"Receipt of order {both.pk}: switch off" in page
    for words in ("Ordered by", "manager", "Left", "No approval needed", "simulator"):
        assert words in page
    assert "Accepted by the provider" in page
    assert "Verified by a read-back" in page
    assert "Unconfirmed" in page
    assert register.own.login_id in page
    assert "Rows 1–2 of 2" in page


def test_the_run_and_the_login_lead_to_their_receipts(signed_in, both, register):
    attempt = Attempt.objects.get(run=both, login=register.own)
    own_receipt = reverse("admin:login_receipt", args=[register.own.pk, attempt.pk])
    client = signed_in("manager")

    assert address("run_receipt", both) in client.get(page_of(both)).content.decode()
    assert own_receipt in client.get(page_of(register.own)).content.decode()
    assert own_receipt in client.get(address("run_receipt", both)).content.decode()


def test_a_login_s_receipt_shows_every_call_and_answer(signed_in, both, register):
    attempt = Attempt.objects.get(run=both, login=register.own)
    Call.objects.filter(attempt_id=attempt.pk, method="PATCH").update(
        request_id="r-1", body={"isActivated": False}, answer={"Message": "It is off.\u202e"}
    )
    client = signed_in("manager")

    page = client.get(reverse("admin:login_receipt", args=[register.own.pk, attempt.pk]))

    text = page.content.decode()
    for words in (
        "PATCH SetScheduledRefresh",
        "POST Authorize",
        "r-1",
        "isActivated",
        "It is off.",
    ):
        assert words in text
    assert "\u202e" not in text
    row = table_of(client.get(address("run_receipt_csv", both)))[0]
    assert row["fingerprint"] in text


@pytest.mark.parametrize("name", ["run_receipt", "run_receipt_csv", "run_receipt_json"])
def test_an_account_manager_sees_the_part_that_is_theirs_now(signed_in, both, register, name):
    text = text_of(signed_in("manager").get(address(name, both)))

    assert register.own.login_id in text
    for foreign in (register.foreign.login_id, "FOR-1", "Birch Steel", "Farbank"):
        assert foreign not in text
    assert "of 2" not in text


def test_a_login_s_receipt_goes_with_its_customer(signed_in, both, register, people):
    attempt = Attempt.objects.get(run=both, login=register.own)
    url = reverse("admin:login_receipt", args=[register.own.pk, attempt.pk])
    Customer.objects.filter(pk=register.customer.pk).update(account_manager=people["other"])

    assert signed_in("manager").get(url).status_code == 404
    page = signed_in("other").get(url)
    assert page.status_code == 200
    assert address("run_receipt", both) not in page.content.decode()


@pytest.mark.parametrize(
    ("person", "status"),
    [("manager", 200), ("other", 404), ("ops", 200), ("auditor", 200), ("nobody", 403)],
)
@pytest.mark.parametrize("name", ["run_receipt", "run_receipt_csv", "run_receipt_json"])
def test_who_may_read_an_order_s_receipt(signed_in, both, person, status, name):
    assert signed_in(person).get(address(name, both)).status_code == status


def test_an_attempt_of_another_login_gives_no_receipt(signed_in, both, register):
    attempt = Attempt.objects.get(run=both, login=register.foreign)
    url = reverse("admin:login_receipt", args=[register.own.pk, attempt.pk])

    assert signed_in("ops").get(url).status_code == 404


@pytest.mark.parametrize("number", [0, 10**30], ids=str)
def test_no_number_breaks_a_receipt(signed_in, register, number):
    client = signed_in("ops")

    assert client.get(f"/routine/run/{number}/receipt/").status_code == 404
    assert client.get(f"/logins/login/{register.own.pk}/receipt/{number}/").status_code == 404


@pytest.mark.parametrize("name", ["run_receipt", "run_receipt_csv", "run_receipt_json"])
def test_a_refresh_has_no_receipt(signed_in, register, name):
    assert signed_in("ops").get(address(name, register.run)).status_code == 404


@pytest.mark.parametrize("name", ["run_receipt", "run_receipt_csv", "run_receipt_json"])
def test_a_receipt_is_only_read(signed_in, both, name):
    assert signed_in("ops").post(address(name, both)).status_code == 405


@pytest.mark.parametrize("pattern", [INLINE_STYLE, STYLE_TAG, INLINE_SCRIPT, HANDLER])
def test_the_documents_keep_to_the_content_security_policy(signed_in, both, register, pattern):
    attempt = Attempt.objects.get(run=both, login=register.own)
    client = signed_in("ops")

    for url in (
        address("run_receipt", both),
        reverse("admin:login_receipt", args=[register.own.pk, attempt.pk]),
    ):
        assert not pattern.search(client.get(url).content.decode())


def test_logins_that_waited_in_an_earlier_order_are_told_of(signed_in, both):
    Run.objects.filter(pk=both.pk).update(brought_forward=2)

    page = signed_in("ops").get(address("run_receipt", both)).content.decode()

    assert "2 logins waited in an earlier order for the same" in page


def test_a_waiting_order_has_a_receipt_that_says_so(signed_in, register, people):
    run = make_run(
        purpose="switch_off",
        state="waiting",
        needs_approval=True,
        opened_by=people["manager"],
        planned=1,
    )
    make_order(register.own, run=run)

    page = signed_in("ops").get(address("run_receipt", run)).content.decode()

    assert "Waits for approval" in page
    assert "Waiting to begin" in page


def test_an_empty_receipt_says_that_its_attempts_are_gone(signed_in, register):
    run = make_run(purpose="switch_off", state="closed", closed_at=timezone.now(), planned=3)

    page = signed_in("ops").get(address("run_receipt", run)).content.decode()

    assert "No login of this order is kept any more." in page
    assert "3 of the 3 logins ordered" in page


def test_hostile_words_are_escaped_and_inert(signed_in, register):
    login = make_login(customer=register.customer, institution="=cmd|'x'!A1")
    hostile = "<img src=x onerror=alert(1)>\u202e"
    attempt = make_order(login, {**YES, "message": hostile}, outcome="fresh", message=hostile)
    client = signed_in("ops")

    for url in (
        address("run_receipt", attempt.run),
        reverse("admin:login_receipt", args=[login.pk, attempt.pk]),
    ):
        page = client.get(url).content.decode()
        assert "<img" not in page
        assert "\u202e" not in page
    row = table_of(client.get(address("run_receipt_csv", attempt.run)))[0]
    assert row["institution"] == "'=cmd|'x'!A1"
    assert original(row["institution"]) == login.institution


def test_downloads_name_their_order_and_day(signed_in, both):
    response = signed_in("ops").get(address("run_receipt_csv", both))

    day = timezone.localdate().isoformat()
    assert f'filename="receipt-of-order-{both.pk}-{day}.csv"' in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]


def large_order(register, *, size):
    """Return an order of so many logins, each with its call."""
    now = timezone.now()
    run = make_run(purpose="switch_off", planned=size)
    logins = Login.objects.bulk_create(
        Login(provider=register.provider, customer=register.customer, login_id=f"login-{number}")
        for number in range(size)
    )
    attempts = Attempt.objects.bulk_create(
        Attempt(run=run, login=login, purpose=run.purpose, not_before=now) for login in logins
    )
    Call.objects.bulk_create(
        Call(
            **YES,
            sent_at=now,
            answered_at=now,
            state="answered",
            provider="flinks",
            login_id=attempt.login.login_id,
            attempt_id=attempt.pk,
            run_id=run.pk,
        )
        for attempt in attempts
    )
    return run


@pytest.mark.parametrize("size", [1_000, pytest.param(3_000, marks=pytest.mark.soak)])
def test_a_large_receipt_is_paged_and_counted_whole(
    signed_in, register, django_assert_max_num_queries, size
):
    large = large_order(register, size=size)
    client = signed_in("ops")
    last = size // PER_PAGE

    with django_assert_max_num_queries(14):
        page = client.get(address("run_receipt", large), {"page": last}).content.decode()

    assert f"Rows {size - PER_PAGE + 1}–{size} of {size}" in page
    assert page.count('<th scope="row">') == PER_PAGE
    for senseless in ("x", "0", "-1", "9" * 40):
        assert client.get(address("run_receipt", large), {"page": senseless}).status_code == 200


def test_three_thousand_receipts_are_streamed(signed_in, register):
    large = large_order(register, size=3_000)
    response = signed_in("ops").get(address("run_receipt_csv", large))

    tracemalloc.start()
    size = sum(len(chunk) for chunk in response.streaming_content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size > 600_000
    assert peak < 12_000_000


def test_the_json_file_reads_whole(signed_in, both):
    document = json.loads(text_of(signed_in("ops").get(address("run_receipt_json", both))))

    assert document["totals"] == {"verified": 1, "unconfirmed": 1}
    assert len(document["logins"][0]["calls"]) == 2


def export(client, **fields) -> list[dict[str, str]]:
    form = {"action": "export_csv", "select_across": "0", **fields}
    return table_of(client.post(reverse("admin:logins_login_changelist"), form))


def test_the_list_of_logins_is_exported_without_bank_data(signed_in, register):
    Provider.objects.update(cost_per_login_month="1.50")
    Customer.objects.filter(pk=register.customer.pk).update(name="=Maple")

    rows = export(signed_in("ops"), _selected_action=[register.own.pk, register.foreign.pk])

    assert [row["customer"] for row in rows] == ["OWN-1", "FOR-1"]
    assert rows[0]["login_id"] == register.own.login_id
    assert (rows[0]["customer_name"], rows[0]["cost_per_month"]) == ("'=Maple", "1.50")
    told = " ".join(value for row in rows for value in row.values())
    assert LAST_FOUR not in told
    assert "1234.56" not in told


def test_an_account_manager_exports_their_own_alone(signed_in, register):
    client = signed_in("manager")

    chosen = export(client, _selected_action=[register.own.pk, register.foreign.pk])
    across = export(client, _selected_action=[register.own.pk], select_across="1")

    for rows in (chosen, across):
        assert [row["customer"] for row in rows] == ["OWN-1"]


def test_an_auditor_may_export_and_order_nothing(signed_in, register):
    client = signed_in("auditor")

    assert export(client, _selected_action=[register.own.pk])
    page = client.get(reverse("admin:logins_login_changelist")).content.decode()
    assert 'value="export_csv"' in page
    assert 'value="switch_off"' not in page


def test_the_receipt_of_an_order_is_no_other_person_s_to_guess(signed_in, people, register):
    run: Run = make_run(purpose="switch_off", opened_by=people["ops"], planned=1)
    make_order(register.own, run=run)

    assert signed_in("manager").get(address("run_receipt", run)).status_code == 404
