"""A throw-away certificate hierarchy of four levels: root, domain CA, TSP CA, and what they issue.

The shape is that of PKIoverheid: critical basicConstraints and keyUsage, key identifiers, the certificate policy for
authenticity of private services, the OIN in the subject's serialNumber. With a `revocation_url`, certificates say where
a responder tells whether they are revoked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, ObjectIdentifier

from ..credentials import SigningCredential
from ..pki.trust import TrustStore

__all__ = ["Authority", "Hierarchy", "Issued", "PrivateKeyTypes", "new_key"]

PrivateKeyTypes = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

AUTHENTICITY: Final = "2.16.528.1.1003.1.2.8.4"
"""Certificate policy: private services, authenticity."""

DOCUMENT_SIGNING: Final = "1.3.6.1.5.5.7.3.36"
EMAIL_PROTECTION: Final = "1.3.6.1.5.5.7.3.4"

EXAMPLE_OIN: Final = "00000001002220647000"

_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def new_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A new RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True, slots=True, repr=False)
class Issued:
    """A certificate with its private key and everything above it.

    Attributes:
        key: The private key.
        chain: This certificate first, the root last.
    """

    key: PrivateKeyTypes
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return self.chain[0]

    @property
    def chain_pem(self) -> bytes:
        """The whole chain as PEM, root included."""
        return pem(self.chain)

    def key_pem(self, password: bytes | None = None) -> bytes:
        """The private key as PKCS#8 PEM, encrypted when a password is given."""
        encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def pkcs12(self, password: bytes) -> bytes:
        """Key and chain as PKCS#12."""
        return pkcs12.serialize_key_and_certificates(
            b"nlgov-jades", self.key, self.certificate, list(self.chain[1:]), BestAvailableEncryption(password)
        )

    @property
    def credential(self) -> SigningCredential:
        """The same as a credential to sign with."""
        return SigningCredential.from_pem(self.key_pem(), self.chain_pem)


@dataclass(frozen=True, slots=True, repr=False)
class Authority(Issued):
    """A CA that issues certificates.

    Attributes:
        label: Name of its CRL in URLs; made from its common name when empty.
        revocation_url: Where the responder of what it issues is, without a slash at the end; `None`: its certificates
            do not say.
    """

    label: str = ""
    revocation_url: str | None = None

    @property
    def crl_path(self) -> str:
        """Path of its CRL below `revocation_url`."""
        name = str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        return f"/crl/{self.label or re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.crl"

    def issue(
        self,
        *,
        common_name: str = "gegevens.gemeente.example",
        organization: str = "Gemeente Voorbeeldstad",
        oin: str | None = EXAMPLE_OIN,
        kvk: str | None = None,
        key: PrivateKeyTypes | None = None,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        usages: Collection[str] = ("digital_signature",),
        extended_key_usages: Collection[str] | None = (DOCUMENT_SIGNING, EMAIL_PROTECTION),
        policies: Collection[str] | None = (AUTHENTICITY,),
        more_subject: Sequence[tuple[ObjectIdentifier, str]] = (),
        more_extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        algorithm: SHA256 | SHA384 | SHA512 | None = None,
    ) -> Issued:
        """A certificate for a signer.

        Args:
            common_name: Subject common name.
            organization: Subject organisation.
            oin: Subject serialNumber, or `None` for a certificate without.
            kvk: 8 digits for organizationIdentifier, or `None`.
            key: Its private key; a new RSA-2048 key when not given.
            not_before: Start of validity; that of the issuer when not given.
            not_after: End of validity; that of the issuer when not given.
            usages: Names of keyUsage bits as `x509.KeyUsage` spells them; empty leaves the extension out.
            extended_key_usages: OIDs, or `None` to leave the extension out.
            policies: Certificate policy OIDs, or `None` to leave the extension out.
            more_subject: Further subject attributes.
            more_extensions: Further extensions, each with its criticality; CRLDistributionPoints and
                AuthorityInformationAccess among them replace those that `revocation_url` gives.
            algorithm: Hash of the issuer's signature; SHA-256 when not given.
        """
        subject = [(NameOID.COUNTRY_NAME, "NL"), (NameOID.ORGANIZATION_NAME, organization)]
        subject += [(NameOID.ORGANIZATION_IDENTIFIER, f"NTRNL-{kvk}")] if kvk else []
        subject += [(NameOID.SERIAL_NUMBER, oin)] if oin else []
        subject += [(NameOID.COMMON_NAME, common_name), *more_subject]
        return self._issue(
            x509.Name([x509.NameAttribute(oid, text) for oid, text in subject]),
            key or new_key(),
            extensions=[
                (x509.BasicConstraints(ca=False, path_length=None), True),
                *_usage_extensions(usages, extended_key_usages, policies),
                *self._with_pointers(more_extensions, _ocsp_access, _crl_points),
            ],
            not_before=not_before,
            not_after=not_after,
            algorithm=algorithm,
        )

    def issue_authority(
        self,
        common_name: str,
        *,
        key: PrivateKeyTypes | None = None,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        path_length: int | None = None,
        usages: Collection[str] = ("key_cert_sign", "crl_sign"),
        extended_key_usages: Collection[str] | None = None,
        policies: Collection[str] | None = (AUTHENTICITY,),
        more_extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        algorithm: SHA256 | SHA384 | SHA512 | None = None,
        label: str = "",
    ) -> Authority:
        """A CA below this one, with the same `revocation_url`. Arguments as for `issue`, and `label` as in the class."""
        issued = self._issue(
            _authority_name(common_name),
            key or new_key(),
            extensions=[
                (x509.BasicConstraints(ca=True, path_length=path_length), True),
                *_usage_extensions(usages, extended_key_usages, policies),
                # As in G4: for CAs there are CRLs, no OCSP.
                *self._with_pointers(more_extensions, _crl_points),
            ],
            not_before=not_before,
            not_after=not_after,
            algorithm=algorithm,
        )
        return Authority(issued.key, issued.chain, label, self.revocation_url)

    def _with_pointers(
        self,
        more: Sequence[tuple[x509.ExtensionType, bool]],
        *pointers: Callable[[Authority, str], x509.ExtensionType],
    ) -> list[tuple[x509.ExtensionType, bool]]:
        chosen = {extension.oid for extension, _ in more}
        base = self.revocation_url
        made = [] if base is None else [pointer(self, base) for pointer in pointers]
        return [*((extension, False) for extension in made if extension.oid not in chosen), *more]

    def _issue(
        self,
        subject: x509.Name,
        key: PrivateKeyTypes,
        *,
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
        not_before: dt.datetime | None,
        not_after: dt.datetime | None,
        algorithm: SHA256 | SHA384 | SHA512 | None,
    ) -> Issued:
        issuer = self.certificate
        builder = _builder(
            subject,
            issuer.subject,
            key,
            not_before or issuer.not_valid_before_utc,
            not_after or issuer.not_valid_after_utc,
        ).add_extension(_authority_key_identifier(issuer), critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return Issued(key, (builder.sign(self.key, algorithm or SHA256()), *self.chain))


@dataclass(frozen=True, slots=True, repr=False)
class Hierarchy:
    """Root, domain CA and TSP CA."""

    root: Authority
    domain: Authority
    tsp: Authority

    @classmethod
    def new(
        cls,
        *,
        name: str = "TEST nlgov-jades",
        not_before: dt.datetime | None = None,
        days: int = 365,
        key_bits: int = 2048,
        revocation_url: str | None = None,
    ) -> Hierarchy:
        """A new hierarchy with new keys.

        Args:
            name: Goes into the names of the CAs. Say that it is a test.
            not_before: Start of validity, UTC; an hour ago when not given.
            days: Length of validity.
            key_bits: Size of the CAs' RSA keys.
            revocation_url: Where a `Responder` answers, such as `http://127.0.0.1:8888`: goes into every certificate
                below the root. `None`: certificates do not say where revocation data are.
        """
        base = None if revocation_url is None else revocation_url.rstrip("/")
        start = not_before or dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(hours=1)
        root = _root(f"{name} Root CA", new_key(key_bits), start, start + dt.timedelta(days=days), base)
        domain = root.issue_authority(f"{name} Domain CA", key=new_key(key_bits), label="domain")
        tsp = domain.issue_authority(f"{name} TSP CA", key=new_key(key_bits), path_length=0, label="tsp")
        return cls(root, domain, tsp)

    @property
    def authorities(self) -> tuple[Authority, ...]:
        """Root, domain CA, TSP CA."""
        return self.root, self.domain, self.tsp

    @property
    def trust(self) -> TrustStore:
        """A store with the root as its only anchor."""
        return TrustStore([self.root.certificate])

    @property
    def root_pem(self) -> bytes:
        """The root as PEM."""
        return pem([self.root.certificate])

    @property
    def intermediates_pem(self) -> bytes:
        """Domain CA and TSP CA as PEM."""
        return pem([self.tsp.certificate, self.domain.certificate])


def pem(certificates: Collection[x509.Certificate]) -> bytes:
    """Certificates as one PEM text."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def _root(
    common_name: str, key: PrivateKeyTypes, start: dt.datetime, end: dt.datetime, revocation_url: str | None
) -> Authority:
    name = _authority_name(common_name)
    builder = _builder(name, name, key, start, end)
    for extension, critical in [
        (x509.BasicConstraints(ca=True, path_length=None), True),
        *_usage_extensions(("key_cert_sign", "crl_sign"), None, None),
    ]:
        builder = builder.add_extension(extension, critical=critical)
    return Authority(key, (builder.sign(key, SHA256()),), "root", revocation_url)


def _authority_name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "nlgov-jades test, no authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKeyTypes, start: dt.datetime, end: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _crl_points(authority: Authority, base: str) -> x509.CRLDistributionPoints:
    url = x509.UniformResourceIdentifier(f"{base}{authority.crl_path}")
    return x509.CRLDistributionPoints([x509.DistributionPoint([url], None, None, None)])


def _ocsp_access(_: Authority, base: str) -> x509.AuthorityInformationAccess:
    url = x509.UniformResourceIdentifier(f"{base}/ocsp")
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, url)])


def _usage_extensions(
    usages: Collection[str], extended_key_usages: Collection[str] | None, policies: Collection[str] | None
) -> list[tuple[x509.ExtensionType, bool]]:
    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if usages:
        extensions.append((x509.KeyUsage(**{name: name in usages for name in _USAGES}), True))
    if extended_key_usages is not None:
        extended = [ObjectIdentifier(oid) for oid in extended_key_usages]
        extensions.append((x509.ExtendedKeyUsage(extended), False))
    if policies is not None:
        stated = [x509.PolicyInformation(ObjectIdentifier(oid), None) for oid in policies]
        extensions.append((x509.CertificatePolicies(stated), False))
    return extensions
