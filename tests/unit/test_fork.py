"""A forked process: what its parent's threads held is free, what they had begun is forgotten, what was found is kept."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref

import pytest

from nlgov_jades import fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

# A program of its own: the threads of pytest do not mix with forks. An alarm ends a child that waits for ever.
HEAD = """
import os, signal, threading
from nlgov_jades.fetch import lookup
from nlgov_jades.fetch.background import Workers
from nlgov_jades.fetch.deadline import Deadline
from nlgov_jades.fetch.flights import Flights
from nlgov_jades.fetch.setbacks import Setbacks
from nlgov_jades.fetch.store import MemoryStore

store, setbacks, flights, workers = MemoryStore(), Setbacks(lambda: 0), Flights(threading.Event), Workers(threads=1)
held, never = threading.Barrier(2), threading.Event()

def in_a_thread(function):
    def run():
        function()
    threading.Thread(target=run, daemon=True).start()
    held.wait()

def fork(child):
    process = os.fork()
    if process == 0:
        signal.alarm(20)
        status = 1
        try:
            child()
            status = 0
        finally:
            os._exit(status)
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""

LOCKS = """
def hold():
    with store._lock, setbacks._lock, flights._lock, workers._changed:
        held.wait()
        never.wait()

def child():
    assert store.get("key") is None
    setbacks.clear("key")
    flights.join("key")
    done = threading.Event()
    assert workers.offer("key", done.set)
    assert done.wait()

in_a_thread(hold)
fork(child)
"""

BEGUN = """
def hold():
    flights.join("key")
    for _ in range(lookup.MAX_LOOKUPS):
        lookup._PLACES.free.acquire()
    held.wait()
    never.wait()

def work():
    held.wait()
    never.wait()

def child():
    assert flights.join("key")[1]
    assert lookup.look_up(lambda host, port: [host], "host", 1, Deadline.after(20)) == ["host"]
    done = threading.Event()
    assert workers.offer("key", done.set)
    assert done.wait()

in_a_thread(hold)
assert workers.offer("key", work)
held.wait()
assert workers.offer("waits", print)
fork(child)
"""

LANDED = """
def child():
    flights.land("key")
    assert flights.join("key")[1]

assert flights.join("key")[1]
fork(child)
"""

KEPT = """
class Entry:
    size = 10

store._entries["key"], store._octets, store._generation = Entry(), 3, 7
setbacks._setbacks["key"] = "why"

def child():
    assert (store.get("key").size, store._octets, store.generation) == (10, 10, 7)
    assert setbacks._of("key") == "why"

fork(child)
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(LOCKS, id="locks that were held are free"),
        pytest.param(BEGUN, id="what was begun can be begun again"),
        pytest.param(LANDED, id="what began before the fork may end after it"),
        pytest.param(KEPT, id="data and setbacks are kept"),
    ],
)
def test_in_a_forked_process(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HEAD + script], capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_what_is_not_used_any_more_is_forgotten() -> None:
    class Thing:
        def begin(self) -> None:
            """Nothing."""

    thing = Thing()
    fork.renew_after_fork(thing.begin)
    assert thing in fork._RENEWED
    del thing
    gc.collect()
    assert not [kept for kept in fork._RENEWED if isinstance(kept, Thing)]


def test_each_object_that_is_alive_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Thing:
        begun = 0

        def begin(self) -> None:
            self.begun += 1

    monkeypatch.setattr(fork, "_RENEWED", weakref.WeakKeyDictionary())
    things = [Thing(), Thing()]
    for thing in things:
        fork.renew_after_fork(thing.begin)
    fork._renew()
    assert [thing.begun for thing in things] == [1, 1]
