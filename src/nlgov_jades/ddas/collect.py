"""All pages of one question from one provider, verified, one by one. Whether a page answers the question is judged here.

A payload signature binds a provider to octets, and not to a question: period, organisation and page of each answer are
compared with what was asked, and its numbers with those of the pages before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, Any, Self

from anyio.to_thread import run_sync

from ..errors import ConfigurationError
from ..result import VerifiedMessage
from .answers import AnswerShape
from .asking import Answer, Asking, asking
from .consumer import (
    AnswerError,
    AnswerFault,
    Consumer,
    GatewayError,
    NoAnswerError,
    ProblemAnswerError,
    Provider,
    Retries,
    Waiting,
)
from .question import Question
from .reading import PIECE, MisreadError, Survey, records_in, survey

__all__ = [
    "AnswerError",
    "AnswerFault",
    "CollectedPage",
    "CollectedRecord",
    "Consumer",
    "GatewayError",
    "NoAnswerError",
    "Pages",
    "ProblemAnswerError",
    "Provider",
    "Retries",
    "Waiting",
    "collect",
]

MAX_PAGES = 10_000
"""Of one question: 250 million trajecten. Who speaks of more is wrong, or wants to be asked for ever."""

MAX_ROUNDS = 2
"""A provider renews its data once a day: that this happens twice during one collection means something else."""

_NUMBERS = ("pageSize", "currentPage", "totalPages", "totalRecords")


@dataclass(frozen=True, slots=True)
class CollectedRecord:
    """One traject or signaal.

    Attributes:
        organisation: Name of the organisation whose levering has it.
        data: Itself, parsed. Personal data.
    """

    organisation: str = field(repr=False)
    data: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedPage:
    """A page that was verified, and answers the question. It can be read until the next one is asked for.

    Attributes:
        provider: Who delivered it.
        round: 1; 2 after a new start, because what is delivered changed. Throw away what an earlier round brought.
        number: Which page it is, from 1.
        pages: How many there are, or `None` where the provider does not say.
        total: How many records all of them have, or `None`.
        count: How many this one has.
        length: Octets of the answer.
        shape: Which of the two shapes it has.
        head: startdatumLevering and the other texts beside the leveringen.
        verified: The proof.
    """

    provider: Provider
    round: int
    number: int
    pages: int | None
    total: int | None
    count: int
    length: int
    shape: AnswerShape
    head: dict[str, str] = field(repr=False)
    verified: VerifiedMessage
    _file: IO[bytes] = field(repr=False)
    _organisations: tuple[str, ...] = field(repr=False)

    def records(self) -> Iterator[CollectedRecord]:
        """Its records, parsed one by one. One reader at a time; it may wait for a disk.

        Raises:
            ConfigurationError: The next page was asked for, so this one is gone.
        """
        self._rewind()
        for levering, data in records_in(self._read, self.provider.kind):
            yield CollectedRecord(self._organisations[levering], data)

    def octets(self) -> Iterator[bytes]:
        """The very octets that were verified, in pieces; for an archive. As `records`.

        Raises:
            ConfigurationError: As `records`.
        """
        self._rewind()
        while piece := self._read(PIECE):
            yield piece

    def _rewind(self) -> None:
        self._check_open()
        self._file.seek(0)

    def _read(self, size: int) -> bytes:
        self._check_open()
        return self._file.read(size)

    def _check_open(self) -> None:
        if self._file.closed:
            raise ConfigurationError("a page is read before the next one is asked for")


@asynccontextmanager
async def collect(provider: Provider, question: Question, *, consumer: Consumer) -> AsyncGenerator[Pages, None]:
    """All pages of an answer: open it with `async with`, and iterate over what that gives with `async for`.

    They are complete when the iteration ends without an exception.

    Args:
        provider: Whom to ask.
        question: What to ask; its `page` stays `None`. Without `page_size` the provider decides how many records a page has.
            With it a bare answer is asked for page after page, until one is empty.
        consumer: Who asks, and what is accepted.

    Raises:
        ConfigurationError: A setting has another form.
    """
    if not isinstance(provider, Provider) or not isinstance(consumer, Consumer) or not isinstance(question, Question):
        raise ConfigurationError("provider is a Provider, question a Question and consumer a Consumer")
    if question.page is not None:
        raise ConfigurationError("page of the question is None: all pages are collected")
    async with asking(provider, consumer) as connection:
        pages = Pages(connection, provider, question)
        try:
            yield pages
        finally:
            pages.close()


@dataclass(slots=True)
class _Round:
    """One way through the pages."""

    number: int
    page: int = 1
    facts: tuple[Any, ...] | None = None
    """What all of its pages say alike."""
    size: int | None = None
    last: int | None = None
    digests: set[bytes] = field(default_factory=set)
    is_over: bool = False


class Pages:
    """The pages, as an async iterator. One task at a time."""

    def __init__(self, connection: Asking, provider: Provider, question: Question) -> None:
        self._connection, self._provider, self._question = connection, provider, question
        self._round = _Round(1)
        self._file: IO[bytes] | None = None
        self.last: CollectedPage | None = None
        """The page that was handed out last."""
        self.proof: VerifiedMessage | None = None
        """Of the last answer with status 200, also when it was not the one to the question."""
        self.pages, self.records, self.octets = 0, 0, 0
        """What this round brought."""

    @property
    def attempts(self) -> int:
        """How often anything was asked."""
        return self._connection.attempts

    @property
    def round(self) -> int:
        """As `CollectedPage.round`."""
        return self._round.number

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CollectedPage:
        """The next page.

        Raises:
            AnswerError: The answer is not the one to the question.
            VerificationError: It is refused.
            ProblemAnswerError: The provider answered with a problem.
            GatewayError: An FSC gateway answered.
            NoAnswerError: There was no answer in time.
            SigningError: No signature could be made.
            OSError: It could not be kept in its file.
            httpx.TransportError: The connection failed.
        """
        self.close()
        while not self._round.is_over:
            try:
                page = await self._next()
            except BaseException:
                self._round.is_over = True  # what is half is not gone on with
                self.close()
                raise
            if page is not None:
                self.last = page
                self.pages, self.records, self.octets = (
                    self.pages + 1,
                    self.records + page.count,
                    self.octets + page.length,
                )
                return page
        raise StopAsyncIteration

    def close(self) -> None:
        """Let go of the page that was handed out last."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    async def _next(self) -> CollectedPage | None:
        """The next page; `None` at the end, and where it starts again."""
        run = self._round
        asked = replace(
            self._question,
            # Who names no page size speaks of pages only when the provider did.
            page=None if run.page == 1 and self._question.page_size is None else run.page,
            page_size=self._question.page_size if run.page == 1 else run.size,
        )
        answer = await self._connection.ask(asked)
        self._file, self.proof = answer.file, answer.verified
        found = await _surveyed(answer, self._provider)
        numbers = None if found.paging is None else _numbers(found.paging)
        if self._has_changed(found, numbers):
            if run.number == MAX_ROUNDS:
                raise AnswerError(AnswerFault.CHANGED, "what is delivered changed between two pages, twice")
            self.close()
            self._round = _Round(run.number + 1)
            self.pages = self.records = self.octets = 0
            return None
        self._check_subject(found)
        if numbers is None:
            self._check_unpaged(found)
        else:
            self._check_paged(found, *numbers)
        if found.count and found.digest in run.digests:
            raise AnswerError(AnswerFault.REPEATED, "a page has the records of an earlier one")
        run.digests.add(found.digest)
        number = run.page
        self._step(found)
        if run.is_over and numbers is None and not found.count and number > 1:
            self.close()
            return None  # the empty page behind the last one
        return self._page(answer, found, number, numbers)

    def _page(
        self, answer: Answer, found: Survey, number: int, numbers: tuple[int, int, int, int] | None
    ) -> CollectedPage:
        return CollectedPage(
            provider=self._provider,
            round=self._round.number,
            number=number,
            pages=self._round.last,
            total=found.count if self._round.is_over and number == 1 else None if numbers is None else numbers[3],
            count=found.count,
            length=answer.length,
            shape=found.shape,
            head=found.head,
            verified=answer.verified,
            _file=answer.file,
            _organisations=tuple(found.organisations),
        )

    def _has_changed(self, found: Survey, numbers: tuple[int, int, int, int] | None) -> bool:
        """Whether this page is of other data than the first one."""
        head = found.head
        # All but which page it is, and when it was made.
        facts = (
            found.shape,
            head["startdatumLevering"],
            head["einddatumLevering"],
            head["codeGegevensleverancier"],
            None if numbers is None else (numbers[0], numbers[2], numbers[3]),
        )
        if self._round.facts is None:
            self._round.facts = facts
        return self._round.facts != facts

    def _check_subject(self, found: Survey) -> None:
        question, head = self._question, found.head
        for asked, name in ((question.start, "startdatumLevering"), (question.end, "einddatumLevering")):
            if asked is not None and head[name] != asked.isoformat():
                raise AnswerError(AnswerFault.PERIOD, f"{name} is not the date that was asked for")
        if question.organisation is not None and any(name != question.organisation for name in found.organisations):
            raise AnswerError(AnswerFault.ORGANISATION, "a levering is of another organisation than was asked for")

    def _check_unpaged(self, found: Survey) -> None:
        asked, most = self._question.page_size, self._provider.kind.max_page_size
        if asked is not None and found.shape is AnswerShape.ENVELOPE:
            raise AnswerError(AnswerFault.PAGING, "the question has a pageSize, and the answer has no paginering")
        if asked is None and found.count >= most:
            # It may be the first page of more, by a provider that cannot say so.
            raise AnswerError(AnswerFault.PAGING, f"{most} records without paginering: ask with a page_size")
        if found.count > (asked or most):
            raise AnswerError(AnswerFault.COUNT, "the page has more records than a page may have")

    def _check_paged(self, found: Survey, size: int, current: int, pages: int, total: int) -> None:
        most = self._provider.kind.max_page_size
        if size < 1 or size > min(most, self._question.page_size or most) or pages not in _pages(total, size):
            raise AnswerError(
                AnswerFault.PAGING, "paginering contradicts itself, or has a larger page than was asked for"
            )
        if pages > MAX_PAGES:
            raise AnswerError(AnswerFault.TOO_MANY, f"there are more than {MAX_PAGES} pages")
        if current != self._round.page:
            raise AnswerError(AnswerFault.PAGE, f"page {self._round.page} was asked for, and another one came")
        if found.count != max(0, min(size, total - (current - 1) * size)):
            raise AnswerError(AnswerFault.COUNT, "the page does not have as many records as paginering says")
        self._round.last, self._round.size = max(1, pages), size

    def _step(self, found: Survey) -> None:
        run = self._round
        if run.last is not None:
            run.is_over = run.page >= run.last
        elif self._question.page_size is None:
            run.is_over, run.last = True, 1
        else:
            # A bare answer says nothing about pages. One that is not full may be so because the provider makes smaller pages.
            run.is_over, run.size = not found.count, self._question.page_size
            if run.page == MAX_PAGES:
                raise AnswerError(AnswerFault.TOO_MANY, f"there are more than {MAX_PAGES} pages")
        run.page += 1


def _pages(total: int, size: int) -> tuple[int, ...]:
    # Of nothing there is one empty page, or none.
    return (-(-total // size),) if total else (0, 1)


def _numbers(paging: dict[str, Any]) -> tuple[int, int, int, int]:
    size, current, pages, total = (paging.get(name) for name in _NUMBERS)
    if type(size) is int and type(current) is int and type(pages) is int and type(total) is int and total >= 0:
        return size, current, pages, total
    raise AnswerError(AnswerFault.PAGING, "paginering has not the four numbers that DDAS describes")


async def _surveyed(answer: Answer, provider: Provider) -> Survey:
    found: list[Survey] = []
    # Not returned from the thread: asyncio's debug mode logs what is.
    work = partial(survey, answer.file.read, provider.kind)
    try:
        await run_sync(lambda: found.append(work()))
    except MisreadError as error:
        fault = AnswerFault.KIND if error.other_kind else AnswerFault.MALFORMED
        raise AnswerError(fault, f"the page cannot be read: {error}") from None
    return found[0]
