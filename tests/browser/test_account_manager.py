"""An account manager finds idle customers, gives a list, orders the switch-off, has the receipt."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

THEIRS = """
    SELECT reference FROM logins_customer AS customer
    JOIN auth_user ON auth_user.id = account_manager_id
    WHERE username {} 'manager' AND EXISTS (
        SELECT 1 FROM logins_login WHERE customer_id = customer.id AND status = 'active')
    ORDER BY reference LIMIT {}
"""


def references(site, *, own, number):
    found = site.place.rows(THEIRS.format("=" if own else "<>", number))
    return [reference for (reference,) in found]


def part(page, heading):
    """Return the number behind a class of the preview."""
    title = page.locator("section.card h2", has_text=re.compile(f"^{heading}: ")).inner_text()
    return int(title.rsplit(" ", 1)[1])


def test_an_account_manager_switches_off_from_a_list(browser, devserver, pictures):
    site = devserver(
        logins=240, scenario="calm", LOGINS_PER_MINUTE="200", THROTTLE_WINDOW_SECONDS="1"
    )
    visitor = Visitor(browser, site)
    page = visitor.page
    visitor.sign_in("manager")

    # Who was idle for long, by a number of days of one's own.
    visitor.open("logins/customer/")
    page.locator("#changelist-filter summary", has_text="Inactive").click()
    page.get_by_label("More than").fill("75")
    page.get_by_role("button", name="Show").click()
    page.wait_for_load_state()
    assert "inactive_days=75" in page.url
    assert page.locator("#result_list tbody tr").count() > 0
    pictures(page, "inactive-customers")

    # Forty references: unknown, doubled and foreign ones among them.
    own = references(site, own=True, number=30)
    foreign = references(site, own=False, number=4)
    words = own + own[:3] + foreign + ["NOBODY-1", "NOBODY-2", "NOBODY-3"]
    assert len(words) == 40
    page.get_by_role("link", name="Give a list…").click()
    page.get_by_label("The list").fill("\n".join(words))
    pictures(page, "list")
    page.get_by_role("button", name="Show what it names").click()
    page.wait_for_load_state()
    assert part(page, "Found") == 30
    assert part(page, "Duplicate") == 3
    assert part(page, "Unknown, or not yours") == 7
    pictures(page, "list-preview")

    # Confirm with a reason; then the run moves to its end by itself.
    page.get_by_role("button", name=re.compile("^Go on with")).click()
    page.get_by_label("Reason (required)").fill("Contracts ended in October")
    pictures(page, "switch-off-list")
    page.locator("#content-main button[type=submit]").click()
    page.wait_for_load_state()
    expect(page.locator(".percent").first).to_have_text("100 %", timeout=60_000)
    pictures(page, "switch-off-run")

    # The receipt, and what the register says now.
    page.get_by_role("link", name="Receipt", exact=True).click()
    page.wait_for_load_state()
    assert "Contracts ended in October" in page.locator("body").inner_text()
    pictures(page, "receipt")
    (proven,) = site.place.rows(
        "SELECT count(*) FROM logins_login WHERE id IN "
        "(SELECT login_id FROM routine_attempt WHERE purpose = 'switch_off') "
        "AND status = 'inactive' AND nightly = 'off' "
        "AND nightly_verified_at IS NOT NULL"
    )
    assert proven[0] >= 30
    assert visitor.wrong == []
