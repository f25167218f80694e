"""How a line of the log is written: nobody's words can pass for a line of ours."""

import logging

from refreshops.logins.cells import visible

FURTHER = "\n    "


class PlainLines(logging.Formatter):
    """Spells out what is unseen, and sets every further line of a record in.

    An address may hold line ends and orders to a terminal, and Django writes some of its parts
    into the log as they came: the name of a filter that is none, for one.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line that begins with its time, and lines that are set in."""
        return FURTHER.join(map(visible, super().format(record).split("\n")))
