"""A verifier without a fetcher opens no socket and looks up no name, whatever URLs the certificates hold."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from nlgov_jades import (
    ANY_TRUSTED,
    HttpRequest,
    RevocationPolicy,
    Signer,
    TrustStore,
    VerificationPolicy,
    Verifier,
    errors,
    profiles,
)

from .making import NOW, OCSP_URL, World, crl, ocsp

Verify = Callable[..., Any]


class SocketOpenedError(BaseException):
    """Not an Exception: no `except Exception` on the way may swallow it."""


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every way out raises, and is written down."""
    tried: list[str] = []
    ways = ("socket", "create_connection", "getaddrinfo", "gethostbyname", "gethostbyname_ex", "socketpair")

    def guard(name: str) -> Callable[..., NoReturn]:
        def refuse(*_: object, **__: object) -> NoReturn:
            tried.append(name)
            raise SocketOpenedError(name)

        return refuse

    for way in ways:
        monkeypatch.setattr(socket, way, guard(way))
    return tried


@pytest.fixture(scope="module")
def world() -> World:
    return World.new()


@pytest.fixture(scope="module")
def message(world: World) -> HttpRequest:
    request = HttpRequest(
        method="POST", target="/v1/gegevens", fields=[("Content-Type", "application/json")], body=b"{}"
    )
    return request.with_fields(Signer(world.leaf.credential, profile=profiles.DDAS, clock=lambda: NOW).sign(request))


def verifier(world: World, revocation: RevocationPolicy = RevocationPolicy.HARD_FAIL) -> Verifier:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=revocation)
    return Verifier(trust=TrustStore([world.root.certificate]), policy=policy, clock=lambda: NOW)


def test_the_guard_itself_works(no_network: list[str]) -> None:
    with pytest.raises(SocketOpenedError):
        socket.create_connection(("pki.example", 80))
    assert no_network == ["create_connection"]


def test_hard_fail_without_data_ends_in_revocation_unknown(
    no_network: list[str], world: World, message: HttpRequest
) -> None:
    with pytest.raises(errors.RevocationUnknownError) as caught:
        verifier(world).verify(message)
    assert caught.value.code == "REVOCATION_UNKNOWN"
    assert caught.value.sub_indication == "TRY_LATER"
    assert caught.value.http_status == 503
    assert OCSP_URL in caught.value.detail
    assert "http://crl.pki.example/ca.crl" in caught.value.detail
    assert isinstance(caught.value.__cause__, errors.FetchError)
    assert no_network == []


def test_soft_fail_without_data_accepts_and_says_unchecked(
    no_network: list[str], world: World, message: HttpRequest
) -> None:
    verified = verifier(world, RevocationPolicy.SOFT_FAIL).verify(message)
    assert [item.status for item in verified.revocation] == ["unchecked", "unchecked"]
    assert no_network == []


def test_hard_fail_with_given_data_accepts(no_network: list[str], world: World, message: HttpRequest) -> None:
    verified = verifier(world).verify(message, ocsp=[ocsp(world.leaf, world.ca)], crls=[crl(world.root)])
    assert [item.status for item in verified.revocation] == ["good", "good"]
    assert [item.source for item in verified.revocation] == ["ocsp", "crl"]
    assert no_network == []


def test_a_delegate_that_names_a_crl_is_not_asked_about_either(
    no_network: list[str], world: World, message: HttpRequest
) -> None:
    delegate = world.delegate(nocheck=False)
    response = ocsp(world.leaf, delegate, certificates=[delegate.certificate])
    with pytest.raises(errors.RevocationUnknownError, match="whether its responder 'TEST OCSP responder' is revoked"):
        verifier(world).verify(message, ocsp=[response], crls=[crl(world.root)])
    assert no_network == []
