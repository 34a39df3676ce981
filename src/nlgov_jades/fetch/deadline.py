"""One monotonic point in time by which a fetch is over, whatever the clock on the wall does."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Self

from ..errors import FetchError

__all__ = ["Deadline", "OutOfTimeError"]


class OutOfTimeError(FetchError):
    """The time that was given is over."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When it is over, in seconds of the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The moment that many seconds from now.

        Raises:
            OutOfTimeError: That is no time at all, or no number.
        """
        # `not >` instead of `<=`: NaN is neither.
        if not seconds > 0:
            raise OutOfTimeError("no time is left to fetch it")
        return cls(math.inf if math.isinf(seconds) else time.monotonic() + seconds)

    @property
    def has_passed(self) -> bool:
        """Whether it is over."""
        return time.monotonic() >= self.at

    def left(self) -> float:
        """Seconds that are left, more than none.

        Raises:
            OutOfTimeError: There are none.
        """
        seconds = self.at - time.monotonic()
        if seconds <= 0:
            raise OutOfTimeError("no answer in time")
        return seconds

    def part(self, part: float) -> Self:
        """The moment at which this part of what is left is over."""
        now = time.monotonic()
        return type(self)(now + (self.at - now) * part)

    def within(self, seconds: float) -> Self:
        """This one, or the moment that many seconds from now when that is sooner."""
        return type(self)(min(self.at, time.monotonic() + seconds))
