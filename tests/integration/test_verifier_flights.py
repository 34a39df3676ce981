"""Many verifications at once, with real fetchers and a real responder: one fetch for each URL, and none that is not needed."""

from __future__ import annotations

import asyncio
import collections
import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from nlgov_jades import (
    ANY_TRUSTED,
    AsyncVerifier,
    HttpRequest,
    RevocationPolicy,
    Signer,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.errors import CertificateRevokedError, RevocationUnknownError
from nlgov_jades.fetch import AddressRule, FetchLimits, MemoryStore
from nlgov_jades.fetch.background import Workers
from nlgov_jades.fetch.httpx import HttpxFetcher
from nlgov_jades.fetch.requests import RequestsFetcher
from nlgov_jades.result import RevocationStatus
from nlgov_jades.testing import Hierarchy, Issued, Responder

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
VALIDITY = 4 * HOUR
# Two thousand verifications keep an event loop busy for seconds, in which no fetch of it goes on.
LIMITS = FetchLimits(ports=range(1, 65536), addresses=AddressRule.ANY_ADDRESS, seconds=60)
PATIENCE = dt.timedelta(seconds=60)
THREADS = 200
TASKS = 2000
WAIT = 20
"""Seconds after which a test fails that waits for a thread."""

OCSP, TSP, DOMAIN, ROOT = "/ocsp", "/crl/tsp.crl", "/crl/domain.crl", "/crl/root.crl"
ONCE = {OCSP: 1, DOMAIN: 1, ROOT: 1}
"""The signer by OCSP, the two CAs above it by CRL."""


@dataclass
class World:
    """A PKI with its responder and the time, which all who take part share."""

    responder: Responder
    hierarchy: Hierarchy
    signer: Issued
    key: rsa.RSAPrivateKey
    now: dt.datetime = NOW
    fetchers: list[Any] = field(default_factory=list)

    def settings(self, fetcher: Any) -> dict[str, Any]:
        policy = VerificationPolicy(
            profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.HARD_FAIL
        )
        trust = self.hierarchy.trust
        return {"trust": trust, "policy": policy, "fetcher": fetcher, "clock": self.clock, "fetch_time": PATIENCE}

    def clock(self) -> dt.datetime:
        return self.now

    def fetcher(self, kind: Any = RequestsFetcher, **changes: Any) -> Any:
        self.fetchers.append(kind(limits=LIMITS, clock=self.clock, **changes))
        return self.fetchers[-1]

    def settle(self) -> None:
        """Wait until nothing is under way in the background."""
        for fetcher in self.fetchers:
            if isinstance(fetcher, RequestsFetcher):
                settle(fetcher._workers)

    def message(self, signer: Issued | None = None) -> HttpRequest:
        fields = [("Host", "provider.example.test"), ("Content-Type", "application/json")]
        request = HttpRequest(method="POST", target="/v1/gegevens", fields=fields, body=b"{}")
        credential = (signer or self.signer).credential
        return request.with_fields(Signer(credential, profile=profiles.DDAS, clock=self.clock).sign(request))

    def asked(self) -> dict[str, int]:
        """How often each path was asked for."""
        paths = (request.path for request in self.responder.requests)
        return dict(collections.Counter(OCSP if path.startswith(OCSP) else path for path in paths))


def settle(workers: Workers) -> None:
    with workers._changed:
        assert workers._changed.wait_for(lambda: not workers._keys, WAIT)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Responder, Hierarchy, list[Callable[[], dt.datetime]]]]:
    clock: list[Callable[[], dt.datetime]] = [lambda: NOW]
    with Responder(clock=lambda: clock[0](), validity=VALIDITY) as responder:  # noqa: PLW0108 - it is replaced
        hierarchy = Hierarchy.new(not_before=NOW - dt.timedelta(days=30), revocation_url=responder.url)
        responder.add(hierarchy)
        yield responder, hierarchy, clock


@pytest.fixture
def world(shared: Any, leaf_key: rsa.RSAPrivateKey) -> Iterator[World]:
    responder, hierarchy, clock = shared
    responder.reset()
    here = World(responder, hierarchy, hierarchy.tsp.issue(key=leaf_key), leaf_key)
    clock[0] = here.clock
    yield here
    here.settle()  # the next test counts what it asks for
    clock[0] = lambda: NOW


# --- one fetch ---------------------------------------------------------------------------------------------------


def test_200_threads_that_verify_a_new_chain_cause_one_fetch_for_each_url(world: World) -> None:
    verifier, message = Verifier(**world.settings(world.fetcher())), world.message()
    start = threading.Barrier(THREADS)

    def verify() -> list[RevocationStatus]:
        start.wait()
        return [item.status for item in verifier.verify(message).revocation]

    with ThreadPoolExecutor(THREADS) as pool:
        found = [asked.result() for asked in [pool.submit(verify) for _ in range(THREADS)]]
    assert found == [[RevocationStatus.GOOD] * 3] * THREADS
    assert world.asked() == ONCE


def test_2000_tasks_that_verify_a_new_chain_cause_one_fetch_for_each_url(world: World) -> None:
    verifier, message = AsyncVerifier(**world.settings(world.fetcher(HttpxFetcher))), world.message()

    async def everybody() -> list[list[RevocationStatus]]:
        verified = await asyncio.gather(*(verifier.verify(message) for _ in range(TASKS)))
        return [[item.status for item in each.revocation] for each in verified]

    assert asyncio.run(everybody()) == [[RevocationStatus.GOOD] * 3] * TASKS
    assert world.asked() == ONCE


# --- and none ----------------------------------------------------------------------------------------------------


def test_the_second_verification_of_a_chain_fetches_nothing(world: World) -> None:
    verifier = Verifier(**world.settings(world.fetcher()))
    verifier.verify(world.message())
    for _ in range(3):
        verifier.verify(world.message())
    assert world.asked() == ONCE


def test_the_second_verification_of_a_chain_fetches_nothing_in_tasks(world: World) -> None:
    verifier = AsyncVerifier(**world.settings(world.fetcher(HttpxFetcher)))

    async def verify() -> None:
        for _ in range(3):
            await verifier.verify(world.message())

    asyncio.run(verify())
    assert world.asked() == ONCE


def test_another_signer_of_the_same_ca_costs_his_own_answer_only(world: World) -> None:
    verifier = Verifier(**world.settings(world.fetcher()))
    verifier.verify(world.message())
    verifier.verify(world.message(world.hierarchy.tsp.issue(key=world.key)))
    assert world.asked() == {**ONCE, OCSP: 2}


class SocketOpenedError(BaseException):
    """Not an Exception: nothing that expects trouble with a network swallows it."""


def test_without_a_fetcher_no_socket_is_opened(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> Any:
        raise SocketOpenedError

    message, crls = world.message(), world.responder.crls()
    settings = world.settings(None)
    with monkeypatch.context() as patched:
        for name in ("socket", "create_connection", "getaddrinfo", "socketpair"):
            patched.setattr(socket, name, opened)
        with pytest.raises(SocketOpenedError):
            socket.create_connection(("127.0.0.1", 1))
        with pytest.raises(RevocationUnknownError, match="this verifier has no fetcher"):
            Verifier(**settings).verify(message)
        Verifier(**settings).verify(message, crls=crls)
    assert world.asked() == {}


# --- revocations -------------------------------------------------------------------------------------------------


def test_a_revocation_is_seen_once_the_data_expire(world: World) -> None:
    verifier, message = Verifier(**world.settings(world.fetcher())), world.message()
    verifier.verify(message)
    world.responder.revoke(world.signer)
    world.now = NOW + VALIDITY
    verifier.verify(world.message())  # to the last moment
    assert world.asked() == ONCE
    world.now = NOW + VALIDITY + dt.timedelta(seconds=1)
    with pytest.raises(CertificateRevokedError) as caught:
        verifier.verify(world.message())
    assert caught.value.code == "CERTIFICATE_REVOKED"
    assert caught.value.sub_indication == "REVOKED"
    assert world.asked()[OCSP] == 2


def test_a_revoked_certificate_voids_what_was_found_about_the_others(world: World) -> None:
    verifier = Verifier(**world.settings(world.fetcher()))
    message, other = world.message(), world.hierarchy.tsp.issue(key=world.key)
    verifier.verify(message)
    kept = len(verifier._verdicts._younger)
    world.responder.revoke(other)
    with pytest.raises(CertificateRevokedError):
        verifier.verify(world.message(other))
    assert (kept, len(verifier._verdicts._younger)) == (1, 0)
    verifier.verify(message)  # anew, from data that are at hand
    assert world.asked() == {**ONCE, OCSP: 2}


@pytest.mark.parametrize("store_alone", [False, True], ids=["one fetcher", "one store"])
def test_a_revocation_that_another_user_of_the_store_met_voids_this_verifiers_verdicts(
    world: World,
    store_alone: bool,  # noqa: FBT001 - a column
) -> None:
    store = MemoryStore()
    fetcher = world.fetcher(store=store)
    first = Verifier(**world.settings(fetcher))
    second = Verifier(**world.settings(world.fetcher(store=store) if store_alone else fetcher))
    for verifier in (first, second):
        verifier.verify(world.message())
    # A CA is revoked, and another user of the store hears of it first.
    world.responder.revoke(world.hierarchy.tsp.certificate)
    world.now = NOW + 3 * HOUR + dt.timedelta(minutes=30)
    first.verify(world.message(world.hierarchy.tsp.issue(key=world.key)))  # from what is held, which is due
    world.settle()
    assert world.asked()[DOMAIN] == 2
    with pytest.raises(CertificateRevokedError):
        second.verify(world.message())  # whose verdict would have held for half an hour more
    assert world.asked()[DOMAIN] == 2


def test_a_revocation_that_is_found_in_the_background_is_seen_by_the_next_message(world: World) -> None:
    settings = world.settings(world.fetcher())
    judging_anew = RevocationPolicy.HARD_FAIL.replace(max_age=HOUR)
    verifier = Verifier(**settings | {"policy": settings["policy"].replace(revocation=judging_anew)})
    verifier.verify(world.message())
    world.responder.revoke(world.signer)
    world.now = NOW + 3 * HOUR  # three quarters of their time
    verifier.verify(world.message())
    world.settle()
    with pytest.raises(CertificateRevokedError):
        verifier.verify(world.message())
    assert world.asked()[OCSP] == 2


def test_a_message_after_a_pause_is_not_judged_by_what_was_known_before_it(world: World) -> None:
    settings = world.settings(world.fetcher())
    judging_anew = RevocationPolicy.HARD_FAIL.replace(max_age=HOUR)
    verifier = Verifier(**settings | {"policy": settings["policy"].replace(revocation=judging_anew)})
    verifier.verify(world.message())
    world.responder.revoke(world.signer)
    world.now = NOW + VALIDITY  # to the last moment, but due for an hour
    with pytest.raises(CertificateRevokedError):
        verifier.verify(world.message())


def test_of_a_fetcher_without_generation_verdicts_hold_until_the_data_expire(world: World) -> None:
    class Plain:
        """As somebody might write it."""

        def __init__(self, inner: RequestsFetcher) -> None:
            self.inner = inner
            self.fetched = 0

        def fetch(self, request: Any, *, timeout: float) -> Any:
            self.fetched += 1
            return self.inner.fetch(request, timeout=timeout)

    plain = Plain(world.fetcher())
    verifier = Verifier(**world.settings(plain))
    for _ in range(3):
        verifier.verify(world.message())
    assert plain.fetched == 3
