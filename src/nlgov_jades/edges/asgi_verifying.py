"""One request at a JadesVerifierMiddleware: from its scope until the application has it, or it is refused.

What has not been verified is neither given to the application nor kept longer than the request takes.
"""

from __future__ import annotations

from functools import partial

from ..errors import (
    ConfigurationError,
    MalformedMessageError,
    SignatureMissingError,
    VerificationError,
)
from ..message import Fields, HttpRequest
from ..replay import MemoryReplayGuard, ReplayGuard, check_replay
from ..result import SignerIdentity, VerifiedMessage
from .asgi_parts import (
    CORRELATION_KEY,
    LOGGER,
    NOTE_KEY,
    FieldLines,
    Message,
    Receive,
    RefusalNote,
    Scope,
    Send,
    Turn,
    body_octets,
    correlation_id,
    failed,
    field_lines,
    finished,
    flushed,
    in_thread,
    octets_of,
    read_piece,
    routed_targets,
    target_of,
)
from .asgi_settings import VerifierSettings
from .body import HASHED_AT_ONCE, PIECE, Spool
from .outcome import UNVERIFIED_KEY, VERIFIED_KEY, Unverified, WhyUnverified
from .refusal import Refusal, answer_to, log_refusal, log_verified, refusal_of
from .rules import Need, Websockets, carries_signature
from .site import announced_length, arrived, check_readable

__all__ = ["Verifying"]

FORBIDDEN = 403
"""What servers answer when a websocket is closed before it was accepted."""


class _GoneError(Exception):
    """The client disconnected before the end of its request. Never leaves this file."""


class Verifying:
    """One request. Call `http` or `websocket`, once.

    Args:
        settings: Of the middleware.
        scope: The server's; not changed.
        receive: The server's.
        send: The server's.
    """

    # How it begins. On the class, since one is made for every request.
    _method = ""
    """Of a request; a websocket has none."""
    _lines: FieldLines = ()
    _targets: frozenset[str] | None = None
    _spool: Spool | None = None
    _signer: SignerIdentity | None = None

    def __init__(self, settings: VerifierSettings, scope: Scope, receive: Receive, send: Send) -> None:
        self._settings = settings
        self._scope = scope
        self._receive = receive
        self._send = send
        self._id = correlation_id(scope, settings.new_correlation_id)
        note: object = scope.get(NOTE_KEY)
        self._note = note if isinstance(note, RefusalNote) else None

    async def http(self) -> None:
        """Verify the request and call the application, or refuse it."""
        # In capitals, as ASGI says: where a server leaves it as it was sent, frameworks read it so.
        self._method = self._scope["method"].upper()
        try:
            # The application is called outside this `try`: what it raises is not about the message.
            try:
                outcome, receive = await self._judge()
            except VerificationError as error:
                await self._refuse(refusal_of(error, self._id))
                return
            except ConfigurationError as error:
                await self._refuse(failed(self._id, error))
                return
            except _GoneError:
                LOGGER.info("the client left before the end of its request correlation_id=%s", self._id)
                return
            if isinstance(outcome, VerifiedMessage):
                log_verified(LOGGER, outcome, self._id)
            await self._settings.app(self._marked(outcome), receive, self._send)
        finally:
            if self._spool is not None:
                self._spool.close()

    async def websocket(self) -> None:
        """Call the application or refuse, as the rules say: the frames of a websocket carry no signature."""
        error: VerificationError = SignatureMissingError(
            "a websocket carries no signature, and the rules let none through"
        )
        if self._settings.rules.websockets is Websockets.LET_THROUGH:
            try:
                self._lines = self._read_lines()
            except MalformedMessageError as too_many:
                error = too_many
            else:
                outcome = Unverified(WhyUnverified.WEBSOCKET)
                await self._settings.app(self._marked(outcome), self._receive, self._send)
                return
        refusal = Refusal(code=error.code, status=FORBIDDEN, correlation_id=self._id, error=error)
        log_refusal(LOGGER, refusal)
        if "websocket.http.response" not in (self._scope.get("extensions") or {}):
            await self._send({"type": "websocket.close"})
            return
        answer = answer_to(refusal, self._settings.responder, LOGGER)
        for message in octets_of(answer, method="GET", kind="websocket.http.response"):
            await self._send(message)

    def _marked(self, outcome: VerifiedMessage | Unverified) -> Scope:
        """The application's own scope: method and fields as they were judged, and the outcome."""
        scope = {**self._scope, "headers": list(self._lines), CORRELATION_KEY: self._id}
        if self._method:
            scope["method"] = self._method
        scope.pop(VERIFIED_KEY, None)
        scope.pop(UNVERIFIED_KEY, None)
        scope[VERIFIED_KEY if isinstance(outcome, VerifiedMessage) else UNVERIFIED_KEY] = outcome
        return scope

    # --- judging -------------------------------------------------------------------------------------------------

    async def _judge(self) -> tuple[VerifiedMessage | Unverified, Receive]:
        """The outcome, and what the application receives from.

        Raises:
            VerificationError: The request is refused.
            ConfigurationError: This side failed.
            _GoneError: The client disconnected.
        """
        self._lines = self._read_lines()
        if self._need(announces_body=True) is Need.NONE:
            # Only a route says so of a request with a body: it passes whatever its fields say.
            return Unverified(WhyUnverified.EXEMPT), self._receive
        note, made = self._note, None
        if note is None:
            fields = Fields(self._lines)
        else:
            fields, made = note.fields_of(self._lines), note.request
        target, address = target_of(self._scope), self._settings.address
        request = arrived(method=self._method, target=target, fields=fields, address=address, made=made)
        length = announced_length(fields)
        if length or "transfer-encoding" in fields:
            return await self._verify(request, length)
        need, is_signed = self._need(announces_body=False), carries_signature(fields, self._settings.verifier.policy)
        if need is Need.REQUIRED or (need is Need.IF_PRESENT and is_signed):
            return await self._verify(request, length)
        why = WhyUnverified.EXEMPT if need is Need.NONE else WhyUnverified.UNSIGNED
        return Unverified(why), _Once(await self._no_body(), self._receive)

    def _read_lines(self) -> FieldLines:
        return field_lines(self._scope) if self._note is None else self._note.lines_of(self._scope)

    def _need(self, *, announces_body: bool) -> Need:
        """What is asked of it: where the targets disagree about that, a signature."""
        rules, targets = self._settings.rules, self._targets
        if not rules.routes:
            return rules.need(self._method, "", announces_body=announces_body)
        if targets is None:
            targets = self._targets = routed_targets(self._scope, self._settings.address)
        asked = {rules.need(self._method, target, announces_body=announces_body) for target in targets}
        return asked.pop() if len(asked) == 1 else Need.REQUIRED

    async def _no_body(self) -> Message:
        """The message that says that there is no body, of a request that announced none: HTTP/2 brings them unannounced."""
        while True:
            message = await self._next()
            if body_octets(message):
                raise SignatureMissingError("the request has a body, unannounced, and no signature")
            # HTTP/2 may end a request later than its fields, with nothing in between.
            if not message.get("more_body", False):
                return message

    async def _verify(self, request: HttpRequest, announced: int | None) -> tuple[VerifiedMessage, Receive]:
        settings = self._settings
        check_readable(request.fields, announced, settings.body.limit)
        pending = await settings.verifier.verify_fields(request)
        self._signer = pending.signer
        message = await self._next()
        octets = body_octets(message)
        receive: Receive
        if not message.get("more_body", False) and len(octets) <= min(
            HASHED_AT_ONCE, settings.body.memory, settings.body.limit
        ):
            # Most bodies arrive like this: whole, and with nothing to be put anywhere.
            _check_length(len(octets), announced)
            verified = pending.complete(octets)
            receive = _Once({"type": "http.request", "body": octets, "more_body": False}, self._receive)
        else:
            spool = self._spool = Spool(settings.body, pending.body_digest)
            await self._read(spool, message, announced)
            # A body in memory is hashed here, and may be long.
            complete = partial(pending.complete, await finished(spool))
            verified = await in_thread(complete) if spool.length > HASHED_AT_ONCE else complete()
            receive = _Again(spool, self._receive)
        if settings.replay_guard is not None:
            await self._check_replay(verified, settings.replay_guard)
        return verified, receive

    async def _read(self, spool: Spool, message: Message, announced: int | None) -> None:
        """Read the body to its end, from this message on.

        Raises:
            BodyTooLargeError: There is more than the limit.
            MalformedMessageError: It is not as long as Content-Length says.
        """
        while True:
            spool.add(body_octets(message))
            if announced is not None and spool.length > announced:
                raise MalformedMessageError("the body is longer than Content-Length says")
            if spool.due:
                await flushed(spool)
            if not message.get("more_body", False):
                break
            message = await self._next()
        _check_length(spool.length, announced)

    async def _next(self) -> Message:
        """The next message with a part of the body; others are nothing that was verified, and are left out."""
        while True:
            message = await self._receive()
            if message["type"] == "http.request":
                return message
            if message["type"] == "http.disconnect":
                raise _GoneError

    async def _check_replay(self, verified: VerifiedMessage, guard: ReplayGuard) -> None:
        check = partial(check_replay, verified, policy=self._settings.verifier.policy, guard=guard)
        if isinstance(guard, MemoryReplayGuard):
            check()
        else:
            await in_thread(check)

    # --- refusing ------------------------------------------------------------------------------------------------

    async def _refuse(self, refusal: Refusal) -> None:
        if self._note is not None:
            self._note.error = refusal.error
        log_refusal(LOGGER, refusal, self._signer)
        answer = answer_to(refusal, self._settings.responder, LOGGER)
        for message in octets_of(answer, method=self._scope["method"]):
            await self._send(message)


def _check_length(length: int, announced: int | None) -> None:
    if announced is not None and length != announced:
        than = "longer" if length > announced else "shorter"
        raise MalformedMessageError(f"the body is {than} than Content-Length says")


class _Once:
    """A `receive` that gives one message back, and then asks the server."""

    def __init__(self, message: Message, receive: Receive) -> None:
        self._message: Message | None = message
        self._receive = receive

    async def __call__(self) -> Message:
        message, self._message = self._message, None
        return await self._receive() if message is None else message


class _Again:
    """A `receive` that gives a verified body again, and then asks the server each time. It never makes up a disconnect."""

    def __init__(self, spool: Spool, receive: Receive) -> None:
        self._spool = spool
        self._receive = receive
        self._left: int | None = spool.length
        # Two tasks of an application may ask at once.
        self._turn = Turn()

    async def __call__(self) -> Message:
        if self._left is not None:
            async with self._turn:
                if self._left is not None:
                    return await self._piece(self._left)
        return await self._receive()

    async def _piece(self, left: int) -> Message:
        # A body that is not long goes on as it is: in pieces, it would be copied.
        size = left if self._spool.length <= HASHED_AT_ONCE else PIECE
        piece = await read_piece(self._spool, size) if left else b""
        left -= len(piece)
        self._left = left or None
        if not left:
            self._spool.close()
        return {"type": "http.request", "body": piece, "more_body": left > 0}
