"""Section 3, rule 7: x5c, the references to the certificate, and the key."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import rsa

from generator import pki
from generator.build import reference_o, thumbprint, x5c
from generator.encoding import b64, b64url, other_trailing_bits
from generator.model import (
    ACCEPT,
    CHAIN,
    INVALID,
    MALFORMED,
    UNSUPPORTED,
    VIOLATION,
    Accept,
    Draft,
    Reject,
    answer,
)
from generator.signing import es256, pss

_LEAF, *_REST = x5c(*CHAIN)
_OOTS = ("leaf-p256", "tsp-ca", "domain-ca")
_REFERENCE = "x5t#S256"


def _x5c() -> Iterator[Draft]:
    lines = "\n".join(_LEAF[start : start + 64] for start in range(0, len(_LEAF), 64))
    leaf_der = pki.certificate_der("leaf")
    values: tuple[tuple[str, str, object], ...] = (
        ("string", "x5c is a string.", _LEAF),
        ("null", "x5c is null.", None),
        ("empty", "x5c is empty.", []),
        ("number-inside", "x5c holds a number.", [_LEAF, 1]),
        ("unpadded", "The leaf in x5c has no base64 padding.", [_LEAF.rstrip("="), *_REST]),
        (
            "trailing-bits",
            "The leaf in x5c has unused base64 bits that are not zero.",
            [other_trailing_bits(_LEAF), *_REST],
        ),
        (
            "base64url",
            "The leaf in x5c is in the base64url alphabet.",
            [_LEAF.translate(str.maketrans("+/", "-_")), *_REST],
        ),
        ("line-breaks", "The leaf in x5c has line breaks.", [lines, *_REST]),
        ("space", "The leaf in x5c starts with a space.", [f" {_LEAF}", *_REST]),
        (
            "pem",
            "The leaf in x5c is PEM.",
            [f"-----BEGIN CERTIFICATE-----\n{_LEAF}\n-----END CERTIFICATE-----", *_REST],
        ),
        ("not-a-certificate", "The first value of x5c is no certificate.", [b64(b"hello"), *_REST]),
        ("empty-string", "The first value of x5c is the empty string.", ["", *_REST]),
        (
            "octets-after-certificate",
            "Octets follow the leaf inside its value.",
            [b64(leaf_der + b"\0\0"), *_REST],
        ),
        ("certificate-cut", "The leaf misses its last octet.", [b64(leaf_der[:-1]), *_REST]),
        ("issuer-not-a-certificate", "The second value of x5c is no certificate.", [_LEAF, b64(b"hello")]),
    )
    for name, text, value in values:
        # Without a reference, so that a value which hashes to something else has one fault only.
        yield Draft(f"read-7-x5c-{name}", text, MALFORMED, members={"x5c": value}, drop=(_REFERENCE,))
    yield Draft("read-7-x5c-absent", "x5c is absent.", VIOLATION, drop=("x5c",))
    reversed_chain = ("domain-ca", "tsp-ca", "leaf")
    yield Draft(
        "read-7-x5c-reversed",
        "x5c has the leaf last; x5t#S256 is that of the leaf.",
        VIOLATION,
        chain=reversed_chain,
        signer="leaf",
    )
    yield Draft(
        "read-8-x5c-reversed",
        "x5c has the leaf last and there is no reference to it.",
        INVALID,
        chain=reversed_chain,
        signer="leaf",
        drop=(_REFERENCE,),
    )


def _s256() -> Iterator[Draft]:
    def with_reference(name: str, text: str, expected: Reject, value: object) -> Draft:
        return Draft(f"read-7-x5t-s256-{name}", text, expected, members={_REFERENCE: value})

    good = thumbprint("leaf")
    yield with_reference("other-certificate", "x5t#S256 is that of the issuer.", VIOLATION, thumbprint("tsp-ca"))
    yield with_reference("number", "x5t#S256 is a number.", MALFORMED, 1)
    yield with_reference("null", "x5t#S256 is null.", MALFORMED, None)
    yield with_reference("padded", "x5t#S256 ends in padding.", MALFORMED, f"{good}=")
    yield with_reference(
        "trailing-bits", "x5t#S256 has unused bits that are not zero.", MALFORMED, other_trailing_bits(good)
    )
    yield with_reference("short", "x5t#S256 has 31 octets.", MALFORMED, b64url(b"x" * 31))
    yield Draft("read-7-no-reference", "There is no reference to the certificate.", ACCEPT, drop=(_REFERENCE,))


def _x5t_o() -> Iterator[Draft]:
    def with_reference(name: str, text: str, expected: Reject, value: object) -> Draft:
        return Draft(f"read-7-x5t-o-{name}", text, expected, members={"x5t#o": value}, drop=(_REFERENCE,))

    good = reference_o("leaf")
    yield with_reference("other-certificate", "x5t#o is that of the issuer.", VIOLATION, reference_o("tsp-ca"))
    yield with_reference("string", "x5t#o is a string.", MALFORMED, good["digVal"])
    yield with_reference("array", "x5t#o is an array.", MALFORMED, [good])
    yield with_reference("without-digval", "x5t#o has no digVal.", MALFORMED, {"digAlg": "S512"})
    yield with_reference("without-digalg", "x5t#o has no digAlg.", MALFORMED, {"digVal": good["digVal"]})
    yield with_reference(
        "digval-number", "The digVal of x5t#o is a number.", MALFORMED, {"digAlg": "S512", "digVal": 1}
    )
    yield with_reference(
        "padded", "The digVal of x5t#o ends in padding.", MALFORMED, {**good, "digVal": f"{good['digVal']}=="}
    )
    yield Draft(
        "read-7-two-references",
        "x5t#S256 and x5t#o are both there and both right.",
        ACCEPT,
        members={"x5t#o": good},
    )
    yield Draft(
        "read-7-second-reference-wrong",
        "x5t#S256 is right and x5t#o is not.",
        VIOLATION,
        members={"x5t#o": reference_o("tsp-ca")},
    )
    yield Draft(
        "read-7-oots-without-x5t-o",
        "x5t#o is absent, which the profile requires; x5t#S256 is there.",
        VIOLATION,
        profile="oots-response",
        chain=_OOTS,
        message=answer(),
        drop=("x5t#o",),
        members={_REFERENCE: thumbprint("leaf-p256")},
    )


def _sig_x5ts() -> Iterator[Draft]:
    leaf, tsp, domain = (reference_o(name, "S256") for name in CHAIN)
    values: tuple[tuple[str, str, Accept | Reject, object], ...] = (
        ("leaf", "sigX5ts has the leaf only.", ACCEPT, [leaf]),
        ("chain", "sigX5ts follows x5c.", ACCEPT, [leaf, tsp, domain]),
        (
            "mixed-algorithms",
            "sigX5ts has another digest algorithm per certificate.",
            ACCEPT,
            [leaf, reference_o("tsp-ca", "S512")],
        ),
        ("first-wrong", "The first of sigX5ts is not the leaf.", VIOLATION, [tsp, tsp, domain]),
        (
            "second-wrong",
            "The second of sigX5ts is in no place of x5c.",
            VIOLATION,
            [leaf, reference_o("root", "S256")],
        ),
        ("object", "sigX5ts is an object.", MALFORMED, leaf),
        ("empty", "sigX5ts is empty.", MALFORMED, []),
        ("string-inside", "sigX5ts holds a string.", MALFORMED, [leaf["digVal"]]),
    )
    for name, text, expected, value in values:
        yield Draft(f"read-7-sigx5ts-{name}", text, expected, members={"sigX5ts": value}, drop=(_REFERENCE,))


def _jwk(name: str) -> dict[str, str]:
    public = pki.private_key(name).public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise TypeError("this helper writes RSA keys only")
    numbers = public.public_numbers()
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    return {"kty": "RSA", "n": b64url(modulus), "e": b64url(numbers.e.to_bytes(3, "big"))}


def _other_keys() -> Iterator[Draft]:
    foreign = _jwk("foreign-leaf")
    yield Draft(
        "read-7-jku-ignored",
        "jku is there and is not fetched.",
        ACCEPT,
        members={"jku": "https://127.0.0.1:9/jwks"},
    )
    yield Draft(
        "read-7-x5u-ignored",
        "x5u is there and is not fetched.",
        ACCEPT,
        members={"x5u": "https://127.0.0.1:9/chain.pem"},
    )
    yield Draft(
        "read-7-jwk-ignored",
        "jwk holds the key of somebody else and is not used.",
        ACCEPT,
        members={"jwk": foreign},
    )
    yield Draft(
        "read-8-signed-with-jwk",
        "The key in jwk made the signature; x5c is that of another key.",
        INVALID,
        members={"jwk": foreign},
        key="foreign-leaf",
    )
    yield Draft(
        "read-7-jwk-only",
        "The key is in jwk and there is no x5c.",
        VIOLATION,
        drop=("x5c", _REFERENCE),
        members={"jwk": _jwk("leaf-rsa2048")},
    )
    yield Draft(
        "read-7-jku-only",
        "There is a jku and no x5c.",
        VIOLATION,
        drop=("x5c", _REFERENCE),
        members={"jku": "https://127.0.0.1:9/jwks"},
    )
    yield Draft(
        "read-7-ddas-body-without-x5c",
        "x5c is absent in the early DDAS dialect.",
        VIOLATION,
        profile="ddas-body",
        drop=("x5c",),
    )


def _key_types() -> Iterator[Draft]:
    yield Draft(
        "read-7-key-p256-with-ps256",
        "alg is PS256 and the certificate has a P-256 key.",
        UNSUPPORTED,
        chain=_OOTS,
        sign=es256,
    )
    yield Draft(
        "read-7-key-rsa1024",
        "The certificate has an RSA key of 1024 bits.",
        UNSUPPORTED,
        chain=("leaf-rsa1024", *CHAIN[1:]),
    )
    yield Draft(
        "read-7-key-p384-with-es256",
        "alg is ES256 and the certificate has a P-384 key.",
        UNSUPPORTED,
        profile="oots-response",
        chain=("leaf-p384", *CHAIN[1:]),
        message=answer(),
    )
    yield Draft(
        "read-7-key-rsa-with-es256",
        "alg is ES256 and the certificate has an RSA key.",
        UNSUPPORTED,
        profile="oots-response",
        message=answer(),
        sign=pss(),
    )


def drafts() -> Iterator[Draft]:
    """Return the drafts of rule 7."""
    for group in (_x5c, _s256, _x5t_o, _sig_x5ts, _other_keys, _key_types):
        yield from group()
