"""What providers send by themselves, the edge: checked, kept, answered; applied by a task.

Nothing is believed or kept that is not signed. Source: issue 5 D, flinks-api.md section 2.
"""

import hashlib
import logging
import threading
import time
from datetime import datetime

from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from refreshops import wiring
from refreshops.providers import unpacking
from refreshops.providers.contract import Delivered
from refreshops.routine import deliveries as applying
from refreshops.routine import tasks
from refreshops.tracing import deliveries

logger = logging.getLogger(__name__)

MOST_BYTES = unpacking.MOST_BYTES
PIECE_BYTES = 64 * 1024
LINE_EVERY_S = 60.0
RETRY_AFTER_S = 60
NO_DATA = "Deliveries of this kind teach nothing."


class Refusals:
    """Counts refused deliveries and says so in the log, at most once a minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told_s = -LINE_EVERY_S
        self._untold = 0

    def one_more(self) -> None:
        """Count one, and write the line when it is time for it."""
        with self._lock:
            self._untold += 1
            if time.monotonic() - self._told_s < LINE_EVERY_S:
                return
            number, self._untold, self._told_s = self._untold, 0, time.monotonic()
        logger.warning("Refused %s webhooks without a good signature; nothing was kept", number)


_refusals = Refusals()


@csrf_exempt
@require_POST
def flinks(request: HttpRequest) -> HttpResponse:
    """Take one delivery of Flinks; 200 once it is kept, whatever it says.

    401 without a good signature, 413 when it is too large or does not say how large it is, 503
    while the database is away: then Flinks tries again.
    """
    return _receive(request, "flinks")


def _receive(request: HttpRequest, name: str) -> HttpResponse:
    try:
        body = _body(request)
    except OSError:  # the sender is gone
        return _answer(400)
    if body is None:
        return _answer(413)
    if not wiring.provider(name).is_signed(body, request.headers):
        _refusals.one_more()
        return _answer(401)
    try:
        _keep(body, name=name, now=wiring.clock())
    except (DatabaseError, InterfaceError):
        logger.exception("A webhook could not be kept; the provider will try again")
        return _answer(503)
    return _answer(200)


def _answer(status: int) -> HttpResponse:
    answer = HttpResponse(status=status, content_type="text/plain")
    answer.headers["Cache-Control"] = "no-store"
    # Django writes a line for each answer of 400 and more: a flood of them would fill the log.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    if status == 503:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def _body(request: HttpRequest) -> bytes | None:
    """Return the raw body; None when it is larger than `MOST_BYTES`, of which no more is read."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length:
        if not (length.isascii() and length.isdigit()) or int(length[:12]) > MOST_BYTES:
            return None
        stream = request
    elif request.META.get("wsgi.input_terminated"):
        # Sent in chunks: Django would read nothing of it.
        stream = request.META["wsgi.input"]
    else:
        return None
    pieces, size = [], 0
    while piece := stream.read(PIECE_BYTES):
        size += len(piece)
        if size > MOST_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _keep(body: bytes, *, name: str, now: datetime) -> None:
    digest = hashlib.sha256(body).hexdigest()
    if deliveries.again(provider=name, digest=digest, now=now):
        return
    delivered, why = _read(body, name)
    useful = delivered is not None and delivered.brings_data and bool(delivered.login_id)
    sealed = wiring.vault().seal({"body": body.decode("latin-1")}) if useful else None
    with transaction.atomic():
        row = deliveries.keep(
            provider=name,
            digest=digest,
            size=len(body),
            delivered=delivered,
            sealed=sealed,
            why=why,
            now=now,
        )
        # Whoever applies the one that waits already comes to this one, too.
        others = applying.waiting(name, left_over=False)
        if row is not None and not others.exclude(pk=row.pk).exists():
            tasks.nudge_deliveries(name)


def _read(body: bytes, name: str) -> tuple[Delivered | None, str]:
    """Read a delivery as far as it may be; what is None could not be read, and why."""
    try:
        delivered = wiring.provider(name).read_delivery(unpacking.parse(body))
    except unpacking.NotReadable as odd:
        return None, odd.detail
    except ValueError as odd:
        return None, str(odd)
    except Exception:
        logger.exception("Our own reading of a webhook failed")
        return None, "Our own reading of it failed; the log holds the details."
    if not delivered.brings_data:
        return delivered, NO_DATA
    return delivered, "" if delivered.login_id else applying.NO_ID
