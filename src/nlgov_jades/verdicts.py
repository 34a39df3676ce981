"""Verdicts about certificates, kept for as long as everything behind them holds. A value and a bounded store.

A verdict saves the second message of a signer the path, the revocation and the parsing; never the signature, the digest,
the times or the allow-list. Only successes are kept, and never one in which something is unchecked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from .jws import PublicKey
from .notice import Notice
from .pki.answer import later
from .pki.path import CertificationPath
from .policy import RevocationPolicy
from .profiles import SignatureAlgorithm
from .result import RevocationEvidence, SignerIdentity

__all__ = ["PathVerdict", "SignerCertificates", "VerdictStore", "lifetime", "verdict_key"]

MAX_VERDICTS = 4096
"""Signers that are remembered: all Dutch municipalities and their suppliers several times over."""


@dataclass(frozen=True, slots=True)
class SignerCertificates:
    """What a message's `x5c` holds, parsed.

    Attributes:
        der: DER of each certificate, signer first.
        leaf: The signer's certificate.
        untrusted: The others.
        key: The signer's public key, of the type and size that the algorithm asks for.
        x5t: What `x5t#S256` must say about the signer's certificate.
        validity: From when until when the signer's certificate is valid, UTC.
    """

    der: tuple[bytes, ...]
    leaf: x509.Certificate
    untrusted: tuple[x509.Certificate, ...]
    key: PublicKey
    x5t: str
    validity: tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class PathVerdict:
    """That the path of these certificates holds and nothing on it is revoked.

    Attributes:
        certificates: What it is about.
        path: The certification path.
        evidence: What is known about revocation.
        identity: Who the signer is.
        notices: What is worth telling about the certificates.
        from_time: When it was found, UTC. It says nothing about earlier.
        valid_until: The last moment at which it holds, UTC.
        generation: The store's generation when its checks began.
        source: The fetcher's generation at that time.
    """

    certificates: SignerCertificates
    path: CertificationPath
    evidence: tuple[RevocationEvidence, ...]
    identity: SignerIdentity
    notices: tuple[Notice, ...]
    from_time: dt.datetime
    valid_until: dt.datetime
    generation: object
    source: object


def verdict_key(algorithm: SignatureAlgorithm, x5c: Sequence[str]) -> bytes:
    """SHA-256 over the algorithm and the entries of `x5c`, each with its length: no two lists share a key."""
    hasher = hashlib.sha256(algorithm.value.encode("ascii"))
    for entry in x5c:
        octets = entry.encode("utf-8")
        hasher.update(len(octets).to_bytes(8))
        hasher.update(octets)
    return hasher.digest()


def lifetime(
    path: CertificationPath,
    evidence: Sequence[RevocationEvidence],
    data_until: dt.datetime,
    *,
    policy: RevocationPolicy,
    at: dt.datetime,
) -> dt.datetime:
    """The last moment at which a verdict holds: the earliest end of anything behind it, UTC.

    Args:
        path: Every certificate ends at its notAfter.
        evidence: The signer's own data count from their thisUpdate as well.
        data_until: The earliest end of the revocation data.
        policy: Its `max_age` counts from now.
        at: Now.
    """
    ends = [
        data_until,
        later(at, policy.max_age),
        *(certificate.not_valid_after_utc for certificate in path.certificates),
    ]
    this_update = evidence[0].this_update
    if this_update is not None:
        ends.append(later(this_update, policy.max_age))
    return min(ends)


class VerdictStore:
    """The verdicts of one verifier: its trust and its policy are part of none of the keys. Safe to share.

    Bounded by two halves: when the younger is full it becomes the elder, and the elder is forgotten. Each operation is
    one step on a dict, so threads need no lock.
    """

    __slots__ = ("_elder", "_generation", "_revoked", "_younger")

    def __init__(self) -> None:
        self._younger: dict[bytes, PathVerdict] = {}
        self._elder: dict[bytes, PathVerdict] = {}
        self._revoked: dict[str, None] = {}
        self._generation = object()

    @property
    def generation(self) -> object:
        """Another object after each new revocation. A verdict of an earlier generation is not used."""
        return self._generation

    def find(self, key: bytes, at: dt.datetime, source: object) -> PathVerdict | None:
        """The verdict, when there is one that holds at this time.

        Args:
            key: From `verdict_key`.
            at: Now, UTC.
            source: The fetcher's generation now: whoever else uses its data may have met a revocation.
        """
        verdict = self._younger.get(key) or self._elder.get(key)
        if verdict is None or verdict.generation is not self._generation or verdict.source != source:
            return None
        return verdict if verdict.from_time <= at <= verdict.valid_until else None

    def keep(self, key: bytes, verdict: PathVerdict) -> None:
        """Remember a verdict, unless a revocation was met since its checks began."""
        if verdict.generation is not self._generation:
            return
        if len(self._younger) >= MAX_VERDICTS // 2:
            self._elder, self._younger = self._younger, {}
        self._younger[key] = verdict
        for entry in verdict.evidence:  # a hold that was lifted: its next revocation is a new one
            self._revoked.pop(entry.certificate, None)

    def revoked(self, certificate: str) -> None:
        """A revocation was met. A new one may be of a CA: then no verdict found before it is used again.

        Args:
            certificate: SHA-256 of the revoked certificate. One that was met before changes nothing, or else its owner
                could make every other signer's message dear by sending his own again and again.
        """
        if certificate in self._revoked:
            return
        if len(self._revoked) >= MAX_VERDICTS:
            self._revoked = {}
        self._revoked[certificate] = None
        self._generation = object()
        self._younger, self._elder = {}, {}
