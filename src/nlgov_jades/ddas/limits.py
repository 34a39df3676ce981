"""How often one signer may ask. One value and one class, safe to share between threads."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ..edges.throttle import Throttle
from ..errors import ConfigurationError
from ..fork import renew_after_fork
from ..result import SignerIdentity
from .problems import Problem, ProblemDetails, ProblemError

__all__ = ["RateLimit"]

MAX_SIGNERS = 10_000
"""Signers that are remembered: more than there are organisations that sign. Who did not ask longest is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How often one signer may ask.

    Attributes:
        rate: Questions a second, in the long run.
        burst: Questions at once.

    Raises:
        ConfigurationError: A number is too small.
    """

    rate: float = 1.0
    burst: int = 60

    def __post_init__(self) -> None:
        if not (0 < self.rate < math.inf and self.burst >= 1):
            raise ConfigurationError("rate of a RateLimit is above zero, and its burst at least one")


class Limiter:
    """Counts the questions of each signer.

    Args:
        limit: How many each may ask.
        clock: Gives seconds that never go back.
    """

    def __init__(self, limit: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._throttles: OrderedDict[str, Throttle] = OrderedDict()
        self._unlock()
        renew_after_fork(self._unlock)

    def _unlock(self) -> None:
        self._lock = threading.Lock()

    def take(self, signer: SignerIdentity) -> None:
        """Count one question.

        Raises:
            ProblemError: Status 429, with the seconds until one more is answered: there were too many.
        """
        name = str(signer.oin or signer.kvk or signer.sha256)
        with self._lock:
            throttle = self._throttles.get(name)
            if throttle is None:
                throttle = self._throttles[name] = Throttle(self._limit.rate, self._limit.burst, self._clock)
            self._throttles.move_to_end(name)
            if len(self._throttles) > MAX_SIGNERS:
                self._throttles.popitem(last=False)
        if not throttle.take():
            seconds = str(math.ceil(1 / self._limit.rate))
            details = ProblemDetails.of(
                Problem.RATE_LIMIT, f"Deze ondertekenaar vraagt te vaak: wacht {seconds} seconden."
            )
            raise ProblemError(details, (("Retry-After", seconds),))
