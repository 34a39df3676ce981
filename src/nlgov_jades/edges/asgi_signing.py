"""One answer at a JadesSignerMiddleware: held until it is whole, signed, and sent inside the application's last `send`.

So background tasks still run after the answer, and until then nothing has left: a failure becomes a whole answer of its own.
"""

from __future__ import annotations

from enum import Enum, auto

from ..digest import BodyDigest
from ..errors import (
    BodyTooLargeError,
    ConfigurationError,
    MalformedMessageError,
    NlgovJadesError,
    SigningError,
    VerificationError,
)
from ..message import Body, Fields, HttpRequest, HttpResponse, SignedFields
from ..profiles import signature_fields
from ..steps import is_whole
from .asgi_parts import (
    CORRELATION_KEY,
    EMPTY,
    LOGGER,
    NOTE_KEY,
    Message,
    Receive,
    RefusalNote,
    Scope,
    Send,
    Turn,
    body_octets,
    correlation_id,
    digested,
    failed,
    field_lines,
    finished,
    flushed,
    octets_of,
    read_piece,
    routed_targets,
    target_of,
    wire_lines,
)
from .asgi_settings import SignerSettings
from .body import HASHED_AT_ONCE, PIECE, Spool
from .parties import digest_to_sign, signed_later
from .refusal import APPLICATION_FAILED, SIGNING_FAILED, answer_to, comes_from_a_stranger, log_refusal, refusal_of
from .rules import LongAnswers, UnsignedQuestions
from .site import announced_length

__all__ = ["Signing"]

START, BODY, TRAILERS = "http.response.start", "http.response.body", "http.response.trailers"

_BODIES_ELSEWHERE = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
"""Extensions by which a server sends octets that nobody here would see."""

_AT_ONCE = frozenset({"http.response.push", "http.response.early_hint", "http.response.debug"})
"""Messages that are no part of the answer and useful only before it."""

_NO_CONTENT = 204


class _Stage(Enum):
    """How far an answer is."""

    EXPECTED = auto()
    """Nothing of it came."""
    HELD = auto()
    """It began, and nothing of it has left."""
    PASSING = auto()
    """It is not signed: all passes as it comes."""
    SENT = auto()
    """It is on its way, whole."""


class Signing:
    """One request and its answer. Call `http`, once.

    Args:
        settings: Of the middleware.
        scope: The server's; not changed.
        receive: The server's.
        send: The server's.
    """

    # How it begins. On the class, since one is made for every request.
    _request: HttpRequest | None = None
    _stage = _Stage.EXPECTED
    _client_left = False
    _start: Message
    _fields = EMPTY
    _status = 0
    _length: int | None = None

    def __init__(self, settings: SignerSettings, scope: Scope, receive: Receive, send: Send) -> None:
        self._settings = settings
        self._scope = scope
        self._receive = receive
        self._send = send
        self._method: str = scope["method"].upper()
        self._id = correlation_id(scope, settings.new_correlation_id)
        self._note = RefusalNote()
        # What is held of the answer, besides its start: its octets, and other messages with the number of octets before them.
        self._spool = Spool(settings.body, self._digest)
        self._between: list[tuple[int, Message]] = []
        # Two tasks of an application may send at once.
        self._turn = Turn()

    async def http(self) -> None:
        """Call the application, and sign what it answers."""
        try:
            try:
                is_signed = self._is_signed()
            except (ConfigurationError, MalformedMessageError) as error:
                self._note.error = error
                await self._fail(APPLICATION_FAILED, error)
                return
            if is_signed:
                await self._call()
            else:
                await self._settings.app(self._scope, self._receive, self._send)
        finally:
            # Also for a task of the application that outlives it.
            self._stage = _Stage.SENT
            self._spool.close()

    def _is_signed(self) -> bool:
        """Whether the answer is signed: where the targets disagree about that, yes.

        Raises:
            ConfigurationError: As `target_of`.
            MalformedMessageError: As `field_lines`.
        """
        settings, note = self._settings, self._note
        target = settings.address.prefix + target_of(self._scope)
        try:
            note.lines = field_lines(self._scope)
        except MalformedMessageError:
            # Its refusal may be about the target.
            self._request = HttpRequest(method=self._method, target=target)
            raise
        # Whether it is well formed is for a verifier to say; its refusal is signed here too.
        fields = note.fields = Fields(note.lines)
        self._request = note.request = HttpRequest(method=self._method, target=target, fields=fields)
        rules, method = settings.rules, self._method
        # Not asked where the answer is signed in any case.
        is_signed = rules.unsigned_questions is UnsignedQuestions.SIGN_ANSWER or bool(
            fields.among(signature_fields((settings.signer.profile,)))
        )
        if not rules.routes:
            return rules.signs_answer_to(method, target, signed_question=is_signed)
        targets = routed_targets(self._scope, settings.address)
        return any(rules.signs_answer_to(method, routed, signed_question=is_signed) for routed in targets)

    async def _call(self) -> None:
        extensions = self._scope.get("extensions") or {}
        scope = {
            **self._scope,
            "extensions": {name: value for name, value in extensions.items() if name not in _BODIES_ELSEWHERE},
            CORRELATION_KEY: self._id,
            NOTE_KEY: self._note,
        }
        try:
            await self._settings.app(scope, self.receive, self.send)
        except Exception as error:
            if self._is_owed:
                await self._fail(APPLICATION_FAILED, _fault(f"raised {type(error).__name__}"))
            # To the server, which logs it, whatever has left.
            raise
        if self._is_owed:
            await self._fail(APPLICATION_FAILED, _fault("ended before its answer did"))

    @property
    def _is_owed(self) -> bool:
        """Whether nothing has left, and somebody waits."""
        return self._stage is not _Stage.SENT and self._stage is not _Stage.PASSING and not self._client_left

    async def receive(self) -> Message:
        """The server's `receive`; who left needs no answer."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._client_left = True
        return message

    # --- what the application sends --------------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Take a message of the application.

        Raises:
            ConfigurationError: It is not one that ASGI allows now, the answer is too long, or it cannot be kept. The client
                has got a 500 if nothing had left.
        """
        turn = self._turn
        if not turn.is_free():
            await turn.come()
        try:
            if self._stage is _Stage.HELD and message["type"] == BODY:
                await self._add(message)
            else:
                await self._take(message)
        except ConfigurationError as error:
            if self._stage is not _Stage.SENT and self._stage is not _Stage.PASSING:
                await self._fail(APPLICATION_FAILED, error)
            raise
        finally:
            turn.pass_on()

    async def _take(self, message: Message) -> None:
        kind, stage = message["type"], self._stage
        if stage is _Stage.PASSING:
            await self._send(message)
        elif kind == START:
            await self._begin(message)
        elif kind == BODY:
            raise _fault("sent a body before its answer began or after it ended")
        elif kind in _BODIES_ELSEWHERE:
            raise _fault(f"sent {kind}, which it was not told that the server knows")
        elif stage is not _Stage.HELD or kind in _AT_ONCE:
            await self._send(message)
        elif kind == TRAILERS:
            raise _fault("sent trailers before its body ended")
        else:
            self._between.append((self._spool.length, message))

    async def _begin(self, message: Message) -> None:
        if self._stage is not _Stage.EXPECTED:
            raise _fault("began its answer twice")
        # The field lines may be missing, may be any iterable, and must not change before they leave.
        self._start = {**message, "headers": list(map(tuple, message.get("headers") or ()))}
        self._fields, status = Fields(self._start["headers"]), message.get("status", 0)
        if not isinstance(status, int):
            raise _fault("began an answer with a status that is no number")
        self._status = status
        if not is_whole(status, self._method):
            self._stage = _Stage.PASSING
            await self._send(self._start)
            return
        length = self._length = self._announced()
        self._stage = _Stage.HELD
        if length is not None and length > self._settings.body.limit:
            await self._let_pass()

    async def _add(self, message: Message) -> None:
        try:
            self._spool.add(body_octets(message))
        except BodyTooLargeError:
            await self._let_pass()
            await self._send(message)
            return
        if not message.get("more_body", False):
            await self._finish()
        elif self._spool.due:
            await flushed(self._spool)

    async def _let_pass(self) -> None:
        """Let an answer that is longer than the limit leave as it comes.

        Raises:
            ConfigurationError: The rules refuse it.
        """
        limit = self._settings.body.limit
        if self._settings.rules.long_answers is LongAnswers.REFUSE:
            raise _fault(f"answered with more than the {limit} octets that are signed")
        LOGGER.warning("an answer of more than %d octets leaves unsigned correlation_id=%s", limit, self._id)
        await finished(self._spool)
        self._stage = _Stage.PASSING
        await self._release(self._start, is_whole=False)

    def _announced(self) -> int | None:
        try:
            return announced_length(self._fields)
        except MalformedMessageError as error:
            raise _fault(f"began an answer of which {error}") from None

    # --- what leaves -----------------------------------------------------------------------------------------------

    async def _finish(self) -> None:
        """The answer is whole: sign and send it."""
        length, announced = self._spool.length, self._length
        if announced is not None and announced != length:
            raise _fault(f"announced {announced} octets and sent {length}")
        if length and self._status == _NO_CONTENT:
            raise _fault(f"sent a body with status {self._status}")
        spool = self._spool
        body = await finished(spool) if spool.on_disk else spool.finish()
        if length > HASHED_AT_ONCE:
            body = await digested(body, self._digest)
        added: list[tuple[bytes, bytes]] = []
        if self._status != _NO_CONTENT and not self._is_chunked(announced):
            added = [(b"content-length", str(length).encode("ascii"))]
            self._fields += added
        try:
            added += await self._signature(self._answer(body))
        except SigningError as error:
            self._check_expected()
            if self._note.error is None:
                await self._fail(SIGNING_FAILED, error)
                return
            # A refusal tells more than that it could not be signed, and a stranger may have asked for it.
            self._log_unsigned(error)
        self._check_expected()
        self._stage = _Stage.SENT
        start = self._start
        start["headers"] += added
        if isinstance(body, bytes) and not self._between:
            # Most answers: nothing came between, and nothing was put anywhere.
            self._spool.close()
            await self._send(start)
            await self._send({"type": BODY, "body": body, "more_body": False})
        else:
            await self._release(start, is_whole=True)

    def _check_expected(self) -> None:
        """Return when the answer may still leave: the application may have ended while a task of it had it signed."""
        if self._stage is not _Stage.HELD:
            raise _fault("ended before its answer did")

    def _is_chunked(self, announced: int | None) -> bool:
        """Whether nothing is to be said about its length: it was said, or trailers follow."""
        return announced is not None or "transfer-encoding" in self._fields or bool(self._start.get("trailers"))

    async def _signature(self, answer: HttpResponse) -> list[tuple[bytes, bytes]]:
        """The field lines to add; none to a refusal that may not cost a signature.

        Raises:
            SigningError: No signature could be made.
        """
        if comes_from_a_stranger(self._note.error) and not self._settings.refusals.take():
            return []
        try:
            signed: object = await signed_later(self._settings.signer, answer)
        except SigningError:
            raise
        except ConfigurationError as error:
            raise SigningError(str(error)) from None
        except Exception as error:
            raise SigningError(f"the signer failed: {type(error).__name__}") from error
        if not isinstance(signed, SignedFields):
            raise SigningError("the signer returned no SignedFields")
        return wire_lines(signed)

    async def _release(self, start: Message, *, is_whole: bool) -> None:
        """Send what is held, in the order in which it came."""
        await self._send(start)
        at, has_ended = 0, False
        for offset, message in (*self._between, (self._spool.length, None)):
            while at < offset:
                piece = await read_piece(self._spool, min(PIECE, offset - at))
                at += len(piece)
                has_ended = is_whole and message is None and at == offset
                await self._send({"type": BODY, "body": piece, "more_body": not has_ended})
            if message is not None:
                await self._send(message)
        self._spool.close()
        if is_whole and not has_ended:
            await self._send({"type": BODY, "body": b"", "more_body": False})

    async def _fail(self, code: str, error: NlgovJadesError) -> None:
        """Answer with a refusal instead of what is held, a 500 unless the client is to blame."""
        self._stage = _Stage.SENT
        self._spool.close()
        refusal = refusal_of(error, self._id) if isinstance(error, VerificationError) else failed(self._id, error, code)
        log_refusal(LOGGER, refusal)
        answer = answer_to(refusal, self._settings.responder, LOGGER)
        start, body = octets_of(answer, method=self._method)
        if self._method != "HEAD":
            message = HttpResponse(
                status=answer.status, fields=start["headers"], body=answer.body, request=self._request
            )
            try:
                start["headers"] += await self._signature(message)
            except SigningError as unsigned:
                self._log_unsigned(unsigned)
        await self._send(start)
        await self._send(body)

    def _log_unsigned(self, error: SigningError) -> None:
        LOGGER.error("a refusal leaves unsigned correlation_id=%s detail=%s", self._id, error)

    def _digest(self) -> BodyDigest:
        return digest_to_sign(self._fields)

    def _answer(self, body: Body) -> HttpResponse:
        return HttpResponse(status=self._status, fields=self._fields, body=body, request=self._request)


def _fault(what: str) -> ConfigurationError:
    return ConfigurationError(f"the application {what}")
