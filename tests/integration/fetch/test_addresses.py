"""Where a fetcher connects to: to the address that was checked, and to no other."""

from __future__ import annotations

import socket
import threading
import time as stopwatch
from collections.abc import Callable
from ipaddress import ip_network

import anyio
import pytest

from nlgov_jades.errors import FetchError
from nlgov_jades.fetch import AddressRule, ProxyRule

from .conftest import Authority, Clock, Fetching
from .servers import Server, answering

Serve = Callable[..., Server]

NAME = "crl.example.test"


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["127.0.0.1", "93.184.215.14"], ["::ffff:127.0.0.1"]],
    ids=["loopback", "public and loopback", "loopback and public", "mapped"],
)
def test_no_connection_is_made_to_an_address_that_is_not_allowed(
    fetching: Fetching,
    serve: Serve,
    authority: Authority,
    addresses: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve(answering(authority.crl()))
    fetching.renew(addresses=AddressRule.PUBLIC_ONLY)
    fetching.names[NAME] = addresses
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _, address: connected.append(address))
    with pytest.raises(FetchError, match="may not be connected to"):
        fetching(authority.crl_at(server.url(host=NAME)))
    assert connected == []
    assert server.connections == 0
    assert fetching.asked == [NAME]


def test_an_address_in_the_url_is_checked_too(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.crl()))
    fetching.renew(addresses=AddressRule.PUBLIC_ONLY)
    with pytest.raises(FetchError, match=r"'127.0.0.1', which may not be connected to"):
        fetching(authority.crl_at(server.url()))
    assert server.connections == 0


def test_networks_that_are_named_are_allowed_and_no_others(
    fetching: Fetching, serve: Serve, authority: Authority
) -> None:
    server = serve(answering(authority.crl()))
    fetching.renew(addresses=(ip_network("127.0.0.0/30"),))
    fetching.names |= {NAME: ["127.0.0.1"], "far.example.test": ["93.184.215.14"]}
    assert fetching(authority.crl_at(server.url(host=NAME))) is not None
    with pytest.raises(FetchError, match="may not be connected to"):
        fetching(authority.crl_at(server.url(host="far.example.test")))


def test_a_name_is_looked_up_once_and_stays_in_the_host_field(
    fetching: Fetching, serve: Serve, authority: Authority
) -> None:
    server = serve(answering(authority.crl()))
    fetching.names[NAME] = ["127.0.0.1"]
    fetching(authority.crl_at(server.url(host="CRL.example.TEST")))
    assert fetching.asked == [NAME]
    assert f"\r\nhost: {NAME}:{server.port}\r\n".encode() in server.requests[0].lower()


def test_the_next_address_is_tried_when_one_does_not_answer(
    fetching: Fetching, serve: Serve, authority: Authority
) -> None:
    server = serve(answering(authority.crl()))
    fetching.names[NAME] = ["127.0.0.2", "127.0.0.1"]  # the server listens on the second only
    assert fetching(authority.crl_at(server.url(host=NAME))) is not None


@pytest.mark.parametrize("addresses", [None, []])
def test_a_name_without_address_is_an_error(
    fetching: Fetching, authority: Authority, addresses: list[str] | None
) -> None:
    if addresses is not None:
        fetching.names[NAME] = addresses
    with pytest.raises(FetchError, match=r"could not be looked up|has no address"):
        fetching(authority.crl_at(f"http://{NAME}/"))


def test_a_name_server_that_does_not_answer_is_left(fetching: Fetching, authority: Authority) -> None:
    answered = threading.Event()

    def hang(_: str, __: int) -> list[str]:
        answered.wait()
        return []

    async def hang_async(_: str, __: int) -> list[str]:
        await anyio.sleep_forever()
        return []

    fetching.fetcher._lookup = hang if fetching.backend == "threads" else hang_async
    started = stopwatch.monotonic()
    with pytest.raises(FetchError, match="in time"):
        fetching(authority.crl_at(f"http://{NAME}/"), timeout=0.2)
    assert stopwatch.monotonic() - started < 1
    answered.set()
    for thread in threading.enumerate():
        if thread.name == "nlgov-jades-lookup":
            thread.join(5)
            assert not thread.is_alive()


def test_look_ups_that_hang_are_bounded_in_number(time: Clock, authority: Authority) -> None:
    fetching = Fetching("threads", time)  # the threads for tasks are anyio's, and bounded there
    answered = threading.Event()
    fetching.fetcher._lookup = lambda *_: answered.wait() and []
    for number in range(12):
        with pytest.raises(FetchError):
            fetching(authority.crl_at(f"http://{number}.example.test/"), timeout=0.02)
    waiting = [thread for thread in threading.enumerate() if thread.name == "nlgov-jades-lookup"]
    assert len(waiting) == 8
    answered.set()
    for thread in waiting:
        thread.join(5)


@pytest.mark.parametrize("rule", ["explicit", "environment"])
def test_a_proxy_is_used_for_hosts_on_the_list_and_looks_them_up_itself(
    fetching: Fetching, serve: Serve, authority: Authority, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(answering(authority.crl()))
    monkeypatch.setenv("http_proxy", proxy.url(""))
    fetching.names["127.0.0.1"] = ["127.0.0.1"]  # where the proxy is; that is not checked
    fetching.renew(
        proxy=proxy.url("") if rule == "explicit" else ProxyRule.FROM_ENVIRONMENT,
        allowed_hosts={NAME},
        addresses=AddressRule.PUBLIC_ONLY,
    )
    assert fetching(authority.crl_at(f"http://{NAME}/a.crl")) is not None
    assert proxy.requests[0].startswith(f"GET http://{NAME}/a.crl HTTP/1.1\r\n".encode())
    assert NAME not in fetching.asked
    with pytest.raises(FetchError, match="not on the list"):
        fetching(authority.crl_at("http://other.example.test/a.crl"))
    assert proxy.connections == 1


def test_no_proxy_of_the_environment_is_obeyed_with_the_rule(
    fetching: Fetching, serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(answering(b"")), serve(answering(authority.crl()))
    monkeypatch.setenv("http_proxy", proxy.url(""))
    monkeypatch.setenv("no_proxy", "example.test")
    fetching.names[NAME] = ["127.0.0.1"]
    fetching.renew(proxy=ProxyRule.FROM_ENVIRONMENT, allowed_hosts={NAME})
    assert fetching(authority.crl_at(server.url(host=NAME))) is not None
    assert (proxy.connections, server.connections) == (0, 1)
