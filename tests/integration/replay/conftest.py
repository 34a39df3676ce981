"""A Redis of the tests, guards on it, and signatures that were seen."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from nlgov_jades.errors import ReplayedMessageError
from nlgov_jades.replay import ReplayGuard, Sighting
from nlgov_jades.stores.replay import RedisReplayGuard

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
WINDOW = 6 * MINUTE

_numbers = itertools.count(1)


def sighting(number: int | None = None, **changes: Any) -> Sighting:
    key = (next(_numbers) if number is None else number).to_bytes(32)
    return Sighting(**{"key": key, "signed_at": NOW, "seen_at": NOW, "until": NOW + WINDOW, **changes})


def admitted(guard: ReplayGuard, seen: Sighting) -> bool:
    """Whether it passed; a refusal as a replay is the only other outcome that is expected."""
    try:
        guard.admit(seen)
    except ReplayedMessageError:
        return False
    return True


@dataclass
class Server:
    """A redis-server of a test's own."""

    process: subprocess.Popen[str]
    path: Path

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def client(self) -> Any:
        """An ordinary client, with what the library of Redis does unless told otherwise."""
        return redis.Redis.from_url(self.url)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def started(folder: Path, *options: str) -> Server:
    """A redis-server on a unix socket, once it accepts connections."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    path = folder / "redis.sock"
    stated = ("--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no", "--dir", str(folder))
    process = subprocess.Popen([binary, *stated, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "ready to accept connections" in line.lower():
            return Server(process, path)
    raise AssertionError("redis-server does not start")


@contextlib.contextmanager
def running(*options: str) -> Iterator[Server]:
    # The path of a unix socket has 107 octets at most, which a folder of pytest may pass.
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = started(Path(folder), *options)
        try:
            yield server
        finally:
            server.stop()
            assert server.process.stdout is not None
            server.process.stdout.close()


@pytest.fixture(scope="session")
def shared() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Server:
    """A Redis that is empty."""
    with shared.client() as client:
        client.flushall()
    return shared


@pytest.fixture
def own() -> Iterator[Callable[..., Server]]:
    """Starts a Redis that a test may kill, stop or fill."""
    with contextlib.ExitStack() as stack:
        yield lambda *options: stack.enter_context(running(*options))


@pytest.fixture
def guard_of() -> Iterator[Callable[..., RedisReplayGuard]]:
    """A guard in front of a Redis, with the clock of the tests. Its connections are closed at the end."""
    made: list[RedisReplayGuard] = []

    def make(url: str, **options: Any) -> RedisReplayGuard:
        made.append(RedisReplayGuard.from_url(url, **{"clock": lambda: NOW, **options}))
        return made[-1]

    yield make
    for guard in made:
        guard._client.connection_pool.disconnect()
