"""Flinks as the engine sees it: one door out, one script for each purpose, one redacted reader."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

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
from refreshops.providers.flinks import calls, connect_page, conversations, webhooks
from refreshops.providers.flinks.envelopes import envelope_of
from refreshops.providers.flinks.words import words
from refreshops.providers.marks import PLAIN, Marker
from refreshops.providers.redaction import KEEP, Allowed, keep
from refreshops.providers.transport import Transport, checked_base_url
from refreshops.rules.lifecycle import Purpose

KEPT_IN_REQUEST: Allowed = dict.fromkeys(
    ("LoginId", "RequestId", "MostRecentCached", "Save", "IsActivated"), KEEP
)
_EVIDENCE = {
    calls.SCHEDULING: "order",
    calls.DELETING: "order",
    calls.AUTHORIZING: "read_back",
    # Asked for the nightly flag alone, where the Authorize hides it.
    calls.SUMMARISING: "read_back",
}
_KEY = re.compile(r"[!-~]*")


class Flinks(Door):
    """Implements `contract.Provider`. Keys live here and leave in headers only.

    `api_url` reaches up to and including `/v3/`. An empty `secret_key` means that Authorize goes
    without a token; an empty `bearer_secret` that there is no opening call; an empty `webhook_key`
    that no delivery is believed; an empty `connect_url` that Flinks Connect is looked for beside
    the API. `marker` marks what is hidden of an answer. Raises ValueError with one sentence when an
    address or a key cannot be used; it never repeats the key.
    """

    name = "flinks"
    read_texts = ("Message", "message", "FlinksCode", "RequestId", "Institution", "InstitutionName")
    words = words

    def __init__(
        self,
        *,
        api_url: str,
        customer_id: str,
        secret_key: str = "",
        x_api_key: str = "",
        bearer_secret: str = "",
        webhook_key: str = "",
        connect_url: str = "",
        marker: Marker = PLAIN,
        transport: Transport | None = None,
    ) -> None:
        keys = {"secret_key": secret_key, "x_api_key": x_api_key, "bearer_secret": bearer_secret}
        for name, value in keys.items():
            if not _KEY.fullmatch(value):
                raise ValueError(f"{name} holds a space or a character that no header can carry.")
        if not customer_id.strip():
            raise ValueError("The customer id is missing.")
        self._api_url = checked_base_url(api_url)
        base_url = f"{self._api_url}{quote(customer_id, safe='')}/"
        self._connect_base = connect_page.base_of(connect_url, api_url=self._api_url)
        self._keys, self._webhook_key = keys, webhook_key
        super().__init__(
            transport=transport or Transport(base_url=base_url),
            secrets=(*keys.values(), webhook_key, customer_id),
            marker=marker,
        )

    def conversation(self, purpose: Purpose, policy: Policy) -> Conversation:
        """Return the script of a purpose; raise NotOffered for one Flinks does not have."""
        terms: dict[str, Any] = {
            "policy": policy,
            "mints_token": bool(self._keys["secret_key"]),
            "scrubber": self._scrubber,
        }
        match purpose:
            case Purpose.REFRESH:
                return conversations.CachedRefresh(**terms)
            case Purpose.LIVE_REFRESH:
                return conversations.LiveRefresh(**terms)
            case Purpose.SWITCH_OFF | Purpose.SWITCH_ON:
                return conversations.SwitchSchedule(on=purpose is Purpose.SWITCH_ON, **terms)
            case Purpose.CHECK_SCHEDULE:
                return conversations.CheckSchedule(**terms)
            case Purpose.FORGET:
                return conversations.Forget(**terms)
            case Purpose.RECONNECT if self._connect_base:
                return conversations.Reconnect(**terms)
            case Purpose.CONNECT if self._connect_base:
                return conversations.Connect(**terms)
            case Purpose.INVITE if self._connect_base and self._keys["secret_key"]:
                return conversations.Invite(**terms)
        raise NotOffered(f"Flinks has no {purpose}, or our settings do not name what it needs.")

    def opening(self, policy: Policy) -> Conversation | None:
        """Return the nightly status script when its key is configured."""
        if not self._keys["bearer_secret"]:
            return None
        return conversations.NightlyStatus(policy=policy, scrubber=self._scrubber)

    def about(self, purpose: Purpose) -> str:
        """Return nothing: Flinks does what the purposes say."""
        return ""

    def token_call(self) -> Call | None:
        """Return None: Flinks has no token that calls share."""
        return None

    def read_token(self, heard: Heard, *, now: datetime) -> Grant | Halt | None:
        """Return None: there is none to read."""
        return None

    def shown_url(self, call: Call) -> str:
        """Return the URL for the trace, without the customer id."""
        return f"{self._api_url}[customer]/{call.path}"

    def shown_body(self, call: Call) -> dict[str, Any]:
        """Return the allowlisted parameters."""
        return keep(dict(call.body or {}), allowed=KEPT_IN_REQUEST, clean=self._cleaner(call))

    def envelope(self, call: Call, answer: Answer) -> Envelope:
        """Read an answer for the trace."""
        minting = call.endpoint == calls.MINTING
        return envelope_of(answer, clean=self._cleaner(call), minting=minting)

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
        """Return the address of Flinks Connect for one customer (`connect_page.page_url`)."""
        if not self._connect_base:
            raise NotOffered("We do not know where Flinks Connect is: set FLINKS_CONNECT_URL.")
        return connect_page.page_url(
            self._connect_base,
            handover=handover,
            redirect_url=redirect_url,
            tag=tag,
            language=language,
            institution=institution,
            first=first,
        )

    def read_return(self, query: Mapping[str, str]) -> Returned:
        """Read what Flinks Connect adds to our address; without a LoginId nobody succeeded."""
        login_id = query.get("loginId", "").strip()
        return Returned(tag=query.get("tag", ""), login_id=login_id, failed=not login_id)

    def is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Tell whether Flinks signed this raw body with the webhook key."""
        return webhooks.is_signed(body, headers, key=self._webhook_key)

    def read_delivery(self, body: Any) -> Delivered:
        """Read a webhook; ValueError says why it cannot be read."""
        return webhooks.read_delivery(body, clean=self._scrubber)

    def judge_delivery(
        self, subject: Subject, body: Any, *, policy: Policy, now: datetime
    ) -> Result:
        """Judge a webhook with bank data as if we had fetched it."""
        return webhooks.judge_delivery(subject, body, policy=policy, now=now, clean=self._scrubber)

    def _headers(self, call: Call) -> dict[str, str]:
        value = call.token if call.auth == "token" else self._key(call.auth)
        match call.auth if value else "":
            case "secret" | "token":
                return {"flinks-auth-key": value}
            case "x_api_key":
                return {"x-api-key": value}
            case "bearer":
                return {"Authorization": f"Bearer {value}"}
        return {}

    def _key(self, auth: str) -> str:
        kept_as = {"secret": "secret_key", "x_api_key": "x_api_key", "bearer": "bearer_secret"}
        return self._keys[kept_as[auth]] if auth else ""
