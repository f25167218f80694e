"""The one place where settings become provider clients, paces, clocks and vaults."""

import hmac
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from refreshops.bankdata.vault import Vault
from refreshops.environment import is_loopback
from refreshops.logins.models import Provider as ProviderRow
from refreshops.providers.contract import Done, NotOffered, Policy, Provider, Subject
from refreshops.providers.marks import Marker
from refreshops.routine.desk import Pace
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.handing_out import Words
from refreshops.wiring import clients, vocabulary
from refreshops.wiring.database_clock import DatabaseClock

clock = DatabaseClock()
_LONG_WORK = ("long_work_every", "long_work_first", "long_work_later_every", "long_work_limit")
_SCALED = ("busy_wait", *_LONG_WORK)

CANONICAL, spelled_freely = vocabulary.CANONICAL, vocabulary.spelled_freely
words, explain, listed_code = vocabulary.words, vocabulary.explain, vocabulary.listed_code
code_tables, codes_of = vocabulary.code_tables, vocabulary.codes_of
escalations, dropping = vocabulary.escalations, vocabulary.dropping


def provider_names() -> tuple[str, ...]:
    """Return the providers that the settings name, in the order of screens and commands."""
    return tuple(name for name, address in _addresses().items() if address)


def _addresses() -> dict[str, str]:
    return {"flinks": settings.FLINKS_API_URL, "flanks": settings.FLANKS_API_URL}


def _must_be_known(name: str) -> None:
    if name not in provider_names():
        known = ", ".join(provider_names())
        raise LookupError(f"No provider is called {name!r}; we know {known}.")


def local_date(now: datetime) -> date:
    """Return the day it is in our time zone."""
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


@cache
def provider(name: str) -> Provider:
    """Return the client of a provider; one per process. Raises LookupError for an unknown one."""
    _must_be_known(name)
    try:
        return clients.CLIENTS[name](settings, marker=_marker())
    except ValueError as senseless:
        raise ImproperlyConfigured(f"The {name.upper()}_ settings: {senseless}") from senseless


def ticket_words(name: str, *, amounts: bool) -> Words:
    """Return what cleans and explains the calls handed to a provider's support.

    With `amounts` they may say how much bank data came. Calls outlive the settings that led to
    them: the provider need not be set up any more.
    """
    return clients.ticket(name, settings, marker=_marker(), amounts=amounts)


def evidence_of(name: str) -> Callable[[str], str]:
    """Return what tells a provider's order calls from its read-backs (`Provider.evidence_of`).

    What a provider said that our settings name no more is told without a proof.
    """
    return provider(name).evidence_of if name in provider_names() else lambda endpoint: ""


@cache
def _marker() -> Marker:
    """Return what marks hidden values in the trace; with a new SECRET_KEY they are marked anew."""
    return Marker(hmac.digest(settings.SECRET_KEY.encode(), b"marks of hidden values", "sha256"))


def provider_row(name: str = "flinks") -> ProviderRow:
    """Return the register's row of a provider, made with the initial limit if it is new."""
    _must_be_known(name)
    row, _ = ProviderRow.objects.get_or_create(
        name=name, defaults={"logins_per_minute": settings.LOGINS_PER_MINUTE}
    )
    return row


def canonical_login_id(provider_name: str, text: str) -> str:
    """Return a provider's id of a login as the register keeps it; ValueError says what is wrong."""
    return CANONICAL[provider_name](text)


def begins_with_a_report(name: str) -> bool:
    """Tell whether a daily run begins with one call about the provider as a whole."""
    return provider(name).opening(policy()) is not None


def offers(name: str, purpose: Purpose) -> bool:
    """Tell whether a provider can do this at all; what it cannot do is offered to nobody."""
    if name not in provider_names():
        return False
    try:
        provider(name).conversation(purpose, policy())
    except NotOffered:
        return False
    return True


def here_only(name: str, purpose: Purpose) -> bool:
    """Tell whether such an order ends here: the provider has nothing that it could be asked."""
    if not offers(name, purpose):
        return False
    conversation = provider(name).conversation(purpose, policy())
    return isinstance(conversation.begin(Subject(login_id="x" * 36)), Done)


def about(name: str, purpose: Purpose) -> str:
    """Say what a purpose is at a provider, or why there is none; empty for the usual."""
    return provider(name).about(purpose) if name in provider_names() else ""


def can_forget(name: str) -> bool:
    """Tell whether a provider can delete a login."""
    return offers(name, Purpose.FORGET)


def window() -> timedelta:
    """Return the throttle's window."""
    return timedelta(seconds=settings.THROTTLE_WINDOW_SECONDS)


def policy() -> Policy:
    """Return the times a conversation obeys; the provider's row adds its freshness."""
    usual = Policy()
    return Policy(
        poll_every=timedelta(seconds=settings.POLL_SECONDS),
        poll_limit=timedelta(seconds=settings.POLL_LIMIT_SECONDS),
        window=window(),
        confirm_waits=tuple(wait * settings.WAIT_SCALE for wait in usual.confirm_waits),
        network_waits=tuple(wait * settings.WAIT_SCALE for wait in usual.network_waits),
        **{name: getattr(usual, name) * settings.WAIT_SCALE for name in _SCALED},
    )


def pace() -> Pace:
    """Return the engine's times and sizes."""
    return Pace(
        window=window(),
        lease=timedelta(seconds=settings.LEASE_SECONDS),
        concurrency=settings.CONCURRENCY,
        policy=policy(),
        call_deadline_s=settings.CALL_DEADLINE_SECONDS,
        customers_percent=connect_share_percent(),
    )


def driving_seats() -> int:
    """Return how many tasks may drive one provider: each has its own, and one worker is left."""
    return max(1, (int(settings.Q_CLUSTER["workers"]) - 1) // len(provider_names()))


def driving_places() -> int:
    """Return how many workers one provider may hold, driving or waiting for calls that hang: each
    of the others is left one.
    """
    return max(1, int(settings.Q_CLUSTER["workers"]) - len(provider_names()) + 1)


def call_retention() -> timedelta:
    """Return how long calls are kept."""
    return timedelta(days=settings.CALL_RETENTION_DAYS)


def snapshot_retention() -> timedelta:
    """Return how long snapshots are kept that are not the latest of their login."""
    return timedelta(days=settings.SNAPSHOT_RETENTION_DAYS)


def attempt_retention() -> timedelta:
    """Return how long ended attempts are kept."""
    return timedelta(days=settings.ATTEMPT_RETENTION_DAYS)


def remind_after() -> timedelta | None:
    """Return how long after a mail a customer who did nothing is reminded; None is never."""
    return timedelta(days=settings.REMIND_AFTER_DAYS) if settings.REMIND_AFTER_DAYS else None


def where_mails_go() -> str:
    """Say where mails go that leave this machine for nobody; empty where they are sent."""
    backend = settings.EMAIL_BACKEND.rsplit(".", 2)[-2]
    if backend == "filebased":
        return f"the folder {getattr(settings, 'EMAIL_FILE_PATH', '')}"
    return "the worker's own log" if backend == "console" else ""


def approval_above() -> int:
    """Return over how many logins an order of a person needs a second person's approval."""
    return int(settings.APPROVAL_ABOVE)


def public_url() -> str:
    """Return where customers reach us, without a path; empty where no links are offered."""
    return str(settings.PUBLIC_URL)


def return_url() -> str:
    """Return where a provider's page sends customers back to; empty where no links are offered."""
    return clients.return_url(settings)


def link_lives() -> timedelta:
    """Return how long a connect link leads somewhere."""
    return timedelta(days=settings.LINK_DAYS)


def case_switch_off_after() -> timedelta:
    """Return after how long an open reconnect case proposes to switch its login off."""
    return timedelta(days=settings.CASE_SWITCH_OFF_DAYS)


def lender_name() -> str:
    """Return who customers know us as."""
    return str(settings.LENDER_NAME)


def connect_share_percent() -> int:
    """Return how much of a provider's limit customers with links may take."""
    return int(settings.CONNECT_SHARE_PERCENT)


@cache
def vault() -> Vault:
    """Return what seals bank data, with our keys."""
    return Vault(settings.FIELD_ENCRYPTION_KEYS)


def environment_label(name: str = "") -> str:
    """Say where we call: `simulator`, `sandbox` or `production`; of several the most real one.

    `not set up` for one provider that our settings name no more: nobody knows where it was.
    """
    if name and name not in provider_names():
        return "not set up"
    found = {_label_of(known) for known in provider_names() if name in (known, "")}
    return next((word for word in ("production", "sandbox") if word in found), "simulator")


def _label_of(name: str) -> str:
    host = urlsplit(_addresses()[name]).hostname or ""
    label = "sandbox" if host.startswith("toolbox") else "production"
    return "simulator" if is_loopback(host) else label
