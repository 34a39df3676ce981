"""How a signer's fields begin is read once, and what is read with it is the same as without it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import profiles
from nlgov_jades.beginnings import MAX_BEGINNINGS, Beginnings, ReadSignature
from nlgov_jades.encoding import base64url_encode
from nlgov_jades.errors import MalformedSignatureError
from nlgov_jades.jws import MAX_FIELD_LENGTH, signing_input_digest
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.verdicts import verdict_key

PS256 = profiles.DDAS.algorithm
KEY = b"the key of these certificates"


def header(**changes: Any) -> dict[str, Any]:
    members = {"alg": "PS256", "kid": "k" * 300, "x5c": ["A" * 400, "B" * 400], "typ": "JOSE", "b64": False, "iat": 1}
    return members | {"sigD": {"mId": "m", "pars": ["digest"]}, "crit": ["b64", "sigD"]} | changes


def field(octets: bytes, signature: bytes = b"signature") -> str:
    return (base64url_encode(octets) + b".." + base64url_encode(signature)).decode("ascii")


def compact(members: dict[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def taught(value: str) -> Beginnings:
    beginnings = Beginnings()
    beginnings.learn(value, beginnings.read(value), PS256, KEY)
    return beginnings


def digest(read: ReadSignature) -> bytes:
    return signing_input_digest(read.unhashed, [b"payload"], read.hasher)


def outcome(beginnings: Beginnings, value: str) -> object:
    try:
        found = beginnings.read(value)
    except MalformedSignatureError as error:
        return error.detail
    return found.protected, found.header, found.signature, digest(found)


@pytest.mark.parametrize("kid", ["k" * 300, "k" * 301, "k" * 302, "\u00e9" * 300, '"x5c":[]' * 50])
def test_a_known_beginning_changes_nothing_of_what_is_read(kid: str) -> None:
    beginnings = taught(field(compact(header(kid=kid))))
    for iat in (1, 1795319525, 1795319526):
        value = field(compact(header(kid=kid, iat=iat)))
        assert outcome(beginnings, value) == outcome(Beginnings(), value)
        encoded = value.partition("..")[0].encode()
        assert digest(beginnings.read(value)) == hashlib.sha256(encoded + b".payload").digest()


def test_the_second_field_of_a_signer_is_read_with_the_beginning_of_the_first() -> None:
    read = taught(field(compact(header()))).read(field(compact(header(iat=2))))
    assert read.beginning is not None
    assert read.header == header(iat=2)


_BEGIN = compact(header(iat=1))[:-1]
_UNTIL_X5C = _BEGIN[: _BEGIN.index(b"]") + 1]


@pytest.mark.parametrize(
    "octets",
    [
        _UNTIL_X5C + b"}",
        _UNTIL_X5C + b",}",
        _UNTIL_X5C + b',"iat":1',
        _UNTIL_X5C + b',"iat":1}}',
        _UNTIL_X5C + b',"iat":1}x',
        _UNTIL_X5C + b',"iat":1} ',
        _UNTIL_X5C + b',,"iat":1}',
        _UNTIL_X5C + b',"x5c":["C"]}',
        _UNTIL_X5C + b',"alg":"none"}',
        _UNTIL_X5C + b',"iat":1,"iat":1}',
        _UNTIL_X5C + b',"iat":NaN}',
        _UNTIL_X5C + b',"iat":"\\ud800"}',
        _UNTIL_X5C + b',"iat":"\xff"}',
        _UNTIL_X5C + b',"iat":' + b"[" * 9 + b"]" * 9 + b"}",
        _UNTIL_X5C + b',"iat":' + b"[" * 7 + b"]" * 7 + b"}",
        _UNTIL_X5C + b',{"iat":1}}',
        _UNTIL_X5C[:-1] + b',"C"],"iat":1}',
        _UNTIL_X5C,
        _UNTIL_X5C[:-1],
    ],
)
def test_what_follows_a_known_beginning_is_read_as_strictly_as_ever(octets: bytes) -> None:
    beginnings, value = taught(field(compact(header()))), field(octets)
    assert outcome(beginnings, value) == outcome(Beginnings(), value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value + "=",
        lambda value: value[:-1],
        lambda value: value.replace("..", "."),
        lambda value: value.replace("..", ".payload."),
        lambda value: value.replace("..", "..\u00e9"),
        lambda value: value.replace("..", " .."),
        lambda value: value.replace("..", "A.."),
        lambda value: value.partition("..")[0] + "..",
        lambda value: value.partition("..")[0],
        lambda value: value + ", " + value,
        lambda value: value + "A" * MAX_FIELD_LENGTH,
    ],
)
def test_a_spoilt_field_gives_the_same_error_with_a_known_beginning(spoil: Callable[[str], str]) -> None:
    value = field(compact(header()))
    beginnings, spoilt = taught(value), spoil(value)
    assert outcome(beginnings, spoilt) == outcome(Beginnings(), spoilt)


def test_every_changed_character_gives_what_it_gives_without_a_known_beginning() -> None:
    value = field(compact(header()))
    beginnings = taught(value)
    for position in range(0, len(value), 7):
        changed = value[:position] + ("B" if value[position] != "B" else "C") + value[position + 1 :]
        assert outcome(beginnings, changed) == outcome(Beginnings(), changed)


@pytest.mark.parametrize(
    "members",
    [
        {"iat": 1, **header()},
        {"jti": "of one message", **header()},
        {name: value for name, value in header().items() if name != "x5c"},
        header(kid="k" * 20_000),
        header(kid="k", x5c=["A"]),
    ],
    ids=["iat-first", "unknown-first", "no-x5c", "too-long", "too-short"],
)
def test_a_header_that_differs_between_messages_or_is_too_long_is_not_kept(members: dict[str, Any]) -> None:
    value = field(compact(members))
    assert taught(value).read(value).beginning is None


def test_a_nested_x5c_is_not_taken_for_the_headers_own() -> None:
    nested = {"alg": "PS256", "kid": "k" * 400, "sigD": {"x5c": ["A"], "pars": []}}
    value = field(compact(nested | {"x5c": ["B"], "iat": 1}))
    assert taught(value).read(value).beginning is None


def test_the_verdict_key_is_that_of_the_algorithm_that_asks() -> None:
    value = field(compact(header()))
    read, x5c = taught(value).read(value), ("A" * 400, "B" * 400)
    assert read.verdict_key(PS256, x5c) == KEY
    assert read.verdict_key(SignatureAlgorithm.ES256, x5c) == verdict_key(SignatureAlgorithm.ES256, x5c)
    assert Beginnings().read(value).verdict_key(PS256, x5c) == verdict_key(PS256, x5c)


def test_no_more_beginnings_are_kept_than_the_limit() -> None:
    beginnings = Beginnings()
    values = [field(compact(header(kid=f"{number:05}" + "k" * 300))) for number in range(MAX_BEGINNINGS + 2)]
    for value in values:
        beginnings.learn(value, beginnings.read(value), PS256, KEY)
    known = [value for value in values if beginnings.read(value).beginning is not None]
    assert MAX_BEGINNINGS // 2 <= len(known) <= MAX_BEGINNINGS
    assert values[-1] in known


def test_no_repr_shows_a_header() -> None:
    value = field(compact(header(kid="secret" * 60)))
    read = taught(value).read(value)
    assert "secret" not in repr(read) + repr(read.beginning)
    assert value[:20] not in repr(read) + repr(read.beginning)
