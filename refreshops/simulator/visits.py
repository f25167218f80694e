"""One visit of a customer to the fake Flinks Connect: what its address wished, how far it got."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode, urlsplit

from refreshops.simulator.banks import Bank
from refreshops.simulator.identifiers import new_guid
from refreshops.simulator.sessions import OpenSession
from refreshops.simulator.world import Login

FORGET_ABOVE = 5000


class BadWish(ValueError):
    """A parameter that cannot be honoured; the text says which."""


class Step(StrEnum):
    """Where a visit stands."""

    CONSENT = "consent"
    INSTITUTIONS = "institutions"
    CREDENTIAL = "credential"
    MFA = "mfa"
    ACCOUNTS = "accounts"
    DONE = "done"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The parameters that make a difference here (API notes, section 3); others are ignored."""

    redirect_url: str | None = None
    tag: str | None = None
    language: str = "en"
    scheduled: bool = False
    demo: bool = False
    closable: bool = False
    consent: bool = False
    select_accounts: bool = False
    several_accounts: bool = False

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Wishes":
        """Return the wishes in a query; raises BadWish."""

        def on(name: str) -> bool:
            return query.get(name, "").lower() == "true"

        return cls(
            redirect_url=_checked_redirect(query.get("redirectUrl")),
            tag=query.get("tag"),
            language="fr" if query.get("language", "").lower().startswith("fr") else "en",
            scheduled=on("scheduleRefresh"),
            demo=on("demo"),
            closable=on("closeEnable"),
            consent=on("consentEnable"),
            select_accounts=on("accountSelectorEnable"),
            several_accounts=on("accountSelectorMultiple"),
        )


def _checked_redirect(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadWish("redirectUrl is no address") from error
    sendable = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not sendable:
        raise BadWish("redirectUrl is not an http or https address")
    return url


@dataclass(slots=True)
class Visit:
    """One visit. `once` are events for the next page only; `session` is a handed-over one."""

    visit_id: str
    wishes: Wishes
    step: Step
    used_at: float
    once: list[dict[str, Any]] = field(default_factory=list)
    framed: bool = False
    bank: Bank | None = None
    username: str = ""
    prompts: tuple[str, ...] = ()
    problem: str | None = None
    session: OpenSession | None = None
    login: Login | None = None
    account_ids: tuple[str, ...] = ()

    @property
    def bank_name(self) -> str:
        """The institution chosen so far, empty for none."""
        return self.bank.name if self.bank else ""

    def landing(self) -> str | None:
        """Return where the customer goes when all is done; the query it had is kept."""
        if self.wishes.redirect_url is None or self.login is None:
            return None
        told = {"loginId": self.login.login_id, "institution": self.login.bank.name}
        if self.account_ids:
            told["accountId"] = ",".join(self.account_ids)
        if self.wishes.tag is not None:
            told["tag"] = self.wishes.tag
        parts = urlsplit(self.wishes.redirect_url)
        query = "&".join(part for part in (parts.query, urlencode(told)) if part)
        return parts._replace(query=query, path=parts.path or "/").geturl()


class Visits:
    """All visits under way; an idle one ends."""

    def __init__(self, *, idle_seconds: float) -> None:
        self.idle_seconds = idle_seconds
        self._by_id: dict[str, Visit] = {}
        self._lock = threading.Lock()

    def begin(self, wishes: Wishes, *, step: Step, at: float) -> Visit:
        """Return a new visit, alive from `at` (epoch seconds)."""
        visit = Visit(new_guid(), wishes, step, at, once=[{"step": "APP_MOUNTED"}])
        with self._lock:
            if len(self._by_id) > FORGET_ABOVE:
                alive = at - self.idle_seconds
                self._by_id = {k: v for k, v in self._by_id.items() if v.used_at >= alive}
            self._by_id[visit.visit_id] = visit
        return visit

    def use(self, visit_id: str, *, at: float) -> Visit | None:
        """Return the visit and restart its idle clock, None when it is unknown or was idle."""
        visit = self._by_id.get(visit_id)
        if visit is None or at - visit.used_at > self.idle_seconds:
            return None
        visit.used_at = at
        return visit
