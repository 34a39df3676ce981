"""Threads that work on bodies beside whoever waits for them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nlgov_jades.edges import workers
from nlgov_jades.edges.workers import WORKERS, begin

PATIENCE = 30


def test_work_is_done_in_another_thread_and_its_outcome_is_asked_for_here() -> None:
    assert begin(threading.get_ident).result(PATIENCE) != threading.get_ident()


def test_what_work_raises_is_raised_where_the_outcome_is_asked_for() -> None:
    def fails() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        begin(fails).result(PATIENCE)


def test_no_more_threads_than_the_bound_are_at_work() -> None:
    at_work, most, lock, go_on = 0, 0, threading.Lock(), threading.Event()
    full = threading.Event()

    def work() -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
            if most == WORKERS:
                full.set()
        assert go_on.wait(PATIENCE)
        with lock:
            at_work -= 1

    begun = [begin(work) for _ in range(50)]
    assert full.wait(PATIENCE)
    go_on.set()
    for work_begun in begun:
        work_begun.result(PATIENCE)
    assert most == WORKERS


@pytest.mark.parametrize("fails", [False, True])
def test_where_no_thread_can_be_had_it_is_done_here_and_now(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter of the test
    ended = ThreadPoolExecutor(1)
    ended.shutdown()
    monkeypatch.setattr(workers._POOL, "_executor", ended)

    def work() -> int:
        if fails:
            raise OSError(5, "broken")
        return threading.get_ident()

    outcome = begin(work)
    assert outcome.done()
    if fails:
        with pytest.raises(OSError, match="broken"):
            outcome.result()
    else:
        assert outcome.result() == threading.get_ident()


FORKS = """
import os
from nlgov_jades.edges.workers import begin

assert begin(os.getpid).result(30) == os.getpid()
child = os.fork()
if child == 0:
    os._exit(0 if begin(os.getpid).result(20) == os.getpid() else 1)
print(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_makes_threads_of_its_own() -> None:
    # DeprecationWarning of Python 3.12: it forks with threads, which is the point.
    command = [sys.executable, "-W", "ignore", "-c", FORKS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "0\n"
