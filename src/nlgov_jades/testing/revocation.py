"""CRLs and OCSP responses of a throw-away authority, right or wrong in one chosen way. No clock: times are arguments.

crl = make_crl(hierarchy.tsp, [signer], this_update=now)
response = make_ocsp(hierarchy.tsp, signer, status=OCSPCertStatus.REVOKED, this_update=now)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, Hash
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponderEncoding, OCSPResponseStatus
from cryptography.x509.oid import ExtendedKeyUsageOID

from .hierarchy import Authority, Issued, PrivateKeyTypes
from .signature import RsaScheme, resign_crl, resign_ocsp

__all__ = [
    "ONE_DAY",
    "CertIdHash",
    "Extensions",
    "OCSPCertStatus",
    "OCSPResponderEncoding",
    "OCSPResponseStatus",
    "Revocable",
    "Revocation",
    "RsaScheme",
    "SignatureHash",
    "crl_entry",
    "issuer_hashes",
    "make_crl",
    "make_ocsp",
    "ocsp_delegate",
    "ocsp_failure",
    "serial_number_of",
]

ONE_DAY: Final = dt.timedelta(days=1)
"""From thisUpdate to nextUpdate, when nothing else is asked for."""

Revocable = Issued | x509.Certificate | int
"""A certificate, or its serial number."""

Extensions = Sequence[tuple[x509.ExtensionType, bool]]
"""Extensions, each with its criticality."""

CertIdHash = SHA1 | SHA256 | SHA384 | SHA512
SignatureHash = SHA256 | SHA384 | SHA512


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """An entry of a CRL.

    Attributes:
        serial_number: Of the revoked certificate.
        at: When it was revoked, UTC.
        reason: Why; `None` leaves the reason out.
        issuer: Name of the CA that issued it, for a responder; `None`: whichever CA is asked. A CRL that was asked for
            holds every entry it is given.
        more_extensions: Further extensions of the entry.
    """

    serial_number: int
    at: dt.datetime
    reason: x509.ReasonFlags | None = None
    issuer: x509.Name | None = None
    more_extensions: Extensions = ()

    @classmethod
    def of(cls, certificate: Revocable, at: dt.datetime, reason: x509.ReasonFlags | None = None) -> Revocation:
        """An entry for a certificate or a serial number; the issuer is that of the certificate."""
        parsed = certificate.certificate if isinstance(certificate, Issued) else certificate
        issuer = None if isinstance(parsed, int) else parsed.issuer
        return cls(serial_number=serial_number_of(parsed), at=at, reason=reason, issuer=issuer)


def serial_number_of(certificate: Revocable) -> int:
    """The serial number of a certificate."""
    if isinstance(certificate, Issued):
        return certificate.certificate.serial_number
    return certificate if isinstance(certificate, int) else certificate.serial_number


def make_crl(
    authority: Authority,
    revoked: Iterable[Revocable | Revocation] = (),
    *,
    this_update: dt.datetime,
    next_update: dt.datetime | dt.timedelta | None = ONE_DAY,
    number: int | None = 1,
    reason: x509.ReasonFlags | None = None,
    more_extensions: Extensions = (),
    signed_by: Issued | None = None,
    algorithm: SignatureHash | None = None,
    scheme: RsaScheme = RsaScheme.PKCS1V15,
) -> bytes:
    """A CRL (RFC 5280 §5) as DER.

    Args:
        authority: Whose CRL it is: the issuer, and the key identifier.
        revoked: Certificates or serial numbers, revoked at `this_update` for `reason`; or whole entries.
        this_update: UTC.
        next_update: UTC, or counted from `this_update`; `None` leaves it out, which no verifier should accept.
        number: CRLNumber, or `None` to leave it out.
        reason: Why; `None` leaves the reason out.
        more_extensions: Further extensions of the CRL.
        signed_by: Whose key signs in place of the authority's, for a signature that does not fit.
        algorithm: Hash of the signature; SHA-256 when not given.
        scheme: Form of the signature when the key is RSA.
    """
    until = this_update + next_update if isinstance(next_update, dt.timedelta) else next_update
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(this_update)
        # The builder wants one; it is taken out again below.
        .next_update(until or this_update + ONE_DAY)
        .add_extension(_key_identifier(authority), critical=False)
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    for extension, critical in more_extensions:
        builder = builder.add_extension(extension, critical=critical)
    for item in revoked:
        if not isinstance(item, Revocation):
            item = Revocation.of(item, this_update, reason)  # noqa: PLW2901 - completed
        builder = builder.add_revoked_certificate(crl_entry(item))
    key = (signed_by or authority).key
    der = builder.sign(key, algorithm or SHA256(), rsa_padding=scheme.padding(key, algorithm or SHA256())).public_bytes(
        Encoding.DER
    )
    return der if until is not None else resign_crl(der, key, algorithm or SHA256(), scheme)


def make_ocsp(
    authority: Authority,
    certificate: Revocable,
    *,
    status: OCSPCertStatus = OCSPCertStatus.GOOD,
    this_update: dt.datetime,
    next_update: dt.datetime | dt.timedelta | None = ONE_DAY,
    produced_at: dt.datetime | None = None,
    reason: x509.ReasonFlags | None = None,
    revoked_at: dt.datetime | None = None,
    delegate: Issued | None = None,
    responder: OCSPResponderEncoding = OCSPResponderEncoding.HASH,
    hash_algorithm: CertIdHash | None = None,
    more_extensions: Extensions = (),
    signed_by: Issued | None = None,
    algorithm: SignatureHash | None = None,
    scheme: RsaScheme = RsaScheme.PKCS1V15,
) -> bytes:
    """A successful OCSP response (RFC 6960 §4.2.1) as DER.

    Args:
        authority: Issuer of the certificate, named in the CertID.
        certificate: Whom it is about.
        status: What it says.
        this_update: UTC.
        next_update: UTC, or counted from `this_update`; `None` leaves it out.
        produced_at: UTC; `this_update` when not given.
        reason: Why it was revoked; only with `REVOKED`.
        revoked_at: When it was revoked, UTC; `this_update` when not given. Only with `REVOKED`.
        delegate: From `ocsp_delegate`: it signs, and its certificate is sent along. The authority signs when not given.
        responder: How the responder is named: by the hash of its key or by its name.
        hash_algorithm: Of the CertID; SHA-1, as almost everywhere, when not given.
        more_extensions: Further extensions of the response.
        signed_by: Whose key signs in place of the responder's, for a signature that does not fit.
        algorithm: Hash of the signature; SHA-256 when not given.
        scheme: Form of the signature when the key is RSA.

    Raises:
        ValueError: `reason` or `revoked_at` without `REVOKED`.
    """
    until = this_update + next_update if isinstance(next_update, dt.timedelta) else next_update
    if status is OCSPCertStatus.REVOKED:
        revoked_at = revoked_at or this_update
    name_hash, key_hash, id_hash = issuer_hashes(authority, hash_algorithm or SHA1())  # noqa: S303 - names, not protection
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response_by_hash(
            name_hash,
            key_hash,
            serial_number_of(certificate),
            id_hash,
            status,
            this_update,
            until,
            revoked_at,
            reason,
        )
        .responder_id(responder, (delegate or authority).certificate)
    )
    if delegate is not None:
        builder = builder.certificates([delegate.certificate])
    for extension, critical in more_extensions:
        builder = builder.add_extension(extension, critical=critical)
    # The builder signs with nobody else's key, only in one form, and at the time of this machine.
    der = builder.sign((delegate or authority).key, SHA256()).public_bytes(Encoding.DER)
    key: PrivateKeyTypes = (signed_by or delegate or authority).key
    return resign_ocsp(der, key, algorithm or SHA256(), scheme, produced_at=produced_at or this_update)


def ocsp_failure(status: OCSPResponseStatus) -> bytes:
    """An OCSP response that holds no answer, such as `TRY_LATER` (RFC 6960 §2.3), as DER."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def ocsp_delegate(
    authority: Authority,
    *,
    nocheck: bool = True,
    common_name: str = "TEST nlgov-jades OCSP responder",
    key: PrivateKeyTypes | None = None,
    not_before: dt.datetime | None = None,
    not_after: dt.datetime | None = None,
    usages: Sequence[str] = ("digital_signature",),
    extended_key_usages: Sequence[str] | None = (ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string,),
    algorithm: SignatureHash | None = None,
) -> Issued:
    """A certificate for a responder that answers in the authority's name (RFC 6960 §4.2.2.2).

    Args:
        authority: The CA whose certificates it answers for.
        nocheck: With id-pkix-ocsp-nocheck, which says that nobody need ask whether this one is revoked; without it,
            somebody must.
        common_name: Subject common name.
        key: Its private key; a new RSA-2048 key when not given.
        not_before: Start of validity; that of the authority when not given.
        not_after: End of validity; that of the authority when not given.
        usages: Names of keyUsage bits; empty leaves the extension out.
        extended_key_usages: OIDs, or `None` to leave the extension out.
        algorithm: Hash of the authority's signature; SHA-256 when not given.
    """
    return authority.issue(
        common_name=common_name,
        organization="nlgov-jades test, no authority",
        oin=None,
        key=key,
        not_before=not_before,
        not_after=not_after,
        usages=usages,
        extended_key_usages=extended_key_usages,
        policies=None,
        more_extensions=[(x509.OCSPNoCheck(), False)] if nocheck else [],
        algorithm=algorithm,
    )


def issuer_hashes(authority: Authority, algorithm: CertIdHash) -> tuple[bytes, bytes, CertIdHash]:
    """The hashes of the authority's name and key in a CertID (RFC 6960 §4.1.1), and the hash algorithm."""
    ca = authority.certificate
    name = Hash(algorithm)
    name.update(ca.subject.public_bytes())
    # The builder takes the name from the first certificate's issuer and the key from the second.
    request = ocsp.OCSPRequestBuilder().add_certificate(ca, ca, algorithm).build()
    return name.finalize(), request.issuer_key_hash, algorithm


def crl_entry(entry: Revocation) -> x509.RevokedCertificate:
    """The entry as `cryptography` knows it.

    Raises:
        ValueError: A serial number or time that no CRL can hold.
    """
    builder = x509.RevokedCertificateBuilder().serial_number(entry.serial_number).revocation_date(entry.at)
    if entry.reason is not None:
        builder = builder.add_extension(x509.CRLReason(entry.reason), critical=False)
    for extension, critical in entry.more_extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.build()


def _key_identifier(authority: Authority) -> x509.AuthorityKeyIdentifier:
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
