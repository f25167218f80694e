"""Reading a register file: whatever it holds, a sentence or records with the right line numbers."""

import io
import resource
import zipfile
from pathlib import Path

import pytest

from refreshops.logins import register_file
from refreshops.logins.register_file import Record, Unreadable, opened


def records_of(path: Path) -> list[Record]:
    with opened(path) as sheet:
        return list(sheet.records)


def a_zip() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return kept.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\xef\xbb\xbf\r\n\r\n", "is empty", id="only-a-bom-and-blank-lines"),
        pytest.param(a_zip(), "zip archive or a spreadsheet", id="a-spreadsheet"),
        pytest.param("login_id,customer\n".encode("utf-16"), "UTF-16", id="utf-16-with-a-bom"),
        pytest.param("login_id,customer\n".encode("utf-16-le"), "NUL bytes", id="utf-16-without"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no UTF-8 text", id="a-picture"),
        pytest.param(b"\x7fELF\x02\x01\x01\0\0", "NUL bytes", id="a-program"),
        pytest.param("login_id,é\n".encode("latin-1"), "no UTF-8 text", id="latin-1-header"),
        pytest.param(b'"login_id,customer\n', "not closed", id="open-quote-in-the-header"),
        pytest.param(b"a," * 1_000_000, "longer than 65536", id="a-million-columns"),
        pytest.param(b"a,b\n" + b"c" * 70_000, "Line 2 is longer", id="an-endless-line"),
    ],
)
def test_a_file_that_is_no_register_is_refused_in_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "register.csv"
    path.write_bytes(content)

    with pytest.raises(Unreadable, match=sentence):
        records_of(path)


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(Unreadable, match="is no file"):
        records_of(tmp_path)
    with pytest.raises(Unreadable, match="is no file"):
        records_of(tmp_path / "nowhere.csv")


def test_a_gigabyte_is_refused_unread(tmp_path):
    path = tmp_path / "register.csv"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)

    with pytest.raises(Unreadable, match="1000 MB, more than the 210 MB"):
        records_of(path)


def test_more_rows_than_the_cap_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(register_file, "ROW_CAP", 3)
    path = tmp_path / "register.csv"
    path.write_text("a,b\n" + "1,2\n" * 3)
    assert len(records_of(path)) == 3

    path.write_text("a,b\n" + "1,2\n" * 4)

    with pytest.raises(Unreadable, match="more than 3 rows"):
        records_of(path)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        pytest.param(b"a,b\n1,2\n3,4\n", [2, 3], id="plain"),
        pytest.param(b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4", [2, 3], id="bom-and-crlf"),
        pytest.param(b"a,b\r1,2\r3,4\r", [2, 3], id="old-mac-line-ends"),
        pytest.param(b'a,b\n1,"x\ny\r\nz"\n3,4\n', [2, 5], id="quoted-line-ends"),
        pytest.param(b"\n\na,b\n\n1,2\n,\n  ,\t\n3,4\n", [5, 8], id="blank-rows-are-passed-over"),
        pytest.param("a,b\n1,x\u2028y\x85z\n3,4\n".encode(), [2, 3], id="unicode-line-ends"),
    ],
)
def test_a_record_knows_its_physical_line(tmp_path, content, lines):
    path = tmp_path / "register.csv"
    path.write_bytes(content)

    with opened(path) as sheet:
        found = [record.line for record in sheet.records]

    assert sheet.header == ("a", "b")
    assert found == lines


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        pytest.param('1,"open\n3,4\n', "a quotation mark is not closed", id="never-closed"),
        pytest.param('1,"open\n' + "3,4\n" * 200, "is not closed", id="open-over-many-lines"),
        pytest.param('1,"text"more\n3,4\n', "text follows a closing", id="text-after-a-quote"),
    ],
)
def test_a_broken_quotation_names_its_line_and_ends_the_reading(tmp_path, rows, why):
    path = tmp_path / "register.csv"
    path.write_text(f"a,b\n0,0\n{rows}")

    good, bad = records_of(path)

    assert (good.line, good.fault) == (2, "")
    assert bad.line == 3
    assert why in bad.fault
    assert "nothing below this row was read" in bad.fault


def test_a_file_of_open_quotes_takes_no_memory(tmp_path):
    path = tmp_path / "register.csv"
    with path.open("w") as file:
        file.write("a,b\n")
        for _ in range(2000):
            file.write('"x,' * 10_000 + "\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    found = records_of(path)

    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found[-1].fault
    assert grown_kb < 30_000
