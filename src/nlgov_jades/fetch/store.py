"""Fetched revocation data and for how long they are good: values, a protocol, and a store in memory. No fetch is made here.

Nothing in a store is trusted for being there: whoever reads an entry checks it again for its own certificate and time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol, Self

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..errors import ConfigurationError
from ..fork import renew_after_fork
from ..pki.answer import Answer, Standing
from ..pki.crl import Crl
from ..pki.revocation import FetchRequest, RevocationData
from ..result import RevocationSource

__all__ = ["DataStore", "Entry", "Key", "MemoryStore", "newest"]

MAX_ENTRIES = 4096
"""One OCSP response for each signer; an API has hundreds of clients, not thousands."""

MAX_OCTETS = 128 * 1024 * 1024
"""Room for the largest CRL that is accepted, which takes twice its size, besides some dozens of ordinary ones."""

REFRESH_AFTER = dt.timedelta(hours=4)
"""Digikoppeling PKI003/004: revocations are published within four hours, so data are refreshed at least that often."""

REFRESH_AT = 0.75
"""Part of the window after which newer data are asked for, so that a responder that is down for a while is not noticed."""

REFRESH_FLOOR = dt.timedelta(minutes=1)
"""Whatever a window or a Cache-Control field says: a verification must not cause a fetch each time."""

REFRESH_FLOOR_PART = 0.05
"""The floor as a part of the window, so that the last quarter of it is not spent fetching a large CRL every minute."""

JITTER = 0.1
"""Part of the waiting time by which processes that started together drift apart."""


@dataclass(frozen=True, slots=True)
class Key:
    """Under which name data are kept: a CRL by issuer and URL, an OCSP response by serial number as well.

    Attributes:
        source: OCSP response or CRL.
        issuer: SHA-256 of the issuer's SubjectPublicKeyInfo.
        serial: Serial number of the certificate; `None` for a CRL.
        url: Where they come from.
    """

    source: RevocationSource
    issuer: bytes
    serial: int | None
    url: str

    @classmethod
    def of(cls, request: FetchRequest) -> Self:
        """The key of what is asked for."""
        key = request.issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        serial = request.certificate.serial_number if request.source is RevocationSource.OCSP else None
        return cls(request.source, hashlib.sha256(key).digest(), serial, request.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Data that were checked once, with their times.

    Attributes:
        data: The OCSP response or CRL.
        standing: What they say about the certificate they were fetched for.
        this_update: When it was known to be so, UTC.
        valid_until: The last moment at which they may be used, UTC.
        fetched_at: When they came in, UTC.
        refresh_at: When newer ones are asked for, UTC.
        size: Octets of memory, roughly.
    """

    data: RevocationData
    standing: Standing
    this_update: dt.datetime
    valid_until: dt.datetime
    fetched_at: dt.datetime
    refresh_at: dt.datetime
    size: int

    @classmethod
    def of(
        cls,
        data: RevocationData,
        answer: Answer,
        *,
        fetched_at: dt.datetime,
        max_age: dt.timedelta | None = None,
        jitter: float = 0.0,
    ) -> Self:
        """An entry for data that were just fetched.

        Args:
            data: The OCSP response or CRL.
            answer: What they say, from `FetchRequest.check`.
            fetched_at: Now, UTC.
            max_age: What Cache-Control says; it may only bring the refresh forward.
            jitter: From 0 to 1, at random.
        """
        wait = _refresh_wait(answer, fetched_at, max_age)
        serials = 8 * len(data) if isinstance(data, Crl) else 0
        return cls(
            data=data,
            standing=answer.standing,
            this_update=answer.this_update,
            valid_until=answer.valid_until,
            fetched_at=fetched_at,
            refresh_at=fetched_at + wait * (1 - JITTER * jitter),
            # The DER, what the parsers keep of it, and a CRL's index.
            size=2 * len(answer.der) + serials,
        )

    @property
    def number(self) -> int | None:
        """The CRL number, when it has one."""
        return self.data.number if isinstance(self.data, Crl) else None


def _refresh_wait(answer: Answer, now: dt.datetime, max_age: dt.timedelta | None) -> dt.timedelta:
    window = answer.valid_until - answer.this_update
    wait = min(answer.this_update + window * REFRESH_AT - now, REFRESH_AFTER)
    wait = wait if max_age is None else min(wait, max_age)
    return min(max(wait, REFRESH_FLOOR, window * REFRESH_FLOOR_PART), REFRESH_AFTER)


def newest(stored: Entry | None, fetched: Entry) -> Entry:
    """Which of the two is kept: never older data than were seen before, or a revocation could be taken back by a replay.

    Args:
        stored: What was kept until now.
        fetched: What came in.
    """
    if stored is None:
        return fetched
    if fetched.this_update < stored.this_update:
        return stored
    # Of a CRL, standing speaks about one of its certificates only.
    same_time = fetched.this_update == stored.this_update and not isinstance(fetched.data, Crl)
    if same_time and fetched.standing is Standing.GOOD is not stored.standing:
        return stored
    # A CA that starts to count anew is believed when its former list is out of date.
    backwards = None not in (stored.number, fetched.number) and (fetched.number or 0) < (stored.number or 0)
    return stored if backwards and fetched.fetched_at <= stored.valid_until else fetched


class DataStore(Protocol):
    """Keeps entries. Safe to share between threads. It neither raises nor waits for long: one that is out of order has nothing.

    A store that is shared between processes is a `SharedLevel` as well: it gives the DER alone, which is parsed again;
    nothing is unpickled.
    """

    @property
    def generation(self) -> int:
        """A number that changes when data say "revoked" that did not before. Conclusions from before it are void."""
        ...

    def get(self, key: Key) -> Entry | None:
        """The entry, also one that is out of date, or `None`."""
        ...

    def put(self, key: Key, entry: Entry) -> Entry:
        """Keep the entry when it is the `newest`, and return what is kept."""
        ...


class MemoryStore:
    """A DataStore in memory, bounded by number and by size; what was not used for longest goes first.

    Args:
        max_entries: How many entries are kept.
        max_octets: How much memory they may take, roughly.

    Raises:
        ConfigurationError: A bound is below 1.
    """

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_octets: int = MAX_OCTETS) -> None:
        if max_entries < 1 or max_octets < 1:
            raise ConfigurationError("max_entries and max_octets are numbers above 0")
        self._max_entries = max_entries
        self._max_octets = max_octets
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._generation = 0
        self._begin()
        renew_after_fork(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        # Counted: a fork may have come between an entry and its size.
        self._octets = sum(entry.size for entry in self._entries.values())

    @property
    def generation(self) -> int:
        """As `DataStore.generation`."""
        return self._generation

    def get(self, key: Key) -> Entry | None:
        """As `DataStore.get`."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, key: Key, entry: Entry) -> Entry:
        """As `DataStore.put`. An entry that is larger than the whole store is returned and not kept."""
        with self._lock:
            stored = self._entries.get(key)
            kept = newest(stored, entry)
            if kept is stored:
                return kept
            if _says_revoked_anew(stored, kept):
                self._generation += 1
            self._octets += kept.size - (0 if stored is None else stored.size)
            self._entries[key] = kept
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries or self._octets > self._max_octets:
                self._octets -= self._entries.popitem(last=False)[1].size
            return kept

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<MemoryStore: {len(self)} entries, {self._octets} octets>"


def _says_revoked_anew(stored: Entry | None, kept: Entry) -> bool:
    """Whether a conclusion from before may not hold any more.

    A CRL speaks about more certificates than the one it was fetched for: another list that lists anything may list one
    that was found good.
    """
    if isinstance(kept.data, Crl):
        return len(kept.data) > 0 and (stored is None or stored.data.der != kept.data.der)
    return kept.standing is not Standing.GOOD and (stored is None or stored.standing is Standing.GOOD)
