"""Properties of the parsers: on any input they return or raise what is ours, and one value has one spelling.

Deterministic: the examples are derived from the tests, and nothing is stored.
"""

from __future__ import annotations

import base64
import itertools
import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nlgov_jades import BodyDigest, Fields, Kvk, Oin, profiles
from nlgov_jades.digest import DigestAlgorithm, compare, digest_field_value, parse_content_digest, parse_digest
from nlgov_jades.encoding import base64_decode, base64url_decode, base64url_encode, json_object
from nlgov_jades.errors import (
    ConfigurationError,
    MalformedSignatureError,
    NlgovJadesError,
    VerificationError,
    quoted,
)
from nlgov_jades.jades import (
    check_algorithm,
    check_critical,
    check_parameters,
    check_references,
    read_certificates,
    read_pars,
    read_times,
    read_x5c,
)
from nlgov_jades.jws import base64url_pieces, parse_detached, serialize
from nlgov_jades.pki.certificate import UnreadableCertificateError, load_der, load_pem_bundle
from nlgov_jades.profiles import Profile
from nlgov_jades.testing import Issued

bounded = settings(deadline=None, derandomize=True, database=None, max_examples=120)

BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(
    ["alg", "kid", "typ", "b64", "crit", "sigD", "x5c", "x5t#S256", "x5t#o", "sigX5ts", "iat", "sigT", "exp", "x"]
)
digest_objects = st.fixed_dictionaries(
    {"digAlg": st.sampled_from(["S256", "S384", "S512", "S1"]) | values, "digVal": st.text(BASE64URL) | values}
)
sigds = st.fixed_dictionaries(
    {"mId": st.just("http://uri.etsi.org/19182/HttpHeaders") | values, "pars": st.lists(st.text(max_size=8)) | values}
)
headers = st.dictionaries(
    names,
    values
    | digest_objects
    | sigds
    | st.lists(digest_objects, max_size=3)
    | st.lists(names, max_size=5)
    | st.lists(st.text(BASE64URL + "+/=", max_size=40), max_size=6)
    | st.sampled_from(["2026-06-15T12:00:00Z", "2026-02-30T12:00:00Z", "PS256", "JOSE", 253402300800]),
    max_size=8,
)
octets = st.binary(max_size=200)
texts = st.text(max_size=200)


def outcome(parse: Callable[[], object], *kinds: type[Exception]) -> Any:
    """What it returns, or `None` when it raises one of these: made by us, without the error of a parser behind it."""
    try:
        return parse()
    except kinds as error:
        caught: Exception = error
    assert isinstance(caught, NlgovJadesError | UnreadableCertificateError)
    assert caught.__cause__ is None
    assert caught.__suppress_context__ or isinstance(caught.__context__, NlgovJadesError | None)
    return None


# --- base64 and JSON -----------------------------------------------------------------------------------------


@bounded
@given(octets)
def test_octets_survive_base64url(data: bytes) -> None:
    encoded = base64url_encode(data)
    assert encoded == base64.urlsafe_b64encode(data).rstrip(b"=")
    if data:
        assert base64url_decode(encoded, "it") == data


@bounded
@given(octets | st.text(BASE64URL).map(str.encode))
@example(b"")
def test_base64url_that_is_read_has_one_spelling(data: bytes) -> None:
    decoded = outcome(lambda: base64url_decode(data, "it"), MalformedSignatureError)
    assert decoded is None or base64url_encode(decoded) == data


@bounded
@given(texts | st.text(BASE64URL + "+/=") | octets.map(lambda data: base64.b64encode(data).decode()))
def test_base64_that_is_read_has_one_spelling(data: str) -> None:
    decoded = outcome(lambda: base64_decode(data, "it"), MalformedSignatureError)
    assert decoded is None or base64.b64encode(decoded).decode() == data


@bounded
@given(
    octets
    | texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | values.map(lambda v: json.dumps(v).encode())
)
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"a":"' + b"\\" * 99_999)
def test_json_that_is_read_is_an_object_without_nan(data: bytes) -> None:
    value = outcome(lambda: json_object(data, "it"), MalformedSignatureError)
    if value is not None:
        assert isinstance(value, dict)
        assert value == json.loads(data)
        json.dumps(value, allow_nan=False)
        json.dumps(value, ensure_ascii=False).encode()


finite = st.floats(allow_nan=False, allow_infinity=False)
small = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**18)
    | finite
    | st.text(st.characters(exclude_categories=["Cs"]))
)


@bounded
@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), small, max_size=8),
    st.booleans(),
    st.sampled_from([None, 1, "\t"]),
)
def test_a_flat_object_is_read_as_the_standard_library_reads_it(
    value: dict[str, Any],
    ascii_only: bool,  # noqa: FBT001 - drawn by hypothesis
    indent: int | str | None,
) -> None:
    encoded = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert json_object(encoded, "it") == json.loads(encoded) == value


@bounded
@given(st.dictionaries(st.text(max_size=5), st.integers(0, 9), min_size=1, max_size=4), st.data())
def test_a_member_that_is_repeated_is_never_read(value: dict[str, int], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(sorted(value)))
    members = [f"{json.dumps(name)}:{number}" for name, number in value.items()]
    members.insert(data.draw(st.integers(0, len(members))), f"{json.dumps(again)}:0")
    with pytest.raises(MalformedSignatureError, match="names a member twice"):
        json_object(("{" + ",".join(members) + "}").encode(), "it")


@bounded
@given(texts, st.integers(1, 100))
def test_what_is_quoted_is_printable_and_bounded(text: str, limit: int) -> None:
    shown = quoted(text, limit)
    assert shown.isprintable()
    assert "[" not in shown
    assert len(shown) <= 11 * limit + 40


# --- digests -------------------------------------------------------------------------------------------------

fields_of_digests = st.lists(
    st.tuples(
        st.sampled_from(["SHA-256", "sha-256", "SHA-512", "sha-512", "MD5", "sha", "x"]) | st.text(max_size=5),
        octets.map(lambda data: base64.b64encode(data).decode()) | st.text(max_size=20),
    ),
    max_size=4,
)


@bounded
@given(texts | fields_of_digests.map(lambda items: ",".join(f"{name}={value}" for name, value in items)))
def test_a_digest_field_is_read_or_refused(value: str) -> None:
    outcome(lambda: parse_digest(value), VerificationError)


@bounded
@given(texts | fields_of_digests.map(lambda items: ", ".join(f"{name.lower()}=:{value}:" for name, value in items)))
def test_a_content_digest_field_is_read_or_refused(value: str) -> None:
    outcome(lambda: parse_content_digest(value), VerificationError)


@bounded
@given(octets)
def test_the_value_that_is_emitted_is_read_and_fits_this_body_only(body: bytes) -> None:
    stated = parse_digest(digest_field_value(body))
    compare(stated, body)
    with pytest.raises(VerificationError):
        compare(stated, body + b"\x00")


@bounded
@given(octets, st.lists(st.integers(0, 200), max_size=6))
def test_a_body_in_pieces_has_the_digest_of_the_whole(body: bytes, cuts: list[int]) -> None:
    whole, pieces = BodyDigest(DigestAlgorithm), BodyDigest(DigestAlgorithm)
    whole.update(body)
    bounds = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    for start, end in itertools.pairwise(bounds):
        pieces.update(body[start:end])
    assert pieces.length == whole.length == len(body)
    for algorithm in DigestAlgorithm:
        assert pieces.value(algorithm) == whole.value(algorithm)
    compare({algorithm: whole.value(algorithm) for algorithm in DigestAlgorithm}, pieces)


def test_a_body_cut_anywhere_has_the_digest_of_the_whole() -> None:
    body = bytes(range(200))
    whole = BodyDigest()
    whole.update(body)
    for cut in range(len(body) + 1):
        pieces = BodyDigest()
        pieces.update(body[:cut])
        pieces.update(body[cut:])
        assert digest_field_value(pieces) == digest_field_value(whole)


# --- the signature field and the protected header ------------------------------------------------------------


@bounded
@given(texts | st.text(BASE64URL + ".=,", max_size=60))
def test_a_signature_field_is_read_in_one_spelling_or_refused(value: str) -> None:
    jws = outcome(lambda: parse_detached(value), MalformedSignatureError)
    if jws is not None:
        assert serialize(jws.encoded_header, jws.signature) == value
        assert base64url_encode(jws.protected) == jws.encoded_header


@bounded
@given(st.binary(max_size=400), st.integers(0, 3))
def test_the_base64url_of_a_body_in_pieces_is_that_of_the_whole(body: bytes, times: int) -> None:
    long = body * (1000 * times + 1)
    assert b"".join(base64url_pieces(long)) == base64url_encode(long)


@bounded
@given(headers, st.sampled_from(profiles.ALL))
@example({"iat": math.inf, "exp": math.nan}, profiles.DDAS)
@example({"sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": [[]]}}, profiles.DDAS)
def test_a_protected_header_is_read_or_refused(header: dict[str, Any], profile: Profile) -> None:
    for check in (check_algorithm, check_critical, check_parameters):
        outcome(partial(check, header, profile), VerificationError)
    for read in (read_pars, read_times):
        outcome(partial(read, header), VerificationError)
    outcome(lambda: check_references(header, [b"leaf", b"ca"]), VerificationError)


@bounded
@given(values | st.lists(octets.map(lambda data: base64.b64encode(data).decode()), max_size=6))
def test_x5c_is_read_or_refused(x5c: object) -> None:
    outcome(lambda: read_certificates(read_x5c({"x5c": x5c})), VerificationError)


@bounded
@given(
    st.integers() | st.floats() | st.text(max_size=24) | st.datetimes().map(lambda time: time.isoformat()[:19] + "Z")
)
def test_a_time_that_is_read_is_utc(value: object) -> None:
    for name in ("iat", "sigT", "exp"):
        times = outcome(partial(read_times, {name: value}), VerificationError)
        if times is not None:
            (read,) = {times.claimed, times.expires} - {None}
            assert read is not None
            assert str(read.tzinfo) == "UTC"


# --- certificates --------------------------------------------------------------------------------------------


@bounded
@given(octets)
def test_octets_that_are_no_certificate_are_unreadable(data: bytes) -> None:
    outcome(lambda: load_der(data), UnreadableCertificateError)


@settings(bounded, max_examples=600)
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=3), st.integers(0, 50))
def test_a_damaged_certificate_is_read_or_unreadable(issued: Issued, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(issued.certificate.public_bytes(Encoding.DER))
    for position, octet in changes:
        data[position % len(data)] = octet
    damaged = bytes(data[: len(data) - cut] if cut < 10 else data)
    outcome(lambda: load_der(damaged), UnreadableCertificateError)


@bounded
@given(
    octets
    | octets.map(
        lambda data: b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(data) + b"\n-----END CERTIFICATE-----\n"
    )
)
def test_a_bundle_is_read_or_refused(data: bytes) -> None:
    outcome(lambda: load_pem_bundle(data, "it"), ConfigurationError)


# --- values --------------------------------------------------------------------------------------------------


@bounded
@given(texts | st.text("0123456789AZ", min_size=18, max_size=22) | values)
def test_an_oin_and_a_kvk_number_are_their_text_or_refused(value: Any) -> None:
    for kind in (Oin, Kvk):
        number = outcome(partial(kind, value), ConfigurationError)
        if number is not None:
            assert str(number) == value
            assert value.isascii()


@bounded
@given(st.from_regex(r"\A000000(0[1-9]|10|99)[0-9]{9}000\Z"))
def test_an_oin_is_its_parts(value: str) -> None:
    try:
        oin = Oin(value)
    except ConfigurationError:
        assume(value.startswith("00000003"))  # numbers of the KVK have eight positions
        assert not value.endswith("0000")
        return
    assert value.startswith(oin.prefix + oin.number)
    assert oin.passes_eleven_test() in {True, False}


lines = st.lists(
    st.tuples(st.binary(max_size=10) | st.text(max_size=10), st.binary(max_size=20) | st.text(max_size=20)), max_size=5
)


@bounded
@given(lines | st.lists(values, max_size=4))
def test_fields_are_kept_octet_for_octet_or_refused(given_lines: Any) -> None:
    fields = outcome(lambda: Fields(given_lines), ConfigurationError)
    if fields is None:
        return
    latin = [
        tuple(part if isinstance(part, bytes) else part.encode("iso-8859-1") for part in line) for line in given_lines
    ]
    assert [(name.encode("iso-8859-1"), value.encode("iso-8859-1")) for name, value in fields] == latin
    for name, value in fields:
        assert value.strip(" \t") in fields.get_all(name)
        assert name in fields
        assert value.strip(" \t") in (fields.combined(name) or "")
