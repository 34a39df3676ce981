"""One exchange through a gateway: the request on, the answer back, piece by piece. No field is judged here.

At most some pieces are in memory, and each wait has an end. An answer that breaks off is broken off on the other side too.
"""

from __future__ import annotations

import contextlib
import math
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Self

import anyio
import httpx

from ...edges.asgi_parts import Receive, Send, body_octets
from ...edges.client_async import Ending
from ...errors import ConfigurationError, NlgovJadesError
from .wire import Lines, passed_on, says_its_end

__all__ = ["CutAnswerError", "Exchange", "GatewayLimits", "UnreachableError", "new_transport"]

CLOSING: Final = 5.0
"""Seconds to close a connection whose other end may be gone."""

_FINAL: Final = range(200, 600)
"""Below are interim answers, and a change of protocol that nobody asked for; above is nothing (RFC 9110 §15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLimits:
    """How long a gateway waits.

    Attributes:
        connect: Seconds for a connection, with its handshake.
        silence: Seconds between two pieces of an answer, and before the first.
        whole: Seconds for a request and its answer.
        connections: How many requests are passed on at once.

    Raises:
        ConfigurationError: A number is out of range.
    """

    connect: float = 10.0
    silence: float = 120.0
    whole: float = 600.0
    connections: int = 100

    def __post_init__(self) -> None:
        if not all(0 < seconds < math.inf for seconds in (self.connect, self.silence, self.whole)):
            raise ConfigurationError("the seconds of GatewayLimits are above zero, and have an end")
        if type(self.connections) is not int or self.connections < 1:
            raise ConfigurationError("connections of GatewayLimits is one or more")


class UnreachableError(NlgovJadesError):
    """There was no answer to pass back."""


class CutAnswerError(NlgovJadesError):
    """An answer broke off. A server that gets this from an application hangs up, so that nobody takes it for whole."""


class _GoneError(Exception):
    """Whoever asked is gone. Never leaves this file."""


def new_transport(limits: GatewayLimits, tls: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    """What requests are passed on with.

    Args:
        limits: How many at once.
        tls: For addresses with https.

    Raises:
        ConfigurationError: The limits are none.
    """
    if not isinstance(limits, GatewayLimits):
        raise ConfigurationError("limits is a GatewayLimits")
    # A connection for each request: one that is kept open may be closed by its other end at the very moment it is used.
    kept = httpx.Limits(max_connections=limits.connections, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=kept)


class Exchange:
    """Passes one request on, and its answer back.

    Args:
        transport: Where to.
        receive: From whoever asks.
        send: To whoever asks.
        limits: How long it may take.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, receive: Receive, send: Send, *, limits: GatewayLimits
    ) -> None:
        self._transport, self._receive, self._send, self._limits = transport, receive, send, limits
        self._sent = anyio.Event()
        self._is_gone = self._has_begun = self._is_whole = False
        self.status: int | None = None
        """Of the answer, once it began."""

    async def run(self, method: str, url: httpx.URL, target: bytes, lines: Lines) -> None:
        """Do it.

        Args:
            method: Of the request.
            url: Scheme, host and port.
            target: As it is sent.
            lines: Field lines, as they are sent.

        Raises:
            UnreachableError: There was no answer, or none that says where it ends. Nothing was sent.
            CutAnswerError: It broke off.
        """
        with anyio.move_on_after(self._limits.whole):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch, tasks.cancel_scope)
                # What it raises and is awaited, it keeps: a task group would wrap it.
                with contextlib.suppress(httpx.TransportError, _GoneError, OSError):
                    await self._pass(self._request(method, url, target, lines))
                tasks.cancel_scope.cancel()
        if self._is_whole or self._is_gone:
            return
        if self._has_begun:
            raise CutAnswerError("the answer broke off, or took too long")
        raise UnreachableError("there was no answer")

    def _request(self, method: str, url: httpx.URL, target: bytes, lines: Lines) -> httpx.Request:
        limits = self._limits
        times = {"connect": limits.connect, "pool": limits.connect, "read": limits.silence, "write": limits.silence}
        # With a stream of its own a request gets no field from the library, and with this extension no other target.
        request = httpx.Request(
            method, url, headers=lines, stream=_Upload(self), extensions={"target": target, "timeout": times}
        )
        request.method = method  # which the library wrote in capitals
        return request

    async def _pass(self, request: httpx.Request) -> None:
        response = await self._transport.handle_async_request(request)
        # When the answer came before the request ended, nobody waits for the rest.
        self._sent.set()
        try:
            lines = response.headers.raw
            if response.status_code in _FINAL and says_its_end(response.status_code, lines, method=request.method):
                await self._pass_back(response)
        finally:
            with anyio.move_on_after(CLOSING, shield=True):
                await response.aclose()

    async def _pass_back(self, response: httpx.Response) -> None:
        self._has_begun, self.status = True, response.status_code
        lines = passed_on(response.headers.raw)
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": lines})
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise ConfigurationError("a gateway has answers that are read asynchronously")
        async with contextlib.aclosing(Ending(response.stream)) as pieces:
            async for piece in pieces:
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        self._is_whole = True

    async def _watch(self, scope: anyio.CancelScope) -> None:
        """End everything when whoever asks hangs up."""
        await self._sent.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        scope.cancel()

    async def piece(self) -> bytes | None:
        """The next octets of the request's body; `None` at its end.

        Raises:
            _GoneError: Whoever asks hung up.
        """
        while not self._sent.is_set():
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._is_gone = True
                # Not the end of the body: the next machine must not take it for one.
                raise _GoneError
            if not message.get("more_body", False):
                self._sent.set()
            if piece := body_octets(message):
                return piece
        return None


class _Upload(httpx.AsyncByteStream, AsyncIterator[bytes]):
    """The body of a request as httpx reads it. No generator: one that is abandoned would be found as garbage."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._exchange.piece()
        if piece is None:
            raise StopAsyncIteration
        return piece
