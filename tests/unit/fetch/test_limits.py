"""What a fetcher may reach: every value has one form, and no empty one means "all"."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network
from typing import Any

import pytest

from nlgov_jades.errors import ConfigurationError, FetchError
from nlgov_jades.fetch import ANY_HOST, AddressRule, FetchLimits, ProxyRule

HOSTS = {"crl.example.test"}


def test_the_defaults_are_the_strict_ones() -> None:
    limits = FetchLimits()
    assert limits.ports == {80, 443}
    assert limits.schemes == {"http", "https"}
    assert limits.addresses is AddressRule.PUBLIC_ONLY
    assert limits.proxy is ProxyRule.NO_PROXY
    assert limits.allowed_hosts is ANY_HOST
    assert limits.seconds == 5


def test_limits_do_not_change() -> None:
    limits = FetchLimits()
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.seconds = 1  # type: ignore[misc]  # that is the test
    assert limits.replace(seconds=1).seconds == 1


@pytest.mark.parametrize(
    "values",
    [
        {"allowed_hosts": ()},
        {"allowed_hosts": None},
        {"allowed_hosts": "crl.example.test"},
        {"allowed_hosts": {"http://crl.example.test"}},
        {"allowed_hosts": {"crl.example.test:80"}},
        {"allowed_hosts": {"*.example.test"}},
        {"allowed_hosts": {"crl.example.test", ""}},
        {"allowed_hosts": {"crl.example.test", 1}},
        {"ports": ()},
        {"ports": None},
        {"ports": "80"},
        {"ports": {"80"}},
        {"ports": {0}},
        {"ports": {65536}},
        {"schemes": ()},
        {"schemes": {"ftp"}},
        {"schemes": {"http", "ldap"}},
        {"addresses": ()},
        {"addresses": None},
        {"addresses": "public-only"},
        {"addresses": ("10.0.0.0/8",)},
        {"seconds": 0},
        {"seconds": -1},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"seconds": 3601},
        {"seconds": True},
        {"seconds": None},
        {"seconds": "5"},
        {"allowed_hosts": HOSTS, "proxy": None},
        {"allowed_hosts": HOSTS, "proxy": ""},
        {"allowed_hosts": HOSTS, "proxy": "proxy.example.test:3128"},
        {"allowed_hosts": HOSTS, "proxy": "socks5://proxy.example.test"},
        {"allowed_hosts": HOSTS, "proxy": "http://proxy.example.test/path"},
    ],
)
def test_a_value_of_another_form_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        FetchLimits(**values)


@pytest.mark.parametrize("proxy", [ProxyRule.FROM_ENVIRONMENT, "http://proxy.example.test:3128"])
def test_a_proxy_needs_a_list_of_hosts(proxy: ProxyRule | str) -> None:
    with pytest.raises(ConfigurationError, match="name the allowed_hosts too"):
        FetchLimits(proxy=proxy)
    assert FetchLimits(proxy=proxy, allowed_hosts=HOSTS).proxy == proxy


def test_the_password_of_a_proxy_is_not_shown() -> None:
    limits = FetchLimits(proxy="http://someone:secret@proxy.example.test:3128", allowed_hosts=HOSTS)
    assert "secret" not in repr(limits)


@pytest.mark.parametrize(
    ("limits", "url", "words"),
    [
        (FetchLimits(), "ftp://crl.example.test:80/", "scheme"),
        (FetchLimits(schemes={"https"}), "http://crl.example.test/", "scheme"),
        (FetchLimits(), "http://crl.example.test:8080/", "port 8080"),
        (FetchLimits(allowed_hosts=HOSTS), "http://other.example.test/", "list of allowed hosts"),
        (FetchLimits(allowed_hosts=HOSTS), "http://a.crl.example.test/", "list of allowed hosts"),
        (FetchLimits(allowed_hosts=HOSTS), "http://crl.example.test.evil.example/", "list of allowed hosts"),
        (FetchLimits(), "http://169.254.169.254/", "may not be connected to"),
        (FetchLimits(), "http://[::1]/", "may not be connected to"),
        (FetchLimits(addresses=(ip_network("10.0.0.0/8"),)), "http://8.8.8.8/", "may not be connected to"),
        (FetchLimits(), "http://user@crl.example.test/", "form"),
    ],
)
def test_a_url_beyond_the_limits_is_refused(limits: FetchLimits, url: str, words: str) -> None:
    with pytest.raises(FetchError, match=words):
        limits.target(url)


def test_hosts_are_compared_whatever_their_case() -> None:
    limits = FetchLimits(allowed_hosts={"CRL.Example.test"})
    assert limits.target("http://crl.EXAMPLE.test/").host == "crl.example.test"


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "http://crl.example.test/", None),
        ({"http_proxy": "http://p:1"}, "http://crl.example.test/", "http://p:1"),
        ({"http_proxy": "p:1"}, "http://crl.example.test/", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "https://crl.example.test/", None),
        ({"https_proxy": "http://p:2"}, "https://crl.example.test/", "http://p:2"),
        ({"all_proxy": "http://p:3"}, "https://crl.example.test/", "http://p:3"),
        ({"http_proxy": "http://p:1", "no_proxy": "example.test"}, "http://crl.example.test/", None),
    ],
)
def test_the_environment_is_asked_when_the_rule_says_so(
    variables: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    limits = FetchLimits(proxy=ProxyRule.FROM_ENVIRONMENT, allowed_hosts=HOSTS)
    assert limits.proxy_for(limits.target(url)) == proxy
    assert FetchLimits().proxy_for(limits.target(url)) is None


def test_a_proxy_of_the_environment_that_cannot_be_used_is_not_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://proxy.example.test")
    limits = FetchLimits(proxy=ProxyRule.FROM_ENVIRONMENT, allowed_hosts=HOSTS)
    with pytest.raises(FetchError, match="a proxy that cannot be used"):
        limits.proxy_for(limits.target("http://crl.example.test/"))
