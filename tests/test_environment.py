"""Settings about customers, their page and their mails: read well, or refused with one sentence."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from refreshops.environment import mail, page_url, phrase, public_url, sender


@pytest.fixture
def said(monkeypatch):
    """Set a variable of the environment, and return its name."""

    def say(value, name="SOME_SETTING"):
        monkeypatch.setenv(name, value)
        return name

    return say


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        (page_url, "", ""),
        (page_url, "http://127.0.0.1:8765/v2", "http://127.0.0.1:8765/v2/"),
        (
            page_url,
            "https://acme-iframe.private.fin.ag/v2/",
            "https://acme-iframe.private.fin.ag/v2/",
        ),
        (public_url, "", ""),
        (public_url, "https://connect.lender.example/", "https://connect.lender.example"),
        (public_url, "http://localhost:8000", "http://localhost:8000"),
        (public_url, "https://connect.lender.example:8443", "https://connect.lender.example:8443"),
    ],
)
def test_a_sound_address_is_taken(said, reader, value, read):
    assert reader(said(value)) == read


@pytest.mark.parametrize(
    ("reader", "value", "words"),
    [
        (page_url, "https://acme-iframe.private.fin.ag/", "up to and including /v2/"),
        (page_url, "http://page.example/v2/", "must begin with https://"),
        (page_url, "https://user:pw@page.example/v2/", "no credentials"),
        (page_url, "https://page.example/v2/?a=b", "query or fragment"),
        (page_url, "https://169.254.169.254/v2/", "bare IP"),
        (page_url, "https://h:99999/v2/", "senseless host or port"),
        (page_url, "javascript:alert(1)", "must be a web address"),
        (public_url, "http://connect.lender.example", "must begin with https://"),
        (public_url, "https://lender.example/connect", "no path"),
        (public_url, "https://lender.example//evil", "no path"),
        (public_url, "https://lender.example?x", "query or fragment"),
        (public_url, "https://lender.example#x", "query or fragment"),
        (public_url, "https://a@lender.example", "no credentials"),
        (public_url, "https://lender.example\\evil", "senseless host or port"),
        (public_url, "https://[bad", "senseless host or port"),
        (public_url, "lender.example", "must be a web address"),
    ],
)
def test_another_address_is_refused_with_a_sentence(said, reader, value, words):
    with pytest.raises(ImproperlyConfigured, match=words) as refused:
        reader(said(value))

    assert str(refused.value).startswith("SOME_SETTING ")
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "backend", "host", "port", "tls"),
    [
        ("", "console.EmailBackend", "", "", None),
        ("smtp://mail.example", "smtp.EmailBackend", "mail.example", 25, None),
        ("smtp+tls://u:p%40w@mail.example", "smtp.EmailBackend", "mail.example", 587, True),
        ("smtp+tls://u:pw@mail.example:2525", "smtp.EmailBackend", "mail.example", 2525, True),
    ],
)
def test_mail_goes_where_its_address_says(said, url, backend, host, port, tls):
    found = mail(said(url), "consolemail://")

    assert found["EMAIL_BACKEND"].endswith(backend)
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == (host, port)
    assert found.get("EMAIL_USE_TLS") is tls


def test_a_password_that_begins_with_a_dollar_is_no_name_of_another_setting(said):
    assert mail(said("smtp://u:$pw@mail.example"), "")["EMAIL_HOST_PASSWORD"] == "$pw"


def test_mails_in_a_folder_are_for_nobody_else(said, tmp_path):
    folder = tmp_path / "mails"

    found = mail(said(f"filemail:///{folder}"), "")

    assert found["EMAIL_FILE_PATH"] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pigeon://user:pw@loft", "must be consolemail://"),
        ("nonsense", "must be consolemail://"),
        ("smtp://user:pw@mail.example:99999", "must be consolemail://"),
        ("smtp://", "must name the host"),
        ("filemail://var/mails", "from the root"),
        ("filemail:///var/mails", "from the root"),
        ("filemail://", "from the root"),
    ],
)
def test_mail_to_nowhere_is_refused_without_its_password(said, url, words):
    with pytest.raises(ImproperlyConfigured, match=words) as refused:
        mail(said(url), "consolemail://")

    assert "pw" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("value", ["a@b.example", "Lender <connect@lender.example>"])
def test_a_sender_is_an_address(said, value):
    assert sender(said(value), "") == value


@pytest.mark.parametrize("value", ["Lender", "a@b\nBcc: x@y", "a@@b", "a b@", "@", "x" * 201])
def test_another_sender_is_refused(said, value):
    with pytest.raises(ImproperlyConfigured, match="must be"):
        sender(said(value), "")


@pytest.mark.parametrize("value", ["two\nlines", "x" * 81, "a\u202eb"])
def test_a_name_for_people_is_one_short_line(said, value):
    with pytest.raises(ImproperlyConfigured, match="one line of at most 80"):
        phrase(said(value), "", longest=80)


def test_a_name_that_is_not_set_is_its_default(said):
    assert phrase(said(""), "your lender", longest=80) == "your lender"
