"""ECDSA of the kind that suites for signature libraries have: numbers at the edges, forms, keys (octets-9, read-7, read-8)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from generator.faults import (
    HASH,
    P256_ORDER,
    P256_PRIME,
    Pair,
    es256_fault,
    es256_where,
    raw,
    sha256,
)
from generator.model import ACCEPT, CHAIN, INVALID, UNSUPPORTED, Accept, Change, Draft, Reject, answer
from generator.signing import SignFunction

_SUITE = "Wycheproof, ECDSA verification with P-256 in the form of IEEE P1363"
_TOP = 8 * (HASH - 1)
"""Bits of a number whose first octet is zero."""


def _draft(
    name: str,
    text: str,
    expected: Accept | Reject,
    sign: SignFunction | None,
    *,
    leaf: str = "leaf-p256",
    signature: Change | None = None,
) -> Draft:
    return Draft(
        name,
        text,
        expected,
        profile="oots-response",
        chain=(leaf, *CHAIN[1:]),
        message=answer(),
        sign=sign,
        signature=signature,
        modelled_on=_SUITE,
    )


def _small(at: int) -> Callable[[Pair], bool]:
    return lambda pair: pair[at].bit_length() <= _TOP


def _hash(name: str) -> Change:
    return lambda octets: hashlib.new(name, octets).digest()


def _accepted() -> Iterator[Draft]:
    half = P256_ORDER // 2
    for name, text, sign in (
        (
            "low-s",
            "S is in the lower half: one of the two signatures that ECDSA knows.",
            es256_where(lambda p: p[1] <= half),
        ),
        (
            "high-s",
            "S is in the upper half: the other of the two signatures that ECDSA knows.",
            es256_where(lambda p: p[1] > half),
        ),
        ("r-leading-zero", "R is small: its first octet is zero and is sent.", es256_where(_small(0))),
        ("s-leading-zero", "S is small: its first octet is zero and is sent.", es256_where(_small(1))),
        ("nonce-one", "The nonce is one, so that R is that of the generator.", es256_where(lambda _: True, nonce=1)),
        (
            "nonce-order-minus-one",
            "The nonce is the order minus one, so that R is that of the generator.",
            es256_where(lambda _: True, nonce=P256_ORDER - 1),
        ),
    ):
        yield _draft(f"octets-9-es256-{name}", text, ACCEPT, sign)


def _forms() -> Iterator[Draft]:
    yield _draft(
        "octets-9-es256-r-leading-zero-left-out",
        "R is small and its first octet, zero, is not sent.",
        INVALID,
        es256_where(_small(0)),
        signature=lambda octets: octets[1:],
    )
    yield _draft(
        "octets-9-es256-s-leading-zero-left-out",
        "S is small and its first octet, zero, is not sent.",
        INVALID,
        es256_where(_small(1)),
        signature=lambda octets: octets[:HASH] + octets[HASH + 1 :],
    )
    for name in ("sha1", "sha384", "sha512"):
        yield _draft(
            f"octets-9-es256-{name}",
            f"The signing input is hashed with {name.upper().replace('SHA', 'SHA-')}.",
            INVALID,
            es256_fault(hashed=_hash(name)),
        )
    plain: tuple[tuple[str, str, Change], ...] = (
        ("trailing-octet", "A zero octet follows S.", lambda s: s + b"\0"),
        ("leading-octet", "A zero octet precedes R.", lambda s: b"\0" + s),
        ("only-r", "S is missing.", lambda s: s[:HASH]),
        ("twice", "R and S stand twice.", lambda s: s + s),
        (
            "little-endian",
            "The octets of R and of S stand in reverse order.",
            lambda s: s[:HASH][::-1] + s[HASH:][::-1],
        ),
        ("hexadecimal", "R and S are written in hexadecimal, and that in base64url.", lambda s: s.hex().encode()),
    )
    for name, text, change in plain:
        yield _draft(f"read-8-es256-{name}", text, INVALID, None, signature=change)


def _numbers() -> Iterator[Draft]:
    order = P256_ORDER
    top = 2 ** (8 * HASH) - 1
    changes: tuple[tuple[str, str, Callable[[int, int], bytes]], ...] = (
        ("r-zero", "R is zero.", lambda _, s: raw(0, s)),
        ("s-zero", "S is zero.", lambda r, _: raw(r, 0)),
        ("r-one", "R is one.", lambda _, s: raw(1, s)),
        ("s-one", "S is one.", lambda r, _: raw(r, 1)),
        ("both-one", "R and S are one.", lambda *_: raw(1, 1)),
        ("r-order", "R is the order of the group.", lambda _, s: raw(order, s)),
        ("s-order", "S is the order of the group.", lambda r, _: raw(r, order)),
        ("both-order", "R and S are the order of the group.", lambda *_: raw(order, order)),
        ("r-order-minus-one", "R is the order minus one.", lambda _, s: raw(order - 1, s)),
        ("both-order-minus-one", "R and S are the order minus one.", lambda *_: raw(order - 1, order - 1)),
        ("r-order-plus-one", "R is the order plus one.", lambda _, s: raw(order + 1, s)),
        ("r-zero-s-order", "R is zero and S is the order of the group.", lambda *_: raw(0, order)),
        ("r-field-prime", "R is the prime of the field.", lambda _, s: raw(P256_PRIME, s)),
        ("r-all-ones", "R is all octets ff.", lambda _, s: raw(top, s)),
        ("s-all-ones", "S is all octets ff.", lambda r, _: raw(r, top)),
        ("r-negated", "R is taken from the order.", lambda r, s: raw(order - r, s)),
        ("both-negated", "R and S are taken from the order.", lambda r, s: raw(order - r, order - s)),
        ("s-inverted", "S is its own inverse modulo the order.", lambda r, s: raw(r, pow(s, -1, order))),
        (
            "plus-order",
            "The order is added to R and S, which take 33 octets each.",
            lambda r, s: raw(r + order, s + order, 33),
        ),
        (
            "s-plus-order",
            "The order is added to S, which takes 33 octets.",
            lambda r, s: r.to_bytes(HASH, "big") + (s + order).to_bytes(HASH + 1, "big"),
        ),
    )
    for name, text, change in changes:
        yield _draft(f"read-8-es256-{name}", text, INVALID, es256_fault(change=change))
    yield _draft(
        "read-8-es256-double-hash",
        "The hash that ES256 signs is hashed again.",
        INVALID,
        es256_fault(hashed=lambda octets: sha256(sha256(octets))),
    )
    yield _draft(
        "read-8-es256-other-key", "The private key plus one made the signature.", INVALID, es256_fault(secret=1)
    )


def _keys() -> Iterator[Draft]:
    for curve, name in (("secp256k1", "secp256k1"), ("p521", "P-521")):
        yield _draft(
            f"read-7-key-{curve}-with-es256",
            f"alg is ES256 and the certificate has a key on {name}.",
            UNSUPPORTED,
            None,
            leaf=f"leaf-{curve}",
        )


def drafts() -> Iterator[Draft]:
    """Return the drafts about ECDSA."""
    for group in (_accepted, _forms, _numbers, _keys):
        yield from group()
