"""Pinned facts about PKIoverheid (Logius): its trust anchors by fingerprint, its certificate policies. No certificates.

A certificate that is not pinned here, or by the operator with a fingerprint of its own, is not taken for PKIoverheid.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509

from .certificate import fingerprint

__all__ = ["PINS", "POLICIES", "TLS_POLICIES", "TRIAL_ARC", "Pin", "PinRole", "role_of"]


class PinRole(StrEnum):
    """What a pinned certificate is used for."""

    ANCHOR = "anchor"
    INTERMEDIATE = "intermediate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One certificate, known by its fingerprint.

    Attributes:
        common_name: Of its subject.
        sha256: SHA-256 of its DER, lower-case hexadecimal.
        role: What it is used for.
        not_after: Last day of its validity.
        url: Where Logius publishes it, or `None`.
    """

    common_name: str
    sha256: str
    role: PinRole
    not_after: dt.date
    url: str | None = None


PINS: Final = (
    Pin(
        common_name="Staat der Nederlanden Private Root CA - G1",
        sha256="0257ce27b52408e24ee2c0945640b723c5bc66ddbda4ada58c60357604f0e675",
        role=PinRole.ANCHOR,
        not_after=dt.date(2028, 11, 13),
        url="http://cert.pkioverheid.nl/PrivateRootCA-G1.cer",
    ),
    Pin(
        common_name="Staat der Nederlanden Private Services CA - G1",
        sha256="2eaaf678e645dc26ea82c016ef3960935659cf81b4c44d9b2d0fb1a142666c98",
        role=PinRole.INTERMEDIATE,
        not_after=dt.date(2028, 11, 12),
        url="http://cert.pkioverheid.nl/DomPrivateServicesCA-G1.cer",
    ),
    Pin(
        common_name="Staat der Nederlanden Root CA - G3",
        sha256="3c4fb0b95ab8b30032f432b86f535fe172c185d0fd39865837cf36187fa6f428",
        role=PinRole.ANCHOR,
        not_after=dt.date(2028, 11, 13),
    ),
    Pin(
        common_name="Staat der Nederlanden - G4 Root Priv G-TLS - 2024",
        sha256="4411f67d3d7f4f49d34ff8862249de0d6692adc92df0855fb1dd67a169800484",
        role=PinRole.ANCHOR,
        not_after=dt.date(2039, 5, 20),
        url="http://cert.pkioverheid.nl/StaatderNederlandenG4RootPrivGTLS2024.cer",
    ),
    Pin(
        common_name="Staat der Nederlanden - G4 Intm Priv G-TLS SYS - 2024",
        sha256="a24f6f2fa192dd96ceeaf8d4c380d8663426f95858956a5adff5cfd36b30554f",
        role=PinRole.INTERMEDIATE,
        not_after=dt.date(2039, 5, 19),
        url="http://cert.pkioverheid.nl/StaatderNederlandenG4IntmPrivGTLSSYS2024.cer",
    ),
)
"""What could be pinned from public sources. G4 Root Priv G-Other and G4 Root EUTL G-Sigs, under which new signing
certificates hang, are not among them: an operator adds them with a fingerprint that Logius confirms."""

TRIAL_ARC: Final = "2.16.528.1.1003.1.2.41."
"""Certificate policies of the TRIAL hierarchy: never production."""

_ARC = "2.16.528.1.1003.1.2."

POLICIES: Final = {
    _ARC + "5.4": "organisation services: authenticity (G3)",
    _ARC + "5.5": "organisation services: confidentiality (G3)",
    _ARC + "5.6": "organisation services: server (G3)",
    _ARC + "5.7": "organisation services: non-repudiation (G3)",
    _ARC + "8.4": "private services: authenticity (G1)",
    _ARC + "8.5": "private services: confidentiality (G1)",
    _ARC + "8.6": "private services: server (G1)",
    _ARC + "44.14.25.5": "legal person: seal (G4)",
    _ARC + "44.15.35.11": "TLS (G4)",
    _ARC + "44.16.25.4": "legal person: authenticity (G4)",
    _ARC + "44.16.25.8": "legal person: authentication (G4)",
}
"""What the policies mean, for people."""

TLS_POLICIES: Final = frozenset({_ARC + "5.6", _ARC + "8.6", _ARC + "44.15.35.11"})
"""Policies of certificates for TLS."""

_ROLES = {pin.sha256: pin.role for pin in PINS}


def role_of(certificate: x509.Certificate, extra: Collection[str] = ()) -> PinRole | None:
    """What a certificate is pinned for; `None` when it is not pinned.

    Args:
        certificate: Any certificate.
        extra: SHA-256 fingerprints that the operator pinned, lower-case hexadecimal. A self-signed certificate among
            them is an anchor, another one an intermediate.
    """
    sha256 = fingerprint(certificate)
    if sha256 in _ROLES:
        return _ROLES[sha256]
    if sha256 not in extra:
        return None
    return PinRole.ANCHOR if certificate.subject == certificate.issuer else PinRole.INTERMEDIATE
