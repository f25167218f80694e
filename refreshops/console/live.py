"""Pages that move without a reload: the same template parts, as HTML inside JSON.

`static/run.js` fetches the address and exchanges the parts that changed.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string

POLL_MOVING_MS = 2000
POLL_RESTING_MS = 15_000


def answer(
    request: HttpRequest,
    *,
    parts: Mapping[str, str],
    context: Mapping[str, Any],
    moving: bool,
    numbers: Mapping[str, Any],
) -> JsonResponse:
    """Return `parts` (name to template) rendered with `context`, and the bare `numbers`."""
    return JsonResponse(
        {
            "parts": {
                name: render_to_string(template, dict(context), request=request)
                for name, template in parts.items()
            },
            "again_ms": POLL_MOVING_MS if moving else POLL_RESTING_MS,
            **numbers,
        },
        headers={"Cache-Control": "no-store"},
    )
