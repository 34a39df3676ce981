"""Memory that the machine has at hand while something long is measured.

A virtual machine may give memory that it does not use back to its host, and pays eight times as much for the next use of
each page: 1.9 s for a GiB that is written to a file, where 0.2 s is the price of the copy. Whether a run meets such pages is
chance, and its time would be the host's. So files are filled before a run and shrink while it goes on, faster than it writes.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MIB = 1024 * 1024
STEP = 64 * MIB
EVERY = 0.05
"""Seconds: 1.3 GiB a second come free, and the longest runs write 4 GiB in 5 s."""


@contextmanager
def memory_at_hand(size: int = 6 * 1024 * MIB) -> Iterator[None]:
    """Within it, so many octets come free, little by little: what comes free at once is given back at once.

    Args:
        size: Octets; more than what runs in there writes.
    """
    octets, ended = bytes(MIB), threading.Event()
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(size // MIB):
            file.write(octets)

        def shrink() -> None:
            left = size
            while left > 0 and not ended.wait(EVERY):
                left = max(0, left - STEP)
                file.truncate(left)

        thread = threading.Thread(target=shrink)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
