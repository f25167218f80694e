"""The endpoints under /connect/v2/: connectors and sessions."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from refreshops.simulator.flanks.banks import SPANISH_BANKS
from refreshops.simulator.flanks.books import FlanksBooks
from refreshops.simulator.flanks.sessions import SessionStatus
from refreshops.simulator.flanks.world import Credential
from refreshops.simulator.messages import Reply, json_reply

PAGE = 100
Fields = Mapping[str, Any]
QUERIES = ("session_id_in", "status_in", "connection_id_in", "error_code_in")


class ConnectCalls:
    """What each call does; `origin` is scheme, host and port it came to."""

    def __init__(self, books: FlanksBooks) -> None:
        self._books = books

    def list_connectors(self, fields: Fields, origin: str) -> Reply:
        """POST /connect/v2/connectors/list-connectors."""
        items = [{"connector_id": bank.name, "name": bank.title} for bank in SPANISH_BANKS]
        return json_reply(200, {"items": items, "next_page_token": None})

    def create_session(self, fields: Fields, origin: str) -> Reply:
        """POST /connect/v2/sessions/create-session: for a connection there is."""
        wishes = fields.get("configuration")
        if not isinstance(wishes, dict):
            return self._books.invalid_body(["configuration"])
        credential = self._books.world.find(wishes.get("connection_id"))
        wrong = _wrong_wishes(wishes, credential)
        if credential is None or wrong:
            return self._books.invalid_body(f"configuration.{name}" for name in wrong)
        by_code = "sca_token" in wishes or (
            "reset_token" not in wishes and "sca_token" in credential.tokens
        )
        session = self._books.sessions.open(
            connection_id=credential.login_id,
            redirect_url=wishes["redirect_url"],
            status=(
                SessionStatus.WAITING_CHALLENGE if by_code else SessionStatus.WAITING_CREDENTIALS
            ),
            at=self._books.clock(),
        )
        return json_reply(200, {"session": session.to_json(origin=origin)})

    def list_sessions(self, fields: Fields, origin: str) -> Reply:
        """POST /connect/v2/sessions/list-sessions, oldest first."""
        query = fields.get("query") or {}
        wrong = _wrong_query(query)
        if wrong:
            return self._books.invalid_body(wrong)
        token = fields.get("page_token") or "0"
        if not str(token).isdigit():
            return self._books.invalid_body(["page_token"])
        found, begin = self._books.sessions.matching(query), int(token)
        items = [session.to_json(origin=origin) for session in found[begin : begin + PAGE]]
        following = str(begin + PAGE) if len(found) > begin + PAGE else None
        return json_reply(200, {"items": items, "next_page_token": following})


def _wrong_wishes(wishes: Fields, credential: Credential | None) -> list[str]:
    """Return the fields of a configuration that cannot be honoured."""
    wrong = [] if credential is not None else ["connection_id"]
    parts = urlsplit(str(wishes.get("redirect_url", "")))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        wrong.append("redirect_url")
    for name in ("sca_token", "reset_token", "transaction_token"):
        held = credential.tokens.get(name) if credential is not None else None
        if name in wishes and (held is None or wishes[name] != held):
            wrong.append(name)
    return wrong


def _wrong_query(query: object) -> list[str]:
    if not isinstance(query, dict):
        return ["query"]
    return [
        f"query.{name}"
        for name, value in query.items()
        if name not in QUERIES or not isinstance(value, list)
    ]
