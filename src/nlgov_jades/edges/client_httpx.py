"""What httpx and httpx2 share, whose objects look alike and cannot be mixed: neither library is imported here.

`nlgov_jades.httpx` and `nlgov_jades.httpx2` add the classes of their own library, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from anyio import CancelScope

from ..errors import ConfigurationError, MessageNotSignableError
from ..message import Fields, HttpRequest, HttpResponse, SignedFields
from ..replay import ReplayGuard
from ..verify import AsyncVerifier, Verifier
from .body import BodySettings, Spool
from .client import DEFAULT_BODY, DEFAULT_RULES, Blocking, ClientSettings, Proven, exchange, refuse_host, run
from .client_async import Awaiting, Ending
from .client_hosts import AnyHost, Hosts, Origin
from .client_streams import AsyncSpooled, Spooled
from .outcome import UNVERIFIED_KEY, VERIFIED_KEY, Unverified
from .parties import AsyncMessageSigner, MessageSigner, check_signer, signed_here
from .rules import AnswerRules, OtherHosts

__all__ = ["AsyncTransport", "Library", "SigningAuth", "SyncTransport"]


class _Request(Protocol):
    """A request of httpx or httpx2."""

    method: str
    headers: Any
    extensions: Any

    @property
    def url(self) -> Any: ...
    @property
    def stream(self) -> Any: ...
    def read(self) -> bytes: ...


_RequestT = TypeVar("_RequestT", bound=_Request)
_ResponseT = TypeVar("_ResponseT")
_InnerT = TypeVar("_InnerT")


@dataclass(frozen=True, slots=True)
class Library(Generic[_RequestT, _ResponseT]):
    """The classes of one of the two libraries."""

    name: str
    request: Callable[..., _RequestT]
    response: Callable[..., _ResponseT]
    transport: type[Any]
    octets: type[Any]
    stream: type[Spooled | AsyncSpooled]


def origin_of(request: _Request) -> Origin:
    """Where a request goes."""
    return Origin.of(request.url.scheme, request.url.raw_host.decode("ascii"), request.url.port)


def message_of(request: _Request) -> HttpRequest:
    """A request as it leaves, without its body.

    Raises:
        MessageNotSignableError: It has the extension `target`, which puts another target on the wire than its URL.
    """
    if "target" in request.extensions:
        raise MessageNotSignableError("a request with the extension 'target' is not signed: put the target in the URL")
    target = request.url.raw_path.decode("iso-8859-1")
    return HttpRequest(method=request.method, target=target, fields=request.headers.raw)


def _octets(fields: Fields) -> list[tuple[bytes, bytes]]:
    return [(name.encode("iso-8859-1"), value.encode("iso-8859-1")) for name, value in fields]


class _Courier(Generic[_RequestT, _ResponseT]):
    """One request and its answer, for either kind of transport."""

    def __init__(self, library: Library[_RequestT, _ResponseT], inner: Any, request: _RequestT) -> None:
        self._library, self._inner, self._asked = library, inner, request
        self._response: Any = None

    @property
    def origin(self) -> Origin:
        """As Courier."""
        return origin_of(self._asked)

    @property
    def request(self) -> HttpRequest:
        """As Courier."""
        return message_of(self._asked)

    @property
    def content(self) -> Any:
        """As Courier."""
        stream = self._asked.stream
        # `request.content` may be older than the stream, and the stream is what leaves.
        return b"".join(stream) if isinstance(stream, self._library.octets) else stream

    def _outgoing(self, request: HttpRequest, spool: Spool | None) -> _RequestT:
        """A new request: the client may send its own again, and it is signed anew then."""
        stream = self._asked.stream
        if spool is not None:
            body = request.body
            stream = self._library.octets(body) if isinstance(body, bytes) else self._library.stream(spool)
        return self._library.request(
            self._asked.method,
            self._asked.url,
            headers=_octets(request.fields),
            stream=stream,
            extensions=self._asked.extensions,
        )

    def _arrived(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=self._response.status_code, fields=self._response.headers.raw, request=request)

    def outcome(self, outcome: Proven | Unverified) -> _ResponseT:
        """The answer for the client, with the proof or with why there is none."""
        response: Any = self._response
        others = {key: value for key, value in response.extensions.items() if key not in {VERIFIED_KEY, UNVERIFIED_KEY}}
        if isinstance(outcome, Unverified):
            response.extensions = {**others, UNVERIFIED_KEY: outcome}
            passed: _ResponseT = response
            return passed
        library, spool = self._library, outcome.spool
        return library.response(
            response.status_code,
            headers=response.headers.raw,
            stream=library.octets(outcome.verified.body) if spool is None else library.stream(spool),
            extensions={**others, VERIFIED_KEY: outcome.verified},
        )


class _SyncCourier(_Courier[_RequestT, _ResponseT]):
    async def forward(self) -> None:
        """As Courier."""
        self._response = self._inner.handle_request(self._asked)

    async def send(self, request: HttpRequest, spool: Spool | None) -> HttpResponse:
        """As Courier."""
        self._response = self._inner.handle_request(self._outgoing(request, spool))
        return self._arrived(request)

    @property
    def answer(self) -> Any:
        """As Courier."""
        return self._response.stream

    async def finish(self) -> None:
        """As Courier."""
        self._response.close()

    async def abandon(self) -> None:
        """As Courier."""
        if self._response is not None:
            self._response.close()


class _AsyncCourier(_Courier[_RequestT, _ResponseT]):
    async def forward(self) -> None:
        """As Courier."""
        self._response = await self._inner.handle_async_request(self._asked)

    async def send(self, request: HttpRequest, spool: Spool | None) -> HttpResponse:
        """As Courier."""
        self._response = await self._inner.handle_async_request(self._outgoing(request, spool))
        return self._arrived(request)

    @property
    def answer(self) -> Any:
        """As Courier."""
        return Ending(self._response.stream)

    async def finish(self) -> None:
        """As Courier."""
        await self._response.aclose()

    async def abandon(self) -> None:
        """As Courier."""
        if self._response is not None:
            with CancelScope(shield=True):
                await self._response.aclose()


def _check_inner(inner: object, library: Library[Any, Any]) -> None:
    if not isinstance(inner, library.transport):
        kind = library.transport.__name__
        raise ConfigurationError(f"the first argument is the transport to send with, a {kind} of {library.name}")


class SyncTransport(Generic[_RequestT, _ResponseT, _InnerT]):
    """`JadesTransport` without the base class of its library, where its arguments are described."""

    _library: ClassVar[Any]

    def __init__(
        self,
        inner: _InnerT,
        *,
        signer: MessageSigner | None,
        verifier: Verifier,
        hosts: Collection[str] | AnyHost,
        other_hosts: OtherHosts = OtherHosts.REFUSE,
        rules: AnswerRules = DEFAULT_RULES,
        replay_guard: ReplayGuard | None = None,
        body: BodySettings = DEFAULT_BODY,
    ) -> None:
        _check_inner(inner, self._library)
        self._inner: Any = inner
        self._settings = ClientSettings.checked(
            Verifier,
            signer=signer,
            verifier=verifier,
            hosts=hosts,
            other_hosts=other_hosts,
            rules=rules,
            replay_guard=replay_guard,
            body=body,
        )
        self._work = Blocking(signer, verifier, replay_guard)

    def _handle(self, request: _RequestT) -> _ResponseT:
        courier: _SyncCourier[_RequestT, _ResponseT] = _SyncCourier(self._library, self._inner, request)
        return courier.outcome(run(exchange(self._settings, self._work, courier)))

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()


class AsyncTransport(Generic[_RequestT, _ResponseT, _InnerT]):
    """`AsyncJadesTransport` without the base class of its library, where its arguments are described."""

    _library: ClassVar[Any]

    def __init__(
        self,
        inner: _InnerT,
        *,
        signer: MessageSigner | AsyncMessageSigner | None,
        verifier: AsyncVerifier,
        hosts: Collection[str] | AnyHost,
        other_hosts: OtherHosts = OtherHosts.REFUSE,
        rules: AnswerRules = DEFAULT_RULES,
        replay_guard: ReplayGuard | None = None,
        body: BodySettings = DEFAULT_BODY,
    ) -> None:
        _check_inner(inner, self._library)
        self._inner: Any = inner
        self._settings = ClientSettings.checked(
            AsyncVerifier,
            signer=signer,
            verifier=verifier,
            hosts=hosts,
            other_hosts=other_hosts,
            rules=rules,
            replay_guard=replay_guard,
            body=body,
        )
        self._work = Awaiting(signer, verifier, replay_guard)

    async def _handle(self, request: _RequestT) -> _ResponseT:
        courier: _AsyncCourier[_RequestT, _ResponseT] = _AsyncCourier(self._library, self._inner, request)
        return courier.outcome(await exchange(self._settings, self._work, courier))

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


class SigningAuth(Generic[_RequestT]):
    """`JadesAuth` without the base class of its library, where its arguments are described."""

    _library: ClassVar[Any]

    def __init__(
        self,
        signer: MessageSigner | AsyncMessageSigner,
        *,
        hosts: Collection[str] | AnyHost,
        other_hosts: OtherHosts = OtherHosts.REFUSE,
    ) -> None:
        check_signer(signer)
        if not isinstance(other_hosts, OtherHosts):
            raise ConfigurationError("other_hosts is one of OtherHosts")
        self._signer: Any = signer
        self._hosts, self._other_hosts = Hosts(hosts), other_hosts

    def _signs(self, request: _RequestT) -> bool:
        if origin_of(request) in self._hosts:
            return True
        refuse_host(self._other_hosts)
        return False

    def _sign(self, request: _RequestT, body: bytes) -> _RequestT:
        message = message_of(request).with_body(body)
        return self._with(request, message, body, signed_here(self._signer, message))

    async def _sign_later(self, request: _RequestT, body: bytes) -> _RequestT:
        message = message_of(request).with_body(body)
        return self._with(request, message, body, await Awaiting(self._signer, None, None).sign(message))

    def _with(self, request: _RequestT, message: HttpRequest, body: bytes, signed: SignedFields) -> _RequestT:
        """A new request: the one of the application stays unsigned, so that it can be sent again."""
        new: _RequestT = self._library.request(
            request.method,
            request.url,
            headers=_octets(message.fields + signed),
            stream=self._library.octets(body),
            extensions=request.extensions,
        )
        new.read()  # fills `content`, as in the request it replaces
        return new
