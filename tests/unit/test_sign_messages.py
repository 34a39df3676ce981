"""Signer.sign: which field lines are added to which message, which messages are refused, and that all profiles verify."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from nlgov_jades import (
    BodyDigest,
    HttpRequest,
    HttpResponse,
    SignedFields,
    Signer,
    SigningCredential,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.clock import Clock
from nlgov_jades.digest import DigestAlgorithm
from nlgov_jades.errors import ConfigurationError, MessageNotSignableError
from nlgov_jades.message import HttpMessage
from nlgov_jades.profiles import HttpHeaders, Profile
from nlgov_jades.testing import Hierarchy, Issued

OPTIONAL = ("host", "origin", "content-encoding", "content-type", "content-length")
VALUES = {
    "host": "provider.example.test",
    "origin": "https://a.example",
    "content-encoding": "identity",
    "content-type": "application/json",
    "content-length": "2",
}
OTHER_FAMILY = Profile(
    id="other-family",
    field_name="X-Other-Signature",
    covers=HttpHeaders(mandatory=frozenset({"digest"}), order=("digest",)),
)


@pytest.fixture
def signer(credential: SigningCredential, clock: Clock) -> Signer:
    return Signer(credential, profile=profiles.DDAS, clock=clock)


@pytest.fixture
def message_signer(credential: SigningCredential, clock: Clock) -> Signer:
    return Signer(credential, profile=profiles.ADR_MESSAGE, clock=clock)


@pytest.fixture
def round_trip(
    issued: Issued, p256: Issued, hierarchy: Hierarchy, policy: VerificationPolicy, clock: Clock
) -> Callable[[HttpMessage, Profile], tuple[str, ...]]:
    """Sign with a profile and verify with the same; returns what was covered."""

    def signed_and_verified(message: HttpMessage, profile: Profile) -> tuple[str, ...]:
        key = p256 if profile is profiles.OOTS_RESPONSE else issued
        signed = Signer(key.credential, profile=profile, clock=clock).sign(message)
        accepted = policy.replace(profiles=(profile,))
        verified = Verifier(trust=hierarchy.trust, policy=accepted, clock=clock).verify(message.with_fields(signed))
        assert verified.profile is profile
        assert verified.message.body == message.body
        return verified.covered

    return signed_and_verified


def sha256(body: bytes) -> str:
    return f"SHA-256={base64.b64encode(hashlib.sha256(body).digest()).decode()}"


def pars_of(signed: SignedFields) -> list[str]:
    encoded = signed.signature.partition("..")[0]
    header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    pars: list[str] = header["sigD"]["pars"]
    return pars


# --- what is added -------------------------------------------------------------------------------------------


def test_digest_comes_first_and_the_signature_under_the_name_of_the_profile(
    signer: Signer, request_message: HttpRequest
) -> None:
    signed = signer.sign(request_message.with_body(b"{}"))
    assert list(signed) == [
        ("Digest", sha256(b"{}")),
        ("nlgov-adr-payload-sig", signed.signature),
    ]
    assert len(signed) == 2
    assert signed[-1][1] == signed.signature
    assert repr(signed) == "<SignedFields: Digest, nlgov-adr-payload-sig>"


def test_the_message_that_is_signed_does_not_change(signer: Signer, request_message: HttpRequest) -> None:
    before = (request_message.method, request_message.target, list(request_message.fields), request_message.body)
    signer.sign(request_message)
    after = (request_message.method, request_message.target, list(request_message.fields), request_message.body)
    assert before == after


def test_a_message_without_body_is_signed_with_the_digest_of_nothing(
    signer: Signer, request_message: HttpRequest
) -> None:
    assert signer.sign(request_message.with_body(b""))[0][1] == "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def test_a_body_that_passed_by_gives_the_same_digest_line(signer: Signer, request_message: HttpRequest) -> None:
    digest = BodyDigest()
    digest.update(b"{")
    digest.update(b"}")
    assert signer.sign(request_message.with_body(digest))[0] == ("Digest", sha256(b"{}"))


def test_the_early_ddas_dialect_signs_the_base64url_of_the_body_and_adds_no_digest(
    issued: Issued, credential: SigningCredential, request_message: HttpRequest
) -> None:
    assert isinstance(issued.key, rsa.RSAPrivateKey)
    ((name, value),) = Signer(credential, profile=profiles.DDAS_BODY).sign(request_message.with_body(b"{}"))
    header, _, signature = value.partition("..")
    octets = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    pss = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    assert name == "nlgov-adr-payload-sig"
    # RFC 7515 appendix F: the payload `{}` is `e30` in base64url. Raises when it does not fit.
    issued.key.public_key().verify(octets, f"{header}.e30".encode(), pss, SHA256())


@pytest.mark.parametrize(
    "present", [names for size in range(6) for names in itertools.combinations(OPTIONAL, size)], ids="+".join
)
def test_a_message_signature_covers_exactly_what_the_message_has(
    message_signer: Signer, request_message: HttpRequest, present: tuple[str, ...]
) -> None:
    lines = [(name.title(), VALUES[name]) for name in reversed(present)]  # neither order nor case decides
    request = HttpRequest(method="POST", target="/v1", fields=[*lines, ("Accept", "*/*")], body=request_message.body)
    assert pars_of(message_signer.sign(request)) == ["(request-target)", *present, "digest"]


# --- round trips ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", profiles.ALL, ids=lambda profile: profile.id)
def test_a_request_that_was_signed_verifies(
    round_trip: Callable[..., tuple[str, ...]], request_message: HttpRequest, profile: Profile
) -> None:
    expected = {
        "adr-message": ("(request-target)", "host", "content-type", "content-length", "digest"),
        "logius-message": ("(request-target)", "host", "content-type", "content-length", "digest"),
        "ddas-body": ("body",),
    }
    assert round_trip(request_message, profile) == expected.get(profile.id, ("digest",))


@pytest.mark.parametrize("profile", profiles.ALL, ids=lambda profile: profile.id)
def test_a_response_that_was_signed_verifies(
    round_trip: Callable[..., tuple[str, ...]], response_message: HttpResponse, profile: Profile
) -> None:
    expected = {
        "adr-message": ("(request-target)", "content-type", "content-length", "digest"),
        "logius-message": ("(request-target)", "content-type", "content-length", "digest"),
        "ddas-body": ("body",),
    }
    assert round_trip(response_message, profile) == expected.get(profile.id, ("digest",))


@pytest.mark.parametrize("profile", profiles.ALL, ids=lambda profile: profile.id)
@pytest.mark.parametrize("body", [b"", b"\x00\xff\r\n", b"x" * 200_000], ids=["empty", "binary", "large"])
def test_a_body_of_any_kind_verifies(
    round_trip: Callable[..., tuple[str, ...]], request_message: HttpRequest, body: bytes, profile: Profile
) -> None:
    assert round_trip(request_message.with_body(body), profile)


@pytest.mark.parametrize("profile", [profiles.ADR_MESSAGE, profiles.LOGIUS_MESSAGE], ids=lambda profile: profile.id)
def test_a_response_that_covers_the_request_target_needs_its_request(
    issued: Issued, response_message: HttpResponse, profile: Profile
) -> None:
    orphan = HttpResponse(status=200, fields=response_message.fields, body=response_message.body)
    with pytest.raises(ConfigurationError, match=r"give the request that the response answers \(request=\)"):
        Signer(issued.credential, profile=profile).sign(orphan)


def test_another_api_family_signs_with_a_profile_of_its_own(
    round_trip: Callable[..., tuple[str, ...]], request_message: HttpRequest
) -> None:
    assert round_trip(request_message, OTHER_FAMILY) == ("digest",)


def test_a_profile_that_was_made_of_plain_sets_signs_and_verifies(
    round_trip: Callable[..., tuple[str, ...]], request_message: HttpRequest
) -> None:
    covers = HttpHeaders(mandatory={"digest"}, if_present={"host"}, order=["digest", "host"])  # type: ignore[arg-type]  # as people write it
    family = Profile(id="plain", field_name="X-Plain-Sig", covers=covers, required_parameters={"x5c"})  # type: ignore[arg-type]  # the same
    assert round_trip(request_message, family) == ("digest", "host")


# --- Digest and Content-Digest -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        sha256(b"{}"),
        sha256(b"{}").replace("SHA", "sha"),
        f"md5=x, {sha256(b'{}')},SHA-512={base64.b64encode(hashlib.sha512(b'{}').digest()).decode()}",
    ],
    ids=["the same", "another case", "more than one algorithm"],
)
def test_an_equal_digest_is_kept_as_it_stands(
    signer: Signer, request_message: HttpRequest, verifier: Verifier, value: str
) -> None:
    request = request_message.with_body(b"{}").with_fields([("digest", value)])
    signed = signer.sign(request)
    assert [name for name, _ in signed] == ["nlgov-adr-payload-sig"]
    assert verifier.verify(request.with_fields(signed)).message.fields.get_all("digest") == (value,)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (sha256(b"[]"), "SHA-256 in Digest is not that of the body"),
        (f"{sha256(b'{}')},SHA-512={base64.b64encode(bytes(64)).decode()}", "SHA-512 in Digest is not that of the"),
        ("md5=abcd", "Digest holds neither SHA-256 nor SHA-512"),
        ("", "Digest is not a list of algorithm and value"),
        (f"{sha256(b'{}')},{sha256(b'{}')}", "Digest names an algorithm twice"),
    ],
    ids=["different", "one of two different", "weak", "empty", "twice in one"],
)
def test_another_digest_is_not_signed(signer: Signer, request_message: HttpRequest, value: str, why: str) -> None:
    request = request_message.with_body(b"{}").with_fields([("Digest", value)])
    with pytest.raises(MessageNotSignableError, match=f"^{why}"):
        signer.sign(request)


def test_a_repeated_digest_is_not_signed_even_when_both_are_equal(signer: Signer, request_message: HttpRequest) -> None:
    request = request_message.with_body(b"{}").with_fields([("Digest", sha256(b"{}")), ("digest", sha256(b"{}"))])
    with pytest.raises(MessageNotSignableError, match=r"^the message has more than one field Digest$"):
        signer.sign(request)


def test_a_wrong_content_digest_is_not_signed(signer: Signer, request_message: HttpRequest) -> None:
    wrong = base64.b64encode(bytes(32)).decode()
    request = request_message.with_fields([("Content-Digest", f"sha-256=:{wrong}:")])
    with pytest.raises(MessageNotSignableError, match=r"^SHA-256 in Content-Digest is not that of the body"):
        signer.sign(request)


def test_a_right_content_digest_takes_nothing_away(
    signer: Signer, request_message: HttpRequest, verifier: Verifier
) -> None:
    right = base64.b64encode(hashlib.sha512(b"{}").digest()).decode()
    request = request_message.with_body(b"{}").with_fields([("Content-Digest", f"sha-512=:{right}:")])
    signed = signer.sign(request)
    assert [name for name, _ in signed] == ["Digest", "nlgov-adr-payload-sig"]
    assert verifier.verify(request.with_fields(signed)).body == b"{}"


def test_a_body_digest_without_sha_256_is_our_mistake(signer: Signer, request_message: HttpRequest) -> None:
    with pytest.raises(ConfigurationError, match="was not fed with SHA-256"):
        signer.sign(request_message.with_body(BodyDigest([DigestAlgorithm.SHA_512])))


def test_the_early_ddas_dialect_needs_the_body_itself(
    credential: SigningCredential, request_message: HttpRequest
) -> None:
    with pytest.raises(ConfigurationError, match=r"^profile ddas-body signs the body itself: give it as bytes$"):
        Signer(credential, profile=profiles.DDAS_BODY).sign(request_message.with_body(BodyDigest()))


# --- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({profile.field_name for profile in profiles.ALL}))
@pytest.mark.parametrize("spell", [str, str.upper], ids=["as it is", "upper case"])
def test_a_message_with_a_signature_of_any_profile_is_not_signed_again(
    signer: Signer, request_message: HttpRequest, name: str, spell: Callable[[str], str]
) -> None:
    request = request_message.with_fields([(spell(name), "")])
    with pytest.raises(MessageNotSignableError, match=f"^the message already has the signature field {name.lower()}$"):
        signer.sign(request)


def test_a_message_with_a_signature_of_our_own_profile_is_not_signed_again(
    credential: SigningCredential, request_message: HttpRequest
) -> None:
    signer = Signer(credential, profile=OTHER_FAMILY)
    request = request_message.with_fields([("x-other-signature", "anything")])
    with pytest.raises(MessageNotSignableError, match="already has the signature field x-other-signature"):
        signer.sign(request)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "gzip, identity", "br"])
def test_a_content_encoding_that_nobody_signs_is_refused(
    signer: Signer, request_message: HttpRequest, coding: str
) -> None:
    with pytest.raises(MessageNotSignableError, match="which this profile does not sign"):
        signer.sign(request_message.with_fields([("Content-Encoding", coding)]))


@pytest.mark.parametrize(
    "lines",
    [
        [("Content-Encoding", "gzip")],
        [("Content-Encoding", "GZIP")],
        [("Content-Encoding", "gzip, br")],
        [("Content-Encoding", "gzip"), ("Content-Encoding", "br")],
        [("Content-Encoding", "identity")],
        [("Content-Encoding", "")],
    ],
    ids=["one", "upper case", "two", "two lines", "identity", "empty"],
)
def test_what_a_verifier_accepts_with_these_content_encodings_a_signer_signs(
    credential: SigningCredential, request_message: HttpRequest, verifier: Verifier, lines: list[tuple[str, str]]
) -> None:
    codings = {"gzip", "br", "identity"}
    signer = Signer(credential, profile=profiles.DDAS, clock=verifier._clock, content_encodings=codings)
    tolerant = Verifier(
        trust=verifier.trust, policy=verifier.policy.replace(content_encodings=codings), clock=verifier._clock
    )
    request = request_message.with_fields(lines)
    assert tolerant.verify(request.with_fields(signer.sign(request))).body == request.body


def test_a_message_signature_covers_the_content_encoding_and_so_takes_any(
    message_signer: Signer, request_message: HttpRequest
) -> None:
    assert "content-encoding" in pars_of(message_signer.sign(request_message.with_fields([("Content-Encoding", "br")])))


@pytest.mark.parametrize(
    "value", ["f\xf6\xf6.example", "a\r\nb", "a\x00b", "a\x7fb"], ids=["latin-1", "line end", "nul", "delete"]
)
def test_a_covered_value_with_an_octet_that_cannot_be_signed_is_refused(
    message_signer: Signer, request_message: HttpRequest, value: str
) -> None:
    with pytest.raises(MessageNotSignableError, match=r"(?i)^the (covered )?field .?origin.? holds an? "):
        message_signer.sign(request_message.with_fields([("Origin", value)]))


@pytest.mark.parametrize("target", ["*", "https://a.example/", "v1", "", "/a b", "/\xe9", "/a\r\nx: y"], ids=repr)
def test_a_target_that_is_no_origin_form_is_refused(
    message_signer: Signer, request_message: HttpRequest, target: str
) -> None:
    request = HttpRequest(method="POST", target=target, fields=request_message.fields, body=b"")
    with pytest.raises(MessageNotSignableError, match="origin-form is needed"):
        message_signer.sign(request)


@pytest.mark.parametrize("message", [None, b"POST / HTTP/1.1", {"method": "POST"}], ids=["nothing", "octets", "dict"])
def test_something_that_is_no_message_is_our_mistake(signer: Signer, message: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^a message is an HttpRequest or a HttpResponse$"):
        signer.sign(message)
