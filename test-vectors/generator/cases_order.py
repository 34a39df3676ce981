"""Two faults in one message: the earlier rule gives the code, here that of the number in the id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.model import (
    AT_SECONDS,
    BODY,
    CHAIN,
    HTTP_HEADERS,
    INVALID,
    MALFORMED,
    MISMATCH,
    NO_PATH,
    TIME,
    UNSUPPORTED,
    VIOLATION,
    Draft,
    Message,
    Policy,
    digest_of,
    post,
)

_FOREIGN = ("foreign-leaf", "foreign-tsp-ca", "foreign-domain-ca")
_FUTURE = {"iat": AT_SECONDS + 600}


def _last_bit(signature: bytes) -> bytes:
    return signature[:-1] + bytes([signature[-1] ^ 1])


def _other_body(message: Message) -> Message:
    return replace(message, body=BODY.replace(b"125", b"925"))


def drafts() -> Iterator[Draft]:
    """Return the drafts with two faults."""
    yield Draft(
        "order-1-before-4",
        "The signature field is repeated and alg is RS256.",
        MALFORMED,
        members={"alg": "RS256"},
        received=lambda message: message.plus(message.fields[-1]),
    )
    yield Draft(
        "order-2-before-4",
        "The field is too long and alg is RS256.",
        MALFORMED,
        members={"alg": "RS256"},
        header=lambda octets: octets[:-1] + b" " * 30_000 + b"}",
    )
    yield Draft(
        "order-3-before-4",
        "A member stands twice and alg is RS256.",
        MALFORMED,
        members={"alg": "RS256"},
        header=lambda octets: octets[:-1] + b',"x":1,"x":1}',
    )
    yield Draft(
        "order-4-before-5",
        "b64 is the string false and crit is empty.",
        VIOLATION,
        members={"b64": "false", "crit": []},
    )
    yield Draft(
        "order-4-before-7",
        "alg is RS256 and x5c is absent.",
        UNSUPPORTED,
        members={"alg": "RS256"},
        drop=("x5c",),
    )
    yield Draft(
        "order-5-before-6",
        "crit names alg and sigD has the member hashM.",
        MALFORMED,
        members={
            "crit": ["b64", "sigD", "alg"],
            "sigD": {"mId": HTTP_HEADERS, "pars": ["digest"], "hashM": "S256"},
        },
    )
    yield Draft(
        "order-6-before-7",
        "pars names content-type and x5c is no array.",
        VIOLATION,
        pars=("content-type",),
        members={"x5c": "x"},
    )
    yield Draft(
        "order-7-before-8",
        "The key has 1024 bits and the signature is wrong.",
        UNSUPPORTED,
        chain=("leaf-rsa1024", *CHAIN[1:]),
        signature=_last_bit,
    )
    yield Draft(
        "order-8-before-9",
        "The signature is wrong and the body changed.",
        INVALID,
        signature=_last_bit,
        received=_other_body,
    )
    yield Draft(
        "order-8-before-9-digest-line",
        "A second Digest line, added after signing, spoils the signature and the field.",
        INVALID,
        received=lambda message: message.plus(("Digest", digest_of(BODY))),
    )
    yield Draft(
        "order-8-before-10",
        "The signature is wrong and iat lies in the future.",
        INVALID,
        signature=_last_bit,
        members=_FUTURE,
    )
    yield Draft(
        "order-8-before-11",
        "The signature is wrong and the root is foreign.",
        INVALID,
        signature=_last_bit,
        chain=_FOREIGN,
    )
    yield Draft(
        "order-9-before-10",
        "The body changed and iat lies in the future.",
        MISMATCH,
        received=_other_body,
        members=_FUTURE,
    )
    yield Draft(
        "order-9-before-11",
        "The body changed and the root is foreign.",
        MISMATCH,
        received=_other_body,
        chain=_FOREIGN,
    )
    yield Draft(
        "order-9-weak-before-10",
        "MD5 is the only algorithm and iat lies in the future.",
        UNSUPPORTED,
        message=post(digest="MD5=1B2M2Y8AsgTpgAmY7PhCfg=="),
        members=_FUTURE,
    )
    yield Draft(
        "order-10-before-11",
        "iat lies in the future and the root is foreign.",
        TIME,
        members=_FUTURE,
        chain=_FOREIGN,
    )
    yield Draft(
        "order-10-before-11-validity",
        "The leaf expired before iat.",
        TIME,
        chain=("leaf-expired", *CHAIN[1:]),
    )
    yield Draft(
        "order-11-before-12",
        "The root is foreign and the OIN is not listed.",
        NO_PATH,
        chain=_FOREIGN,
        policy=Policy(signers=("00000001123456782000",)),
    )
