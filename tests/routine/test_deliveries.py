"""Webhooks applied: one truth for a login, in whatever order deliveries and answers come."""

import json
import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.logins.models import Customer, Login, ReconnectCase
from refreshops.providers.contract import BankData, Result
from refreshops.providers.flinks import Flinks
from refreshops.routine import deliveries, learning, teaching
from refreshops.routine.models import Attempt, Run
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing import deliveries as kept
from refreshops.tracing import erasure
from refreshops.tracing.models import Call, Delivery
from tests.builders import NOON, make_login, make_provider
from tests.providers.flinks.spoken import detail, refused

pytestmark = pytest.mark.django_db

MORNING = NOON - timedelta(hours=9)
LATER = NOON - timedelta(hours=1)
LAST_NIGHT = NOON - timedelta(hours=33)
LAST_WEEK = NOON - timedelta(days=6)


@pytest.fixture
def desk(make_desk):
    return make_desk(
        Flinks(api_url="http://127.0.0.1:9/v3/", customer_id="canary", webhook_key="k" * 20)
    )


@pytest.fixture
def login(db):
    return make_login()


@pytest.fixture
def keep(desk, clock):
    """Return a function that keeps a delivery as the public page does."""

    def make(login_id, *, at=MORNING, body=None, kind="GetAccountsDetail", **changes):
        spoken = detail(Login=said(login_id, at), RequestId=str(uuid.uuid4()), **changes).body
        raw = json.dumps((body or spoken) | {"ResponseType": kind})
        read = desk.provider.read_delivery(json.loads(raw))
        return kept.keep(
            provider="flinks",
            digest=uuid.uuid4().hex,
            size=len(raw),
            delivered=read,
            sealed=desk.vault.seal({"body": raw}) if read.brings_data and read.login_id else None,
            why="" if read.brings_data else "Nothing to learn.",
            now=clock(),
        )

    return make


def said(login_id, at):
    when = {"LastRefresh": at.strftime("%Y-%m-%dT%H:%M:%S.%f")} if at else {}
    return {"Id": login_id, "Username": "jane.doe", "IsScheduledRefresh": True, **when}


@pytest.fixture
def sweep(desk):
    """Return a function that applies what waits, as the heartbeat does or as a task."""

    def make(*, left_over=False):
        return deliveries.apply_waiting(desk, left_over=left_over, stop=lambda: False)

    return make


@pytest.fixture
def answer(desk, clock):
    """Return a function that ends an attempt for a login, begun with the login as given."""

    def make(
        login,
        *,
        at=None,
        outcome=Outcome.FRESH,
        purpose=Purpose.REFRESH,
        asked_at=None,
        **learned,
    ):
        run = Run.objects.create(
            provider=make_provider(),
            purpose=purpose.value,
            origin="person",
            local_date=NOON.date(),
            opened_at=clock(),
        )
        attempt = Attempt.objects.create(
            run=run,
            login=login,
            purpose=run.purpose,
            not_before=NOON,
            state="calling",
            lease_until=NOON,
        )
        Call.objects.create(
            sent_at=asked_at or clock(),
            provider="flinks",
            endpoint="Authorize",
            method="POST",
            url="http://provider/",
            attempt_id=attempt.pk,
            login_id=login.login_id,
        )
        data = BankData(at, (), 0, {}) if at else None
        result = Result(outcome, DataState.FRESH, last_refresh_at=at, bank_data=data, **learned)
        sealed = desk.vault.seal({}) if data else None
        learning.finish(attempt, result, sealed=sealed, now=clock())
        return attempt

    return make


def state_of(row):
    row.refresh_from_db()
    return row.state


def standing(login):
    login.refresh_from_db()
    return login.outcome, login.last_refresh_at, login.data_as_of


def test_a_delivery_teaches_what_a_fetched_answer_would(desk, keep, sweep, answer):
    told, asked = make_login(), make_login()
    row = keep(told.login_id)

    sweep()
    spoken = detail(Login=said(asked.login_id, MORNING), ResponseType="GetAccountsDetail").body
    result = desk.provider.judge_delivery(
        deliveries.subject_of_login(asked), spoken, policy=desk.policy, now=NOON
    )
    learned = {"nightly": result.nightly, "drops_out_at": result.drops_out_at}
    answer(asked, at=MORNING, institution=result.institution, **learned)

    assert state_of(row) == "applied"
    told.refresh_from_db()
    asked.refresh_from_db()
    differ = {
        field.attname
        for field in Login._meta.concrete_fields
        if getattr(told, field.attname) != getattr(asked, field.attname)
    }
    # Nobody asked for it: that is the one difference.
    assert differ == {"id", "login_id", "last_asked_at", "created_at"} & differ
    assert (told.outcome, told.data_as_of, told.last_asked_at) == ("fresh", MORNING, None)
    assert asked.last_asked_at == NOON
    assert Snapshot.objects.get(login=told).attempt_id == deliveries.NO_ATTEMPT
    assert BankAccount.objects.get(login=told).title == "Chequing"


def test_the_body_goes_with_its_application_and_the_evidence_stays(login, keep, sweep):
    row = keep(login.login_id)

    sweep()

    row.refresh_from_db()
    assert (row.sealed, row.settled_at, row.tries) == (None, NOON, 1)
    assert row.answer["AccountCount"] == 1
    assert "Chequing" not in json.dumps(row.answer)


def test_a_fresh_delivery_closes_the_case_and_a_failure_opens_one(login, keep, sweep, clock):
    body = refused("QUESTION_NOT_FOUND", request_id=str(uuid.uuid4())).body
    keep(login.login_id, body=body | {"Login": {"Id": login.login_id}})
    sweep()
    opened = ReconnectCase.objects.get(login=login)

    clock.move(hours=1)
    keep(login.login_id, at=NOON)
    sweep()

    closed = ReconnectCase.objects.get(login=login)
    assert (opened.closed_at, closed.closed_as) == (None, "fresh")
    assert standing(login) == ("fresh", NOON, NOON)


# --- In whatever order ---


@pytest.mark.parametrize(
    ("times", "states"),
    [
        pytest.param([MORNING, MORNING], ["applied", "superseded"], id="the-same-twice"),
        pytest.param([MORNING, LAST_WEEK], ["applied", "superseded"], id="an-older-one-later"),
        pytest.param([LAST_NIGHT, MORNING], ["applied", "applied"], id="in-order"),
        pytest.param([MORNING, None], ["applied", "superseded"], id="one-without-a-time"),
    ],
)
def test_the_newest_refresh_stays(times, states, login, keep, sweep):
    rows = []
    for at in times:
        rows.append(keep(login.login_id, at=at))
        sweep()

    assert [state_of(row) for row in rows] == states
    assert standing(login) == ("fresh", MORNING, MORNING)
    assert Snapshot.objects.filter(login=login).count() == states.count("applied")
    assert BankAccount.objects.filter(login=login).count() == 1


@pytest.mark.parametrize("delivery_first", [True, False], ids=["delivery-first", "answer-first"])
@pytest.mark.parametrize(
    ("delivered", "answered"),
    [
        pytest.param(LATER, MORNING, id="the-delivery-is-newer"),
        pytest.param(MORNING, LATER, id="the-answer-is-newer"),
        pytest.param(MORNING, MORNING, id="they-are-the-same"),
    ],
)
def test_both_orders_of_a_delivery_and_an_answer_end_alike(
    delivered, answered, delivery_first, login, keep, sweep, answer
):
    row = keep(login.login_id, at=delivered)
    # The worker read the login before the delivery was applied.
    claimed = Login.objects.get(pk=login.pk)

    if delivery_first:
        sweep()
        answer(claimed, at=answered)
    else:
        answer(claimed, at=answered)
        sweep()

    newest = max(delivered, answered)
    assert standing(login) == ("fresh", newest, newest)
    assert Snapshot.objects.filter(login=login).latest("pk").data_as_of == newest
    assert state_of(row) in ("applied", "superseded")


@pytest.mark.parametrize(
    "outcome", [Outcome.PROVIDER_FAULT, Outcome.STALE], ids=["a-fault", "stale"]
)
def test_an_answer_that_says_less_does_not_undo_a_newer_delivery(
    outcome, login, keep, sweep, answer
):
    claimed = Login.objects.get(pk=login.pk)
    keep(login.login_id)
    sweep()

    attempt = answer(claimed, outcome=outcome)

    assert standing(login) == ("fresh", MORNING, MORNING)
    assert attempt.outcome == outcome.value
    assert login.last_asked_at == NOON
    assert login.data_state == "fresh"


@pytest.mark.parametrize(
    ("asked_at", "outcome"),
    [
        pytest.param(NOON, "user_action", id="asked-after-the-refresh"),
        pytest.param(MORNING - timedelta(hours=1), "fresh", id="asked-before-it"),
    ],
)
def test_of_a_verdict_and_a_refresh_the_later_one_stands_and_the_data_stays(
    asked_at, outcome, login, keep, sweep, answer
):
    claimed = Login.objects.get(pk=login.pk)
    keep(login.login_id)
    sweep()

    answer(claimed, outcome=Outcome.USER_ACTION, reason=Reason.MFA, asked_at=asked_at)

    assert standing(login) == (outcome, MORNING, MORNING)
    assert login.data_state == "fresh"
    assert ReconnectCase.objects.filter(login=login).exists() is (outcome == "user_action")


def test_a_delivery_about_a_refresh_before_the_verdict_brings_its_data_alone(
    login, keep, sweep, answer
):
    answer(login, outcome=Outcome.USER_ACTION, reason=Reason.MFA)
    row = keep(login.login_id)

    sweep()

    assert standing(login) == ("user_action", MORNING, MORNING)
    row.refresh_from_db()
    assert (row.state, row.state_reason) == ("applied", teaching.Weight.DATA_ONLY.value)
    assert ReconnectCase.objects.get(login=login).closed_at is None


def test_a_late_failure_does_not_undo_an_answer(login, keep, sweep, answer):
    answer(login, at=MORNING)
    body = refused("INVALID_PASSWORD", request_id=str(uuid.uuid4())).body
    row = keep(login.login_id, body=body | {"Login": {"Id": login.login_id}})

    sweep()

    assert (state_of(row), standing(login)[0]) == ("superseded", "fresh")


def test_a_delivery_nobody_believes_changes_nothing(login, keep, sweep):
    body = refused("OPERATION_PENDING", status=202, request_id=str(uuid.uuid4())).body
    row = keep(login.login_id, body=body | {"Login": {"Id": login.login_id}})

    sweep()

    assert (state_of(row), standing(login)[0]) == ("ignored", "")


def test_a_flag_that_was_ordered_otherwise_meanwhile_is_not_learned(login, keep, sweep, answer):
    answer(login, purpose=Purpose.SWITCH_OFF, nightly=False, verified=True)
    keep(login.login_id)

    sweep()

    login.refresh_from_db()
    assert (login.nightly, login.outcome) == ("off", "fresh")


# --- Whose it is ---


def test_a_login_not_known_here_is_listed_and_applied_when_it_is_registered(keep, sweep, clock):
    login_id = str(uuid.uuid4())
    row = keep(login_id)
    sweep(left_over=True)
    before = state_of(row)
    login = make_login(login_id=login_id)

    clock.move(hours=30)
    sweep(left_over=True)

    assert (before, state_of(row)) == ("unknown_login", "applied")
    assert standing(login) == ("stale", MORNING, MORNING)


def test_the_body_of_an_unknown_login_goes_after_two_weeks(keep, sweep, clock):
    row = keep(str(uuid.uuid4()))
    sweep()

    clock.move(days=13)
    kept.drop_old_bodies(now=clock())
    early = Delivery.objects.filter(sealed__isnull=False).count()
    clock.move(days=2)
    kept.drop_old_bodies(now=clock())

    row.refresh_from_db()
    assert (early, row.sealed, row.state) == (1, None, "unknown_login")


def test_a_login_that_is_switched_off_learns_nothing(keep, sweep):
    login = make_login(status="inactive")
    row = keep(login.login_id)

    sweep()

    row.refresh_from_db()
    assert (row.state, row.sealed, standing(login)[0]) == ("ignored", None, "")
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize("kind", ["GetAccountsDetail", "KYC"])
@pytest.mark.parametrize(
    "forgotten",
    [
        pytest.param({"status": "inactive", "gone_at": NOON}, id="login-forgotten"),
        pytest.param({}, id="erasure-asked"),
    ],
)
def test_nothing_is_kept_of_who_was_forgotten(forgotten, kind, keep, sweep):
    login = make_login(**forgotten)
    if not forgotten:
        Customer.objects.filter(pk=login.customer_id).update(erasure_asked_at=NOON)
    row = keep(login.login_id, kind=kind, Tag="link-17")

    sweep()

    row.refresh_from_db()
    assert (row.state, row.sealed, row.answer) == ("ignored", None, {})
    assert (row.message, row.institution, row.tag) == ("", "", "")
    assert not Snapshot.objects.exists()


def test_erasing_a_login_empties_its_deliveries(login, keep, sweep):
    applied = keep(login.login_id)
    sweep()
    waits, foreign = keep(login.login_id, at=LATER), keep(str(uuid.uuid4()))

    erasure.strip(provider="flinks", login_id=login.login_id)

    for row in (applied, waits):
        row.refresh_from_db()
        assert (row.sealed, row.answer, row.institution) == (None, {}, "")
    foreign.refresh_from_db()
    assert (waits.state, foreign.sealed is not None) == ("ignored", True)


def test_other_kinds_are_kept_as_evidence(login, keep, sweep):
    row = keep(login.login_id, kind="KYC")

    sweep()

    assert (state_of(row), standing(login)[0]) == ("ignored", "")


# --- When something breaks ---


def test_one_that_cannot_be_applied_is_parked_and_holds_up_no_other(
    login, desk, keep, sweep, monkeypatch
):
    poison, good = keep(login.login_id, Institution="Poison"), keep(make_login().login_id)
    judge = desk.provider.judge_delivery

    def broken(subject, body, **terms):
        if body["Institution"] == "Poison":
            raise RuntimeError("our own mistake")
        return judge(subject, body, **terms)

    monkeypatch.setattr(desk.provider, "judge_delivery", broken)
    sweep()
    after_one = state_of(poison)
    sweep()
    for _ in range(4):
        sweep(left_over=True)

    assert (after_one, state_of(poison), state_of(good)) == ("stored", "parked", "applied")
    assert (poison.tries, poison.state_reason) == (3, deliveries.PARKED)
    assert poison.sealed is not None


@pytest.mark.parametrize("point", ["store", "by_delivery"])
def test_a_worker_that_dies_in_between_leaves_it_for_the_next(
    point, login, keep, sweep, monkeypatch
):
    row = keep(login.login_id)
    owner = {"store": deliveries.snapshots, "by_delivery": teaching}[point]
    real = getattr(owner, point)

    def die(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, point, die)
    with pytest.raises(KeyboardInterrupt):
        sweep()
    between = state_of(row), standing(login), Snapshot.objects.count()
    monkeypatch.setattr(owner, point, real)
    sweep()
    untouched = state_of(row)
    sweep(left_over=True)
    sweep(left_over=True)

    assert between == ("stored", ("", None, None), 0)
    assert (untouched, state_of(row)) == ("stored", "applied")
    assert Snapshot.objects.filter(login=login).count() == 1


def test_a_database_that_is_away_is_no_fault_of_the_delivery(login, keep, sweep, monkeypatch):
    row = keep(login.login_id)

    def away(*args, **kwargs):
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(deliveries.teaching, "by_delivery", away)
        for _ in range(5):
            with pytest.raises(OperationalError):
                sweep(left_over=True)
    sweep(left_over=True)

    assert state_of(row) == "applied"


def test_one_that_three_workers_died_of_is_parked(login, keep, sweep):
    row = keep(login.login_id)
    Delivery.objects.filter(pk=row.pk).update(tries=3)

    sweep(left_over=True)

    row.refresh_from_db()
    assert (row.state, row.state_reason) == ("parked", deliveries.STARTED_AND_LOST)


def test_what_is_settled_is_not_applied_again(login, desk, keep, sweep):
    row = keep(login.login_id)
    sweep()

    deliveries.apply(desk, row.pk)

    assert Snapshot.objects.filter(login=login).count() == 1
