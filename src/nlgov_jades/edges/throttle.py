"""How often something costly may be done for strangers. One class."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..errors import ConfigurationError
from ..fork import renew_after_fork

__all__ = ["Throttle"]


class Throttle:
    """So many at once, and so many a second from then on. Safe to share between threads.

    Args:
        rate: Each second, above zero.
        burst: At once, at least one.
        clock: Gives seconds that never go back.

    Raises:
        ConfigurationError: A number is too small.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        if not (rate > 0 and burst >= 1):
            raise ConfigurationError("rate of a throttle is above zero, and its burst at least one")
        self._rate, self._burst, self._clock = rate, burst, clock
        self._unlock()
        renew_after_fork(self._unlock)
        self._left = float(burst)
        self._at = clock()

    def _unlock(self) -> None:
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether it may be done once more now."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
