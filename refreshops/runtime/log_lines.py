"""How a line of the log is written: nobody's words can pass for a line of ours."""

import logging
import re

from refreshops.logins.cells import visible

FURTHER = "\n    "

# Whoever reads a connect link in the log could use it.
_LINK = re.compile(r"(/connect/+)(?!back\b)[^/\s?#\"']+")


class PlainLines(logging.Formatter):
    """Spells out what is unseen, and sets every further line of a record in.

    An address may hold line ends and orders to a terminal, and Django writes some of its parts
    into the log as they came: the name of a filter that is none, for one. Connect links are hidden.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line that begins with its time, and lines that are set in."""
        told = _LINK.sub(r"\1[link]", super().format(record))
        return FURTHER.join(map(visible, told.split("\n")))
