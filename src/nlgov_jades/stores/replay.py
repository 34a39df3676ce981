"""A replay guard that several processes share through Redis. Needs the extra `redis`.

One command remembers a signature and says whether it was there already, so of simultaneous copies exactly one is admitted.
Other than the shared revocation data, what Redis says here counts: whoever may write to it can have a message refused, and
whoever may delete from it can have one accepted twice. Whatever goes wrong means "not admitted".
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final, Self

from ..clock import Clock, check_time, utc_now
from ..errors import ConfigurationError, ReplayedMessageError, ReplayUnknownError, quoted
from ..pki.answer import later
from ..replay import Sighting
from .breaker import Breaker
from .connection import MAX_SECONDS, SECONDS, check_seconds, connection_settings, made_from_url

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.client import Pipeline
    from redis.retry import Retry
except ImportError as error:
    if error.name != "redis":
        raise
    raise ImportError(
        "nlgov_jades.stores.replay needs an extra: pip install 'nlgov-jades[redis]'", name="redis"
    ) from None

__all__ = ["RedisReplayGuard"]

PREFIX: Final = "nlgov-jades:replay:"
"""Of every key, for ACL rules and for whoever looks around. Never that of the shared revocation data."""

MARGIN: Final = dt.timedelta(seconds=60)
"""A signature is remembered for so much longer than it counts: the clocks of our own processes may differ by that."""

REST: Final = 1.0
"""Seconds after a failure in which Redis is not asked. Everything is refused meanwhile, so it is short; without it, each
message would keep a thread waiting for a Redis that hangs."""

CONNECTIONS: Final = 64
"""At once. One answers thousands of messages a second; who finds none free waits as long as for an answer."""

_PREFIX = re.compile(r"[\x21-\x7e]{1,200}")
_MILLISECOND = dt.timedelta(milliseconds=1)
_KEEPS = "noeviction"

_log = logging.getLogger("nlgov_jades.stores")


class RedisReplayGuard:
    """A ReplayGuard in Redis. Safe to share between threads; it waits for the network, so a task calls it in a thread.

        guard = RedisReplayGuard.from_url(os.environ["REDIS_URL"])

    Redis must keep what it is told: `maxmemory-policy noeviction`, which is looked at once and complained about in the log.
    A Redis that restarts without persistence, or a replica that takes over before it heard, has forgotten.

    Args:
        client: A `redis.Redis` with `socket_timeout` and `socket_connect_timeout` of at most a second and no retries: a
            message waits for it, and a command that is sent twice finds its own trace. `from_url` makes such a client.
        prefix: Of the keys. Guards with the same prefix in the same database are one guard; all verifiers behind it have the
            same `max_age` and `clock_skew`, or it is told with `remember`.
        remember: At least so long after its signing time a signature is remembered: the longest `max_age` and `clock_skew`
            together, where they differ.
        clock: Gives the current time, UTC. Use the verifier's.
        monotonic: Gives seconds that never go back, for the rest after a failure.

    Raises:
        ConfigurationError: An argument has another form, or the client may wait too long or sends commands again.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        prefix: str = PREFIX,
        remember: dt.timedelta = dt.timedelta(0),
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        _check_client(client)
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
            raise ConfigurationError("prefix is 1 to 200 visible ASCII characters")
        if not isinstance(remember, dt.timedelta) or remember < dt.timedelta(0):
            raise ConfigurationError("remember is a timedelta, not below zero")
        self._client: Any = client
        self._prefix = prefix
        self._remember = remember
        self._clock = clock
        self._breaker = Breaker(monotonic, rest=REST)
        self._looked = False

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        seconds: float = SECONDS,
        prefix: str = PREFIX,
        remember: dt.timedelta = dt.timedelta(0),
        clock: Clock = utc_now,
    ) -> Self:
        """A guard with connections of its own. None is opened yet.

        Args:
            url: `redis://`, `rediss://` (TLS; the server's certificate is checked) or `unix://`, with the password if there
                is one. It is shown nowhere.
            seconds: For a free connection, for connecting, and for the answer, each.
            prefix: As for the class.
            remember: As for the class.
            clock: As for the class.

        Raises:
            ConfigurationError: `url` has another form or option, `seconds` is no time, or as for the class.
        """
        waits = check_seconds(seconds)
        settings = connection_settings(url, waits) | {"retry": Retry(NoBackoff(), 0)}
        pool = made_from_url(
            lambda: redis.BlockingConnectionPool.from_url(url, max_connections=CONNECTIONS, timeout=waits, **settings)
        )
        return cls(redis.Redis(connection_pool=pool), prefix=prefix, remember=remember, clock=clock)

    def admit(self, sighting: Sighting) -> None:
        """As `ReplayGuard.admit`.

        A time-out says nothing about whether Redis did what it was asked. A message that was refused for one may be refused
        as a replay when it comes again; with a new signature it passes.
        """
        now = check_time(self._clock())
        if now > sighting.until:
            # Its trace may be gone: the fields were verified in time, and the body took until now.
            raise ReplayUnknownError("the message came so slowly that a copy of it would no longer be remembered")
        end = max(sighting.until, later(sighting.signed_at, self._remember))
        # From the earlier of the two: a clock that was set back must find the trace as well.
        left = (end - min(now, sighting.seen_at) + MARGIN) // _MILLISECOND
        answer = self._ask(self._prefix + sighting.key.hex(), left)
        if answer is None:
            raise ReplayedMessageError("this very signature was accepted before")
        if answer is not True:
            raise ReplayUnknownError("the replay guard's Redis gave an answer that makes no sense")
        if not self._looked:
            self._look()

    def _ask(self, key: str, milliseconds: int) -> object:
        """What Redis says: True when it was not there and is now, None when it was."""
        if not self._breaker.admits():
            raise ReplayUnknownError("the replay guard's Redis did not answer a moment ago and is not asked now")
        try:
            answer: object = self._client.set(key, b"1", nx=True, px=milliseconds)
        except redis.ResponseError as error:
            # A replica, a full one, one that is still loading, or one that does not know us: it is there.
            self._breaker.answered()
            raise ReplayUnknownError(f"the replay guard's Redis refused ({type(error).__name__})") from None
        except Exception as error:  # noqa: BLE001 - whatever it is: nothing is known, so nothing is admitted
            self._breaker.failed()
            raise ReplayUnknownError(f"the replay guard's Redis did not answer ({type(error).__name__})") from None
        self._breaker.answered()
        return answer

    def _look(self) -> None:
        """Complain, once, about a Redis that may drop keys before their time."""
        self._looked = True
        try:
            told: Any = self._client.info("memory")
            policy, limit = str(told["maxmemory_policy"]), int(told["maxmemory"])
        except Exception:  # noqa: BLE001 - it may be forbidden to ask; no message depends on it
            _log.warning("the replay guard's Redis does not tell whether it keeps its keys: it needs %s", _KEEPS)
            return
        if limit and policy != _KEEPS:
            _log.warning(
                "the replay guard's Redis drops keys when it is full (maxmemory-policy %s), and then a replay passes: "
                "it needs %s",
                quoted(policy),
                _KEEPS,
            )

    def __repr__(self) -> str:
        return f"<RedisReplayGuard: {self._prefix}>"


def _check_client(client: object) -> None:
    if not isinstance(client, redis.Redis) or isinstance(client, Pipeline):
        raise ConfigurationError("client is a redis.Redis; for a URL there is RedisReplayGuard.from_url")
    if client.connection is not None:
        # Threads would read each other's answers.
        raise ConfigurationError("client has one single connection (single_connection_client), which cannot be shared")
    settings = client.connection_pool.connection_kwargs
    for name in ("socket_timeout", "socket_connect_timeout"):
        seconds = settings.get(name)
        if not isinstance(seconds, int | float) or not 0 < seconds <= MAX_SECONDS:
            raise ConfigurationError(f"client needs a {name} above 0, at most {MAX_SECONDS:.0f} second")
    retry = settings.get("retry")
    # The library made the number public in its version 6 only.
    again = settings.get("retry_on_error") if retry is None else getattr(retry, "_retries", 0)
    if again:
        raise ConfigurationError("client sends commands again: it needs retry=Retry(NoBackoff(), 0)")
