"""The way out that clients share: keys leave in headers, and no echo of them comes in."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from refreshops.providers.contract import Answer, Call, UnreadableAnswer
from refreshops.providers.marks import Marker
from refreshops.providers.redaction import Scrubber
from refreshops.providers.transport import Transport
from refreshops.providers.values import without_values


class Door:
    """Base of the clients. A subclass says which headers and which body a call leaves with.

    `read_texts` names the texts of an answer that are read, and may echo a key; empty means all.
    """

    read_texts: Collection[str] = ()

    def __init__(self, *, transport: Transport, secrets: Iterable[str], marker: Marker) -> None:
        self._transport = transport
        self._secrets = tuple(secret for secret in secrets if secret)
        self._scrubber = Scrubber(secrets=self._secrets, marker=marker)

    def send(self, call: Call) -> Answer:
        """Make the exchange. An echo of our keys in the answer's words is hidden here already."""
        marker = self._scrubber.marker
        try:
            answer = self._transport.exchange(
                method=call.method,
                path=call.path,
                headers=self._headers(call),
                body=self._body(call),
                deadline_s=call.deadline_s,
                secrets=self._secrets_of(call),
                marker=marker,
            )
        except UnreadableAnswer as odd:
            odd.excerpt = without_values(odd.excerpt, marker=marker)
            raise
        return self._without_echo(answer, self._cleaner(call))

    def _headers(self, call: Call) -> dict[str, str]:
        raise NotImplementedError

    def _body(self, call: Call) -> Mapping[str, Any] | None:
        return call.body

    def _secrets_of(self, call: Call) -> Iterable[str]:
        return (*self._secrets, call.token) if call.token else self._secrets

    def _cleaner(self, call: Call) -> Scrubber:
        if not call.token:
            return self._scrubber
        return Scrubber(secrets=self._secrets_of(call), marker=self._scrubber.marker)

    def _without_echo(self, answer: Answer, clean: Scrubber) -> Answer:
        """Return the answer without our keys in its words; its data is left as it is."""
        body = answer.body
        if isinstance(body, str):
            return replace(answer, body=clean(body))
        if not isinstance(body, dict):
            return answer
        read = self.read_texts or body
        hidden = {
            name: clean(text)
            for name, text in body.items()
            if name in read and isinstance(text, str) and clean.finds_secret(text)
        }
        return replace(answer, body={**body, **hidden}) if hidden else answer
