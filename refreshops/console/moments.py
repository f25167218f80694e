"""Times as people read them: local with a relative form, the exact UTC in the title."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

DAY_S = 86_400


def moment(
    at: datetime | None,
    *,
    now: datetime | None = None,
    empty: str = "never",
    seconds: bool = False,
) -> SafeString:
    """Return a `<time>` with the local time, how long ago, and the exact UTC in the title."""
    if at is None:
        return format_html('<span class="quiet">{}</span>', empty)
    now = now or timezone.now()
    exact = at.astimezone(UTC)
    return format_html(
        '<time class="moment" datetime="{}" title="{} UTC">{} <span class="quiet">{}</span></time>',
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"),
        exact.strftime("%Y-%m-%d %H:%M:%S"),
        local_words(at, now=now, seconds=seconds),
        relative(at, now=now),
    )


def stamp(at: datetime | None) -> SafeString | str:
    """Return a `<time>` for a document: local to the second with its zone, UTC in the title."""
    if at is None:
        return "–"
    exact = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"),
        exact.strftime("%Y-%m-%d %H:%M:%S"),
        timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z"),
    )


def local_words(at: datetime, *, now: datetime, seconds: bool = False) -> str:
    """Return the local time, with the day, and the year, where they are not today's."""
    local, today = timezone.localtime(at), timezone.localtime(now)
    clock = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    if local.date() == today.date():
        return clock
    return f"{_day_words(local.date(), year=local.year != today.year)} {clock}"


@lru_cache(maxsize=1024)
def _day_words(day: date, *, year: bool) -> str:
    """Return a day in words. A list names the same few days fifty times."""
    return date_format(day, "j M Y" if year else "j M")


def relative(at: datetime, *, now: datetime) -> str:
    """Return "3 h ago", "in 5 min", or "just now"."""
    seconds = (now - at).total_seconds()
    words = span_words(timedelta(seconds=abs(seconds)))
    if abs(seconds) < 10:
        return "just now"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def span_words(span: timedelta) -> str:
    """Return a duration in its largest sensible unit: "40 s", "12 min", "3 h", "2 d"."""
    seconds = span.total_seconds()
    for unit_s, unit in ((DAY_S, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit_s * (2 if unit == "d" else 1):
            return f"{round(seconds / unit_s)} {unit}"
    return f"{round(seconds)} s"


def lasting_words(span: timedelta) -> str:
    """Return a duration for planning: "under a minute", "about 12 minutes", "about 2 h 5 min"."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"about {minutes} minute{'' if minutes == 1 else 's'}"
    return f"about {minutes // 60} h {minutes % 60} min"
