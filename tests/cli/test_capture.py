"""Start line, field lines, empty line: what the parser of captured messages takes, and what it refuses to repair."""

from __future__ import annotations

import tracemalloc

import pytest

from nlgov_jades import HttpRequest, HttpResponse
from nlgov_jades.cli.capture import MAX_HEAD, Capture, parse_capture
from nlgov_jades.cli.failure import CommandFailure


def request(*field_lines: bytes, start: bytes = b"POST /v1/gegevens?a=1 HTTP/1.1", body: bytes = b"") -> bytes:
    return b"\r\n".join([start, b"Host: a.example", *field_lines, b"", body])


def read_request(octets: bytes) -> HttpRequest:
    message = parse_capture(octets).message
    assert isinstance(message, HttpRequest)
    return message


def read_response(octets: bytes) -> HttpResponse:
    message = parse_capture(octets).message
    assert isinstance(message, HttpResponse)
    return message


def refused(octets: bytes) -> str:
    with pytest.raises(CommandFailure) as caught:
        parse_capture(octets)
    assert caught.value.code == "UNREADABLE_INPUT"
    return caught.value.detail


# --- start line ----------------------------------------------------------------------------------------------


def test_a_request_line_gives_method_and_target() -> None:
    message = read_request(request())
    assert (message.method, message.target) == ("POST", "/v1/gegevens?a=1")


@pytest.mark.parametrize(
    "target", ["https://a.example:8443/v1?q=%20#x", "a.example:443", "*", "//a//b", "/?", "/a?b=c&d='[]\\^`{|}\""]
)
def test_the_target_is_kept_in_whatever_form_it_has(target: str) -> None:
    assert read_request(request(start=f"GET {target} HTTP/1.1".encode())).target == target


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2", b"HTTP/2.0", b"HTTP/3"])
def test_a_request_of_every_version_is_read(version: bytes) -> None:
    assert read_request(request(start=b"GET / " + version)).method == "GET"


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 200",
        b"HTTP/2 200",
        b"HTTP/2 200 ",
        b"HTTP/3 200",
        b"HTTP/1.0 200 \tG\xe9n\xe9ral [ok]",
        b"HTTP/1.1 200 200",
    ],
)
def test_a_status_line_with_and_without_reason_is_read(start: bytes) -> None:
    assert read_response(start + b"\r\nServer: x\r\n\r\n").status == 200


@pytest.mark.parametrize("status", [100, 299, 599])
def test_the_status_is_kept(status: int) -> None:
    assert read_response(b"HTTP/1.1 %d X\r\n\r\n" % status).status == status


@pytest.mark.parametrize(
    "start",
    [
        b"POST /v1/gegevens",  # HTTP/0.9
        b"POST  /v1/gegevens HTTP/1.1",
        b"POST\t/v1/gegevens HTTP/1.1",
        b"POST /v1/gegevens HTTP/1.1 ",
        b" POST /v1/gegevens HTTP/1.1",
        b"POST /v1/gegevens http/1.1",
        b"POST /v1/gegevens HTTP/1.10",
        b"POST /v1/gegevens HTTP/11",
        b"POST /v1/gegevens HTTPS/1.1",
        b"POST /v1/gegevens HTTP/\xc2\xb2",
        b"POST /v1 /gegevens HTTP/1.1",
        b"POST /v1/\xc3\xa9 HTTP/1.1",
        b"POST /v1/\x00 HTTP/1.1",
        b"POST /v1/\x7f HTTP/1.1",
        b"POST /v1\r/gegevens HTTP/1.1",
        b"POST /v1/gegevens HTTP/1.1\r",
        b"POST: /v1/gegevens HTTP/1.1",
        b"P\xc3\x96ST /v1/gegevens HTTP/1.1",
        b" /v1/gegevens HTTP/1.1",
        b"\xef\xbb\xbfPOST /v1/gegevens HTTP/1.1",
        b"HTTP/1.1 099 X",
        b"HTTP/1.1 600 X",
        b"HTTP/1.1 20 X",
        b"HTTP/1.1 2000 X",
        b"HTTP/1.1 +20 X",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1\t200 OK",
        b"HTTP/1.1 200\tOK",
        b"HTTP/1.1 200OK",
        b"HTTP/1.1 OK",
        b"HTTP/1.1 200 O\x00K",
        b"HTTP/1.1 200 O\x1b[31mK",
        b"http/1.1 200 OK",
    ],
)
def test_a_start_line_of_another_form_is_refused(start: bytes) -> None:
    assert "neither a request line nor a status line" in refused(request(start=start))


# --- field lines ---------------------------------------------------------------------------------------------


def test_fields_keep_their_order_their_case_and_their_repetition() -> None:
    lines = (b"X-B: 1", b"x-a: 2", b"X-b: 3", b"X-B: 1")
    assert list(read_request(request(*lines)).fields)[1:] == [("X-B", "1"), ("x-a", "2"), ("X-b", "3"), ("X-B", "1")]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"X-A:b", "b"),
        (b"X-A: \t b c \t ", "b c"),
        (b"X-A:", ""),
        (b"X-A: \t", ""),
        (b"X-A: b: c", "b: c"),
        (b"X-A: b\tc", "b\tc"),
        (b"X-A: S\xc3\xbadwest", "S\xc3\xbadwest"),
        (b"X-A: \x80\xa0\xff", "\x80\xa0\xff"),
        (b"X-A: \xa0", "\xa0"),
        (b"!#$%&'*+.^_`|~09-Z: x", "x"),
    ],
)
def test_a_value_is_read_octet_for_octet_without_the_white_space_around_it(line: bytes, value: str) -> None:
    assert list(read_request(request(line)).fields)[1][1] == value


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b" folded", "obs-fold with a space"),
        (b"\tfolded", "obs-fold with a tab"),
        (b"X-A : b", "space before the colon"),
        (b"X-A\t: b", "tab before the colon"),
        (b"X A: b", "space in the name"),
        (b"X-A", "no colon"),
        (b": b", "no name"),
        (b"X-\xc3\xa9: b", "name that is no token"),
        (b"X(A): b", "delimiter in the name"),
        (b"X-A: b\x00c", "NUL"),
        (b"X-A\x00: b", "NUL in the name"),
        (b"X-A: b\rc", "bare CR"),
        (b"X-A: b\r", "CR before CRLF"),
        (b"\r", "CR before CRLF on a line of its own"),
        (b"X-A: b\x1b[31m", "escape character"),
        (b"X-A: b\x7f", "DEL"),
        (b"X-A: b\x0bc", "vertical tab"),
        (b"X-A: b\x0cc", "form feed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_line_of_another_form_is_refused_with_its_number(line: bytes, what: str) -> None:
    assert "line 3 is not a field line" in refused(request(line)), what


# --- line ends and the empty line ----------------------------------------------------------------------------

BODY = b"a: b\r\n\r\n\x00\n\nc\r"


@pytest.mark.parametrize(
    "octets",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n",
        b"POST / HTTP/1.1\nHost: a\nX: y\n\n",
        b"POST / HTTP/1.1\r\nHost: a\nX: y\r\n\n",
        b"POST / HTTP/1.1\nHost: a\r\nX: y\n\r\n",
    ],
    ids=["CRLF", "LF", "CRLF first", "LF first"],
)
def test_every_mixture_of_line_ends_gives_the_same_message(octets: bytes) -> None:
    message = read_request(octets + BODY)
    assert list(message.fields) == [("Host", "a"), ("X", "y")]
    assert message.body == BODY


def test_a_message_without_fields_is_read() -> None:
    message = read_request(b"GET / HTTP/1.1\r\n\r\nbody")
    assert len(message.fields) == 0
    assert message.body == b"body"


def test_a_message_without_body_has_an_empty_one() -> None:
    assert read_request(request()).body == b""


@pytest.mark.parametrize("end", [b"", b"\r", b"\n", b"\r\n", b"\r\nX: y", b"\r\nX: y\r\n", b"\r\nX: y\r\n\r"])
def test_a_message_without_the_empty_line_is_refused(end: bytes) -> None:
    assert "no empty line" in refused(b"GET / HTTP/1.1\r\nHost: a" + end)


def test_an_empty_file_is_refused() -> None:
    assert refused(b"") == "the message is empty"


@pytest.mark.parametrize("octets", [b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b"\r"])
def test_a_file_of_empty_lines_is_refused(octets: bytes) -> None:
    assert refused(octets)


@pytest.mark.parametrize("lead", [b"\n", b"\r\n", b" ", b"\r\n\r\n"])
def test_nothing_may_come_before_the_start_line(lead: bytes) -> None:
    assert "first line" in refused(lead + request())


@pytest.mark.parametrize(
    "octets", [b"{}", b"\x00\x01 this is no HTTP message", b"\xff" * 100, b"PK\x03\x04" + bytes(99)]
)
def test_a_file_that_is_no_http_is_told_so(octets: bytes) -> None:
    assert "neither a request line nor a status line" in refused(octets)


def test_a_json_document_with_empty_lines_is_told_that_it_is_no_http() -> None:
    assert "neither a request line nor a status line" in refused(b'{\n  "gegevens": 1\n\n}\n')


# --- limits --------------------------------------------------------------------------------------------------


def filled(size: int) -> bytes:
    """A head of this many octets, with its empty line."""
    start = b"GET / HTTP/1.1\r\nX: "
    return start + b"y" * (size - len(start) - 4) + b"\r\n\r\n"


def test_a_head_of_the_longest_size_is_read() -> None:
    octets = filled(MAX_HEAD)
    assert len(octets) == MAX_HEAD
    assert read_request(octets + b"body").body == b"body"


def test_a_head_that_is_one_octet_too_long_is_refused() -> None:
    assert f"longer than {MAX_HEAD}" in refused(filled(MAX_HEAD + 1))


def test_the_body_does_not_count_for_the_limit_of_the_head() -> None:
    body = bytes(2 * MAX_HEAD)
    assert read_request(request(body=body)).body == body


# Each of these takes a second or less when the work grows with the length, and minutes when it grows with its square.

MANY = 300_000


def test_a_third_of_a_million_fields_are_read_in_linear_time() -> None:
    octets = b"GET / HTTP/1.1\n" + b"a:\n" * MANY + b"\n"
    assert len(octets) < MAX_HEAD
    assert len(read_request(octets).fields) == MANY


def test_a_third_of_a_million_content_lengths_are_read_in_linear_time() -> None:
    octets = b"GET / HTTP/1.1\n" + b"Content-Length:0\n" * 60_000 + b"\n"
    assert len(octets) < MAX_HEAD
    assert len(read_request(octets).fields.get_all("content-length")) == 60_000


@pytest.mark.parametrize("line", [b"a:" + b"\x20" * MAX_HEAD, b"a" * MAX_HEAD, b"\t" * MAX_HEAD, b"\r" * MAX_HEAD])
def test_one_endless_line_is_refused_in_linear_time(line: bytes) -> None:
    assert "longer than" in refused(b"GET / HTTP/1.1\n" + line + b"\n\n")


@pytest.mark.parametrize(
    "start", [b"a" * 900_000, b"GET " + b"/" * 900_000, b"HTTP/1.1 200 " + b" " * 900_000 + b"\x00"]
)
def test_a_long_start_line_of_another_form_is_refused_in_linear_time(start: bytes) -> None:
    assert "neither a request line nor a status line" in refused(start + b"\n\n")


@pytest.mark.parametrize("unit", [b"X: " + b"y" * 96 + b"\n", b"y" * 100, b"\r" * 100], ids=["lines", "one line", "CR"])
def test_a_head_over_the_limit_is_refused_without_a_copy_of_it(unit: bytes) -> None:
    octets = b"GET / HTTP/1.1\n" + unit * 320_000
    tracemalloc.start()
    try:
        detail = refused(octets)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "longer than" in detail
    assert peak < len(octets) // 4


# --- adding fields -------------------------------------------------------------------------------------------

ADDED = [("Digest", "SHA-256=x"), ("nlgov-adr-payload-sig", "a..b")]


def adds_to(capture: Capture, octets: bytes) -> bytes:
    """The octets that `with_fields` put in, when it left every other octet alone."""
    out = capture.with_fields(ADDED)
    assert out.startswith(capture.head)
    assert out.endswith(capture.tail)
    assert capture.head + capture.tail == octets
    return out[len(capture.head) : len(out) - len(capture.tail)]


def test_fields_are_added_behind_the_last_one_with_crlf() -> None:
    octets = request(body=BODY)
    assert adds_to(parse_capture(octets), octets) == b"Digest: SHA-256=x\r\nnlgov-adr-payload-sig: a..b\r\n"


def test_fields_are_added_with_lf_where_the_start_line_ends_so() -> None:
    octets = b"POST / HTTP/1.1\nHost: a\r\n\r\n" + BODY
    assert adds_to(parse_capture(octets), octets) == b"Digest: SHA-256=x\nnlgov-adr-payload-sig: a..b\n"


def test_fields_are_added_to_a_message_without_any() -> None:
    octets = b"POST / HTTP/1.1\r\n\nbody"
    assert adds_to(parse_capture(octets), octets) == b"Digest: SHA-256=x\r\nnlgov-adr-payload-sig: a..b\r\n"


def test_a_chunked_body_stays_as_it_was_captured() -> None:
    octets = request(b"Transfer-Encoding: chunked", body=b"00A;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\n")
    assert adds_to(parse_capture(octets), octets)


def test_spaces_around_values_stay_as_they_were_captured() -> None:
    octets = request(b"X-A:  \t b \t", b"X-B:", b"X-C: \xff")
    assert adds_to(parse_capture(octets), octets)


def test_adding_no_field_gives_the_same_octets() -> None:
    octets = request(body=BODY)
    assert parse_capture(octets).with_fields([]) == octets


def test_a_response_knows_the_request_that_it_answers() -> None:
    asked = read_request(request())
    message = parse_capture(b"HTTP/1.1 200 OK\r\n\r\n", asked).message
    assert isinstance(message, HttpResponse)
    assert message.request is asked
