"""The outbox and its courier: who is written to, when again, and when not any more."""

import smtplib
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from refreshops.connect import courier, letters, links
from refreshops.logins.models import (
    ConnectLink,
    Contact,
    Letter,
    LetterKind,
    Login,
    ReconnectCase,
)
from refreshops.tracing.models import Event
from tests.builders import NOON, FakeClock, make_customer
from tests.connect.mailing import (
    HOUSE,
    LIVES,
    Mailer,
    make_case,
    make_letter,
    make_link,
    send,
    state_of,
)
from tests.routine.at_once import at_once

pytestmark = pytest.mark.django_db

REFUSED_FOR_GOOD = smtplib.SMTPRecipientsRefused({"c1@customers.example": (550, b"c1 no such")})
REFUSED_FOR_NOW = smtplib.SMTPRecipientsRefused({"c1@customers.example": (450, b"c1 greylisted")})


# --- Into the outbox ---


def test_a_mail_waits_with_no_link_in_it():
    link = make_link(make_case(language="fr"))

    letter = letters.queue(link, kind=LetterKind.RECONNECT, by=None, now=NOON)

    assert (letter.to, letter.language, letter.state) == ("c1@customers.example", "fr", "queued")
    event = Event.objects.get(action="send_letters")
    assert (event.number, event.subject, event.subject_id) == (1, "login", link.login_id)
    assert not Contact.objects.exists()


def test_a_link_of_a_login_that_is_somebody_elses_now_is_mailed_to_nobody():
    link = make_link(make_case())
    Login.objects.update(customer=make_customer("C-other", name="John Doe"))
    link = ConnectLink.objects.get(pk=link.pk)

    with pytest.raises(letters.NotSendable, match="another customer"):
        letters.queue(link, kind=LetterKind.RECONNECT, by=None, now=NOON)


def test_the_same_order_twice_is_one_mail():
    link = make_link()

    first = letters.queue(link, kind=LetterKind.CONNECT, by=None, now=NOON)
    second = letters.queue(link, kind=LetterKind.CONNECT, by=None, now=NOON)

    assert first.pk == second.pk
    assert Event.objects.filter(action="send_letters").count() == 1


@pytest.mark.parametrize(
    ("email", "fields", "said"),
    [
        pytest.param(None, {}, "no e-mail address", id="no-address"),
        pytest.param("a@b.example", {"revoked_at": NOON}, "leads nowhere", id="revoked"),
        pytest.param(
            "a@b.example", {"ended_at": NOON, "ended_as": "cured"}, "leads nowhere", id="ended"
        ),
        pytest.param(
            "a@b.example", {"made_at": NOON - LIVES, "expires_at": NOON}, "nowhere", id="over"
        ),
    ],
)
def test_what_cannot_arrive_is_refused_at_once(email, fields, said):
    link = make_link(make_case(email=email or "x@y.example"))
    ConnectLink.objects.filter(pk=link.pk).update(**fields)
    link.refresh_from_db()
    if email is None:
        link.customer.email = ""

    with pytest.raises(letters.NotSendable, match=said):
        letters.queue(link, kind=LetterKind.RECONNECT, by=None, now=NOON)

    assert not Letter.objects.exists()


def test_many_cases_cost_as_many_statements_as_few():
    def count(numbers):
        for number in numbers:
            make_case(number)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            letters.queue_for_cases(ReconnectCase.objects.all(), by=None, now=NOON, lives=LIVES)
        return len(asked)

    count(range(1))
    few, more = count(range(1, 5)), count(range(5, 35))

    assert more == few
    assert Letter.objects.count() == 35
    assert Event.objects.filter(action="send_letters").count() == 3


def test_only_open_cases_of_wanted_logins_with_an_address_are_written_to():
    wanted, addressless, waiting, closed, off = (make_case(number) for number in range(5))
    type(addressless.login.customer).objects.filter(reference="C-1").update(email="")
    letters.queue(make_link(waiting), kind=LetterKind.RECONNECT, by=None, now=NOON)
    ReconnectCase.objects.filter(pk=closed.pk).update(closed_at=NOON, closed_as="fresh")
    Login.objects.filter(pk=off.login_id).update(status="inactive")

    queued = letters.queue_for_cases(ReconnectCase.objects.all(), by=None, now=NOON, lives=LIVES)

    assert queued == letters.Queued(mails=1, without_address=1, waiting=1)
    letter = Letter.objects.latest("pk")
    assert letter.link.case_id == wanted.pk
    assert letter.link.expires_at == NOON + LIVES


# --- Out of it ---


def test_what_is_sent_holds_the_link_and_nothing_of_the_bank():
    letter = make_letter(institution="Birch Bank")
    mailer = Mailer()

    done = send(mailer)

    assert (done.sent, done.failed, done.cancelled) == (1, 0, 0)
    message = mailer.taken[0]
    html = message.alternatives[0][0]
    address = links.address(letter.link, public_url=HOUSE.public_url)
    assert message.to == ["c1@customers.example"]
    assert address in message.body
    assert f'<a href="{address}">' in html
    assert "Lender &amp; Co" in html
    whole = message.message().as_string() + message.body
    for hidden in ("Birch", "Jane", "Roe", "C-1", letter.link.login.login_id):
        assert hidden not in whole
    assert message.message()["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("language", "called"), [("en", "with your lender."), ("fr", "avec votre prêteur.")]
)
def test_a_lender_without_a_name_is_called_one_in_the_customers_language(language, called):
    make_letter(language=language)
    mailer = Mailer()

    courier.send_due(
        clock=FakeClock(NOON), mailer=mailer, house=replace(HOUSE, lender="your lender")
    )

    assert called in mailer.taken[0].body


def test_a_mail_that_went_out_stands_in_the_contact_log():
    letter = make_letter()

    send(Mailer())

    letter.refresh_from_db()
    assert (letter.state, letter.sent_at) == ("sent", NOON)
    contact = Contact.objects.get()
    assert (contact.how, contact.at, contact.text) == ("mail", NOON, "Reconnect a bank")
    assert ReconnectCase.objects.get().last_contact_at == NOON


def test_a_batch_goes_over_one_connection():
    for number in range(courier.BATCH + 5):
        make_letter(number)
    mailer = Mailer()

    done = send(mailer)

    assert done.sent == len(mailer.taken) == courier.BATCH + 5
    assert (mailer.opened, mailer.closed) == (1, 1)


def test_nothing_to_send_opens_no_connection():
    mailer = Mailer()

    send(mailer)

    assert (mailer.opened, mailer.closed) == (0, 0)


def test_the_waits_grow_and_then_it_has_failed():
    letter = make_letter()
    clock, mailer = FakeClock(NOON), Mailer(away=ConnectionRefusedError("refused by 10.0.0.7"))
    waits = []
    for _ in range(courier.MOST_TRIES):
        send(mailer, clock=clock)
        letter.refresh_from_db()
        waits.append(letter.not_before - clock())
        clock.at = letter.not_before

    assert waits[:4] == list(courier.WAITS)
    assert state_of(letter) == ("failed", 5, "The mail server could not be reached (EMAIL_URL).")
    assert mailer.opened == 5


@pytest.mark.parametrize(
    ("wrong", "state", "words"),
    [
        pytest.param(REFUSED_FOR_GOOD, "failed", courier.REFUSED, id="refused-for-good"),
        pytest.param(REFUSED_FOR_NOW, "queued", "at present", id="refused-for-now"),
        pytest.param(
            smtplib.SMTPAuthenticationError(535, b"c1 wrong"),
            "queued",
            "name or password",
            id="key",
        ),
        pytest.param(
            smtplib.SMTPSenderRefused(550, b"c1", "us@c1"), "queued", "our own", id="sender"
        ),
        pytest.param(smtplib.SMTPDataError(554, b"spam c1"), "queued", "error 554", id="data"),
        pytest.param(smtplib.SMTPServerDisconnected("c1"), "queued", "broke off", id="gone"),
        pytest.param(TimeoutError("c1"), "queued", "in time", id="slow"),
        pytest.param(OSError("c1"), "queued", "reached", id="network"),
        pytest.param(RuntimeError("c1"), "queued", "(RuntimeError)", id="our-own-mistake"),
    ],
)
def test_a_failure_is_told_in_plain_words_and_stops_nobody_else(caplog, wrong, state, words):
    letter, other = make_letter(1), make_letter(2)
    mailer = Mailer(lambda message: wrong if "c1@" in message.to[0] else None)

    send(mailer)

    found, tries, error = state_of(letter)
    assert (found, tries) == (state, 1)
    assert words in error
    assert state_of(other)[0] == "sent"
    told = error + caplog.text
    assert "c1" not in told
    assert "connect/" not in told


def cancel_by(**fields):
    def change(letter):
        ConnectLink.objects.filter(pk=letter.link_id).update(**fields)

    return change


def change_login(**fields):
    return lambda letter: Login.objects.filter(pk=letter.link.login_id).update(**fields)


def move_login(letter):
    change_login(customer=make_customer("C-other", name="John Doe"))(letter)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(cancel_by(revoked_at=NOON), "revoked", id="revoked"),
        pytest.param(cancel_by(ended_at=NOON, ended_as="cured"), "connected", id="ended"),
        pytest.param(cancel_by(made_at=NOON - LIVES, expires_at=NOON), "expired", id="expired"),
        pytest.param(
            lambda letter: ReconnectCase.objects.update(closed_at=NOON, closed_as="fresh"),
            "case was closed",
            id="case-closed",
        ),
        pytest.param(change_login(status="inactive"), "not wanted", id="switched-off"),
        pytest.param(change_login(gone_at=NOON), "not wanted", id="gone"),
        pytest.param(move_login, "another customer", id="moved-to-another-customer"),
        pytest.param(change_login(institution="Down Bank"), "looks down", id="bank-down"),
        pytest.param(
            lambda letter: type(letter.link.customer).objects.update(email="new@a.example"),
            "address has changed",
            id="address-changed",
        ),
    ],
)
def test_what_became_pointless_meanwhile_is_called_off(change, words):
    letter = make_letter()
    change(letter)
    mailer = Mailer()

    done = send(mailer, banks_down=lambda: {"Down Bank"})

    state, _, error = state_of(letter)
    assert (done.cancelled, state) == (1, "cancelled")
    assert words in error
    assert (mailer.taken, mailer.opened) == ([], 0)
    assert not Contact.objects.exists()


def test_a_courier_told_to_stop_gives_back_what_it_holds():
    for number in range(3):
        make_letter(number)
    mailer, asked = Mailer(), iter([False, True])

    done = send(mailer, stop=lambda: next(asked))

    assert (done.sent, done.left) == (1, True)
    assert send(mailer).sent == 2
    assert set(Letter.objects.values_list("state", "tries")) == {("sent", 1)}


class Killed(BaseException):
    """The worker was killed."""


def test_a_courier_that_dies_after_sending_sends_once_more_and_only_after_its_hold(monkeypatch):
    letter = make_letter()
    clock, mailer = FakeClock(NOON), Mailer()

    def die(*_, **__):
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(courier, "_note_sent", die)
        with pytest.raises(Killed):
            send(mailer, clock=clock)
    at_once_again = send(mailer, clock=clock)
    clock.move(seconds=courier.HOLD.total_seconds())
    later = send(mailer, clock=clock)

    assert (at_once_again.sent, later.sent, len(mailer.taken)) == (0, 1, 2)
    names = {message.extra_headers["Message-ID"] for message in mailer.taken}
    assert len(names) == 1
    assert state_of(letter) == ("sent", 2, "")


def test_a_mail_that_kills_its_worker_each_time_is_given_up():
    letter = make_letter()
    Letter.objects.update(tries=courier.MOST_TRIES)

    done = send(Mailer())

    assert done.failed == 1
    assert state_of(letter) == ("failed", courier.MOST_TRIES + 1, courier.GAVE_UP)


def test_who_was_away_for_longer_than_the_hold_changes_nothing_any_more():
    letter = make_letter()

    def overtaken(message):
        Letter.objects.update(tries=2, not_before=NOON + timedelta(hours=1))

    done = send(Mailer(overtaken))

    assert done.sent == 0
    assert state_of(letter)[:2] == ("queued", 2)


# --- Failed ones again, tests ---


def test_failed_ones_are_tried_again_and_no_others():
    failed, sent = make_letter(1), make_letter(2)
    Letter.objects.filter(pk=failed.pk).update(state="failed", tries=5, error="x")
    Letter.objects.filter(pk=sent.pk).update(state="sent", sent_at=NOON)

    assert letters.retry(Letter.objects.all(), by=None, now=NOON) == 1

    assert state_of(failed) == ("queued", 0, "")
    assert letters.retry(Letter.objects.all(), by=None, now=NOON) == 0
    assert Event.objects.filter(action="send_letters", details__what="failed ones again").count()


def test_a_test_shows_a_text_with_a_link_that_leads_nowhere():
    letters.queue_test(
        sample_of=LetterKind.RECONNECT, language="fr", to="me@lender.example", by=None, now=NOON
    )
    mailer = Mailer()

    send(mailer)

    message = mailer.taken[0]
    assert message.to == ["me@lender.example"]
    assert message.subject.startswith("[Essai] Veuillez renouveler")
    assert courier.SAMPLE_PAGE in message.body


def test_a_test_needs_an_address():
    with pytest.raises(letters.NotSendable, match="no e-mail address"):
        letters.queue_test(sample_of=LetterKind.TEST, language="en", to="", by=None, now=NOON)


# --- Nothing leaks ---


def test_a_token_is_in_the_mail_alone(caplog):
    caplog.set_level("DEBUG")
    fine, refused = make_letter(1), make_letter(2)
    mailer = Mailer(lambda message: OSError(message.body) if "c2@" in message.to[0] else None)

    send(mailer)

    tokens = [links.token_of(row.link) for row in (fine, refused)]
    assert tokens[0] in mailer.taken[0].body
    stored = str([list(model.objects.values()) for model in (Letter, Event, Contact)])
    for token in tokens:
        assert token.rpartition(".")[2] not in stored + caplog.text


# --- At once ---


@pytest.mark.django_db(transaction=True)
def test_couriers_at_once_send_each_mail_once():
    for number in range(30):
        make_letter(number)
    mailer = Mailer()

    at_once(*[lambda: send(mailer)] * 4)

    sent_to = [message.to[0] for message in mailer.taken]
    assert sorted(sent_to) == sorted(set(sent_to))
    assert Letter.objects.filter(state="sent").count() == Contact.objects.count() == 30


@pytest.mark.django_db(transaction=True)
def test_two_orders_at_once_write_to_nobody_twice():
    for number in range(10):
        make_case(number)

    def order():
        letters.queue_for_cases(ReconnectCase.objects.all(), by=None, now=NOON, lives=LIVES)

    at_once(*[order] * 3)

    assert Letter.objects.count() == 10
