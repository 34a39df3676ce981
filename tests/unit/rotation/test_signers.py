"""RotatingSigner and AsyncRotatingSigner: which credential a message is signed with, and what they do with a bad one."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from nlgov_jades import AsyncSigner, HttpRequest, Signer, SigningCredential, profiles
from nlgov_jades.errors import ConfigurationError, MessageNotSignableError, SigningError
from nlgov_jades.notice import NlgovJadesWarning
from nlgov_jades.rotation import (
    AsyncRotatingSigner,
    CredentialFiles,
    CredentialSource,
    FixedCredential,
    Reading,
    RotatingSigner,
)
from nlgov_jades.testing import Issued

from .conftest import Hand, Issue, Pair, Told

OOTS = profiles.OOTS_RESPONSE


class Shelf:
    """A source whose credential a test replaces."""

    def __init__(self, credential: SigningCredential) -> None:
        self.credential = credential
        self.asked = 0

    def current(self) -> SigningCredential:
        self.asked += 1
        return self.credential


def header_of(value: str) -> dict[str, Any]:
    encoded = value.partition("..")[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return header


def signed_by(signer: RotatingSigner, message: HttpRequest, issued: Issued) -> bool:
    leaf = base64.b64decode(header_of(signer.sign(message).signature)["x5c"][0])
    return x509.load_der_x509_certificate(leaf) == issued.certificate


@pytest.fixture
def shelf(second: Issued) -> Shelf:
    return Shelf(second.credential)


@pytest.fixture
def signer(shelf: Shelf, hand: Hand) -> RotatingSigner:
    return RotatingSigner(shelf, profile=OOTS, clock=hand)


@pytest.fixture(scope="session")
def third(issue: Issue) -> Issued:
    made: Issued = issue(-1, 300)
    return made


@pytest.fixture(scope="session")
def wide(issue: Issue) -> Issued:
    """A certificate that makes the field longer than common servers accept."""
    extension = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(2_500))
    made: Issued = issue(-1, 300, more_extensions=[(extension, False)])
    return made


# --- which credential --------------------------------------------------------------------------------------------


def test_the_source_is_asked_at_each_message(
    signer: RotatingSigner, shelf: Shelf, second: Issued, third: Issued, request_message: HttpRequest
) -> None:
    assert signed_by(signer, request_message, second)
    shelf.credential = third.credential
    assert signed_by(signer, request_message, third)
    assert shelf.asked == 3


def test_one_signer_is_made_for_each_credential(
    signer: RotatingSigner, shelf: Shelf, third: Issued, request_message: HttpRequest
) -> None:
    made = [signer._in_use.signer]
    for credential in (shelf.credential, third.credential):
        shelf.credential = credential
        for _ in range(3):
            signer.sign(request_message)
            made.append(signer._in_use.signer)
    assert len({id(item) for item in made}) == 2


def test_files_that_change_change_the_signature(pair: Pair, request_message: HttpRequest) -> None:
    pair.put(pair.first)
    signer = RotatingSigner(
        CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE), profile=OOTS, clock=pair.hand
    )
    assert signed_by(signer, request_message, pair.first)
    pair.put(pair.second)
    pair.hand.forward(seconds=10)
    assert signed_by(signer, request_message, pair.second)


def test_profile_and_credential_are_those_of_the_last_message(
    signer: RotatingSigner, shelf: Shelf, second: Issued, third: Issued, request_message: HttpRequest
) -> None:
    assert signer.profile is OOTS
    assert signer.credential is shelf.credential
    shelf.credential = third.credential
    assert signer.credential.chain == second.chain
    signer.sign(request_message)
    assert signer.credential is shelf.credential
    assert repr(signer) == f"<RotatingSigner: oots-response, {shelf.credential!r}>"


def test_the_options_are_those_of_a_signer_and_hold_for_every_credential(
    shelf: Shelf, third: Issued, hand: Hand, request_message: HttpRequest
) -> None:
    codings = {"identity", "gzip"}
    signer = RotatingSigner(
        shelf,
        profile=OOTS,
        clock=hand,
        send_chain="leaf",
        kid="k",
        header_form="profile-only",
        content_encodings=codings,
        max_field_length=9_000,
    )
    codings.clear()
    packed = request_message.with_fields([("Content-Encoding", "gzip")])
    for credential in (shelf.credential, third.credential):
        shelf.credential = credential
        header = header_of(signer.sign(packed).signature)
        assert (header["kid"], len(header["x5c"]), "iat" in header) == ("k", 1, False)


def test_an_error_of_the_message_is_that_of_a_signer(signer: RotatingSigner, request_message: HttpRequest) -> None:
    with pytest.raises(MessageNotSignableError):
        signer.sign(request_message.with_fields(signer.sign(request_message)))


def test_an_expired_certificate_signs_nothing(
    shelf: Shelf, first: Issued, hand: Hand, request_message: HttpRequest
) -> None:
    shelf.credential = first.credential
    signer = RotatingSigner(shelf, profile=OOTS, clock=hand)
    hand.forward(days=41)
    with pytest.raises(SigningError, match="expired on 2026-07-25T12:00:00Z"):
        signer.sign(request_message)


def test_a_fixed_credential_is_a_source(second: Issued, hand: Hand, request_message: HttpRequest) -> None:
    source: CredentialSource = FixedCredential(second.credential)
    assert signed_by(RotatingSigner(source, profile=OOTS, clock=hand), request_message, second)
    assert "PRIVATE" not in repr(source)
    with pytest.raises(ConfigurationError, match=r"^a FixedCredential is made of a SigningCredential"):
        FixedCredential(second)  # type: ignore[arg-type]  # the mistake under test


# --- the start ---------------------------------------------------------------------------------------------------


def test_a_first_credential_that_cannot_be_used_is_refused(shelf: Shelf, credential: SigningCredential) -> None:
    shelf.credential = credential
    with pytest.raises(ConfigurationError, match=r"^profile oots-response signs with ES256; the key is for PS256"):
        RotatingSigner(shelf, profile=OOTS)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("kid", ""),
        ("send_chain", "all"),
        ("header_form", "long"),
        ("content_encodings", "gzip"),
        ("content_encodings", None),
        ("content_encodings", []),
        ("profile", "oots-response"),
        ("max_field_length", 10),
    ],
    ids=str,
)
def test_an_option_that_a_signer_refuses_is_refused(shelf: Shelf, option: str, value: Any) -> None:
    options: dict[str, Any] = {"profile": OOTS, option: value}
    with pytest.raises(ConfigurationError) as expected:
        Signer(shelf.credential, **options)
    with pytest.raises(ConfigurationError) as caught:
        RotatingSigner(shelf, **options)
    assert str(caught.value) == str(expected.value)


def test_a_credential_itself_is_no_source(second: Issued) -> None:
    with pytest.raises(ConfigurationError, match="CredentialFiles or FixedCredential"):
        RotatingSigner(second.credential, profile=OOTS)  # type: ignore[arg-type]  # the mistake under test


# --- a new credential that cannot be used ------------------------------------------------------------------------


def test_a_key_for_another_algorithm_is_told_once_and_the_old_one_goes_on(
    signer: RotatingSigner,
    shelf: Shelf,
    credential: SigningCredential,
    request_message: HttpRequest,
    told: Told,
) -> None:
    before = shelf.credential
    shelf.credential = credential
    for _ in range(3):
        signer.sign(request_message)
        assert signer.credential is before
    (line,) = told()
    assert line == (
        "ERROR the new credential cannot be used, and that of OIN 00000001002220647000 stays: profile oots-response "
        "signs with ES256; the key is for PS256"
    )


def test_after_one_that_cannot_be_used_the_next_one_is_tried(
    signer: RotatingSigner,
    shelf: Shelf,
    credential: SigningCredential,
    third: Issued,
    request_message: HttpRequest,
) -> None:
    shelf.credential = credential
    signer.sign(request_message)
    shelf.credential = third.credential
    assert signed_by(signer, request_message, third)


def test_one_that_cannot_be_used_does_not_make_an_expired_one_sign(
    shelf: Shelf, first: Issued, credential: SigningCredential, hand: Hand, request_message: HttpRequest
) -> None:
    shelf.credential = first.credential
    signer = RotatingSigner(shelf, profile=OOTS, clock=hand)
    shelf.credential = credential
    hand.forward(days=41)
    with pytest.raises(SigningError, match="expired on"):
        signer.sign(request_message)


def test_a_chain_that_makes_the_field_too_long_is_not_used(
    shelf: Shelf, wide: Issued, hand: Hand, request_message: HttpRequest, told: Told
) -> None:
    before = shelf.credential
    signer = RotatingSigner(shelf, profile=OOTS, clock=hand, max_field_length=7_500)
    shelf.credential = wide.credential
    signer.sign(request_message)
    assert signer.credential is before
    (line,) = told()
    assert "the signature field would be" in line


def test_where_warnings_are_errors_a_long_field_is_not_used_either(
    signer: RotatingSigner, shelf: Shelf, wide: Issued, request_message: HttpRequest, told: Told
) -> None:
    before = shelf.credential
    shelf.credential = wide.credential
    signer.sign(request_message)  # warnings are errors in these tests
    assert signer.credential is before
    (line,) = told()
    assert line.startswith("ERROR ")


def test_where_they_are_not_it_is_used_with_a_warning(
    signer: RotatingSigner, shelf: Shelf, wide: Issued, request_message: HttpRequest, told: Told
) -> None:
    shelf.credential = wide.credential
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert signed_by(signer, request_message, wide)
    assert [warning.category for warning in caught] == [NlgovJadesWarning]
    assert told() == []


def test_what_is_no_credential_is_told_and_the_old_one_goes_on(
    signer: RotatingSigner, shelf: Shelf, second: Issued, request_message: HttpRequest, told: Told
) -> None:
    shelf.credential = None  # type: ignore[assignment]  # the mistake under test
    assert signed_by(signer, request_message, second)
    (line,) = told()
    assert line.endswith("a signer is made of a SigningCredential and a Profile")


# --- a source that fails -----------------------------------------------------------------------------------------


def test_what_a_source_raises_is_the_cause_of_a_signing_error(
    signer: RotatingSigner, shelf: Shelf, request_message: HttpRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    cause: Exception = RuntimeError("vault is sealed")

    def failing() -> SigningCredential:
        raise cause

    monkeypatch.setattr(shelf, "current", failing)
    with pytest.raises(SigningError, match=r"^the credential source gave no credential$") as caught:
        signer.sign(request_message)
    assert caught.value.__cause__ is cause
    cause = ConfigurationError("a time is a datetime with a time zone")
    with pytest.raises(ConfigurationError, match=r"^a time is a datetime"):
        signer.sign(request_message)


# --- awaited -----------------------------------------------------------------------------------------------------


def test_an_asynchronous_signer_follows_its_source(
    shelf: Shelf, third: Issued, credential: SigningCredential, hand: Hand, request_message: HttpRequest
) -> None:
    async def main() -> None:
        signer = AsyncRotatingSigner(shelf, profile=OOTS, clock=hand)
        for new in (shelf.credential, third.credential):
            shelf.credential = new
            signed = await signer.sign(request_message)
            assert header_of(signed.signature)["x5c"][0] == base64.b64encode(new.chain_der[0]).decode()
            assert signer.credential is new
        shelf.credential = credential
        await signer.sign(request_message)
        assert signer.credential.chain == third.chain
        assert isinstance(signer._in_use.signer, AsyncSigner)
        assert repr(signer).startswith("<AsyncRotatingSigner: oots-response, ")

    asyncio.run(main())


def test_an_asynchronous_signer_follows_keys_that_are_awaited(
    second: Issued, hand: Hand, request_message: HttpRequest
) -> None:
    class Remote:
        async def sign_digest(self, digest: bytes, *, algorithm: str) -> bytes:
            signature = second.credential.key.sign_digest(digest, algorithm=algorithm)
            assert isinstance(signature, bytes)
            return signature

    async def main() -> None:
        credential = await SigningCredential.from_async_key(Remote(), second.chain)
        signer = AsyncRotatingSigner(FixedCredential(credential), profile=OOTS, clock=hand)
        assert len(await signer.sign(request_message)) == 2

    asyncio.run(main())


# --- log handlers ------------------------------------------------------------------------------------------------


class SigningHandler(logging.Handler):
    """Sends log lines as signed messages, so that to log means to sign."""

    def __init__(self) -> None:
        super().__init__()
        self.sign: Callable[[], object] = lambda: None
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.sign()


def test_a_log_handler_may_sign_what_it_sends(
    pair: Pair, credential: SigningCredential, issued: Issued, request_message: HttpRequest
) -> None:
    handler = SigningHandler()
    logger = logging.getLogger("nlgov_jades.rotation")
    logger.addHandler(handler)
    try:
        pair.put(pair.first)
        source = CredentialFiles(
            pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE, check_every=dt.timedelta(0)
        )
        signer = RotatingSigner(source, profile=OOTS, clock=pair.hand)
        handler.sign = lambda: signer.sign(request_message)
        pair.put_key(b"garbage")
        signer.sign(request_message)
        pair.hand.forward(days=20)
        signer.sign(request_message)
        pair.put(issued)  # RSA
        signer.sign(request_message)
    finally:
        logger.removeHandler(handler)
    assert [line.rpartition(": ")[2] for line in handler.lines] == [
        "no PEM, damaged, of an unknown type, or another password; the credential in use stays",
        "20; install its successor",
        "profile oots-response signs with ES256; the key is for PS256",
    ]
    assert source.current().algorithm is credential.algorithm
