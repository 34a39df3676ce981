"""Revocation along a path, as a generator: it yields what it needs to know and decides from the answers.

This version reads no OCSP response and no CRL yet, so only `RevocationPolicy.OFF` lets a message through. Every other
policy asks for the data that the certificates name, and ends in RevocationUnknownError whatever the answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from ..errors import FetchError, RevocationUnknownError, quoted
from ..policy import RevocationMode, RevocationPolicy
from ..result import RevocationEvidence, RevocationStatus
from .certificate import display_name, fingerprint
from .identity import common_name
from .path import CertificationPath

__all__ = ["FetchRequest", "RevocationKind", "check_revocation"]

MAX_URLS = 2
"""Of one kind in one certificate; each costs a fetch."""


class RevocationKind(StrEnum):
    """Where the answer comes from."""

    OCSP = "ocsp"
    CRL = "crl"


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """The generator needs what is at this address; the driver answers with a FetchError when it cannot have it.

    Attributes:
        kind: What is expected there.
        url: From a certificate whose path reached a trust anchor.
        certificate: The certificate it is about.
    """

    kind: RevocationKind
    url: str
    certificate: x509.Certificate


def check_revocation(
    path: CertificationPath, policy: RevocationPolicy
) -> Generator[FetchRequest, FetchError, tuple[RevocationEvidence, ...]]:
    """What is known about the revocation of each certificate below the anchor.

    Args:
        path: A path that reached a trust anchor: its URLs were written by a CA we trust.
        policy: How revocation is judged.

    Yields:
        What to fetch; send back why it could not be had.

    Raises:
        RevocationUnknownError: The policy asks for an answer and there is none.
    """
    below = path.certificates[:-1]
    if policy.mode is RevocationMode.OFF:
        return tuple(
            RevocationEvidence(
                certificate=fingerprint(certificate),
                subject=common_name(certificate),
                status=RevocationStatus.UNCHECKED,
            )
            for certificate in below
        )
    leaf = below[0]
    attempts: list[str] = []
    cause: FetchError | None = None
    for kind, url in _sources(leaf):
        cause = yield FetchRequest(kind, url, leaf)
        attempts.append(f"{kind.value} {quoted(url)}: {cause}")
    tried = "; ".join(attempts) or "it names no OCSP responder and no CRL, and none was given"
    raise RevocationUnknownError(
        f"whether certificate {display_name(leaf)} is revoked is not known ({tried})"
    ) from cause


def _sources(certificate: x509.Certificate) -> list[tuple[RevocationKind, str]]:
    ocsp = [(RevocationKind.OCSP, url) for url in _ocsp_urls(certificate)[:MAX_URLS]]
    return ocsp + [(RevocationKind.CRL, url) for url in _crl_urls(certificate)[:MAX_URLS]]


def _ocsp_urls(certificate: x509.Certificate) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    locations = [item.access_location for item in access if item.access_method == AuthorityInformationAccessOID.OCSP]
    return [name.value for name in locations if isinstance(name, x509.UniformResourceIdentifier)]


def _crl_urls(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    names = [name for point in points for name in point.full_name or ()]
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
