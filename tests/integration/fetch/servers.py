"""HTTP servers made of plain sockets, most of which misbehave. They listen on loopback, and wait only to be slow."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

DRIP = 0.02
"""Seconds between two octets of a server that drips."""

OCSP = "application/ocsp-response"

Behaviour = Callable[["Visit"], None]


@dataclass
class Visit:
    """One connection, its request already read by `request`."""

    connection: socket.socket
    server: Server

    def request(self) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self.connection.recv(65536) or b"\r\n\r\n"
        head, _, body = received.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]):
                    body += self.connection.recv(65536)
        self.server.requests.append(head + b"\r\n\r\n" + body)
        self.server.visited.set()
        return self.server.requests[-1]

    def send(self, octets: bytes) -> None:
        self.connection.sendall(octets)

    def drip(self, octets: bytes) -> None:
        for position in range(len(octets)):
            self.send(octets[position : position + 1])
            if self.server.stopped.wait(DRIP):
                return


@dataclass
class Server:
    """Serves each connection in a thread, until `close`.

    Attributes:
        requests: What came in, head and body.
        connections: How many connections were taken.
        visited: Set when a request has come in.
        gate: What `gated` waits for.
    """

    behave: Behaviour
    tls: ssl.SSLContext | None = None
    backlog: int = 512
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    visited: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=self.backlog)
        self.port: int = self._listener.getsockname()[1]
        self._visits: list[tuple[threading.Thread, socket.socket]] = []
        self._thread = threading.Thread(target=self._listen, name="test-server")
        self._thread.start()

    def url(self, path: str = "/crl", *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def _listen(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            visitor = threading.Thread(target=self._serve, args=(connection,), name="test-visit")
            self._visits.append((visitor, connection))
            visitor.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            taken = connection
            if self.tls is not None:
                taken = stack.enter_context(self.tls.wrap_socket(connection.dup(), server_side=True))
            self.behave(Visit(taken, self))

    def close(self) -> None:
        self.stopped.set()
        self.gate.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for visitor, connection in self._visits:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            visitor.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def head(status: int = 200, **fields: object) -> bytes:
    """The head of an answer; underscores in names become hyphens."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name.replace('_', '-')}: {text}" for name, text in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _fields(body: bytes, fields: dict[str, object]) -> dict[str, Any]:
    return {"Content_Length": len(body), **fields}


def answering(body: bytes, status: int = 200, **fields: object) -> Behaviour:
    """A server that does what it should, unless `fields` say otherwise."""

    def behave(visit: Visit) -> None:
        visit.request()
        visit.send(head(status, **_fields(body, fields)) + body)

    return behave


def gated(behave: Behaviour) -> Behaviour:
    """The same, once the test opens the gate."""

    def wait(visit: Visit) -> None:
        received = visit.request()
        visit.server.gate.wait()
        visit.request = lambda: received  # type: ignore[method-assign]  # it was read already
        behave(visit)

    return wait


def one_after_the_other(*behaviours: Behaviour) -> Behaviour:
    """The first connection meets the first behaviour, and so on; the last one stays."""
    remaining = list(behaviours)

    def behave(visit: Visit) -> None:
        (remaining.pop(0) if len(remaining) > 1 else remaining[0])(visit)

    return behave


def silent(visit: Visit) -> None:
    """Takes the request and never answers."""
    visit.request()
    visit.server.stopped.wait()


def dripping_head(visit: Visit) -> None:
    """Sends a field that has no end, one octet at a time."""
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\nX: ")
    visit.drip(b"a" * 100_000)


def dripping_fields(visit: Visit) -> None:
    """Sends whole fields, one at a time: no line ever takes long."""
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\n")
    while not visit.server.stopped.wait(DRIP):
        visit.send(b"X: a\r\n")


def dripping_body(visit: Visit) -> None:
    """Sends a body that would be complete in half an hour."""
    visit.request()
    visit.send(head(Content_Length=100_000))
    visit.drip(b"a" * 100_000)


def dripping_chunks(visit: Visit) -> None:
    """The same in chunks."""
    visit.request()
    visit.send(head(Transfer_Encoding="chunked"))
    visit.drip(b"1\r\na\r\n" * 10_000)


def always_continuing(visit: Visit) -> None:
    """Sends one interim answer after the other."""
    visit.request()
    while not visit.server.stopped.wait(DRIP):
        visit.send(b"HTTP/1.1 100 Continue\r\n\r\n")


def endless(visit: Visit) -> None:
    """Sends a body without length as fast as it can."""
    visit.request()
    visit.send(head(Content_Type=OCSP))
    while not visit.server.stopped.is_set():
        visit.send(b"a" * 65536)


def endless_chunks(visit: Visit) -> None:
    """The same in chunks."""
    visit.request()
    visit.send(head(Content_Type=OCSP, Transfer_Encoding="chunked"))
    while not visit.server.stopped.is_set():
        visit.send(b"10000\r\n" + b"a" * 65536 + b"\r\n")


def too_short(visit: Visit) -> None:
    """Ends before the length that it stated."""
    visit.request()
    visit.send(head(Content_Type=OCSP, Content_Length=1000) + b"a" * 10)


def closing_early(visit: Visit) -> None:
    """Ends in the middle of the head."""
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def saying_nothing(visit: Visit) -> None:
    """Ends without a word."""
    visit.request()


def resetting(visit: Visit) -> None:
    """Ends with a reset."""
    visit.request()
    visit.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def speaking_something_else(visit: Visit) -> None:
    """Answers in another protocol."""
    visit.request()
    visit.send(b"220 mail.example ESMTP\r\n" * 3)


def silent_at_once(visit: Visit) -> None:
    """Takes the connection and never sends anything: a TLS handshake waits for it."""
    visit.server.stopped.wait()


def dripping_handshake(visit: Visit) -> None:
    """Sends the start of a large TLS record, then one octet at a time."""
    visit.send(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb")
    visit.drip(b"\x03" * 16_000)


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """The port of a listener that never accepts and whose queue is full: it does not answer a SYN."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the standard library names it only by position
            waiting.connect_ex(("127.0.0.1", port))
        yield port
