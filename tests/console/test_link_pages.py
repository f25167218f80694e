"""Connect links in the browser: made once, shown once, kept nowhere, revoked."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from refreshops import wiring
from refreshops.connect import links
from refreshops.logins.models import ConnectLink, Customer, Login, Provider, ReconnectCase
from refreshops.tracing.models import Event
from tests.builders import NOON, make_customer, make_login, make_provider
from tests.console.conftest import page_of
from tests.console.permission_site import everything_stored

ADDRESS = re.compile(r'id="id_address" value="([^"]+)"')


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    # PostgreSQL's own clock goes on.
    monkeypatch.setattr(wiring, "clock", timezone.now)
    with time_machine.travel(NOON, tick=False):
        yield


def of_login(login):
    return f"/logins/login/{login.pk}/link/"


def of_customer(customer):
    return f"/logins/customer/{customer.pk}/link/"


def shown_address(answer):
    (found,) = ADDRESS.findall(answer.content.decode())
    return found


def make_link(login, **fields):
    defaults = {"made_at": NOON, "expires_at": NOON + timedelta(days=7)}
    return ConnectLink.objects.create(
        provider=login.provider, customer=login.customer, login=login, **(defaults | fields)
    )


def test_a_link_is_made_for_a_login_and_its_open_case(signed_in, people):
    login = make_login(customer=make_customer("C-1", language="fr"))
    case = ReconnectCase.objects.create(login=login, opened_at=NOON)

    answer = signed_in("ops").post(of_login(login), {"token": "t"})

    link = ConnectLink.objects.get()
    assert (link.login, link.case, link.customer) == (login, case, login.customer)
    assert (link.made_by, link.language, link.institution) == (people["ops"], "fr", "Maple Trust")
    assert link.expires_at == NOON + timedelta(days=7)
    address = shown_address(answer)
    assert address.startswith("https://connect.lender.example/connect/")
    assert links.find(address.split("/")[-2], now=NOON) == link
    assert "no-store" in answer["Cache-Control"]
    assert page_of(case) in answer.content.decode()


def test_the_address_is_shown_once_and_kept_nowhere(signed_in):
    login, client = make_login(), signed_in("ops")

    token = shown_address(client.post(of_login(login), {"token": "t"})).split("/")[-2]
    again = client.post(of_login(login), {"token": "t"}, follow=True)

    assert ConnectLink.objects.count() == Event.objects.filter(action="make_link").count() == 1
    assert "made one link" in again.content.decode()
    secret = token.split(".")[1]
    assert secret not in again.content.decode()
    assert secret not in client.get(of_login(login)).content.decode()
    assert secret not in repr(everything_stored())
    assert secret not in repr(dict(client.session.items()))


def test_the_address_is_built_from_the_setting_and_never_from_the_host(signed_in, settings):
    settings.PUBLIC_URL = "https://bank.lender.example/"

    answer = signed_in("ops").post(
        of_login(make_login()), {"token": "t"}, headers={"x-forwarded-host": "evil.example"}
    )

    assert shown_address(answer).startswith("https://bank.lender.example/connect/")


def test_a_first_connection_names_the_bank_or_leaves_it_to_the_customer(signed_in):
    make_provider()
    make_login(institution="RBC")
    customer, client = make_customer("NEW"), signed_in("ops")

    for number, bank in enumerate(("RBC", "", "No such bank")):
        client.post(of_customer(customer), {"token": f"t{number}", "institution": bank})

    made = ConnectLink.objects.order_by("pk")
    assert [(row.login_id, row.institution) for row in made] == [
        (None, "RBC"),
        (None, ""),
        (None, ""),
    ]


@pytest.mark.parametrize(
    ("language", "kept"), [("fr", "fr"), ("en", "en"), ("xx", "en"), ("", "en")]
)
def test_the_language_is_chosen_or_the_customer_s(signed_in, language, kept):
    signed_in("ops").post(of_login(make_login()), {"token": "t", "language": language})

    assert ConnectLink.objects.get().language == kept


@pytest.mark.parametrize("why", ["off", "erasure", "not-set-up"])
def test_no_link_is_made_where_it_makes_no_sense(signed_in, settings, why):
    login = make_login()
    if why == "off":
        Login.objects.update(status="inactive")
    elif why == "erasure":
        login.customer.erasure_asked_at = NOON
        login.customer.save()
    else:
        settings.PUBLIC_URL = ""
    client = signed_in("ops")

    asked, given = client.get(of_login(login)), client.post(of_login(login), {"token": "t"})

    assert (asked.status_code, given.status_code) == (200, 400)
    assert 'name="token"' not in asked.content.decode()
    assert not ConnectLink.objects.exists()


STATES = [
    ({}, "made"),
    ({"opened_at": NOON}, "opened"),
    ({"expires_at": NOON, "made_at": NOON - timedelta(days=7)}, "expired"),
    ({"revoked_at": NOON, "opened_at": NOON}, "revoked"),
    ({"ended_at": NOON, "ended_as": "cured", "revoked_at": NOON}, "used"),
]


@pytest.mark.parametrize(("fields", "state"), STATES, ids=[state for _, state in STATES])
def test_a_link_says_how_it_stands(signed_in, fields, state):
    login = make_login()
    case = ReconnectCase.objects.create(login=login, opened_at=NOON)
    make_link(login, **{"made_at": NOON - timedelta(days=8), **fields, "opened_at": NOON})
    newest = make_link(login, **fields)
    client = signed_in("ops")

    on_page = client.get(page_of(case)).context["links"][0]
    in_list = client.get("/logins/reconnectcase/").context["cl"].result_list[0]

    assert on_page.link == newest
    assert in_list.link_state == state
    assert on_page.alive is (state in ("made", "opened"))


@pytest.mark.parametrize(("mail", "state"), [("queued", "queued"), ("sent", "sent")])
def test_a_mailed_link_says_so(signed_in, mail, state):
    login = make_login()
    ReconnectCase.objects.create(login=login, opened_at=NOON)
    make_link(login).letters.create(
        kind="reconnect", to="a@customers.example", queued_at=NOON, not_before=NOON, state=mail
    )

    row = signed_in("ops").get("/logins/reconnectcase/").context["cl"].result_list[0]

    assert row.link_state == state


def test_a_link_is_revoked_once_and_leads_back_to_its_case(signed_in):
    login, client = make_login(), signed_in("ops")
    case = ReconnectCase.objects.create(login=login, opened_at=NOON)
    link = make_link(login, case=case)

    answers = [client.post(f"/logins/customer/link/{link.pk}/revoke/") for _ in range(2)]

    assert {answer["Location"] for answer in answers} == {page_of(case)}
    link.refresh_from_db()
    assert link.revoked_at == NOON
    assert Event.objects.filter(action="revoke_link").count() == 1


def test_a_foreign_link_is_not_there(signed_in, register):
    link = make_link(register.foreign)
    client = signed_in("manager")

    answers = [
        client.post(f"/logins/customer/link/{link.pk}/revoke/"),
        client.get(of_login(register.foreign)),
        client.post(of_customer(register.foreign.customer), {"token": "t"}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    link.refresh_from_db()
    assert (link.revoked_at, ConnectLink.objects.count()) == (None, 1)


def test_an_auditor_sees_the_links_and_makes_none(signed_in):
    login, client = make_login(), signed_in("auditor")
    link = make_link(login)

    page = client.get(of_login(login))

    assert [row.link for row in page.context["links"]] == [link]
    assert "Revoke the link" not in page.content.decode()
    assert 'name="token"' not in page.content.decode()
    assert client.post(of_login(login), {"token": "t"}).status_code == 403
    assert client.post(f"/logins/customer/link/{link.pk}/revoke/").status_code == 403


def test_a_login_and_a_customer_lead_to_their_case_and_links(signed_in):
    login, client = make_login(), signed_in("ops")
    assert "No reconnect case." in client.get(page_of(login)).content.decode()
    case = ReconnectCase.objects.create(login=login, opened_at=NOON)

    page = client.get(page_of(login)).content.decode()

    assert page_of(case) in page
    assert of_login(login) in page
    assert of_customer(login.customer) in client.get(page_of(login.customer)).content.decode()
    empty = client.get(page_of(make_customer("EMPTY"))).content.decode()
    assert "Connect a first bank…" in empty


@pytest.fixture
def clients_made_anew():
    wiring.provider.cache_clear()
    yield
    wiring.provider.cache_clear()


@pytest.mark.usefixtures("clients_made_anew")
class TestProvidersThatCannotConnectAnew:
    """Flanks reconnects a login by a session; new customers it takes by a link of its own."""

    SAID = "New customers connect by Flanks&#x27;s own link"

    @pytest.fixture
    def login(self, db):
        provider = Provider.objects.get_or_create(name="flanks")[0]
        return make_login(provider=provider, login_id="token-of-a-login")

    def test_make_links_for_their_logins(self, signed_in, login):
        answer = signed_in("ops").post(of_login(login), {"token": "t"})

        assert shown_address(answer)
        assert ConnectLink.objects.get().provider == login.provider

    def test_make_none_for_a_login_that_they_have_lost(self, signed_in, login):
        Login.objects.update(gone_at=NOON)

        answer = signed_in("ops").post(of_login(login), {"token": "t"})

        assert answer.status_code == 400
        assert self.SAID in answer.content.decode()
        assert not ConnectLink.objects.exists()

    @pytest.mark.parametrize("asked_for", ["", "flanks", "flinks", "nobody"])
    def test_are_not_chosen_for_a_first_bank_and_it_says_why(self, signed_in, asked_for):
        customer, client = make_customer("NEW"), signed_in("ops")

        html = client.get(of_customer(customer)).content.decode()
        client.post(of_customer(customer), {"token": "t", "provider": asked_for})

        assert self.SAID in html
        assert 'name="provider"' not in html
        assert ConnectLink.objects.get().provider.name == "flinks"

    @pytest.mark.parametrize("person", ["ops", "manager"])
    def test_lend_no_bank_of_theirs_to_a_link_that_leads_elsewhere(
        self, signed_in, people, login, person
    ):
        Login.objects.filter(pk=login.pk).update(institution="Banco")
        customer = make_customer("NEW", account_manager=people["manager"])
        Customer.objects.update(account_manager=people["manager"])
        make_login(institution="Maple", customer=customer)
        client = signed_in(person)

        page = client.get(of_customer(customer))
        client.post(of_customer(customer), {"token": "t", "institution": "Banco"})

        assert page.context["banks"] == ["Maple"]
        assert ConnectLink.objects.get().institution == ""

    def test_leave_no_link_for_a_first_bank_where_there_is_no_other(
        self, signed_in, monkeypatch, login
    ):
        monkeypatch.setattr(wiring, "provider_names", lambda: ("flanks",))
        client, page = signed_in("ops"), of_customer(login.customer)

        asked, given = client.get(page), client.post(page, {"token": "t"})

        assert (asked.status_code, given.status_code) == (200, 400)
        assert self.SAID in asked.content.decode()
        assert not ConnectLink.objects.exists()

    def test_make_none_where_their_login_is_left_over_from_earlier(
        self, signed_in, monkeypatch, login
    ):
        monkeypatch.setattr(wiring, "provider_names", lambda: ("flinks",))

        answer = signed_in("ops").post(of_login(login), {"token": "t"})

        assert answer.status_code == 400
        assert "no provider that is set up here" in answer.content.decode()

    def test_are_one_of_several_to_choose_from_where_they_can(self, signed_in, monkeypatch):
        monkeypatch.setattr(wiring, "offers", lambda name, purpose: True)
        customer, client = make_customer("NEW"), signed_in("ops")

        html = client.get(of_customer(customer)).content.decode()
        client.post(of_customer(customer), {"token": "t", "provider": "flanks"})

        assert '<option value="flanks">Flanks</option>' in html
        assert self.SAID not in html
        assert ConnectLink.objects.get().provider.name == "flanks"
