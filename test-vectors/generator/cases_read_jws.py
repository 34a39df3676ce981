"""JWS of the kind that attackers of JOSE libraries try: the form of the value, algorithms, b64, crit, keys in the header."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from cryptography.hazmat.primitives import serialization

from generator import pki
from generator.encoding import b64url
from generator.model import ACCEPT, CHAIN, INVALID, MALFORMED, UNSUPPORTED, VIOLATION, Change, Draft, answer, swap
from generator.signing import PrivateKey, SignFunction, es256, pss, rs256

_SUITE = "Wycheproof, JSON Web Signature"


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _with_header(change: Change) -> Callable[[str], str]:
    """Return a function that changes the header inside a field value, after signing."""

    def changed(value: str) -> str:
        segment, signature = value.split("..")
        return f"{b64url(change(_decoded(segment)))}..{signature}"

    return changed


def _values() -> Iterator[Draft]:
    shapes: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        ("only-dots", "The value is two dots.", lambda _: ".."),
        ("leading-dot", "A dot precedes the value.", lambda v: f".{v}"),
        ("trailing-dot", "A dot follows the value.", lambda v: f"{v}."),
        ("percent-encoded", "The dots are percent-encoded.", lambda v: v.replace("..", "%2E%2E")),
        ("space-between-dots", "There is a space between the two dots.", lambda v: v.replace("..", ". .")),
        ("encrypted-token", "The value has five parts, none of them empty.", lambda v: v.replace("..", ".AA.AA.AA.")),
        (
            "payload-of-one-octet",
            "There is a payload of one octet between the dots.",
            lambda v: v.replace("..", ".AA."),
        ),
        ("standard-alphabet-header", "The header part holds a slash.", lambda v: f"{v[:8]}/{v[9:]}"),
        ("padding-inside", "There is an equals sign inside the header part.", lambda v: f"{v[:8]}={v[9:]}"),
        ("nul", "There is a NUL inside the signature part.", lambda v: f"{v[:-4]}\0{v[-4:]}"),
        ("leading-nul", "A NUL precedes the value.", lambda v: f"\0{v}"),
        ("inner-crlf", "There is a CRLF inside the signature part.", lambda v: f"{v[:-4]}\r\n{v[-4:]}"),
        ("trailing-cr", "The value ends in a CR.", lambda v: f"{v}\r"),
        ("trailing-form-feed", "The value ends in a form feed.", lambda v: f"{v}\f"),
        ("trailing-next-line", "The value ends in octet 85, which some call white space.", lambda v: f"{v}\x85"),
        ("leading-no-break-space", "Octet a0, which some call white space, precedes the value.", lambda v: f"\xa0{v}"),
        ("trailing-comma", "A comma follows the value.", lambda v: f"{v},"),
        ("leading-comma", "A comma precedes the value.", lambda v: f",{v}"),
        ("parameter", "A parameter follows the value.", lambda v: f"{v};alg=PS256"),
        ("scheme", "A word precedes the value, as in Authorization.", lambda v: f"Bearer {v}"),
        ("structured-bytes", "The value stands between colons, as octets in a structured field.", lambda v: f":{v}:"),
        ("json-general", "The value is a general JSON serialization.", _general),
        ("json-flattened", "The value is a whole flattened JSON serialization.", _flattened),
        (
            "json-in-base64url",
            "The value is a flattened JSON serialization in base64url.",
            lambda v: b64url(_flattened(v).encode()),
        ),
    )
    for name, text, change in shapes:
        yield Draft(f"read-1-{name}", text, MALFORMED, value=change)


def _flattened(value: str) -> str:
    header, signature = value.split("..")
    return json.dumps({"protected": header, "signature": signature})


def _general(value: str) -> str:
    header, signature = value.split("..")
    return json.dumps({"signatures": [{"protected": header, "signature": signature}]})


def _parts() -> Iterator[Draft]:
    yield Draft(
        "read-3-parts-swapped",
        "The signature stands before the dots and the header behind them.",
        MALFORMED,
        value=lambda v: "..".join(reversed(v.split(".."))),
    )
    yield Draft(
        "read-3-header-base64-twice",
        "The header is in base64url twice.",
        MALFORMED,
        header=lambda octets: b64url(octets).encode(),
    )
    yield Draft(
        "read-8-header-rewritten",
        "An intermediary wrote the JSON of the header again, with spaces.",
        INVALID,
        value=_with_header(lambda octets: json.dumps(json.loads(octets)).encode()),
    )
    yield Draft(
        "read-8-header-sorted",
        "An intermediary sorted the members of the header.",
        INVALID,
        value=_with_header(lambda o: json.dumps(json.loads(o), sort_keys=True, separators=(",", ":")).encode()),
    )
    yield Draft(
        "read-8-header-member-added",
        "A member that nobody reads was added to the header after signing.",
        INVALID,
        value=_with_header(lambda octets: octets[:-1] + b',"x":1}'),
    )


def _hmac(secret: Callable[[PrivateKey], bytes]) -> SignFunction:
    def sign(key: PrivateKey, signing_input: bytes, seed: str) -> bytes:
        del seed
        return hmac.new(secret(key), signing_input, hashlib.sha256).digest()

    return sign


def _spki(key: PrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def _algorithms() -> Iterator[Draft]:
    wrong: tuple[tuple[str, str, str, SignFunction], ...] = (
        ("none-capital", "None", "no signature is needed", pss()),
        ("none-capitals", "NONE", "no signature is needed", pss()),
        ("rs384", "RS384", "another RSA signature", rs256),
        ("rs512", "RS512", "another RSA signature", rs256),
        ("eddsa", "EdDSA", "another kind of key", pss()),
        ("es384", "ES384", "another kind of key", pss()),
        ("hs256-der", "HS256", "the secret is the public key in DER", _hmac(_spki)),
        ("hs256-certificate", "HS256", "the secret is the certificate", _hmac(lambda _: pki.certificate_der("leaf"))),
        ("hs256-empty", "HS256", "the secret is empty", _hmac(lambda _: b"")),
        ("rsa-oaep", "RSA-OAEP", "an algorithm of encryption", pss()),
        ("trailing-space", "PS256 ", "a space follows", pss()),
        ("trailing-nul", "PS256\0", "a NUL follows", pss()),
        ("list", "PS256,none", "a list in one text", pss()),
        ("full-width", "\uff30\uff33\uff12\uff15\uff16", "full-width characters, which some normalise", pss()),
        ("identifier", "1.2.840.113549.1.1.10", "the object identifier of RSASSA-PSS", pss()),
    )
    for name, algorithm, why, sign in wrong:
        shown = algorithm.replace("\0", "\\u0000")
        yield Draft(
            f"read-4-alg-{name}", f'alg is "{shown}": {why}.', UNSUPPORTED, members={"alg": algorithm}, sign=sign
        )
    for name, value in (("object", {"name": "PS256"}), ("true", True)):
        yield Draft(f"read-4-alg-{name}", f"alg is of JSON type {name}.", MALFORMED, members={"alg": value})
    yield Draft(
        "read-4-alg-es384-in-oots",
        "alg is ES384 with a P-384 certificate, in a profile that takes ES256 only.",
        UNSUPPORTED,
        profile="oots-response",
        members={"alg": "ES384"},
        chain=("leaf-p384", *CHAIN[1:]),
        message=answer(),
        sign=es256,
    )


def _b64() -> Iterator[Draft]:
    for name, value in (
        ("one", 1),
        ("array-of-false", [False]),
        ("object", {}),
        ("float", 0.0),
        ("text-false", "False"),
    ):
        yield Draft(
            f"read-4-b64-{name}", f"b64 is of another type than boolean: {name}.", VIOLATION, members={"b64": value}
        )
    yield Draft(
        "read-4-b64-true-raw-payload",
        "b64 is true and the payload is signed as it is.",
        VIOLATION,
        members={"b64": True},
    )
    yield Draft("read-4-b64-absent-but-critical", "b64 is absent and crit names it.", VIOLATION, drop=("b64",))
    for name, value in (("false", False), ("true", True)):
        yield Draft(
            f"read-4-ddas-body-b64-{name}",
            f"b64 is {name} in the early DDAS dialect, which has none.",
            VIOLATION,
            profile="ddas-body",
            members={"b64": value},
        )
    payloads: tuple[tuple[str, str, Change], ...] = (
        ("empty", "The signer signed no payload.", lambda _: b""),
        ("with-a-dot", "A second dot stands before the payload.", lambda octets: b"." + octets),
        (
            "value-only",
            "The signer signed the value of Digest without its name.",
            lambda o: o.removeprefix(b"digest: "),
        ),
        ("with-a-nul", "A NUL follows the payload.", lambda octets: octets + b"\0"),
        ("utf-16", "The payload is in UTF-16.", lambda octets: octets.decode().encode("utf-16-le")),
    )
    for name, text, change in payloads:
        yield Draft(f"read-8-payload-{name}", text, INVALID, payload=change)


def _crit() -> Iterator[Draft]:
    registered: tuple[tuple[str, object], ...] = (
        ("jku", "https://keys.example.nl/jwks"),
        ("jwk", {"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        ("x5u", "https://keys.example.nl/x5u"),
        ("x5t", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("cty", "json"),
        ("enc", "A256GCM"),
        ("zip", "DEF"),
        ("p2c", 1),
    )
    for name, value in registered:
        yield Draft(
            f"read-5-crit-registered-{name}",
            f"crit names {name}, which RFC 7515, RFC 7516 or RFC 7518 registers.",
            MALFORMED,
            members={name: value, "crit": ["b64", "sigD", name]},
        )
    forms: tuple[tuple[str, str, object], ...] = (
        ("true", "crit is true.", True),
        ("number", "crit is a number.", 2),
        ("nested", "crit holds a list.", [["b64", "sigD"]]),
        ("null-inside", "crit holds null.", ["b64", "sigD", None]),
        ("empty-name", "crit names the empty text, which is no member.", ["b64", "sigD", ""]),
    )
    for name, text, value in forms:
        yield Draft(f"read-5-crit-{name}", text, MALFORMED, members={"crit": value})
    yield Draft(
        "read-5-crit-repeated-escaped",
        "crit names b64 twice, once with an escape.",
        MALFORMED,
        header=swap(b'"crit":["b64"', b'"crit":["b64","b\\u00364"'),
    )
    yield Draft(
        "read-5-crit-b64-capital",
        "crit names B64, which the header has too, instead of b64.",
        VIOLATION,
        members={"B64": False, "crit": ["B64", "sigD"]},
    )
    yield Draft(
        "read-5-crit-escaped-name",
        "crit names b64 with an escape, which is the same text.",
        ACCEPT,
        header=swap(b'"crit":["b64"', b'"crit":["b\\u00364"'),
    )
    yield Draft(
        "read-5-ddas-body-crit",
        "crit is there in the early DDAS dialect, which has none.",
        VIOLATION,
        profile="ddas-body",
        members={"crit": ["exp"], "exp": 4102444800},
    )


def _ignored() -> Iterator[Draft]:
    """What a verifier must not stumble over."""
    hashed = hashlib.sha1(pki.certificate_der("leaf"), usedforsecurity=False).digest()
    for name, text, members in (
        ("read-7-x5t-sha-1-too", "x5t, with SHA-1, stands beside x5t#S256.", {"x5t": b64url(hashed)}),
        (
            "read-7-jku-jwk-and-x5u-ignored",
            "jku, jwk and x5u are all there and of no form at all.",
            {"jku": 1, "jwk": 2, "x5u": 3},
        ),
        (
            "read-6-kid-of-other-certificate",
            "kid names the certificate of another; it is a hint.",
            {"kid": pki.issuer_serial("foreign-leaf")},
        ),
        ("read-5-member-without-name", "A member has the empty name.", {"": 1}),
        ("read-5-member-proto", "A member is called __proto__.", {"__proto__": {"alg": "none"}}),
        ("read-5-member-other-case", "ALG is another member than alg.", {"ALG": "none"}),
    ):
        yield Draft(name, text, ACCEPT, members=members)
    yield Draft(
        "read-3-member-order",
        "The members of the header stand in another order.",
        ACCEPT,
        header=lambda octets: json.dumps(json.loads(octets), sort_keys=True, separators=(",", ":")).encode(),
    )


def drafts() -> Iterator[Draft]:
    """Return the drafts about JWS."""
    for group in (_values, _parts, _algorithms, _b64, _crit, _ignored):
        for draft in group():
            yield replace(draft, modelled_on=_SUITE)
