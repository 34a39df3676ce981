"""So many at once, and so many a second from then on."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from nlgov_jades.edges.throttle import Throttle
from nlgov_jades.errors import ConfigurationError


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("rate", "burst"),
    [(0, 1), (-1, 1), (float("nan"), 1), (1, 0), (1, -1), (1, 0.5), (1, float("nan")), (float("-inf"), 1)],
)
def test_a_number_that_is_too_small_is_refused(rate: Any, burst: Any) -> None:
    with pytest.raises(ConfigurationError, match="rate of a throttle"):
        Throttle(rate, burst)


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    clock = Clock()
    throttle = Throttle(2, 3, clock)
    assert [throttle.take() for _ in range(5)] == [True, True, True, False, False]
    clock.now += 0.25
    assert not throttle.take()
    clock.now += 0.25
    assert [throttle.take() for _ in range(2)] == [True, False]
    clock.now += 1
    assert [throttle.take() for _ in range(3)] == [True, True, False]


def test_what_is_not_used_does_not_add_up_beyond_the_burst() -> None:
    clock = Clock()
    throttle = Throttle(1000, 2, clock)
    clock.now += 1e9
    assert [throttle.take() for _ in range(3)] == [True, True, False]


def test_asking_does_not_put_off_the_next_turn() -> None:
    clock = Clock()
    throttle = Throttle(1, 1, clock)
    assert throttle.take()
    for _ in range(9):
        clock.now += 0.125
        allowed = throttle.take()
        assert allowed is (clock.now == 51.0)


def test_a_clock_that_goes_back_gives_nothing_extra() -> None:
    clock = Clock()
    throttle = Throttle(1, 1, clock)
    assert throttle.take()
    clock.now -= 10
    assert not throttle.take()
    clock.now += 10
    assert not throttle.take()


def test_threads_together_get_no_more_than_one_would() -> None:
    throttle, taken = Throttle(1, 100, Clock()), list[bool]()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: taken.extend(throttle.take() for _ in range(500))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert (len(taken), sum(taken)) == (4000, 100)


def test_without_a_clock_the_machine_gives_the_time() -> None:
    assert Throttle(1e-9, 1).take()
