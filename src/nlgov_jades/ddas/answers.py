"""The answer to a question: which page it is, and its JSON in pieces, as a storage gives the records. No HTTP.

The records themselves are octets that pass: they are neither read nor held. The generator of the pieces waits for a disk, so
an event loop runs it in threads.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..errors import ConfigurationError
from .kinds import Kind
from .problems import Problem, ProblemDetails, ProblemError, unprocessable
from .question import ORGANISATION, PAGE_SIZE, Question
from .storage import Part, Selection, Snapshot

__all__ = ["AnswerSettings", "AnswerShape", "MissingPage", "Page", "page_of", "pieces_of", "selection_of"]

_PIECE = 128 * 1024
"""Octets that are handed on at once."""


class AnswerShape(Enum):
    """What the answer is around the Uitwisselmodel."""

    ENVELOPE = "envelope"
    """`{"gegevens": …, "paginering": …}`: the newest description."""
    BARE = "bare"
    """The Uitwisselmodel itself, which has no place for paginering: the earlier one."""


class MissingPage(Enum):
    """What is answered where a page does not exist."""

    FIRST_PAGE = "first-page"
    """The first one: the newest description."""
    EMPTY_PAGE = "empty-page"
    """One without records: the earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSettings:
    """How a provider answers.

    Attributes:
        supplier: codeGegevensleverancier: who delivers.
        shape: Which description it follows.
        missing_page: What is answered where a page does not exist.
        max_page_size: Records of one page; `None` is the most that DDAS describes.

    Raises:
        ConfigurationError: A value has another form, or BARE goes with FIRST_PAGE: nobody could tell that page from the one that
            was asked for, and a consumer would ask for ever.
    """

    supplier: str
    shape: AnswerShape = AnswerShape.ENVELOPE
    missing_page: MissingPage = MissingPage.FIRST_PAGE
    max_page_size: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.supplier, str) or not self.supplier:
            raise ConfigurationError("supplier of AnswerSettings is the codeGegevensleverancier")
        if not isinstance(self.shape, AnswerShape) or not isinstance(self.missing_page, MissingPage):
            raise ConfigurationError("shape is one of AnswerShape, and missing_page one of MissingPage")
        if self.shape is AnswerShape.BARE and self.missing_page is MissingPage.FIRST_PAGE:
            raise ConfigurationError("a bare answer goes with MissingPage.EMPTY_PAGE: it does not say which page it is")
        size = self.max_page_size
        if size is not None and (type(size) is not int or size < 1):
            raise ConfigurationError("max_page_size of AnswerSettings is a number above zero, or None")

    def page_size(self, kind: Kind, asked: int | None) -> int:
        """Records of one page: as asked, and never more than the most."""
        most = min(kind.max_page_size, self.max_page_size or kind.max_page_size)
        return most if asked is None else min(most, asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of an answer.

    Attributes:
        kind: What its records are.
        shape: What it is wrapped in.
        head: The members of the Uitwisselmodel but the leveringen.
        slices: Each organisation on it, how many of its records go before, and how many are on it.
        number: Which page it is, from 1.
        size: How many records a page may have.
        pages: How many pages there are.
        total: How many records there are on all of them.
        is_paged: Whether it says so.
    """

    kind: Kind
    shape: AnswerShape
    head: dict[str, Any]
    slices: tuple[tuple[Part, int, int], ...]
    number: int
    size: int
    pages: int
    total: int
    is_paged: bool

    @property
    def count(self) -> int:
        """How many records it has."""
        return sum(count for _, _, count in self.slices)


def selection_of(question: Question, kind: Kind) -> Selection:
    """What a question asks of a storage."""
    return Selection(kind=kind, start=question.start, end=question.end, organisation=question.organisation)


def page_of(question: Question, snapshot: Snapshot, *, kind: Kind, settings: AnswerSettings, now: dt.datetime) -> Page:
    """The page that answers a question.

    Args:
        question: What is asked.
        snapshot: Of what `selection_of` selects.
        kind: SHV or VS.
        settings: How this provider answers.
        now: The time, UTC.

    Raises:
        ProblemError: Status 422: nothing is delivered for the organisation, or a bare answer would need pages that were not asked
            for. Status 503: the storage was never filled, so `no records` would not be true.
    """
    if not snapshot.known:
        raise ProblemError(ProblemDetails.of(Problem.UNAVAILABLE, "Er zijn nog geen gegevens geladen.", code="NO_DATA"))
    if not snapshot.parts:
        raise unprocessable(f"Voor deze {ORGANISATION} worden hier geen gegevens geleverd.", veld=ORGANISATION)
    size = settings.page_size(kind, question.page_size)
    total = sum(part.count for part in snapshot.parts)
    pages = max(1, -(-total // size))
    asked = 1 if question.page is None else question.page
    if settings.shape is AnswerShape.BARE and pages > 1 and question.page is None and question.page_size is None:
        raise unprocessable(
            f"Het antwoord past niet op een pagina van {size} records: vraag per pagina.", veld=PAGE_SIZE
        )
    number = 1 if asked > pages and settings.missing_page is MissingPage.FIRST_PAGE else asked
    return Page(
        kind=kind,
        shape=settings.shape,
        head=_head(question, snapshot, settings.supplier, now),
        slices=_slices(snapshot.parts, (number - 1) * size, size),
        number=number,
        size=size,
        pages=pages,
        total=total,
        # Who asks for another page than the first speaks of pages, and is told which one it got.
        is_paged=settings.shape is AnswerShape.ENVELOPE and (question.page_size is not None or pages > 1 or asked > 1),
    )


def _head(question: Question, snapshot: Snapshot, supplier: str, now: dt.datetime) -> dict[str, Any]:
    """The period as it was asked; where it was not, as the records have it, or else today."""
    first, last = snapshot.period
    today = now.date()
    start = question.start or first or question.end or today
    end = question.end or last or today
    if end < start:
        # What was asked stays; the other one gives way.
        start, end = (end, end) if question.start is None else (start, start)
    return {
        "startdatumLevering": start.isoformat(),
        "einddatumLevering": end.isoformat(),
        "aanleverdatumEnTijd": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "codeGegevensleverancier": supplier,
    }


def _slices(parts: tuple[Part, ...], offset: int, size: int) -> tuple[tuple[Part, int, int], ...]:
    """What of each part is on a page; each part with nothing, when nothing is.

    The schema asks for one levering at least, and an empty one says of whom there is nothing.
    """
    found: list[tuple[Part, int, int]] = []
    for part in parts:
        count = max(0, min(part.count - offset, size))
        if count:
            found.append((part, offset, count))
        size -= count
        offset = max(0, offset - part.count)
    return tuple(found) or tuple((part, 0, 0) for part in parts)


def pieces_of(page: Page, snapshot: Snapshot) -> Iterator[bytes]:
    """The answer as UTF-8 JSON, in pieces.

    Args:
        page: From `page_of`.
        snapshot: The one it was made of.

    Raises:
        ConfigurationError: The storage failed, or has other records than it counted.
    """
    held, length = list[bytes](), 0
    for octets in _octets(page, snapshot):
        held.append(octets)
        length += len(octets)
        if length >= _PIECE:
            yield b"".join(held)
            held, length = [], 0
    yield b"".join(held)


def _octets(page: Page, snapshot: Snapshot) -> Iterator[bytes]:
    if page.shape is AnswerShape.ENVELOPE:
        yield b'{"gegevens":'
    yield _json(page.head)[:-1] + b',"leveringen":['
    for teller, (part, offset, count) in enumerate(page.slices, start=1):
        organisation = part.organisation
        members: dict[str, Any] = {"teller": teller}
        if organisation.gemeentecode is not None:
            members["gemeentecode"] = organisation.gemeentecode
        yield (b"," if teller > 1 else b"") + _json(members)[:-1]
        yield b',"aanleverende_organisatie":' + organisation.details.encode() + b","
        yield _json(page.kind.member) + b":["
        yield from _records(snapshot, part, offset, count)
        yield b"]}"
    yield b"]}"
    if page.is_paged:
        paging = {
            "pageSize": page.size,
            "currentPage": page.number,
            "totalPages": page.pages,
            "totalRecords": page.total,
        }
        yield b',"paginering":' + _json(paging)
    if page.shape is AnswerShape.ENVELOPE:
        yield b"}"


def _records(snapshot: Snapshot, part: Part, offset: int, count: int) -> Iterator[bytes]:
    left = count
    for record in snapshot.records(part, offset=offset, limit=count) if count else ():
        yield b"," + record if left < count else record
        left -= 1
    if left:
        # What was counted is what the answer says there is.
        raise ConfigurationError("the storage changed while an answer was read from it")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
