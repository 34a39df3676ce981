"""A page of an answer, read in pieces: its head first as a whole, then its records one by one. No HTTP, no policy.

Nothing here holds more than one record and one piece at a time. `survey` goes through a whole page, strictly; `records_in` goes
through it again and hands out what is in it. Both tell the two shapes of an answer apart by the members that are there, in
whatever order they come. No error quotes the page.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from .answers import AnswerShape
from .kinds import Kind

__all__ = ["MisreadError", "Survey", "records_in", "survey"]

PIECE = 256 * 1024
"""Octets that are read at once."""

MAX_VALUE = 1024 * 1024
"""Characters of one record, or of one other value: a traject has 820 octets at most, and one with all its parts some thousands."""

MAX_LEVERINGEN = 10_000
"""Of one page: one for each organisation, of which there are some hundreds."""

HEAD = ("startdatumLevering", "einddatumLevering", "aanleverdatumEnTijd", "codeGegevensleverancier")
_SPACE = " \t\n\r"

Read = Callable[[int], bytes]
"""Gives the next octets, at most so many; empty at the end."""


class MisreadError(Exception):
    """These octets are no page. Never leaves the consumer: it becomes an AnswerError.

    Attributes:
        kind: Whether the records are those of the other system.
    """

    def __init__(self, detail: str, *, other_kind: bool = False) -> None:
        super().__init__(detail)
        self.other_kind = other_kind


@dataclass(slots=True, kw_only=True)
class Survey:
    """What a page says of itself, and what is in it.

    Attributes:
        shape: Which of the two shapes it has.
        head: The texts beside the leveringen.
        paging: The object paginering, or `None`.
        organisations: For each levering the name of its organisation.
        counts: For each levering how many records it has.
        digest: SHA-256 of the records, in their order.
    """

    shape: AnswerShape = AnswerShape.BARE
    head: dict[str, str] = field(default_factory=dict)
    paging: dict[str, Any] | None = None
    organisations: list[str] = field(default_factory=list, repr=False)
    counts: list[int] = field(default_factory=list)
    digest: bytes = b""

    @property
    def count(self) -> int:
        """How many records there are."""
        return sum(self.counts)


def survey(read: Read, kind: Kind) -> Survey:
    """Go through a whole page.

    Args:
        read: From its first octet.
        kind: Whose records are expected.

    Raises:
        MisreadError: It is no page of this kind.
    """
    reader = _Reader(_Text(read, _STRICT), kind)
    for _ in reader.records():
        pass  # counted and hashed on the way
    return reader.found


def records_in(read: Read, kind: Kind) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a page that was surveyed, each with the number of its levering, from 0.

    Args:
        read: From its first octet.
        kind: As it was surveyed.

    Raises:
        MisreadError: These are not the octets that were surveyed.
    """
    return _Reader(_Text(read, _QUICK), kind).records()


# --- the members of a page -----------------------------------------------------------------------------------------


class _Reader:
    """Walks through a page once."""

    def __init__(self, text: _Text, kind: Kind) -> None:
        self._text, self._kind = text, kind
        self._other = next(other for other in Kind if other is not kind)
        self._hash = hashlib.sha256()
        self.found = Survey()

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        text, model = self._text, 0
        for name in text.members():
            if name == "gegevens":
                model += 1
                self.found.shape = AnswerShape.ENVELOPE
                for inner in text.members():
                    yield from self._member(inner)
            elif name == "paginering":
                self.found.paging = text.mapping("paginering")
            else:
                model += name == "leveringen"
                yield from self._member(name)
        text.end()
        # One of the two, and not both: a page of which two readers see different records is none.
        if model != 1 or any(name not in self.found.head for name in HEAD):
            raise MisreadError("it has not the members of an Uitwisselmodel, or has them twice")
        self.found.digest = self._hash.digest()

    def _member(self, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        if name == "leveringen":
            if self.found.counts:
                raise MisreadError("it has leveringen twice")
            for _ in self._text.items():
                yield from self._levering()
            return
        value = self._text.value()
        if name in HEAD:
            if not isinstance(value, str) or name in self.found.head:
                raise MisreadError(f"{name} is no text, or is there twice")
            self.found.head[name] = value

    def _levering(self) -> Iterator[tuple[int, dict[str, Any]]]:
        number = len(self.found.counts)
        if number == MAX_LEVERINGEN:
            raise MisreadError(f"it has more than {MAX_LEVERINGEN} leveringen")
        self.found.counts.append(0)
        organisation: Any = None
        member = self._kind.member
        seen = set[str]()
        for name in self._text.members():
            if name == self._other.member:
                raise MisreadError(f"a levering has {name}", other_kind=True)
            if name == member:
                for _ in self._text.items():
                    record = self._text.mapping(member, self._hash.update)
                    self.found.counts[number] += 1
                    yield number, record
            elif name == "aanleverende_organisatie":
                organisation = self._text.mapping(name).get(self._kind.name_member)
            else:
                self._text.value()
            seen.add(name)
        if member not in seen:
            raise MisreadError(f"a levering has no {member}")
        if not isinstance(organisation, str):
            raise MisreadError("a levering does not name its organisation")
        self.found.organisations.append(organisation)


# --- JSON ----------------------------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _no_constant(_: str) -> NoReturn:
    raise ValueError


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)
_QUICK = json.JSONDecoder()
"""For what was read strictly before."""


class _Text:
    """JSON text as it comes: the structure is walked through here, and each small value is left to the decoder."""

    def __init__(self, read: Read, decoder: json.JSONDecoder) -> None:
        self._read, self._decoder = read, decoder
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._buffer, self._at, self._ended = "", 0, False

    def _more(self) -> bool:
        """Read on; whether there was something left to read."""
        if self._ended:
            return False
        octets = self._read(PIECE)
        self._ended = not octets
        try:
            text = self._utf8.decode(octets, final=self._ended)
        except UnicodeDecodeError:
            # Neither the error nor its cause is passed on: both hold the page.
            raise MisreadError("it is not UTF-8") from None
        self._buffer, self._at = self._buffer[self._at :] + text, 0
        return True

    def _peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _SPACE:
                    return self._buffer[self._at]
                self._at += 1
            if not self._more():
                return ""

    def _take(self, *expected: str) -> str:
        found = self._peek()
        if found not in expected:
            raise MisreadError("it is not JSON, or not of the form that DDAS describes")
        self._at += len(found)
        return found

    def end(self) -> None:
        """Return when nothing follows."""
        if self._peek():
            raise MisreadError("something follows behind its end")

    def items(self) -> Iterator[None]:
        """Stand at each item of an array; whoever iterates takes it."""
        self._take("[")
        if self._peek() == "]":
            self._take("]")
            return
        while True:
            yield
            if self._take(",", "]") == "]":
                return

    def members(self) -> Iterator[str]:
        """Stand at the value of each member of an object; whoever iterates takes it."""
        self._take("{")
        if self._peek() == "}":
            self._take("}")
            return
        names = set[str]()
        while True:
            name = self.value()
            if not isinstance(name, str) or name in names:
                raise MisreadError("it is not JSON, or has a member twice")
            names.add(name)
            self._take(":")
            yield name
            if self._take(",", "}") == "}":
                return

    def mapping(self, what: str, update: Callable[[bytes], object] | None = None) -> dict[str, Any]:
        """The next value, when it is an object."""
        value = self.value(update)
        if not isinstance(value, dict):
            raise MisreadError(f"{what} is no object")
        return value

    def value(self, update: Callable[[bytes], object] | None = None) -> Any:
        """The next value; its text goes to `update`."""
        self._peek()
        value: Any = None
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError):
                end = -1
            # A number at the end of what is here may go on behind it.
            if 0 <= end < len(self._buffer) or (end >= 0 and self._ended):
                break
            # Perhaps it was cut where the piece ends.
            if len(self._buffer) - self._at > MAX_VALUE or not self._more():
                raise MisreadError("it is not JSON, or a value in it is too long")
        if update is not None:
            update(self._buffer[self._at : end].encode("utf-8"))
        self._at = end
        return value
