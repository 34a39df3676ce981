"""A Redis for the tests, servers that only look like one, and a CA whose responder counts."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
import redis

from nlgov_jades import RevocationPolicy
from nlgov_jades.fetch import AddressRule, FetchLimits
from nlgov_jades.fetch.httpx import HttpxFetcher
from nlgov_jades.fetch.requests import RequestsFetcher
from nlgov_jades.fetch.store import Key
from nlgov_jades.pki.revocation import FetchRequest, RevocationData
from nlgov_jades.result import RevocationSource
from nlgov_jades.stores.redis import RedisStore
from nlgov_jades.stores.value import name_of
from nlgov_jades.testing import Hierarchy, Issued, Responder

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
LIMITS = FetchLimits(ports=range(1, 65536), addresses=AddressRule.ANY_ADDRESS)
PASSWORD = "hunter2-geheim"


def started(folder: Path, *options: str) -> tuple[subprocess.Popen[str], Path]:
    """A redis-server on a unix socket, once it accepts connections."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    path = folder / "redis.sock"
    stated = ("--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no", "--dir", str(folder))
    server = subprocess.Popen([binary, *stated, *options], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    for line in server.stdout:
        if "ready to accept connections" in line.lower():
            return server, path
    raise AssertionError("redis-server does not start")


@contextlib.contextmanager
def running(*options: str) -> Iterator[Path]:
    # The path of a unix socket has 107 octets at most, which a folder of pytest may pass.
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server, path = started(Path(folder), *options)
        try:
            yield path
        finally:
            server.terminate()
            server.wait()
            assert server.stdout is not None
            server.stdout.close()


@pytest.fixture(scope="session")
def redis_path() -> Iterator[Path]:
    with running() as path:
        yield path


@pytest.fixture
def locked_path() -> Iterator[Path]:
    """A Redis with a password, empty."""
    with running("--requirepass", PASSWORD) as path:
        yield path


@pytest.fixture
def client(redis_path: Path) -> Iterator[Any]:
    """An ordinary client of an empty Redis: what another program, or somebody who means harm, may do with it."""
    with redis.Redis.from_url(f"unix://{redis_path}") as connected:
        connected.flushall()
        yield connected


@pytest.fixture
def url(client: Any, redis_path: Path) -> str:  # noqa: ARG001 - it is emptied first
    return f"unix://{redis_path}"


@dataclass
class Impostor:
    """Takes connections like a Redis, and does with each what `behave` says.

    Attributes:
        connections: How many were taken.
        visited: Set at the first.
        stopped: Set at the end.
    """

    behave: Callable[[socket.socket, Impostor], None]
    connections: int = 0
    visited: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._listen, name="test-redis")]
        self._taken: list[socket.socket] = []
        self._threads[0].start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._taken.append(connection)
            self.visited.set()
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), name="test-redis-visit"))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.behave(connection, self)

    def close(self) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for connection in self._taken:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


@pytest.fixture
def impostor() -> Iterator[Callable[..., Impostor]]:
    made: list[Impostor] = []

    def make(behave: Callable[[socket.socket, Impostor], None]) -> Impostor:
        made.append(Impostor(behave))
        return made[-1]

    yield make
    for each in made:
        each.close()


@dataclass
class World:
    """A CA with its responder, one certificate of it, and the time."""

    responder: Responder
    hierarchy: Hierarchy
    signer: Issued
    now: dt.datetime = NOW

    @property
    def crl_path(self) -> str:
        return self.hierarchy.tsp.crl_path

    def request(self, source: RevocationSource = RevocationSource.CRL) -> FetchRequest:
        path = self.crl_path if source is RevocationSource.CRL else "/ocsp"
        tsp = self.hierarchy.tsp.certificate
        url = self.responder.url + path
        return FetchRequest(source, url, self.signer.certificate, tsp, RevocationPolicy.HARD_FAIL, self.now)

    def name(self, source: RevocationSource = RevocationSource.CRL) -> str:
        """What the data are called in Redis."""
        return name_of(Key.of(self.request(source)))


@dataclass
class Authorities:
    """What all tests of a run share, for keys are slow to make."""

    responder: Responder
    hierarchy: Hierarchy
    clock: list[Callable[[], dt.datetime]]


@pytest.fixture(scope="session")
def authorities() -> Iterator[Authorities]:
    clock: list[Callable[[], dt.datetime]] = [lambda: NOW]
    with Responder(clock=lambda: clock[0](), validity=24 * HOUR) as responder:  # noqa: PLW0108 - it is replaced
        hierarchy = Hierarchy.new(not_before=NOW - dt.timedelta(days=30), revocation_url=responder.url)
        responder.add(hierarchy)
        yield Authorities(responder, hierarchy, clock)


@pytest.fixture
def world(authorities: Authorities, leaf_key: Any) -> Iterator[World]:
    authorities.responder.reset()
    signer = authorities.hierarchy.tsp.issue(key=leaf_key)
    here = World(authorities.responder, authorities.hierarchy, signer)
    authorities.clock[0] = lambda: here.now
    yield here
    authorities.clock[0] = lambda: NOW


@dataclass
class Process:
    """What one process has: a fetcher with a store of its own, and behind that the shared one."""

    kind: str
    world: World
    url: str
    seconds: float = 1

    def __post_init__(self) -> None:
        self.store = RedisStore(self.url, seconds=self.seconds)
        made: dict[str, Any] = {"store": self.store, "limits": LIMITS, "clock": lambda: self.world.now}
        self.fetcher: Any = RequestsFetcher(**made) if self.kind == "threads" else HttpxFetcher(**made)

    def fetch(self, source: RevocationSource = RevocationSource.CRL, *, timeout: float = 5) -> RevocationData:
        request = self.world.request(source)
        if self.kind == "threads":
            fetched: RevocationData = self.fetcher.fetch(request, timeout=timeout)
            return fetched

        async def fetch() -> RevocationData:
            found: RevocationData = await self.fetcher.fetch(request, timeout=timeout)
            return found

        return anyio.run(fetch, backend=self.kind)


@pytest.fixture(params=["threads", "asyncio", "trio"])
def process(request: pytest.FixtureRequest, world: World) -> Callable[..., Process]:
    """Starts a process, so to speak: its fetcher shares nothing with another but Redis."""

    def start(url: str, **options: Any) -> Process:
        return Process(request.param, world, url, **options)

    return start
