"""Hears one XML part of a spreadsheet, tag by tag, and refuses what is made to fill the memory.

A tree of the part is never built, entities are never declared, and no tag may be huge.
"""

from typing import Any
from xml.parsers import expat

from refreshops.logins.register_file import Unreadable

DEPTH_CAP = 40
TAG_CAP = 1024 * 1024


class Scanner:
    """Hears tags and texts; names come without their prefix."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Hear a tag open."""

    def end(self, tag: str) -> None:
        """Hear a tag close."""

    def text(self, text: str) -> None:
        """Hear a piece of text."""


class PartReader:
    """Feeds a part to a scanner; raises `Unreadable`."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._depth = 0
        self._fed = 0
        parser: Any = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = scanner.text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser = parser

    def feed(self, piece: bytes) -> None:
        """Read the next bytes."""
        self._parse(piece, final=False)
        self._fed += len(piece)
        if self._fed - self._parser.CurrentByteIndex > TAG_CAP:
            raise Unreadable("The workbook holds a tag of more than 1 MB: it is damaged.")

    def close(self) -> None:
        """Read to the end."""
        self._parse(b"", final=True)

    def _parse(self, piece: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(piece, final)
        # A part may name letters that nobody knows: the parser passes that on as it came.
        except (expat.ExpatError, LookupError) as error:
            raise Unreadable("The workbook is damaged: a part of it is no XML.") from error

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_CAP:
            raise Unreadable("The workbook nests too deep: it is damaged.")
        self._scanner.start(tag.rpartition(":")[2], attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._scanner.end(tag.rpartition(":")[2])


def _refuse_doctype(*_declared: Any) -> None:
    raise Unreadable("The workbook declares a document type, which none does: it is damaged.")
