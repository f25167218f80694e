"""Words of a provider that would be markup, orders of a terminal or a mirror: on every page."""

import io
import json
import re
import zipfile

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from refreshops.console.addresses import bundle_of
from refreshops.console.plain_pages import in_json, spelled_out
from refreshops.logins.models import Login, Note, Provider
from refreshops.tracing.events import Action, note
from refreshops.tracing.models import Call
from tests.console.permission_site import lines, make_site, undone

MARKUP = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
BIDI = "\u202egnp.exe\u2066\u2069"
TERMINAL = "\x1b[31m\x07\x9b2J"
LINES = "\r\nSet-Cookie: a=b\r\n\u2028"
# PostgreSQL stores no NUL.
HOSTILE = MARKUP + BIDI + TERMINAL + LINES

# Fields that hold what somebody else said, as rows of older code may still hold it.
FOREIGN = {
    "tracing.Call": ["message", "error", "provider_code", "institution", "endpoint"],
    "tracing.Event": ["reason"],
    "routine.Attempt": ["message", "provider_code", "outcome_reason", "waits_for"],
    "routine.Run": ["reason", "state_reason"],
    "logins.Login": ["institution", "provider_code", "outcome_reason", "status_reason"],
    "logins.Customer": ["name"],
    "logins.Note": ["text"],
    "bankdata.BankAccount": ["title", "kind"],
    "admin.LogEntry": ["change_message", "object_repr"],
}
# The import takes this file back, letter by letter; the other is Django's own script.
AS_THEY_ARE = ("/logins/customer/export/csv/", "/jsi18n/")
# Pages are asked for; some files are posted for, because taking one is written down.
READ_BY = {"200": "get", "405 2": "post"}
DANGEROUS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plant():
    """Put the hostile words into every row, cut to what the field holds."""
    words = HOSTILE if connection.vendor == "postgresql" else f"{HOSTILE}\0"
    for label, names in FOREIGN.items():
        model = apps.get_model(label)
        fields = {name: words[: model._meta.get_field(name).max_length] for name in names}
        # Past the guard of rows that are never edited.
        QuerySet(model).update(**fields)
    Provider.objects.update(paused_at=timezone.now(), paused_reason=words[:500])
    QuerySet(Call).update(answer={"Message": words, "Institution": [words]})


@pytest.fixture
def site(db):
    site = make_site()
    login = Login.objects.get(pk=site.own["login"])
    person = site.people["ops"]
    Note.objects.create(login=login, written_at=timezone.now(), written_by=person, text="x")
    subject = ("login", login.pk)
    note(Action.NOTE, by=person, at=timezone.now(), subject=subject, run_id=site.own["run"])
    plant()
    return site


def shown(answer):
    """Return what a reader gets to see: the files of a zip, the texts of a live part, or it all."""
    content = b"".join(answer) if answer.streaming else answer.content
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "".join(archive.read(name).decode() for name in archive.namelist())
    if answer["Content-Type"].startswith("application/json") and not answer.streaming:
        return "".join(texts_of(json.loads(content)))
    return content.decode()


def texts_of(value):
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts_of(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts_of(inner)]
    return [value] if isinstance(value, str) else []


def faults(answer, text):
    """Return what is wrong with what a reader gets to see."""
    found = {repr(mark) for mark in DANGEROUS.findall(text)}
    # The widget that completes a name escapes what it shows; a download is no page.
    drawn = not answer.streaming and "/autocomplete/" not in answer.request["PATH_INFO"]
    if drawn and ("<img src=x" in text or "<script>alert" in text):
        found.add("markup")
    return sorted(found)


def test_no_page_and_no_file_shows_them_as_anything_but_words(site):
    bad, meant = {}, 0

    for line in lines("Addresses"):
        for column, name in (("superuser", "admin"), ("manager, own", "manager")):
            method = READ_BY.get(line.cells[column][:5], READ_BY.get(line.cells[column][:3]))
            if method and line.name not in AS_THEY_ARE:
                address = site.address(line, column)
                with undone():
                    answer = getattr(site.client(name), method)(address)
                    text = shown(answer)
                meant += "onerror=alert(1)" in text
                if found := faults(answer, text):
                    bad[f"{name} {line.name}"] = found

    assert bad == {}
    assert meant > 50


def test_a_bundle_holds_them_as_words(site):
    for kind in ("call", "login", "attempt", "run"):
        answer = site.client("ops").post(bundle_of(kind, site.own[kind]))

        text = shown(answer)
        assert answer["Content-Type"] == "application/zip"
        assert not DANGEROUS.search(text)
        assert "onerror=alert(1)" in text


@pytest.mark.parametrize(
    ("raw", "spelled"),
    [
        pytest.param("a\u202eb", "a[U+202E]b", id="mirrors"),
        pytest.param("\x1b[31m\x00\x9b", "[U+001B][31m[U+0000][U+009B]", id="controls"),
        pytest.param("\b\f\x7f", "[U+0008][U+000C][U+007F]", id="controls-with-a-letter"),
        pytest.param("é – ✓ 👩\u200d🚀 \u200f\t\n", "é – ✓ 👩\u200d🚀 \u200f\t\n", id="words-stay"),
        pytest.param(
            "C:\\u202e \\x1b \\\\u2066", "C:\\u202e \\x1b \\\\u2066", id="backslashes-stay"
        ),
        pytest.param("‮"[:0] + "‐‒ ⁥⁪", "‐‒ ⁥⁪", id="neighbours-stay"),
    ],
)
def test_what_is_unseen_is_spelled_out(raw, spelled):
    document = {"parts": {"a": raw}}

    assert spelled_out(raw.encode()).decode() == spelled
    assert json.loads(in_json(json.dumps(document).encode())) == {"parts": {"a": spelled}}
