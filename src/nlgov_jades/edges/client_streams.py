"""Bodies in a spool as streams of httpx or httpx2, which add their base class. No HTTP library is imported here."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Iterator
from typing import ClassVar

from .body import PIECE, Spool
from .client_async import dispose, read_spool

__all__ = ["AsyncSpooled", "Spooled"]


class _Streamed:
    """A body in a spool, for one reader. The spool is closed with it, or when nobody can reach it any more."""

    consumed: ClassVar[type[Exception]]
    closed: ClassVar[type[Exception]]

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._begun = self._ended = False
        weakref.finalize(self, spool.close)

    def _begin(self) -> None:
        if self._begun:
            raise self.consumed
        self._begun = True

    def _check_open(self) -> None:
        # A closed spool reads as an empty one: what was cut short would look whole.
        if self._ended:
            raise self.closed


class Spooled(_Streamed):
    """As `_Streamed`, for threads."""

    def __iter__(self) -> Iterator[bytes]:
        self._begin()
        return iter(self._next, b"")

    def _next(self) -> bytes:
        self._check_open()
        return self._spool.read(PIECE)

    def close(self) -> None:
        """Let go of the body."""
        self._ended = True
        self._spool.close()


class AsyncSpooled(_Streamed):
    """As `_Streamed`, for event loops."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._begin()
        return _AsyncReading(self)

    async def next(self) -> bytes:
        """The next octets; empty at the end."""
        self._check_open()
        try:
            return await read_spool(self._spool, PIECE)
        except BaseException:
            # Whoever gave up waiting may have missed octets that were read meanwhile.
            self._ended = True
            raise

    async def aclose(self) -> None:
        """Let go of the body."""
        self._ended = True
        await dispose(self._spool)


class _AsyncReading:
    """No generator: one that is abandoned half-way would be found by the event loop as garbage."""

    def __init__(self, stream: AsyncSpooled) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._stream.next()
        if not piece:
            raise StopAsyncIteration
        return piece
