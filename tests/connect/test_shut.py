"""What shuts the public pages: dead tokens, strange hosts, forged forms, headers, logs."""

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from refreshops.connect import links, views
from refreshops.connect.pages import HEADERS
from refreshops.logins.models import ConnectLink, Login
from refreshops.providers.contract import Handover
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.runtime.log_lines import PlainLines
from tests.builders import make_customer
from tests.connect.conftest import PUBLIC_URL, address_of, end

STEPS = ("", "wait", "state")


def dead_token(kind: str, link: ConnectLink, unknown: ConnectLink) -> str:
    """Return a token that leads nowhere, of this kind; `link` is a genuine one that is spoiled."""
    token = links.token_of(link)
    past = timezone.now() - timedelta(days=1)
    changes = {
        "revoked": {"revoked_at": timezone.now()},
        "expired": {"made_at": past - timedelta(days=7), "expires_at": past},
        "worn out": {"starts": links.MOST_STARTS, "started_at": past},
    }
    ConnectLink.objects.filter(pk=link.pk).update(**changes.get(kind, {}))
    if kind == "switched off":
        Login.objects.filter(pk=link.login_id).update(status="inactive")
    if kind == "moved":
        ConnectLink.objects.filter(pk=link.pk).update(customer=make_customer("FOR-1"))
    named = {
        "forged": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "unsigned": link.key.hex,
        "unknown": links.token_of(unknown),
        "longer": f"{token}x",
        "endless": f"{token}{'x' * 3000}",
        "of another key": f"{unknown.key.hex}.{token.split('.')[1]}",
        "odd": "%00%F0%9F%92%A9..%2e",
    }
    return named.get(kind, token)


KINDS = [
    "forged",
    "unsigned",
    "unknown",
    "revoked",
    "expired",
    "worn out",
    "switched off",
    "moved",
    "longer",
    "endless",
    "of another key",
    "odd",
]


@pytest.fixture
def unknown(make_link):
    """A link that was signed here, and is gone."""
    link = make_link()
    kept = ConnectLink(key=link.key)
    link.delete()
    return kept


class TestDeadLinks:
    @pytest.mark.parametrize("step", STEPS)
    def test_are_one_page_with_one_status_and_one_query(self, client, make_link, unknown, step):
        seen = set()
        for kind in KINDS:
            token = dead_token(kind, make_link(), unknown)
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(f"/connect/{token}/{step}")
            headers = tuple(sorted(answer.headers.items()))
            seen.add((answer.status_code, answer.content, headers, len(queries)))
            Login.objects.update(status="active")

        assert len(seen) == 1
        status, content, _, queries = seen.pop()
        assert (status, queries) == (404, 1)
        assert b"This link does not work" in content
        assert "Ce lien ne fonctionne pas" in content.decode()

    def test_take_no_clicks(self, browser, link, unknown, make_link):
        token = browser.open(link).cookies["csrftoken"].value
        seen = set()
        for kind in KINDS:
            address = f"/connect/{dead_token(kind, make_link(), unknown)}/start"
            with CaptureQueriesContext(connection) as queries:
                answer = browser.client.post(address, {"csrfmiddlewaretoken": token})
            seen.add((answer.status_code, answer.content, len(queries)))
            Login.objects.update(status="active")

        assert len(seen) == 1
        assert seen.pop()[0] == 404

    @pytest.mark.parametrize(
        "address",
        [
            "/connect",
            "/connect/",
            "/connect/a/b/c",
            "/connect/a/start/",
            "/connect/back",
            "/connect//",
        ],
    )
    def test_no_address_falls_through_to_the_console(self, client, db, address):
        answer = client.get(address)

        assert answer.status_code in (200, 404)
        assert "/login/" not in answer.headers.get("Location", "")
        assert b"RefreshOps" not in answer.content


class TestHeaders:
    def answers(self, browser, link):
        yield browser.open(link)
        yield browser.press(link)
        yield browser.wait(link)
        yield browser.get(address_of(link, "state"))
        yield browser.get("/connect/back/")
        yield browser.get("/connect/nothing/")
        yield browser.get("/connect/nothing/at/all")
        yield browser.client.post(address_of(link, "start"))
        yield browser.client.put(address_of(link))
        yield browser.get(address_of(link), headers={"host": "evil.example"})

    def test_are_on_every_answer(self, browser, link):
        for answer in self.answers(browser, link):
            for name, value in HEADERS.items():
                if name != "Referrer-Policy":
                    assert answer.headers[name] == value, (answer, name)

    def test_no_path_is_ever_a_referrer(self, browser, link):
        policies = [row.headers["Referrer-Policy"] for row in self.answers(browser, link)]

        assert policies[0] == "strict-origin"
        assert set(policies[1:]) == {"no-referrer"}

    def test_the_policy_lets_nothing_in_from_elsewhere(self, browser, link):
        html = browser.open(link).content.decode()

        assert "default-src 'none'" in HEADERS["Content-Security-Policy"]
        assert "unsafe" not in HEADERS["Content-Security-Policy"]
        assert "style=" not in html
        assert "<script" not in html
        assert "admin" not in html

    def test_the_console_keeps_its_own(self, client, db):
        answer = client.get("/login/")

        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


class TestRequests:
    def test_a_strange_host_is_refused_with_a_public_page(self, client, link):
        answer = client.get(address_of(link), headers={"host": "evil.example"})

        assert answer.status_code == 400
        assert b"evil" not in answer.content
        assert b"RefreshOps" not in answer.content

    def test_plain_http_goes_to_our_own_host_alone(self, link, settings):
        settings.SECURE_SSL_REDIRECT = True
        client = Client()

        moved = client.get(address_of(link))
        strange = client.get(address_of(link), headers={"host": "evil.example"})

        assert moved["Location"] == f"https://testserver{address_of(link)}"
        assert strange.status_code == 400
        assert "Location" not in strange.headers

    def test_forwarded_hosts_change_nothing(self, browser, link):
        browser.press(link, headers={"x-forwarded-host": "evil.example"})
        end(link, Outcome.USER_ACTION, reason=Reason.MFA, handover=Handover(token="t"))

        told = browser.get(address_of(link, "state"), headers={"x-forwarded-host": "evil.example"})

        assert "evil" not in told.json()["url"]
        assert PUBLIC_URL.removeprefix("https://") in told.json()["url"]

    def test_a_click_without_the_forms_token_is_refused_kindly(self, browser, link):
        answer = browser.client.post(address_of(link, "start"))

        assert answer.status_code == 403
        assert b"press the button once more" in answer.content
        assert b"RefreshOps" not in answer.content

    def test_a_click_from_another_site_is_refused(self, browser, link):
        answer = browser.press(link, headers={"origin": "https://evil.example"})

        assert answer.status_code == 403

    def test_who_is_signed_in_makes_no_difference(self, browser, link):
        User.objects.create_superuser("boss")
        before = browser.get(address_of(link, "state")).content
        browser.client.force_login(User.objects.get())
        signed_in = browser.client.cookies["sessionid"].value

        browser.press(link)

        assert browser.client.cookies["sessionid"].value == signed_in
        assert before == b'{"state": "failed"}'

    def test_the_session_of_the_console_is_not_read(self, browser, link):
        User.objects.create_superuser("boss")
        browser.client.force_login(User.objects.get())

        with CaptureQueriesContext(connection) as queries:
            browser.open(link)

        assert not [row for row in queries if "django_session" in row["sql"]]

    @pytest.mark.parametrize("step", [*STEPS, "start"])
    def test_a_fault_of_ours_is_a_public_page(self, link, monkeypatch, step):
        def break_down(*args, **named):
            raise DatabaseError(f"at {links.token_of(link)}")

        monkeypatch.setattr(views.links, "find", break_down)
        client = Client(raise_request_exception=False)
        method = client.post if step == "start" else client.get

        answer = method(address_of(link, step))

        assert answer.status_code == 500
        assert b"Something of ours broke" in answer.content
        assert b"RefreshOps" not in answer.content
        assert answer.headers["Cache-Control"] == HEADERS["Cache-Control"]


class TestTheLog:
    def written(self, caplog):
        formatter = PlainLines("{message}", style="{")
        return "\n".join(formatter.format(row) for row in caplog.records)

    def test_no_refusal_writes_a_token_down(self, browser, link, caplog):
        caplog.set_level(logging.DEBUG)
        token = links.token_of(link)
        browser.client.post(address_of(link, "start"))
        browser.client.put(address_of(link))
        browser.get(address_of(link), headers={"host": "evil.example"})
        ConnectLink.objects.update(revoked_at=timezone.now())
        for step in STEPS:
            browser.get(address_of(link, step))
        browser.get(address_of(link).rstrip("/"))

        written = self.written(caplog)
        assert "/connect/[link]" in written
        assert token not in written
        assert token.split(".")[1] not in written

    def test_nor_does_an_address_with_a_stroke_too_many(self, browser, link, caplog):
        browser.get(address_of(link).replace("/connect/", "/connect//"))

        assert "Not Found: /connect//[link]" in self.written(caplog)

    def test_nor_does_a_fault(self, link, caplog, monkeypatch):
        def break_down(*args, **named):
            raise ValueError("broken")

        monkeypatch.setattr(views, "look", break_down)
        ConnectLink.objects.update(starts=1)

        Client(raise_request_exception=False).get(address_of(link, "wait"))

        written = self.written(caplog)
        assert "broken" in written
        assert links.token_of(link) not in written
