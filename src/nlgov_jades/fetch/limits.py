"""What a fetcher may reach and how long it may take, as frozen values. No socket is opened here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, Final, Self
from urllib import request as environment

from ..errors import ConfigurationError, FetchError
from .address import Addresses, AddressRule, check_addresses, check_networks
from .url import HOST, MAX_PORT, Target, parse_url

__all__ = ["ANY_HOST", "AnyHost", "FetchLimits", "ProxyRule"]

WEB_PORTS: Final = frozenset({80, 443})
"""Where revocation data are published; a URL with another port speaks to something else."""

FETCH_SECONDS: Final = 5.0
"""A responder answers in milliseconds, a large CRL comes in a second; what takes longer is down."""

MAX_SECONDS: Final = 3600
"""Beyond this it is a mistake, and some systems cannot wait that long."""

_SCHEMES: Final = frozenset({"http", "https"})

_PROXY = re.compile(r"https?://(?:[!-.0-9:;=A-Z_a-z~%]+@)?(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?")


class AnyHost(Enum):
    """Type of `ANY_HOST`."""

    ANY_HOST = "any-host"


ANY_HOST: Final = AnyHost.ANY_HOST
"""Every host that a CA wrote into a certificate, as long as its addresses are allowed."""


class ProxyRule(Enum):
    """Through which proxy to fetch, when it is not named by its URL."""

    NO_PROXY = "no-proxy"
    """None, whatever the environment says."""

    FROM_ENVIRONMENT = "from-environment"
    """What http_proxy, https_proxy and no_proxy say."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What a fetcher may reach.

    Attributes:
        allowed_hosts: `ANY_HOST`, or the host names that may be asked; compared whole, in lower case.
        ports: Ports that may be asked.
        schemes: `http`, `https` or both. OCSP responses and CRLs are signed themselves: http takes nothing from them.
        addresses: An AddressRule, or the only networks that may be connected to.
        seconds: How long one fetch may take, look-up of the name included.
        proxy: A ProxyRule, or the URL of a proxy. A proxy looks names up itself, so that the addresses cannot be
            checked here: it goes together with a list of hosts only.

    Raises:
        ConfigurationError: A value has another form, is empty, or a proxy comes without `allowed_hosts`.
    """

    allowed_hosts: Collection[str] | AnyHost = ANY_HOST
    ports: Collection[int] = WEB_PORTS
    schemes: Collection[str] = _SCHEMES
    addresses: Addresses = AddressRule.PUBLIC_ONLY
    seconds: float = FETCH_SECONDS
    # May hold a password.
    proxy: ProxyRule | str = dataclasses.field(default=ProxyRule.NO_PROXY, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.allowed_hosts, AnyHost):
            object.__setattr__(self, "allowed_hosts", _hosts(self.allowed_hosts))
        object.__setattr__(self, "ports", _ports(self.ports))
        schemes = frozenset(self.schemes)
        if not schemes or not schemes <= _SCHEMES:
            raise ConfigurationError("schemes holds http, https or both")
        object.__setattr__(self, "schemes", schemes)
        if not isinstance(self.addresses, AddressRule):
            object.__setattr__(self, "addresses", check_networks(self.addresses))
        number = isinstance(self.seconds, int | float) and not isinstance(self.seconds, bool)
        if not number or not 0 < self.seconds <= MAX_SECONDS:
            raise ConfigurationError(f"seconds is a number above 0, at most {MAX_SECONDS}")
        _check_proxy(self.proxy, self.allowed_hosts)

    def replace(self, **changes: Any) -> Self:
        """The same limits with these attributes changed."""
        return dataclasses.replace(self, **changes)

    def target(self, url: str) -> Target:
        """The URL in parts, when it may be fetched.

        Raises:
            FetchError: Its form, scheme, port or host is not allowed, or its host is an address that is not.
        """
        target = parse_url(url)
        if target.scheme not in self.schemes:
            raise FetchError("its URL has a scheme that is not allowed")
        if target.port not in self.ports:
            raise FetchError(f"its URL names port {target.port}, which is not allowed")
        if not isinstance(self.allowed_hosts, AnyHost) and target.host not in self.allowed_hosts:
            raise FetchError("its host is not on the list of allowed hosts")
        if target.literal is not None:
            check_addresses((target.literal,), self.addresses)
        return target

    def proxy_for(self, target: Target) -> str | None:
        """The URL of the proxy to fetch this through; `None` to connect to its own address.

        Raises:
            FetchError: The environment names a proxy that cannot be used.
        """
        if isinstance(self.proxy, str):
            return self.proxy
        if self.proxy is ProxyRule.NO_PROXY:
            return None
        return _environment_proxy(target, environment.getproxies_environment())


def _hosts(hosts: object) -> frozenset[str]:
    if isinstance(hosts, str) or not isinstance(hosts, Collection) or not hosts:
        raise ConfigurationError("allowed_hosts is ANY_HOST or a non-empty set of host names")
    names = frozenset(host.lower() for host in hosts if isinstance(host, str))
    if len(names) == 0 or not all(isinstance(host, str) and HOST.fullmatch(host.lower()) for host in hosts):
        raise ConfigurationError("allowed_hosts holds host names without scheme, port or wildcard")
    return names


def _ports(ports: object) -> frozenset[int]:
    if isinstance(ports, str) or not isinstance(ports, Collection) or not ports:
        raise ConfigurationError("ports holds port numbers, at least one")
    if not all(isinstance(port, int) and 0 < port <= MAX_PORT for port in ports):
        raise ConfigurationError(f"ports holds port numbers from 1 to {MAX_PORT}")
    return frozenset(ports)


def _check_proxy(proxy: object, hosts: object) -> None:
    if not isinstance(proxy, ProxyRule) and not (isinstance(proxy, str) and _PROXY.fullmatch(proxy)):
        raise ConfigurationError("proxy is a ProxyRule or the http or https URL of a proxy")
    if proxy is not ProxyRule.NO_PROXY and isinstance(hosts, AnyHost):
        raise ConfigurationError("a proxy connects to any address that a name has: name the allowed_hosts too")


def _environment_proxy(target: Target, proxies: Mapping[str, str]) -> str | None:
    # typeshed knows this function on some systems only; it is the same everywhere.
    if environment.proxy_bypass_environment(target.authority, dict(proxies)):  # type: ignore[attr-defined]
        return None
    url = proxies.get(target.scheme) or proxies.get("all")
    if not url:
        return None
    url = url if "://" in url else f"http://{url}"
    if not _PROXY.fullmatch(url):
        raise FetchError("the environment names a proxy that cannot be used")
    return url
