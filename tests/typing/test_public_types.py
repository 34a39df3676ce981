"""What type checkers know about the public API. mypy judges the `assert_type`s; the tests run what they speak of.

A `type: ignore` here is a claim as well: mypy reports the ones that are not needed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any, assert_type

import pytest
from cryptography import x509

from nlgov_jades import (
    ANY_TRUSTED,
    AsyncPrivateKey,
    AsyncSigner,
    AsyncVerifier,
    BodyDigest,
    Fields,
    HttpRequest,
    HttpResponse,
    Kvk,
    Oin,
    PendingMessage,
    PrivateKey,
    RevocationPolicy,
    SignedFields,
    Signer,
    SignerIdentity,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    VerifiedMessage,
    Verifier,
    errors,
    profiles,
)
from nlgov_jades.digest import DigestAlgorithm
from nlgov_jades.notice import Notice
from nlgov_jades.profiles import Profile, SignatureAlgorithm
from nlgov_jades.result import RevocationEvidence
from nlgov_jades.testing import Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


class Hsm:
    """A key that does nothing but have the right shape."""

    def sign_digest(self, digest: bytes, *, algorithm: str) -> bytes:
        raise NotImplementedError(f"{len(digest)} {algorithm}")


class AsyncHsm:
    """The same, awaited."""

    async def sign_digest(self, digest: bytes, *, algorithm: str) -> bytes:
        raise NotImplementedError(f"{len(digest)} {algorithm}")


@pytest.fixture
def signed(credential: SigningCredential, request_message: HttpRequest) -> HttpRequest:
    signer = Signer(credential, profile=profiles.DDAS, clock=lambda: NOW)
    fields = signer.sign(request_message)
    assert_type(fields, SignedFields)
    assert_type(fields[0], tuple[str, str])
    assert_type(fields[:1], tuple[tuple[str, str], ...])
    assert_type(fields.signature, str)
    assert_type(fields.notices, tuple[Notice, ...])
    return request_message.with_fields(fields)


def test_a_verification_gives_a_verified_message(verifier: Verifier, signed: HttpRequest) -> None:
    verified = verifier.verify(signed)
    assert_type(verified, VerifiedMessage)
    assert_type(verified.body, bytes)
    assert_type(verified.covered, tuple[str, ...])
    assert_type(verified.profile, Profile)
    assert_type(verified.algorithm, SignatureAlgorithm)
    assert_type(verified.signing_time, dt.datetime | None)
    assert_type(verified.verified_at, dt.datetime)
    assert_type(verified.signer, SignerIdentity)
    assert_type(verified.signer.oin, Oin | None)
    assert_type(verified.signer.kvk, Kvk | None)
    assert_type(verified.signer.common_name, str)
    assert_type(verified.path, tuple[x509.Certificate, ...])
    assert_type(verified.revocation, tuple[RevocationEvidence, ...])
    assert_type(verified.protected_header, dict[str, Any])
    assert_type(verified.notices, tuple[Notice, ...])
    assert verified.body == signed.body


def test_a_message_of_which_the_body_is_awaited_is_no_verified_message(verifier: Verifier, signed: HttpRequest) -> None:
    pending = verifier.verify_fields(signed)
    assert_type(pending, PendingMessage)
    assert_type(pending.signer, SignerIdentity)
    assert_type(pending.digest_algorithms, frozenset[DigestAlgorithm])
    assert_type(pending.body_digest(), BodyDigest)
    assert_type(pending.complete(signed.body), VerifiedMessage)
    with pytest.raises(AttributeError):
        _ = pending.body  # type: ignore[attr-defined]  # no body before it was compared


def test_a_body_is_bytes_or_a_digest_and_a_proof_hands_out_bytes_only(signed: HttpRequest) -> None:
    assert_type(signed.body, bytes | BodyDigest)
    assert_type(signed.fields, Fields)
    assert_type(signed.fields.get_all("digest"), tuple[str, ...])
    assert_type(signed.fields.combined("digest"), str | None)
    assert_type(signed.with_body(b""), HttpRequest)
    assert_type(HttpResponse(status=200).with_fields([("A", "b"), (b"C", b"d")]), HttpResponse)
    assert len(signed.fields.get_all("digest")) == 1


def test_awaited_signing_and_verifying_have_the_same_types(
    credential: SigningCredential, verifier: Verifier, request_message: HttpRequest
) -> None:
    async def exchange() -> VerifiedMessage:
        fields = await AsyncSigner(credential, profile=profiles.DDAS, clock=lambda: NOW).sign(request_message)
        assert_type(fields, SignedFields)
        awaited = AsyncVerifier(trust=verifier.trust, policy=verifier.policy, clock=lambda: NOW)
        assert_type(await awaited.verify_fields(request_message.with_fields(fields)), PendingMessage)
        verified = await awaited.verify(request_message.with_fields(fields), at=NOW)
        assert_type(verified, VerifiedMessage)
        return verified

    assert asyncio.run(exchange()).body == request_message.body


def test_credentials_and_trust_have_types(issued: Issued, hierarchy: Hierarchy) -> None:
    credential = SigningCredential.from_pem(issued.key_pem(), issued.chain_pem, password=None)
    assert_type(credential, SigningCredential)
    assert_type(credential.key, PrivateKey | AsyncPrivateKey)
    assert_type(credential.chain, tuple[x509.Certificate, ...])
    assert_type(credential.algorithm, SignatureAlgorithm)
    assert_type(SigningCredential.from_pkcs12(issued.pkcs12(b"x"), b"x"), SigningCredential)
    assert_type(TrustStore.from_pem(hierarchy.root_pem, intermediates=None), TrustStore)
    assert credential.chain == issued.chain


def test_a_key_elsewhere_needs_no_base_class_and_the_two_kinds_are_told_apart(issued: Issued) -> None:
    here: PrivateKey = Hsm()
    there: AsyncPrivateKey = AsyncHsm()
    wrong: PrivateKey = AsyncHsm()  # type: ignore[assignment]  # its signature would be a coroutine
    assert here.sign_digest.__name__ == there.sign_digest.__name__ == wrong.sign_digest.__name__
    with pytest.raises(errors.SigningError):
        assert_type(SigningCredential.from_key(here, issued.chain), SigningCredential)
    with pytest.raises(errors.SigningError):
        asyncio.run(SigningCredential.from_async_key(there, issued.chain))


def test_what_must_be_named_cannot_be_left_to_its_position(
    credential: SigningCredential, verifier: Verifier, signed: HttpRequest
) -> None:
    with pytest.raises(TypeError):
        verifier.verify(signed, NOW)  # type: ignore[call-arg]  # at= is keyword-only
    with pytest.raises(TypeError):
        Signer(credential, profiles.DDAS)  # type: ignore[call-arg]  # profile= is keyword-only
    with pytest.raises(TypeError):
        HttpRequest("POST", "/")  # type: ignore[call-arg]  # all of them are
    with pytest.raises(TypeError):
        VerificationPolicy(profiles=(profiles.DDAS,))  # type: ignore[call-arg]  # who may sign has no default


def test_a_policy_takes_identities_and_not_their_text() -> None:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers={Oin("00000001002220647000"), Kvk("12345678")})
    assert_type(policy.replace(signers=ANY_TRUSTED), VerificationPolicy)
    assert_type(policy.revocation, RevocationPolicy)
    assert_type(policy.max_age, dt.timedelta | None)
    with pytest.raises(errors.ConfigurationError):
        VerificationPolicy(profiles=(profiles.DDAS,), signers={"00000001002220647000"})  # type: ignore[arg-type]  # text


def test_an_error_has_typed_parts(verifier: Verifier, request_message: HttpRequest) -> None:
    with pytest.raises(errors.VerificationError) as caught:
        verifier.verify(request_message)
    assert_type(caught.value.code, str)
    assert_type(caught.value.sub_indication, str)
    assert_type(caught.value.http_status, int)
    assert_type(caught.value.detail, str)
    assert caught.value.code == "SIGNATURE_MISSING"
