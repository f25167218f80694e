"""Writes the documents that would rot by hand: what each answer means, and the lifecycles.

Pure text from the tables in `rules` and `providers`; `manage.py write_docs` puts it into docs/.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from refreshops import wiring
from refreshops.providers.meaning import CodeMeaning, Table
from refreshops.rules.lifecycle import (
    ATTEMPT_STEPS,
    CALL_STEPS,
    RUN_STEPS,
    AttemptState,
    CallState,
    Origin,
    Purpose,
    RunState,
)
from refreshops.rules.outcomes import OUTCOME_TABLE, Outcome, Reason

GENERATED = "<!-- Written by `manage.py write_docs` from the code. Do not edit by hand. -->"

# By kind and then by word: kinds share words (an attempt and a run can both be cancelled).
WORDS: Mapping[type[StrEnum], Mapping[str, str]] = {
    AttemptState: {
        "due": "Waits for its turn: for a slot, for a time, or behind another attempt.",
        "calling": "A worker holds its lease and speaks for the login.",
        "done": "Ended in exactly one outcome.",
        "cancelled": "Called off before it ended: by a person, or by a switch-off.",
    },
    RunState: {
        "waiting": "Ordered, but begins only with its approval and on its date; touches nothing.",
        "open": "Its attempts may be claimed.",
        "paused": "Its attempts wait until somebody resumes it.",
        "closed": "Every attempt has ended; the totals are kept.",
        "cancelled": "A person stopped it; what had not ended was called off.",
    },
    CallState: {
        "sent": "Written down and committed; sent after that.",
        "answered": "An answer came, whatever it says.",
        "no_answer": "Cut off, refused or unreadable; the row says why.",
    },
    Purpose: {
        "refresh": "Ask how last night's refresh ended, and fetch the data from the cache.",
        "live_refresh": "Let the provider refresh the login at its bank now.",
        "switch_off": "Switch the nightly refresh off at the provider, and read it back; without "
        "such a switch there, only stop asking.",
        "switch_on": "Switch the nightly refresh on at the provider, and read it back; without "
        "such a switch there, only ask again.",
        "check_schedule": "Ask whether the nightly refresh is on; fetch nothing.",
        "forget": "Have the provider delete all it holds about the login.",
        "reconnect": "A customer clicked a link: refresh the login live, or lead them on.",
        "invite": "A customer clicked a link: prepare the provider's page for a new connection.",
        "connect": "A customer came back with a new login: confirm it, and register it.",
    },
    Origin: {
        "daily": "The daily run; one for each provider and local date.",
        "person": "Somebody ordered it in the browser or by a command.",
        "api": "Another system ordered it.",
        "retry": "It repeats what failed in an earlier run.",
        "connect": "A customer came by a connect link.",
    },
}


def documents() -> dict[str, str]:
    """Return the generated documents: file name within docs/ to its whole text."""
    return {"provider-answers.md": provider_answers(), "lifecycle.md": lifecycle()}


def provider_answers() -> str:
    """Return the page on outcomes, and on every code of every provider."""
    return _page(
        "# What the providers answer",
        "Every attempt ends in one of ten outcomes. The code of an answer decides which one, "
        "its HTTP status only where there is no code; a code that is not listed here becomes "
        "`unknown`, is shown as it came, and never counts as fresh.",
        "## Outcomes",
        _outcomes(),
        "## Reasons",
        "The finer cause beside an outcome: "
        + ", ".join(f"`{reason}`" for reason in Reason if reason)
        + ".",
        *(part for name in wiring.code_tables() for part in _of_provider(name)),
    )


def _of_provider(name: str) -> Iterator[str]:
    """Yield what a provider answers: each part of its code table, and what repeats turn into."""
    for table in wiring.code_tables()[name]:
        yield from _part(table)
    if rows := wiring.escalations().get(name):
        title = wiring.words(name).title
        yield f"## {title}: codes that become the customer's matter when they repeat"
        yield _escalations(rows)


def _part(table: Table) -> Iterator[str]:
    yield f"## {table.heading}"
    if table.intro:
        yield table.intro
    yield _codes(table.rows)


def lifecycle() -> str:
    """Return the page on the states of attempts, runs and calls, and on purposes and origins."""
    return _page(
        "# Lifecycles",
        "States change through one gate each, and only along these steps.",
        "## Attempt: one login within one run",
        _steps(ATTEMPT_STEPS, AttemptState.DUE),
        "## Run: one order over many logins",
        _steps(RUN_STEPS, RunState.OPEN, RunState.WAITING),
        "## Call: one HTTP exchange as traced",
        _steps(CALL_STEPS, CallState.SENT),
        "## Purposes of a run",
        _words(Purpose),
        "## Origins of a run",
        _words(Origin),
    )


def _page(*parts: str) -> str:
    return "\n\n".join((GENERATED, *parts)) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _outcomes() -> str:
    return _table(
        ("outcome", "label", "what it means", "who acts", "asked again", "what to do"),
        (
            (
                f"`{row.outcome}`",
                row.label,
                row.meaning,
                row.actor,
                row.retry,
                row.next_step,
            )
            for row in OUTCOME_TABLE
        ),
    )


def _codes(rows: Iterable[CodeMeaning]) -> str:
    head = ("HTTP", "code", "when", "outcome", "who acts", "asked again", "means", "what to do")
    return _table(head, map(_code_row, rows))


def _code_row(row: CodeMeaning) -> Sequence[str]:
    return (
        _status(row),
        f"`{row.code}`" if row.code else "–",
        _when(row),
        f"`{row.outcome}`" + (f" ({row.reason})" if row.reason else ""),
        row.actor,
        row.retry,
        row.meaning,
        row.next_step + _marks(row),
    )


def _status(row: CodeMeaning) -> str:
    if row.http_status is None:
        return "–"
    return "5xx" if not row.code and row.http_status == 500 else str(row.http_status)


def _when(row: CodeMeaning) -> str:
    conditions = []
    if row.calls:
        conditions.append("on " + ", ".join(sorted(row.calls)))
    if row.message_pattern:
        conditions.append(f"the message matches `{row.message_pattern}`")
    if row.if_worked_before:
        conditions.append("the login worked before")
    return "; ".join(conditions) or "always"


def _marks(row: CodeMeaning) -> str:
    marks = [(" *Reads data.*", row.reads_data), (" *Nightly.*", row.stays_nightly)]
    return "".join(text for text, is_set in marks if is_set)


def _escalations(rows: Iterable[Any]) -> str:
    return _table(
        ("code", "runs in a row", "becomes", "because"),
        (
            (
                f"`{row.code}`",
                str(row.runs),
                f"`{Outcome.USER_ACTION}` ({row.reason})",
                row.meaning,
            )
            for row in rows
        ),
    )


def _steps(steps: Mapping[Any, frozenset[Any]], *firsts: StrEnum) -> str:
    arrows = [f"    [*] --> {first}" for first in firsts]
    arrows += [f"    {state} --> {wanted}" for state in steps for wanted in sorted(steps[state])]
    arrows += [f"    {state} --> [*]" for state in steps if not steps[state]]
    diagram = "\n".join(("```mermaid", "stateDiagram-v2", *arrows, "```"))
    words = WORDS[type(firsts[0])]
    table = _table(
        ("state", "means", "may become"),
        (
            (f"`{state}`", words[state], ", ".join(f"`{to}`" for to in sorted(steps[state])))
            for state in steps
        ),
    )
    return f"{diagram}\n\n{table}"


def _words(kind: type[StrEnum]) -> str:
    rows = ((f"`{value}`", WORDS[kind][value]) for value in kind)
    return _table((kind.__name__.lower(), "means"), rows)
