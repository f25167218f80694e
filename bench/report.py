"""The figures as plain text, and as JSON for whoever keeps them."""

from statistics import median
from typing import Any

from bench import throttle
from bench.explore import LATENCIES_S, THREADS
from bench.figures import Figures, spread, table
from bench.throttle import Quota

# Contestant and number of processes.
Entry = tuple[str, int]
Races = dict[Entry, list[Figures]]
REFERENCE: Entry = ("plain loop", 1)
HEAD = ["", "processes", "logins/s", "x loop", "CPU ms/login", "start-up CPU s", "peak RSS MB"]


def ratios(races: Races, entry: Entry) -> list[float]:
    """Return how many times as fast as the loop, round by round."""
    return [
        ours.logins_per_s / loops.logins_per_s
        for ours, loops in zip(races[entry], races[REFERENCE], strict=True)
    ]


def races_table(races: Races) -> str:
    """Return one row for each contestant and number of processes."""
    rows = []
    for (name, processes), rounds in races.items():
        rows.append(
            [
                name,
                str(processes),
                spread([one.logins_per_s for one in rounds]),
                spread(ratios(races, (name, processes)), digits=2),
                spread([one.cpu_ms_per_login for one in rounds], digits=1),
                f"{median(one.start_cpu_s for one in rounds):.2f}",
                f"{max(one.peak_rss_mb for one in rounds):.0f}",
            ]
        )
    return table(HEAD, rows)


def quota_lines(found: list[Quota]) -> str:
    """Return one line for each database."""
    latency_s = throttle.LATENCY_S + throttle.JITTER_S / 2
    ceiling = throttle.WINDOW_S / (throttle.WINDOW_S + latency_s)
    return "\n".join(
        f"{one.kind:<12} {one.used:.3f} of the quota used (ceiling {ceiling:.3f}), "
        f"{one.fullest} starts in the fullest window, {one.logins} logins"
        for one in found
    )


def explored_table(found: dict[tuple[str, float, int], Figures]) -> str:
    """Return logins/s and CPU by database, latency and threads."""
    kinds = list(dict.fromkeys(kind for kind, _, _ in found))
    rows = []
    for kind in kinds:
        for latency_s in LATENCIES_S:
            cells = [found[kind, latency_s, threads] for threads in THREADS]
            texts = [f"{one.logins_per_s:.1f} / {one.cpu_ms_per_login:.1f}" for one in cells]
            rows.append([kind, f"{latency_s * 1000:.0f} ms", *texts])
    return table(["logins/s / CPU ms", "latency", *[f"{n} threads" for n in THREADS]], rows)


def as_json(races: Races, quota: list[Quota]) -> dict[str, Any]:
    """Return every race, not only medians."""
    return {
        "races": [
            {
                "contestant": name,
                "processes": processes,
                "rounds": [one.as_json() for one in rounds],
                "x_loop": [round(ratio, 3) for ratio in ratios(races, (name, processes))],
            }
            for (name, processes), rounds in races.items()
        ],
        "throttle": [vars(one) for one in quota],
    }
