"""The time as an argument: the core never asks for it, the drivers do, once per message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from .errors import ConfigurationError

__all__ = ["Clock", "check_time", "utc_now"]

_FIRST_YEAR, _LAST_YEAR = 1900, 9900
"""Ages and skews are added to times; at the ends of the calendar they would overflow."""

Clock = Callable[[], dt.datetime]
"""Gives the current time as an aware UTC datetime."""


def utc_now() -> dt.datetime:
    """The clock of this machine."""
    return dt.datetime.now(dt.UTC)


def check_time(time: object) -> dt.datetime:
    """The time, when it is aware; as UTC.

    Raises:
        ConfigurationError: It is no aware datetime. A naive one would be read in whatever zone a machine is in.
    """
    if not isinstance(time, dt.datetime) or time.utcoffset() is None:
        raise ConfigurationError("a time is a datetime with a time zone, for example datetime.now(UTC)")
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise ConfigurationError(f"a time lies within the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return time.astimezone(dt.UTC)
