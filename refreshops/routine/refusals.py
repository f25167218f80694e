"""What an order is refused with: exceptions whose text is a sentence for people."""

from collections.abc import Sequence


class Refused(Exception):
    """An order that cannot be carried out; the text says why and what to do."""


class ReasonMissing(Refused):
    """A switch, pause or cancellation must say why."""


class NothingToDo(Refused):
    """No login is left for this order."""


class AlreadyOrdered(NothingToDo):
    """Every login waits for this already, as far in front as it can; `runs` are the orders."""

    def __init__(self, runs: Sequence[int]) -> None:
        self.runs = sorted(runs)
        where = f"run{'s' if len(self.runs) > 1 else ''} {', '.join(map(str, self.runs))}"
        super().__init__(f"All of these logins wait in {where} already; nothing was ordered.")


class RunAlreadyClosed(Refused):
    """The run has ended; nothing about it can change any more."""
