"""Trust anchors and the public intermediates that help to reach them. Only ever from configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from cryptography import x509
from cryptography.x509.verification import Store

from ..errors import ConfigurationError
from .certificate import display_name, fingerprint, is_ca, load_pem_bundle
from .pkioverheid import PinRole, role_of

__all__ = ["MAX_INTERMEDIATES_ON_PATH", "TrustStore"]

MAX_INTERMEDIATES_ON_PATH = 4
"""CAs between signer and anchor: PKIoverheid has two; x5c holds at most five certificates in all."""

MAX_INTERMEDIATES = 512
"""All PKIoverheid CAs together are a few dozen; a search over far more would cost time on every message."""


class TrustStore:
    """The trust anchors of a verifier, and intermediates it may use. Immutable; safe to share.

    Never the operating system's store and never a root out of `x5c`. Anchors are matched by key, not by name.

    Args:
        anchors: CA certificates that are trusted as they are. At least one.
        intermediates: CA certificates that are not trusted by themselves, so that a short `x5c` verifies.

    Raises:
        ConfigurationError: No anchor, or a certificate that is no CA: a leaf as its own anchor would never meet a
            revocation check.
    """

    def __init__(self, anchors: Iterable[x509.Certificate], intermediates: Iterable[x509.Certificate] = ()) -> None:
        self._anchors = _authorities(anchors, "trust anchor")
        self._intermediates = _authorities(intermediates, "intermediate")
        if not self._anchors:
            raise ConfigurationError("a TrustStore needs at least one trust anchor")
        if len(self._intermediates) > MAX_INTERMEDIATES:
            raise ConfigurationError(f"a TrustStore holds at most {MAX_INTERMEDIATES} intermediates")
        self._store = Store(list(self._anchors))
        self._by_name: dict[x509.Name, list[x509.Certificate]] = {}
        for ca in dict.fromkeys((*self._anchors, *self._intermediates)):
            self._by_name.setdefault(ca.subject, []).append(ca)

    @classmethod
    def from_pem(cls, anchors: bytes, *, intermediates: bytes | None = None) -> TrustStore:
        """A store from PEM texts with one or more certificates each.

        Raises:
            ConfigurationError: As the constructor, or a text without a readable certificate.
        """
        cas = () if intermediates is None else load_pem_bundle(intermediates, "the file of intermediates")
        return cls(load_pem_bundle(anchors, "the file of trust anchors"), cas)

    @classmethod
    def pkioverheid(cls, bundle_pem: bytes, *, pins: Collection[str] = ()) -> TrustStore:
        """A store of pinned PKIoverheid certificates only.

        Args:
            bundle_pem: What `nlgov-jades trust install` wrote, or any PEM of pinned certificates.
            pins: SHA-256 fingerprints that the operator pins besides those of this library, lower-case hexadecimal.

        Raises:
            ConfigurationError: A certificate is not pinned, or none is an anchor.
        """
        anchors: list[x509.Certificate] = []
        intermediates: list[x509.Certificate] = []
        for certificate in load_pem_bundle(bundle_pem, "the PKIoverheid bundle"):
            role = role_of(certificate, pins)
            if role is None:
                raise ConfigurationError(
                    f"certificate {display_name(certificate)} in the bundle is not a pinned PKIoverheid certificate "
                    f"(SHA-256 {fingerprint(certificate)}); if it should be, pin that fingerprint once Logius confirmed it"
                )
            (anchors if role is PinRole.ANCHOR else intermediates).append(certificate)
        return cls(anchors, intermediates)

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """The trust anchors."""
        return self._anchors

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        """The intermediates, not trusted by themselves."""
        return self._intermediates

    def named(self, name: x509.Name) -> tuple[x509.Certificate, ...]:
        """The anchors and intermediates with this subject."""
        return tuple(self._by_name.get(name, ()))

    @property
    def store(self) -> Store:
        """The anchors as `cryptography` wants them; made once."""
        return self._store

    @property
    def id(self) -> str:
        """SHA-256 over the fingerprints, hexadecimal: two stores with the same certificates have the same id."""
        parts = ["anchors", *sorted(map(fingerprint, self._anchors))]
        parts += ["intermediates", *sorted(map(fingerprint, self._intermediates))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def __repr__(self) -> str:
        return f"<TrustStore: {len(self._anchors)} anchors, {len(self._intermediates)} intermediates>"


def _authorities(certificates: Iterable[x509.Certificate], role: str) -> tuple[x509.Certificate, ...]:
    given = list(certificates) if isinstance(certificates, Iterable) else []
    if not isinstance(certificates, Iterable) or not all(isinstance(item, x509.Certificate) for item in given):
        raise ConfigurationError(f"every {role} is an x509.Certificate, in a list")
    unique = tuple(dict.fromkeys(given))
    for certificate in unique:
        if not is_ca(certificate):
            raise ConfigurationError(f"{display_name(certificate)} is no CA certificate and cannot be a {role}")
    return unique
