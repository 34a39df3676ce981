"""Between outway and inway, with the certificates of both: TLS ends here, and one thing is changed."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 20
"""After which a connection hangs."""

Change = Callable[[bytes], bytes]


def nothing(octets: bytes) -> bytes:
    return octets


def flip_last_but_one(octets: bytes) -> bytes:
    """One bit of the last octet but one of the body: JSON still ends as it should."""
    return octets[:-2] + bytes([octets[-2] ^ 1]) + octets[-1:]


def drop_signature(octets: bytes) -> bytes:
    return _without(b"nlgov-adr-payload-sig:", octets)


def drop_token(octets: bytes) -> bytes:
    return _without(b"fsc-authorization:", octets)


def _without(start: bytes, octets: bytes) -> bytes:
    head, _, body = octets.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(start)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@dataclass
class Meddler:
    """What it does."""

    port: int
    upstream: int = 0
    request: Change = nothing
    answer: Change = nothing
    passed: list[bytes] = field(default_factory=list)
    """First lines of the answers."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@contextmanager
def meddling(folder: Path) -> Iterator[Meddler]:
    """It, as long as the block lasts."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "inway-chain.pem", folder / "inway-key.pem")
    client = ssl.create_default_context(cafile=folder / "root.pem")
    client.load_cert_chain(folder / "outway-chain.pem", folder / "outway-key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        meddler, ended = Meddler(listener.getsockname()[1]), threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, meddler, server, client, ended))
        thread.start()
        try:
            yield meddler
        finally:
            ended.set()
            thread.join()


def _serve(
    listener: socket.socket, meddler: Meddler, server: ssl.SSLContext, client: ssl.SSLContext, ended: threading.Event
) -> None:
    while not ended.is_set():
        with suppress(TimeoutError):
            accepted, _ = listener.accept()
            accepted.settimeout(SECONDS)
            with suppress(OSError, ValueError), server.wrap_socket(accepted, server_side=True) as before:
                _pass_on(before, meddler, client)


def _pass_on(before: ssl.SSLSocket, meddler: Meddler, client: ssl.SSLContext) -> None:
    request = meddler.request(_message(before))
    plain = socket.create_connection(("127.0.0.1", meddler.upstream), SECONDS)
    with client.wrap_socket(plain, server_hostname="127.0.0.1") as behind:
        behind.sendall(request)
        answer = _message(behind)
    meddler.passed.append(answer.partition(b"\r\n")[0])
    before.sendall(meddler.answer(answer))


def _message(connection: ssl.SSLSocket) -> bytes:
    """One message that says its length, or comes in chunks; as it is on the wire."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        octets += _some(connection)
    head, _, body = octets.partition(b"\r\n\r\n")
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < lengths[0] if lengths else not body.endswith(b"0\r\n\r\n"):
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: ssl.SSLSocket) -> bytes:
    octets = connection.recv(65536)
    if not octets:
        raise ConnectionError
    return octets
