"""Lists paged by key: every row once, at any depth, whatever arrives meanwhile."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from refreshops.console.keyset import OLDEST, Key, by_key, slice_of
from refreshops.tracing.models import Call
from tests.console.conftest import make_call

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS = [Key("sent_at"), Key("")]
SIZE = 3
ODD = ["x", "\0", "1", "1.", ".1", "1.1.1", "-1.1", "1.-1", "٣.٣", f"{'9' * 17}.1", f"1.{'9' * 19}"]
LIST = "/tracing/call/"


def calls(seconds):
    """Write a call for each number of seconds after noon; return their ids."""
    made = Call.objects.bulk_create(
        Call(sent_at=NOON + timedelta(seconds=second), provider="flinks", endpoint="Authorize")
        for second in seconds
    )
    return [call.pk for call in made]


def newest_first(key):
    return list(Call.objects.order_by(*key.ordering).values_list("pk", flat=True))


def walk(key, *, back, meanwhile=lambda: None):
    """Return the rows of each page from one end to the other, in the order they are met."""
    rows, seen = Call.objects.all(), []
    page = slice_of(rows, key=key, size=SIZE, after=OLDEST if back else "")
    seen.append(page.rows)
    while page.newer if back else page.older:
        meanwhile()
        edge = key.cursor(page.rows[0 if back else -1])
        page = slice_of(rows, key=key, size=SIZE, **{"after" if back else "before": edge})
        seen.append(page.rows)
    return [row.pk for rows in (seen[::-1] if back else seen) for row in rows]


class TestWalking(TestCase):
    """Random times, many of them equal."""

    @given(st.lists(st.integers(0, 4), max_size=20))
    def test_older_and_older_and_back_again_meets_every_row_once(self, seconds):
        Call.objects.all().delete()
        calls(seconds)

        for key in KEYS:
            expected = newest_first(key)
            assert walk(key, back=False) == expected
            assert walk(key, back=True) == expected
            assert [row.pk for row in by_key(Call.objects.all(), key=key, chunk=4)] == expected

    @given(st.lists(st.integers(0, 4), min_size=1, max_size=15))
    def test_what_arrives_meanwhile_moves_no_row_to_another_page(self, seconds):
        Call.objects.all().delete()
        calls(seconds)

        for key in KEYS:
            expected = newest_first(key)
            assert walk(key, back=False, meanwhile=lambda: calls([9])) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("key", KEYS, ids=["by-time", "by-number"])
@pytest.mark.parametrize("cursor", ODD)
def test_a_cursor_that_makes_no_sense_means_the_newest_page(key, cursor):
    calls(range(5))

    for asked in ({"before": cursor}, {"after": cursor}):
        page = slice_of(Call.objects.all(), key=key, size=SIZE, **asked)
        assert [row.pk for row in page.rows] == newest_first(key)[:SIZE]
        assert not page.newer
        assert page.older


@pytest.mark.django_db
@pytest.mark.parametrize("key", KEYS, ids=["by-time", "by-number"])
def test_past_either_end_the_newest_page_is_shown(key):
    calls(range(5))
    rows = list(Call.objects.order_by(*key.ordering))

    for asked in ({"before": key.cursor(rows[-1])}, {"after": key.cursor(rows[0])}):
        page = slice_of(Call.objects.all(), key=key, size=SIZE, **asked)
        assert page.rows == rows[:SIZE]


# --- As a list in the browser ---


@pytest.fixture
def long_list(register):
    """More calls than a page holds, of the manager's login and of another."""
    for login in (register.own, register.foreign):
        for _ in range(60):
            make_call(login, register.run, endpoint="GetAccountsDetail", http_status_code=200)
    return register


def links(page):
    """Return the addresses of the pager by their names."""
    pager = re.search(r'<nav class="paginator keyset".*?</nav>', page.content.decode())[0]
    found = re.findall(r'<a href="([^"]*)"[^>]*>(\w+)</a>', pager)
    return {name: address.replace("&amp;", "&") for address, name in found}


def test_the_pager_leads_through_a_narrowed_list_and_back(signed_in, long_list):
    client = signed_in("ops")
    query = f"?endpoint=GetAccountsDetail&q={long_list.own.login_id}"

    newest = client.get(LIST + query)
    older = client.get(LIST + links(newest)["Older"])
    again = client.get(LIST + links(older)["Newer"])

    assert set(links(newest)) == {"Older", "Oldest"}
    assert set(links(older)) == {"Newest", "Newer"}
    met = [row.pk for page in (newest, older) for row in page.context["cl"].result_list]
    of_login = Call.objects.filter(login_id=long_list.own.login_id, http_status_code=200)
    assert met == list(of_login.order_by("-sent_at", "-pk").values_list("pk", flat=True))
    assert again.context["cl"].result_list == newest.context["cl"].result_list
    oldest = client.get(LIST + links(newest)["Oldest"]).context["cl"].result_list
    assert [row.pk for row in oldest] == met[-50:]


def test_a_filter_and_a_search_begin_at_the_newest_again(signed_in, long_list):
    client = signed_in("ops")

    page = client.get(LIST + links(client.get(LIST))["Older"])

    choices = [
        choice["query_string"]
        for spec in page.context["cl"].filter_specs
        for choice in spec.choices(page.context["cl"])
    ]
    assert not [address for address in choices if "before" in address]
    assert 'type="hidden" name="before"' not in page.content.decode()


def test_a_rows_page_knows_the_way_back_to_its_page_of_the_list(signed_in, long_list):
    client = signed_in("ops")
    older = links(client.get(LIST + "?http=200"))["Older"]

    listed = client.get(LIST + older)
    row = re.search(r'<a href="(/tracing/call/\d+/change/[^"]*)"', listed.content.decode())[1]
    page = client.get(row.replace("&amp;", "&"))

    assert f'<a href="{LIST}{older}">Calls</a>'.replace("&", "&amp;") in page.content.decode()


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("where", ["before", "after"])
def test_no_cursor_breaks_a_list(signed_in, register, where, value):
    client = signed_in("ops")

    for model in ("tracing/call", "routine/attempt", "bankdata/snapshot"):
        answer = client.get(f"/{model}/?{where}={quote(value)}")
        assert answer.status_code == 200
        assert "Newest" not in answer.content.decode()


def test_an_order_in_the_address_changes_nothing(signed_in, long_list):
    client = signed_in("ops")

    plain, sorted_by = (client.get(LIST + query) for query in ("", "?o=5.-2"))

    assert sorted_by.context["cl"].result_list == plain.context["cl"].result_list


@pytest.mark.parametrize("name", ["ops", "manager", "auditor", "viewer"])
def test_a_list_asks_few_questions_and_never_counts(signed_in, long_list, name):
    client = signed_in(name)

    for model in ("tracing/call", "routine/attempt", "bankdata/snapshot", "bankdata/bankaccount"):
        for query in ("", f"?q={long_list.own.login_id}", "?after=oldest", "?day=today"):
            with CaptureQueriesContext(connection) as queries:
                client.get(f"/{model}/{query}")
            assert len(queries) <= 8, (model, query)
            assert not [row["sql"] for row in queries if "COUNT(" in row["sql"]]


def test_a_list_says_how_much_it_shows(signed_in, long_list):
    client = signed_in("ops")

    says = [client.get(LIST + query).context["cl"].says for query in ("", "?http=401")]

    assert says[0].startswith("The newest 50 calls, ")
    assert says[1] == "1 call"


def test_a_list_without_rows_says_why(signed_in, people):
    client = signed_in("ops")

    nothing, narrowed = (client.get(LIST + query).content.decode() for query in ("", "?http=500"))

    assert "No calls yet. Every exchange with a provider is written down here" in nothing
    assert 'No calls match. <a href="?">Show all calls</a>' in narrowed
