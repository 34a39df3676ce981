"""URLs of revocation data, read strictly: what two parsers could read in two ways is refused, not mended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from ..errors import FetchError

__all__ = ["HOST", "Target", "parse_url"]

MAX_PORT = 65535

DEFAULT_PORTS = {"http": 80, "https": 443}

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
"""A host name in lower case (RFC 1123 §2.1): no percent-encoding, no letters beyond ASCII, no dot at the end."""

_MAX_HOST = 253
"""RFC 1035 §2.3.4, written out."""

# RFC 3986 §3, without userinfo and fragment. A backslash, white space and control characters are in none of the classes.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z]+)://"
    r"(?:(?P<name>[A-Za-z0-9.-]+)|\[(?P<v6>[0-9A-Fa-f:.]+)\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?P<query>\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)

_LOOKS_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
"""127.1, 2130706433 and 0x7f.0.0.1 are addresses to the C library and names to others."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in parts.

    Attributes:
        scheme: In lower case.
        host: Name in lower case or address; an IPv6 address without brackets.
        port: Stated, or that of the scheme.
        path: Path and query, as in the request line.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the Host field says: the port only where it is not that of the scheme (RFC 9110 §7.2)."""
        return self.authority_of(self.host)

    @property
    def url(self) -> str:
        """The whole, written anew from its parts."""
        return self.url_at(self.host)

    def authority_of(self, host: str) -> str:
        """The authority with another host."""
        bracketed = f"[{host}]" if ":" in host else host
        return bracketed if DEFAULT_PORTS.get(self.scheme) == self.port else f"{bracketed}:{self.port}"

    def url_at(self, host: str) -> str:
        """The URL with another host, for example the address that was checked."""
        return f"{self.scheme}://{self.authority_of(host)}{self.path}"

    @property
    def literal(self) -> str | None:
        """The host when it is an address, else `None`."""
        return self.host if ":" in self.host or _LOOKS_NUMERIC.fullmatch(self.host) else None


def parse_url(url: str) -> Target:
    """The parts of a URL.

    Raises:
        FetchError: It holds userinfo, a fragment, a zone, or anything that could be read in two ways.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise FetchError("its URL has a form that is not accepted")
    scheme = found["scheme"].lower()
    port = int(found["port"]) if found["port"] else DEFAULT_PORTS.get(scheme, 0)
    if not 0 < port <= MAX_PORT:
        raise FetchError("its URL names no port that exists")
    host = _address6(found["v6"]) if found["v6"] else _name(found["name"].lower())
    return Target(scheme, host, port, (found["path"] or "/") + (found["query"] or ""))


def _address6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise FetchError("its URL holds an address that cannot be read") from None


def _name(text: str) -> str:
    if len(text) > _MAX_HOST or not HOST.fullmatch(text):
        raise FetchError("the host in its URL is no host name")
    if _LOOKS_NUMERIC.fullmatch(text):
        try:
            return str(IPv4Address(text))
        except AddressValueError:
            raise FetchError("its URL holds an address that cannot be read") from None
    return text
