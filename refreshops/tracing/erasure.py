"""Taking what could name a person out of the trace of one login; the exchanges stay as evidence.

The one exception to "never edited" of the recorder, made for a login that is forgotten.
"""

from refreshops.rules.lifecycle import CallState
from refreshops.tracing import deliveries
from refreshops.tracing.models import Call

# A call without an answer must say why; this is all that is left of it.
ERASED = "The details were erased on request."


def strip(*, provider: str, login_id: str) -> int:
    """Reduce every call and delivery of a login to ids, times and codes; return how many calls.

    `body` stays: it holds ids and switches alone, by the provider's allowlist. Source: issue 3 E.
    """
    deliveries.strip(provider=provider, login_id=login_id)
    theirs = Call.objects.filter(provider=provider, login_id=login_id)
    silent = theirs.filter(state=CallState.NO_ANSWER.value)
    stripped = silent.update(message="", answer={}, institution="", error=ERASED)
    rest = theirs.exclude(state=CallState.NO_ANSWER.value)
    return stripped + rest.update(message="", answer={}, institution="", error="")
