"""The compact form with detached content, its signing input, and its two signature algorithms."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from nlgov_jades.errors import (
    InvalidSignatureError,
    MalformedSignatureError,
    UnsupportedAlgorithmError,
    VerificationError,
)
from nlgov_jades.jws import (
    MAX_FIELD_LENGTH,
    DetachedJws,
    base64url_pieces,
    check_key,
    check_rsa_size,
    is_dear,
    parse_detached,
    serialize,
    signature_length,
    signing_input_digest,
    verify_signature,
)
from nlgov_jades.profiles import SignatureAlgorithm

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]

PS256, ES256 = SignatureAlgorithm.PS256, SignatureAlgorithm.ES256
SIGNED = b"eyJhbGciOiJQUzI1NiJ9.digest: SHA-256=x"
DIGEST = hashlib.sha256(SIGNED).digest()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def pss(salt_length: int = 32, algorithm: hashes.HashAlgorithm | None = None) -> padding.PSS:
    return padding.PSS(mgf=padding.MGF1(algorithm or hashes.SHA256()), salt_length=salt_length)


def raw(key: ec.EllipticCurvePrivateKey, octets: bytes) -> tuple[int, int]:
    return decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))


# --- form ----------------------------------------------------------------------------------------------------


def test_a_value_is_taken_apart() -> None:
    jws = parse_detached("e30..-_8")
    assert jws == DetachedJws(encoded_header=b"e30", protected=b"{}", signature=b"\xfb\xff")
    with pytest.raises(dataclasses.FrozenInstanceError):
        jws.protected = b""  # type: ignore[misc] # that it cannot be set is what is tested


def test_what_was_written_is_read_again() -> None:
    assert serialize(b"e30", b"\xfb\xff") == "e30..-_8"
    assert parse_detached(serialize(b"e30", b"\xfb\xff")).signature == b"\xfb\xff"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param("e30..AAAA, e30..AAAA", "more than one value", id="two values"),
        pytest.param("e30..AAAA,", "more than one value", id="comma"),
        pytest.param("e30=..AAAA", "padded with '='", id="padded header"),
        pytest.param("e30..AA==", "padded with '='", id="padded signature"),
        pytest.param("e30.e30.AAAA", "it must be detached", id="attached payload"),
        pytest.param("", "not of the form", id="empty"),
        pytest.param("..", "not of the form", id="nothing around the dots"),
        pytest.param("e30..", "not of the form", id="no signature"),
        pytest.param("..AAAA", "not of the form", id="no header"),
        pytest.param("e30.AAAA", "not of the form", id="two parts"),
        pytest.param("e30...AAAA", "not of the form", id="four parts"),
        pytest.param("e30..AAAA.AAAA", "not of the form", id="more parts"),
        pytest.param("e30.a.b.c.d", "not of the form", id="encrypted"),
        pytest.param(" e30..AAAA", "not of the form", id="space first"),
        pytest.param("e30..AAAA\n", "not of the form", id="line feed at the end"),
        pytest.param("e30..AA AA", "not of the form", id="space within"),
        pytest.param("e30..AA+/", "not of the form", id="standard alphabet"),
        pytest.param("e30..\u00c0AAA", "not of the form", id="iso-8859-1"),
        pytest.param("e30..\uff21AAA", "not of the form", id="fullwidth"),
        pytest.param("e30..AAAA\x00", "not of the form", id="nul"),
        pytest.param('{"signature":"AAAA"}', "not of the form", id="json serialization"),
        pytest.param("e30..AAAAA", "the signature is not base64url", id="impossible length of the signature"),
        pytest.param("e30AA..AAAA", "the protected header is not base64url", id="impossible length of the header"),
        pytest.param("e31..AAAA", "the protected header is not canonical", id="unused bits of the header"),
        pytest.param("e30..AAB", "the signature is not canonical", id="unused bits of the signature"),
    ],
)
def test_another_form_is_refused(refused: Refused, value: str, words: str) -> None:
    with refused(MalformedSignatureError, words):
        parse_detached(value)


def test_a_value_is_measured_before_it_is_read(refused: Refused) -> None:
    longest = "e30.." + "A" * (MAX_FIELD_LENGTH - 8) + "AAA"
    assert len(longest) == MAX_FIELD_LENGTH
    assert parse_detached(longest).signature == bytes(len(longest[5:]) * 3 // 4)
    with refused(MalformedSignatureError, "is longer than 32768 characters"):
        parse_detached(longest + "A")


# --- signing input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [[b"payload"], [b"pay", b"", b"load"], [b"p", b"a", b"y", b"l", b"oad"]])
def test_the_signing_input_is_the_encoded_header_a_dot_and_the_payload(pieces: list[bytes]) -> None:
    assert signing_input_digest(b"e30", pieces) == hashlib.sha256(b"e30.payload").digest()


def test_an_empty_payload_still_has_its_dot() -> None:
    assert signing_input_digest(b"e30", []) == hashlib.sha256(b"e30.").digest()


@pytest.mark.parametrize("length", [0, 1, 2, 3, 3 * 65536 - 1, 3 * 65536, 3 * 65536 + 1, 6 * 65536 + 2])
def test_the_base64url_of_a_body_does_not_depend_on_how_it_is_cut(length: int) -> None:
    body = bytes(index % 251 for index in range(length))
    assert b"".join(base64url_pieces(body)) == base64.urlsafe_b64encode(body).rstrip(b"=")


# --- keys ----------------------------------------------------------------------------------------------------


def rsa_key(bits: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    """A public key of this size; nobody has the private one."""
    return rsa.RSAPublicNumbers(exponent, (1 << (bits - 1)) + 1).public_key()


@pytest.mark.parametrize("bits", [2048, 2049, 3072, 4096, 8192])
def test_an_rsa_key_of_accepted_size_is_for_ps256(bits: int) -> None:
    key = rsa_key(bits)
    assert check_key(key, PS256) is key
    assert signature_length(key) == -(-bits // 8)


@pytest.mark.parametrize("bits", [1024, 2047, 8193, 16384])
def test_an_rsa_key_of_another_size_is_refused(refused: Refused, bits: int) -> None:
    with refused(UnsupportedAlgorithmError, f"of the signer's certificate has {bits} bits; 2048 to 8192"):
        check_key(rsa_key(bits), PS256)


@pytest.mark.parametrize("exponent", [3, 17, 65535, (1 << 32) + 1, (1 << 64) + 1])
def test_an_rsa_key_with_a_small_or_a_costly_exponent_is_refused(refused: Refused, exponent: int) -> None:
    with refused(UnsupportedAlgorithmError, "of the CA has a public exponent that is not accepted"):
        check_rsa_size(rsa_key(2048, exponent), "the CA")


def test_an_even_exponent_is_refused_also_where_the_parser_lets_it_pass(refused: Refused) -> None:
    # cryptography 49 reads a certificate with such a key, 50 does not; so a stand-in is asked.
    key: Any = SimpleNamespace(key_size=2048, public_numbers=lambda: SimpleNamespace(e=65538))
    with refused(UnsupportedAlgorithmError, "of the CA has a public exponent that is not accepted"):
        check_rsa_size(key, "the CA")


@pytest.mark.parametrize("exponent", [65537, 65539, (1 << 32) - 1])
def test_an_rsa_key_with_an_accepted_exponent_is_accepted(exponent: int) -> None:
    check_rsa_size(rsa_key(2048, exponent), "the CA")


def test_a_p256_key_is_for_es256(p256_key: ec.EllipticCurvePrivateKey) -> None:
    key = p256_key.public_key()
    assert check_key(key, ES256) is key
    assert signature_length(key) == 64


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        ed448.Ed448PrivateKey.generate().public_key(),
        None,
        b"key",
    ],
    ids=["P-256", "Ed25519", "Ed448", "nothing", "octets"],
)
def test_ps256_takes_no_other_key_than_rsa(refused: Refused, key: object) -> None:
    with refused(UnsupportedAlgorithmError, "PS256 needs an RSA key"):
        check_key(key, PS256)


@pytest.mark.parametrize(
    "key",
    [
        rsa_key(2048),
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ec.generate_private_key(ec.SECP521R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        ec.generate_private_key(ec.BrainpoolP256R1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        None,
    ],
    ids=["RSA", "P-384", "P-521", "secp256k1", "brainpool", "Ed25519", "nothing"],
)
def test_es256_takes_no_other_key_than_p256(refused: Refused, key: object) -> None:
    with refused(UnsupportedAlgorithmError, "ES256 needs a P-256 key"):
        check_key(key, ES256)


# --- signatures ----------------------------------------------------------------------------------------------


def test_a_ps256_signature_is_accepted(leaf_key: rsa.RSAPrivateKey) -> None:
    verify_signature(leaf_key.public_key(), leaf_key.sign(SIGNED, pss(), hashes.SHA256()), DIGEST)


@pytest.mark.parametrize(
    ("scheme", "algorithm"),
    [
        pytest.param(padding.PKCS1v15(), hashes.SHA256(), id="RS256"),
        pytest.param(pss(0), hashes.SHA256(), id="no salt"),
        pytest.param(pss(20), hashes.SHA256(), id="salt of 20"),
        pytest.param(pss(31), hashes.SHA256(), id="salt of 31"),
        pytest.param(pss(33), hashes.SHA256(), id="salt of 33"),
        pytest.param(pss(222), hashes.SHA256(), id="longest salt"),
        pytest.param(pss(32, hashes.SHA1()), hashes.SHA256(), id="MGF1 with SHA-1"),  # noqa: S303 - it must be refused
        pytest.param(pss(32, hashes.SHA512()), hashes.SHA256(), id="MGF1 with SHA-512"),
        pytest.param(pss(64, hashes.SHA512()), hashes.SHA512(), id="PS512"),
    ],
)
def test_a_signature_of_the_same_key_by_another_scheme_is_refused(
    refused: Refused,
    leaf_key: rsa.RSAPrivateKey,
    scheme: padding.PSS | padding.PKCS1v15,
    algorithm: hashes.HashAlgorithm,
) -> None:
    with refused(InvalidSignatureError, "does not fit the covered octets"):
        verify_signature(leaf_key.public_key(), leaf_key.sign(SIGNED, scheme, algorithm), DIGEST)


@pytest.mark.parametrize(
    "change",
    [
        lambda signature: signature[:-1] + bytes([signature[-1] ^ 1]),
        lambda signature: bytes([signature[0] ^ 0x80]) + signature[1:],
        lambda signature: bytes(len(signature)),
        lambda signature: b"\xff" * len(signature),
        lambda signature: signature[::-1],
    ],
    ids=["last bit", "first bit", "zeros", "ones", "reversed"],
)
def test_a_changed_signature_is_refused(
    refused: Refused,
    leaf_key: rsa.RSAPrivateKey,
    p256_key: ec.EllipticCurvePrivateKey,
    change: Callable[[bytes], bytes],
) -> None:
    r, s = raw(p256_key, SIGNED)
    with refused(InvalidSignatureError, "does not fit"):
        verify_signature(leaf_key.public_key(), change(leaf_key.sign(SIGNED, pss(), hashes.SHA256())), DIGEST)
    with refused(InvalidSignatureError, "does not fit"):
        verify_signature(p256_key.public_key(), change(r.to_bytes(32, "big") + s.to_bytes(32, "big")), DIGEST)


def test_a_signature_over_other_octets_is_refused(refused: Refused, leaf_key: rsa.RSAPrivateKey) -> None:
    signature = leaf_key.sign(SIGNED + b"\n", pss(), hashes.SHA256())
    with refused(InvalidSignatureError, "does not fit"):
        verify_signature(leaf_key.public_key(), signature, DIGEST)


def test_a_signature_of_another_key_is_refused(
    refused: Refused, leaf_key: rsa.RSAPrivateKey, ca_key: rsa.RSAPrivateKey
) -> None:
    with refused(InvalidSignatureError, "does not fit"):
        verify_signature(ca_key.public_key(), leaf_key.sign(SIGNED, pss(), hashes.SHA256()), DIGEST)


@pytest.mark.parametrize("length", [0, 1, 64, 255, 257, 512])
def test_an_rsa_signature_that_is_not_as_long_as_the_modulus_is_refused(
    refused: Refused, leaf_key: rsa.RSAPrivateKey, length: int
) -> None:
    signature = leaf_key.sign(SIGNED, pss(), hashes.SHA256())
    with refused(InvalidSignatureError, f"is {length} octets long; this key makes 256"):
        verify_signature(leaf_key.public_key(), signature[:length].rjust(length, b"\x00"), DIGEST)


def test_an_es256_signature_is_accepted(p256_key: ec.EllipticCurvePrivateKey) -> None:
    r, s = raw(p256_key, SIGNED)
    verify_signature(p256_key.public_key(), r.to_bytes(32, "big") + s.to_bytes(32, "big"), DIGEST)


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 0), (0, None), (None, 0), (ORDER, None), (None, ORDER), (ORDER, ORDER), (1, 1), ((1 << 256) - 1, None)],
)
def test_an_es256_signature_with_a_number_out_of_range_is_refused(
    refused: Refused, p256_key: ec.EllipticCurvePrivateKey, r: int | None, s: int | None
) -> None:
    good_r, good_s = raw(p256_key, SIGNED)
    signature = (good_r if r is None else r).to_bytes(32, "big") + (good_s if s is None else s).to_bytes(32, "big")
    with refused(InvalidSignatureError, "does not fit"):
        verify_signature(p256_key.public_key(), signature, DIGEST)


def test_an_es256_signature_in_der_is_refused(refused: Refused, p256_key: ec.EllipticCurvePrivateKey) -> None:
    with refused(InvalidSignatureError, "this key makes 64"):
        verify_signature(p256_key.public_key(), p256_key.sign(SIGNED, ec.ECDSA(hashes.SHA256())), DIGEST)


def test_an_es256_signature_with_r_and_s_exchanged_is_refused(
    refused: Refused, p256_key: ec.EllipticCurvePrivateKey
) -> None:
    r, s = raw(p256_key, SIGNED)
    with refused(InvalidSignatureError, "does not fit"):
        verify_signature(p256_key.public_key(), s.to_bytes(32, "big") + r.to_bytes(32, "big"), DIGEST)


@pytest.mark.parametrize(
    ("bits", "exponent", "is_too_dear"),
    [
        (8192, 65537, False),
        (8200, 65537, True),
        (2048, 65537, False),
        (2048, 65539, True),
        (2048, (1 << 32) - 1, True),
        (1024, 3, False),
    ],
)
def test_a_check_is_dear_with_a_larger_key_or_exponent_than_is_accepted(
    bits: int, exponent: int, *, is_too_dear: bool
) -> None:
    key = rsa.RSAPublicNumbers(exponent, (1 << (bits - 1)) + 1).public_key()
    assert is_dear(key) is is_too_dear


@pytest.mark.parametrize(
    ("curve", "is_too_dear"),
    [
        (ec.SECP256R1(), False),
        (ec.SECP384R1(), False),
        (ec.SECP521R1(), False),
        (ec.SECP256K1(), True),
        (ec.BrainpoolP512R1(), True),
    ],
)
def test_a_check_is_dear_on_a_curve_that_nobody_needs(curve: ec.EllipticCurve, *, is_too_dear: bool) -> None:
    assert is_dear(ec.generate_private_key(curve).public_key()) is is_too_dear


def test_a_check_is_dear_with_dsa_and_not_with_edwards_curves() -> None:
    assert is_dear(dsa.generate_private_key(2048).public_key()) is True
    assert is_dear(ed25519.Ed25519PrivateKey.generate().public_key()) is False
