"""A small hierarchy with the keys of the test vectors, the same octets in every process: for revocation data, caches and paths.

The vectors' own certificates name no revocation data, so these are made here, of the same keys.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from .vectors import AT, key

__all__ = ["BEFORE", "DAY", "HOUR", "Key", "access", "certificate", "crl", "name", "ocsp_response", "points", "usage"]

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
BEFORE = AT - 30 * DAY

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Extensions = list[tuple[x509.ExtensionType, bool]]

_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
    "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def name(common_name: str, oin: str | None = None) -> x509.Name:
    """A name."""
    parts = [
        (NameOID.COUNTRY_NAME, "NL"),
        (NameOID.ORGANIZATION_NAME, "nlgov-jades fuzzing"),
        (NameOID.COMMON_NAME, common_name),
    ]
    parts += [(NameOID.SERIAL_NUMBER, oin)] if oin else []
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def usage(*bits: str) -> tuple[x509.ExtensionType, bool]:
    """A keyUsage extension."""
    return x509.KeyUsage(**{bit: bit in bits for bit in _USAGES}), True


def points(*urls: str) -> tuple[x509.ExtensionType, bool]:
    """Where CRLs are."""
    names = [x509.UniformResourceIdentifier(url) for url in urls]
    return x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)]), False


def access(url: str) -> tuple[x509.ExtensionType, bool]:
    """Where OCSP responses are."""
    location = x509.UniformResourceIdentifier(url)
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)]
    ), False


def certificate(
    subject: x509.Name,
    issuer: x509.Name,
    subject_key: Key,
    issuer_key: Key,
    extensions: Extensions,
    *,
    not_before: dt.datetime = BEFORE,
    not_after: dt.datetime = AT + 300 * DAY,
    serial_number: int | None = None,
) -> x509.Certificate:
    """A certificate, the same octets for the same arguments."""
    stamp = f"{subject.rfc4514_string()} {issuer.rfc4514_string()} {not_after}"
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(subject_key.public_key())
        .serial_number(serial_number or int.from_bytes(hashlib.sha256(stamp.encode()).digest()[:15]) | 1)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(subject_key.public_key())
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    for extension, critical in [(identifier, False), (authority, False), *extensions]:
        builder = builder.add_extension(extension, critical=critical)
    elliptic = isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    return builder.sign(issuer_key, SHA256(), ecdsa_deterministic=True if elliptic else None)


class World:
    """Root, CA, two signers, a revoked one, and an OCSP delegate."""

    def __init__(self) -> None:
        root, ca, signer = name("Fuzz Root"), name("Fuzz CA"), key("leaf-rsa2048")
        authority: Extensions = [
            (x509.BasicConstraints(ca=True, path_length=None), True),
            usage("key_cert_sign", "crl_sign"),
        ]
        self.root_key, self.ca_key, self.signer_key, self.other_key = (
            key("root"),
            key("tsp-ca"),
            signer,
            key("leaf-rsa3072"),
        )
        self.root = certificate(root, root, self.root_key, self.root_key, authority)
        self.ca = certificate(ca, root, self.ca_key, self.root_key, [*authority, points("http://crl.example/root.crl")])
        leaf: Extensions = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            usage("digital_signature"),
            access("http://ocsp.example/"),
            points("http://crl.example/ca.crl"),
        ]
        self.leaf = certificate(name("signer", "00000001002220647000"), ca, signer, self.ca_key, leaf)
        self.second = certificate(name("second", "00000001123456782000"), ca, self.other_key, self.ca_key, leaf)
        self.revoked = certificate(name("revoked", "00000001001234567000"), ca, signer, self.ca_key, leaf)
        responder: Extensions = [
            usage("digital_signature"),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),
            (x509.OCSPNoCheck(), False),
        ]
        self.delegate = certificate(name("responder"), ca, self.other_key, self.ca_key, responder)

    @staticmethod
    @cache
    def get() -> World:
        """The one of this process."""
        return World()


def crl(
    issuer: x509.Certificate,
    issuer_key: Key,
    revoked: list[tuple[int, x509.ReasonFlags | None]],
    *,
    this_update: dt.datetime = AT - HOUR,
    more: Extensions | None = None,
    entry: Extensions | None = None,
) -> x509.CertificateRevocationList:
    """A CRL for a day, numbered."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(this_update)
        .next_update(this_update + DAY)
        .add_extension(x509.CRLNumber(7), critical=False)
    )
    for extension, critical in more or []:
        builder = builder.add_extension(extension, critical=critical)
    for serial, reason in revoked:
        made = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(this_update - HOUR)
        if reason is not None:
            made = made.add_extension(x509.CRLReason(reason), critical=False)
        for extension, critical in entry or []:
            made = made.add_extension(extension, critical=critical)
        builder = builder.add_revoked_certificate(made.build())
    return builder.sign(issuer_key, SHA256())


def ocsp_response(
    world: World,
    about: x509.Certificate,
    status: ocsp.OCSPCertStatus,
    *,
    delegated: bool = False,
    by_name: bool = False,
    reason: x509.ReasonFlags | None = None,
    more: Extensions | None = None,
) -> bytes:
    """An OCSP response for a day, as DER."""
    revoked_at = AT - 2 * HOUR if status is ocsp.OCSPCertStatus.REVOKED else None
    encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    signer: tuple[x509.Certificate, Any] = (world.delegate, world.other_key) if delegated else (world.ca, world.ca_key)
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(about, world.ca, SHA1(), status, AT - HOUR, AT + DAY, revoked_at, reason)  # noqa: S303 - names things in a CertID
        .responder_id(encoding, signer[0])
    )
    if delegated:
        builder = builder.certificates([world.delegate])
    for extension, critical in more or []:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer[1], SHA256()).public_bytes(Encoding.DER)


UNKNOWN_EXTENSION = ObjectIdentifier("1.3.6.1.4.1.99999.1")
