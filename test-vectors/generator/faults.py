"""Signatures with one fault inside: RSASSA-PSS with one step done otherwise, ECDSA with a chosen nonce.

`cryptography` makes good signatures only, so the steps are written out. It is asked about every result all the same: what
should fail must fail there too, and what should hold must hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import count

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from generator.signing import PrivateKey, SignFunction, emsa_pss_encode, mgf1, private_operation, rsa_key, salt_of, xor

Change = Callable[[bytes], bytes]

HASH = 32
"""Octets of SHA-256, and of the salt."""

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF


def _same(octets: bytes) -> bytes:
    return octets


def sha256(octets: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(octets).digest()


def _mgf1_from_zero(seed: bytes, length: int) -> bytes:
    return mgf1(seed, length, "sha256")


def mgf1_from_one(seed: bytes, length: int) -> bytes:
    """MGF1 with a counter that starts at one."""
    return mgf1(seed, length + HASH, "sha256")[HASH:]


def _prefixed(message_hash: bytes, salt: bytes) -> bytes:
    return bytes(8) + message_hash + salt


def verifies(key: rsa.RSAPrivateKey, signing_input: bytes, signature: bytes) -> bool:
    """Say what `cryptography` makes of a PS256 signature."""
    parameters = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=HASH)
    try:
        key.public_key().verify(signature, signing_input, parameters, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def pss_fault(
    *,
    hashed: Change = sha256,
    prefixed: Callable[[bytes, bytes], bytes] = _prefixed,
    inner: Change = _same,
    block: Change = _same,
    mask: Callable[[bytes, int], bytes] = _mgf1_from_zero,
    encoded: Change = _same,
) -> SignFunction:
    """PS256 with one step of EMSA-PSS (RFC 8017 section 9.1.1) done otherwise.

    Args:
        hashed: Step 2: the hash of the message.
        prefixed: Step 5: M' of that hash and the salt.
        inner: Step 6: changes H before anything is masked with it, so that the data block stays in order.
        block: Step 8: changes the data block, padding, separator and salt.
        mask: Step 9: the mask generation.
        encoded: Step 12: changes the encoded message.
    """

    def encode(key: rsa.RSAPrivateKey, signing_input: bytes, seed: str) -> bytes:
        bits = key.key_size - 1
        length = (bits + 7) // 8
        salt = salt_of(seed, HASH)
        digest = inner(sha256(prefixed(hashed(signing_input), salt)))
        data = block(bytes(length - 2 * HASH - 2) + b"\1" + salt)
        masked = bytearray(xor(data, mask(digest, len(data))))
        masked[0] &= 0xFF >> (8 * length - bits)
        return encoded(bytes(masked) + digest + b"\xbc")

    def sign(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
        private = rsa_key(key)
        modulus = private.public_key().public_numbers().n
        candidates = (encode(private, signing_input, f"{seed} {number}") for number in count())
        fitting = next(octets for octets in candidates if int.from_bytes(octets, "big") < modulus)
        signature = private_operation(private, fitting)
        if verifies(private, signing_input, signature):
            raise ValueError(f"this fault is none: {seed}")
        return signature

    return sign


def changed(at: int, *, to: int | None = None, bit: int = 0) -> Change:
    """Return a function that sets one octet, or turns one bit of it.

    Args:
        at: Which octet; negative counts from the end.
        to: Its new value; None: turn the bit.
        bit: Which bit, as a number with that bit set.
    """

    def change(octets: bytes) -> bytes:
        found = bytearray(octets)
        found[at] = found[at] ^ bit if to is None else to
        return bytes(found)

    return change


def unpadded(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
    """RSA of the bare hash, without any encoding."""
    del seed
    return private_operation(key, sha256(signing_input))


def plus_modulus(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
    """PS256 with the modulus added, by a salt for which the sum is no octet longer."""
    private = rsa_key(key)
    modulus = private.public_key().public_numbers().n
    length = (private.key_size + 7) // 8
    encoded = (_good_encoding(private, signing_input, f"{seed} {number}") for number in count())
    numbers = (int.from_bytes(private_operation(private, each), "big") + modulus for each in encoded)
    return next(number for number in numbers if number.bit_length() <= 8 * length).to_bytes(length, "big")


def encoded_message(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
    """The encoded message of PS256 itself, on which no private key was used."""
    return _good_encoding(rsa_key(key), signing_input, seed)


def _good_encoding(key: rsa.RSAPrivateKey, signing_input: bytes, seed: str) -> bytes:
    return emsa_pss_encode(signing_input, key.key_size - 1, salt_of(seed, HASH), "sha256", "sha256")


# --- ECDSA ---

Pair = tuple[int, int]


def _p256(key: PrivateKey) -> ec.EllipticCurvePrivateKey:
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TypeError("this needs a P-256 key")
    return key


def _with_nonce(secret: int, digest: bytes, nonce: int) -> Pair:
    """SEC 1 section 4.1.3."""
    point = ec.derive_private_key(nonce, ec.SECP256R1()).public_key().public_numbers()
    r = point.x % P256_ORDER
    number = int.from_bytes(digest[:HASH], "big")
    return r, pow(nonce, -1, P256_ORDER) * (number + r * secret) % P256_ORDER


def raw(r: int, s: int, size: int = HASH) -> bytes:
    """R and S, each in so many octets (RFC 7518 section 3.4 asks for 32)."""
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def es256_where(holds: Callable[[Pair], bool], *, nonce: int | None = None) -> SignFunction:
    """ES256 with the first nonce for which R and S are such.

    Args:
        holds: What is asked of R and S.
        nonce: The only nonce to try, instead of those that depend on the seed.
    """

    def sign(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
        private = _p256(key)
        secret, digest = private.private_numbers().private_value, sha256(signing_input)
        nonces = (int.from_bytes(sha256(f"{seed} {number}".encode()), "big") % P256_ORDER for number in count())
        tried = nonces if nonce is None else iter([nonce])
        r, s = next(pair for each in tried if holds(pair := _with_nonce(secret, digest, each)))
        private.public_key().verify(encode_dss_signature(r, s), signing_input, ec.ECDSA(hashes.SHA256()))
        return raw(r, s)

    return sign


def es256_fault(*, hashed: Change = sha256, secret: int = 0, change: Callable[[int, int], bytes] = raw) -> SignFunction:
    """ES256 with one step done otherwise.

    Args:
        hashed: The hash of the signing input.
        secret: Added to the private key.
        change: Writes R and S.
    """

    def sign(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
        private = _p256(key)
        value = private.private_numbers().private_value + secret
        nonce = int.from_bytes(sha256(seed.encode()), "big") % P256_ORDER
        octets = change(*_with_nonce(value, hashed(signing_input), nonce))
        r, s = (int.from_bytes(half, "big") for half in (octets[:HASH], octets[HASH:]))
        try:
            private.public_key().verify(encode_dss_signature(r, s), signing_input, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return octets
        if len(octets) == 2 * HASH:
            raise ValueError(f"this fault is none: {seed}")
        return octets

    return sign
