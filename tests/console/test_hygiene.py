"""What every rendered page must keep to: the content security policy, and no page kept."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.console.conftest import page_of

INLINE_STYLE = re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE)
STYLE_TAG = re.compile(r"<style\b", re.IGNORECASE)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE)
HANDLER = re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)


def every_page(register):
    rows = ("own", "customer", "provider", "run", "own_attempt", "own_call", "snapshot", "account")
    models = (
        "logins_login",
        "logins_customer",
        "logins_provider",
        "routine_run",
        "routine_attempt",
        "routine_slot",
        "routine_beat",
        "tracing_call",
        "bankdata_snapshot",
        "bankdata_bankaccount",
        "auth_user",
        "auth_group",
    )
    steps = [reverse("admin:run_step", args=[register.run.pk, step]) for step in ("pause", "retry")]
    return [
        "/",
        "/schedule/",
        "/logins/login/add/",
        reverse("admin:provider_step", args=[register.provider.pk, "pause"]),
        *steps,
        *(page_of(getattr(register, row)) for row in rows),
        *(page_of(getattr(register, row)).replace("change/", "history/") for row in ("own", "run")),
        *(reverse(f"admin:{model}_changelist") for model in models),
        "/no/such/page/",
    ]


@pytest.mark.parametrize("pattern", [INLINE_STYLE, STYLE_TAG, INLINE_SCRIPT, HANDLER])
def test_the_patterns_catch_what_they_are_for(pattern):
    bad = '<i style="x"></i><style></style><script>x</script><b onclick="x">'

    assert pattern.search(bad)
    assert not pattern.search('<script src="/static/run.js" defer></script><p class="style">')


def test_no_page_holds_an_inline_style_script_or_handler(signed_in, register):
    client = signed_in("admin")

    for address in every_page(register):
        html = client.get(address).content.decode()
        for pattern in (INLINE_STYLE, STYLE_TAG, INLINE_SCRIPT, HANDLER):
            assert not pattern.search(html), (address, pattern.pattern)


def test_every_page_carries_the_strict_policy(signed_in, register):
    client = signed_in("admin")

    for address in every_page(register):
        policy = client.get(address)["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_no_page_is_kept_by_the_browser(signed_in, register):
    client = signed_in("admin")

    beside = ["/password_change/", "/password_change/done/", "/jsi18n/", "/logins/login/?id=1"]
    for address in [*every_page(register), *beside]:
        assert "no-store" in client.get(address)["Cache-Control"], address


def test_a_missing_page_says_so_plainly(signed_in, register):
    answer = signed_in("ops").get("/no/such/page/")

    assert answer.status_code == 404
    assert "There is nothing here for you." in answer.content.decode()


def test_a_forbidden_page_says_so_plainly(signed_in, register):
    answer = signed_in("manager").get("/logins/provider/")

    assert answer.status_code == 403
    assert "not yours to see" in answer.content.decode()


def test_a_broken_page_gives_a_number_that_stands_in_the_log(
    signed_in, register, monkeypatch, caplog
):
    def break_down(*_args, **_kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("refreshops.console.morning.morning_of", break_down)
    client = signed_in("ops")
    client.raise_request_exception = False

    answer = client.get("/")

    html = answer.content.decode()
    number = re.search(r"<code>([0-9a-f]{8})</code>", html)
    assert answer.status_code == 500
    assert "no-store" in answer["Cache-Control"]
    assert number is not None
    assert number[1] in caplog.text
    assert "secret detail" not in html


@pytest.mark.parametrize(
    ("name", "address", "form", "status"),
    [
        pytest.param("manager", "/logins/provider/", None, 403, id="not-yours"),
        pytest.param("ops", "/no/such/page/", None, 404, id="not-here"),
        pytest.param("ops", "/logins/login/", {"action": "x"}, 403, id="form-without-a-token"),
    ],
)
def test_a_page_that_says_no_has_a_number_that_stands_in_the_log(
    people, register, caplog, name, address, form, status
):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people[name])
    caplog.set_level("INFO", logger="refreshops")

    answer = client.get(address) if form is None else client.post(address, form)

    html = answer.content.decode()
    number = re.search(r"<code>([0-9a-f]{8})</code>", html)
    assert answer.status_code == status
    assert "no-store" in answer["Cache-Control"]
    assert number is not None
    assert number[1] in caplog.text
    assert 'href="/help/runbook/#when-a-page-says-no"' in html
    assert not any(pattern.search(html) for pattern in (INLINE_STYLE, STYLE_TAG, INLINE_SCRIPT))


def test_an_address_writes_one_line_into_the_log(signed_in, caplog):
    caplog.set_level("INFO", logger="refreshops")

    signed_in("ops").get("/no/%0AERROR forged/")

    assert [line for line in caplog.messages if "forged" in line and "\n" in line] == []
    assert "Refusal" in caplog.text


def test_times_stand_local_with_the_exact_utc_in_the_title(signed_in, register):
    html = signed_in("ops").get(page_of(register.own_call)).content.decode()

    assert re.search(r'<time [^>]*title="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC">', html)
