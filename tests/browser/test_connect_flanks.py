"""A login of Flanks, two browsers: somebody asks, the customer goes through a session, it heals."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import both_providers
from tests.browser.test_connect_two_people import ENDED, PHONE, Phone, until
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000
# Who waits because a code, or a new password, is asked for.
ASKED = """
    SELECT case_.id, login.login_id, login.institution, customer.name
    FROM logins_reconnectcase AS case_ JOIN logins_login AS login ON login.id = case_.login_id
    JOIN logins_customer AS customer ON customer.id = login.customer_id
    JOIN logins_provider AS provider ON provider.id = login.provider_id
    WHERE case_.closed_at IS NULL AND provider.name = 'flanks' AND case_.reason = ?
    ORDER BY case_.id LIMIT 1"""


@pytest.fixture(scope="module")
def site(shared_devserver):
    site = shared_devserver(
        logins=12,
        LOGINS_PER_MINUTE="100",
        THROTTLE_WINDOW_SECONDS="1",
        LENDER_NAME="Maple Lending",
        **both_providers(),
    )
    until(lambda: all(site.place.rows(ASKED, why) for why in ("mfa", "credentials")))
    return site


@pytest.fixture
def operator(browser, site):
    visitor = Visitor(browser, site)
    visitor.sign_in("ops")
    yield visitor
    visitor.context.close()


class CustomerAtFlanks(Phone):
    """A customer's phone at our pages, and at the pages of a session."""

    def begin(self, button="Connect my bank"):
        """Press our one button, and wait for the session's page."""
        self.page.get_by_role("button", name=button).click()
        self.page.wait_for_url("**/flanks/connect/**", timeout=PATIENCE_MS)

    def type(self, label, text):
        """Fill the one box of the session's page, and go on."""
        self.page.get_by_label(label).fill(text)
        self.page.get_by_role("button", name="Continue").click()

    def begin_again(self):
        """Follow the page that says that nothing was finished back to the link, and begin."""
        title = self.page.get_by_role("heading", name="That was not finished")
        expect(title).to_be_visible(timeout=PATIENCE_MS)
        self.look()
        self.page.get_by_role("link", name="Start again").click()
        self.begin()


@pytest.fixture
def customer(browser, site):
    phone = CustomerAtFlanks(browser, site, viewport=PHONE)
    yield phone
    phone.context.close()


def link_of(operator, case):
    """Make a link on the case's page, as staff do; return its address."""
    desk = operator.page
    operator.open(f"logins/reconnectcase/{case}/change/")
    desk.get_by_role("link", name="Make a link…").click()
    desk.get_by_label("Language of the page").select_option("en")
    desk.get_by_role("button", name="Make a link and show it").click()
    return desk.get_by_label("Address of the page").input_value()


@pytest.mark.parametrize(
    ("reason", "label", "wrong", "right"),
    [
        pytest.param("mfa", "The code that your bank sent", "INVALID_SCA", "123456", id="code"),
        pytest.param(
            "credentials", "Password", "INVALID_CREDENTIALS", "A new password", id="password"
        ),
    ],
)
def test_a_customer_is_cured_by_a_session(
    site, operator, customer, pictures, reason, label, wrong, right
):
    ((case, login_id, bank, name),) = site.place.rows(ASKED, reason)
    phone = customer.page

    # Left once, mistyped once, then done.
    phone.goto(link_of(operator, case))
    customer.look()
    customer.begin()
    pictures(phone, f"flanks-session-{reason}")
    phone.get_by_role("button", name="Cancel").click()
    customer.begin_again()
    customer.type(label, wrong)
    customer.begin_again()
    customer.type(label, right)
    customer.wait_until_connected()
    customer.look()

    said = phone.content()
    assert not [word for word in (name, bank, login_id, "Flanks", "session") if word in said]
    operator.open(f"logins/reconnectcase/{case}/change/")
    lead = operator.page.locator(".lead")
    expect(lead).to_contain_text("Closed: the login is fresh again.")
    pictures(operator.page, f"flanks-case-closed-{reason}", full_page=True)
    assert site.place.rows(ENDED, str(case)) == [("fresh", "fresh")]
    not_finished = ["That was not finished"] * 2
    assert customer.seen == ["Connect your bank", *not_finished, "You are connected"]
    assert (operator.wrong, customer.wrong, customer.faults) == ([], [], [])


def test_a_first_bank_is_connected_elsewhere_and_the_page_says_so(operator):
    desk = operator.page

    operator.open("logins/customer/?q=N-1001")
    desk.get_by_role("link", name=re.compile("N-1001|Nora Newcomer")).first.click()
    desk.get_by_role("link", name="Connect a first bank…").click()

    expect(desk.locator("#content")).to_contain_text("New customers connect by Flanks's own link")
    assert operator.wrong == []
