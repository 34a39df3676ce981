"""A lock that nobody waits for: one thread does the work, and the others go on with what there is.

What the work is, others know. The threads that are started here are daemons: a process that ends waits for none of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..fork import renew_after_fork

__all__ = ["Turn"]


class Turn:
    """Work that one thread at a time does. Whoever is already at it is never waited for, not even by itself.

    A log handler that signs what it sends comes back to where the line was logged; with a lock that waits, it would
    wait for itself.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self.renew()
        renew_after_fork(self.renew)

    def renew(self) -> None:
        """Begin anew, with nobody at it."""
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """`True` when it is the caller's turn, `False` when somebody else is at it."""
        lock = self._lock
        mine = lock.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                lock.release()

    def in_thread(self, work: Callable[[], None]) -> bool:
        """Have the work done in a thread of its own, whose turn it is until it has ended. Nothing when somebody is at it.

        Args:
            work: What to do. Whatever it raises ends the work and nothing else.

        Returns:
            Whether somebody is at it now; `False` when no thread could be started.
        """
        lock = self._lock
        if not lock.acquire(blocking=False):
            return True
        try:
            threading.Thread(target=_do, args=(work, lock), name="nlgov-jades-credential", daemon=True).start()
        except BaseException as error:
            # Whether there is a thread is not known, and one gives back the lock that it was given: so a new one. Where
            # a signal's handler raised in here while there is one, two may be at it, once.
            self.renew()
            # No thread is left, or the interpreter is ending.
            if isinstance(error, RuntimeError | MemoryError):
                return False
            raise
        return True


def _do(work: Callable[[], None], lock: threading.Lock) -> None:
    try:
        work()
    except BaseException:  # noqa: BLE001, S110 - nobody is there to hear of it, and its text may hold anything
        pass
    finally:
        lock.release()
