"""Section 3, rules 8 and 9: the signature itself, and the Digest over the body."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import rsa

from generator import pki
from generator.encoding import b64, b64url, other_trailing_bits
from generator.model import (
    ACCEPT,
    BODY,
    INVALID,
    MALFORMED,
    MISMATCH,
    UNSUPPORTED,
    Accept,
    Change,
    Draft,
    Message,
    Reject,
    answer,
    digest_of,
    post,
    sha,
)
from generator.signing import es256_der, rs256

_OOTS = ("leaf-p256", "tsp-ca", "domain-ca")
_OTHER = b'{"besluit": "afgewezen", "bedrag": 0}\n'


def _plus_modulus(signature: bytes) -> bytes:
    """Return the signature number plus the modulus, which has the same residue and must still be refused."""
    key = pki.private_key("leaf-rsa2048")
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the leaf has an RSA key")
    number = int.from_bytes(signature, "big") + key.private_numbers().public_numbers.n
    return number.to_bytes(257, "big")


def _signatures() -> Iterator[Draft]:
    yield Draft(
        "read-8-last-bit",
        "The last bit of the signature is changed.",
        INVALID,
        signature=lambda s: s[:-1] + bytes([s[-1] ^ 1]),
    )
    yield Draft(
        "read-8-first-bit",
        "A bit in the first octet is changed.",
        INVALID,
        signature=lambda s: bytes([s[0] ^ 1]) + s[1:],
    )
    yield Draft("read-8-zero", "The signature is all zeros.", INVALID, signature=lambda s: bytes(len(s)))
    yield Draft(
        "read-8-one-octet-short",
        "The last octet of the signature is missing.",
        INVALID,
        signature=lambda s: s[:-1],
    )
    yield Draft("read-8-one-octet-long", "An octet follows the signature.", INVALID, signature=lambda s: s + b"\0")
    yield Draft("read-8-leading-zero", "A zero octet precedes the signature.", INVALID, signature=lambda s: b"\0" + s)
    yield Draft(
        "read-8-plus-modulus",
        "The modulus is added to the signature number.",
        INVALID,
        signature=_plus_modulus,
    )
    yield Draft("read-8-one-octet", "The signature is one octet.", INVALID, signature=lambda s: s[:1])
    yield Draft(
        "read-8-other-key",
        "Another key than that of the leaf made the signature.",
        INVALID,
        key="foreign-leaf",
    )
    yield Draft("read-8-pkcs1-v1-5", "alg says PS256 and the signature is RSASSA-PKCS1-v1_5.", INVALID, sign=rs256)
    yield Draft(
        "read-8-header-changed",
        "kid changed after signing.",
        INVALID,
        members={"kid": "a"},
        value=lambda value: value.replace(
            b64url(b'{"alg":"PS256","kid":"a"')[:32], b64url(b'{"alg":"PS256","kid":"b"')[:32]
        ),
    )
    yield Draft(
        "read-8-payload-base64url",
        "b64 is false and the signer signed the payload in base64url.",
        INVALID,
        payload=lambda octets: b64url(octets).encode(),
    )
    yield Draft(
        "read-8-body-signed",
        "The signer signed the body instead of the covered fields.",
        INVALID,
        payload=lambda _: BODY,
    )
    yield Draft(
        "read-8-digest-and-body-changed",
        "Body and Digest were replaced together after signing.",
        INVALID,
        received=lambda message: (
            replace(message, body=_OTHER)
            .with_value("digest", digest_of(_OTHER))
            .with_value("content-length", str(len(_OTHER)))
        ),
    )
    yield Draft(
        "read-8-digest-recased",
        "Digest says sha-256= where the signed one said SHA-256=.",
        INVALID,
        received=lambda message: message.with_value("digest", f"sha-256={sha(BODY)}"),
    )
    yield Draft(
        "read-8-message-field-changed",
        "A covered field changed after signing.",
        INVALID,
        profile="adr-message",
        received=lambda message: message.with_value("host", "evil.example"),
    )


def _elliptic() -> Iterator[Draft]:
    def oots(name: str, text: str, change: Change) -> Draft:
        return Draft(
            f"read-8-es256-{name}",
            text,
            INVALID,
            profile="oots-response",
            chain=_OOTS,
            message=answer(),
            signature=change,
        )

    yield oots("bit", "The last bit of an ES256 signature is changed.", lambda s: s[:-1] + bytes([s[-1] ^ 1]))
    yield oots("short", "The last octet of an ES256 signature is missing.", lambda s: s[:-1])
    yield oots("zero", "R and S of an ES256 signature are zero.", lambda _: bytes(64))
    yield oots("swapped", "R and S of an ES256 signature changed places.", lambda s: s[32:] + s[:32])
    yield oots(
        "wide",
        "R and S of an ES256 signature have a leading zero octet each.",
        lambda s: b"\0" + s[:32] + b"\0" + s[32:],
    )
    yield Draft(
        "read-8-es256-der",
        "The ES256 signature is in DER.",
        INVALID,
        profile="oots-response",
        chain=_OOTS,
        message=answer(),
        sign=es256_der,
    )


def _body_signatures() -> Iterator[Draft]:
    yield Draft(
        "read-8-ddas-body-changed",
        "The body changed after signing, in the early DDAS dialect.",
        INVALID,
        profile="ddas-body",
        received=lambda message: replace(message, body=_OTHER),
    )
    yield Draft(
        "read-8-ddas-body-raw",
        "The signer signed the raw body instead of its base64url, in the early DDAS dialect.",
        INVALID,
        profile="ddas-body",
        payload=lambda _: BODY,
    )
    yield Draft(
        "read-8-ddas-body-last-newline",
        "The signer signed the body without its last newline, in the early DDAS dialect.",
        INVALID,
        profile="ddas-body",
        payload=lambda _: b64url(BODY.rstrip()).encode(),
    )
    yield Draft(
        "read-9-ddas-body-without-digest",
        "The early DDAS dialect needs no Digest.",
        ACCEPT,
        profile="ddas-body",
        message=post(digest=""),
    )


def _digest(name: str, text: str, expected: Accept | Reject, value: str, body: bytes = BODY) -> Draft:
    return Draft(f"read-9-{name}", text, expected, message=post(body, digest=value))


def _body_with_slash() -> bytes:
    """Return a body whose hash holds a plus sign and a slash in base64."""
    return next(body for body in (b"%d\n" % n for n in range(10_000)) if {"+", "/"} <= set(sha(body)))


def _accepted() -> Iterator[Draft]:
    h256, h512 = sha(BODY), sha(BODY, "sha512")
    md5 = b64(hashlib.md5(BODY, usedforsecurity=False).digest())
    yield _digest("lower-case-name", "The algorithm name is in lower case.", ACCEPT, f"sha-256={h256}")
    yield _digest("sha-512", "SHA-512 alone suffices.", ACCEPT, f"SHA-512={h512}")
    yield _digest("sha-256-and-md5", "MD5 beside SHA-256 does no harm.", ACCEPT, f"SHA-256={h256},MD5={md5}")
    yield _digest("md5-first", "MD5 stands before SHA-256.", ACCEPT, f"MD5={md5}, SHA-256={h256}")
    yield _digest("both-strong", "SHA-256 and SHA-512 are both right.", ACCEPT, f"SHA-256={h256}, SHA-512={h512}")
    yield _digest(
        "unknown-algorithm-too",
        "An unknown algorithm beside SHA-256 is skipped.",
        ACCEPT,
        f"x-new=abc, SHA-256={h256}",
    )
    body = b"\r\n\0\xff not text, two line ends \r\n"
    yield _digest("binary-body", "The body is hashed as octets, line ends untouched.", ACCEPT, digest_of(body), body)
    yield Draft(
        "read-9-content-digest-too",
        "Content-Digest is there as well and right.",
        ACCEPT,
        message=post().plus(("Content-Digest", f"sha-256=:{h256}:")),
    )


def _malformed() -> Iterator[Draft]:
    h256, body = sha(BODY), _body_with_slash()
    url_safe = sha(body).translate(str.maketrans("+/", "-_"))
    for name, text, value in (
        ("algorithm-twice", "SHA-256 is there twice with the same hash.", f"SHA-256={h256}, SHA-256={h256}"),
        (
            "algorithm-twice-other-case",
            "SHA-256 and sha-256 are both there.",
            f"SHA-256={h256},sha-256={h256}",
        ),
        ("unpadded", "The hash has no padding.", f"SHA-256={h256.rstrip('=')}"),
        (
            "trailing-bits",
            "The hash has unused bits that are not zero.",
            f"SHA-256={other_trailing_bits(h256)}",
        ),
        ("short-hash", "The hash has 31 octets.", f"SHA-256={b64(hashlib.sha256(BODY).digest()[:31])}"),
        ("hash-of-sha-512", "SHA-256 has a hash of 64 octets.", f"SHA-256={sha(BODY, 'sha512')}"),
        ("hexadecimal", "The hash is hexadecimal.", f"SHA-256={hashlib.sha256(BODY).hexdigest()}"),
        ("empty-hash", "The hash is empty.", "SHA-256="),
        ("space-in-hash", "There is a space inside the hash.", f"SHA-256={h256[:9]} {h256[9:]}"),
        ("no-equals", "There is no equals sign after the algorithm name.", "SHA-256"),
        ("structured-field", "The value has the form of Content-Digest.", f"SHA-256=:{h256}:"),
        (
            "second-strong-malformed",
            "SHA-256 is right and the hash of SHA-512 is no base64.",
            f"SHA-256={h256}, SHA-512=!",
        ),
    ):
        yield _digest(name, text, MALFORMED, value)
    yield _digest("base64url", "The hash is in the base64url alphabet.", MALFORMED, f"SHA-256={url_safe}", body)
    yield Draft(
        "read-9-two-lines",
        "Digest stands on two lines, signed over the joined value.",
        MALFORMED,
        message=post().plus(("Digest", f"SHA-512={sha(BODY, 'sha512')}")),
    )
    yield Draft(
        "read-9-content-digest-malformed",
        "Content-Digest has no colons around its hash.",
        MALFORMED,
        message=post().plus(("Content-Digest", f"sha-256={h256}")),
    )


def _weak() -> Iterator[Draft]:
    md5 = b64(hashlib.md5(BODY, usedforsecurity=False).digest())
    sha1 = b64(hashlib.sha1(BODY, usedforsecurity=False).digest())
    yield _digest("only-md5", "MD5 is the only algorithm.", UNSUPPORTED, f"MD5={md5}")
    yield _digest("only-sha-1", "SHA, which is SHA-1, is the only algorithm.", UNSUPPORTED, f"SHA={sha1}")
    yield _digest("only-unixsum", "unixsum is the only algorithm.", UNSUPPORTED, "unixsum=30637")
    yield _digest("only-weak", "MD5 and SHA are the only algorithms.", UNSUPPORTED, f"MD5={md5}, SHA={sha1}")
    yield _digest("only-unknown", "The only algorithm is unknown.", UNSUPPORTED, "x-new=abc")


def _mismatch() -> Iterator[Draft]:
    def changed(
        name: str, text: str, body: bytes, message: Message | None = None, profile: str = "adr-payload"
    ) -> Draft:
        return Draft(
            f"read-9-{name}",
            text,
            MISMATCH,
            message=message or post(),
            profile=profile,
            received=lambda received: replace(received, body=body),
        )

    yield changed("body-changed", "One character of the body changed after signing.", BODY.replace(b"125", b"925"))
    yield changed("body-emptied", "The body was removed after signing.", b"")
    yield changed("body-added", "A body was added to an empty message.", BODY, post(b""))
    yield changed("body-newline", "The last newline of the body was lost.", BODY.rstrip())
    yield changed(
        "body-reformatted",
        "The JSON of the body was written again without spaces.",
        BODY.replace(b": ", b":"),
    )
    yield changed("body-changed-response", "The body of a response changed after signing.", _OTHER, answer())
    yield changed(
        "body-changed-message",
        "The body changed after signing, in the message profile.",
        BODY.replace(b"1", b"2"),
        None,
        "adr-message",
    )
    h256, other512 = sha(BODY), sha(_OTHER, "sha512")
    yield _digest(
        "sha-512-wrong",
        "SHA-256 is right and SHA-512 is that of another body.",
        MISMATCH,
        f"SHA-256={h256}, SHA-512={other512}",
    )
    yield _digest(
        "sha-256-wrong",
        "SHA-512 is right and SHA-256 is that of another body.",
        MISMATCH,
        f"SHA-256={sha(_OTHER)}, SHA-512={sha(BODY, 'sha512')}",
    )
    yield Draft(
        "read-9-content-digest-wrong",
        "Digest is right and Content-Digest is that of another body.",
        MISMATCH,
        message=post().plus(("Content-Digest", f"sha-256=:{sha(_OTHER)}:")),
    )
    yield Draft(
        "read-9-content-digest-never-instead",
        "Content-Digest is right and Digest is that of another body.",
        MISMATCH,
        message=post(digest=digest_of(_OTHER)).plus(("Content-Digest", f"sha-256=:{h256}:")),
    )


def drafts() -> Iterator[Draft]:
    """Return the drafts of rules 8 and 9."""
    groups = (_signatures, _elliptic, _body_signatures, _accepted, _malformed, _weak, _mismatch)
    for group in groups:
        yield from group()
