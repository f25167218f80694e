"""Who signed in and out, and who tried to: told to the story (ASVS 5.0, 16.3.1)."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect

from refreshops import wiring
from refreshops.console.story import tell
from refreshops.tracing.events import SOMEBODY, Action, note
from refreshops.tracing.models import Event

# Whoever guesses all night must not fill the story: of one minute, so many are told.
FAILURES_A_MINUTE = 30


class ToldPasswords:
    """Mixin of the admin site: who changes their own password is told of."""

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show the form; tell of a change when it is made."""
        with transaction.atomic():
            answer = super().password_change(request, extra_context)  # type: ignore[misc]
            if request.method == "POST" and isinstance(answer, HttpResponseRedirect):
                tell(request, Action.CHANGE_PASSWORD)
        return answer


def listen() -> None:
    """Hear of every sign-in from now on."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    user_login_failed.connect(_failed)


def _signed_in(sender: Any, user: Any, **signal: Any) -> None:
    note(Action.SIGN_IN, by=user, at=wiring.clock())


def _signed_out(sender: Any, user: Any, **signal: Any) -> None:
    if user is not None:
        note(Action.SIGN_OUT, by=user, at=wiring.clock())


def _failed(sender: Any, credentials: dict[str, Any], **signal: Any) -> None:
    """Tell whose account was tried. A name that is nobody's is not kept: it may be a password."""
    now = wiring.clock()
    lately = Event.objects.filter(
        action=Action.FAIL_SIGN_IN.value, at__gt=now - timedelta(minutes=1)
    )
    if lately[:FAILURES_A_MINUTE].count() < FAILURES_A_MINUTE:
        note(Action.FAIL_SIGN_IN, by=_account(credentials) or SOMEBODY, at=now)


def _account(credentials: dict[str, Any]) -> Any:
    users = get_user_model()
    name = str(credentials.get(users.USERNAME_FIELD) or "")
    # PostgreSQL refuses a NUL in a text with an error; no name holds one.
    return None if "\0" in name else users._default_manager.filter(username=name).first()
