"""The console's words, badges and bars as template filters."""

import json
from typing import Any

from django import template

from refreshops.console import badges, charts, moments, receipts, words
from refreshops.logins.cells import visible

register = template.Library()

register.filter("moment", moments.moment)
register.filter("good_end", badges.good_end)
register.filter("outcome_label", badges.outcome_label)
register.filter("purpose_words", badges.purpose_words)
register.filter("data_words", badges.data_words)
register.filter("run_badge", badges.run_badge)
register.filter("nightly_badge", badges.nightly_badge)
register.filter("stamp", moments.stamp)
register.filter("standing_badge", receipts.standing_badge)
register.filter("person", words.person)
register.filter("one_line", visible)


@register.filter
def as_json(value: Any) -> str:
    """Return kept JSON on one line, nothing unseen in it."""
    return visible(json.dumps(value, ensure_ascii=False, sort_keys=True))


@register.simple_tag
def outcome_badge(outcome: str, reason: str = "", purpose: str = "") -> Any:
    """Render the badge of an outcome."""
    return badges.outcome_badge(outcome, reason, purpose)


@register.simple_tag
def stacked_bar(outcomes: dict[str, int], planned: int, cancelled: int = 0, kind: str = "") -> Any:
    """Render one bar of outcomes."""
    return charts.stacked_bar(outcomes=outcomes, planned=planned, cancelled=cancelled, kind=kind)
