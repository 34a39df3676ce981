"""Harness of the parser of captured messages: what is read is what stands there, octet for octet."""

from __future__ import annotations

import re

from nlgov_jades import HttpRequest, HttpResponse
from nlgov_jades.cli.capture import Capture, parse_capture, parse_headers_and_body
from nlgov_jades.cli.failure import CommandFailure
from nlgov_jades.message import HttpMessage

from .harness import ACCEPTED, Harness, check, label
from .vectors import vectors

__all__ = ["HARNESSES"]

_STATUS_NO_BODY = {204, 304}
ADDED = [("X-Added", "1")]


def run(data: bytes) -> str:
    try:
        capture = parse_capture(data)
    except CommandFailure as error:
        return label(error)
    message = capture.message
    check(capture.with_fields([]) == data, "a capture does not come back")
    head, body = head_of(data)
    check(list(message.fields) == head, "a field line is read otherwise")
    coded = any(name.lower() == "transfer-encoding" for name, _ in head)
    check(message.body == (dechunked(body) if coded else body), "the body is read otherwise")
    _check_lengths(message)
    longer = parse_capture(capture.with_fields(ADDED)).message
    check(list(longer.fields) == head + ADDED, "an added line changes another")
    check(longer.body == message.body, "an added line changes the body")
    again = parse_capture(plain(message)).message
    check(again.body == message.body and start_of(again) == start_of(message), "a message written anew is another")
    _in_two_files(capture, message, coded=coded)
    return ACCEPTED


def _in_two_files(capture: Capture, message: HttpMessage, *, coded: bool) -> None:
    """The same in two files: the last block counts, and a body is taken as it is."""
    assert isinstance(message.body, bytes)
    try:
        two = parse_headers_and_body(b"HTTP/1.1 100 Continue\r\n\r\n" + capture.head + capture.newline, message.body)
    except CommandFailure as error:
        label(error)
        # One block that looks like the trailer of another cannot be: it has a start line.
        check(coded or not message.body, "two files are refused that are one capture")
        return
    check(two == message, "two files are read otherwise than one")


def head_of(octets: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Field lines and what is behind the empty line, with one regular expression."""
    match = re.match(rb"((?:(?!\r?\n)[^\n]*\n)+?)\r?\n", octets)
    check(match, "a capture without an empty line is read")
    assert match is not None
    lines = [line.removesuffix(b"\r") for line in match[1].split(b"\n")[1:-1]]
    pairs = [line.partition(b":") for line in lines]
    return [(name.decode("latin-1"), value.strip(b" \t").decode("latin-1")) for name, _, value in pairs], octets[
        match.end() :
    ]


def dechunked(octets: bytes) -> bytes:
    """The body without chunks, by hand."""
    body = b""
    while True:
        line, _, octets = octets.partition(b"\n")
        size = int(re.match(rb"[0-9A-Fa-f]+", line)[0], 16)  # type: ignore[index]  # the parser found one there
        if size == 0:
            return body
        body += octets[:size]
        octets = octets[size:].removeprefix(b"\r").removeprefix(b"\n")


def _check_lengths(message: HttpMessage) -> None:
    lengths = message.fields.get_all("content-length")
    if isinstance(message, HttpResponse) and message.status in _STATUS_NO_BODY and not message.body:
        return
    assert isinstance(message.body, bytes)
    for length in lengths:
        check(
            re.fullmatch("[0-9]+", length) and int(length[-20:]) == len(message.body), "a length that is none is read"
        )


def start_of(message: HttpMessage) -> tuple[object, ...]:
    """What the start line says."""
    if isinstance(message, HttpRequest):
        return message.method, message.target
    return (message.status,)


def plain(message: HttpMessage) -> bytes:
    """The message as a capture of HTTP/1.1, with a length in place of any coding."""
    start = "{} {}".format(*start_of(message)) if isinstance(message, HttpRequest) else f"HTTP/1.1 {message.status} OK"
    lines = [start + (" HTTP/1.1" if isinstance(message, HttpRequest) else "")]
    lines += [
        f"{name}: {value}"
        for name, value in message.fields
        if name.lower() not in {"transfer-encoding", "content-length"}
    ]
    assert isinstance(message.body, bytes)
    lines += [f"Content-Length: {len(message.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + message.body


def seeds() -> list[bytes]:
    """Some vectors as captures, and the framings that vectors do not have."""
    made = [plain(vector.message) for vector in vectors()[::6]]
    short = b"POST /v1 HTTP/1.1\r\nHost: a.example\r\n"
    made += [octets[:600] for octets in made]
    made += [
        short + b"\r\n",
        short.replace(b"\r\n", b"\n") + b"\nbody",
        short + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        short + b"Transfer-Encoding: chunked\r\n\r\n04;a=b\r\nbody\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n",
        short + b"Content-Length: 5\r\n\r\nbody",
        short + b"Content-Length: 4, 4\r\n\r\nbody",
        short + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
        short + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\nmore",
        b"HTTP/2 200\nContent-Length: 2\n\n{}",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n",
    ]
    return made


HARNESSES = (
    Harness(
        "capture",
        "written again it is the same octets; fields and body are those that a regular expression and a plain loop find; "
        "every Content-Length is the length",
        run,
        seeds,
        (b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 4\r\n", b"0\r\n\r\n",
         b"4\r\nbody\r\n", b"HTTP/1.1 ", b"HTTP/2 204", b" ", b"\x85", b"\x0b", b"0000000000"),
    ),
)  # fmt: skip
