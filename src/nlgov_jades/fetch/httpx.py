"""The fetcher for asyncio and trio, on `httpx` and `anyio`. Needs the extra `httpx`.

Of `httpx` only the transport is used. Redirects, cookies, netrc and proxies of the environment belong to its client, so
here they cannot happen. The transport gets a URL that names the address which was checked; Host, SNI and the name in the
server's certificate stay those of the host.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, closing
from functools import cache
from typing import Any

from ..errors import FetchError
from ..pki.revocation import FetchRequest, RevocationData
from .address import check_addresses
from .exchange import AnswerBody, default_tls, failure_of, request_fields, request_method
from .lookup import NO_SUCH_HOST, addresses_of
from .retrieval import Exchange, Landing, Reading, Retrieval, Sharing, Step
from .settings import FetcherSettings
from .url import Target

try:
    import anyio
    import httpx
    from anyio.lowlevel import current_token
    from anyio.to_thread import run_sync
except ImportError as error:
    if error.name not in {"anyio", "httpx"}:
        raise
    raise ImportError(
        "nlgov_jades.fetch.httpx needs an extra: pip install 'nlgov-jades[httpx]'", name=error.name
    ) from None

__all__ = ["AsyncLookup", "HttpxFetcher"]

PARSED_IN_THREAD = 64 * 1024
"""Octets. What is larger is a CRL that takes milliseconds, or a tenth of a second, in which an event loop would stand still."""

AsyncLookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host and port, or raises OSError."""


async def _addresses_of_name(host: str, port: int) -> Sequence[str]:
    return addresses_of(await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class HttpxFetcher(FetcherSettings[anyio.Event, AsyncLookup]):
    """An AsyncFetcher for asyncio and trio. Safe to share between tasks; meant to live as long as the process.

    Arguments as for FetcherSettings. Tasks of one event loop share a fetch; what was fetched, all that use the store share.
    """

    _new_event = anyio.Event

    @property
    def _system_lookup(self) -> AsyncLookup:
        return _addresses_of_name

    async def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:  # noqa: ASYNC109 - see AsyncFetcher
        """The data, from the store or the network; as `AsyncFetcher.fetch`.

        Args:
            request: What is wanted.
            timeout: Seconds that are left for this verification, look-up of names included.

        Raises:
            FetchError: They cannot be had.
        """
        retrieval = Retrieval(self._desk, self._flights, request, timeout, scope=current_token())
        with closing(retrieval.steps()) as steps:
            for step in steps:
                with step.outcome():
                    await self._perform(step)
        return retrieval.data

    async def _perform(self, step: Step) -> None:
        with anyio.fail_after(step.deadline.left()):
            if isinstance(step, Exchange):
                await self._exchange(step)
            elif isinstance(step, Reading) and len(step.octets) > PARSED_IN_THREAD:
                await run_sync(step.parse, abandon_on_cancel=True)
            elif isinstance(step, Reading):
                step.parse()
            elif isinstance(step, Sharing):
                await run_sync(step.call, abandon_on_cancel=True)
            elif isinstance(step, Landing):
                await step.flight.landed.wait()

    async def _exchange(self, step: Exchange) -> None:
        proxy = self.limits.proxy_for(step.target)
        # A proxy looks the name up itself.
        hosts = await self._addresses(step.target) if proxy is None else (step.target.host,)
        failure = FetchError(NO_SUCH_HOST)
        for position, host in enumerate(hosts):
            # One that does not answer leaves time for the others.
            seconds = step.deadline.left() / (len(hosts) - position)
            try:
                await self._send(step, host, proxy, seconds)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = failure_of(error, late=isinstance(error, httpx.TimeoutException))
            else:
                return
        raise failure

    async def _addresses(self, target: Target) -> tuple[str, ...]:
        if target.literal is not None:
            return (target.literal,)  # checked with the URL
        try:
            found = await self._lookup(target.host, target.port)
        except Exception:  # noqa: BLE001 - whatever a resolver raises means that there is no address
            raise FetchError(NO_SUCH_HOST) from None
        return check_addresses(found, self.limits.addresses)

    async def _send(self, step: Exchange, host: str, proxy: str | None, connect: float) -> None:
        target = step.target
        opened = _Opened()
        extensions: dict[str, Any] = {
            "timeout": {"connect": connect},
            "sni_hostname": target.host,
            "trace": opened.trace,
        }
        request = httpx.Request(
            request_method(step.request),
            target.url_at(host),
            headers=request_fields(step.request, target),
            content=step.request.body(),
            extensions=extensions,
        )
        tls = (self._tls or default_tls()) if target.scheme == "https" else _no_tls()
        async with (
            aclosing(opened),
            httpx.AsyncHTTPTransport(verify=tls, trust_env=False, proxy=proxy) as transport,
            aclosing(await transport.handle_async_request(request)) as response,
        ):
            body = AnswerBody.expected(step.request, response.status_code, response.headers)
            await _read(response, body, opened)
        step.octets, step.max_age = body.complete(), body.max_age


async def _read(response: httpx.Response, body: AnswerBody, opened: _Opened) -> None:
    refusal: FetchError | None = None
    try:
        async for octets in response.aiter_raw():
            try:
                body.add(octets)
            except FetchError as error:
                # To leave now would abandon generators inside both libraries; without a connection they end by themselves.
                refusal = error
                await opened.aclose()
    except httpx.TransportError:
        if refusal is None:
            raise
    if refusal is not None:
        raise refusal


class _Opened:
    """The connections of one exchange. `httpcore` forgets the one whose TLS handshake is cancelled."""

    def __init__(self) -> None:
        self._streams: list[Any] = []

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What `httpcore` calls at each step (its extension "trace")."""
        if event == "connection.connect_tcp.complete":
            self._streams.append(info["return_value"])

    async def aclose(self) -> None:
        """Close them, whatever became of them."""
        with anyio.CancelScope(shield=True):
            for stream in self._streams:
                await stream.aclose()


@cache
def _no_tls() -> ssl.SSLContext:
    """Trusts nobody: a transport wants a context for http too, and would load the CAs of `certifi` each time."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
