"""Work of a client on an event loop, asyncio's or trio's: what takes long is done in threads. No HTTP library."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from functools import partial
from typing import Any, Self, TypeVar

from anyio import CancelScope

from ..digest import BodyDigest
from ..errors import ConfigurationError
from ..message import Body, HttpRequest, HttpResponse, SignedFields
from ..replay import MemoryReplayGuard, ReplayGuard, check_replay
from ..result import VerifiedMessage
from ..verify import AsyncVerifier, PendingMessage
from .body import HASHED_AT_ONCE, Spool
from .client import octets_of
from .loops import in_thread
from .parties import AsyncMessageSigner, MessageSigner, digest_to_sign, signed_later

__all__ = ["Awaiting", "Ending", "dispose", "read_spool"]

DRAINED = 10_000
"""Pieces of an answer nobody wants that may already have arrived: 64 KiB, in chunks of a few octets."""

_T = TypeVar("_T")


async def _perhaps_in_thread(work: Callable[[], _T], *, when: bool) -> _T:
    return await in_thread(work) if when else work()


async def read_spool(spool: Spool, size: int) -> bytes:
    """As `Spool.read`, in a thread when it would wait for a disk."""
    return await _perhaps_in_thread(partial(spool.read, size), when=spool.is_behind)


async def dispose(spool: Spool) -> None:
    """Close a spool: to free a large file takes time."""
    with CancelScope(shield=True):
        await _perhaps_in_thread(spool.close, when=spool.on_disk)


class Awaiting:
    """Work for asyncio and trio. Safe to share between tasks.

    Args:
        signer: `None` when nothing is signed.
        verifier: For the answers; `None` when nothing is verified.
        guard: Asked last, or `None`; in a thread, unless it is a MemoryReplayGuard.
    """

    def __init__(
        self,
        signer: MessageSigner | AsyncMessageSigner | None,
        verifier: AsyncVerifier | None,
        guard: ReplayGuard | None,
    ) -> None:
        self._signer, self._verifier, self._guard = signer, verifier, guard

    async def fill(self, pieces: AsyncIterable[Any], spool: Spool) -> Body:
        """As Work."""
        arriving = aiter(pieces)
        try:
            async for piece in arriving:
                spool.add(octets_of(piece))
                if spool.due:
                    await _perhaps_in_thread(spool.flush, when=spool.is_behind)
        except BaseException:
            await _end(arriving)
            raise
        return await _perhaps_in_thread(spool.finish, when=spool.on_disk)

    async def sign(self, message: HttpRequest) -> SignedFields:
        """As Work."""
        if self._signer is None:
            raise ConfigurationError("there is no signer")
        if isinstance(message.body, bytes) and len(message.body) > HASHED_AT_ONCE:
            message = message.with_body(await in_thread(partial(_hashed, message, message.body)))
        return await signed_later(self._signer, message)

    async def verify_fields(self, answer: HttpResponse) -> PendingMessage:
        """As Work."""
        return await self._expected_verifier.verify_fields(answer)

    async def complete(self, pending: PendingMessage, body: Body) -> VerifiedMessage:
        """As Work."""
        long = isinstance(body, bytes) and len(body) > HASHED_AT_ONCE
        verified = await _perhaps_in_thread(partial(pending.complete, body), when=long)
        if self._guard is not None:
            policy = self._expected_verifier.policy
            ask = partial(check_replay, verified, policy=policy, guard=self._guard)
            await _perhaps_in_thread(ask, when=not isinstance(self._guard, MemoryReplayGuard))
        return verified

    async def discard(self, spool: Spool) -> None:
        """As Work."""
        await dispose(spool)

    @property
    def _expected_verifier(self) -> AsyncVerifier:
        if self._verifier is None:
            raise ConfigurationError("there is no verifier")
        return self._verifier


def _hashed(message: HttpRequest, body: bytes) -> BodyDigest:
    digest = digest_to_sign(message.fields)
    digest.update(body)
    return digest


async def _end(pieces: AsyncIterator[Any]) -> None:
    close = getattr(pieces, "aclose", None)
    if close is not None:
        with CancelScope(shield=True), contextlib.suppress(Exception):
            await close()


class Ending:
    """The body of an answer, whose reading can be broken off.

    A client library reads through generators inside generators. To close the outermost abandons the others, which an event
    loop then finds as garbage; to cancel what they wait for ends them all, innermost first.

    Args:
        pieces: What the library reads.
    """

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = aiter(pieces)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """End the reading, wherever it is."""
        with CancelScope(shield=True) as scope:
            scope.cancel()
            with contextlib.suppress(StopAsyncIteration):
                for _ in range(DRAINED):
                    await anext(self._pieces)
        await _end(self._pieces)
