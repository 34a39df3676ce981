"""An answer of a WSGI application, held back until it is whole, then signed and sent. Nothing of the request is judged here.

Nothing leaves before the signature is made, so whatever fails until then becomes one clean answer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from ..errors import (
    BodyTooLargeError,
    ConfigurationError,
    MalformedMessageError,
    MessageNotSignableError,
    NlgovJadesError,
    SigningError,
)
from ..message import Fields, HttpRequest, HttpResponse
from ..steps import is_verifiable
from .body import Spool
from .parties import digest_to_sign, signed_here
from .refusal import APPLICATION_FAILED, SIGNING_FAILED, Refusal, answer_to, comes_from_a_stranger, log_refusal
from .rules import LongAnswers
from .site import announced_length
from .wsgi_parts import LOGGER, Lines, RefusalNote, SigningDesk, head_of

if TYPE_CHECKING:
    from _typeshed import OptExcInfo

__all__ = ["HeldAnswer"]

Write = Callable[[bytes], object]

_NO_CONTENT = HTTPStatus.NO_CONTENT
"""The one signed status without a Content-Length (RFC 9110 §8.6)."""


@dataclass(frozen=True, slots=True, repr=False)
class _Head:
    """What an application said in `start_response`."""

    status: str
    lines: Lines
    code: int
    fields: Fields
    length: int | None
    signable: bool


def _head(status: str, headers: Iterable[tuple[str, str]], request: HttpRequest) -> _Head:
    lines = list(headers)
    code = status[:3]
    if len(code) != len("200") or not (code.isascii() and code.isdigit()):
        raise ConfigurationError("the application's status does not begin with three digits")
    answer = HttpResponse(status=int(code), fields=lines, request=request)
    try:
        length = announced_length(answer.fields)
    except MalformedMessageError as error:
        raise ConfigurationError(f"the application's answer has a fault: {error.detail}") from None
    return _Head(status, lines, answer.status, answer.fields, length, is_verifiable(answer))


class HeldAnswer:
    """One answer: the `start_response` and `write` of the application, and the iterable of the server.

    Args:
        desk: What it is signed with.
        request: What it answers.
        note: Filled in by the verifier, when there is one and it refuses.
        start: The server's.
        correlation_id: For the log and for answers of our own.
    """

    __slots__ = (
        "_closed",
        "_correlation_id",
        "_desk",
        "_head",
        "_iterable",
        "_leaving",
        "_note",
        "_request",
        "_rest",
        "_spool",
        "_start",
        "_too_long",
    )

    def __init__(
        self,
        desk: SigningDesk,
        *,
        request: HttpRequest,
        note: RefusalNote,
        start: StartResponse,
        correlation_id: str,
    ) -> None:
        self._desk = desk
        self._request = request
        self._note = note
        self._start = start
        self._correlation_id = correlation_id
        self._head: _Head | None = None
        self._leaving: Write | None = None
        """The server's `write`, once it was given an answer that is not held."""
        self._too_long: ConfigurationError | None = None
        self._iterable: Iterable[bytes] | None = None
        self._rest: Iterator[bytes] = iter(())
        self._closed = False
        self._spool = self._new_spool()

    def run(self, app: WSGIApplication, environ: WSGIEnvironment) -> HeldAnswer:
        """Let the application answer. Returns itself, to be iterated and closed by the server.

        Args:
            app: What answers.
            environ: Its request.

        Raises:
            Exception: What the application raised after a part of an unsigned answer had left.
        """
        try:
            if not self._answered(app, environ):
                self._finish()
        except BaseException:
            # The server has nothing yet that it could close.
            self.close()
            raise
        return self

    def _answered(self, app: WSGIApplication, environ: WSGIEnvironment) -> bool:
        """Whether an answer is on its way already: one that is not held, or one of our own."""
        try:
            self._iterable = app(environ, self._start_response)
            return self._hold(iter(self._iterable))
        except Exception as error:
            if self._leaving is not None:
                raise
            too_long = self._too_long
            if too_long is not None and error is too_long:
                self._log(APPLICATION_FAILED, too_long)
            else:
                self._log_crash(error)
            self._fail(error)
            return True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._rest)

    def close(self) -> None:
        """Let go of everything, and tell the application, once."""
        if self._closed:
            return
        self._closed = True
        self._rest = iter(())
        try:
            close = getattr(self._iterable, "close", None)
            if close is not None:
                close()
        finally:
            self._spool.close()

    # What the application calls.

    def _start_response(
        self, status: str, headers: Lines, exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        try:
            if self._leaving is not None:
                # The server knows what has left, and raises or replaces.
                self._leaving = self._start(status, headers, exc_info)
            elif self._head is not None and not exc_info:
                raise ConfigurationError("start_response was called twice, the second time without exc_info")
            else:
                replaced, self._head = self._head, _head(status, headers, self._request)
                if replaced is not None:
                    # Nothing has left: an answer that replaces another replaces its body too.
                    self._spool.close()
                    self._spool, self._too_long = self._new_spool(), None
        finally:
            exc_info = None  # it refers to this frame, which refers to it
        return self._write

    def _write(self, octets: bytes) -> None:
        write = self._leaving
        if write is None:
            if self._take(octets):
                return
            write = self._leave()
            for held in self._spooled():
                write(held)
        write(octets)

    # How it is held, and how it leaves.

    def _hold(self, pieces: Iterator[bytes]) -> bool:
        """Take in what the application yields; whether it turned out to leave as it comes."""
        for octets in pieces:
            if self._leaving is not None:
                self._rest = chain((octets,), pieces)
                return True
            if not self._take(octets):
                self._leave()
                self._rest = chain(self._spooled(), (octets,), pieces)
                return True
        return self._leaving is not None

    def _take(self, octets: bytes) -> bool:
        """Hold these octets; whether the answer is one that is held."""
        if not isinstance(octets, bytes):
            raise ConfigurationError("the application's body is not made of bytes")
        if not octets:
            return True
        if self._head is None:
            raise ConfigurationError("the application sent octets before it called start_response")
        if not self._head.signable:
            return False
        if self._is_too_long(self._head, octets):
            limit = self._desk.body.limit
            if self._desk.long_answers is LongAnswers.LEAVE_UNSIGNED:
                LOGGER.warning(
                    "an answer of more than %d octets leaves unsigned correlation_id=%s", limit, self._correlation_id
                )
                return False
            self._too_long = ConfigurationError(
                f"the application answered with more than the {limit} octets that are signed"
            )
            raise self._too_long
        if self._spool.due:
            self._spool.flush()
        return True

    def _is_too_long(self, head: _Head, octets: bytes) -> bool:
        """Whether it is, or says that it will be; otherwise these octets are held now."""
        if head.length is not None and head.length > self._desk.body.limit:
            return True
        try:
            self._spool.add(octets)
        except BodyTooLargeError:
            return True
        return False

    def _finish(self) -> None:
        """Sign what is held, and give it to the server."""
        try:
            self._send()
        except NlgovJadesError as error:
            self._log(SIGNING_FAILED if isinstance(error, SigningError) else APPLICATION_FAILED, error)
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - of the server that objects to the head, or of the spool's disk
            self._log_crash(error)
            self._fail(error)

    def _send(self) -> None:
        head = self._head
        if head is None:
            raise ConfigurationError("the application ended without calling start_response")
        if self._too_long is not None:
            raise self._too_long
        if not head.signable or self._is_one_too_many():
            self._leave()
        else:
            length, body = self._length_to_add(head), self._spool.finish()
            answer = HttpResponse(
                status=head.code,
                fields=head.fields + length if length else head.fields,
                body=body,
                request=self._request,
            )
            self._start(head.status, self._signed_or_not(answer, [*head.lines, *length]))
        self._rest = self._spooled()

    def _signed_or_not(self, answer: HttpResponse, lines: Lines) -> Lines:
        try:
            return self._signed(answer, lines)
        except SigningError:
            if self._note.error is None:
                raise
            # Not a 500: what cannot be signed answers a request that was no good, perhaps for the same reason.
            LOGGER.warning("a refusal leaves unsigned correlation_id=%s", self._correlation_id)
            return lines

    def _length_to_add(self, head: _Head) -> Lines:
        """The one right Content-Length, where it is neither there nor out of place.

        Raises:
            ConfigurationError: The application states another, or sends octets where none can be.
        """
        length = self._spool.length
        if head.length is not None and head.length != length:
            raise ConfigurationError(f"the application announced {head.length} octets and sent {length}")
        if head.code == _NO_CONTENT and length:
            raise ConfigurationError("the application sent a body with status 204")
        if head.code == _NO_CONTENT or head.length is not None:
            return []
        return [("Content-Length", str(length))]

    def _signed(self, answer: HttpResponse, lines: Lines) -> Lines:
        """These field lines, and those of the signature of this answer."""
        try:
            return [*lines, *signed_here(self._desk.signer, answer)]
        except SigningError:
            raise
        except Exception as error:
            # A signer may be anything; a fault in it is not the application's.
            detail = str(error) if isinstance(error, NlgovJadesError) else type(error).__name__
            raise SigningError(f"the signer failed: {detail}") from error

    def _is_one_too_many(self) -> bool:
        return comes_from_a_stranger(self._note.error) and not self._desk.refusals.take()

    def _leave(self) -> Write:
        """Give the server the head as it is: this answer is not signed."""
        if self._head is None:  # pragma: no cover - whoever calls this looked
            raise ConfigurationError("an answer has a head")
        self._spool.finish()
        self._leaving = self._start(self._head.status, self._head.lines)
        return self._leaving

    def _spooled(self) -> Iterator[bytes]:
        return iter(self._spool.read, b"")

    def _new_spool(self) -> Spool:
        return Spool(self._desk.body, lambda: digest_to_sign(Fields() if self._head is None else self._head.fields))

    # What is sent when that fails.

    def _fail(self, error: Exception) -> None:
        """Send an answer of our own. Called while the error is handled."""
        unsignable = isinstance(error, SigningError)
        refusal = self._refusal(
            SIGNING_FAILED if unsignable else APPLICATION_FAILED, error if isinstance(error, NlgovJadesError) else None
        )
        answer = answer_to(refusal, self._desk.responder, LOGGER)
        status, lines = head_of(answer)
        # A key that just failed would fail again, perhaps after as long a wait.
        if not unsignable or isinstance(error, MessageNotSignableError):
            try:
                message = HttpResponse(status=answer.status, fields=lines, body=answer.body, request=self._request)
                lines = self._signed(message, lines)
            except SigningError as again:
                self._log(SIGNING_FAILED, again)
        # With exc_info, for a server that objected to the first head may have kept it.
        self._start(status, lines, sys.exc_info())
        self._rest = iter((answer.body,))

    def _log(self, code: str, error: NlgovJadesError) -> None:
        log_refusal(LOGGER, self._refusal(code, error))

    def _log_crash(self, error: Exception) -> None:
        # A server would log an application's exception just so: without the traceback nobody can mend it.
        LOGGER.error(
            "the application failed correlation_id=%s",
            self._correlation_id,
            exc_info=error,
            extra={"code": APPLICATION_FAILED, "oin": "-", "correlation_id": self._correlation_id},
        )

    def _refusal(self, code: str, error: NlgovJadesError | None) -> Refusal:
        return Refusal(
            code=code,
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
            correlation_id=self._correlation_id,
            error=error,
        )
