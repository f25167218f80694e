"""What a person does in the browser, told to the story that is kept (issue 4 F)."""

from typing import Any

from django.http import HttpRequest

from refreshops import wiring
from refreshops.tracing.events import Action, note


def tell(request: HttpRequest, action: Action, **fields: Any) -> None:
    """Add an event by the signed-in person, now. `fields` are those of `events.note`."""
    note(action, by=request.user, at=wiring.clock(), **fields)
