"""A customer's phone: from the link through the provider's page to "connected", script or no."""

import pytest
from playwright.sync_api import expect

from tests.installation import ROOT

LINK_MAKER = str(ROOT / "tests" / "processes" / "link_maker.py")
PHONE = {"width": 360, "height": 740}
PATIENCE_MS = 40_000

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(shared_devserver):
    return shared_devserver(logins=12, scenario="calm")


def link_for(site, reference):
    """Make a link for a customer without a bank; return its address."""
    done = site.place.manage(LINK_MAKER, "new", reference, PUBLIC_URL=site.address.rstrip("/"))
    return done.stdout.strip()


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without"])
def test_a_new_customer_connects_a_bank(browser, site, pictures, script):
    link = link_for(site, f"PHONE-{script}")
    context = browser.new_context(viewport=PHONE, java_script_enabled=script)
    page = context.new_page()
    referers, broken = [], []
    page.on("request", lambda asked: referers.append(asked.headers.get("referer") or ""))
    page.on("console", lambda said: broken.append(said.text) if site.address in page.url else None)

    page.goto(link)
    pictures(page, f"connect-start-{script}")
    wide = page.evaluate("document.documentElement.scrollWidth") if script else 0
    page.get_by_role("button", name="Connect my bank").click()
    if not script:
        page.get_by_role("link", name="Continue").click(timeout=PATIENCE_MS)
    page.wait_for_url("**/v2/**", timeout=PATIENCE_MS)
    page.locator('button[value="TD"]').click()
    page.locator('input[name="username"]').fill(f"greatday-{script}")
    page.locator('input[name="password"]').fill("Everyday")
    page.locator("form#credential button").click()
    expect(page.get_by_role("heading", name="You are connected")).to_be_visible(timeout=PATIENCE_MS)
    pictures(page, f"connect-done-{script}")
    context.close()

    assert wide <= PHONE["width"]
    assert broken == []
    token = link.rstrip("/").rpartition("/")[2]
    assert not [referer for referer in referers if token in referer]
    assert site.place.rows(
        "SELECT institution, outcome FROM logins_login JOIN logins_customer AS customer"
        " ON customer.id = customer_id WHERE reference = ?",
        f"PHONE-{script}",
    ) == [("TD", "fresh")]
