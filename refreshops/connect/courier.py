"""The courier: takes mails that are due out of the outbox, sends them, and writes down what came.

At least once: who dies between sending and writing that down leaves the mail to be sent again when
its hold ends. No address and no link goes into an error or a line of the log.
"""

import logging
import smtplib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F

from refreshops.connect import letter_texts, links
from refreshops.connect.letter_words import NAMELESS, SAMPLE, YOUR_BANK, YOUR_LENDER
from refreshops.connect.letters import not_wanted_because
from refreshops.logins import cases
from refreshops.logins.models import ConnectLink, How, Letter, LetterKind, LetterState

logger = logging.getLogger(__name__)

# After each failure but the last, which ends it.
WAITS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
MOST_TRIES = len(WAITS) + 1
# A mail that is being sent is nobody else's for so long. A slice of the courier is far shorter.
HOLD = timedelta(minutes=10)
BATCH = 20
GAVE_UP = "The worker stopped each time before this mail was sent."
SAMPLE_PAGE = "/connect/this-is-only-a-test/"

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class House:
    """What mails say of us: our address and name; `sample_lives` is how long test links "live"."""

    public_url: str
    lender: str
    sample_lives: timedelta


@dataclass
class Sent:
    """What a slice came to; `left` tells that it was stopped before all was done."""

    sent: int = 0
    failed: int = 0
    cancelled: int = 0
    left: bool = False


@dataclass
class _Round:
    """One courier at work: the connection it keeps for all its mails."""

    clock: Clock
    mailer: Any
    house: House
    banks_down: Collection[str]
    texts: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    connected: bool = False


def send_due(
    *,
    clock: Clock,
    mailer: Any,
    house: House,
    banks_down: Callable[[], Collection[str]] = frozenset,
    stop: Callable[[], bool] = lambda: False,
) -> Sent:
    """Send what is due, over one connection of `mailer` (a mail backend of Django).

    Safe twice and at once: each mail is claimed by one. `stop` is asked before each.
    `banks_down` is asked once, when there is something to send.
    """
    done = Sent()
    if not is_due(now=clock()):
        return done
    work = _Round(clock, mailer, house, banks_down())
    try:
        while not done.left and (batch := _claim(now=clock())):
            for place, letter in enumerate(batch):
                if stop():
                    _give_back(batch[place:], now=clock())
                    done.left = True
                    break
                _carry(work, letter, done)
    finally:
        _hang_up(work)
    return done


def is_due(*, now: datetime) -> bool:
    """Tell whether there is anything to send now."""
    return bool(_due(now).exists())


def _due(now: datetime) -> Any:
    return Letter.objects.filter(state=LetterState.QUEUED, not_before__lte=now)


def _claim(*, now: datetime) -> list[Letter]:
    """Take the next mails: nobody else sends them while the hold lasts."""
    with transaction.atomic():
        held = _due(now).order_by("not_before", "id").select_for_update(skip_locked=True)
        keys = list(held.values_list("pk", flat=True)[:BATCH])
        _queued(keys).update(tries=F("tries") + 1, not_before=now + HOLD)
    found = Letter.objects.filter(pk__in=keys).order_by("pk")
    return list(
        found.select_related(
            "queued_by", "link__case__login", "link__customer", "link__login", "link__provider"
        )
    )


def _queued(keys: Collection[int]) -> Any:
    return Letter.objects.filter(pk__in=keys, state=LetterState.QUEUED)


def _give_back(letters: Collection[Letter], *, now: datetime) -> None:
    _queued([row.pk for row in letters]).update(tries=F("tries") - 1, not_before=now)


def _carry(work: _Round, letter: Letter, done: Sent) -> None:
    """Send one mail, or write down why not; nothing that is wrong with it stops the others."""
    now = work.clock()
    if why := not_wanted_because(letter, now=now, banks_down=work.banks_down):
        done.cancelled += _settle(letter, LetterState.CANCELLED, error=why)
    elif letter.tries > MOST_TRIES:
        done.failed += _settle(letter, LetterState.FAILED, error=GAVE_UP)
    elif why := _send(work, letter):
        done.failed += _failed(letter, why, now=work.clock())
    else:
        done.sent += _note_sent(letter, now=work.clock())


def _send(work: _Round, letter: Letter) -> str:
    """Send; return what went wrong in plain words, or nothing. Outside of any transaction."""
    try:
        message = _message(work, letter)
        if not work.connected:
            work.mailer.open()
            work.connected = True
        # Zero: the backend swallowed a refusal.
        return "" if work.mailer.send_messages([message]) else "The mail server did not take it."
    except Exception as wrong:
        _hang_up(work)
        return words_for(wrong)


def _hang_up(work: _Round) -> None:
    work.connected = False
    with suppress(smtplib.SMTPException, OSError):
        work.mailer.close()


def _message(work: _Round, letter: Letter) -> EmailMultiAlternatives:
    mail = _composed(work, letter)
    message = EmailMultiAlternatives(mail.subject, mail.body, to=[letter.to])
    message.attach_alternative(mail.html, "text/html")
    # Who is sent the same mail twice has a program that knows it by this.
    name = f"{letter.pk}.{letter.queued_at.timestamp():.0f}"
    domain = message.from_email.rpartition("@")[2].rstrip("> ")
    message.extra_headers |= {
        "Message-ID": f"<{name}@{domain}>",
        "Auto-Submitted": "auto-generated",
    }
    return message


def _composed(work: _Round, letter: Letter) -> letter_texts.Composed:
    link, language = letter.link, letter.language
    if link is None:
        values = sample_values(work.house, language=language, now=work.clock())
        text = _text(work, letter.sample_of or letter.kind, language)
        return letter_texts.compose(
            text, language=language, values=values, before_subject=SAMPLE[language]
        )
    text = _text(work, letter.kind, language)
    return letter_texts.compose(text, language=language, values=_values(work, letter, link))


def _text(work: _Round, kind: str, language: str) -> tuple[str, str]:
    """Return a text in force, read once a slice."""
    place = (kind, language)
    if place not in work.texts:
        work.texts[place] = letter_texts.text_of(kind=kind, language=language)
    return work.texts[place]


def _values(work: _Round, letter: Letter, link: ConnectLink) -> letter_texts.Values:
    return letter_texts.Values(
        link=links.address(link, public_url=work.house.public_url),
        institution=link.institution or YOUR_BANK[letter.language],
        lender=_lender(work.house, letter.language),
        expires=letter_texts.day_and_time(link.expires_at, language=letter.language),
    )


def sample_values(house: House, *, language: str, now: datetime) -> letter_texts.Values:
    """Return what tests and previews are filled with: the link leads nowhere."""
    return letter_texts.Values(
        link=f"{house.public_url}{SAMPLE_PAGE}",
        institution="Maple Trust",
        lender=_lender(house, language),
        expires=letter_texts.day_and_time(now + house.sample_lives, language=language),
    )


def _lender(house: House, language: str) -> str:
    """Return the lender's name; without one, what it is called in that language."""
    return YOUR_LENDER[language] if house.lender == NAMELESS else house.lender


def _failed(letter: Letter, why: str, *, now: datetime) -> int:
    """Write a failure down: to be tried again later, or for good; 1 for that."""
    logger.warning("Mail %s, try %s: %s", letter.pk, letter.tries, why)
    if letter.tries >= MOST_TRIES or why == REFUSED:
        return _settle(letter, LetterState.FAILED, error=why)
    later = now + WAITS[letter.tries - 1]
    _ours(letter).update(not_before=later, error=why)
    return 0


def _ours(letter: Letter) -> Any:
    """Return the row if it is still ours: who was away for too long finds it with another."""
    return Letter.objects.filter(pk=letter.pk, state=LetterState.QUEUED, tries=letter.tries)


def _settle(letter: Letter, state: LetterState, *, error: str) -> int:
    return int(_ours(letter).update(state=state, error=error[:300]))


def _note_sent(letter: Letter, *, now: datetime) -> int:
    """Write down that it went out, and on its case that somebody wrote: both or neither."""
    with transaction.atomic():
        sent = int(_ours(letter).update(state=LetterState.SENT, sent_at=now, error=""))
        case = letter.link.case if letter.link else None
        if sent and case is not None:
            label = LetterKind(letter.kind).label
            cases.log(case, how=How.MAIL, by=letter.queued_by, text=label.capitalize(), now=now)
    return sent


REFUSED = "The mail server refused this address for good."
_NO_ANSWER = "The mail server did not answer in time."
_NO_SERVER = "The mail server could not be reached (EMAIL_URL)."


def words_for(wrong: Exception) -> str:
    """Return what went wrong in plain words; nothing of what the exception says itself.

    What a server answers repeats addresses.
    """
    match wrong:
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in wrong.recipients.values()]
            for_good = bool(codes) and all(500 <= code < 600 for code in codes)
            return REFUSED if for_good else "The mail server does not take mail for it at present."
        case smtplib.SMTPAuthenticationError():
            return "The mail server refused our name or password (EMAIL_URL)."
        case smtplib.SMTPSenderRefused():
            return "The mail server refused our own address (DEFAULT_FROM_EMAIL)."
        case smtplib.SMTPResponseException():
            return f"The mail server answered with error {wrong.smtp_code}."
        case smtplib.SMTPServerDisconnected():
            return "The mail server broke off."
        case smtplib.SMTPException():
            return "The mail server cannot do what we ask (EMAIL_URL)."
        case TimeoutError():
            return _NO_ANSWER
        case OSError():
            return _NO_SERVER
        case _:
            return f"This mail could not be made ({type(wrong).__name__})."
