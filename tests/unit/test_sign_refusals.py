"""What a signer refuses because no verifier would accept it."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Callable

import pytest

from nlgov_jades import HttpRequest, HttpResponse, Signer, SigningCredential, profiles
from nlgov_jades.clock import Clock
from nlgov_jades.errors import ConfigurationError, MessageNotSignableError, SigningError
from nlgov_jades.testing import Hierarchy


@pytest.fixture
def signer(credential: SigningCredential, clock: Clock) -> Signer:
    return Signer(credential, profile=profiles.DDAS, clock=clock)


@pytest.mark.parametrize("status", [206, 304])
def test_an_answer_without_its_whole_body_is_not_signed(signer: Signer, status: int) -> None:
    with pytest.raises(MessageNotSignableError, match=f"status {status}"):
        signer.sign(HttpResponse(status=status))


@pytest.mark.parametrize("name", ["Content-Type ", "", "a\r\nb"])
def test_a_message_with_a_name_that_is_no_token_is_not_signed(
    signer: Signer, request_message: HttpRequest, name: str
) -> None:
    with pytest.raises(MessageNotSignableError, match="a field with the name"):
        signer.sign(request_message.with_fields([(name, "x")]))


def test_a_digest_without_sha_256_is_not_kept(signer: Signer, request_message: HttpRequest) -> None:
    assert isinstance(request_message.body, bytes)
    value = base64.b64encode(hashlib.sha512(request_message.body).digest()).decode()
    with pytest.raises(MessageNotSignableError, match="without SHA-256"):
        signer.sign(request_message.with_fields([("Digest", f"SHA-512={value}")]))


@pytest.mark.parametrize("days", [-400, 4000])
def test_nothing_is_signed_outside_the_validity_of_the_certificate(
    credential: SigningCredential, request_message: HttpRequest, clock: Clock, days: int
) -> None:
    other = clock() + dt.timedelta(days=days)
    with pytest.raises(SigningError, match="nobody would accept the signature"):
        Signer(credential, profile=profiles.DDAS, clock=lambda: other).sign(request_message)


def test_a_pkcs12_file_given_as_text_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="are bytes"):
        SigningCredential.from_pkcs12("text", b"x")  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize("password", [b"ge\0heim", "geheim".encode("utf-16")])
def test_a_password_that_is_no_utf_8_text_is_refused_before_any_parser_sees_it(
    hierarchy: Hierarchy, password: bytes
) -> None:
    issued = hierarchy.tsp.issue()
    makers: list[Callable[[], SigningCredential]] = [
        lambda: SigningCredential.from_pkcs12(issued.pkcs12(b"geheim"), password),
        lambda: SigningCredential.from_pem(issued.key_pem(b"geheim"), issued.chain_pem, password=password),
    ]
    for make in makers:
        with pytest.raises(ConfigurationError, match="not UTF-8") as caught:
            make()
        assert "heim" not in str(caught.value)
