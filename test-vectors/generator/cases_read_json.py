"""The protected header as JSON, of the kind that suites for JSON parsers have (read-3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generator.model import ACCEPT, MALFORMED, Change, Draft, swap

_SUITE = "JSONTestSuite"

MAX_DEPTH = 8
"""Levels of the whole header, its own object included."""

MAX_DIGITS = 19
"""Characters of an integer."""


def _member(text: bytes) -> Change:
    """Return a function that adds a member after `typ`."""
    return swap(b'"typ":"JOSE"', b'"typ":"JOSE",' + text)


def _value(text: bytes) -> Change:
    return _member(b'"x":' + text)


def _levels(count: int) -> bytes:
    """An array so deep that the whole header has so many levels."""
    return b"[" * (count - 1) + b"]" * (count - 1)


def _malformed() -> Iterator[tuple[str, str, Change]]:
    values: tuple[tuple[str, str, bytes], ...] = (
        ("number-plus-sign", "A number starts with a plus sign.", b"+1"),
        ("number-minus-only", "A number is a minus sign.", b"-"),
        ("number-minus-leading-zero", "A number starts with a minus sign and a zero.", b"-01"),
        ("number-hexadecimal", "A number is hexadecimal.", b"0x1F"),
        ("number-point-first", "A number starts with the point.", b".5"),
        ("number-point-last", "A number ends with the point.", b"1."),
        ("number-exponent-empty", "A number has an exponent without digits.", b"1e"),
        ("number-exponent-sign-only", "A number has an exponent that is a sign.", b"1e+"),
        ("number-underscore", "A number has an underscore between its digits.", b"1_000"),
        ("number-space", "There is a space inside a number.", b"1 000"),
        ("number-full-width", "A number has a digit that is not ASCII.", "1\uff12".encode()),
        ("number-twenty-characters", "A whole number has 20 digits.", b"1" * (MAX_DIGITS + 1)),
        ("number-long", "A whole number has 5000 digits.", b"9" * 5000),
        ("number-minus-infinite-exponent", "A number is too small for a float, below zero.", b"-1e999"),
        ("literal-capital", "A literal is written with a capital.", b"True"),
        ("literal-cut", "A literal misses its last letter.", b"nul"),
        ("literal-undefined", "A literal is undefined.", b"undefined"),
        ("string-tab", "A string holds a raw tab.", b'"a\tb"'),
        ("string-nul", "A string holds a raw NUL.", b'"a\0b"'),
        ("string-escape-x", "A string holds an escape of another language.", b'"\\x41"'),
        ("string-escape-cut", "A string holds an escape with three digits.", b'"\\u00g1"'),
        ("string-escape-capital", "A string holds an escape with a capital U.", b'"\\U00e9"'),
        ("string-low-surrogate", "A string holds the escape of a low surrogate alone.", b'"\\udc00"'),
        (
            "string-surrogates-swapped",
            "A string holds the escapes of a surrogate pair in the wrong order.",
            b'"\\udd11\\ud83d"',
        ),
        ("string-surrogate-in-name", "The name of a nested member holds half a surrogate pair.", b'{"\\ud800":1}'),
        ("string-not-closed", "A string is not closed.", b'"a'),
        ("array-trailing-comma", "A comma stands before the end of an array.", b"[1,]"),
        ("array-double-comma", "Two commas stand in an array.", b"[1,,2]"),
        ("array-closed-by-brace", "An array is closed by a brace.", b"[1}"),
        ("utf-8-cut", "A UTF-8 sequence is cut.", b'"\xe2\x82"'),
        ("utf-8-continuation", "A UTF-8 sequence starts with a continuation octet.", b'"\x80"'),
        ("utf-8-five-octets", "A UTF-8 sequence has five octets.", b'"\xf8\x88\x80\x80\x80"'),
        ("utf-8-above-range", "A UTF-8 sequence stands for a number above 10FFFF.", b'"\xf4\x90\x80\x80"'),
        ("utf-8-cesu", "A character is encoded as two surrogates of three octets each.", b'"\xed\xa0\xbd\xed\xb4\x91"'),
        ("utf-8-overlong-nul", "A string holds the overlong form of NUL.", b'"\xc0\x80"'),
        ("depth-nine", "The header has nine levels.", _levels(MAX_DEPTH + 1)),
    )
    for name, text, value in values:
        yield name, text, _value(value)
    members: tuple[tuple[str, str, bytes], ...] = (
        ("name-without-quotes", "A member name has no quotes.", b"x:1"),
        ("name-number", "A member name is a number.", b"1:1"),
        ("no-colon", "A member has no colon.", b'"x" 1'),
        ("no-value", "A member has no value.", b'"x":'),
        ("double-colon", "A member has two colons.", b'"x"::1'),
        ("double-comma", "Two commas stand between members.", b',"x":1'),
        ("comment-line", "There is a comment up to the end of a line.", b'// x\n"x":1'),
        ("white-space-no-break", "There is a no-break space between members.", b'\xc2\xa0"x":1'),
        ("white-space-form-feed", "There is a form feed between members.", b'\f"x":1'),
        ("duplicate-b64", "b64 stands twice, true and false.", b'"b64":true'),
        ("duplicate-x5c", "x5c stands twice.", b'"x5c":["AA=="]'),
        ("duplicate-crit", "crit stands twice.", b'"crit":["b64"]'),
    )
    for name, text, member in members:
        yield name, text, _member(member)
    yield "empty", "The header is an object without members.", lambda _: b"{}"
    yield "number", "The header is a number.", lambda _: b"1"
    yield "false", "The header is false.", lambda _: b"false"
    yield "spaces", "The header is spaces.", lambda _: b"   "
    yield "nul", "The header is a NUL.", lambda _: b"\0"
    yield "two-braces", "The header stands between two braces on either side.", lambda octets: b"{" + octets + b"}"
    yield "utf-32", "The header is encoded in UTF-32.", lambda octets: octets.decode().encode("utf-32")
    yield "utf-7", "A quote is written in UTF-7.", swap(b'"typ"', b"+ACI-typ+ACI-")
    yield "leading-comma", "A comma stands behind the first brace.", swap(b"{", b"{,")
    yield "trailing-comma-outside", "A comma follows the header.", lambda octets: octets + b","
    yield "trailing-brace", "A second brace closes the header.", lambda octets: octets + b"}"
    yield "script-prefix", "The header has the prefix that some put before JSON.", lambda octets: b")]}',\n" + octets


def _accepted() -> Iterator[tuple[str, str, Change]]:
    values: tuple[tuple[str, str, bytes], ...] = (
        ("number-nineteen-characters", "A whole number has 19 digits.", b"9" * MAX_DIGITS),
        ("number-minus-zero", "A number is -0.", b"-0"),
        ("number-exponent", "A number has a point and an exponent.", b"-1.5E+10"),
        ("number-tiny", "A number is so small that a float holds zero.", b"1e-999"),
        ("number-long-fraction", "A number has a fraction of 60 digits.", b"0." + b"1" * 60),
        ("string-escapes", "A string holds every short escape.", b'"\\"\\\\\\/\\b\\f\\n\\r\\t"'),
        ("string-escaped-nul", "A string holds the escape of a NUL.", b'"\\u0000"'),
        ("string-escape-hexadecimal", "The digits of an escape are in either case.", b'"\\u00eF"'),
        (
            "string-escaped-backslash-u",
            "An escaped backslash stands before a u: no escape of a surrogate.",
            b'"\\\\ud800"',
        ),
        ("string-delete", "A string holds a raw DEL.", b'"\x7f"'),
        ("string-noncharacter", "A string holds U+FFFF, which is no character.", b'"\xef\xbf\xbf"'),
        ("string-inner-bom", "A string holds a byte order mark.", b'"\xef\xbb\xbf"'),
        ("string-line-separator", "A string holds U+2028.", b'"\xe2\x80\xa8"'),
        ("string-brackets", "A string holds 50 brackets, which are no levels.", b'"' + b"[" * 50 + b'"'),
        ("literals", "The three literals are in an array.", b"[true,false,null]"),
        ("empty-containers", "There are an empty array and an empty object.", b"[[],{}]"),
        ("depth-eight", "The header has eight levels.", _levels(MAX_DEPTH)),
        (
            "name-composed-and-decomposed",
            "Two names differ in Unicode normalisation only.",
            '{"\u00e9":1,"e\u0301":1}'.encode(),
        ),
        ("name-in-other-object", "A name stands in two objects.", b'[{"y":1},{"y":1}]'),
    )
    for name, text, value in values:
        yield name, text, _value(value)


def drafts() -> Iterator[Draft]:
    """Return the drafts about JSON."""
    for cases, expected in ((_malformed, MALFORMED), (_accepted, ACCEPT)):
        for name, text, change in cases():
            yield replace(Draft(f"read-3-json-{name}", text, expected, header=change), modelled_on=_SUITE)
