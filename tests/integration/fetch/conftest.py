"""Certificates, revocation data, and the three ways to fetch them: threads, asyncio, trio."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from nlgov_jades import RevocationPolicy
from nlgov_jades.fetch import AddressRule, FetchLimits, MemoryStore
from nlgov_jades.fetch.httpx import HttpxFetcher
from nlgov_jades.fetch.requests import RequestsFetcher
from nlgov_jades.pki.revocation import FetchRequest, RevocationData
from nlgov_jades.result import RevocationSource
from nlgov_jades.testing import Hierarchy, Issued

from .servers import Behaviour, Server

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)

PATIENCE = 20
"""Seconds after which a test fails that waits for something else."""


@dataclass
class Authority:
    """The CA of the tests, one certificate of it, and what it says about that."""

    hierarchy: Hierarchy
    signer: Issued
    other: Issued

    def request(
        self, source: RevocationSource, url: str, *, at: dt.datetime = NOW, certificate: x509.Certificate | None = None
    ) -> FetchRequest:
        return FetchRequest(
            source=source,
            url=url,
            certificate=certificate or self.signer.certificate,
            issuer=self.hierarchy.tsp.certificate,
            policy=RevocationPolicy.HARD_FAIL,
            at=at,
        )

    def crl_at(self, url: str, **changes: Any) -> FetchRequest:
        return self.request(RevocationSource.CRL, url, **changes)

    def ocsp_at(self, url: str, **changes: Any) -> FetchRequest:
        return self.request(RevocationSource.OCSP, url, **changes)

    def crl(
        self,
        *,
        number: int = 1,
        at: dt.datetime = NOW - HOUR,
        window: dt.timedelta = 24 * HOUR,
        revoked: Sequence[int] = (),
        only_for: str = "",
    ) -> bytes:
        tsp = self.hierarchy.tsp
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(tsp.certificate.subject)
            .last_update(at)
            .next_update(at + window)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        if only_for:
            point = x509.IssuingDistributionPoint(
                full_name=None,
                relative_name=None,
                only_contains_user_certs=only_for == "users",
                only_contains_ca_certs=only_for == "authorities",
                only_some_reasons=None,
                indirect_crl=False,
                only_contains_attribute_certs=False,
            )
            builder = builder.add_extension(point, critical=True)
        for serial in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(tsp.key, SHA256()).public_bytes(Encoding.DER)

    def ocsp(
        self,
        status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
        *,
        at: dt.datetime = NOW - HOUR,
        window: dt.timedelta = 24 * HOUR,
    ) -> bytes:
        tsp = self.hierarchy.tsp
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=self.signer.certificate,
            issuer=tsp.certificate,
            algorithm=SHA1(),  # noqa: S303 - it identifies, as in every OCSP request
            cert_status=status,
            this_update=at,
            next_update=at + window,
            revocation_time=at if status is ocsp.OCSPCertStatus.REVOKED else None,
            revocation_reason=None,
        )
        response = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, tsp.certificate).sign(tsp.key, SHA256())
        return response.public_bytes(Encoding.DER)


@pytest.fixture(scope="session")
def authority(hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey) -> Authority:
    return Authority(hierarchy, hierarchy.tsp.issue(key=leaf_key), hierarchy.tsp.issue(key=leaf_key))


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: dt.datetime = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def time() -> Clock:
    return Clock()


@dataclass
class Fetching:
    """A fetcher of one kind, called from a thread whatever its kind.

    Attributes:
        backend: `threads`, `asyncio` or `trio`.
        names: The addresses of names; what is not among them is unknown.
        asked: The names that were looked up.
    """

    backend: str
    clock: Clock
    names: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    store: MemoryStore = field(default_factory=MemoryStore)
    limits: FetchLimits = field(
        default_factory=lambda: FetchLimits(ports=range(1, 65536), addresses=AddressRule.ANY_ADDRESS)
    )
    tls: Any = None

    def __post_init__(self) -> None:
        self.renew()

    def renew(self, **changes: Any) -> Fetching:
        """The same with a new fetcher and other limits."""
        self.limits = self.limits.replace(**changes)
        settings: dict[str, Any] = {
            "limits": self.limits,
            "store": self.store,
            "clock": self.clock,
            "tls": self.tls,
        }
        self.fetcher: Any = (
            RequestsFetcher(lookup=self._lookup, **settings)
            if self.backend == "threads"
            else HttpxFetcher(lookup=self._lookup_async, **settings)
        )
        return self

    def _lookup(self, host: str, _: int) -> list[str]:
        self.asked.append(host)
        if host not in self.names:
            raise OSError(host)
        return self.names[host]

    async def _lookup_async(self, host: str, port: int) -> list[str]:
        return self._lookup(host, port)

    def __call__(self, request: FetchRequest, *, timeout: float = 5) -> RevocationData:
        if self.backend == "threads":
            data: RevocationData = self.fetcher.fetch(request, timeout=timeout)
            return data

        async def fetch() -> RevocationData:
            data: RevocationData = await self.fetcher.fetch(request, timeout=timeout)
            return data

        fetched: RevocationData = self.run(fetch)
        return fetched

    def run(self, function: Callable[[], Awaitable[Any]]) -> Any:
        return anyio.run(function, backend=self.backend)

    def settle(self) -> None:
        """Wait until nothing is under way in the background."""
        if self.backend == "threads":
            workers = self.fetcher._workers
            with workers._changed:
                assert workers._changed.wait_for(lambda: not workers._keys, PATIENCE)

    @property
    def flights(self) -> int:
        """Fetches that were left behind."""
        return len(self.fetcher._flights)


@pytest.fixture(params=["threads", "asyncio", "trio"])
def fetching(request: pytest.FixtureRequest, time: Clock) -> Fetching:
    return Fetching(request.param, time)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers that are stopped after the test."""
    servers: list[Server] = []

    def start(behave: Behaviour, **options: Any) -> Server:
        servers.append(Server(behave, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
