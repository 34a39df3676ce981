"""Section 3, rules 4 and 5: alg, b64 and crit."""

from __future__ import annotations

from collections.abc import Iterator

from generator.build import reference_o, thumbprint
from generator.encoding import b64url
from generator.model import (
    ACCEPT,
    AT,
    AT_SECONDS,
    MALFORMED,
    UNSUPPORTED,
    VIOLATION,
    Draft,
    answer,
    post,
)
from generator.signing import SignFunction, es256, hs256_with_public_key, pss, rs256

_SIGT = AT.replace("12:00:00", "11:59:55")


def _algorithms() -> Iterator[Draft]:
    wrong: tuple[tuple[str, str, SignFunction], ...] = (
        ("rs256", "RS256", rs256),
        ("ps384", "PS384", pss(salt_length=48, digest="sha384")),
        ("ps512", "PS512", pss(salt_length=64, digest="sha512")),
        ("hs256", "HS256", hs256_with_public_key),
        ("none", "none", pss()),
        ("lower-case", "ps256", pss()),
        ("unknown", "XX256", pss()),
        ("empty", "", pss()),
    )
    for name, algorithm, sign in wrong:
        text = f"alg is {algorithm!r}; the signature fits it as far as it can.".replace("'", '"')
        yield Draft(f"read-4-alg-{name}", text, UNSUPPORTED, members={"alg": algorithm}, sign=sign)
    yield Draft(
        "read-4-alg-es256",
        "alg is ES256 with a P-256 certificate, in a profile that takes PS256 only.",
        UNSUPPORTED,
        members={"alg": "ES256"},
        sign=es256,
        chain=("leaf-p256", "tsp-ca", "domain-ca"),
    )
    yield Draft(
        "read-4-alg-ps256-in-oots",
        "alg is PS256 with an RSA certificate, in a profile that takes ES256 only.",
        UNSUPPORTED,
        profile="oots-response",
        members={"alg": "PS256"},
        sign=pss(),
        message=answer(),
    )
    yield Draft("read-4-alg-absent", "alg is absent.", MALFORMED, drop=("alg",))
    for name, value in (("number", 256), ("null", None), ("array", ["PS256"])):
        yield Draft(f"read-4-alg-{name}", f"alg is of JSON type {name}.", MALFORMED, members={"alg": value})


def _b64() -> Iterator[Draft]:
    yield Draft(
        "read-4-b64-absent",
        "b64 is absent, from crit as well, and the payload is signed in base64url.",
        VIOLATION,
        drop=("b64",),
        members={"crit": ["sigD"]},
        payload=lambda octets: b64url(octets).encode(),
    )
    yield Draft(
        "read-4-b64-true",
        "b64 is true and the payload is signed in base64url.",
        VIOLATION,
        members={"b64": True},
        payload=lambda octets: b64url(octets).encode(),
    )
    for name, value in (("string", "false"), ("zero", 0), ("null", None), ("empty-array", [])):
        yield Draft(
            f"read-4-b64-{name}",
            f"b64 is of another type than boolean: {name}.",
            VIOLATION,
            members={"b64": value},
        )
    yield Draft(
        "read-4-ddas-body-in-ddas",
        "A message of the early dialect, read with the profile that replaced it.",
        VIOLATION,
        profile="ddas",
        drop=("b64", "crit", "sigD", "iat", "x5t#S256"),
        payload=lambda _: b64url(post().body).encode(),
    )


def _crit() -> Iterator[Draft]:
    malformed: tuple[tuple[str, str, object], ...] = (
        ("not-an-array", "crit is a string.", "b64"),
        ("object", "crit is an object.", {"b64": True, "sigD": True}),
        ("null", "crit is null.", None),
        ("empty", "crit is empty.", []),
        ("number-inside", "crit holds a number.", ["b64", "sigD", 1]),
        ("repeated-name", "crit names b64 twice.", ["b64", "sigD", "b64"]),
        ("absent-name", "crit names sigT, which the header does not have.", ["b64", "sigD", "sigT"]),
        (
            "absent-unknown-name",
            "crit names an unknown member that the header does not have.",
            ["b64", "sigD", "x"],
        ),
    )
    for name, text, value in malformed:
        yield Draft(f"read-5-crit-{name}", text, MALFORMED, members={"crit": value})
    for name in ("alg", "kid", "x5c", "typ", "crit", "x5t#S256"):
        yield Draft(
            f"read-5-crit-registered-{name.lower().replace('#', '-')}",
            f"crit names {name}, which RFC 7515 registers.",
            MALFORMED,
            members={"crit": ["b64", "sigD", name]},
        )
    yield Draft(
        "read-5-crit-registered-epk",
        "crit names epk, which RFC 7518 registers.",
        MALFORMED,
        members={"epk": {"kty": "EC"}, "crit": ["b64", "sigD", "epk"]},
    )
    yield Draft("read-5-sigd-absent", "sigD is absent and crit names it.", MALFORMED, drop=("sigD",))
    yield Draft(
        "read-5-sigd-absent-everywhere",
        "sigD is absent, from crit as well.",
        VIOLATION,
        drop=("sigD",),
        members={"crit": ["b64"]},
    )
    yield Draft("read-5-crit-absent", "crit is absent.", VIOLATION, drop=("crit",))
    yield Draft("read-5-crit-without-b64", "crit does not name b64.", VIOLATION, members={"crit": ["sigD"]})
    yield Draft("read-5-crit-without-sigd", "crit does not name sigD.", VIOLATION, members={"crit": ["b64"]})
    yield Draft(
        "read-5-crit-other-case",
        "crit names a member that differs from sigD in case only.",
        VIOLATION,
        members={"SigD": True, "crit": ["b64", "sigD", "SigD"]},
    )
    for label, name, value in (
        ("sigpl", "sigPl", {"addressCountry": "NL"}),
        ("url", "http://example.com/x", 1),
    ):
        yield Draft(
            f"read-5-crit-unprocessed-{label}",
            f"crit names {name}, which is in the header but is not processed.",
            VIOLATION,
            members={name: value, "crit": ["b64", "sigD", name]},
        )


def _accepted_crit() -> Iterator[Draft]:
    sig_x5ts = [{"digAlg": "S256", "digVal": thumbprint("leaf")}]
    lists: tuple[tuple[str, dict[str, object], tuple[str, ...]], ...] = (
        ("sigd-b64", {"crit": ["sigD", "b64"]}, ()),
        ("iat", {"crit": ["b64", "iat", "sigD"]}, ()),
        ("exp", {"exp": AT_SECONDS + 600, "crit": ["b64", "sigD", "exp"]}, ()),
        ("sigt", {"sigT": _SIGT, "crit": ["sigT", "sigD", "b64"]}, ("iat",)),
        (
            "sigt-x5t-o",
            {"sigT": _SIGT, "x5t#o": reference_o("leaf"), "crit": ["sigT", "x5t#o", "sigD", "b64"]},
            ("iat", "x5t#S256"),
        ),
        (
            "sigt-sigx5ts",
            {"sigT": _SIGT, "sigX5ts": sig_x5ts, "crit": ["sigT", "sigX5ts", "sigD", "b64"]},
            ("iat", "x5t#S256"),
        ),
    )
    for name, members, drop in lists:
        text = f"crit is {members['crit']}, as signers of an earlier edition write it.".replace("'", '"')
        yield Draft(f"read-5-crit-{name}", text, ACCEPT, members=members, drop=drop)
    yield Draft(
        "read-5-unknown-not-critical",
        "An unknown member that crit does not name is ignored.",
        ACCEPT,
        members={"x-note": {"a": [1, 2]}},
    )


def drafts() -> Iterator[Draft]:
    """Return the drafts of rules 4 and 5."""
    for group in (_algorithms, _b64, _crit, _accepted_crit):
        yield from group()
