"""Which addresses may be connected to: a table, one address for each reason."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from nlgov_jades.errors import ConfigurationError, FetchError
from nlgov_jades.fetch.address import AddressRule, check_addresses, check_networks

PUBLIC = {
    "an IPv4 address": "93.184.215.14",
    "just outside of a private network": "172.32.0.1",
    "just outside of carrier-grade NAT": "100.128.0.1",
    "an IPv6 address": "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    "just outside of documentation": "2001:db9::1",
    "public in NAT64": "64:ff9b::5db8:d70e",
}

REFUSED = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "unspecified": "0.0.0.0",  # noqa: S104 - nothing is bound
    "this network": "0.1.2.3",
    "private 10": "10.1.2.3",
    "private 172.16": "172.16.0.1",
    "end of private 172.16": "172.31.255.255",
    "private 192.168": "192.168.1.1",
    "carrier-grade NAT": "100.64.0.1",
    "metadata of Alibaba": "100.100.100.200",
    "link-local": "169.254.1.1",
    "metadata": "169.254.169.254",
    "metadata of Oracle": "192.0.0.192",
    "platform of Azure": "168.63.129.16",
    "documentation 1": "192.0.2.1",
    "documentation 2": "198.51.100.1",
    "documentation 3": "203.0.113.1",
    "benchmarks": "198.19.0.1",
    "6to4 relay": "192.88.99.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "IPv6 loopback": "::1",
    "IPv6 unspecified": "::",
    "IPv4-compatible": "::127.0.0.1",
    "IPv4-mapped loopback": "::ffff:127.0.0.1",
    "IPv4-mapped public": "::ffff:93.184.215.14",
    "IPv4-mapped in hexadecimal": "::ffff:7f00:1",
    "IPv6 link-local": "fe80::1",
    "IPv6 link-local with zone": "fe80::1%1",
    "IPv6 site-local": "fec0::1",
    "unique local": "fc00::1",
    "metadata of AWS": "fd00:ec2::254",
    "IPv6 multicast": "ff02::1",
    "IPv6 documentation": "2001:db8::1",
    "IPv6 documentation, new": "3fff::1",
    "6to4 of loopback": "2002:7f00:1::1",
    "6to4 of public": "2002:5db8:d70e::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "NAT64 of loopback": "64:ff9b::7f00:1",
    "NAT64 of metadata": "64:ff9b::169.254.169.254",
    "NAT64 of private": "64:ff9b::a00:1",
    "local NAT64": "64:ff9b:1::5db8:d70e",
    "discard": "100::1",
    "unassigned": "4000::1",
}


@pytest.mark.parametrize("address", PUBLIC.values(), ids=PUBLIC.keys())
def test_a_public_address_is_allowed(address: str) -> None:
    assert check_addresses([address], AddressRule.PUBLIC_ONLY) == (address,)


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED.keys())
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(FetchError, match="which may not be connected to") as caught:
        check_addresses([address], AddressRule.PUBLIC_ONLY)
    assert f"'{address}'" in str(caught.value)


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED.keys())
def test_one_refused_address_refuses_them_all(address: str) -> None:
    with pytest.raises(FetchError, match="which may not be connected to"):
        check_addresses(["93.184.215.14", address], AddressRule.PUBLIC_ONLY)


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED.keys())
def test_any_address_means_any(address: str) -> None:
    assert check_addresses([address], AddressRule.ANY_ADDRESS) == (address,)


def test_networks_are_the_only_ones_that_are_allowed() -> None:
    networks = (ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"))
    assert check_addresses(["10.1.2.3", "fd00:1::5"], networks) == ("10.1.2.3", "fd00:1::5")
    for address in ("93.184.215.14", "10.2.0.1", "::ffff:10.1.2.3", "127.0.0.1"):
        with pytest.raises(FetchError, match="which may not be connected to"):
            check_addresses([address], networks)


def test_an_address_counts_once() -> None:
    assert check_addresses(["8.8.8.8", "8.8.8.8"], AddressRule.PUBLIC_ONLY) == ("8.8.8.8",)


@pytest.mark.parametrize("rule", [*AddressRule, (ip_network("0.0.0.0/0"),)])
def test_no_address_is_never_enough(rule: Any) -> None:
    with pytest.raises(FetchError, match="has no address"):
        check_addresses([], rule)


@pytest.mark.parametrize("rule", AddressRule)
@pytest.mark.parametrize("address", ["", "localhost", "127.1", "1.2.3.4.5", "0x7f.0.0.1", "010.0.0.1"])
def test_what_is_no_address_is_refused(address: str, rule: AddressRule) -> None:
    with pytest.raises(FetchError, match="cannot be read"):
        check_addresses([address], rule)


@pytest.mark.parametrize("networks", [(), [], None, "10.0.0.0/8", ("10.0.0.0/8",), (ip_network("10.0.0.0/8"), None)])
def test_networks_are_network_values_at_least_one(networks: object) -> None:
    with pytest.raises(ConfigurationError, match="non-empty tuple of IPv4Network and IPv6Network"):
        check_networks(networks)
