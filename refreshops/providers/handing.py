"""What a provider hands over besides answers: bank data, evidence, deliveries, a way to its page.

Other folders take these names from `contract`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Envelope:
    """The provider-neutral, redacted reading of an answer, as the trace keeps it."""

    http_status_code: int | None
    provider_code: str
    message: str
    request_id: str
    institution: str
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Account:
    """One bank account as screens may show it: `last_four` is all that is kept of the number."""

    title: str
    kind: str
    currency: str
    balance_current: str | None
    balance_available: str | None
    balance_limit: str | None
    last_four: str


@dataclass(frozen=True)
class BankData:
    """What one attempt fetched. `payload` is the provider's answer, to be encrypted at rest."""

    as_of: datetime | None
    accounts: tuple[Account, ...]
    transaction_count: int
    payload: Any = field(repr=False)


@dataclass(frozen=True)
class Piece:
    """A part of what one attempt learns in several calls, kept sealed until the rest has come.

    `content` is a JSON value; the same `name` again takes the place of the earlier one.
    """

    name: str
    content: Any = field(repr=False)


@dataclass(frozen=True)
class Grant:
    """An access token that all our calls share, and for how long it is good."""

    token: str = field(repr=False)
    lasts: timedelta


@dataclass(frozen=True)
class Returned:
    """What a browser brought back from the provider's page. None of it is proven.

    `tag` is the echo of ours, `session_id` that of a handover's `request_id`, `login_id` what was
    connected, as it came. `failed` says that the page itself told of no success.
    """

    tag: str = ""
    session_id: str = ""
    login_id: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Handover:
    """What lets a customer go on at the provider's own page.

    `request_id` names the session that waits for the customer there; it dies when it lies idle
    (`Policy.session_idle`), and is empty for a new connection. `token` is a secret, good once:
    never stored in the clear, never logged; empty where the provider wants none.
    """

    request_id: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Delivered:
    """What a provider sent by itself, as far as it may be read before it is applied.

    `kind` is the provider's word for it, `brings_data` whether it can be judged like an answer with
    bank data. `login_id` is canonical; what a delivery does not say is an empty text.
    """

    kind: str
    login_id: str
    request_id: str
    tag: str
    institution: str
    message: str
    envelope: Envelope
    brings_data: bool = False
