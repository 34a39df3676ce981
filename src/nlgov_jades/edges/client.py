"""One exchange of a client: what leaves is signed, what arrives is verified. No HTTP library and no event loop.

`exchange` is written once, as a coroutine, and asks a Work and a Courier for everything that may wait. `run` drives it for
those that never wait, such as Blocking; an event loop drives it for the others (`client_async`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from ..digest import BodyDigest
from ..encoding import ascii_lower
from ..errors import BodyTooLargeError, ConfigurationError, MalformedMessageError, MessageNotSignableError
from ..message import Body, HttpMessage, HttpRequest, HttpResponse, SignedFields
from ..policy import VerificationPolicy
from ..replay import ReplayGuard, check_replay
from ..result import VerifiedMessage
from ..verify import AsyncVerifier, PendingMessage, Verifier
from .body import BodySettings, Spool
from .client_hosts import AnyHost, Hosts, Origin
from .outcome import Unverified, WhyUnverified
from .parties import (
    AsyncMessageSigner,
    MessageSigner,
    check_signer,
    check_verifier,
    digest_to_sign,
    signed_here,
)
from .rules import AnswerRules, OtherHosts
from .site import announced_length, check_framing

__all__ = [
    "DEFAULT_BODY",
    "DEFAULT_RULES",
    "Blocking",
    "ClientSettings",
    "Courier",
    "Proven",
    "Work",
    "exchange",
    "octets_of",
    "refuse_host",
    "run",
]

DEFAULT_RULES = AnswerRules()
DEFAULT_BODY = BodySettings()

_Pieces_contra = TypeVar("_Pieces_contra", contravariant=True)
_Pieces_co = TypeVar("_Pieces_co", covariant=True)
_Pieces = TypeVar("_Pieces")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What every client edge is configured with."""

    signs: bool
    policy: VerificationPolicy
    hosts: Hosts
    other_hosts: OtherHosts
    rules: AnswerRules
    body: BodySettings

    @classmethod
    def checked(
        cls,
        kind: type[Verifier | AsyncVerifier],
        *,
        signer: MessageSigner | AsyncMessageSigner | None,
        verifier: Verifier | AsyncVerifier,
        hosts: Collection[str] | AnyHost,
        other_hosts: OtherHosts,
        rules: AnswerRules,
        replay_guard: ReplayGuard | None,
        body: BodySettings,
    ) -> ClientSettings:
        """The settings, when a client can work with them.

        Raises:
            ConfigurationError: An argument has another form, or the parties cannot be used by an edge.
        """
        if signer is not None:
            check_signer(signer)
        check_verifier(verifier, kind, replay_guard)
        if not isinstance(other_hosts, OtherHosts):
            raise ConfigurationError("other_hosts is one of OtherHosts")
        if not isinstance(rules, AnswerRules):
            raise ConfigurationError("rules is an AnswerRules")
        if not isinstance(body, BodySettings):
            raise ConfigurationError("body is a BodySettings")
        return cls(signer is not None, verifier.policy, Hosts(hosts), other_hosts, rules, body)


class Courier(Protocol[_Pieces_co]):
    """Takes one message away and brings its answer, by a client library."""

    @property
    def origin(self) -> Origin:
        """Where the request goes."""
        ...

    @property
    def request(self) -> HttpRequest:
        """The request as it would leave, every field line of it, without its body."""
        ...

    @property
    def content(self) -> bytes | _Pieces_co:
        """The body of the request: its octets, or the stream that gives them."""
        ...

    async def forward(self) -> None:
        """Send the request as the client made it."""
        ...

    async def send(self, request: HttpRequest, spool: Spool | None) -> HttpResponse:
        """Send this request, and return its answer without body.

        Args:
            request: Its fields are those to send.
            spool: Gives the body when `request.body` is a BodyDigest; without one the client's own body is sent.
        """
        ...

    @property
    def answer(self) -> _Pieces_co:
        """The body of the answer, as it comes from the wire: still content-encoded."""
        ...

    async def finish(self) -> None:
        """Let go of the answer, which was read to its end, and of its connection."""
        ...

    async def abandon(self) -> None:
        """Let go of the answer, if there is one, and of its connection, which nobody can use again."""
        ...


class Work(Protocol[_Pieces_contra]):
    """What an exchange does besides sending."""

    async def fill(self, pieces: _Pieces_contra, spool: Spool) -> Body:
        """Put a whole stream into a spool and finish it."""
        ...

    async def sign(self, message: HttpRequest) -> SignedFields:
        """The field lines to add."""
        ...

    async def verify_fields(self, answer: HttpResponse) -> PendingMessage:
        """As `Verifier.verify_fields`."""
        ...

    async def complete(self, pending: PendingMessage, body: Body) -> VerifiedMessage:
        """The proof, not known to a replay guard before."""
        ...

    async def discard(self, spool: Spool) -> None:
        """Close a spool."""
        ...


@dataclass(frozen=True, slots=True)
class Proven:
    """An answer that may reach the application.

    Attributes:
        verified: The proof.
        spool: Where its octets are; `None` when `verified.body` has them.
    """

    verified: VerifiedMessage
    spool: Spool | None


async def exchange(settings: ClientSettings, work: Work[_Pieces], courier: Courier[_Pieces]) -> Proven | Unverified:
    """Sign a request, send it, and verify its answer.

    Args:
        settings: What was configured.
        work: Signs, hashes and verifies.
        courier: Has the request, sends it, and has the answer afterwards.

    Raises:
        MessageNotSignableError: It goes to a host that was not named, or cannot be signed as it is. Nothing was sent.
        SigningError: No signature could be made. Nothing was sent.
        VerificationError: The answer is refused; its connection is closed.
        OSError: A body could not be kept in a file.
    """
    if courier.origin not in settings.hosts:
        refuse_host(settings.other_hosts)
        await courier.forward()
        return Unverified(WhyUnverified.OTHER_HOST)
    request = _asking_for_identity(courier.request)
    try:
        if not settings.signs:
            answer = await courier.send(request, None)
        else:
            spool = Spool(settings.body, partial(digest_to_sign, request.fields))
            try:
                answer = await courier.send(await _signed(settings, work, courier, request, spool), spool)
            finally:
                await work.discard(spool)
        return await _judged(settings, work, courier, answer)
    except BaseException:
        # What went wrong first is what the application must hear.
        with contextlib.suppress(Exception):
            await courier.abandon()
        raise


def refuse_host(other_hosts: OtherHosts) -> None:
    """Return when a request to a host that was not named may leave unsigned.

    Raises:
        MessageNotSignableError: It may not.
    """
    if other_hosts is not OtherHosts.LEAVE_UNSIGNED:
        raise MessageNotSignableError(
            "the request goes to a host that is not among `hosts`, or not over https: it was not sent. A redirect can lead "
            "there too"
        )


def _asking_for_identity(request: HttpRequest) -> HttpRequest:
    """The request with the one Accept-Encoding whose answers everybody can verify."""
    lines = [line for line in request.fields if ascii_lower(line[0]) != "accept-encoding"]
    return HttpRequest(method=request.method, target=request.target, fields=[*lines, ("Accept-Encoding", "identity")])


async def _signed(
    settings: ClientSettings, work: Work[_Pieces], courier: Courier[_Pieces], request: HttpRequest, spool: Spool
) -> HttpRequest:
    try:
        content = courier.content
        if isinstance(content, bytes):
            _check_limit(len(content), settings.body.limit)
            body: Body = content
        else:
            body = await work.fill(content, spool)
        _check_length(request, body)
    except MalformedMessageError as error:
        raise MessageNotSignableError(error.detail) from None
    except BodyTooLargeError:
        raise MessageNotSignableError(
            f"the body has more than {settings.body.limit} octets: set the limit of BodySettings"
        ) from None
    request = request.with_body(body)
    return request.with_fields(await work.sign(request))


def _check_limit(length: int, limit: int) -> None:
    if length > limit:
        raise BodyTooLargeError(f"the body has more than the {limit} octets that are accepted")


async def _judged(
    settings: ClientSettings, work: Work[_Pieces], courier: Courier[_Pieces], answer: HttpResponse
) -> Proven | Unverified:
    passed = settings.rules.exemption(answer, settings.policy)
    if passed is not None:
        return passed
    # All that the fields decide comes before the first octet of a body.
    check_framing(answer.fields, settings.body.limit)
    pending = await work.verify_fields(answer)
    spool = Spool(settings.body, pending.body_digest)
    try:
        body = await work.fill(courier.answer, spool)
        await courier.finish()
        # A library may take an answer that was cut short for a whole one.
        _check_length(answer, body)
        verified = await work.complete(pending, body)
    except BaseException:
        await work.discard(spool)
        raise
    if isinstance(body, bytes):
        await work.discard(spool)
        return Proven(verified, None)
    return Proven(verified, spool)


def _check_length(message: HttpMessage, body: Body) -> None:
    stated = announced_length(message.fields)
    if stated is not None and stated != (body.length if isinstance(body, BodyDigest) else len(body)):
        raise MalformedMessageError("Content-Length is not the length of the body")


def octets_of(piece: object) -> bytes:
    """A piece of a body as a client sends it: text as UTF-8.

    Raises:
        ConfigurationError: It is neither octets nor text.
    """
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, str):
        return piece.encode("utf-8")
    if isinstance(piece, bytearray | memoryview):
        return bytes(piece)
    raise ConfigurationError("a body is made of bytes")


class Blocking:
    """Work that never waits for an event loop. Safe to share between threads.

    Args:
        signer: `None` when nothing is signed.
        verifier: For the answers.
        guard: Asked last, or `None`.
    """

    def __init__(self, signer: MessageSigner | None, verifier: Verifier, guard: ReplayGuard | None) -> None:
        self._signer, self._verifier, self._guard = signer, verifier, guard

    async def fill(self, pieces: Iterable[Any], spool: Spool) -> Body:
        """As Work."""
        for piece in pieces:
            spool.add(octets_of(piece))
            if spool.due:
                spool.flush()
        return spool.finish()

    async def sign(self, message: HttpRequest) -> SignedFields:
        """As Work."""
        if self._signer is None:
            raise ConfigurationError("there is no signer")
        return signed_here(self._signer, message)

    async def verify_fields(self, answer: HttpResponse) -> PendingMessage:
        """As Work."""
        return self._verifier.verify_fields(answer)

    async def complete(self, pending: PendingMessage, body: Body) -> VerifiedMessage:
        """As Work."""
        verified = pending.complete(body)
        if self._guard is not None:
            check_replay(verified, policy=self._verifier.policy, guard=self._guard)
        return verified

    async def discard(self, spool: Spool) -> None:
        """As Work."""
        spool.close()


def run(steps: Coroutine[Any, Any, _T]) -> _T:
    """Drive a coroutine that never waits.

    Raises:
        ConfigurationError: It does wait.
    """
    try:
        steps.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    steps.close()
    raise ConfigurationError("something that must be awaited was given to an edge for threads")
