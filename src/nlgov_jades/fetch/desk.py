"""What all retrievals of one fetcher share: what is held, whether newer data are due, and what failed lately. No waiting here."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from ..clock import Clock, utc_now
from ..errors import FetchError
from ..pki.answer import Standing
from ..pki.certificate import fingerprint
from ..pki.revocation import FetchRequest, RevocationData
from .limits import FetchLimits
from .setbacks import Setbacks
from .shared import SharedLevel
from .store import DataStore, Entry, Key, MemoryStore

__all__ = ["Desk", "Held"]

GRACE = dt.timedelta(hours=1)
"""How long data that are due are handed out while newer ones are fetched in the background. Where messages come in all the
time, that is done within seconds and nobody waits. Where they are rare, the next one may come after days: it must not be
judged by what was known then when the CA can be asked."""

CURRENT = dt.timedelta(minutes=5)
"""How far the time that is judged for may be from now for a refusal to mean something for the next verification. What
cannot be used for a time long ago may be perfect for now."""


@dataclass(frozen=True, slots=True)
class Held:
    """Data that a request may use.

    Attributes:
        data: They.
        due: Newer ones should be asked for.
        overdue: So much so that whoever asks is to wait for newer ones.
    """

    data: RevocationData
    due: bool
    overdue: bool


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

    def held(self, request: FetchRequest, key: Key) -> Held | None:
        """Data in the store that this request may use, and how urgently newer ones should be asked for."""
        entry = self.store.get(key)
        if entry is None:
            return None
        try:
            request.check(entry.data)
        except FetchError:
            return None
        now = self._clock()
        resting = any(self._setbacks.resting(what, now=now) for what in self._troubles(request, key, now))
        due = now >= entry.refresh_at and not resting
        # A store that has heard of a revocation says of its data that they were due when they came in: nothing is left then.
        grace = min(GRACE, entry.refresh_at - entry.fetched_at)
        return Held(entry.data, due, due and now - entry.refresh_at >= grace)

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
