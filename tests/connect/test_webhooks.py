"""The address that Flinks sends to: nothing unsigned is kept, what is signed is kept first."""

import base64
import hashlib
import hmac
import io
import json
import uuid

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django_q.models import OrmQ

from refreshops import wiring
from refreshops.connect import webhooks
from refreshops.routine import tasks
from refreshops.tracing.models import Delivery
from tests.builders import make_login
from tests.providers.flinks.spoken import detail

KEY = "a-webhook-key-of-tests"
ADDRESS = "/webhooks/flinks/"
LOGIN_ID = str(uuid.uuid4())
BALANCE = 5105.5


@pytest.fixture(autouse=True)
def keyed(settings, public_site):
    settings.FLINKS_WEBHOOK_KEY = KEY
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    wiring.provider.cache_clear()
    yield
    wiring.provider.cache_clear()


@pytest.fixture
def browser():
    """Somebody without any cookie, and without any token."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def delivery(kind="GetAccountsDetail", **changes):
    login = {"Id": LOGIN_ID, "Username": "jane.doe", "LastRefresh": "2026-11-20T08:00:00"}
    return detail(Login=login, ResponseType=kind, Padding="x" * 2000, **changes).body


def signed(body, *, key=KEY):
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def post(client, body, *, signature=None, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = signed(raw) if signature is None else signature
    headers = {"flinks-authenticity-key": signature, **headers}
    return client.post(ADDRESS, raw, content_type="application/json", headers=headers)


@pytest.mark.django_db(transaction=True)
def test_a_signed_delivery_is_kept_and_answered_and_a_task_applies_it(browser):
    answer = post(browser, delivery())

    row = Delivery.objects.get()
    assert (answer.status_code, answer.content) == (200, b"")
    assert (row.kind, row.login_id, row.state) == ("GetAccountsDetail", LOGIN_ID, "stored")
    assert (row.times, row.http_status_code, row.answer["AccountCount"]) == (1, 200, 1)
    assert OrmQ.objects.count() == 1

    make_login(login_id=LOGIN_ID)
    said = tasks.apply_deliveries("flinks")

    row.refresh_from_db()
    assert (said, row.state, row.sealed) == ("flinks: 1 deliveries", "applied", None)


@pytest.mark.django_db
def test_nothing_of_the_bank_data_is_kept_in_the_clear(browser):
    body = delivery()

    post(browser, body)

    row = Delivery.objects.get()
    shown = json.dumps({name: str(value) for name, value in vars(row).items()})
    for secret in ("Chequing", str(BALANCE), "PAYROLL", "jane.doe", "Jane Doe", "7641238"):
        assert secret in json.dumps(body)
        assert secret not in shown
    assert json.loads(wiring.vault().open(row.sealed)["body"]) == body


@pytest.mark.django_db(transaction=True)
def test_the_same_body_again_counts_and_does_nothing_else(browser):
    body = delivery()

    statuses = [post(browser, body).status_code for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert Delivery.objects.get().times == 3
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_that_come_at_once_are_one_task(browser):
    for _ in range(5):
        post(browser, delivery(RequestId=str(uuid.uuid4())))

    assert (Delivery.objects.count(), OrmQ.objects.count()) == (5, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param("bm8=", id="wrong"),
        pytest.param("\u00e9" * 44, id="not-ascii"),
        pytest.param(signed(b"another body"), id="of-another-body"),
        pytest.param(signed(json.dumps(delivery()).encode(), key="k" * 20), id="of-another-key"),
    ],
)
def test_what_is_not_signed_is_refused_and_leaves_nothing(signature, browser, caplog, monkeypatch):
    monkeypatch.setattr(webhooks, "_refusals", webhooks.Refusals())

    statuses = [post(browser, delivery(), signature=signature).status_code for _ in range(20)]

    assert set(statuses) == {401}
    assert not Delivery.objects.exists()
    assert [record.message for record in caplog.records] == [
        "Refused 1 webhooks without a good signature; nothing was kept"
    ]


@pytest.mark.django_db
def test_without_a_key_of_ours_nothing_is_believed(browser, settings):
    settings.FLINKS_WEBHOOK_KEY = ""
    wiring.provider.cache_clear()
    raw = json.dumps(delivery()).encode()

    answer = post(browser, raw, signature=signed(raw, key=""))

    assert (answer.status_code, Delivery.objects.count()) == (401, 0)


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options", "patch"])
def test_nothing_but_a_post_is_taken(method, browser):
    answer = getattr(browser, method)(ADDRESS)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


class Endless(io.RawIOBase):
    """A sender that never ends; counts what was taken of it."""

    taken = 0

    def read(self, size=-1):
        self.taken += size
        return b"x" * size


def sent(stream, **environ):
    usual = RequestFactory().post(ADDRESS).environ
    usual.pop("CONTENT_LENGTH", None)
    return webhooks.flinks(WSGIRequest({**usual, "wsgi.input": stream, **environ}))


@pytest.mark.parametrize(
    ("environ", "read"),
    [
        pytest.param({"CONTENT_LENGTH": str(webhooks.MOST_BYTES + 1)}, 0, id="too-large"),
        pytest.param({"CONTENT_LENGTH": "9" * 40}, 0, id="absurd"),
        pytest.param({"CONTENT_LENGTH": "-1"}, 0, id="negative"),
        pytest.param({"CONTENT_LENGTH": "\u0661"}, 0, id="another-alphabet"),
        pytest.param({}, 0, id="no-length"),
        pytest.param(
            {"wsgi.input_terminated": True},
            webhooks.MOST_BYTES + webhooks.PIECE_BYTES,
            id="chunks-without-end",
        ),
    ],
)
def test_what_is_too_large_is_refused_without_being_read(environ, read):
    stream = Endless()

    answer = sent(stream, **environ)

    assert (answer.status_code, stream.taken) == (413, read)


class Broken(io.RawIOBase):
    """A sender that is gone in the middle."""

    def read(self, size=-1):
        raise ConnectionResetError


@pytest.mark.parametrize(
    "environ",
    [{"CONTENT_LENGTH": "9"}, {"wsgi.input_terminated": True}],
    ids=["with-a-length", "in-chunks"],
)
def test_a_sender_that_is_gone_leaves_nothing(environ):
    assert sent(Broken(), **environ).status_code == 400


@pytest.mark.django_db
def test_a_delivery_in_chunks_is_kept():
    raw = json.dumps(delivery()).encode()
    headers = {"HTTP_FLINKS_AUTHENTICITY_KEY": signed(raw), "wsgi.input_terminated": True}

    answer = sent(io.BytesIO(raw), **headers)

    assert (answer.status_code, Delivery.objects.get().size) == (200, len(raw))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b"<html>", id="html"),
        pytest.param(b"[" * 5000 + b"]" * 5000, id="deep"),
        pytest.param(b'{"ResponseType": 7}', id="no-kind"),
        pytest.param(b'{"ResponseType": "KYC"}', id="about-nobody"),
        pytest.param(b"\xff\xfe\x00", id="no-text"),
    ],
)
def test_what_cannot_be_read_is_listed_and_not_asked_for_again(raw, browser):
    answer = post(browser, raw)

    row = Delivery.objects.get()
    assert (answer.status_code, row.state, row.sealed) == (200, "unreadable", None)
    assert row.state_reason


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ["\0", "\ud800", "\u202e", "\ufffe"], ids=ascii)
def test_odd_letters_anywhere_do_not_keep_a_delivery_out(odd, browser):
    login = {"Id": LOGIN_ID, "Username": odd, "LastRefresh": odd}
    words = dict.fromkeys(("Institution", "Message", "FlinksCode", "Tag"), f"a{odd}b")

    answer = post(browser, delivery(**words) | {"Login": login, "RequestId": f"r{odd}"})

    assert (answer.status_code, Delivery.objects.count()) == (200, 1)


@pytest.mark.django_db
def test_other_kinds_are_kept_without_their_body(browser):
    post(browser, delivery("KYC", Holder={"Name": "Jane Doe"}))
    tasks.apply_deliveries("flinks")

    row = Delivery.objects.get()
    assert (row.kind, row.state, row.sealed) == ("KYC", "ignored", None)
    assert row.state_reason == webhooks.NO_DATA


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_it_is_asked_for_again(browser):
    def away(*args):
        raise OperationalError("away")

    with connection.execute_wrapper(away):
        answer = post(browser, delivery())

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert post(browser, delivery()).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_applies_what_was_left(browser):
    post(browser, delivery())
    OrmQ.objects.all().delete()
    Delivery.objects.update(tries=1)
    make_login(login_id=LOGIN_ID)

    said = tasks.heartbeat()

    assert "flinks: 1 deliveries" in said
    assert Delivery.objects.get().state == "applied"


@pytest.mark.django_db
def test_a_link_of_a_customer_and_a_session_play_no_role(browser, django_user_model):
    browser.force_login(django_user_model.objects.create_superuser("root", password="x"))

    answer = post(browser, delivery(), signature="")

    assert answer.status_code == 401
