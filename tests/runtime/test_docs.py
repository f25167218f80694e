"""The generated documents say what the code says, completely."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from refreshops.rules.outcomes import OUTCOME_TABLE, Reason
from refreshops.runtime.docs import GENERATED, WORDS, documents
from refreshops.wiring import vocabulary

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", documents())
def test_the_written_document_is_the_generated_one(name):
    written = (DOCS / name).read_text(encoding="utf-8")

    assert written == documents()[name], "run `make docs`"
    assert written.startswith(GENERATED)


def rows_of(text):
    """Return the cells of all table rows, escaped pipes taken back."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
    ]


def rows_under(heading):
    """Return the rows of the table below a heading, without its head."""
    text = documents()["provider-answers.md"]
    return rows_of(text.partition(f"## {heading}\n")[2].partition("\n## ")[0])[1:]


@pytest.mark.parametrize("name", vocabulary.VOCABULARIES)
def test_every_row_of_a_code_table_is_a_row_under_its_heading(name):
    known = vocabulary.VOCABULARIES[name]

    for table in known.tables():
        shown = [
            (cells[1].strip("`–"), cells[3], cells[4], cells[5], cells[6])
            for cells in rows_under(table.heading)
        ]
        assert shown == [
            (
                row.code,
                f"`{row.outcome}`" + (f" ({row.reason})" if row.reason else ""),
                row.actor,
                row.retry,
                row.meaning,
            )
            for row in table.rows
        ]
    listed = {row for table in known.tables() for row in table.rows}
    assert listed >= set(known.code_table)
    assert all(table.heading.startswith(known.words.title) for table in known.tables())


def test_every_row_of_all_tables_is_told_once():
    rows = rows_of(documents()["provider-answers.md"])
    shown = [(cells[1].strip("`–"), cells[3], cells[6]) for cells in rows if len(cells) == 8]

    tables = [table for tables in vocabulary.code_tables().values() for table in tables]
    for table in tables:
        for row in table.rows:
            outcome = f"`{row.outcome}`" + (f" ({row.reason})" if row.reason else "")
            assert (row.code, outcome, row.meaning) in shown
    # And a head for each table.
    assert len(shown) == sum(len(table.rows) for table in tables) + len(tables)


def test_every_outcome_reason_and_escalation_is_named():
    text = documents()["provider-answers.md"]

    for row in OUTCOME_TABLE:
        assert f"| `{row.outcome}` | {row.label} |" in text
    for reason in Reason:
        assert not reason or f"`{reason}`" in text
    for escalation in (row for rows in vocabulary.escalations().values() for row in rows):
        assert f"| `{escalation.code}` | {escalation.runs} |" in text


def test_every_row_has_as_many_cells_as_its_head():
    for text in documents().values():
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({len(cells) for cells in rows_of(table)}) == 1, table


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_every_word_of_a_lifecycle_is_explained(kind):
    assert set(WORDS[kind]) == {str(value) for value in kind}


def test_check_is_content_with_what_was_written_and_names_what_differs(tmp_path):
    call_command("write_docs", folder=tmp_path, stdout=StringIO())

    call_command("write_docs", "--check", folder=tmp_path, stdout=StringIO())
    (tmp_path / "lifecycle.md").write_text("something else")
    with pytest.raises(CommandError, match=r"docs/lifecycle\.md\.") as caught:
        call_command("write_docs", "--check", folder=tmp_path)

    assert "provider-answers" not in str(caught.value)
    assert caught.value.returncode == 1
