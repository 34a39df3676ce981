"""The encoded protected header of a signer is the same octets, however it was put together."""

from __future__ import annotations

import hashlib

import pytest

from nlgov_jades import profiles
from nlgov_jades.encoding import base64url_encode
from nlgov_jades.jades import build_header
from nlgov_jades.template import HeaderTemplate


def header(kid: str, iat: int | None) -> bytes:
    return build_header(
        profile=profiles.DDAS, kid=kid, certificates=[b"leaf", b"issuer!"], pars=["digest"], iat=iat, reference={}
    )


def encoded(template: HeaderTemplate, iat: int) -> bytes:
    return template.text.encode("ascii") + template.rest(iat)


@pytest.mark.parametrize("kid", ["", "a", "ab", "abc", '"iat":9999999999', '\\"iat":9999999999,"', "k\u00e9y"])
@pytest.mark.parametrize("iat", [-2, -1, 0, 1, 1795319525, 9_999_999_999, 10_000_000_000])
def test_what_was_encoded_once_is_what_would_be_encoded_now(kid: str, iat: int) -> None:
    template = HeaderTemplate(lambda time: header(kid, time))
    assert encoded(template, iat) == base64url_encode(header(kid, iat))
    assert encoded(template, iat + 1) == base64url_encode(header(kid, iat + 1))
    assert encoded(template, iat) == encoded(template, iat) == base64url_encode(header(kid, iat))


@pytest.mark.parametrize("kid", ["", "a", "ab", "abc"])
def test_a_header_without_iat_is_encoded_whole(kid: str) -> None:
    for iat in (-1, 1795319525):
        template = HeaderTemplate(lambda _: header(kid, None))
        assert encoded(template, iat) == base64url_encode(header(kid, None))


@pytest.mark.parametrize("kid", ["", "a", "ab", "abc"])
def test_each_message_gets_a_hash_of_its_own_of_what_is_the_same(kid: str) -> None:
    template = HeaderTemplate(lambda time: header(kid, time))
    for _ in range(2):
        hasher = template.hasher()
        assert hasher.digest() == hashlib.sha256(template.text.encode("ascii")).digest()
        hasher.update(b"one message")
