"""Step 9, Digest and Content-Digest against the body, and the body that passes by: verify_fields and BodyDigest."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import AsyncVerifier, BodyDigest, HttpRequest, PendingMessage, VerifiedMessage, Verifier, profiles
from nlgov_jades.digest import DigestAlgorithm
from nlgov_jades.errors import (
    ConfigurationError,
    DigestMismatchError,
    InvalidSignatureError,
    MalformedSignatureError,
    ProfileViolationError,
    UnsupportedAlgorithmError,
    VerificationError,
)

Forge = Callable[..., HttpRequest]
Refused = Callable[..., Any]
Refuses = Callable[..., VerificationError]
Verifying = Callable[..., Verifier]

BODY = b'{"a": 1}\r\n'
BOTH = [DigestAlgorithm.SHA_256, DigestAlgorithm.SHA_512]


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


SHA256, SHA512 = b64(hashlib.sha256(BODY).digest()), b64(hashlib.sha512(BODY).digest())
WRONG256, WRONG512 = b64(bytes(32)), b64(bytes(64))


@pytest.fixture
def message() -> HttpRequest:
    return HttpRequest(method="POST", target="/", fields=[("Content-Type", "application/json")], body=BODY)


@pytest.fixture
def pending(forge: Forge, verifier: Verifier, message: HttpRequest) -> PendingMessage:
    return verifier.verify_fields(forge(message))


def fed(*pieces: bytes, algorithms: list[DigestAlgorithm] = BOTH[:1]) -> BodyDigest:
    digest = BodyDigest(algorithms)
    for piece in pieces:
        digest.update(piece)
    return digest


# --- Digest and Content-Digest -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        f"SHA-256={SHA256}",
        f"sha-256={SHA256}",
        f"SHA-512={SHA512}",
        f"SHA-256={SHA256},SHA-512={SHA512}",
        f"md5=abc, \tSha-256={SHA256} ,unixsum=30637",
        f" SHA-256={SHA256}\t",
    ],
)
def test_a_digest_that_names_a_strong_algorithm_is_enough(
    forge: Forge, verifier: Verifier, message: HttpRequest, value: str
) -> None:
    assert verifier.verify(forge(message.with_fields([("Digest", value)]))).body == BODY


@pytest.mark.parametrize(
    ("kind", "words", "lines"),
    [
        (DigestMismatchError, "SHA-256 in Digest is not that of the body", [f"SHA-256={WRONG256}"]),
        (DigestMismatchError, "SHA-512 in Digest is not that of the body", [f"SHA-256={SHA256},SHA-512={WRONG512}"]),
        (DigestMismatchError, "SHA-256 in Digest is not that of the body", [f"SHA-512={SHA512},SHA-256={WRONG256}"]),
        (UnsupportedAlgorithmError, "Digest holds neither SHA-256 nor SHA-512", [f"md5=abc,SHA={SHA256}"]),
        (MalformedSignatureError, "the field Digest is there 2 times", [f"SHA-256={SHA256}"] * 2),
        (MalformedSignatureError, "the field Digest is there 2 times", [f"SHA-256={SHA256}", f"SHA-512={SHA512}"]),
        (MalformedSignatureError, "Digest names an algorithm twice", [f"SHA-256={SHA256},sha-256={SHA256}"]),
        (MalformedSignatureError, "Digest names an algorithm twice", [f"md5=a,MD5=b,SHA-256={SHA256}"]),
        (MalformedSignatureError, "SHA-256 in Digest is not padded base64", [f"SHA-256={SHA256[:-1]}"]),
        (MalformedSignatureError, "SHA-256 in Digest is 64 octets long", [f"SHA-256={SHA512}"]),
        (MalformedSignatureError, "SHA-256 in Digest is 31 octets long", [f"SHA-256={b64(bytes(31))}"]),
        (MalformedSignatureError, "Digest is not a list of algorithm and value", [""]),
        (MalformedSignatureError, "Digest is not a list of algorithm and value", [f"SHA-256={SHA256},"]),
        (MalformedSignatureError, "Digest is longer than 2048 characters", [f"md5={'a' * 2048},SHA-256={SHA256}"]),
    ],
)  # fmt: skip
def test_step_9_a_signed_digest_with_one_deviation_is_refused(
    refuses: Refuses, message: HttpRequest, kind: type[VerificationError], words: str, lines: list[str]
) -> None:
    refuses(kind, words, message=message.with_fields([("Digest", line) for line in lines]))


@pytest.mark.parametrize("body", [b"", BODY[:-1], BODY + b" ", b"[" + BODY[1:]], ids=["none", "less", "more", "other"])
def test_step_9_another_body_than_the_signed_one_is_refused(
    refuses: Refuses, message: HttpRequest, body: bytes
) -> None:
    refuses(
        DigestMismatchError,
        "SHA-256 in Digest is not that of the body: the body was changed",
        message=message,
        received=lambda signed: signed.with_body(body),
    )


@pytest.mark.parametrize(
    ("kind", "words", "lines"),
    [
        (DigestMismatchError, "SHA-256 in Content-Digest is not that of", [f"sha-256=:{WRONG256}:"]),
        (DigestMismatchError, "SHA-512 in Content-Digest is not that of", [f"sha-256=:{SHA256}:", f"sha-512=:{WRONG512}:"]),
        (UnsupportedAlgorithmError, "Content-Digest holds neither", ["md5=:YWJj:"]),
        (MalformedSignatureError, "Content-Digest names an algorithm twice", [f"sha-256=:{SHA256}:"] * 2),
        (MalformedSignatureError, "Content-Digest is not a list", [f"sha-256={SHA256}"]),
        (MalformedSignatureError, "Content-Digest is not a list", [f"sha-256=:{SHA256}:;a=1"]),
        (MalformedSignatureError, "Content-Digest is not a list", [""]),
    ],
)  # fmt: skip
def test_step_9_an_unsigned_content_digest_is_checked_as_well(
    refuses: Refuses, message: HttpRequest, kind: type[VerificationError], words: str, lines: list[str]
) -> None:
    refuses(
        kind,
        words,
        message=message,
        received=lambda signed: signed.with_fields([("Content-Digest", line) for line in lines]),
    )


def test_a_right_content_digest_is_accepted_and_never_instead_of_digest(
    forge: Forge, verifier: Verifier, refused: Refused, message: HttpRequest
) -> None:
    signed = forge(message).with_fields([("Content-Digest", f"sha-512=:{SHA512}:")])
    assert verifier.verify(signed).body == BODY
    alone = [line for line in signed.fields if line[0] != "Digest"]
    without = HttpRequest(method=signed.method, target=signed.target, fields=alone, body=BODY)
    with refused(ProfileViolationError, "which the message does not have"):
        verifier.verify(without)


# --- a body that is known as a digest only -----------------------------------------------------------------------


def test_a_body_that_passed_by_is_verified_but_not_handed_out(
    forge: Forge, verifier: Verifier, message: HttpRequest
) -> None:
    verified = verifier.verify(forge(message).with_body(fed(BODY[:3], BODY[3:])))
    assert verified.covered == ("digest",)
    with pytest.raises(ConfigurationError, match=r"^the body was verified while it passed by; read it from where it"):
        _ = verified.body


@pytest.mark.parametrize("pieces", [[], [BODY[:-1]], [BODY, b" "], [b"x"]], ids=["nothing", "less", "more", "other"])
def test_step_9_another_body_that_passed_by_is_refused(
    forge: Forge, verifier: Verifier, refused: Refused, message: HttpRequest, pieces: list[bytes]
) -> None:
    with refused(DigestMismatchError, "SHA-256 in Digest is not that of the body"):
        verifier.verify(forge(message).with_body(fed(*pieces)))


# --- verify_fields -----------------------------------------------------------------------------------------------


def test_the_fields_say_what_to_compute_and_who_signed(pending: PendingMessage) -> None:
    assert pending.digest_algorithms == {DigestAlgorithm.SHA_256}
    assert pending.body_digest().algorithms == {DigestAlgorithm.SHA_256}
    assert pending.body_digest().length == 0
    assert str(pending.signer.oin) == "00000001002220647000"
    assert repr(pending) == "<PendingMessage: ddas, body not verified yet>"


def test_what_waits_for_its_body_is_no_verified_message_and_has_no_body(pending: PendingMessage) -> None:
    assert not isinstance(pending, VerifiedMessage)
    assert not {name for name in dir(pending) if not name.startswith("_")} & {"body", "message", "covered", "path"}


@pytest.mark.parametrize("body", [BODY, "digest", "pieces"])
def test_the_right_body_completes_the_proof(pending: PendingMessage, body: Any) -> None:
    if body == "digest":
        body = fed(BODY)
    if body == "pieces":
        body = fed(*(bytes([octet]) for octet in BODY))
    verified = pending.complete(body)
    assert isinstance(verified, VerifiedMessage)
    assert verified.message.body is body


def test_complete_gives_the_same_proof_as_verify(forge: Forge, verifier: Verifier, message: HttpRequest) -> None:
    signed = forge(message)
    assert verifier.verify_fields(signed.with_body(b"")).complete(BODY) == verifier.verify(signed)


@pytest.mark.parametrize(
    "body",
    [b"", BODY[:-1], BODY + b"\n", b"[" + BODY[1:], fed(), fed(BODY[:-1]), fed(BODY, b"\n"), fed(BODY, BODY)],
    ids=["none", "truncated", "longer", "other", "not fed", "fed less", "fed more", "fed twice"],
)
def test_another_body_never_completes_the_proof(pending: PendingMessage, refused: Refused, body: Any) -> None:
    with refused(DigestMismatchError, "SHA-256 in Digest is not that of the body"):
        pending.complete(body)


def test_a_refused_body_does_not_spoil_the_right_one(pending: PendingMessage, refused: Refused) -> None:
    with refused(DigestMismatchError, "is not that of the body"):
        pending.complete(b"{}")
    assert pending.complete(BODY).body == BODY


def test_a_digest_that_was_fed_on_after_a_refusal_completes(pending: PendingMessage, refused: Refused) -> None:
    digest = pending.body_digest()
    digest.update(BODY[:4])
    with refused(DigestMismatchError, "is not that of the body"):
        pending.complete(digest)
    digest.update(BODY[4:])
    assert pending.complete(digest).message.body is digest


def test_each_body_digest_starts_anew(pending: PendingMessage) -> None:
    first, second = pending.body_digest(), pending.body_digest()
    first.update(BODY)
    assert second.length == 0
    second.update(BODY)
    assert pending.complete(second).message.body is second


@pytest.mark.parametrize("lacking", BOTH)
def test_a_body_digest_without_an_algorithm_that_is_stated_is_our_mistake(
    forge: Forge, verifier: Verifier, message: HttpRequest, lacking: DigestAlgorithm
) -> None:
    signed = forge(message).with_fields([("Content-Digest", f"sha-512=:{SHA512}:")])
    pending = verifier.verify_fields(signed)
    assert pending.digest_algorithms == set(BOTH)
    assert pending.complete(fed(BODY, algorithms=BOTH)).covered == ("digest",)
    other = [algorithm for algorithm in BOTH if algorithm is not lacking]
    with pytest.raises(ConfigurationError, match=f"was not fed with {lacking.value}"):
        pending.complete(fed(BODY, algorithms=other))


@pytest.mark.parametrize(
    "body", [None, bytearray(BODY), memoryview(BODY), BODY.decode()], ids=lambda body: type(body).__name__
)
def test_something_that_is_no_body_never_completes_the_proof(pending: PendingMessage, body: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^body is bytes, or a BodyDigest that was fed with it$"):
        pending.complete(body)


def test_the_body_that_comes_with_the_fields_is_not_looked_at(
    forge: Forge, verifier: Verifier, message: HttpRequest
) -> None:
    signed = forge(message)
    for body in (b"", b"another", fed(b"another", algorithms=BOTH[1:])):
        assert verifier.verify_fields(signed.with_body(body)).complete(BODY).body == BODY


def test_a_body_without_content_type_is_refused_when_it_arrives(
    forge: Forge, verifier: Verifier, refused: Refused
) -> None:
    bare = HttpRequest(method="POST", target="/", body=BODY)
    pending = verifier.verify_fields(forge(bare))
    with refused(ProfileViolationError, "the message has a body and no Content-Type"):
        pending.complete(BODY)
    with refused(ProfileViolationError, "the message has a body and no Content-Type"):
        pending.complete(fed(BODY))


def test_everything_but_the_body_is_refused_before_it_is_read(
    forge: Forge, verifier: Verifier, refused: Refused, message: HttpRequest
) -> None:
    with refused(InvalidSignatureError, "does not fit the covered octets"):
        verifier.verify_fields(forge(message, damage=lambda octets: bytes(len(octets))))


def test_verify_fields_may_be_awaited(forge: Forge, verifier: Verifier, refused: Refused, message: HttpRequest) -> None:
    awaited = AsyncVerifier(trust=verifier.trust, policy=verifier.policy, clock=verifier._clock)
    signed = forge(message)
    pending = asyncio.run(awaited.verify_fields(signed))
    assert pending.complete(BODY) == verifier.verify(signed)
    with refused(DigestMismatchError, "is not that of the body"):
        pending.complete(b"{}")


# --- the early DDAS dialect --------------------------------------------------------------------------------------


def early(header: dict[str, Any]) -> None:
    for name in ("b64", "sigD", "crit"):
        del header[name]


@pytest.fixture
def early_message(forge: Forge, message: HttpRequest) -> HttpRequest:
    payload = base64.urlsafe_b64encode(BODY).rstrip(b"=")
    return forge(message, edit=early, payload=payload)


def test_the_early_ddas_dialect_verifies_a_body_that_is_here(
    verifying: Verifying, refused: Refused, early_message: HttpRequest
) -> None:
    verifier = verifying(profiles=(profiles.DDAS_BODY,))
    verified = verifier.verify(early_message)
    assert (verified.covered, verified.body) == (("body",), BODY)
    with refused(InvalidSignatureError, "does not fit the covered octets"):
        verifier.verify(early_message.with_body(BODY + b" "))


def test_the_early_ddas_dialect_is_never_detected(
    verifier: Verifier, refused: Refused, early_message: HttpRequest
) -> None:
    with refused(ProfileViolationError, "b64 must be there and be false (RFC 7797)"):
        verifier.verify(early_message)


@pytest.mark.parametrize("how", ["fields only", "digest"])
def test_the_early_ddas_dialect_needs_the_body_itself(
    verifying: Verifying, early_message: HttpRequest, how: str
) -> None:
    verifier = verifying(profiles=(profiles.DDAS_BODY,))
    verify = verifier.verify_fields if how == "fields only" else verifier.verify
    message = early_message if how == "fields only" else early_message.with_body(fed(BODY))
    with pytest.raises(
        ConfigurationError, match=r"^profile ddas-body signs the body itself: use verify, with the body"
    ):
        verify(message)
