"""A few threads for the whole process, for work on bodies that somebody can go on beside. No body is known here.

They hash and write what came while the next octets come, and read what leaves while the last octets leave.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from ..fork import renew_after_fork

__all__ = ["begin"]

WORKERS = 4
"""Hashing is bound by processors and memory: more threads than this only stand in each other's way."""

_T = TypeVar("_T")


class _Pool:
    """The threads, made when they are needed first, and anew in a process that was forked: it has none of them."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        renew_after_fork(self._forget)

    def _forget(self) -> None:
        self._executor = None

    def begin(self, work: Callable[[], _T]) -> Future[_T]:
        executor = self._executor
        if executor is None:
            # Two at once: one is used, and the other has no threads yet.
            executor = self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="nlgov-jades-body")
        return executor.submit(work)


_POOL = _Pool()


def begin(work: Callable[[], _T]) -> Future[_T]:
    """Begin something in a thread; it is done here and now where there can be none.

    Args:
        work: Ends by itself, within the time that a disk takes.

    Returns:
        Its outcome, and when it is done.
    """
    try:
        return _POOL.begin(work)
    except RuntimeError:
        # No thread could be started, or the interpreter is ending.
        return _done(work)


def _done(work: Callable[[], _T]) -> Future[_T]:
    outcome: Future[_T] = Future()
    try:
        outcome.set_result(work())
    except Exception as error:  # noqa: BLE001 - it is raised where the outcome is asked for
        outcome.set_exception(error)
    return outcome
