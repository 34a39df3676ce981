"""Revocation data that several processes share through Redis. Needs the extra `redis`.

Redis is a hint, never an authority. What comes out of it is parsed and checked like an answer of a stranger's server, and
whatever goes wrong with it means "not in the store": the fetch goes on as if there were no Redis. What a process parsed, it
keeps parsed in a store in memory, so that a large CRL is parsed once in each process and not for each message.
"""

from __future__ import annotations

import datetime as dt
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

from ..fetch.shared import SharedData
from ..fetch.store import DataStore, Entry, Key, MemoryStore
from ..fork import renew_after_fork
from .breaker import Breaker
from .connection import SECONDS, check_seconds, connection_settings, made_from_url
from .value import MAX_LINE, NEWS, Stamp, age_of, name_of, read_value

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError as error:
    if error.name != "redis":
        raise
    raise ImportError(
        "nlgov_jades.stores.redis needs an extra: pip install 'nlgov-jades[redis]'", name="redis"
    ) from None

__all__ = ["RedisStore"]

FAIR_SECONDS: Final = 0.1
"""A question that was given less than this says nothing about Redis when its time runs out."""

NEWS_SECONDS: Final = 10.0
"""How often Redis is asked whether another process met a revocation, while messages come in."""

MAX_SEEN: Final = 8192
"""Keys that are remembered as looked at since then: twice what a MemoryStore holds."""

LONGEST: Final = dt.timedelta(days=7)
"""Data are asked for anew every four hours; what nobody renewed for a week, nobody needs."""

FUTURE: Final = dt.timedelta(days=1)
"""Between the clocks of two machines. A value from later than this is garbage, which may be overwritten."""

_MILLISECOND = dt.timedelta(milliseconds=1)

# The line in front of a value is compared and replaced in one go: no other client comes in between. A value that is not ours,
# never ends, or is from a time to come is no reason to keep anything.
_SAVE = """
local held = redis.pcall('GETRANGE', KEYS[1], 0, 127)
local left = redis.call('PTTL', KEYS[1])
local same = false
if type(held) == 'string' and left >= 0 and left <= tonumber(ARGV[6]) then
  local age, number = string.match(held, '^jades1 (%d+) ([%d-]+) %d+\\n')
  if age and #age == #ARGV[3] and age <= ARGV[5] then
    local lower = #number == #ARGV[4] and ARGV[4] < number
    if ARGV[3] < age or lower then return 0 end
    same = age == ARGV[3] and number == ARGV[4]
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if ARGV[7] == '1' and not same then
  redis.pcall('INCR', KEYS[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
end
return 1
"""

_T = TypeVar("_T")


class RedisStore:
    """A DataStore with a SharedLevel in Redis. Safe to share between threads, and between the tasks of any event loop.

        store = RedisStore(os.environ["REDIS_URL"])
        verifier = Verifier.pkioverheid(bundle, …, fetcher=RequestsFetcher(store=store))

    Args:
        url: `redis://`, `rediss://` (TLS; the server's certificate is checked) or `unix://`, with the password if there is
            one. It is shown nowhere.
        front: What this process keeps parsed; a MemoryStore when `None`.
        seconds: For each question to Redis, connection included.

    Raises:
        ConfigurationError: `url` has another form or option, or `seconds` is no time.
    """

    def __init__(self, url: str, *, front: DataStore | None = None, seconds: float = SECONDS) -> None:
        self._seconds = check_seconds(seconds)
        self._front: DataStore = MemoryStore() if front is None else front
        self._breaker = Breaker()
        self._pool = _pools(url, self._seconds)
        self._unlock()
        renew_after_fork(self._unlock)
        self._news: bytes | None = None
        self._changes = 0
        self._ask_after = -math.inf
        # Which keys were compared with Redis since the last news, and which are being compared.
        self._seen: set[Key] = set()
        self._offered: dict[Key, set[Key]] = {}

    # --- what is kept in this process ---------------------------------------------------------------------------------

    def _unlock(self) -> None:
        self._lock = threading.Lock()

    @property
    def generation(self) -> int:
        """As `DataStore.generation`, and it changes within seconds of a revocation that another process met.

        It is at hand: every ten seconds at most, reading it starts a thread that asks Redis for the next reader.
        """
        with self._lock:
            now = time.monotonic()
            due = now >= self._ask_after
            if due:
                self._ask_after = now + NEWS_SECONDS
        if due:
            with suppress(RuntimeError):  # no thread is left: the next time, then
                threading.Thread(target=self._ask_for_news, name="nlgov-jades-redis-news", daemon=True).start()
        return self._front.generation + self._changes

    def get(self, key: Key) -> Entry | None:
        """As `DataStore.get`. Redis is not asked: see `load`.

        After another process met a revocation, data that were not compared with Redis since then are due.
        """
        entry = self._front.get(key)
        if entry is None or self._changes == 0 or key in self._seen:
            return entry
        return replace(entry, refresh_at=entry.fetched_at)

    def put(self, key: Key, entry: Entry) -> Entry:
        """As `DataStore.put`. Redis is not told: see `save`."""
        kept = self._front.put(key, entry)
        with self._lock:
            _add(self._offered.pop(key, set()), key)
        return kept

    # --- what is shared -----------------------------------------------------------------------------------------------

    def load(self, key: Key, *, limit: int, timeout: float) -> SharedData | None:
        """As `SharedLevel.load`."""
        name, most = name_of(key), limit + MAX_LINE
        # Of this moment: news that come meanwhile start another set.
        seen = self._seen

        def read(client: Any) -> bytes:
            # A value can have 512 MB. It may also grow between the two questions.
            if not 0 < client.strlen(name) <= most:
                return b""
            octets: bytes = client.getrange(name, 0, most)
            return octets

        value = self._ask(read, timeout)
        found = read_value(value, limit) if isinstance(value, bytes) else None
        held = self._front.get(key)
        with self._lock:
            # Other data count as compared when they, or what is fetched in their stead, are put in front.
            if found is None or (held is not None and found.octets == held.data.der):
                _add(seen, key)
            else:
                _bound(self._offered)
                self._offered[key] = seen
        return found

    def save(self, key: Key, entry: Entry, *, timeout: float) -> None:
        """As `SharedLevel.save`."""
        held = self._front.get(key)
        if held is not None and held.data is entry.data:
            # `get` may have said that it is due, which is about this process only.
            entry = held
        left = min(entry.valid_until - entry.fetched_at, LONGEST) // _MILLISECOND
        try:
            stamp = Stamp(entry)
        except ValueError:
            return
        if left <= 0:
            return
        latest = age_of(entry.fetched_at + FUTURE, revoked=True)
        value = stamp.line + entry.data.der
        arguments = (value, left, stamp.age, stamp.number, latest, LONGEST // _MILLISECOND, int(stamp.warns))
        self._ask(lambda client: client.eval(_SAVE, 2, name_of(key), NEWS, *arguments), timeout)

    def _ask_for_news(self) -> None:
        news = self._ask(lambda client: client.getrange(NEWS, 0, 32), self._seconds)
        with self._lock:
            # The first time as well: what was loaded before it may be older.
            if isinstance(news, bytes) and news != self._news:
                self._news, self._seen = news, set()
                self._changes += 1

    def _ask(self, question: Callable[[Any], _T], timeout: float) -> _T | None:
        """The answer, or `None` when there is none in time, whatever Redis or the network does.

        In a thread: neither the look-up of a name nor a server that sends one octet at a time heeds a time-out of a socket.
        """
        if not self._breaker.admits():
            return None
        try:
            asked = _Question(self._pool(), question)
            asked.start(min(timeout, self._seconds))
            counts = asked.over or timeout >= min(FAIR_SECONDS, self._seconds)
        except Exception:  # noqa: BLE001 - a machine that has no thread left, for example
            self._breaker.failed()
            return None
        if asked.answered:
            self._breaker.answered()
        elif counts:
            self._breaker.failed()
        return asked.answer

    def __repr__(self) -> str:
        return f"<RedisStore: {self._front!r}>"


def _add(keys: set[Key], key: Key) -> None:
    _bound(keys)
    keys.add(key)


def _bound(keys: set[Key] | dict[Key, set[Key]]) -> None:
    # Each that is forgotten is compared once more.
    if len(keys) >= MAX_SEEN:
        keys.clear()


class _Question(Generic[_T]):
    """One question on a connection of its own.

    Attributes:
        over: Whether anything came of it in time.
        answered: Whether that was something that Redis said.
        answer: What it said; `None` when it refused, or said nothing.
    """

    def __init__(self, pool: redis.ConnectionPool, question: Callable[[Any], _T]) -> None:
        self.over = self.answered = False
        self.answer: _T | None = None
        self._pool = pool
        self._question = question
        self._over = threading.Event()
        self._heard: list[_T] = []
        self._alive = False

    def start(self, seconds: float) -> None:
        """Ask, and wait that long for the answer. What comes later is not looked at."""
        threading.Thread(target=self._run, name="nlgov-jades-redis", daemon=True).start()
        self.over = self._over.wait(seconds)
        if self.over:
            self.answered, self.answer = self._alive, next(iter(self._heard), None)
        else:
            self._pool.disconnect()

    def _run(self) -> None:
        try:
            self._heard.append(self._question(redis.Redis(connection_pool=self._pool)))
            self._alive = True
        except redis.ResponseError:
            # The key holds something of another type, or we may not write: it is there.
            self._alive = True
        except Exception:  # noqa: BLE001, S110 - also what the library raises when its connection is closed under it
            pass
        finally:
            self._over.set()
            self._pool.disconnect()


def _pools(url: str, seconds: float) -> Callable[[], redis.ConnectionPool]:
    """Makes a pool for one question each: the next is hours away, and a connection that hangs takes no other with it."""
    settings = connection_settings(url, seconds) | {"retry": Retry(NoBackoff(), 0), "max_connections": 1}

    def pool() -> redis.ConnectionPool:
        return redis.ConnectionPool.from_url(url, **settings)

    made_from_url(pool)
    return pool
