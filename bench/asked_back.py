"""Fills the reconnect cases: a thousand open ones, four thousand closed, what was said and sent.

Sized by the register, so that a small one has a page full of them.
"""

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from bench import endings
from refreshops.logins.models import (
    ClosedAs,
    ConnectLink,
    Contact,
    Customer,
    How,
    Letter,
    LetterKind,
    LetterState,
    LinkEnd,
    Login,
    ReconnectCase,
)
from refreshops.rules.outcomes import Outcome

OPEN, CLOSED = 1_000, 4_000
# Of the logins of a small register so many have an open case: enough to fill a page.
LEAST = 100
CODES = (
    ("mfa", "QUESTION_NOT_FOUND"),
    ("credentials", "INVALID_PASSWORD"),
    ("mfa", "INVALID_SECURITY_RESPONSE"),
    ("bank_site", "NEW_ACCOUNT"),
)
LINK_LIVES = timedelta(days=7)


def plant(opener: User, *, now: datetime) -> dict[str, int]:
    """Write cases for active logins of banks that are not down; return how many of what."""
    logins = Login.objects.active().exclude(institution=endings.OUTAGE_BANK).order_by("outcome")
    waiting = logins.filter(outcome=Outcome.USER_ACTION.value)
    wanted = min(OPEN, max(LEAST, waiting.count()))
    chosen = list((waiting if waiting.count() >= wanted else logins).order_by("pk")[:wanted])
    before = list(logins.exclude(pk__in=[row.pk for row in chosen]).order_by("pk")[:CLOSED])
    cases = _open(chosen, now=now) + _closed(before, now=now)
    ReconnectCase.objects.bulk_create(cases, batch_size=500)
    _say(cases, opener)
    links = _links(cases, opener)
    ConnectLink.objects.bulk_create(links, batch_size=500)
    Letter.objects.bulk_create([_letter(link, opener) for link in links], batch_size=500)
    return {"open": len(chosen), "closed": len(before), "links": len(links)}


def _open(logins: list[Login], *, now: datetime) -> list[ReconnectCase]:
    return [_case(login, number, now=now) for number, login in enumerate(logins)]


def _closed(logins: list[Login], *, now: datetime) -> list[ReconnectCase]:
    cases = [_case(login, number, now=now) for number, login in enumerate(logins)]
    for number, case in enumerate(cases):
        case.closed_at = min(now, case.opened_at + timedelta(hours=1 + number % 300))
        case.closed_as = ClosedAs.FRESH.value
    return cases


def _case(login: Login, number: int, *, now: datetime) -> ReconnectCase:
    reason, code = CODES[number % len(CODES)]
    opened = now - timedelta(minutes=37 * (number % 1_500) + 5)
    return ReconnectCase(
        login=login,
        reason=reason,
        provider_code=code,
        opened_at=opened,
        snoozed_until=now + timedelta(days=1) if number % 20 == 7 else None,
        last_contact_at=opened + timedelta(minutes=4) if number % 3 else None,
        reopened=number % 5 == 0,
    )


def _say(cases: list[ReconnectCase], opener: User) -> None:
    """Log a mail and a call for two cases of three."""
    ways = (How.MAIL, How.PHONE)
    Contact.objects.bulk_create(
        [
            Contact(
                case=case,
                at=case.opened_at + timedelta(minutes=2 * step),
                by=opener,
                how=how.value,
                text="Will sign in again this week",
            )
            for case in cases
            if case.last_contact_at is not None
            for step, how in enumerate(ways, start=1)
        ],
        batch_size=500,
    )


def _links(cases: list[ReconnectCase], opener: User) -> list[ConnectLink]:
    """Return a link for each case that somebody was written about; of a closed one it was used."""
    written = [case for case in cases if case.last_contact_at is not None]
    return [
        ConnectLink(
            provider_id=case.login.provider_id,
            customer_id=case.login.customer_id,
            login=case.login,
            case=case,
            institution=case.login.institution,
            made_at=case.opened_at,
            made_by=opener,
            expires_at=case.opened_at + LINK_LIVES,
            opened_at=case.opened_at + timedelta(minutes=9) if number % 2 else None,
            ended_at=case.closed_at,
            ended_as=LinkEnd.RECONNECTED.value if case.closed_at else "",
        )
        for number, case in enumerate(written)
    ]


def _letter(link: ConnectLink, opener: User) -> Letter:
    return Letter(
        kind=LetterKind.RECONNECT.value,
        link=link,
        to=f"customer-{link.customer_id}@customers.example",
        queued_at=link.made_at,
        queued_by=opener,
        not_before=link.made_at,
        state=LetterState.SENT.value,
        sent_at=link.made_at + timedelta(seconds=30),
    )


def give_addresses() -> int:
    """Give each customer of an open case an address; return how many have one."""
    waiting = ReconnectCase.objects.filter(closed_at__isnull=True)
    customers = list(Customer.objects.filter(pk__in=waiting.values("login__customer")))
    for customer in customers:
        customer.email = f"customer-{customer.pk}@customers.example"
    Customer.objects.bulk_update(customers, ["email"], batch_size=500)
    return len(customers)
