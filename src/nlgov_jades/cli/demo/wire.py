"""The connections of the demo's consumer: real ones, on which an answer can be changed and both messages are kept."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from .keeping import Keeping, answer_octets, question_octets

__all__ = ["Wire", "one_bit_changed"]

Change = Callable[[bytes], bytes]


def one_bit_changed(body: bytes) -> bytes:
    """The body with one bit in its middle turned round: it is as long as before."""
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


class Wire(httpx.AsyncBaseTransport):
    """Sends over HTTP/1.1, as a transport of httpx. Below what signs and verifies: it sees what is on the wire.

    Args:
        keeping: Keeps both messages of each exchange.
        name: What they are kept as.
        change: What becomes of the body of an answer on its way, as at a gateway that is broken or worse.
    """

    def __init__(self, keeping: Keeping, name: str, *, change: Change = bytes) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._keeping, self._name, self._change = keeping, name, change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the whole answer: those of the demo are short."""
        asked = await request.aread()
        response = await self._inner.handle_async_request(request)
        try:
            body = self._change(b"".join([octets async for octets in response.aiter_raw()]))
        finally:
            await response.aclose()
        self._keeping.exchange(
            self._name,
            question_octets(request.method, request.url.raw_path, request.headers.raw, asked),
            answer_octets(response.status_code, response.headers.raw, body),
        )
        return httpx.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=httpx.ByteStream(body),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close its connections."""
        await self._inner.aclose()
