"""Every screen, once: no fault of accessibility, no console error, nothing that does not fit."""

import re

import pytest

from tests.browser import states
from tests.browser.conftest import both_providers
from tests.browser.visitor import MODES, Visitor, misfits, serious_faults
from tests.console.permission_site import lines

pytestmark = pytest.mark.browser

# The row that stands for each name of docs/permissions.md.
ROWS = {
    "customer": "SELECT min(customer_id) FROM logins_login WHERE outcome = 'user_action'",
    "login": "SELECT max(login_id) FROM routine_attempt WHERE purpose = 'switch_off'",
    "attempt": "SELECT max(id) FROM routine_attempt WHERE purpose = 'switch_off'",
    "case": "SELECT min(id) FROM logins_reconnectcase WHERE closed_at IS NULL",
    "link": "SELECT 1",
    "unknown": "SELECT min(id) FROM logins_unknownlogin",
    "provider": "SELECT min(id) FROM logins_provider",
    "run": "SELECT max(id) FROM routine_run WHERE purpose = 'switch_off' AND state = 'open'",
    "waiting": "SELECT max(id) FROM routine_run WHERE state = 'waiting'",
    "paused": "SELECT max(id) FROM routine_run WHERE state = 'paused'",
    "failed": "SELECT max(id) FROM routine_run WHERE origin = 'daily'",
    "slot": "SELECT min(id) FROM routine_slot",
    "beat": "SELECT min(id) FROM routine_beat",
    "call": "SELECT max(id) FROM tracing_call WHERE provider_code = 'QUESTION_NOT_FOUND'",
    "letter": "SELECT max(id) FROM logins_letter",
    "lettertext": "SELECT min(id) FROM logins_lettertext",
    "delivery": "SELECT max(id) FROM tracing_delivery",
    "event": "SELECT max(id) FROM tracing_event",
    "snapshot": "SELECT min(id) FROM bankdata_snapshot",
    "account": "SELECT min(id) FROM bankdata_bankaccount",
    "user": "SELECT max(id) FROM auth_user",
    "group": "SELECT min(id) FROM auth_group",
    "kind": "SELECT min(id) FROM django_content_type",
    "upload": "SELECT '00000000-0000-4000-8000-000000000000'",
}
# Texts for a machine or a file, and what only a POST answers.
NO_PAGES = re.compile(r"healthz|\.json|\.csv|/jsi18n/|/autocomplete/|/export/|/logout/|/faults/")
# Shown with the status of a refusal, which the browser's console tells of.
REFUSED = {"question-refused", "cases-snooze-wrong", "contact-wrong"}
BAD_FILE = b"reference,account_manager\nC-10001,nobody-of-that-name\n,ops\n"
GOOD_FILE = b"reference,name\nC-10001,Maple and Sons of a Very Long Name Indeed Limited\n"


@pytest.fixture(scope="module")
def site(shared_devserver):
    return shared_devserver(
        logins=24,
        LOGINS_PER_MINUTE="60",
        THROTTLE_WINDOW_SECONDS="1",
        APPROVAL_ABOVE="3",
        **both_providers(),
    )


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(False, id="in-turn"),
        pytest.param(True, id="in-two-modes-each", marks=pytest.mark.soak),
    ],
)
def test_every_screen_is_accessible_quiet_and_fits(whole, browser, site, pictures):
    visitor = Visitor(browser, site)
    looks = Looks(visitor, pictures, whole=whole)
    visitor.open()
    looks.at("sign-in")
    visitor.sign_in("nobody")
    looks.at("sign-in-refused")
    visitor.sign_in("admin")
    _make_orders(visitor)
    site.place.change(states.A_DELIVERY)
    site.place.change(states.A_LETTER)

    for name, show in SCREENS.items():
        show(visitor)
        visitor.page.wait_for_load_state()
        looks.at(name, refused=name in REFUSED)
    for address, status in _addresses(site):
        visitor.open(address, status=status)
        looks.at(address.strip("/") or "index", refused=status != 200)
    visitor.open()
    visitor.page.get_by_role("button", name="Log out").click()
    looks.at("signed-out")

    assert len(looks.names) > 130
    assert not looks.found, "\n".join(looks.found)


class Looks:
    """Looks at the page on screen: in the main mode, and in one of the others, in turn.

    Axe takes longest by far: it looks in one of the modes, in turn, or with `whole` in both.
    """

    def __init__(self, visitor, pictures, *, whole=False):
        self.visitor, self.pictures, self.whole = visitor, pictures, whole
        self.names: list[str] = []
        self.found: list[str] = []

    def at(self, name, *, refused=False):
        page = self.visitor.page
        said = [text for text in self.visitor.wrong if not (refused and "Failed to load" in text)]
        self.found += [f"{name}: {text}" for text in said]
        number = len(self.names)
        for place, (scheme, viewport) in enumerate((MODES[0], MODES[1 + number % 3])):
            self.visitor.show(scheme, viewport)
            where = f"{name} ({scheme}, {viewport['width']})"
            self.found += misfits(page, where)
            # Of four screens, one in the main mode.
            if self.whole or place == (number % 4 > 0):
                self.found += serious_faults(page, where)
            file = re.sub(r"[^a-z0-9]+", "-", f"{name}-{scheme}-{viewport['width']}".lower())
            self.pictures(page, file, full_page=True)
        self.visitor.show(*MODES[0])
        self.names.append(name)
        self.visitor.wrong.clear()  # axe itself trips over the content security policy


def _addresses(site):
    """Yield each address of the document that shows a page to a superuser, and its status."""
    rows = {name: site.place.rows(sql)[0][0] for name, sql in ROWS.items()}
    assert None not in rows.values(), rows
    for line in lines("Addresses"):
        status = line.cells["superuser"].split()[0]
        if status in ("200", "403", "404") and not NO_PAGES.search(line.name):
            yield line.name.format(**rows).lstrip("/"), int(status)


def _make_orders(visitor):
    """Leave an order that waits, one that is paused and an open one behind, and the daily run."""
    daily = "SELECT count(*) FROM routine_run WHERE origin = 'daily' AND state = 'closed'"
    for _ in range(200):
        if visitor.site.place.rows(daily) == [(1,)]:
            break
        visitor.page.wait_for_timeout(100)
    _order(visitor, "refresh_now", rows=1)
    _step(visitor, "logins/provider/1/order/pause/")
    _order(visitor, "check_schedule", rows=2)
    _step(visitor, "routine/run/{}/order/pause/", "SELECT max(id) FROM routine_run")
    _order(visitor, "switch_off", rows=2)
    _order(visitor, "switch_off", rows=4)


def _choose(visitor, listing, action, *, rows):
    visitor.open(listing)
    page = visitor.page
    for place in range(rows):
        page.locator("#result_list input.action-select").nth(place).check()
    page.select_option("select[name=action]", value=action)
    page.get_by_role("button", name="Go").click()
    page.wait_for_load_state()


def _order(visitor, action, *, rows):
    _choose(visitor, "logins/login/?status__exact=active", action, rows=rows)
    _confirm(visitor)


def _step(visitor, address, sql="SELECT 1"):
    visitor.open(address.format(visitor.site.place.rows(sql)[0][0]))
    _confirm(visitor)


def _confirm(visitor):
    page = visitor.page
    if page.locator("#id_reason").count():
        page.fill("#id_reason", "A reason that goes on for a while, as reasons do in October")
    page.locator("#content-main form button[type=submit]").first.click()
    page.wait_for_load_state()


def _asked(listing, action, rows=2):
    return lambda visitor: _choose(visitor, listing, action, rows=rows)


def _typed(address, label, text, button):
    def show(visitor):
        visitor.open(address)
        visitor.page.get_by_label(label).fill(text)
        visitor.page.get_by_role("button", name=button).click()

    return show


def _uploaded(content):
    def show(visitor):
        visitor.open("logins/customer/import/")
        file = {"name": "customers.csv", "mimeType": "text/csv", "buffer": content}
        visitor.page.set_input_files("#id_import_file", files=[file])
        visitor.page.get_by_role("button", name="Show what it would change").click()

    return show


def _sent(address):
    """Send an empty form: the page comes back with what is wrong."""

    def show(visitor):
        visitor.open(address)
        form = visitor.page.locator("#content-main form").first
        form.evaluate("form => { form.noValidate = true; }")
        form.locator("[type=submit]").first.click()

    return show


def _opened(address, filters):
    def show(visitor):
        visitor.open(address)
        visitor.page.locator("#changelist-filter summary", has_text=filters).click()

    return show


LOGINS, CUSTOMERS = "logins/login/", "logins/customer/"
CASES = "logins/reconnectcase/?view=open"


def _linked():
    def show(visitor):
        key = visitor.site.place.rows(ROWS["case"])[0][0]
        visitor.open(f"logins/reconnectcase/{key}/change/")
        visitor.page.get_by_role("link", name="Make a link…").click()
        visitor.page.get_by_role("button", name="Make a link and show it").click()

    return show


def _snoozed_until_nothing(visitor):
    _choose(visitor, CASES, "snooze", rows=1)
    visitor.page.get_by_role("button", name="Put off until that day").click()


def _wrong_contact(visitor):
    key = visitor.site.place.rows(ROWS["case"])[0][0]
    visitor.open(f"logins/reconnectcase/{key}/change/")
    visitor.page.get_by_label("How").select_option("other")
    visitor.page.get_by_role("button", name="Log a contact").click()


def _unreached(visitor):
    """Mail several customers, of whom some have no address."""
    visitor.site.place.change(states.NO_ADDRESSES)
    _choose(visitor, CASES, "send_link", rows=4)


def _case(steps):
    def show(visitor):
        for step in steps:
            visitor.site.place.change(step)
        key = visitor.site.place.rows(f"SELECT {states.THE_CASE}")[0][0]
        visitor.open(f"logins/reconnectcase/{key}/change/")

    return show


def _public(path, step, title):
    """Show where a link stands: the one that was made for somebody without a bank."""

    def show(visitor):
        visitor.site.place.change(step)
        visitor.page.goto(visitor.link + path)
        assert visitor.page.locator("h1").inner_text() == title

    return show


def _first_linked(visitor):
    (key,) = visitor.site.place.rows("SELECT id FROM logins_customer WHERE reference = 'N-1001'")
    visitor.open(f"logins/customer/{key[0]}/link/")
    visitor.page.get_by_role("button", name="Make a link and show it").click()
    visitor.link = visitor.page.get_by_label("Address of the page").input_value()


AT_FLANKS = "logins/login/?provider=flanks&status__exact="


def _first_at_flanks(visitor):
    visitor.open(AT_FLANKS + "active&outcome=user_action")
    visitor.page.locator("#result_list th a").first.click()


SCREENS = {
    "one-provider": lambda visitor: visitor.open("?provider=flanks"),
    "its-logins": lambda visitor: visitor.open(AT_FLANKS + "active"),
    "its-login": _first_at_flanks,
    "its-calls": lambda visitor: visitor.open("tracing/call/?provider=flanks"),
    "its-switch-off": _asked(AT_FLANKS + "active", "switch_off"),
    "its-deletion": _asked(AT_FLANKS + "inactive", "forget", rows=1),
    **{
        f"question-{action}": _asked(LOGINS, action)
        for action in (
            "refresh_now",
            "refresh_live",
            "switch_off",
            "switch_on",
            "check_schedule",
            "forget",
        )
    },
    "question-refused": _sent("routine/run/1/order/pause/"),
    "customers-question": _asked(CUSTOMERS, "switch_off_all"),
    "unknown-question": _asked("logins/unknownlogin/", "switch_off", rows=1),
    "unknown-register": _asked("logins/unknownlogin/", "register", rows=1),
    "cases-mail": _asked(CASES, "send_link", rows=1),
    "cases-snooze": _asked(CASES, "snooze", rows=1),
    "cases-switch-off": _asked(CASES, "switch_off", rows=1),
    "cases-snooze-wrong": _snoozed_until_nothing,
    "letters-again": _asked("logins/letter/", "send_again", rows=1),
    "letter-text-wrong": _typed(
        "logins/lettertext/1/change/", "Subject", "{link}", "Save and continue editing"
    ),
    "contact-wrong": _wrong_contact,
    "link-made": _linked(),
    **{name: _case(steps) for name, steps in states.CASES.items()},
    "cases-mail-unreached": _unreached,
    "cases-closed": lambda visitor: visitor.open("logins/reconnectcase/?view=closed"),
    "first-link-made": _first_linked,
    **{name: _public(*state) for name, state in states.PUBLIC.items()},
    "people-delete": _asked("auth/group/", "delete_selected", rows=1),
    "list-preview": _typed(
        "logins/login/list/", "The list", "C-10001 C-10002 C-10002 NOBODY", "Show what it names"
    ),
    "import-preview": _uploaded(GOOD_FILE),
    "import-faults": _uploaded(BAD_FILE),
    "filter-open": _opened(LOGINS, "FlinksCode"),
    "filtered": lambda visitor: visitor.open(LOGINS + "?outcome=user_action&q=C-1"),
    "nothing-found": lambda visitor: visitor.open(LOGINS + "?q=nobody+is+called+so"),
    "days-senseless": lambda visitor: visitor.open(CUSTOMERS + "?inactive_days=x"),
    "calls-nothing": lambda visitor: visitor.open("tracing/call/?q=1234567"),
    "login-add-wrong": _sent("logins/login/add/"),
    "password-wrong": _sent("password_change/"),
    "schedule-saved": _sent("schedule/"),
    "help-answers": lambda visitor: visitor.open("help/provider-answers/#code-retry_later"),
    "help-lifecycle": lambda visitor: visitor.open("help/lifecycle/"),
}
