"""An order counts once, however often its form is sent (fault D1)."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

KEY = "orders_placed"
REMEMBERED = 50


@dataclass(frozen=True)
class Placed:
    """The runs of an order; `again` when the form had been sent before."""

    run_ids: list[int]
    again: bool


def new_token() -> str:
    """Return what a confirmation form carries to be recognised."""
    return secrets.token_urlsafe(12)


def place_once(request: HttpRequest, *, token: str, place: Callable[[], list[int]]) -> Placed:
    """Run `place` unless this session has sent the form with `token` before.

    The session's row is locked meanwhile, so that a double click is seen even when both requests
    arrive at once: the second waits, and finds the first one's runs.
    """
    with transaction.atomic():
        list(Session.objects.select_for_update().filter(pk=request.session.session_key))
        known = SessionStore(session_key=request.session.session_key).load().get(KEY, {})
        if token in known:
            return Placed(known[token], again=True)
        run_ids = place()
        kept = dict(list(known.items())[-REMEMBERED:])
        request.session[KEY] = {**kept, token: run_ids}
        request.session.save()
    return Placed(run_ids, again=False)
