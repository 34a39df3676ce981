"""The replay guard in memory while many threads ask it and it forgets: it has no lock, so its steps are attacked."""

from __future__ import annotations

import datetime as dt
import itertools
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from nlgov_jades.errors import ReplayedMessageError, ReplayUnknownError
from nlgov_jades.replay import MemoryReplayGuard, Sighting

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)

_numbers = itertools.count(1_000_000)


def sighting(
    number: int | None = None,
    *,
    signed_at: dt.datetime = NOW,
    seen_at: dt.datetime | None = None,
    window: dt.timedelta = 6 * MINUTE,
) -> Sighting:
    key = (next(_numbers) if number is None else number).to_bytes(32)
    return Sighting(
        key=key, signed_at=signed_at, seen_at=signed_at if seen_at is None else seen_at, until=signed_at + window
    )


def unknown(guard: MemoryReplayGuard, again: Sighting, words: str) -> None:
    with pytest.raises(ReplayUnknownError, match=words) as caught:
        guard.admit(again)
    assert caught.value.code == "REPLAY_UNKNOWN"
    assert caught.value.http_status == 503


# --- threads -------------------------------------------------------------------------------------------------


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def together(threads: int, work: Callable[[int], None]) -> None:
    """Runs the work in that many threads that start at once, and passes on what one of them raises."""
    barrier, raised = threading.Barrier(threads), list[BaseException]()

    def run(number: int) -> None:
        barrier.wait(30)
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - the test raises it
            raised.append(error)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if raised:
        raise raised[0]


def admitted(guard: MemoryReplayGuard, each: Sighting) -> bool:
    try:
        guard.admit(each)
    except (ReplayedMessageError, ReplayUnknownError):
        return False
    return True


@pytest.mark.usefixtures("restless")
def test_of_a_thousand_copies_in_threads_exactly_one_passes() -> None:
    for round_ in range(5):
        guard, passed = MemoryReplayGuard(), list[int]()
        copies = [sighting(7, seen_at=NOW + number * dt.timedelta(milliseconds=1)) for number in range(1000)]

        def work(
            number: int,
            guard: MemoryReplayGuard = guard,
            copies: list[Sighting] = copies,
            passed: list[int] = passed,
        ) -> None:
            passed.extend(number for each in copies[number::20] if admitted(guard, each))

        together(20, work)
        assert len(passed) == 1, round_


@pytest.mark.usefixtures("restless")
def test_while_other_threads_forget_no_copy_passes_twice() -> None:
    """Each thread sees the same signatures in another order, with times that make the guard forget all the while."""
    guard = MemoryReplayGuard(capacity=100)
    passed: list[int] = []
    # A window without any slack, so that what is admitted is about to be forgotten.
    window = 3 * MINUTE

    def work(number: int) -> None:
        for minute in range(150):
            for key in range(6):
                signed_at = NOW + minute * MINUTE + (key * 9) * SECOND
                # Some come when their minute is being forgotten.
                seen_at = signed_at + ((number + key) % 5) * MINUTE
                if admitted(guard, sighting(1 + minute * 6 + key, signed_at=signed_at, seen_at=seen_at, window=window)):
                    passed.append(minute * 6 + key)

    together(8, work)
    assert len(passed) == len(set(passed))
    assert passed
    # Bounded, within what threads may add between two looks at the capacity.
    assert len(guard) <= 100 + 8


@pytest.mark.usefixtures("restless")
def test_the_mark_of_what_was_forgotten_never_goes_back() -> None:
    guard, marks = MemoryReplayGuard(), list[int]()

    def work(number: int) -> None:
        for minute in range(number, 400, 3):
            admitted(guard, sighting(signed_at=NOW + minute * MINUTE, window=MINUTE))
            if number == 0:
                marks.append(max(guard._oldest.copy()))

    together(6, work)
    assert marks == sorted(marks)


def test_a_slot_that_is_dropped_between_look_up_and_entry_does_not_admit() -> None:
    """The one moment that matters, made by hand: another thread forgets a slot that this one holds already."""
    guard = MemoryReplayGuard()
    guard.admit(sighting(1))
    number = next(iter(guard._slots))

    class Dropped(dict[bytes, object]):
        def setdefault(self, key: bytes, default: object = None, /) -> object:
            guard._forget(NOW + 60 * MINUTE)
            return super().setdefault(key, default)

    guard._slots[number] = Dropped(guard._slots[number])
    unknown(guard, sighting(2), "signed before")
    unknown(guard, sighting(2), "signed before")
    assert len(guard) == 0
