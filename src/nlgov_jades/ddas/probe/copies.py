"""The certificates of the good signer once more, with other keys: names, numbers, validity and extensions are the same.

Who compares names only, or takes the CAs that come along for its own, cannot tell them from the good ones. Nothing is sent here.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from ...credentials import SigningCredential
from ...testing.hierarchy import Issued, new_key

__all__ = ["copied"]

SERIAL_BITS: Final = 159
"""RFC 5280 §4.1.2.2: 20 octets, the first bit is for the sign. A longer one cannot be made."""

_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def copied(good: SigningCredential) -> SigningCredential:
    """The same chain with other keys, of the same sizes.

    Args:
        good: Of the good signer.
    """
    above = {_kind(certificate): _key_like(certificate) for certificate in good.chain[1:]}
    keys = [_key_like(good.chain[0]), *(above[_kind(certificate)] for certificate in good.chain[1:])]
    top = good.chain[-1]
    # Above the last one is a CA that nobody knows, unless it stands above itself.
    signers = [*keys[1:], keys[-1] if top.issuer == top.subject else new_key()]
    chain = [_copy(*parts) for parts in zip(good.chain, keys, signers, strict=True)]
    return Issued(keys[0], tuple(chain)).credential


def _kind(certificate: x509.Certificate) -> tuple[type, int]:
    key = certificate.public_key()
    return type(key), getattr(key, "key_size", 0)


def _key_like(certificate: x509.Certificate) -> _Key:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ec.generate_private_key(key.curve)
    return new_key(key.key_size) if isinstance(key, rsa.RSAPublicKey) else new_key()


def _copy(certificate: x509.Certificate, key: _Key, signer: _Key) -> x509.Certificate:
    serial = certificate.serial_number
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.issuer)
        .public_key(key.public_key())
        .serial_number(serial if 0 < serial.bit_length() <= SERIAL_BITS else x509.random_serial_number())
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    hashed = certificate.signature_hash_algorithm
    return builder.sign(signer, hashed if isinstance(hashed, SHA256 | SHA384 | SHA512) else SHA256())
