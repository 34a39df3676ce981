"""What failed is left alone for a while, and never for good."""

from __future__ import annotations

import datetime as dt

import pytest

from nlgov_jades.errors import FetchError
from nlgov_jades.fetch.setbacks import MAX_SETBACKS, Setbacks

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def refused(setbacks: Setbacks, seconds: float) -> bool:
    try:
        setbacks.check("url", now=after(seconds))
    except FetchError:
        return True
    return False


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 30.0), (0.5, 33.75), (1.0, 37.5)])
def test_the_first_failure_counts_for_half_a_minute(chance: float, seconds: float) -> None:
    setbacks = Setbacks(lambda: chance)
    setbacks.note("url", "it is down", now=NOW)
    assert refused(setbacks, seconds - 0.01)
    assert not refused(setbacks, seconds)


def test_the_error_says_what_happened_and_when() -> None:
    setbacks = Setbacks(lambda: 0)
    setbacks.note("url", "it is down", now=NOW)
    with pytest.raises(FetchError, match=r"^it is down \(7 s ago, not tried again yet\)$"):
        setbacks.check("url", now=after(7))


@pytest.mark.parametrize("times", [2, 3, 10, 100])
def test_however_often_it_failed_a_minute_is_the_most(times: int) -> None:
    setbacks = Setbacks(lambda: 1)
    for _ in range(times):
        setbacks.note("url", "it is down", now=NOW)
    assert refused(setbacks, 59)
    assert not refused(setbacks, 60)


def test_whoever_has_older_data_leaves_it_alone_for_longer() -> None:
    setbacks, rests = Setbacks(lambda: 0), []
    for _ in range(6):
        setbacks.note("url", "it is down", now=NOW)
        rests.append(next(second for second in range(0, 1000, 30) if not setbacks.resting("url", now=after(second))))
    assert rests == [30, 60, 120, 240, 480, 480]


def test_success_clears_it() -> None:
    setbacks = Setbacks(lambda: 0)
    setbacks.note("url", "it is down", now=NOW)
    setbacks.clear("url")
    setbacks.clear("something else")
    assert not refused(setbacks, 0)
    assert not setbacks.resting("url", now=NOW)


def test_a_clock_that_was_set_back_keeps_nobody_waiting() -> None:
    setbacks = Setbacks(lambda: 0)
    setbacks.note("url", "it is down", now=NOW)
    assert not refused(setbacks, -3600)


def test_the_number_of_setbacks_is_bounded() -> None:
    setbacks = Setbacks(lambda: 0)
    setbacks.note("url", "it is down", now=NOW)
    for number in range(MAX_SETBACKS):
        setbacks.note(number, "it is down", now=NOW)
    assert not refused(setbacks, 0)
    with pytest.raises(FetchError):
        setbacks.check(0, now=NOW)
