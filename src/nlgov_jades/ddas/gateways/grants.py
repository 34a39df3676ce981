"""What a consumer may do: one ServiceConnectionGrant of FSC, as far as an outway needs it. A value only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx

from ...errors import ConfigurationError

__all__ = ["Grant", "address", "check_service"]

MAX_PORT = 65535

_HASH = re.compile(r"\$1\$4\$[A-Za-z0-9+/=_-]{1,128}")
"""FSC core, grant hash: algorithm 1, type 4 (a connection to a service), and the hash."""

_SERVICE = re.compile(r"[a-zA-Z0-9._-]{1,100}")
"""FSC core, rules of a ServicePublicationGrant."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+")
"""No path, which a gateway changes in no request; no password, query or fragment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """That a service may be used.

    Attributes:
        hash: Hash of the grant, which a consumer names in `Fsc-Grant-Hash`.
        service: Name of the service.
        inway: Address of the inway, such as `https://inway.gemeente.example:443`; without a path.

    Raises:
        ConfigurationError: A value has another form.
    """

    hash: str = field(repr=False)
    service: str
    inway: str

    def __post_init__(self) -> None:
        if not isinstance(self.hash, str) or not _HASH.fullmatch(self.hash):
            raise ConfigurationError("hash of a Grant begins with $1$4$, as FSC writes the hash of a connection")
        check_service(self.service)
        if address(self.inway).scheme != "https":
            raise ConfigurationError("inway of a Grant is an address with https")


def check_service(name: object) -> None:
    """Return when it is a name that a service of FSC may have.

    Raises:
        ConfigurationError: It is not.
    """
    if not isinstance(name, str) or not _SERVICE.fullmatch(name):
        raise ConfigurationError("a service of FSC has a name of 100 letters, digits, points, dashes at most")


def address(text: object) -> httpx.URL:
    """Scheme, host and port, and nothing behind them: a gateway changes no path.

    Raises:
        ConfigurationError: It is something else.
    """
    try:
        url = httpx.URL(text) if isinstance(text, str) and _ADDRESS.fullmatch(text) else None
    except httpx.InvalidURL:
        url = None
    if url is None or not url.host or not 0 < (url.port or 1) <= MAX_PORT:
        raise ConfigurationError("an address of a gateway is http or https with a host, and nothing behind that")
    return url
