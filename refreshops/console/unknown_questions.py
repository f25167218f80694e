"""What stands before an order about logins nobody registered: what it does, takes and saves."""

from dataclasses import dataclass

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.urls import reverse

from refreshops import wiring
from refreshops.console.confirm import Question
from refreshops.console.leak_lists import how_many, money_words, prices
from refreshops.console.moments import lasting_words
from refreshops.console.orders import KINDS
from refreshops.logins.models import Provider, UnknownLogin
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.pacing import forecast

NOBODYS = "unassigned"
NEEDS_APPROVAL = (
    "So many need a second person's approval: until then they are registered here, and nothing "
    "changes at the provider."
)
SAMPLE = 20
_REGISTERED = (
    "Nobody knows these logins here. They are registered as inactive under the customer "
    f"“{NOBODYS}”, so that the order and its receipts have something to stand on, and "
)


@dataclass(frozen=True)
class Words:
    """What the page calls an order about unknown logins."""

    action: str
    title: str
    button: str
    ends: str


WORDS = {
    Purpose.SWITCH_OFF: Words(
        "switch_off",
        "Switch off at the provider",
        "Switch off",
        "are switched off at the provider.",
    ),
    Purpose.FORGET: Words(
        "forget",
        "Delete at the provider",
        "Delete for good",
        "are deleted at the provider. Nobody can undo it: whose they are would have to connect "
        "anew.",
    ),
}


def question_about(rows: list[UnknownLogin], *, purpose: Purpose) -> Question:
    """Return what is asked before unknown logins are switched off or deleted where they are."""
    number, words = len(rows), WORDS[purpose]
    counted: dict[int, int] = {}
    for row in rows:
        counted[row.provider_id] = counted.get(row.provider_id, 0) + 1
    facts = [("Will be touched", str(number))]
    if rows:
        facts.append(("Takes", _lasting(rows, counted, purpose=purpose)))
    if money := money_words(per_provider=counted, prices=prices()):
        facts.append(("Money", f"Saves up to {money} a month"))
    return Question(
        title=f"{words.title}: {how_many(number)}",
        consequence=_REGISTERED + words.ends,
        button=f"{words.button}: {how_many(number)}",
        back_url=reverse("admin:logins_unknownlogin_changelist"),
        needs_reason=True,
        grave=True,
        facts=facts,
        sample=[_Unregistered(row.provider, row.login_id) for row in rows[:SAMPLE]],
        not_shown=max(0, number - SAMPLE),
        hidden=hidden_fields(rows, words.action) if rows else [],
        typed=KINDS[purpose].typed,
        notices=[NEEDS_APPROVAL] if number > wiring.approval_above() else [],
    )


def hidden_fields(rows: list[UnknownLogin], action: str) -> list[tuple[str, str]]:
    """Return what a confirmation form sends back: the rows it showed, and what is done to them."""
    keys = [str(row.pk) for row in rows]
    fields = [("action", action), ("select_across", "0"), ("confirmed", "yes")]
    return [*fields, ("rows", ",".join(keys)), (ACTION_CHECKBOX_NAME, keys[0])]


@dataclass(frozen=True)
class _Unregistered:
    """What the confirmation page lists of a login that is nobody's here."""

    provider: Provider
    login_id: str
    customer: str = NOBODYS
    institution: str = ""
    status: str = "not registered"


def _lasting(rows: list[UnknownLogin], counted: dict[int, int], *, purpose: Purpose) -> str:
    paced = KINDS[purpose].paced_calls
    providers = {row.provider_id: row.provider for row in rows}.values()
    spans = [
        forecast(
            logins=counted[provider.pk] * paced,
            per_window=provider.logins_per_minute,
            window=wiring.window(),
        )
        for provider in providers
    ]
    limits = ", ".join(
        f"{provider} {provider.logins_per_minute} a minute" for provider in providers
    )
    return f"{lasting_words(max(spans))} ({limits})"
