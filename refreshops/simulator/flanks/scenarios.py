"""Scenarios at the fake Flanks: which share of the credentials gets which fate and which fault."""

from collections.abc import Mapping
from random import Random

from refreshops.simulator.flanks.fates import (
    CODES,
    DOES_NOT_EXIST,
    FLANKS_FATES,
    OK,
    OK_MILLISECONDS,
    OK_PLURAL,
    FlanksFate,
)

# Per thousand credentials; the rest are well. At least one gets each, as far as there are any, so
# the order matters in a small world. Checks of a day or two stay out: no morning would end.
MORNING = {
    "sca_needed": 90,
    "blocked": 45,
    "errored_investment": 40,
    "initial_pending": 40,
    "stale": 25,
    "incomplete": 20,
    "transaction_token": 20,
    "not_created_portfolio": 20,
    "does_not_exist": 15,
    "bank_error": 20,
    "quiet_account": 20,
    "processing": 15,
    "nulls_in_data": 15,
    "reset_forced": 10,
    "internal_error": 10,
    "empty_lists": 10,
    "blocked_without_token": 10,
    "expired": 10,
    "timestamp_missing": 8,
    "invented_code": 8,
}
# All that is well, in the forms it is told in.
WELL = (OK, OK, OK_MILLISECONDS, OK_PLURAL)

BANK_DOWN: Mapping[str, str] = {"outage": "banco-norte"}
# How a bank that is down shows: half of its credentials each.
DOWN = ("bank_error", "errored_everything")

FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "status", "status": 502, "times": 1},
    {"kind": "status", "status": 503, "endpoint": "credentials/status"},
    {"kind": "status", "status": 500, "endpoint": "portfolio"},
    {"kind": "cut", "endpoint": "account", "times": 1},
    {"kind": "cut"},
    {"kind": "reset", "times": 1},
    {"kind": "reset", "endpoint": "investment"},
    {"kind": "invalid_json"},
    {"kind": "wrong_type", "form": "number"},
    {"kind": "wrong_type", "form": "null", "endpoint": "card"},
    {"kind": "html_200"},
    {"kind": "html_200", "endpoint": "liability"},
    {"kind": "duplicate_keys", "endpoint": "credentials/status"},
    {"kind": "stall", "times": 1},
    {"kind": "stall", "endpoint": "credentials/status"},
    {"kind": "do_then_stall", "endpoint": "credentials", "times": 1},
    {"kind": "stall", "endpoint": "credentials", "times": 1},
)


def fates_for(*, scenario: str, logins: int, chance: Random) -> list[FlanksFate]:
    """Return one fate per credential; `codes` has one of each, if there is any at all."""
    if scenario == "codes":
        count = max(logins, len(CODES)) if logins else 0
        return [CODES[index % len(CODES)] for index in range(count)]
    if scenario == "pending":
        return [FLANKS_FATES["initial_pending"]] * logins
    dealt: list[FlanksFate] = []
    if scenario == "morning":
        for name, share in MORNING.items():
            dealt += [FLANKS_FATES[name]] * max(1, round(share * logins / 1000))
        dealt = dealt[: logins // 2]
    elif scenario == "leak":
        dealt = [DOES_NOT_EXIST] * (logins // 8)
    dealt += [WELL[index % len(WELL)] for index in range(logins - len(dealt))]
    chance.shuffle(dealt)
    return dealt


def fate_at(bank: str, fate: FlanksFate, *, scenario: str, index: int) -> FlanksFate:
    """Return the fate of a credential at `bank`, which may be the one that is down."""
    if BANK_DOWN.get(scenario) != bank:
        return fate
    return FLANKS_FATES[DOWN[index % len(DOWN)]]
