"""Flanks as the engine sees it: one door out, one script for each purpose, one redacted reader."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from refreshops.providers.contract import (
    Answer,
    Call,
    Conversation,
    Delivered,
    Envelope,
    Grant,
    Halt,
    Handover,
    Heard,
    NotOffered,
    Policy,
    Result,
    Returned,
    Subject,
)
from refreshops.providers.door import Door
from refreshops.providers.flanks import calls, connect_page, conversations, meaning, tokens
from refreshops.providers.flanks.accounts import PRODUCTS
from refreshops.providers.flanks.envelopes import envelope_of, shown_request
from refreshops.providers.flanks.words import ABOUT, words
from refreshops.providers.marks import PLAIN, Marker
from refreshops.providers.redaction import SHORTEST_SECRET
from refreshops.providers.transport import Transport, checked_base_url
from refreshops.rules.lifecycle import Purpose

_KEY = re.compile(r"[!-~]+")
_SESSION_ID = re.compile(r"[A-Za-z0-9_.~-]{1,64}")
_EVIDENCE = {meaning.DELETE: "order", meaning.STATUS: "read_back"}


class Flanks(Door):
    """Implements `contract.Provider`. The client secret lives here and leaves in the token call.

    `api_url` reaches up to the host: no version. `return_url` is where a customer's session sends
    them back to; empty means that nobody is led to a page. `products` are the kinds of data we ask
    for (`accounts.PRODUCTS`). `marker` marks what is hidden of an answer. Raises ValueError with
    one sentence when a value cannot be used; it never repeats a key.
    """

    name = "flanks"
    words = words

    def __init__(
        self,
        *,
        api_url: str,
        client_id: str,
        client_secret: str,
        platform_url: str = "",
        return_url: str = "",
        products: Sequence[str] = tuple(PRODUCTS),
        ignore_data_errors: bool = True,
        marker: Marker = PLAIN,
        transport: Transport | None = None,
    ) -> None:
        for name, value in {"client_id": client_id, "client_secret": client_secret}.items():
            if not _KEY.fullmatch(value):
                raise ValueError(f"The {name} is missing, or holds a space or a special character.")
        if len(client_secret) < SHORTEST_SECRET:
            raise ValueError("The client_secret is too short to be one.")
        self._api_url = checked_base_url(api_url)
        self._platform = connect_page.base_of(platform_url, api_url=self._api_url)
        self._return_url = connect_page.checked_return(return_url)
        self._products = _checked_products(products)
        self._ignores_errors = ignore_data_errors
        self._client_id, self._client_secret = client_id, client_secret
        super().__init__(
            transport=transport or Transport(base_url=self._api_url),
            secrets=[client_secret],
            marker=marker,
        )

    def conversation(self, purpose: Purpose, policy: Policy) -> Conversation:
        """Return the script of a purpose; raise NotOffered for one Flanks does not have."""
        terms = self._terms(policy)
        match purpose:
            case Purpose.REFRESH:
                return conversations.Refresh(**terms)
            case Purpose.SWITCH_OFF | Purpose.SWITCH_ON:
                return conversations.HereOnly(on=purpose is Purpose.SWITCH_ON, **terms)
            case Purpose.CHECK_SCHEDULE:
                return conversations.Check(**terms)
            case Purpose.FORGET:
                return conversations.Forget(**terms)
            case Purpose.RECONNECT if self._platform and self._return_url:
                return conversations.Reconnect(**terms)
        raise NotOffered(
            self.about(purpose) or "Our settings do not name where Flanks's page sends people back."
        )

    def opening(self, policy: Policy) -> Conversation | None:
        """Return the script that lists all credentials Flanks holds."""
        return conversations.Listing(**self._terms(policy))

    def about(self, purpose: Purpose) -> str:
        """Say what a purpose is here, or why there is none."""
        return ABOUT.get(purpose, "")

    def token_call(self) -> Call | None:
        """Return the call that fetches the shared access token."""
        return calls.token(self._client_id)

    def read_token(self, heard: Heard, *, now: datetime) -> Grant | Halt | None:
        """Read what came of the token call (`tokens.read_token`)."""
        return tokens.read_token(heard, now=now, clean=self._scrubber)

    def shown_url(self, call: Call) -> str:
        """Return the URL for the trace; no key and no id is in it."""
        return f"{self._api_url}{call.path}"

    def shown_body(self, call: Call) -> dict[str, Any]:
        """Return the allowlisted parameters."""
        return shown_request(call, clean=self._cleaner(call))

    def envelope(self, call: Call, answer: Answer) -> Envelope:
        """Read an answer for the trace."""
        return envelope_of(call, answer, clean=self._cleaner(call), products=self._products)

    def evidence_of(self, endpoint: str) -> str:
        """Tell the call that gives an order from the one that reads it back."""
        return _EVIDENCE.get(endpoint, "")

    def connect_url(
        self,
        *,
        handover: Handover | None,
        redirect_url: str,
        tag: str,
        language: str = "en",
        institution: str = "",
        first: bool,
    ) -> str:
        """Return the address of one customer's session; where it leads back to stands in it."""
        if not self._platform:
            raise NotOffered("We do not know where Flanks's page is: set FLANKS_PLATFORM_URL.")
        return connect_page.page_url(self._platform, handover=handover)

    def read_return(self, query: Mapping[str, str]) -> Returned:
        """Read what Flanks's page adds to our address: a session, and an error if it failed."""
        session_id = query.get("session_id", "").strip()
        session_id = session_id if _SESSION_ID.fullmatch(session_id) else ""
        return Returned(session_id=session_id, failed=not session_id or bool(query.get("error")))

    def is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Return False: Flanks sends nothing by itself."""
        return False

    def read_delivery(self, body: Any) -> Delivered:
        """Raise ValueError: Flanks sends nothing by itself."""
        raise ValueError("Flanks sends nothing by itself, so this is not from Flanks.")

    def judge_delivery(
        self, subject: Subject, body: Any, *, policy: Policy, now: datetime
    ) -> Result:
        """Raise ValueError: Flanks sends nothing by itself."""
        raise ValueError("Flanks sends nothing by itself, so this is not from Flanks.")

    def _terms(self, policy: Policy) -> dict[str, Any]:
        return {
            "policy": policy,
            "scrubber": self._scrubber,
            "products": self._products,
            "ignore_data_errors": self._ignores_errors,
            "return_url": self._return_url,
        }

    def _headers(self, call: Call) -> dict[str, str]:
        return {"Authorization": f"Bearer {call.token}"} if call.token else {}

    def _body(self, call: Call) -> Mapping[str, Any] | None:
        if call.auth == "client":
            return {**(call.body or {}), "client_secret": self._client_secret}
        return call.body


def _checked_products(products: Sequence[str]) -> tuple[str, ...]:
    unknown = sorted(set(products) - set(PRODUCTS))
    if unknown:
        raise ValueError(
            f"The products may be {', '.join(PRODUCTS)}; {', '.join(unknown)[:100]} is none."
        )
    if not products:
        raise ValueError("The list of products is empty: nothing would be fetched.")
    return tuple(dict.fromkeys(products))
