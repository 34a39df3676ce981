"""How a signer's fields begin is read once, and what is read with it is the same as without it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import profiles
from nlgov_jades.beginnings import MAX_BEGINNINGS, MAX_HEADERS, Beginnings, ReadSignature
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


def learnt(value: str, *more: str, pars: tuple[str, ...] = ("digest",)) -> Beginnings:
    """Beginnings that know the whole header of these fields."""
    beginnings = taught(value)
    for each in (value, *more):
        beginnings.learn_header(each, beginnings.read(each), profiles.DDAS, pars, KEY)
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
        header(x5c=["A" * 20_000]),
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


# --- headers that differ in `iat` alone ---------------------------------------------------------------------------

IAT = 1795319525


def judged(**changes: Any) -> dict[str, Any]:
    return header(iat=IAT, **changes)


def last(**changes: Any) -> dict[str, Any]:
    """A header that ends with its `iat`."""
    members = judged(**changes)
    return {name: value for name, value in members.items() if name != "iat"} | {"iat": IAT}


def spaced(members: dict[str, Any]) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize("kid", ["k" * 300, "k" * 301, "k" * 302, '"iat":1234567890,' * 20])
@pytest.mark.parametrize("end", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("write", [compact, spaced])
def test_a_header_that_differs_in_its_iat_alone_is_known_and_read_as_ever(
    kid: str, end: str, write: Callable[[dict[str, Any]], bytes]
) -> None:
    beginnings = learnt(field(write(judged(kid=kid, cty=end))))
    for iat in (IAT, IAT + 1, 1000000000, 9999999999):
        value = field(write(judged(kid=kid, cty=end) | {"iat": iat}), b"another")
        read = beginnings.read(value)
        assert read.known is not None
        assert (read.known.profile, read.known.pars, read.known.key) == (profiles.DDAS, ("digest",), KEY)
        assert read.header["iat"] == iat
        assert outcome(beginnings, value) == outcome(Beginnings(), value)


@pytest.mark.parametrize("length", range(300, 303))
def test_a_header_that_ends_with_its_iat_is_read_as_ever(length: int) -> None:
    beginnings = learnt(field(compact(last(kid="k" * length))))
    for iat in (IAT, IAT + 1):
        value = field(compact(last(kid="k" * length) | {"iat": iat}))
        assert outcome(beginnings, value) == outcome(Beginnings(), value)


@pytest.mark.parametrize(
    "iat",
    [999999999, 10000000000, 0, -1000000000, "1795319525", 1795319525.0, None, True, [IAT], {"iat": IAT}],
    ids=str,
)
def test_another_form_of_iat_is_read_without_the_known_header(iat: object) -> None:
    beginnings, value = learnt(field(compact(judged()))), field(compact(judged() | {"iat": iat}))
    assert beginnings.read(value).known is None
    assert outcome(beginnings, value) == outcome(Beginnings(), value)


@pytest.mark.parametrize(
    "digits", [b"0795319525", b"+795319525", b"-795319525", b" 795319525", b"17953195.5", b"1795319e25", b"179531952}"]
)
def test_what_is_no_number_of_ten_digits_is_told_as_ever(digits: bytes) -> None:
    octets = compact(judged())
    beginnings, value = learnt(field(octets)), field(octets.replace(b"%d" % IAT, digits))
    assert outcome(beginnings, value) == outcome(Beginnings(), value)


@pytest.mark.parametrize("length", range(300, 303))
def test_no_changed_character_is_passed_over_by_a_known_header(length: int) -> None:
    octets = compact(judged(kid="k" * length))
    value = field(octets)
    beginnings = learnt(value)
    end = value.index("..")
    for position in range(end - 250, len(value)):
        for other in "BQg_~=.":
            changed = value[:position] + other + value[position + 1 :]
            assert outcome(beginnings, changed) == outcome(Beginnings(), changed)
            read = beginnings.read(changed) if isinstance(outcome(Beginnings(), changed), tuple) else None
            if read is not None and read.known is not None:
                assert {**read.header, "iat": 0} == {**json.loads(octets), "iat": 0}


@pytest.mark.parametrize(
    "octets",
    [
        # Its own iat is written otherwise, and what looks like it is another's.
        compact(judged())[:-1].replace(b'"iat"', b'"\\u0069at"') + b',"extra":{"iat":%d}}' % IAT,
        compact(judged())[:-1] + b',"extra":{"iat":%d}}' % IAT,
        compact(judged() | {"iat": IAT, "cty": {"iat": IAT}}),
        compact({name: value for name, value in judged().items() if name != "iat"} | {"cty": {"iat": IAT}}),
        compact({name: value for name, value in judged().items() if name != "iat"}),
        compact(judged()).replace(b'"iat":', b'"iat" :'),
    ],
    ids=["escaped", "twice", "nested-too", "nested-only", "none", "white-space"],
)
def test_only_the_headers_own_iat_may_differ(octets: bytes) -> None:
    value = field(octets)
    beginnings = learnt(value)
    assert beginnings.read(value).known is None
    assert outcome(beginnings, value) == outcome(Beginnings(), value)


def test_a_few_headers_of_one_beginning_are_kept_and_no_more_are_looked_at() -> None:
    fields = [field(compact(judged(sigD={"mId": "m", "pars": ["digest", str(number)]}))) for number in range(40)]
    beginnings = learnt(*fields)
    known = [value for value in fields if beginnings.read(value).known is not None]
    assert known == fields[:MAX_HEADERS]
    never = [field(compact(judged(exp=number, cty="x" * number))) for number in range(40)]
    read = learnt(field(compact(header()))).read(never[0])
    assert read.beginning is not None
    assert read.beginning.tries <= 16


def test_a_header_that_is_long_beside_its_certificates_is_not_kept() -> None:
    after = [field(compact(judged(extra=[[]] * count))) for count in (250, 400)]
    assert [learnt(value).read(value).known is not None for value in after] == [True, False]
    before = [field(compact(judged(kid="k" * length))) for length in (1900, 2100)]
    assert [learnt(value).read(value).beginning is not None for value in before] == [True, False]


def test_a_header_without_a_known_beginning_is_not_kept() -> None:
    value, beginnings = field(compact(judged())), Beginnings()
    beginnings.learn_header(value, beginnings.read(value), profiles.DDAS, ("digest",), KEY)
    assert beginnings.read(value).known is None


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
    whole = learnt(field(compact(judged(kid="secret" * 60)))).read(field(compact(judged(kid="secret" * 60))))
    assert whole.known is not None
    assert "secret" not in repr(whole) + repr(whole.known)
    assert value[:20] not in repr(read) + repr(read.beginning)
