"""What an edge is given to sign and to verify with: the wrong kind is refused when the edge is made, not at a message."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import (
    AsyncSigner,
    AsyncVerifier,
    Fields,
    HttpRequest,
    Signer,
    SigningCredential,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.digest import DigestAlgorithm
from nlgov_jades.edges.parties import check_signer, check_verifier, digest_to_sign, signed_here, signed_later
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.message import HttpMessage, SignedFields
from nlgov_jades.profiles import Profile
from nlgov_jades.replay import MemoryReplayGuard

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
SHA_256, SHA_512 = DigestAlgorithm.SHA_256, DigestAlgorithm.SHA_512


@pytest.fixture
def signer(credential: SigningCredential) -> Signer:
    return Signer(credential, profile=profiles.DDAS, clock=lambda: NOW)


@pytest.fixture
def async_signer(credential: SigningCredential) -> AsyncSigner:
    return AsyncSigner(credential, profile=profiles.DDAS, clock=lambda: NOW)


class Rotating:
    """A signer of somebody else's: it has what a Signer has."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    @property
    def profile(self) -> Profile:
        return self._signer.profile

    def sign(self, message: HttpMessage) -> SignedFields:
        return self._signer.sign(message)


# --- signers ---------------------------------------------------------------------------------------------------


def test_a_signer_of_either_kind_will_do_and_so_will_one_of_ones_own(signer: Signer, async_signer: AsyncSigner) -> None:
    for each in (signer, async_signer, Rotating(signer)):
        check_signer(each)


class WithoutProfile:
    def sign(self, message: object) -> None: ...


class WithoutSign:
    profile = profiles.DDAS


class WithTextForProfile(WithoutProfile):
    profile = "ddas"


@pytest.mark.parametrize(
    "signer",
    [None, object(), "ddas", WithoutProfile(), WithoutSign(), WithTextForProfile(), profiles.DDAS],
    ids=range(7),
)
def test_what_is_no_signer_is_refused(signer: Any) -> None:
    with pytest.raises(ConfigurationError, match="signer is a Signer"):
        check_signer(signer)


def test_a_signer_that_signs_the_body_itself_is_refused(credential: SigningCredential) -> None:
    with pytest.raises(ConfigurationError, match="ddas-body"):
        check_signer(Signer(credential, profile=profiles.DDAS_BODY, clock=lambda: NOW))


def test_one_who_does_not_wait_gets_the_fields(signer: Signer, request_message: HttpRequest) -> None:
    for each in (signer, Rotating(signer)):
        assert isinstance(signed_here(each, request_message), SignedFields)


def test_one_who_does_not_wait_refuses_a_signer_that_is_awaited(
    async_signer: Any, request_message: HttpRequest
) -> None:
    with pytest.raises(ConfigurationError, match="give it a Signer, not an AsyncSigner"):
        signed_here(async_signer, request_message)


def test_one_who_waits_takes_either_kind(
    signer: Signer, async_signer: AsyncSigner, request_message: HttpRequest
) -> None:
    for each in (signer, async_signer, Rotating(signer)):
        assert isinstance(asyncio.run(signed_later(each, request_message)), SignedFields)


# --- verifiers -------------------------------------------------------------------------------------------------


@pytest.fixture
def async_verifier(verifier: Verifier) -> AsyncVerifier:
    return AsyncVerifier(trust=verifier.trust, policy=verifier.policy, clock=lambda: NOW)


def test_a_verifier_of_the_kind_that_is_needed_will_do(verifier: Verifier, async_verifier: AsyncVerifier) -> None:
    check_verifier(verifier, Verifier, None)
    check_verifier(async_verifier, AsyncVerifier, None)


def test_a_verifier_of_the_other_kind_is_refused(verifier: Verifier, async_verifier: AsyncVerifier) -> None:
    with pytest.raises(ConfigurationError, match="verifier is an AsyncVerifier here"):
        check_verifier(verifier, AsyncVerifier, None)
    with pytest.raises(ConfigurationError, match="verifier is a Verifier here"):
        check_verifier(async_verifier, Verifier, None)


@pytest.mark.parametrize("given", [None, object(), Verifier], ids=["None", "object", "the class"])
def test_what_is_no_verifier_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="verifier is a Verifier here"):
        check_verifier(given, Verifier, None)


def test_a_verifier_of_bodies_that_are_signed_themselves_is_refused(
    verifier: Verifier, policy: VerificationPolicy
) -> None:
    for accepted in ((profiles.DDAS_BODY,), (profiles.ADR_MESSAGE, profiles.DDAS_BODY)):
        other = Verifier(trust=verifier.trust, policy=policy.replace(profiles=accepted), clock=lambda: NOW)
        with pytest.raises(ConfigurationError, match="ddas-body"):
            check_verifier(other, Verifier, None)


def test_a_guard_needs_a_policy_that_limits_the_age(verifier: Verifier, policy: VerificationPolicy) -> None:
    with pytest.raises(ConfigurationError, match="max_age"):
        check_verifier(verifier, Verifier, MemoryReplayGuard())
    limited = policy.replace(max_age=dt.timedelta(minutes=5))
    check_verifier(Verifier(trust=verifier.trust, policy=limited, clock=lambda: NOW), Verifier, MemoryReplayGuard())


# --- the digest of what is signed ------------------------------------------------------------------------------

STATED_256, STATED_512 = "SHA-256=" + "A" * 43 + "=", "SHA-512=" + "A" * 86 + "=="


@pytest.mark.parametrize(
    ("lines", "algorithms"),
    [
        ([], {SHA_256}),
        ([("Digest", STATED_256)], {SHA_256}),
        ([("Digest", STATED_512)], {SHA_256, SHA_512}),
        ([("Content-Digest", "sha-512=:" + "A" * 86 + "==:")], {SHA_256, SHA_512}),
        ([("Digest", f"md5=x, {STATED_512}")], {SHA_256, SHA_512}),
        ([("Digest", "nonsense")], {SHA_256}),
        ([("Digest", "md5=x")], {SHA_256}),
        ([("Digest", "")], {SHA_256}),
        ([("Digest", STATED_512), ("Digest", STATED_512)], {SHA_256}),
        ([("Digest", "nonsense"), ("Content-Digest", "sha-512=:" + "A" * 86 + "==:")], {SHA_256}),
        ([("Digest", STATED_512), ("Content-Digest", "nonsense")], {SHA_256, SHA_512}),
        ([("Digest", "x=" * 100_000)], {SHA_256}),
    ],
    ids=range(12),
)
def test_what_a_message_states_already_is_computed_too(
    lines: list[tuple[str, str]], algorithms: set[DigestAlgorithm]
) -> None:
    assert digest_to_sign(Fields(lines)).algorithms == algorithms


def test_a_long_body_with_a_digest_is_signed_as_a_short_one_is(
    signer: Signer, request_message: HttpRequest, sign: Callable[..., HttpRequest]
) -> None:
    stated = sign(request_message).fields.get_all("digest")[0]
    message = request_message.with_fields([("Digest", stated)])
    body = digest_to_sign(message.fields)
    assert isinstance(request_message.body, bytes)
    body.update(request_message.body)
    assert [name for name, _ in signed_here(signer, message.with_body(body))] == ["nlgov-adr-payload-sig"]
