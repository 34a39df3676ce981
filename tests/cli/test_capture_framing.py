"""Where the body ends: Content-Length and chunked, in a capture of one file."""

from __future__ import annotations

import tracemalloc

import pytest

from nlgov_jades.cli.capture import parse_capture
from nlgov_jades.cli.failure import CommandFailure


def message(*field_lines: bytes, body: bytes = b"", start: bytes = b"POST / HTTP/1.1") -> bytes:
    return b"\r\n".join([start, *field_lines, b"", body])


def body_of(octets: bytes) -> bytes:
    body = parse_capture(octets).message.body
    assert isinstance(body, bytes)
    return body


def refused(octets: bytes) -> str:
    with pytest.raises(CommandFailure) as caught:
        parse_capture(octets)
    assert caught.value.code == "UNREADABLE_INPUT"
    return caught.value.detail


# --- Content-Length ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"5", b"05", b"0" * 5000 + b"5", b" 5\t"])
def test_a_content_length_that_is_the_length_of_the_body_is_accepted(value: bytes) -> None:
    assert body_of(message(b"Content-Length:" + value, body=b"12345")) == b"12345"


@pytest.mark.parametrize("value", [b"0", b"00"])
def test_an_empty_body_has_length_zero(value: bytes) -> None:
    assert body_of(message(b"Content-Length: " + value)) == b""


@pytest.mark.parametrize("value", [b"4", b"6", b"0", b"50", b"15", b"9" * 30])
def test_a_content_length_that_is_not_the_length_of_the_body_is_refused(value: bytes) -> None:
    assert "the body has 5 octets" in refused(message(b"Content-Length: " + value, body=b"12345"))


@pytest.mark.parametrize(
    "value",
    [
        b"-5",
        b"+5",
        b"",
        b"0x5",
        b"5.0",
        b"5e0",
        b"5_0",
        b"5 5",
        b"5;",
        b"5, 5",
        b"five",
        b"\xb2",
        b"\xd9\xa5",
        b"5\xa0",
    ],
)
def test_a_content_length_that_is_no_number_is_refused(value: bytes) -> None:
    assert "is not a number" in refused(message(b"Content-Length: " + value, body=b"12345"))


def test_a_content_length_of_a_million_digits_is_refused_with_a_short_answer() -> None:
    assert len(refused(message(b"Content-Length: " + b"9" * 1_000_000, body=b"12345"))) < 300


def test_a_content_length_that_is_repeated_with_the_same_value_is_accepted() -> None:
    assert body_of(message(b"Content-Length: 5", b"content-length: 5", body=b"12345")) == b"12345"


@pytest.mark.parametrize("values", [(b"5", b"4"), (b"4", b"5"), (b"5", b"x"), (b"5", b"")])
def test_a_content_length_that_is_repeated_with_another_value_is_refused(values: tuple[bytes, bytes]) -> None:
    assert refused(message(*(b"Content-Length: " + value for value in values), body=b"12345"))


def test_without_content_length_the_body_is_the_rest_of_the_file() -> None:
    assert body_of(message(body=b"1\n2\r\n\r\n3")) == b"1\n2\r\n\r\n3"


def test_a_304_keeps_the_content_length_of_what_it_did_not_send() -> None:
    # RFC 9110 §8.6; `parse_headers_and_body` reads it so.
    assert body_of(message(b"Content-Length: 5", start=b"HTTP/1.1 304 Not Modified")) == b""


# --- chunked -------------------------------------------------------------------------------------------------


def chunked(body: bytes, *more: bytes) -> bytes:
    return message(b"Transfer-Encoding: chunked", *more, body=body)


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"0\r\n\r\n", b""),
        (b"5\r\n12345\r\n0\r\n\r\n", b"12345"),
        (b"2\r\n12\r\n3\r\n345\r\n0\r\n\r\n", b"12345"),
        (b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"00000000000a\r\n0123456789\r\n000000000000\r\n\r\n", b"0123456789"),
        (b"10\r\n0123456789abcdef\r\n0\r\n\r\n", b"0123456789abcdef"),
        (b"5;a=b\r\n12345\r\n0;c\r\n\r\n", b"12345"),
        (b'5 \t; a="b c"\r\n12345\r\n0\r\n\r\n', b"12345"),
        (b"5\n12345\n0\n\n", b"12345"),
        (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
        (b"3\r\n0\r\n\r\n0\r\n\r\n", b"0\r\n"),
        (b"5\r\n12345\r\n0\r\nX-Trailer: a\r\nX-Other:\r\n\r\n", b"12345"),
    ],
)
def test_chunks_give_the_body(body: bytes, content: bytes) -> None:
    assert body_of(chunked(body)) == content


@pytest.mark.parametrize("name", [b"chunked", b"Chunked", b"CHUNKED", b"chunked \t"])
def test_the_name_of_the_coding_has_any_case(name: bytes) -> None:
    assert body_of(message(b"transfer-encoding: " + name, body=b"1\r\nx\r\n0\r\n\r\n")) == b"x"


WHOLE = b"5;x=y\r\n12345\r\nA\r\n0123456789\r\n0\r\nX-Trailer: a\r\n\r\n"


def test_the_whole_of_the_next_test_is_a_chunked_body() -> None:
    assert body_of(chunked(WHOLE)) == b"123450123456789"


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_chunked_body_that_was_cut_off_anywhere_is_refused(length: int) -> None:
    assert "chunked body" in refused(chunked(WHOLE[:length]))


@pytest.mark.parametrize(
    "size",
    [
        b"",
        b"-5",
        b"+5",
        b"0x5",
        b"5h",
        b" 5",
        b"5 ",
        b"5 5",
        b"5,",
        b"\xb2",
        b"5\r",
        b"5;\x00",
        b"5;\xe9",
        b"0000000000005",
        b"ffffffffffff",
        b"4",
        b"7",
        b"0",
    ],
)
def test_a_chunk_of_which_the_size_is_wrong_is_refused(size: bytes) -> None:
    assert refused(chunked(size + b"\r\n12345\r\n0\r\n\r\n"))


@pytest.mark.parametrize(
    "body",
    [
        b"12345",
        b"{}",
        b"5\r\n123450\r\n\r\n",
        b"5\r12345\r\n0\r\n\r\n",
        b"5\r\n12345\r0\r\n\r\n",
        b"5\r\n12345\r\r\n0\r\n\r\n",
        b"5\r\n12345\r\n\r\n0\r\n\r\n",
        b"\r\n5\r\n12345\r\n0\r\n\r\n",
    ],
    ids=[
        "no chunks",
        "a body that was de-chunked",
        "no line end behind a chunk",
        "CR behind a size",
        "CR behind a chunk",
        "CR before CRLF",
        "an empty line behind a chunk",
        "an empty line before the first",
    ],
)
def test_a_damaged_chunk_is_refused(body: bytes) -> None:
    assert "the chunked body is damaged" in refused(chunked(body))


def test_a_size_that_is_one_too_large_does_not_take_the_cr_of_the_line_end_for_content() -> None:
    assert "the chunked body is damaged" in refused(chunked(b"6\r\n12345\r\n0\r\n\r\n"))


@pytest.mark.parametrize(
    "more", [b"x", b"\r\n", b"\n", b"0\r\n\r\n", b"X: y\r\n", b"X: y\r\n\r\n", b"POST / HTTP/1.1\r\n"]
)
def test_nothing_may_follow_the_end_of_a_chunked_body(more: bytes) -> None:
    assert "chunked body" in refused(chunked(b"5\r\n12345\r\n0\r\n\r\n" + more))


@pytest.mark.parametrize("trailer", [b"x", b"X: \x00", b"X: y\r\n z", b": y", b"X : y"])
def test_a_trailer_that_is_no_field_is_refused(trailer: bytes) -> None:
    assert "is not a field line" in refused(chunked(b"0\r\n" + trailer + b"\r\n\r\n"))


def test_trailer_fields_are_no_fields_of_the_message() -> None:
    capture = parse_capture(chunked(b"0\r\nDigest: x\r\n\r\n"))
    assert "digest" not in capture.message.fields


@pytest.mark.parametrize("length", [b"5", b"15", b"x"])
def test_chunked_together_with_content_length_is_refused(length: bytes) -> None:
    octets = chunked(b"5\r\n12345\r\n0\r\n\r\n", b"Content-Length: " + length)
    assert "both Transfer-Encoding and Content-Length" in refused(octets)


@pytest.mark.parametrize(
    "codings",
    [
        (b"gzip",),
        (b"gzip, chunked",),
        (b"chunked, gzip",),
        (b"chunked, chunked",),
        (b"chunked", b"chunked"),
        (b"identity",),
        (b"",),
        (b"xchunked",),
        (b"chunked;q=1",),
        (b"\x0bchunked".replace(b"\x0b", b"\xa0"),),
    ],
)
def test_another_transfer_coding_is_refused(codings: tuple[bytes, ...]) -> None:
    lines = [b"Transfer-Encoding: " + coding for coding in codings]
    assert "only chunked can" in refused(message(*lines, body=b"1\r\nx\r\n0\r\n\r\n"))


# Each of these takes a second when the work grows with the length, and minutes when it grows with its square.


def test_a_third_of_a_million_chunks_are_read_in_linear_time() -> None:
    assert body_of(chunked(b"1\r\nx\r\n" * 300_000 + b"0\r\n\r\n")) == b"x" * 300_000


@pytest.mark.parametrize(
    "body", [b"1;" + b" " * 8_000_000, b"1" + b" " * 8_000_000, b"0" * 8_000_000, b"1;" + b"\r" * 8_000_000]
)
def test_an_endless_chunk_size_is_refused_in_linear_time(body: bytes) -> None:
    assert "does not start with its size" in refused(chunked(body))


def test_a_long_chunk_extension_is_read_in_linear_time() -> None:
    assert body_of(chunked(b"1;" + b"x" * 8_000_000 + b"\r\nx\r\n0\r\n\r\n")) == b"x"


def test_endless_trailers_are_refused_without_a_copy_of_them_all() -> None:
    octets = chunked(b"0\r\n" + (b"X: " + b"y" * 96 + b"\n") * 320_000)
    tracemalloc.start()
    try:
        detail = refused(octets)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "longer than" in detail
    # The body is copied out of the capture once, and the trailer out of the body once.
    assert peak < 3 * len(octets)


def test_a_chunk_that_claims_more_than_there_is_takes_no_memory_for_it() -> None:
    octets = chunked(b"fffffffffff\r\n" + bytes(1000))
    tracemalloc.start()
    try:
        assert "shorter or longer" in refused(octets)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
