"""Cases, links and mails for tests, and a mail server that does as it is told."""

from datetime import timedelta

from django.core.mail.backends.base import BaseEmailBackend

from refreshops.connect import courier, letters, links
from refreshops.logins.models import Letter, LetterKind, ReconnectCase
from tests.builders import NOON, FakeClock, make_customer, make_login, make_provider

LIVES = timedelta(days=7)
HOUSE = courier.House(public_url="https://c.example", lender="Lender & Co", sample_lives=LIVES)


class Mailer(BaseEmailBackend):
    """A mail backend that keeps what it took; `refuse` gives what it raises for a mail, or None."""

    def __init__(self, refuse=lambda message: None, *, away=None):
        super().__init__()
        self.refuse, self.away = refuse, away
        self.taken = []
        self.opened = self.closed = 0

    def open(self):
        self.opened += 1
        if self.away:
            raise self.away
        return True

    def close(self):
        self.closed += 1

    def send_messages(self, email_messages):
        for message in email_messages:
            wrong = self.refuse(message)
            if wrong:
                raise wrong
            message.message()
            self.taken.append(message)
        return len(email_messages)


def make_case(number=1, *, email="", **fields):
    """Return the open case of a login of a customer of its own."""
    customer = make_customer(
        f"C-{number}",
        name=f"Jane Roe {number}",
        email=email if email is None else email or f"c{number}@customers.example",
        language=fields.pop("language", "en"),
    )
    login = make_login(customer=customer, institution=fields.pop("institution", "Maple Trust"))
    defaults = {"login": login, "reason": "mfa", "opened_at": NOON}
    return ReconnectCase.objects.create(**(defaults | fields))


def make_link(case=None, **fields):
    """Return a link for a case, or for a new customer."""
    if case is None:
        customer = make_customer("C-new", name="Jane Roe", email="new@customers.example")
        return links.make(
            provider=make_provider(), customer=customer, by=None, now=NOON, lives=LIVES, **fields
        )
    return links.make(
        provider=case.login.provider,
        customer=case.login.customer,
        login=case.login,
        case=case,
        by=None,
        now=NOON,
        lives=LIVES,
        **fields,
    )


def make_letter(number=1, *, kind=LetterKind.RECONNECT, **fields):
    """Return a mail in the outbox, about a case of its own."""
    return letters.queue(make_link(make_case(number, **fields)), kind=kind, by=None, now=NOON)


def send(mailer, *, clock=None, **options):
    """Have the courier send what is due."""
    return courier.send_due(clock=clock or FakeClock(NOON), mailer=mailer, house=HOUSE, **options)


def state_of(letter):
    """Return the state, tries and error of a mail as they are stored."""
    return Letter.objects.values_list("state", "tries", "error").get(pk=letter.pk)
