"""The throw-away hierarchies: four levels like PKIoverheid, and leaves with one deviation each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from generator.encoding import b64, der, der_integer
from generator.signing import PrivateKey

KEYS = Path(__file__).parent.parent / "keys"
ORGANIZATION_IDENTIFIER = ObjectIdentifier("2.5.4.97")
SERVICES_AUTHENTICITY = "2.16.528.1.1003.1.2.8.4"
SERVICES_CONFIDENTIALITY = "2.16.528.1.1003.1.2.8.5"
DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"
EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
# The enterprise number that RFC 5612 reserves for examples.
EXAMPLE_EXTENSION = ObjectIdentifier("1.3.6.1.4.1.32473.1")
OIN = "00000001002220647000"
KVK = "12345678"

Subject = tuple[tuple[ObjectIdentifier, str], ...]
_LEAF_USAGE = frozenset({"digital_signature"})
_CA_USAGE = frozenset({"key_cert_sign", "crl_sign"})
_ALL_USAGES = (
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


def _subject(
    common_name: str, *middle: tuple[ObjectIdentifier, str], organization: str = "nlgov-jades TEST"
) -> Subject:
    first = ((NameOID.COUNTRY_NAME, "NL"), (NameOID.ORGANIZATION_NAME, organization))
    return (*first, *middle, (NameOID.COMMON_NAME, common_name))


LEAF_SUBJECT = _subject("TEST Signing Services", (NameOID.SERIAL_NUMBER, OIN))


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What one certificate says; everything that is not stated is what a good leaf has."""

    serial: int
    issuer: str = "tsp-ca"
    key: str = "leaf-rsa2048"
    subject: Subject = LEAF_SUBJECT
    not_before: str = "2026-01-01"
    not_after: str = "2029-01-01"
    is_ca: bool = False
    path_length: int | None = None
    usage: frozenset[str] = _LEAF_USAGE
    extended_usage: tuple[str, ...] = (DOCUMENT_SIGNING, EMAIL_PROTECTION)
    policies: tuple[str, ...] = (SERVICES_AUTHENTICITY,)
    extra: x509.UnrecognizedExtension | None = None
    extra_critical: bool = False
    der_length: int | None = None
    oin: str | None = OIN
    kvk: str | None = None


def _ca(serial: int, issuer: str, key: str, name: str, **more: object) -> Certificate:
    fixed: dict[str, object] = {
        "serial": serial,
        "issuer": issuer,
        "key": key,
        "subject": _subject(name),
        "is_ca": True,
        "usage": _CA_USAGE,
        "extended_usage": (),
        "oin": None,
    }
    return Certificate(**{**fixed, **more})  # type: ignore[arg-type]  # a table of keyword arguments


_ROOT, _DOMAIN, _TSP = "TEST Root - nlgov-jades", "TEST Domain CA - nlgov-jades", "TEST TSP CA - nlgov-jades"
_CRITICAL = x509.UnrecognizedExtension(EXAMPLE_EXTENSION, der(0x04, b"unknown"))


def _person() -> Subject:
    names = ((NameOID.SURNAME, "Jansen"), (NameOID.GIVEN_NAME, "Jan"), (NameOID.SERIAL_NUMBER, OIN))
    return _subject("Jan Jansen", *names)


CERTIFICATES: Mapping[str, Certificate] = {
    "root": _ca(0x1001, "root", "root", _ROOT, policies=()),
    "domain-ca": _ca(0x1002, "root", "domain-ca", _DOMAIN),
    "tsp-ca": _ca(0x1003, "domain-ca", "tsp-ca", _TSP),
    "tsp-ca-expired": _ca(0x1004, "domain-ca", "tsp-ca", _TSP, not_after="2026-03-01"),
    "foreign-root": _ca(0x1001, "foreign-root", "foreign-root", _ROOT, policies=()),
    "foreign-domain-ca": _ca(0x1002, "foreign-root", "foreign-domain-ca", _DOMAIN),
    "foreign-tsp-ca": _ca(0x1003, "foreign-domain-ca", "foreign-tsp-ca", _TSP),
    "foreign-leaf": Certificate(serial=0x2001, issuer="foreign-tsp-ca", key="foreign-leaf"),
    "leaf": Certificate(serial=0x2001),
    "leaf-rsa3072": Certificate(serial=0x2002, key="leaf-rsa3072"),
    "leaf-rsa1024": Certificate(serial=0x2003, key="leaf-rsa1024"),
    "leaf-p256": Certificate(serial=0x2004, key="leaf-p256"),
    "leaf-p384": Certificate(serial=0x2005, key="leaf-p384"),
    "leaf-p521": Certificate(serial=0x201E, key="leaf-p521"),
    "leaf-secp256k1": Certificate(serial=0x201F, key="leaf-secp256k1"),
    "leaf-rsa2047": Certificate(serial=0x2020, key="leaf-rsa2047"),
    "leaf-rsa2049": Certificate(serial=0x2021, key="leaf-rsa2049"),
    "leaf-rsa3071": Certificate(serial=0x2022, key="leaf-rsa3071"),
    "leaf-rsa4096": Certificate(serial=0x2023, key="leaf-rsa4096"),
    "leaf-rsa8192": Certificate(serial=0x2024, key="leaf-rsa8192"),
    "leaf-rsa8193": Certificate(serial=0x2025, key="leaf-rsa8193"),
    # Public exponents 3, 65539 and 2**32 + 15.
    "leaf-rsa2048-e3": Certificate(serial=0x2026, key="leaf-rsa2048-e3"),
    "leaf-rsa2048-e65539": Certificate(serial=0x2027, key="leaf-rsa2048-e65539"),
    "leaf-rsa2048-e33": Certificate(serial=0x2028, key="leaf-rsa2048-e33"),
    "leaf-expired": Certificate(serial=0x2006, not_after="2026-03-01"),
    "leaf-not-yet-valid": Certificate(serial=0x2007, not_before="2026-09-01"),
    "leaf-key-encipherment": Certificate(serial=0x2008, usage=frozenset({"key_encipherment"})),
    "leaf-non-repudiation": Certificate(serial=0x2009, usage=frozenset({"content_commitment"})),
    "leaf-no-key-usage": Certificate(serial=0x200A, usage=frozenset()),
    "leaf-eku-server-auth": Certificate(serial=0x200B, extended_usage=(SERVER_AUTH,)),
    "leaf-eku-server-auth-too": Certificate(serial=0x200C, extended_usage=(DOCUMENT_SIGNING, SERVER_AUTH)),
    "leaf-eku-code-signing": Certificate(serial=0x200D, extended_usage=(CODE_SIGNING,)),
    "leaf-eku-client-auth": Certificate(serial=0x200E, extended_usage=(CLIENT_AUTH,)),
    "leaf-no-eku": Certificate(serial=0x200F, extended_usage=()),
    "leaf-is-ca": Certificate(serial=0x2010, is_ca=True, usage=_CA_USAGE | _LEAF_USAGE),
    "leaf-kvk": Certificate(
        serial=0x2011,
        oin=None,
        kvk=KVK,
        subject=_subject("TEST Signing Services", (ORGANIZATION_IDENTIFIER, f"NTRNL-{KVK}")),
    ),
    "leaf-oin-and-kvk": Certificate(
        serial=0x2012,
        kvk=KVK,
        subject=_subject(
            "TEST Signing Services", (ORGANIZATION_IDENTIFIER, f"NTRNL-{KVK}"), (NameOID.SERIAL_NUMBER, OIN)
        ),
    ),
    "leaf-oin-of-kvk": Certificate(
        serial=0x2013,
        oin=f"00000003{KVK}0000",
        kvk=KVK,
        subject=_subject("TEST Signing Services", (NameOID.SERIAL_NUMBER, f"00000003{KVK}0000")),
    ),
    "leaf-no-identity": Certificate(serial=0x2014, oin=None, subject=_subject("TEST Signing Services")),
    "leaf-person": Certificate(serial=0x2015, oin=None, subject=_person()),
    "leaf-two-serial-numbers": Certificate(
        serial=0x2016,
        oin=None,
        subject=_subject(
            "TEST Signing Services",
            (NameOID.SERIAL_NUMBER, OIN),
            (NameOID.SERIAL_NUMBER, "00000001123456782000"),
        ),
    ),
    "leaf-no-policy": Certificate(serial=0x2017, policies=()),
    "leaf-confidentiality": Certificate(serial=0x2018, policies=(SERVICES_CONFIDENTIALITY,)),
    "leaf-unknown-critical": Certificate(serial=0x2019, extra=_CRITICAL, extra_critical=True),
    "leaf-8192-octets": Certificate(serial=0x201A, der_length=8192),
    "leaf-8193-octets": Certificate(serial=0x201B, der_length=8193),
    "leaf-self-signed": Certificate(serial=0x201C, issuer="leaf-self-signed"),
    "leaf-of-leaf": Certificate(serial=0x201D, issuer="leaf", key="foreign-leaf"),
}


@cache
def private_key(name: str) -> PrivateKey:
    """Load one of the fixed keys."""
    key = serialization.load_pem_private_key((KEYS / f"{name}.pem").read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError(f"unexpected kind of key in {name}.pem")
    return key


def _name(subject: Subject) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _builder(spec: Certificate, issuer: Certificate) -> x509.CertificateBuilder:
    public, issuer_public = private_key(spec.key).public_key(), private_key(issuer.key).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(spec.subject))
        .issuer_name(_name(issuer.subject))
        .public_key(public)
        .serial_number(spec.serial)
        .not_valid_before(_date(spec.not_before))
        .not_valid_after(_date(spec.not_after))
        .add_extension(x509.BasicConstraints(spec.is_ca, spec.path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False)
    )
    if spec.usage:
        bits = {usage: usage in spec.usage for usage in _ALL_USAGES}
        builder = builder.add_extension(x509.KeyUsage(**bits), critical=True)
    if spec.extended_usage:
        oids = [ObjectIdentifier(oid) for oid in spec.extended_usage]
        builder = builder.add_extension(x509.ExtendedKeyUsage(oids), critical=False)
    if spec.policies:
        policies = [x509.PolicyInformation(ObjectIdentifier(oid), None) for oid in spec.policies]
        builder = builder.add_extension(x509.CertificatePolicies(policies), critical=False)
    if spec.extra:
        builder = builder.add_extension(spec.extra, critical=spec.extra_critical)
    return builder


def _sign(builder: x509.CertificateBuilder, issuer: Certificate) -> x509.Certificate:
    # PKCS #1 v1.5, the default, has no salt: the same certificate on every run.
    return builder.sign(private_key(issuer.key), hashes.SHA256())


def _padded(builder: x509.CertificateBuilder, issuer: Certificate, length: int) -> x509.Certificate:
    """Return a certificate of exactly `length` octets of DER, by way of an unknown extension."""
    filler = length - len(_sign(builder, issuer).public_bytes(serialization.Encoding.DER))
    for size in range(filler, 0, -1):
        extension = x509.UnrecognizedExtension(EXAMPLE_EXTENSION, der(0x04, b"\0" * size))
        certificate = _sign(builder.add_extension(extension, critical=False), issuer)
        if len(certificate.public_bytes(serialization.Encoding.DER)) == length:
            return certificate
    raise ValueError(f"no certificate of {length} octets possible")


@cache
def certificate(name: str) -> x509.Certificate:
    """Build one certificate of the table; the same octets every time."""
    spec = CERTIFICATES[name]
    issuer = CERTIFICATES[spec.issuer]
    builder = _builder(spec, issuer)
    return _padded(builder, issuer, spec.der_length) if spec.der_length else _sign(builder, issuer)


def certificate_der(name: str) -> bytes:
    """Return the DER of one certificate of the table."""
    return certificate(name).public_bytes(serialization.Encoding.DER)


def issuer_serial(name: str) -> str:
    """Return the `kid` of TS 119 182-1 section 5.1.4: base64 of the DER IssuerSerial (RFC 5035)."""
    built = certificate(name)
    general_names = der(0x30, der(0xA4, built.issuer.public_bytes()))
    return b64(der(0x30, general_names + der_integer(built.serial_number)))


def certificate_files() -> dict[str, bytes]:
    """Return the content of every file under `certificates/`."""
    return {f"{name}.pem": certificate(name).public_bytes(serialization.Encoding.PEM) for name in CERTIFICATES}
