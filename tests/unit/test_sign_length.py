"""Signer: how long the signature field gets, who is told, and that our own verifier reads whatever we sign."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ObjectIdentifier

from nlgov_jades import AsyncSigner, HttpRequest, Signer, SigningCredential, Verifier, profiles
from nlgov_jades.errors import ConfigurationError, MalformedSignatureError
from nlgov_jades.notice import NlgovJadesWarning, NoticeCode
from nlgov_jades.testing import Hierarchy, Issued


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NlgovJadesWarning)
        yield


def fat(hierarchy: Hierarchy, issued: Issued, octets: int) -> SigningCredential:
    """A credential whose certificate is this much larger than others."""
    extension = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(octets))
    return hierarchy.tsp.issue(key=issued.key, more_extensions=[(extension, False)]).credential


def test_an_ordinary_chain_gives_no_warning_and_no_notice(
    credential: SigningCredential, request_message: HttpRequest
) -> None:
    signed = Signer(credential, profile=profiles.DDAS).sign(request_message)
    assert len(signed.signature) <= 7_500
    assert signed.notices == ()


@pytest.mark.parametrize("kind", [Signer, AsyncSigner])
def test_a_long_field_is_told_when_the_signer_is_made(
    hierarchy: Hierarchy, issued: Issued, kind: type[Signer | AsyncSigner]
) -> None:
    credential = fat(hierarchy, issued, 2_000)
    with pytest.warns(NlgovJadesWarning, match=r"^the signature field is up to [0-9]+ characters long, and nginx"):
        kind(credential, profile=profiles.DDAS)


def test_a_long_field_is_told_with_every_signature(
    hierarchy: Hierarchy, issued: Issued, request_message: HttpRequest
) -> None:
    with pytest.warns(NlgovJadesWarning):
        signer = Signer(fat(hierarchy, issued, 2_000), profile=profiles.DDAS)
    signed = signer.sign(request_message)
    (notice,) = signed.notices
    assert notice.code is NoticeCode.FIELD_LONG
    assert f"up to {len(signed.signature)} characters" in notice.text


def test_the_warning_about_a_long_field_points_at_the_line_that_makes_the_signer(
    hierarchy: Hierarchy, issued: Issued
) -> None:
    credential = fat(hierarchy, issued, 2_000)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Signer(credential, profile=profiles.DDAS)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.usefixtures("quiet")
def test_the_notice_begins_above_7500_characters(credential: SigningCredential, request_message: HttpRequest) -> None:
    shortest = len(Signer(credential, profile=profiles.DDAS, kid="k").sign(request_message).signature)
    about = (7_500 - shortest) * 3 // 4
    told = {}
    for length in range(about - 4, about + 8):
        signed = Signer(credential, profile=profiles.DDAS, kid="k" * length).sign(request_message)
        told[len(signed.signature)] = bool(signed.notices)
    assert 7_499 in told or 7_500 in told
    assert 7_501 in told or 7_502 in told
    assert told == {length: length > 7_500 for length in told}


def test_a_field_above_16000_characters_is_refused_until_the_limit_is_raised(
    hierarchy: Hierarchy, issued: Issued, request_message: HttpRequest
) -> None:
    credential = fat(hierarchy, issued, 6_500)
    with pytest.raises(ConfigurationError, match=r"more than 16000: send a shorter chain"):
        Signer(credential, profile=profiles.DDAS)
    with pytest.warns(NlgovJadesWarning):
        signer = Signer(credential, profile=profiles.DDAS, max_field_length=20_000)
    assert 16_000 < len(signer.sign(request_message).signature) <= 20_000


@pytest.mark.usefixtures("quiet")
def test_a_field_above_16000_characters_is_accepted_by_a_verifier(
    hierarchy: Hierarchy, issued: Issued, request_message: HttpRequest, verifier: Verifier
) -> None:
    credential = fat(hierarchy, issued, 6_500)
    signer = Signer(credential, profile=profiles.DDAS, clock=verifier._clock, max_field_length=20_000)
    signed = request_message.with_fields(signer.sign(request_message))
    assert verifier.verify(signed).body == request_message.body


def test_the_limit_counts_to_the_character(credential: SigningCredential, request_message: HttpRequest) -> None:
    length = len(Signer(credential, profile=profiles.DDAS).sign(request_message).signature)
    exact = Signer(credential, profile=profiles.DDAS, max_field_length=length)
    assert len(exact.sign(request_message).signature) == length
    with pytest.raises(ConfigurationError, match=f"would be {length} characters long, more than {length - 1}"):
        Signer(credential, profile=profiles.DDAS, max_field_length=length - 1)


def test_the_limit_cannot_be_raised_above_what_verifiers_read(hierarchy: Hierarchy, issued: Issued) -> None:
    credential = fat(hierarchy, issued, 20_000)
    with pytest.raises(ConfigurationError, match=r"more than 32768: send a shorter chain"):
        Signer(credential, profile=profiles.DDAS, max_field_length=1_000_000)


@pytest.mark.usefixtures("quiet")
def test_a_certificate_longer_than_a_verifier_reads_is_refused_when_the_signer_is_made(
    hierarchy: Hierarchy, issued: Issued, request_message: HttpRequest, verifier: Verifier
) -> None:
    credential = fat(hierarchy, issued, 8_000)
    with pytest.raises(ConfigurationError, match="8192"):
        refused_by_our_own_verifier(
            Signer(credential, profile=profiles.DDAS, clock=verifier._clock, max_field_length=32_768),
            request_message,
            verifier,
        )


@pytest.mark.usefixtures("quiet")
def test_more_certificates_than_a_verifier_reads_are_refused_when_the_signer_is_made(
    hierarchy: Hierarchy, request_message: HttpRequest, verifier: Verifier
) -> None:
    authority = hierarchy.root
    for level in range(4):
        authority = authority.issue_authority(f"Level {level}", key=ec.generate_private_key(ec.SECP256R1()))
    deep = authority.issue(key=ec.generate_private_key(ec.SECP256R1()))
    assert len(deep.chain) == 6
    oots = Verifier(
        trust=hierarchy.trust, policy=verifier.policy.replace(profiles=(profiles.OOTS_RESPONSE,)), clock=verifier._clock
    )
    with pytest.raises(ConfigurationError, match="at most 5"):
        refused_by_our_own_verifier(
            Signer(deep.credential, profile=profiles.OOTS_RESPONSE, clock=verifier._clock, send_chain="full"),
            request_message,
            oots,
        )


def refused_by_our_own_verifier(signer: Signer, message: HttpRequest, verifier: Verifier) -> None:
    """Shows, as long as the signer lets it pass, what becomes of the message."""
    with pytest.raises(MalformedSignatureError):
        verifier.verify(message.with_fields(signer.sign(message)))
