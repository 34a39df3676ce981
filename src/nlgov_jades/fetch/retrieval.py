"""How one request is answered: from the store, from somebody else's fetch, or by a fetch of one's own. As a generator.

It yields what only a driver can do, with threads or with tasks: wait for a flight, exchange HTTP messages, parse. The
driver closes it whatever happens, so that a flight never outlives who leads it.

    held and fresh            -> the data
    held and due              -> one caller fetches newer ones; the others, and that one when it fails, use what is held
    failed a moment ago       -> FetchError
    nobody fetches it         -> ask the other processes that share the store, then fetch it
    somebody fetches it       -> wait, then use what that brought or start again
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from ..clock import Clock, utc_now
from ..errors import FetchError
from ..pki.answer import Standing
from ..pki.certificate import fingerprint
from ..pki.revocation import FetchRequest, RevocationData
from .deadline import Deadline
from .exchange import failure_of
from .flights import Event, Flight, Flights
from .limits import FetchLimits
from .setbacks import Setbacks
from .shared import SharedData, SharedLevel
from .store import DataStore, Entry, Key, MemoryStore
from .url import Target

__all__ = ["Desk", "Exchange", "Landing", "Reading", "Retrieval", "Sharing", "Step"]

REFRESH_PART = 0.5
"""Part of what is left for a verification that a refresh may take: the data it has are still good enough."""

SHARED_PART = 0.25
SHARED_SECONDS = 1.0
"""What of the time that is left a shared store may take, each time: it saves a fetch, and must not prevent one."""

FAIR_SECONDS = 1.0
"""A fetch that was given less than this, or less than the limit, says nothing about the other side when it runs out."""

CURRENT = dt.timedelta(minutes=5)
"""How far the time that is judged for may be from now for a refusal to mean something for the next verification. What
cannot be used for a time long ago may be perfect for now."""

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


@dataclass(frozen=True, slots=True)
class _Held:
    data: RevocationData
    due: bool


class Desk:
    """What all retrievals of one fetcher share: limits, store, setbacks, clock.

    Args:
        limits: What may be reached.
        store: Where data are kept; a MemoryStore of its own when `None`.
        clock: Gives the current time, UTC.
        chance: Gives a number from 0 to 1, for jitter.
    """

    def __init__(
        self,
        limits: FetchLimits,
        store: DataStore | None,
        clock: Clock = utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.limits = limits
        self.store: DataStore = MemoryStore() if store is None else store
        self.shared = self.store if isinstance(self.store, SharedLevel) else None
        self._clock = clock
        self._chance = chance
        self._setbacks = Setbacks(chance)

    def held(self, request: FetchRequest, key: Key) -> _Held | None:
        """Data in the store that this request may use, and whether newer ones should be asked for."""
        entry = self.store.get(key)
        if entry is None:
            return None
        try:
            request.check(entry.data)
        except FetchError:
            return None
        now = self._clock()
        resting = any(self._setbacks.resting(what, now=now) for what in self._troubles(request, key, now))
        return _Held(entry.data, now >= entry.refresh_at and not resting)

    def check_setbacks(self, request: FetchRequest, key: Key) -> None:
        """Return when it may be fetched.

        Raises:
            FetchError: That failed a moment ago.
        """
        now = self._clock()
        for what in self._troubles(request, key, now):
            self._setbacks.check(what, now=now)

    def unreachable(self, key: Key, error: FetchError) -> None:
        """Remember that nothing could be fetched, whoever asks."""
        self._setbacks.note(key, str(error), now=self._clock())

    def unusable(self, request: FetchRequest, key: Key, error: FetchError) -> None:
        """Remember that what was fetched says nothing about this certificate; for another it may."""
        now = self._clock()
        for what in self._troubles(request, key, now)[1:]:
            self._setbacks.note(what, str(error), now=now)

    def keep(
        self, request: FetchRequest, key: Key, data: RevocationData, max_age: dt.timedelta | None
    ) -> RevocationData:
        """Store what was fetched, and return what this request is to use.

        Raises:
            FetchError: They are older than data that were seen before, and those do not answer the request.
        """
        now = self._clock()
        answer = request.check(data)
        entry = Entry.of(data, answer, fetched_at=now, max_age=max_age, jitter=self._chance())
        kept = self.store.put(key, entry)
        if kept.data.der == data.der:
            for what in self._troubles(request, key, now):
                self._setbacks.clear(what)
            return data
        # A question about a time before what is kept was issued is one for older data.
        if request.at + request.policy.skew < kept.this_update:
            return data
        older = FetchError("its answer is older than one that was seen before")
        self.unreachable(key, older)
        try:
            request.check(kept.data)
        except FetchError:
            raise older from None
        return kept.data

    def adopt(self, request: FetchRequest, key: Key, data: RevocationData, refresh_at: dt.datetime) -> None:
        """Store what another process found, when it is good enough for this request and news.

        Only what its signature covers counts as news. Whoever writes into the shared store could otherwise say of the same
        data for ever that they were fetched just now.

        Raises:
            FetchError: It does not answer this request.
        """
        answer = request.check(data)
        entry = Entry.of(data, answer, fetched_at=self._clock(), jitter=self._chance())
        stored = self.store.get(key)
        if stored is None or entry.this_update > stored.this_update or entry.standing is not Standing.GOOD:
            self.store.put(key, replace(entry, refresh_at=min(entry.refresh_at, refresh_at)))

    @staticmethod
    def _troubles(request: FetchRequest, key: Key, now: dt.datetime) -> tuple[Hashable, ...]:
        """What setbacks a request may meet: of the place, and of this certificate there."""
        if abs(now - request.at) > CURRENT:
            return (key,)
        return key, (key, fingerprint(request.certificate))


class Retrieval(Generic[E]):
    """One request on its way. Run `steps` to the end, or close it; then read `data`.

    Args:
        desk: What the fetcher shares.
        flights: The flights of this fetcher, and of this event loop when it has one.
        request: What is wanted.
        timeout: Seconds that are left for this verification.
        scope: Who can share a flight, for example an event loop.

    Raises:
        FetchError: The URL is not allowed, or no time is left.
    """

    data: RevocationData

    def __init__(
        self, desk: Desk, flights: Flights[E], request: FetchRequest, timeout: float, scope: Hashable = None
    ) -> None:
        self._desk = desk
        self._flights = flights
        self._request = request
        self._key = Key.of(request)
        self._flight = (scope, self._key)
        self._target = desk.limits.target(request.url)
        self._deadline = Deadline.after(timeout)

    def steps(self) -> Generator[Step, None, None]:
        """What the driver is to do, one after the other.

        Raises:
            FetchError: The data cannot be had.
        """
        while not hasattr(self, "data"):
            held = self._desk.held(self._request, self._key)
            if held is None:
                self._desk.check_setbacks(self._request, self._key)
            elif not held.due:
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
