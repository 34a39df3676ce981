"""Signals that end a command: all of them as Ctrl-C does, so that what it opened is closed and what is half is removed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

__all__ = ["terminated_as_interrupted"]


@contextmanager
def terminated_as_interrupted() -> Generator[None, None, None]:
    """What `kill` and service managers send ends the block as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> None:
        # An event loop has put its own there, which ends its tasks.
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):
            raise KeyboardInterrupt
        interrupt(number, frame)

    here = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, end) if here else None
    try:
        yield
    finally:
        if here:
            signal.signal(signal.SIGTERM, before)
