"""Matches a pasted list of LoginIds and customer references with the register, in a few queries.

Every word ends in exactly one class, by the rows the caller may see: what is not among them is
unknown, whether it exists or not.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from refreshops.logins.models import Customer, Login
from refreshops.logins.pasted_words import LONGEST, WORD_CAP, Line, lines_of
from refreshops.logins.register_file import Unreadable

BATCH = 5000
# (key of a login, whether the order would find it done already)
Row = tuple[int, bool]
# (name of a provider, id of a login as that one writes it)
Spelling = tuple[str, str]


class Ends(StrEnum):
    """What a word of the list turned out to be."""

    FOUND = "found"
    ALREADY = "already"
    EMPTY = "no_logins"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the list, on a physical line, and what became of it.

    `logins` are keys: those to touch of a word found, those done already of one that is done.
    `already` counts the done ones beside those to touch; `above` is the line a duplicate repeats.
    """

    line: int
    text: str
    ends: Ends
    logins: tuple[int, ...] = ()
    already: int = 0
    above: int = 0


@dataclass(frozen=True)
class Match:
    """A list, word by word."""

    words: tuple[Word, ...]

    @cached_property
    def counts(self) -> dict[Ends, int]:
        """How many words ended so; they add up to all words."""
        found = Counter(word.ends for word in self.words)
        return {ends: found[ends] for ends in Ends}

    @cached_property
    def keys(self) -> list[int]:
        """The logins to touch, each once."""
        return [key for word in self.named(Ends.FOUND) for key in word.logins]

    def named(self, ends: Ends) -> list[Word]:
        """Return the words that ended so, in the order of the list."""
        return [word for word in self.words if word.ends is ends]


def match(
    text: str,
    *,
    logins: QuerySet[Login],
    customers: QuerySet[Customer],
    canonical: Mapping[str, Callable[[str], str]],
    done: Q,
) -> Match:
    """Return what each word of `text` names among `logins` and `customers`.

    A word is the id of a login, as one of the providers in `canonical` writes it, or a reference
    and then stands for all of the customer's logins. `done` is what the order leaves out as done
    already. Raise `Unreadable` for a list that is none.
    """
    lines = lines_of(text)
    register = _Register(logins, customers, canonical, done)
    register.look_up(_candidates(lines))
    clerk = _Clerk(register)
    for line in lines:
        clerk.read(line)
    return Match(tuple(clerk.words))


def _candidates(lines: Iterable[Line]) -> set[str]:
    """Return every reading of every line that could name something."""
    found: set[str] = set()
    for line in lines:
        for text in (line.whole, *line.parts):
            if len(text) <= LONGEST:
                found.add(text)
        for part in line.parts:
            if " " in part:
                found.update(word for word in part.split(" ") if len(word) <= LONGEST)
    return found


class _Register:
    """The logins and customers that the words of a list name, looked up at once."""

    def __init__(
        self,
        logins: QuerySet[Login],
        customers: QuerySet[Customer],
        canonical: Mapping[str, Callable[[str], str]],
        done: Q,
    ) -> None:
        is_done = ExpressionWrapper(done, output_field=BooleanField())
        self._logins = logins.order_by().annotate(is_done=is_done)
        self._customers = customers.order_by()
        self._canonical = canonical
        self._ids: dict[str, list[Spelling]] = {}
        self._by_id: dict[str, list[Row]] = {}
        self._by_reference: dict[str, list[Row]] = {}

    def look_up(self, words: set[str]) -> None:
        """Find all of `words`, first as the id of a login, else as a customer's reference."""
        self._ids = {word: self._spellings(word) for word in words}
        known = self._logins_known({spelled for ids in self._ids.values() for spelled in ids})
        for word, spellings in self._ids.items():
            if rows := [known[spelled] for spelled in spellings if spelled in known]:
                self._by_id[word] = rows
        left = [word for word in words if word not in self._by_id]
        named = dict(_found(self._customers, "reference", left, "pk", "reference"))
        for reference in named.values():
            self._by_reference[reference] = []
        for key, customer, is_done in self._rows("customer_id", named):
            self._by_reference[named[customer]].append((key, is_done))

    def named(self, word: str) -> list[Row] | None:
        """Return the logins a word stands for, or None when it names nothing."""
        rows = self._by_id.get(word)
        return rows if rows is not None else self._by_reference.get(word)

    def same(self, word: str) -> str:
        """Return what two spellings of one word have in common."""
        spellings = self._ids.get(word, [])
        return spellings[0][1] if spellings else word

    def is_id(self, word: str) -> bool:
        """Tell whether a word can hardly be anything but an id: every provider would take it."""
        return len(self._ids.get(word, [])) == len(self._canonical)

    def _spellings(self, word: str) -> list[Spelling]:
        """Return how each provider would write this id, where it may be one of theirs."""
        found = []
        for name, canonical in self._canonical.items():
            with suppress(ValueError):
                found.append((name, canonical(word)))
        return found

    def _logins_known(self, spellings: set[Spelling]) -> dict[Spelling, Row]:
        fields = ("pk", "provider__name", "login_id", "is_done")
        ids = {login_id for _, login_id in spellings}
        rows = _found(self._logins, "login_id", ids, *fields)
        return {(name, login_id): (key, bool(done)) for key, name, login_id, done in rows}

    def _rows(self, field: str, values: Iterable[Any]) -> Iterator[tuple[int, Any, bool]]:
        for key, value, is_done in _found(self._logins, field, values, "pk", field, "is_done"):
            yield key, value, bool(is_done)


def _found(
    rows: QuerySet[Any], field: str, values: Iterable[Any], *fields: str
) -> Iterator[tuple[Any, ...]]:
    wanted = sorted(set(values))
    for start in range(0, len(wanted), BATCH):
        chunk = wanted[start : start + BATCH]
        yield from rows.filter(**{f"{field}__in": chunk}).order_by("pk").values_list(*fields)


class _Clerk:
    """Reads line after line and remembers which words and logins stood above."""

    def __init__(self, register: _Register) -> None:
        self.words: list[Word] = []
        self._register = register
        self._line_of_word: dict[str, int] = {}
        self._line_of_login: dict[int, int] = {}

    def read(self, line: Line) -> None:
        for word in self._reading(line):
            if len(self.words) >= WORD_CAP:
                raise Unreadable(f"The list has more than {WORD_CAP} words. Give it in parts.")
            self.words.append(self._judged(line.number, word))

    def _reading(self, line: Line) -> Iterator[str]:
        """Yield the words of a line: the longest reading that names something wins."""
        if len(line.parts) == 1 or self._names(line.whole):
            yield from self._reading_of_part(
                line.whole if self._names(line.whole) else line.parts[0]
            )
            return
        for part in line.parts:
            yield from self._reading_of_part(part)

    def _reading_of_part(self, part: str) -> Iterator[str]:
        words = part.split(" ")
        apart = len(words) > 1 and not self._names(part)
        if apart and any(self._names(word) or self._register.is_id(word) for word in words):
            yield from words
        else:
            # Nothing in it is known: a reference that may hold spaces, named as it was written.
            yield part

    def _names(self, word: str) -> bool:
        return self._register.named(word) is not None

    def _judged(self, line: int, word: str) -> Word:
        shown = word[:LONGEST]
        same = self._register.same(word)
        above = self._line_of_word.setdefault(same, 0)
        if above:
            return Word(line, shown, Ends.DUPLICATE, above=above)
        self._line_of_word[same] = line
        rows = self._register.named(word)
        if rows is None:
            return Word(line, shown, Ends.UNKNOWN)
        if not rows:
            return Word(line, shown, Ends.EMPTY)
        return self._judged_by_logins(line, shown, rows)

    def _judged_by_logins(self, line: int, shown: str, rows: list[Row]) -> Word:
        new = [(key, done) for key, done in rows if key not in self._line_of_login]
        if not new:
            above = min(self._line_of_login[key] for key, _ in rows)
            return Word(line, shown, Ends.DUPLICATE, above=above)
        for key, _ in new:
            self._line_of_login[key] = line
        done = tuple(key for key, is_done in new if is_done)
        wanted = tuple(key for key, is_done in new if not is_done)
        if not wanted:
            return Word(line, shown, Ends.ALREADY, logins=done)
        return Word(line, shown, Ends.FOUND, logins=wanted, already=len(done))
