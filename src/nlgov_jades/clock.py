"""The time as an argument: the core never asks for it, the drivers do, once per message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from .errors import ConfigurationError

__all__ = ["Clock", "check_time", "utc_now"]

Clock = Callable[[], dt.datetime]
"""Gives the current time as an aware UTC datetime."""


def utc_now() -> dt.datetime:
    """The clock of this machine."""
    return dt.datetime.now(dt.UTC)


def now(clock: Clock) -> dt.datetime:
    """What a clock gives, checked unless it is ours.

    Raises:
        ConfigurationError: As `check_time`.
    """
    return utc_now() if clock is utc_now else check_time(clock())


def check_time(time: object) -> dt.datetime:
    """The time, when it is aware; as UTC.

    Raises:
        ConfigurationError: It is no aware datetime. A naive one would be read in whatever zone a machine is in.
    """
    if not isinstance(time, dt.datetime) or time.utcoffset() is None:
        raise ConfigurationError("a time is a datetime with a time zone, for example datetime.now(UTC)")
    try:
        return time.astimezone(dt.UTC)
    except OverflowError:
        raise ConfigurationError("a time lies within the years 1 to 9999 in UTC") from None
