"""An ASGI server that plays a script: what it gives is written down before, what it gets is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import anyio
import anyio.lowlevel

from nlgov_jades import HttpRequest, HttpResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

GONE: Message = {"type": "http.disconnect"}
START, BODY = "http.response.start", "http.response.body"


def scope_of(request: HttpRequest, **changes: Any) -> dict[str, Any]:
    """The scope of a request, as a server makes it."""
    path, _, query = request.target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("iso-8859-1")) for name, value in request.fields],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 443),
        **changes,
    }


def pieces(*octets: bytes) -> list[Message]:
    """The messages of a body that comes in these pieces."""
    last = len(octets) - 1
    return [{"type": "http.request", "body": piece, "more_body": at < last} for at, piece in enumerate(octets)]


class ScriptEndedError(AssertionError):
    """More was asked than the script has."""


class Server:
    """Runs an application once.

    Args:
        request: What the client asks.
        messages: What `receive` gives; the whole body when not given. A function is called first.
        backend: `asyncio` or `trio`.
        scope: Changes to the scope.
    """

    def __init__(
        self, request: HttpRequest, messages: Iterable[Message] | None = None, *, backend: str = "asyncio", **scope: Any
    ) -> None:
        if messages is None:
            assert isinstance(request.body, bytes)
            messages = pieces(request.body)
        self.scope = scope_of(request, **scope)
        self.messages = list(messages)
        self.backend = backend
        self.sent: list[Message] = []
        self.received = 0
        self.broken: Exception | None = None
        self.on_send: Callable[[Message], object] = lambda _: None

    async def receive(self) -> Message:
        await anyio.lowlevel.checkpoint()
        self.received += 1
        if not self.messages:
            raise ScriptEndedError
        message = self.messages.pop(0)
        if "before" in message:
            message.pop("before")()
        return message

    async def send(self, message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        self.on_send(message)
        if self.broken is not None:
            raise self.broken
        self.sent.append(dict(message))

    def run(self, app: App) -> Server:
        """Serve the request."""
        anyio.run(app, self.scope, self.receive, self.send, backend=self.backend)
        return self

    @property
    def types(self) -> list[str]:
        """The types of what was sent, in order."""
        return [message["type"] for message in self.sent]

    @property
    def answer(self) -> HttpResponse:
        """The answer, which must be a whole one."""
        start, *rest = [message for message in self.sent if message["type"] in {START, BODY}]
        assert start["type"] == START
        assert [message["type"] for message in rest] == [BODY] * len(rest)
        more = [message.get("more_body", False) for message in rest]
        assert more == [True] * (len(rest) - 1) + [False]
        assert all(isinstance(octets, bytes) for line in start["headers"] for octets in line)
        assert all(name == name.lower() for name, _ in start["headers"])
        body = b"".join(message.get("body", b"") for message in rest)
        return HttpResponse(status=start["status"], fields=start["headers"], body=body)


class Application:
    """Reads the whole body, then sends these messages. Keeps what it was given.

    Args:
        messages: What it sends; a whole answer when not given. What is an exception is raised instead, and what is a
            function is called.
    """

    def __init__(self, *messages: Any) -> None:
        self.messages = messages or answer(b'{"ok":true}')
        self.calls = 0
        self.scope: MutableMapping[str, Any] = {}
        self.body: bytes | None = None
        self.longest = 0
        self.receive: Receive | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.calls += 1
        self.scope = scope
        self.receive = receive
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            assert message["type"] == "http.request"
            assert type(message["body"]) is bytes
            body += message["body"]
            self.longest = max(self.longest, len(message["body"]))
            more = message["more_body"]
        self.body = bytes(body)
        for step in self.messages:
            if isinstance(step, BaseException):
                raise step
            if callable(step):
                step()
            else:
                await send(step)


def answer(*octets: bytes, status: int = 200, fields: Iterable[tuple[bytes, bytes]] = ()) -> tuple[Message, ...]:
    """The messages of an answer in JSON whose body is sent in these pieces."""
    last = len(octets) - 1
    return (
        {"type": START, "status": status, "headers": [(b"content-type", b"application/json"), *fields]},
        *({"type": BODY, "body": piece, "more_body": at < last} for at, piece in enumerate(octets)),
    )
