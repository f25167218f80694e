"""One HTTP request as it was read, and the reply before it is sent."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Malformed(Exception):
    """The body is not a JSON object; the text says why."""


@dataclass(slots=True)
class Request:
    """`arrived` is epoch seconds at the request line; header names are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    arrived: float

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path if "?" in self.target else self.target

    @property
    def query(self) -> dict[str, str]:
        """The query parameters, the last of each name."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    def fields(self) -> dict[str, Any]:
        """Return the JSON object of the body; raises Malformed."""
        if "json" not in self.headers.get("content-type", ""):
            raise Malformed("The request entity's media type is not supported: send JSON")
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise Malformed("The syntax of the request is incorrect") from error
        if not isinstance(value, dict):
            raise Malformed("The request is not an object")
        return value


@dataclass(slots=True)
class Reply:
    """`delivery` names the way it is sent (see delivery.py), with `details` for that way.

    `code` is the FlinksCode inside, kept beside the body for the log.
    """

    status: int
    body: bytes
    code: str | None = None
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    request_id: str | None = None
    login_id: str | None = None
    delivery: str = "whole"
    details: dict[str, Any] = field(default_factory=dict)


def json_reply(status: int, value: Any, **fields: Any) -> Reply:
    """Return a reply with `value` as compact JSON, accents unescaped as .NET sends them."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, body, **fields)
