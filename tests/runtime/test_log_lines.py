"""The log: what others wrote stands in it as words, in lines that are plainly not ours."""

import logging
import sys

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

FORGED = "x\n2026-11-20 12:00:00,000 INFO nobody: all is well\x1b[31m\r\u202e"


@pytest.fixture
def written():
    """Return a function that writes a record as the product's own settings have it."""
    line = settings.LOGGING["formatters"]["line"]
    formatter = import_string(line["class"])(line["format"], style=line["style"])

    def write(message, **record):
        return formatter.format(logging.makeLogRecord({"msg": message, **record}))

    return write


def test_a_forged_line_is_set_in_and_orders_nothing(written):
    first, *further = written(FORGED).split("\n")

    assert first.endswith(": x")
    assert further == ["    2026-11-20 12:00:00,000 INFO nobody: all is well<U+001B>[31m <U+202E>"]


def test_nor_does_one_in_an_exception(written):
    try:
        raise ValueError(FORGED)
    except ValueError:
        text = written("It broke", exc_info=sys.exc_info())

    assert "ValueError: x\n    2026-11-20" in text
    assert all(line.startswith("    ") for line in text.split("\n")[1:])
    assert "\x1b" not in text


def test_plain_words_stay_as_they_are(written):
    assert written("Renée – 12 logins").endswith(": Renée – 12 logins")
