"""What a store offers that several processes share, beside what it keeps in this one. A protocol and a value; no waiting here.

A `DataStore` answers at once. To ask another machine takes time, so that is a step of a fetch: made by the one caller that
leads it, in a thread where there is an event loop, and never for a message whose data are at hand.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .store import Entry, Key

__all__ = ["SharedData", "SharedLevel"]


@dataclass(frozen=True, slots=True)
class SharedData:
    """What another process found, as it stands: nobody checked it.

    Attributes:
        octets: DER of an OCSP response or CRL, or anything else.
        refresh_at: When newer data are to be asked for, UTC. A claim: it may bring that forward and not put it off.
    """

    octets: bytes
    refresh_at: dt.datetime


@runtime_checkable
class SharedLevel(Protocol):
    """A DataStore that has these two is asked before the network, and told what was fetched.

    Safe to share between threads. Neither method raises, and neither takes longer than it may: one that is out of order
    has nothing.
    """

    def load(self, key: Key, *, limit: int, timeout: float) -> SharedData | None:
        """What another process found, or `None`.

        Args:
            key: Under which name.
            limit: Octets that it may have.
            timeout: Seconds that it may take.
        """
        ...

    def save(self, key: Key, entry: Entry, *, timeout: float) -> None:
        """Tell others, unless they have newer data.

        Args:
            key: Under which name.
            entry: What was fetched.
            timeout: Seconds that it may take.
        """
        ...
