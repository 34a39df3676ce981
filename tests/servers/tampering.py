"""A proxy between client and server that changes one thing: what every signature must catch. Plain sockets, HTTP/1.1."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Head = list[tuple[str, str]]
Change = Callable[["Passing"], None]

SIGNATURE = "nlgov-adr-payload-sig"


@dataclass
class Passing:
    """One message on its way through, to be changed."""

    start: str
    fields: Head
    body: bytes

    def names(self, name: str) -> list[int]:
        """Positions of the lines of a field."""
        return [place for place, (found, _) in enumerate(self.fields) if found.lower() == name]

    def octets(self) -> bytes:
        """As it goes on, with its length right: the lie is elsewhere."""
        kept = [
            line for line in self.fields if line[0].lower() not in {"content-length", "transfer-encoding", "connection"}
        ]
        lines = [*kept, ("Content-Length", str(len(self.body))), ("Connection", "close")]
        head = "".join(f"{name}: {value}\r\n" for name, value in lines)
        return f"{self.start}\r\n{head}\r\n".encode("latin-1") + self.body


def nothing(_: Passing) -> None:
    """Leave it alone: the proxy by itself is not what is caught."""


def body(message: Passing) -> None:
    """One bit of the body."""
    place = len(message.body) // 2
    message.body = message.body[:place] + bytes([message.body[place] ^ 1]) + message.body[place + 1 :]


def shorter(message: Passing) -> None:
    """The last octet of the body, and Content-Length with it."""
    message.body = message.body[:-1]


def no_signature(message: Passing) -> None:
    """The signature."""
    for place in reversed(message.names(SIGNATURE)):
        del message.fields[place]


def two_signatures(message: Passing) -> None:
    """The signature twice."""
    message.fields += [message.fields[place] for place in message.names(SIGNATURE)]


def signature(message: Passing) -> None:
    """One character in the middle of the signature."""
    place = message.names(SIGNATURE)[0]
    name, value = message.fields[place]
    at = len(value) - 100
    message.fields[place] = (name, value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :])


def digest(message: Passing) -> None:
    """The digest, made to fit another body."""
    place = message.names("digest")[0]
    message.fields[place] = ("Digest", "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    message.body = b""


CHANGES: dict[str, Change] = {
    change.__name__: change for change in (body, shorter, no_signature, two_signatures, signature, digest)
}


@dataclass
class Tampering:
    """What is done to the requests and to the answers that pass."""

    port: int
    request: Change = nothing
    response: Change = nothing
    passed: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def tampering(upstream: int) -> Iterator[Tampering]:
    """The proxy, as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        proxy = Tampering(listener.getsockname()[1])
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, upstream, proxy, ended))
        thread.start()
        try:
            yield proxy
        finally:
            ended.set()
            thread.join()


def _serve(listener: socket.socket, upstream: int, proxy: Tampering, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(TimeoutError):
            client, _ = listener.accept()
            client.settimeout(20)
            with client, suppress(OSError, ValueError):
                _pass_on(client, upstream, proxy)


def _pass_on(client: socket.socket, upstream: int, proxy: Tampering) -> None:
    with client.makefile("rb") as reader:
        question = _read(reader)
    proxy.request(question)
    with socket.create_connection(("127.0.0.1", upstream), 20) as server:
        server.sendall(question.octets())
        with server.makefile("rb") as reader:
            answer = _read(reader)
    proxy.passed.append((question.start, answer.start))
    proxy.response(answer)
    client.sendall(answer.octets())


def _read(reader: object) -> Passing:
    read_line, read = reader.readline, reader.read  # type: ignore[attr-defined] # a BufferedReader, which has no public name
    start = read_line().decode("latin-1").rstrip("\r\n")
    fields: Head = []
    while line := read_line().decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        fields.append((name, value.strip()))
    found = {name.lower(): value for name, value in fields}
    if found.get("transfer-encoding", "").lower() == "chunked":
        content = b""
        while size := int(read_line().split(b";")[0], 16):
            content += read(size)
            read_line()
        while read_line().strip():
            pass
    else:
        length = int(
            found.get("content-length", 0 if start.split()[0].isupper() and "HTTP" in start.split()[-1] else -1)
        )
        content = read(length) if length >= 0 else read()
    return Passing(start, fields, content)
