"""Errors, warnings, logs and reprs never hold a body, a key, a password, a query string or a credential of HTTP."""

from __future__ import annotations

import base64
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from nlgov_jades import (
    AsyncSigner,
    AsyncVerifier,
    BodyDigest,
    Fields,
    HttpRequest,
    HttpResponse,
    Oin,
    RevocationPolicy,
    Signer,
    SigningCredential,
    Verifier,
    profiles,
)
from nlgov_jades.digest import DigestAlgorithm
from nlgov_jades.errors import NlgovJadesError
from nlgov_jades.notice import NlgovJadesWarning
from nlgov_jades.profiles import Profile
from nlgov_jades.testing import Hierarchy, Issued

Forge = Callable[..., HttpRequest]

CANARY = "k4n4r1e"  # in everything that is secret; found anywhere else, something sang
SECRET_FIELDS = [
    ("Authorization", f"Bearer {CANARY}"),
    ("Proxy-Authorization", f"Basic {CANARY}"),
    ("Cookie", f"session={CANARY}"),
    ("Set-Cookie", f"session={CANARY}"),
    ("Fsc-Authorization", f"Bearer {CANARY}"),
    ("X-Api-Key", CANARY),
]
BODY = f'{{"bsn":"{CANARY}"}}'.encode()
PASSWORD = CANARY.encode()
MESSAGE_PARS = ["(request-target)", "content-type", "digest"]


@pytest.fixture
def secret() -> HttpRequest:
    fields = [("Content-Type", "application/json"), *SECRET_FIELDS]
    return HttpRequest(method="POST", target=f"/v1/gegevens?token={CANARY}#{CANARY}", fields=fields, body=BODY)


def key_lines(issued: Issued) -> list[str]:
    return [line for line in issued.key_pem().decode().splitlines() if not line.startswith("-")]


def assert_nothing_secret(text: str, issued: Issued) -> None:
    assert CANARY not in text
    assert base64.b64encode(BODY).decode() not in text
    assert not [line for line in key_lines(issued) if line in text]


# --- repr and str ------------------------------------------------------------------------------------------------


def everything_public(
    credential: SigningCredential, verifier: Verifier, forge: Forge, secret: HttpRequest
) -> Iterator[object]:
    digest = BodyDigest()
    digest.update(BODY)
    answer = HttpResponse(status=200, fields=SECRET_FIELDS, body=BODY, request=secret)
    yield from (secret, answer, secret.with_body(digest), answer.with_body(digest), secret.fields, digest)
    yield from (Fields(SECRET_FIELDS), secret.with_fields(SECRET_FIELDS))
    yield from (credential, credential.key)
    for profile in (profiles.DDAS, profiles.DDAS_BODY, profiles.ADR_MESSAGE):
        plain = HttpRequest(method="POST", target=f"/v1?{CANARY}", fields=secret.fields, body=BODY)
        signer = Signer(credential, profile=profile)
        yield from (signer, AsyncSigner(credential, profile=profile), signer.sign(plain), profile)
    yield from (verifier, AsyncVerifier(trust=verifier.trust, policy=verifier.policy), verifier.trust, verifier.policy)
    verified = verifier.verify(forge(secret))
    yield from (verified, verified.signer, verified.notices, verified.revocation, verified.message)
    pending = verifier.verify_fields(forge(secret))
    yield from (pending, pending.signer, pending.body_digest(), pending.complete(BODY), pending.complete(digest))


def test_no_repr_and_no_str_holds_a_secret(
    credential: SigningCredential, verifier: Verifier, forge: Forge, secret: HttpRequest, issued: Issued
) -> None:
    shown = 0
    for value in everything_public(credential, verifier, forge, secret):
        for text in (repr(value), str(value), f"{value}", repr([value])):
            assert_nothing_secret(text, issued)
            shown += 1
    assert shown > 100


def test_a_request_shows_that_there_was_a_query_string_and_not_which(secret: HttpRequest) -> None:
    assert repr(secret) == (
        f"HttpRequest(method='POST', target='/v1/gegevens?…', fields=<Fields: 7 lines>, body=<{len(BODY)} octets>)"
    )


def test_a_request_in_absolute_form_does_not_show_the_password_in_its_target() -> None:
    request = HttpRequest(method="GET", target=f"https://user:{CANARY}@provider.example.test/v1?a=1")
    assert CANARY not in repr(request)
    assert "/v1?…" in repr(request)


def test_a_repr_quotes_and_cuts_what_a_certificate_says(
    hierarchy: Hierarchy, issued: Issued, verifier: Verifier, forge: Forge
) -> None:
    hostile = hierarchy.tsp.issue(
        key=issued.key, common_name="[bold]\u202e\x1b[31m" + "x" * 48, organization="[link=x]" * 8
    )
    verified = verifier.verify(forge(HttpRequest(method="POST", target="/", body=b""), signer=hostile))
    for value in (verified, verified.signer, verified.revocation, hostile.credential):
        assert [text for text in ("[bold]", "[link", "\u202e", "\x1b") if text in repr(value)] == []


def test_a_credential_is_not_pickled_by_accident(credential: SigningCredential) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(credential)


# --- errors ------------------------------------------------------------------------------------------------------


def shown_by(error: BaseException) -> str:
    """All that a person, a log or an error tracker sees of an exception, its causes included."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    parts = [repr(item) + str(item) + repr(item.args) + repr(vars(item)) for item in chain]
    # Source lines would show the canaries of this file.
    parts += [
        line for item in chain for line in traceback.TracebackException.from_exception(item).format_exception_only()
    ]
    return "\n".join(parts)


BAD_HEADERS: list[Callable[[dict[str, Any]], object]] = [
    lambda header: header.update(alg="none"),
    lambda header: header.update(b64=True),
    lambda header: header.update(crit=["b64"]),
    lambda header: header["sigD"].update(hashM="S256"),
    lambda header: header["sigD"].update(pars=["digest", "authorization", "cookie", "fsc-authorization"]),
    lambda header: header["sigD"].update(pars=["digest", "(request-target)"]),
    lambda header: header.update({"x5t#S256": "AAAA"}),
    lambda header: header.update(x5c=["AAAA"]),
    lambda header: header.update(iat=0),
    lambda header: header.update(iat=2**40),
]
BAD_MESSAGES: list[Callable[[HttpRequest], HttpRequest]] = [
    lambda message: message.with_body(BODY + b" "),
    lambda message: message.with_body(b""),
    lambda message: message.with_fields([("nlgov-adr-payload-sig", CANARY)]),
    lambda message: message.with_fields([("Payload-Signature", CANARY)]),
    lambda message: message.with_fields([("Digest", f"SHA-256={CANARY}")]),
    lambda message: message.with_fields([("Content-Digest", f"sha-256=:{CANARY}:")]),
    lambda message: HttpRequest(method="POST", target=message.target, fields=SECRET_FIELDS, body=BODY),
]


def test_no_refusal_holds_a_secret(
    verifying: Callable[..., Verifier], forge: Forge, secret: HttpRequest, issued: Issued
) -> None:
    policies: list[dict[str, Any]] = [{}, {"revocation": RevocationPolicy.HARD_FAIL}]
    policies += [{"signers": {Oin("00000003123456780000")}}, {"profiles": (profiles.DDAS_BODY,)}]
    messages = [change(forge(secret)) for change in BAD_MESSAGES]
    messages += [forge(secret, edit=edit) for edit in BAD_HEADERS]
    tried = [(verifying(), message) for message in messages]
    tried += [(verifying(**policy), forge(secret)) for policy in policies[1:]]
    for verifier, message in tried:
        with pytest.raises(NlgovJadesError) as caught:
            verifier.verify(message)
        assert_nothing_secret(shown_by(caught.value), issued)


@pytest.mark.parametrize(
    "pars", [[*MESSAGE_PARS, "authorization"], [*MESSAGE_PARS, "x-api-key", "cookie"]], ids=["authorization", "cookie"]
)
def test_no_refusal_holds_a_secret_that_is_covered(
    verifying: Callable[..., Verifier], forge: Forge, secret: HttpRequest, issued: Issued, pars: list[str]
) -> None:
    verifier = verifying(profiles=(profiles.ADR_MESSAGE,))
    plain = HttpRequest(method="POST", target=f"/v1?{CANARY}", fields=secret.fields, body=BODY)
    signed = forge(plain, field="nlgov-adr-message-sig", edit=lambda header: header["sigD"].update(pars=pars))
    assert verifier.verify(signed).covered == tuple(pars)
    spoiled = [
        HttpRequest(method="PUT", target=signed.target, fields=signed.fields, body=BODY),
        HttpRequest(method="POST", target=f"https://{CANARY}@a.example/?{CANARY}", fields=signed.fields, body=BODY),
        signed.with_fields([("authorization", f"{CANARY}\x00"), ("cookie", f"{CANARY}\u00e9")]),
        HttpRequest(method="POST", target=signed.target, fields=signed.fields, body=b"{}"),
    ]
    for message in spoiled:
        with pytest.raises(NlgovJadesError) as caught:
            verifier.verify(message)
        assert_nothing_secret(shown_by(caught.value), issued)


def test_no_message_that_cannot_be_signed_is_quoted(
    credential: SigningCredential, secret: HttpRequest, issued: Issued
) -> None:
    covering = Profile(
        id="covering",
        field_name="X-Covering-Sig",
        covers=profiles.HttpHeaders(
            mandatory=frozenset({"digest", "authorization"}), order=("digest", "authorization")
        ),
    )
    tried = [
        (profiles.DDAS, secret.with_fields([("nlgov-adr-payload-sig", CANARY)])),
        (profiles.DDAS, secret.with_fields([("Digest", f"SHA-256={CANARY}")])),
        (profiles.DDAS, secret.with_fields([("Digest", "md5=abcd")])),
        (profiles.DDAS, secret.with_body(BodyDigest([DigestAlgorithm.SHA_512]))),
        (profiles.DDAS_BODY, secret.with_body(BodyDigest())),
        (profiles.ADR_MESSAGE, secret.with_fields([("Host", f"{CANARY}\u00e9")])),
        (profiles.ADR_MESSAGE, HttpRequest(method="POST", target=f"*{CANARY}", body=BODY)),
        (covering, secret.with_fields([("Authorization", f"{CANARY}\x00")])),
        (covering, HttpRequest(method="POST", target="/", body=BODY)),
    ]
    for profile, message in tried:
        with pytest.raises(NlgovJadesError) as caught:
            Signer(credential, profile=profile).sign(message)
        assert_nothing_secret(shown_by(caught.value), issued)


def test_no_configuration_error_holds_a_key_or_password(issued: Issued, stranger: Hierarchy) -> None:
    encrypted, text = issued.key_pem(PASSWORD), issued.key_pem().decode()
    broken = "".join(text.splitlines(keepends=True)[:-2]).encode()
    tried: list[Callable[[], object]] = [
        lambda: SigningCredential.from_pem(encrypted, issued.chain_pem),
        lambda: SigningCredential.from_pem(encrypted, issued.chain_pem, password=PASSWORD + b"x"),
        lambda: SigningCredential.from_pem(issued.key_pem(), issued.chain_pem, password=PASSWORD),
        lambda: SigningCredential.from_pem(broken, issued.chain_pem),
        lambda: SigningCredential.from_pem(CANARY.encode(), issued.chain_pem),
        lambda: SigningCredential.from_pem(issued.key_pem(), CANARY.encode()),
        lambda: SigningCredential.from_pem(issued.key_pem(), stranger.tsp.chain_pem),
        lambda: SigningCredential.from_pkcs12(issued.pkcs12(PASSWORD), PASSWORD + b"x"),
        lambda: SigningCredential.from_pkcs12(CANARY.encode(), PASSWORD),
        lambda: HttpRequest(method="POST", target="/", fields=[("Authorization", f"{CANARY}\u20ac")]),
        lambda: HttpRequest(method="POST", target="/", fields=[("Authorization", f"{CANARY}", "more")]),  # type: ignore[list-item]  # the mistake under test
        lambda: HttpRequest(method="POST", target="/", body=CANARY),  # type: ignore[arg-type]  # the same
    ]
    for call in tried:
        with pytest.raises(NlgovJadesError) as caught:
            call()
        assert_nothing_secret(shown_by(caught.value), issued)


# --- warnings and logs -------------------------------------------------------------------------------------------


@pytest.fixture
def wide(hierarchy: Hierarchy, issued: Issued) -> Issued:
    """A signer whose signatures are long enough for a warning."""
    extension = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(2_000))
    return hierarchy.tsp.issue(key=issued.key, more_extensions=[(extension, False)])


def test_nothing_is_logged_or_printed_and_no_warning_holds_a_secret(
    verifier: Verifier,
    wide: Issued,
    secret: HttpRequest,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        signer = Signer(wide.credential, profile=profiles.DDAS, clock=verifier._clock, kid="k")
        signed = secret.with_fields(signer.sign(secret))
        assert verifier.verify(signed).body == BODY
        with pytest.raises(NlgovJadesError):
            verifier.verify(signed.with_body(b"{}"))
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    assert [warning.category for warning in caught] == [NlgovJadesWarning]
    assert_nothing_secret(str(caught[0].message), wide)
