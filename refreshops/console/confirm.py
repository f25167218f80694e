"""The page that stands before every order with consequences."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString

from refreshops.console import labels
from refreshops.console.once import new_token
from refreshops.console.trails import trail_to


@dataclass(frozen=True)
class Question:
    """What the page says and asks; `facts` are pairs, `hidden` goes back with the form.

    `sample` are logins, or rows that read like them, each with its provider. `typed` is what a
    person must type to go on (field `typed`); with `starts_at` they may give a date (field
    `starts_on`) before which the order waits. `notices` stand above the form. `about` is the row
    whose page `back_url` is, where it has been read.
    """

    title: str
    consequence: str
    button: str
    back_url: str
    needs_reason: bool = False
    grave: bool = False
    facts: list[tuple[str, str]] = field(default_factory=list)
    sample: list[Any] = field(default_factory=list)
    not_shown: int = 0
    hidden: list[tuple[str, str]] = field(default_factory=list)
    possible: bool = True
    starts_at: bool = False
    typed: str = ""
    notices: list[str | SafeString] = field(default_factory=list)
    about: Any = None

    @property
    def login_id(self) -> str:
        """What the ids of the sample are called: of several providers, as lists of those do."""
        words = labels.words_of_rows(self.sample) or labels.words_of_several()
        return words.login_id

    def is_typed(self, request: HttpRequest) -> bool:
        """Tell whether the wanted text was typed; only spaces around it are forgiven."""
        return not self.typed or request.POST.get("typed", "").strip() == self.typed


def ask(request: HttpRequest, question: Question, *, error: str = "") -> TemplateResponse:
    """Render the page, with what was typed before and what was wrong with it."""
    context = {
        **admin.site.each_context(request),
        "title": question.title,
        "question": question,
        "trail": trail_to(request, question.back_url, row=question.about),
        "token": request.POST.get("token") or new_token(),
        "reason": reason_of(request),
        "starts_on": request.POST.get("starts_on", ""),
        "typed": request.POST.get("typed", ""),
        "zone": timezone.get_current_timezone_name(),
        "error": error,
    }
    return TemplateResponse(request, "console/confirm.html", context, status=400 if error else 200)


# What no database takes: PostgreSQL no NUL, none of them half a character.
_NOT_STORED = re.compile("[\0\ud800-\udfff]")


def reason_of(request: HttpRequest) -> str:
    """Return the reason that was typed, without what cannot be stored."""
    return _NOT_STORED.sub("", request.POST.get("reason", ""))


BACK = "back"


def came_from(request: HttpRequest) -> str:
    """Return where a person was when they chose the order: a path here, its filters with it.

    The confirmation form carries it (field `back`); before, the browser says it. Anything that
    leads elsewhere counts as not said, and the list that took the form is the answer.
    """
    carried = request.POST.get(BACK, "")
    if carried and _is_path_here(carried):
        return carried
    said = request.headers.get("Referer", "")
    if not carried and url_has_allowed_host_and_scheme(said, {request.get_host()}):
        parts = urlsplit(said)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if _is_path_here(path):
            return path
    return request.get_full_path()


def _is_path_here(path: str) -> bool:
    return path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
