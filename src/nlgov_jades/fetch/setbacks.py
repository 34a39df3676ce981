"""What failed lately, and until when it is not tried again. Times only: no exception is kept, no fetch is made here."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from ..errors import FetchError
from ..fork import renew_after_fork

__all__ = ["Setbacks"]

FIRST_WAIT = dt.timedelta(seconds=30)
"""Long enough to spare a responder that is down, short enough that nobody has to restart anything."""

LONGEST_REFUSAL = dt.timedelta(seconds=60)
"""However often it failed: this is how long verification stays impossible after the responder came back."""

LONGEST_REST = dt.timedelta(minutes=8)
"""Between attempts to replace data that can still be used: nobody waits for those."""

JITTER = 0.25
"""Part of the waiting time by which processes drift apart that lost the same responder."""

MAX_SETBACKS = 4096
"""As many as data are kept; the oldest is forgotten, which costs one more attempt."""


@dataclass(frozen=True, slots=True)
class _Setback:
    why: str
    at: dt.datetime
    wait: dt.timedelta
    jitter: float

    def over_at(self, longest: dt.timedelta) -> dt.datetime:
        return self.at + min(self.wait * (1 + JITTER * self.jitter), longest)


class Setbacks:
    """Failures by what failed. Safe to share between threads.

    Args:
        random: Gives a number from 0 to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._setbacks: OrderedDict[Hashable, _Setback] = OrderedDict()
        self._unlock()
        renew_after_fork(self._unlock)

    def _unlock(self) -> None:
        self._lock = threading.Lock()

    def note(self, what: Hashable, why: str, *, now: dt.datetime) -> None:
        """It failed; each time in a row doubles the wait."""
        with self._lock:
            before = self._setbacks.pop(what, None)
            wait = FIRST_WAIT if before is None else min(2 * before.wait, LONGEST_REST)
            self._setbacks[what] = _Setback(why, now, wait, self._random())
            while len(self._setbacks) > MAX_SETBACKS:
                self._setbacks.popitem(last=False)

    def clear(self, what: Hashable) -> None:
        """It worked."""
        with self._lock:
            self._setbacks.pop(what, None)

    def check(self, what: Hashable, *, now: dt.datetime) -> None:
        """Return when it may be tried again by somebody who has nothing to fall back on.

        Raises:
            FetchError: It failed a moment ago.
        """
        setback = self._of(what)
        # A clock that was set back must not keep anybody waiting for hours.
        if setback is not None and setback.at <= now < setback.over_at(LONGEST_REFUSAL):
            seconds = (now - setback.at).total_seconds()
            raise FetchError(f"{setback.why} ({seconds:.0f} s ago, not tried again yet)")

    def resting(self, what: Hashable, *, now: dt.datetime) -> bool:
        """Whether to leave it alone while older data can still be used."""
        setback = self._of(what)
        return setback is not None and setback.at <= now < setback.over_at(LONGEST_REST)

    def _of(self, what: Hashable) -> _Setback | None:
        with self._lock:
            return self._setbacks.get(what)
