"""What the guard tells Redis, and what becomes of messages when Redis is gone, hangs, is full, or may not be written to."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import signal
import socket
import threading
import time as stopwatch
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from nlgov_jades.errors import ReplayedMessageError, ReplayUnknownError
from nlgov_jades.replay import Sighting
from nlgov_jades.stores.replay import REST, RedisReplayGuard

from .conftest import MINUTE, NOW, WINDOW, Server, admitted, sighting

SECOND = dt.timedelta(seconds=1)
PASSWORD = "hunter2-geheim"

Guards = Callable[..., RedisReplayGuard]
Servers = Callable[..., Server]


def unknown(guard: RedisReplayGuard, words: str, seen: Sighting | None = None, *, within: float = 5) -> str:
    """It is refused for not being known, in bounded time, and the refusal shows nothing that is nobody's business."""
    begun = stopwatch.monotonic()
    with pytest.raises(ReplayUnknownError, match=words) as caught:
        guard.admit(sighting() if seen is None else seen)
    # Generous, for this machine may be busy: what hangs would take for ever.
    assert stopwatch.monotonic() - begun < within
    assert (caught.value.code, caught.value.http_status) == ("REPLAY_UNKNOWN", 503)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert PASSWORD not in caught.value.detail
    return caught.value.detail


# --- what is told ----------------------------------------------------------------------------------------------


def test_a_signature_passes_once_and_is_kept_under_its_hash_for_as_long_as_it_counts(
    server: Server, guard_of: Guards
) -> None:
    guard, seen = guard_of(server.url), sighting(5)
    assert admitted(guard, seen)
    assert not admitted(guard, seen)
    with server.client() as client:
        (name,) = client.keys("*")
        assert name == b"nlgov-jades:replay:" + (5).to_bytes(32).hex().encode()
        assert client.get(name) == b"1"
        left = client.pttl(name)
    full = (WINDOW + MINUTE) // dt.timedelta(milliseconds=1)
    assert full - 60_000 < left <= full


def test_guards_with_other_prefixes_are_other_guards(server: Server, guard_of: Guards) -> None:
    seen = sighting()
    assert admitted(guard_of(server.url, prefix="one:"), seen)
    assert admitted(guard_of(server.url, prefix="two:"), seen)
    assert not admitted(guard_of(server.url, prefix="one:"), seen)


@pytest.mark.parametrize(
    ("now", "options", "kept"),
    [
        (NOW, {}, 7 * MINUTE),
        (NOW + 6 * MINUTE, {}, 7 * MINUTE),
        (NOW - 2 * MINUTE, {}, 9 * MINUTE),
        (NOW, {"remember": 60 * MINUTE}, 61 * MINUTE),
        (NOW, {"remember": MINUTE}, 7 * MINUTE),
        (NOW, {"remember": dt.timedelta.max}, (dt.datetime.max.replace(tzinfo=dt.UTC) - NOW) + MINUTE),
    ],
    ids=["at once", "slow", "clock set back", "longer", "shorter", "for ever"],
)
def test_it_is_kept_until_no_clock_of_ours_accepts_it(
    server: Server, guard_of: Guards, now: dt.datetime, options: dict[str, Any], kept: dt.timedelta
) -> None:
    guard_of(server.url, clock=lambda: now, **options).admit(sighting(9))
    with server.client() as client:
        left = client.pttl(client.keys("*")[0]) * dt.timedelta(milliseconds=1)
    assert kept - MINUTE / 2 < left <= kept


def test_a_copy_whose_body_was_drawn_out_past_its_window_is_not_looked_up(server: Server, guard_of: Guards) -> None:
    now = [NOW]
    guard, seen = guard_of(server.url, clock=lambda: now[0]), sighting(9)
    now[0] = seen.until
    assert admitted(guard, seen)
    with server.client() as client:
        client.flushall()  # as when the time to live had passed
    now[0] = seen.until + dt.timedelta(microseconds=1)
    unknown(guard, "came so slowly", seen)
    with server.client() as client:
        assert client.keys("*") == []


def test_a_user_with_two_commands_on_its_own_keys_is_enough(server: Server, guard_of: Guards) -> None:
    with server.client() as client:
        client.execute_command(
            "ACL", "SETUSER", "guard", "reset", "on", f">{PASSWORD}", "+set", "+info", "~nlgov-jades:replay:*"
        )
    url = server.url.replace("unix://", f"unix://guard:{PASSWORD}@")
    guard, seen = guard_of(url), sighting()
    assert admitted(guard, seen)
    assert not admitted(guard, seen)
    assert PASSWORD not in repr(guard)
    unknown(guard_of(url, prefix="elsewhere:"), "refused")


# --- a client of one's own -------------------------------------------------------------------------------------


@pytest.fixture
def client_of() -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def make(server: Server, **options: Any) -> Any:
        settings = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": Retry(NoBackoff(), 0), **options}
        made.append(redis.Redis.from_url(server.url, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 3}, {"protocol": 2}], ids=str)
def test_a_client_of_ones_own_serves(
    server: Server, client_of: Callable[..., Any], options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    guard, seen = RedisReplayGuard(client_of(server, **options), clock=lambda: NOW), sighting()
    assert admitted(guard, seen)
    assert not admitted(guard, seen)
    assert caplog.records == []


# --- a Redis that fails ----------------------------------------------------------------------------------------


class Seconds:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def patient(client_of: Callable[..., Any], seconds: Seconds) -> Callable[[Server], RedisReplayGuard]:
    """A guard whose rests end when the test says so."""
    return lambda server: RedisReplayGuard(client_of(server), clock=lambda: NOW, monotonic=seconds)


def test_a_redis_that_is_killed_admits_nothing_and_one_that_comes_back_does(
    own: Servers, patient: Callable[[Server], RedisReplayGuard], seconds: Seconds
) -> None:
    server = own()
    guard = patient(server)
    guard.admit(sighting())
    server.stop()
    unknown(guard, "did not answer")
    for _ in range(3):
        unknown(guard, "a moment ago", within=1)
    seconds.now += REST
    unknown(guard, r"did not answer \(ConnectionError\)")
    server.path.unlink(missing_ok=True)
    again = own()
    again.path.rename(server.path)
    seconds.now += REST
    guard.admit(sighting())


def test_a_redis_that_hangs_admits_nothing_and_a_retry_with_the_same_signature_is_a_replay(
    own: Servers, patient: Callable[[Server], RedisReplayGuard], seconds: Seconds
) -> None:
    server = own()
    guard, seen = patient(server), sighting()
    guard.admit(sighting())
    server.process.send_signal(signal.SIGSTOP)
    try:
        unknown(guard, r"did not answer \(TimeoutError\)", seen)
        unknown(guard, "a moment ago", seen, within=1)
    finally:
        server.process.send_signal(signal.SIGCONT)
    with server.client() as client:
        # It reads what came meanwhile before it answers this.
        asked = iter(range(100_000))
        while not client.exists("nlgov-jades:replay:" + seen.key.hex()):
            next(asked)
    seconds.now += REST
    with pytest.raises(ReplayedMessageError) as caught:
        guard.admit(seen)
    assert caught.value.code == "REPLAYED_MESSAGE"
    guard.admit(sighting())


def test_threads_that_meet_a_redis_that_hangs_are_all_refused_in_bounded_time(own: Servers, guard_of: Guards) -> None:
    server = own()
    guard = guard_of(server.url, seconds=0.2)
    guard.admit(sighting())
    server.process.send_signal(signal.SIGSTOP)
    refused: list[str] = []

    def ask() -> None:
        try:
            guard.admit(sighting())
        except ReplayUnknownError as error:
            refused.append(error.code)

    begun = stopwatch.monotonic()
    threads = [threading.Thread(target=ask) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.process.send_signal(signal.SIGCONT)
    assert refused == ["REPLAY_UNKNOWN"] * 200
    assert stopwatch.monotonic() - begun < 10


def test_a_read_only_replica_admits_nothing(own: Servers, guard_of: Guards) -> None:
    server = own()
    with server.client() as client:
        client.replicaof("127.0.0.1", 1)
    guard = guard_of(server.url)
    unknown(guard, r"refused \((ReadOnlyError|ResponseError)\)")
    with server.client() as client:
        client.replicaof("NO", "ONE")
    # It answered, so nothing rests.
    guard.admit(sighting())


def test_a_full_redis_admits_nothing_and_forgets_nothing(own: Servers, guard_of: Guards) -> None:
    server = own("--maxmemory-policy", "noeviction")
    guard, seen = guard_of(server.url), sighting()
    guard.admit(seen)
    with server.client() as client:
        client.config_set("maxmemory", "1")
    unknown(guard, "refused")
    with server.client() as client:
        client.config_set("maxmemory", "0")
    assert not admitted(guard, seen)


def test_a_wrong_password_admits_nothing(own: Servers, guard_of: Guards) -> None:
    server = own("--requirepass", PASSWORD)
    unknown(guard_of(server.url), "refused|did not answer")
    unknown(guard_of(server.url.replace("unix://", f"unix://:{PASSWORD}x@")), "refused|did not answer")
    guard_of(server.url.replace("unix://", f"unix://:{PASSWORD}@")).admit(sighting())


def test_a_redis_that_cannot_write_its_disk_admits_nothing(own: Servers, guard_of: Guards) -> None:
    server = own()
    with server.client() as client:
        client.execute_command("SCRIPT", "LOAD", "return 1")
        client.config_set("min-replicas-to-write", "3")
    unknown(guard_of(server.url), "refused")


# --- a Redis that drops what it was told -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"), "drops keys when it is full"),
        (("--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"), "maxmemory-policy 'volatile-ttl'"),
        (("--maxmemory", "100mb", "--maxmemory-policy", "noeviction"), None),
        (("--maxmemory-policy", "allkeys-lru"), None),
    ],
    ids=["lru", "ttl", "kept", "no limit"],
)
def test_a_redis_that_evicts_is_complained_about_once(
    own: Servers, guard_of: Guards, options: tuple[str, ...], complaint: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    guard = guard_of(own(*options).url)
    for _ in range(3):
        guard.admit(sighting())
    found = [record for record in caplog.records if record.name == "nlgov_jades.stores"]
    assert [record.levelno for record in found] == ([] if complaint is None else [logging.WARNING])
    assert all(complaint is not None and complaint in record.getMessage() for record in found)


def test_a_redis_that_does_not_tell_is_complained_about_once_and_serves(
    server: Server, guard_of: Guards, caplog: pytest.LogCaptureFixture
) -> None:
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "mute", "reset", "on", f">{PASSWORD}", "+set", "~*")
    guard = guard_of(server.url.replace("unix://", f"unix://mute:{PASSWORD}@"))
    for _ in range(3):
        guard.admit(sighting())
    (record,) = [record for record in caplog.records if record.name == "nlgov_jades.stores"]
    assert "does not tell whether it keeps its keys" in record.getMessage()


# --- something that only looks like a Redis --------------------------------------------------------------------


class Impostor:
    """Gives each question the same answer."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._taken.append(self._listener.accept()[0])
                self._threads.append(threading.Thread(target=self._serve, args=(self._taken[-1],)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while connection.recv(65536):
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for connection in self._taken:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def impostor() -> Iterator[Callable[[bytes], str]]:
    """Starts a server that gives each question that answer, and tells its URL."""
    made: list[Impostor] = []

    def make(answer: bytes) -> str:
        made.append(Impostor(answer))
        return made[-1].url

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n",
        b"+",
        b"+QUEUED\r\n",
        b":1\r\n",
        b":0\r\n",
        b"$2\r\nno\r\n",
        b"$1000000000\r\n",
        b"*0\r\n",
        b"*1\r\n" * 50_000,
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"-ERR \xff\xfe \x1b[31m" + PASSWORD.encode() + b"\r\n",
        b"-MOVED 1 127.0.0.1:1\r\n",
        b"\x00" * 100,
        b"_\r\n" * 2,
    ],
    ids=lambda answer: repr(answer[:20]),
)
def test_an_answer_that_makes_no_sense_admits_nothing(
    answer: bytes, impostor: Callable[[bytes], str], guard_of: Guards
) -> None:
    unknown(guard_of(impostor(answer), seconds=0.2), "replay guard's Redis")


def test_where_nobody_listens_nothing_is_admitted(guard_of: Guards) -> None:
    guard = guard_of("redis://127.0.0.1:1")
    unknown(guard, "did not answer")
    unknown(guard, "a moment ago")
