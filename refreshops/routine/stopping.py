"""Whether this process was asked to end soon: a slice of driving then stops after its call."""

_asked = False


def ask_to_stop(*_: object) -> None:
    """Note the wish; fit to be a signal handler, so it takes no lock."""
    global _asked
    _asked = True


def asked_to_stop() -> bool:
    """Say whether the wish was noted."""
    return _asked
