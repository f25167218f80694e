"""The spreadsheet reader: what people save, and what attackers make (fault E1)."""

import io
import random
import struct
import zipfile
from datetime import datetime

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from refreshops.logins import spreadsheet_file, spreadsheet_rows
from refreshops.logins.register_file import Record, Unreadable
from refreshops.logins.spreadsheet_file import sheet_of
from tests.logins.workbooks import by_hand, relations, saved, workbook, zipped

HEADER = ("reference", "name", "last_activity_at")


def read(content: bytes) -> list[Record]:
    sheet = sheet_of(content)
    return list(sheet.records)


def cells(xml: str) -> str:
    """Return a sheet with one header `a` and this XML below."""
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
    return f"<sheetData>{head}{xml}</sheetData>"


def test_it_reads_texts_numbers_and_dates_with_their_rows():
    content = workbook(
        HEADER,
        ("C-1", "Zoë  & <Söhne>", datetime(2026, 11, 20)),  # noqa: DTZ001
        (),
        (1002, None, datetime(2026, 11, 20, 14, 30, 15)),  # noqa: DTZ001
        ("C-3", "short"),
    )

    assert sheet_of(content).header == HEADER
    assert read(content) == [
        Record(2, ("C-1", "Zoë  & <Söhne>", "2026-11-20")),
        Record(4, ("1002", "", "2026-11-20T14:30:15")),
        Record(5, ("C-3", "short", "")),
    ]


def test_it_counts_days_from_1904_where_the_workbook_does():
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["a"])
    book.active.append([datetime(2026, 11, 20)])  # noqa: DTZ001

    assert read(saved(book)) == [Record(2, ("2026-11-20",))]


def test_it_reads_the_first_visible_sheet():
    book = Workbook()
    book.active.append(["hidden"])
    book.active.sheet_state = "hidden"
    book.create_sheet().append(["a"])
    book["Sheet1"].append(["seen"])

    assert read(saved(book)) == [Record(2, ("seen",))]


@pytest.mark.parametrize(
    ("xml", "record"),
    [
        pytest.param('<c r="A2"><v>7</v></c>', Record(2, ("7",)), id="number"),
        pytest.param('<c r="A2"><v>1.0E3</v></c>', Record(2, ("1000",)), id="exponent"),
        pytest.param('<c r="A2"><v>0.5</v></c>', Record(2, ("0.5",)), id="fraction"),
        pytest.param('<c r="A2" t="b"><v>1</v></c>', Record(2, ("TRUE",)), id="yes"),
        pytest.param('<c t="str"><v>x</v></c>', Record(2, ("x",)), id="no-place-given"),
        pytest.param(
            '<c r="A2" t="d"><v>2026-11-20</v></c>', Record(2, ("2026-11-20",)), id="strict-date"
        ),
        pytest.param(
            '<c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r><rPh><t>no</t></rPh></is></c>',
            Record(2, ("ab",)),
            id="rich-text-without-its-pronunciation",
        ),
        pytest.param('<c r="C2" t="str"><v>x</v></c>', Record(2, ("", "", "x")), id="gap"),
        pytest.param(
            '<c r="A2" t="str"><v>x_x000D_y</v></c>', Record(2, ("x\ry",)), id="carriage-return"
        ),
    ],
)
def test_a_cell_becomes_text(xml, record):
    assert read(by_hand(cells(f'<row r="2">{xml}</row>'))) == [record]


@pytest.mark.parametrize(
    ("xml", "fault"),
    [
        pytest.param(
            '<c r="B2"><f>TODAY()</f><v>45000</v></c>',
            "cell B2 holds a formula: paste its value instead",
            id="formula",
        ),
        pytest.param('<c r="A2" t="e"><v>#N/A</v></c>', "cell A2 holds the error #N/A", id="error"),
    ],
)
def test_what_is_no_value_is_a_fault_of_its_row(xml, fault):
    assert read(by_hand(cells(f'<row r="2">{xml}</row>'))) == [Record(2, (), fault)]


def test_a_date_no_calendar_has_is_a_fault_of_its_row():
    content = workbook(("a",), (datetime(2026, 11, 20),))  # noqa: DTZ001
    archive = zipfile.ZipFile(io.BytesIO(content))
    parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace("<v>46346</v>", "<v>99999999999</v>")

    assert read(zipped(parts)) == [Record(2, (), "cell A2 holds 99999999999, which is no date")]


BOMB_ROW = '<row r="2">' + "<c/>" * 2_000_000 + "</row>"
WIDE_ROW = '<row r="2">' + '<c t="str"><v>x</v></c>' * 1_000_000 + "</row>"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(zipped({"a.csv": "reference\n1\n"}), "zip archive", id="zip"),
        pytest.param(b"PK\x03\x04" + bytes(100), "damaged", id="damaged-zip"),
        pytest.param(
            bytes.fromhex("d0cf11e0a1b11ae1") + bytes(5000),
            "locked with a password",
            id="encrypted",
        ),
        pytest.param(
            by_hand(cells(""), extra=[("xl/vbaProject.bin", "x")]), "macros", id="macro-file"
        ),
        pytest.param(by_hand("<sheetData/>"), "empty", id="empty-sheet"),
        pytest.param(by_hand(cells("<row>")), "no XML", id="half-a-part"),
        pytest.param(by_hand(cells(WIDE_ROW)), "1000 columns", id="a-million-columns"),
        pytest.param(
            by_hand(cells('<row r="9999999"><c><v>1</v></c></row>')), "more rows", id="far-row"
        ),
        pytest.param(
            by_hand(cells('<row><c t="s"><v>5</v></c></row>')), "not there", id="no-such-text"
        ),
        pytest.param(
            by_hand(cells(f'<row><c t="str"><v>{"x" * 70_000}</v></c></row>')),
            "longer than",
            id="long-cell",
        ),
        pytest.param(
            by_hand(cells(""), extra=[("xl/shared.xml", "<si>" * 100)]), "too deep", id="deep"
        ),
        pytest.param(
            by_hand(cells(f'<row x="{"y" * 3_000_000}"/>')), "tag of more than", id="huge-tag"
        ),
        pytest.param(
            by_hand(
                cells(""),
                extra=[("xl/shared.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')],
            ),
            "document type",
            id="entities",
        ),
        *(
            pytest.param(
                by_hand(
                    cells(""),
                    extra=[("xl/shared.xml", f'<?xml version="1.0" encoding="{name}"?><sst/>')],
                ),
                "no XML",
                id=f"letters-as-in-{name}",
            )
            for name in ("no-such-code", "rot13", "zip")
        ),
        pytest.param(
            zipped({"_rels/.rels": relations(("r1", "officeDocument", "xl/none.xml"))}),
            "no visible sheet",
            id="no-sheet",
        ),
        pytest.param(
            zipped({f"part{number}.xml": "" for number in range(2100)}), "parts", id="many-parts"
        ),
    ],
)
def test_a_bad_workbook_is_refused_with_a_sentence(content, why):
    with pytest.raises(Unreadable, match=why):
        read(content)


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(spreadsheet_file, "PART_SIZE_CAP", 1024 * 1024)

    with pytest.raises(Unreadable, match="unpacks to more than 1 MB"):
        read(by_hand(cells(BOMB_ROW)))


def test_more_text_than_is_held_is_refused(monkeypatch):
    monkeypatch.setattr(spreadsheet_rows, "STRINGS_CAP", 1000)

    with pytest.raises(Unreadable, match="too much text"):
        read(by_hand(cells(""), strings="<si><t>x</t></si>" * 30))


def test_a_size_that_was_lied_about_is_found_out():
    content = bytearray(by_hand(cells(BOMB_ROW)))
    entry = content.rindex(b"xl/worksheets/sheet1.xml") - 46
    content[entry + 24 : entry + 28] = struct.pack("<I", 1000)

    with pytest.raises(Unreadable):
        read(bytes(content))


def test_more_rows_than_are_read_at_once_are_refused(monkeypatch):
    monkeypatch.setattr(spreadsheet_file, "ROW_CAP", 3)

    assert len(read(workbook("a", *"bcd"))) == 3
    with pytest.raises(Unreadable, match="more than 3 rows"):
        read(workbook("a", *"bcde"))


def test_chance_bytes_are_read_or_refused():
    seed = 20_261_120
    chance = random.Random(seed)
    whole = workbook(HEADER, *((f"C-{n}", "x" * n, datetime(2026, 1, 1)) for n in range(30)))  # noqa: DTZ001

    for _ in range(1500):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            read(bytes(content))
        except Unreadable:
            continue
