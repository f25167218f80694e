"""The generated documents say what the code says, completely."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from refreshops.providers.flinks.codes import CODE_TABLE, ESCALATIONS
from refreshops.rules.outcomes import OUTCOME_TABLE, Reason
from refreshops.runtime.docs import GENERATED, WORDS, documents

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


def test_every_row_of_the_code_table_is_a_row_of_the_document():
    rows = rows_of(documents()["provider-answers.md"])
    shown = [(cells[1].strip("`–"), cells[3], cells[6]) for cells in rows if len(cells) == 8]

    for row in CODE_TABLE:
        outcome = f"`{row.outcome}`" + (f" ({row.reason})" if row.reason else "")
        assert (row.code, outcome, row.meaning) in shown
    # Two rows for silence and unreadable answers, and a head for each of the four tables.
    assert len(shown) == len(CODE_TABLE) + 2 + 4


def test_every_outcome_reason_and_escalation_is_named():
    text = documents()["provider-answers.md"]

    for row in OUTCOME_TABLE:
        assert f"| `{row.outcome}` | {row.label} |" in text
    for reason in Reason:
        assert not reason or f"`{reason}`" in text
    for escalation in ESCALATIONS:
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
