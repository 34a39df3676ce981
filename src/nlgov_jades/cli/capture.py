"""The parser of captured HTTP messages. Small and strict: it repairs nothing, so that what is wrong stays visible.

A capture is a start line, field lines, an empty line, and the body exactly to the end of the file; lines end in CRLF or
LF. Or it is two files: the fields, of which the last block counts, and the body without transfer coding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..errors import quoted
from ..message import Fields, HttpMessage, HttpRequest, HttpResponse
from .failure import CommandFailure

__all__ = ["Capture", "parse_capture", "parse_headers_and_body"]

MAX_HEAD = 1 << 20
"""Octets of start line and fields; servers stop far earlier, and a body given as a head should not be searched."""

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/[0-9](?:\.[0-9])?")
_STATUS_LINE = re.compile(rb"HTTP/[0-9](?:\.[0-9])? ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})(?:[ \t]*;[\t\x20-\x7e]*)?(\r?\n)")

_NO_BODY_STATUSES = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Capture:
    """A captured message and the octets it came from.

    Attributes:
        message: The message, transfer coding removed.
        head: Start line and field lines as captured.
        tail: The empty line and everything behind it as captured.
        newline: How the start line ends.
    """

    message: HttpMessage
    head: bytes
    tail: bytes
    newline: bytes

    def with_fields(self, lines: Iterable[tuple[str, str]]) -> bytes:
        """The captured octets with these field lines added, every other octet as it was."""
        added = b"".join(f"{name}: {value}".encode("iso-8859-1") + self.newline for name, value in lines)
        return self.head + added + self.tail


def parse_capture(octets: bytes, request: HttpRequest | None = None) -> Capture:
    """A capture in one piece.

    Args:
        octets: The whole file.
        request: The request that a response answers, when known.

    Raises:
        CommandFailure: It is no HTTP message, or its framing contradicts itself.
    """
    lines, end = _head_lines(octets)
    _start_line(lines.content[0])  # before its fields: a clearer word for a file that is no HTTP at all
    if end is None:
        raise CommandFailure("the message has no empty line between its fields and its body")
    first_end = octets.index(b"\n")
    newline = b"\r\n" if octets[:first_end].endswith(b"\r") else b"\n"
    tail_start = end - len(lines.blank)
    fields = _fields(lines.content[1:])
    body = _unframed_body(octets[end:], fields)
    message = _message(lines.content[0], fields, body, request)
    _check_length(fields, message)
    return Capture(message, octets[:tail_start], octets[tail_start:], newline)


def parse_headers_and_body(head: bytes, body: bytes, request: HttpRequest | None = None) -> HttpMessage:
    """A capture in two files, as `curl -D` and `curl -o` write them.

    Args:
        head: One or more blocks of start line and fields; the last one counts.
        body: The body without transfer coding.
        request: The request that a response answers, when known.

    Raises:
        CommandFailure: The head is no HTTP message, or Content-Length is not the length of the body.
    """
    previous: list[bytes] = []
    last: list[bytes] = []
    block: list[bytes] = []
    for line, _ in _lines(head):
        if line and not block:
            previous, last, block = last, [], []
            last = block
        if line:
            block.append(line)
        else:
            block = []
    if not last:
        raise CommandFailure("the file of headers is empty")
    if previous and all(map(_FIELD_LINE.fullmatch, last)):
        last = previous  # curl writes the trailer fields of a chunked answer behind the block; they are not signed
    fields = _fields(last[1:])
    message = _message(last[0], fields, body, request)
    _check_length(fields, message)
    return message


@dataclass(frozen=True, slots=True)
class _Head:
    content: list[bytes]
    blank: bytes


def _lines(octets: bytes) -> Iterator[tuple[bytes, int]]:
    """Each line without its end, and where the next one starts."""
    position = 0
    while position < len(octets):
        end = octets.find(b"\n", position, MAX_HEAD)
        if end < 0 and len(octets) > MAX_HEAD:
            raise CommandFailure(f"start line and fields are longer than {MAX_HEAD} octets")
        if end < 0:  # a CR at the very end ends no line
            yield octets[position:], len(octets)
            return
        yield octets[position:end].removesuffix(b"\r"), end + 1
        position = end + 1


def _head_lines(octets: bytes) -> tuple[_Head, int | None]:
    content: list[bytes] = []
    start = 0
    for line, following in _lines(octets):
        if not line and content:
            return _Head(content, octets[start:following]), following
        content.append(line)
        start = following
    if not content:
        raise CommandFailure("the message is empty")
    return _Head(content, b""), None


def _start_line(line: bytes) -> tuple[str, str] | int:
    if match := _REQUEST_LINE.fullmatch(line):
        return match[1].decode("ascii"), match[2].decode("ascii")
    if match := _STATUS_LINE.fullmatch(line):
        return int(match[1])
    # The line is not quoted: it may hold a query string, or be the body.
    raise CommandFailure("the first line is neither a request line nor a status line")


def _message(start: bytes, fields: Fields, body: bytes, request: HttpRequest | None) -> HttpMessage:
    parsed = _start_line(start)
    if isinstance(parsed, int):
        return HttpResponse(status=parsed, fields=fields, body=body, request=request)
    return HttpRequest(method=parsed[0], target=parsed[1], fields=fields, body=body)


def _fields(lines: list[bytes]) -> Fields:
    found: list[tuple[bytes, bytes]] = []
    for number, line in enumerate(lines, start=2):
        match = _FIELD_LINE.fullmatch(line)
        if match is None:
            # The line is not quoted: it may be a credential, or the body.
            raise CommandFailure(f"line {number} is not a field line (name: value)")
        found.append((match[1], match[2].strip(b" \t")))
    return Fields(found)


def _unframed_body(octets: bytes, fields: Fields) -> bytes:
    codings = fields.combined("transfer-encoding")
    if codings is None:
        return octets
    if "content-length" in fields:
        raise CommandFailure(
            "the message has both Transfer-Encoding and Content-Length: how long it is, is not defined"
        )
    if codings.lower() != "chunked":
        raise CommandFailure(f"Transfer-Encoding {quoted(codings)} cannot be read; only chunked can")
    return _dechunked(octets)


def _check_length(fields: Fields, message: HttpMessage) -> None:
    body = message.body if isinstance(message.body, bytes) else b""
    if isinstance(message, HttpResponse) and not body:
        to_head = message.request is not None and message.request.method == "HEAD"
        if to_head or message.status in _NO_BODY_STATUSES:
            return  # Content-Length then tells what another request would have got (RFC 9110 §8.6)
    _check_content_length(fields, len(body))


def _check_content_length(fields: Fields, length: int) -> None:
    for value in fields.get_all("content-length"):
        if not value.isascii() or not value.isdigit():
            raise CommandFailure(f"Content-Length {quoted(value, 20)} is not a number")
        if value.lstrip("0") != str(length).lstrip("0"):
            raise CommandFailure(
                f"Content-Length is {value[:20]} and the body has {length} octets: was it captured whole, and not "
                "decoded or re-encoded on the way?"
            )


def _dechunked(octets: bytes) -> bytes:
    body = bytearray()
    position = 0
    while True:
        match = _CHUNK_SIZE.match(octets, position)
        if match is None:
            raise CommandFailure("the chunked body is damaged: a chunk does not start with its size")
        size = int(match[1], 16)
        position = match.end()
        if size == 0:
            _check_trailer(octets[position:])
            return bytes(body)
        chunk = octets[position : position + size]
        end = position + size + len(match[2])
        if len(chunk) != size or octets[position + size : end] != match[2]:
            raise CommandFailure("the chunked body is damaged: a chunk is shorter or longer than its size")
        body += chunk
        position = end


def _check_trailer(octets: bytes) -> None:
    # Trailer fields are no part of what is signed; they must still be fields, and nothing may follow them.
    lines = [line for line, _ in _lines(octets)]
    if not lines or lines.pop() != b"":
        raise CommandFailure("the chunked body does not end with an empty line")
    if b"" in lines:
        raise CommandFailure("something follows the end of the chunked body")
    _fields(lines)
