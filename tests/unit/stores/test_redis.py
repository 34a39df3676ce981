"""The shared store without a Redis: what it is made from, what it writes, and when it asks nobody."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
import threading
from typing import Any

import pytest

from nlgov_jades.errors import ConfigurationError
from nlgov_jades.fetch import MemoryStore, SharedLevel
from nlgov_jades.fetch.store import Entry, Key
from nlgov_jades.pki.answer import Standing
from nlgov_jades.result import RevocationSource
from nlgov_jades.stores import redis as module
from nlgov_jades.stores.breaker import REST, Breaker
from nlgov_jades.stores.redis import RedisStore
from nlgov_jades.stores.value import MAX_LINE, Stamp, name_of, read_value

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
PASSWORD = "hunter2-geheim"
KEY = Key(RevocationSource.OCSP, b"i" * 32, 4711, "http://ocsp.example.test/")
NOWHERE = "redis://127.0.0.1:1"


class Response:
    """Stands for an OCSP response: a store looks at its DER and its times only."""

    der = b"0" * 100
    number = None


def entry(**changes: Any) -> Entry:
    stated: dict[str, Any] = {
        "data": Response(),
        "standing": Standing.GOOD,
        "this_update": NOW,
        "valid_until": NOW + 24 * HOUR,
        "fetched_at": NOW,
        "refresh_at": NOW + 4 * HOUR,
        "size": 200,
    }
    return Entry(**{**stated, **changes})


# --- the extra ---------------------------------------------------------------------------------------------------

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError(f"No module named {name!r}", name=MISSING)

sys.meta_path.insert(0, Missing())
import nlgov_jades.stores
assert "redis" not in sys.modules
try:
    import nlgov_jades.stores.redis
except ImportError as error:
    print(error)
"""


def test_without_its_extra_the_store_says_so() -> None:
    program = WITHOUT.replace("MISSING", "'redis'")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "nlgov_jades.stores.redis needs an extra: pip install 'nlgov-jades[redis]'\n"


def test_something_else_that_is_missing_is_not_blamed_on_the_extra() -> None:
    program = WITHOUT.replace("MISSING", "'hiredis'")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "No module named 'redis'\n"


# --- arguments ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://",
        "unix://",
        "127.0.0.1:6379",
        "http://127.0.0.1/",
        "REDIS://127.0.0.1/",
        "redis:127.0.0.1",
        "redis://127.0.0.1:port",
        "redis://127.0.0.1:99999",
        "redis://127.0.0.1/?db=first",
        "redis://127.0.0.1/?db",
        "redis://127.0.0.1/?socket_timeout=60",
        "redis://127.0.0.1/?retry_on_timeout=yes",
        "redis://127.0.0.1/?decode_responses=True",
        "redis://127.0.0.1/?protocol=3",
        "rediss://127.0.0.1/?ssl_cert_reqs=none",
        "rediss://127.0.0.1/?ssl_check_hostname=no",
        "redis://127.0.0.1/#fragment",
        f"redis://user:{PASSWORD}@[::1",
        f"redis://user:{PASSWORD}/@127.0.0.1:6379",
        None,
        b"redis://127.0.0.1/",
        6379,
    ],
)
def test_a_url_of_another_form_is_refused_and_not_shown(url: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^url is ") as caught:
        RedisStore(url)
    error: BaseException | None = caught.value
    assert error is not None
    assert PASSWORD not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("seconds", [0, -1, 1.1, float("nan"), float("inf"), True, "1", None])
def test_a_time_that_is_none_is_refused(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^seconds is a number above 0, at most 1$"):
        RedisStore(NOWHERE, seconds=seconds)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{PASSWORD}@redis.example.test:6380/3",
        f"rediss://:{PASSWORD}@redis.example.test/?ssl_ca_certs=/etc/ssl/redis.pem",
        f"unix://user:{PASSWORD}@/run/redis.sock?db=3",
        f"unix:///run/redis.sock?password={PASSWORD}",
    ],
)
def test_a_password_is_not_shown(url: str) -> None:
    store = RedisStore(url)
    assert repr(store) == "<RedisStore: <MemoryStore: 0 entries, 0 octets>>"
    assert PASSWORD not in repr(vars(store))


def test_the_time_outs_and_the_check_of_a_server_are_ours() -> None:
    settings = RedisStore("rediss://redis.example.test/", seconds=0.25)._pool().connection_kwargs
    assert settings["socket_timeout"] == settings["socket_connect_timeout"] == 0.25
    assert settings["retry"]._retries == 0
    assert settings["ssl_cert_reqs"] == "required"
    assert settings["ssl_check_hostname"] is True


# --- two levels --------------------------------------------------------------------------------------------------


def test_what_is_at_hand_is_in_front() -> None:
    front = MemoryStore()
    store = RedisStore(NOWHERE, front=front)
    assert isinstance(store, SharedLevel)
    assert not isinstance(front, SharedLevel)
    kept = store.put(KEY, entry())
    assert store.get(KEY) is front.get(KEY) is kept
    assert store.generation == 0
    store.put(KEY, entry(standing=Standing.REVOKED))
    assert store.generation == front.generation == 1


def test_where_nobody_listens_there_is_nothing_and_nobody_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store, asked = RedisStore(NOWHERE), []
    start = module._Question.start

    def counted(question: Any, seconds: float) -> None:
        # Not what a store of the test before still asks for in a thread of its own.
        if threading.current_thread() is threading.main_thread():
            asked.append(seconds)
        start(question, seconds)

    monkeypatch.setattr(module._Question, "start", counted)
    for _ in range(3):
        assert store.load(KEY, limit=1000, timeout=5) is None
        store.save(KEY, entry(), timeout=5)
    assert len(asked) == 1


def test_a_machine_without_threads_has_no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    assert RedisStore(NOWHERE).load(KEY, limit=1000, timeout=5) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_until": NOW},
        {"valid_until": NOW - HOUR},
        {"this_update": dt.datetime(1950, 1, 1, tzinfo=dt.UTC)},
    ],
)
def test_what_is_over_or_cannot_be_written_is_not_sent(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisStore(NOWHERE)
    monkeypatch.setattr(store, "_ask", lambda *_: pytest.fail("it was sent"))
    store.save(KEY, entry(**changes), timeout=5)


# --- news --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hearing(monkeypatch: pytest.MonkeyPatch) -> tuple[RedisStore, list[Any]]:
    """A store whose Redis answers what the list holds, and that is asked by hand."""
    store, answers = RedisStore(NOWHERE), []  # type: ignore[var-annotated]  # whatever a test puts there
    monkeypatch.setattr(store, "_ask", lambda *_: answers.pop(0))
    store._ask_after = math.inf
    return store, answers


def test_news_change_the_generation_and_no_news_do_not(hearing: tuple[RedisStore, list[Any]]) -> None:
    store, answers = hearing
    generations = []
    answers += [b"1", b"1", None, b"2", b"2", b"", 7]
    while answers:
        store._ask_for_news()
        generations.append(store.generation)
    assert generations == [1, 1, 1, 2, 2, 3, 3]


def test_after_news_each_entry_is_due_until_it_was_compared(hearing: tuple[RedisStore, list[Any]]) -> None:
    store, answers = hearing
    store.put(KEY, entry())
    kept = store.get(KEY)
    answers += [b"1", None]
    store._ask_for_news()
    due = store.get(KEY)
    assert due is not None
    assert kept is not None
    assert due.refresh_at == NOW
    assert due.data is kept.data
    assert store.load(KEY, limit=1000, timeout=5) is None  # nothing to compare it with
    assert store.get(KEY) is kept


def test_what_is_due_after_news_is_not_told_to_others_as_due(
    hearing: tuple[RedisStore, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, answers = hearing
    store.put(KEY, entry())
    answers.append(b"1")
    store._ask_for_news()
    due = store.get(KEY)
    assert due is not None
    sent: list[bytes] = []

    class Client:
        def eval(self, *arguments: Any) -> None:
            sent.append(arguments[4])

    monkeypatch.setattr(store, "_ask", lambda question, _: question(Client()))
    store.save(KEY, due, timeout=5)
    assert sent == [Stamp(entry()).line + Response.der]


def test_what_was_compared_is_remembered_within_bounds(
    hearing: tuple[RedisStore, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, answers = hearing
    monkeypatch.setattr(module, "MAX_SEEN", 4)
    for serial in range(40):
        answers.append(None if serial % 2 else Stamp(entry()).line + b"0")
        store.load(Key(KEY.source, KEY.issuer, serial, KEY.url), limit=1000, timeout=5)
        assert len(store._seen) <= 4
        assert len(store._offered) <= 4


def test_news_that_come_during_a_comparison_ask_for_another(
    hearing: tuple[RedisStore, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = hearing
    store.put(KEY, entry())
    told = iter([b"1", b"2"])
    monkeypatch.setattr(store, "_ask", lambda *_: next(told))
    store._ask_for_news()

    def overtaken(*_: object) -> None:
        monkeypatch.setattr(store, "_ask", lambda *_: next(told))
        store._ask_for_news()

    monkeypatch.setattr(store, "_ask", overtaken)
    store.load(KEY, limit=1000, timeout=5)
    store.put(KEY, entry())
    due = store.get(KEY)
    assert due is not None
    assert due.refresh_at == NOW


def test_redis_is_asked_for_news_once_in_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    store, asked = RedisStore(NOWHERE), threading.Semaphore(0)
    monkeypatch.setattr(store, "_ask_for_news", asked.release)
    for _ in range(100):
        assert store.generation == 0
    assert asked.acquire(timeout=5)
    assert not asked.acquire(blocking=False)
    store._ask_after -= module.NEWS_SECONDS
    assert store.generation == 0
    assert asked.acquire(timeout=5)


# --- values ------------------------------------------------------------------------------------------------------


def test_a_value_is_read_as_it_was_written() -> None:
    stamp = Stamp(entry())
    assert len(stamp.line) <= MAX_LINE
    found = read_value(stamp.line + Response.der, len(Response.der))
    assert found is not None
    assert (found.octets, found.refresh_at) == (Response.der, NOW + 4 * HOUR)


def test_newer_and_revoked_data_sort_last() -> None:
    ages = [
        Stamp(entry(this_update=NOW - HOUR, standing=Standing.REVOKED)).age,
        Stamp(entry()).age,
        Stamp(entry(standing=Standing.ON_HOLD)).age,
        Stamp(entry(this_update=NOW + HOUR)).age,
    ]
    assert ages == sorted(ages)
    assert len(set(ages)) == 4


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"garbage",
        b"0" * 200,
        Stamp(entry()).line,
        Stamp(entry()).line + b"0" * 101,
        Stamp(entry()).line.replace(b"jades1", b"jades2") + b"0",
        Stamp(entry()).line.replace(b"-", b"0") + b"0",
        Stamp(entry()).line.rstrip() + b"0",
        b" " + Stamp(entry()).line + b"0",
        b"jades1 %s - %s\n0" % (b"9" * 16 + b"0", b"9" * 16),
    ],
)
def test_a_value_of_another_form_is_none(value: bytes) -> None:
    assert read_value(value, 100) is None


def test_the_name_of_a_key_tells_nothing_and_differs_in_every_part() -> None:
    keys = [
        KEY,
        Key(RevocationSource.CRL, KEY.issuer, KEY.serial, KEY.url),
        Key(KEY.source, b"j" * 32, KEY.serial, KEY.url),
        Key(KEY.source, KEY.issuer, 4712, KEY.url),
        Key(KEY.source, KEY.issuer, None, KEY.url),
        Key(KEY.source, KEY.issuer, 471, "1" + KEY.url),
    ]
    names = {name_of(key) for key in keys}
    assert len(names) == len(keys)
    assert all(name.startswith("nlgov-jades:revocation:1:") and "4711" not in name for name in {name_of(KEY)})


# --- the breaker -------------------------------------------------------------------------------------------------


def test_after_a_failure_nobody_asks_until_one_tries_for_all() -> None:
    now = [1000.0]
    breaker = Breaker(lambda: now[0])
    assert breaker.admits()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()
    now[0] += REST - 1
    assert not breaker.admits()
    now[0] += 1
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.failed()
    now[0] += REST
    assert breaker.admits()
    breaker.answered()
    assert all(breaker.admits() for _ in range(3))


def test_one_who_tried_for_all_and_never_came_back_does_not_block_the_others() -> None:
    now = [1000.0]
    breaker = Breaker(lambda: now[0])
    breaker.failed()
    now[0] += REST
    assert breaker.admits()
    now[0] += REST
    assert breaker.admits()
