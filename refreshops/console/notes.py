"""Notes that staff write about a login: added, shown, never edited."""

import unicodedata
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_http_methods

from refreshops import wiring
from refreshops.console.addresses import page
from refreshops.console.machine_rows import ConsoleAdmin
from refreshops.console.story import tell
from refreshops.logins.models import Login, Note
from refreshops.tracing.events import Action

LONGEST = 2000
ERASED = "The customer asked to be forgotten: nothing more is written down about them."


class Refused(Exception):
    """A note that cannot be kept; the text says why."""


class LoginNotes(ConsoleAdmin):
    """What a login's admin adds: the way to write a note about it."""

    def get_urls(self) -> list[Any]:
        """Add the page that takes a note."""
        view = require_http_methods(["GET", "HEAD", "POST"])(self.note)
        own = path("<int:pk>/note/", self.admin_site.admin_view(view), name="login_note")
        return [own, *super().get_urls()]

    def note(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep the note and lead back to the login; ask again, with the text, for what cannot be.

        Foreign logins are not found.
        """
        if not may_note(request.user) or not self.has_view_permission(request):
            raise PermissionDenied
        login: Login | None = self.get_object(request, str(pk))
        if login is None:
            raise Http404(f"login {pk}")
        error = ""
        if request.method == "POST":
            try:
                _keep(request, login, text_of(request.POST.get("text", "")))
            except Refused as refused:
                error = str(refused)
            else:
                messages.success(request, "The note is kept.")
                return redirect(f"{page('logins_login', login.pk)}#timeline")
        return self._ask(request, login, error=error)

    def _ask(self, request: HttpRequest, login: Login, *, error: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Write a note",
            "login": login,
            "login_url": page("logins_login", login.pk),
            "text": request.POST.get("text", ""),
            "longest": LONGEST,
            "error": error,
        }
        status = 400 if error else 200
        return TemplateResponse(request, "console/note.html", context, status=status)


def may_note(user: Any) -> bool:
    """Tell whether `user` may write notes; about which logins is a matter of scoping."""
    return bool(user.has_perm("logins.add_note"))


def text_of(typed: str) -> str:
    """Return the text that is kept: plain, its lines kept, nothing that cannot be seen.

    Raise `Refused` for no text, and for one longer than `LONGEST` characters.
    """
    lines = typed.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = "".join(sign for sign in lines if sign == "\n" or not _is_unseen(sign)).strip()
    if not text:
        raise Refused("Write something: an empty note tells nobody anything.")
    if len(text) > LONGEST:
        raise Refused(f"The note has {len(text)} characters; at most {LONGEST} are kept.")
    return text


def _is_unseen(sign: str) -> bool:
    """Tell whether a sign only steers how others are shown; a joiner inside an emoji is none."""
    return unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co") and sign != "\u200d"


def _keep(request: HttpRequest, login: Login, text: str) -> None:
    with transaction.atomic():
        if login.customer.erasure_asked_at is not None:
            raise Refused(ERASED)
        Note.objects.create(
            login=login,
            written_at=wiring.clock(),
            written_by_id=int(request.user.pk or 0),
            text=text,
        )
        tell(request, Action.NOTE, subject=("login", login.pk))
