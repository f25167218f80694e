"""The numbers of the index page: how many active logins last ended how, each with its list."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from refreshops.console.addresses import NOT_ASKED, logins_list
from refreshops.console.badges import WAS_FRESH, outcome_label
from refreshops.console.start_of_day import Stand
from refreshops.logins.tallies import CountedThere
from refreshops.rules.outcomes import MEANING_OF, Outcome

SIX = (
    Outcome.FRESH,
    Outcome.STALE,
    Outcome.USER_ACTION,
    Outcome.INSTITUTION_UNAVAILABLE,
    Outcome.OUR_CONFIG,
    Outcome.UNKNOWN,
)


@dataclass(frozen=True)
class Number:
    """How many active logins last ended so, and the list of exactly those rows.

    `colour` is the outcome whose colour it has: nothing is green that is known to be old.
    """

    kind: str
    colour: str
    label: str
    hint: str
    count: int
    url: str


def numbers_of(
    counted: Iterable[CountedThere], *, stands: Sequence[Stand], chosen: str
) -> tuple[list[Number], list[Number]]:
    """Return the six numbers, and the others that are not nought.

    Where one provider's run is old and another's is not, each has a number of what was fresh.
    """
    counts = Counter[str]()
    fresh = Counter[int]()
    for provider, _, _, outcome, number in counted:
        counts[outcome] += number
        if outcome == Outcome.FRESH:
            fresh[provider] += number
    six = [_number(row.value, counts[row.value], provider=chosen) for row in SIX]
    others = [row.value for row in Outcome if row not in SIX]
    rest = [_number(name, counts[name], provider=chosen) for name in (*others, "") if counts[name]]
    old = [row for row in stands if row.grown_old]
    if not old:
        return six, rest
    current = [row for row in stands if not row.grown_old]
    if len(current) != 1 or sum(fresh[row.provider.pk] for row in stands) != counts[Outcome.FRESH]:
        # A list is narrowed to one provider or to none.
        return [_was_fresh(six[0]), *six[1:]], rest
    good = current[0].provider
    six[0] = _number(Outcome.FRESH.value, fresh[good.pk], provider=good.name)
    was = [
        _was_fresh(
            _number(Outcome.FRESH.value, fresh[row.provider.pk], provider=row.provider.name),
            whose=f" at {row.provider}",
        )
        for row in old
        if fresh[row.provider.pk]
    ]
    return six, [*was, *rest]


def _was_fresh(number: Number, *, whose: str = "") -> Number:
    kind = f"was_fresh{whose.replace(' at ', '_').lower()}" if whose else number.kind
    return replace(number, kind=kind, colour="due", label=f"{WAS_FRESH}{whose}")


def _number(outcome: str, count: int, *, provider: str) -> Number:
    return Number(
        kind=outcome or "due",
        colour=outcome or "due",
        label=outcome_label(outcome),
        hint=MEANING_OF[Outcome(outcome)].meaning if outcome else "The next daily run asks them.",
        count=count,
        url=logins_list(outcome=outcome or NOT_ASKED, provider=provider),
    )
