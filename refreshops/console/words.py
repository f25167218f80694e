"""Sentences for people: what a call's code means, what is the matter with a login."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from refreshops import wiring
from refreshops.console.badges import (
    data_words,
    outcome_badge,
    outcome_label,
    was_fresh_badge,
)
from refreshops.console.handbook import anchor_of, anchor_of_code
from refreshops.console.help_pages import address_of
from refreshops.console.matrix import Outage
from refreshops.logins.models import Login
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import CallState, Purpose
from refreshops.rules.outcomes import MEANING_OF, Actor, Outcome
from refreshops.tracing.models import Call

WHO_ACTS: dict[Actor, str] = {
    Actor.NOBODY: "Nobody needs to act.",
    Actor.OPERATIONS: "Operations acts next.",
    Actor.CUSTOMER: "The customer acts next.",
    Actor.ACCOUNT_MANAGER: "The account manager acts next.",
    Actor.PROVIDER: "The provider acts next.",
}


# What is read, and its address.
Links = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Plain:
    """What is the matter, whose move it is, and what they do next.

    `links` lead to where the handbook says more: what is read, and its address.
    """

    meaning: str
    who: str
    next_step: str
    links: Links = ()


def person(user: Any) -> str:
    """Return what people call somebody: the full name, else the user name; "" for nobody."""
    return str(user.get_full_name() or user.get_username()) if user else ""


def about_call(call: Call) -> Plain:
    """Say what an answer means, and what follows from it."""
    if call.state == CallState.SENT:
        return Plain(
            "The call is on its way: no answer has been written down yet.",
            WHO_ACTS[Actor.NOBODY],
            "Wait a moment; a call that was cut off is closed as such and repeated.",
        )
    if call.state == CallState.NO_ANSWER and not call.http_status_code:
        return Plain(
            f"No usable answer came: {call.error}",
            WHO_ACTS[Actor.NOBODY],
            "The call is repeated by itself a few times; then the next run asks again.",
        )
    return _about_answer(call)


def about_login(login: Login, *, now: datetime, outage: Outage | None = None) -> Plain:
    """Say in one sentence what is the matter with a login and who does what next.

    With an `outage` of its bank it is one story about the bank, and nobody is asked to reconnect.
    """
    if login.gone_at is not None:
        return _about_gone(login)
    if login.status == "inactive":
        return _about_inactive(login)
    if outage is not None:
        said = Plain(
            f"Most of {outage.institution} fails on the bank's side ({outage.count} of "
            f"{outage.total} logins): it is the bank, not this connection.",
            WHO_ACTS[Actor.NOBODY],
            "Nobody needs to reconnect: wait for the next night.",
        )
        return replace(said, links=_links(Outcome(login.outcome), login))
    if not login.outcome:
        return Plain(
            "This login has not been asked about yet.",
            WHO_ACTS[Actor.NOBODY],
            "The next daily run asks, or order a refresh now.",
        )
    row = MEANING_OF[Outcome(login.outcome)]
    if row.outcome is Outcome.FRESH and has_grown_old(login, now=now):
        return Plain(
            "It was fresh when we last asked; since then the data has grown old.",
            WHO_ACTS[Actor.OPERATIONS],
            "See whether the daily runs are missing, or order a refresh now.",
            _links(row.outcome),
        )
    if login.provider_code:
        said = _about_code(login)
        if said.meaning:
            return replace(said, who=WHO_ACTS[row.actor])
    return Plain(row.meaning, WHO_ACTS[row.actor], row.next_step, _links(row.outcome))


def has_grown_old(login: Login, *, now: datetime) -> bool:
    """Tell whether data that was fresh when we asked is so no more (design.md section 5)."""
    refreshed_at = login.last_refresh_at
    if login.data_state != DataState.FRESH or refreshed_at is None:
        return False
    return now - refreshed_at > login.provider.fresh_within


def outcome_now(login: Login, *, now: datetime, reason: str = "") -> SafeString:
    """Return the badge of a login's outcome, not green where the data has grown old since."""
    if login.outcome == Outcome.FRESH and has_grown_old(login, now=now):
        return was_fresh_badge()
    return outcome_badge(login.outcome, reason)


def held_data(login: Login, *, now: datetime) -> str:
    """Say whether the data we hold may still be used."""
    if has_grown_old(login, now=now):
        return "The data we hold was fresh when we last asked."
    state = data_words(login.data_state)
    if login.data_state == DataState.NONE:
        return "We hold no bank data of this login."
    return f"The data we hold is {state}."


def _about_gone(login: Login) -> Plain:
    if login.status == "inactive":
        return Plain(
            "Switched off here, and the provider does not know it any more.",
            WHO_ACTS[Actor.NOBODY],
            "Nothing to do.",
        )
    return Plain(
        "We count on this login, but the provider does not know it any more.",
        WHO_ACTS[Actor.ACCOUNT_MANAGER],
        "Have the customer connect anew, and retire this one here: switch it off.",
    )


def _about_inactive(login: Login) -> Plain:
    if has_no_switch(login) and login.nightly != "off":
        return _about_held(login)
    if login.nightly == "off" and login.nightly_verified_at is None:
        return Plain(
            "Switched off here; the provider accepted it, but no read-back has confirmed it.",
            WHO_ACTS[Actor.OPERATIONS],
            "Read the receipt; order the switch-off again to try the read-back once more.",
        )
    if login.nightly == "off":
        return Plain(
            "Switched off here and at the provider.", WHO_ACTS[Actor.NOBODY], "Nothing to do."
        )
    if login.nightly == "on":
        return Plain(
            "Switched off here, but the provider still refreshes it every night, and charges.",
            WHO_ACTS[Actor.OPERATIONS],
            "Wait for the order under way, or order the switch-off again.",
        )
    return Plain(
        "Switched off here; whether the provider has stopped is not known yet.",
        WHO_ACTS[Actor.NOBODY],
        "The order is under way; if it ended unconfirmed, order the switch-off again.",
    )


def has_no_switch(login: Login) -> bool:
    """Tell whether the provider has no nightly switch: an order to switch ends here."""
    return wiring.here_only(login.provider.name, Purpose.SWITCH_OFF)


def _about_held(login: Login) -> Plain:
    """Say of an inactive login that its provider goes on, as it cannot be told to stop."""
    goes = "goes" if login.nightly == "on" else "may go"
    return Plain(
        f"Switched off here, but {login.provider} has no switch that we could use: it {goes} on "
        "refreshing this login, and charges.",
        WHO_ACTS[Actor.OPERATIONS],
        "To stop that, order it deleted there.",
    )


def _about_answer(call: Call) -> Plain:
    """Name the outcome only where the call can end a login's refresh; none is fresh by itself."""
    row = wiring.explain(
        call.provider,
        code=call.provider_code,
        message=call.message or call.error,
        http_status=call.http_status_code,
        endpoint=call.endpoint,
    )
    if row is None:
        return Plain("", "", "")
    refreshing = wiring.words(call.provider).refreshing
    refreshes, worked = call.endpoint in refreshing, row.outcome is Outcome.FRESH
    if worked and not refreshes:
        return Plain("The call worked.", WHO_ACTS[row.actor], "Nothing to do.")
    named = refreshes and not worked
    meaning = f"{outcome_label(row.outcome)}: {row.meaning}" if named else row.meaning
    links = _links(row.outcome) + _code_link(call.provider, row.code)
    return Plain(meaning, WHO_ACTS[row.actor], row.next_step, links)


def _about_code(login: Login) -> Plain:
    row = wiring.explain(login.provider.name, code=login.provider_code)
    if row is None:
        return Plain("", "", "")
    meaning = f"{outcome_label(row.outcome)}: {row.meaning}"
    links = _links(Outcome(login.outcome), login)
    return Plain(meaning, WHO_ACTS[row.actor], row.next_step, links)


def _links(outcome: Outcome, login: Login | None = None) -> Links:
    """Lead to the runbook's heading of an outcome, and to the row of a login's code."""
    label = MEANING_OF[outcome].label
    heading = anchor_of(f"{label} ({outcome})")
    found = ((f"Runbook: {label}", f"{address_of('runbook')}#{heading}"),)
    return found + (_code_link(login.provider.name, login.provider_code) if login else ())


def _code_link(provider: str, code: str) -> Links:
    """Lead to the row of a code that its provider's table lists."""
    listed = wiring.listed_code(provider, code)
    if not listed:
        return ()
    return ((listed, f"{address_of('provider-answers')}#{anchor_of_code(listed)}"),)
