"""What fetches OCSP responses and CRLs for a verifier: two protocols. Implementations are edges, in `nlgov_jades.fetch`."""

from __future__ import annotations

from typing import Protocol

from .pki.revocation import FetchRequest, RevocationData

__all__ = ["AsyncFetcher", "Fetcher"]


class Fetcher(Protocol):
    """Gets revocation data, from a cache or the network. Safe to share between threads.

    One that keeps data may also have an attribute `generation`: any value that is another one, by `==`, after each
    revocation that its data had not told before. A verifier reads it for each message, so it must be at hand, and uses no
    conclusion from before it changed. Those of a fetcher without it hold until their data expire.
    """

    def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:
        """The data, as `request.parse` returns them.

        Args:
            request: What is wanted; its URL was written by a CA whose path reached a trust anchor.
            timeout: Seconds that are left for this verification, look-up of names included.

        Raises:
            FetchError: They cannot be had.
        """
        ...


class AsyncFetcher(Protocol):
    """The same, awaited, `generation` included. Safe to share between tasks."""

    async def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:  # noqa: ASYNC109 - what is left of one budget
        """As `Fetcher.fetch`."""
        ...
