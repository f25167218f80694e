"""`python -m bench.prune_times --database URL`: deletes every call there is, while others are made.

Two processes: one prunes, the other writes calls down and completes them as the engine does, and
notes how long each took. Prints one JSON object.
"""

import gc
import json
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from typing import Any

from bench.register import set_up

# As often as a busy engine writes.
EVERY_S = 0.005


def arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.prune_times", description=__doc__)
    parser.add_argument("--database", required=True, metavar="URL", help="as DATABASE_URL")
    parser.add_argument("--prune", metavar="BEFORE", help="only delete what is older")
    return parser.parse_args()


def prune(before: datetime) -> dict[str, Any]:
    """Delete as the nightly task does; return how many and in how many seconds."""
    from refreshops.tracing import retention

    begun = time.monotonic()
    return {"deleted": retention.prune(before=before), "seconds": time.monotonic() - begun}


def write_beside(pruner: "subprocess.Popen[str]") -> dict[str, Any]:
    """Write calls until the pruner ends; return how many and how long the slowest took."""
    spent = []
    # The first one also opens the database, deletion or not.
    _write_one()
    # A garbage collection of our own takes 70 to 170 ms and waits for nobody.
    gc.freeze()
    while pruner.poll() is None:
        begun = time.perf_counter()
        _write_one()
        spent.append((time.perf_counter() - begun) * 1000)
        time.sleep(EVERY_S)
    spent.sort()
    return {
        "inserted": len(spent),
        "longest_ms": round(spent[-1], 1),
        "p99_ms": round(spent[int(len(spent) * 0.99)], 1),
        "p50_ms": round(spent[len(spent) // 2], 2),
    }


def _write_one() -> None:
    from refreshops.tracing import recorder

    intent = recorder.Intent(
        provider="flinks",
        endpoint="Authorize",
        method="POST",
        url="https://flinks.example/v3/[hidden]/BankingServices/Authorize",
        body={"LoginId": "00000000-0000-4000-8000-000000000000", "MostRecentCached": True},
        login_id="00000000-0000-4000-8000-000000000000",
        institution="TD",
        run_id=1,
        attempt_id=1,
    )
    recorder.write_down(intent, now=datetime.now(UTC))


def main() -> None:
    given = arguments()
    set_up(given.database)
    if given.prune:
        print(json.dumps(prune(datetime.fromisoformat(given.prune))))
        return
    command = [sys.executable, "-m", "bench.prune_times", "--database", given.database]
    now = datetime.now(UTC).isoformat()
    pruner = subprocess.Popen([*command, "--prune", now], stdout=subprocess.PIPE, text=True)
    written = write_beside(pruner)
    said, _ = pruner.communicate()
    print(json.dumps(json.loads(said) | written))


if __name__ == "__main__":
    main()
