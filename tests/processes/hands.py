"""A person's hands on the pages of one installation: opens pages and sends the forms they draw.

hands.py USERNAME STEPS    STEPS is a JSON list; prints one JSON object a step

{"open": path}                          look at a page
{"press": words, "fill": {...}}         send the form of the button that begins with `words`
{"drive": seconds}                      let a worker's share be done
"""

import json
import sys
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from tests.processes.switching_driver import drive  # isort: split

from django.contrib.auth.models import User
from django.test import Client

FIELDS = {"input", "textarea", "select"}


@dataclass
class Form:
    """A form as the page draws it: what it sends when nobody changes anything."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class FormReader(HTMLParser):
    """Collects the forms that post."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""))
            if given.get("method", "").lower() == "post":
                self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "button":
            self._in_button = True
            self._open.buttons.append("")
        elif tag in FIELDS and given.get("name") and given.get("type") != "checkbox":
            self._open.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "button":
            self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._in_button and self._open is not None:
            self._open.buttons[-1] += data


class Hands:
    """Signed in as somebody; `page` is what stands on the screen."""

    def __init__(self, username: str) -> None:
        person, _ = User.objects.get_or_create(
            username=username, defaults={"is_staff": True, "is_superuser": True}
        )
        self.client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
        self.client.force_login(person)
        self.path, self.page = "/", ""

    def do(self, step: dict[str, Any]) -> dict[str, Any]:
        """Do one step; return what it came to."""
        begun = time.monotonic()
        if "drive" in step:
            drive(until=time.monotonic() + step["drive"])
            return {"seconds": time.monotonic() - begun}
        answer = self._answer(step)
        seconds = time.monotonic() - begun
        moves = [answer.headers["Location"]] if answer.status_code == 302 else []
        if moves:
            self.path = urljoin(self.path, moves[0])
            answer = self.client.get(self.path)
        self.page = answer.content.decode()
        return {
            "status": answer.status_code,
            "path": self.path,
            "seconds": round(seconds, 3),
            "bytes": len(self.page),
        }

    def _answer(self, step: dict[str, Any]) -> Any:
        if "open" in step:
            self.path = step["open"]
            return self.client.get(self.path)
        form = self._form(step["press"])
        self.path = urljoin(self.path, form.action)
        return self.client.post(self.path, form.fields | step.get("fill", {}))

    def _form(self, words: str) -> Form:
        reader = FormReader()
        reader.feed(self.page)
        for form in reader.forms:
            if any(button.strip().startswith(words) for button in form.buttons):
                return form
        drawn = [button.strip() for form in reader.forms for button in form.buttons]
        raise SystemExit(f"{self.path} has no button {words!r}, only {drawn}")


if __name__ == "__main__":
    hands = Hands(sys.argv[1])
    for step in json.loads(sys.argv[2]):
        print(json.dumps(hands.do(step)), flush=True)
