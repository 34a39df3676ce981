"""What a responder remembers, and what it leaves when it is closed."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

from nlgov_jades.errors import ConfigurationError
from nlgov_jades.pki.answer import Standing
from nlgov_jades.testing import (
    Behaviour,
    Hierarchy,
    Issued,
    ReceivedRequest,
    Responder,
)

from .asking import NOW, PATIENCE, TSP_CRL, ask, by_crl, by_ocsp, post, raw


def test_requests_are_remembered_and_counted(responder: Responder, leaf: Issued) -> None:
    post(responder, leaf)
    ask(responder, path=f"{TSP_CRL}?x=1")
    assert responder.requests == (ReceivedRequest("POST", "/ocsp"), ReceivedRequest("GET", TSP_CRL))
    assert [responder.count(path) for path in (None, "/ocsp", "/crl", TSP_CRL, "/crl/root.crl")] == [2, 1, 1, 1, 0]


def test_whoever_waits_for_too_many_requests_is_told(responder: Responder) -> None:
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        responder.wait_for(1, timeout=0)


def test_each_request_is_told_to_whoever_wants_to_know(hierarchy: Hierarchy) -> None:
    told: list[ReceivedRequest] = []
    with Responder(hierarchy, on_request=told.append) as responder:
        ask(responder)
    assert told == [ReceivedRequest("GET", TSP_CRL)]


def test_a_reset_forgets_everything(responder: Responder, leaf: Issued) -> None:
    responder.revoke(leaf)
    responder.behave(Behaviour.ERROR_STATUS)
    post(responder, leaf)
    responder.reset()
    assert responder.requests == ()
    assert by_ocsp(post(responder, leaf), leaf).answer.standing is Standing.GOOD


def test_it_closes_while_clients_wait(hierarchy: Hierarchy) -> None:
    responder = Responder(hierarchy, behaviour=Behaviour.SILENT).start()
    with raw(responder) as asking, raw(responder) as idle:
        asking.sendall(b"GET /crl/tsp.crl HTTP/1.1\r\nHost: x\r\n\r\n")
        responder.wait_for(1)
        responder.close()
        assert asking.recv(1) == b""
        # One that nobody had taken yet is reset by the system.
        with suppress(ConnectionResetError):
            assert idle.recv(1) == b""


def test_nobody_listens_once_it_is_closed(hierarchy: Hierarchy) -> None:
    with Responder(hierarchy) as responder:
        port = int(responder.url.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), PATIENCE)
    with pytest.raises(ConfigurationError, match="does not run"):
        _ = responder.url
    responder.close()


def test_it_can_start_again_on_the_same_port(hierarchy: Hierarchy, leaf: Issued) -> None:
    with Responder(hierarchy, clock=lambda: NOW) as first:
        port = int(first.url.rpartition(":")[2])
    again = Responder(hierarchy, port=port, clock=lambda: NOW)
    for _ in range(2):
        with again:
            assert again.url.endswith(f":{port}")
            assert by_crl(ask(again), leaf) is Standing.GOOD


def test_it_does_not_start_twice(responder: Responder) -> None:
    with pytest.raises(ConfigurationError, match="runs already"):
        responder.start()


def test_a_port_that_is_taken_is_an_error_of_the_system(responder: Responder) -> None:
    with pytest.raises(OSError, match="in use"):
        Responder(port=int(responder.url.rpartition(":")[2])).start()
