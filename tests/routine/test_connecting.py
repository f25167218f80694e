"""Customers who come by a link: their turns, what is registered of them, and what never is."""

from datetime import timedelta

import pytest
from django.db import transaction

from refreshops.bankdata.models import Snapshot
from refreshops.logins.models import ConnectLink, Login, ReconnectCase
from refreshops.providers.contract import BankData, Handover, Result
from refreshops.routine import claims, connecting, learning, turns
from refreshops.routine.models import RANK_CUSTOMER, Attempt, Run, Slot
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import AttemptState, Purpose
from refreshops.rules.outcomes import Outcome, Reason
from refreshops.tracing.models import Event
from tests.builders import NOON, make_customer, make_login, make_logins, make_provider

pytestmark = pytest.mark.django_db

WINDOW = timedelta(seconds=60)
CLAIMED = "11111111-2222-4333-8444-555555555555"


def make_link(**fields) -> ConnectLink:
    usual = {
        "provider": make_provider(),
        "customer": fields.pop("customer", None) or make_customer(),
        "made_at": NOON - timedelta(hours=1),
        "expires_at": NOON + timedelta(days=7),
        "started_at": NOON,
        "handed_at": NOON,
        "returned_at": NOON + timedelta(minutes=2),
    }
    return ConnectLink.objects.create(**(usual | fields))


def open_attempt(link, *, purpose=Purpose.CONNECT, now=NOON, share=20, **fields) -> Attempt:
    return connecting.open_attempt(
        link,
        purpose=purpose,
        now=now,
        local_date=now.date(),
        window=WINDOW,
        share_percent=share,
        **fields,
    )


def result(**fields) -> Result:
    data = BankData(as_of=NOON, accounts=(), transaction_count=0, payload={"Accounts": []})
    usual = {
        "outcome": Outcome.FRESH,
        "data_state": DataState.FRESH,
        "last_refresh_at": NOON + timedelta(minutes=2),
        "institution": "Maple Trust",
        "bank_data": data,
    }
    return Result(**(usual | fields))


def end(attempt: Attempt, said: Result, *, minutes: int = 3) -> Attempt:
    """End an attempt as the engine does: claimed first, then finished in one transaction."""
    now = NOON + timedelta(minutes=minutes)
    attempt = Attempt.objects.select_related("run", "login").get(pk=attempt.pk)
    attempt.step_to(AttemptState.CALLING, lease_until=now + WINDOW, lease_token="t")
    attempt.lease_token = "t"
    with transaction.atomic():
        learning.finish(attempt, said, sealed=b"sealed", now=now)
    attempt.refresh_from_db()
    return attempt


def test_nothing_is_registered_before_the_provider_has_confirmed_it():
    link = make_link()

    open_attempt(link, claimed_login_id=CLAIMED)

    assert not Login.objects.exists()


def test_what_the_provider_confirms_by_our_tag_is_registered_with_its_data():
    link = make_link()
    attempt = open_attempt(link, claimed_login_id=CLAIMED)

    attempt = end(attempt, result(tag=connecting.tag_text(link)))

    login = Login.objects.get()
    assert (login.login_id, login.customer_id) == (CLAIMED, link.customer_id)
    assert (login.institution, login.outcome) == ("Maple Trust", "fresh")
    assert attempt.login_id == login.pk
    assert Snapshot.objects.get().login_id == login.pk
    link.refresh_from_db()
    assert link.ended_as == "connected"
    assert Event.objects.get(action="connect").subject_id == login.pk


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param({"tag": "rf-" + "0" * 32}, connecting.NOT_OF_THIS_LINK, id="foreign-tag"),
        pytest.param(
            {"last_refresh_at": NOON - timedelta(hours=2)},
            connecting.NOT_OF_THIS_LINK,
            id="no-tag-and-refreshed-before-the-click",
        ),
        pytest.param(
            {"last_refresh_at": None}, connecting.NOT_OF_THIS_LINK, id="no-tag-no-refresh"
        ),
        pytest.param({"bank_data": None}, connecting.NOT_CONFIRMED, id="no-data"),
        pytest.param(
            {"outcome": Outcome.LOGIN_GONE, "reason": Reason.UNKNOWN_LOGIN, "bank_data": None},
            connecting.NOT_CONFIRMED,
            id="nobody-knows-it",
        ),
        pytest.param(
            {"outcome": Outcome.USER_ACTION, "reason": Reason.MFA},
            connecting.NOT_CONFIRMED,
            id="in-error",
        ),
    ],
)
def test_what_does_not_prove_itself_leaves_nothing(said, why):
    link = make_link()
    attempt = open_attempt(link, claimed_login_id=CLAIMED)

    attempt = end(attempt, result(**said))

    assert not Login.objects.exists()
    assert not Snapshot.objects.exists()
    assert attempt.state == "done"
    assert attempt.outcome != "fresh"
    link.refresh_from_db()
    assert (link.refused_why, link.ended_at) == (why, None)
    assert Event.objects.get(action="refuse_return").reason == why


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(
            {"handed_at": NOON - timedelta(days=1), "started_at": NOON - timedelta(days=1)},
            id="who-came-back-a-night-later",
        ),
        pytest.param(
            {"started_at": NOON - timedelta(days=1)}, id="who-clicked-a-night-before-going-on"
        ),
        pytest.param({"returned_at": None}, id="who-never-came-back"),
    ],
)
def test_without_a_tag_a_nightly_refresh_is_no_proof_for(when):
    link = make_link(**when)
    attempt = open_attempt(link, claimed_login_id=CLAIMED)

    end(attempt, result(last_refresh_at=NOON - timedelta(hours=8)))

    assert not Login.objects.exists()
    link.refresh_from_db()
    assert link.refused_why == connecting.NOT_OF_THIS_LINK


@pytest.mark.parametrize(
    ("minutes", "registered"), [pytest.param(59, 1, id="within"), pytest.param(61, 0, id="after")]
)
def test_without_a_tag_only_who_comes_back_within_an_hour_is_believed(minutes, registered):
    link = make_link(returned_at=NOON + timedelta(minutes=minutes))
    attempt = open_attempt(link, claimed_login_id=CLAIMED)

    end(attempt, result(last_refresh_at=NOON + timedelta(minutes=2)))

    assert Login.objects.count() == registered


def test_a_login_registered_to_somebody_else_meanwhile_is_left_alone():
    link = make_link()
    attempt = open_attempt(link, claimed_login_id=CLAIMED)
    theirs = make_login(login_id=CLAIMED, customer=make_customer(reference="C-other"))

    end(attempt, result(tag=connecting.tag_text(link)))

    theirs.refresh_from_db()
    assert (theirs.customer.reference, theirs.outcome) == ("C-other", "")
    assert not Snapshot.objects.exists()
    link.refresh_from_db()
    assert link.refused_why == connecting.OF_SOMEBODY_ELSE


def revoke(link):
    ConnectLink.objects.filter(pk=link.pk).update(revoked_at=NOON)


def switch_off(link):
    Login.objects.filter(pk=link.login_id).update(status="inactive")


def move(link):
    Login.objects.filter(pk=link.login_id).update(customer=make_customer(reference="C-other"))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(revoke, connecting.REVOKED, id="revoked"),
        pytest.param(switch_off, connecting.SWITCHED_OFF, id="switched-off"),
        pytest.param(move, connecting.MOVED, id="moved-to-another-customer"),
    ],
)
def test_what_nobody_wants_any_more_when_its_data_is_there_is_not_registered(spoil, why):
    old = make_login()
    link = make_link(customer=old.customer, login=old)
    attempt = open_attempt(link, claimed_login_id=CLAIMED)
    spoil(link)

    end(attempt, result(tag=connecting.tag_text(link)))

    assert not Login.objects.filter(login_id=CLAIMED).exists()
    assert not Snapshot.objects.exists()
    link.refresh_from_db()
    assert (link.refused_why, link.ended_at) == (why, None)


def test_a_new_login_at_the_same_bank_closes_the_case_of_the_old_one_for_good():
    old = make_login(institution="Maple Trust")
    case = ReconnectCase.objects.create(login=old, reason="mfa", opened_at=NOON)
    link = make_link(customer=old.customer, login=old, case=case)
    attempt = open_attempt(link, claimed_login_id=CLAIMED)

    end(attempt, result(tag=connecting.tag_text(link)))
    connecting.cases.heard(
        old, outcome="user_action", reason="mfa", provider_code="", attempt_id=None, now=NOON
    )

    case.refresh_from_db()
    assert case.closed_as == "replaced"
    assert not ReconnectCase.objects.filter(closed_at__isnull=True).exists()


def test_a_handover_lies_sealed_with_the_link_and_for_some_minutes_only():
    login = make_login()
    link = make_link(customer=login.customer, login=login)
    attempt = open_attempt(link, purpose=Purpose.RECONNECT, login=login)
    said = result(
        outcome=Outcome.USER_ACTION,
        reason=Reason.MFA,
        bank_data=None,
        handover=Handover("request", "token"),
    )

    end(attempt, said)

    link.refresh_from_db()
    assert bytes(link.sealed_handover) == b"sealed"
    assert link.handover_until == NOON + timedelta(minutes=3) + connecting.HANDOVER_LASTS
    assert link.ended_at is None


def test_customers_take_their_share_of_a_window_and_no_more():
    # A fifth of 20 a minute: four turns in any window.
    login = make_login()
    turns = []
    for second in range(8):
        link = make_link(customer=login.customer)
        attempt = open_attempt(
            link,
            claimed_login_id=f"{CLAIMED[:-2]}{second:02}",
            now=NOON + timedelta(seconds=second),
        )
        turns.append(attempt.not_before)

    assert turns == [
        *(NOON + timedelta(seconds=second) for second in range(4)),
        *(NOON + WINDOW + timedelta(seconds=second) for second in range(4)),
    ]


def test_a_flood_is_turned_away_and_leaves_no_row():
    # Three windows of four turns lie within the two minutes that anybody waits.
    for number in range(12):
        open_attempt(make_link(), claimed_login_id=f"{CLAIMED[:-3]}{number:03}")

    with pytest.raises(turns.Busy):
        open_attempt(make_link(), claimed_login_id=f"{CLAIMED[:-3]}999")

    assert Run.objects.count() == 12
    assert Attempt.objects.count() == 12


def come_every_half_minute(hours):
    """Let a customer come every 30 seconds; return how many were taken."""
    taken = 0
    for number in range(hours * 120):
        now = NOON + number * WINDOW / 2
        try:
            open_attempt(make_link(), claimed_login_id=f"{CLAIMED[:-4]}{number:04}", now=now)
        except turns.Busy:
            continue
        taken += 1
    return taken


def test_while_nothing_goes_out_no_more_gather_than_a_few_turns():
    # A pause, or a worker that stands still: who gathered goes first when it ends.
    assert come_every_half_minute(hours=1) <= 12


def test_who_waits_for_data_to_be_ready_holds_up_nobody():
    for number in range(8):
        open_attempt(make_link(), claimed_login_id=f"{CLAIMED[:-3]}{number:03}")
    # Asked once each; only their data is looked for again, without a slot.
    Attempt.objects.update(paced=False)

    open_attempt(make_link(), claimed_login_id=CLAIMED, now=NOON + 10 * WINDOW)

    assert Attempt.objects.count() == 9


def test_who_waits_in_the_daily_run_is_moved_to_the_front_and_not_doubled(open_today):
    login = make_login()
    daily = open_today()
    link = make_link(customer=login.customer, login=login)

    attempt = open_attempt(link, purpose=Purpose.REFRESH, login=login)

    assert attempt.run_id == daily.pk
    assert Attempt.objects.get().rank == RANK_CUSTOMER
    assert Run.objects.count() == 1


def begin_what_may(desk) -> list[bool]:
    """Claim as long as there is something to claim; tell of each whether a customer sent it."""
    begun = []
    while (work := claims.claim(desk)) is not None:
        begun.append(work.attempt.rank == RANK_CUSTOMER)
    return begun


def test_after_a_pause_customers_still_take_no_more_than_their_share(make_desk, open_today, clock):
    make_logins(30)
    open_today()
    desk = make_desk(limit=20)
    for number in range(12):
        open_attempt(make_link(), claimed_login_id=f"{CLAIMED[:-3]}{number:03}", now=clock())
    Attempt.objects.filter(rank=RANK_CUSTOMER).update(not_before=clock())

    first = begin_what_may(desk)
    clock.move(seconds=61)
    Slot.objects.update(free_at=clock())
    second = begin_what_may(desk)

    assert (first.count(True), len(first)) == (4, 20)
    assert (second.count(True), len(second)) == (4, 18)


def test_another_bank_of_the_same_customer_ends_no_link_for_the_first():
    login = make_login()
    other = make_login(customer=login.customer, institution="Other Bank")
    link = make_link(customer=login.customer, login=login)
    attempt = open_attempt(link, purpose=Purpose.REFRESH, login=other)

    end(attempt, result())

    link.refresh_from_db()
    assert link.ended_at is None
