"""A few threads that work behind the callers' backs: bounded, started when there is work, gone when there is none.

What the work is, others know; nothing is fetched here. The threads are daemons: a process that ends waits for none of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable

from ..fork import renew_after_fork

__all__ = ["Workers"]

MAX_THREADS = 2
"""Two, so that a server that is silent does not hold up the others. No more: to index a CRL takes a processor that verifications
need as well."""

MAX_WAITING = 32
"""Jobs that wait for a thread. What does not fit is offered again by the next caller, and has an hour for that."""

IDLE_SECONDS = 10.0
"""A thread without work ends after this: refreshes are hours apart, and come in groups."""

Job = Callable[[], None]


class Workers:
    """Does jobs, each key once at a time. Safe to share between threads, and anew in a forked process.

    Args:
        threads: How many work at one time.
        waiting: How many jobs may wait for one.
        idle: Seconds after which a thread without work ends.
    """

    def __init__(self, *, threads: int = MAX_THREADS, waiting: int = MAX_WAITING, idle: float = IDLE_SECONDS) -> None:
        self._max_threads = threads
        self._max_waiting = waiting
        self._idle = idle
        self._begin()
        renew_after_fork(self._begin)

    def _begin(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._jobs: deque[tuple[Hashable, Job]] = deque()
        self._keys: set[Hashable] = set()
        self._threads: set[threading.Thread] = set()

    def offer(self, key: Hashable, job: Job) -> bool:
        """Have the job done, unless its key waits or is under way, or too many wait. Never waits itself.

        Args:
            key: What the job is about.
            job: What to do. Whatever it raises ends the job and nothing else.

        Returns:
            Whether it will be done.
        """
        with self._changed:
            if key in self._keys or len(self._jobs) >= self._max_waiting or not self._staffed():
                return False
            self._keys.add(key)
            self._jobs.append((key, job))
            self._changed.notify_all()
            return True

    def _staffed(self) -> bool:
        """Whether somebody is there for one more job; starts a thread when one is needed and allowed."""
        # One that died of something else than a job, such as a lack of memory, is not counted.
        self._threads = {thread for thread in self._threads if thread.is_alive()}
        if len(self._keys) < len(self._threads) or len(self._threads) >= self._max_threads:
            return True
        thread = threading.Thread(target=self._work, name="nlgov-jades-refresh", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # No thread is left, or the interpreter is ending.
            return bool(self._threads)
        self._threads.add(thread)
        return True

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            key, job = taken
            try:
                job()
            except BaseException:  # noqa: BLE001, S110 - nobody is there to hear of it, and the next job needs the thread
                pass
            finally:
                del taken, job  # an idle thread must not keep alive what it worked for
                with self._changed:
                    self._keys.discard(key)
                    self._changed.notify_all()

    def _take(self) -> tuple[Hashable, Job] | None:
        """The next job, or `None` when there was none for a while: then this thread is not counted any more."""
        with self._changed:
            if self._changed.wait_for(lambda: self._jobs, self._idle):
                return self._jobs.popleft()
            self._threads.discard(threading.current_thread())
            return None
