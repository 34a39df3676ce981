"""Messages as they stand on the wire: nothing is lost, joined or shown that should not be."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, cast

import pytest

from nlgov_jades import BodyDigest, Fields, HttpRequest, HttpResponse, SignedFields
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.message import Body, FieldLines
from nlgov_jades.notice import Notice, NoticeCode

LINES = [("Host", "a.example"), ("X-One", " 1 "), ("x-ONE", "\t2\t"), ("Empty", " \t ")]


def test_every_line_is_kept_in_order_as_it_was() -> None:
    fields = Fields(LINES)
    assert list(fields) == LINES
    assert len(fields) == 4


def test_octets_are_seen_as_iso_8859_1() -> None:
    fields = Fields([(b"X-Name", b"S\xfadwest \x00\xff"), ("X-Name", "S\u00fadwest")])
    assert list(fields) == [("X-Name", "S\u00fadwest \x00\u00ff"), ("X-Name", "S\u00fadwest")]


@pytest.mark.parametrize("name", ["x-one", "X-ONE", "x-One"])
def test_a_repeated_field_gives_every_value_trimmed(name: str) -> None:
    fields = Fields(LINES)
    assert fields.get_all(name) == ("1", "2")
    assert fields.combined(name) == "1, 2"
    assert name in fields


def test_an_empty_field_is_there_and_an_absent_one_is_not() -> None:
    fields = Fields(LINES)
    assert (fields.get_all("empty"), fields.combined("empty"), "empty" in fields) == (("",), "", True)
    assert (fields.get_all("absent"), fields.combined("absent"), "absent" in fields) == ((), None, False)


@pytest.mark.parametrize("name", [b"host", None, 5, ("Host", "a.example")])
def test_only_text_is_the_name_of_a_field(name: object) -> None:
    assert name not in Fields(LINES)


@pytest.mark.parametrize("space", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\x00"])
def test_only_spaces_and_tabs_are_trimmed(space: str) -> None:
    assert Fields([("A", f" {space}x{space}\t")]).get_all("a") == (f"{space}x{space}",)


def test_spaces_belong_to_a_name() -> None:
    fields = Fields([("Digest ", "1"), (" Digest", "2")])
    assert "digest" not in fields


def test_names_beyond_ascii_differ_in_case() -> None:
    # To every other HTTP library these are two different fields.
    assert Fields([("\u00c0", "1")]).get_all("\u00e0") == ()


@pytest.mark.parametrize("name", ["coo\u212aie", "\u212ak"])
def test_a_letter_that_only_looks_like_ascii_is_another_name(name: str) -> None:
    # U+212A, KELVIN SIGN: `str.lower` makes it a k.
    assert name not in Fields([("cookie", "1"), ("kk", "2")])


@pytest.mark.parametrize(
    "line",
    [
        ("A",),
        ("A", "b", "c"),
        "A: b",
        "AB",
        b"AB",
        None,
        5,
        ("A", None),
        (None, "b"),
        ("A", 5),
        ("A", "\u20ac"),
        ("\u0141", "x"),
        ("A", bytearray(b"x")),
    ],
    ids=repr,
)
def test_a_line_that_is_no_pair_of_texts_is_refused(line: object) -> None:
    with pytest.raises(ConfigurationError, match="a field line is a"):
        Fields([cast("tuple[str, str]", line)])


class Octets(bytes):
    """Says something else than it is."""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - as that of bytes
        return "another"


class Uncomparable:
    """Has the hash of octets, and raises when it is compared."""

    def __hash__(self) -> int:
        return hash(b"Host")

    def __eq__(self, _: object) -> bool:
        raise RuntimeError


@pytest.mark.parametrize("before", [[], [(b"Host", b"x")]], ids=["first", "later"])
@pytest.mark.parametrize(
    "name", [memoryview(b"Host"), bytearray(b"Host"), Uncomparable()], ids=["view", "array", "own"]
)
def test_a_name_of_another_type_is_refused_whether_it_was_met_before_or_not(name: object, before: FieldLines) -> None:
    Fields(before)
    with pytest.raises(ConfigurationError, match="a field line is a"):
        Fields([cast("tuple[str, str]", (name, b"x"))])


@pytest.mark.parametrize(
    "lines",
    [
        [(b"A", b" 1\t"), (b"b", b"\xe9")],
        [("A", " 1\t"), ("b", "\u00e9")],
        [("A", " 1\t"), ("b", "2")],
        [(b"A", b" 1\t"), (b"b", b"\xe9"), (b"a", b"")],
        [("A", " 1\t"), ("b", "2"), ("a", "")],
        [("A", "\x0b1 "), (b"b", b"2")],
        ((b"b", b"x"), (b"not a token", b"y")),
        (("b", "x"), ("not a token", "y")),
    ],
    ids=["octets", "latin", "text", "octets-twice", "text-twice", "mixed", "odd-octets", "odd-text"],
)
def test_lines_of_names_that_were_met_before_are_read_as_the_first_time(lines: Sequence[tuple[Any, Any]]) -> None:
    first, second = Fields(lines), Fields(lines)
    general = Fields([list(line) for line in lines])  # type: ignore[misc]  # lists are read in the general way
    assert first == second == general
    for fields in (first, second):
        for name in ("a", "A", "b", "B", "c", "not a token"):
            assert fields.get_all(name) == general.get_all(name)
            assert fields.combined(name) == general.combined(name)
            assert (name in fields) == (name in general)
        assert list(fields.names) == list(general.names)
        assert fields.odd_names == general.odd_names


def test_more_names_than_are_remembered_are_read_all_the_same() -> None:
    for kind in (str, str.encode):
        lines: Any = [(kind(f"X-{number}"), kind("v")) for number in range(3000)]
        for _ in range(2):
            assert list(Fields(lines)) == [(f"X-{number}", "v") for number in range(3000)]


def test_octets_of_a_class_of_their_own_are_read_alike_whether_their_name_was_met_before_or_not() -> None:
    line = (Octets(b"X-New"), Octets(b"x"))
    first = Fields([line])
    Fields([(b"X-New", b"x")])
    assert Fields([line]) == first


def test_names_as_text_and_as_octets_are_never_compared() -> None:
    script = (
        "from nlgov_jades import Fields; Fields([(b'Host', b'x')]); Fields([('Host', 'x')]); Fields([('Host', b'x')])"
    )
    subprocess.run([sys.executable, "-bb", "-c", script], check=True)


@pytest.mark.parametrize("lines", [None, 5, {"Host": "a"}, {"TE": "x"}, "TE", b"TE"], ids=repr)
def test_fields_that_are_no_list_of_lines_are_refused(lines: object) -> None:
    with pytest.raises(ConfigurationError):
        Fields(cast("FieldLines", lines))
    with pytest.raises(ConfigurationError):
        HttpRequest(method="GET", target="/", fields=cast("FieldLines", lines))
    with pytest.raises(ConfigurationError):
        HttpResponse(status=200, fields=cast("FieldLines", lines))


def test_fields_are_values() -> None:
    assert Fields(LINES) == Fields(iter(LINES))
    assert hash(Fields(LINES)) == hash(Fields(LINES))
    assert Fields(LINES) != Fields(LINES[:3])
    assert Fields([("a", "1")]) != Fields([("A", "1")])
    assert Fields(LINES) != LINES


def test_adding_lines_makes_new_fields() -> None:
    fields = Fields([("A", "1")])
    assert list(fields + [("B", "2")]) == [("A", "1"), ("B", "2")]  # noqa: RUF005 - the operator is what is tested
    assert list(fields + Fields([(b"B", b"2")])) == [("A", "1"), ("B", "2")]
    assert list(fields) == [("A", "1")]


def test_the_fields_of_a_message_are_taken_as_they_are() -> None:
    fields = Fields(LINES)
    assert HttpRequest(method="GET", target="/", fields=fields).fields is fields
    assert HttpResponse(status=200, fields=iter(LINES)).fields == fields


@pytest.mark.parametrize(("method", "target"), [(b"GET", "/"), ("GET", b"/"), (None, "/"), ("GET", None)])
def test_a_request_line_that_is_no_text_is_refused(method: object, target: object) -> None:
    with pytest.raises(ConfigurationError, match="method and target"):
        HttpRequest(method=cast("str", method), target=cast("str", target))


@pytest.mark.parametrize("status", ["200", 200.0, None, b"200"])
def test_a_status_that_is_no_number_is_refused(status: object) -> None:
    with pytest.raises(ConfigurationError, match="status of a response"):
        HttpResponse(status=cast("int", status))


@pytest.mark.parametrize("body", ["text", None, bytearray(b"x"), memoryview(b"x"), 5, [b"x"]])
def test_a_body_that_could_change_or_is_no_octets_is_refused(body: object) -> None:
    with pytest.raises(ConfigurationError, match="body is bytes"):
        HttpRequest(method="POST", target="/", body=cast("Body", body))
    with pytest.raises(ConfigurationError, match="body is bytes"):
        HttpResponse(status=200, body=cast("Body", body))


@pytest.mark.parametrize("request_", [("GET", "/"), "GET /", HttpResponse(status=200)])
def test_a_response_answers_a_request_and_nothing_else(request_: object) -> None:
    with pytest.raises(ConfigurationError, match="the HttpRequest it answers"):
        HttpResponse(status=200, request=cast("HttpRequest", request_))


def test_a_message_has_no_body_and_no_fields_by_default() -> None:
    request, response = HttpRequest(method="GET", target="/"), HttpResponse(status=204)
    assert (request.body, len(request.fields)) == (b"", 0)
    assert (response.body, len(response.fields), response.request) == (b"", 0, None)


def test_changing_a_message_makes_a_new_one() -> None:
    passing = BodyDigest()
    request = HttpRequest(method="POST", target="/a?b", fields=[("A", "1")], body=b"x")
    response = HttpResponse(status=201, fields=[("A", "1")], body=b"x", request=request)
    assert request.with_fields([("B", "2")]) == HttpRequest(
        method="POST", target="/a?b", fields=[("A", "1"), ("B", "2")], body=b"x"
    )
    assert response.with_fields([("B", "2")]) == HttpResponse(
        status=201, fields=[("A", "1"), ("B", "2")], body=b"x", request=request
    )
    assert request.with_body(passing).body is passing
    assert response.with_body(passing) == HttpResponse(status=201, fields=[("A", "1")], body=passing, request=request)
    assert (request.body, response.body, len(request.fields), len(response.fields)) == (b"x", b"x", 1, 1)


def test_a_message_is_frozen() -> None:
    request = HttpRequest(method="GET", target="/")
    response = HttpResponse(status=200)
    for message in (request, response):
        with pytest.raises(dataclasses.FrozenInstanceError):
            message.body = b"other"  # type: ignore[misc] # that it cannot be set is what is tested


SECRET = "s3cret"


@pytest.mark.parametrize("body", [SECRET.encode(), b"\xff" + SECRET.encode()])
def test_what_is_printed_holds_no_query_no_value_and_no_body(body: bytes) -> None:
    fields = [("Authorization", f"Bearer {SECRET}"), ("Cookie", SECRET), ("Fsc-Authorization", SECRET)]
    request = HttpRequest(method="POST", target=f"/a?bsn={SECRET}", fields=fields, body=body)
    response = HttpResponse(status=200, fields=fields, body=body, request=request)
    for shown in (repr(request), str(response), repr(request.fields), f"{request}"):
        assert SECRET not in shown
    assert repr(request) == (
        f"HttpRequest(method='POST', target='/a?…', fields=<Fields: 3 lines>, body=<{len(body)} octets>)"
    )
    assert repr(response) == f"HttpResponse(status=200, fields=<Fields: 3 lines>, body=<{len(body)} octets>)"


def test_a_target_without_query_and_a_body_that_passed_by_are_printed() -> None:
    passing = BodyDigest()
    passing.update(b"xyz")
    request = HttpRequest(method="POST", target="/a", body=passing)
    assert repr(request) == (
        "HttpRequest(method='POST', target='/a', fields=<Fields: 0 lines>, body=<BodyDigest: SHA-256 over 3 octets>)"
    )


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [("/[red]x", "[red]"), ("/\u202ex", "\u202e"), ("/\x1b[2J", "\x1b"), ("/" + "x" * 10_000, "x" * 1_000)],
    ids=["rich markup", "bidirectional", "terminal", "long"],
)
def test_other_peoples_text_is_printed_escaped_and_cut(text: str, unwanted: str) -> None:
    assert unwanted not in repr(HttpRequest(method="GET", target=text))
    assert unwanted not in repr(HttpRequest(method=text, target="/"))


def test_signed_fields_are_the_lines_to_add() -> None:
    lines = [("Digest", "SHA-256=x"), ("nlgov-adr-payload-sig", "a..b")]
    notice = Notice(NoticeCode.FIELD_LONG, "long")
    signed = SignedFields(lines, signature="a..b", notices=(notice,))
    assert list(signed) == lines
    assert (len(signed), signed[0], signed[-1], signed[:1]) == (2, lines[0], lines[1], (lines[0],))
    assert (signed.signature, signed.notices) == ("a..b", (notice,))
    assert repr(signed) == "<SignedFields: Digest, nlgov-adr-payload-sig>"
    lines.append(("X", "y"))
    assert len(signed) == 2
    assert list(HttpRequest(method="GET", target="/").with_fields(signed).fields) == lines[:2]
