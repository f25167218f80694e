"""What changed behind our back is found, stands in the right list, and one action puts it right."""

import json
from pathlib import Path

import pytest

HANDS = str(Path(__file__).with_name("hands.py"))
LISTS = (
    "off_here_on_there",
    "on_here_off_there",
    "unknown_there",
    "unknown_here",
    "never_verified",
    "replaced",
)
REASON = ("--reason", "Found by the look at the schedule")
CONFIRM = {"fill": {"reason": "Found by the look at the schedule"}}

pytestmark = pytest.mark.processes


class Changes:
    """Three flags flipped, one login deleted, one added: all at the provider alone."""

    def __init__(self, simulator, place):
        ids = [row["login_id"] for row in simulator.register_rows()]
        left, others = ids[:2], ids[2:]
        place.run_routine()
        place.manage("deactivate", "--login-id", *left, "--reason", "The customer left")
        self.costs_money = left[0]
        self.stale_one, self.stale_two, self.deleted = others[:3]
        simulator.change(self.costs_money, scheduled=True)
        simulator.change(self.stale_one, scheduled=False)
        simulator.change(self.stale_two, scheduled=False)
        simulator.change(self.deleted, deleted=True)
        # Not refreshed for a week: the report names it, and its flag can be read.
        stranger = simulator.add_login(fate="success", last_refresh_hours_ago=200)
        self.stranger = stranger["login_id"]

    def in_lists(self):
        return {
            "off_here_on_there": {self.costs_money},
            "on_here_off_there": {self.stale_one, self.stale_two},
            "unknown_there": {self.deleted},
            "unknown_here": {self.stranger},
            "never_verified": set(),
            "replaced": set(),
        }


def leaks(place):
    found = json.loads(place.manage("leaks", "--json").stdout)
    return {name: {row["login_id"] for row in found[name]} for name in LISTS}


def by_hand(place, *steps):
    done = place.manage(HANDS, "boss", json.dumps(steps))
    return [json.loads(line) for line in done.stdout.splitlines()]


def pressed(words):
    """Return the steps from the leaks page to the end of the order that a button leads to."""
    return [
        {"open": "/leaks/"},
        {"press": words},
        {"press": "Switch", **CONFIRM},
        {"drive": 20},
    ]


# The one order that no command can give: nobody registered these.
UNKNOWN_OFF = pressed("Switch off 1 login at the provider")


def put_right_by_commands(place, changes):
    place.manage("deactivate", "--login-id", changes.costs_money, *REASON)
    place.manage("activate", "--login-id", changes.stale_one, changes.stale_two, *REASON)
    place.manage("deactivate", "--login-id", changes.deleted, *REASON)
    by_hand(place, *UNKNOWN_OFF)


def put_right_by_buttons(place, changes):
    by_hand(
        place,
        *UNKNOWN_OFF,
        *pressed("Switch off 1 login…"),
        *pressed("Switch 2 logins on again"),
        *pressed("Retire"),
    )


def flags_that_differ(simulator, place):
    """Return logins whose flag at the provider is not the one we want here."""
    wanted = dict(place.rows("SELECT login_id, status FROM logins_login"))
    found = []
    for login in simulator.state()["logins"]:
        is_on = login["scheduled"] and not login["deleted"]
        if is_on is not (wanted[login["login_id"]] == "active"):
            found.append(login["login_id"])
    return found


@pytest.mark.parametrize(
    ("database", "put_right"),
    [
        ("sqlite", put_right_by_buttons),
        ("postgresql", put_right_by_commands),
        pytest.param("sqlite", put_right_by_commands, marks=pytest.mark.soak),
        pytest.param("postgresql", put_right_by_buttons, marks=pytest.mark.soak),
    ],
    indirect=["database"],
)
def test_five_changes_behind_our_back_are_found_and_put_right(
    put_right, database, simulate, install
):
    simulator = simulate(scenario="calm", logins=12, limit=0, body_kb=4)
    place = install(database, simulator)
    changes = Changes(simulator, place)
    assert leaks(place) == {name: set() for name in LISTS}

    place.manage("check_schedule")
    found = leaks(place)
    put_right(place, changes)

    assert found == changes.in_lists()
    assert leaks(place) == {name: set() for name in LISTS}
    assert flags_that_differ(simulator, place) == []
    place.manage("check_schedule")
    assert leaks(place) == {name: set() for name in LISTS}
    assert place.rows("SELECT DISTINCT state FROM routine_run") == [("closed",)]
