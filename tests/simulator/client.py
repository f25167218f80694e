"""A small client of the simulator, sharing no code with the product's own."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

from tests.simulation import BEARER, CUSTOMER_ID, SECRET_KEY, X_API_KEY


@dataclass(frozen=True)
class Heard:
    """One answer: `body` is the JSON value, or the bytes when it is none."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str | None:
        return self.body.get("FlinksCode")

    @property
    def request_id(self) -> str:
        return self.body["RequestId"]


class Client:
    """One keep-alive connection with the right keys."""

    def __init__(self, port: int, *, timeout: float = 10) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def call(
        self,
        method: str,
        endpoint: str,
        fields: Any = None,
        *,
        customer: str = CUSTOMER_ID,
        **headers: str | None,
    ) -> Heard:
        """Send one call; a header given as None is left out."""
        named = {"x_api_key": X_API_KEY, **headers}
        sent = {name.replace("_", "-"): value for name, value in named.items() if value}
        body = None
        if fields is not None:
            body = fields if isinstance(fields, bytes) else json.dumps(fields)
            sent["content-type"] = "application/json"
        path = f"/v3/{customer}/BankingServices/{endpoint}"
        self.connection.request(method, path, body, sent)
        answer = self.connection.getresponse()
        raw = answer.read()
        try:
            value = json.loads(raw)
        except ValueError:
            value = raw
        return Heard(answer.status, value, {k.lower(): v for k, v in answer.getheaders()})

    def authorize(self, login_id: str, *, cached: bool = True, **headers: str | None) -> Heard:
        fields = {"LoginId": login_id, "MostRecentCached": cached}
        if not cached:
            fields["Save"] = True
        return self.call("POST", "Authorize", fields, **headers)

    def detail(self, request_id: str, **options: Any) -> Heard:
        return self.call("POST", "GetAccountsDetail", {"RequestId": request_id, **options})

    def poll(self, request_id: str) -> Heard:
        return self.call("GET", f"GetAccountsDetailAsync/{request_id}")

    def switch(self, fields: dict[str, Any]) -> Heard:
        return self.call("PATCH", "SetScheduledRefresh", fields)

    def mint(self, *, key: str = SECRET_KEY) -> Heard:
        return self.call("POST", "GenerateAuthorizeToken", flinks_auth_key=key)

    def nightly_status(self, *, bearer: str = BEARER) -> Heard:
        return self.call("GET", "GetNightlyRefreshStatus", Authorization=f"Bearer {bearer}")

    def close(self) -> None:
        self.connection.close()
