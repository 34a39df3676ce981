"""Many providers at once: each on its own, none ends the others, and a report at the end. One collection is in `collect`."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TextIO

import anyio
import httpx

from ..clock import check_time
from ..errors import ConfigurationError, VerificationError
from .breaking import HostBreaker
from .collect import CollectedPage, Pages, collect
from .consumer import AnswerError, Consumer, GatewayError, NoAnswerError, ProblemAnswerError, Provider
from .question import Question
from .report import CollectionStatus, FleetReport, ProviderReport, SignatureFacts

__all__ = ["FleetProgress", "Keep", "collect_fleet", "terminal_progress"]

LOGGER: Final = logging.getLogger("nlgov_jades.ddas")

AT_ONCE = 8
"""Providers that are asked at the same time: each may have a page of 31 MB on its way, and a thread that reads one."""

PROVIDER_SECONDS = 3600.0
"""For all pages of one provider, with the times that are waited between attempts."""


class Keep(Protocol):
    """Keeps a page, before the next one is asked for. What it raises ends this provider as `failed`, and no other."""

    def __call__(self, page: CollectedPage, /) -> Awaitable[None]:
        """Keep it; of a page with a higher `round`, after throwing away what the rounds before it brought."""
        ...


@dataclass(frozen=True, slots=True)
class FleetProgress:
    """How far it is.

    Attributes:
        provider: Name of the provider that got on.
        pages: How many of its pages are there.
        of: How many it has, or `None` while that is not known.
        done: How many providers ended.
        total: How many there are.
        report: What came of this provider, when it ended just now.
    """

    provider: str
    pages: int
    of: int | None
    done: int
    total: int
    report: ProviderReport | None = None


Tell = Callable[[FleetProgress], object]


async def collect_fleet(
    providers: Iterable[Provider],
    question: Question,
    *,
    consumer: Consumer,
    keep: Keep,
    at_once: int = AT_ONCE,
    seconds: float = PROVIDER_SECONDS,
    progress: Tell | None = None,
) -> FleetReport:
    """Ask many providers the same question, and keep their pages as they come.

    All share what the fetcher of the consumer knows of revocation; a host that lets it wait is left alone for a while.
    Cancelled, everything ends, and there is no report.

    Args:
        providers: Whom; no two with one name.
        question: What.
        consumer: Who asks, and what is accepted.
        keep: Keeps each page.
        at_once: How many are asked at the same time.
        seconds: How long each may take, from its first question to its last page.
        progress: Called with each page and each end, in the event loop.

    Raises:
        ConfigurationError: An argument has another form.
    """
    asked = tuple(providers)
    if not all(isinstance(provider, Provider) for provider in asked) or not isinstance(consumer, Consumer):
        raise ConfigurationError("providers holds Provider values, and consumer is a Consumer")
    if not asked or len({provider.name for provider in asked}) != len(asked):
        raise ConfigurationError("providers are at least one, and no two have the same name")
    if type(at_once) is not int or at_once < 1 or not seconds > 0:
        raise ConfigurationError("at_once is a number of one or more, and seconds one above zero")
    monotonic = consumer.waiting.monotonic
    shared = consumer
    if consumer.fetcher is not None:
        shared = replace(consumer, fetcher=HostBreaker(consumer.fetcher, monotonic=monotonic))
    fleet = _Fleet(consumer=shared, question=question, keep=keep, seconds=seconds, tell=progress, total=len(asked))
    started, began = check_time(consumer.clock()), monotonic()
    limit = anyio.Semaphore(at_once)
    async with anyio.create_task_group() as tasks:
        for provider in asked:
            tasks.start_soon(fleet.visit, provider, limit)
    reports = tuple(fleet.reports[provider.name] for provider in asked)
    return FleetReport(providers=reports, started=started, seconds=monotonic() - began)


@dataclass(slots=True)
class _Ending:
    """How it ended with one provider."""

    status: CollectionStatus = CollectionStatus.OK
    code: str | None = None
    http_status: int | None = None


class _Fleet:
    """What the tasks share."""

    def __init__(
        self, *, consumer: Consumer, question: Question, keep: Keep, seconds: float, tell: Tell | None, total: int
    ) -> None:
        self._consumer, self._question, self._keep = consumer, question, keep
        self._seconds, self._tell, self._total = seconds, tell, total
        self.reports: dict[str, ProviderReport] = {}

    async def visit(self, provider: Provider, limit: anyio.Semaphore) -> None:
        """Collect from one provider, whatever comes of it."""
        async with limit:
            began = self._consumer.waiting.monotonic()
            seen: list[Pages] = []
            ending = await self._ended(provider, seen)
            took = self._consumer.waiting.monotonic() - began
            report = _report(provider, ending, seen[0] if seen else None, took)
            self.reports[provider.name] = report
            LOGGER.info(
                "collected oin=%s status=%s code=%s pages=%d records=%d attempts=%d seconds=%.1f",
                *(provider.oin, report.status, report.code or "-", report.pages, report.records),
                *(report.attempts, report.seconds),
            )
            self._progress(provider, seen[0] if seen else None, report)

    async def _ended(self, provider: Provider, seen: list[Pages]) -> _Ending:
        try:
            with anyio.move_on_after(self._seconds) as time:
                await self._collect(provider, seen)
        except Exception as error:  # noqa: BLE001 - one provider's failure never ends the others
            return _ending(error)
        return _Ending(CollectionStatus.UNREACHABLE, "TIMEOUT") if time.cancelled_caught else _Ending()

    async def _collect(self, provider: Provider, seen: list[Pages]) -> None:
        async with collect(provider, self._question, consumer=self._consumer) as pages:
            seen.append(pages)
            async for page in pages:
                self._progress(provider, pages, None)
                await self._keep(page)

    def _progress(self, provider: Provider, pages: Pages | None, report: ProviderReport | None) -> None:
        if self._tell is None:
            return
        of = None if pages is None or pages.last is None else pages.last.pages
        count = 0 if pages is None else pages.pages
        # A bar that fails is no reason to stop.
        try:
            self._tell(FleetProgress(provider.name, count, of, len(self.reports), self._total, report))
        except Exception as error:  # noqa: BLE001 - see above
            LOGGER.warning("progress failed: %s", type(error).__name__)


def _ending(error: Exception) -> _Ending:
    """What an exception means. Of those that are not ours only the name is told: their text may hold a value."""
    match error:
        case VerificationError():
            ending = _Ending(CollectionStatus.REFUSED, error.code)
        case AnswerError():
            ending = _Ending(CollectionStatus.REFUSED, error.fault.value)
        case GatewayError():
            ending = _Ending(CollectionStatus.GATEWAY, error.error.code, error.error.status)
        case ProblemAnswerError():
            ending = _Ending(CollectionStatus.PROBLEM, error.code, error.status)
        case NoAnswerError():
            ending = _Ending(CollectionStatus.UNREACHABLE, "TIMEOUT")
        case httpx.TransportError():
            ending = _Ending(CollectionStatus.UNREACHABLE, type(error).__name__)
        case _:
            ending = _Ending(CollectionStatus.FAILED, type(error).__name__)
    return ending


def _report(provider: Provider, ending: _Ending, pages: Pages | None, seconds: float) -> ProviderReport:
    report = ProviderReport(
        name=provider.name,
        oin=provider.oin,
        status=ending.status,
        code=ending.code,
        http_status=ending.http_status,
        seconds=seconds,
    )
    if pages is None:
        return report
    return replace(
        report,
        signature=None if pages.proof is None else SignatureFacts.of(pages.proof),
        pages=pages.pages,
        records=pages.records,
        octets=pages.octets,
        attempts=pages.attempts,
        rounds=pages.round,
    )


# --- on a terminal -------------------------------------------------------------------------------------------------


@contextmanager
def terminal_progress(stream: TextIO | None = None) -> Generator[Tell, None, None]:
    """What to give as `progress`: a bar on a terminal when `rich` is installed, and nothing elsewhere.

    Args:
        stream: Where to; standard error when `None`.
    """
    target = sys.stderr if stream is None else stream
    bar = _bar(target) if target is not None and target.isatty() else None
    if bar is None:
        yield lambda _: None
        return
    with bar:
        task = bar.add_task("providers", total=None)
        yield lambda told: bar.update(task, completed=told.done, total=told.total)


def _bar(stream: TextIO) -> Any:
    """A bar of `rich`, or `None` without it."""
    try:
        console, progress = importlib.import_module("rich.console"), importlib.import_module("rich.progress")
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] != "rich":
            raise
        return None
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
    )
    return progress.Progress(*columns, console=console.Console(file=stream))
