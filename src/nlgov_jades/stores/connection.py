"""How Redis is connected to: what a URL may say, and how long anything may take. No connection is made here."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, urlsplit

from ..errors import ConfigurationError

__all__ = ["MAX_SECONDS", "SECONDS", "check_seconds", "connection_settings", "made_from_url"]

SECONDS: Final = 0.5
"""For one question, connection included: Redis answers in a millisecond, and a fetch that it saves takes some tens."""

MAX_SECONDS: Final = 1.0
"""What a fetcher leaves for it at most, and what a message may wait for it."""

_T = TypeVar("_T")

_SCHEMES = frozenset({"redis", "rediss", "unix"})

_OPTIONS = frozenset({"db", "username", "password", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"})
"""What the query of the URL may say. Among what else the library reads there are time-outs, retries, and options that turn
the check of the server's certificate off."""


def check_seconds(seconds: float) -> float:
    """The time for one question.

    Raises:
        ConfigurationError: It is no number, or too long for those who wait.
    """
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 0 < seconds <= MAX_SECONDS:
        raise ConfigurationError(f"seconds is a number above 0, at most {MAX_SECONDS:.0f}")
    return float(seconds)


def connection_settings(url: str, seconds: float) -> dict[str, Any]:
    """What a pool of connections to this URL is made with, beside the URL; no retries are among it.

    Raises:
        ConfigurationError: `url` has another form or option. It is not shown: there may be a password in it.
    """
    scheme = ""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme
        known = parts.scheme in _SCHEMES and parse_qs(parts.query, strict_parsing=bool(parts.query)).keys() <= _OPTIONS
        known = known and bool(parts.path if parts.scheme == "unix" else parts.hostname) and not parts.fragment
        # Spelled as the library tells them apart.
        known = known and re.match(r"(redis|rediss|unix)://", url) is not None
    except (ValueError, TypeError, AttributeError):
        known = False
    if not known:
        raise ConfigurationError(
            f"url is a redis, rediss or unix URL with no other options than {', '.join(sorted(_OPTIONS))}"
        )
    settings: dict[str, Any] = {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "retry_on_timeout": False,
        # The older protocol: nothing is negotiated, and nothing comes unasked.
        "protocol": 2,
    }
    if scheme == "rediss":
        settings |= {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return settings


def made_from_url(make: Callable[[], _T]) -> _T:
    """What `make` makes of a URL.

    Raises:
        ConfigurationError: The library refuses it. Its text is left behind: it may hold a part of the password.
    """
    made: list[_T] = []
    with suppress(Exception):  # which ones the library raises, it does not say
        made.append(make())
    if not made:
        raise ConfigurationError("url is no URL of a Redis")
    return made[0]
