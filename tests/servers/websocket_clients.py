"""Clients of websockets for tests: wsproto on a socket, over HTTP/1.1 and over HTTP/2. No test is here, and nothing of ASGI."""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

from .processes import PATIENCE, Server


class Client:
    """One websocket, from its handshake on. What arrives is taken one event at a time.

    Args:
        site: Where to.
        target: The request-target.
        fields: More field lines.
        subprotocols: What is offered.
    """

    def __init__(self, site: Server, target: str, fields: list[tuple[bytes, bytes]], subprotocols: list[str]) -> None:
        self.handshake = b""
        self._arrived: deque[Event] = deque()
        self._connection = WSConnection(ConnectionType.CLIENT)
        self.socket = socket.create_connection(("127.0.0.1", site.port), PATIENCE)
        self.handshake = self.send(
            Request(host=site.authority, target=target, extra_headers=fields, subprotocols=subprotocols)
        )

    def send(self, event: Event) -> bytes:
        octets = self._connection.send(event)
        self.socket.sendall(octets)
        return octets

    def next(self) -> Event:
        """What came next; a ping is answered on the way."""
        while True:
            while not self._arrived:
                self._connection.receive_data(self.socket.recv(65536) or None)
                self._arrived.extend(self._connection.events())
            event = self._arrived.popleft()
            if not isinstance(event, Ping):
                return event
            self.send(event.response())

    def accepted(self) -> AcceptConnection:
        event = self.next()
        assert isinstance(event, AcceptConnection), event
        return event

    def refused(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, fields and body of what came instead of a websocket."""
        event = self.next()
        assert isinstance(event, RejectConnection), event
        body = b""
        while event.has_body:
            piece = self.next()
            assert isinstance(piece, RejectData), piece
            body += piece.data
            if piece.body_finished:
                break
        return event.status_code, {name.lower(): value for name, value in event.headers}, body

    def text(self) -> str:
        whole = ""
        while True:
            event = self.next()
            assert isinstance(event, TextMessage), event
            whole += event.data
            if event.message_finished:
                return whole

    def octets(self) -> bytes:
        whole = b""
        while True:
            event = self.next()
            assert isinstance(event, BytesMessage), event
            whole += event.data
            if event.message_finished:
                return whole

    def told(self) -> dict[str, Any]:
        """What the application found in its scope: the first thing that it says."""
        found: dict[str, Any] = json.loads(self.text())
        return found

    def closed(self) -> tuple[int, str]:
        """Code and reason of the close, once the connection has ended too."""
        event = self.next()
        assert isinstance(event, CloseConnection), event
        if not self._connection.state.name.endswith("CLOSED"):
            self.send(event.response())
        assert self.socket.recv(1) == b""
        return event.code, event.reason or ""


@contextmanager
def websocket(
    site: Server, target: str, fields: list[tuple[bytes, bytes]] | None = None, subprotocols: list[str] | None = None
) -> Iterator[Client]:
    client = Client(site, target, fields or [], subprotocols or [])
    with client.socket:
        yield client


class Http2Client:
    """One websocket in a stream of HTTP/2."""

    def __init__(self, site: Server, target: str) -> None:
        self.status = 0
        self.received = b""
        self._ended = False
        self._connection = H2Connection(H2Configuration(header_encoding=None))
        self.socket = socket.create_connection(("127.0.0.1", site.port), PATIENCE)
        self._connection.initiate_connection()
        self._until(lambda: self._connection.remote_settings.enable_connect_protocol == 1)
        head = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", target)]
        head += [
            (":authority", site.authority),
            ("sec-websocket-version", "13"),
            ("x-twice", "one"),
            ("x-twice", "two"),
        ]
        self._connection.send_headers(1, head)
        self._until(lambda: self.status != 0)

    def whole(self) -> bytes:
        """The body of an answer that is no websocket."""
        self._until(lambda: self._ended)
        return self.received

    def text(self, frames: Connection) -> str:
        """The next message, which is short: one frame in one piece."""
        self._until(lambda: self.received != b"")
        octets, self.received = self.received, b""
        frames.receive_data(octets)
        event = next(frames.events())
        assert isinstance(event, TextMessage), event
        assert event.message_finished
        return event.data

    def send(self, octets: bytes) -> None:
        self._connection.send_data(1, octets)

    def _until(self, done: Callable[[], bool]) -> None:
        while True:
            self.socket.sendall(self._connection.data_to_send())
            if done():
                return
            octets = self.socket.recv(65536)
            assert octets, "the server hung up"
            for event in self._connection.receive_data(octets):
                if isinstance(event, ResponseReceived):
                    self.status = int(dict(event.headers)[b":status"])
                elif isinstance(event, DataReceived):
                    self.received += event.data
                elif isinstance(event, StreamEnded):
                    self._ended = True
