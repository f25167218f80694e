"""Reminders: who did nothing is written to again, twice at most; nobody else is."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from refreshops import wiring
from refreshops.connect import letters, reminders, tasks
from refreshops.logins.models import ConnectLink, Letter, LetterKind, Login, ReconnectCase
from refreshops.routine import schedules
from refreshops.tracing.models import Event
from tests.builders import NOON
from tests.connect.mailing import LIVES, Mailer, make_case, make_link, send

pytestmark = pytest.mark.django_db

AFTER = timedelta(days=4)
LATER = NOON + AFTER


def written_to(number=1, **fields):
    """Return a case whose customer got a mail at noon."""
    case = make_case(number, **fields)
    letters.queue(make_link(case), kind=LetterKind.RECONNECT, by=None, now=NOON)
    send(Mailer())
    return case


def remind(now=LATER, **options):
    return reminders.remind(
        now=now, after=AFTER, lives=LIVES, providers=["flinks"], **options
    ).mails


def test_who_did_nothing_for_so_long_is_reminded_with_a_new_link():
    case = written_to()

    assert remind(LATER - timedelta(seconds=1)) == 0
    assert remind() == 1

    letter = Letter.objects.latest("pk")
    assert (letter.kind, letter.queued_by) == ("reminder", None)
    assert case.links.count() == 2
    case.refresh_from_db()
    assert case.reminders == 1
    assert Event.objects.filter(action="send_letters", actor="the schedule").get().number == 1


def test_repeating_it_reminds_nobody_again():
    written_to()

    assert [remind(), remind()] == [1, 0]


def test_there_are_two_reminders_and_no_third():
    written_to()
    moments, found = [LATER + AFTER * n for n in range(4)], []
    for moment in moments:
        found.append(remind(moment))
        send(Mailer(), clock=lambda moment=moment: moment)

    assert found == [1, 1, 0, 0]


def change(model, **fields):
    return lambda case: model.objects.update(**fields)


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(change(ConnectLink, started_at=LATER, starts=1), id="clicked"),
        pytest.param(change(ReconnectCase, closed_at=LATER, closed_as="fresh"), id="closed"),
        pytest.param(change(ReconnectCase, snoozed_until=LATER + timedelta(hours=1)), id="put-off"),
        pytest.param(change(Login, status="inactive"), id="switched-off"),
        pytest.param(change(Login, institution="Down Bank"), id="bank-down"),
        pytest.param(change(Letter, state="failed", sent_at=None), id="mail-never-went-out"),
        pytest.param(
            lambda case: type(case.login.customer).objects.update(email=""), id="no-address"
        ),
    ],
)
def test_nobody_is_reminded_in_vain(meanwhile):
    meanwhile(written_to())

    assert remind(banks_down={"Down Bank"}) == 0


def test_a_link_that_a_scanner_opened_is_not_used():
    written_to()
    ConnectLink.objects.update(opened_at=NOON)

    assert remind() == 1


def test_a_case_that_nobody_has_written_about_is_a_persons_to_begin():
    make_case()

    assert remind() == 0


def test_more_cases_cost_no_more_statements():
    def count(numbers):
        for number in numbers:
            written_to(number)
        with CaptureQueriesContext(connection) as asked:
            assert remind() == len(numbers)
        return len(asked)

    count(range(1))

    assert count(range(1, 4)) == count(range(4, 24))


class TestTask:
    @pytest.fixture(autouse=True)
    def _settings(self, settings, monkeypatch):
        settings.PUBLIC_URL = "https://c.example"
        settings.REMIND_AFTER_DAYS = 4
        schedules.ensure_schedules(wiring.provider_names())
        self.now = NOON + AFTER
        monkeypatch.setattr(wiring, "clock", lambda: self.now)
        written_to()

    def test_it_waits_until_the_daily_run_has_begun(self):
        # 10:29 and 10:31 in Toronto.
        self.now = datetime(2026, 11, 25, 15, 29, tzinfo=UTC)
        early = tasks.remind()
        self.now += timedelta(minutes=2)

        assert (early, tasks.remind()) == ("not yet", "1 reminders")

    def test_without_a_daily_run_it_begins_in_the_morning(self):
        for name in wiring.provider_names():
            schedules.set_daily_time(None, provider=name)
        self.now = datetime(2026, 11, 25, 13, 59, tzinfo=UTC)
        early = tasks.remind()
        self.now += timedelta(minutes=2)

        assert (early, tasks.remind()) == ("not yet", "1 reminders")

    def test_it_waits_for_the_daily_run_of_that_provider_alone(self):
        schedules.set_daily_time(time(9), provider="flanks")
        schedules.set_daily_time(time(17), provider="flinks")

        # 10:31 in Toronto: Flinks has not been asked today.
        self.now = datetime(2026, 11, 25, 15, 31, tzinfo=UTC)
        early = tasks.remind()
        schedules.set_daily_time(time(17), provider="flanks")
        schedules.set_daily_time(time(9), provider="flinks")

        assert (early, tasks.remind()) == ("0 reminders", "1 reminders")

    @pytest.mark.parametrize("name", ["REMIND_AFTER_DAYS", "PUBLIC_URL"])
    def test_it_is_off_without_its_setting(self, settings, name):
        setattr(settings, name, 0 if name == "REMIND_AFTER_DAYS" else "")

        assert tasks.remind() == "reminders are off"
        assert Letter.objects.filter(kind="reminder").count() == 0

    def test_the_courier_is_sent_for(self, django_capture_on_commit_callbacks, mailoutbox):
        with django_capture_on_commit_callbacks(execute=True):
            tasks.remind()

        queued = [row.func() for row in OrmQ.objects.all()]
        assert queued == ["refreshops.connect.tasks.send_letters"]
        assert "token" not in str([row.payload for row in OrmQ.objects.all()])
        assert tasks.send_letters() == "1 sent, 0 failed, 0 called off"
        assert tasks.send_letters() == "nothing to send"
        assert [message.to for message in mailoutbox] == [["c1@customers.example"]]
