"""Forgetting: the provider deletes, then nothing of the login is left here but ids and codes."""

import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

from refreshops.bankdata import snapshots
from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.bankdata.vault import Vault
from refreshops.logins.models import (
    Customer,
    Login,
    LoginStatus,
    Nightly,
    Provider,
    UnknownLogin,
    Upload,
)
from refreshops.providers.contract import Account, Answer, BankData, Envelope, NoAnswer
from refreshops.providers.flinks.conversations import Forget
from refreshops.routine import claims, engine, privacy, services, waiting
from refreshops.routine.disclosure import everything_about
from refreshops.routine.forgetting import forget, forgotten_logins
from refreshops.routine.models import Attempt, Run
from refreshops.routine.opening import NothingToDo, ReasonMissing, Refused
from refreshops.routine.recording import record
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing import events
from refreshops.tracing.models import Call, Event
from tests.builders import ScriptedProvider, make_customer, make_login, make_provider
from tests.routine.conftest import KEY, WINDOW, drain

pytestmark = pytest.mark.django_db

NAME = "Canary Q. Holdername"
REFERENCE = "CANARY-REF-7"
DELETED = Answer(200, {"StatusCode": 200, "Message": f"The card of {NAME} is deleted"})
IN_USE = Answer(400, {"HttpStatusCode": 400, "FlinksCode": "CARD_IN_USE", "Message": "wait"})
UNKNOWN = Answer(400, {"HttpStatusCode": 400, "FlinksCode": "INVALID_LOGIN", "Message": "no"})
BROKEN = Answer(500, {})
NEVER = NoAnswer("timed out")


class Deleting(ScriptedProvider):
    """A provider that answers DeleteCard from a list, the last answer again and again.

    Its trace keeps the name that its messages hold, as a real one must not.
    """

    def __init__(self, *said, **options):
        super().__init__(**options)
        self.said = list(said)

    def conversation(self, purpose, policy):
        if purpose is Purpose.FORGET:
            return Forget(policy=policy)
        return super().conversation(purpose, policy)

    def send(self, call):
        if call.endpoint != "DeleteCard":
            return super().send(call)
        self.asked.append((call.endpoint, call.path.rsplit("/", 1)[-1]))
        found = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(found, NoAnswer):
            raise found
        return found

    def envelope(self, call, answer):
        return Envelope(answer.http_status, "", NAME, "a-request-id", "", {"Holder": NAME})


@pytest.fixture
def order_forgotten(clock):
    """Order logins forgotten; all of them, unless told."""

    def make(logins=None, *, reason="They asked for it", offers=bool, by=None, above=None):
        return forget(
            logins=Login.objects.all() if logins is None else logins,
            by=by,
            reason=reason,
            now=clock(),
            local_date=clock().date(),
            window=WINDOW,
            offers=offers,
            approval_above=above,
        )

    return make


@pytest.fixture
def erase(clock):
    """Order a customer erased."""

    def make(customer, *, reason="A letter of 3 March", by=None, offers=bool, above=None):
        return privacy.erase_customer(
            customer,
            by=by,
            reason=reason,
            now=clock(),
            local_date=clock().date(),
            window=WINDOW,
            offers=offers,
            approval_above=above,
        )

    return make


def bank_data(now):
    account = Account("Chequing", "Operations", "CAD", "12.50", "12.50", None, "4242")
    return BankData(now, (account,), 3, {"Holder": NAME})


def keep_bank_data(login, now):
    """Store a snapshot of a login, as a refresh does."""
    sealed = Vault([KEY]).seal({"Holder": NAME})
    return snapshots.store(login=login, attempt_id=1, data=bank_data(now), sealed=sealed, now=now)


def drain_all(desk, clock, *, hours=4):
    """Drive through every wait of the next hours."""
    for _ in range(hours * 12):
        drain(desk)
        clock.move(minutes=5)
    engine.tend(desk)


# --- The order ---


def test_it_makes_logins_inactive_and_calls_off_what_waits(order, order_forgotten):
    login = make_login()
    order(Purpose.REFRESH)

    (opened,) = order_forgotten()

    login.refresh_from_db()
    assert (login.status, login.status_reason) == ("inactive", "They asked for it")
    assert (opened.run.purpose, opened.planned) == ("forget", 1)
    refresh = Attempt.objects.get(purpose="refresh")
    assert (refresh.state, refresh.message) == (
        "cancelled",
        "Called off: the login is to be forgotten.",
    )


def test_it_leaves_who_switched_a_login_off_before(order_forgotten):
    login = make_login(status=LoginStatus.INACTIVE, status_reason="The contract ended")

    order_forgotten()

    login.refresh_from_db()
    assert login.status_reason == "The contract ended"


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_it_needs_a_reason(order_forgotten, reason):
    make_login()

    with pytest.raises(ReasonMissing):
        order_forgotten(reason=reason)


def test_no_login_is_nothing_to_do(order_forgotten):
    with pytest.raises(NothingToDo):
        order_forgotten()


def test_a_provider_that_cannot_delete_is_not_asked(order_forgotten):
    login = make_login()

    with pytest.raises(Refused, match="Flinks cannot delete a login"):
        order_forgotten(offers=lambda name: False)

    login.refresh_from_db()
    assert login.status == "active"
    assert not Run.objects.exists()


def test_two_orders_make_one_attempt(order_forgotten):
    make_login()
    order_forgotten()

    with pytest.raises(NothingToDo):
        order_forgotten()

    assert Attempt.objects.count() == 1


def test_a_large_order_waits_for_a_second_person_and_touches_nothing(
    order_forgotten, make_desk, clock
):
    boss = User.objects.create_superuser("boss")
    keep_bank_data(make_login(), clock())
    make_login()
    desk = make_desk(Deleting(DELETED))

    (opened,) = order_forgotten(above=1)
    words = opened.waits
    drain(desk)
    before = set(Login.objects.values_list("status", "gone_at")), Snapshot.objects.count()
    waiting.approve(opened.run, by=boss, now=clock())
    drain(desk)

    assert words == "Waits for a second person's approval."
    assert before == ({("active", None)}, 1)
    assert Login.objects.filter(forgotten_logins()).count() == 2
    assert not Snapshot.objects.exists()


# --- What is left here when it has ended ---


def test_the_login_keeps_its_ids_and_loses_its_bank_data(order_forgotten, make_desk, clock):
    login, other = make_login(), make_login()
    for row in (login, other):
        keep_bank_data(row, clock())
    desk = make_desk(Deleting(DELETED))
    order_forgotten(Login.objects.filter(pk=login.pk))

    drain(desk)

    login.refresh_from_db()
    assert (login.status, login.nightly, login.gone_at) == ("inactive", Nightly.OFF, clock())
    assert (login.data_as_of, login.data_state, login.drops_out_at) == (None, "none", None)
    assert list(Snapshot.objects.values_list("login", flat=True)) == [other.pk]
    assert list(BankAccount.objects.values_list("login", flat=True)) == [other.pk]
    assert list(Login.objects.filter(forgotten_logins())) == [login]


def test_traces_of_the_login_keep_ids_and_codes_alone(order, order_forgotten, make_desk, clock):
    login, other = make_login(), make_login()
    desk = make_desk(Deleting(DELETED))
    order()
    drain(desk)
    Attempt.objects.update(message=NAME)
    order_forgotten(Login.objects.filter(pk=login.pk))

    drain(desk)

    kept = Call.objects.filter(login_id=login.login_id)
    assert set(kept.values_list("endpoint", "http_status_code", "request_id")) == {
        ("authorize", 200, "a-request-id"),
        ("detail", 200, "a-request-id"),
        ("DeleteCard", 200, "a-request-id"),
    }
    assert {(row.message, row.error, str(row.answer), row.institution) for row in kept} == {
        ("", "", "{}", "")
    }
    assert not Attempt.objects.filter(login=login).exclude(message="").exists()
    assert Attempt.objects.get(login=other).message == NAME
    assert set(Call.objects.filter(login_id=other.login_id).values_list("message", flat=True)) == {
        NAME
    }


def test_a_call_without_answer_still_says_that_it_had_none(order_forgotten, make_desk, clock):
    make_login()
    desk = make_desk(Deleting(NEVER, UNKNOWN))
    order_forgotten()

    drain_all(desk, clock)

    assert list(Call.objects.order_by("pk").values_list("state", "error")) == [
        ("no_answer", "The details were erased on request."),
        ("answered", ""),
    ]
    assert Attempt.objects.get().outcome == "fresh"


def test_a_login_the_provider_does_not_know_counts_as_forgotten(order_forgotten, make_desk, clock):
    known, login = make_login(), make_login()
    keep_bank_data(login, clock())
    order_forgotten(Login.objects.filter(pk=known.pk))
    drain(make_desk(Deleting(DELETED)))
    order_forgotten(Login.objects.filter(pk=login.pk))

    drain(make_desk(Deleting(UNKNOWN)))

    assert Attempt.objects.get(login=login).outcome == "login_gone"
    assert not Snapshot.objects.exists()
    assert Login.objects.filter(forgotten_logins()).count() == 2


def test_a_provider_that_knows_none_of_ours_is_not_believed(order_forgotten, make_desk, clock):
    login = make_login()
    keep_bank_data(login, clock())
    order_forgotten()

    drain(make_desk(Deleting(UNKNOWN)))

    attempt = Attempt.objects.get()
    login.refresh_from_db()
    assert (attempt.outcome, login.gone_at) == ("our_config", None)
    assert "Check the customer id" in attempt.message
    assert Snapshot.objects.exists()
    assert not Login.objects.filter(forgotten_logins()).exists()


@pytest.mark.parametrize("answer", [BROKEN, NEVER, IN_USE], ids=["broken", "silent", "in use"])
def test_without_the_providers_yes_nothing_is_erased(order_forgotten, make_desk, clock, answer):
    login = make_login()
    keep_bank_data(login, clock())
    order_forgotten()

    drain_all(make_desk(Deleting(answer)), clock)

    attempt = Attempt.objects.get()
    login.refresh_from_db()
    assert attempt.state == "done"
    assert attempt.outcome not in ("fresh", "login_gone")
    assert (Snapshot.objects.count(), login.gone_at) == (1, None)


def test_a_card_in_use_waits_and_is_asked_again(order_forgotten, make_desk, clock):
    make_login()
    provider = Deleting(IN_USE, IN_USE, DELETED)
    order_forgotten()

    drain_all(make_desk(provider), clock)

    assert len(provider.asked) == 3
    assert Attempt.objects.get().outcome == "fresh"


def test_what_failed_can_be_ordered_again(order_forgotten, make_desk, clock):
    make_login()
    (opened,) = order_forgotten()
    desk = make_desk(Deleting(BROKEN))
    drain_all(desk, clock)
    desk.provider.said = [DELETED]

    services.retry_failed(
        opened.run, by=None, now=clock(), local_date=clock().date(), window=WINDOW
    )
    drain_all(desk, clock)

    assert Login.objects.filter(forgotten_logins()).exists()


# --- A refresh in flight ---


def test_a_refresh_in_flight_finishes_first_and_its_data_goes(
    order, order_forgotten, make_desk, clock
):
    login = make_login()
    order()
    desk = make_desk(Deleting(DELETED))
    work = claims.claim(desk)

    order_forgotten()
    before = claims.claim(desk)
    following = record(desk, work, engine.exchange(desk, work))
    record(desk, following, engine.exchange(desk, following))
    stored = Snapshot.objects.count()
    drain(desk)

    login.refresh_from_db()
    assert before is None
    assert stored == 1
    assert Snapshot.objects.count() == 0
    assert [endpoint for endpoint, _ in desk.provider.asked][-1] == "DeleteCard"
    assert login.gone_at is not None


def test_an_answer_that_comes_after_the_erasure_brings_nothing_back(
    order, order_forgotten, make_desk, clock
):
    login = make_login()
    order()
    dead, alive = make_desk(Deleting(DELETED)), make_desk(Deleting(DELETED))
    work = record_first_call(dead)
    late = engine.exchange(dead, work)
    clock.move(minutes=3)
    order_forgotten()
    claims.reclaim(provider_id=make_provider().pk, now=clock(), furthest=timedelta(minutes=2))
    drain(alive)

    record(dead, work, late)

    login.refresh_from_db()
    assert (Snapshot.objects.count(), login.data_as_of) == (0, None)
    assert login.gone_at is not None
    assert not Call.objects.filter(login_id=login.login_id, message=NAME).exists()
    assert Attempt.objects.get(purpose="refresh").state == "cancelled"


def record_first_call(desk):
    """Return the data call that follows the first answer, written down and about to be sent."""
    work = claims.claim(desk)
    return record(desk, work, engine.exchange(desk, work))


@pytest.mark.parametrize(
    ("fields", "customer", "kept"),
    [
        pytest.param({}, {}, True, id="active"),
        pytest.param({"status": "inactive"}, {}, True, id="switched-off-meanwhile"),
        pytest.param({"gone": True}, {}, True, id="known-again"),
        pytest.param({"status": "inactive", "gone": True}, {}, False, id="forgotten"),
        pytest.param({}, {"asked": True}, False, id="to-be-erased"),
    ],
)
def test_bank_data_is_kept_only_for_whom_it_may_be(clock, fields, customer, kept):
    gone_at = clock() if fields.pop("gone", False) else None
    asked_at = clock() if customer.pop("asked", False) else None
    owner = make_customer("C-9", erasure_asked_at=asked_at)
    login = make_login(customer=owner, gone_at=gone_at, **fields)

    stored = keep_bank_data(login, clock())

    assert (stored is not None) is kept
    assert Snapshot.objects.exists() is kept
    assert BankAccount.objects.exists() is kept


# --- A customer ---


@pytest.fixture
def person(clock):
    """A customer with two logins, bank data, and a journal that names them."""
    customer = make_customer(REFERENCE, name=NAME, last_activity_at=clock())
    for number in (1, 2):
        login = make_login(customer=customer, status_reason=f"{NAME} left", institution="TD")
        keep_bank_data(login, clock())
        note(login, f"a login of {NAME}, number {number}")
    note(customer, str(customer))
    return customer


def note(row, words):
    user, _ = User.objects.get_or_create(username="somebody")
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=words,
        action_flag=CHANGE,
        change_message=json.dumps([{"changed": {"name": "customer", "object": NAME}}]),
    )


def test_a_customer_is_erased_when_the_last_login_is_forgotten(person, erase, make_desk, clock):
    (opened,) = erase(person)
    desk = make_desk(Deleting(DELETED))

    engine.speak_once(desk)
    person.refresh_from_db()
    half_way = (person.erased_at, person.name)
    engine.speak_once(desk)

    person.refresh_from_db()
    assert opened.planned == 2
    assert half_way == (None, NAME)
    assert person.erased_at == clock()
    assert (person.reference, person.name) == (f"erased-{person.pk}", "")
    assert person.last_activity_at is None
    assert person.erasure_reason == "A letter of 3 March"
    assert set(person.logins.values_list("status_reason", "institution")) == {("", "")}


def test_the_journal_keeps_who_and_when_but_no_name(person, erase, make_desk):
    before = list(LogEntry.objects.order_by("pk").values_list("user", "action_time"))
    erase(person)

    drain(make_desk(Deleting(DELETED)))

    entries = LogEntry.objects.order_by("pk")
    assert list(entries.values_list("user", "action_time")) == before
    words = " ".join(row.object_repr + row.change_message for row in entries)
    assert NAME not in words
    assert REFERENCE not in words


def test_the_story_keeps_all_and_never_knew_a_name(person, erase, make_desk):
    erase(person)
    before = list(Event.objects.order_by("pk").values())

    drain(make_desk(Deleting(DELETED)))

    after = list(Event.objects.order_by("pk").values())
    assert after[: len(before)] == before
    assert [row["action"] for row in after] == ["ask_erasure", "order", "erase"]
    assert NAME not in str(after)
    assert REFERENCE not in str(after)


def test_receipts_keep_who_ordered_it_and_why(person, erase, make_desk):
    user = User.objects.create_user("privacy officer")
    erase(person, by=user)

    drain(make_desk(Deleting(DELETED)))

    run, person = Run.objects.get(), Customer.objects.get(pk=person.pk)
    assert (run.opened_by, run.reason) == (user, "A letter of 3 March")
    assert person.erasure_asked_by == user


def test_a_customer_without_logins_is_erased_at_once(erase, clock):
    customer = make_customer(REFERENCE, name=NAME)

    opened = erase(customer)

    customer.refresh_from_db()
    assert opened == []
    assert (customer.erased_at, customer.name) == (clock(), "")


def test_logins_forgotten_before_are_not_asked_about_again(
    person, erase, order_forgotten, make_desk
):
    order_forgotten()
    drain(make_desk(Deleting(DELETED)))

    opened = erase(person)

    person.refresh_from_db()
    assert opened == []
    assert person.erased_at is not None


def test_a_file_previewed_before_an_erasure_cannot_be_confirmed_after_it(erase, clock):
    who = User.objects.create_user("importer")
    Upload.objects.create(name="all.csv", uploaded_by=who, uploaded_at=clock(), sealed=b"x")

    erase(make_customer("C-9"))

    assert not Upload.objects.exists()


def test_erasure_joins_a_forgetting_that_is_under_way(person, erase, order_forgotten, make_desk):
    order_forgotten()

    opened = erase(person)
    drain(make_desk(Deleting(DELETED)))

    person.refresh_from_db()
    assert opened == []
    assert person.erased_at is not None
    assert Run.objects.count() == 1


def test_asking_twice_orders_once_and_says_where_it_is(person, erase, clock):
    (opened,) = erase(person)
    clock.move(hours=1)

    with pytest.raises(NothingToDo, match=f"run {opened.run.pk}"):
        erase(person, reason="Once more")

    person.refresh_from_db()
    assert person.erasure_reason == "A letter of 3 March"
    assert Attempt.objects.count() == 2


def test_asking_again_orders_what_has_failed(person, erase, make_desk, clock):
    desk = make_desk(Deleting(BROKEN))
    erase(person)
    drain_all(desk, clock)
    first_asked_at = Customer.objects.get(pk=person.pk).erasure_asked_at
    desk.provider.said = [DELETED]

    erase(person, reason="They wait for it")
    drain_all(desk, clock)

    person.refresh_from_db()
    assert person.erased_at is not None
    assert person.erasure_asked_at == first_asked_at


def test_a_withdrawn_erasure_leaves_the_customer_as_before(person, erase, clock):
    (opened,) = erase(person, above=1)
    clock.move(hours=1)

    waiting.withdraw(opened.run, by="ops", why="The wrong customer", now=clock())

    person.refresh_from_db()
    assert (person.erasure_asked_at, person.erasure_asked_by) == (None, None)
    assert (person.erasure_reason, person.name) == ("", NAME)
    opened.run.refresh_from_db()
    assert opened.run.reason == "A letter of 3 March"


def test_a_request_that_came_before_the_withdrawn_order_stays(person, erase, make_desk, clock):
    erase(person)
    drain_all(make_desk(Deleting(BROKEN)), clock)
    (again,) = erase(person, reason="They wait for it", above=1)

    waiting.withdraw(again.run, by="ops", why="Not today", now=clock())

    person.refresh_from_db()
    assert person.erasure_reason == "A letter of 3 March"


def test_an_erasure_stays_asked_while_its_order_at_another_provider_goes_on(person, erase, clock):
    make_login(customer=person, provider=Provider.objects.create(name="flanks"))
    here, there = erase(person, above=1)

    waiting.withdraw(here.run, by="ops", why="Not here", now=clock())

    person.refresh_from_db()
    assert person.erasure_asked_at is not None

    waiting.withdraw(there.run, by="ops", why="Nor there", now=clock())

    person.refresh_from_db()
    assert person.erasure_asked_at is None


def test_an_erased_customer_is_not_erased_again(erase):
    customer = make_customer(REFERENCE, name=NAME)
    erase(customer)

    with pytest.raises(Refused, match="erased already"):
        erase(customer)


def test_a_refusal_notes_no_request(person, erase):
    with pytest.raises(Refused):
        erase(person, offers=lambda name: False)

    person.refresh_from_db()
    assert person.erasure_asked_at is None
    assert not person.logins.filter(status="inactive").exists()


def test_a_taken_reference_does_not_stop_an_erasure(erase):
    customer = make_customer(REFERENCE, name=NAME)
    make_customer(f"erased-{customer.pk}")

    erase(customer)

    customer.refresh_from_db()
    assert customer.reference == f"erased-{customer.pk}-"


def test_a_refresh_in_flight_keeps_no_data_of_a_customer_to_be_erased(
    person, order, erase, make_desk
):
    desk = make_desk(Deleting(DELETED))
    order(logins=Login.objects.filter(pk=person.logins.first().pk))
    work = record_first_call(desk)
    held = Snapshot.objects.count()

    erase(person)
    record(desk, work, engine.exchange(desk, work))

    assert Snapshot.objects.count() == held


# --- Everything held, as a file ---


def told(customer, clock, keys=(KEY,)):
    text = "".join(everything_about(customer, vault=Vault(list(keys)), now=clock()))
    return json.loads(text)


def test_the_file_holds_every_row_about_the_customer_and_no_other(person, order, make_desk, clock):
    make_login(customer=make_customer("Somebody else"))
    order()
    drain(make_desk(Deleting(DELETED)))
    first = person.logins.order_by("pk").first()
    keep_bank_data(first, clock())
    UnknownLogin.objects.create(
        provider=make_provider(),
        login_id=first.login_id,
        first_seen_at=clock(),
        last_seen_at=clock(),
    )
    for login in Login.objects.all():
        about = ("login", login.pk)
        events.note(events.Action.VIEW_BANK_DATA, by="Ola", at=clock(), subject=about)
    handed_out = [
        ("attempt", first.attempts.get().pk),
        ("call", Call.objects.filter(login_id=first.login_id)[0].pk),
    ]
    for about in (*handed_out, ("attempt", 4000), ("call", 4000), ("run", Run.objects.get().pk)):
        events.note(events.Action.BUNDLE, by="Ola", at=clock(), subject=about)

    found = told(person, clock)

    assert {name: len(rows) for name, rows in found.items() if name != "made_at"} == {
        "customer": 1,
        "logins": 2,
        "reported_by_the_provider": 1,
        "runs": 1,
        "attempts": 2,
        "returns": 0,
        "calls": 4,
        "bank_accounts": 1,
        "snapshots": 5,
        "deliveries": 0,
        "cases": 0,
        "contacts": 0,
        "links": 0,
        "mails": 0,
        "notes": 0,
        "journal": 3,
        "story": 2 + len(handed_out),
    }
    assert found["customer"][0]["name"] == NAME
    assert found["snapshots"][0]["data"] == {"Holder": NAME}
    assert found["bank_accounts"][0]["last_four"] == "4242"
    assert found["journal"][0]["user"] == "somebody"
    assert "lease_token" not in found["attempts"][0]


def test_the_file_is_the_same_for_the_same_rows(person, clock):
    texts = {"".join(everything_about(person, vault=Vault([KEY]), now=clock())) for _ in range(3)}

    assert len(texts) == 1


def test_a_snapshot_that_no_key_opens_says_so(person, clock):
    other_key = "ODEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

    found = told(person, clock, keys=[other_key])

    assert found["snapshots"][0]["data"] is None
    assert "FIELD_ENCRYPTION_KEYS" in found["snapshots"][0]["unreadable"]


def test_the_file_is_written_one_snapshot_at_a_time(person, clock):
    login = person.logins.first()
    sealed = Vault([KEY]).seal({"text": "x" * 100_000})
    for _ in range(30):
        snapshots.store(
            login=login, attempt_id=1, data=bank_data(clock()), sealed=sealed, now=clock()
        )

    pieces = [len(piece) for piece in everything_about(person, vault=Vault([KEY]), now=clock())]

    assert sum(pieces) > 3_000_000
    assert max(pieces) < 110_000


def test_nothing_about_an_erased_customer_is_left_to_tell(person, order, erase, make_desk, clock):
    desk = make_desk(Deleting(DELETED))
    order()
    drain(desk)
    erase(person)
    drain(desk)

    person.refresh_from_db()
    text = "".join(everything_about(person, vault=Vault([KEY]), now=clock()))

    found = json.loads(text)
    assert NAME not in text
    assert REFERENCE not in text
    assert (found["bank_accounts"], found["snapshots"]) == ([], [])
    assert len(found["calls"]) == 6
    assert privacy.holdings(person).bank_data == 0
