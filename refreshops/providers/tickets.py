"""What a provider's support is told of a traced call: cleaned words, and what we had expected.

The trace is clean already; this cleans it once more, for rows that older rules let through.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from refreshops.providers.marks import PLAIN, Marker
from refreshops.providers.redaction import Allowed, Scrubber, keep, names_of
from refreshops.providers.values import without_values
from refreshops.rules.outcomes import Outcome

# As long as the longest text of a trace.
LONGEST = 2100
FINE = (Outcome.FRESH, Outcome.PENDING)


class BaseTicket:
    """Base of what implements `handing_out.Words`, one for each provider.

    `requests` and `answers` list what is ever kept of them, `amounts_of` what more of an answer
    where it may be said how much bank data it held. `spoken` are the fields with sentences.
    """

    title = ""
    requests: Allowed = {}
    answers: Allowed = {}
    amounts_of: Allowed = {}
    spoken: frozenset[str] = frozenset({"message"})

    def __init__(
        self, *, secrets: Iterable[str] = (), marker: Marker = PLAIN, amounts: bool = False
    ) -> None:
        """Tell with `amounts` whether it may be said how much bank data an answer held."""
        self._scrubber = Scrubber(secrets=secrets, limit=LONGEST, marker=marker)
        self._answer = {**self.answers, **(self.amounts_of if amounts else {})}
        self.kept_of_requests = names_of(self.requests)
        self.kept_of_answers = names_of(self._answer)

    def address(self, url: str) -> str:
        """Return where a call went: our own words but for ids, so only keys are looked for."""
        return self._scrubber.without_secrets(url)

    def cleaned(self, text: str) -> str:
        """Return a code or a name as it may be handed out."""
        return self._scrubber(text)

    def said(self, text: str) -> str:
        """Return a message as it may be handed out: without values and people, too."""
        return without_values(self._scrubber(text), marker=self._scrubber.marker)

    def request(self, body: Any) -> dict[str, Any]:
        """Return the listed parameters."""
        return keep(body, allowed=self.requests, clean=self.cleaned)

    def answer(self, body: Any) -> dict[str, Any]:
        """Return the listed fields of an answer."""
        kept = keep(body, allowed=self._answer, clean=self.cleaned)
        spoken = {name: kept[name] for name in kept if name.lower() in self.spoken}
        return kept | {name: self._said_of(value) for name, value in spoken.items()}

    def expected(
        self,
        *,
        endpoint: str,
        body: Mapping[str, Any],
        code: str,
        message: str,
        http_status: int | None,
        stale: bool,
    ) -> str:
        """Return what we had expected instead of this answer; empty when it was as expected.

        No code and no status: no answer came. `stale`: its attempt found data that is too old.
        """
        raise NotImplementedError

    def _said_of(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._said_of(one) for one in value]
        return self.said(value) if isinstance(value, str) else value
