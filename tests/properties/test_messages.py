"""Properties of whole messages: no change goes unnoticed, no input raises what is not ours, all ways to verify agree."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nlgov_jades import (
    ANY_MEDIA_TYPE,
    AsyncVerifier,
    BodyDigest,
    HttpRequest,
    Signer,
    SigningCredential,
    VerificationPolicy,
    VerifiedMessage,
    Verifier,
    profiles,
)
from nlgov_jades.clock import Clock
from nlgov_jades.digest import DigestAlgorithm
from nlgov_jades.errors import (
    DigestMismatchError,
    InvalidSignatureError,
    MalformedSignatureError,
    MessageNotSignableError,
    VerificationError,
)
from nlgov_jades.message import HttpMessage
from nlgov_jades.testing import Hierarchy

Forge = Callable[..., HttpRequest]

# Fixtures are values that do not change, so that examples may share them.
bounded = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

BODY = b'{"bedrag":1000,"naam":"S\xc3\xbadwest"}'
FIELD = "nlgov-adr-message-sig"
LINES = [
    ("Host", "provider.example.test"),
    ("Origin", "https://afnemer.example.test"),
    ("Content-Type", "application/json; charset=utf-8"),
    ("Content-Encoding", "identity"),
    ("Content-Length", str(len(BODY))),
]

octets = st.integers(0, 255)
positions = st.integers(0, 1 << 30)
latin1 = st.text(st.characters(max_codepoint=255))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def verifier(hierarchy: Hierarchy, policy: VerificationPolicy, clock: Clock) -> Verifier:
    accepted = policy.replace(profiles=(profiles.ADR_MESSAGE, profiles.DDAS))
    return Verifier(trust=hierarchy.trust, policy=accepted, clock=clock)


@pytest.fixture
def unsigned() -> HttpRequest:
    return HttpRequest(method="POST", target="/v1/gegevens?a=1&b=2", fields=LINES, body=BODY)


@pytest.fixture
def signed(credential: SigningCredential, unsigned: HttpRequest, verifier: Verifier, clock: Clock) -> HttpRequest:
    message = unsigned.with_fields(Signer(credential, profile=profiles.ADR_MESSAGE, clock=clock).sign(unsigned))
    assert verifier.verify(message).body == BODY
    return message


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


def changed(text: bytes, position: int, octet: int, how: str) -> bytes:
    """The text with one octet replaced, inserted, or left out."""
    at = position % (len(text) + (how == "insert"))
    if how == "insert":
        return text[:at] + bytes([octet]) + text[at:]
    if how == "delete":
        return text[:at] + text[at + 1 :]
    # Always another octet than the one that is there.
    return text[:at] + bytes([octet if octet != text[at] else octet ^ 1]) + text[at + 1 :]


def with_value(message: HttpRequest, name: str, change: Callable[[bytes], bytes]) -> HttpRequest:
    """The message with this field's value changed."""
    fields = [
        (line, change(value.encode("latin-1")).decode("latin-1") if line.lower() == name else value)
        for line, value in message.fields
    ]
    assert fields != list(message.fields)
    return HttpRequest(method=message.method, target=message.target, fields=fields, body=message.body)


changes = st.tuples(positions, octets, st.sampled_from(["replace", "insert", "delete"]))


# --- no change goes unnoticed ------------------------------------------------------------------------------------


@bounded
@given(changes)
def test_any_change_of_an_octet_of_the_body_is_refused(
    verifier: Verifier, signed: HttpRequest, change: tuple[int, int, str]
) -> None:
    with pytest.raises(DigestMismatchError):
        verifier.verify(signed.with_body(changed(BODY, *change)))


@pytest.mark.parametrize("name", [*(name.lower() for name, _ in LINES), "digest"])
@bounded
@given(changes)
def test_any_change_of_an_octet_of_a_covered_value_is_refused(
    verifier: Verifier, signed: HttpRequest, name: str, change: tuple[int, int, str]
) -> None:
    def spoil(value: bytes) -> bytes:
        other = changed(value, *change)
        # White space around a value is no part of it; any other change is one of the value.
        return other if other.strip(b" \t") != value else value[1:]

    with pytest.raises((InvalidSignatureError, MalformedSignatureError)):
        verifier.verify(with_value(signed, name, spoil))


@bounded
@given(changes)
def test_any_change_of_an_octet_of_the_target_is_refused(
    verifier: Verifier, signed: HttpRequest, change: tuple[int, int, str]
) -> None:
    target = changed(signed.target.encode("latin-1"), *change).decode("latin-1")
    other = HttpRequest(method=signed.method, target=target, fields=signed.fields, body=BODY)
    with pytest.raises((InvalidSignatureError, MalformedSignatureError)):
        verifier.verify(other)


@bounded
@given(changes)
@example((0, ord("."), "replace"))
@example((-1, ord(" "), "replace"))
@example((-1, ord("A"), "insert"))
@example((-1, 0, "delete"))
def test_any_change_of_an_octet_of_header_or_signature_is_refused(
    verifier: Verifier, signed: HttpRequest, change: tuple[int, int, str]
) -> None:
    def spoil(value: bytes) -> bytes:
        other = changed(value, *change)
        return other if other.strip(b" \t") != value else value[1:]

    with pytest.raises(VerificationError):
        verifier.verify(with_value(signed, FIELD, spoil))


@bounded
@given(positions, st.integers(0, 7))
def test_any_flipped_bit_of_the_decoded_header_or_signature_is_refused(
    verifier: Verifier, signed: HttpRequest, position: int, bit: int
) -> None:
    def spoil(value: bytes) -> bytes:
        parts = [bytearray(base64.urlsafe_b64decode(part + b"===")) for part in value.split(b"..")]
        at = position % (len(parts[0]) + len(parts[1]))
        part, index = (parts[0], at) if at < len(parts[0]) else (parts[1], at - len(parts[0]))
        part[index] ^= 1 << bit
        return b"..".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)

    with pytest.raises(VerificationError):
        verifier.verify(with_value(signed, FIELD, spoil))


# --- no input raises what is not ours ----------------------------------------------------------------------------


def outcome(call: Callable[[], object]) -> object:
    """What it returns, or the class and the text of the error; anything but a VerificationError fails the test."""
    try:
        return call()
    except VerificationError as error:
        return type(error), str(error)


def is_refused(verifier: Verifier, message: HttpMessage) -> bool:
    found = outcome(lambda: verifier.verify(message))
    if isinstance(found, VerifiedMessage):
        return False
    assert isinstance(found, tuple)
    assert found[1].isprintable()  # and so fit for a log
    return True


@bounded
@given(latin1 | st.binary().map(lambda value: value.decode("latin-1")))
@example("..")
@example("e30..e30")
@example("W10..AA")
def test_any_text_as_signature_is_refused(verifier: Verifier, unsigned: HttpRequest, value: str) -> None:
    assert is_refused(verifier, unsigned.with_fields([(FIELD, value)]))


@bounded
@given(json_values, st.binary(min_size=1, max_size=300))
def test_any_json_as_protected_header_is_refused(
    verifier: Verifier, unsigned: HttpRequest, header: object, signature: bytes
) -> None:
    parts = [json.dumps(header).encode(), signature]
    value = b"..".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts).decode()
    assert is_refused(verifier, unsigned.with_fields([(FIELD, value)]))


@bounded
@given(
    st.sampled_from(
        ["alg", "kid", "x5t#S256", "x5c", "typ", "b64", "iat", "sigD", "crit", "exp", "sigT", "x5t#o", "sigX5ts", "mId", "pars"]
    ),
    json_values,
)  # fmt: skip
def test_any_json_as_one_parameter_of_a_header_that_was_signed_raises_nothing_else(
    verifier: Verifier, forge: Forge, name: str, value: object
) -> None:
    # Signed for each example: the later steps are only reached by a signature that fits.
    message = HttpRequest(method="POST", target="/", body=b"")
    where = "sigD" if name in {"mId", "pars"} else None

    def edit(header: dict[str, Any]) -> None:
        (header[where] if where else header)[name] = value

    is_refused(verifier, forge(message, edit=edit))


@bounded
@given(st.lists(latin1, max_size=3))
def test_any_text_as_digest_is_refused(
    verifier: Verifier, unsigned: HttpRequest, forge: Forge, values: list[str]
) -> None:
    signed = forge(unsigned)
    lines = [line for line in signed.fields if line[0] != "Digest"]
    lines += [("Digest", value) for value in values]
    assert is_refused(verifier, HttpRequest(method="POST", target="/", fields=lines, body=BODY))


@bounded
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*(name for name, _ in LINES), "Digest", "Content-Digest", "X-Other", FIELD]) | latin1,
            latin1,
        ),
        max_size=6,
    )
)
def test_any_lines_that_are_added_raise_nothing_else_and_change_nothing(
    verifier: Verifier, signed: HttpRequest, lines: list[tuple[str, str]]
) -> None:
    received = signed.with_fields(lines)
    try:
        verified = verifier.verify(received)
    except VerificationError:
        return
    # What was accepted is what was signed: no covered field got another line.
    assert verified.body == BODY
    assert all(received.fields.get_all(name) == signed.fields.get_all(name) for name in verified.covered)


@bounded
@given(st.lists(st.tuples(latin1, latin1), max_size=8), latin1, latin1, st.binary(max_size=50))
def test_any_message_without_signature_raises_nothing_else(
    verifier: Verifier, lines: list[tuple[str, str]], method: str, target: str, body: bytes
) -> None:
    assert is_refused(verifier, HttpRequest(method=method, target=target, fields=lines, body=body))


printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
requests = st.builds(
    lambda target, origin, body: HttpRequest(method="POST", target=target, fields=[("Origin", origin)], body=body),
    st.just("/v1") | printable.map(lambda query: f"/v1?{query}"),
    latin1,
    st.binary(max_size=200),
)


@bounded
@given(requests)
def test_any_message_that_can_be_signed_verifies(
    verifier: Verifier, credential: SigningCredential, drawn: HttpRequest
) -> None:
    origin = drawn.fields.get_all("origin")[0]
    signable = all(character == "\t" or " " <= character <= "~" for character in origin) and " " not in drawn.target
    try:
        signed = Signer(credential, profile=profiles.ADR_MESSAGE, clock=verifier._clock).sign(drawn)
    except MessageNotSignableError:
        assert not signable
        return
    assert signable
    tolerant = Verifier(
        trust=verifier.trust, policy=verifier.policy.replace(media_types=ANY_MEDIA_TYPE), clock=verifier._clock
    )
    assert tolerant.verify(drawn.with_fields(signed)).body == drawn.body


# --- all ways to verify agree ------------------------------------------------------------------------------------


spoils = st.tuples(st.sampled_from(["nothing", "body", "field", "digest", "signature"]), changes)


def spoiled(signed: HttpRequest, what: str, change: tuple[int, int, str]) -> HttpRequest:
    if what == "body":
        return signed.with_body(changed(BODY, *change))
    if what in {"field", "digest"}:
        name = FIELD if what == "field" else "digest"
        return with_value(signed, name, lambda value: changed(value, *change))
    return HttpRequest(method="POST", target="/", fields=LINES, body=BODY) if what == "signature" else signed


@bounded
@given(spoils)
def test_awaited_and_not_awaited_verification_give_the_same_outcome(
    verifier: Verifier, signed: HttpRequest, runner: asyncio.Runner, spoil: tuple[str, tuple[int, int, str]]
) -> None:
    message = spoiled(signed, *spoil)
    awaited = AsyncVerifier(trust=verifier.trust, policy=verifier.policy, clock=verifier._clock)
    first = outcome(lambda: verifier.verify(message))
    assert outcome(lambda: runner.run(awaited.verify(message))) == first
    # The same in two steps, the fields first.
    assert outcome(lambda: verifier.verify_fields(message.with_body(b"")).complete(message.body)) == first
    assert isinstance(first, VerifiedMessage) is (spoil[0] == "nothing")


@st.composite
def pieces_of_a_body(draw: st.DrawFn) -> list[bytes]:
    """The body that was signed in any pieces, or other pieces."""
    if draw(st.booleans()):
        return draw(st.lists(st.binary(max_size=20), max_size=8))
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(BODY)), max_size=8))), len(BODY)]
    return [BODY[start:end] for start, end in itertools.pairwise(edges)]


@bounded
@given(pieces_of_a_body())
def test_the_pieces_in_which_a_body_passes_by_make_no_difference(
    verifier: Verifier, signed: HttpRequest, pieces: list[bytes]
) -> None:
    digest = BodyDigest(DigestAlgorithm)
    for piece in pieces:
        digest.update(piece)
    body = b"".join(pieces)
    assert digest.length == len(body)
    whole = outcome(lambda: verifier.verify(signed.with_body(body)))
    passed_by = outcome(lambda: verifier.verify(signed.with_body(digest)))
    completed = outcome(lambda: verifier.verify_fields(signed).complete(digest))
    assert passed_by == completed
    assert isinstance(whole, VerifiedMessage) is isinstance(passed_by, VerifiedMessage) is (body == BODY)
    assert isinstance(whole, VerifiedMessage) or whole == passed_by
