"""A scripted WSGI server. Everything it runs stands between two `wsgiref.validate.validator`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication, WSGIEnvironment
from wsgiref.validate import validator

from nlgov_jades import HttpRequest, HttpResponse, SignedFields, Verifier, profiles
from nlgov_jades.message import HttpMessage
from nlgov_jades.result import VerifiedMessage

from .validating import Validator

FOLLOWING = b"the next request on this connection"


class Connection:
    """`wsgi.input` of a server that does not guard its connection: behind the body stands the next request.

    Attributes:
        broken: What is raised when the body is at its end.
    """

    def __init__(self, body: bytes, *, terminated: bool) -> None:
        self._body = io.BytesIO(body if terminated else body + FOLLOWING)
        self._length = len(body)
        self.broken: Exception | None = None
        self.asked = 0
        self.read_octets = 0

    def read(self, size: int) -> bytes:
        self.asked += 1
        octets = self._body.read(size)
        self.read_octets += len(octets)
        if self.broken is not None and self.read_octets >= self._length:
            raise self.broken
        return octets

    def readline(self, size: int = -1) -> bytes:
        raise AssertionError("nobody reads lines from a connection", size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        raise AssertionError("nobody reads lines from a connection", hint)

    def __iter__(self) -> Iterator[bytes]:
        raise AssertionError("nobody reads lines from a connection")

    @property
    def overread(self) -> bool:
        """Whether octets of the next request were read."""
        return self.read_octets > self._length


def environ_of(message: HttpRequest, **changes: Any) -> WSGIEnvironment:
    """What a server makes of a request: repeated fields joined, the target decoded, and given as it was in RAW_URI.

    A change to `None` takes the key away; `__` in a name stands for the dot in `wsgi.input_terminated`.
    """
    path, _, query = message.target.partition("?")
    terminated = bool(changes.get("wsgi__input_terminated"))
    assert isinstance(message.body, bytes)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": message.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("iso-8859-1"),
        "QUERY_STRING": query,
        "RAW_URI": message.target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": Connection(message.body, terminated=terminated),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": object,
    }
    for name, value in message.fields:
        key = name.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    for name, value in changes.items():
        environ[name.replace("__", ".")] = value
        if value is None:
            del environ[name.replace("__", ".")]
    return environ


@dataclass
class Served:
    """What left the server.

    `starts` counts calls of its `start_response`; `order` tells what happened when.
    """

    status: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    starts: int = 0
    pieces: list[int] = field(default_factory=list)
    raised: BaseException | None = None

    @property
    def code(self) -> int:
        return int(self.status[:3])

    def field(self, name: str) -> str | None:
        found = [value for key, value in self.lines if key.lower() == name.lower()]
        assert len(found) <= 1, f"{name} is there {len(found)} times"
        return found[0] if found else None

    @property
    def is_signed(self) -> bool:
        return self.field("nlgov-adr-payload-sig") is not None

    def answer(self, request: HttpRequest) -> HttpResponse:
        """As its receiver verifies it; a wrong Content-Length would be a body cut short there."""
        length = self.field("content-length")
        assert length is None or int(length) == len(self.body)
        return HttpResponse(status=self.code, fields=self.lines, body=self.body, request=request)


class _Server:
    def __init__(self) -> None:
        self.served = Served()
        self.headers_sent = False

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if exc_info:
            try:
                if self.headers_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        else:
            assert not self.served.starts, "start_response was called twice"
        self.served.starts += 1
        self.served.status, self.served.lines = status, headers
        return self.write

    def write(self, octets: bytes) -> None:
        assert self.served.starts, "octets before start_response"
        if octets:
            self.headers_sent = True
            self.served.body += octets
            self.served.pieces.append(len(octets))


def serve(
    app: WSGIApplication, environ: WSGIEnvironment, *, pieces: int | None = None, outside: Validator = validator
) -> Served:
    """Run one request as a server does, the answer checked against PEP 3333.

    Args:
        app: The outermost application.
        environ: From `environ_of`.
        pieces: After how many pieces the client is gone; `None`: it stays.
        outside: The validator between server and application.
    """
    server = _Server()
    try:
        answer: Any = outside(app)(environ, server.start_response)
        try:
            for number, octets in enumerate(answer if pieces != 0 else ()):
                server.write(octets)
                if pieces is not None and number + 1 >= pieces:
                    break
            if pieces is None:
                assert server.served.starts, "start_response was never called"
        finally:
            answer.close()
    except Exception as error:  # noqa: BLE001 - a test looks at it
        server.served.raised = error
    return server.served


@dataclass
class Recorded:
    """An application that records what it got, and answers `{"ok":true}`."""

    environs: list[WSGIEnvironment] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start_response: Any) -> Iterable[bytes]:
        self.environs.append(environ)
        self.bodies.append(b"".join(iter(lambda: environ["wsgi.input"].read(7), b"")))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"ok":true}']


JSON = [("Content-Type", "application/json")]
HOST = [("Host", "provider.example.test")]
BODY = b'{"bsn":"999990019"}'


def post(body: bytes = BODY, target: str = "/v1/gegevens?a=1", method: str = "POST") -> HttpRequest:
    lines = [*HOST, *JSON, ("Content-Length", str(len(body)))]
    return HttpRequest(method=method, target=target, fields=lines, body=body)


def get(target: str = "/health", method: str = "GET") -> HttpRequest:
    return HttpRequest(method=method, target=target, fields=HOST)


def without(message: HttpRequest, *names: str) -> HttpRequest:
    lines = [(name, value) for name, value in message.fields if name.lower() not in names]
    return HttpRequest(method=message.method, target=message.target, fields=lines, body=message.body)


def refused(served: Served, app: Recorded, code: str, status: int = 400) -> None:
    """It was refused so, and the application did not see it."""
    assert served.raised is None
    assert not app.environs
    assert served.code == status
    assert served.field("content-type") == "application/problem+json"
    assert served.field("content-length") == str(len(served.body))
    problem = json.loads(served.body)
    assert (problem["code"], problem["status"], problem["correlation_id"]) == (code, status, "c0ffee")


def saying(answer: Iterable[bytes], status: str = "200 OK", lines: list[tuple[str, str]] = JSON) -> Any:
    """An application that answers so."""

    def app(_: Any, start_response: Any) -> Iterable[bytes]:
        start_response(status, list(lines))
        return answer

    return app


def proof(served: Served, verifier: Verifier, body: bytes) -> VerifiedMessage:
    """What left is whole, is this, and was signed."""
    assert served.raised is None
    assert served.starts == 1
    assert served.body == body
    return verifier.verify(served.answer(get()))


def failed(served: Served, verifier: Verifier, code: str = "APPLICATION_FAILED") -> None:
    """A clean 500 left, and it was signed."""
    assert served.raised is None
    assert served.starts == 1
    assert served.code == 500
    assert json.loads(served.body) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "code": code,
        "correlation_id": "c0ffee",
    }
    # The policy of the tests takes no other media type, and the payload profile does not cover it.
    lines = [(name, "application/json" if name == "Content-Type" else value) for name, value in served.lines]
    verifier.verify(HttpResponse(status=500, fields=lines, body=served.body, request=get()))


class BrokenSigner:
    """Counts how often it is asked, and fails."""

    profile = profiles.DDAS

    def __init__(self, error: Exception) -> None:
        self.calls = 0
        self._error = error

    def sign(self, _: HttpMessage) -> SignedFields:
        self.calls += 1
        raise self._error


@dataclass
class Closable:
    """An iterable that counts how often it is closed, and fails where it is told to."""

    pieces: Iterable[bytes]
    before: Callable[[], object] = lambda: None
    closed: int = 0
    close_raises: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        self.before()
        yield from self.pieces

    def close(self) -> None:
        self.closed += 1
        if self.close_raises is not None:
            raise self.close_raises
