"""A whole morning on a fresh install, the day the biggest bank is down."""

import json
import re
from zipfile import ZipFile

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

ACTIVE = "SELECT count(*) FROM logins_login WHERE status = 'active'"
SUCCESSES = "outcome IN ('fresh', 'stale', 'user_action')"


def shown(page):
    """Return how many rows the list on screen says it has."""
    found = re.search(r"(\d+) logins?\b", page.locator("#changelist .paginator").inner_text())
    return int(found[1])


def confirm(page, reason=""):
    if reason:
        page.get_by_label("Reason (required)").fill(reason)
    page.locator("#content-main form [type=submit]").first.click()
    page.wait_for_load_state()


def wait_for_end(page):
    expect(page.locator(".percent").first).to_have_text(re.compile("^100"), timeout=60_000)


def test_the_whole_morning_of_an_outage(browser, devserver, pictures):
    site = devserver(
        logins=60, scenario="outage", LOGINS_PER_MINUTE="12", THROTTLE_WINDOW_SECONDS="2.5"
    )
    visitor = Visitor(browser, site)
    page = visitor.page
    visitor.sign_in("ops")

    # The run moves; it is paused with a reason, stands still, and goes on.
    page.get_by_role("link", name=re.compile("^Daily run of")).first.click()
    page.wait_for_load_state()
    page.get_by_role("link", name="Pause…").click()
    confirm(page, "The bank has called: wait for their word")
    expect(page.locator("#content")).to_contain_text("The bank has called: wait for their word")
    done = "SELECT count(*) FROM routine_attempt WHERE state = 'done'"
    page.wait_for_timeout(1500)
    (stopped_at,) = site.place.rows(done)
    page.wait_for_timeout(3500)
    assert site.place.rows(done) == [stopped_at]
    assert stopped_at[0] < 60
    pictures(page, "paused")
    page.get_by_role("link", name=re.compile("^Resume")).click()
    confirm(page)
    loads = visitor.loads
    wait_for_end(page)
    assert visitor.loads == loads
    pictures(page, "outage-run", full_page=True)

    # The index: every number equals the rows behind its link.
    visitor.open()
    pictures(page, "outage", full_page=True)
    numbers = {}
    for place in range(6):
        number = page.locator(".numbers a").nth(place)
        label = number.locator(".badge").inner_text().strip()
        numbers[label] = int(number.locator("strong").inner_text())
        number.click()
        page.wait_for_load_state()
        assert (shown(page) if numbers[label] else 0) == numbers[label], label
        visitor.open()
    assert numbers["Bank unavailable"] > 0
    assert numbers["Customer must act"] == 0
    assert sum(numbers.values()) == site.place.rows(ACTIVE)[0][0]

    # The outage is one line, and opens the logins it speaks of.
    line = page.locator(".banner", has_text="RBC")
    expect(line).to_have_count(1)
    line.get_by_role("link").first.click()
    page.wait_for_load_state()
    assert shown(page) == numbers["Bank unavailable"]
    assert set(page.locator("#result_list .field-institution").all_inner_texts()) == {"RBC"}
    pictures(page, "outage-logins")

    # Only what failed is asked again.
    visitor.open()
    page.get_by_role("link", name=re.compile("^Daily run of")).first.click()
    page.wait_for_load_state()
    page.get_by_role("link", name="Retry failed only…").click()
    page.wait_for_load_state()
    confirm(page, "Once more" if page.locator("#id_reason").count() else "")
    wait_for_end(page)
    ((retry,),) = site.place.rows("SELECT id FROM routine_run WHERE origin = 'retry'")
    again = f"SELECT login_id FROM routine_attempt WHERE run_id = {retry} ORDER BY 1"
    failed = (
        "SELECT login_id FROM routine_attempt WHERE run_id = "
        "(SELECT id FROM routine_run WHERE origin = 'daily') "
        "AND outcome = 'institution_unavailable' ORDER BY 1"
    )
    assert site.place.rows(again) == site.place.rows(failed)
    assert not site.place.rows(
        f"SELECT 1 FROM routine_attempt WHERE run_id = {retry} AND login_id IN "
        f"(SELECT login_id FROM routine_attempt WHERE run_id <> {retry} AND {SUCCESSES})"
    )

    # One login: what is the matter, and asked anew at once.
    page.locator("#attempts a[href*='/logins/login/']").first.click()
    page.wait_for_load_state()
    here = page.url.split("?")[0]
    expect(page.locator(".lead")).to_contain_text("RBC")
    page.get_by_role("button", name=re.compile("^Refresh now")).click()
    page.wait_for_load_state()
    confirm(page)
    wait_for_end(page)
    page.goto(here)
    pictures(page, "outage-login", full_page=True)
    expect(page.locator("#timeline")).to_contain_text("Retry")

    # A support bundle about it.
    page.get_by_role("link", name="Support bundle…").click()
    page.wait_for_load_state()
    pictures(page, "bundle", full_page=True)
    with page.expect_download() as found:
        page.get_by_role("button", name="Make the bundle").click()
    ((login_id, name),) = site.place.rows(
        "SELECT login.login_id, customer.name FROM logins_login AS login "
        "JOIN logins_customer AS customer ON customer.id = login.customer_id WHERE login.id = ?",
        here.rstrip("/").split("/")[-2],
    )
    assert_a_bundle_about(found.value.path(), login_id=login_id, name=name)
    assert visitor.wrong == []


def assert_a_bundle_about(path, *, login_id, name):
    """Check what is in the zip: the ticket, the calls, their sums; nobody's name."""
    with ZipFile(path) as bundle:
        assert bundle.testzip() is None
        texts = {
            entry.rsplit("/", 1)[-1]: bundle.read(entry).decode() for entry in bundle.namelist()
        }
        calls = [entry for entry in bundle.namelist() if "/calls/" in f"/{entry}"]
        said = [json.loads(bundle.read(entry)) for entry in calls]
    assert {"ticket.txt", "timeline.csv"} < set(texts)
    assert any(entry.startswith("manifest") for entry in texts)
    assert all(entry in texts["timeline.csv"] for entry in calls)
    assert login_id in texts["ticket.txt"]
    assert "RETRY_LATER" in texts["ticket.txt"]
    assert said
    assert name not in "".join(texts.values())
