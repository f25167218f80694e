"""From when on a bank looks down."""

import pytest

from refreshops.rules.outages import looks_down


@pytest.mark.parametrize(
    ("failing", "total", "down"),
    [
        pytest.param(3, 6, True, id="half"),
        pytest.param(3, 7, False, id="less-than-half"),
        pytest.param(2, 2, False, id="too-few-to-tell"),
        pytest.param(90, 100, True, id="nearly-all"),
        pytest.param(0, 0, False, id="nobody-there"),
    ],
)
def test_a_bank_looks_down_when_half_of_its_logins_and_three_fail(failing, total, down):
    assert looks_down(failing=failing, total=total) is down
