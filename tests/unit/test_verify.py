"""Verifier and AsyncVerifier: what they are made of, the time they judge for, and the proof they return."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from nlgov_jades import (
    AsyncVerifier,
    HttpRequest,
    HttpResponse,
    Kvk,
    Oin,
    RevocationPolicy,
    Signer,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    VerifiedMessage,
    Verifier,
    profiles,
)
from nlgov_jades.clock import Clock
from nlgov_jades.errors import (
    CertificateExpiredError,
    CertificateNotYetValidError,
    CertificatePathError,
    ConfigurationError,
    FetchError,
    RevocationUnknownError,
    SignatureMissingError,
    VerificationError,
)
from nlgov_jades.notice import NoticeCode
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.testing import Hierarchy, Issued

Forge = Callable[..., HttpRequest]
Refused = Callable[..., Any]
Refuses = Callable[..., VerificationError]
Verifying = Callable[..., Verifier]

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
OCSP_URL = "http://ocsp.example.test/responder"
CRL_URL = "http://crl.example.test/tsp.crl"


@pytest.fixture
def signed(forge: Forge, request_message: HttpRequest) -> HttpRequest:
    return forge(request_message)


# --- what a verifier is made of ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Verifier, AsyncVerifier])
@pytest.mark.parametrize(
    "trust", [None, b"-----BEGIN CERTIFICATE-----", [], True], ids=lambda trust: type(trust).__name__
)
def test_a_verifier_trusts_nothing_that_was_not_configured(
    kind: type[Verifier | AsyncVerifier], policy: VerificationPolicy, trust: Any
) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^trust is a TrustStore: nothing is trusted that was not configured$"
    ):
        kind(trust=trust, policy=policy)


@pytest.mark.parametrize("kind", [Verifier, AsyncVerifier])
@pytest.mark.parametrize("policy", [None, {}, profiles.DDAS], ids=lambda policy: type(policy).__name__)
def test_a_verifier_has_a_policy(kind: type[Verifier | AsyncVerifier], hierarchy: Hierarchy, policy: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^policy is a VerificationPolicy$"):
        kind(trust=hierarchy.trust, policy=policy)


@pytest.mark.parametrize("time", [0, 10.0, dt.timedelta(0), dt.timedelta(seconds=-1), None], ids=repr)
def test_the_time_to_fetch_is_a_time_above_zero(hierarchy: Hierarchy, policy: VerificationPolicy, time: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^fetch_time is a timedelta above zero$"):
        Verifier(trust=hierarchy.trust, policy=policy, fetch_time=time)


def test_a_verifier_shows_its_trust_and_policy(hierarchy: Hierarchy, policy: VerificationPolicy) -> None:
    trust = hierarchy.trust
    verifier = Verifier(trust=trust, policy=policy)
    assert verifier.trust is trust
    assert verifier.policy is policy
    assert repr(verifier) == "<Verifier: ddas; <TrustStore: 1 anchors, 0 intermediates>>"


@pytest.mark.parametrize("name", ["trust", "policy"])
def test_a_verifier_does_not_change(verifier: Verifier, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(verifier, name, None)


@pytest.mark.parametrize("message", [None, b"POST / HTTP/1.1", {"body": b""}], ids=["nothing", "octets", "dict"])
def test_something_that_is_no_message_is_our_mistake(verifier: Verifier, message: Any) -> None:
    awaited = AsyncVerifier(trust=verifier.trust, policy=verifier.policy)
    for call in (verifier.verify, verifier.verify_fields):
        with pytest.raises(ConfigurationError, match=r"^a message is an HttpRequest or a HttpResponse$"):
            call(message)
    with pytest.raises(ConfigurationError, match=r"^a message is an HttpRequest or a HttpResponse$"):
        asyncio.run(awaited.verify(message))


# --- the proof ---------------------------------------------------------------------------------------------------


def test_the_proof_says_what_was_verified_and_who_signed(
    verifier: Verifier, signed: HttpRequest, issued: Issued
) -> None:
    verified = verifier.verify(signed)
    assert isinstance(verified, VerifiedMessage)
    assert verified.message is signed
    assert verified.body is signed.body
    assert verified.profile is profiles.DDAS
    assert verified.algorithm is SignatureAlgorithm.PS256
    assert verified.signing_time == NOW
    assert verified.covered == ("digest",)
    assert verified.verified_at == NOW
    assert verified.path == issued.chain
    assert verified.protected_header["kid"] == "key-1"
    assert verified.signer.oin == Oin("00000001002220647000")
    assert verified.signer.kvk == Kvk("12345678")
    assert verified.signer.common_name == "gegevens.gemeente.example"
    assert verified.signer.organization == "Gemeente Voorbeeldstad"
    assert verified.signer.sha256 == hashlib.sha256(issued.certificate.public_bytes(Encoding.DER)).hexdigest()
    assert repr(verified) == "<VerifiedMessage: ddas, signed by 00000001002220647000, covers digest>"


def test_what_was_not_asked_about_revocation_is_told_for_each_certificate_below_the_anchor(
    verifier: Verifier, signed: HttpRequest, issued: Issued
) -> None:
    evidence = verifier.verify(signed).revocation
    assert [item.status.value for item in evidence] == ["unchecked"] * 3
    assert [item.certificate for item in evidence] == [
        hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest() for certificate in issued.chain[:-1]
    ]
    assert evidence[0].subject == "gegevens.gemeente.example"


def test_a_response_is_verified_like_a_request(
    credential: SigningCredential, verifier: Verifier, response_message: HttpResponse, clock: Clock
) -> None:
    answer = response_message.with_fields(Signer(credential, profile=profiles.DDAS, clock=clock).sign(response_message))
    verified = verifier.verify(answer)
    assert verified.message is answer
    assert verified.body == b"{}"


def test_a_verifier_of_several_profiles_takes_the_one_whose_field_is_there(
    credential: SigningCredential, verifying: Verifying, request_message: HttpRequest, clock: Clock
) -> None:
    accepted = (profiles.ADR_PAYLOAD, profiles.ADR_MESSAGE, profiles.LOGIUS_PAYLOAD, profiles.LOGIUS_MESSAGE)
    verifier = verifying(profiles=accepted)
    for profile in accepted:
        message = request_message.with_fields(Signer(credential, profile=profile, clock=clock).sign(request_message))
        assert verifier.verify(message).profile is profile


# --- at and the clock --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at", [dt.datetime(2026, 6, 15, 12), 1781524800, "2026-06-15T12:00:00Z", dt.date(2026, 6, 15)],  # noqa: DTZ001 - naive on purpose
    ids=["naive", "number", "text", "date"],
)  # fmt: skip
def test_a_time_without_zone_is_refused(verifier: Verifier, signed: HttpRequest, at: Any) -> None:
    for call in (verifier.verify, verifier.verify_fields):
        with pytest.raises(ConfigurationError, match=r"^a time is a datetime with a time zone"):
            call(signed, at=at)


def test_a_clock_without_zone_is_refused(verifier: Verifier, signed: HttpRequest) -> None:
    naive = Verifier(trust=verifier.trust, policy=verifier.policy, clock=lambda: NOW.replace(tzinfo=None))
    with pytest.raises(ConfigurationError, match=r"^a time is a datetime with a time zone"):
        naive.verify(signed)


def test_a_time_in_another_zone_is_the_same_time(verifier: Verifier, signed: HttpRequest) -> None:
    verified = verifier.verify(signed, at=NOW.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30))))
    assert verified.verified_at == NOW
    assert verified.verified_at.tzinfo is dt.UTC


def test_the_clock_is_read_once_per_message_and_not_at_all_when_a_time_is_given(
    hierarchy: Hierarchy, policy: VerificationPolicy, signed: HttpRequest
) -> None:
    readings: list[dt.datetime] = []

    def counting() -> dt.datetime:
        readings.append(NOW)
        return NOW

    verifier = Verifier(trust=hierarchy.trust, policy=policy, clock=counting)
    verifier.verify(signed, at=NOW)
    assert readings == []
    verifier.verify(signed)
    assert len(readings) == 1
    verifier.verify_fields(signed)
    assert len(readings) == 2


def test_step_11_the_path_is_judged_now_and_not_when_it_was_signed(
    verifier: Verifier, refused: Refused, signed: HttpRequest, issued: Issued
) -> None:
    end = issued.certificate.not_valid_after_utc
    assert verifier.verify(signed, at=end).verified_at == end
    with refused(CertificateExpiredError, "'gegevens.gemeente.example' expired on"):
        verifier.verify(signed, at=end + dt.timedelta(seconds=1))


def test_step_11_a_certificate_that_is_not_valid_yet_is_refused(
    refuses: Refuses, hierarchy: Hierarchy, issued: Issued
) -> None:
    early = hierarchy.tsp.issue(key=issued.key, not_before=NOW + dt.timedelta(seconds=30))
    refuses(
        CertificateNotYetValidError,
        "is valid from 2026-06-15T12:00:30Z; verified at 2026-06-15T12:00:00Z",
        signer=early,
        edit=lambda header: header.update(iat=header["iat"] + 40),
    )


# --- 11. the path ------------------------------------------------------------------------------------------------


def test_step_11_a_signer_of_a_hierarchy_that_nobody_trusts_is_refused(
    refuses: Refuses, stranger: Hierarchy, issued: Issued
) -> None:
    error = refuses(
        CertificatePathError,
        "the issuer of certificate 'TEST stranger Domain CA', 'TEST stranger Root CA', is neither a trust anchor",
        signer=stranger.tsp.issue(key=issued.key),
        no_chain=True,
    )
    assert isinstance(error, CertificatePathError)
    assert error.certificate == "'TEST stranger Domain CA'"


def test_step_11_a_root_that_was_sent_along_is_not_trusted(
    refuses: Refuses, stranger: Hierarchy, issued: Issued
) -> None:
    root = base64.b64encode(stranger.root.certificate.public_bytes(Encoding.DER)).decode()
    refuses(
        CertificatePathError,
        "is neither a trust anchor",
        signer=stranger.tsp.issue(key=issued.key),
        edit=lambda header: header["x5c"].append(root),
        no_chain=True,
    )


def test_step_11_a_ca_does_not_sign_messages(refuses: Refuses, hierarchy: Hierarchy) -> None:
    refuses(CertificatePathError, "is that of a CA, which does not sign messages", signer=hierarchy.tsp)


def test_step_11_an_intermediate_is_trusted_for_nothing_by_itself(
    forge: Forge, refused: Refused, hierarchy: Hierarchy, stranger: Hierarchy, verifier: Verifier
) -> None:
    trust = TrustStore([stranger.root.certificate], [hierarchy.tsp.certificate, hierarchy.domain.certificate])
    message = HttpRequest(method="POST", target="/", body=b"")
    assert verifier.verify(forge(message)).body == b""
    with refused(CertificatePathError, "is neither a trust anchor", no_chain=True):
        Verifier(trust=trust, policy=verifier.policy, clock=lambda: NOW).verify(forge(message))


# --- 11. revocation ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def revocable(hierarchy: Hierarchy, issued: Issued) -> Issued:
    """A signer whose certificate says where to ask."""
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(OCSP_URL))
    issuers = x509.AccessDescription(
        AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.example.test/tsp.cer")
    )
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(CRL_URL)], None, None, None)
    return hierarchy.tsp.issue(
        key=issued.key,
        more_extensions=[
            (x509.AuthorityInformationAccess([issuers, access]), False),
            (x509.CRLDistributionPoints([point]), False),
        ],
    )


def test_step_11_what_cannot_be_known_about_revocation_is_refused_and_says_where_the_answer_is(
    refuses: Refuses, revocable: Issued
) -> None:
    error = refuses(
        RevocationUnknownError,
        "whether certificate 'gegevens.gemeente.example' is revoked is not known",
        signer=revocable,
        policy={"revocation": RevocationPolicy.HARD_FAIL},
    )
    assert f"'{OCSP_URL}': not fetched" in error.detail
    assert f"'{CRL_URL}': not fetched" in error.detail
    assert "ca.example.test" not in error.detail  # caIssuers is never followed
    assert isinstance(error.__cause__, FetchError)


def test_what_cannot_be_known_about_revocation_is_accepted_by_a_soft_policy_and_told(
    forge: Forge, verifying: Verifying, request_message: HttpRequest, revocable: Issued
) -> None:
    verified = verifying(revocation=RevocationPolicy.SOFT_FAIL).verify(forge(request_message, signer=revocable))
    assert [item.status.value for item in verified.revocation] == ["unchecked"] * 3
    assert NoticeCode.REVOCATION_UNCHECKED in {notice.code for notice in verified.notices}


def test_step_11_a_certificate_that_names_no_source_says_so(refuses: Refuses) -> None:
    refuses(
        RevocationUnknownError,
        "it names no OCSP responder and no CRL, and none was given",
        policy={"revocation": RevocationPolicy.HARD_FAIL},
    )


def test_a_policy_without_revocation_asks_nobody(
    forge: Forge, verifier: Verifier, request_message: HttpRequest, revocable: Issued
) -> None:
    verified = verifier.verify(forge(request_message, signer=revocable))
    assert [item.status.value for item in verified.revocation] == ["unchecked"] * 3


def test_the_default_policy_checks_revocation() -> None:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers={Oin("00000001002220647000")})
    assert policy.revocation is RevocationPolicy.HARD_FAIL


# --- AsyncVerifier -----------------------------------------------------------------------------------------------


def test_an_awaited_verification_gives_the_same_proof(verifier: Verifier, signed: HttpRequest) -> None:
    awaited = AsyncVerifier(trust=verifier.trust, policy=verifier.policy, clock=lambda: NOW)
    assert asyncio.run(awaited.verify(signed)) == verifier.verify(signed)


def test_an_awaited_verification_refuses_alike(
    verifier: Verifier, refused: Refused, request_message: HttpRequest
) -> None:
    awaited = AsyncVerifier(trust=verifier.trust, policy=verifier.policy, clock=lambda: NOW)
    for verify in (awaited.verify, awaited.verify_fields):
        with refused(SignatureMissingError, "the message has no field nlgov-adr-payload-sig"):
            asyncio.run(verify(request_message))


def test_an_awaited_verification_judges_for_the_time_that_is_given(
    verifier: Verifier, refused: Refused, signed: HttpRequest
) -> None:
    awaited = AsyncVerifier(trust=verifier.trust, policy=verifier.policy, clock=lambda: NOW)
    with refused(CertificateExpiredError, "expired on"):
        asyncio.run(awaited.verify(signed, at=NOW + dt.timedelta(days=3650)))


def test_a_proof_is_not_changed_in_place(verifier: Verifier, signed: HttpRequest) -> None:
    verified = verifier.verify(signed)
    for field in dataclasses.fields(verified):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(verified, field.name, None)
