"""Signer: what it is made of, and the exact protected header that it emits (wire format section 2)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from asn1crypto import tsp
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import (
    AsyncSigner,
    HeaderForm,
    HttpRequest,
    SendChain,
    Signer,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.clock import Clock
from nlgov_jades.errors import CertificatePathError, ConfigurationError
from nlgov_jades.profiles import Profile
from nlgov_jades.testing import Hierarchy, Issued

HTTP_HEADERS = "http://uri.etsi.org/19182/HttpHeaders"
IAT = 1781524800  # NOW of the tests


def header_text(field: str) -> str:
    encoded = field.partition("..")[0]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


def header_of(signer: Signer, message: HttpRequest) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(header_text(signer.sign(message).signature))
    return header


def ders(issued: Issued) -> list[bytes]:
    return [certificate.public_bytes(Encoding.DER) for certificate in issued.chain]


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@pytest.fixture
def signer(credential: SigningCredential, clock: Clock) -> Signer:
    return Signer(credential, profile=profiles.DDAS, clock=clock)


# --- the protected header ------------------------------------------------------------------------------------


def test_the_header_of_a_payload_signature_is_exactly_this_text(
    signer: Signer, issued: Issued, request_message: HttpRequest
) -> None:
    leaf, tsp_ca, domain_ca, _ = ders(issued)
    kid = json.loads(header_text(signer.sign(request_message).signature))["kid"]
    assert header_text(signer.sign(request_message).signature) == (
        f'{{"alg":"PS256","kid":"{kid}","x5t#S256":"{b64url(hashlib.sha256(leaf).digest())}",'
        f'"x5c":["{b64(leaf)}","{b64(tsp_ca)}","{b64(domain_ca)}"],"typ":"JOSE","b64":false,"iat":{IAT},'
        f'"sigD":{{"mId":"{HTTP_HEADERS}","pars":["digest"]}},"crit":["b64","sigD"]}}'
    )


def test_the_header_of_a_message_signature_is_exactly_this_text(
    credential: SigningCredential, issued: Issued, request_message: HttpRequest, clock: Clock
) -> None:
    signer = Signer(credential, profile=profiles.ADR_MESSAGE, clock=clock, send_chain="leaf", kid="key-1")
    (leaf, *_) = ders(issued)
    assert header_text(signer.sign(request_message).signature) == (
        f'{{"alg":"PS256","kid":"key-1","x5t#S256":"{b64url(hashlib.sha256(leaf).digest())}","x5c":["{b64(leaf)}"],'
        f'"typ":"JOSE","b64":false,"iat":{IAT},"sigD":{{"mId":"{HTTP_HEADERS}","pars":'
        '["(request-target)","host","content-type","content-length","digest"]},"crit":["b64","sigD"]}'
    )


def test_the_header_for_oots_holds_the_sha512_of_the_certificate(
    p256: Issued, request_message: HttpRequest, clock: Clock
) -> None:
    signer = Signer(p256.credential, profile=profiles.OOTS_RESPONSE, clock=clock, send_chain="leaf", kid="key-1")
    (leaf, *_) = ders(p256)
    assert header_text(signer.sign(request_message).signature) == (
        f'{{"alg":"ES256","kid":"key-1","x5t#o":{{"digAlg":"S512","digVal":"{b64url(hashlib.sha512(leaf).digest())}"}},'
        f'"x5c":["{b64(leaf)}"],"typ":"JOSE","b64":false,"iat":{IAT},'
        f'"sigD":{{"mId":"{HTTP_HEADERS}","pars":["digest"]}},"crit":["b64","sigD"]}}'
    )


def test_the_header_of_the_early_ddas_dialect_has_nothing_of_jades_but_the_reference(
    credential: SigningCredential, issued: Issued, request_message: HttpRequest, clock: Clock
) -> None:
    signer = Signer(credential, profile=profiles.DDAS_BODY, clock=clock, send_chain="leaf", kid="key-1")
    (leaf, *_) = ders(issued)
    assert header_text(signer.sign(request_message).signature) == (
        f'{{"alg":"PS256","kid":"key-1","x5t#S256":"{b64url(hashlib.sha256(leaf).digest())}",'
        f'"x5c":["{b64(leaf)}"],"typ":"JOSE"}}'
    )


@pytest.mark.parametrize(
    ("profile", "names"),
    [
        (profiles.DDAS, ["alg", "kid", "x5c", "typ", "b64", "sigD", "crit"]),
        (profiles.DDAS_BODY, ["alg", "kid", "x5c", "typ"]),
        (profiles.ADR_PAYLOAD, ["alg", "kid", "x5c", "typ", "b64", "sigD", "crit"]),
        (profiles.OOTS_RESPONSE, ["alg", "kid", "x5t#o", "x5c", "typ", "b64", "sigD", "crit"]),
    ],
    ids=lambda value: value.id if isinstance(value, Profile) else "",
)
def test_profile_only_emits_what_the_profile_requires_and_no_more(
    issued: Issued, p256: Issued, request_message: HttpRequest, profile: Profile, names: list[str]
) -> None:
    key = p256 if profile is profiles.OOTS_RESPONSE else issued
    signer = Signer(key.credential, profile=profile, header_form=HeaderForm.PROFILE_ONLY)
    assert list(header_of(signer, request_message)) == names


def test_the_header_form_may_be_given_as_text(credential: SigningCredential, request_message: HttpRequest) -> None:
    signer = Signer(credential, profile=profiles.DDAS, header_form="profile-only")
    assert "iat" not in header_of(signer, request_message)


def test_a_header_never_holds_what_the_standards_dropped(signer: Signer, request_message: HttpRequest) -> None:
    header = header_of(signer, request_message)
    assert not {"x5t", "cty", "jku", "x5u", "jwk", "sigT"} & header.keys()
    assert header["sigD"].keys() == {"mId", "pars"}


# --- iat and the clock ---------------------------------------------------------------------------------------


def test_iat_is_a_whole_number_of_seconds_rounded_down(
    credential: SigningCredential, request_message: HttpRequest
) -> None:
    late = dt.datetime.fromtimestamp(IAT, dt.UTC).replace(microsecond=999_999)
    signer = Signer(credential, profile=profiles.DDAS, clock=lambda: late)
    assert header_of(signer, request_message)["iat"] == IAT


def test_iat_does_not_depend_on_the_zone_of_the_clock(
    credential: SigningCredential, request_message: HttpRequest
) -> None:
    amsterdam = dt.datetime.fromtimestamp(IAT, dt.timezone(dt.timedelta(hours=2)))
    signer = Signer(credential, profile=profiles.DDAS, clock=lambda: amsterdam)
    assert header_of(signer, request_message)["iat"] == IAT


@pytest.mark.parametrize("time", [dt.datetime(2026, 6, 15, 12), 1781524800, None], ids=["naive", "number", "nothing"])  # noqa: DTZ001 - naive on purpose
def test_a_clock_without_time_zone_is_refused(
    credential: SigningCredential, request_message: HttpRequest, time: Any
) -> None:
    signer = Signer(credential, profile=profiles.DDAS, clock=lambda: time)
    with pytest.raises(ConfigurationError, match=r"^a time is a datetime with a time zone"):
        signer.sign(request_message)


def test_the_clock_is_read_once_per_message(
    credential: SigningCredential, request_message: HttpRequest, clock: Clock
) -> None:
    readings: list[dt.datetime] = []

    def counting() -> dt.datetime:
        readings.append(clock())
        return readings[-1]

    signer = Signer(credential, profile=profiles.DDAS, clock=counting)
    assert readings == []
    signer.sign(request_message)
    assert len(readings) == 1


# --- kid -----------------------------------------------------------------------------------------------------


def test_kid_is_the_issuer_serial_unless_it_is_given(
    signer: Signer, issued: Issued, request_message: HttpRequest
) -> None:
    value = tsp.IssuerSerial.load(base64.b64decode(header_of(signer, request_message)["kid"], validate=True))
    assert value["serial_number"].native == issued.certificate.serial_number
    assert value["issuer"][0].chosen.untag().dump() == issued.certificate.issuer.public_bytes()


@pytest.mark.parametrize("kid", ["key-1", 'quote"and\\slash', "sleutel-é", "\x00\n"])
def test_a_kid_that_is_given_reaches_the_verifier_as_it_is(
    credential: SigningCredential, request_message: HttpRequest, verifier: Verifier, kid: str
) -> None:
    signer = Signer(credential, profile=profiles.DDAS, clock=verifier._clock, kid=kid)
    verified = verifier.verify(request_message.with_fields(signer.sign(request_message)))
    assert verified.protected_header["kid"] == kid


@pytest.mark.parametrize("kid", ["", b"key-1", 7, "half a pair \ud800"], ids=["empty", "octets", "number", "surrogate"])
def test_a_kid_that_is_no_text_is_refused(credential: SigningCredential, kid: Any) -> None:
    with pytest.raises(ConfigurationError, match="kid"):
        Signer(credential, profile=profiles.DDAS, kid=kid)


# --- x5c -----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::nlgov_jades.notice.NlgovJadesWarning")  # a whole chain is long
@pytest.mark.parametrize(("choice", "sent"), [("no-root", 3), ("issuer", 2), ("leaf", 1), ("full", 4)])
def test_send_chain_decides_how_many_certificates_are_sent_signer_first(
    issued: Issued, credential: SigningCredential, request_message: HttpRequest, choice: str, sent: int
) -> None:
    for spelled in (choice, SendChain(choice)):
        signer = Signer(credential, profile=profiles.DDAS, send_chain=spelled)
        assert header_of(signer, request_message)["x5c"] == [b64(der) for der in ders(issued)[:sent]]


@pytest.mark.parametrize("value", ["root", "NO-ROOT", "", None, 3])
def test_another_send_chain_is_refused(credential: SigningCredential, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="is none of no-root, issuer, leaf, full"):
        Signer(credential, profile=profiles.DDAS, send_chain=value)


def test_another_header_form_is_refused(credential: SigningCredential) -> None:
    with pytest.raises(ConfigurationError, match="'minimal' is none of baseline-b, profile-only"):
        Signer(credential, profile=profiles.DDAS, header_form="minimal")


def test_no_root_sends_everything_when_the_chain_has_no_root(issued: Issued, request_message: HttpRequest) -> None:
    chain_pem = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in issued.chain[:2])
    signer = Signer(SigningCredential.from_pem(issued.key_pem(), chain_pem), profile=profiles.DDAS)
    assert header_of(signer, request_message)["x5c"] == [b64(der) for der in ders(issued)[:2]]


def test_a_short_x5c_verifies_when_the_receiver_has_the_intermediates(
    hierarchy: Hierarchy, credential: SigningCredential, request_message: HttpRequest, policy: VerificationPolicy
) -> None:
    clock = lambda: dt.datetime.fromtimestamp(IAT, dt.UTC)  # noqa: E731 - five arguments are enough
    signer = Signer(credential, profile=profiles.DDAS, clock=clock, send_chain="leaf")
    signed = request_message.with_fields(signer.sign(request_message))
    with pytest.raises(CertificatePathError) as caught:
        Verifier(trust=hierarchy.trust, policy=policy, clock=clock).verify(signed)
    assert caught.value.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    trust = TrustStore.from_pem(hierarchy.root_pem, intermediates=hierarchy.intermediates_pem)
    assert len(Verifier(trust=trust, policy=policy, clock=clock).verify(signed).path) == 4


# --- what a signer is made of --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda _: Signer(None, profile=profiles.DDAS),  # type: ignore[arg-type]  # the mistake under test
        lambda credential: Signer(credential, profile="ddas"),  # type: ignore[arg-type]  # the same
        lambda credential: AsyncSigner(credential.key, profile=profiles.DDAS),
    ],
    ids=["no credential", "a name for a profile", "a key for a credential"],
)
def test_a_signer_is_made_of_a_credential_and_a_profile(
    credential: SigningCredential, make: Callable[[SigningCredential], Signer]
) -> None:
    with pytest.raises(ConfigurationError, match=r"^a signer is made of a SigningCredential and a Profile$"):
        make(credential)


def test_a_key_for_another_algorithm_than_the_profiles_is_refused(credential: SigningCredential, p256: Issued) -> None:
    with pytest.raises(ConfigurationError, match=r"^profile oots-response signs with ES256; the key is for PS256$"):
        Signer(credential, profile=profiles.OOTS_RESPONSE)
    with pytest.raises(ConfigurationError, match=r"^profile ddas signs with PS256; the key is for ES256$"):
        Signer(p256.credential, profile=profiles.DDAS)


@pytest.mark.parametrize("codings", ["gzip", [], frozenset()], ids=["text", "an empty list", "an empty set"])
def test_content_encodings_is_a_set_with_something_in_it(credential: SigningCredential, codings: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^content_encodings is a set of content codings"):
        Signer(credential, profile=profiles.DDAS, content_encodings=codings)


def test_a_signer_shows_its_profile_and_credential(credential: SigningCredential) -> None:
    signer = Signer(credential, profile=profiles.DDAS)
    assert signer.profile is profiles.DDAS
    assert signer.credential is credential
