"""The address of Flinks Connect: where it lies, and what opens it for one customer."""

from urllib.parse import parse_qs, urlsplit

import pytest

from refreshops.providers.contract import Handover, NotOffered
from refreshops.providers.flinks import Flinks
from refreshops.providers.flinks.connect_page import base_of
from refreshops.rules.lifecycle import Purpose
from tests.providers.flinks.spoken import POLICY, REQUEST_ID, TOKEN

BACK = "https://connect.lender.example/connect/back/"
BASE = "https://acme-iframe.private.fin.ag/v2/"


def flinks(**changes):
    terms = {"api_url": "https://acme-api.private.fin.ag/v3/", "customer_id": "abc"} | changes
    return Flinks(**terms)


def opened(**changes):
    terms = {"handover": None, "redirect_url": BACK, "tag": "link-17", "first": True} | changes
    return flinks().connect_url(**terms)


def asked_in(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize(
    ("connect_url", "api_url", "base"),
    [
        ("", "http://127.0.0.1:8765/v3/", "http://127.0.0.1:8765/v2/"),
        ("", "http://[::1]:8765/v3/", "http://[::1]:8765/v2/"),
        ("", "https://acme-api.private.fin.ag/v3/", BASE),
        (
            "",
            "https://toolbox-api.private.fin.ag/v3/",
            "https://toolbox-iframe.private.fin.ag/v2/",
        ),
        ("", "https://gateway.lender.example/v3/", ""),
        ("", "https://acme-api.private.fin.ag.example/v3/", ""),
        ("", "https://acme-api.private.fin.ag:8443/v3/", ""),
        (
            "https://page.example/v2/",
            "https://acme-api.private.fin.ag/v3/",
            "https://page.example/v2/",
        ),
    ],
)
def test_the_page_lies_where_the_setting_says_or_beside_the_api(connect_url, api_url, base):
    assert base_of(connect_url, api_url=api_url) == base


@pytest.mark.parametrize(
    "connect_url",
    ["http://page.example/v2/", "https://u:p@page.example/v2/", "javascript:alert(1)", "page"],
)
def test_a_page_that_cannot_be_trusted_is_refused(connect_url):
    with pytest.raises(ValueError, match="address"):
        flinks(connect_url=connect_url)


def test_a_first_connection_is_plain_onboarding_with_the_nightly_refresh_on():
    url = opened(handover=Handover(token=TOKEN))

    assert url.startswith(f"{BASE}?")
    assert asked_in(url) == {
        "scheduleRefresh": "true",
        "authorizeToken": TOKEN,
        "redirectUrl": BACK,
        "tag": "link-17",
        "language": "en",
    }


def test_a_challenge_opens_its_session_and_nothing_else():
    handover = Handover(REQUEST_ID, TOKEN)

    url = opened(handover=handover, institution="Maple Bank", language="fr")

    assert url.startswith(f"{BASE}?")
    assert asked_in(url) == {
        "requestId": REQUEST_ID,
        "authorizeToken": TOKEN,
        "redirectUrl": BACK,
        "tag": "link-17",
        "language": "fr",
    }


@pytest.mark.parametrize("handover", [None, Handover()])
def test_without_a_token_none_is_sent(handover):
    assert asked_in(opened(handover=handover, first=False)) == {
        "redirectUrl": BACK,
        "tag": "link-17",
        "language": "en",
    }


@pytest.mark.parametrize(
    ("institution", "path"),
    [
        ("FlinksCapital", "/v2/Credential/FlinksCapital/"),
        ("Maple Bank & Co.", "/v2/Credential/Maple%20Bank%20%26%20Co./"),
        ("Épargne", "/v2/Credential/%C3%89pargne/"),
        ("14", "/v2/Credential/14/"),
        ("", "/v2/"),
        (".", "/v2/"),
        ("..", "/v2/"),
        ("../../v3/x", "/v2/"),
        ("a/b", "/v2/"),
        ("a\\b", "/v2/"),
        ("%2e%2e", "/v2/"),
        ("a?b=c#d", "/v2/"),
        ("a\nb", "/v2/"),
        ("Maple\n", "/v2/"),
        ("x" * 101, "/v2/"),
    ],
)
def test_a_bank_is_preselected_only_by_a_name_that_a_bank_could_have(institution, path):
    assert urlsplit(opened(institution=institution)).path == path


@pytest.mark.parametrize("language", ["", "de", "FR", "en&requestId=x"])
def test_another_language_becomes_english(language):
    assert asked_in(opened(language=language))["language"] == "en"


def test_what_stands_in_the_way_back_stays_in_it():
    back = f"{BACK}?a=1&requestId=stolen"

    asked = asked_in(opened(redirect_url=back))

    assert asked["redirectUrl"] == back
    assert "requestId" not in asked


@pytest.mark.parametrize(
    "back",
    [
        "http://lender.example/back/",
        "javascript:alert(1)",
        "//lender.example/back/",
        "https://user@lender.example/back/",
        "https://lender.example\\@evil.example/",
        "https://lender.example/back/#x",
        "https://lender.example/a b",
        "https://lender.example:99999/",
        "https://[bad/",
        "",
    ],
)
def test_a_way_back_that_is_not_safe_is_refused(back):
    with pytest.raises(ValueError, match="The address to come back to"):
        opened(redirect_url=back)


@pytest.mark.parametrize("back", ["http://127.0.0.1:8000/connect/back/", "http://localhost:8000/"])
def test_this_machine_may_do_without_https(back):
    assert asked_in(opened(redirect_url=back))["redirectUrl"] == back


@pytest.mark.parametrize("tag", ["", "a b", "jane@example.com", "a&b", "x" * 121, "a\n"])
def test_a_tag_that_we_would_not_know_again_is_refused(tag):
    with pytest.raises(ValueError, match="tag"):
        opened(tag=tag)


@pytest.mark.parametrize(
    ("terms", "offered"),
    [
        pytest.param({}, {Purpose.RECONNECT, Purpose.CONNECT}, id="no-tokens-wanted"),
        pytest.param(
            {"secret_key": "canary-secret"},
            {Purpose.RECONNECT, Purpose.CONNECT, Purpose.INVITE},
            id="tokens",
        ),
        pytest.param(
            {"secret_key": "canary-secret", "api_url": "https://gateway.example/v3/"},
            set(),
            id="no-page-known",
        ),
    ],
)
def test_customers_are_offered_what_the_settings_allow(terms, offered):
    provider = flinks(**terms)

    found = set()
    for purpose in (Purpose.RECONNECT, Purpose.CONNECT, Purpose.INVITE):
        try:
            provider.conversation(purpose, POLICY)
        except NotOffered:
            continue
        found.add(purpose)

    assert found == offered


def test_without_a_page_there_is_no_address():
    nowhere = flinks(api_url="https://gateway.example/v3/")

    with pytest.raises(NotOffered):
        nowhere.connect_url(handover=None, redirect_url=BACK, tag="link-17", first=True)
