"""What every fetcher is made of, whatever it fetches with."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from ..clock import Clock, utc_now
from .desk import Desk
from .exchange import usable_tls
from .flights import Event, Flights
from .limits import FetchLimits
from .store import DataStore

__all__ = ["FetcherSettings"]

E = TypeVar("E", bound=Event)
L = TypeVar("L")


class FetcherSettings(ABC, Generic[E, L]):
    """The arguments of a fetcher.

    Args:
        limits: What may be reached; `FetchLimits()` when `None`.
        store: Where data are kept; a store in memory of its own when `None`.
        tls: Which servers are accepted where a URL is https; what this machine trusts when `None`.
        clock: Gives the current time, UTC.
        lookup: Who is asked for the addresses of a name; this machine when `None`.

    Raises:
        ConfigurationError: `tls` does not check servers.
    """

    def __init__(
        self,
        *,
        limits: FetchLimits | None = None,
        store: DataStore | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock = utc_now,
        lookup: L | None = None,
    ) -> None:
        self._desk = Desk(FetchLimits() if limits is None else limits, store, clock)
        self._tls = usable_tls(tls)
        self._lookup = self._system_lookup if lookup is None else lookup
        self._flights: Flights[E] = Flights(self._new_event)

    @property
    def limits(self) -> FetchLimits:
        """What may be reached."""
        return self._desk.limits

    @property
    def store(self) -> DataStore:
        """Where data are kept."""
        return self._desk.store

    @property
    def generation(self) -> object:
        """As `DataStore.generation`: a verifier drops what it concluded when this changes."""
        return self.store.generation

    @property
    @abstractmethod
    def _system_lookup(self) -> L: ...

    @staticmethod
    @abstractmethod
    def _new_event() -> E: ...

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.store!r}>"
