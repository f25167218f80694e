"""Keeps an uploaded file between preview and confirmation, where every web node finds it.

It holds names of customers, so it is sealed; it is its owner's alone, and gone after `KEPT_FOR`.
"""

import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from refreshops.logins.models import Upload

SIZE_CAP = 16 * 1024 * 1024
KEPT_FOR = timedelta(hours=1)
# Sealing needs several times the memory of what it seals.
PIECE = 1024 * 1024
# Between sealed pieces; what is sealed holds none.
_BETWEEN = b"\n"

Seal = Callable[[Any], bytes]
Open = Callable[[bytes], Any]


def keep(content: bytes, *, name: str, by: Any, now: datetime, seal: Seal) -> Upload:
    """Keep a file of at most `SIZE_CAP` bytes; the one its owner sent before is dropped."""
    drop_old(now=now)
    sealed = _BETWEEN.join(seal(piece.decode("latin-1")) for piece in _pieces(content))
    with transaction.atomic():
        Upload.objects.filter(uploaded_by=by).delete()
        return Upload.objects.create(
            name=name[-200:], uploaded_by=by, uploaded_at=now, sealed=sealed
        )


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]


def find(key: UUID, *, by: Any, now: datetime) -> Upload | None:
    """Return a person's own upload; None when it is gone."""
    return _own(key, by=by, now=now).first()


def claim(key: UUID, *, by: Any, now: datetime) -> Upload | None:
    """Do as `find`, and let nobody else claim it before this transaction ends."""
    return _own(key, by=by, now=now).select_for_update().first()


def _own(key: UUID, *, by: Any, now: datetime) -> QuerySet[Upload]:
    return Upload.objects.filter(pk=key, uploaded_by=by, uploaded_at__gt=now - KEPT_FOR)


def content_of(upload: Upload, *, open_sealed: Open) -> bytes:
    """Return the file as it was sent; raises what `open_sealed` raises."""
    content = io.BytesIO()
    for piece in bytes(upload.sealed).split(_BETWEEN):
        content.write(open_sealed(piece).encode("latin-1") if piece else b"")
    return content.getvalue()


def drop(key: UUID, *, by: Any) -> None:
    """Delete a person's own upload."""
    Upload.objects.filter(pk=key, uploaded_by=by).delete()


def drop_old(*, now: datetime) -> int:
    """Delete what nobody confirmed in time; return how many."""
    return Upload.objects.filter(uploaded_at__lte=now - KEPT_FOR).delete()[0]
