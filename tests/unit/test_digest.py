"""Digest and Content-Digest: what may vouch for a body, and what never does."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import cast

import pytest

from nlgov_jades.digest import (
    MAX_DIGEST_FIELD,
    BodyDigest,
    DigestAlgorithm,
    compare,
    digest_field_value,
    parse_content_digest,
    parse_digest,
)
from nlgov_jades.errors import (
    ConfigurationError,
    DigestMismatchError,
    MalformedSignatureError,
    UnsupportedAlgorithmError,
    VerificationError,
)

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]
Parser = Callable[[str], Mapping[DigestAlgorithm, bytes]]

SHA_256, SHA_512 = DigestAlgorithm.SHA_256, DigestAlgorithm.SHA_512
BODY = b'{"hello": "world"}\n'
OCTETS = {SHA_256: hashlib.sha256(BODY).digest(), SHA_512: hashlib.sha512(BODY).digest()}
B256 = base64.b64encode(OCTETS[SHA_256]).decode()
B512 = base64.b64encode(OCTETS[SHA_512]).decode()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        # RFC 9530 appendix B.1 and B.2, in the form of RFC 3230.
        (b'{"hello": "world"}\n', "SHA-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="),
        (b"", "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ],
)
def test_the_value_that_is_emitted_is_that_of_the_published_examples(body: bytes, value: str) -> None:
    assert digest_field_value(body) == value
    passing = BodyDigest()
    passing.update(body)
    assert digest_field_value(passing) == value


@pytest.mark.parametrize(
    ("value", "algorithms"),
    [
        (f"SHA-256={B256}", {SHA_256}),
        (f"sha-256={B256}", {SHA_256}),
        (f"ShA-256={B256}", {SHA_256}),
        (f"SHA-512={B512}", {SHA_512}),
        (f"SHA-256={B256},SHA-512={B512}", {SHA_256, SHA_512}),
        (f"SHA-512={B512} ,\t SHA-256={B256}", {SHA_256, SHA_512}),
        # Weak and unknown ones are passed over, whatever they hold.
        (f"MD5=HUXZLQLMuI/KZ5KDcJPcOA==,SHA=x,unixsum=30637,SHA-256={B256}", {SHA_256}),
        (f"SHA-256={B256},id-sha-256=x,UNIXcksum=1,ADLER32=2,crc32c=3", {SHA_256}),
    ],
)
def test_the_strong_digests_of_a_digest_field_are_read(value: str, algorithms: set[DigestAlgorithm]) -> None:
    assert parse_digest(value) == {algorithm: OCTETS[algorithm] for algorithm in algorithms}


@pytest.mark.parametrize(
    ("value", "algorithms"),
    [
        (f"sha-256=:{B256}:", {SHA_256}),
        (f"sha-512=:{B512}:, sha-256=:{B256}:", {SHA_256, SHA_512}),
        (f"md5=:1B2M2Y8AsgTpgAmY7PhCfg==:, sha-256=:{B256}:", {SHA_256}),
        (f"unixsum=::, sha-256=:{B256}:", {SHA_256}),
    ],
)
def test_the_strong_digests_of_a_content_digest_field_are_read(value: str, algorithms: set[DigestAlgorithm]) -> None:
    assert parse_content_digest(value) == {algorithm: OCTETS[algorithm] for algorithm in algorithms}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("SHA-256", id="no value"),
        pytest.param("SHA-256=", id="empty value"),
        pytest.param(f"={B256}", id="no name"),
        pytest.param(f"SHA-256 ={B256}", id="space before the sign"),
        pytest.param(f"SHA-256= {B256}", id="space behind the sign"),
        pytest.param(f"SHA-256={B256};q=1", id="parameter of another field, not base64"),
        pytest.param(f"SHA-256={B256},", id="comma at the end"),
        pytest.param(f",SHA-256={B256}", id="comma first"),
        pytest.param(f"SHA-256={B256},,MD5=x", id="empty item"),
        pytest.param(f"SHA-256={B256}\n", id="line feed"),
        pytest.param(f'SHA-256="{B256}"', id="quoted"),
        pytest.param(f"SHA-256=:{B256}:", id="form of Content-Digest"),
        pytest.param(f"SHA-256={B256[:-1]}", id="no padding"),
        pytest.param(f"SHA-256={B256.replace('/', '_').replace('+', '-')}", id="base64url"),
        pytest.param("SHA-256=" + B256[:-2] + "h=", id="unused bits are set"),
        pytest.param(f"SHA-256={B512}", id="digest of another length"),
        pytest.param(f"SHA-512={B256}", id="shorter digest"),
        pytest.param("SHA-256=" + hashlib.sha256(BODY).hexdigest(), id="hexadecimal"),
        pytest.param(f"SHA-256={B256},SHA-256={B256}", id="twice the same"),
        pytest.param(f"SHA-256={B256},sha-256={B256}", id="twice in two spellings"),
        pytest.param(f"SHA-256={B256},MD5=x,md5=y", id="a weak one twice"),
        pytest.param(f"SHA-256={B256},MD5=", id="a weak one without a value"),
        pytest.param(f"\u017fHA-256={B256}", id="long s"),
    ],
)
def test_a_digest_field_of_another_form_is_refused(refused: Refused, value: str) -> None:
    with refused(MalformedSignatureError, "Digest"):
        parse_digest(value)


@pytest.mark.parametrize("length", [*range(38, 43), *range(44, 49)])
def test_a_digest_that_is_longer_or_shorter_is_refused(refused: Refused, length: int) -> None:
    for padding in ("", "=", "=="):
        with refused(MalformedSignatureError, "SHA-256 in Digest"):
            parse_digest(f"SHA-256={'A' * length}{padding}")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(f"SHA-256=:{B256}:", id="upper case"),
        pytest.param(f"sha-256={B256}", id="form of Digest"),
        pytest.param(f"sha-256=:{B256}", id="open"),
        pytest.param(f"sha-256=:{B256}:;p=1", id="parameter"),
        pytest.param("sha-256", id="boolean"),
        pytest.param(f"sha-256=(:{B256}:)", id="inner list"),
        pytest.param(f"sha-256=:{B256}:,", id="comma at the end"),
        pytest.param("sha-256=::", id="empty value"),
        pytest.param(f"sha-256=:{B256[:-1]}:", id="no padding"),
        pytest.param(f"sha-256=:{B256}:, sha-256=:{B256}:", id="twice"),
        pytest.param(f"sha-256=:{B512}:", id="digest of another length"),
    ],
)
def test_a_content_digest_field_of_another_form_is_refused(refused: Refused, value: str) -> None:
    with refused(MalformedSignatureError, "Content-Digest"):
        parse_content_digest(value)


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        (parse_digest, "MD5=HUXZLQLMuI/KZ5KDcJPcOA=="),
        (parse_digest, "SHA=thvDyvhfIqlvFe+A9MYgxAfm1q5="),
        (parse_digest, "unixsum=30637"),
        (parse_digest, f"SHA-384={B512}"),
        (parse_digest, f"id-sha-256={B256}"),
        (parse_digest, f"SHA256={B256}"),
        (parse_digest, f"XSHA-256={B256}"),
        (parse_content_digest, "md5=:HUXZLQLMuI/KZ5KDcJPcOA==:"),
        (parse_content_digest, "sha=:thvDyvhfIqlvFe+A9MYgxAfm1q5=:"),
    ],
)
def test_weak_and_unknown_digests_alone_never_suffice(refused: Refused, parse: Parser, value: str) -> None:
    with refused(UnsupportedAlgorithmError, "holds neither SHA-256 nor SHA-512"):
        parse(value)


@pytest.mark.parametrize("parse", [parse_digest, parse_content_digest])
def test_a_field_is_measured_before_it_is_read(refused: Refused, parse: Parser) -> None:
    with refused(UnsupportedAlgorithmError, "holds neither"):
        parse("a=" + (":x:" if parse is parse_content_digest else "x" * (MAX_DIGEST_FIELD - 2)))
    with refused(MalformedSignatureError, "is longer than 2048 characters"):
        parse("a=" + "x" * (MAX_DIGEST_FIELD - 1))


@pytest.mark.parametrize("stated", [{SHA_256}, {SHA_512}, {SHA_256, SHA_512}])
def test_a_body_with_the_stated_digests_is_accepted(stated: set[DigestAlgorithm]) -> None:
    passing = BodyDigest(stated)
    passing.update(BODY)
    for body in (BODY, passing):
        compare({algorithm: OCTETS[algorithm] for algorithm in stated}, body)


@pytest.mark.parametrize("wrong", [SHA_256, SHA_512])
def test_every_stated_digest_must_be_that_of_the_body(refused: Refused, wrong: DigestAlgorithm) -> None:
    changed = bytes([OCTETS[wrong][0] ^ 1]) + OCTETS[wrong][1:]
    with refused(DigestMismatchError, f"{wrong.value} in Digest is not that of the body"):
        compare({**OCTETS, wrong: changed}, BODY)


@pytest.mark.parametrize("octets", [b"", OCTETS[SHA_256][:31], OCTETS[SHA_256] + b"\x00"])
def test_a_digest_of_another_length_is_not_that_of_the_body(refused: Refused, octets: bytes) -> None:
    with refused(DigestMismatchError, "SHA-256"):
        compare({SHA_256: octets}, BODY)


def test_a_mismatch_names_its_field_and_shows_neither_body_nor_digest(refused: Refused) -> None:
    with refused(DigestMismatchError, "SHA-256 in Content-Digest") as caught:
        compare({SHA_256: OCTETS[SHA_256]}, b"another body", "Content-Digest")
    assert "another" not in caught.value.detail
    assert B256 not in caught.value.detail


def test_nothing_stated_accepts_nothing() -> None:
    with pytest.raises(ConfigurationError, match="no digest was given"):
        compare({}, BODY)


def test_a_body_that_passes_in_pieces_has_the_same_digests() -> None:
    passing = BodyDigest([SHA_256, SHA_512])
    for piece in (b"", BODY[:5], bytearray(BODY[5:9]), memoryview(BODY)[9:]):
        passing.update(piece)
    assert passing.length == len(BODY)
    assert passing.algorithms == {SHA_256, SHA_512}
    assert {algorithm: passing.value(algorithm) for algorithm in OCTETS} == OCTETS


def test_a_view_of_wider_items_counts_octets() -> None:
    passing = BodyDigest()
    passing.update(memoryview(b"abcdefgh").cast("I"))
    assert passing.length == 8
    assert passing.value(SHA_256) == hashlib.sha256(b"abcdefgh").digest()


def test_an_algorithm_that_was_not_fed_is_an_error_of_ours_and_not_a_mismatch() -> None:
    passing = BodyDigest([SHA_256])
    passing.update(BODY)
    with pytest.raises(ConfigurationError, match="was not fed with SHA-512"):
        compare(OCTETS, passing)
    with pytest.raises(ConfigurationError, match="was not fed with SHA-256"):
        digest_field_value(BodyDigest([SHA_512]))


@pytest.mark.parametrize("algorithms", [(), [], ["SHA-256"], "SHA-256", (SHA_256, None), None, 256])
def test_a_body_digest_without_known_algorithms_cannot_be_made(algorithms: object) -> None:
    with pytest.raises(ConfigurationError, match="needs at least one DigestAlgorithm"):
        BodyDigest(cast("list[DigestAlgorithm]", algorithms))


def test_a_body_digest_shows_what_it_computes_and_over_how_much() -> None:
    assert repr(BodyDigest([SHA_256, SHA_512])) == "<BodyDigest: SHA-256, SHA-512 over 0 octets>"


def test_an_algorithm_named_twice_is_computed_once() -> None:
    passing = BodyDigest([SHA_256, SHA_256])
    passing.update(BODY)
    assert passing.value(SHA_256) == OCTETS[SHA_256]
    assert repr(passing) == f"<BodyDigest: SHA-256 over {len(BODY)} octets>"


@pytest.mark.parametrize(("algorithm", "length"), [(SHA_256, 32), (SHA_512, 64)])
def test_an_algorithm_knows_the_length_of_its_digest(algorithm: DigestAlgorithm, length: int) -> None:
    assert algorithm.length == length == len(OCTETS[algorithm])
