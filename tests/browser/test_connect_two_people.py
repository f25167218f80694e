"""Two people, two browsers: one asks, the other comes back, and the case ends by itself."""

import email
import re
import time
from email import policy

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor, serious_faults

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 800}
# A public page is looked at in each of these.
LOOKS = (("dark", PHONE), ("light", {"width": 1280, "height": 860}), ("light", PHONE))
PATIENCE_MS = 60_000
CLOSED = "SELECT count(*) FROM routine_run WHERE origin = 'daily' AND state = 'closed'"
# Who waits this morning because the bank asks a question.
ASKED = """
    SELECT case_.id, login.login_id, login.institution, customer.reference, customer.name
    FROM logins_reconnectcase AS case_ JOIN logins_login AS login ON login.id = case_.login_id
    JOIN logins_customer AS customer ON customer.id = login.customer_id
    WHERE case_.closed_at IS NULL AND case_.provider_code = 'QUESTION_NOT_FOUND'
    AND NOT EXISTS (SELECT 1 FROM logins_login AS other WHERE other.customer_id = customer.id
        AND other.id <> login.id) ORDER BY case_.id LIMIT 1"""
CONTACTS = "SELECT how FROM logins_contact WHERE case_id = ? ORDER BY id"
PENDING = """
    SELECT count(*) FROM tracing_call AS call JOIN routine_attempt AS attempt
    ON attempt.id = call.attempt_id
    WHERE attempt.purpose = 'connect' AND call.provider_code = 'OPERATION_PENDING'"""
ENDED = """
    SELECT case_.closed_as, login.outcome FROM logins_reconnectcase AS case_
    JOIN logins_login AS login ON login.id = case_.login_id WHERE case_.id = ?"""
CONNECTED = """
    SELECT login.institution, login.outcome, login.status, login.nightly
    FROM logins_login AS login JOIN logins_customer AS customer ON customer.id = login.customer_id
    WHERE customer.reference = ?"""


@pytest.fixture(scope="module")
def mails(tmp_path_factory):
    return tmp_path_factory.mktemp("mails")


@pytest.fixture(scope="module")
def site(shared_devserver, mails):
    site = shared_devserver(
        logins=60,
        LOGINS_PER_MINUTE="100",
        THROTTLE_WINDOW_SECONDS="1",
        LENDER_NAME="Maple Lending",
        EMAIL_URL=f"filemail:///{mails}",
    )
    until(lambda: site.place.rows(CLOSED) == [(1,)])
    return site


@pytest.fixture
def operator(browser, site):
    visitor = Visitor(browser, site)
    visitor.sign_in("ops")
    yield visitor
    visitor.context.close()


@pytest.fixture
def customer(browser, site):
    """Somebody with a phone, who never signs in here."""
    phone = Phone(browser, site, viewport=PHONE)
    yield phone
    phone.context.close()


class Phone(Visitor):
    """A customer's phone; `faults` is what our pages lack, `seen` which of them were looked at."""

    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        self.faults: list[str] = []
        self.seen: list[str] = []

    def look(self):
        """Look at a page of ours that stays: for accessibility, and for what does not fit."""
        assert self.page.url.startswith(self.site.address)
        title = self.page.locator("h1").inner_text()
        # Axe itself trips over the content security policy.
        before = list(self.wrong)
        for scheme, viewport in LOOKS:
            self.show(scheme, viewport)
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            self.faults += [f"{title}: {wide} px"] if wide > viewport["width"] else []
            self.faults += serious_faults(self.page, f"{title} {scheme} {viewport['width']}")
        self.wrong[:] = before
        self.seen.append(title)

    def begin(self):
        """Press our one button, and wait for the page of the provider."""
        self.page.get_by_role("button", name="Connect my bank").click()
        self.page.wait_for_url("**/v2/**", timeout=PATIENCE_MS)

    def answer(self):
        """Answer what the bank asks, as the simulator's page says one should."""
        page = self.page
        expect(page.locator("form#mfa")).to_be_visible(timeout=PATIENCE_MS)
        right = [
            hint.rpartition(": ")[2] for hint in page.locator("aside.hint li").all_inner_texts()
        ]
        for field, text in zip(page.locator("form#mfa label input").all(), right, strict=True):
            field.fill(text)
        page.get_by_role("button", name="Continue").click()

    def wait_until_connected(self):
        title = self.page.get_by_role("heading", name="You are connected")
        expect(title).to_be_visible(timeout=PATIENCE_MS)


def until(true, *, seconds=60.0):
    ends_at = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends_at, "waited for too long"
        time.sleep(0.1)


def mail_to(folder, address):
    """Wait for the one mail to `address` among the files, and return it."""
    found = []

    def came():
        texts = [file.read_bytes() for file in folder.iterdir()]
        found[:] = [mail for text in texts for mail in parsed(text) if mail["To"] == address]
        return len(found) == 1

    until(came)
    return found[0]


def parsed(text):
    parts = re.split(rb"\n-{79}\n", text)
    return [email.message_from_bytes(p, policy=policy.default) for p in parts if p.strip()]


def texts_of(mail):
    """Return all that a mail says but its addressee: headers, plain text and HTML."""
    headers = [f"{name}: {value}" for name, value in mail.items() if name != "To"]
    return "\n".join(headers + [part.get_content() for part in mail.walk() if is_text(part)])


def is_text(part):
    return part.get_content_maintype() == "text"


def test_a_customer_of_this_morning_is_asked_and_comes_back(
    site, mails, operator, customer, pictures
):
    ((case, login_id, bank, reference, name),) = site.place.rows(ASKED)
    desk, phone = operator.page, customer.page

    # From this morning's numbers to the case, and the mail.
    desk.get_by_role("link", name=re.compile(r"^\d+ cases? to work on$")).click()
    pictures(desk, "cases", full_page=True)
    desk.get_by_role("link", name=f"{reference} {name}").click()
    expect(desk.locator("#content")).to_contain_text("The customer must answer the bank's")
    desk.get_by_role("link", name="Make a link…").click()
    desk.get_by_role("button", name="Make a link and mail it").click()
    expect(desk.locator(".messagelist")).to_contain_text("queued")
    mail = mail_to(mails, f"{reference.lower()}@customers.example")

    until(lambda: site.place.rows(CONTACTS, str(case)) == [("mail",)])
    desk.reload()
    expect(desk.get_by_role("region", name="Contacts")).to_contain_text("Olivia Tremblay")
    expect(desk.get_by_role("region", name="Connect links")).to_contain_text("sent by mail")
    pictures(desk, "case", full_page=True)

    # It tells a stranger who finds it nothing.
    said = texts_of(mail)
    (link,) = set(re.findall(rf"{site.address}connect/[^/\s\"<>]+/", said))
    for secret in (name, *name.split(), reference, bank, login_id, login_id[:8]):
        assert not re.search(rf"\b{re.escape(secret)}\b", said, re.IGNORECASE), secret

    # The customer, on a phone.
    phone.goto(link)
    customer.look()
    pictures(phone, "connect-phone")
    assert name not in phone.content()
    assert bank not in phone.content()
    customer.begin()
    pictures(phone, "connect-question")
    customer.answer()
    customer.wait_until_connected()
    customer.look()
    pictures(phone, "connected-phone")

    # Nobody touched the case: it is closed, and the login fresh.
    assert site.place.rows(CONTACTS, str(case)) == [("mail",), ("link",)]
    desk.reload()
    expect(desk.locator(".lead")).to_contain_text("Closed: the login is fresh again.")
    expect(desk.locator(".lead header .badge").first).to_have_text("Fresh")
    expect(desk.get_by_role("region", name="Contacts")).to_contain_text("the customer")
    pictures(desk, "case-closed", full_page=True)
    desk.get_by_role("link", name="The login").click()
    expect(desk.locator(".lead")).to_contain_text("The data we hold is fresh.")
    desk.goto(site.address + "logins/reconnectcase/")
    expect(desk.get_by_role("link", name=f"{reference} {name}")).to_have_count(0)
    assert site.place.rows(ENDED, str(case)) == [("fresh", "fresh")]
    assert customer.seen == ["Connect your bank", "You are connected"]
    assert (operator.wrong, customer.wrong, customer.faults) == ([], [], [])


def test_a_new_customer_connects_a_first_bank(site, operator, customer, pictures):
    desk, phone = operator.page, customer.page

    # The link is shown once, to be copied.
    operator.open("logins/customer/?q=N-1001")
    desk.get_by_role("link", name="Nora Newcomer").or_(
        desk.get_by_role("link", name="N-1001")
    ).first.click()
    desk.get_by_role("link", name="Connect a first bank…").click()
    desk.get_by_role("button", name="Make a link and show it").click()
    pictures(desk, "link-made")
    link = desk.get_by_label("Address of the page").input_value()

    # The customer chooses a bank, signs in, and waits for the first retrieval.
    phone.goto(link)
    customer.look()
    customer.begin()
    phone.locator('button[value="TD"]').click()
    phone.get_by_label("Username").fill("Greatday")
    phone.get_by_label("Password").fill("Everyday")
    phone.get_by_role("button", name="Continue").click()
    customer.answer()
    customer.wait_until_connected()
    customer.look()

    # Flinks was not ready at once, and was asked until it was.
    assert site.place.rows(PENDING)[0][0] > 0
    assert site.place.rows(CONNECTED, "N-1001") == [("TD", "fresh", "active", "on")]

    operator.open("logins/login/?q=N-1001")
    row = desk.locator("#result_list tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Nora Newcomer")
    expect(row).to_contain_text("Fresh")
    row.get_by_role("link").first.click()
    timeline = desk.locator("#timeline")
    expect(timeline).to_contain_text("Connected a bank by a customer by a link")
    expect(timeline).to_contain_text("Connect ordered by the customer")
    pictures(desk, "connected-login", full_page=True)

    # The link has done its work: it leads to no second connection.
    phone.goto(link)
    expect(phone.get_by_role("heading", name="You are connected")).to_be_visible()
    expect(phone.get_by_role("button")).to_have_count(0)
    assert (operator.wrong, customer.wrong, customer.faults) == ([], [], [])
