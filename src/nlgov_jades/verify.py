"""Verifiers for people to use: the settings, and a thin sync and async face of the one generator in `verification.py`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from .beginnings import Beginnings
from .clock import Clock, check_time, now, utc_now
from .digest import BodyDigest, DigestAlgorithm
from .drivers import Steps, drive, drive_async
from .errors import ConfigurationError
from .fetching import AsyncFetcher, Fetcher
from .message import Body, HttpMessage
from .pki.crl import Crl
from .pki.identity import Kvk, Oin
from .pki.ocsp import OcspResponse
from .pki.revocation import GivenData
from .pki.trust import TrustStore
from .policy import AnyTrusted, CertificateRequirements, RevocationPolicy, VerificationPolicy
from .profiles import Profile
from .result import SignerIdentity, VerifiedMessage
from .steps import BodyArrival, check_body
from .verdicts import VerdictStore
from .verification import Checked, Occasion, proof, verification

__all__ = ["AsyncVerifier", "PendingMessage", "Verifier"]

FETCH_TIME = dt.timedelta(seconds=10)
"""For all OCSP responses and CRLs of one verification together: what a caller of a synchronous API still waits for."""

NOTHING_GIVEN = GivenData()

_Fetcher = TypeVar("_Fetcher", Fetcher, AsyncFetcher)


@dataclass(frozen=True, slots=True, repr=False)
class PendingMessage:
    """A message of which everything is verified but the body. It is no proof yet: `complete` makes it one.

    Spool or forward nothing to an application before `complete` returned.
    """

    _message: HttpMessage
    _checked: Checked
    _policy: VerificationPolicy

    @property
    def digest_algorithms(self) -> frozenset[DigestAlgorithm]:
        """What the message states about its body, so what a BodyDigest must compute."""
        return self._checked.signed.stated.algorithms

    @property
    def signer(self) -> SignerIdentity:
        """Who signed the fields. For limits and logs while the body is read."""
        return self._checked.verdict.identity

    def body_digest(self) -> BodyDigest:
        """A new BodyDigest to feed with every octet of the body."""
        return BodyDigest(self.digest_algorithms)

    def complete(self, body: Body) -> VerifiedMessage:
        """Step 9: the proof, when this is the body that was signed.

        Args:
            body: All octets after removing the transfer coding, or a BodyDigest fed with them.

        Raises:
            DigestMismatchError: It is another body.
            ProfileViolationError: There is a body and no Content-Type, and the policy pins media types.
            ConfigurationError: The BodyDigest lacks an algorithm that the message states.
        """
        message = self._message.with_body(body)
        signed = self._checked.signed
        check_body(message, signed.stated, signed.covered, self._policy)
        return proof(message, self._checked, self._policy)

    def __repr__(self) -> str:
        return f"<PendingMessage: {self._checked.signed.profile.id}, body not verified yet>"


class _Settings(Generic[_Fetcher]):
    """What both verifiers are made of."""

    __slots__ = ("_beginnings", "_clock", "_fetcher", "_policy", "_seconds", "_trust", "_verdicts")

    def __init__(
        self,
        *,
        trust: TrustStore,
        policy: VerificationPolicy,
        fetcher: _Fetcher | None = None,
        clock: Clock = utc_now,
        fetch_time: dt.timedelta = FETCH_TIME,
    ) -> None:
        if not isinstance(trust, TrustStore):
            raise ConfigurationError("trust is a TrustStore: nothing is trusted that was not configured")
        if not isinstance(policy, VerificationPolicy):
            raise ConfigurationError("policy is a VerificationPolicy")
        self._trust = trust
        self._policy = policy
        if not isinstance(fetch_time, dt.timedelta) or fetch_time <= dt.timedelta(0):
            raise ConfigurationError("fetch_time is a timedelta above zero")
        self._fetcher: _Fetcher | None = fetcher
        self._clock = clock
        self._seconds = fetch_time.total_seconds()
        self._verdicts = VerdictStore()
        self._beginnings = Beginnings()

    @classmethod
    def pkioverheid(
        cls,
        bundle_pem: bytes,
        *,
        profiles: Collection[Profile],
        signers: Collection[Oin | Kvk] | AnyTrusted,
        pins: Collection[str] = (),
        revocation: RevocationPolicy = RevocationPolicy.HARD_FAIL,
        max_age: dt.timedelta | None = None,
        fetcher: _Fetcher | None = None,
        clock: Clock = utc_now,
    ) -> Self:
        """A verifier for PKIoverheid: the pinned anchors, and a certificate for authenticity or a seal.

        Args:
            bundle_pem: What `nlgov-jades trust install` wrote; `nlgov_jades.bundle.read().pem` gives it.
            profiles: Which signatures are accepted.
            signers: `ANY_TRUSTED`, or the OINs and KVK numbers that may sign.
            pins: Fingerprints that the operator pins besides those of this library.
            revocation: How revocation is judged.
            max_age: How old the signing time may be; `None` sets no limit.
            fetcher: Where revocation data come from; `None` opens no connection.
            clock: Gives the current time, UTC; read once per message.

        Raises:
            ConfigurationError: The bundle holds a certificate that is not pinned, or an argument is wrong.
        """
        policy = VerificationPolicy(
            profiles=tuple(profiles),
            signers=signers,
            certificate=CertificateRequirements.PKIOVERHEID_SIGNING,
            revocation=revocation,
            max_age=max_age,
        )
        return cls(trust=TrustStore.pkioverheid(bundle_pem, pins=pins), policy=policy, fetcher=fetcher, clock=clock)

    @property
    def trust(self) -> TrustStore:
        """The trust anchors."""
        return self._trust

    @property
    def policy(self) -> VerificationPolicy:
        """What is accepted."""
        return self._policy

    def _start(
        self,
        message: HttpMessage,
        at: dt.datetime | None,
        body: BodyArrival,
        ocsp: Collection[bytes | OcspResponse],
        crls: Collection[bytes | Crl],
    ) -> Steps[Checked]:
        if not isinstance(message, HttpMessage):
            raise ConfigurationError("a message is an HttpRequest or a HttpResponse")
        # A verdict is about now and what this verifier finds itself.
        usual = at is None and not ocsp and not crls
        occasion = Occasion(
            at=now(self._clock) if at is None else check_time(at),
            body=body,
            given=NOTHING_GIVEN if usual else GivenData.parse(tuple(ocsp), tuple(crls)),
            beginnings=self._beginnings,
            verdicts=self._verdicts if usual else None,
            revocations=self._verdicts,
            source=getattr(self._fetcher, "generation", None),
        )
        return verification(message, self._trust, self._policy, occasion)

    def __repr__(self) -> str:
        profiles = ", ".join(profile.id for profile in self._policy.profiles)
        return f"<{type(self).__name__}: {profiles}; {self._trust!r}>"


class Verifier(_Settings[Fetcher]):
    """Verifies messages. Safe to share between threads; meant to live as long as the process.

    Args:
        trust: Anchors and intermediates.
        policy: What is accepted.
        fetcher: Where revocation data come from; `None` opens no connection, ever.
        clock: Gives the current time, UTC; read once per message.
        fetch_time: For everything that one verification fetches together.

    Raises:
        ConfigurationError: `trust` or `policy` is something else, or `fetch_time` is no time.
    """

    __slots__ = ()

    def verify(
        self,
        message: HttpMessage,
        *,
        at: dt.datetime | None = None,
        ocsp: Collection[bytes | OcspResponse] = (),
        crls: Collection[bytes | Crl] = (),
    ) -> VerifiedMessage:
        """The proof that this message was signed by an allowed signer and not changed since.

        Args:
            message: As it stands on the wire, body included.
            at: The time for which path and revocation are judged, UTC; now when not given.
            ocsp: OCSP responses to use before anything else, as DER or parsed once with `parse_ocsp`.
            crls: CRLs to use before anything else, as DER or parsed once with `parse_crl`.

        Raises:
            VerificationError: It was not; the class and `code` say why. Nothing else is raised for a message.
            ConfigurationError: An argument is wrong, or a response covers `(request-target)` and has no request.
        """
        steps = self._start(message, at, BodyArrival.HERE, ocsp, crls)
        return proof(message, drive(steps, self._fetcher, self._seconds), self._policy)

    def verify_fields(
        self,
        message: HttpMessage,
        *,
        at: dt.datetime | None = None,
        ocsp: Collection[bytes | OcspResponse] = (),
        crls: Collection[bytes | Crl] = (),
    ) -> PendingMessage:
        """Everything that `verify` decides, but the comparison with the body, from the fields alone.

        An edge calls it before it reads a body that a stranger sent. The body of `message` is not looked at.

        Args:
            message: As it stands on the wire.
            at: As for `verify`.
            ocsp: As for `verify`.
            crls: As for `verify`.

        Raises:
            VerificationError: The message is refused already.
            ConfigurationError: As `verify`, or the profile signs the body itself.
        """
        steps = self._start(message, at, BodyArrival.LATER, ocsp, crls)
        return PendingMessage(message, drive(steps, self._fetcher, self._seconds), self._policy)


class AsyncVerifier(_Settings[AsyncFetcher]):
    """`Verifier` for asyncio and trio: the same steps, awaited. Safe to share between tasks.

    Args:
        trust: Anchors and intermediates.
        policy: What is accepted.
        fetcher: Where revocation data come from; `None` opens no connection, ever.
        clock: Gives the current time, UTC; read once per message.
        fetch_time: For everything that one verification fetches together.

    Raises:
        ConfigurationError: As for `Verifier`.
    """

    __slots__ = ()

    async def verify(
        self,
        message: HttpMessage,
        *,
        at: dt.datetime | None = None,
        ocsp: Collection[bytes | OcspResponse] = (),
        crls: Collection[bytes | Crl] = (),
    ) -> VerifiedMessage:
        """As `Verifier.verify`."""
        steps = self._start(message, at, BodyArrival.HERE, ocsp, crls)
        return proof(message, await drive_async(steps, self._fetcher, self._seconds), self._policy)

    async def verify_fields(
        self,
        message: HttpMessage,
        *,
        at: dt.datetime | None = None,
        ocsp: Collection[bytes | OcspResponse] = (),
        crls: Collection[bytes | Crl] = (),
    ) -> PendingMessage:
        """As `Verifier.verify_fields`."""
        steps = self._start(message, at, BodyArrival.LATER, ocsp, crls)
        return PendingMessage(message, await drive_async(steps, self._fetcher, self._seconds), self._policy)
