"""The page that stands before every order with consequences."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from refreshops.console.once import new_token


@dataclass(frozen=True)
class Question:
    """What the page says and asks; `facts` are pairs, `hidden` goes back with the form."""

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


def ask(request: HttpRequest, question: Question, *, error: str = "") -> TemplateResponse:
    """Render the page, with what was typed before and what was wrong with it."""
    context = {
        **admin.site.each_context(request),
        "title": question.title,
        "question": question,
        "token": request.POST.get("token") or new_token(),
        "reason": request.POST.get("reason", ""),
        "error": error,
    }
    return TemplateResponse(request, "console/confirm.html", context, status=400 if error else 200)
