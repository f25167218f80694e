"""Importing and exporting customers in the browser: preview, confirmation, and the way back."""

import csv
import io
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from refreshops import wiring
from refreshops.console import import_pages
from refreshops.console.upload_limit import TOO_LARGE
from refreshops.logins import customer_import, uploads
from refreshops.logins.models import Customer, Upload
from refreshops.routine import tasks
from tests.builders import NOON, make_customer
from tests.logins.workbooks import workbook

pytestmark = pytest.mark.django_db

IMPORT = reverse("admin:logins_customer_import")
PROCESS = reverse("admin:logins_customer_process_import")
LIST = reverse("admin:logins_customer_changelist")
HEADER = "reference,name,account_manager,last_activity_at"
EXPORTED = f"{HEADER},email,language"


def send(client: Client, content: str | bytes, name: str = "customers.csv") -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return client.post(IMPORT, {"import_file": SimpleUploadedFile(name, raw)})


def confirm(client: Client, **fields: str) -> Any:
    key = str(Upload.objects.latest("uploaded_at").key)
    return client.post(PROCESS, {"key": key, **fields}, follow=True)


def lines(*rows: str) -> str:
    return "\r\n".join([HEADER, *rows]) + "\r\n"


def export(client: Client, kind: str, query: str = "") -> bytes:
    answer = client.get(reverse("admin:logins_customer_export", args=[kind]) + query)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def everything() -> list[tuple]:
    return list(Customer.objects.order_by("reference").values_list())


@pytest.fixture
def ops(signed_in) -> Client:
    return signed_in("ops")


class TestAFile:
    def test_is_previewed_then_imported(self, ops):
        make_customer("C-1", name="Old")

        preview = send(ops, lines("C-1,New,,", "C-2,Birch,manager,2026-11-01")).content.decode()

        assert "This is what <b>customers.csv</b> would do" in preview
        assert "<td>Old</td><td>New</td>" in preview
        assert "Import 2 customers" in preview
        assert Customer.objects.get().name == "Old"

        done = confirm(ops)

        assert "Customers imported: 1 new, 1 changed, 0 as they were." in done.content.decode()
        assert Customer.objects.get(reference="C-2").account_manager.username == "manager"
        assert not Upload.objects.exists()

    def test_may_be_a_workbook(self, ops):
        send(ops, workbook(("reference", "name"), ("C-1", "Zoë")), name="customers.xlsx")
        confirm(ops)

        assert Customer.objects.get().name == "Zoë"

    def test_that_is_only_called_a_workbook_is_refused_as_such(self, ops):
        answer = send(ops, "not a zip", name="customers.XLSX")

        assert answer.status_code == 400
        assert "the file is no workbook" in answer.content.decode()
        assert "Unknown column" not in answer.content.decode()
        assert not Upload.objects.exists()

    def test_that_says_nothing_new_asks_for_nothing(self, ops):
        make_customer("C-1", name="Maple")

        page = send(ops, lines("C-1,Maple,,")).content.decode()

        assert "nothing changes, and nothing was written" in page
        assert PROCESS not in page
        assert not Upload.objects.exists()

    def test_with_bad_rows_is_reported_and_cannot_be_confirmed(self, ops):
        page = send(ops, lines("C-1,Maple,,", "C-2", "C-3,<b>x</b>,,soon")).content.decode()

        assert "holds bad rows" in page
        assert '<th scope="row" class="sum">3</th><td>1 cells where' in page
        assert PROCESS not in page

        confirm(ops)

        assert not Customer.objects.exists()

    def test_gives_its_bad_rows_as_csv(self, ops):
        page = send(ops, lines(*["C-1"] * 150)).content.decode()
        address = re.search(r'href="([^"]+/faults/)"', page)[1]

        table = b"".join(ops.get(address).streaming_content).decode("utf-8-sig").splitlines()

        assert table[0] == "line,what is wrong"
        assert len(table) == 151
        assert "and 50 more" in page

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            pytest.param(b"", "The file is empty.", id="empty"),
            pytest.param(b"name\r\nx", "reference is missing", id="wrong-header"),
            pytest.param("reference\r\nC-1".encode("utf-16"), "UTF-16", id="UTF-16"),
            pytest.param(b"PK\x03\x04nothing", "damaged", id="no-workbook"),
        ],
    )
    def test_that_is_none_is_refused_in_a_sentence(self, ops, content, why):
        answer = send(ops, content)

        assert answer.status_code == 400
        assert why in answer.content.decode()
        assert not Upload.objects.exists()

    def test_that_was_not_chosen_is_asked_for(self, ops):
        answer = ops.post(IMPORT, {})

        assert answer.status_code == 400
        assert "Choose a file." in answer.content.decode()

    def test_over_the_cap_is_refused_on_the_page(self, ops, monkeypatch):
        monkeypatch.setattr(uploads, "SIZE_CAP", 100)

        answer = send(ops, lines("C-1,Maple,,") * 10)

        assert answer.status_code == 400
        assert TOO_LARGE in answer.content.decode()

    def test_far_over_the_cap_is_refused_before_it_is_read(self, ops):
        class Endless(io.RawIOBase):
            taken = 0

            def read(self, size: int = -1) -> bytes:
                Endless.taken += 1
                return b"x" * 1024

        answer = ops.generic(
            "POST",
            IMPORT,
            b"not read",
            content_type="multipart/form-data; boundary=b",
            CONTENT_LENGTH=str(10**9),
            **{"wsgi.input": Endless()},
        )

        assert answer.status_code == 413
        assert TOO_LARGE in answer.content.decode()
        assert Endless.taken == 0

    def test_is_kept_sealed(self, ops):
        send(ops, lines("C-1,Maple Foods of Chance,,"))

        upload = Upload.objects.get()

        assert b"Maple" not in bytes(upload.sealed)
        assert uploads.content_of(upload, open_sealed=wiring.vault().open) == (
            lines("C-1,Maple Foods of Chance,,").encode()
        )

    def test_of_many_pieces_comes_back_as_it_was(self, ops, people, monkeypatch):
        monkeypatch.setattr(uploads, "PIECE", 7)
        content = bytes(range(256)) * 3

        upload = uploads.keep(
            content, name="x", by=people["ops"], now=timezone.now(), seal=wiring.vault().seal
        )

        assert uploads.content_of(upload, open_sealed=wiring.vault().open) == content


class TestAConfirmation:
    def test_sent_twice_imports_once(self, ops):
        send(ops, lines("C-1,Maple,,"))
        key = str(Upload.objects.get().key)

        ops.post(PROCESS, {"key": key})
        again = ops.post(PROCESS, {"key": key}, follow=True)

        assert "not here any more" in again.content.decode()
        assert LogEntry.objects.filter(object_repr="Import of customers.csv").count() == 1

    def test_comes_too_late_after_an_hour(self, ops):
        send(ops, lines("C-1,Maple,,"))
        Upload.objects.update(uploaded_at=timezone.now() - timedelta(minutes=61))

        assert "not here any more" in confirm(ops).content.decode()
        assert not Customer.objects.exists()

    def test_is_the_uploaders_alone(self, ops, signed_in):
        send(ops, lines("C-1,Maple,,"))
        key = Upload.objects.get().key
        other = signed_in("admin")

        answer = other.post(PROCESS, {"key": str(key)}, follow=True)
        faults = other.get(reverse("admin:logins_customer_import_faults", args=[key]))

        assert "not here any more" in answer.content.decode()
        assert faults.status_code == 404
        assert not Customer.objects.exists()

    def test_may_drop_the_file(self, ops):
        send(ops, lines("C-1,Maple,,"))

        said = confirm(ops, drop="1").content.decode()

        assert "Nothing was written." in said
        assert not Upload.objects.exists()
        assert not Customer.objects.exists()

    def test_checks_again(self, signed_in, people):
        customer = make_customer("C-1", name="Old", account_manager=people["manager"])
        client = signed_in("manager")
        send(client, lines("C-1,New,,"))
        customer.account_manager = people["other"]
        customer.save()

        said = confirm(client).content.decode()

        assert "Meanwhile 1 of its rows became bad" in said
        assert Customer.objects.get().name == "Old"

    def test_under_a_senseless_key_is_no_page(self, ops):
        assert ops.post(PROCESS, {"key": "../../etc/passwd"}).status_code == 404

    def test_is_written_into_the_journal(self, ops, people):
        make_customer("C-1", name="Old")
        make_customer("C-2", name="Same")
        send(ops, lines("C-1,New,manager,", "C-2,,,2026-11-01", "C-3,Birch,,"))
        confirm(ops)

        entries = LogEntry.objects.filter(user=people["ops"]).order_by("pk")

        assert [(entry.object_repr, entry.change_message) for entry in entries] == [
            ("C-1 New", "Imported: name, account manager."),
            ("Import of customers.csv", "1 new, 2 changed, 0 as they were."),
        ]

    def test_another_address_is_written_into_the_journal_and_a_first_one_is_not(self, ops, people):
        make_customer("C-1", email="old@customers.example")
        make_customer("C-2")
        send(ops, "reference,email\nC-1,new@customers.example\nC-2,first@customers.example\n")
        confirm(ops)

        entries = LogEntry.objects.filter(user=people["ops"]).exclude(object_id=None)

        assert [entry.change_message for entry in entries] == ["Imported: e-mail address."]


class TestAnAccountManager:
    def test_imports_for_their_own(self, signed_in, register):
        client = signed_in("manager")
        preview = send(client, lines("OWN-1,Maple Foods Ltd,,2026-11-01")).content.decode()
        assert "It changes your own customers alone" in preview
        confirm(client)

        assert Customer.objects.get(reference="OWN-1").name == "Maple Foods Ltd"

    def test_cannot_learn_of_a_foreign_customer(self, signed_in, register):
        client = signed_in("manager")

        foreign = send(client, lines("FOR-1,Birch Steel,,")).content.decode()
        absent = send(client, lines("FOR-2,Birch Steel,,")).content.decode()

        assert "is not one of your customers" in foreign
        assert _plain(foreign.replace("FOR-1", "X")) == _plain(absent.replace("FOR-2", "X"))

    def test_exports_their_own_alone(self, signed_in, register):
        table = export(signed_in("manager"), "csv").decode()

        assert "OWN-1" in table
        assert "FOR-1" not in table
        assert "Birch" not in table

    def test_finds_nothing_foreign_by_filter_or_search(self, signed_in, register, people):
        client = signed_in("manager")

        table = export(client, "csv", "?q=FOR").decode("utf-8-sig")

        assert table.splitlines() == [EXPORTED]


def _plain(page: str) -> str:
    """Return a page without what differs from one answer to the next."""
    page = re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]+', r"\1", page)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "KEY", page)


@pytest.mark.parametrize(
    ("person", "status"),
    [("nobody", 403), ("auditor", 403), ("viewer", 403), ("manager", 200), ("ops", 200)],
)
def test_who_may_import(signed_in, person, status):
    client = signed_in(person)

    assert client.get(IMPORT).status_code == status
    assert (b"Import\xe2\x80\xa6" in client.get(LIST).content) == (status == 200)


@pytest.mark.parametrize("person", ["nobody", "auditor"])
def test_who_may_not_import_may_not_post_either(signed_in, person):
    client = signed_in(person)

    assert send(client, lines("C-1,Maple,,")).status_code == 403
    assert client.post(PROCESS, {"key": "x"}).status_code == 403
    assert not Upload.objects.exists()


def test_a_stranger_is_sent_to_the_door(client):
    for address in (IMPORT, PROCESS, reverse("admin:logins_customer_export", args=["csv"])):
        assert urlsplit(client.get(address)["Location"]).path == reverse("admin:login")


@pytest.mark.parametrize("address", [IMPORT, PROCESS])
def test_a_post_without_its_token_is_refused(people, address):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["ops"])

    assert client.post(address, {"key": "x"}).status_code == 403


def test_no_get_changes_anything(ops):
    send(ops, lines("C-1,Maple,,"))
    key = Upload.objects.get().key
    faults = reverse("admin:logins_customer_import_faults", args=[key])

    answers = [ops.get(IMPORT), ops.get(PROCESS, {"key": str(key)}), ops.get(faults)]

    assert [answer.status_code for answer in answers] == [200, 405, 200]
    assert Upload.objects.count() == 1
    assert not Customer.objects.exists()


def test_old_files_go_when_the_next_one_comes(ops, people, signed_in):
    send(ops, lines("C-1,Maple,,"))
    Upload.objects.update(uploaded_at=timezone.now() - timedelta(hours=2))

    send(signed_in("admin"), lines("C-1,Maple,,"))

    assert [upload.uploaded_by for upload in Upload.objects.all()] == [people["admin"]]


def test_a_person_has_one_file_at_a_time(ops):
    send(ops, lines("C-1,Maple,,"))
    send(ops, lines("C-2,Birch,,"))

    assert Upload.objects.count() == 1


NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "'=1",
    "''=1",
    "'quoted'",
    "\t=1",
    "\r=1",
    'a "quoted", name',
    "two\nlines",
    "  spaces  inside  ",
    "=cmd|' /C calc'!A0",
    "Zoe\u0308",
    "right\u202eleft",
    "zero\u200bwidth",
    "<script>alert(1)</script>",
    "；；；",
    "0012",
    "1e5",
    "2026-11-20",
    "TRUE",
    "#N/A",
    "",
]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_was_exported_imports_as_no_change(ops, people, kind):
    gone = people["other"]
    gone.is_active = False
    gone.save()
    for number, name in enumerate(NASTY):
        make_customer(
            f"C-{number}",
            name=name,
            account_manager=gone if number % 2 else None,
            last_activity_at=NOON - timedelta(microseconds=number) if number % 3 else None,
        )
    for reference in ("=REF", "007", "1e3", "a,b", "x  y", "x y"):
        make_customer(reference)
    before = everything()

    page = send(ops, export(ops, kind), name=f"customers.{kind}").content.decode()

    assert "nothing changes, and nothing was written" in page, re.findall(r"<td>.*", page)
    assert everything() == before


def test_no_cell_of_an_export_runs(ops):
    for number, name in enumerate(NASTY):
        make_customer(f"C-{number}", name=name)

    table = export(ops, "csv").decode("utf-8-sig")
    sheet = load_workbook(io.BytesIO(export(ops, "xlsx"))).active

    rows = csv.reader(io.StringIO(table, newline=""))
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r")]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert not [cell.value for cell in cells if str(cell.value)[:1] in "=+-@"]


def test_an_export_is_narrowed_like_the_list(ops, people):
    reached = {"email": "a@customers.example", "language": "fr"}
    make_customer("A-1", account_manager=people["manager"], **reached)
    make_customer("B-1")

    table = export(ops, "csv", "?q=A-").decode("utf-8-sig").splitlines()

    assert table == [EXPORTED, "A-1,,manager,,a@customers.example,fr"]
    assert (
        ops.get(
            reverse("admin:logins_customer_export", args=["csv"]), {"nonsense": "1"}
        ).status_code
        == 400
    )


def test_an_export_leaves_out_whom_we_are_to_forget(ops):
    make_customer("C-1", erasure_asked_at=NOON, erasure_reason="asked")

    assert export(ops, "csv").decode("utf-8-sig").splitlines() == [EXPORTED]


def test_an_export_comes_in_two_kinds(ops):
    assert ops.get(reverse("admin:logins_customer_export", args=["pdf"])).status_code == 404
    assert ops.post(reverse("admin:logins_customer_export", args=["csv"])).status_code == 405


def test_the_page_shows_the_first_changes_and_counts_the_rest(ops, monkeypatch):
    monkeypatch.setattr(customer_import, "SAMPLE", 2)

    page = send(ops, lines(*(f"C-{number},Name,," for number in range(5)))).content.decode()

    assert "and 3 more customers" in page


def test_the_limit_of_the_faults_file_is_said(ops, monkeypatch):
    monkeypatch.setattr(import_pages, "FAULTS_IN_CSV", 10)
    send(ops, lines(*["C-1"] * 30))
    address = reverse("admin:logins_customer_import_faults", args=[Upload.objects.get().key])

    table = b"".join(ops.get(address).streaming_content).decode().splitlines()

    assert len(table) == 12
    assert table[-1] == ",and 20 more"


def test_the_nightly_tidying_takes_files_nobody_confirmed(ops):
    send(ops, lines("C-1,Maple,,"))
    Upload.objects.update(uploaded_at=timezone.now() - timedelta(hours=2))

    tasks.prune()

    assert not Upload.objects.exists()
