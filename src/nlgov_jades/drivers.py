"""The two drivers of a verification: they answer what the generator asks for, within one budget of time.

The only place where a verification waits. `Fetcher` and `AsyncFetcher` come from outside.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TypeVar

from .errors import FetchError
from .fetching import AsyncFetcher, Fetcher
from .pki.revocation import FetchRequest, RevocationData

__all__ = ["Steps", "drive", "drive_async"]

_T = TypeVar("_T")
Steps = Generator[FetchRequest, RevocationData | FetchError, _T]

NO_NETWORK = FetchError("not fetched: this verifier has no fetcher")
OUT_OF_TIME = "not fetched: the time for this verification is used up"


def drive(steps: Steps[_T], fetcher: Fetcher | None, seconds: float) -> _T:
    """Run a verification.

    Args:
        steps: The generator.
        fetcher: Where revocation data come from; `None` opens no connection.
        seconds: For everything that is fetched together.
    """
    try:
        request = next(steps)
        end = time.monotonic() + seconds
        while True:
            request = steps.send(_fetch(request, fetcher, end - time.monotonic()))
    except StopIteration as done:
        result: _T = done.value
        return result


async def drive_async(steps: Steps[_T], fetcher: AsyncFetcher | None, seconds: float) -> _T:
    """As `drive`, awaiting an AsyncFetcher."""
    try:
        request = next(steps)
        end = time.monotonic() + seconds
        while True:
            request = steps.send(await _fetch_async(request, fetcher, end - time.monotonic()))
    except StopIteration as done:
        result: _T = done.value
        return result


def _fetch(request: FetchRequest, fetcher: Fetcher | None, seconds: float) -> RevocationData | FetchError:
    if fetcher is None:
        return NO_NETWORK
    if seconds <= 0:
        return FetchError(OUT_OF_TIME)
    try:
        return fetcher.fetch(request, timeout=seconds)
    except FetchError as error:
        return error


async def _fetch_async(
    request: FetchRequest, fetcher: AsyncFetcher | None, seconds: float
) -> RevocationData | FetchError:
    if fetcher is None:
        return NO_NETWORK
    if seconds <= 0:
        return FetchError(OUT_OF_TIME)
    try:
        return await fetcher.fetch(request, timeout=seconds)
    except FetchError as error:
        return error
