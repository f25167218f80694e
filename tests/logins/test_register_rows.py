"""Judging rows: each fault has its line and its reason, and random files are judged as made."""

import csv
import io
import random
import re
import uuid
from dataclasses import dataclass

import pytest

from refreshops.logins.models import Customer, Login, LoginStatus
from refreshops.logins.register_file import Record, Unreadable, opened
from refreshops.logins.register_rows import (
    COLUMNS,
    FAULTS_KEPT,
    LONGEST,
    REQUIRED,
    STATUSES,
    Entry,
    Faults,
    check_header,
    judge,
)
from refreshops.providers.flinks import canonical_login_id

ID = "f427f369-7b0f-45ce-5fe2-08d6386fe6b5"
OTHER_ID = "0e1f2a3b-7b0f-45ce-5fe2-08d6386fe6b5"


def judged(*rows: tuple[str, ...], columns=COLUMNS) -> tuple[list[Entry], Faults]:
    records = [Record(number, row) for number, row in enumerate(rows, start=2)]
    return judge(
        records,
        columns=columns,
        canonical={"flinks": canonical_login_id},
        default_provider="flinks",
    )


def row(**cells: str) -> tuple[str, ...]:
    cells = {"login_id": ID, "customer": "C-1"} | cells
    return tuple(cells.get(name, "") for name in COLUMNS)


def test_the_words_and_lengths_are_those_of_the_tables():
    assert set(STATUSES) == {str(status) for status in LoginStatus}
    assert Customer._meta.get_field("reference").max_length == LONGEST["customer"]
    assert Customer._meta.get_field("name").max_length == LONGEST["customer_name"]
    assert Login._meta.get_field("institution").max_length == LONGEST["institution"]


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        pytest.param(["login_id", "bank", "customer"], "Unknown column 'bank'", id="unknown"),
        pytest.param(["login_id", "customer", ""], "Unknown column ''", id="a-nameless-column"),
        pytest.param(["customer", "status"], "column login_id is missing", id="no-login-id"),
        pytest.param(["status"], "login_id and customer is missing", id="neither"),
        pytest.param(["login_id", "customer", "customer"], "stands there twice", id="doubled"),
        pytest.param(["login_id;customer"], "not separated by commas", id="semicolons"),
        pytest.param(["x"] * 9, "'x', 'x', 'x', 'x', 'x' and 4 more", id="many-unknown"),
        pytest.param([ID, "C-1"], "Unknown column", id="no-header-at-all"),
    ],
)
def test_a_wrong_header_is_refused_with_the_right_one(header, sentence):
    with pytest.raises(Unreadable, match=sentence) as refused:
        check_header(header)

    assert ",".join(COLUMNS) in str(refused.value)


def test_a_header_may_have_any_order_case_and_spaces():
    assert check_header([" Customer", "LOGIN_ID "]) == ("customer", "login_id")
    assert set(check_header(reversed(COLUMNS))) == set(COLUMNS)


def test_two_columns_are_enough():
    entries, faults = judged((ID, "C-1"), columns=REQUIRED)

    assert faults.count == 0
    assert entries == [Entry(line=2, login_id=ID, customer="C-1", provider="flinks")]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        pytest.param({"login_id": "f427f369"}, "login_id 'f427f369': A LoginId looks", id="id"),
        pytest.param({"login_id": " "}, "login_id is empty", id="no-id"),
        pytest.param({"login_id": ID + "\0"}, "login_id holds .* U\\+0000", id="nul-in-the-id"),
        pytest.param({"customer": " \t"}, "customer is empty", id="no-customer"),
        pytest.param({"customer": "C\0-1"}, "customer holds .* U\\+0000", id="nul"),
        pytest.param({"customer": "C-1\u200b"}, "customer holds .* U\\+200B", id="zero-width"),
        pytest.param({"customer_name": "a\u202eb"}, "customer_name holds .* U\\+202E", id="bidi"),
        pytest.param({"customer_name": "Andr\udce9"}, "customer_name is no UTF-8", id="latin-1"),
        pytest.param({"customer": "C" * 65}, "customer has 65 characters", id="long-reference"),
        pytest.param({"provider": "flanks"}, "'flanks' is unknown; we know flinks", id="provider"),
        pytest.param({"status": "on"}, "status 'on' is unknown: active or inactive", id="status"),
    ],
)
def test_a_bad_row_says_why(cells, why):
    entries, faults = judged(row(login_id=OTHER_ID), row(**cells))

    assert len(entries) == 1
    assert [fault.line for fault in faults.first()] == [3]
    assert re.search(why, faults.first()[0].why)


@pytest.mark.parametrize(
    ("cells", "said"), [((ID,), "1 cells"), (row() + ("",), "8 cells"), (("x",) * 9999, "9999")]
)
def test_a_short_or_long_row_says_how_long_it_is(cells, said):
    _, faults = judged(cells)

    assert said in faults.first()[0].why
    assert "7 columns" in faults.first()[0].why


def test_a_row_with_several_faults_names_all_of_them():
    _, faults = judged(row(login_id="x", customer="", status="gone"))

    (fault,) = faults.first()
    assert fault.why.count(";") == 2


@pytest.mark.parametrize(
    "again", [ID, ID.upper(), "{" + ID + "}", f"  {ID} ", ID.replace("-", ""), "\ufeff" + ID]
)
def test_one_login_stands_in_a_file_once_however_it_is_written(again):
    entries, faults = judged(row(), row(login_id=OTHER_ID), row(login_id=again))

    assert [entry.login_id for entry in entries] == [ID, OTHER_ID]
    assert str(faults.first()[0]) == f"line 4: login_id {ID} stands on line 2 already"


@pytest.mark.parametrize("column", ["customer_name", "account_manager"])
def test_rows_of_one_customer_may_be_silent_but_not_contradict(column):
    _, faults = judged(
        row(**{column: "Anna"}), row(login_id=OTHER_ID), row(login_id=uuid4(), **{column: "Bea"})
    )

    (fault,) = faults.first()
    assert fault.line == 4
    assert f"{column} 'Bea' contradicts line 2, where customer 'C-1' has 'Anna'" in fault.why


def test_names_become_one_line_of_composed_text():
    entries, _ = judged(row(customer_name=" Zoe\u0301\r\n  Roy\t", institution="Caisse\xa0A"))

    assert (entries[0].customer_name, entries[0].institution) == ("Zo\xe9 Roy", "Caisse A")


def test_a_cell_cannot_write_to_the_terminal():
    _, faults = judged(row(login_id="\x1b[31mred"), row(status="x" * 5000))

    assert "\x1b" not in "".join(fault.why for fault in faults.first())
    assert all(len(fault.why) < 300 for fault in faults.first())


def test_only_the_first_faults_are_kept_and_all_are_counted():
    _, faults = judged(*[row(customer="")] * 5000)

    assert faults.count == 5000
    assert [fault.line for fault in faults.first()] == list(range(2, FAULTS_KEPT + 2))


def uuid4() -> str:
    return str(uuid.uuid4())


@dataclass
class Made:
    """A random file and what its maker knows of it."""

    text: str
    good: dict[int, tuple[str, str, str]]
    bad: set[int]


def make_file(chance: random.Random) -> Made:
    """Write random rows: ids in all spellings, quoted line ends, blank lines and known faults."""
    columns = chance.sample(COLUMNS, len(COLUMNS))
    kept = io.StringIO()
    end = chance.choice(["\n", "\r\n", "\r"])
    writer = csv.writer(kept, lineterminator=end)
    writer.writerow(columns)
    made, line, ids = Made("", {}, set()), 2, []
    for _ in range(chance.randrange(40)):
        login_id = str(uuid.UUID(int=chance.getrandbits(128)))
        customer = f"C-{chance.randrange(1000)}"
        breaks = chance.randrange(3)
        institution = f"B{end * breaks}{chance.randrange(9)}"
        cells = {"login_id": spelled(login_id, chance), "customer": customer}
        cells |= {"institution": institution, "status": chance.choice(["", "ACTIVE", "inactive"])}
        values = [cells.get(name, "") for name in columns]
        fault = chance.choice([""] * 6 + ["id", "status", "short", "long", "double", "blank"])
        if fault == "double" and not ids:
            fault = ""
        position = {name: columns.index(name) for name in columns}
        match fault:
            case "id":
                values[position["login_id"]] = login_id[:-1] + "g"
            case "status":
                values[position["status"]] = "maybe"
            case "short":
                values = values[:-1]
            case "long":
                values.append("x")
            case "double":
                values[position["login_id"]] = spelled(chance.choice(ids), chance)
            case "blank":
                values = [""] * len(columns)
        writer.writerow(values)
        if not fault:
            ids.append(login_id)
            made.good[line] = (login_id, customer, " ".join(institution.split()))
        elif fault != "blank":
            made.bad.add(line)
        line += 1 + ("".join(values).count(end))
    made.text = kept.getvalue()
    return made


def spelled(login_id: str, chance: random.Random) -> str:
    login_id = chance.choice([login_id, login_id.upper(), login_id.replace("-", "")])
    return chance.choice(["{}", " {}", "{} ", "{{{}}}", "\ufeff{}"]).format(login_id)


@pytest.mark.parametrize("round_", range(200))
def test_a_random_file_is_judged_as_it_was_made(round_, tmp_path):
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    made = make_file(random.Random(seed))
    path = tmp_path / "register.csv"
    path.write_bytes(made.text.encode())

    with opened(path) as sheet:
        entries, faults = judge(
            sheet.records,
            columns=check_header(sheet.header),
            canonical={"flinks": canonical_login_id},
            default_provider="flinks",
        )

    found = {entry.line: (entry.login_id, entry.customer, entry.institution) for entry in entries}
    assert found == made.good
    assert {fault.line for fault in faults.first()} == made.bad
