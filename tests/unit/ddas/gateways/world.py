"""Certificates of a group, gateways made with them, and ways to ask: without a network, and over real connections."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades.ddas.gateways import Grant, Inway, Outway, TlsFiles, TokenMaker
from nlgov_jades.testing import Hierarchy, Issued, save_signer

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
CBS, MUNICIPALITY = "00000001001234567000", "00000003123456780000"
GROUP, INWAY = "fsc.group.example", "https://inway.gemeente.example:8443"
GRANT = Grant(hash="$1$4$abc", service="ddas-shv", inway=INWAY)
PATIENCE = 20
"""Seconds after which something hangs."""

CLIENT_AUTH, SERVER_AUTH = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"
HERE = (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)

Lines = list[tuple[bytes, bytes]]


def of_group(hierarchy: Hierarchy, name: str, oin: str | None, **options: Any) -> Issued:
    """A certificate for TLS and tokens."""
    defaults: dict[str, Any] = {
        "common_name": name,
        "oin": oin,
        "key": ec.generate_private_key(ec.SECP256R1()),
        "extended_key_usages": (CLIENT_AUTH, SERVER_AUTH),
        "more_extensions": [HERE],
    }
    return hierarchy.tsp.issue(**defaults | options)


@dataclass(frozen=True)
class World:
    """Who there is."""

    hierarchy: Hierarchy
    outway: Issued
    inway: Issued
    manager: Issued
    folder: Path

    @property
    def maker(self) -> TokenMaker:
        return self.maker_of(self.manager)

    def maker_of(self, issued: Issued, **options: Any) -> TokenMaker:
        defaults: dict[str, Any] = {"group": GROUP, "clock": lambda: NOW}
        return TokenMaker(key=issued.key, certificate=issued.certificate, **defaults | options)

    def files(self, name: str) -> TlsFiles:
        return TlsFiles(
            chain=self.folder / f"{name}-chain.pem",
            key=self.folder / f"{name}-key.pem",
            trust=self.folder / "root.pem",
        )

    def inway_app(self, **options: Any) -> Inway:
        defaults: dict[str, Any] = {
            "services": {"ddas-shv": "http://127.0.0.1:8080"},
            "group": GROUP,
            "audience": INWAY,
            "issuers": [self.manager.certificate],
            "clock": lambda: NOW,
        }
        return Inway(**defaults | options)

    def outway_app(self, **options: Any) -> Outway:
        defaults: dict[str, Any] = {
            "grants": [GRANT],
            "tls": self.files("outway"),
            "tokens": self.maker.token,
            "clock": lambda: NOW,
        }
        return Outway(**defaults | options)


def new_world(folder: Path) -> World:
    # TLS looks at the clock of the machine, the tests at theirs: both are within two years.
    hierarchy = Hierarchy.new(name="TEST group", not_before=NOW - dt.timedelta(days=365), days=20 * 365)
    (folder / "root.pem").write_bytes(hierarchy.root_pem)
    made = {
        "outway": of_group(hierarchy, "outway.cbs.example", CBS),
        "inway": of_group(hierarchy, "inway.gemeente.example", MUNICIPALITY),
        "manager": of_group(hierarchy, "manager.gemeente.example", MUNICIPALITY),
    }
    for name, issued in made.items():
        save_signer(issued, folder, name=name)
    return World(hierarchy, made["outway"], made["inway"], made["manager"], folder)


# --- without a network ---------------------------------------------------------------------------------------------


class Told(httpx.AsyncByteStream):
    """The body of an answer, in pieces; an exception among them is raised."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await anyio.lowlevel.checkpoint()
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Upstream(httpx.AsyncBaseTransport):
    """In the place of a network: keeps what was passed on, and answers as it is told."""

    status: int = 200
    lines: Sequence[tuple[str, str]] = (("Content-Length", "2"),)
    pieces: Sequence[bytes | Exception] = (b"{}",)
    error: Exception | None = None
    requests: list[httpx.Request] = field(default_factory=list)
    body: bytes = b""
    stream: Told | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for piece in request.stream:
            self.body += piece
        if self.error is not None:
            raise self.error
        self.stream = Told(*self.pieces)
        return httpx.Response(self.status, headers=list(self.lines), stream=self.stream)

    @property
    def raw(self) -> Lines:
        """The field lines of the one request."""
        (request,) = self.requests
        return request.headers.raw

    def value(self, name: str) -> str:
        (value,) = self.values(name)
        return value

    def values(self, name: str) -> list[str]:
        return [value.decode() for found, value in self.raw if found.lower() == name.lower().encode()]

    @property
    def target(self) -> bytes:
        (request,) = self.requests
        target: bytes = request.extensions["target"]
        return target


@dataclass
class Reply:
    """What came back."""

    messages: list[dict[str, Any]]

    @property
    def status(self) -> int:
        status: int = self.messages[0]["status"]
        return status

    @property
    def lines(self) -> Lines:
        return [(bytes(name), bytes(value)) for name, value in self.messages[0]["headers"]]

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def is_whole(self) -> bool:
        return not self.messages[-1].get("more_body", False)

    def values(self, name: str) -> list[str]:
        return [value.decode() for found, value in self.lines if found.lower() == name.lower().encode()]


def scope_of(peer: Issued | None = None, **changes: Any) -> dict[str, Any]:
    """A request as a server gives it, over a connection with this certificate at its other end."""
    pem = None if peer is None else peer.certificate.public_bytes(Encoding.PEM).decode()
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/gegevens",
        "raw_path": b"/v1/gegevens",
        "query_string": b"",
        "headers": [(b"host", b"a.example"), (b"content-length", b"2")],
        "extensions": {} if pem is None else {"tls": {"client_cert_chain": [pem], "client_cert_error": None}},
    }
    return {**scope, **changes}


def with_lines(*lines: tuple[str, str]) -> Lines:
    """Field lines of a request with a short body, and these."""
    given = [("host", "a.example"), ("content-length", "2"), *lines]
    return [(name.encode(), value.encode("latin-1")) for name, value in given]


def call(
    app: Any,
    scope: dict[str, Any],
    body: Sequence[bytes | None] = (b"{}",),
    *,
    backend: str = "asyncio",
    failing: type[Exception] | None = None,
) -> Reply:
    """Let an application answer; `None` in the body hangs up, `failing` is what it must raise."""
    pending: list[dict[str, Any]] = [
        {"type": "http.disconnect"}
        if piece is None
        else {"type": "http.request", "body": piece, "more_body": place + 1 < len(body)}
        for place, piece in enumerate(body)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if pending:
            return pending.pop(0)
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        await anyio.lowlevel.checkpoint()
        sent.append(message)

    async def run() -> None:
        with anyio.fail_after(PATIENCE):
            try:
                await app(scope, receive, send)
            except Exception as error:
                if failing is None or type(error) is not failing:
                    raise
            else:
                assert failing is None

    anyio.run(run, backend=backend)
    return Reply(sent)


# --- over connections ----------------------------------------------------------------------------------------------


@contextmanager
def serving(config: uvicorn.Config) -> Iterator[int]:
    """A server in a thread, and its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


Answering = Callable[[socket.socket, bytes], None]


@contextmanager
def upstream(answer: Answering) -> Iterator[tuple[int, list[bytes]]]:
    """A server on plain sockets: what it got, octet by octet, and what it is told to do then. One connection at a time."""
    received: list[bytes] = []
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    connection, _ = listener.accept()
                    connection.settimeout(PATIENCE)
                    with connection, suppress(OSError):
                        request = read_request(connection)
                        received.append(request)
                        answer(connection, request)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], received
        finally:
            ended.set()
            thread.join(PATIENCE)
            assert not thread.is_alive()


def read_request(connection: socket.socket) -> bytes:
    octets = b""
    while b"\r\n\r\n" not in octets:
        octets += _some(connection)
    head, _, body = octets.partition(b"\r\n\r\n")
    if b"\r\nx-length:" in head.lower():
        # The rest of its body is for whoever answers.
        return octets
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    chunked = b"transfer-encoding: chunked" in head.lower()
    while not body.endswith(b"0\r\n\r\n") if chunked else len(body) < (lengths or [0])[0]:
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: socket.socket) -> bytes:
    octets = connection.recv(65536)
    if not octets:
        raise ConnectionError
    return octets


def saying(octets: bytes) -> Answering:
    return lambda connection, _: connection.sendall(octets)


OK = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def raw_exchange(port: int, octets: bytes, tls: ssl.SSLContext | None = None) -> bytes:
    """Send this, and read until the other end hangs up."""
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection = plain if tls is None else tls.wrap_socket(plain, server_hostname="127.0.0.1")
    with connection:
        connection.sendall(octets)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer
