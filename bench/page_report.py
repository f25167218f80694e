"""The figures of the pages as text: every list against its goals, and each miss by itself."""

from collections.abc import Iterator
from statistics import median
from typing import Any

from bench.figures import table
from bench.pages import Measured, Timed

# Goals G9 to G11 of the measurements: p95 beside a hundred rows, queries, the database's part.
RATIOS = {"list": 1.5, "filter": 1.5, "deep": 1.2, "search": 1.0, "page": 1.5}
MOST_QUERIES, MOST_DB_MS = 8, 10.0
STOCK_TIMES = {"sqlite": 100, "postgresql": 15}
STOCK_SEARCH_TIMES = 100
GROWTH = 1.15
LONGEST_WAIT_MS = 100
# For a thousand mails; a server that takes its time needs more than that by itself.
MAIL_RUN_S = 30
MAILS_AT_ONCE = 0.1
HEAD = ["pages", "", "pages", "p50 ms", "p95 ms", "x 100 rows", "queries", "db ms", ""]
METHOD = """\
Requests inside the process, through all middleware, signed in. The worst of each group is shown.
"x 100 rows" is the p95 beside that of the same page over a hundred rows: they take turns, and the
middle of the rounds counts, so that what else the machine does weighs on both. What narrows a list
is compared with the whole list there: as many rows to draw. "db ms" is what the database alone
needs for all questions of a page, to the last row. Goals: x <= 1.5 (search 1.0, deep 1.2), at most
8 queries and 10 ms."""


def p95(values: list[float]) -> float:
    """Return the value that a twentieth of `values` is above."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def misses(page: Timed) -> list[str]:
    """Say which goals a page misses."""
    if page.error:
        return [page.error[:200]]
    ratio = _ratio(page)
    said = []
    if ratio > RATIOS[page.kind]:
        said.append(f"{ratio:.2f} x 100 rows (goal {RATIOS[page.kind]})")
    if page.queries > MOST_QUERIES:
        said.append(f"{page.queries} queries")
    if page.db_ms > MOST_DB_MS:
        said.append(f"db {page.db_ms:.1f} ms, slowest {page.slowest[:160]}")
    return said


def text(found: Measured) -> str:
    """Return the table of one database, what it misses, and the comparisons."""
    missed = [
        f"  {page.who}: {page.name}: {'; '.join(said)}"
        for page in found.pages
        if (said := misses(page))
    ]
    good = len(found.pages) - len(missed)
    lines = [f"{found.kind}: {good} of {len(found.pages)} pages meet every goal"]
    lines += [table(HEAD, list(_rows(found))), *missed, *_compared(found)]
    return "\n".join(lines)


def _rows(found: Measured) -> Iterator[list[str]]:
    groups: dict[tuple[str, str, str], list[Timed]] = {}
    for page in found.pages:
        groups.setdefault((page.who, page.floor, page.kind), []).append(page)
    for (who, floor, kind), pages in groups.items():
        whole = [page for page in pages if page.ms]
        if not whole:
            yield [f"{floor}, {kind}", who, str(len(pages)), *["-"] * 5, "MISS"]
            continue
        bad = any(misses(page) for page in pages)
        yield [
            floor if kind in ("list", "page") else f"{floor}, {kind}",
            who,
            str(len(pages)),
            f"{max(median(page.ms) for page in whole):.0f}",
            f"{max(p95(page.ms) for page in whole):.0f}",
            f"{max(_ratio(page) for page in whole):.2f}",
            str(max(page.queries for page in whole)),
            f"{max(page.db_ms for page in whole):.1f}",
            "MISS" if bad else "pass",
        ]


def _ratio(page: Timed) -> float:
    return median(p95(here) / p95(floor) for floor, here in page.rounds)


def _compared(found: Measured) -> Iterator[str]:
    for name, stock in found.stock.items():
        ours = next((page.ms for page in found.pages if page.name == name and page.ms), [])
        if not ours:
            continue
        times = median(stock) / median(ours)
        goal = STOCK_SEARCH_TIMES if "search" in name else STOCK_TIMES[found.kind]
        yield _line(
            f"stock admin, {name}: {median(stock):.0f} ms, {times:.0f} times ours (goal {goal})",
            times >= goal,
            quick=found.quick,
        )
    if found.large:
        growth = median(found.large) / median(found.middle)
        yield _line(
            f"first page of calls, beside 10 000 calls: {growth:.2f} (goal {GROWTH})",
            growth <= GROWTH,
            quick=found.quick,
        )
    if found.mails:
        mails = found.mails
        yield _line(
            f"mails to {mails['mails']:.0f} open cases: ordered in {mails['queue_s']:.2f} s "
            f"({mails['of_single']:.2f} of one by one, goal {MAILS_AT_ONCE}), sent in "
            f"{mails['send_s']:.1f} s by a server that takes no time (goal {MAIL_RUN_S}); "
            f"{mails['reminders']:.0f} reminders ordered in {mails['remind_s']:.2f} s",
            mails["queue_s"] + mails["send_s"] <= MAIL_RUN_S
            and mails["of_single"] <= MAILS_AT_ONCE,
            quick=found.quick,
        )
    if found.retention:
        kept = found.retention
        yield _line(
            f"retention: {kept['deleted']:.0f} calls in {kept['seconds']:.0f} s; of "
            f"{kept['inserted']:.0f} calls written meanwhile the slowest took "
            f"{kept['longest_ms']:.0f} ms (goal {LONGEST_WAIT_MS})",
            kept["longest_ms"] <= LONGEST_WAIT_MS,
            quick=found.quick,
        )


def _line(words: str, good: bool, *, quick: bool) -> str:
    # These goals are about a million calls.
    return f"  {'-' if quick else 'pass' if good else 'MISS'}  {words}"


def as_json(found: Measured) -> dict[str, Any]:
    """Return every page with its figures."""
    return {
        "kind": found.kind,
        "pages": [
            {
                **{
                    name: value
                    for name, value in vars(page).items()
                    if name not in ("ms", "rounds")
                },
                "p50_ms": round(median(page.ms), 2) if page.ms else None,
                "p95_ms": round(p95(page.ms), 2) if page.ms else None,
                "ratio": round(_ratio(page), 3) if page.ms else None,
                "misses": misses(page),
            }
            for page in found.pages
        ],
        "stock": found.stock,
        "growth": [median(found.middle), median(found.large)] if found.large else [],
        "mails": found.mails,
        "retention": found.retention,
    }
