"""A capture in two files, as `curl -D` and `curl -o` write them."""

from __future__ import annotations

import tracemalloc

import pytest

from nlgov_jades import HttpRequest, HttpResponse
from nlgov_jades.cli.capture import MAX_HEAD, parse_headers_and_body
from nlgov_jades.cli.failure import CommandFailure

FINAL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"


def response(head: bytes, body: bytes = b"{}", request: HttpRequest | None = None) -> HttpResponse:
    message = parse_headers_and_body(head, body, request)
    assert isinstance(message, HttpResponse)
    return message


def refused(head: bytes, body: bytes = b"{}", request: HttpRequest | None = None) -> str:
    with pytest.raises(CommandFailure) as caught:
        parse_headers_and_body(head, body, request)
    assert caught.value.code == "UNREADABLE_INPUT"
    return caught.value.detail


@pytest.mark.parametrize(
    "head",
    [FINAL, FINAL[:-2], FINAL[:-4], FINAL.replace(b"\r\n", b"\n"), b"\r\n\n" + FINAL, FINAL + b"\r\n\r\n"],
    ids=["whole", "no empty line", "no last line end", "LF", "empty lines before", "empty lines behind"],
)
def test_one_block_is_the_message(head: bytes) -> None:
    message = response(head)
    assert message.status == 200
    assert list(message.fields) == [("Content-Type", "application/json"), ("Content-Length", "2")]
    assert message.body == b"{}"


@pytest.mark.parametrize(
    "before",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 7\r\nnlgov-adr-payload-sig: x\r\n\r\n",
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/2 302 \r\nlocation: /b\r\n\r\n",
    ],
    ids=["100", "103", "redirect", "proxy", "two", "HTTP/2"],
)
def test_the_last_block_counts(before: bytes) -> None:
    assert list(response(before + FINAL).fields) == list(response(FINAL).fields)


def test_an_http_2_answer_is_read_as_curl_writes_it() -> None:
    message = response(b"HTTP/2 200 \r\ncontent-type: application/json\r\nnlgov-adr-payload-sig: a..b\r\n\r\n")
    assert message.status == 200
    assert message.fields.get_all("Nlgov-Adr-Payload-Sig") == ("a..b",)


def test_a_request_is_read_too() -> None:
    message = parse_headers_and_body(b"POST /a?b HTTP/1.1\nHost: c\n", b"d")
    assert isinstance(message, HttpRequest)
    assert (message.method, message.target, message.body) == ("POST", "/a?b", b"d")


def test_trailers_that_curl_writes_behind_the_block_are_not_the_message() -> None:
    # curl 7.88 on a chunked answer with trailer fields.
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\nX-T: v\r\n"
    assert "x-t" not in response(head).fields


@pytest.mark.parametrize("head", [b"", b"\r\n", b"\n\n\n"])
def test_a_file_without_any_header_is_refused(head: bytes) -> None:
    assert refused(head) == "the file of headers is empty"


def test_a_last_block_that_is_no_http_is_refused() -> None:
    assert "neither a request line nor a status line" in refused(FINAL + b"{}\r\n\r\n")


@pytest.mark.parametrize("line", [b" folded", b"X : y", b"X: \x00", b"X: y\rz", b"X: y\r", b"nothing"])
def test_a_field_line_of_another_form_is_refused(line: bytes) -> None:
    assert "is not a field line" in refused(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n")


def test_a_bare_cr_at_the_end_of_the_file_is_refused() -> None:
    assert refused(b"HTTP/1.1 200 OK\r\nX: y\r")


def test_a_block_that_does_not_count_is_not_judged() -> None:
    # A proxy's own answer is not what was signed.
    assert response(b"HTTP/1.1 200 Connection\r\n folded\r\n\r\n" + FINAL).status == 200


# --- the body ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"1", b"123", b"\r\n{}", b"{}\n"])
def test_a_content_length_that_is_not_that_of_the_body_is_refused(body: bytes) -> None:
    assert f"the body has {len(body)} octets" in refused(FINAL, body)


@pytest.mark.parametrize("value", [b"-2", b"+2", b"", b"\xb2", b"2, 2"])
def test_a_content_length_that_is_no_number_is_refused(value: bytes) -> None:
    assert "is not a number" in refused(b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\n")


def test_content_lengths_that_differ_are_refused() -> None:
    assert refused(FINAL[:-2] + b"Content-Length: 3\r\n\r\n")


@pytest.mark.parametrize("body", [b"{}", b"", b"2\r\n{}\r\n0\r\n\r\n"])
def test_a_body_is_not_dechunked_for_curl_did_that(body: bytes) -> None:
    assert response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body).body == body


@pytest.mark.parametrize("status", [b"304 Not Modified", b"204 No Content"])
def test_a_status_without_body_keeps_its_content_length(status: bytes) -> None:
    assert response(b"HTTP/1.1 " + status + b"\r\nContent-Length: 512\r\n\r\n", b"").body == b""


@pytest.mark.parametrize("status", [b"304 Not Modified", b"204 No Content"])
def test_a_status_without_body_that_has_one_is_measured(status: bytes) -> None:
    assert "octets" in refused(b"HTTP/1.1 " + status + b"\r\nContent-Length: 512\r\n\r\n", b"x")


def test_the_answer_to_head_keeps_its_content_length() -> None:
    head = HttpRequest(method="HEAD", target="/")
    assert response(FINAL, b"", head).body == b""


def test_the_answer_to_another_method_does_not() -> None:
    assert "the body has 0 octets" in refused(FINAL, b"", HttpRequest(method="GET", target="/"))


def test_a_request_with_method_head_is_measured_like_every_request() -> None:
    assert "the body has 0 octets" in refused(b"HEAD / HTTP/1.1\r\nContent-Length: 2\r\n\r\n", b"")


# --- limits --------------------------------------------------------------------------------------------------


def test_headers_over_the_limit_are_refused_without_a_copy_of_them() -> None:
    # As when the two files are exchanged and the body is large.
    head = b"HTTP/1.1 200 OK\n" + (b"X: " + b"y" * 96 + b"\n") * 320_000
    tracemalloc.start()
    try:
        detail = refused(head)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert f"longer than {MAX_HEAD}" in detail
    assert peak < len(head) // 4


def test_two_hundred_thousand_blocks_are_read_in_linear_time() -> None:
    assert response(b"a\n\n" * 200_000 + FINAL).status == 200
