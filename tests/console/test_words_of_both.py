"""The words of screens that show rows of two providers, or of the second one alone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from refreshops import wiring
from refreshops.console.receipts import standing_badge
from refreshops.logins.models import Provider
from refreshops.routine.standing import Standing
from tests.builders import NOON, make_customer, make_login
from tests.console.conftest import make_attempt, make_call, make_run, page_of
from tests.console.test_orders import asked

TOKEN = "Cd7.hQ_2mZ~kP-9XyW4b"


@pytest.fixture
def flanks(db):
    return Provider.objects.create(name="flanks", cost_per_login_month="2.00", currency="EUR")


@pytest.fixture
def theirs(flanks, register):
    """Return a login of "manager" at the second provider, asked once."""
    login = make_login(provider=flanks, customer=register.customer, login_id=TOKEN)
    run = make_run(provider=flanks)
    attempt = make_attempt(run, login, outcome="user_action", provider_code="blocked")
    make_call(login, run, provider="flanks", attempt_id=attempt.pk, provider_code="50003")
    return login


def shown(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def column(page, name):
    return [part.split("</td>")[0] for part in page.split(f'<td class="field-{name}">')[1:]]


LISTS = pytest.mark.parametrize("path", ["/logins/login/", "/tracing/call/"])


@LISTS
def test_a_list_of_two_providers_says_whose_each_row_is(theirs, signed_in, path):
    page = shown(signed_in("ops").get(path))

    assert set(column(page, "at_provider")) == {"Flinks", "Flanks"}
    assert ">Provider<" in page


@LISTS
@pytest.mark.parametrize("query", ["?provider=flinks", "?provider=flanks"])
def test_a_list_of_one_chosen_provider_does_not_repeat_it(theirs, signed_in, path, query):
    page = shown(signed_in("ops").get(path + query))

    assert column(page, "at_provider") == []
    assert 'id="result_list"' in page


@LISTS
def test_where_one_provider_is_set_up_no_list_names_it(theirs, signed_in, settings, path):
    settings.FLANKS_API_URL = ""

    page = shown(signed_in("ops").get(path))

    assert column(page, "at_provider") == []
    assert 'id="result_list"' in page


@LISTS
def test_naming_the_provider_asks_the_database_nothing_more(theirs, signed_in, settings, path):
    client = signed_in("ops")
    client.get(path)
    with CaptureQueriesContext(connection) as both:
        client.get(path)
    settings.FLANKS_API_URL = ""
    with CaptureQueriesContext(connection) as one:
        client.get(path)

    assert len(both) == len(one)


def test_the_page_of_an_attempt_calls_the_code_what_its_provider_does(theirs, register, signed_in):
    client = signed_in("ops")

    page = shown(client.get(page_of(theirs.attempts.get())))
    other = shown(client.get(page_of(register.own_attempt)))

    assert f"Flanks {wiring.words('flanks').code}" in page
    assert ">blocked</code>" in page
    assert "FlinksCode" not in page
    assert "FlinksCode" in other


WORD = wiring.words("flanks").login_id


def heads(response):
    return {part.split("</th>")[0] for part in shown(response).split('<th scope="col">')[1:]}


def test_the_confirmation_of_an_order_lists_ids_under_their_providers_word(
    theirs, register, signed_in
):
    client = signed_in("ops")

    alone = heads(asked(client, "refresh_now", [theirs]))
    other = heads(asked(client, "refresh_now", [register.own]))
    mixed = heads(asked(client, "refresh_now", [register.own, theirs]))

    assert WORD in alone
    assert "LoginId" not in alone
    for found in (other, mixed):
        assert "LoginId" in found
        assert WORD not in found


def test_the_page_of_a_customer_heads_ids_with_the_word_of_their_provider(
    theirs, register, signed_in
):
    customer, client = make_customer("BOTH"), signed_in("ops")
    theirs.customer = customer
    theirs.save()
    make_attempt(make_run(provider=theirs.provider, purpose="switch_off"), theirs, outcome="fresh")

    alone = shown(client.get(page_of(customer)))
    register.own.customer = customer
    register.own.save()
    mixed = shown(client.get(page_of(customer)))

    assert alone.count(f">{WORD}</th>") == 2
    assert f">{wiring.words('flanks').last_refresh}</th>" in alone
    assert ">LoginId<" not in alone
    assert ">LastRefresh<" not in alone
    logins, receipts = mixed.split("<h2>Receipts</h2>")
    assert ">Id at the provider</th>" in logins
    assert ">Last refresh</th>" in logins
    assert f">{WORD}</th>" in receipts


@pytest.fixture
def off_here(theirs):
    """Return the ended attempt of an order that its provider was not told of."""
    run = make_run(provider=theirs.provider, purpose="switch_off", state="closed", closed_at=NOON)
    return make_attempt(run, theirs, outcome="fresh", outcome_reason="here_only")


def test_done_here_only_looks_the_same_wherever_it_stands(off_here, signed_in):
    client = signed_in("ops")
    badge = str(standing_badge(Standing.HERE_ONLY))
    pages = [page_of(row) for row in (off_here, off_here.run, off_here.login.customer)]

    found = [shown(client.get(page)) for page in pages]

    assert "o-fresh" not in badge
    for page in found:
        assert badge in page
        assert "Done: here only" not in page


def test_a_run_of_ends_here_calls_them_so_and_nothing_fresh(off_here, signed_in):
    client, run = signed_in("ops"), off_here.run
    pages = [page_of(run), f"/routine/run/{run.pk}/report/", "/routine/run/"]

    found = [shown(client.get(page)) for page in pages]

    for page in found:
        assert "<title>1 Done here only</title>" in page
        assert 'aria-label="1 done here only"' in page
    for page in found[:2]:
        assert "Fresh" not in page
    assert "Done here only <b>1</b>" in found[0]
    assert "All but done here only" in found[0]


def test_a_run_that_its_provider_is_told_of_is_done_and_not_fresh(register, signed_in):
    run = make_run(purpose="switch_off", state="closed", closed_at=NOON)
    make_attempt(run, register.own, outcome="fresh")

    page = shown(signed_in("ops").get(page_of(run)))

    assert "<title>1 Done</title>" in page
    assert "Done <b>1</b>" in page


def test_a_run_of_a_provider_that_is_set_up_no_more_is_shown(off_here, signed_in, settings):
    settings.FLANKS_API_URL = ""

    page = shown(signed_in("ops").get(page_of(off_here.run)))

    assert "<title>1 Done" in page


def test_a_list_spells_the_headings_as_its_provider_does(theirs, signed_in):
    client, words = signed_in("ops"), wiring.words("flanks")

    logins = shown(client.get("/logins/login/?provider=flanks"))
    calls = shown(client.get("/tracing/call/?provider=flanks"))

    assert f"<bdi>{words.code}</bdi>" in logins
    assert f"<bdi>{words.code}</bdi>" in calls
    assert f"<bdi>{words.login_id}</bdi>" in calls
    for page in (logins, calls):
        assert "&lt;bdi" not in page
        assert words.code.capitalize() not in page
        assert words.login_id.capitalize() not in page
