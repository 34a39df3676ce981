"""Single flight: who fetches, and who waits for it. Nothing is fetched here, and nobody waits here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar

from ..fork import renew_after_fork
from ..pki.revocation import RevocationData

__all__ = ["Event", "Flight", "Flights"]


class Event(Protocol):
    """What `threading.Event` and `anyio.Event` have in common here; only a driver knows how to wait for one."""

    def set(self) -> Any:
        """Wake everybody who waits."""
        ...


E = TypeVar("E", bound=Event)


class Flight(Generic[E]):
    """One fetch that others may wait for.

    Attributes:
        landed: Set when it is over.
        data: What it brought, or `None`.
        failure: Why it brought nothing that anybody could use, or `None`: then a waiter tries for itself.
    """

    __slots__ = ("data", "failure", "landed")

    def __init__(self, landed: E) -> None:
        self.landed = landed
        self.data: RevocationData | None = None
        self.failure: str | None = None


class Flights(Generic[E]):
    """The fetches that are under way, at most one for each key.

    Args:
        event: Makes an event.
    """

    def __init__(self, event: Callable[[], E]) -> None:
        self._event = event
        self._begin()
        renew_after_fork(self._begin)

    def _begin(self) -> None:
        # In a forked process nobody would ever land what a thread of the other one leads.
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Flight[E]] = {}

    def join(self, key: Hashable) -> tuple[Flight[E], bool]:
        """The flight for this key, and whether the caller leads it: then it calls `land`, whatever happens."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight(self._event())
            return flight, True

    def land(self, key: Hashable) -> None:
        """It is over; the next one to ask starts anew."""
        with self._lock:
            flight = self._flights.pop(key, None)
        if flight is not None:  # unless a fork came in between
            flight.landed.set()

    def __len__(self) -> int:
        return len(self._flights)
