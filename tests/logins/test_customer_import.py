"""A customer file against the register: all or nothing, and re-importable without harm."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, User

from refreshops.logins import customer_import, register_file
from refreshops.logins.customer_import import Report
from refreshops.logins.customer_resource import Scope
from refreshops.logins.models import Customer
from refreshops.logins.register_file import Unreadable
from tests.builders import NOON, make_customer
from tests.logins.workbooks import workbook

pytestmark = pytest.mark.django_db

TORONTO = ZoneInfo("America/Toronto")
MANAGERS = "Account managers"
HEADER = "reference,name,account_manager,last_activity_at"


def scope(own: User | None = None) -> Scope:
    rows = Customer.objects.all()
    mine = rows if own is None else rows.filter(account_manager=own)
    return Scope(customers=mine, managers_group=MANAGERS, own=own)


def check(content: str | bytes, own: User | None = None) -> Report:
    raw = content.encode() if isinstance(content, str) else content
    return customer_import.check(raw, scope=scope(own), now=NOON, zone=TORONTO)


def write(content: str | bytes, own: User | None = None) -> Report:
    raw = content.encode() if isinstance(content, str) else content
    return customer_import.write(raw, scope=scope(own), now=NOON, zone=TORONTO)


def lines(*rows: str, header: str = HEADER) -> str:
    return "\r\n".join([header, *rows]) + "\r\n"


def faults(report: Report) -> list[str]:
    return [str(fault) for fault in report.faults.first()]


def everything() -> list[tuple]:
    return list(Customer.objects.order_by("reference").values_list())


@pytest.fixture
def manager(db) -> User:
    user = User.objects.create_user("manager")
    user.groups.add(Group.objects.get_or_create(name=MANAGERS)[0])
    return user


def test_a_first_import_makes_customers(manager):
    report = write(lines("C-1,Maple  Foods,manager,2026-11-20T09:00", "C-2,,,", 'C-3,"Bo, Ng",,'))

    assert (report.rows, report.new, report.changed, report.unchanged) == (3, 3, 0, 0)
    first = Customer.objects.get(reference="C-1")
    assert (first.name, first.account_manager) == ("Maple Foods", manager)
    assert first.last_activity_at == datetime(2026, 11, 20, 14, tzinfo=UTC)
    assert Customer.objects.get(reference="C-3").name == "Bo, Ng"


def test_a_second_import_changes_nothing(manager):
    content = lines("C-1,Maple Foods,manager,2026-11-20T09:00", "C-2,Birch,,2026-11-19")
    write(content)
    before = everything()

    assert check(content).unchanged == 2
    assert write(content).changes == 0
    assert everything() == before


def test_an_empty_cell_leaves_what_is_there(manager):
    make_customer("C-1", name="Maple", account_manager=manager, last_activity_at=NOON)

    report = write(lines("C-1,,,"))

    assert report.unchanged == 1
    assert Customer.objects.get().account_manager == manager


def test_an_address_and_a_language_are_set_and_an_empty_cell_leaves_them(manager):
    header = "reference,email,language"
    write(lines("C-1,jo@customers.example,FR", "C-2,,", header=header))

    report = write(lines("C-1,,", "C-2,bo@customers.example,", header=header))

    assert (report.changed, report.unchanged, report.columns) == (1, 1, {"email": 1})
    rows = Customer.objects.order_by("reference").values_list("email", "language")
    assert list(rows) == [("jo@customers.example", "fr"), ("bo@customers.example", "en")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("C-1,nobody,", "email 'nobody' is no e-mail address"),
        ("C-1,a@b.example,c@d.example,", "cells where the header has 3 columns"),
        ("C-1,two@one.example x@one.example,", "is no e-mail address"),
        ("C-1,,de", "language 'de' is none of ours: write en or fr"),
        (f"C-1,{'x' * 250}@a.example,", "email has 260 characters, more than 254"),
    ],
)
def test_an_address_or_language_that_is_none_refuses_the_file(row, said, db):
    report = write(lines(row, header="reference,email,language"))

    assert said in faults(report)[0]
    assert not Customer.objects.exists()


def test_a_bare_date_leaves_a_moment_of_that_day():
    make_customer("C-1", last_activity_at=NOON)

    assert check(lines("C-1,,,2026-11-20")).unchanged == 1
    assert check(lines("C-1,,,2026-11-21")).changed == 1


def test_a_rehearsal_writes_nothing():
    make_customer("C-1", name="Old")
    before = everything()

    report = check(lines("C-1,New,,", "C-2,Birch,,"))

    assert (report.new, report.changed) == (1, 1)
    assert report.columns == {"name": 1}
    assert [row.columns for row in report.sample] == [
        [("name", "Old", "New")],
        [("name", "", "Birch")],
    ]
    assert everything() == before


def test_with_one_bad_row_nothing_is_written(monkeypatch):
    monkeypatch.setattr(customer_import, "CHUNK", 2)
    make_customer("C-1", name="Old")
    before = everything()

    report = write(lines("C-1,New,,", "C-2,Birch,,", "C-3,Elm,,", "C-4,Oak,nobody,", "C-5,Ash,,"))

    assert faults(report) == [
        "line 5: account_manager 'nobody' is no user: such a person does not exist here"
    ]
    assert everything() == before


def test_all_faults_come_with_their_lines(monkeypatch):
    monkeypatch.setattr(customer_import, "CHUNK", 3)
    make_customer("C-9", erasure_asked_at=NOON, erasure_reason="asked")

    report = check(
        lines(
            "C-1,Maple,,",
            "C-2",
            '"C-3","two\nlines",,',
            "C-1,again,,",
            ",,,",
            "C-4,a,b,c,d",
            "C-5,a\u202eb,,yesterday",
            "C-9,Name,,",
            "C-6,,,",
        )
    )

    assert faults(report) == [
        "line 3: 1 cells where the header has 4 columns",
        "line 6: reference 'C-1' stands on line 2 already",
        "line 8: 5 cells where the header has 4 columns",
        "line 9: last_activity_at 'yesterday' is no date: write it as 2026-11-20 or "
        "2026-11-20T14:30; name holds the invisible character U+202E",
        "line 10: reference 'C-9' was erased on request: nothing is written about this customer "
        "any more",
    ]


def test_the_first_hundred_faults_are_kept_and_all_are_counted():
    report = check(lines(*(f"C-{number}" for number in range(2500))))

    assert report.faults.count == 2500
    assert len(report.faults.first()) == 100
    assert report.rows == 2500


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b" \r\n\r\n", "empty", id="blank-lines"),
        pytest.param(HEADER.encode(), "no rows", id="header-alone"),
        pytest.param(lines("C-1,,,").encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(b"reference,\0name\r\nC-1,a", "NUL", id="NUL-in-the-header"),
        pytest.param(b"reference,nme\r\nC-1,a", "Unknown column 'nme'", id="wrong-header"),
        pytest.param(b"name\r\na", "reference is missing", id="no-reference"),
        pytest.param(b"reference\r\n" + b"x" * 70_000, "longer than", id="endless-line"),
        pytest.param(b",".join([b"a"] * 1_000_000), "longer than", id="a-million-columns"),
        pytest.param(b"PK\x03\x04junk", "damaged", id="zip"),
        pytest.param(workbook(("reference",), ("C-1",))[:2000], "damaged", id="half-a-workbook"),
    ],
)
def test_a_bad_file_is_refused_as_a_whole(content, why):
    with pytest.raises(Unreadable, match=why):
        write(content)

    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        pytest.param('"C-1,a', "a quotation mark is not closed", id="open-quote"),
        pytest.param('"C-1"x,a', "text follows a closing quotation mark", id="text-after-quote"),
        pytest.param("C-1\0,a", "invisible character U+0000", id="NUL"),
    ],
)
def test_a_bad_row_is_named(row, fault):
    report = write(lines("C-0,a", row, header="reference,name"))

    assert report.faults.count == 1
    assert fault in faults(report)[0]
    assert faults(report)[0].startswith("line 3: ")
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\xef\xbb\xbfreference,name\r\nC-1,Zo\xc3\xab", id="with-byte-order-mark"),
        pytest.param(b"reference,name\rC-1,Zo\xc3\xab\r", id="old-line-ends"),
        pytest.param(b"\xef\xbb\xbfreference;name\r\nC-1;Zo\xc3\xab", id="semicolons"),
        pytest.param(b'\r\n"reference";name\r\nC-1;Zo\xc3\xab', id="semicolons-and-quotes"),
        pytest.param(workbook(("Reference ", "NAME"), ("C-1", "Zoë")), id="workbook"),
    ],
)
def test_the_same_rows_are_read_from_other_files(raw):
    write(raw)

    assert Customer.objects.get(reference="C-1").name == "Zoë"


def test_between_semicolons_a_comma_is_a_part_of_the_cell():
    write('reference;name\r\nC-1;Bo, Ng\r\nC-2;"a;b"\r\n')

    assert list(Customer.objects.order_by("reference").values_list("name", flat=True)) == [
        "Bo, Ng",
        "a;b",
    ]


def test_between_commas_a_semicolon_is_a_part_of_the_cell():
    write(lines("C-1,Bo; Ng,,"))

    assert Customer.objects.get().name == "Bo; Ng"


@pytest.mark.parametrize(
    ("header", "why"),
    [
        pytest.param("reference;name,account_manager", "Unknown column", id="both"),
        pytest.param("reference\tname", "not separated by commas", id="tabs"),
    ],
)
def test_a_header_between_anything_else_is_refused(header, why):
    with pytest.raises(Unreadable, match=why):
        check(lines("C-1", header=header))


def test_more_bytes_than_the_cap_are_refused(monkeypatch):
    monkeypatch.setattr(register_file, "SIZE_CAP", 10)

    with pytest.raises(Unreadable, match="more than"):
        check(lines("C-1,,,"))


def test_a_reference_as_it_was_written_goes_first():
    make_customer("C  1", name="odd")
    make_customer("C 1", name="even")

    report = write(lines("C  1,changed,,", "C 1,even,,"))

    assert (report.new, report.changed, report.unchanged) == (0, 1, 1)
    assert Customer.objects.get(reference="C  1").name == "changed"


def test_somebody_outside_the_group_and_earlier_activity_are_noted(manager):
    User.objects.create_user("clerk")
    make_customer("C-1", last_activity_at=NOON)

    report = check(lines("C-1,,clerk,2026-11-01", "C-2,,clerk,", "C-3,,manager,"))

    assert not report.faults.count
    assert report.elsewhere == {"clerk": 2}
    assert report.moved_back == 1


def test_a_disabled_manager_may_stay_but_not_come():
    gone = User.objects.create_user("gone", is_active=False)
    make_customer("C-1", account_manager=gone)
    make_customer("C-2")

    report = check(lines("C-1,,gone,", "C-2,,gone,"))

    assert report.unchanged == 1
    assert faults(report) == ["line 3: account_manager 'gone' may not sign in any more"]


class TestAccountManager:
    def test_updates_their_own(self, manager):
        make_customer("C-1", name="Old", account_manager=manager)

        report = write(lines("C-1,New,manager,2026-11-20"), own=manager)

        assert report.changed == 1
        assert Customer.objects.get().name == "New"

    def test_hears_the_same_of_a_foreign_customer_and_of_none(self, manager):
        other = User.objects.create_user("other")
        make_customer("FOR-1", name="Birch", account_manager=other, last_activity_at=NOON)
        make_customer("FOR-2", erasure_asked_at=NOON, erasure_reason="asked")
        before = everything()

        report = write(lines("FOR-1,x,,", "FOR-2,x,,", "FOR-3,x,,", "FOR-1,x,,"), own=manager)

        assert [fault.split(": ", 1)[1] for fault in faults(report)] == [
            f"reference 'FOR-{number}' is not one of your customers" for number in (1, 2, 3, 1)
        ]
        assert everything() == before

    def test_names_no_other_manager_existing_or_not(self, manager):
        User.objects.create_user("other")
        make_customer("C-1", account_manager=manager)
        make_customer("C-2", account_manager=manager)

        report = check(lines("C-1,,other,", "C-2,,nobody,"), own=manager)

        assert [fault.split(": ", 1)[1] for fault in faults(report)] == [
            "account_manager may be nobody but yourself"
        ] * 2


def test_a_customer_that_changed_hands_meanwhile_is_not_written(manager):
    customer = make_customer("C-1", name="Old", account_manager=manager)
    content = lines("C-1,New,,")
    assert check(content, own=manager).changed == 1
    customer.account_manager = User.objects.create_user("other")
    customer.save()

    report = write(content, own=manager)

    assert report.faults.count == 1
    assert Customer.objects.get().name == "Old"


def test_queries_grow_with_chunks_not_with_rows(django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(customer_import, "CHUNK", 80)
    content = lines(*(f"C-{number},Name,,2026-11-20" for number in range(240)))

    with django_assert_num_queries(3):
        check(content)
    # A savepoint and its release, and for each chunk one look and one statement.
    with django_assert_num_queries(2 + 6):
        write(content)
