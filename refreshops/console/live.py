"""Pages that keep themselves current: their moving parts rendered as HTML inside one JSON answer.

`static/run.js` fetches the address and exchanges the parts that changed.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string

POLL_MOVING_MS = 2000
POLL_RESTING_MS = 15_000
NEVER_AGAIN = 0


def answer(
    request: HttpRequest,
    *,
    parts: Mapping[str, str],
    context: Mapping[str, Any],
    moving: bool,
    numbers: Mapping[str, Any],
    slower_ms: int = 0,
    settled: bool = False,
    said: str = "",
) -> JsonResponse:
    """Return `parts` (name to template) rendered with `context`, and the bare `numbers`.

    The page asks again after a while, `slower_ms` later than usual where an answer is dear, and not
    at all when it is `settled`. `said` goes to screen readers whenever it changes.
    """
    again_ms = (POLL_MOVING_MS if moving else POLL_RESTING_MS) + slower_ms
    return JsonResponse(
        {
            "parts": {
                name: render_to_string(template, dict(context), request=request)
                for name, template in parts.items()
            },
            "again_ms": NEVER_AGAIN if settled else again_ms,
            "said": said,
            **numbers,
        },
        headers={"Cache-Control": "no-store"},
    )
