"""Octets to a server and its answer back, over TCP or TLS. No message is made here, and none is judged.

An HTTP client repairs what it sends: it would mend a wrong Content-Length or a field that is there twice. Here what was made
goes out as it is. Every answer is bounded in time, in length and in what it may say about either.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import ssl
import time
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

try:
    import h11
except ImportError as error:
    if error.name != "h11":
        raise
    raise ImportError("the probe of DDAS needs an extra: pip install 'nlgov-jades[ddas]'", name=error.name) from None

from ...errors import ConfigurationError, NlgovJadesError

__all__ = ["Connection", "Ending", "Endpoint", "RawAnswer", "Tls", "WireError", "WireFault"]

MAX_HEAD = 64 * 1024
"""Octets of the fields of an answer: a signature takes 16 000 of them at most."""

MAX_ANSWER = 64 * 1024 * 1024
"""Octets of a body: a page of DDAS has up to 31 MB."""

MAX_INTERIM = 10
"""Answers with a status below 200 that may come before the one that counts."""

PIECE = 64 * 1024

SECRET = 6
"""Characters: a shorter part of a value is a word like any other."""

_FIRST_FINAL = 200
_TOO_LONG_HINT = 431
_PORTS = {"http": 80, "https": 443}
_TARGET = re.compile(r"/[\x21-\x7e]*")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")
_PARTS = re.compile(r"[\s=&;,]+")
_OURS = frozenset(
    {"host", "content-type", "content-length", "transfer-encoding", "connection", "digest", "content-digest"}
    | {"accept", "accept-encoding", "user-agent", "nlgov-adr-payload-sig", "content-encoding"}
)
"""Fields that the messages of the probe have, or leave out on purpose."""


class WireFault(StrEnum):
    """Why there is no answer."""

    UNREACHABLE = "UNREACHABLE"
    """No connection could be made."""
    TLS = "TLS"
    """No TLS connection could be made."""
    CLOSED = "CLOSED"
    """The connection was closed before there was an answer, or before its end."""
    TIMEOUT = "TIMEOUT"
    """There was no whole answer in time."""
    NOT_HTTP = "NOT_HTTP"
    """What came is no HTTP/1.1."""
    TOO_LONG = "TOO_LONG"
    """It is longer than is read."""


class WireError(NlgovJadesError):
    """There is no answer.

    Attributes:
        fault: Why; its value is a stable code.
        status: Of the answer that began and did not end, or `None`.
    """

    def __init__(self, fault: WireFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How a TLS connection is made.

    Attributes:
        ca: File with the certificates that servers are trusted by; `None`: those of this machine.
        certificate: File with the client's certificate and those above it, or `None`.
        key: File with its key; `None`: it is in the same file.
        password: Of the key, or `None`.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    password: bytes | None = field(default=None, repr=False)

    def context(self) -> ssl.SSLContext:
        """Settings of this library's own, from TLS 1.2.

        Raises:
            ConfigurationError: A file cannot be used.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ValueError):
            raise ConfigurationError("the file with the CAs of servers cannot be read") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if self.certificate is not None:
            try:
                # An empty password, for otherwise OpenSSL asks for one on the terminal.
                context.load_cert_chain(self.certificate, self.key, self.password or b"")
            except (OSError, ValueError):
                raise ConfigurationError(
                    "the client's certificate and key cannot be used: unreadable, or no pair"
                ) from None
        return context


@dataclass(frozen=True, slots=True, init=False)
class Endpoint:
    """Where `/gegevens` of a provider is, or the outway that leads there.

    Args:
        url: http or https, without userinfo and fragment.
        fields: Further field lines of each message, for example the `Fsc-Grant-Hash` that an outway asks for.
        tls: How a TLS connection is made.

    Raises:
        ConfigurationError: A value has another form.
    """

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    tls: Tls

    def __init__(self, url: str, *, fields: tuple[tuple[str, str], ...] = (), tls: Tls | None = None) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ConfigurationError("the address is no URL") from None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if parts.scheme not in _PORTS or not host or not host.isascii() or "@" in parts.netloc or parts.fragment:
            raise ConfigurationError("the address is a URL of http or https, without a password and without a fragment")
        if port == 0 or not _TARGET.fullmatch(target):
            raise ConfigurationError("the address has a path in visible ASCII, and a port above 0 where it has one")
        for name, value in fields:
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name.lower() in _OURS:
                raise ConfigurationError(
                    "a further field is a name and a value in ASCII, and none of those that the messages have themselves"
                )
        object.__setattr__(self, "scheme", parts.scheme)
        object.__setattr__(self, "host", host)
        object.__setattr__(self, "port", port or _PORTS[parts.scheme])
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "fields", tuple(fields))
        object.__setattr__(self, "tls", tls or Tls())

    @property
    def authority(self) -> str:
        """Value of the field Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of it is in no report, also where an answer repeats it: values of the query and of further fields."""
        texts = [*(value for _, value in self.fields), self.target.partition("?")[2]]
        parts = {*texts, *(part for text in texts for part in _PARTS.split(text))}
        return tuple(sorted((part for part in parts if len(part) >= SECRET), key=len, reverse=True))

    @property
    def shown(self) -> str:
        """The address without its query, which may hold what nobody else should read."""
        path, mark, _ = self.target.partition("?")
        return f"{self.scheme}://{self.authority}{path}" + ("?…" if mark else "")


class Ending(Enum):
    """What is said behind a message."""

    OPEN = "open"
    """Nothing: more could follow."""
    HALF_CLOSED = "half-closed"
    """That nothing more follows, where the connection can say so without being closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """An answer as it came.

    Attributes:
        status: Of the answer.
        fields: Every field line.
        body: The octets after removing the transfer coding.
        server_certificate: SHA-256 of the certificate at the other end, hexadecimal; `None` without TLS.
        can_go_on: Whether the connection can be used again.
    """

    status: int
    fields: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    body: bytes = field(repr=False)
    server_certificate: str | None
    can_go_on: bool


class Connection:
    """One connection. Use it in `with`; ask once, or again while `can_go_on` of the last answer says so.

    Args:
        endpoint: Whom.
        seconds: For making the connection, and for each answer as a whole.
        context: From `endpoint.tls`, made once; not used for http.

    Raises:
        WireError: There is no connection.
    """

    def __init__(self, endpoint: Endpoint, *, seconds: float, context: ssl.SSLContext | None) -> None:
        self._seconds = seconds
        self._status: int | None = None
        self._socket = _connected(endpoint, seconds, context)
        self.server_certificate: str | None = None
        if isinstance(self._socket, ssl.SSLSocket):
            der = self._socket.getpeercert(binary_form=True)
            self.server_certificate = hashlib.sha256(der).hexdigest() if der else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, octets: bytes, *, ending: Ending = Ending.OPEN, seconds: float | None = None) -> RawAnswer:
        """Send these octets as they are, and read one answer.

        Args:
            octets: A whole message, or what looks like one.
            ending: What is said behind it.
            seconds: Another time for the answer.

        Raises:
            WireError: There is none.
        """
        until = time.monotonic() + (self._seconds if seconds is None else seconds)
        self._status = None
        try:
            return self._answer(octets, ending, until)
        except WireError as error:
            error.status = self._status
            raise

    def _answer(self, octets: bytes, ending: Ending, until: float) -> RawAnswer:
        try:
            self._send(octets, ending, until)
            return self._read(until)
        except TimeoutError:
            raise WireError(WireFault.TIMEOUT, "there was no whole answer in time") from None
        except OSError:
            raise WireError(WireFault.CLOSED, "the connection was closed before there was a whole answer") from None

    def _send(self, octets: bytes, ending: Ending, until: float) -> None:
        # Who has seen enough may answer and hang up before the end: then its answer is still there to be read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self._wait_until(until)
            self._socket.sendall(octets)
            if ending is Ending.HALF_CLOSED and not isinstance(self._socket, ssl.SSLSocket):
                self._socket.shutdown(socket.SHUT_WR)

    def _wait_until(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _read(self, until: float) -> RawAnswer:
        parser = _parser()
        head: h11.Response | None = None
        body, interim = bytearray(), 0
        while True:
            event = self._event(parser, until)
            if isinstance(event, h11.InformationalResponse):
                interim += 1
                if interim > MAX_INTERIM:
                    raise WireError(WireFault.TOO_LONG, f"more than {MAX_INTERIM} interim answers came, and no other")
            elif isinstance(event, h11.Response):
                head = event
                self._status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_ANSWER:
                    raise WireError(WireFault.TOO_LONG, f"the body of the answer has more than {MAX_ANSWER} octets")
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return RawAnswer(
                    status=head.status_code,
                    fields=tuple((bytes(name), bytes(value)) for name, value in head.headers.raw_items()),
                    body=bytes(body),
                    server_certificate=self.server_certificate,
                    # Nothing came behind it, and not the end of the connection, which may be the end of the body.
                    can_go_on=parser.our_state is h11.DONE and parser.trailing_data == (b"", False),
                )
            else:
                raise WireError(WireFault.CLOSED, "the connection was closed before there was an answer")

    def _event(self, parser: h11.Connection, until: float) -> object:
        """The next thing that the answer says."""
        while True:
            try:
                event = parser.next_event()
            except h11.ProtocolError as error:
                if getattr(error, "error_status_hint", None) == _TOO_LONG_HINT:
                    raise WireError(
                        WireFault.TOO_LONG, f"the answer has more than {MAX_HEAD} octets of fields"
                    ) from None
                if parser.trailing_data[1]:
                    raise WireError(
                        WireFault.CLOSED, "the connection was closed before there was a whole answer"
                    ) from None
                raise WireError(WireFault.NOT_HTTP, "what came back is no HTTP/1.1") from None
            if event is not h11.NEED_DATA:
                return event
            self._wait_until(until)
            piece = self._socket.recv(PIECE)
            try:
                parser.receive_data(piece)
            except (h11.ProtocolError, RuntimeError):
                raise WireError(WireFault.CLOSED, "the connection was closed before there was a whole answer") from None


def _parser() -> h11.Connection:
    """One that reads the answer to a POST: what was sent in truth is no matter of its."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    parser.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
    parser.send(h11.EndOfMessage())
    return parser


def _connected(endpoint: Endpoint, seconds: float, context: ssl.SSLContext | None) -> socket.socket:
    try:
        connection = socket.create_connection((endpoint.host, endpoint.port), timeout=seconds)
    except (OSError, UnicodeError):
        raise WireError(WireFault.UNREACHABLE, "no connection could be made") from None
    if endpoint.scheme == "http":
        return connection
    if context is None:
        connection.close()
        raise ConfigurationError("https needs the settings of TLS")
    try:
        return context.wrap_socket(connection, server_hostname=endpoint.host)
    except ssl.SSLCertVerificationError as error:
        connection.close()
        # Of OpenSSL itself: no text of the certificate is in it.
        reason = error.verify_message if isinstance(error.verify_message, str) else "not trusted"
        raise WireError(WireFault.TLS, f"the server's certificate is not accepted: {reason}") from None
    except (OSError, ValueError):
        connection.close()
        raise WireError(WireFault.TLS, "no TLS connection could be made") from None
