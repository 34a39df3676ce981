"""Verification: the numbered steps, one generator, two drivers. Nothing here touches a socket or a file.

The steps, in this order; the first that fails gives the error (`docs/reference/wire-format.md`, "Reading"):

     1. the signature field is there once, with one value
     2. size caps, before any parsing
     3. canonical base64url, strict JSON
     4. `alg` and `b64`
     5. `crit`
     6. `sigD`, the required parameters, and the fields that are not covered
     7. the signer's certificate and every reference to it; type and size of its key
     8. the signature
     9. the digest of the body
    10. the times
    11. the certification path, then revocation
    12. who signed

All but the comparison in step 9 is decided from the fields alone: see `Verifier.verify_fields`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Generator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self, TypeVar

from .clock import Clock, check_time, utc_now
from .digest import BodyDigest, DigestAlgorithm
from .errors import ConfigurationError, FetchError
from .message import Body, HttpMessage, HttpRequest, HttpResponse
from .pki.crl import Crl
from .pki.identity import Kvk, Oin
from .pki.ocsp import OcspResponse
from .pki.path import build_path
from .pki.revocation import FetchRequest, GivenData, RevocationData, check_revocation
from .pki.trust import TrustStore
from .policy import AnyTrusted, CertificateRequirements, RevocationPolicy, VerificationPolicy
from .profiles import Profile
from .result import SignerIdentity, VerifiedMessage
from .steps import (
    BodyArrival,
    StatedDigests,
    acceptance_notices,
    check_body,
    check_fields,
    check_signer,
    check_times,
)

__all__ = ["AsyncVerifier", "PendingMessage", "Verifier"]

_T = TypeVar("_T")
_Steps = Generator[FetchRequest, RevocationData | FetchError, _T]


@dataclass(frozen=True, slots=True, repr=False)
class PendingMessage:
    """A message of which everything is verified but the body. It is no proof yet: `complete` makes it one.

    Spool or forward nothing to an application before `complete` returned.
    """

    _verified: VerifiedMessage
    _stated: StatedDigests
    _policy: VerificationPolicy

    @property
    def digest_algorithms(self) -> frozenset[DigestAlgorithm]:
        """What the message states about its body, so what a BodyDigest must compute."""
        return self._stated.algorithms

    @property
    def signer(self) -> SignerIdentity:
        """Who signed the fields. For limits and logs while the body is read."""
        return self._verified.signer

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
        message = self._verified.message.with_body(body)
        check_body(message, self._stated, self._verified.covered, self._policy)
        return replace(self._verified, message=message)

    def __repr__(self) -> str:
        return f"<PendingMessage: {self._verified.profile.id}, body not verified yet>"


def _verification(
    message: HttpMessage,
    *,
    trust: TrustStore,
    policy: VerificationPolicy,
    at: dt.datetime,
    body: BodyArrival,
    given: GivenData,
) -> _Steps[tuple[VerifiedMessage, StatedDigests]]:
    # Steps 1 to 9; the digest is compared here when the body is at hand.
    signed = check_fields(message, policy, body)
    # 10. The times.
    check_times(signed.times, signed.leaf, policy, at)
    # 11. The certification path; only one that reached an anchor may cause a fetch.
    path = build_path(
        signed.leaf,
        signed.untrusted,
        trust=trust,
        requirements=policy.certificate,
        algorithm=signed.profile.algorithm,
        at=at,
    )
    findings = yield from check_revocation(path, policy.revocation, at=at, given=given)
    # 12. Who signed.
    identity = SignerIdentity.from_certificate(path.leaf)
    check_signer(identity, policy)
    verified = VerifiedMessage(
        message=message,
        profile=signed.profile,
        algorithm=signed.profile.algorithm,
        signing_time=signed.times.claimed,
        covered=signed.covered,
        signer=identity,
        path=path.certificates,
        revocation=findings.evidence,
        protected_header=MappingProxyType(signed.header),
        verified_at=at,
        notices=acceptance_notices(signed, path, identity, policy),
    )
    return verified, signed.stated


class _Settings:
    """What both verifiers are made of."""

    __slots__ = ("_clock", "_policy", "_trust")

    def __init__(self, *, trust: TrustStore, policy: VerificationPolicy, clock: Clock = utc_now) -> None:
        if not isinstance(trust, TrustStore):
            raise ConfigurationError("trust is a TrustStore: nothing is trusted that was not configured")
        if not isinstance(policy, VerificationPolicy):
            raise ConfigurationError("policy is a VerificationPolicy")
        self._trust = trust
        self._policy = policy
        self._clock = clock

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
        return cls(trust=TrustStore.pkioverheid(bundle_pem, pins=pins), policy=policy, clock=clock)

    @property
    def trust(self) -> TrustStore:
        """The trust anchors."""
        return self._trust

    @property
    def policy(self) -> VerificationPolicy:
        """What is accepted."""
        return self._policy

    def _start(
        self, message: HttpMessage, at: dt.datetime | None, body: BodyArrival, given: GivenData
    ) -> _Steps[tuple[VerifiedMessage, StatedDigests]]:
        if not isinstance(message, HttpRequest | HttpResponse):
            raise ConfigurationError("a message is an HttpRequest or a HttpResponse")
        time = check_time(self._clock() if at is None else at)
        return _verification(message, trust=self._trust, policy=self._policy, at=time, body=body, given=given)

    def __repr__(self) -> str:
        profiles = ", ".join(profile.id for profile in self._policy.profiles)
        return f"<{type(self).__name__}: {profiles}; {self._trust!r}>"


class Verifier(_Settings):
    """Verifies messages. Safe to share between threads; meant to live as long as the process.

    Args:
        trust: Anchors and intermediates.
        policy: What is accepted.
        clock: Gives the current time, UTC; read once per message.

    Raises:
        ConfigurationError: `trust` or `policy` is something else.
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
        return _run(self._start(message, at, BodyArrival.HERE, GivenData.parse(tuple(ocsp), tuple(crls))))[0]

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
            at: The time for which path and revocation are judged, UTC; now when not given.
            ocsp: OCSP responses to use before anything else, as DER or parsed once with `parse_ocsp`.
            crls: CRLs to use before anything else, as DER or parsed once with `parse_crl`.

        Raises:
            VerificationError: The message is refused already.
            ConfigurationError: As `verify`, or the profile signs the body itself.
        """
        verified, stated = _run(self._start(message, at, BodyArrival.LATER, GivenData.parse(tuple(ocsp), tuple(crls))))
        return PendingMessage(verified, stated, self._policy)


class AsyncVerifier(_Settings):
    """`Verifier` for asyncio and trio: the same steps, awaited. Safe to share between tasks.

    Args:
        trust: Anchors and intermediates.
        policy: What is accepted.
        clock: Gives the current time, UTC; read once per message.

    Raises:
        ConfigurationError: `trust` or `policy` is something else.
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
        return (
            await _run_async(self._start(message, at, BodyArrival.HERE, GivenData.parse(tuple(ocsp), tuple(crls))))
        )[0]

    async def verify_fields(
        self,
        message: HttpMessage,
        *,
        at: dt.datetime | None = None,
        ocsp: Collection[bytes | OcspResponse] = (),
        crls: Collection[bytes | Crl] = (),
    ) -> PendingMessage:
        """As `Verifier.verify_fields`."""
        verified, stated = await _run_async(
            self._start(message, at, BodyArrival.LATER, GivenData.parse(tuple(ocsp), tuple(crls)))
        )
        return PendingMessage(verified, stated, self._policy)


def _run(steps: _Steps[_T]) -> _T:
    try:
        request = next(steps)
        while True:
            request = steps.send(_no_network(request))
    except StopIteration as done:
        result: _T = done.value
        return result


async def _run_async(steps: _Steps[_T]) -> _T:
    # Nothing is awaited as long as there is no network to wait for.
    return _run(steps)


def _no_network(_: FetchRequest) -> FetchError:
    return FetchError("not fetched: this verifier has no network")
