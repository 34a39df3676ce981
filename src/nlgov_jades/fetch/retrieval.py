"""How one request is answered: from the store, from somebody else's fetch, or by a fetch of one's own. As a generator.

It yields what only a driver can do, with threads or with tasks: wait for a flight, exchange HTTP messages, parse. The
driver closes it whatever happens, so that a flight never outlives who leads it.

    held and fresh            -> the data
    held and due              -> the data, and newer ones are fetched behind the caller's back when the driver can do that
    held and overdue          -> one caller fetches newer ones; the others, and that one when it fails, use what is held
    failed a moment ago       -> FetchError
    nobody fetches it         -> ask the other processes that share the store, then fetch it
    somebody fetches it       -> wait, then use what that brought or start again
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Generic, TypeVar

from ..errors import FetchError
from ..pki.revocation import FetchRequest, RevocationData
from .deadline import Deadline
from .desk import Desk, Held
from .exchange import failure_of
from .flights import Event, Flight, Flights
from .shared import SharedData, SharedLevel
from .store import Key
from .url import Target

__all__ = ["Exchange", "Landing", "Reading", "Retrieval", "Sharing", "Step"]

REFRESH_PART = 0.5
"""Part of what is left for a verification that a refresh may take: the data it has are still good enough."""

SHARED_PART = 0.25
SHARED_SECONDS = 1.0
"""What of the time that is left a shared store may take, each time: it saves a fetch, and must not prevent one."""

FAIR_SECONDS = 1.0
"""A fetch that was given less than this, or less than the limit, says nothing about the other side when it runs out."""

E = TypeVar("E", bound=Event)


class Step:
    """Something for the driver to do. Its results are attributes; `outcome` takes its failure."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.failure: FetchError | None = None

    @contextmanager
    def outcome(self) -> Iterator[None]:
        """The driver performs the step in this context; what it raises goes to the retrieval as a FetchError.

        Not so a cancellation or an interrupt: that ends the retrieval, and one that waited for it takes over.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - several libraries, each with exceptions of its own
            self.failure = failure_of(error, late=self.deadline.has_passed)

    def check(self) -> None:
        """Return when the driver did it.

        Raises:
            FetchError: It failed.
        """
        if self.failure is not None:
            raise self.failure


class Landing(Step, Generic[E]):
    """Wait until somebody else's flight is over, or raise FetchError at the deadline."""

    def __init__(self, deadline: Deadline, flight: Flight[E]) -> None:
        super().__init__(deadline)
        self.flight = flight


class Exchange(Step):
    """Fetch: give `octets` and `max_age`, or raise FetchError at the deadline at the latest."""

    octets: bytes
    max_age: dt.timedelta | None

    def __init__(self, deadline: Deadline, request: FetchRequest, target: Target) -> None:
        super().__init__(deadline)
        self.request = request
        self.target = target


class Reading(Step):
    """Give `data`, what `request.parse` makes of the octets."""

    data: RevocationData

    def __init__(self, deadline: Deadline, request: FetchRequest, octets: bytes) -> None:
        super().__init__(deadline)
        self.request = request
        self.octets = octets

    def parse(self) -> None:
        """The step itself.

        Raises:
            FetchError: They are not what was asked for.
        """
        self.data = self.request.parse(self.octets)


class Sharing(Step):
    """Ask a shared store or tell it something: `call` blocks until the deadline at the latest."""

    found: SharedData | None = None

    def __init__(self, deadline: Deadline, ask: Callable[..., SharedData | None]) -> None:
        super().__init__(deadline)
        self._ask = ask

    def call(self) -> None:
        """The step itself.

        Raises:
            FetchError: No time is left for it.
        """
        self.found = self._ask(timeout=self.deadline.left())


class Retrieval(Generic[E]):
    """One request on its way. Run `steps` to the end, or close it; then read `data`.

    Args:
        desk: What the fetcher shares.
        flights: The flights of this fetcher, and of this event loop when it has one.
        request: What is wanted.
        timeout: Seconds that are left for this verification.
        scope: Who can share a flight, for example an event loop.
        later: Has newer data for a key fetched in the background, or leaves that to the next caller; `None` when the
            driver cannot do that.

    Raises:
        FetchError: The URL is not allowed, or no time is left.
    """

    data: RevocationData

    def __init__(
        self,
        desk: Desk,
        flights: Flights[E],
        request: FetchRequest,
        timeout: float,
        *,
        scope: Hashable = None,
        later: Callable[[Key], object] | None = None,
    ) -> None:
        self._desk = desk
        self._flights = flights
        self._request = request
        self._key = Key.of(request)
        self._flight = (scope, self._key)
        self._target = desk.limits.target(request.url)
        self._deadline = Deadline.after(timeout)
        self._later = later

    def steps(self) -> Generator[Step, None, None]:
        """What the driver is to do, one after the other.

        Raises:
            FetchError: The data cannot be had.
        """
        while not hasattr(self, "data"):
            held = self._desk.held(self._request, self._key)
            if held is None:
                self._desk.check_setbacks(self._request, self._key)
            elif not held.due or self._put_off(held):
                self.data = held.data
                return
            flight, leads = self._flights.join(self._flight)
            if leads:
                try:
                    yield from self._lead(flight)
                finally:
                    self._flights.land(self._flight)
            elif held is not None:
                self.data = held.data
            else:
                yield from self._follow(flight)

    def _put_off(self, held: Held) -> bool:
        if self._later is None or held.overdue:
            return False
        self._later(self._key)
        return True

    def _lead(self, flight: Flight[E]) -> Generator[Step, None, None]:
        # Between the look into the store and the lead, another flight may have landed.
        held = self._desk.held(self._request, self._key)
        if held is None:
            self._desk.check_setbacks(self._request, self._key)
        elif not held.due:
            self.data = flight.data = held.data
            return
        if self._desk.shared is not None:
            yield from self._load(self._desk.shared)
            held = self._desk.held(self._request, self._key)
            if held is not None and not held.due:
                self.data = flight.data = held.data
                return
        try:
            yield from self._fetch(flight, refresh=held is not None)
        except FetchError:
            if held is None:
                raise
            self.data = flight.data = held.data

    def _fetch(self, flight: Flight[E], *, refresh: bool) -> Generator[Step, None, None]:
        allowed = self._deadline.left() * (REFRESH_PART if refresh else 1)
        exchange = Exchange(self._deadline.within(min(allowed, self._desk.limits.seconds)), self._request, self._target)
        yield exchange
        try:
            exchange.check()
        except FetchError as error:
            if allowed >= min(FAIR_SECONDS, self._desk.limits.seconds):
                self._desk.unreachable(self._key, error)
                flight.failure = str(error)
            raise
        reading = Reading(self._deadline, self._request, exchange.octets)
        yield reading
        try:
            reading.check()
        except FetchError as error:
            self._desk.unusable(self._request, self._key, error)
            raise
        self.data = self._desk.keep(self._request, self._key, reading.data, exchange.max_age)
        flight.data = self.data
        if self._desk.shared is not None:
            yield from self._save(self._desk.shared)

    def _load(self, shared: SharedLevel) -> Generator[Step, None, None]:
        """Take over what another process found. Whatever goes wrong means that there is nothing."""
        asking = Sharing(self._brief(), partial(shared.load, self._key, limit=self._request.limit))
        yield asking
        if asking.failure is not None or asking.found is None:
            return
        reading = Reading(self._deadline, self._request, asking.found.octets)
        yield reading
        if reading.failure is None:
            with suppress(FetchError):
                self._desk.adopt(self._request, self._key, reading.data, asking.found.refresh_at)

    def _save(self, shared: SharedLevel) -> Generator[Step, None, None]:
        entry = self._desk.store.get(self._key)
        if entry is not None and entry.data is self.data:
            yield Sharing(self._brief(), partial(shared.save, self._key, entry))

    def _brief(self) -> Deadline:
        return self._deadline.part(SHARED_PART).within(SHARED_SECONDS)

    def _follow(self, flight: Flight[E]) -> Generator[Step, None, None]:
        landing = Landing(self._deadline, flight)
        yield landing
        landing.check()
        if flight.failure is not None:
            raise FetchError(flight.failure)
        if flight.data is None:
            return
        try:
            self._request.check(flight.data)
        except FetchError:
            # It is about another certificate or another time: ask for oneself.
            return
        self.data = flight.data
