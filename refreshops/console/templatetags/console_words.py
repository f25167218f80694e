"""The console's words, badges and bars as template filters."""

import json
from typing import Any

from django import template
from django.contrib.admin.views.main import SEARCH_VAR
from django.template import RequestContext

from refreshops import wiring
from refreshops.console import badges, cards, charts, help_pages, moments, receipts, words
from refreshops.logins.cells import visible

register = template.Library()

register.filter("moment", moments.moment)
register.filter("good_end", badges.good_end_of)
register.filter("outcome_label", badges.outcome_label)
register.filter("purpose_words", badges.purpose_words)
register.filter("data_words", badges.data_words)
register.filter("run_badge", badges.run_badge)
register.filter("nightly_badge", badges.nightly_badge)
register.filter("stamp", moments.stamp)
register.filter("lasting_words", moments.lasting_words)
register.filter("standing_badge", receipts.standing_badge)
register.filter("person", words.person)
register.filter("opener", cards.opener_words)
register.filter("one_line", visible)


@register.filter
def as_json(value: Any) -> str:
    """Return kept JSON on one line, nothing unseen in it."""
    return visible(json.dumps(value, ensure_ascii=False, sort_keys=True))


@register.filter
def of(values: dict[str, Any] | str | None, name: str) -> Any:
    """Return what `values` hold under a name; None where there is nothing to look in."""
    return values.get(name) if isinstance(values, dict) else None


@register.simple_tag
def stacked_column(parts: list[tuple[str, int]], tallest: int) -> Any:
    """Render one column of a chart."""
    return charts.stacked_column(parts, tallest=tallest)


@register.simple_tag
def outcome_badge(outcome: str, reason: str = "", purpose: str = "") -> Any:
    """Render the badge of an outcome."""
    return badges.outcome_badge(outcome, reason, purpose)


@register.simple_tag
def run_bar(card: cards.Card, kind: str = "") -> Any:
    """Render the bar of a run's outcomes."""
    return charts.stacked_bar(
        outcomes=card.outcomes,
        planned=card.planned,
        cancelled=card.cancelled,
        kind=kind,
        good=card.good,
    )


@register.simple_tag(takes_context=True)
def help_address(context: RequestContext) -> str:
    """Return where the Help link of this screen leads."""
    return help_pages.help_address(context["request"])


@register.simple_tag
def environment() -> str:
    """Return where we call: simulator, sandbox or production."""
    return wiring.environment_label()


@register.simple_tag
def words_of(provider: str) -> Any:
    """Return what a provider calls things."""
    return wiring.words(provider)


@register.simple_tag
def chosen(spec: Any, choices: list[dict[str, Any]]) -> str:
    """Return what a filter is set to, in words; empty when it leaves every row in."""
    for choice in choices[1:]:
        if choice["selected"]:
            return str(choice["display"])
    return str(getattr(spec, "typed", ""))


@register.simple_tag
def without_search(cl: Any) -> str:
    """Return the list's address with its filters, without what was searched for."""
    return str(cl.get_query_string(remove=[SEARCH_VAR]))
