"""Flinks as the engine sees it: one door out, one script for each purpose, one redacted reader."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from refreshops.providers.contract import (
    Answer,
    Call,
    Conversation,
    Envelope,
    NotOffered,
    Policy,
    UnreadableAnswer,
)
from refreshops.providers.flinks import answers, calls, conversations
from refreshops.providers.flinks.accounts import accounts_in, transaction_count
from refreshops.providers.flinks.codes import is_in_table
from refreshops.providers.flinks.persons import told, without_persons, without_values
from refreshops.providers.marks import PLAIN, Marker
from refreshops.providers.redaction import HIDDEN, KEEP, Allowed, Scrubber, keep
from refreshops.providers.transport import Transport, checked_base_url
from refreshops.rules.lifecycle import Purpose

KEPT_IN_REQUEST: Allowed = dict.fromkeys(
    ("LoginId", "RequestId", "MostRecentCached", "Save", "IsActivated"), KEEP
)
KEPT_IN_ANSWER: Allowed = {
    "HttpStatusCode": KEEP,
    "FlinksCode": KEEP,
    "Message": KEEP,
    "RequestId": KEEP,
    "Institution": KEEP,
    "InstitutionName": KEEP,
    "InstitutionId": KEEP,
    "Login": {"Id": KEEP, "IsScheduledRefresh": KEEP, "LastRefresh": KEEP},
    "Links": {"rel": KEEP},
}

_EVIDENCE = {
    calls.SCHEDULING: "order",
    calls.DELETING: "order",
    calls.AUTHORIZING: "read_back",
    # Asked for the nightly flag alone, where the Authorize hides it.
    calls.SUMMARISING: "read_back",
}
_READ_TEXTS = ("Message", "message", "FlinksCode", "RequestId", "Institution", "InstitutionName")
_KEY = re.compile(r"[!-~]*")


class Flinks:
    """Implements `contract.Provider`. Keys live here and leave in headers only.

    `api_url` reaches up to and including `/v3/`. An empty `secret_key` means that Authorize goes
    without a token; an empty `bearer_secret` that there is no opening call. `marker` marks what is
    hidden of an answer. Raises ValueError with one sentence when the address or a key cannot be
    used; it never repeats the key.
    """

    name = "flinks"

    def __init__(
        self,
        *,
        api_url: str,
        customer_id: str,
        secret_key: str = "",
        x_api_key: str = "",
        bearer_secret: str = "",
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
        self._transport = transport or Transport(base_url=base_url)
        self._keys = keys
        self._secrets = tuple(secret for secret in (*keys.values(), customer_id) if secret)
        self._scrubber = Scrubber(secrets=self._secrets, marker=marker)

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
        raise NotOffered(f"Flinks has no {purpose}.")

    def opening(self, policy: Policy) -> Conversation | None:
        """Return the nightly status script when its key is configured."""
        if not self._keys["bearer_secret"]:
            return None
        return conversations.NightlyStatus(policy=policy, scrubber=self._scrubber)

    def send(self, call: Call) -> Answer:
        """Make the exchange. An echo of our keys in the answer's message is hidden here already."""
        marker = self._scrubber.marker
        try:
            answer = self._transport.exchange(
                method=call.method,
                path=call.path,
                headers=self._headers(call),
                body=call.body,
                deadline_s=call.deadline_s,
                secrets=self._secrets_of(call),
                marker=marker,
            )
        except UnreadableAnswer as odd:
            odd.excerpt = without_values(odd.excerpt, marker=marker)
            raise
        return self._without_echo(call, answer)

    def shown_url(self, call: Call) -> str:
        """Return the URL for the trace, without the customer id."""
        return f"{self._api_url}[customer]/{call.path}"

    def shown_body(self, call: Call) -> dict[str, Any]:
        """Return the allowlisted parameters."""
        return keep(dict(call.body or {}), allowed=KEPT_IN_REQUEST, clean=self._cleaner(call))

    def envelope(self, call: Call, answer: Answer) -> Envelope:
        """Read an answer for the trace.

        `answer` of the envelope holds the listed fields, counts instead of accounts and cards, and
        `TransportStatus` where the HTTP status differs from the body's.
        """
        scrubber = self._cleaner(call)
        read = answers.read(answer)
        message = told(read, minting=call.endpoint == calls.MINTING, clean=scrubber)

        code = _shown_code(read, scrubber)

        def clean(text: str) -> str:
            return scrubber(without_persons(text, answer.body, marker=scrubber.marker))

        kept = keep(answer.body, allowed=KEPT_IN_ANSWER, clean=clean) | _counts(answer.body)
        kept |= {name: message for name in kept if name.lower() == "message"}
        kept |= {name: code for name in kept if name.lower() == "flinkscode"}
        if read.status != read.http_status:
            kept["TransportStatus"] = read.http_status
        return Envelope(
            http_status_code=read.status,
            provider_code=code,
            message=message,
            request_id="" if scrubber.finds_secret(read.request_id) else read.request_id,
            institution=clean(read.institution),
            answer=kept,
        )

    def evidence_of(self, endpoint: str) -> str:
        """Tell the call that gives an order from the one that reads it back."""
        return _EVIDENCE.get(endpoint, "")

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

    def _secrets_of(self, call: Call) -> Iterable[str]:
        return (*self._secrets, call.token) if call.token else self._secrets

    def _cleaner(self, call: Call) -> Scrubber:
        if not call.token:
            return self._scrubber
        return Scrubber(secrets=self._secrets_of(call), marker=self._scrubber.marker)

    def _without_echo(self, call: Call, answer: Answer) -> Answer:
        body = answer.body
        if isinstance(body, str):
            return replace(answer, body=self._cleaner(call)(body))
        if not isinstance(body, dict):
            return answer
        clean = self._cleaner(call)
        said = {name: body[name] for name in _READ_TEXTS if isinstance(body.get(name), str)}
        hidden = {name: clean(text) for name, text in said.items() if clean.finds_secret(text)}
        return replace(answer, body={**body, **hidden}) if hidden else answer


def _shown_code(read: answers.FlinksAnswer, scrubber: Scrubber) -> str:
    # No letters in a code: it is counted and grouped by.
    if scrubber.finds_secret(read.code):
        return HIDDEN
    return read.code if is_in_table(read.code) else without_persons(read.code, read.body)


def _counts(body: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    accounts = accounts_in(body)
    if accounts is not None:
        counts |= {
            "AccountCount": len(accounts),
            "TransactionCount": transaction_count(accounts),
        }
    cards = answers.ineligible_cards(body)
    if cards is not None:
        counts["IneligibleCardCount"] = len(cards)
    return counts
