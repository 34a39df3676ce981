"""RSASSA-PSS of the kind that suites for signature libraries have: parameters, keys, encodings and numbers (octets-9, read-7, read-8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator import pki
from generator.encoding import b64url
from generator.faults import (
    HASH,
    changed,
    encoded_message,
    mgf1_from_one,
    plus_modulus,
    pss_fault,
    sha256,
    unpadded,
)
from generator.model import ACCEPT, CHAIN, INVALID, UNSUPPORTED, Change, Draft
from generator.signing import SignFunction, leading_zero, pss, rsa_key

_SUITE = "Wycheproof, RSASSA-PSS verification"
_FLIPPED = bytes(0xFF - octet for octet in range(256))


def _modulus() -> int:
    return rsa_key(pki.private_key("leaf-rsa2048")).public_key().public_numbers().n


def _parameters() -> Iterator[Draft]:
    wrong: tuple[tuple[str, str, SignFunction], ...] = (
        ("digest-sha1", "The message is hashed with SHA-1.", pss(digest="sha1", mgf_digest="sha256")),
        ("digest-sha384", "The message is hashed with SHA-384.", pss(digest="sha384", mgf_digest="sha256")),
        ("digest-sha512", "The message is hashed with SHA-512.", pss(digest="sha512", mgf_digest="sha256")),
        ("mgf1-sha1", "The mask generation function uses SHA-1.", pss(mgf_digest="sha1")),
        ("mgf1-sha384", "The mask generation function uses SHA-384.", pss(mgf_digest="sha384")),
        ("mgf1-counter", "The counter of the mask generation function starts at one.", pss_fault(mask=mgf1_from_one)),
        *(
            (
                f"salt-{length}",
                f"The salt of the RSASSA-PSS signature has {length} octets instead of 32.",
                pss(salt_length=length),
            )
            for length in (1, 16, 48, 64)
        ),
    )
    for name, text, sign in wrong:
        yield Draft(f"octets-9-{name}", text, INVALID, sign=sign)
    for name, octet in (("zeros", b"\0"), ("ones", b"\xff")):
        yield Draft(
            f"octets-9-salt-all-{name}",
            f"The 32 octets of the salt are all {octet.hex()}: the signer's affair.",
            ACCEPT,
            sign=pss(salt=octet * HASH),
        )


def _keys() -> Iterator[Draft]:
    good = (
        ("rsa2049", "The modulus has 2049 bits, so that the encoded message is an octet shorter than the signature."),
        ("rsa3071", "The modulus has 3071 bits."),
        ("rsa4096", "The modulus has 4096 bits."),
        ("rsa8192", "The modulus has 8192 bits, the most that is accepted."),
    )
    for name, text in good:
        yield Draft(f"octets-9-ps256-{name}", text, ACCEPT, chain=(f"leaf-{name}", *CHAIN[1:]))
    yield Draft(
        "octets-9-ps256-exponent-65539",
        "The public exponent is 65539.",
        ACCEPT,
        chain=("leaf-rsa2048-e65539", *CHAIN[1:]),
    )
    yield Draft(
        "octets-9-ps256-rsa2049-leading-zero-left-out",
        "The modulus has 2049 bits, and the first octet of the signature, zero, is not sent.",
        INVALID,
        chain=("leaf-rsa2049", *CHAIN[1:]),
        sign=leading_zero,
        signature=lambda octets: octets[1:],
    )
    refused = (
        ("rsa2047", "The certificate has an RSA key of 2047 bits.", "leaf-rsa2047"),
        ("rsa8193", "The certificate has an RSA key of 8193 bits.", "leaf-rsa8193"),
        ("exponent-3", "The public exponent is 3.", "leaf-rsa2048-e3"),
        ("exponent-of-33-bits", "The public exponent is above 2 to the power 32.", "leaf-rsa2048-e33"),
    )
    for name, text, leaf in refused:
        yield Draft(f"read-7-key-{name}", text, UNSUPPORTED, chain=(leaf, *CHAIN[1:]))


def _encodings() -> Iterator[Draft]:
    zero_prefix = bytes(8)
    faults: tuple[tuple[str, str, SignFunction], ...] = (
        (
            "double-hash",
            "The hash of the signing input is hashed again.",
            pss_fault(hashed=lambda m: sha256(sha256(m))),
        ),
        ("prefix-left-out", "M' has no eight zero octets in front.", pss_fault(prefixed=lambda m, salt: m + salt)),
        (
            "prefix-ff",
            "M' has eight octets ff in front.",
            pss_fault(prefixed=lambda m, salt: b"\xff" * 8 + m + salt),
        ),
        (
            "salt-first",
            "M' has the salt before the hash.",
            pss_fault(prefixed=lambda m, salt: zero_prefix + salt + m),
        ),
        ("inner-hash-first-bit", "The first bit of H is changed.", pss_fault(inner=changed(0, bit=0x80))),
        ("inner-hash-last-bit", "The last bit of H is changed.", pss_fault(inner=changed(-1, bit=1))),
        ("inner-hash-flipped", "Every bit of H is changed.", pss_fault(inner=lambda h: h.translate(_FLIPPED))),
        ("inner-hash-zero", "H is all zeros.", pss_fault(inner=lambda h: bytes(len(h)))),
        (
            "salt-first-bit",
            "The first bit of the salt is not the one that was hashed.",
            pss_fault(block=changed(-HASH, bit=0x80)),
        ),
        (
            "salt-last-bit",
            "The last bit of the salt is not the one that was hashed.",
            pss_fault(block=changed(-1, bit=1)),
        ),
        ("separator-00", "00 stands before the salt instead of 01.", pss_fault(block=changed(-HASH - 1, to=0))),
        ("separator-02", "02 stands before the salt instead of 01.", pss_fault(block=changed(-HASH - 1, to=2))),
        ("separator-81", "81 stands before the salt instead of 01.", pss_fault(block=changed(-HASH - 1, to=0x81))),
        ("padding-first-octet", "The first octet of the padding is 01.", pss_fault(block=changed(0, to=1))),
        (
            "padding-middle-octet",
            "An octet in the middle of the padding is not zero.",
            pss_fault(block=changed(90, bit=0x10)),
        ),
        (
            "padding-last-octet",
            "The last octet of the padding is 01, so that the salt seems to have 33 octets.",
            pss_fault(block=changed(-HASH - 2, to=1)),
        ),
        (
            "padding-ff",
            "The padding is octets ff, as that of RSASSA-PKCS1-v1_5.",
            pss_fault(block=lambda block: b"\xff" * (len(block) - HASH - 1) + block[-HASH - 1 :]),
        ),
        (
            "top-bit",
            "The first bit of the encoded message, which must be zero, is set.",
            pss_fault(encoded=changed(0, bit=0x80)),
        ),
        (
            "trailer-cc",
            "The trailer is cc, as that of ISO/IEC 9796-2 with a hash identifier.",
            pss_fault(encoded=changed(-1, to=0xCC)),
        ),
        ("trailer-00", "The trailer is 00.", pss_fault(encoded=changed(-1, to=0))),
        (
            "unmasked",
            "The data block is not masked.",
            pss_fault(mask=lambda _, length: bytes(length)),
        ),
        ("unpadded", "The signature is made of the bare hash, without any encoding.", unpadded),
        ("encoded-message", "The signature is the encoded message, on which no private key was used.", encoded_message),
    )
    for name, text, sign in faults:
        yield Draft(f"read-8-pss-{name}", text, INVALID, sign=sign)


def _numbers() -> Iterator[Draft]:
    modulus = _modulus()

    def number(value: int) -> Change:
        return lambda signature: value.to_bytes(len(signature), "big")

    values: tuple[tuple[str, str, Change], ...] = (
        ("one", "The signature number is one.", number(1)),
        ("two", "The signature number is two.", number(2)),
        ("modulus-minus-one", "The signature number is the modulus minus one.", number(modulus - 1)),
        ("modulus", "The signature number is the modulus.", number(modulus)),
        ("modulus-plus-one", "The signature number is the modulus plus one.", number(modulus + 1)),
        ("all-ones", "The signature is all octets ff.", lambda s: b"\xff" * len(s)),
        (
            "negated",
            "The signature number is taken from the modulus.",
            lambda s: number(modulus - int.from_bytes(s, "big"))(s),
        ),
        ("little-endian", "The octets of the signature stand in reverse order.", lambda s: s[::-1]),
        ("hexadecimal", "The signature is written in hexadecimal, and that in base64url.", lambda s: s.hex().encode()),
        ("base64-twice", "The signature is in base64url twice.", lambda s: b64url(s).encode()),
        ("twice", "The signature stands twice, one behind the other.", lambda s: s + s),
        ("half", "The second half of the signature is missing.", lambda s: s[: len(s) // 2]),
        ("first-octet-missing", "The first octet of the signature, which is not zero, is missing.", lambda s: s[1:]),
    )
    for name, text, change in values:
        yield Draft(f"read-8-pss-{name}", text, INVALID, signature=change)
    yield Draft(
        "read-8-pss-plus-modulus",
        "The modulus is added to the signature number, which has as many octets as before.",
        INVALID,
        sign=plus_modulus,
    )
    yield Draft("read-8-pss-key-of-issuer", "The key of the issuer made the signature.", INVALID, key="tsp-ca")


def drafts() -> Iterator[Draft]:
    """Return the drafts about RSASSA-PSS."""
    for group in (_parameters, _keys, _encodings, _numbers):
        for draft in group():
            yield replace(draft, modelled_on=_SUITE)
