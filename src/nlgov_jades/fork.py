"""What a process that was forked makes anew: locks that a thread of its parent held, and lists of what such threads did.

A server that loads the application and then forks (gunicorn with `preload_app`, uWSGI) copies the memory and none of the
threads. What they held stays held, what they had begun never ends. Where nothing forks, nothing happens here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["renew_after_fork"]

_RENEWED: WeakKeyDictionary[object, Callable[[Any], None]] = WeakKeyDictionary()
"""Weak: who made a fetcher or a store may drop it again. Not WeakMethod, whose end is noisy when the interpreter ends."""


def renew_after_fork(method: Callable[[], None]) -> None:
    """Call a method in each process that is forked from this one, before anything else runs there.

    Not before the fork, to take the locks: a signal handler that forks would wait for the code that it interrupted.

    Args:
        method: A bound method, one for each object. Its object is not kept alive.
    """
    bound: Any = method
    _RENEWED[bound.__self__] = bound.__func__


def _renew() -> None:
    # A copy: to call one may let another go.
    for thing, function in tuple(_RENEWED.items()):
        function(thing)


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew)
