"""Scenarios: which share of the logins gets which fate and which fault."""

from collections.abc import Callable, Mapping
from random import Random

from refreshops.simulator.fates import EXTRA_ROWS, FATES, OTHER_ROWS, SEED_ROWS, SUCCESS, Fate

# Per thousand logins; the rest succeed. At least one login gets each, as far as there are logins.
MORNING = {
    "question_not_found": 110,
    "invalid_password": 42,
    "operation_pending": 30,
    "stale": 17,
    "invalid_username": 9,
    "new_account": 9,
    "expired": 8,
    "session_expired": 8,
    "aggregation_error": 8,
    "disabled_login": 8,
    "operation_dispatched": 8,
    "invalid_security_response": 8,
    "invalid_login_id": 8,
    "never_refreshed": 8,
    "invented_code": 8,
}

CODES = (*SEED_ROWS, *EXTRA_ROWS, *OTHER_ROWS)

# The bank that is down: a middling one of a morning, the biggest one in an outage.
BANK_DOWN: Mapping[str, str] = {"morning": "Desjardins", "outage": "RBC"}

FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "status", "status": 502, "times": 1},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 500, "endpoint": "GetAccountsDetail"},
    {"kind": "cut", "endpoint": "GetAccountsDetail", "times": 1},
    {"kind": "cut"},
    {"kind": "slow"},
    {"kind": "reset", "times": 1},
    {"kind": "reset", "endpoint": "GetAccountsDetail"},
    {"kind": "invalid_json"},
    {"kind": "wrong_type", "form": "list"},
    {"kind": "wrong_type", "form": "null"},
    {"kind": "html_200"},
    {"kind": "html_200", "endpoint": "GetAccountsDetail"},
    {"kind": "no_request_id"},
    {"kind": "wrong_login"},
    {"kind": "wrong_login", "endpoint": "GetAccountsDetail"},
    {"kind": "status_mismatch"},
    {"kind": "stall", "times": 1},
    {"kind": "stall"},
    {"kind": "do_then_stall", "endpoint": "SetScheduledRefresh", "times": 1},
    {"kind": "stall", "endpoint": "SetScheduledRefresh", "times": 1},
)


def fates_for(*, scenario: str, logins: int, chance: Random) -> list[Fate]:
    """Return one fate per login: at least `logins` of them (`codes` needs one for each row)."""
    if scenario == "codes":
        count = max(logins, len(CODES))
        return [CODES[index % len(CODES)] for index in range(count)]
    if scenario == "pending":
        return [FATES["operation_pending"]] * logins
    if scenario == "morning":
        dealt = [
            FATES[name] for name, share in MORNING.items() for _ in range(_count(share, logins))
        ]
        dealt = dealt[: logins // 2]
        dealt += [SUCCESS] * (logins - len(dealt))
        chance.shuffle(dealt)
        return dealt
    return [SUCCESS] * logins


def _count(share: int, logins: int) -> int:
    return max(1, round(share * logins / 1000))


def bank_is_down(*, scenario: str, bank: str, chance: Random) -> bool:
    """Whether a login meets the outage of its scenario; of a `morning`, seven in eight do."""
    if BANK_DOWN.get(scenario) != bank:
        return False
    return scenario == "outage" or chance.random() < 0.875


def _both_ways(index: int) -> tuple[str, bool]:
    # Of eight logins: one we call inactive still costs money, one active is not refreshed.
    return {0: ("inactive", True), 1: ("active", False), 2: ("inactive", False)}.get(
        index % 8, ("active", True)
    )


def _a_few_left(index: int) -> tuple[str, bool]:
    # Of two that left one still costs money; now and then an active one is not refreshed.
    if index % 24 == 23:
        return "inactive", index % 48 == 47
    return "active", index % 60 != 30


def _all_on(index: int) -> tuple[str, bool]:
    return "active", True


# What the register says of a login, and whether the provider's own flag is on.
REGISTERED: Mapping[str, Callable[[int], tuple[str, bool]]] = {
    "morning": _a_few_left,
    "codes": _all_on,
    "calm": _all_on,
    "pending": _all_on,
    "outage": _all_on,
    "faults": _all_on,
    "leak": _both_ways,
}

SCENARIOS = tuple(REGISTERED)
