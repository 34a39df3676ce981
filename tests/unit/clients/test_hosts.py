"""Which hosts a client signs for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nlgov_jades.edges.client_hosts import ANY_HOST, Hosts, Origin
from nlgov_jades.edges.client_httpx import origin_of
from nlgov_jades.errors import ConfigurationError


def at(url: str) -> Origin:
    return origin_of(httpx.Request("GET", url))


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("api.example.nl", "https://api.example.nl/a"),
        ("API.Example.nl", "https://api.EXAMPLE.nl:443/"),
        ("api.example.nl:443", "https://api.example.nl"),
        ("api.example.nl:8443", "https://api.example.nl:8443"),
        ("xn--mller-kva.example", "https://m\u00fcller.example"),
        ("[::1]:8443", "https://[::1]:8443/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost/"),
    ],
)
def test_a_named_host_is_signed_for(named: str, url: str) -> None:
    assert at(url) in Hosts({named})


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("api.example.nl", "http://api.example.nl/"),
        ("api.example.nl", "http://api.example.nl:443/"),
        ("api.example.nl", "https://api.example.nl:8443/"),
        ("api.example.nl", "https://api.example.nl.evil.test/"),
        ("api.example.nl", "https://evil.test/api.example.nl"),
        ("api.example.nl", "https://api.example.nl@evil.test/"),
        ("api.example.nl", "https://api.example.nl./"),
        ("api.example.nl", "wss://api.example.nl/"),
        ("api.example.nl:8443", "https://api.example.nl/"),
        ("http://127.0.0.1:8080", "https://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081"),
    ],
)
def test_another_host_port_or_scheme_is_not(named: str, url: str) -> None:
    assert at(url) not in Hosts({named})


def test_any_host_is_any_over_https() -> None:
    assert at("https://anywhere.test:444") in Hosts(ANY_HOST)
    assert at("http://anywhere.test") not in Hosts(ANY_HOST)


@pytest.mark.parametrize(
    "named",
    [
        None,
        "api.example.nl",
        b"api.example.nl",
        (),
        frozenset(),
        {""},
        {"https://api.example.nl"},
        {"api.example.nl/"},
        {"*.example.nl"},
        {"m\u00fcller.example"},
        {"user@api.example.nl"},
        {"api.example.nl:"},
        {"api.example.nl:123456"},
        {1},
    ],
    ids=repr,
)
def test_hosts_in_another_form_are_refused(named: Any) -> None:
    with pytest.raises(ConfigurationError, match="hosts names each host"):
        Hosts(named)


def test_hosts_do_not_show_their_names() -> None:
    assert repr(Hosts({"api.example.nl"})) == "<Hosts: 1 named>"
    assert repr(Hosts(ANY_HOST)) == "<Hosts: any over https>"
