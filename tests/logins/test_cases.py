"""A reconnect case: what opens, keeps, closes and reopens it, and who should work on it now."""

import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from refreshops.logins import cases
from refreshops.logins.models import ClosedAs, Contact, How, Login, ReconnectCase
from refreshops.logins.outages import banks_down
from refreshops.routine.turn import hold_login
from refreshops.rules.outcomes import Outcome
from tests.builders import NOON, make_customer, make_login
from tests.routine.at_once import at_once

ASKED = "mfa"


def hear(login, outcome, *, now=NOON, reason=ASKED, code="QUESTION_NOT_FOUND"):
    cases.heard(login, outcome=outcome, reason=reason, provider_code=code, attempt_id=7, now=now)


def state_of(login):
    """Return "none", "open", or how the last case was closed; with its relapses."""
    last = ReconnectCase.objects.filter(login=login).order_by("pk").last()
    if last is None:
        return "none"
    return (last.closed_as or "open") + "+" * last.reopened


# --- One answer ---

STATES = {
    "none": [],
    "open": [("user_action", 0)],
    "fresh lately": [("user_action", 0), ("fresh", 1)],
    "fresh long ago": [("user_action", 0), ("fresh", 1)],
    "replaced": [("user_action", 0)],
}
LATER = {"fresh long ago": timedelta(days=40)}
NEITHER = [row.value for row in Outcome if row not in (Outcome.FRESH, Outcome.USER_ACTION)]
TABLE = [
    *(("none", outcome, "none", 0) for outcome in ("fresh", *NEITHER)),
    ("none", "user_action", "open", 1),
    *(("open", outcome, "open", 1) for outcome in ("user_action", *NEITHER)),
    ("open", "fresh", "fresh", 1),
    *(("fresh lately", outcome, "fresh", 1) for outcome in ("fresh", *NEITHER)),
    ("fresh lately", "user_action", "open+", 1),
    ("fresh long ago", "user_action", "open", 2),
    *(("replaced", outcome, "replaced", 1) for outcome in ("user_action", "fresh")),
]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "answer", "after", "number"),
    [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in TABLE],
)
def test_an_answer_moves_a_case(before, answer, after, number):
    login = make_login()
    for outcome, hours in STATES[before]:
        hear(login, outcome, now=NOON + timedelta(hours=hours))
    if before == "replaced":
        cases.close(login_id=login.pk, how=ClosedAs.REPLACED, now=NOON)

    hear(login, answer, now=NOON + LATER.get(before, timedelta(hours=2)))

    assert (state_of(login), ReconnectCase.objects.count()) == (after, number)


@pytest.mark.django_db
def test_a_relapse_keeps_its_history_and_begins_its_reminders_anew():
    login = make_login()
    hear(login, "user_action")
    ReconnectCase.objects.update(reminders=2)
    cases.log(ReconnectCase.objects.get(), how=How.PHONE, text="Called", now=NOON)
    hear(login, "fresh", now=NOON + timedelta(days=1))

    hear(login, "user_action", now=NOON + timedelta(days=14), reason="consent", code="X")

    case = ReconnectCase.objects.get()
    assert (case.closed_at, case.closed_as, case.reopened, case.reminders) == (None, "", 1, 0)
    assert (case.reason, case.provider_code, case.opened_at) == ("consent", "X", NOON)
    assert case.contacts.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("days", [14, 15])
def test_what_comes_after_two_weeks_is_a_case_of_its_own(days):
    login = make_login()
    hear(login, "user_action")
    hear(login, "fresh")

    hear(login, "user_action", now=NOON + timedelta(days=days))

    assert ReconnectCase.objects.count() == (1 if days == 14 else 2)


@pytest.mark.django_db
def test_an_inactive_login_opens_none_though_it_was_read_as_active():
    login = make_login()
    Login.objects.update(status="inactive")

    hear(login, "user_action")

    assert state_of(login) == "none"


@pytest.mark.django_db
def test_a_login_connected_anew_closes_the_cases_of_the_old_ones_at_its_bank_alone():
    customer, other = make_customer("C-1"), make_customer("C-2")
    old = make_login(customer=customer, institution="TD")
    elsewhere = make_login(customer=customer, institution="RBC")
    foreign = make_login(customer=other, institution="TD")
    for login in (old, elsewhere, foreign):
        hear(login, "user_action")

    closed = cases.close_replaced(make_login(customer=customer, institution="TD"), now=NOON)

    assert closed == 1
    assert [state_of(row) for row in (old, elsewhere, foreign)] == ["replaced", "open", "open"]


# --- Working on them ---


@pytest.fixture
def case(db):
    hear(make_login(), "user_action")
    return ReconnectCase.objects.get()


def test_a_contact_is_written_down_with_who_and_when(case, django_user_model):
    person = django_user_model.objects.create_user("ops")

    cases.log(case, how=How.PHONE, by=person, text=f"  {'x' * 600} ", now=NOON)

    contact = Contact.objects.get()
    assert (contact.by, contact.how, contact.text, contact.at) == (person, "phone", "x" * 500, NOON)
    case.refresh_from_db()
    assert case.last_contact_at == NOON


def test_a_snoozed_case_is_to_do_again_when_its_time_has_come(case):
    until = NOON + timedelta(days=1)

    assert cases.snooze(case, until=until)

    asleep = cases.to_do(cases.open_cases(), now=until - timedelta(seconds=1))
    awake = cases.to_do(cases.open_cases(), now=until)
    assert (list(asleep), list(awake)) == ([], [case])
    assert cases.snooze(case, until=None)
    assert list(cases.to_do(cases.open_cases(), now=NOON)) == [case]


def test_a_closed_case_is_not_snoozed(case):
    hear(case.login, "fresh")

    assert not cases.snooze(case, until=NOON + timedelta(days=1))
    case.refresh_from_db()
    assert case.snoozed_until is None


@pytest.mark.parametrize("change", [{"status": "inactive"}, {"gone_at": NOON}])
def test_the_case_of_a_login_nobody_wants_rests(case, change):
    Login.objects.update(**change)

    assert list(cases.open_cases()) == []


def test_a_case_of_a_bank_that_is_down_is_not_to_do(case):
    down = [case.login.institution]

    assert list(cases.to_do(cases.open_cases(), now=NOON, banks_down=down)) == []


def test_switching_off_is_proposed_after_so_many_days(case):
    after = timedelta(days=30)

    def proposed(days):
        now = NOON + timedelta(days=days)
        return list(cases.proposing_switch_off(cases.open_cases(), now=now, after=after))

    assert (proposed(29.9), proposed(30)) == ([], [case])


@pytest.mark.django_db
def test_recovery_counts_what_was_opened_lately_and_came_back():
    for bank, back in (("TD", True), ("TD", False), ("RBC", True)):
        login = make_login(institution=bank)
        hear(login, "user_action", now=NOON - timedelta(days=3))
        if back:
            hear(login, "fresh")
    hear(make_login(institution="Old"), "user_action", now=NOON - timedelta(days=31))

    found = cases.recovery(now=NOON)

    assert found == [("RBC", 1, 1), ("TD", 2, 1)]


# --- Any history at all ---

SEEDS = [
    pytest.param(seed, marks=[] if seed < 12 else pytest.mark.soak, id=f"seed-{seed}")
    for seed in range(200)
]


@dataclass
class Told:
    """What a login's case should be, by the words of the issue and nothing else."""

    open: bool = False
    closed_at: object = None
    replaced: bool = False
    number: int = 0
    relapses: int = 0

    def hear(self, outcome, *, active, now):
        if outcome == "fresh":
            if self.open:
                self.open, self.closed_at, self.replaced = False, now, False
        elif outcome == "user_action" and active and not self.open and not self.replaced:
            relapse = self.closed_at is not None and now - self.closed_at <= cases.RELAPSE_WITHIN
            self.relapses = self.relapses + 1 if relapse else 0
            self.number += 0 if relapse else 1
            self.open = True


@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS)
def test_after_any_history_there_is_at_most_one_open_case_and_only_fresh_or_newer_closes(seed):
    draw, now = random.Random(seed), NOON
    logins = [make_login(institution="TD") for _ in range(3)]
    told = {login.pk: Told() for login in logins}
    for _ in range(draw.randrange(5, 60)):
        now += timedelta(days=draw.choice([0.01, 1, 5, 13, 15]))
        login = draw.choice(logins)
        deed = draw.choice(["answer"] * 8 + ["switch", "anew", "snooze"])
        if deed == "answer":
            outcome = draw.choice(["user_action", "user_action", "fresh", *NEITHER])
            active = Login.objects.get(pk=login.pk).status == "active"
            told[login.pk].hear(outcome, active=active, now=now)
            hear(login, outcome, now=now, reason=draw.choice(["mfa", "consent", "", "x" * 90]))
        elif deed == "switch":
            wanted = draw.choice(["active", "inactive"])
            Login.objects.filter(pk=login.pk).update(status=wanted)
        elif deed == "anew":
            cases.close_replaced(login, now=now)
            for pk, story in told.items():
                if pk != login.pk and story.open:
                    story.open, story.closed_at, story.replaced = False, now, True
        else:
            for case in ReconnectCase.objects.filter(login=login):
                cases.snooze(case, until=now + timedelta(days=2))

        for pk, story in told.items():
            rows = list(ReconnectCase.objects.filter(login=pk).order_by("pk"))
            opened = [row for row in rows if row.closed_at is None]
            assert (len(opened), len(rows)) == (int(story.open), story.number), seed
            if rows:
                assert rows[-1].reopened == story.relapses, seed
            assert all(row.snoozed_until is None for row in rows if row.closed_at), seed


@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS[:12])
def test_an_outage_of_a_bank_opens_no_case_and_closes_none(seed):
    draw = random.Random(seed)
    logins = [make_login(institution="TD") for _ in range(draw.randrange(3, 30))]
    for login in logins:
        hear(login, draw.choice(["user_action", "fresh"]))
    before = list(ReconnectCase.objects.order_by("pk").values())

    for login in logins:
        Login.objects.filter(pk=login.pk).update(outcome="institution_unavailable")
        hear(login, "institution_unavailable", now=NOON + timedelta(days=1), reason="")

    assert list(ReconnectCase.objects.order_by("pk").values()) == before, seed
    assert banks_down() == {"TD"}, seed
    waiting = cases.to_do(cases.open_cases(), now=NOON, banks_down=banks_down())
    assert list(waiting) == [], seed


# --- Two at once ---


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize(
    ("one", "other"),
    [("user_action", "user_action"), ("fresh", "user_action"), ("fresh", "fresh")],
    ids="-and-".join,
)
def test_two_answers_at_once_leave_one_case_at_most(one, other, turn):
    login = make_login()
    if "fresh" in (one, other):
        hear(login, "user_action", now=NOON - timedelta(days=1))

    def answer(outcome):
        def do():
            with transaction.atomic():
                if connection.vendor == "sqlite":
                    # A worker's transaction writes from its beginning, and waits for the others.
                    Login.objects.filter(pk=login.pk).update(consecutive_failures=0)
                hold_login(login.pk)
                hear(login, outcome)

        return do

    assert at_once(answer(one), answer(other)) == [None, None]

    assert ReconnectCase.objects.count() == 1
    last = state_of(login)
    allowed = {
        ("user_action", "user_action"): {"open"},
        ("fresh", "user_action"): {"open+", "fresh"},
        ("fresh", "fresh"): {"fresh"},
    }
    assert last in allowed[one, other]


@pytest.mark.django_db
def test_the_database_itself_refuses_a_second_open_case(case):
    with suppress(DatabaseError), transaction.atomic():
        ReconnectCase.objects.create(login=case.login, opened_at=NOON)

    assert ReconnectCase.objects.count() == 1
