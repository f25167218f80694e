"""The lists of logins and customers: what they find, how few questions they ask, the way back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from refreshops.console import known_pages, login_search
from refreshops.logins import institutions
from refreshops.logins.models import Login, Provider, ReconnectCase
from refreshops.routine.models import Run
from tests.builders import make_customer, make_login, make_logins
from tests.console.conftest import make_attempt, make_run, page_of

LIST = "/logins/login/"
CUSTOMERS = "/logins/customer/"
FIRST, SECOND = "0a1b2c3d-1111-4222-8333-444444444444", "0a1b2c3d-2222-4222-8333-444444444444"


@pytest.fixture
def known(people):
    maple = make_customer("AB-1", name="Maple Foods", account_manager=people["manager"])
    birch = make_customer("AB-2", name="Birch & Maple Steel", account_manager=people["other"])
    return [
        make_login(customer=maple, login_id=FIRST),
        make_login(customer=birch, login_id=SECOND),
    ]


def found(client, query, *, path=LIST):
    rows = client.get(f"{path}?{query}").context["cl"].result_list
    return {getattr(row, "login_id", None) or row.reference for row in rows}


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        pytest.param("ab-1", {FIRST}, id="reference"),
        pytest.param("AB", {FIRST, SECOND}, id="beginning-of-a-reference"),
        pytest.param("maple", {FIRST, SECOND}, id="part-of-a-name"),
        pytest.param("birch", {SECOND}, id="name"),
        pytest.param(f"{{{FIRST.upper()}}}", {FIRST}, id="whole-id-in-another-spelling"),
        pytest.param("0A1B", {FIRST, SECOND}, id="beginning-of-an-id"),
        pytest.param("0a1b2c3d-2", {SECOND}, id="beginning-of-an-id-beyond-its-first-block"),
        pytest.param("0a1b2c3d2222", set(), id="no-id-is-written-so"),
        pytest.param("0a1", set(), id="too-short-for-an-id"),
        pytest.param("zzzz", set(), id="nothing"),
        pytest.param("%", set(), id="no-pattern"),
    ],
)
def test_a_search_finds(signed_in, known, term, expected):
    assert found(signed_in("ops"), f"q={term.replace('%', '%25')}") == expected


@pytest.mark.parametrize("term", ["maple", "0a1b", "AB", SECOND])
def test_a_search_finds_ones_own_only(signed_in, known, term):
    assert found(signed_in("manager"), f"q={term}") <= {FIRST}


def test_a_search_that_fits_too_many_customers_says_so(signed_in, known, monkeypatch):
    monkeypatch.setattr(login_search, "MOST_CUSTOMERS", 1)

    page = signed_in("ops").get(f"{LIST}?q=maple")

    assert "Type more." in page.content.decode()
    assert len(page.context["cl"].result_list) == 1


@pytest.mark.parametrize("few", [0, 2_000], ids=["along-the-order", "by-their-keys"])
@pytest.mark.parametrize("path", [LIST, CUSTOMERS])
def test_pages_are_whole_and_in_order_however_they_are_found(
    signed_in, people, monkeypatch, few, path
):
    monkeypatch.setattr(known_pages, "FEW", few)
    for n in range(120):
        make_login(customer=make_customer(f"C-{n:03}"), institution=f"Bank {n % 7}")
    client = signed_in("ops")

    pages = [client.get(path, {"p": number}).context["cl"] for number in (1, 2, 3)]

    keys = [row.pk for page in pages for row in page.result_list]
    assert len(keys) == len(set(keys)) == 120
    if path == LIST:
        ordered = Login.objects.order_by("institution", "outcome", "pk")
        assert keys == list(ordered.values_list("pk", flat=True))


@pytest.mark.parametrize(
    "query",
    [
        "status__exact=active",
        "outcome=fresh",
        "outcome=not_asked",
        "data_state=none",
        "nightly__exact=on",
        "institution=TD",
        "code=RETRY_LATER",
        "leak=on_here_off_there",
        "leak=unknown_there",
        "leak=never_verified",
        "leak=replaced",
        "drops_out=2",
        "gone_at__isnull=True",
        "q=maple&nightly__exact=on",
    ],
)
def test_a_manager_finds_what_everybody_finds_of_their_own(signed_in, people, query):
    now = timezone.now()
    for name in ("manager", "other"):
        customer = make_customer(f"M-{name}", name="Maple", account_manager=people[name])
        for n, outcome in enumerate(("fresh", "institution_unavailable", "", "stale")):
            make_login(
                customer=customer,
                institution=("TD", "RBC")[n % 2],
                outcome=outcome,
                provider_code="RETRY_LATER" if n == 1 else "",
                nightly=("on", "off", "unknown", "off")[n],
                drops_out_at=now + timedelta(days=1),
                gone_at=now if n == 1 else None,
            )
    own = Login.objects.filter(customer__account_manager=people["manager"])

    everything = found(signed_in("ops"), query)

    expected = everything & set(own.values_list("login_id", flat=True))
    assert found(signed_in("manager"), query) == expected
    assert expected or query == "leak=replaced"


def test_the_logins_of_one_manager_and_of_nobody_are_told_apart(signed_in, people):
    for reference, owner in (("C-1", people["manager"]), ("C-2", people["other"]), ("C-3", None)):
        make_login(customer=make_customer(reference, account_manager=owner), nightly="on")
    client = signed_in("ops")

    def references(who):
        rows = client.get(f"{LIST}?manager={who}&nightly__exact=on").context["cl"].result_list
        return [row.customer.reference for row in rows]

    assert references(people["manager"].pk) == ["C-1"]
    assert references("nobody") == ["C-3"]


@pytest.mark.parametrize("few", [0, 2_000], ids=["sorted", "by-their-keys"])
@pytest.mark.parametrize("who", ["ops", "manager"])
def test_what_drops_out_first_stands_first(signed_in, people, monkeypatch, who, few):
    monkeypatch.setattr(known_pages, "FEW", few)
    now = timezone.now()
    customer = make_customer("OWN-1", account_manager=people["manager"])
    for days, name in ((1.5, "A"), (0.5, "Z"), (1, "M")):
        drops_out_at = now + timedelta(days=days)
        make_login(customer=customer, institution=name, nightly="on", drops_out_at=drops_out_at)

    rows = signed_in(who).get(f"{LIST}?drops_out=2").context["cl"].result_list

    assert [row.institution for row in rows] == ["Z", "M", "A"]


def test_the_choices_of_banks_are_all_there_is_and_once(signed_in, people):
    for name in ("TD", "RBC", "TD", "", "Desjardins"):
        make_login(institution=name)

    skipped = institutions.all_institutions()

    exact = institutions.institutions_of(Login.objects.all())
    assert skipped == exact == ["Desjardins", "RBC", "TD"]


@pytest.mark.parametrize("rows", [0, 1])
def test_no_register_and_a_register_of_one_have_their_banks(people, rows):
    make_logins(rows, institution="TD")

    assert institutions.all_institutions() == ["TD"] * rows


@pytest.mark.parametrize("looked_at", [1, 4, 100])
@pytest.mark.parametrize("most", [2, 300])
@pytest.mark.parametrize("banks", [["TD", "RBC", "", "RBC", "BMO"], ["TD"], []], ids=len)
@pytest.mark.parametrize("foreign", [["RBC", "TD", "BMO"] * 2, ["Farbank", "Aroundbank", "TD"], []])
def test_the_choices_of_a_manager_are_their_own_banks_whatever_others_have(
    people, monkeypatch, looked_at, most, banks, foreign
):
    monkeypatch.setattr(institutions, "LOOKED_AT", looked_at)
    monkeypatch.setattr(institutions, "MOST", most)
    for owner, names in (("other", foreign), ("manager", banks)):
        customer = make_customer(f"C-{owner}", account_manager=people[owner])
        for name in names:
            make_login(customer=customer, institution=name)

    found = institutions.institutions_of_manager(people["manager"])

    assert found == sorted({*banks} - {""})[:most]


@pytest.mark.parametrize("name", ["ops", "manager", "auditor"])
@pytest.mark.parametrize(
    "address",
    [
        LIST,
        f"{LIST}?q=maple",
        f"{LIST}?status__exact=active&institution=TD&outcome=user_action",
        f"{LIST}?leak=replaced&drops_out=2&manager=nobody&code=RETRY_LATER",
        f"{LIST}?o=1",
        CUSTOMERS,
        f"{CUSTOMERS}?q=maple&inactive_days=3&manager=nobody",
    ],
)
def test_a_list_costs_eight_queries(signed_in, register, known, name, address):
    client = signed_in(name)

    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200

    assert len(asked) <= 8


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("institution=TD&code=QUESTION_NOT_FOUND&outcome=user_action", True),
        ("institution=TD&outcome=user_action", True),
        ("institution=TD", False),
        ("outcome=user_action", False),
    ],
)
def test_a_cell_of_the_matrix_offers_its_support_bundle(signed_in, register, query, offered):
    for name, may in (("ops", True), ("auditor", False)):
        body = signed_in(name).get(f"{LIST}?{query}").content.decode()

        assert ("/bundle/cell/?" in body) is (offered and may)


# --- A live refresh ---


def test_a_live_refresh_leaves_out_whom_it_could_lock_out_and_says_why(signed_in, people):
    asked = make_login(outcome="institution_unavailable")
    others = [
        make_login(outcome="user_action"),
        make_login(outcome="fresh", gone_at=timezone.now()),
        make_login(status="inactive"),
        make_login(status="inactive", outcome="user_action"),
    ]
    form = {"action": "refresh_live", "_selected_action": [row.pk for row in [asked, *others]]}

    question = signed_in("ops").post(LIST, form).context["question"]

    facts = dict(question.facts)
    assert (facts["Chosen"], facts["Will be touched"]) == ("5", "1")
    assert facts["Left out"].startswith("4: 2 the customer must act first")
    assert "1 gone at the provider; 1 inactive" in facts["Left out"]
    assert question.needs_reason


def live_question(client, logins):
    form = {"action": "refresh_live", "_selected_action": [row.pk for row in logins]}
    return client.post(LIST, form).context["question"]


def test_a_live_refresh_says_whom_a_limit_leaves_out_and_why(signed_in, people):
    now = timezone.now()
    well, down = make_logins(2, outcome="institution_unavailable")
    for _ in range(2):
        run = make_run(purpose="live_refresh", opened_at=now)
        make_attempt(run, down, state="done", outcome="institution_unavailable", finished_at=now)
    locked = make_login(outcome="stale")
    ReconnectCase.objects.create(login=locked, reason="credentials", opened_at=now)
    barred_twice = make_login(outcome="user_action", outcome_reason="credentials")

    question = live_question(signed_in("ops"), [well, down, locked, barred_twice])

    facts = dict(question.facts)
    assert (facts["Chosen"], facts["Will be touched"]) == ("4", "1")
    assert facts["Left out"] == (
        "3: 1 the customer must act first: a repeated sign-in can lock them out of their bank; "
        "1 the customer must give new credentials first: another try can lock them out; "
        "1 tried live 2 times within a day, and the bank did not answer well"
    )
    assert [row.pk for row in question.sample] == [well.pk]


@pytest.mark.parametrize(
    ("number", "price", "said"),
    [
        pytest.param(1, "0", "1 live call, billed only if it succeeds", id="no-price"),
        pytest.param(
            3, "0.25", "3 live calls, billed only where they succeed: at most 0.75 CAD", id="price"
        ),
    ],
)
def test_a_live_refresh_says_what_it_costs(signed_in, people, number, price, said):
    logins = make_logins(number)
    Provider.objects.update(cost_per_live_call=price)

    assert dict(live_question(signed_in("ops"), logins).facts)["Money"] == said


def test_a_provider_without_it_is_not_asked_for_it(signed_in, people, monkeypatch):
    monkeypatch.setattr("refreshops.wiring.offers", lambda name, purpose: False)
    login = make_login(outcome="stale")
    client = signed_in("ops")

    offered = {
        value for value, _ in client.get(LIST).context["action_form"]["action"].field.choices
    }

    assert "refresh_now" in offered
    assert "refresh_live" not in offered
    assert "Refresh live" not in client.get(page_of(login)).content.decode()


# --- The way back ---


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        pytest.param("http://testserver/leaks/", "/leaks/", id="leaks"),
        pytest.param("http://testserver/logins/login/7/change/?x=1", "/logins/login/7/change/?x=1"),
        pytest.param(f"http://testserver{LIST}?outcome=stale", f"{LIST}?outcome=stale", id="list"),
        pytest.param("https://elsewhere.example/", f"{LIST}?q=x", id="elsewhere"),
        pytest.param("http://testserver//elsewhere.example/", f"{LIST}?q=x", id="two-slashes"),
        pytest.param("", f"{LIST}?q=x", id="not-said"),
    ],
)
def test_cancelling_leads_back_to_where_the_order_was_chosen(signed_in, people, referer, back):
    login = make_login(login_id=FIRST, customer=make_customer("x"))
    client = signed_in("ops")

    form = {"action": "switch_off", "_selected_action": [login.pk]}
    page = client.post(f"{LIST}?q=x", form, headers={"Referer": referer})
    hidden = dict(page.context["question"].hidden)
    again = client.post(f"{LIST}?q=x", {**hidden, "token": "t", "reason": ""})
    done = client.post(f"{LIST}?q=x", {**hidden, "token": "t", "reason": "Left"}, follow=True)

    assert page.context["question"].back_url == back
    assert again.context["question"].back_url == back
    assert f'href="{back}">Back to where you were' in done.content.decode()
    assert Run.objects.filter(purpose="switch_off").count() == 1


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example/", "x"])
def test_a_forged_way_back_leads_nowhere_else(signed_in, people, back):
    form = {"action": "switch_off", "_selected_action": [make_login().pk], "back": back}

    page = signed_in("ops").post(LIST, form)

    assert page.context["question"].back_url == LIST
