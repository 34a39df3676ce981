"""Name look-up that cannot hang its caller: the C library offers no time-out, so it runs in a thread that may be left."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Sequence

from ..errors import FetchError
from ..fork import renew_after_fork
from .deadline import Deadline

__all__ = ["NO_SUCH_HOST", "Lookup", "addresses_of", "look_up", "system_lookup"]

Lookup = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a host and port, or raises OSError."""

MAX_LOOKUPS = 8
"""At one time in this process. A name server that is down keeps each for half a minute; it must not collect threads."""


class _Places:
    """Who looks something up has one. In a forked process all are free: the threads that had one are not there."""

    def __init__(self) -> None:
        self._begin()
        renew_after_fork(self._begin)

    def _begin(self) -> None:
        self.free = threading.BoundedSemaphore(MAX_LOOKUPS)


_PLACES = _Places()

NO_SUCH_HOST = "its host could not be looked up"

_AddressInfo = tuple[
    socket.AddressFamily, socket.SocketKind, int, str, "tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]"
]


def system_lookup(host: str, port: int) -> Sequence[str]:
    """What this machine answers."""
    return addresses_of(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def addresses_of(found: Sequence[_AddressInfo]) -> list[str]:
    """The addresses in what `getaddrinfo` returns."""
    return [str(item[4][0]) for item in found]


def look_up(lookup: Lookup, host: str, port: int, deadline: Deadline) -> Sequence[str]:
    """The addresses of a host, looked up in a thread that ends with the look-up.

    The thread is a daemon: a process that ends does not wait for a name server.

    Args:
        lookup: Who is asked.
        host: A name.
        port: The port that will be connected to.
        deadline: Until when to wait.

    Raises:
        FetchError: There are none, or not in time.
    """
    if not _PLACES.free.acquire(timeout=_wait(deadline)):
        raise FetchError("too many look-ups of names are waiting for an answer")
    answers: queue.SimpleQueue[Sequence[str] | None] = queue.SimpleQueue()
    worker = threading.Thread(target=_run, args=(lookup, host, port, answers), name="nlgov-jades-lookup", daemon=True)
    try:
        worker.start()
    except RuntimeError:
        _PLACES.free.release()
        raise FetchError("no thread could be started to look its host up") from None
    try:
        found = answers.get(timeout=_wait(deadline))
    except queue.Empty:
        raise FetchError("its host could not be looked up in time") from None
    if found is None:
        raise FetchError(NO_SUCH_HOST)
    return found


def _run(lookup: Lookup, host: str, port: int, answers: queue.SimpleQueue[Sequence[str] | None]) -> None:
    found: Sequence[str] | None = None
    try:
        found = lookup(host, port)
    except Exception:  # noqa: BLE001, S110 - whatever a resolver raises means that there is no address
        pass
    finally:
        _PLACES.free.release()
        answers.put(found)


def _wait(deadline: Deadline) -> float:
    return min(deadline.left(), threading.TIMEOUT_MAX)
