"""Of a thousand simultaneous copies of one message exactly one passes: between threads, tasks and processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import anyio
import anyio.to_thread
import pytest

from nlgov_jades.replay import MemoryReplayGuard, ReplayGuard
from nlgov_jades.stores.replay import RedisReplayGuard

from .conftest import NOW, Server, admitted, sighting

COPIES = 1000
THREADS = 50

Guards = Callable[..., RedisReplayGuard]


@pytest.fixture
def restless() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@pytest.fixture(params=["memory", "redis"])
def guard(request: pytest.FixtureRequest) -> ReplayGuard:
    if request.param == "memory":
        return MemoryReplayGuard()
    server: Server = request.getfixturevalue("server")
    made: RedisReplayGuard = request.getfixturevalue("guard_of")(server.url, seconds=1)
    return made


@pytest.mark.usefixtures("restless")
def test_across_threads(guard: ReplayGuard) -> None:
    barrier, passed = threading.Barrier(THREADS), list[bool]()

    def work() -> None:
        barrier.wait(30)
        passed.extend(admitted(guard, sighting(7)) for _ in range(COPIES // THREADS))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), sum(passed)) == (COPIES, 1)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_across_tasks(guard: ReplayGuard, backend: str) -> None:
    passed: list[bool] = []

    async def ask() -> None:
        if isinstance(guard, MemoryReplayGuard):
            await anyio.lowlevel.checkpoint()
            passed.append(admitted(guard, sighting(7)))
        else:
            passed.append(await anyio.to_thread.run_sync(admitted, guard, sighting(7)))

    async def all_at_once() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(COPIES):
                group.start_soon(ask)

    anyio.run(all_at_once, backend=backend)
    assert (len(passed), sum(passed)) == (COPIES, 1)


WORKER = """
import datetime as dt, sys
from concurrent.futures import ThreadPoolExecutor
from nlgov_jades.errors import ReplayedMessageError
from nlgov_jades.replay import Sighting
from nlgov_jades.stores.replay import RedisReplayGuard

url, now, copies = sys.argv[1:]
now = dt.datetime.fromisoformat(now)
guard = RedisReplayGuard.from_url(url, seconds=1, clock=lambda: now)
seen = [Sighting(number.to_bytes(32), now, now, now + dt.timedelta(minutes=6)) for number in range(3)]

def admitted(one):
    try:
        guard.admit(one)
    except ReplayedMessageError:
        return 0
    return 1

with ThreadPoolExecutor(8) as pool:
    admitted(Sighting(b"w" * 32, now, now, now + dt.timedelta(minutes=6)))  # connected, imported
    print("ready", flush=True)
    sys.stdin.readline()
    print(*(sum(pool.map(admitted, [one] * int(copies))) for one in seen))
"""


def test_across_processes(server: Server) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER, server.url, NOW.isoformat(), str(COPIES // 4)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        counts = [[int(count) for count in worker.communicate(timeout=60)[0].split()] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert [sum(column) for column in zip(*counts, strict=True)] == [1, 1, 1]


def test_a_forked_process_has_connections_of_its_own(server: Server, guard_of: Guards) -> None:
    program = """
import datetime as dt, os, sys
from nlgov_jades.errors import ReplayedMessageError
from nlgov_jades.replay import Sighting
from nlgov_jades.stores.replay import RedisReplayGuard

now = dt.datetime.fromisoformat(sys.argv[2])
guard = RedisReplayGuard.from_url(sys.argv[1], seconds=1, clock=lambda: now)
seen = [Sighting(number.to_bytes(32), now, now, now + dt.timedelta(minutes=6)) for number in range(300)]
guard.admit(Sighting(b"w" * 32, now, now, now + dt.timedelta(minutes=6)))  # it holds a connection
child = os.fork()
passed = 0
for one in seen:
    try:
        guard.admit(one)
        passed += 1
    except ReplayedMessageError:
        pass
if child == 0:
    os._exit(0 if os.write(1, f"{passed}\\n".encode()) else 1)
os.waitpid(child, 0)
print(passed)
"""
    started = [sys.executable, "-W", "error", "-c", program, server.url, NOW.isoformat()]
    done = subprocess.run(started, capture_output=True, text=True, check=True, timeout=60)
    assert sum(int(line) for line in done.stdout.split()) == 300
    assert not admitted(guard_of(server.url), sighting(299))
