"""A provider made of plain sockets: it keeps what came in, octet for octet, and answers with the octets of the test."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from nlgov_jades import HttpRequest, HttpResponse, Signer


@dataclass(frozen=True)
class Received:
    """A request as it came in: the message that a verifier gets, and the octets that carried it."""

    message: HttpRequest
    octets: bytes

    @property
    def chunked(self) -> bool:
        return "transfer-encoding" in self.message.fields


@dataclass(frozen=True)
class Reply:
    """What is sent: pieces, one after the other, and whether the connection ends then."""

    pieces: Iterable[bytes]
    ends: bool = False


Script = Callable[[Received], Reply]


def reply(*pieces: bytes, ends: bool = False) -> Script:
    return lambda _: Reply(pieces, ends)


def head(status: int, fields: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("iso-8859-1")


def chunks(body: bytes, size: int = 7) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@dataclass
class Answering:
    """Makes signed answers. Everything of them can be changed after they were signed."""

    signer: Signer

    def __call__(
        self,
        body: bytes = b'{"ok":true}',
        *,
        status: int = 200,
        fields: Iterable[tuple[str, str]] = (("Content-Type", "application/json"),),
        signer: Signer | None = None,
        chunked: bool = False,
        length: int | None = None,
        sent: bytes | None = None,
        more: Iterable[tuple[str, str]] = (),
        less: frozenset[str] = frozenset(),
        ends: bool = False,
    ) -> Script:
        """A script that signs `fields` and `body`, and then sends `sent` and `more` fields, or `less`, instead."""

        def script(received: Received) -> Reply:
            framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(length or len(body)))
            answer = HttpResponse(status=status, fields=[*fields, framing], body=body, request=received.message)
            answer = answer.with_fields((signer or self.signer).sign(answer))
            lines = [line for line in answer.fields if line[0].lower() not in less]
            octets = body if sent is None else sent
            return Reply([head(status, [*lines, *more]), chunks(octets) if chunked else octets], ends)

        return script


def plain(
    body: bytes = b"{}",
    *,
    status: int = 200,
    fields: Iterable[tuple[str, str]] = (("Content-Type", "application/json"),),
) -> Script:
    """An answer without signature."""
    return reply(head(status, [*fields, ("Content-Length", str(len(body)))]), body)


class _Connection:
    def __init__(self, taken: socket.socket) -> None:
        self.socket = taken
        self.held = b""

    def until(self, mark: bytes) -> bytes:
        while mark not in self.held:
            self._more()
        found, _, self.held = self.held.partition(mark)
        return found + mark

    def exactly(self, length: int) -> bytes:
        while len(self.held) < length:
            self._more()
        found, self.held = self.held[:length], self.held[length:]
        return found

    def _more(self) -> None:
        octets = self.socket.recv(65536)
        if not octets:
            raise ConnectionError
        self.held += octets

    def request(self) -> Received:
        octets = self.until(b"\r\n\r\n")
        start, *lines = octets.decode("iso-8859-1").rstrip("\r\n").split("\r\n")
        method, target, _ = start.split(" ")
        fields = [(name, value.strip(" ")) for name, _, value in (line.partition(":") for line in lines)]
        by_name = {name.lower(): value for name, value in fields}
        body = b""
        if by_name.get("transfer-encoding") == "chunked":
            while True:
                line = self.until(b"\r\n")
                chunk = self.exactly(int(line, 16) + 2)
                octets += line + chunk
                body += chunk[:-2]
                if chunk == b"\r\n":
                    break
        else:
            body = self.exactly(int(by_name.get("content-length", "0")))
            octets += body
        return Received(HttpRequest(method=method, target=target, fields=fields, body=body), octets)


@dataclass
class Provider:
    """Answers each request with the next script, and with the last one from then on.

    Attributes:
        scripts: What it answers.
        received: What came in.
        connections: How many were taken.
    """

    scripts: list[Script]
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    peers: list[object] = field(default_factory=list)
    connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._visits: list[tuple[threading.Thread, socket.socket]] = []
        self._thread = threading.Thread(target=self._listen, name="test-provider")
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def named(self) -> str:
        """As it stands in `hosts`."""
        return f"127.0.0.1:{self.port}" if self.tls else self.origin

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
                self.peers.append(taken.getpeercert())
            visit = _Connection(taken)
            while not self.stopped.is_set():
                request = visit.request()
                self.received.append(request)
                answer = (self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0])(request)
                for piece in answer.pieces:
                    taken.sendall(piece)
                if answer.ends:
                    taken.shutdown(socket.SHUT_RDWR)
                    return

    def close(self) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for visitor, connection in self._visits:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            visitor.join()
