"""The sockets and threads of the responder, and the faults of transport. What is said comes from elsewhere."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from .answers import Reply
from .behaviour import Behaviour

__all__ = ["Exchange", "ReceivedRequest", "Server", "Transport"]

_MAX_BODY: Final = 64 * 1024
"""Octets of a request. An OCSP request has about a hundred."""

_IDLE: Final = 30.0
"""Seconds after which a client that sends nothing, or reads nothing, is hung up on."""

_POLL: Final = 0.05
"""Seconds until `close` is noticed by the thread that accepts connections."""

_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request that came in.

    Attributes:
        method: GET or POST.
        path: Its path, without query.
    """

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What to send, and how."""

    reply: Reply
    behaviour: Behaviour


@dataclass(frozen=True, slots=True)
class Transport:
    """Figures of the faults.

    Attributes:
        delay: Seconds that `SLOW` waits.
        drip: Seconds that `DRIPPING` waits after each octet.
        huge: Octets that `HUGE` sends.
    """

    delay: float
    drip: float
    huge: int


Answer = Callable[[ReceivedRequest, str, bytes], Exchange]


class Server(socketserver.TCPServer):
    """Listens on 127.0.0.1 from the moment it is made until `close`. One thread for each connection.

    Args:
        port: Port; a free one when 0.
        answer: Gives the reply to a request, its media type and its body.
        transport: Figures of the faults.

    Raises:
        OSError: The port cannot be used.
    """

    # Elsewhere than on POSIX the option would let two processes listen on one port.
    allow_reuse_address = os.name == "posix"
    request_queue_size = 64

    def __init__(self, port: int, answer: Answer, transport: Transport) -> None:
        self.answer = answer
        self.transport = transport
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", port), _Handler)
        self.port: int = self.server_address[1]
        # A daemon, as the others: a responder that was forgotten does not keep the interpreter from ending.
        self._listener = threading.Thread(
            target=self.serve_forever, args=(_POLL,), name=f"nlgov-jades responder {self.port}", daemon=True
        )
        self._listener.start()

    def close(self) -> None:
        """Stop, hang up, and wait for every thread."""
        self.closing.set()
        self.shutdown()
        self._listener.join()
        with self._lock:
            connections = dict(self._open)
        for connection in connections.values():
            # Wakes a thread that reads or waits; one that has just closed it needs no waking.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections:
            thread.join()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own."""
        thread = threading.Thread(
            target=self._converse, args=(request, client_address), name=f"{self._listener.name} connection", daemon=True
        )
        with self._lock:
            self._open[thread] = request
        thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error; anything else is ours, and shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def _converse(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:  # noqa: BLE001 - as socketserver does: one connection must not end the others
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)
            with self._lock:
                self._open.pop(threading.current_thread(), None)


class _Handler(BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]  # socketserver says so in prose only
    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a GET."""
        self._converse(b"")

    def do_POST(self) -> None:
        """Answer a POST, when its body is announced and small."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif len(length) > len(str(_MAX_BODY)) or int(length) > _MAX_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._converse(self.rfile.read(int(length)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """Print nothing: whoever wants to know has `on_request`."""

    def _refuse(self, status: HTTPStatus) -> None:
        self._send(_octets(Reply(status=status, body=f"{status.phrase}\n".encode())))

    def _converse(self, body: bytes) -> None:
        request = ReceivedRequest(self.command, self.path.partition("?")[0])
        exchange = self.server.answer(request, self.headers.get_content_type(), body)
        transport = self.server.transport
        match exchange.behaviour:
            case Behaviour.SILENT:
                self._wait(None)
                self.close_connection = True
            case Behaviour.SLOW:
                self._wait(transport.delay)
                self._send(_octets(exchange.reply))
            case Behaviour.DRIPPING:
                for octet in _octets(exchange.reply):
                    self._send(bytes([octet]))
                    self._wait(transport.drip)
            case Behaviour.HUGE:
                for chunk in _endless(exchange.reply, transport.huge):
                    self._send(chunk)
            case _:
                self._send(_octets(exchange.reply))

    def _send(self, octets: bytes) -> None:
        """Send some of the response, which is the last on this connection.

        Raises:
            ConnectionError: The client has hung up, or the responder closes.
        """
        self.close_connection = True
        if self.server.closing.is_set():
            raise ConnectionAbortedError
        self.wfile.write(octets)

    def _wait(self, seconds: float | None) -> None:
        """Wait so long, or until the client hangs up; so does `close`, by shutting the connection down."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            if selector.select(seconds) and self.connection.recv(1, socket.MSG_PEEK):
                # It speaks out of turn. Nothing is read any more, so that only `close` ends a wait early.
                self.server.closing.wait(seconds)


def _octets(reply: Reply) -> bytes:
    return _head(reply, ("Content-Length", str(len(reply.body)))) + reply.body


def _endless(reply: Reply, size: int) -> Iterator[bytes]:
    yield _head(reply) + reply.body
    for _ in range(len(reply.body), size, _CHUNK):
        yield bytes(_CHUNK)


def _head(reply: Reply, *more: tuple[str, str]) -> bytes:
    fields = [("Content-Type", reply.content_type), *reply.fields, *more, ("Connection", "close")]
    lines = [f"HTTP/1.1 {reply.status.value} {reply.status.phrase}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
