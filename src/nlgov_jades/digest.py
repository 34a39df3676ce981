"""Digest (RFC 3230) and Content-Digest (RFC 9530): compute, parse, compare. No signature is known here.

Both are taken over the body as transferred after removing the transfer coding, still content-encoded.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping
from enum import Enum

from .encoding import base64_decode
from .errors import ConfigurationError, DigestMismatchError, MalformedSignatureError, UnsupportedAlgorithmError

__all__ = [
    "BodyDigest",
    "DigestAlgorithm",
    "compare",
    "digest_field_value",
    "parse_content_digest",
    "parse_digest",
]

MAX_DIGEST_FIELD = 2048
"""Octets of a Digest or Content-Digest value; all registered algorithms together take a few hundred."""


class DigestAlgorithm(Enum):
    """The algorithms that may vouch for a body. MD5, SHA-1 and checksums never do."""

    SHA_256 = "SHA-256"
    SHA_512 = "SHA-512"

    # By identity, as they compare: nine times a message, and that of Enum is written in Python.
    __hash__ = object.__hash__

    @property
    def length(self) -> int:
        """Octets of the digest."""
        return 32 if self is DigestAlgorithm.SHA_256 else 64


_HASHES = {DigestAlgorithm.SHA_256: hashlib.sha256, DigestAlgorithm.SHA_512: hashlib.sha512}
_BY_NAME = {algorithm.value.lower(): algorithm for algorithm in DigestAlgorithm}

_INSTANCE_DIGEST = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([\x21-\x7e]+)")
_USUAL = re.compile(r"SHA-256=([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)")
"""Thirty-two octets in their one spelling: the unused bits of the last character are zero (RFC 4648 §3.5)."""

_DICTIONARY_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):")


class BodyDigest:
    """Digest of a body that passes by in pieces, so that it never has to be in memory.

    Feed it every octet after removing the transfer coding, still content-encoded, and only then use it.

    Args:
        algorithms: What to compute; a message that is verified names them in its Digest field.

    Raises:
        ConfigurationError: No algorithm, or one that is no `DigestAlgorithm`.
    """

    __slots__ = ("_hashes", "_length")

    def __init__(self, algorithms: Iterable[DigestAlgorithm] = (DigestAlgorithm.SHA_256,)) -> None:
        chosen = tuple(algorithms) if isinstance(algorithms, Iterable) else ()
        if not chosen or not all(isinstance(algorithm, DigestAlgorithm) for algorithm in chosen):
            raise ConfigurationError("a BodyDigest needs at least one DigestAlgorithm")
        self._hashes = {algorithm: _HASHES[algorithm]() for algorithm in chosen}
        self._length = 0

    @property
    def length(self) -> int:
        """Octets fed so far."""
        return self._length

    @property
    def algorithms(self) -> frozenset[DigestAlgorithm]:
        """What is computed."""
        return frozenset(self._hashes)

    def update(self, octets: bytes | bytearray | memoryview) -> None:
        """Feed the next octets of the body."""
        view = memoryview(octets)
        for hasher in self._hashes.values():
            hasher.update(view)
        self._length += view.nbytes

    def value(self, algorithm: DigestAlgorithm) -> bytes:
        """The digest of all octets fed so far.

        Raises:
            ConfigurationError: It was not made with this algorithm.
        """
        try:
            return self._hashes[algorithm].digest()
        except KeyError:
            raise ConfigurationError(
                f"this BodyDigest was not fed with {algorithm.value}; make it from what verify_fields returned"
            ) from None

    def __repr__(self) -> str:
        names = ", ".join(algorithm.value for algorithm in self._hashes)
        return f"<BodyDigest: {names} over {self._length} octets>"


def _value(body: bytes | BodyDigest, algorithm: DigestAlgorithm) -> bytes:
    return body.value(algorithm) if isinstance(body, BodyDigest) else _HASHES[algorithm](body).digest()


def digest_field_value(body: bytes | BodyDigest) -> str:
    """The one Digest value that is emitted: `SHA-256=` and standard base64 with padding (RFC 3230 §4.3.2).

    Raises:
        ConfigurationError: `body` is a BodyDigest without SHA-256.
    """
    return "SHA-256=" + b2a_base64(_value(body, DigestAlgorithm.SHA_256), newline=False).decode()


def parse_digest(value: str) -> dict[DigestAlgorithm, bytes]:
    """The strong digests that a Digest field states (RFC 3230 §4.3.2), names in any case.

    Args:
        value: The field's value, trimmed.

    Raises:
        MalformedSignatureError: Not a list of `algorithm=value`, an algorithm named twice, or a strong digest
            that is not padded base64 of the right length.
        UnsupportedAlgorithmError: It names neither SHA-256 nor SHA-512.
    """
    usual = _USUAL.fullmatch(value)
    if usual is not None:
        return {DigestAlgorithm.SHA_256: a2b_base64(usual[1])}
    return _parse(value, "Digest", _INSTANCE_DIGEST)


def parse_content_digest(value: str) -> dict[DigestAlgorithm, bytes]:
    """The strong digests that a Content-Digest field states (RFC 9530 §2).

    Args:
        value: The field's lines joined with `, `, trimmed.

    Raises:
        MalformedSignatureError: Not a dictionary of byte sequences without parameters, an algorithm named twice,
            or a strong digest that is not padded base64 of the right length.
        UnsupportedAlgorithmError: It names neither sha-256 nor sha-512.
    """
    return _parse(value, "Content-Digest", _DICTIONARY_MEMBER)


def _parse(value: str, field: str, member: re.Pattern[str]) -> dict[DigestAlgorithm, bytes]:
    if len(value) > MAX_DIGEST_FIELD:
        raise MalformedSignatureError(f"{field} is longer than {MAX_DIGEST_FIELD} characters")
    named: set[str] = set()
    strong: dict[DigestAlgorithm, bytes] = {}
    for item in value.split(","):
        match = member.fullmatch(item.strip(" \t"))
        if match is None:
            raise MalformedSignatureError(f"{field} is not a list of algorithm and value")
        name = match[1].lower()
        if name in named:
            raise MalformedSignatureError(f"{field} names an algorithm twice")
        named.add(name)
        algorithm = _BY_NAME.get(name)
        if algorithm is not None:
            strong[algorithm] = _decoded(match[2], algorithm, field)
    if not strong:
        raise UnsupportedAlgorithmError(f"{field} holds neither SHA-256 nor SHA-512")
    return strong


def _decoded(text: str, algorithm: DigestAlgorithm, field: str) -> bytes:
    octets = base64_decode(text, f"{algorithm.value} in {field}")
    if len(octets) != algorithm.length:
        raise MalformedSignatureError(f"{algorithm.value} in {field} is {len(octets)} octets long")
    return octets


def compare(stated: Mapping[DigestAlgorithm, bytes], body: bytes | BodyDigest, field: str = "Digest") -> None:
    """Return when every stated digest is the body's, compared in constant time.

    Args:
        stated: From `parse_digest` or `parse_content_digest`; not empty.
        body: The octets, or a BodyDigest fed with all of them.
        field: Name of the field for the error.

    Raises:
        DigestMismatchError: A digest differs.
        ConfigurationError: Nothing was stated, or the BodyDigest lacks an algorithm.
    """
    if not stated:
        raise ConfigurationError("no digest was given to compare with")
    for algorithm, octets in stated.items():
        if not hmac.compare_digest(_value(body, algorithm), octets):
            raise DigestMismatchError(f"{algorithm.value} in {field} is not that of the body: the body was changed")
