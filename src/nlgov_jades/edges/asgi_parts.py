"""What both ASGI middlewares need: the scope read, work put into a thread, an answer of our own. No decision is made here.

What waits for something else goes through `loops.py`, the only file of the ASGI edge that imports `anyio`.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final, TypeVar
from urllib.parse import quote

from ..digest import BodyDigest
from ..errors import ConfigurationError, NlgovJadesError
from ..message import Body, Fields, HttpRequest
from .body import HASHED_AT_ONCE, PIECE, Spool
from .refusal import APPLICATION_FAILED, Answer, Refusal
from .site import MAX_FIELD_LINES, PublicAddress, check_size

try:
    from .loops import Event, in_thread, prepare
except ImportError as error:
    if error.name != "anyio":
        raise
    raise ImportError("nlgov_jades.asgi needs an extra: pip install 'nlgov-jades[asgi]'", name="anyio") from None

__all__ = [
    "CORRELATION_KEY",
    "EMPTY",
    "LOGGER",
    "NOTE_KEY",
    "ASGIApp",
    "FieldLines",
    "Message",
    "Receive",
    "RefusalNote",
    "Scope",
    "Send",
    "Turn",
    "body_octets",
    "correlation_id",
    "digested",
    "failed",
    "field_lines",
    "finished",
    "flushed",
    "in_thread",
    "octets_of",
    "prepare",
    "read_piece",
    "routed_targets",
    "target_of",
    "wire_lines",
]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
FieldLines = tuple[tuple[bytes, bytes], ...]

LOGGER: Final = logging.getLogger("nlgov_jades.asgi")

CORRELATION_KEY: Final = "nlgov_jades.correlation_id"
"""Where the scope has the id that stands in the log and in refusals."""

NOTE_KEY: Final = "nlgov_jades._refusal_note"
"""Where a signer puts a RefusalNote. Ours alone."""

_PLAIN = re.compile(r"[A-Za-z0-9/._~-]*")
"""Paths that nothing is encoded in: most of them."""

_PATH_CHARACTERS = "/!$&'()*+,;=:@"
"""What a path may hold as it is, besides letters, digits and `-._~` (RFC 3986 §3.3)."""

_OCTETS = (bytes, bytearray, memoryview)

_T = TypeVar("_T")

EMPTY: Final = Fields()


class Turn:
    """One task at a time, in the order in which they came. Not for a task that has its turn already.

    `async with turn`, or without the two coroutines of that: `turn.is_free() or await turn.come()`, then `turn.pass_on()`.
    As anyio's Lock, which takes many times as long when nobody else wants it: 9 µs of each exchange.
    """

    __slots__ = ("_taken", "_waiting")

    def __init__(self) -> None:
        self._taken = False
        # A deque as soon as somebody waits.
        self._waiting: deque[Event] | None = None

    async def __aenter__(self) -> None:
        if not self.is_free():
            await self.come()

    async def __aexit__(self, *_: object) -> None:
        self.pass_on()

    def is_free(self) -> bool:
        """Whether nobody had the turn. Now this task has it; when not, it is given with `come`."""
        if self._taken:
            return False
        self._taken = True
        return True

    async def come(self) -> None:
        """Wait until the turn is given to this task: until then nobody else can take it."""
        given = Event()
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(given)
        try:
            await given.wait()
        except BaseException:
            if given.is_set():
                self.pass_on()
            else:
                self._waiting.remove(given)
            raise

    def pass_on(self) -> None:
        """End the turn of this task."""
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._taken = False


@dataclass(slots=True, repr=False)
class RefusalNote:
    """Between a signer and the verifier inside it. Middlewares between them copy the scope, not this.

    Attributes:
        lines: The field lines that the signer saw.
        fields: The same, read: once for both.
        request: The request as the signer made it, or `None`.
        error: What the verifier refused the request for.
    """

    lines: FieldLines = ()
    fields: Fields = EMPTY
    request: HttpRequest | None = None
    error: NlgovJadesError | None = None

    def fields_of(self, lines: FieldLines) -> Fields:
        """The fields, read anew when something between the two changed a line."""
        return self.fields if self.lines is lines or self.lines == lines else Fields(lines)

    def lines_of(self, scope: Scope) -> FieldLines:
        """As `field_lines`: those that were read already, when they are the same.

        Raises:
            MalformedMessageError: As `field_lines`.
        """
        given = scope.get("headers")
        return self.lines if type(given) is list and tuple(given) == self.lines else field_lines(scope)


# --- the scope ---------------------------------------------------------------------------------------------------


def field_lines(scope: Scope) -> FieldLines:
    """The field lines as they are now: some servers add the trailers of a chunked body to the list when they come.

    Raises:
        MalformedMessageError: There are more than are read.
    """
    given: Iterable[tuple[bytes, bytes]] = islice(scope.get("headers") or (), MAX_FIELD_LINES + 1)
    lines = tuple([(bytes(name), bytes(value)) for name, value in given])
    check_size(len(lines), sum([len(name) + len(value) for name, value in lines]))
    return lines


def target_of(scope: Scope) -> str:
    """The request-target as the server got it. uvicorn puts its root path before it.

    Raises:
        ConfigurationError: The server does not give it.
    """
    path, query = scope.get("raw_path"), scope.get("query_string") or b""
    if not isinstance(path, bytes) or b"?" in path:
        raise ConfigurationError(
            "the server gives no raw_path without the query, so the request-target cannot be known: use a server that "
            "does, as uvicorn, hypercorn and granian do"
        )
    return (path + b"?" + query if query else path).decode("iso-8859-1")


def routed_targets(scope: Scope, address: PublicAddress) -> frozenset[str]:
    """The target as the client sent it and as the application is shown it: rules about routes look at both.

    Middleware outside may have changed one of them.

    Raises:
        ConfigurationError: As `target_of`.
    """
    sent = target_of(scope)
    query = (scope.get("query_string") or b"").decode("iso-8859-1")
    path = scope["path"]
    if not _PLAIN.fullmatch(path):
        path = quote(path, safe=_PATH_CHARACTERS, errors="replace")
    shown = f"{path}?{query}" if query else path
    if sent == shown and sent.startswith("/"):
        return frozenset((address.prefix + sent,))
    # What does not begin with a slash fits no route, and must not be made to by a prefix.
    return frozenset(address.prefix + target if target.startswith("/") else target for target in (sent, shown))


def correlation_id(scope: Scope, new: Callable[[], str]) -> str:
    """The id that a middleware of ours outside this one gave, else a new one."""
    given = scope.get(CORRELATION_KEY)
    return given if isinstance(given, str) else new()


# --- bodies ------------------------------------------------------------------------------------------------------


def body_octets(message: Message) -> bytes:
    """The octets in a message with a body.

    Raises:
        ConfigurationError: They are none.
    """
    octets = message.get("body", b"")
    if type(octets) is bytes:
        return octets
    if not isinstance(octets, _OCTETS):
        raise ConfigurationError("the body of an ASGI message is bytes")
    return bytes(octets)


async def flushed(spool: Spool) -> None:
    """Have what is due hashed and written, by a thread beside the event loop.

    Raises:
        ConfigurationError: The disk is full or the file cannot be made.
    """
    await _on_disk(spool.flush, when=spool.is_behind)


async def finished(spool: Spool) -> Body:
    """As `Spool.finish`.

    Raises:
        ConfigurationError: As `flushed`.
    """
    return await _on_disk(spool.finish, when=spool.on_disk)


async def digested(body: Body, new: Callable[[], BodyDigest]) -> Body:
    """The body, or what it is hashed to when it is too long to be hashed while an event loop waits."""
    if not isinstance(body, bytes) or len(body) <= HASHED_AT_ONCE:
        return body
    digest = new()
    octets = body
    await in_thread(lambda: digest.update(octets))
    return digest


async def read_piece(spool: Spool, size: int = PIECE) -> bytes:
    """The next octets, at most `size`, of a body that has at least one more.

    Raises:
        ConfigurationError: The file cannot be read, or lost some.
    """
    if not spool.on_disk:
        piece = spool.read(size)
    else:
        piece = await _on_disk(lambda: spool.read(size), when=spool.is_behind)
    if not piece:
        raise ConfigurationError("the temporary file of a body has lost octets")
    return piece


async def _on_disk(work: Callable[[], _T], *, when: bool = True) -> _T:
    try:
        return await in_thread(work) if when else work()
    except OSError as error:
        raise ConfigurationError(
            f"the temporary file of a body failed: {error.strerror or 'no reason given'}"
        ) from None


# --- answers of our own ------------------------------------------------------------------------------------------


def failed(identifier: str, error: NlgovJadesError, code: str = APPLICATION_FAILED) -> Refusal:
    """The refusal for what went wrong on this side."""
    return Refusal(code=code, status=500, correlation_id=identifier, error=error)


def wire_lines(lines: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Field lines for an ASGI message: octets, names in lower case."""
    return [(_wire_name(name), value.encode("iso-8859-1")) for name, value in lines]


@lru_cache(maxsize=64)
def _wire_name(name: str) -> bytes:
    return name.lower().encode("iso-8859-1")


def octets_of(answer: Answer, *, method: str, kind: str = "http.response") -> tuple[Message, Message]:
    """The two ASGI messages of a whole answer; no body goes to HEAD.

    Args:
        answer: The answer.
        method: Of the request.
        kind: What the names of the messages begin with.
    """
    lines = [*wire_lines(answer.fields), (b"content-length", str(len(answer.body)).encode("ascii"))]
    start = {"type": f"{kind}.start", "status": answer.status, "headers": lines}
    return start, {"type": f"{kind}.body", "body": b"" if method == "HEAD" else answer.body, "more_body": False}
