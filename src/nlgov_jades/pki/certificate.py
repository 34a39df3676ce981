"""Reading X.509 certificates that a stranger sent: every parser error becomes ours, and becomes it at once."""

from __future__ import annotations

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ..errors import CertificateExpiredError, CertificateNotYetValidError, ConfigurationError, quoted

__all__ = [
    "UnreadableCertificateError",
    "check_validity",
    "display_name",
    "extended_key_usages",
    "fingerprint",
    "has_signed",
    "is_authority",
    "is_ca",
    "key_usage",
    "load_der",
    "load_pem_bundle",
]

_NAME_LENGTH = 120


class UnreadableCertificateError(ValueError):
    """Octets that are no certificate; callers turn it into the error that fits where the octets came from."""


def load_der(der: bytes) -> x509.Certificate:
    """A certificate whose lazily parsed parts were all read once, so that nothing later can fail on its form.

    Raises:
        UnreadableCertificateError: It is no certificate, or holds something that cannot be read.
    """
    try:
        return _read(x509.load_der_x509_certificate(der))
    except Exception:  # noqa: BLE001 - ValueError, TypeError, its own classes and, where warnings are errors, warnings
        raise UnreadableCertificateError from None


def load_pem_bundle(pem: bytes, what: str) -> tuple[x509.Certificate, ...]:
    """Every certificate in a PEM text, each once, in order.

    Args:
        pem: Text with one or more CERTIFICATE blocks.
        what: Name of the source for the error, our own words.

    Raises:
        ConfigurationError: There is none, or one cannot be read.
    """
    if not isinstance(pem, bytes):
        raise ConfigurationError(f"{what} is PEM, as bytes")
    try:
        certificates = [_read(certificate) for certificate in x509.load_pem_x509_certificates(pem)]
    except Exception:  # noqa: BLE001 - as in load_der
        raise ConfigurationError(f"{what} holds no PEM certificate, or one that cannot be read") from None
    return tuple(dict.fromkeys(certificates))


def _read(certificate: x509.Certificate) -> x509.Certificate:
    _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.version, certificate.serial_number
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc, certificate.signature_algorithm_oid
    certificate.public_key()
    if certificate.serial_number <= 0:
        raise UnreadableCertificateError  # RFC 5280 §4.1.2.2; the parser warns of it or not, as warnings are set
    return certificate


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, lower-case hexadecimal."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def display_name(certificate: x509.Certificate) -> str:
    """The subject for people, quoted and cut: its common name when there is one."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return quoted(names[0].value if names else certificate.subject.rfc4514_string(), _NAME_LENGTH)


def check_validity(certificate: x509.Certificate, at: dt.datetime) -> None:
    """Return when the certificate is valid at that time (RFC 5280 §4.1.2.5).

    Raises:
        CertificateExpiredError: It is past its notAfter.
        CertificateNotYetValidError: It is before its notBefore.
    """
    if at > certificate.not_valid_after_utc:
        raise CertificateExpiredError(display_name(certificate), not_after=certificate.not_valid_after_utc, at=at)
    if at < certificate.not_valid_before_utc:
        raise CertificateNotYetValidError(display_name(certificate), not_before=certificate.not_valid_before_utc, at=at)


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether basicConstraints says that it is a CA."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def is_ca(certificate: x509.Certificate) -> bool:
    """As `is_authority`, of a certificate that nobody has read yet: one whose extensions cannot be read is no CA."""
    try:
        return is_authority(certificate)
    except Exception:  # noqa: BLE001 - extensions that cannot be read raise more classes than are documented
        return False


def has_signed(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether this issuer's key signed a certificate. Says nothing about whether it may."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm: all mean "not by this one"
        return False
    return True


def key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    """The keyUsage extension, or `None`."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def extended_key_usages(certificate: x509.Certificate) -> frozenset[str] | None:
    """The OIDs in extendedKeyUsage, or `None` when the extension is absent."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return None
    return frozenset(usage.dotted_string for usage in extension.value)
