"""What a successful verification returns: the proof, and who signed. Values only."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import InitVar, dataclass, field
from enum import StrEnum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .errors import ConfigurationError, quoted
from .message import Body, HttpMessage
from .notice import Notice
from .pki.identity import Kvk, Oin, common_name, kvk_of, oin_of, organization
from .profiles import Profile, SignatureAlgorithm

__all__ = ["RevocationEvidence", "RevocationSource", "RevocationStatus", "SignerIdentity", "VerifiedMessage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerIdentity:
    """Who a certificate speaks for.

    Attributes:
        oin: From the subject's serialNumber, or `None`.
        kvk: From organizationIdentifier or the OIN, or `None`.
        common_name: For people.
        organization: For people.
        sha256: SHA-256 of the certificate's DER, lower-case hexadecimal.
    """

    oin: Oin | None
    kvk: Kvk | None
    common_name: str
    organization: str
    sha256: str

    def __repr__(self) -> str:
        # Names in a certificate are other people's text.
        return (
            f"SignerIdentity(oin={self.oin!r}, kvk={self.kvk!r}, common_name={quoted(self.common_name)}, "
            f"organization={quoted(self.organization)}, sha256={self.sha256!r})"
        )

    @classmethod
    def from_certificate(cls, certificate: x509.Certificate) -> SignerIdentity:
        """The identity in a certificate. Says nothing about whether the certificate is to be trusted."""
        return cls(
            oin=oin_of(certificate),
            kvk=kvk_of(certificate),
            common_name=common_name(certificate),
            organization=organization(certificate),
            sha256=hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        )


class RevocationSource(StrEnum):
    """Where it was found that a certificate is not revoked."""

    OCSP = "ocsp"
    CRL = "crl"


class RevocationStatus(StrEnum):
    """What is known of a certificate that was accepted."""

    GOOD = "good"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationEvidence:
    """What is known about the revocation of one certificate on the path.

    Attributes:
        certificate: SHA-256 of its DER, lower-case hexadecimal.
        subject: Its common name, for people.
        status: What is known.
        source: Where from; `None` when it is unchecked.
        signer: Common name of who signed the OCSP response or CRL, or the empty text.
        this_update: When it was known to be so, UTC, or `None`.
        next_update: When newer data are due, UTC, or `None`.
        der: The OCSP response or CRL itself, to keep as proof, or `None`.
    """

    certificate: str
    subject: str
    status: RevocationStatus
    source: RevocationSource | None = None
    signer: str = ""
    this_update: dt.datetime | None = None
    next_update: dt.datetime | None = None
    der: bytes | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return f"<RevocationEvidence: {quoted(self.subject)} {self.status}, source {self.source}>"


A_VERIFIER = object()
"""What a verifier makes a VerifiedMessage with."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VerifiedMessage:
    """Proof that a message was verified: only a verifier makes one, and only when every check passed.

    Attributes:
        message: The message as it was given.
        profile: The profile it follows.
        algorithm: The signature algorithm.
        signing_time: What the signer claims (`iat` or `sigT`), UTC; `None` when it claims nothing.
        covered: What the signature covers: names in lower case, or `("body",)` for the early DDAS dialect.
        signer: Who signed.
        path: The certification path, signer first, trust anchor last.
        revocation: One entry for each certificate below the trust anchor, signer first.
        protected: The protected header, its very octets.
        signature: The signature, its very octets.
        verified_at: The time for which path and revocation were judged, UTC.
        notices: What was accepted but is worth telling.
    """

    message: HttpMessage
    profile: Profile
    algorithm: SignatureAlgorithm
    signing_time: dt.datetime | None
    covered: tuple[str, ...]
    signer: SignerIdentity
    path: tuple[x509.Certificate, ...]
    revocation: tuple[RevocationEvidence, ...]
    protected: bytes
    signature: bytes
    verified_at: dt.datetime
    notices: tuple[Notice, ...]
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        # Also against `dataclasses.replace`, which would put another body under the same proof.
        if made_by is not A_VERIFIER:
            raise ConfigurationError("only a verifier makes a VerifiedMessage")

    @property
    def protected_header(self) -> dict[str, Any]:
        """The protected header as parsed: a copy of its own each time, so that nothing changes the proof."""
        header: dict[str, Any] = json.loads(self.protected)
        return header

    @property
    def body(self) -> bytes:
        """The very octets that were verified. Parse these, not a second copy.

        Raises:
            ConfigurationError: The body was verified through a BodyDigest; its octets are where you spooled them.
        """
        body: Body = self.message.body
        if not isinstance(body, bytes):
            raise ConfigurationError("the body was verified while it passed by; read it from where it was spooled")
        return body

    def __repr__(self) -> str:
        who = self.signer.oin or self.signer.kvk or self.signer.sha256
        return f"<VerifiedMessage: {self.profile.id}, signed by {who}, covers {', '.join(self.covered)}>"
