"""The matrix institution × code: worst first, an outage in one line, columns people can read."""

import pytest

from refreshops.console.addresses import NO_CODE
from refreshops.console.matrix import MOST_COLUMNS, build


def link(institution, code, outcome):
    return f"{institution}|{code}|{outcome}"


def of(*counted):
    return build(counted, link=link, whole_bank=lambda name: f"all of {name}")


def test_the_bank_with_most_trouble_stands_first():
    matrix = of(("A", "X", "stale", 1), ("B", "", "fresh", 90), ("B", "X", "stale", 7))

    assert [line.institution for line in matrix.lines] == ["B", "A"]
    assert [(line.fresh, line.total, line.total_url) for line in matrix.lines] == [
        (90, 97, "all of B"),
        (0, 1, "all of A"),
    ]


@pytest.mark.parametrize(
    ("down", "others", "folded"),
    [
        pytest.param(3, 3, True, id="half"),
        pytest.param(3, 4, False, id="less-than-half"),
        pytest.param(2, 0, False, id="too-few-to-tell"),
    ],
)
def test_a_bank_that_looks_down_is_one_line_instead_of_one_in_the_matrix(down, others, folded):
    matrix = of(
        ("RBC", "RETRY_LATER", "institution_unavailable", down),
        ("RBC", "ODD", "user_action", others),
        ("TD", "", "fresh", 5),
    )

    assert [row.institution for row in matrix.outages] == (["RBC"] if folded else [])
    assert ("RBC" in [line.institution for line in matrix.lines]) is not folded
    assert bool(matrix.columns) is not folded


def test_the_line_of_an_outage_counts_both_codes_and_names_the_others():
    (outage,) = of(
        ("RBC", "RETRY_LATER", "institution_unavailable", 6),
        ("RBC", "UNAVAILABLE", "institution_unavailable", 5),
        ("RBC", "INVALID_PASSWORD", "user_action", 2),
        ("RBC", "", "fresh", 1),
    ).outages

    assert (outage.count, outage.total) == (11, 14)
    assert outage.url == "RBC||institution_unavailable"
    assert [(rest.outcome, rest.count, rest.url) for rest in outage.rest] == [
        ("fresh", 1, "RBC||fresh"),
        ("user_action", 2, "RBC||user_action"),
    ]


def test_a_cell_without_a_code_does_not_lead_to_those_with_one():
    matrix = of(
        ("TD", "", "user_action", 2), ("TD", "ODD", "user_action", 1), ("TD", "", "stale", 3)
    )

    assert {cell.url: cell.count for cell in matrix.lines[0].cells} == {
        f"TD|{NO_CODE}|user_action": 2,
        "TD|ODD|user_action": 1,
        "TD||stale": 3,
    }


def test_too_many_columns_are_summed_up_by_outcome_the_rarest_first():
    often = [("TD", f"OFTEN_{number}", "user_action", 9) for number in range(10)]
    seldom = [("TD", f"SELDOM_{number}", "unknown", 1) for number in range(6)]

    matrix = of(*often, *seldom, ("RBC", "SELDOM_1", "unknown", 4))

    assert len(matrix.columns) == 11 <= MOST_COLUMNS
    (column,) = [column for column in matrix.columns if column.codes]
    assert (column.outcome, column.title) == ("unknown", "Unknown code, 6 codes")
    summed = matrix.columns.index(column)
    assert [line.cells[summed].count for line in matrix.lines] == [6, 4]
    assert matrix.lines[0].cells[summed].url == "TD||unknown"


def test_every_login_counts_once_however_the_columns_are_summed_up():
    counted = [
        (f"B{number % 7}", f"C{number}", ("stale", "unknown", "user_action")[number % 3], number)
        for number in range(1, 60)
    ]

    matrix = of(*counted)

    assert sum(line.total for line in matrix.lines) == sum(row[-1] for row in counted)
    assert sum(cell.count for line in matrix.lines for cell in line.cells) == sum(
        row[-1] for row in counted
    )
    assert len(matrix.columns) <= MOST_COLUMNS
