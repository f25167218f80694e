"""`GET /healthz`: for load balancers and alarms. No sign-in, and nothing secret in it."""

import logging
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from refreshops import wiring
from refreshops.logins.models import Provider
from refreshops.routine import seats

# The supervisor pings every few seconds; a restart of the cluster takes some more.
ALIVE_SECONDS = 60.0

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 503 without a database and, with `?worker=1`, without a worker; else 200."""
    try:
        body = _health()
    except (DatabaseError, InterfaceError) as error:
        logger.error("No database for healthz: %s", type(error).__name__)
        # A broken connection must not spoil the next look.
        connection.close()
        return JsonResponse({"database": "unreachable", "worker": None, "paused": []}, status=503)
    missing = request.GET.get("worker") == "1" and not body["worker"]["alive"]
    return JsonResponse(body, status=503 if missing else 200)


def _health() -> dict[str, Any]:
    paused = Provider.objects.filter(paused_at__isnull=False).order_by("name")
    return {
        "database": "ok",
        "worker": _worker(seen_at=seats.last_beat(seats.WORKER), now=wiring.clock()),
        "paused": [
            {"provider": row.name, "kind": row.paused_kind, "since": row.paused_at}
            for row in paused
        ],
    }


def _worker(*, seen_at: datetime | None, now: datetime) -> dict[str, Any]:
    if seen_at is None:
        return {"seen_at": None, "age_seconds": None, "alive": False}
    age = max(0.0, (now - seen_at).total_seconds())
    return {"seen_at": seen_at, "age_seconds": round(age, 1), "alive": age <= ALIVE_SECONDS}
