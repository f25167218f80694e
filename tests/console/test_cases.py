"""The worklist of reconnect cases: what stands in it, one case's page, and what is done there."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django.utils.html import strip_tags

from refreshops import wiring
from refreshops.console import cases_list
from refreshops.console.cases_words import CUSTOMER_STEPS
from refreshops.console.handbook import FOLDER
from refreshops.logins import cases
from refreshops.logins.models import (
    ClosedAs,
    ConnectLink,
    Contact,
    How,
    Login,
    Provider,
    ReconnectCase,
)
from refreshops.routine.models import Run
from refreshops.tracing.models import Event
from tests.builders import NOON, make_customer, make_login
from tests.console.conftest import page_of

LIST = "/logins/reconnectcase/"


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    # PostgreSQL's own clock goes on.
    monkeypatch.setattr(wiring, "clock", timezone.now)
    with time_machine.travel(NOON, tick=False):
        yield


def make_case(login=None, *, days=0.0, **fields):
    """Return a case opened so many days ago."""
    login = login or make_login(outcome="user_action", outcome_reason="mfa")
    defaults = {"reason": "mfa", "provider_code": "QUESTION_NOT_FOUND"}
    return ReconnectCase.objects.create(
        login=login, opened_at=NOON - timedelta(days=days), **(defaults | fields)
    )


def listed(client, **query):
    """Return the cases of the list in its order."""
    return list(client.get(LIST, query).context["cl"].result_list)


def make_outage(institution="Maple Trust", number=3):
    for _ in range(number):
        make_login(institution=institution, outcome="institution_unavailable")


# --- The list ---


def test_the_list_begins_with_whom_nobody_has_asked_and_ends_with_whom_somebody_just_did(signed_in):
    new = make_case(days=1)
    old = make_case(days=9)
    asked = make_case(days=30, last_contact_at=NOON - timedelta(hours=1))
    asked_before = make_case(days=2, last_contact_at=NOON - timedelta(days=4))

    assert listed(signed_in("ops")) == [old, new, asked_before, asked]


def test_each_view_shows_its_cases(signed_in):
    to_do = make_case()
    old = make_case(days=31)
    snoozed = make_case(days=40, snoozed_until=NOON + timedelta(days=1))
    woken = make_case(snoozed_until=NOON)
    closed = make_case(closed_at=NOON, closed_as="fresh", days=2)
    rests = make_case(make_login(status="inactive"))
    make_outage("Down")
    down = make_case(make_login(institution="Down", outcome="user_action"))
    client = signed_in("ops")

    found = {view: set(listed(client, view=view)) for view in cases_list.VIEWS}

    assert found == {
        "": {to_do, old, woken},
        "snoozed": {snoozed},
        "bank_down": {down},
        "proposed": {old},
        "open": {to_do, old, snoozed, woken, rests, down},
        "closed": {closed},
        "lately": {to_do, woken, closed, rests, down},
        "came_back": {closed},
    }


def test_a_bank_that_is_down_is_one_line_that_leads_to_its_cases(signed_in):
    make_outage("Maple & Trust")
    cases_there = [make_case(make_login(institution="Maple & Trust")) for _ in range(2)]
    client = signed_in("ops")

    page = client.get(LIST).content.decode()

    said = "<strong>2 cases at Maple &amp; Trust are folded away: the bank looks down.</strong>"
    assert said in page
    (address,) = re.findall(r'folded away.*?href="([^"]+)"', page)
    behind = client.get(address.replace("&amp;", "&")).context["cl"].result_list
    assert set(behind) == set(cases_there)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"reason": "consent"}, {"agree"}),
        ({"reason": "-"}, {"unsaid"}),
        ({"institution": "RBC"}, {"agree"}),
        ({"manager": "nobody"}, {"unsaid"}),
        ({"contacted": "never"}, {"agree"}),
        ({"contacted": "long_ago"}, {"unsaid"}),
        ({"contacted": "nonsense"}, set()),
        ({"view": "nonsense"}, set()),
        ({"q": "ALPHA"}, {"agree"}),
        ({"q": "steel"}, {"unsaid"}),
        ({"q": "aaaa1111"}, {"agree"}),
    ],
    ids=str,
)
def test_the_list_is_narrowed(signed_in, people, query, found):
    owner = make_customer("ALPHA-1", account_manager=people["manager"])
    login = make_login(
        customer=owner, institution="RBC", login_id="aaaa1111-2222-4333-8444-555555555555"
    )
    rows = {
        "agree": make_case(login, reason="consent"),
        "unsaid": make_case(
            make_login(customer=make_customer("BETA", name="Birch Steel")),
            reason="",
            last_contact_at=NOON - timedelta(days=3, seconds=1),
        ),
    }

    assert set(listed(signed_in("ops"), **query)) == {rows[name] for name in found}


def test_an_account_manager_sees_the_cases_of_their_own_customers_alone(signed_in, register):
    own, foreign = make_case(register.own), make_case(register.foreign)
    client = signed_in("manager")

    assert listed(client) == listed(client, view="open") == [own]
    assert client.get(page_of(own)).status_code == 200
    assert client.get(page_of(foreign)).status_code == 404
    for step in ("contact", "snooze"):
        answer = client.post(f"{LIST}{foreign.pk}/{step}/", {"how": "phone", "days": 1})
        assert answer.status_code == 404
    assert not Contact.objects.exists()


def test_a_manager_is_told_of_outages_among_their_own_logins(signed_in, register):
    case = make_case(register.own)
    for _ in range(3):
        make_login(customer=register.customer, institution="TD", outcome="institution_unavailable")
    for _ in range(9):
        make_login(institution="TD", outcome="fresh")

    assert listed(signed_in("manager")) == []
    assert listed(signed_in("ops")) == [case]


def test_the_list_says_in_plain_words_what_the_customer_must_do(signed_in):
    for reason in CUSTOMER_STEPS:
        make_case(make_login(), reason=reason.value, reopened=2)

    page = signed_in("ops").get(LIST).content.decode()

    for words in CUSTOMER_STEPS.values():
        assert words.replace("'", "&#x27;") in page


def test_the_handbook_says_the_same():
    runbook = (FOLDER / "runbook.md").read_text()

    for reason, words in CUSTOMER_STEPS.items():
        assert f"| `{reason.value or '–'}` | {words} |" in runbook


# --- One case ---


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({}, "Ask them: by a link, by mail or by phone.", id="nobody-asked"),
        pytest.param({"last_contact_at": NOON}, "They were asked: see below", id="asked"),
        pytest.param({"days": 31}, "Open for more than 30 days.", id="long"),
        pytest.param({"snoozed_until": NOON + timedelta(days=1)}, "It was put off", id="snoozed"),
        pytest.param({"closed_at": NOON, "closed_as": "fresh"}, "is fresh again", id="fresh"),
        pytest.param({"closed_at": NOON, "closed_as": "replaced"}, "connected anew", id="anew"),
    ],
)
def test_a_case_says_how_it_stands(signed_in, fields, said):
    case = make_case(**fields)

    page = signed_in("ops").get(page_of(case)).content.decode()

    assert said in page
    assert ("Log a contact" in page) is (case.closed_at is None)


def test_a_case_of_a_bank_that_is_down_asks_nobody_for_anything(signed_in):
    case = make_case(days=40)
    make_outage(case.login.institution)

    page = signed_in("ops").get(page_of(case)).content.decode()

    assert "Nobody needs to act now: the bank looks down." in page
    assert "Open for more than" not in page


def test_a_case_of_a_login_that_was_switched_off_rests(signed_in):
    case = make_case()
    Login.objects.update(status="inactive")

    assert "This case rests" in signed_in("ops").get(page_of(case)).content.decode()


def test_an_auditor_reads_a_case_and_can_do_nothing(signed_in):
    case = make_case()
    client = signed_in("auditor")

    page = client.get(page_of(case)).content.decode()

    assert "Log a contact" not in page
    assert "Make a link" not in page
    assert client.post(f"{LIST}{case.pk}/contact/", {"how": "phone"}).status_code == 403


# --- Contacts ---


def contact(client, case, **form):
    return client.post(
        f"{LIST}{case.pk}/contact/", {"token": "t", "how": "phone", "text": "Called", **form}
    )


def test_a_contact_is_logged_once_however_often_the_form_is_sent(signed_in, people):
    case, client = make_case(), signed_in("ops")

    answers = [contact(client, case, text=" Called\u202e\n twice ") for _ in range(2)]

    assert {answer["Location"] for answer in answers} == {page_of(case)}
    line = Contact.objects.get()
    assert (line.how, line.text, line.by, line.at) == ("phone", "Called twice", people["ops"], NOON)
    event = Event.objects.get(action="contact")
    assert (event.subject, event.subject_id) == ("login", case.login_id)
    assert event.details == {"case": case.pk, "how": "phone"}
    assert "Called twice" in client.get(page_of(case)).content.decode()


@pytest.mark.parametrize(
    "form",
    [{"how": "link"}, {"how": ""}, {"how": "other", "text": " "}, {"text": "x" * 501}],
    ids=str,
)
def test_a_contact_that_makes_no_sense_is_asked_for_again(signed_in, form):
    case = make_case()

    answer = contact(signed_in("ops"), case, **form)

    assert answer.status_code == 400
    assert 'id="step_error"' in answer.content.decode()
    assert not Contact.objects.exists()


@pytest.mark.parametrize("step", ["contact", "snooze"])
def test_nothing_is_done_about_a_case_that_was_closed_meanwhile(signed_in, step):
    case = make_case()
    cases.close(login_id=case.login_id, how=ClosedAs.FRESH, now=NOON)

    answer = signed_in("ops").post(f"{LIST}{case.pk}/{step}/", {"how": "phone", "days": "1"})

    assert (answer.status_code, "was closed meanwhile" in answer.content.decode()) == (400, True)
    assert not Event.objects.filter(action=step).exists()


def test_nothing_is_written_down_about_a_customer_who_asked_to_be_forgotten(signed_in):
    case = make_case()
    case.login.customer.erasure_asked_at = NOON
    case.login.customer.save()

    answer = contact(signed_in("ops"), case)

    assert (answer.status_code, Contact.objects.count()) == (400, 0)


def test_the_customer_s_own_doing_is_named_so(signed_in):
    case = make_case()
    cases.log(case, how=How.LINK, now=NOON)

    page = signed_in("ops").get(page_of(case)).content.decode()

    assert "link opened</td><td>the customer" in page


# --- Putting off ---


def morning_of(days):
    day = timezone.localtime(NOON).date() + timedelta(days=days)
    return timezone.make_aware(timezone.datetime(day.year, day.month, day.day))


@pytest.mark.parametrize(
    ("form", "days"),
    [({"days": "1"}, 1), ({"days": "7"}, 7), ({"until": "2026-12-01", "days": "3"}, 11)],
    ids=str,
)
def test_a_case_is_put_off_until_the_morning_of_a_day(signed_in, form, days):
    case = make_case()

    answer = signed_in("ops").post(f"{LIST}{case.pk}/snooze/", {"token": "t", **form})

    assert answer["Location"] == page_of(case)
    case.refresh_from_db()
    assert case.snoozed_until == morning_of(days)
    day = timezone.localtime(case.snoozed_until).date().isoformat()
    assert Event.objects.get(action="snooze").details == {"case": case.pk, "until": day}


@pytest.mark.parametrize(
    "form",
    [{}, {"days": "2"}, {"until": "2026-11-20"}, {"until": "tomorrow"}, {"until": "2028-01-01"}],
    ids=str,
)
def test_a_day_that_makes_no_sense_puts_nothing_off(signed_in, form):
    case = make_case()

    answer = signed_in("ops").post(f"{LIST}{case.pk}/snooze/", form)

    case.refresh_from_db()
    assert (answer.status_code, case.snoozed_until) == (400, None)


def test_a_case_is_woken(signed_in):
    case = make_case(snoozed_until=NOON + timedelta(days=3))
    client = signed_in("ops")
    assert "Wake it now" in client.get(page_of(case)).content.decode()

    client.post(f"{LIST}{case.pk}/snooze/", {"wake": "yes", "token": "t"})

    assert listed(client) == [case]


def test_many_cases_are_put_off_at_once_and_told_once(signed_in, register):
    own, foreign = make_case(register.own), make_case(register.foreign)
    client = signed_in("manager")
    ticked = {"action": "snooze", "_selected_action": [own.pk, foreign.pk]}

    asked = client.post(LIST, ticked)
    assert asked.context["number"] == 1
    form = {**dict(asked.context["hidden"]), "days": "3", "token": "t"}
    for _ in range(2):
        client.post(LIST, {**form, "rows": f"{own.pk},{foreign.pk}"})

    own.refresh_from_db()
    foreign.refresh_from_db()
    assert (own.snoozed_until, foreign.snoozed_until) == (morning_of(3), None)
    assert Event.objects.get(action="snooze").number == 1


# --- Switching off ---


def test_the_logins_of_cases_are_switched_off_by_the_order_there_is(signed_in):
    case, client = make_case(), signed_in("ops")
    ticked = {"action": "switch_off", "_selected_action": [case.pk]}

    asked = client.post(LIST, ticked)
    hidden = dict(asked.context["question"].hidden)
    client.post(LIST, {**hidden, "reason": "Gone", "token": "t"})

    assert hidden["rows"] == str(case.login_id)
    run = Run.objects.get(purpose="switch_off")
    assert [row.login_id for row in run.attempts.all()] == [case.login_id]


@pytest.mark.parametrize(
    ("newer", "shown"),
    [
        pytest.param({"revoked_at": NOON}, "opened", id="revoked"),
        pytest.param({"expires_at": NOON - timedelta(hours=1)}, "opened", id="expired"),
        pytest.param({"ended_at": NOON, "ended_as": "cured"}, "used", id="used"),
    ],
)
def test_a_link_that_leads_nowhere_hides_none_that_the_customer_still_has(signed_in, newer, shown):
    case = make_case()
    for days, fields in ((3, {"opened_at": NOON}), (2, newer)):
        made_at = NOON - timedelta(days=days)
        row = {"made_at": made_at, "expires_at": made_at + timedelta(days=7)} | fields
        ConnectLink.objects.create(
            provider=case.login.provider,
            customer=case.login.customer,
            login=case.login,
            case=case,
            **row,
        )

    (row,) = signed_in("ops").get(LIST).context["cl"].result_list

    assert row.link_state == shown


# --- Recovery ---


def test_the_page_recovery_counts_what_came_back_and_leads_to_it(signed_in):
    for bank, closed in (("TD", True), ("TD", False), ("", True)):
        fields = {"closed_at": NOON, "closed_as": "fresh"} if closed else {}
        make_case(make_login(institution=bank), days=3, **fields)
    make_case(make_login(institution="Old"), days=31)
    client = signed_in("ops")

    context = client.get(f"{LIST}recovery/").context

    rows = [*context["rows"], context["total"]]
    assert [(row.institution, row.opened, row.back, row.rate) for row in rows] == [
        ("TD", 2, 1, "50 %"),
        ("", 1, 1, "100 %"),
        ("", 3, 2, "66 %"),
    ]
    for row in rows:
        behind = [
            client.get(url).context["cl"].result_count for url in (row.opened_url, row.back_url)
        ]
        assert behind == [row.opened, row.back]


@pytest.mark.parametrize(("name", "said"), [("ops", True), ("manager", False)])
def test_the_index_says_how_many_came_back(signed_in, name, said):
    for bank, closed in (("TD", True), ("TD", False), ("RBC", False)):
        fields = {"closed_at": NOON, "closed_as": "fresh"} if closed else {}
        make_case(make_login(institution=bank), days=3, **fields)
    make_case(make_login(institution="Old"), days=31)

    page = strip_tags(signed_in(name).get("/").content.decode())

    assert ("Recovery in 30 days: 1 of 3 (TD 1 of 2, RBC 0 of 1)" in page) is said


def test_recovery_on_the_index_leads_to_its_cases(signed_in):
    for bank, closed in (("TD", True), ("TD", False), ("RBC", False)):
        fields = {"closed_at": NOON, "closed_as": "fresh"} if closed else {}
        make_case(make_login(institution=bank), days=3, **fields)
    client = signed_in("ops")

    about = client.get("/").context["morning"].attention

    for row in (about.recovered, *about.banks):
        behind = [
            client.get(url).context["cl"].result_count for url in (row.opened_url, row.back_url)
        ]
        assert behind == [row.opened, row.back]


def test_settings_say_when_a_case_proposes_to_switch_off(settings):
    settings.CASE_SWITCH_OFF_DAYS = 12

    assert wiring.case_switch_off_after() == timedelta(days=12)


# --- In the login's timeline ---


@pytest.mark.parametrize("name", ["ops", "manager", "auditor"])
def test_the_timeline_of_a_login_tells_of_its_cases_contacts_and_links(signed_in, register, name):
    login, client = register.own, signed_in("ops")
    case = make_case(login, days=3, closed_at=NOON, closed_as="fresh")
    at = NOON - timedelta(days=1)
    cases.log(case, how=How.PHONE, by=register.run.opened_by, text="They <b>will</b>", now=at)
    cases.log(case, how=How.LINK, now=NOON - timedelta(hours=1))
    client.post(f"/logins/login/{login.pk}/link/", {"token": "t"})
    ConnectLink.objects.update(made_at=NOON - timedelta(hours=2), ended_at=NOON, ended_as="cured")

    page = signed_in(name).get(page_of(login)).content.decode()

    told = page[page.index('id="timeline"') :]
    order = [
        "Reconnect case closed",
        "fresh again",
        "Link opened</strong> by the customer",
        "Connect link made</strong> by ops, since then cured at the click",
        "Contact by phone</strong>: ",
        "They &lt;b&gt;will&lt;/b&gt;",
        "Reconnect case opened",
        "Answer the bank&#x27;s security question again",
    ]
    places = [told.index(words) for words in order]
    assert places == sorted(places)
    assert "Made a connect link" not in told


def test_a_case_at_another_provider_is_found_and_told_in_that_provider_s_words(signed_in):
    provider = Provider.objects.get_or_create(name="flanks")[0]
    case = make_case(make_login(provider=provider, login_id="Token-1"), provider_code="sca_token")
    make_case()
    client = signed_in("ops")

    found = [listed(client, q=typed) for typed in ("Token", "token-2")]
    html = client.get(page_of(case)).content.decode()

    assert found == [[case], []]
    assert "error_code <code>sca_token</code>" in html
    assert "FlinksCode" not in html
