"""Section 2: the protected header that a signer emits, and one valid message of each profile."""

from __future__ import annotations

from collections.abc import Iterator

from generator.build import reference_o
from generator.model import ACCEPT, PROFILES, Draft, answer, post

_P256 = ("leaf-p256", "tsp-ca", "domain-ca")


def _header() -> Iterator[Draft]:
    yield Draft("emit-1-iat-and-thumbprint", "The header as emitted: compact JSON with iat and x5t#S256.", ACCEPT)
    yield Draft(
        "emit-1-ddas-minimum",
        "Exactly the members that DDAS asks for: no iat and no certificate reference.",
        ACCEPT,
        profile="ddas",
        drop=("iat", "x5t#S256"),
    )
    yield Draft("emit-2-kid-issuer-serial", "kid is standard base64 of the DER IssuerSerial.", ACCEPT, profile="ddas")
    yield Draft(
        "emit-2-kid-given",
        "kid is a text that the caller chose.",
        ACCEPT,
        members={"kid": "signing-key-2026"},
    )
    yield Draft("emit-3-crit", "crit lists b64 and sigD and nothing else.", ACCEPT, members={"crit": ["b64", "sigD"]})
    for algorithm in ("S256", "S384", "S512"):
        yield Draft(
            f"emit-4-{algorithm.lower()}",
            f"x5t#o with digest algorithm {algorithm} instead of x5t#S256.",
            ACCEPT,
            drop=("x5t#S256",),
            members={"x5t#o": reference_o("leaf", algorithm)},
        )
    yield Draft("emit-6-typ", "typ is JOSE.", ACCEPT, members={"typ": "JOSE"})


def _chain() -> Iterator[Draft]:
    yield Draft("emit-5-no-root", "x5c has the leaf first and every certificate below the anchor.", ACCEPT)
    yield Draft(
        "emit-5-issuer",
        "x5c has the leaf and its issuer; the receiver knows the domain CA.",
        ACCEPT,
        chain=("leaf", "tsp-ca"),
        intermediates=("domain-ca",),
    )
    yield Draft(
        "emit-5-leaf",
        "x5c has the leaf only; the receiver knows the intermediates.",
        ACCEPT,
        chain=("leaf",),
        intermediates=("tsp-ca", "domain-ca"),
    )
    yield Draft(
        "emit-5-full",
        "x5c has the root as well, which the receiver does not need.",
        ACCEPT,
        chain=("leaf", "tsp-ca", "domain-ca", "root"),
    )


def _profiles() -> Iterator[Draft]:
    for name, profile in PROFILES.items():
        if name == "oots-response":
            continue
        text = f"A request in profile {name}, in the field {profile.field}."
        yield Draft(f"read-1-{name}-request", text, ACCEPT, profile=name)
        text = f"A response in profile {name}, in the field {profile.field}."
        request = post() if profile.dialect == "message" else None
        yield Draft(f"read-1-{name}-response", text, ACCEPT, profile=name, message=answer(), request=request)
    yield Draft(
        "read-1-oots-response",
        "A response in profile oots-response, with ES256 and x5t#o.",
        ACCEPT,
        profile="oots-response",
        chain=_P256,
        message=answer(),
    )
    yield Draft(
        "read-9-empty-body",
        "An empty body is signed with the digest of the empty string.",
        ACCEPT,
        message=post(b""),
    )


def drafts() -> Iterator[Draft]:
    """Return the drafts of section 2, and one valid message of each profile."""
    for group in (_header, _chain, _profiles):
        yield from group()
