"""Deliveries in plain words: what became of one, and what that means."""

from collections.abc import Mapping

from refreshops.tracing.models import DeliveryState

STATE_WORDS: Mapping[str, str] = {
    **{row.value: str(row.label) for row in DeliveryState},
    DeliveryState.STORED.value: "waits to be applied",
}
# The reason that stands on the delivery itself says why.
WHAT_IT_DID: Mapping[str, str] = {
    DeliveryState.STORED.value: "It was kept and is about to be applied.",
    DeliveryState.APPLIED.value: "The login learned from it as from an answer to a call of ours.",
    DeliveryState.SUPERSEDED.value: "It changed nothing: what we knew was as new, or newer.",
    DeliveryState.UNKNOWN_LOGIN.value: (
        "Its LoginId is not registered here. It is applied when that happens within two weeks."
    ),
    DeliveryState.IGNORED.value: "There was nothing to learn from it.",
    DeliveryState.UNREADABLE.value: "It was signed, but it could not be read.",
    DeliveryState.PARKED.value: "It could not be applied; nothing was changed.",
}
# The colours of the marks, as calls and providers have them.
MARKS: Mapping[str, str] = {
    DeliveryState.APPLIED.value: "c-answered",
    DeliveryState.UNKNOWN_LOGIN.value: "p-paused",
    DeliveryState.UNREADABLE.value: "c-no_answer",
    DeliveryState.PARKED.value: "c-no_answer",
}


def state_words(state: str) -> str:
    """Return what became of a delivery."""
    return STATE_WORDS.get(state, state)
