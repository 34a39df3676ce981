"""Properties of the parser: it knows one way to fail, and it gives back what was put in."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from nlgov_jades import HttpRequest, HttpResponse
from nlgov_jades.cli.capture import parse_capture, parse_headers_and_body
from nlgov_jades.cli.failure import CommandFailure
from nlgov_jades.message import HttpMessage

TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

tokens = st.text(alphabet=TOKEN, min_size=1, max_size=12)
targets = st.text(alphabet=[chr(code) for code in range(0x21, 0x7F)], min_size=1, max_size=30)
values = st.text(alphabet=["\t", *map(chr, range(0x20, 0x7F)), *map(chr, range(0x80, 0x100))], max_size=30).map(
    lambda text: text.strip(" \t")
)
names = tokens.filter(lambda name: name.lower() not in {"content-length", "transfer-encoding"})
field_lists = st.lists(st.tuples(names, values), max_size=6)
bodies = st.binary(max_size=60)
line_ends = st.sampled_from([b"\r\n", b"\n"])


@dataclass(frozen=True)
class Written:
    """A message, and how it was written down."""

    start: bytes
    fields: list[tuple[str, str]]
    framing: list[tuple[str, str]]
    body: bytes
    wire_body: bytes
    newline: bytes

    @property
    def head(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}".encode("iso-8859-1") for name, value in self.all_fields)]
        return b"".join(line + self.newline for line in lines)

    @property
    def all_fields(self) -> list[tuple[str, str]]:
        return self.fields + self.framing

    @property
    def octets(self) -> bytes:
        return self.head + self.newline + self.wire_body


@st.composite
def written(draw: st.DrawFn) -> Written:
    request_lines = st.builds("{} {} HTTP/1.1".format, tokens, targets)
    status_lines = st.builds("HTTP/1.1 {} {}".format, st.integers(100, 599), values)
    start = draw(st.one_of(request_lines, status_lines)).encode("iso-8859-1")
    newline, body = draw(line_ends), draw(bodies)
    framing, wire_body = [], body
    kind = draw(st.sampled_from(["none", "length", "chunked"]))
    if kind == "length":
        framing = [("Content-Length", str(len(body)))]
    if kind == "chunked":
        framing = [("Transfer-Encoding", "chunked")]
        wire_body = draw(chunks(body, newline))
    return Written(start, draw(field_lists), framing, body, wire_body, newline)


@st.composite
def chunks(draw: st.DrawFn, body: bytes, newline: bytes) -> bytes:
    wire, rest = b"", body
    while rest:
        size = draw(st.integers(1, len(rest)))
        number = draw(st.sampled_from([f"{size:x}", f"{size:X}", f"{size:04x}"])).encode()
        extension = draw(st.sampled_from([b"", b";a=b", b' ; a="b"']))
        wire += number + extension + newline + rest[:size] + newline
        rest = rest[size:]
    trailers = draw(field_lists)
    lines = b"".join(f"{name}: {value}".encode("iso-8859-1") + newline for name, value in trailers)
    return wire + b"0" + newline + lines + newline


def start_line(message: HttpMessage) -> bytes:
    if isinstance(message, HttpRequest):
        return f"{message.method} {message.target} HTTP/1.1".encode("iso-8859-1")
    return f"HTTP/1.1 {message.status} ".encode()


def says(message: HttpMessage, expected: Written) -> bool:
    """The message says what was written, reason phrase aside."""
    start = start_line(message)
    same_start = expected.start.startswith(start) if isinstance(message, HttpResponse) else expected.start == start
    return same_start and list(message.fields) == expected.all_fields and message.body == expected.body


@settings(deadline=None, derandomize=True)
@given(written())
def test_what_was_written_into_one_file_is_read_from_it(message: Written) -> None:
    assert says(parse_capture(message.octets).message, message)


@settings(deadline=None, derandomize=True)
@given(written(), st.lists(written(), max_size=2), st.integers(0, 2))
def test_what_was_written_into_two_files_is_read_from_them(
    message: Written, before: list[Written], empty_lines: int
) -> None:
    head = b"".join(block.head + block.newline for block in before) + message.head + message.newline * empty_lines
    assert says(parse_headers_and_body(head, message.body), message)


@settings(deadline=None, derandomize=True)
@given(written(), field_lists)
def test_added_fields_are_read_back_and_nothing_else_changed(message: Written, added: list[tuple[str, str]]) -> None:
    octets = parse_capture(message.octets).with_fields(added)
    assert list(parse_capture(octets).message.fields) == message.all_fields + added
    assert octets.startswith(message.head)
    assert octets.endswith(message.newline + message.wire_body)
    assert len(octets) == len(message.octets) + sum(len(f"{n}: {v}") + len(message.newline) for n, v in added)


PIECES = (
    *(b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b";", b"0", b"5", b"a", b"G", b"\xff", b"-", b"+"),
    *(b"GET / HTTP/1.1", b"HTTP/1.1 200 OK", b"HTTP/2 304", b"Content-Length", b"Transfer-Encoding", b"chunked"),
)
hostile = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))


@settings(deadline=None, derandomize=True, max_examples=500)
@given(hostile)
def test_any_octets_are_a_capture_or_a_command_failure(octets: bytes) -> None:
    try:
        capture = parse_capture(octets)
    except CommandFailure:
        return
    assert capture.head + capture.tail == octets


@settings(deadline=None, derandomize=True, max_examples=500)
@given(hostile, st.binary(max_size=20), st.sampled_from([None, HttpRequest(method="HEAD", target="/")]))
def test_any_two_files_are_a_message_or_a_command_failure(
    head: bytes, body: bytes, request: HttpRequest | None
) -> None:
    try:
        message = parse_headers_and_body(head, body, request)
    except CommandFailure:
        return
    assert message.body == body


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    written(), st.integers(0, 400), st.sampled_from([b"", b"\r", b"\n", b"\x00", b" ", b"0", b"\xff", b": ", b"\r\n"])
)
def test_a_damaged_message_is_a_capture_or_a_command_failure(message: Written, position: int, put: bytes) -> None:
    octets = message.octets[:position] + put + message.octets[position + 1 :]
    try:
        capture = parse_capture(octets)
    except CommandFailure:
        return
    assert capture.head + capture.tail == octets
