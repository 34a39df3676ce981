"""The shared replay guard without a Redis: what it is made from, what it makes of failures, and when it asks nobody."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from nlgov_jades.errors import ConfigurationError, ReplayedMessageError, ReplayUnknownError
from nlgov_jades.replay import Sighting
from nlgov_jades.stores.replay import CONNECTIONS, REST, RedisReplayGuard

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
SEEN = Sighting(key=b"k" * 32, signed_at=NOW, seen_at=NOW, until=NOW + dt.timedelta(minutes=6))
PASSWORD = "hunter2-geheim"
NOWHERE = "redis://127.0.0.1:1"
SOUND: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": Retry(NoBackoff(), 0)}

NEW: Any = True
"""What the library makes of the answer that it was not there."""

# --- the extra ---------------------------------------------------------------------------------------------------

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError(f"No module named {name!r}", name=MISSING)

sys.meta_path.insert(0, Missing())
try:
    import nlgov_jades.stores.replay
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("'redis'", "nlgov_jades.stores.replay needs an extra: pip install 'nlgov-jades[redis]'\n"),
        ("'hiredis'", "No module named 'redis'\n"),
    ],
    ids=["the extra", "something else"],
)
def test_without_its_extra_the_guard_says_so(missing: str, said: str) -> None:
    program = WITHOUT.replace("MISSING", missing)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == said


# --- arguments ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:6379",
        "http://127.0.0.1/",
        "redis://127.0.0.1/?socket_timeout=60",
        "redis://127.0.0.1/?retry_on_timeout=yes",
        "rediss://127.0.0.1/?ssl_cert_reqs=none",
        f"redis://user:{PASSWORD}@[::1",
        None,
    ],
)
def test_a_url_of_another_form_is_refused_and_not_shown(url: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^url is ") as caught:
        RedisReplayGuard.from_url(url)
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("seconds", [0, -1, 1.1, float("nan"), True, "1"])
def test_a_time_that_is_none_is_refused(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^seconds "):
        RedisReplayGuard.from_url(NOWHERE, seconds=seconds)


@pytest.mark.parametrize("prefix", ["", "a b", "a\n", "é", "x" * 201, b"bytes", None])
def test_a_prefix_of_another_form_is_refused(prefix: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^prefix "):
        RedisReplayGuard.from_url(NOWHERE, prefix=prefix)


@pytest.mark.parametrize("remember", [dt.timedelta(seconds=-1), 300, None])
def test_a_time_to_remember_that_is_none_is_refused(remember: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^remember "):
        RedisReplayGuard.from_url(NOWHERE, remember=remember)


def test_connections_of_its_own_wait_briefly_send_once_and_check_the_server() -> None:
    guard = RedisReplayGuard.from_url(f"rediss://:{PASSWORD}@redis.example.test/", seconds=0.25)
    pool = guard._client.connection_pool
    settings = pool.connection_kwargs
    assert settings["socket_timeout"] == settings["socket_connect_timeout"] == pool.timeout == 0.25
    assert settings["retry"]._retries == 0
    assert settings["ssl_cert_reqs"] == "required"
    assert settings["ssl_check_hostname"] is True
    assert pool.max_connections == CONNECTIONS
    assert PASSWORD not in repr(guard)


@pytest.mark.parametrize(
    "make",
    [
        lambda: NOWHERE,
        lambda: None,
        lambda: redis.Redis().pipeline(),
        redis.asyncio.Redis,
        lambda: redis.Redis(**{**SOUND, "socket_timeout": None}),
        lambda: redis.Redis(**{**SOUND, "socket_timeout": 5}),
        lambda: redis.Redis(**{**SOUND, "socket_connect_timeout": 0}),
        lambda: redis.Redis(**{**SOUND, "retry": Retry(NoBackoff(), 1)}),
        lambda: redis.Redis(**{**SOUND, "retry": Retry(NoBackoff(), -1)}),
        lambda: redis.Redis(
            connection_pool=redis.ConnectionPool(
                socket_timeout=1, socket_connect_timeout=1, retry_on_error=[redis.TimeoutError]
            )
        ),
    ],
    ids=["URL", "None", "pipeline", "asyncio", "no time", "long", "no time to connect", "retry", "endless", "on error"],
)
def test_a_client_that_waits_long_sends_again_or_is_none_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^client "):
        RedisReplayGuard(make())


def test_a_client_with_one_connection_is_refused() -> None:
    client: Any = redis.Redis(**SOUND)
    client.connection = client.connection_pool.make_connection()
    with pytest.raises(ConfigurationError, match="single connection"):
        RedisReplayGuard(client)


# --- answers -----------------------------------------------------------------------------------------------------


class Client(redis.Redis):
    """Answers what it is told to, or raises it, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(**SOUND)
        self.answers = list(answers)
        self.asked: list[tuple[Any, ...]] = []

    def execute_command(self, *arguments: Any, **_: Any) -> Any:
        if arguments[0] == "INFO":
            return {"maxmemory": 0, "maxmemory_policy": "noeviction"}
        self.asked.append(arguments)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Seconds:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def guard_on(client: Client, **options: Any) -> RedisReplayGuard:
    return RedisReplayGuard(client, **{"clock": lambda: NOW, **options})


def test_one_command_asks_and_remembers() -> None:
    client = Client(NEW)
    guard_on(client).admit(SEEN)
    ((command, name, value, *options),) = client.asked
    assert (command, name, value) == ("SET", "nlgov-jades:replay:" + SEEN.key.hex(), b"1")
    # Versions of the library differ in the order.
    assert options in (["PX", 420_000, "NX"], ["NX", "PX", 420_000])


def test_none_means_a_replay() -> None:
    with pytest.raises(ReplayedMessageError) as caught:
        guard_on(Client(None)).admit(SEEN)
    assert caught.value.code == "REPLAYED_MESSAGE"


@pytest.mark.parametrize("answer", [False, 1, 0, b"OK", "OK", b"", [], {}, NotImplemented], ids=repr)
def test_any_other_answer_admits_nothing(answer: Any) -> None:
    with pytest.raises(ReplayUnknownError) as caught:
        guard_on(Client(answer)).admit(SEEN)
    assert caught.value.code == "REPLAY_UNKNOWN"


FAILURES = [
    redis.ConnectionError(PASSWORD),
    redis.TimeoutError(PASSWORD),
    redis.AuthenticationError(PASSWORD),
    redis.BusyLoadingError(PASSWORD),
    redis.InvalidResponse(PASSWORD),
    redis.RedisError(PASSWORD),
    OSError(PASSWORD),
    TimeoutError(PASSWORD),
    ValueError(PASSWORD),
    RuntimeError("can't start new thread"),
    UnicodeDecodeError("utf-8", b"", 0, 1, PASSWORD),
    RecursionError(PASSWORD),
    MemoryError(),
    redis.ReadOnlyError(PASSWORD),
    redis.ResponseError(PASSWORD),
    redis.exceptions.OutOfMemoryError(PASSWORD),
    redis.exceptions.NoPermissionError(PASSWORD),
    redis.exceptions.MasterDownError(PASSWORD),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_any_failure_admits_nothing_and_shows_its_class_only(failure: Exception) -> None:
    with pytest.raises(ReplayUnknownError) as caught:
        guard_on(Client(failure)).admit(SEEN)
    assert (caught.value.code, caught.value.sub_indication) == ("REPLAY_UNKNOWN", "TRY_LATER")
    assert type(failure).__name__ in caught.value.detail
    assert PASSWORD not in caught.value.detail
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_who_interrupts_the_program_is_heard() -> None:
    with pytest.raises(KeyboardInterrupt):
        guard_on(Client(KeyboardInterrupt())).admit(SEEN)


def test_after_a_silence_redis_rests_and_then_one_asks_for_all() -> None:
    seconds = Seconds()
    client = Client(redis.TimeoutError(), redis.TimeoutError(), NEW, None)
    guard = guard_on(client, monotonic=seconds)
    for expected in (1, 1, 1):
        with pytest.raises(ReplayUnknownError):
            guard.admit(SEEN)
        assert len(client.asked) == expected
    seconds.now += REST
    for _ in range(2):
        with pytest.raises(ReplayUnknownError):
            guard.admit(SEEN)
    assert len(client.asked) == 2
    seconds.now += REST
    guard.admit(SEEN)
    with pytest.raises(ReplayedMessageError):
        guard.admit(SEEN)


def test_a_redis_that_refuses_is_there_and_does_not_rest() -> None:
    client = Client(redis.ReadOnlyError(), NEW)
    guard = guard_on(client)
    with pytest.raises(ReplayUnknownError):
        guard.admit(SEEN)
    guard.admit(SEEN)


def test_what_came_past_its_window_is_refused_without_asking() -> None:
    client = Client()
    with pytest.raises(ReplayUnknownError, match="came so slowly") as caught:
        guard_on(client, clock=lambda: SEEN.until + dt.timedelta(microseconds=1)).admit(SEEN)
    assert caught.value.code == "REPLAY_UNKNOWN"
    assert client.asked == []


def test_a_clock_that_gives_no_aware_time_is_a_mistake_of_ours() -> None:
    client = Client()
    with pytest.raises(ConfigurationError, match="time zone"):
        guard_on(client, clock=lambda: NOW.replace(tzinfo=None)).admit(SEEN)
    assert client.asked == []


@pytest.mark.parametrize(
    "told",
    [{}, {"maxmemory": 1}, {"maxmemory": "much", "maxmemory_policy": "x"}, None, b"# Memory", redis.TimeoutError()],
    ids=repr,
)
def test_whatever_redis_tells_of_its_memory_a_message_that_was_admitted_stays_admitted(
    told: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Muddled(Client):
        def execute_command(self, *arguments: Any, **options: Any) -> Any:
            if arguments[0] != "INFO":
                return super().execute_command(*arguments, **options)
            if isinstance(told, Exception):
                raise told
            return told

    guard_on(Muddled(NEW)).admit(SEEN)
    assert "does not tell" in caplog.text


def test_the_name_of_a_policy_is_quoted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Hostile(Client):
        def execute_command(self, *arguments: Any, **options: Any) -> Any:
            if arguments[0] == "INFO":
                return {"maxmemory": 1, "maxmemory_policy": "\x1b[31mx\nINFO all is well"}
            return super().execute_command(*arguments, **options)

    guard_on(Hostile(NEW)).admit(SEEN)
    (record,) = caplog.records
    assert "\\x1b\\x5b31mx\\x0a" in record.getMessage()
    assert record.getMessage().isprintable()
