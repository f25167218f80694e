"""Events in words: what was done, and what more there is to say of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from refreshops.console.badges import outcome_label, purpose_words
from refreshops.tracing.events import Action
from refreshops.tracing.models import Event

WHAT: Mapping[Action, str] = {
    Action.ORDER: "Ordered",
    Action.APPROVE: "Approved an order",
    Action.WITHDRAW: "Withdrew an order",
    Action.BEGIN_RUN: "Began a waiting order",
    Action.PAUSE_RUN: "Paused a run",
    Action.RESUME_RUN: "Resumed a run",
    Action.CANCEL_RUN: "Cancelled a run",
    Action.RETRY_RUN: "Retried the failed logins",
    Action.OPEN_DAILY: "Opened the daily run",
    Action.END_RUN: "Run ended",
    Action.PAUSE_PROVIDER: "Paused a provider",
    Action.RESUME_PROVIDER: "Resumed a provider",
    Action.CHANGE_PROVIDER: "Changed a provider",
    Action.CHANGE_DAILY_TIME: "Changed the daily time",
    Action.IMPORT: "Imported",
    Action.REGISTER: "Registered unknown logins",
    Action.EXPORT: "Exported",
    Action.BUNDLE: "Made a support bundle",
    Action.ASK_ERASURE: "Ordered an erasure",
    Action.ERASE: "Erased a customer",
    Action.DISCLOSE: "Exported all about a customer",
    Action.VIEW_BANK_DATA: "Viewed bank data",
    Action.NOTE: "Wrote a note",
    Action.MAKE_LINK: "Made a connect link",
    Action.REVOKE_LINK: "Revoked a connect link",
    Action.CONNECT: "Connected a bank",
    Action.REFUSE_RETURN: "Refused what came back",
    Action.CONTACT: "Was in touch with a customer",
    Action.SNOOZE: "Put off a case",
    Action.SEND_LETTERS: "Sent mails",
    Action.CHANGE_LETTER: "Changed the text of a mail",
    Action.CHANGE_ROW: "Edited by hand",
    Action.PRUNE: "Deleted what was too old",
    Action.SIGN_IN: "Signed in",
    Action.SIGN_OUT: "Signed out",
    Action.FAIL_SIGN_IN: "Failed to sign in",
    Action.CHANGE_PASSWORD: "Changed their password",
}
# Details that say further what was done, as in "Ordered: switch off".
NAMED_FURTHER = ("purpose", "what", "list", "model")
# A bundle is about a hundred at most; a page names some, the export all.
LOGINS_NAMED = 10
# What these do to what is always the same.
SAYS_ALL = frozenset({Action.OPEN_DAILY})

# What is counted, where it is not logins.
COUNTED: Mapping[Action, str] = {
    Action.EXPORT: "row",
    Action.IMPORT: "row",
    Action.BUNDLE: "call",
    Action.PRUNE: "row",
    Action.CHANGE_ROW: "row",
    Action.SEND_LETTERS: "mail",
}

DETAIL_WORDS: Mapping[str, str] = {
    "brought_forward": "waited already and were brought forward",
    "left_out": "ordered elsewhere already and left out",
    "with_report": "begins with the provider's report",
    "starts_at": "begins at",
    "needs_approval": "needs approval",
    "outcomes": "outcomes",
    "cancelled": "called off",
    "kind": "cause",
    "changed": "changed",
    "change": "change",
    "fields": "fields",
    "before": "before",
    "after": "after",
}


def what_words(action: str) -> str:
    """Return what an action is called; an unlisted one as it was stored."""
    try:
        return WHAT[Action(action)]
    except ValueError:
        return action.replace("_", " ")


def what_was_done(event: Event) -> str:
    """Return what was done in a few words, as "Ordered: switch off" or "Exported: logins"."""
    said = what_words(event.action)
    if event.action in SAYS_ALL:
        return said
    for name in NAMED_FURTHER:
        if found := event.details.get(name):
            further = purpose_words(str(found)) if name == "purpose" else str(found)
            return f"{said}: {further.lower()}"
    return said


def how_many_words(event: Event) -> str:
    """Return to how many it was done, as "1 login" or "12 calls"; empty where nothing counts."""
    if event.number is None:
        return ""
    one = next((word for action, word in COUNTED.items() if action == event.action), "login")
    return f"{event.number:,} {one}{'' if event.number == 1 else 's'}"


def why_or_what_came(event: Event) -> str:
    """Return the reason; of a run's end, where it has none, what its logins came to."""
    return event.reason or _value_words(event, "outcomes", event.details.get("outcomes", {}))


def details_of(event: Event) -> list[tuple[str, str]]:
    """Return what else is known of an event: name and words."""
    return [
        (
            DETAIL_WORDS.get(name, name.replace("_", " ")).capitalize(),
            _value_words(event, name, value),
        )
        for name, value in event.details.items()
        if name not in NAMED_FURTHER and (value or value is False)
    ]


def _value_words(event: Event, name: str, value: Any) -> str:
    if name == "outcomes" and isinstance(value, dict):
        purpose = str(event.details.get("purpose", ""))
        return ", ".join(f"{count} {outcome_label(key, purpose)}" for key, count in value.items())
    if name == "logins" and isinstance(value, list):
        more = len(value) - LOGINS_NAMED
        return ", ".join(map(str, value[:LOGINS_NAMED])) + (f" and {more} more" if more > 0 else "")
    return "; ".join(_flat(value))


def _flat(value: Any) -> Iterator[str]:
    """Yield the parts of a JSON value as words: {"limit": [20, 30]} as "limit: 20 → 30"."""
    if isinstance(value, dict):
        for name, inner in value.items():
            pair = isinstance(inner, list) and len(inner) == 2
            said = f"{inner[0]} → {inner[1]}" if pair else ", ".join(_flat(inner))
            yield f"{name.replace('_', ' ')}: {said}"
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner)
    elif isinstance(value, bool):
        yield "yes" if value else "no"
    else:
        yield str(value)
