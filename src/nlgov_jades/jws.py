"""Compact JWS with detached content (RFC 7515 appendix F, RFC 7797): its form, its signing input, its signature.

Nothing here knows what the protected header means or what the payload stands for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from .encoding import base64url_decode, base64url_encode
from .errors import InvalidSignatureError, MalformedSignatureError, UnsupportedAlgorithmError
from .profiles import SignatureAlgorithm

__all__ = [
    "DetachedJws",
    "PublicKey",
    "check_key",
    "is_dear",
    "is_rsa",
    "parse_detached",
    "serialize",
    "signature_length",
    "signing_input_digest",
    "verify_signature",
]

MAX_FIELD_LENGTH = 32 * 1024
"""Characters of a signature field: five certificates of the largest kind seen take 20 000."""

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
"""RFC 7518 §3.5 asks for 2048 or more; above 8192 a verification costs milliseconds and nobody issues them."""

_MIN_RSA_EXPONENT, _MAX_RSA_EXPONENT = 65537, 1 << 32
"""Small exponents have a history; a large one makes a verification as dear as a signature."""

PSS = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
"""RFC 7518 §3.5: MGF1 with SHA-256, salt as long as the hash."""

PREHASHED = Prehashed(SHA256())

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

_DETACHED = re.compile(r"([A-Za-z0-9_-]+)\.\.([A-Za-z0-9_-]+)")
_ES256_LENGTH = 64
_CHUNK = 3 * 65536
"""A multiple of three, so that the base64url of the pieces is that of the whole."""

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class DetachedJws:
    """The two parts of `header..signature`.

    Attributes:
        encoded_header: The protected header as it stands in the field: this is what is signed.
        protected: The protected header's octets.
        signature: The signature's octets.
    """

    encoded_header: bytes
    protected: bytes
    signature: bytes


def parse_detached(value: str) -> DetachedJws:
    """The parts of one field value (wire format read-1 to read-3).

    Raises:
        MalformedSignatureError: Too long, another form, or not canonical base64url.
    """
    if len(value) > MAX_FIELD_LENGTH:
        raise MalformedSignatureError(f"the signature field is longer than {MAX_FIELD_LENGTH} characters")
    header, _, signature = value.partition("..")
    try:
        encoded_header = header.encode("ascii")
        return DetachedJws(
            encoded_header=encoded_header,
            protected=base64url_decode(encoded_header, "the protected header"),
            signature=base64url_decode(signature.encode("ascii"), "the signature"),
        )
    except (MalformedSignatureError, UnicodeEncodeError):
        if _DETACHED.fullmatch(value) is None:
            raise MalformedSignatureError(_what_is_wrong(value)) from None
        raise


def _what_is_wrong(value: str) -> str:
    # People meet these four; the sentence saves them a telephone call.
    if "," in value:
        return "the signature field holds more than one value, joined with a comma"
    if "=" in value:
        return "the signature field is padded with '='; base64url in a JWS has no padding"
    if len(value.split(".")) == len(("header", "payload", "signature")) and ".." not in value:
        return "the signature field holds the payload; it must be detached: header..signature"
    return "the signature field is not of the form header..signature in base64url"


def serialize(encoded_header: bytes, signature: bytes) -> str:
    """The field value `header..signature`."""
    return (encoded_header + b".." + base64url_encode(signature)).decode("ascii")


def signing_input_digest(encoded_header: bytes, payload: Iterable[bytes], begun: hashlib._Hash | None = None) -> bytes:
    """SHA-256 of `encoded_header || "." || payload` (RFC 7797 §3), without joining them.

    Args:
        encoded_header: The encoded header, or what is left of it.
        payload: In pieces.
        begun: SHA-256 that was fed with the beginning of the encoded header; nobody else may use it any more.
    """
    hasher = hashlib.sha256() if begun is None else begun
    hasher.update(encoded_header + b".")
    for piece in payload:
        hasher.update(piece)
    return hasher.digest()


def base64url_pieces(body: bytes) -> Iterator[bytes]:
    """The base64url of a body (RFC 7515 §5.1), in pieces: the whole is never in memory a second time."""
    view = memoryview(body)
    for start in range(0, len(view), _CHUNK):
        yield base64url_encode(view[start : start + _CHUNK])


@lru_cache(maxsize=16)
def is_rsa(kind: type) -> bool:
    """Whether keys of this class are RSA keys. The classes to compare with are abstract: each instance is asked in Python."""
    return issubclass(kind, rsa.RSAPublicKey | rsa.RSAPrivateKey)


def signature_length(key: PublicKey) -> int:
    """Octets of a signature made with the private half of this key."""
    return (key.key_size + 7) // 8 if is_rsa(type(key)) else _ES256_LENGTH


def check_key(key: object, algorithm: SignatureAlgorithm) -> PublicKey:
    """The key, when its type and size are those of the algorithm.

    Raises:
        UnsupportedAlgorithmError: Another type, size, exponent or curve.
    """
    if algorithm is SignatureAlgorithm.PS256:
        if not isinstance(key, rsa.RSAPublicKey):
            raise UnsupportedAlgorithmError("PS256 needs an RSA key; the signer's certificate has another")
        check_rsa_size(key, "the signer's certificate")
        return key
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UnsupportedAlgorithmError("ES256 needs a P-256 key; the signer's certificate has another")
    return key


def check_rsa_size(key: rsa.RSAPublicKey, whose: str) -> None:
    """Return when the RSA key is neither weak nor costly.

    Raises:
        UnsupportedAlgorithmError: It is.
    """
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise UnsupportedAlgorithmError(
            f"the RSA key of {whose} has {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted"
        )
    exponent = key.public_numbers().e
    if not _MIN_RSA_EXPONENT <= exponent < _MAX_RSA_EXPONENT or exponent % 2 == 0:
        raise UnsupportedAlgorithmError(f"the RSA key of {whose} has a public exponent that is not accepted")


def is_dear(key: object) -> bool:
    """Whether a check with this key may take more than 0.3 ms: a larger RSA key or exponent than anybody needs, another curve
    than those of NIST, or DSA.
    """
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size > MAX_RSA_BITS or key.public_numbers().e > _MIN_RSA_EXPONENT
    if isinstance(key, ec.EllipticCurvePublicKey):
        return not isinstance(key.curve, _CURVES)
    return isinstance(key, dsa.DSAPublicKey)


def verify_signature(key: PublicKey, signature: bytes, digest: bytes) -> None:
    """Return when this is the key's signature over the signing input with this SHA-256.

    Args:
        key: From `check_key`; its type decides between PS256 and ES256.
        signature: RSA: as long as the modulus. P-256: 64 octets R and S.
        digest: From `signing_input_digest`.

    Raises:
        InvalidSignatureError: It is not.
    """
    length = signature_length(key)
    if len(signature) != length:
        raise InvalidSignatureError(f"the signature is {len(signature)} octets long; this key makes {length}")
    verify: Any = key.verify  # which of the two it is, its class tells
    try:
        if is_rsa(type(key)):
            verify(signature, digest, PSS, PREHASHED)
        else:
            half = _ES256_LENGTH // 2
            r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
            verify(encode_dss_signature(r, s), digest, ec.ECDSA(PREHASHED))
    except InvalidSignature:
        raise InvalidSignatureError(
            "the signature does not fit the covered octets and the signer's key: something was changed after signing, "
            "or other octets were signed"
        ) from None
