"""When to leave a server alone that did not answer: a circuit breaker. Nothing is sent here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..fork import renew_after_fork

__all__ = ["REST", "Breaker"]

REST = 30.0
"""Seconds after a failure in which nobody asks again; then one caller finds out for all."""


class Breaker:
    """Safe to share between threads.

    Args:
        monotonic: Gives seconds that never go back.
        rest: Seconds after a failure in which nobody asks again.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, *, rest: float = REST) -> None:
        self._monotonic = monotonic
        self._rest = rest
        self._unlock()
        renew_after_fork(self._unlock)
        self._rests_until: float | None = None

    def _unlock(self) -> None:
        self._lock = threading.Lock()

    def admits(self) -> bool:
        """Whether to ask now. Of those who come after a rest only one is let through, until it reports."""
        with self._lock:
            if self._rests_until is None:
                return True
            now = self._monotonic()
            if now < self._rests_until:
                return False
            self._rests_until = now + self._rest
            return True

    def failed(self) -> None:
        """It did not answer."""
        with self._lock:
            self._rests_until = self._monotonic() + self._rest

    def answered(self) -> None:
        """It did."""
        with self._lock:
            self._rests_until = None
