"""Times are aware; a naive one would be read in whatever zone a machine is in."""

from __future__ import annotations

import datetime as dt

import pytest

from nlgov_jades.clock import check_time, utc_now
from nlgov_jades.errors import ConfigurationError

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)


class NoOffset(dt.tzinfo):
    """A time zone that does not say where it is."""

    def utcoffset(self, _: dt.datetime | None) -> None:
        return None

    def dst(self, _: dt.datetime | None) -> None:
        return None

    def tzname(self, _: dt.datetime | None) -> str:
        return "nowhere"


def test_a_utc_time_is_taken_as_it_is() -> None:
    assert check_time(NOW) == NOW
    assert check_time(NOW).tzinfo is dt.UTC


@pytest.mark.parametrize("hours", [-12, -1, 2, 14])
def test_a_time_elsewhere_becomes_utc(hours: int) -> None:
    elsewhere = NOW.astimezone(dt.timezone(dt.timedelta(hours=hours)))
    assert check_time(elsewhere) == NOW
    assert check_time(elsewhere).utcoffset() == dt.timedelta(0)
    assert check_time(elsewhere).hour == 12


@pytest.mark.parametrize(
    "time",
    [
        NOW.replace(tzinfo=None),
        NOW.replace(tzinfo=NoOffset()),
        NOW.date(),
        NOW.timestamp(),
        NOW.isoformat(),
        None,
    ],
    ids=["naive", "zone without offset", "date", "seconds", "text", "nothing"],
)
def test_what_is_no_aware_time_is_refused(time: object) -> None:
    with pytest.raises(ConfigurationError, match="a time is a datetime with a time zone"):
        check_time(time)


@pytest.mark.parametrize(
    "time",
    [
        dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-1))),
        dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=1))),
    ],
    ids=["behind the last", "before the first"],
)
def test_a_time_that_utc_does_not_know_is_refused(time: dt.datetime) -> None:
    with pytest.raises(ConfigurationError):
        check_time(time)


def test_the_clock_of_this_machine_gives_utc() -> None:
    assert utc_now().tzinfo is dt.UTC
