"""The command line of the simulator, and its start and stop."""

import json
import os
import signal
import threading
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from refreshops.simulator.answers import Planted
from refreshops.simulator.books import Books, Keys, Rules
from refreshops.simulator.connect import Connect
from refreshops.simulator.control import Control
from refreshops.simulator.faults import Fault, FaultScript
from refreshops.simulator.flanks.books import FlanksBooks
from refreshops.simulator.flanks.control import FlanksControl
from refreshops.simulator.flanks.options import (
    KEY_NAMES,
    FlanksOptions,
    add_flanks_arguments,
    build_flanks,
    flanks_options_from,
)
from refreshops.simulator.flanks.pages import FlanksPages
from refreshops.simulator.gateway import Gateway, Pace
from refreshops.simulator.journal import Journal
from refreshops.simulator.register import write_customers, write_register
from refreshops.simulator.scenarios import SCENARIOS
from refreshops.simulator.server import SimulatorServer
from refreshops.simulator.throttle import Throttle
from refreshops.simulator.webhooks import Posting, checked_target
from refreshops.simulator.world import Recipe, grow

PURPOSE = "Serve a fake Flinks and a fake Flanks over HTTP, until SIGTERM or SIGINT."


@dataclass(frozen=True, slots=True)
class Options:
    """Everything one simulator is started with; durations are seconds."""

    recipe: Recipe
    host: str = "127.0.0.1"
    port: int = 0
    stop_with_parent: bool = False
    register: Path | None = None
    customers: Path | None = None
    with_managers: bool = False
    log: Path | None = None
    keys: Keys = field(default_factory=Keys)
    rules: Rules = field(default_factory=Rules)
    pace: Pace = field(default_factory=Pace)
    limit: int = 30
    window_seconds: float = 60.0
    faults: tuple[Fault, ...] = ()
    posting: Posting = field(default_factory=Posting)
    flanks: FlanksOptions = field(default_factory=FlanksOptions)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of the simulator on any parser."""
    where = parser.add_argument_group("where")
    where.add_argument("--host", default="127.0.0.1", help="to listen at (127.0.0.1)")
    where.add_argument("--port", type=int, default=0, help="0 picks a free one (0)")
    where.add_argument(
        "--stop-with-parent", action="store_true", help="end when whoever started it has ended"
    )
    where.add_argument("--register", type=Path, help="write the import CSV of the logins here")
    where.add_argument("--customers", type=Path, help="write the import CSV of the customers here")
    where.add_argument(
        "--with-managers", action="store_true", help="name account managers in those files"
    )
    where.add_argument("--log", type=Path, help="append one JSON line per request here")
    _add_world(parser)
    _add_behaviour(parser)
    add_flanks_arguments(parser)


def _add_world(parser: ArgumentParser) -> None:
    world = parser.add_argument_group("world")
    world.add_argument("--seed", type=int, default=1, help="equal seeds grow equal worlds (1)")
    world.add_argument(
        "--scenario", choices=SCENARIOS, default="morning", help="how the logins fare (morning)"
    )
    world.add_argument("--logins", type=int, default=120, help="how many it serves (120)")
    world.add_argument(
        "--strangers", type=int, default=0, help="so many more that no register names (0)"
    )
    world.add_argument(
        "--pending-polls", type=int, default=2, help="how many 202 of a pending one (2)"
    )
    world.add_argument(
        "--pending-seconds", type=float, help="instead: how long a pending one stays at 202"
    )
    world.add_argument(
        "--body-kb", type=int, default=50, help="size of a GetAccountsDetail answer (50)"
    )
    world.add_argument(
        "--plant",
        type=Path,
        help="JSON of what to plant in answers: username, account_number, holder_name, echo",
    )
    world.add_argument("--faults", type=Path, help="JSON list of faults that strike every call")


def _add_behaviour(parser: ArgumentParser) -> None:
    keys = parser.add_argument_group("keys")
    keys.add_argument("--keys", type=Path, help="JSON with any of these, instead of options")
    keys.add_argument("--customer-id", help="the lender's number in every path")
    keys.add_argument("--secret-key", help="what GenerateAuthorizeToken asks for")
    keys.add_argument("--x-api-key", help="what the data calls ask for")
    keys.add_argument("--bearer", help="what GetNightlyRefreshStatus asks for")
    keys.add_argument("--require-token", action="store_true", help="no Authorize without a token")
    keys.add_argument("--webhook-key", help="what webhooks are signed with")
    _add_webhooks(parser)
    pace = parser.add_argument_group("pace")
    pace.add_argument("--limit", type=int, default=30, help="paced calls a window; 0: no end (30)")
    _add_seconds(pace, "window", 60.0, "seconds it covers")
    pace.add_argument("--retry-after", help="seconds, date, absurd, nonsense, or a literal value")
    _add_seconds(pace, "latency", 0.0, "seconds before each answer")
    _add_seconds(pace, "jitter", 0.0, "up to so many seconds more, by chance")
    _add_seconds(pace, "stall-seconds", 300.0, "how long a stalled answer stays away")
    _add_seconds(pace, "session-seconds", 480.0, "idle life of a RequestId")
    _add_seconds(pace, "token-seconds", 1800.0, "life of an unused authorize token")
    _add_seconds(pace, "card-busy-seconds", 10.0, "CARD_IN_USE for so long after an Authorize")


def _add_webhooks(parser: ArgumentParser) -> None:
    webhooks = parser.add_argument_group("webhooks")
    webhooks.add_argument("--webhook-url", type=_target, help="of this machine, to deliver to")
    webhooks.add_argument("--webhook-tries", type=int, default=10, help="until a 200 (10)")
    _add_seconds(webhooks, "webhook-retry-seconds", 1800.0, "between two tries")
    _add_seconds(webhooks, "webhook-delay", 0.0, "seconds from a refresh to its delivery")


def _target(url: str) -> str:
    try:
        return checked_target(url)
    except ValueError as reason:
        raise ArgumentTypeError(str(reason)) from reason


def _add_seconds(group: Any, name: str, default: float, words: str) -> None:
    group.add_argument(f"--{name}", type=float, default=default, help=f"{words} ({default:g})")


def options_from(given: Mapping[str, Any]) -> Options:
    """Return the options of a parsed command line."""
    keys = _json_of(given["keys"], {})
    planted = Planted(**_json_of(given["plant"], {}))
    return Options(
        recipe=Recipe(
            seed=given["seed"],
            scenario=given["scenario"],
            logins=given["logins"],
            strangers=given["strangers"],
            pending_polls=given["pending_polls"],
            pending_seconds=given["pending_seconds"],
        ),
        host=given["host"],
        port=given["port"],
        stop_with_parent=given["stop_with_parent"],
        register=given["register"],
        customers=given["customers"],
        with_managers=given["with_managers"],
        log=given["log"],
        keys=_keys(given, keys),
        rules=Rules(
            require_token=given["require_token"],
            session_seconds=given["session_seconds"],
            token_seconds=given["token_seconds"],
            card_busy_seconds=given["card_busy_seconds"],
            body_kb=given["body_kb"],
            planted=planted,
        ),
        pace=Pace(
            latency=given["latency"],
            jitter=given["jitter"],
            stall_seconds=given["stall_seconds"],
            retry_after=given["retry_after"],
        ),
        limit=given["limit"],
        window_seconds=given["window"],
        faults=tuple(Fault.from_json(script) for script in _json_of(given["faults"], [])),
        posting=Posting(
            url=given["webhook_url"],
            tries=given["webhook_tries"],
            retry_seconds=given["webhook_retry_seconds"],
            delay_seconds=given["webhook_delay"],
        ),
        flanks=flanks_options_from(given, keys=keys, planted=planted),
    )


def _keys(given: Mapping[str, Any], in_file: Mapping[str, Any]) -> Keys:
    names = ("customer_id", "secret_key", "x_api_key", "bearer", "webhook_key")
    named = {name: given[name] for name in names}
    chosen = {name: value for name, value in named.items() if value is not None}
    others = {name: value for name, value in in_file.items() if name not in KEY_NAMES}
    return replace(Keys(**others), **chosen)


def _json_of(path: Path | None, default: Any) -> Any:
    return default if path is None else json.loads(path.read_text(encoding="utf-8"))


def build(options: Options) -> SimulatorServer:
    """Return a bound server; its register is written before anybody can call."""
    started_at = time.time()
    steady = time.monotonic() - started_at

    def clock() -> float:
        # Wall time that never jumps: the throttle and the log share it.
        return time.monotonic() - steady

    now = datetime.fromtimestamp(started_at, UTC)
    books = Books(
        grow(options.recipe, now=now),
        keys=options.keys,
        rules=options.rules,
        clock=clock,
        posting=options.posting,
    )
    faults = FaultScript(options.faults, seed=options.recipe.seed)
    gateway = Gateway(
        books,
        throttle=Throttle(limit=options.limit, window_seconds=options.window_seconds),
        faults=faults,
        pace=options.pace,
        seed=options.recipe.seed,
    )
    flanks = build_flanks(
        options.flanks,
        shared=[login.customer for login in books.world.logins.values() if login.registered],
        faults=faults,
        pace=options.pace,
        window_seconds=options.window_seconds,
        now=now,
        clock=clock,
    )
    _write_files(options, books, flanks.books)
    journal = Journal(options.log)
    return SimulatorServer(
        (options.host, options.port),
        gateway=gateway,
        flanks=flanks,
        control=Control(
            gateway, journal, options.recipe, FlanksControl(flanks, options.flanks.recipe)
        ),
        connect=Connect(books, recipe=options.recipe),
        flanks_pages=FlanksPages(flanks.books),
        journal=journal,
        clock=clock,
    )


def _write_files(options: Options, books: Books, flanks: FlanksBooks) -> None:
    """Write what the lender knows of the logins of both providers."""
    both: dict[str, Any] = {"with_managers": options.with_managers, "flanks": flanks.world}
    if options.register is not None:
        write_register(books.world, path=options.register, **both)
    if options.customers is not None:
        write_customers(books.world, path=options.customers, now=books.now(), **both)


def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT; print one line when ready."""
    told_to_stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: told_to_stop.set())
    server = build(options)
    server.run_in_background()
    print(f"simulator listening on http://{options.host}:{server.port}/v3/", flush=True)
    parent = os.getppid()
    while not told_to_stop.wait(1.0 if options.stop_with_parent else None):
        if os.getppid() != parent:
            break
    server.stop()
