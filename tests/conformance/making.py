"""A small hierarchy and its revocation data, made with one fault at a time.

What the builders of `cryptography` refuse to make is made with them first and then edited and signed again (`rework`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from asn1crypto import algos, core
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as x509_ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ObjectIdentifier

from nlgov_jades.pki.trust import TrustStore
from nlgov_jades.policy import RevocationPolicy
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.testing import Authority, Hierarchy, Issued

NOW: Final = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
DAY: Final = dt.timedelta(days=1)
HOUR: Final = dt.timedelta(hours=1)

OCSP_URL: Final = "http://ocsp.pki.example/"
UNKNOWN_EXTENSION: Final = ObjectIdentifier("1.3.6.1.4.1.99999.1")
OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"

Edit = Callable[[Any], object]


def nothing(_: Any) -> None:
    """No edit."""


def url(name: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(f"http://crl.pki.example/{name}.crl")


def crl_points(*names: str) -> x509.CRLDistributionPoints:
    return x509.CRLDistributionPoints([x509.DistributionPoint([url(name) for name in names], None, None, None)])


def pointers(crl_name: str, *, ocsp: bool) -> list[tuple[x509.ExtensionType, bool]]:
    """Where a certificate says that its revocation data are."""
    found: list[tuple[x509.ExtensionType, bool]] = [(crl_points(crl_name), False)]
    if ocsp:
        location = x509.UniformResourceIdentifier(OCSP_URL)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)
        found.append((x509.AuthorityInformationAccess([access]), False))
    return found


# --- signatures ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scheme:
    """A signature algorithm, its parameters included."""

    name: str
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    salt: int = 0
    mask: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    stated: bool = True

    def identifier(self) -> algos.SignedDigestAlgorithm:
        if self.name != "rsassa_pss" or not self.stated:
            return algos.SignedDigestAlgorithm({"algorithm": self.name})
        parameters = {
            "hash_algorithm": {"algorithm": self.digest.name},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": self.mask.name}},
            "salt_length": self.salt,
        }
        return algos.SignedDigestAlgorithm({"algorithm": self.name, "parameters": parameters})

    def sign(self, key: object, octets: bytes) -> bytes:
        assert isinstance(key, rsa.RSAPrivateKey)
        if self.name != "rsassa_pss":
            return key.sign(octets, padding.PKCS1v15(), self.digest)
        return key.sign(octets, padding.PSS(mgf=padding.MGF1(self.mask), salt_length=self.salt), self.digest)


PKCS1: Final = Scheme("sha256_rsa")
PKCS1_SHA1: Final = Scheme("sha1_rsa", hashes.SHA1())  # noqa: S303 - the fault under test
PKCS1_SHA224: Final = Scheme("sha224_rsa", hashes.SHA224())
PSS: Final = Scheme("rsassa_pss", salt=32)
PSS_SHA512: Final = Scheme("rsassa_pss", hashes.SHA512(), 64, hashes.SHA512())
PSS_OTHER_SALT: Final = Scheme("rsassa_pss", salt=20)
PSS_OTHER_MASK: Final = Scheme("rsassa_pss", salt=32, mask=hashes.SHA1())  # noqa: S303 - the same
PSS_WITHOUT_PARAMETERS: Final = Scheme("rsassa_pss", salt=32, stated=False)


def rework_certificate(
    certificate: x509.Certificate, issuer: Issued, *, edit: Edit = nothing, scheme: Scheme = PKCS1
) -> x509.Certificate:
    """The certificate with its tbsCertificate edited and signed again."""
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    tbs = parsed["tbs_certificate"]
    tbs["signature"] = parsed["signature_algorithm"] = scheme.identifier()
    edit(tbs)
    parsed["signature_value"] = scheme.sign(issuer.key, tbs.dump(force=True))
    return x509.load_der_x509_certificate(parsed.dump(force=True))


def rework_crl(
    der: bytes, issuer: Issued, *, edit: Edit = nothing, scheme: Scheme = PKCS1, outer: Scheme | None = None
) -> bytes:
    """The CRL with its tbsCertList edited and signed again."""
    parsed = asn1_crl.CertificateList.load(der)
    tbs = parsed["tbs_cert_list"]
    tbs["signature"] = scheme.identifier()
    edit(tbs)
    parsed["signature_algorithm"] = (outer or scheme).identifier()
    parsed["signature"] = (outer or scheme).sign(issuer.key, tbs.dump(force=True))
    return _octets(parsed.dump(force=True))


def rework_ocsp(der: bytes, signer: Issued, *, edit: Edit = nothing, scheme: Scheme = PKCS1) -> bytes:
    """The response with its tbsResponseData edited and signed again."""
    parsed = asn1_ocsp.OCSPResponse.load(der)
    basic = parsed["response_bytes"]["response"].parsed
    edit(basic["tbs_response_data"])
    basic["signature_algorithm"] = scheme.identifier()
    basic["signature"] = scheme.sign(signer.key, basic["tbs_response_data"].dump(force=True))
    parsed["response_bytes"]["response"] = core.ParsableOctetString(basic.dump(force=True))
    return _octets(parsed.dump(force=True))


def _octets(der: object) -> bytes:
    assert isinstance(der, bytes)
    return der


# --- revocation data -----------------------------------------------------------------------------------------


def entry(
    serial_number: int,
    reason: x509.ReasonFlags | None = None,
    *,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> x509.RevokedCertificate:
    """A line of a CRL."""
    builder = x509.RevokedCertificateBuilder().serial_number(serial_number).revocation_date(NOW - 2 * DAY)
    if reason is not None:
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.build()


def crl(
    issuer: Authority,
    *entries: x509.RevokedCertificate,
    this_update: dt.datetime = NOW - HOUR,
    next_update: dt.datetime = NOW + DAY,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """A CRL of this CA."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(this_update)
        .next_update(next_update)
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for item in entries:
        builder = builder.add_revoked_certificate(item)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def distribution_point(**changes: Any) -> tuple[x509.ExtensionType, bool]:
    """A critical issuingDistributionPoint that says nothing but this."""
    plain: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**(plain | changes)), True


def ocsp(
    about: Issued,
    signer: Issued,
    *,
    issuer: x509.Certificate | None = None,
    status: x509_ocsp.OCSPCertStatus = x509_ocsp.OCSPCertStatus.GOOD,
    reason: x509.ReasonFlags | None = None,
    this_update: dt.datetime = NOW - HOUR,
    next_update: dt.datetime | None = NOW + DAY,
    by: x509_ocsp.OCSPResponderEncoding = x509_ocsp.OCSPResponderEncoding.HASH,
    certificates: Collection[x509.Certificate] = (),
    identified_with: hashes.HashAlgorithm | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """A response about one certificate; the certificate above it in its chain is taken for its issuer."""
    builder = (
        x509_ocsp.OCSPResponseBuilder()
        .add_response(
            about.certificate,
            issuer or about.chain[1],
            identified_with or hashes.SHA1(),  # noqa: S303 - it identifies, it does not protect (RFC 6960 §4.3)
            status,
            this_update,
            next_update,
            NOW - 2 * DAY if status is x509_ocsp.OCSPCertStatus.REVOKED else None,
            reason,
        )
        .responder_id(by, signer.certificate)
    )
    if certificates:
        builder = builder.certificates(list(certificates))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)


# --- the world -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """What is put before the judges."""

    leaf: x509.Certificate
    untrusted: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    at: dt.datetime = NOW
    policies: frozenset[str] | None = None
    algorithm: SignatureAlgorithm = SignatureAlgorithm.PS256
    revocation: RevocationPolicy = RevocationPolicy.HARD_FAIL

    @property
    def trust(self) -> TrustStore:
        return TrustStore(self.anchors, self.intermediates)


@dataclass(frozen=True, slots=True)
class World:
    """Root, CA and signer as they should be, a second CA beside it, and keys for more."""

    root: Authority
    ca: Authority
    leaf: Issued
    other_ca: Authority
    spare_key: rsa.RSAPrivateKey

    @classmethod
    def new(cls) -> World:
        hierarchy = Hierarchy.new(name="TEST conformance", not_before=NOW - 30 * DAY)
        root, spare = hierarchy.root, hierarchy.tsp.key
        assert isinstance(spare, rsa.RSAPrivateKey)
        ca = root.issue_authority("TEST CA", key=hierarchy.domain.key, more_extensions=pointers("root", ocsp=False))
        other = root.issue_authority("TEST other CA", key=spare, more_extensions=pointers("root", ocsp=False))
        leaf = ca.issue(more_extensions=pointers("ca", ocsp=True))
        return cls(root, ca, leaf, other, spare)

    def issue(self, issuer: Authority | None = None, **parts: Any) -> Issued:
        """A signer's certificate for the same key as the world's signer, with the same pointers."""
        more = [*pointers("ca", ocsp=True), *parts.pop("more_extensions", ())]
        return (issuer or self.ca).issue(key=parts.pop("key", self.leaf.key), more_extensions=more, **parts)

    def authority(self, common_name: str, issuer: Authority | None = None, **parts: Any) -> Authority:
        """A CA with the spare key."""
        more = [*pointers("root", ocsp=False), *parts.pop("more_extensions", ())]
        key = parts.pop("key", self.spare_key)
        return (issuer or self.root).issue_authority(common_name, key=key, more_extensions=more, **parts)

    def delegate(self, issuer: Authority | None = None, *, nocheck: bool = True, **parts: Any) -> Issued:
        """An OCSP responder, with the spare key; without nocheck it has a CRL of its own, of the same CA."""
        marks: x509.ExtensionType = x509.OCSPNoCheck() if nocheck else crl_points("delegates")
        more = [(marks, False)]
        more += parts.pop("more_extensions", ())
        plain: dict[str, Any] = {"key": self.spare_key, "extended_key_usages": (OCSP_SIGNING,), "policies": None}
        return (issuer or self.ca).issue(
            common_name="TEST OCSP responder", oin=None, more_extensions=more, **(plain | parts)
        )

    def reworked(self, issued: Issued, issuer: Issued, **parts: Any) -> Issued:
        """The same with its certificate edited and signed again."""
        return Issued(issued.key, (rework_certificate(issued.certificate, issuer, **parts), *issued.chain[1:]))

    def exhibit(self, signer: Issued | None = None, **parts: Any) -> Exhibit:
        """The signer with everything good about it: OCSP from its issuer, and a CRL of every CA above."""
        signer = signer or self.leaf
        plain = Exhibit(
            leaf=signer.certificate,
            untrusted=signer.chain[1:-1],
            anchors=(self.root.certificate,),
            ocsp=(),
            crls=(crl(self.root),),
        )
        if "ocsp" not in parts and "crls" not in parts:
            parts["crls"] = (crl(self.root), crl(self.ca), crl(self.other_ca))
        return replace(plain, **parts)

    def asked(self, response: bytes, *more: bytes, **parts: Any) -> Exhibit:
        """The signer with these OCSP responses, and a good CRL about its CA."""
        return self.exhibit(ocsp=(response, *more), **parts)

    def listed(self, *crls: bytes, **parts: Any) -> Exhibit:
        """The signer with these CRLs, and a good CRL about its CA."""
        return self.exhibit(crls=(crl(self.root), *crls), **parts)
