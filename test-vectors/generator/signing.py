"""Deterministic signatures: RSASSA-PSS with a chosen salt, ECDSA after RFC 6979, and the wrong algorithms.

`cryptography` offers no chosen salt for PSS, so EMSA-PSS (RFC 8017 section 9.1.1) is written out here.
Every signature is verified with `cryptography` before it is used.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from itertools import count

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
SignFunction = Callable[[PrivateKey, bytes, str], bytes]
"""Takes the private key, the signing input and a seed text; returns the signature octets."""

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - what a verifier must refuse
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def xor(left: bytes, right: bytes) -> bytes:
    """Return the exclusive or of two strings of one length."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def mgf1(seed: bytes, length: int, digest: str) -> bytes:
    """Return a mask after RFC 8017 appendix B.2.1."""
    mask, counter = b"", 0
    while len(mask) < length:
        mask += hashlib.new(digest, seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return mask[:length]


def emsa_pss_encode(message: bytes, bits: int, salt: bytes, digest: str, mgf_digest: str) -> bytes:
    """RFC 8017 section 9.1.1, with `bits` the length of the modulus minus one."""
    length = (bits + 7) // 8
    inner = hashlib.new(digest, b"\0" * 8 + hashlib.new(digest, message).digest() + salt).digest()
    block = b"\0" * (length - len(salt) - len(inner) - 2) + b"\1" + salt
    masked = bytearray(xor(block, mgf1(inner, len(block), mgf_digest)))
    masked[0] &= 0xFF >> (8 * length - bits)
    return bytes(masked) + inner + b"\xbc"


def salt_of(seed: str, length: int) -> bytes:
    """Return the salt: SHA-256 of the seed, or for another length the mask made from it.

    It depends on nothing but the seed, so that vectors are the same on every run.
    """
    first = hashlib.sha256(seed.encode()).digest()
    return first if length == len(first) else mgf1(first, length, "sha256")


def rsa_key(key: PrivateKey) -> rsa.RSAPrivateKey:
    """Return the key when it is an RSA key."""
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("this algorithm needs an RSA key")
    return key


def private_operation(key: PrivateKey, encoded: bytes) -> bytes:
    """RSASP1 by way of the Chinese remainders (RFC 8017 section 5.2.1); the result is as long as the modulus.

    Raises:
        ValueError: The number is not below the modulus.
    """
    numbers = rsa_key(key).private_numbers()
    modulus, number = numbers.public_numbers.n, int.from_bytes(encoded, "big")
    if number >= modulus:
        raise ValueError("the encoded message is not below the modulus")
    first, second = pow(number, numbers.dmp1, numbers.p), pow(number, numbers.dmq1, numbers.q)
    signature = second + numbers.q * ((first - second) * numbers.iqmp % numbers.p)
    return signature.to_bytes((modulus.bit_length() + 7) // 8, "big")


def pss(
    *, salt_length: int = 32, digest: str = "sha256", mgf_digest: str | None = None, salt: bytes | None = None
) -> SignFunction:
    """RSASSA-PSS; the defaults are PS256 (RFC 7518 section 3.5).

    Args:
        salt_length: Octets of salt.
        digest: Hash of the message.
        mgf_digest: Hash inside MGF1; None: the same.
        salt: The salt itself, instead of one that depends on the seed.
    """
    mgf = mgf_digest or digest

    def sign(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
        private = rsa_key(key)
        chosen = salt_of(seed, salt_length) if salt is None else salt
        encoded = emsa_pss_encode(signing_input, private.key_size - 1, chosen, digest, mgf)
        signature = private_operation(private, encoded)
        pss_padding = padding.PSS(mgf=padding.MGF1(_HASHES[mgf]), salt_length=salt_length)
        private.public_key().verify(signature, signing_input, pss_padding, _HASHES[digest])
        return signature

    return sign


def leading_zero(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
    """PS256 with the first salt that makes a signature whose first octet is zero: about one in 256."""
    sign = pss()
    return next(octets for n in count() if (octets := sign(key, signing_input, f"{seed} {n}"))[0] == 0)


def rs256(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
    """RSASSA-PKCS1-v1_5 with SHA-256."""
    del seed
    return rsa_key(key).sign(signing_input, padding.PKCS1v15(), hashes.SHA256())


def es256_der(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
    """ECDSA with SHA-256 and a deterministic nonce, in the DER form that JWS does not allow."""
    del seed
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("this algorithm needs an elliptic curve key")
    signature = key.sign(signing_input, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    key.public_key().verify(signature, signing_input, ec.ECDSA(hashes.SHA256()))
    return signature


def es256(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
    """ECDSA with SHA-256 in the raw R || S form (RFC 7518 section 3.4)."""
    r, s = decode_dss_signature(es256_der(key, signing_input, seed))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def hs256_with_public_key(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
    """HMAC-SHA-256 keyed with the PEM of the public key: the classic algorithm confusion."""
    del seed
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = key.public_key().public_bytes(serialization.Encoding.PEM, form)
    return hmac.new(secret, signing_input, hashlib.sha256).digest()
