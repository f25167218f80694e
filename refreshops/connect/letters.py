"""Mails to customers: put into the outbox, and out of it again. The courier sends them.

A mail's row holds no link: its text is made when it is sent. Source: issue 5 B.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from refreshops.logins.models import (
    ConnectLink,
    Letter,
    LetterKind,
    LetterState,
    Login,
    LoginStatus,
    ReconnectCase,
)
from refreshops.routine.connecting import MOVED, why_not_asked
from refreshops.routine.models import Beat
from refreshops.tracing.events import Action, note

# Who fills the outbox does it one after the other: nobody is written to twice by two at once.
OUTBOX = "outbox"


class NotSendable(Exception):
    """There is nothing to send, or nobody to send it to; the text is a sentence for people."""


@dataclass(frozen=True)
class Queued:
    """What became of the cases that a mail was wanted for."""

    mails: int
    # Their customer has no e-mail address.
    without_address: int
    # A mail waits already.
    waiting: int


def queue(link: ConnectLink, *, kind: LetterKind, by: Any, now: datetime) -> Letter:
    """Put a mail with `link` into the outbox, or return the one that waits there already.

    Raises `NotSendable` for a link that leads nowhere, and for a customer without an address.
    """
    if link.revoked_at or link.ended_at or link.expires_at <= now:
        raise NotSendable("This link leads nowhere any more: make a new one.")
    if why := why_not_asked(link):
        raise NotSendable(why)
    if link.customer.erasure_asked_at is not None:
        raise NotSendable("The customer asked to be forgotten: nobody writes to them any more.")
    if not link.customer.email:
        raise NotSendable("The customer has no e-mail address here: add one, or copy the link.")
    with transaction.atomic():
        _one_at_a_time(now)
        waiting = Letter.objects.filter(link=link, state=LetterState.QUEUED).first()
        if waiting is not None:
            return waiting
        letter = _letter(link, to=link.customer.email, kind=kind, by=by, now=now)
        letter.save()
        subject = ("login", link.login_id) if link.login_id else ("customer", link.customer_id)
        note(
            Action.SEND_LETTERS,
            by=by,
            at=now,
            number=1,
            subject=subject,
            details={"what": kind.label, "link": link.pk},
        )
    return letter


def queue_for_cases(
    cases: QuerySet[ReconnectCase],
    *,
    by: Any,
    now: datetime,
    lives: timedelta,
    kind: LetterKind = LetterKind.RECONNECT,
) -> Queued:
    """Put a mail with a link of its own into the outbox for each case that is open and wanted.

    However many, a few statements. `by` is a person, or words for who else it was.
    """
    with transaction.atomic():
        _one_at_a_time(now)
        waiting = _waiting()
        open_ones = list(_open(cases))
        idle = [case for case in open_ones if case.pk not in waiting]
        reached = [case for case in idle if case.login.customer.email]
        if reached:
            _queue_all(reached, kind=kind, by=by, now=now, lives=lives)
            details = {"what": kind.label}
            note(Action.SEND_LETTERS, by=by, at=now, number=len(reached), details=details)
    return Queued(
        mails=len(reached),
        without_address=len(idle) - len(reached),
        waiting=len(open_ones) - len(idle),
    )


def _waiting() -> set[int | None]:
    """Return the cases that a mail waits for in the outbox."""
    queued = Letter.objects.filter(state=LetterState.QUEUED, link__isnull=False)
    return set(queued.values_list("link__case_id", flat=True))


def _open(cases: QuerySet[ReconnectCase]) -> QuerySet[ReconnectCase]:
    wanted = cases.filter(
        closed_at__isnull=True,
        login__status=LoginStatus.ACTIVE,
        login__gone_at__isnull=True,
        login__customer__erasure_asked_at__isnull=True,
    )
    return wanted.select_related("login__customer").order_by("pk")


def _queue_all(
    cases: Sequence[ReconnectCase], *, kind: LetterKind, by: Any, now: datetime, lives: timedelta
) -> None:
    links = ConnectLink.objects.bulk_create(
        [
            ConnectLink(
                provider_id=case.login.provider_id,
                customer=case.login.customer,
                login=case.login,
                case=case,
                institution=case.login.institution,
                language=case.login.customer.language,
                made_at=now,
                made_by=_person(by),
                expires_at=now + lives,
            )
            for case in cases
        ]
    )
    Letter.objects.bulk_create(
        [_letter(link, to=link.customer.email, kind=kind, by=by, now=now) for link in links]
    )
    if kind is LetterKind.REMINDER:
        keys = [case.pk for case in cases]
        ReconnectCase.objects.filter(pk__in=keys).update(reminders=F("reminders") + 1)


def queue_test(*, sample_of: LetterKind, language: str, to: str, by: Any, now: datetime) -> Letter:
    """Put a text filled with sample values into the outbox, for whoever asks for it.

    Raises `NotSendable` without an address. One that waits already is not doubled.
    """
    if not to:
        raise NotSendable("You have no e-mail address here: ask whoever manages the users.")
    fields = {"kind": LetterKind.TEST, "sample_of": sample_of, "language": language, "to": to}
    with transaction.atomic():
        _one_at_a_time(now)
        waiting = Letter.objects.filter(**fields, state=LetterState.QUEUED).first()
        if waiting is not None:
            return waiting
        letter = Letter.objects.create(**fields, queued_at=now, queued_by=by, not_before=now)
        note(Action.SEND_LETTERS, by=by, at=now, number=1, details={"what": "test"})
    return letter


def retry(chosen: QuerySet[Letter], *, by: Any, now: datetime) -> int:
    """Put the failed ones among `chosen` into the outbox again; return how many."""
    with transaction.atomic():
        failed = chosen.filter(state=LetterState.FAILED)
        number = failed.update(state=LetterState.QUEUED, tries=0, not_before=now, error="")
        if number:
            details = {"what": "failed ones again"}
            note(Action.SEND_LETTERS, by=by, at=now, number=number, details=details)
    return number


def not_wanted_because(letter: Letter, *, now: datetime, banks_down: Collection[str] = ()) -> str:
    """Return why a mail in the outbox must not go out any more, in plain words; empty: it may."""
    link = letter.link
    if link is None:
        return "" if letter.kind == LetterKind.TEST.value else "Its link is gone."
    if link.revoked_at is not None:
        return "The link was revoked meanwhile."
    if link.ended_at is not None:
        return "The customer has connected meanwhile."
    if link.expires_at <= now:
        return "The link has expired meanwhile."
    if link.customer.erasure_asked_at is not None:
        return "The customer asked to be forgotten meanwhile."
    if link.customer.email != letter.to:
        return "The customer's address has changed meanwhile."
    if link.case is not None and link.case.closed_at is not None:
        return "The case was closed meanwhile."
    return _not_wanted_for(link.login, link, banks_down) if link.login is not None else ""


def _not_wanted_for(login: Login, link: ConnectLink, banks_down: Collection[str]) -> str:
    if login.customer_id != link.customer_id:
        return MOVED
    if login.status != LoginStatus.ACTIVE.value or login.gone_at is not None:
        return "The login is not wanted any more."
    if login.institution in banks_down:
        return "The bank looks down: nobody can reconnect there."
    return ""


def _letter(link: ConnectLink, *, to: str, kind: LetterKind, by: Any, now: datetime) -> Letter:
    return Letter(
        kind=kind,
        link=link,
        language=link.language,
        to=to,
        queued_at=now,
        queued_by=_person(by),
        not_before=now,
    )


def _person(by: Any) -> Any:
    """Return who is to be named on a row; nobody for what happens by itself."""
    return None if by is None or isinstance(by, str) else by


def _one_at_a_time(now: datetime) -> None:
    Beat.objects.get_or_create(name=OUTBOX, defaults={"seen_at": now})
    Beat.objects.select_for_update().get(name=OUTBOX)
