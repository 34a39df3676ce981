"""Threads that work behind the callers' backs: how many, for how long, and what they survive."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from nlgov_jades.fetch.background import IDLE_SECONDS, MAX_THREADS, MAX_WAITING, Workers

PATIENCE = 10
"""Seconds after which a test fails that waits for a thread."""


class DiedError(BaseException):
    """Not an Exception: what ends a thread when nobody looks."""


class Gate:
    """A job that tells when it began, and goes on when it may."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.opened = threading.Event()
        self.by: list[threading.Thread] = []

    def __call__(self) -> None:
        self.by.append(threading.current_thread())
        self.began.release()
        self.opened.wait()

    def reached(self) -> bool:
        return self.began.acquire(timeout=PATIENCE)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


def settled(workers: Workers) -> bool:
    with workers._changed:
        return workers._changed.wait_for(lambda: not workers._keys, PATIENCE)


def done(workers: Workers, key: object) -> threading.Thread:
    """The thread that did a job."""
    gate = Gate()
    gate.opened.set()
    assert workers.offer(key, gate)
    assert settled(workers)
    return gate.by[0]


def raising(error: BaseException) -> Callable[[], None]:
    def job() -> None:
        raise error

    return job


def test_a_job_is_done_in_a_daemon_while_its_caller_goes_on(gate: Gate) -> None:
    workers = Workers()
    assert workers.offer("key", gate)
    assert gate.reached()
    assert gate.by[0] is not threading.current_thread()
    assert gate.by[0].daemon


def test_without_a_job_there_is_no_thread() -> None:
    assert not Workers()._threads


def test_a_key_that_is_under_way_or_waits_is_not_taken_again(gate: Gate) -> None:
    workers = Workers(threads=1)
    assert workers.offer("under way", gate)
    assert gate.reached()
    assert workers.offer("waits", gate)
    assert not workers.offer("under way", gate)
    assert not workers.offer("waits", gate)
    gate.opened.set()
    assert settled(workers)
    assert len(gate.by) == 2
    assert workers.offer("under way", gate)
    assert settled(workers)


def test_threads_and_waiting_jobs_have_a_bound(gate: Gate) -> None:
    workers = Workers(threads=3, waiting=5)
    for number in range(3):
        assert workers.offer(number, gate)
        assert gate.reached()
    assert [workers.offer(number, gate) for number in range(3, 10)] == [True] * 5 + [False] * 2
    assert len(workers._threads) == 3
    gate.opened.set()
    assert settled(workers)
    assert len(set(gate.by)) == 3
    assert len(gate.by) == 8
    assert workers.offer(9, gate)
    assert settled(workers)


def test_no_thread_is_started_while_another_has_nothing_to_do() -> None:
    workers = Workers()
    assert len({done(workers, number) for number in range(10)}) == 1


def test_a_thread_without_work_ends_and_another_one_does_the_next_job() -> None:
    workers = Workers(idle=0)
    first = done(workers, "first")
    first.join(PATIENCE)
    assert not first.is_alive()
    assert not workers._threads
    second = done(workers, "second")
    assert second is not first


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, SystemExit, KeyboardInterrupt, DiedError])
def test_a_job_that_raises_ends_itself_and_nothing_else(error: type[BaseException]) -> None:
    workers = Workers(threads=1)
    thread = done(workers, "before")
    assert workers.offer("key", raising(error()))
    assert settled(workers)
    assert done(workers, "key") is thread


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_outside_of_a_job_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    workers, broken = Workers(threads=1), MemoryError()
    with monkeypatch.context() as patched:
        patched.setattr(workers, "_take", raising(broken))
        assert workers.offer("key", lambda: None)
        for thread in tuple(workers._threads):
            thread.join(PATIENCE)
    assert workers.offer("other", lambda: None)
    assert settled(workers)


def test_when_no_thread_can_be_started_the_job_is_left_to_the_next_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Workers()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", lambda _: raising(RuntimeError("can't start new thread"))())
        assert not workers.offer("key", lambda: None)
    assert done(workers, "key").daemon


def test_with_one_thread_and_no_second_a_job_waits_for_the_one(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Workers(threads=2)
    assert workers.offer("first", gate)
    assert gate.reached()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", lambda _: raising(RuntimeError("can't start new thread"))())
        assert workers.offer("second", gate)
    gate.opened.set()
    assert settled(workers)
    assert len(set(gate.by)) == 1


def test_an_idle_thread_keeps_nothing_alive_that_it_worked_for() -> None:
    class Thing:
        def job(self) -> None:
            """Nothing."""

    workers, thing = Workers(threads=1), Thing()
    gone = threading.Event()
    weakref.finalize(thing, gone.set)
    assert workers.offer("key", thing.job)
    assert settled(workers)
    del thing
    assert gone.wait(PATIENCE)


def test_the_bounds_are_small() -> None:
    assert (MAX_THREADS, MAX_WAITING, IDLE_SECONDS) == (2, 32, 10)
