"""What a verification remembers for the next one, what a verifier makes of its settings, and the awaited one beside it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus

from nlgov_jades import (
    ANY_TRUSTED,
    AsyncVerifier,
    CertificateRequirements,
    HttpRequest,
    Oin,
    RevocationPolicy,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.beginnings import Beginnings
from nlgov_jades.errors import (
    CertificateRevokedError,
    ConfigurationError,
    DigestMismatchError,
    InvalidSignatureError,
)
from nlgov_jades.pki.certificate import fingerprint
from nlgov_jades.result import RevocationStatus
from nlgov_jades.testing import Hierarchy, Issued, make_ocsp

from .conftest import Crls

Forge = Callable[..., HttpRequest]

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
FIELD = "nlgov-adr-payload-sig"


@pytest.fixture
def remembering(online: Hierarchy, crls: Crls) -> Verifier:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED)
    return Verifier(trust=online.trust, policy=policy, fetcher=crls, clock=lambda: NOW)


@pytest.fixture
def learnt(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fields whose beginning was learnt."""
    fields: list[str] = []
    learn = Beginnings.learn

    def noting(self: Beginnings, value: str, *rest: object) -> None:
        fields.append(value)
        learn(self, value, *rest)  # type: ignore[arg-type]  # the arguments of the original

    monkeypatch.setattr(Beginnings, "learn", noting)
    return fields


def test_how_the_field_of_a_signer_begins_is_learnt_once_from_the_first_message_of_a_known_signer(
    remembering: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued, learnt: list[str]
) -> None:
    messages = [
        forge(request_message, signer=signer, edit=lambda header, later=later: header.update(iat=header["iat"] - later))
        for later in range(4)
    ]
    remembering.verify(messages[0])
    assert learnt == [], "the signer was not known when the field was read"
    for message in messages[1:]:
        remembering.verify(message)
    assert learnt == [messages[1].fields.combined(FIELD)]


def test_a_whole_header_is_learnt_once_and_not_from_a_message_that_was_read_with_it(
    remembering: Verifier,
    forge: Forge,
    request_message: HttpRequest,
    signer: Issued,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learnt: list[str] = []
    learn = Beginnings.learn_header

    def noting(self: Beginnings, value: str, *rest: object) -> None:
        learnt.append(value)
        learn(self, value, *rest)  # type: ignore[arg-type]  # the arguments of the original

    monkeypatch.setattr(Beginnings, "learn_header", noting)
    messages = [
        forge(request_message, signer=signer, edit=lambda header, later=later: header.update(iat=header["iat"] - later))
        for later in range(6)
    ]
    for message in messages:
        remembering.verify(message)
    assert learnt == [messages[2].fields.combined(FIELD)]


def test_nothing_is_learnt_of_a_signer_whose_signature_does_not_fit(
    remembering: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued, learnt: list[str]
) -> None:
    remembering.verify(forge(request_message, signer=signer))
    spoilt = forge(request_message, signer=signer, damage=lambda octets: octets[:-1] + bytes([octets[-1] ^ 1]))
    with pytest.raises(InvalidSignatureError) as caught:
        remembering.verify(spoilt)
    assert caught.value.code == "INVALID_SIGNATURE"
    assert learnt == []


def test_a_check_for_a_time_of_the_callers_choice_remembers_nothing(
    remembering: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued, crls: Crls
) -> None:
    message = forge(request_message, signer=signer)
    assert remembering.verify(message, at=NOW).verified_at == NOW
    asked = crls.asked
    assert asked > 0
    remembering.verify(message)
    assert crls.asked == 2 * asked
    remembering.verify(message)
    assert crls.asked == 2 * asked


def test_a_signer_whose_revocation_could_not_be_checked_is_asked_about_each_time(
    online: Hierarchy, forge: Forge, request_message: HttpRequest, signer: Issued, crls: Crls
) -> None:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.SOFT_FAIL)
    verifier = Verifier(trust=online.trust, policy=policy, fetcher=crls, clock=lambda: NOW)
    crls.by_name.clear()
    message = forge(request_message, signer=signer)
    statuses = {item.status for item in verifier.verify(message).revocation}
    assert statuses == {RevocationStatus.UNCHECKED}
    asked = crls.asked
    verifier.verify(message)
    assert crls.asked == 2 * asked


def test_a_revocation_that_the_caller_brings_along_as_ocsp_counts_for_a_known_signer_too(
    remembering: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued, online: Hierarchy
) -> None:
    message = forge(request_message, signer=signer)
    remembering.verify(message)
    revoked = make_ocsp(online.tsp, signer.certificate, status=OCSPCertStatus.REVOKED, this_update=NOW)
    with pytest.raises(CertificateRevokedError) as caught:
        remembering.verify(message, ocsp=[revoked])
    assert (caught.value.code, caught.value.sub_indication) == ("CERTIFICATE_REVOKED", "REVOKED")


def pem_of(hierarchy: Hierarchy) -> bytes:
    return b"".join(item.certificate.public_bytes(Encoding.PEM) for item in hierarchy.authorities)


def pins_of(hierarchy: Hierarchy) -> set[str]:
    return {fingerprint(item.certificate) for item in hierarchy.authorities}


def test_a_verifier_for_pkioverheid_takes_what_it_is_given_and_asks_for_a_signing_certificate(
    online: Hierarchy, forge: Forge, request_message: HttpRequest, signer: Issued, crls: Crls
) -> None:
    verifier = Verifier.pkioverheid(
        pem_of(online),
        profiles=[profiles.DDAS],
        signers=ANY_TRUSTED,
        pins=pins_of(online),
        revocation=RevocationPolicy.SOFT_FAIL,
        max_age=dt.timedelta(minutes=5),
        fetcher=crls,
        clock=lambda: NOW,
    )
    assert verifier.policy == VerificationPolicy(
        profiles=(profiles.DDAS,),
        signers=ANY_TRUSTED,
        certificate=CertificateRequirements.PKIOVERHEID_SIGNING,
        revocation=RevocationPolicy.SOFT_FAIL,
        max_age=dt.timedelta(minutes=5),
    )
    assert set(verifier.trust.anchors) == {online.root.certificate}
    verified = verifier.verify(forge(request_message, signer=signer))
    assert verified.verified_at == NOW
    assert crls.asked > 0
    assert verifier.policy.revocation is RevocationPolicy.SOFT_FAIL


def test_a_verifier_for_pkioverheid_checks_revocation_unless_told(online: Hierarchy) -> None:
    allowed = {Oin("00000001002220647000")}
    verifier = Verifier.pkioverheid(pem_of(online), profiles=[profiles.DDAS], signers=allowed, pins=pins_of(online))
    assert verifier.policy.revocation is RevocationPolicy.HARD_FAIL
    assert verifier.policy.signers == frozenset(allowed)
    assert verifier.policy.max_age is None


def test_a_verifier_for_pkioverheid_takes_no_certificate_that_nobody_pinned(online: Hierarchy) -> None:
    with pytest.raises(ConfigurationError, match="is not a pinned PKIoverheid certificate"):
        Verifier.pkioverheid(pem_of(online), profiles=[profiles.DDAS], signers=ANY_TRUSTED)


def test_a_signer_is_judged_anew_when_the_fetcher_has_heard_something_new(
    remembering: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued, crls: Crls
) -> None:
    message = forge(request_message, signer=signer)
    remembering.verify(message)
    asked = crls.asked
    remembering.verify(message)
    assert crls.asked == asked
    crls.generation += 1
    remembering.verify(message)
    assert crls.asked == 2 * asked


def test_a_verification_waits_ten_seconds_for_revocation_data_unless_told(
    remembering: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued, crls: Crls
) -> None:
    remembering.verify(forge(request_message, signer=signer))
    assert crls.longest <= 10
    assert remembering._seconds == 10


def test_a_verifier_shows_every_profile_it_takes(online: Hierarchy) -> None:
    taken = (profiles.DDAS, profiles.OOTS_RESPONSE)
    verifier = Verifier(trust=online.trust, policy=VerificationPolicy(profiles=taken, signers=ANY_TRUSTED))
    assert repr(verifier).startswith("<Verifier: ddas, oots-response; <TrustStore: 1 anchors")


def with_another_body(message: HttpRequest) -> HttpRequest:
    return HttpRequest(method=message.method, target=message.target, fields=message.fields, body=b"{}")


def awaiting(online: Hierarchy) -> AsyncVerifier:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF)
    return AsyncVerifier(trust=online.trust, policy=policy, clock=lambda: NOW)


def test_an_awaited_verification_refuses_another_body(
    online: Hierarchy, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    message = with_another_body(forge(request_message, signer=signer))
    with pytest.raises(DigestMismatchError) as caught:
        asyncio.run(awaiting(online).verify(message))
    assert (caught.value.code, caught.value.sub_indication) == ("DIGEST_MISMATCH", "HASH_FAILURE")


def test_fields_that_are_awaited_are_verified_before_the_body_is_looked_at(
    online: Hierarchy, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    message = forge(request_message, signer=signer)
    pending = asyncio.run(awaiting(online).verify_fields(with_another_body(message)))
    with pytest.raises(DigestMismatchError) as caught:
        pending.complete(b"{}")
    assert caught.value.code == "DIGEST_MISMATCH"
    assert pending.complete(request_message.body).body == request_message.body


def test_a_message_that_waits_for_its_body_is_not_changed(
    online: Hierarchy, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    pending = asyncio.run(awaiting(online).verify_fields(forge(request_message, signer=signer)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        pending._checked = None  # type: ignore[misc, assignment]  # that it cannot be set is what is tested
