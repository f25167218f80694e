"""Every named action is told once: who, what, why, to how many, by which run. None in vain."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_login_failed
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from refreshops import wiring
from refreshops.console import story
from refreshops.console.sign_ins import FAILURES_A_MINUTE
from refreshops.console.story_words import WHAT, what_was_done
from refreshops.logins.models import ConnectLink, LetterText, ReconnectCase, UnknownLogin
from refreshops.providers.contract import Result
from refreshops.routine import connecting, endings, schedules, tasks, waiting
from refreshops.routine.models import Run
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome
from refreshops.tracing.events import (
    A_CUSTOMER,
    AT_THE_COMMAND_LINE,
    BY_ITSELF,
    THE_SCHEDULE,
    Action,
    note,
)
from refreshops.tracing.models import Call, Event
from tests.builders import make_customer
from tests.console.conftest import Register, make_attempt, make_run, page_of
from tests.console.permission_site import everything_stored

PASSWORD = "a password of the test"
WHY = "The bank asked for it"


@dataclass
class World:
    """A register, runs in every state, and clients of people."""

    people: dict[str, Any]
    register: Register
    folder: Path
    clients: dict[str, Client] = field(default_factory=dict)
    # Called when all is prepared, right before the action.
    on_go: Callable[[], None] = lambda: None

    def go(self) -> None:
        self.on_go()

    def client(self, name: str) -> Client:
        self.go()
        return self.clients[name]

    def post(self, name: str, address: str, **form: Any) -> Any:
        answer = self.client(name).post(address, {"reason": WHY, "token": "t", **form})
        if answer.streaming:
            answer.getvalue()
        return answer

    def step(self, run: Run, step: str) -> Any:
        return self.post("ops", f"/routine/run/{run.pk}/order/{step}/")

    def run_of(self, **fields: Any) -> Run:
        """Return a run by "manager" with one attempt."""
        ended = {"outcome": fields.pop("outcome")} if "outcome" in fields else {}
        run = make_run(opened_by=self.people["manager"], planned=1, reason="Mine", **fields)
        make_attempt(run, self.register.own, **ended)
        return run

    def waiting(self, **fields: Any) -> Run:
        return self.run_of(purpose="switch_off", state="waiting", **fields)


@pytest.fixture
def world(people, register, tmp_path):
    found = World(people, register, tmp_path)
    for name in ("ops", "manager", "viewer", "privacy", "auditor"):
        people[name].set_password(PASSWORD)
        people[name].save()
        found.clients[name] = Client(raise_request_exception=False)
        found.clients[name].force_login(people[name])
    found.clients[""] = Client(raise_request_exception=False)
    return found


@dataclass(frozen=True)
class Way:
    """A way to do a named action, and what the story then says of it."""

    action: Action
    do: Callable[[World], Any]
    who: str = "ops"
    why: str = ""
    number: int | None = None
    names_its_run: bool = False
    # Done in one transaction with its event; the others are only looking, or cannot be undone.
    together: bool = True


def order_off(world: World) -> None:
    form = {"action": "switch_off", "_selected_action": world.register.own.pk, "confirmed": "yes"}
    world.post("ops", "/logins/login/", **form)


def begin(world: World) -> None:
    run = world.waiting(starts_at=timezone.now() - timedelta(hours=1))
    world.go()
    waiting.begin_due(provider_id=run.provider_id, now=timezone.now())


def open_today(world: World) -> None:
    Run.objects.filter(origin="daily").update(origin="person")
    world.go()
    tasks.open_today()


def end_finished(world: World) -> None:
    Run.objects.all().delete()
    run = world.run_of(outcome="fresh")
    world.go()
    endings.close_finished(provider_id=run.provider_id, now=timezone.now())


def resume_provider(world: World) -> None:
    provider = world.register.provider
    type(provider).objects.update(paused_at=timezone.now(), paused_reason="x")
    world.post("ops", f"/logins/provider/{provider.pk}/order/resume/")


def change_provider(world: World) -> None:
    limits = {
        "logins_per_minute": 12,
        "fresh_within": "1 12:00:00",
        "usable_within": "7 00:00:00",
        "cost_per_login_month": "0.00",
        "cost_per_live_call": "0.00",
        "currency": "CAD",
    }
    world.client("ops").post(page_of(world.register.provider), limits)


def import_file(world: World) -> None:
    path = world.folder / "Jane Roe.csv"
    path.write_text("reference,name\nNEW-1,Jane Roe\nNEW-2,John Roe\n")
    world.go()
    call_command("import_customers", path, stdout=StringIO())


def register_unknown(world: World) -> None:
    now = timezone.now()
    row = UnknownLogin.objects.create(
        provider=world.register.provider, login_id="nobody-s", first_seen_at=now, last_seen_at=now
    )
    form = {"action": "register", "rows": row.pk, "_selected_action": row.pk, "confirmed": "yes"}
    world.post("ops", "/logins/unknownlogin/", customer="OWN-1", **form)


def erase(world: World) -> None:
    customer = make_customer("EMPTY-1", name="Jane Roe")
    world.post("privacy", f"/logins/customer/{customer.pk}/erase/", typed="EMPTY-1")


def change_time(world: World) -> None:
    schedules.ensure_schedules(wiring.provider_names())
    world.go()
    call_command("schedule_routine", provider="flinks", time="11:20", stdout=StringIO())


def prune(world: World) -> None:
    Call.objects.filter(pk=world.register.own_call.pk).update(
        sent_at=timezone.now() - timedelta(days=9)
    )
    call_command("prune_calls", days=8, stdout=StringIO())


def edit_customer(world: World) -> None:
    manager = world.people["manager"].pk
    form = {"reference": "OWN-1", "name": "Jane Roe", "language": "en", "account_manager": manager}
    world.client("ops").post(page_of(world.register.customer), form)


def text_page() -> str:
    """Return the address of the text of a mail."""
    text, _ = LetterText.objects.get_or_create(kind="connect", language="en")
    return f"/logins/lettertext/{text.pk}/"


def send_test(world: World) -> None:
    world.people["ops"].email = "ops@lender.example"
    world.people["ops"].save()
    world.post("ops", f"{text_page()}test/")


def case_of(world: World) -> str:
    """Return the address of the own login's reconnect case."""
    case = ReconnectCase.objects.create(login=world.register.own, opened_at=timezone.now())
    return f"/logins/reconnectcase/{case.pk}/"


def revoke_link(world: World) -> None:
    now, own = timezone.now(), world.register.own
    link = ConnectLink.objects.create(
        provider=own.provider,
        customer=own.customer,
        login=own,
        made_at=now,
        expires_at=now + timedelta(days=1),
    )
    world.post("ops", f"/logins/customer/link/{link.pk}/revoke/")


def link_of_own(world: World, **fields: Any) -> ConnectLink:
    """Return a connect link of a customer who is at the provider's page."""
    own, now = world.register.own, timezone.now()
    return ConnectLink.objects.create(
        provider=own.provider,
        customer=own.customer,
        login=own,
        made_at=now,
        expires_at=now + timedelta(days=7),
        starts=1,
        started_at=now,
        handed_at=now,
        **fields,
    )


def come_back(world: World) -> None:
    tag = connecting.tag_text(link_of_own(world))
    query = {"loginId": world.register.foreign.login_id, "tag": tag}
    world.client("").get("/connect/back/", query)


def connect(world: World) -> None:
    run = make_run(origin="connect", planned=1)
    attempt = make_attempt(run, world.register.own, outcome="fresh", rank=0)
    link_of_own(world, attempt_id=attempt.pk)
    result = Result(Outcome.FRESH, DataState.FRESH)
    world.go()
    with transaction.atomic():
        connecting.settle(attempt, result, sealed=None, now=timezone.now())


def change_password(world: World) -> None:
    new = "an other one 7 of the test"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    world.client("auditor").post("/password_change/", form)


def sign_in(world: World, password: str) -> None:
    world.client("").post("/login/", {"username": "auditor", "password": password})


WAYS = (
    Way(Action.ORDER, order_off, why=WHY, number=1, names_its_run=True),
    Way(
        Action.APPROVE,
        lambda world: world.step(world.waiting(needs_approval=True), "approve"),
        number=1,
        names_its_run=True,
    ),
    Way(
        Action.WITHDRAW,
        lambda world: world.step(world.waiting(needs_approval=True), "withdraw"),
        why=WHY,
        number=1,
        names_its_run=True,
    ),
    Way(Action.BEGIN_RUN, begin, who=BY_ITSELF, number=1, names_its_run=True),
    Way(
        Action.PAUSE_RUN,
        lambda world: world.step(world.run_of(), "pause"),
        why=WHY,
        names_its_run=True,
    ),
    Way(
        Action.RESUME_RUN,
        lambda world: world.step(world.run_of(state="paused"), "resume"),
        names_its_run=True,
    ),
    Way(
        Action.CANCEL_RUN,
        lambda world: world.step(world.run_of(purpose="check_schedule"), "cancel"),
        why=WHY,
        number=1,
        names_its_run=True,
    ),
    Way(
        Action.RETRY_RUN,
        lambda world: world.step(world.run_of(outcome="provider_fault"), "retry"),
        number=1,
        names_its_run=True,
    ),
    Way(Action.OPEN_DAILY, open_today, who=THE_SCHEDULE, number=2, names_its_run=True),
    Way(Action.END_RUN, end_finished, who=BY_ITSELF, number=1, names_its_run=True),
    Way(
        Action.PAUSE_PROVIDER,
        lambda world: world.post(
            "ops", f"/logins/provider/{world.register.provider.pk}/order/pause/"
        ),
        why=WHY,
    ),
    Way(Action.RESUME_PROVIDER, resume_provider),
    Way(Action.CHANGE_PROVIDER, change_provider),
    Way(
        Action.CHANGE_DAILY_TIME,
        change_time,
        who=AT_THE_COMMAND_LINE,
    ),
    Way(Action.IMPORT, import_file, who=AT_THE_COMMAND_LINE, number=2),
    Way(Action.REGISTER, register_unknown, number=1),
    Way(
        Action.EXPORT,
        lambda world: world.client("auditor").get("/logins/customer/export/csv/"),
        who="auditor",
        number=2,
        together=False,
    ),
    Way(
        Action.BUNDLE,
        lambda world: world.post("ops", f"/bundle/call/{world.register.own_call.pk}/"),
        why=WHY,
        number=1,
        names_its_run=True,
        together=False,
    ),
    Way(
        Action.ASK_ERASURE,
        lambda world: world.post(
            "privacy", f"/logins/customer/{world.register.customer.pk}/erase/", typed="OWN-1"
        ),
        who="privacy",
        why=WHY,
        number=1,
    ),
    Way(Action.ERASE, erase, who=BY_ITSELF),
    Way(
        Action.DISCLOSE,
        lambda world: world.post(
            "viewer", f"/logins/customer/{world.register.customer.pk}/export/"
        ),
        who="viewer",
        number=1,
    ),
    Way(
        Action.VIEW_BANK_DATA,
        lambda world: world.client("viewer").get(page_of(world.register.own)),
        who="viewer",
    ),
    Way(
        Action.NOTE,
        lambda world: world.post(
            "ops", f"/logins/login/{world.register.own.pk}/note/", text="Jane Roe called"
        ),
    ),
    Way(
        Action.MAKE_LINK,
        lambda world: world.post("ops", f"/logins/login/{world.register.own.pk}/link/"),
    ),
    Way(Action.REVOKE_LINK, revoke_link),
    Way(Action.CONNECT, connect, who=A_CUSTOMER, names_its_run=True),
    Way(
        Action.SEND_LETTERS,
        send_test,
        number=1,
    ),
    Way(
        Action.CHANGE_LETTER,
        lambda world: world.post(
            "ops", f"{text_page()}change/", subject="Hello", body="Open {link}, Jane Roe"
        ),
    ),
    Way(Action.REFUSE_RETURN, come_back, who=A_CUSTOMER, why=connecting.OF_SOMEBODY_ELSE),
    Way(
        Action.CONTACT,
        lambda world: world.post("ops", f"{case_of(world)}contact/", how="phone", text="Roe"),
    ),
    Way(
        Action.SNOOZE,
        lambda world: world.post("ops", f"{case_of(world)}snooze/", days="3"),
    ),
    Way(Action.CHANGE_ROW, edit_customer),
    Way(Action.PRUNE, prune, who=AT_THE_COMMAND_LINE, number=1, together=False),
    Way(Action.SIGN_IN, lambda world: sign_in(world, PASSWORD), who="auditor", together=False),
    Way(
        Action.SIGN_OUT,
        lambda world: world.client("auditor").post("/logout/"),
        who="auditor",
        together=False,
    ),
    Way(Action.CHANGE_PASSWORD, change_password, who="auditor"),
    Way(Action.FAIL_SIGN_IN, lambda world: sign_in(world, "wrong"), who="auditor", together=False),
)
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.action.value)


def test_every_action_has_a_way_and_words():
    assert {way.action for way in WAYS} == set(Action)
    assert set(WHAT) == set(Action)


@each_way
def test_a_named_action_is_told_once(world, way):
    known = set(Event.objects.values_list("pk", flat=True))

    way.do(world)

    told = Event.objects.exclude(pk__in=known).filter(action=way.action.value).get()
    assert (told.actor, told.number) == (way.who, way.number)
    assert told.reason == way.why or (not way.why and told.actor_id is None) or told.run_id
    assert (told.run_id is not None) == way.names_its_run
    assert told.run_id is None or Run.objects.filter(pk=told.run_id).exists()
    whole = f"{told.actor} {told.reason} {told.details} {what_was_done(told)}"
    assert "Roe" not in whole, "the story holds no name of a customer"


class Untold(Exception):
    """The story cannot be written."""


@pytest.mark.parametrize(
    "way", [way for way in WAYS if way.together], ids=lambda way: way.action.value
)
def test_what_cannot_be_told_is_not_done(world, way, monkeypatch):
    """The event and the action stand in one transaction: without the one there is no other."""
    stored = []

    def refuse(self, **fields):
        raise Untold

    def break_the_story():
        stored.append(everything_stored())
        monkeypatch.setattr(type(Event.objects.all()), "create", refuse)

    world.on_go = break_the_story

    with suppress(Untold):
        way.do(world)

    assert len(stored) == 1
    assert everything_stored() == stored[0]


# --- What a person reads of it ---


def test_a_run_tells_what_was_done_to_it_oldest_first(world, people):
    run = world.run_of(outcome="provider_fault", state="paused")
    world.step(run, "resume")
    world.step(run, "pause")
    world.step(run, "retry")

    told = story.story_of_run(people["ops"], run)

    assert [(row.who, row.what) for row in told] == [
        ("ops", "Resumed a run: refresh"),
        ("ops", "Paused a run: refresh"),
        ("ops", "Retried the failed logins: refresh"),
    ]
    assert [row.why for row in told[:2]] == ["", WHY]


def test_an_account_manager_reads_what_people_did_to_their_own_and_counts_nobody_elses(
    world, people, register
):
    own, foreign = world.run_of(), make_run(opened_by=people["other"])
    for run in (own, foreign):
        world.step(run, "cancel")
    note(Action.END_RUN, by=BY_ITSELF, at=timezone.now(), number=99, run_id=own.pk)
    for login in (register.own, register.foreign):
        subject = ("login", login.pk)
        note(Action.NOTE, by=people["ops"], at=timezone.now(), subject=subject)

    def read(name):
        about = (("login", register.own.pk), ("login", register.foreign.pk))
        runs = [story.story_of_run(people[name], run) for run in (own, foreign)]
        return [*runs, *(story.story_of(people[name], *row) for row in about)]

    assert [len(told) for told in read("ops")] == [2, 1, 1, 1]
    assert [len(told) for told in read("manager")] == [1, 0, 1, 0]
    assert [len(told) for told in read("nobody")] == [0, 0, 0, 0]
    told = read("manager")[0][0]
    assert (told.what, told.why) == ("Cancelled a run: refresh", WHY)
    assert (told.number, told.how_many, told.more) == (None, "", "")


# --- Sign-ins ---


def test_a_name_that_is_nobodys_is_not_kept(db):
    for name in ("hunter2 my password", "\0", ""):
        Client().post("/login/", {"username": name, "password": "x"})

    events = Event.objects.filter(action="fail_sign_in")
    assert {row.actor for row in events} == {"somebody unknown"}
    assert "hunter2" not in str(list(Event.objects.values()))


def test_guessing_all_night_does_not_fill_the_story(db):
    for _ in range(40):
        user_login_failed.send(sender=None, credentials={"username": "root"}, request=None)

    assert Event.objects.count() == FAILURES_A_MINUTE


# --- Hand edits ---


def test_an_edit_tells_the_fields_and_no_values(world, people):
    edit_customer(world)

    told = Event.objects.get(action="change_row")
    assert told.details == {"model": "customer", "change": "changed", "fields": ["Name"]}
    assert (told.subject, told.subject_id) == ("customer", world.register.customer.pk)


def test_a_changed_limit_is_told_with_what_it_was(world):
    change_provider(world)

    told = Event.objects.get(action="change_provider")
    assert told.details == {"changed": {"logins_per_minute": ["20", "12"]}}
    assert not Event.objects.filter(action="change_row").exists()


def test_people_are_told_of_with_what_they_may_do_since(signed_in, people):
    admin, colleague = signed_in("admin"), people["nobody"]
    group = Group.objects.get(name="Auditors")
    form = {
        "username": "nobody",
        "is_active": "on",
        "is_staff": "on",
        "groups": [group.pk],
        "date_joined_0": "2026-01-01",
        "date_joined_1": "10:00:00",
    }

    admin.post(f"/auth/user/{colleague.pk}/change/", form)
    admin.post(f"/auth/user/{colleague.pk}/delete/", {"post": "yes"})

    changed, deleted = Event.objects.filter(action="change_row").order_by("pk")
    assert changed.details["groups"] == ["Auditors"]
    assert "Groups" in changed.details["fields"]
    assert deleted.details == {"model": "user", "change": "deleted"}
    assert (deleted.subject, deleted.subject_id) == ("user", colleague.pk)


def test_several_rows_deleted_at_once_are_one_event(signed_in, people):
    doomed = [people["nobody"].pk, people["auditor"].pk]
    form = {"action": "delete_selected", "_selected_action": doomed, "post": "yes"}

    signed_in("admin").post("/auth/user/", form)

    told = Event.objects.get(action="change_row")
    assert (told.number, sorted(told.details["rows"])) == (2, sorted(doomed))
