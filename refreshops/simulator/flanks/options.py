"""The options of the fake Flanks, and how it is put together."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from refreshops.simulator.answers import Planted
from refreshops.simulator.faults import FaultScript
from refreshops.simulator.flanks.books import FlanksBooks, FlanksKeys, FlanksRules
from refreshops.simulator.flanks.gateway import FlanksGateway
from refreshops.simulator.flanks.world import FlanksRecipe, grow_flanks
from refreshops.simulator.gateway import Pace
from refreshops.simulator.people import Customer
from refreshops.simulator.throttle import Throttle

# What a keys file may hold for Flanks, and what it is called here.
KEY_NAMES = {"flanks_client_id": "client_id", "flanks_client_secret": "client_secret"}


@dataclass(frozen=True, slots=True)
class FlanksOptions:
    """Everything the fake Flanks is started with."""

    recipe: FlanksRecipe = field(default_factory=FlanksRecipe)
    keys: FlanksKeys = field(default_factory=FlanksKeys)
    rules: FlanksRules = field(default_factory=FlanksRules)
    limit: int = 0


def add_flanks_arguments(parser: ArgumentParser) -> None:
    """Declare the options of the fake Flanks."""
    flanks = parser.add_argument_group("flanks")
    flanks.add_argument("--flanks-logins", type=int, default=0, help="how many it serves (0)")
    flanks.add_argument(
        "--flanks-strangers", type=int, default=0, help="so many more that no register names (0)"
    )
    flanks.add_argument(
        "--flanks-limit", type=int, default=0, help="paced calls a window; 0: no end (0)"
    )
    flanks.add_argument("--flanks-client-id", help="what a token is asked for with")
    flanks.add_argument("--flanks-client-secret", help="and its secret")
    flanks.add_argument(
        "--flanks-token-seconds", type=float, default=3600.0, help="life of a token (3600)"
    )
    flanks.add_argument(
        "--flanks-page-size", type=int, default=50, help="credentials on a page of the list (50)"
    )
    flanks.add_argument(
        "--flanks-cure-polls", type=int, default=0, help="how long a cured one is pending (0)"
    )


def flanks_options_from(
    given: Mapping[str, Any], *, keys: Mapping[str, Any], planted: Planted
) -> FlanksOptions:
    """Return the options of a parsed command line; `keys` are those of its keys file."""
    chosen = {name: keys[name] for name in KEY_NAMES if name in keys}
    chosen |= {name: given[name] for name in KEY_NAMES if given[name] is not None}
    return FlanksOptions(
        recipe=FlanksRecipe(
            seed=given["seed"],
            scenario=given["scenario"],
            logins=given["flanks_logins"],
            strangers=given["flanks_strangers"],
            pending_polls=given["pending_polls"],
            pending_seconds=given["pending_seconds"],
        ),
        keys=FlanksKeys(**{KEY_NAMES[name]: value for name, value in chosen.items()}),
        rules=FlanksRules(
            token_seconds=given["flanks_token_seconds"],
            page_size=max(1, given["flanks_page_size"]),
            cure_polls=given["flanks_cure_polls"],
            planted=planted,
        ),
        limit=given["flanks_limit"],
    )


def build_flanks(
    options: FlanksOptions,
    *,
    shared: Sequence[Customer],
    faults: FaultScript,
    pace: Pace,
    window_seconds: float,
    now: datetime,
    clock: Callable[[], float],
) -> FlanksGateway:
    """Return the fake Flanks; a few of its credentials belong to customers in `shared`."""
    books = FlanksBooks(
        grow_flanks(options.recipe, now=now, shared=shared),
        keys=options.keys,
        rules=options.rules,
        clock=clock,
    )
    throttle = Throttle(limit=options.limit, window_seconds=window_seconds)
    return FlanksGateway(
        books, throttle=throttle, faults=faults, pace=pace, seed=options.recipe.seed
    )
