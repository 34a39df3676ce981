"""Signed requests and verified answers with `httpx`. Needs the extra `httpx`.

Only what must be a class of `httpx` lives here; `nlgov_jades.httpx2` is the same for `httpx2`, whose objects cannot be mixed
with these. How a message is signed and verified is written in `edges/client.py`, once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from types import TracebackType
from typing import Any, ClassVar, Self

try:
    import httpx

    from .edges.client_httpx import AsyncTransport, Library, SigningAuth, SyncTransport
    from .edges.client_streams import AsyncSpooled, Spooled
except ImportError as error:
    if error.name not in {"anyio", "httpx"}:
        raise
    raise ImportError("nlgov_jades.httpx needs an extra: pip install 'nlgov-jades[httpx]'", name=error.name) from None

from .edges.client_hosts import ANY_HOST
from .edges.outcome import verified_message
from .result import VerifiedMessage

__all__ = ["ANY_HOST", "AsyncJadesTransport", "JadesAuth", "JadesTransport", "verified", "verified_message"]


def verified(response: httpx.Response) -> VerifiedMessage:
    """The proof that an answer was verified.

    Args:
        response: From a client with a JadesTransport or AsyncJadesTransport.

    Raises:
        ConfigurationError: There is none: it passed as unverified, or another transport brought it. A redirect can lead to
            another transport where `mounts=` is used.
    """
    return verified_message(response.extensions)


class _Stream(Spooled, httpx.SyncByteStream):
    consumed = httpx.StreamConsumed
    closed = httpx.StreamClosed


class _AsyncStream(AsyncSpooled, httpx.AsyncByteStream):
    consumed = httpx.StreamConsumed
    closed = httpx.StreamClosed


class JadesTransport(SyncTransport[httpx.Request, httpx.Response, httpx.BaseTransport], httpx.BaseTransport):
    """Signs every request to the named hosts, and hands out only answers that were verified. Safe to share between threads.

    It sees each message as it is on the wire, each redirect's too, and signs anew whatever the client sends again. A request
    is read to its end before it is sent, and an answer before the application gets any of it; what is long waits in a
    temporary file. `Accept-Encoding` becomes `identity`.

    The proof is in `response.extensions["nlgov_jades.verified"]`; `verified(response)` reads it. What the rules let through
    without one has an `Unverified` in `response.extensions["nlgov_jades.unverified"]`.

    `Client(transport=..., proxy=...)` goes past this transport when there is a proxy, and a client with a transport ignores the
    proxies of the environment: give the proxy to the inner transport. `Client(mounts={"https://api.example.nl": ...})` brings
    only these hosts here: a redirect to another host is then followed elsewhere, unsigned and unverified.

    Args:
        inner: Sends, for example `httpx.HTTPTransport(cert=...)`: client certificates and proxies are its own.
        signer: A Signer or RotatingSigner; `None` lets requests leave unsigned.
        verifier: For the answers.
        hosts: Each host as in the URL, with its port when that is not 443: `{"api.example.nl", "api.example.nl:8443"}`. A
            name with other letters than ASCII as `xn--...`. A host is reached over https; `"http://127.0.0.1:8080"` allows one
            without TLS. ANY_HOST is every host over https, for `mounts=`.
        other_hosts: What becomes of requests elsewhere.
        rules: Which answers are verified.
        replay_guard: Refuses an answer that was accepted before; needs a policy with `max_age`.
        body: How long bodies may be, of requests that are signed and of answers, and where they wait.

    Raises:
        ConfigurationError: An argument has another form.
    """

    _library: ClassVar[Any] = Library(
        name="httpx",
        request=httpx.Request,
        response=httpx.Response,
        transport=httpx.BaseTransport,
        octets=httpx.ByteStream,
        stream=_Stream,
    )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of the client.

        Raises:
            MessageNotSignableError: It goes to a host that was not named, or cannot be signed as it is. It was not sent.
            SigningError: No signature could be made. It was not sent.
            VerificationError: The answer is refused.
            OSError: A body could not be kept in a file.
            httpx.TransportError: As from the inner transport.
        """
        return self._handle(request)

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._inner.__exit__(exc_type, exc_value, traceback)


class AsyncJadesTransport(
    AsyncTransport[httpx.Request, httpx.Response, httpx.AsyncBaseTransport], httpx.AsyncBaseTransport
):
    """JadesTransport for asyncio and trio: files, long digests and replay guards work in threads. Safe to share between tasks.

    Args:
        inner: As for JadesTransport, for example `httpx.AsyncHTTPTransport()`.
        signer: A Signer, AsyncSigner, RotatingSigner or AsyncRotatingSigner; `None` lets requests leave unsigned.
        verifier: For the answers: an AsyncVerifier.
        hosts: As for JadesTransport.
        other_hosts: As for JadesTransport.
        rules: As for JadesTransport.
        replay_guard: As for JadesTransport.
        body: As for JadesTransport.

    Raises:
        ConfigurationError: An argument has another form.
    """

    _library: ClassVar[Any] = Library(
        name="httpx",
        request=httpx.Request,
        response=httpx.Response,
        transport=httpx.AsyncBaseTransport,
        octets=httpx.ByteStream,
        stream=_AsyncStream,
    )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As `JadesTransport.handle_request`."""
        return await self._handle(request)

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(exc_type, exc_value, traceback)


class JadesAuth(SigningAuth[httpx.Request], httpx.Auth):
    """Signs requests, and verifies nothing: for `auth=`, where no transport can be given. Prefer JadesTransport.

    An Auth runs once for a whole chain of redirects. httpx takes Authorization away when a redirect leads to another host, but
    not the signature: it travels on to that host, over a message that is no longer quite the one that was signed. Leave
    `follow_redirects` off. An Auth sees only bodies that are decoded already, so it cannot verify answers. The whole body is
    read into memory.

    Args:
        signer: As for JadesTransport; for an AsyncClient as for AsyncJadesTransport.
        hosts: As for JadesTransport.
        other_hosts: As for JadesTransport.

    Raises:
        ConfigurationError: An argument has another form.
    """

    requires_request_body = True
    _library: ClassVar[Any] = JadesTransport._library  # noqa: SLF001 - the same classes

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """As `httpx.Auth`.

        Raises:
            MessageNotSignableError: The request goes to a host that was not named, or cannot be signed as it is.
            SigningError: No signature could be made.
        """
        yield self._sign(request, request.read()) if self._signs(request) else request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """As `sync_auth_flow`."""
        yield await self._sign_later(request, await request.aread()) if self._signs(request) else request
