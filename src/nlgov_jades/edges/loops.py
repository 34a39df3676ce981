"""Work beside an event loop, asyncio's or trio's: in a thread, so that the loop serves others. No body and no message here.

Needs `anyio`; whoever imports this file names the extra that is missing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

from anyio import (
    Event,
    create_memory_object_stream,  # noqa: F401 - see `prepare`
    getaddrinfo,  # noqa: F401 - see `prepare`
    to_thread,
)
from anyio.abc import AsyncBackend, AsyncResource, Process, SocketStream, TestRunner  # noqa: F401 - see `prepare`
from anyio.streams import tls  # noqa: F401 - see `prepare`

__all__ = ["Event", "in_thread", "prepare"]

_T = TypeVar("_T")


def prepare() -> None:
    """Have anyio get ready for the loop that runs, while nobody waits for it.

    It imports its side of a loop when it is used first. That is 11 ms in which the loop of a server would serve nobody, most
    of it for parts that the imports above have loaded before there is a loop; here it loads what it has for this one.
    """
    # A loop that anyio does not know gets no threads either, and is told so by the first message that needs one.
    with contextlib.suppress(RuntimeError, ImportError):
        to_thread.current_default_thread_limiter()


async def in_thread(work: Callable[[], _T]) -> _T:
    """What takes more than a millisecond or waits for a disk: an event loop serves others meanwhile."""
    outcome: list[_T] = []
    # Not returned from the thread: asyncio's debug mode logs what is, and it may be a piece of a body.
    await to_thread.run_sync(lambda: outcome.append(work()))
    return outcome[0]
