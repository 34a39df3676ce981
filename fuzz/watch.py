"""No input may cost much: time and memory of each run, counted. Not for tests, which judge no time."""

from __future__ import annotations

import resource
import time
from typing import Self

from .harness import Finding

__all__ = ["MAX_GROWTH", "MAX_SECONDS", "Watch"]

MAX_SECONDS = 2.0
"""Of processor time for one input. Good ones take 0.02 to 2 ms, and the largest 50; instrumentation doubles that."""

MAX_GROWTH = 256 * 1024
"""KiB by which the largest size of the process may grow with one input; inputs have at most 40 KB."""


class Watch:
    """Measures what happens inside `with`, and raises `Finding` when it cost too much."""

    def __init__(self) -> None:
        self.slowest = 0.0
        self._runs = 0
        self._start = 0.0
        self._memory = 0

    def __enter__(self) -> Self:
        self._start = time.process_time()
        self._memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        spent = time.process_time() - self._start
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self._memory
        self._runs += 1
        if self._runs == 1 or kind is not None:
            return  # the first one makes keys and certificates
        self.slowest = max(self.slowest, spent)
        if spent > MAX_SECONDS:
            raise Finding(f"one input took {spent:.1f} s of processor time")
        if grown > MAX_GROWTH:
            raise Finding(f"one input took {grown // 1024} MiB")
