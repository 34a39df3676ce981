"""Processes: one fork for each mutant, with limits, and RSA keys that are made once. Nothing here knows a mutant."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa

__all__ = ["End", "Keys", "fork"]

_MEMORY: Final = 4 << 30
"""Octets of address space: a mutant may build without end."""

_WALL: Final = 6
"""Seconds of the clock for each of the processor: a mutant may also wait without end, and the machine may be busy."""

_POLL: Final = 0.002
"""Seconds between two looks at a child: a hundredth of what a mutant takes, and nothing beside that."""


class End(Enum):
    """How a child ended."""

    SURVIVED = "survived"
    KILLED = "killed"
    TIMEOUT = "timeout"
    """It took longer than its limit, which counts as killed: the tests would not have ended."""


class Keys:
    """RSA keys for tests, made ahead: two requests never get the same one within a process."""

    def __init__(self) -> None:
        self._make = rsa.generate_private_key
        self._ready: dict[tuple[int, int], deque[rsa.RSAPrivateKey]] = {}
        self.asked: dict[tuple[int, int], int] = {}

    def install(self) -> None:
        """Give keys from here to everybody who asks `cryptography` for one."""
        rsa.generate_private_key = self._get

    def fill(self, wanted: dict[tuple[int, int], int]) -> None:
        """Have so many keys ready, by public exponent and size in bits."""
        for (exponent, size), number in wanted.items():
            ready = self._ready.setdefault((exponent, size), deque())
            while len(ready) < number:
                ready.append(self._make(exponent, size))

    def _get(self, public_exponent: int, key_size: int, backend: Any = None) -> rsa.RSAPrivateKey:
        kind = public_exponent, key_size
        self.asked[kind] = self.asked.get(kind, 0) + 1
        ready = self._ready.get(kind)
        return ready.popleft() if ready else self._make(public_exponent, key_size, backend)


def fork(work: Callable[[], bool], seconds: float) -> End:
    """Run `work` in a child, silently, and tell how it ended.

    Args:
        work: Gives whether every test passed. An exception counts as a test that failed.
        seconds: Of processor time that it may take.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _be_a_child(work, seconds)
    deadline = time.monotonic() + seconds * _WALL
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return End.TIMEOUT
        time.sleep(_POLL)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL}:
        return End.TIMEOUT
    return End.SURVIVED if os.waitstatus_to_exitcode(status) == 0 else End.KILLED


def _be_a_child(work: Callable[[], bool], seconds: float) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        gc.freeze()
        used = time.process_time()
        soft = int(used + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, soft + 5))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        code = 0 if work() else 1
    finally:
        # The child must never return into its parent's loop, nor run its exit handlers.
        os._exit(code)
