"""One value, one spelling: what a lenient decoder repairs is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from nlgov_jades.encoding import (
    MAX_JSON_DEPTH,
    base64_decode,
    base64url_decode,
    base64url_encode,
    json_object,
)
from nlgov_jades.errors import MalformedSignatureError, VerificationError

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]


@pytest.mark.parametrize(
    ("octets", "text"),
    # RFC 4648 §10, and the two characters in which base64url differs.
    [
        (b"f", b"Zg"),
        (b"fo", b"Zm8"),
        (b"foo", b"Zm9v"),
        (b"foob", b"Zm9vYg"),
        (b"fooba", b"Zm9vYmE"),
        (b"foobar", b"Zm9vYmFy"),
        (b"\xfb\xff\xfe", b"-__-"),
    ],
)
def test_base64url_is_that_of_the_standard_without_padding(octets: bytes, text: bytes) -> None:
    assert base64url_encode(octets) == text
    assert base64url_encode(memoryview(octets)) == text
    assert base64url_decode(text, "it") == octets


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"Zg==", id="padded"),
        pytest.param(b"Zm9v\n", id="line feed"),
        pytest.param(b" Zm9v", id="space"),
        pytest.param(b"Zm 9v", id="space within"),
        pytest.param(b"++//", id="standard alphabet"),
        pytest.param(b"Zm9vY", id="impossible length"),
        pytest.param(b"Z", id="one character"),
        pytest.param(b"Zm9v.", id="dot"),
        pytest.param(b"Zm\xc3\xa9v", id="not ascii"),
        pytest.param(b"Zm9v\x00", id="nul"),
    ],
)
def test_another_form_of_base64url_is_refused(refused: Refused, text: bytes) -> None:
    with refused(MalformedSignatureError, "the thing is not base64url without padding"):
        base64url_decode(text, "the thing")


@pytest.mark.parametrize("text", [b"Zh", b"Zn", b"Zm9", b"Zm-", b"Zm9vYh"])
def test_base64url_whose_unused_bits_are_set_is_refused(refused: Refused, text: bytes) -> None:
    with refused(MalformedSignatureError, "the thing is not canonical base64url"):
        base64url_decode(text, "the thing")


@pytest.mark.parametrize("octets", [b"", b"f", b"fo", b"foo", bytes(range(256))])
def test_padded_base64_is_read(octets: bytes) -> None:
    assert base64_decode(base64.b64encode(octets).decode(), "it") == octets


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Zg", id="no padding"),
        pytest.param("Zg=", id="half the padding"),
        pytest.param("Zg===", id="too much padding"),
        pytest.param("Zg==Zg==", id="two values"),
        pytest.param("Zg==\n", id="line feed"),
        pytest.param("Zm9v Zm9v", id="space within"),
        pytest.param("=Zm9v", id="padding first"),
        pytest.param("====", id="padding only"),
        pytest.param("-__-", id="url alphabet"),
        pytest.param("Zm9vY", id="impossible length"),
        pytest.param("Zm9\u00e9", id="not ascii"),
        pytest.param("\uff3am9v", id="fullwidth"),
        pytest.param("Zm9\ud800", id="half a surrogate pair"),
    ],
)
def test_another_form_of_base64_is_refused(refused: Refused, text: str) -> None:
    with refused(MalformedSignatureError, "the thing is not padded base64"):
        base64_decode(text, "the thing")


@pytest.mark.parametrize("text", ["Zh==", "Zm9=", "Zm9vYn=="])
def test_base64_whose_unused_bits_are_set_is_refused(refused: Refused, text: str) -> None:
    with refused(MalformedSignatureError, "the thing is not canonical base64"):
        base64_decode(text, "the thing")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' {\t"a" :\r\n1 } ', {"a": 1}),
        ('{"a":[1,2.5,-3,true,false,null,"x"]}', {"a": [1, 2.5, -3, True, False, None, "x"]}),
        ('{"a":9999999999999999999}', {"a": 9999999999999999999}),
        ('{"a":"\\"[[[[[[[[[[[\\\\"}', {"a": '"[[[[[[[[[[[\\'}),
        ('{"é":"\\u00e9 \\ud83d\\ude00 😀"}', {"é": "é 😀 😀"}),
        ('{"a":1,"A":2}', {"a": 1, "A": 2}),
        ('{"a":{"a":{"a":1}}}', {"a": {"a": {"a": 1}}}),
        ('{"a":1e-400}', {"a": 0.0}),
        ('{"a":""}', {"a": ""}),
        ('{"a":["\\u00e9",1],"b":1,"\\u00e9":null}', {"a": ["é", 1], "b": 1, "é": None}),
        ('{"a":[[[[[[[]]]]]]],"b":[],"c":{}}', {"a": [[[[[[[]]]]]]], "b": [], "c": {}}),
    ],
)
def test_an_object_is_read(text: str, value: dict[str, Any]) -> None:
    assert json_object(text.encode(), "it") == value == json.loads(text)


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        pytest.param(b'{"a":"\xff"}', "is not UTF-8", id="latin-1"),
        pytest.param(b'{"a":"\xc0\xaf"}', "is not UTF-8", id="overlong"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', "is not UTF-8", id="encoded surrogate"),
        pytest.param('{"a":1}'.encode("utf-16"), "is not UTF-8", id="utf-16"),
        pytest.param('{"a":1}'.encode("utf-16-le"), "is not JSON", id="utf-16 without mark"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', "is not JSON", id="byte order mark"),
        pytest.param(b"", "is not JSON", id="empty"),
        pytest.param(b"{", "is not JSON", id="open"),
        pytest.param(b'{"a":1}{"a":1}', "is not JSON", id="two objects"),
        pytest.param(b'{"a":1}x', "is not JSON", id="something behind it"),
        pytest.param(b'{"a":1,}', "is not JSON", id="comma at the end"),
        pytest.param(b"{'a':1}", "is not JSON", id="single quotes"),
        pytest.param(b'{"a":01}', "is not JSON", id="leading zero"),
        pytest.param(b'{"a":"\n"}', "is not JSON", id="control character"),
        pytest.param(b'{"a":"\\x41"}', "is not JSON", id="unknown escape"),
        pytest.param(b'{"a":"x', "is not JSON", id="open text"),
        pytest.param(b'{"a":"x\\', "is not JSON", id="open escape"),
        pytest.param(b'{"a"/**/:1}', "is not JSON", id="comment"),
        pytest.param(b'\xc2\xa0{"a":1}', "is not JSON", id="no-break space"),
        pytest.param(b"[]", "is not a JSON object", id="list"),
        pytest.param(b'"a"', "is not a JSON object", id="text"),
        pytest.param(b"null", "is not a JSON object", id="null"),
        pytest.param(b"7", "is not a JSON object", id="number"),
        pytest.param(b'{"a":1,"a":1}', "names a member twice", id="equal members"),
        pytest.param(b'{"a":1,"\\u0061":2}', "names a member twice", id="one member spelled with an escape"),
        pytest.param(b'{"a":{"b":1,"b":2}}', "names a member twice", id="deeper"),
        pytest.param(b'{"a":[{"b":1,"b":2}]}', "names a member twice", id="in a list"),
        pytest.param(b'{"a":NaN}', "holds NaN or Infinity", id="NaN"),
        pytest.param(b'{"a":Infinity}', "holds NaN or Infinity", id="Infinity"),
        pytest.param(b'{"a":-Infinity}', "holds NaN or Infinity", id="-Infinity"),
        pytest.param(b'{"a":1e400}', "holds a number that is too large", id="float overflow"),
        pytest.param(b'{"a":-1E999}', "holds a number that is too large", id="negative float overflow"),
        pytest.param(b'{"a":10000000000000000000}', "holds a number that is too large", id="twenty digits"),
        pytest.param(
            b'{"a":' + b"9" * 5000 + b"}", "holds a number that is too large", id="beyond the limit of Python"
        ),
        pytest.param(b'{"a":"\\ud800"}', "holds half a surrogate pair", id="lone high surrogate"),
        pytest.param(b'{"a":["x","\\udc00"]}', "holds half a surrogate pair", id="lone low surrogate in a list"),
        pytest.param(b'{"a":"\\udfff"}', "holds half a surrogate pair", id="the last surrogate"),
        pytest.param(b'{"\\ud83d":1}', "holds half a surrogate pair", id="lone surrogate in a name"),
        pytest.param(b'{"a":{"b":"\\ude00\\ud83d"}}', "holds half a surrogate pair", id="the wrong way round"),
    ],
)
def test_what_is_not_one_strict_json_object_is_refused(refused: Refused, octets: bytes, words: str) -> None:
    with refused(MalformedSignatureError, f"the thing {words}") as caught:
        json_object(octets, "the thing")
    # The decoder's own error would quote the octets.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_eight_levels_are_read_and_a_ninth_is_refused(refused: Refused) -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    assert json_object(nested(MAX_JSON_DEPTH), "it")
    for octets in (nested(MAX_JSON_DEPTH + 1), b'{"b":[],' + nested(MAX_JSON_DEPTH + 1)[1:]):
        with refused(MalformedSignatureError, "nests deeper than 8 levels"):
            json_object(octets, "it")


@pytest.mark.parametrize("bracket", [b"[", b'{"a":', b'[{"":'])
def test_nesting_that_would_exhaust_the_stack_is_refused(refused: Refused, bracket: bytes) -> None:
    with refused(MalformedSignatureError, "nests deeper"):
        json_object(bracket * 100_000, "it")


def test_brackets_in_a_text_are_no_nesting() -> None:
    deep = "[" * 50 + '"' + "{" * 50
    assert json_object(json.dumps({"a": deep, deep: "\\"}).encode(), "it") == {"a": deep, deep: "\\"}


def test_closing_brackets_do_not_pay_for_nesting(refused: Refused) -> None:
    with refused(MalformedSignatureError, "is not JSON"):
        json_object(b"]" * 100 + b"[" * 100, "it")


def test_an_escaped_quote_does_not_hide_nesting(refused: Refused) -> None:
    # Read as the end of the text, the brackets would be counted; read rightly, they are text.
    assert json_object(b'{"a":"\\"' + b"[" * 20 + b'"}', "it") == {"a": '"' + "[" * 20}
    with refused(MalformedSignatureError, "nests deeper"):
        json_object(b'{"a":"\\\\",' + b'"b":' + b"[" * 20, "it")


@pytest.mark.parametrize(
    "octets",
    [b'"' * 32_769, b'"\\' * 16_385, b'{"' + b"\\" * 32_769, b'{"a":"' + b'\\"' * 16_385],
    ids=["quotes", "quotes and backslashes", "backslashes", "escaped quotes"],
)
def test_a_long_run_of_quotes_and_backslashes_is_no_json(refused: Refused, octets: bytes) -> None:
    with refused(MalformedSignatureError, "the thing is not JSON"):
        json_object(octets, "the thing")
