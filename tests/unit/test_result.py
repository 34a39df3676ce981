"""The proof that a verification returns, and who signed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import BodyDigest, HttpRequest, Kvk, Oin, SignerIdentity, VerifiedMessage, Verifier, profiles
from nlgov_jades.encoding import base64url_encode
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.result import A_VERIFIER, RevocationEvidence, RevocationStatus
from nlgov_jades.testing import Hierarchy

OIN, KVK = Oin("00000001002220647000"), Kvk("12345678")
SHA256 = "ab" * 32


def identity(oin: Oin | None = OIN, kvk: Kvk | None = KVK) -> SignerIdentity:
    return SignerIdentity(oin=oin, kvk=kvk, common_name="cn", organization="o", sha256=SHA256)


def verified(**changes: Any) -> VerifiedMessage:
    members: dict[str, Any] = {
        "message": HttpRequest(method="POST", target="/?bsn=123", body=b"secret"),
        "profile": profiles.DDAS,
        "algorithm": profiles.DDAS.algorithm,
        "signing_time": None,
        "covered": ("digest",),
        "signer": identity(),
        "path": (),
        "revocation": (),
        "protected": b'{"alg":"PS256","crit":["b64","sigD"]}',
        "signature": b"signature",
        "verified_at": dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC),
        "notices": (),
        "made_by": A_VERIFIER,
    }
    return VerifiedMessage(**{**members, **changes})


def test_the_body_is_the_very_octets_that_were_verified() -> None:
    message = verified()
    assert message.body is message.message.body


def test_a_body_that_passed_by_is_not_here() -> None:
    message = verified(message=HttpRequest(method="POST", target="/", body=BodyDigest()))
    with pytest.raises(ConfigurationError, match="read it from where it was spooled"):
        _ = message.body


@pytest.mark.parametrize(
    ("signer", "who"),
    [
        (identity(), "00000001002220647000"),
        (identity(oin=None), "12345678"),
        (identity(oin=None, kvk=None), SHA256),
    ],
)
def test_what_is_printed_says_who_signed_what_and_holds_no_message(signer: SignerIdentity, who: str) -> None:
    shown = repr(verified(signer=signer, covered=("host", "digest")))
    assert shown == f"<VerifiedMessage: ddas, signed by {who}, covers host, digest>"


def test_a_proof_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        verified().signer = identity()  # type: ignore[misc] # that it cannot be set is what is tested


def test_the_header_of_a_proof_cannot_be_changed_at_any_depth() -> None:
    message = verified()
    header = message.protected_header
    header["alg"] = "none"
    header["crit"].clear()
    assert message.protected_header == {"alg": "PS256", "crit": ["b64", "sigD"]}


def test_the_header_of_a_proof_is_the_one_that_was_signed(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier
) -> None:
    signed = sign(request_message)
    message = verifier.verify(signed)
    (value,) = signed.fields.get_all("nlgov-adr-payload-sig")
    assert base64url_encode(message.protected).decode() == value.partition(".")[0]
    assert message.protected_header["sigD"]["pars"] == ["digest"]


def test_an_identity_is_read_from_a_certificate(hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey) -> None:
    certificate = hierarchy.tsp.issue(
        key=leaf_key, common_name="api.example", organization="Gemeente Súdwest-Fryslân", kvk="12345678"
    ).certificate
    assert SignerIdentity.from_certificate(certificate) == SignerIdentity(
        oin=OIN,
        kvk=KVK,
        common_name="api.example",
        organization="Gemeente Súdwest-Fryslân",
        sha256=hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
    )


def test_a_certificate_without_numbers_gives_an_identity_without_numbers(
    hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey
) -> None:
    read = SignerIdentity.from_certificate(hierarchy.tsp.issue(key=leaf_key, oin=None).certificate)
    assert (read.oin, read.kvk) == (None, None)


@pytest.mark.parametrize(
    ("status", "text"), [(RevocationStatus.GOOD, "good"), (RevocationStatus.UNCHECKED, "unchecked")]
)
def test_a_status_is_the_text_of_the_command_line(status: RevocationStatus, text: str) -> None:
    evidence = RevocationEvidence(certificate=SHA256, subject="cn", status=status)
    assert evidence.status == text
    assert set(RevocationStatus) == {"good", "unchecked"}


def test_a_proof_is_made_by_a_verifier_only(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier
) -> None:
    proof = verifier.verify(sign(request_message))
    with pytest.raises(ConfigurationError, match="only a verifier"):
        dataclasses.replace(proof, message=request_message.with_body(b"another"))
    with pytest.raises(ConfigurationError, match="only a verifier"):
        verified(made_by=None)


def test_other_peoples_names_are_printed_escaped_and_cut() -> None:
    hostile = "\x1b[31m\u202e" + "x" * 5000
    shown = [
        repr(SignerIdentity(oin=OIN, kvk=KVK, common_name=hostile, organization=hostile, sha256=SHA256)),
        repr(RevocationEvidence(certificate=SHA256, subject=hostile, status=RevocationStatus.GOOD, der=b"secret")),
    ]
    for text in shown:
        assert text.isprintable()
        assert "[31m" not in text
        assert "secret" not in text
        assert len(text) < 500
    assert "00000001002220647000" in shown[0]
    assert "good" in shown[1]
