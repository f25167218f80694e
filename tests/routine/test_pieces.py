"""What an attempt fetches in several calls: sealed, lost by no crash, gathered once, then gone."""

import pytest

from refreshops.bankdata import pieces, snapshots
from refreshops.bankdata.models import Piece, Snapshot
from refreshops.bankdata.vault import Vault
from refreshops.logins.models import LoginStatus
from refreshops.routine import claims, ended, engine, services
from refreshops.routine.models import Attempt
from refreshops.routine.recording import record
from refreshops.tracing.models import Call
from tests.builders import ScriptedProvider, TokenOffice, make_login, make_logins
from tests.routine.conftest import KEY, drain
from tests.routine.test_access import OTHER_KEY, everything_stored, reclaim

PARTS = ("one", "two", "three")

pytestmark = pytest.mark.django_db


def in_parts(call):
    """Authorize, then one, two, three; each answer brings a piece named like its call."""
    steps = ("authorize", *PARTS)
    place = steps.index(call.endpoint)
    said = {"piece": (call.endpoint, {"of": call.endpoint, "iban": "canary-iban"})} if place else {}
    if call.endpoint == steps[-1]:
        return said | {"then": "done"}
    return said | {"then": "ask", "step": steps[place + 1]}


@pytest.fixture
def provider():
    return ScriptedProvider(in_parts, gathers=True)


@pytest.fixture
def desk(make_desk, provider):
    return make_desk(provider)


def names(payload):
    return [name for name, _ in payload]


def stored():
    return Vault([KEY]).open(Snapshot.objects.get().payload)


def speak_until(desk, endpoint):
    """Speak for an attempt until it has its answer to `endpoint`; return what follows."""
    work = claims.claim(desk)
    while True:
        said = work.call.endpoint
        work = record(desk, work, engine.exchange(desk, work))
        if said == endpoint:
            return work


def test_the_pieces_become_one_snapshot_and_go(desk, open_today):
    make_login()
    open_today()

    drain(desk)

    assert names(stored()) == list(PARTS)
    assert Snapshot.objects.get().attempt_id == Attempt.objects.get().pk
    assert not Piece.objects.exists()


def test_each_is_kept_with_the_state_that_follows_it(desk, open_today):
    login = make_login()
    open_today()

    speak_until(desk, "two")

    assert names(Piece.objects.order_by("pk").values_list("name", "login")) == ["one", "two"]
    assert set(Piece.objects.values_list("login", flat=True)) == {login.pk}
    assert Attempt.objects.get().conversation == {"step": "three"}


def test_after_a_crash_only_the_call_in_flight_is_asked_again(desk, provider, open_today, clock):
    make_login()
    open_today()
    speak_until(desk, "two")
    desk.held.clear()

    reclaim(desk, clock)
    drain(desk)

    assert names(stored()) == list(PARTS)
    assert [step for step, _ in provider.asked] == ["authorize", *PARTS]
    assert Call.objects.filter(endpoint="three").count() == 2


def test_a_worker_whose_attempt_was_taken_over_keeps_no_piece(desk, make_desk, open_today, clock):
    make_login()
    open_today()
    late = speak_until(desk, "one")
    answer = engine.exchange(desk, late)
    other = make_desk(ScriptedProvider(lambda call: {"then": "done"}, gathers=True))
    reclaim(other, clock)
    drain(other)

    assert record(desk, late, answer) is None

    assert not Piece.objects.exists()
    assert names(stored()) == ["one"]


def test_the_same_name_again_takes_the_place_of_the_earlier_one(make_desk, open_today):
    make_login()
    open_today()
    answers = iter(
        [
            {"then": "ask", "step": "one"},
            {"then": "ask", "step": "one", "piece": ("one", "old")},
            {"then": "ask", "step": "two", "piece": ("two", "x")},
            {"then": "done", "piece": ("one", "new")},
        ]
    )

    drain(make_desk(ScriptedProvider(lambda call: next(answers), gathers=True)))

    assert stored() == [["one", "new"], ["two", "x"]]


@pytest.mark.parametrize("content", [None, [], {}, "", 0, False], ids=repr)
def test_a_piece_without_content_is_a_piece(make_desk, open_today, content):
    make_login()
    open_today()
    answers = iter(
        [
            {"then": "wait", "seconds": 0, "step": "two", "piece": ("one", content)},
            {"then": "done"},
        ]
    )

    drain(make_desk(ScriptedProvider(lambda call: next(answers), gathers=True)))

    assert stored() == [["one", content]]


def test_pieces_outlive_a_wait_and_a_renewed_token(make_desk, open_today, clock):
    make_login()
    open_today()
    office = TokenOffice()

    def answer(call):
        said = in_parts(call)
        if call.endpoint == "one":
            return said | {"then": "wait", "seconds": 60}
        if call.endpoint == "two":
            office.give()
        return said

    desk = make_desk(ScriptedProvider(answer, gathers=True, office=office))
    drain(desk)
    clock.move(seconds=60)
    drain(desk)

    assert names(stored()) == list(PARTS)
    assert [call.endpoint for call in Call.objects.order_by("pk")] == [
        *("token", "authorize", "one", "two", "three", "token", "three")
    ]


def test_they_are_nowhere_in_the_clear(desk, open_today, caplog):
    make_login()
    open_today()
    speak_until(desk, "two")

    found = everything_stored()

    assert "canary-iban" not in found
    assert "canary-iban" not in caplog.text
    assert "canary-iban" not in repr(Piece.objects.first())


def test_what_is_gathered_by_a_broken_script_parks_one_login(make_desk, open_today, monkeypatch):
    make_logins(2)
    open_today()
    broken = make_logins(1, institution="A")[0]
    desk = make_desk(ScriptedProvider(in_parts, gathers=True))
    contents = pieces.contents

    def breaks(attempt_id, **words):
        if attempt_id == Attempt.objects.order_by("pk").first().pk:
            raise RuntimeError("our own mistake")
        return contents(attempt_id, **words)

    monkeypatch.setattr(pieces, "contents", breaks)
    drain(desk)

    assert broken is not None
    assert sorted(Attempt.objects.values_list("outcome", flat=True)) == ["fresh", "our_config"]
    assert not Piece.objects.exists()


def test_pieces_under_a_key_that_was_removed_park_one_login_and_store_nothing(
    desk, open_today, clock
):
    make_login()
    open_today()
    speak_until(desk, "two")
    desk.vault = Vault([OTHER_KEY])
    desk.held.clear()

    reclaim(desk, clock)
    drain(desk)

    assert Attempt.objects.get().outcome == "our_config"
    assert not Snapshot.objects.exists()
    assert not Piece.objects.exists()


class TestTheyGo:
    def test_with_the_attempt_that_is_called_off(self, desk, open_today, clock):
        make_login()
        run = open_today()
        work = speak_until(desk, "one")
        services.cancel_run(run, by="Ola", why="enough", now=clock())
        record(desk, work, engine.exchange(desk, work))

        ended.drop_pieces()

        assert Attempt.objects.get().state == "cancelled"
        assert not Piece.objects.exists()

    def test_with_the_attempt_that_is_given_up(self, desk, open_today, clock):
        make_login()
        open_today()
        speak_until(desk, "one")
        desk.held.clear()
        Attempt.objects.update(starts=3)
        reclaim(desk, clock)

        ended.drop_pieces()

        assert Attempt.objects.get().outcome_reason == "crashed"
        assert not Piece.objects.exists()

    def test_but_not_while_the_attempt_goes_on(self, desk, open_today):
        make_login()
        open_today()
        speak_until(desk, "two")

        ended.drop_pieces()

        assert Piece.objects.count() == 2

    def test_with_what_is_erased_of_a_login(self, desk, open_today):
        login = make_login()
        open_today()
        speak_until(desk, "two")

        snapshots.drop(login.pk)

        assert not Piece.objects.exists()

    def test_with_the_login_itself(self, desk, open_today):
        login = make_login()
        open_today()
        speak_until(desk, "two")

        login.delete()

        assert not Piece.objects.exists()

    def test_and_none_comes_back_after_the_login_was_switched_off(self, desk, open_today):
        login = make_login()
        open_today()
        work = speak_until(desk, "one")
        login.status = LoginStatus.INACTIVE
        login.save()

        while work is not None:
            work = record(desk, work, engine.exchange(desk, work))

        assert Attempt.objects.get().state == "done"
        assert not Piece.objects.exists()
