"""A small client of the fake Flanks, sharing no code with the product's own."""

import http.client
import json
from typing import Any

from tests.simulation import FLANKS_CLIENT_ID, FLANKS_CLIENT_SECRET, Simulator
from tests.simulator.client import Heard

CREDENTIALS = "/v0/bank/credentials"
SESSIONS = "/connect/v2/sessions"


class FlanksClient:
    """One keep-alive connection. `bearer` is the access token, minted at the first call."""

    def __init__(self, port: int, *, timeout: float = 10) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.bearer: str | None = None

    def call(self, method: str, path: str, fields: Any = None, **headers: str | None) -> Heard:
        """Send one call with the bearer; a header given as None is left out."""
        if self.bearer is None:
            self.renew()
        return self.bare(
            method, path, fields, **{"authorization": f"Bearer {self.bearer}", **headers}
        )

    def bare(self, method: str, path: str, fields: Any = None, **headers: str | None) -> Heard:
        """Send one call as it is."""
        body = fields if fields is None or isinstance(fields, bytes) else json.dumps(fields)
        named = {"content_type": None if body is None else "application/json", **headers}
        sent = {name.replace("_", "-"): value for name, value in named.items() if value}
        self.connection.request(method, path, body, sent)
        answer = self.connection.getresponse()
        raw = answer.read()
        try:
            value = json.loads(raw)
        except ValueError:
            value = raw
        return Heard(answer.status, value, {k.lower(): v for k, v in answer.getheaders()})

    def mint(self, **given: str) -> Heard:
        """Ask for an access token."""
        fields = {
            "client_id": FLANKS_CLIENT_ID,
            "client_secret": FLANKS_CLIENT_SECRET,
            "grant_type": "client_credentials",
            **given,
        }
        return self.bare("POST", "/v0/token", fields)

    def renew(self) -> str:
        """Mint the access token and use it from now on."""
        self.bearer = self.mint().body["access_token"]
        return self.bearer

    def status(self, token: Any, **headers: str | None) -> Heard:
        return self.call("POST", f"{CREDENTIALS}/status", {"credentials_token": token}, **headers)

    def force(self, token: str, force: str) -> Heard:
        fields = {"credentials_token": token, "force": force}
        return self.call("PUT", f"{CREDENTIALS}/status", fields)

    def page(self, number: Any = None) -> Heard:
        fields = {} if number is None else {"page": number}
        return self.call("POST", f"{CREDENTIALS}/list", fields)

    def delete(self, token: str) -> Heard:
        return self.call("DELETE", CREDENTIALS, {"credentials_token": token})

    def data(self, kind: str, token: str, **options: Any) -> Heard:
        fields = {"credentials_token": token, **options}
        return self.call("POST", f"{CREDENTIALS}/{kind}", fields)

    def create_session(self, token: str, **wishes: Any) -> Heard:
        wanted = {"connection_id": token, "redirect_url": "http://lender.example/back/", **wishes}
        return self.call("POST", f"{SESSIONS}/create-session", {"configuration": wanted})

    def list_sessions(self, **query: Any) -> Heard:
        return self.call("POST", f"{SESSIONS}/list-sessions", {"query": query})

    def close(self) -> None:
        self.connection.close()


def error_of(heard: Heard) -> tuple[int, str, int | None]:
    """Return HTTP status, text and numeric code of a refusal."""
    return heard.status, heard.body.get("error", ""), heard.body.get("error_code")


def first_token(simulator: Simulator, fate: str) -> str:
    """Return a credentials_token of this fate."""
    return str(simulator.flanks.logins(fate=fate)[0]["login_id"])
