"""The lines of the index page that ask for somebody: customers, money, clock, approvals, alarm."""

from dataclasses import dataclass

from refreshops import wiring
from refreshops.console.addresses import all_logins, cases_list, runs_list
from refreshops.console.approval_filter import APPROVAL, MINE
from refreshops.console.cases_recovery import Recovered, recovered_by_bank, recovered_in_all
from refreshops.console.clock_week import out_url, soon_url
from refreshops.console.leak_lists import UNCONFIRMED, money_words
from refreshops.console.overview import Overview
from refreshops.logins import leaks

# The banks with the most cases; the page "Recovery" has them all.
MOST_BANKS = 6


@dataclass(frozen=True)
class Attention:
    """How many leak and what they cost, drop out, wait for approval, and stay unconfirmed.

    `clock` is false where no provider shown drops logins out. `recovered` are the cases of the last
    month in all, `banks` those of the banks with the most.
    """

    leaking: int
    money: str
    leaking_url: str
    clock: bool
    dropping_out: int
    dropping_out_url: str
    already_out: int
    already_out_url: str
    unconfirmed: int
    unconfirmed_url: str
    to_approve: int
    to_approve_url: str
    cases: int
    cases_url: str
    recovered: Recovered
    banks: list[Recovered]


def attention_of(seen: Overview, *, cases: bool) -> Attention:
    """Say what waits for a person, over the rows that are theirs to see; with `cases` those too."""
    at = {"provider": seen.chosen}
    banks = recovered_by_bank(seen.recovered, provider=seen.chosen)
    return Attention(
        leaking=sum(seen.leaking.values()),
        money=money_words(per_provider=seen.leaking, prices=seen.prices),
        leaking_url=all_logins(leak=leaks.OFF_HERE_ON_THERE, **at),
        clock=any(row.name in wiring.dropping() for row in seen.shown),
        dropping_out=seen.dropping_out,
        dropping_out_url=soon_url(**at),
        already_out=seen.already_out,
        already_out_url=out_url(**at),
        unconfirmed=seen.unconfirmed,
        unconfirmed_url=all_logins(leak=UNCONFIRMED, **at),
        to_approve=seen.to_approve,
        to_approve_url=runs_list(**{APPROVAL: MINE}, **at),
        cases=seen.cases_to_do,
        cases_url=cases_list(**at) if cases else "",
        recovered=recovered_in_all(banks, provider=seen.chosen),
        banks=banks[:MOST_BANKS],
    )
