"""The first morning in a browser: sign in, watch the run to its end, switch a login off."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser


def test_the_first_morning(browser, devserver, pictures):
    site = devserver(logins=40, LOGINS_PER_MINUTE="12", THROTTLE_WINDOW_SECONDS="2.5")
    visitor = Visitor(browser, site)
    page = visitor.page

    # The run is already moving, and ends before the visitor's eyes without a reload.
    visitor.sign_in("ops")
    page.get_by_role("link", name="Daily run of").first.click()
    page.wait_for_load_state()
    loads = visitor.loads
    expect(page.locator(".percent").first).not_to_have_text(re.compile("^0 "), timeout=30_000)
    pictures(page, "run")
    expect(page.locator(".percent").first).to_have_text("100 %", timeout=60_000)
    assert visitor.loads == loads

    # The index tells the same numbers as the rows behind its links.
    visitor.open()
    pictures(page, "index", full_page=True)
    fresh = page.locator(".numbers a").first
    number = int(fresh.locator("strong").inner_text())
    fresh.click()
    page.wait_for_load_state()
    assert f"{number} login" in page.locator("#changelist").inner_text()
    visitor.open("leaks/")
    pictures(page, "leaks")
    visitor.open("logins/login/")
    pictures(page, "logins")

    # Switching one login off: a reason is asked for, then a run, then a receipt.
    page.locator("tr", has_text="Fresh").locator("input.action-select").first.check()
    page.select_option("select[name=action]", label="Switch off nightly refresh…")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Reason (required)").fill("The customer left")
    pictures(page, "switch-off")
    page.locator("#content-main button[type=submit]").click()
    page.wait_for_load_state()
    expect(page.locator(".percent").first).to_have_text("100 %", timeout=60_000)
    page.locator("#content-main a[href*='/logins/login/']").first.click()
    page.wait_for_load_state()
    receipt = page.locator(".receipt").inner_text()
    assert "The customer left" in receipt
    assert site.place.rows(
        "SELECT status, nightly FROM logins_login WHERE nightly_verified_at IS NOT NULL"
    ) == [("inactive", "off")]
    pictures(page, "login", full_page=True)

    # One call: what was sent, what came back, what the code means.
    (call,) = site.place.rows(
        "SELECT max(id) FROM tracing_call WHERE provider_code = 'QUESTION_NOT_FOUND'"
    )
    visitor.open(f"tracing/call/{call[0]}/change/")
    pictures(page, "call")
    assert "QUESTION_NOT_FOUND" in page.locator("#content").inner_text()
    assert visitor.wrong == []
