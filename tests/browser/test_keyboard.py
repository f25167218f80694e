"""Every action, once, by keyboard alone."""

import re
from datetime import UTC, datetime
from zipfile import ZipFile

import pytest
from playwright.sync_api import FileChooser, Page, TimeoutError, expect

from tests.browser import states
from tests.browser.keyboard import KeyboardVisitor
from tests.console.permission_site import lines

pytestmark = pytest.mark.browser

LISTS = {
    "logins.login": "logins/login/",
    "logins.customer": "logins/customer/",
    "logins.unknownlogin": "logins/unknownlogin/",
    "logins.reconnectcase": "logins/reconnectcase/",
    "logins.letter": "logins/letter/",
    "auth.user": "auth/user/",
    "auth.group": "auth/group/",
}
# Where an action finds a row that it touches.
NARROWED = {
    "logins.login switch_on": "?status__exact=inactive",
    "logins.login refresh_live": "?outcome=fresh",
    "logins.customer switch_off_all": "?q=C-1",
    "logins.reconnectcase snooze": "?view=open",
    "logins.reconnectcase switch_off": "?view=open",
    "logins.letter send_again": "?state__exact=failed",
    "auth.user delete_selected": "?q=newcomer",
}
ACTIONS = [line.name for line in lines("Actions") if line.cells["superuser"] == "yes"]


@pytest.fixture(scope="module")
def site(shared_devserver):
    return shared_devserver(
        logins=40, LOGINS_PER_MINUTE="100", THROTTLE_WINDOW_SECONDS="1", APPROVAL_ABOVE="20"
    )


@pytest.fixture(scope="module")
def person(browser, site):
    """Ada, a superuser, who signed in by keyboard."""
    person = KeyboardVisitor(browser, site)
    person.sign_in("admin")
    expect(person.page.locator("h1")).to_have_text("This morning")
    return person


@pytest.fixture(scope="module", autouse=True)
def _the_daily_run_is_over(person, site):
    closed = "SELECT count(*) FROM routine_run WHERE origin = 'daily' AND state = 'closed'"
    for _ in range(300):
        if site.place.rows(closed) == [(1,)]:
            return
        person.page.wait_for_timeout(100)
    raise AssertionError("the daily run does not end")


@pytest.fixture(autouse=True)
def _quiet(person):
    yield
    assert person.wrong == []


def button(person, name):
    return person.page.get_by_role("button", name=name)


def link(person, name, *, exact=False):
    return person.page.get_by_role("link", name=name, exact=exact)


def field(person, label):
    return person.page.get_by_label(label)


def confirm(person):
    """Fill in what a question asks for, and say yes."""
    page = person.page
    if page.locator("#id_reason").count():
        person.type_into(page.locator("#id_reason"), "By keyboard alone")
    if page.locator("#id_typed").count():
        word = page.locator("label[for=id_typed] strong").inner_text()
        person.type_into(page.locator("#id_typed"), word)
    if page.locator("#id_customer").count():
        person.type_into(page.locator("#id_customer"), "C-10001")
    person.follow(page.locator("#content form [type=submit]"))
    assert page.locator(".errornote, .messagelist .error").all_inner_texts() == []


def tick(person, *, rows=1):
    for place in range(rows):
        person.press(person.page.locator("#result_list input.action-select").nth(place), "Space")


def choose_action(person, name):
    option = person.page.locator(f"select[name=action] option[value={name}]")
    person.choose(person.page.locator("select[name=action]"), option.inner_text())


def order(person, name, *, rows=1, narrowed="?status__exact=active"):
    """Order something about the first rows of the list of logins; the run's page opens."""
    person.open(LISTS["logins.login"] + narrowed)
    tick(person, rows=rows)
    choose_action(person, name)
    person.follow(button(person, "Go"))
    confirm(person)


def add_newcomer(person):
    person.open("auth/user/add/")
    person.type_into(field(person, "Username:"), "newcomer")
    for label in ("Password:", "Password confirmation:"):
        person.type_into(field(person, label), "correct-horse-battery")
    person.follow(button(person, "Save").first)


def add_group(person):
    person.open("auth/group/add/")
    person.type_into(field(person, "Name:"), "Temps")
    person.press(person.page.get_by_label("Can view call"), "Space")
    person.follow(button(person, "Save").first)


def add_failed_mail(person):
    person.site.place.change(states.A_LETTER)


def add_unknown(person):
    person.site.place.change(states.AN_UNKNOWN_LOGIN)


BEFORE = {
    "logins.unknownlogin register": add_unknown,
    "logins.letter send_again": add_failed_mail,
    "auth.user delete_selected": add_newcomer,
    "auth.group delete_selected": add_group,
}


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_of_a_list_to_its_end(person, site, action):
    listing, name = action.split(" ")
    BEFORE.get(action, lambda person: None)(person)
    person.open(LISTS[listing] + NARROWED.get(action, ""))
    tick(person)
    choose_action(person, name)

    if name.startswith("export"):
        file = person.download(button(person, "Go"))
        assert len(file.read_text("utf-8-sig").splitlines()) == 2
        return
    events = site.place.rows("SELECT count(*) FROM tracing_event")
    person.follow(button(person, "Go"))
    confirm(person)

    assert site.place.rows("SELECT count(*) FROM tracing_event") != events


def test_lists_are_filtered_and_searched(person):
    person.open()
    person.follow(link(person, "Logins").first)
    summary = person.page.locator("#changelist-filter summary", has_text="Outcome")
    person.press(summary, "Enter")
    expect(link(person, "Fresh", exact=True)).to_be_visible()
    person.page.keyboard.press("Escape")
    expect(link(person, "Fresh", exact=True)).not_to_be_visible()
    person.press(summary, "Space")
    person.follow(link(person, "Fresh", exact=True))
    assert "outcome=fresh" in person.page.url
    expect(person.page.locator("summary.chosen, .chosen summary")).to_have_text("Outcome: Fresh")

    person.type_into(person.page.locator("#searchbar"), "C-1000")
    with person.page.expect_navigation():
        person.page.keyboard.press("Enter")
    assert "outcome=fresh" in person.page.url
    person.follow(link(person, "Clear the search"))
    person.follow(link(person, "Clear filters"))
    assert "outcome" not in person.page.url


def test_the_first_tab_skips_to_the_content(person):
    person.open("logins/login/")
    person.page.keyboard.press("Tab")
    person.page.keyboard.press("Enter")

    assert person.page.evaluate("document.activeElement.id") == "content-start"


def test_help_opens_at_the_section_about_the_screen(person):
    person.open("leaks/")
    person.follow(link(person, "Help").first)

    assert person.page.url.endswith("/help/runbook/#leaks")
    expect(person.page.locator("h2#leaks")).to_be_in_viewport()


def test_a_provider_and_a_run_are_paused_and_resumed_and_a_run_is_cancelled(person, site):
    person.open("logins/provider/1/change/")
    person.follow(link(person, "Pause…"))
    confirm(person)
    order(person, "check_schedule", rows=3)
    for step in ("Pause…", "Resume", "Cancel…"):
        person.follow(link(person, step))
        confirm(person)
    assert site.place.rows("SELECT state FROM routine_run ORDER BY id DESC LIMIT 1") == [
        ("cancelled",)
    ]

    person.open("logins/provider/1/change/")
    person.follow(link(person, re.compile("^Resume")))
    confirm(person)
    assert site.place.rows("SELECT paused_at FROM logins_provider") == [(None,)]


def test_what_failed_is_retried(person, site):
    person.open()
    person.follow(link(person, re.compile("^Daily run of")).first)
    person.follow(link(person, "Retry failed only…"))
    confirm(person)

    assert site.place.rows("SELECT count(*) FROM routine_run WHERE origin = 'retry'") == [(1,)]


def test_a_note_is_kept_and_a_support_bundle_made(person, site):
    (login,) = site.place.rows("SELECT min(login_id) FROM routine_attempt WHERE outcome <> ''")
    person.open(f"logins/login/{login[0]}/change/")
    person.type_into(field(person, "Write a note"), "Called, will connect again on Monday")
    person.follow(button(person, "Keep the note"))
    expect(person.page.locator("#timeline")).to_contain_text("will connect again on Monday")

    person.follow(link(person, "Support bundle…"))
    bundle = person.download(button(person, "Make the bundle"))
    with ZipFile(bundle) as found:
        assert "ticket.txt" in {name.rsplit("/", 1)[-1] for name in found.namelist()}


def open_a_case(person, *, place):
    person.open("logins/reconnectcase/?view=open")
    person.follow(person.page.locator("#result_list tbody th a").nth(place))


def test_a_contact_is_logged_and_a_case_put_off_and_woken(person):
    open_a_case(person, place=-1)
    person.choose(field(person, "How"), "Mail")
    person.type_into(field(person, "What was said"), "Wrote to her; she answers on Monday")
    person.follow(button(person, "Log a contact"))
    expect(person.page.get_by_role("region", name="Contacts")).to_contain_text("on Monday")

    person.follow(button(person, "For 3 days"))
    expect(person.page.locator(".lead")).to_contain_text("It was put off")
    person.follow(button(person, "Wake it now"))
    expect(person.page.locator(".lead")).not_to_contain_text("It was put off")
    person.reach(field(person, "or until"))
    person.page.keyboard.type(f"12/31/{datetime.now(UTC):%Y}")
    person.follow(button(person, "Put off until that day"))
    expect(person.page.locator(".lead")).to_contain_text("31 Dec")


def test_a_link_is_made_copied_and_revoked(person):
    open_a_case(person, place=-1)
    person.follow(link(person, "Make a link…"))
    person.choose(field(person, "Language of the page"), "French")
    person.follow(button(person, "Make a link and show it"))
    person.press(button(person, "Copy"))
    expect(person.page.locator("[data-copied]")).to_have_text(re.compile("^(Copied|Marked)"))
    person.follow(link(person, "Back to where you were"))
    person.follow(button(person, re.compile("^Revoke the link")))
    expect(person.page.get_by_role("region", name="Connect links")).to_contain_text("revoked")


def test_a_first_bank_is_asked_for_by_mail(person, site):
    person.open("logins/customer/?q=N-1001")
    person.follow(person.page.locator("#result_list tbody a"))
    person.follow(link(person, "Connect a first bank…"))
    person.choose(field(person, "Bank"), "TD")
    person.follow(button(person, "Make a link and mail it"))
    expect(person.page.locator(".messagelist")).to_contain_text("n-1001@customers.example")

    kinds = "SELECT kind FROM logins_letter JOIN logins_connectlink AS link ON link.id = link_id"
    assert site.place.rows(f"{kinds} WHERE link.institution = 'TD'") == [("connect",)]


def test_the_text_of_a_mail_is_changed_and_tried(person):
    person.open("auth/user/?q=admin")
    person.follow(person.page.locator("#result_list tbody th a"))
    person.type_into(field(person, "Email address"), "ada@lender.example")
    person.follow(button(person, "Save").first)
    person.open("logins/lettertext/")
    person.follow(person.page.locator("#result_list tbody th a"))
    person.type_into(field(person, "Subject"), "Connect again, please")
    person.follow(button(person, "Save and continue editing"))
    expect(person.page.locator("#content")).to_contain_text("Connect again, please")
    person.follow(button(person, "Send me a test"))
    expect(person.page.locator(".messagelist")).to_contain_text("ada@lender.example")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        pytest.param("tracing/call/", "Export (CSV)", id="calls"),
        pytest.param("tracing/event/", "Export (CSV)", id="events"),
        pytest.param("logins/customer/", "Export CSV", id="customers"),
        pytest.param("routine/run/1/change/", "Export (CSV)", id="run"),
    ],
)
def test_a_list_is_taken_away_as_a_file(person, address, name):
    person.open(address)
    file = person.download(person.page.locator("a, button", has_text=name))

    assert len(file.read_text("utf-8-sig").splitlines()) > 1


def test_the_limit_and_the_daily_time_are_changed(person, site):
    person.open("logins/provider/1/change/")
    person.type_into(person.page.locator("#id_logins_per_minute"), "90")
    person.follow(button(person, "Save").first)
    assert site.place.rows("SELECT logins_per_minute FROM logins_provider") == [(90,)]

    person.open("schedule/")
    person.reach(person.page.locator("[name=starts_at]"))
    person.page.keyboard.type("1145AM")
    person.follow(button(person, "Save").first)
    expect(person.page.locator("#content")).to_contain_text("11:45")


def chooser_opened_by_space(page: Page) -> FileChooser:
    """Press Space until the chooser opens: a busy machine's Chromium may miss the first one."""
    for _ in range(3):
        try:
            with page.expect_file_chooser(timeout=8_000) as chooser:
                page.keyboard.press("Space")
            return chooser.value
        except TimeoutError:
            continue
    raise AssertionError("Space opens no file chooser")


def test_customers_are_imported_from_a_file(person, site, tmp_path):
    file = tmp_path / "customers.csv"
    file.write_text("reference,name\nC-10001,Imported by Keyboard\n")
    person.open("logins/customer/")
    person.follow(link(person, "Import…"))
    person.reach(person.page.locator("#id_import_file"))
    chooser_opened_by_space(person.page).set_files(file)
    person.follow(button(person, "Show what it would change"))
    person.follow(button(person, "Import 1 customer"))

    found = site.place.rows("SELECT name FROM logins_customer WHERE reference = 'C-10001'")
    assert found == [("Imported by Keyboard",)]


def test_a_list_of_references_is_given(person):
    person.open("logins/login/")
    person.follow(link(person, "Give a list…"))
    person.type_into(field(person, "The list"), "C-10002 C-10003")
    person.follow(button(person, "Show what it names"))
    person.follow(button(person, re.compile("^Go on with")))
    confirm(person)


def test_one_signs_out(browser, site):
    person = KeyboardVisitor(browser, site)
    person.sign_in("auditor")
    person.follow(button(person, "Log out"))

    expect(person.page.locator("h1")).to_have_text("Signed out")
    assert person.wrong == []


def test_a_large_order_is_withdrawn_and_another_approved(person, browser, site):
    order_everything_off(person)
    person.follow(link(person, "Withdraw…"))
    confirm(person)
    order_everything_off(person)
    waiting = person.page.url.removeprefix(site.address)

    colleague = KeyboardVisitor(browser, site)
    colleague.sign_in("ops")
    colleague.open(waiting)
    colleague.follow(link(colleague, "Approve…"))
    confirm(colleague)

    newest = "SELECT state FROM routine_run WHERE approved_at IS NOT NULL"
    assert site.place.rows(newest)[0][0] in ("open", "closed")
    assert colleague.wrong == []


def order_everything_off(person):
    person.open(LISTS["logins.login"] + "?status__exact=active")
    person.press(person.page.locator("#action-toggle"), "Space")
    choose_action(person, "switch_off")
    person.follow(button(person, "Go"))
    confirm(person)
