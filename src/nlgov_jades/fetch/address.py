"""Which addresses a fetch may connect to. Pure: addresses come in as text, nothing is looked up.

A URL in a certificate was written by a CA, the address behind its name by whoever runs the DNS for it. Without this check
that party makes a gateway talk to its own loopback, its internal network or the metadata service of its cloud.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from ..errors import ConfigurationError, FetchError, quoted

__all__ = ["AddressRule", "Addresses", "check_addresses", "check_networks"]

_Network = IPv4Network | IPv6Network


class AddressRule(Enum):
    """Where a fetch may connect to, when it is not a list of networks."""

    PUBLIC_ONLY = "public-only"
    """Addresses that the whole internet can reach."""

    ANY_ADDRESS = "any-address"
    """No check at all. For tests, and for networks in which every address is as good as any other."""


Addresses = AddressRule | tuple[_Network, ...]

_REFUSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # "this network"; Linux takes 0.0.0.0 for loopback
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598), and a metadata service at 100.100.100.200
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform service: a public number that is local everywhere in that cloud
        "169.254.0.0/16",  # link-local, and the metadata service at 169.254.169.254
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and limited broadcast
    )
)

_GLOBAL_V6 = IPv6Network("2000::/3")
"""All of IPv6 that is assigned for global unicast. Loopback, fe80::/10, fc00::/7 with fd00:ec2::254, multicast, the
IPv4-mapped addresses and the local NAT64 prefix 64:ff9b:1::/48 are outside of it."""

_REFUSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments; Teredo, which wraps an IPv4 address, is 2001::/32
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 wraps an IPv4 address and was withdrawn (RFC 7526)
        "3fff::/20",  # documentation
    )
)

_REFUSED: tuple[_Network, ...] = (*_REFUSED_V4, *_REFUSED_V6)

_NAT64 = IPv6Network("64:ff9b::/96")
"""On a network with IPv6 only, every IPv4 host has an address in here: what it wraps is judged (RFC 6052 §3.1)."""


def check_networks(networks: object) -> tuple[_Network, ...]:
    """The networks, when they are some.

    Raises:
        ConfigurationError: None, or something that is no network.
    """
    stated = tuple(networks) if isinstance(networks, Collection) else ()
    found = tuple(network for network in stated if isinstance(network, IPv4Network | IPv6Network))
    if not found or len(found) != len(stated):
        raise ConfigurationError("addresses is an AddressRule or a non-empty tuple of IPv4Network and IPv6Network")
    return found


def check_addresses(addresses: Sequence[str], rule: Addresses) -> tuple[str, ...]:
    """The addresses, each once, when every one of them is allowed.

    One that is not refuses them all: a name that has both a public and a private address is set up by mistake or to
    rebind.

    Args:
        addresses: As the resolver wrote them.
        rule: What is allowed.

    Raises:
        FetchError: There is none, or one is not allowed.
    """
    if not addresses:
        raise FetchError("its host has no address")
    for address in addresses:
        _check_address(address, rule)
    return tuple(dict.fromkeys(addresses))


def _check_address(text: str, rule: Addresses) -> None:
    try:
        address = ip_address(text)
    except ValueError:
        raise FetchError("its host has an address that cannot be read") from None
    if rule is AddressRule.ANY_ADDRESS:
        return
    networks: tuple[_Network, ...] = rule if isinstance(rule, tuple) else _allowed_networks(address)
    if not _is_in(address, networks):
        raise FetchError(f"its host has the address {quoted(text)}, which may not be connected to")


def _allowed_networks(address: IPv4Address | IPv6Address) -> tuple[_Network, ...]:
    """The networks that may hold this address under PUBLIC_ONLY; none when a narrower one is refused."""
    if isinstance(address, IPv6Address) and address in _NAT64:
        wrapped = IPv4Address(int(address) & 0xFFFFFFFF)
        return (_NAT64,) if _allowed_networks(wrapped) else ()
    if _is_in(address, _REFUSED):
        return ()
    return (IPv4Network("0.0.0.0/0"),) if isinstance(address, IPv4Address) else (_GLOBAL_V6,)


def _is_in(address: IPv4Address | IPv6Address, networks: tuple[_Network, ...]) -> bool:
    # Of another version, it is in none: an IPv4-mapped address is no IPv4 address.
    return any(address in network for network in networks)
