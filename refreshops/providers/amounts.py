"""Reads amounts and account numbers as screens may show them. Knows no provider."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_MONEY = Decimal(10) ** 15


def money(value: Any) -> str | None:
    """Return a plain decimal text, or None for anything that is no finite amount."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value)[:40])
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount) >= MOST_MONEY:
        return None
    return format(amount, "f")


def last_four(*numbers: Any) -> str:
    """Return the last four digits of the first that holds any; an empty text for none."""
    for value in numbers:
        if isinstance(value, bool) or not isinstance(value, int | str):
            continue
        digits = re.sub(r"[^0-9]", "", str(value)[-40:])
        if digits:
            return digits[-4:]
    return ""
