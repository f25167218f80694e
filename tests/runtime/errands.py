"""Tasks that the tests give to a real worker."""

import time
from pathlib import Path

from refreshops.routine.stopping import asked_to_stop


def write(path: str) -> None:
    """Leave a file behind."""
    Path(path).write_text("done")


def rest(path: str, seconds: float) -> None:
    """Say that it began, then keep the worker busy."""
    write(path)
    time.sleep(seconds)


def until_asked_to_stop(began: str, ended: str) -> None:
    """Work until the process is asked to stop, as a slice of driving does."""
    write(began)
    while not asked_to_stop():
        time.sleep(0.05)
    write(ended)
