"""`activate` and `deactivate` from a shell: both directions, lists, and orders with a date."""

import json

import pytest

pytestmark = pytest.mark.processes
REASON = ("--reason", "The customer left")


@pytest.fixture
def three(simulate, install):
    simulator = simulate(scenario="calm", logins=3, limit=0, body_kb=5)
    place = install("sqlite", simulator)
    return simulator, place, [row["login_id"] for row in simulator.register_rows()]


def shown(place, login_id):
    return place.rows(
        "SELECT status, nightly, nightly_verified_at IS NOT NULL "
        "FROM logins_login WHERE login_id = ?",
        login_id,
    )[0]


def test_off_and_on_again_are_two_orders_each_with_its_proof(three):
    simulator, place, (login_id, *_) = three
    place.manage("deactivate", "--login-id", login_id, *REASON)

    done = place.manage("activate", "--login-id", login_id, "--reason", "Came back", "--json")

    said = json.loads(done.stdout)
    assert (said["state"], said["purpose"], said["on"], said["verified"]) == (
        "closed",
        "switch_on",
        1,
        1,
    )
    assert shown(place, login_id) == ("active", "on", 1)
    assert simulator.login(login_id)["scheduled"] is True


def test_what_is_on_already_is_not_asked_again(three):
    simulator, place, (login_id, *_) = three
    place.manage("deactivate", "--login-id", login_id, *REASON)
    place.manage("activate", "--login-id", login_id, *REASON)
    calls = simulator.counts()["arrived"]

    done = place.manage("activate", "--login-id", login_id, *REASON)

    assert done.stdout == "All 1 logins are on at the provider already.\n"
    assert simulator.counts()["arrived"] == calls


def test_a_list_may_be_a_table_with_a_header(three, tmp_path):
    _, place, (first, second, third) = three
    table = tmp_path / "list.csv"
    table.write_text(f"login_id,why\n{first},left\n{second},left\n", encoding="utf-8")

    place.manage("deactivate", "--file", str(table), *REASON)

    assert [shown(place, one)[0] for one in (first, second, third)] == [
        "inactive",
        "inactive",
        "active",
    ]


def test_a_word_that_names_nothing_refuses_the_whole_list(three, tmp_path):
    _, place, (first, *_) = three
    words = tmp_path / "list.txt"
    words.write_text(f"{first}\nNOBODY-7\n", encoding="utf-8")

    done = place.manage("deactivate", "--file", str(words), *REASON, expect=1)

    assert "Not in the register, nothing was changed: NOBODY-7" in done.stderr
    assert shown(place, first)[0] == "active"


def test_an_order_with_a_date_waits_and_calls_nobody(three):
    simulator, place, (login_id, *_) = three
    (year,) = place.rows("SELECT strftime('%Y', 'now', '+200 days')")[0]
    day = place.rows("SELECT date('now', '+200 days')")[0][0]

    done = place.manage(
        "deactivate", "--login-id", login_id, *REASON, "--starts", day, "--json", expect=3
    )

    said = json.loads(done.stdout)
    assert (said["state"], said["planned"]) == ("waiting", 1)
    assert said["waits_because"].startswith("Begins on ")
    assert year in said["waits_because"]
    assert simulator.counts()["arrived"] == 0
    assert shown(place, login_id)[0] == "active"


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2020-01-01", "That date has passed"),
        ("tomorrow", "'tomorrow' is no day, as in 2026-11-20"),
    ],
)
def test_a_date_that_makes_no_sense_is_refused(three, day, why):
    _, place, (login_id, *_) = three

    done = place.manage("activate", "--login-id", login_id, *REASON, "--starts", day, expect=None)

    assert done.returncode in (1, 2)
    assert place.rows("SELECT count(*) FROM routine_run") == [(0,)]
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_an_order_with_a_date_that_is_given_twice_is_one(three):
    _, place, (login_id, *_) = three
    day = place.rows("SELECT date('now', '+30 days')")[0][0]
    words = ("deactivate", "--login-id", login_id, *REASON, "--starts", day, "--json")

    first = json.loads(place.manage(*words, expect=3).stdout)
    again = json.loads(place.manage(*words, expect=3).stdout)

    assert again["run"] == first["run"]
    assert place.rows("SELECT count(*) FROM routine_run") == [(1,)]
