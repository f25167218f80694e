"""The words of a login's timeline as template filters."""

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from refreshops.console import cases_words, delivery_words, story_words

register = template.Library()

register.filter("action_words", story_words.what_words)
register.filter("must_do", cases_words.must_do)
register.filter("closed_words", cases_words.closed_words)
register.filter("contact_words", cases_words.contact_words)
register.filter("link_end_words", cases_words.link_end_words)
register.filter("delivery_words", delivery_words.state_words)


@register.filter
def clock_time(at: datetime) -> SafeString:
    """Return the local time of day, below a heading that says the day; the exact UTC in the title.

    A machine reads the whole of it.
    """
    exact = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"),
        exact.strftime("%Y-%m-%d %H:%M:%S"),
        timezone.localtime(at).strftime("%H:%M"),
    )


@register.filter
def local_day(at: datetime) -> str:
    """Return the local day as a heading: "Tuesday 24 November 2026"."""
    return date_format(timezone.localtime(at), "l j F Y")
