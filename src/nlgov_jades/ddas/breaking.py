"""A fetcher that leaves alone a host which let it wait in vain. It fetches nothing itself.

A fetcher remembers what failed by certificate: three hundred signers whose OCSP responses come from one dead host would each
wait for it once. Here it is remembered by host. Only what took long counts: a host that says no at once holds nobody up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import FetchError
from ..fetching import AsyncFetcher
from ..pki.revocation import FetchRequest, RevocationData
from ..stores.breaker import REST, Breaker

__all__ = ["HostBreaker"]

LONG = 1.0
"""Seconds in vain after which a host counts as dead: a responder answers in milliseconds."""

BRIEF = 0.05
"""Seconds that a fetcher still has for a host that is left alone: enough to find what it holds, too few to fetch."""

MAX_HOSTS = 256
"""There are some ten CAs; beyond this, nothing is remembered of further hosts."""


class HostBreaker:
    """An AsyncFetcher around another one. Safe to share between tasks.

    Args:
        inner: Fetches, and holds what it fetched.
        monotonic: Gives seconds that never go back.
        rest: Seconds for which a host is left alone.
    """

    def __init__(
        self, inner: AsyncFetcher, *, monotonic: Callable[[], float] = time.monotonic, rest: float = REST
    ) -> None:
        self._inner, self._monotonic, self._rest = inner, monotonic, rest
        self._breakers: dict[str, Breaker] = {}

    @property
    def generation(self) -> object:
        """As that of the inner fetcher."""
        return getattr(self._inner, "generation", None)

    async def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:  # noqa: ASYNC109 - see AsyncFetcher
        """As `AsyncFetcher.fetch`.

        Raises:
            FetchError: As the inner fetcher, or its host is left alone and nothing is held.
        """
        breaker = self._breaker(request.url)
        if not breaker.admits():
            try:
                return await self._inner.fetch(request, timeout=min(timeout, BRIEF))
            except FetchError:
                raise FetchError("its host did not answer a moment ago, and is not asked again yet") from None
        began = self._monotonic()
        try:
            data = await self._inner.fetch(request, timeout=timeout)
        except FetchError:
            if self._monotonic() - began >= LONG:
                breaker.failed()
            else:
                breaker.answered()
            raise
        breaker.answered()
        return data

    def _breaker(self, url: str) -> Breaker:
        host = url.partition("://")[2].partition("/")[0].lower()
        found = self._breakers.get(host)
        if found is None:
            found = Breaker(self._monotonic, rest=self._rest)
            if len(self._breakers) < MAX_HOSTS:
                self._breakers[host] = found
        return found
