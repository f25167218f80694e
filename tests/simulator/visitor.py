"""A customer at the fake Flinks Connect, without a browser: reads forms and fills them in."""

import http.client
import json
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

# The only answers the simulated banks know.
ANSWERS = {
    "What city were you born in?": "Montreal",
    "What is the best country on earth?": "Canada",
    "What shape do people like most?": "Triangle",
}


class Page(HTMLParser):
    """What a page says: its text, its events, its forms by name and their fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.language = ""
        self.text = ""
        self.events: list[dict[str, Any]] = []
        self.next: str | None = None
        self.forms: dict[str, dict[str, str]] = {}
        self.labels: dict[str, str] = {}
        self.choices: list[str] = []
        self._form: dict[str, str] = {}
        self._said = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "html":
            self.language = given["lang"]
        elif tag == "body":
            self.events = json.loads(unescape(given["data-events"]))
            self.next = given.get("data-next")
        elif tag == "form":
            self._form = self.forms[given["id"]] = {"to": given["action"]}
        elif tag == "input":
            self._form[given["name"]] = given["value"]
            self.labels[given["name"]] = self._said
        elif tag == "button" and given.get("name"):
            self.choices.append(given["value"])

    def handle_data(self, data: str) -> None:
        self._said = data
        self.text += f"{data}\n"

    @property
    def steps(self) -> list[str]:
        """The steps of its events."""
        return [event["step"] for event in self.events]


class Visitor:
    """One customer. After each step either `page` is shown or `landed` says where they are now."""

    def __init__(self, connect_url: str, path: str = "", **parameters: str) -> None:
        self.netloc = urlsplit(connect_url).netloc
        self.status = 0
        self.page = Page('<body data-events="[]">')
        self.landed: str | None = None
        query = f"?{urlencode(parameters)}" if parameters else ""
        self._go("GET", urlsplit(connect_url).path + path + query)

    def send(self, form: str, *, framed: bool = False, **fields: str) -> "Visitor":
        """Send a form of the page, with these fields filled in."""
        filled = {**self.page.forms[form], **fields}
        if framed:
            filled["framed"] = "1"
        self._go("POST", filled.pop("to"), urlencode(filled))
        return self

    def choose(self, institution: str) -> "Visitor":
        """Pick an institution from the list."""
        return self.send("institution", institution=institution)

    def sign_in(self, username: str, password: str = "Everyday", **how: Any) -> "Visitor":
        """Fill in username and password."""
        return self.send("credential", username=username, password=password, **how)

    def answer(self, *answers: str) -> "Visitor":
        """Answer the questions: rightly, unless `answers` are given."""
        asked = [name for name in self.page.forms["mfa"] if name.startswith("answer-")]
        right = [ANSWERS[self.page.labels[name]] for name in asked]
        return self.send("mfa", **dict(zip(asked, answers or right, strict=True)))

    def reload(self) -> "Visitor":
        """Ask for the page once more."""
        self._go("GET", self.address)
        return self

    def _go(self, method: str, address: str, body: str | None = None) -> None:
        self.landed = None
        parts = urlsplit(address)
        if parts.netloc not in ("", self.netloc):
            self.landed = address
            return
        self.address = address
        connection = http.client.HTTPConnection(self.netloc, timeout=10)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            connection.request(method, address, body, headers)
            answer = connection.getresponse()
            html = answer.read().decode()
        finally:
            connection.close()
        self.status = answer.status
        location = answer.getheader("Location")
        if location:
            self._go("GET", location)
        else:
            self.page = Page(html)
