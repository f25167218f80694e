"""Server-drawn SVG: attributes and classes only, so that it stands under a strict CSP."""

from collections.abc import Mapping, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from refreshops.console.badges import outcome_label
from refreshops.rules.outcomes import Outcome

# Good first, then by how much it concerns us, what is left last.
BAR_ORDER = (
    Outcome.FRESH,
    Outcome.STALE,
    Outcome.USER_ACTION,
    Outcome.INSTITUTION_UNAVAILABLE,
    Outcome.PROVIDER_FAULT,
    Outcome.THROTTLED,
    Outcome.LOGIN_GONE,
    Outcome.OUR_CONFIG,
    Outcome.UNKNOWN,
    Outcome.PENDING,
)

WIDTH, HEIGHT = 1000, 100


def in_bar_order(outcomes: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the outcomes that occur, in the order bars and legends draw them."""
    listed = [row.value for row in BAR_ORDER]
    extra = sorted(set(outcomes) - set(listed))
    return [(name, outcomes[name]) for name in (*listed, *extra) if outcomes.get(name)]


def stacked_bar(
    *,
    outcomes: Mapping[str, int],
    planned: int,
    cancelled: int = 0,
    kind: str = "small",
    good: str = "",
) -> SafeString:
    """Return one horizontal bar of `planned` logins, coloured by outcome, with its words.

    `good` is what a good end is called, where nothing was refreshed.
    """
    parts = in_bar_order(outcomes)
    if cancelled:
        parts.append(("cancelled", cancelled))
    words = ", ".join(f"{n} {_label(name, good).lower()}" for name, n in parts)
    return format_html(
        '<svg class="stack {}" viewBox="0 0 {} 10" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><rect class="track" width="{}" height="10"></rect>{}</svg>',
        kind,
        WIDTH,
        words or "nothing done yet",
        WIDTH,
        _rects(parts, max(planned, sum(n for _, n in parts), 1), good),
    )


def _label(outcome: str, good: str) -> str:
    return good if good and outcome == Outcome.FRESH else outcome_label(outcome)


def _rects(parts: list[tuple[str, int]], whole: int, good: str) -> SafeString:
    rows, done = [], 0
    for name, n in parts:
        left, done = WIDTH * done / whole, done + n
        width = WIDTH * done / whole - left
        rows.append((f"o-{name}", f"{left:.1f}", f"{width:.1f}", n, _label(name, good)))
    return format_html_join(
        "",
        '<rect class="{}" x="{}" width="{}" height="10"><title>{} {}</title></rect>',
        rows,
    )


def stacked_column(parts: Sequence[tuple[str, int]], *, tallest: int) -> SafeString:
    """Return one column of (kind, number), the first at the foot, drawn to scale of `tallest`.

    It says nothing to a screen reader: its words stand beside it.
    """
    rows, done = [], 0
    for name, number in parts:
        foot, done = HEIGHT * done / tallest, done + number
        head = HEIGHT * done / tallest
        rows.append((f"o-{name}", f"{HEIGHT - head:.2f}", f"{head - foot:.2f}"))
    return format_html(
        '<svg class="column" viewBox="0 0 10 {}" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false">{}</svg>',
        HEIGHT,
        format_html_join("", '<rect class="{}" x="0" y="{}" width="10" height="{}"></rect>', rows),
    )
