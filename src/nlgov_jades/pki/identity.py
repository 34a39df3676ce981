"""Who a certificate speaks for: OIN and KVK number. Reading names only; no trust is decided here.

Sources: Logius OIN-Stelsel (composition of an OIN), ETSI EN 319 412-1 §5.1.4 (organizationIdentifier).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from ..errors import ConfigurationError, quoted

__all__ = ["OIN_PREFIXES", "Kvk", "Oin", "common_name", "kvk_of", "oin_of", "organization"]

OIN_PREFIXES = {
    "00000001": "RSIN",
    "00000002": "Fi-nummer",
    "00000003": "KVK",
    "00000004": "subOIN",
    "00000005": "free",
    "00000006": "Logius",
    "00000007": "BRIN",
    "00000008": "foreign",
    "00000009": "UZI",
    "00000010": "TRR-BD",
    "00000099": "test",
}
"""The register behind each prefix."""

_RSIN, _KVK, _SUB_OIN = "00000001", "00000003", "00000004"

_OIN = re.compile(r"([0-9]{8})([0-9A-Z]{12})")
_RSIN_NUMBER = re.compile(r"[0-9]{9}")
_KVK_NUMBER = re.compile(r"[0-9]{8}")
_NTRNL = re.compile(r"NTRNL-([0-9]{8})")

_PERSONAL = (NameOID.SURNAME, NameOID.GIVEN_NAME, NameOID.PSEUDONYM)
"""Attributes of natural persons, whose certificates carry serial numbers that are no OIN."""


@dataclass(frozen=True, slots=True)
class Oin:
    """Organisatie-identificatienummer, or a HRN, which has the same form: 20 positions, kept as text.

    A prefix of 8 digits, a number, and a suffix: `0000` behind a number of 8 positions, `000` behind one of 9.

    Args:
        value: The 20 positions.

    Raises:
        ConfigurationError: Another form or an unknown prefix.
    """

    value: str

    def __post_init__(self) -> None:
        match = _OIN.fullmatch(self.value) if isinstance(self.value, str) else None
        if match is None or match[1] not in OIN_PREFIXES or not _fits(match[1], match[2]):
            raise ConfigurationError(f"{quoted(self.value)} is not an OIN")

    @property
    def prefix(self) -> str:
        """The first 8 positions, which name the register."""
        return self.value[:8]

    @property
    def register(self) -> str:
        """Name of the register behind the prefix."""
        return OIN_PREFIXES[self.prefix]

    @property
    def number(self) -> str:
        """The number in that register. Split by prefix: a RSIN that ends in 0 looks like a number of 8 positions."""
        return self.value[8:16] if self.prefix == _KVK else self.value[8:17]

    @property
    def is_test(self) -> bool:
        """Prefix 00000099: never an organisation in production."""
        return self.prefix == "00000099"

    def passes_eleven_test(self) -> bool:
        """Whether the RSIN inside passes the eleven-test; OINs of other registers have no such test and pass.

        A matter for a warning: it decides nothing.
        """
        if self.prefix != _RSIN:
            return True
        weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
        return sum(weight * int(digit) for weight, digit in zip(weights, self.number, strict=True)) % 11 == 0

    def __str__(self) -> str:
        return self.value


def _fits(prefix: str, rest: str) -> bool:
    if prefix == _RSIN:
        return _RSIN_NUMBER.fullmatch(rest[:9]) is not None and rest[9:] == "000"
    if prefix == _KVK:
        return _KVK_NUMBER.fullmatch(rest[:8]) is not None and rest[8:] == "0000"
    # subOINs in use carry a counter where the others carry zeros.
    return prefix == _SUB_OIN or rest.endswith("000")


@dataclass(frozen=True, slots=True)
class Kvk:
    """KVK-nummer: 8 digits in the register of the Kamer van Koophandel.

    Args:
        value: The 8 digits.

    Raises:
        ConfigurationError: Another form.
    """

    value: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, str) or not _KVK_NUMBER.fullmatch(self.value):
            raise ConfigurationError(f"{quoted(self.value)} is not a KVK number")

    def __str__(self) -> str:
        return self.value


def oin_of(certificate: x509.Certificate) -> Oin | None:
    """The OIN in the subject: exactly one serialNumber, of an organisation. `None` when there is no such thing."""
    subject = certificate.subject
    if _is_personal(subject):
        return None
    serial_numbers = subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    if len(serial_numbers) != 1:
        return None
    try:
        return Oin(_text(serial_numbers[0]))
    except ConfigurationError:
        return None


def kvk_of(certificate: x509.Certificate) -> Kvk | None:
    """The KVK number of an organisation: from one organizationIdentifier `NTRNL-…`, or from an OIN with the KVK prefix.

    `None` when there is neither, when the two contradict each other, or when the certificate is a person's.
    """
    if _is_personal(certificate.subject):
        return None
    oin = oin_of(certificate)
    numbers = {Kvk(oin.number)} if oin is not None and oin.prefix == _KVK else set()
    identifiers = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    # Identifiers of other registers (VATNL-, LEIXG-) say nothing about this one.
    stated = [text for text in map(_text, identifiers) if text.upper().startswith("NTRNL")]
    if (stated and len(identifiers) > 1) or any(_NTRNL.fullmatch(text) is None for text in stated):
        return None
    numbers |= {Kvk(text[len("NTRNL-") :]) for text in stated}
    return numbers.pop() if len(numbers) == 1 else None


def _is_personal(subject: x509.Name) -> bool:
    return any(subject.get_attributes_for_oid(oid) for oid in _PERSONAL)


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name, or the empty text. For people; never compare it."""
    return _first(certificate, NameOID.COMMON_NAME)


def organization(certificate: x509.Certificate) -> str:
    """The subject's organisation name, or the empty text. For people; never compare it."""
    return _first(certificate, NameOID.ORGANIZATION_NAME)


def _first(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    attributes = certificate.subject.get_attributes_for_oid(oid)
    return _text(attributes[0]) if attributes else ""


def _text(attribute: x509.NameAttribute[str | bytes]) -> str:
    value = attribute.value
    return value if isinstance(value, str) else value.decode("iso-8859-1")
