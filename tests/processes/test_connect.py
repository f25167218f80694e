"""A customer comes by a link: real pages, a real worker, the simulator's Flinks Connect."""

import re
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
import requests

from tests.installation import Installation
from tests.processes.evidence import assert_one_to_one
from tests.simulation import FLANKS_CLIENT_ID, FLANKS_CLIENT_SECRET, Simulator
from tests.simulator.visitor import Visitor

LINK_MAKER = str(Path(__file__).with_name("link_maker.py"))
SERVER = str(Path(__file__).with_name("web_server.py"))
FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
PATIENCE_S = 40.0

pytestmark = pytest.mark.processes


@dataclass
class Customer:
    """A customer's browser: our pages in `web`, the provider's in a `Visitor`."""

    link: str
    web: requests.Session = field(default_factory=requests.Session)

    def click(self) -> requests.Response:
        """Open the link and press its button; return the page that follows."""
        shown = self.web.get(self.link, timeout=10)
        found = FORM_TOKEN.search(shown.text)
        assert found, shown.text
        form = {"csrfmiddlewaretoken": found[1]}
        return self.web.post(urljoin(self.link, "start"), data=form, timeout=10)

    def wait_for(self, *states: str) -> dict[str, str]:
        """Poll as the page's script does, until one of `states` is told."""
        ends_at = time.monotonic() + PATIENCE_S
        told: dict[str, str] = {}
        while time.monotonic() < ends_at:
            told = self.web.get(urljoin(self.link, "state"), timeout=10).json()
            if told["state"] in states:
                return told
            time.sleep(0.1)
        raise AssertionError(told)

    def go_on(self) -> Visitor:
        """Go to the provider's page as soon as it is ready for us."""
        return visit(self.wait_for("go")["url"])

    def come_back(self, address: str | None) -> requests.Response:
        """Return where the provider's page sent us, or to a forged address."""
        assert address
        return self.web.get(address, timeout=10)


def visit(address: str, **other: str) -> Visitor:
    """Open the provider's page where we lead to, with `other` parameters than ours if given."""
    url = urlsplit(address)
    asked = dict(parse_qsl(url.query)) | other
    return Visitor(f"http://{url.netloc}/v2/", url.path.removeprefix("/v2/"), **asked)


@contextmanager
def served(place: Installation) -> Iterator[None]:
    """Serve the pages and drive what is open."""
    web = place.start(SERVER, place.environment["PUBLIC_URL"].rpartition(":")[2])
    worker = place.start("worker", "--grace-seconds=1")
    try:
        _wait_for(place)
        yield
    finally:
        for process in (web, worker):
            process.terminate()
            said = "".join(process.communicate(timeout=30))
            assert "/connect/" not in said.replace("/connect/[link]", "")


def _wait_for(place: Installation) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at:
        try:
            health = requests.get(f"{place.environment['PUBLIC_URL']}/healthz?worker=1", timeout=5)
            if health.status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError("web and worker did not start")


@pytest.fixture
def site(simulate, install):
    """Return a function that starts a simulator and an installation that customers can reach."""

    def start(database: str = "sqlite", **options: object) -> tuple[Simulator, Installation]:
        asked = {"scenario": "calm", "logins": 2, "limit": 0, "body_kb": 5, "require_token": True}
        simulator = simulate(**(asked | options))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        reached = {"POLL_SECONDS": "0.2", "PUBLIC_URL": f"http://127.0.0.1:{port}"}
        if "flanks_logins" not in options:
            return simulator, install(database, simulator, **reached)
        place = install(database, **reached, **both(simulator))
        place.import_register(simulator.register)
        return simulator, place

    return start


def both(simulator: Simulator) -> dict[str, str]:
    return {
        "FLINKS_API_URL": simulator.url,
        "FLANKS_API_URL": simulator.flanks_url,
        "FLANKS_CLIENT_ID": FLANKS_CLIENT_ID,
        "FLANKS_CLIENT_SECRET": FLANKS_CLIENT_SECRET,
    }


def customer_of(place: Installation, *words: str) -> Customer:
    return Customer(place.manage(LINK_MAKER, *words).stdout.strip())


def link_rows(place: Installation) -> list[tuple[object, ...]]:
    return place.rows("SELECT ended_as, refused_why FROM logins_connectlink ORDER BY id")


def login_ids(place: Installation) -> set[str]:
    return {row[0] for row in place.rows("SELECT login_id FROM logins_login")}


def test_a_question_of_the_bank_is_answered_and_the_case_closes(site, database):
    simulator, place = site(database)
    login_id = simulator.register_rows()[0]["login_id"]
    simulator.change(login_id, fate="question_not_found")
    place.run_routine()
    case = "SELECT closed_as, last_contact_at FROM logins_reconnectcase"
    opened = place.rows(case)

    with served(place):
        customer = customer_of(place, login_id)
        clicked = customer.click()
        visitor = customer.go_on()
        visitor.answer()
        back = customer.come_back(visitor.landed)
        customer.wait_for("done")
        last = customer.web.get(customer.link, timeout=10)

    assert opened == [("", None)]
    assert "One moment" in clicked.text
    assert "fetching your data" in back.text or "You are connected" in back.text
    assert "You are connected" in last.text
    assert "loginId" not in back.url
    assert link_rows(place) == [("reconnected", "")]
    [(closed_as, last_contact_at)] = place.rows(case)
    assert (closed_as, last_contact_at is not None) == ("fresh", True)
    outcome = "SELECT outcome FROM logins_login WHERE login_id = ?"
    assert place.rows(outcome, login_id) == [("fresh",)]
    assert_one_to_one(place, simulator)


def test_a_new_customer_is_registered_once_their_data_is_there(site):
    simulator, place = site(pending_seconds=3)
    known = login_ids(place)

    with served(place):
        customer = customer_of(place, "new", "NEW-1")
        customer.click()
        url = customer.wait_for("go")["url"]
        visitor = visit(url)
        visitor.choose("TD").sign_in("greatday_nomfa")
        back = customer.come_back(visitor.landed)
        registered_early = login_ids(place) - known
        customer.wait_for("done")

    assert "fetching your data" in back.text
    assert registered_early == set()
    [login_id] = login_ids(place) - known
    rows = place.rows(
        "SELECT c.reference, l.institution, l.outcome FROM logins_login l"
        " JOIN logins_customer c ON c.id = l.customer_id WHERE l.login_id = ?",
        login_id,
    )
    assert rows == [("NEW-1", "TD", "fresh")]
    assert simulator.login(login_id)["scheduled"] is True
    assert link_rows(place) == [("connected", "")]
    polls = [row for row in simulator.log_lines() if row["endpoint"] == "GetAccountsDetailAsync"]
    assert len(polls) > 3
    assert_one_to_one(place, simulator)
    token = dict(parse_qsl(urlsplit(url).query))["authorizeToken"]
    signature = customer.link.rstrip("/").rpartition(".")[2]
    kept = b"".join(path.read_bytes() for path in place.folder.glob("*.sqlite3*"))
    assert len(kept) > 10_000
    assert not [secret for secret in (token, signature) if secret.encode() in kept]


def test_nothing_that_was_forged_is_registered(site):
    """Foreign, invented, and connected by somebody else with another tag."""
    simulator, place = site()
    foreign = simulator.register_rows()[0]["login_id"]
    place.run_routine()
    known = login_ids(place)

    with served(place):
        tellings = []
        for forge in (foreign, str(uuid.uuid4()), "another tag"):
            customer = customer_of(place, "new", f"NEW-{forge[:4]}")
            customer.click()
            url = customer.wait_for("go", "failed")["url"]
            ours = dict(parse_qsl(urlsplit(url).query))["tag"]
            if forge == "another tag":
                visitor = visit(url, tag="rf-of-somebody-else")
                visitor.choose("RBC").sign_in("a-stranger")
                told = dict(parse_qsl(urlsplit(visitor.landed or "").query))
                forge = told["loginId"]
            tellings.append(come_back_forged(place, customer, forge, tag=ours))

    assert login_ids(place) == known
    rows = link_rows(place)
    assert [(ended, bool(why)) for ended, why in rows] == [("", True)] * 3, rows
    assert all("could not confirm this connection" in page for page in tellings)


def come_back_forged(place: Installation, customer: Customer, login_id: str, *, tag: str) -> str:
    """Come back with a LoginId of one's own choice and the tag of one's own link."""
    query = urlencode({"loginId": login_id, "institution": "RBC", "tag": tag})
    back = customer.come_back(f"{place.environment['PUBLIC_URL']}/connect/back/?{query}")
    assert "fetching your data" in back.text
    customer.wait_for("failed")
    return customer.web.get(urljoin(customer.link, "wait"), timeout=10).text


CASE = "SELECT closed_as, reopened FROM logins_reconnectcase"
OUTCOME = "SELECT outcome FROM logins_login WHERE login_id = ?"


def send(address: str, action: str, **fields: str) -> str:
    """Send a step of a session's page at the fake Flanks; return where it leads."""
    answer = requests.post(
        address, data={"action": action, **fields}, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


@pytest.fixture
def asked(site):
    """Return a function that has a login of Flanks ask for its customer, its case opened."""

    def start(fate: str, database: str = "sqlite") -> tuple[Simulator, Installation, str]:
        simulator, place = site(database, logins=1, flanks_logins=2)
        login_id = simulator.register_rows(provider="flanks")[0]["login_id"]
        simulator.flanks.change(login_id, fate=fate)
        place.run_routine(expect=None)
        assert place.rows(CASE) == [("", 0)]
        return simulator, place, login_id

    return start


@pytest.mark.parametrize(
    ("database", "fate", "step"),
    [
        ("sqlite", "sca_needed", {"action": "code", "code": "123456"}),
        ("postgresql", "blocked", {"action": "password", "password": "a new password"}),
    ],
    ids=["code", "password"],
)
def test_a_session_cures_a_login_and_the_case_closes(asked, database, fate, step):
    simulator, place, login_id = asked(fate, database)

    with served(place):
        customer = customer_of(place, login_id)
        customer.click()
        page = customer.wait_for("go")["url"]
        back = customer.come_back(send(page, **step))
        customer.wait_for("done")
        again = customer.come_back(back.history[0].url)

    assert "fetching your data" in back.text or "You are connected" in back.text
    assert "session_id" not in back.url
    assert "You are connected" in again.text
    assert link_rows(place) == [("reconnected", "")]
    assert (place.rows(CASE), place.rows(OUTCOME, login_id)) == ([("fresh", 0)], [("fresh",)])
    assert_one_to_one(place, simulator)
    session_id = page.rpartition("/")[2]
    kept = b"".join(path.read_bytes() for path in place.folder.glob("*.sqlite3*"))
    assert session_id.encode() not in kept


def test_a_login_that_is_still_being_fetched_ends_the_link_by_itself(asked):
    simulator, place, login_id = asked("sca_needed")
    simulator.flanks.change(login_id, pending_polls=2)

    with served(place):
        customer = customer_of(place, login_id)
        customer.click()
        page = customer.wait_for("go")["url"]
        back = customer.come_back(send(page, "code", code="123456"))
        told = customer.wait_for("waiting")
        customer.wait_for("done")

    assert (told, "fetching your data" in back.text) == ({"state": "waiting"}, True)
    assert link_rows(place) == [("reconnected", "")]
    assert place.rows(CASE) == [("fresh", 0)]


def test_what_was_not_done_closes_no_case(asked):
    """Left, failed, never finished, or finished by somebody else."""
    simulator, place, login_id = asked("sca_needed")
    landing = f"{place.environment['PUBLIC_URL']}/connect/back/?session_id="
    ways = {
        "left": lambda page: send(page, "abort"),
        "wrong": lambda page: send(page, "code", code="INVALID_SCA"),
        "not done": lambda page: landing + page.rpartition("/")[2],
        "of another": lambda page: landing + str(uuid.uuid4()),
    }

    with served(place):
        customer = customer_of(place, login_id)
        pages, told = [], {}
        for way, back in ways.items():
            customer.click()
            pages.append(customer.wait_for("go")["url"])
            told[way] = customer.come_back(back(pages[-1])).text
            customer.wait_for("failed")

    said = {
        "left": "That was not finished",
        "wrong": "That was not finished",
        "not done": "fetching your data",
        "of another": "Thank you",
    }
    assert [way for way in ways if said[way] not in told[way]] == []
    assert len(set(pages)) == len(ways)
    assert link_rows(place) == [("", "")]
    assert (place.rows(CASE), place.rows(OUTCOME, login_id)) == ([("", 0)], [("user_action",)])
