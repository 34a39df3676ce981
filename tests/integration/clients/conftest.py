"""Parties of an exchange, and clients and providers that end with the test."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from nlgov_jades import ANY_MEDIA_TYPE, HttpRequest, RevocationPolicy, Signer, VerificationPolicy, Verifier, profiles
from nlgov_jades.pki.identity import oin_of
from nlgov_jades.profiles import Profile
from nlgov_jades.result import VerifiedMessage
from nlgov_jades.testing import Hierarchy, Issued

from .consumers import KINDS, Consumer
from .provider import Answering, Provider, Script

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)


@dataclass
class Parties:
    """Who signs and who trusts whom, for one profile."""

    hierarchy: Hierarchy
    consumer: Issued
    provider: Issued
    profile: Profile = profiles.DDAS

    def __post_init__(self) -> None:
        self._seconds = itertools.count()

    def clock(self) -> dt.datetime:
        return NOW

    def ticking(self) -> dt.datetime:
        """A second later each time."""
        return NOW + dt.timedelta(seconds=next(self._seconds))

    @property
    def signer(self) -> Signer:
        return Signer(self.consumer.credential, profile=self.profile, clock=self.ticking)

    def answering(self, **options: Any) -> Answering:
        return Answering(Signer(self.provider.credential, profile=self.profile, clock=self.clock, **options))

    def policy(self, signer: Issued, **changes: Any) -> VerificationPolicy:
        settings: dict[str, Any] = {
            "profiles": (self.profile,),
            "signers": {oin_of(signer.certificate)},
            "revocation": RevocationPolicy.OFF,
        }
        return VerificationPolicy(**{**settings, **changes})

    def verifier(self, **changes: Any) -> Verifier:
        """What the consumer verifies answers with."""
        policy = self.policy(self.provider, **changes)
        return Verifier(trust=self.hierarchy.trust, policy=policy, clock=self.clock)

    def verify(self, request: HttpRequest) -> VerifiedMessage:
        """What the provider makes of a request."""
        policy = self.policy(self.consumer, media_types=ANY_MEDIA_TYPE)
        return Verifier(trust=self.hierarchy.trust, policy=policy, clock=self.clock).verify(request)


@pytest.fixture(scope="session")
def both(hierarchy: Hierarchy) -> tuple[Issued, Issued]:
    return hierarchy.tsp.issue(oin="00000001002220647000"), hierarchy.tsp.issue(oin="00000003123456780000")


@pytest.fixture
def parties(hierarchy: Hierarchy, both: tuple[Issued, Issued]) -> Parties:
    return Parties(hierarchy, *both)


@pytest.fixture
def serve() -> Iterator[Callable[..., Provider]]:
    """Starts providers that are stopped after the test."""
    with contextlib.ExitStack() as stack:

        def start(*scripts: Script, tls: ssl.SSLContext | None = None) -> Provider:
            provider = Provider(list(scripts), tls)
            stack.callback(provider.close)
            return provider

        yield start


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def consume(parties: Parties, kind: str) -> Iterator[Callable[..., Consumer]]:
    """Opens clients that are closed after the test: `consume(provider, ...)` names that provider to them."""
    with contextlib.ExitStack() as stack:

        def open_one(*providers: Provider, kind: str = kind, **settings: Any) -> Consumer:
            defaults = {
                "signer": parties.signer,
                "verifier": parties.verifier(),
                "hosts": {provider.named for provider in providers},
            }
            return stack.enter_context(Consumer(kind, **{**defaults, **settings}))

        yield open_one
