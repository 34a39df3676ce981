"""Which hosts a client signs for and verifies. Values only."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ..encoding import ascii_lower
from ..errors import ConfigurationError

__all__ = ["ANY_HOST", "AnyHost", "Hosts", "Origin"]

_NAMED = re.compile(r"(http://)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._~-]+))(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_FORM = (
    "hosts names each host as in the URL, with its port when that is not 443 ('api.example.nl', 'api.example.nl:8443'; an "
    "international name as xn--…), or is ANY_HOST; 'http://127.0.0.1:8080' allows a host without TLS"
)


class AnyHost(Enum):
    """See ANY_HOST."""

    ANY_HOST = "any-host"


ANY_HOST: Final = AnyHost.ANY_HOST
"""Every host over https that a request of this client leads to, a redirect's included. Meant for `mounts=`, where the pattern
names the host."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request goes.

    Attributes:
        scheme: In lower case.
        host: As it is looked up: after IDNA, in lower case, an IPv6 address without brackets.
        port: A number.
    """

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, scheme: str, host: str, port: int | None) -> Origin:
        """From the parts of a URL, as the client library connects to them."""
        scheme = ascii_lower(scheme)
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        return cls(scheme, ascii_lower(bare), _DEFAULT_PORTS.get(scheme, 0) if port is None else port)


class Hosts:
    """The hosts that were named to a client.

    Args:
        named: See the sentence in the error; never empty.

    Raises:
        ConfigurationError: It has another form.
    """

    __slots__ = ("_origins",)

    def __init__(self, named: Collection[str] | AnyHost) -> None:
        if named is ANY_HOST:
            self._origins: frozenset[Origin] | None = None
            return
        if isinstance(named, str | bytes) or not isinstance(named, Collection) or not named:
            raise ConfigurationError(_FORM)
        self._origins = frozenset(_origin(name) for name in named)

    def __contains__(self, origin: object) -> bool:
        if self._origins is None:
            return isinstance(origin, Origin) and origin.scheme == "https"
        return origin in self._origins

    def __repr__(self) -> str:
        return "<Hosts: any over https>" if self._origins is None else f"<Hosts: {len(self._origins)} named>"


def _origin(name: object) -> Origin:
    match = _NAMED.fullmatch(name) if isinstance(name, str) else None
    if match is None:
        raise ConfigurationError(_FORM)
    plain, address, host, port = match.groups()
    return Origin.of("http" if plain else "https", address or host, None if port is None else int(port))
