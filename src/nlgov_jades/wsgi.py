"""Verify requests and sign answers in any WSGI application. Two middlewares; no framework is imported.

    app = JadesSignerMiddleware(JadesVerifierMiddleware(app, verifier=verifier), signer=signer)

In this order, and outside every other middleware: the verifier must see what arrived, and the signer what leaves, refusals
included. What compresses goes inside the signer. The application finds the proof with `verified_message(environ)`.

Both log to `nlgov_jades.wsgi`: never a body, a query string or a field, with one exception. When an application raises while
its answer is held, its exception is logged with the traceback, as a server would have done.
"""

from __future__ import annotations

import errno
import inspect
import io
from collections.abc import Callable, Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from .edges.body import BodySettings, Spool
from .edges.outcome import UNVERIFIED_KEY, VERIFIED_KEY, Unverified, WhyUnverified, verified_message
from .edges.parties import MessageSigner, check_signer, check_verifier
from .edges.refusal import (
    APPLICATION_FAILED,
    Answer,
    Refusal,
    Responder,
    answer_to,
    log_refusal,
    log_verified,
    new_correlation_id,
    problem_details,
    refusal_of,
)
from .edges.rules import (
    ANY_METHOD,
    LongAnswers,
    Need,
    RequestRules,
    Route,
    SigningRules,
    UnsignedQuestions,
    carries_signature,
)
from .edges.site import PublicAddress, announces_body, check_framing
from .edges.throttle import Throttle
from .edges.wsgi_answer import HeldAnswer
from .edges.wsgi_parts import CORRELATION_KEY, LOGGER, NOTE_KEY, Closing, RefusalNote, SigningDesk, head_of
from .edges.wsgi_request import (
    Question,
    TargetSource,
    check_mount,
    delivered,
    environ_for_app,
    fill,
    may_cover_target,
    question_of,
)
from .errors import ConfigurationError, NlgovJadesError, VerificationError
from .message import Fields, HttpRequest
from .profiles import signature_fields
from .replay import MemoryReplayGuard, ReplayGuard, check_replay
from .result import SignerIdentity, VerifiedMessage
from .verify import Verifier

__all__ = [
    "ANY_METHOD",
    "CORRELATION_KEY",
    "UNVERIFIED_KEY",
    "VERIFIED_KEY",
    "Answer",
    "BodySettings",
    "JadesSignerMiddleware",
    "JadesVerifierMiddleware",
    "LongAnswers",
    "MemoryReplayGuard",
    "Need",
    "PublicAddress",
    "Refusal",
    "RequestRules",
    "Responder",
    "Route",
    "SigningRules",
    "TargetSource",
    "Throttle",
    "UnsignedQuestions",
    "Unverified",
    "WhyUnverified",
    "problem_details",
    "verified_message",
]

REFUSALS_PER_SECOND = 20.0
"""Refusals of strangers that are signed: at RSA 4096 some 3 % of a processor."""

REFUSALS_AT_ONCE = 40
"""Two seconds' worth, so that a partner who begins with a mistake gets signed answers."""

_REQUEST_RULES = RequestRules()
_SIGNING_RULES = SigningRules()
_ADDRESS = PublicAddress()
_BODY = BodySettings()


class JadesVerifierMiddleware:
    """Lets requests through that are verified, or that the rules let through. Safe to share between threads.

    A verified request reaches the application with `environ["nlgov_jades.verified"]`, its whole body in `wsgi.input` and
    the length of that in CONTENT_LENGTH, whatever the transfer coding was. Any other has `environ["nlgov_jades.unverified"]`.
    All have `environ["nlgov_jades.correlation_id"]`. A refused request never reaches it.

    Where the server does not give the request-target as it was on the wire, and no profile covers it, the target in the proof
    is put together from what the server decoded: act on what the application is shown, as every WSGI framework does.

    Args:
        app: The application.
        verifier: What a request must be.
        rules: Which requests need a signature. A request that passes without one by `otherwise` has no body.
        replay_guard: Refuses a signature that was accepted before; asks for a `max_age` in the policy.
        address: What the outside calls this server.
        target_source: Where the request-target comes from when a profile covers it.
        body: How long a body may be, and where it waits.
        responder: Makes the answers to refused requests.
        new_correlation_id: Makes the ids that stand in answers and log; that of a signer outside comes first.

    Raises:
        ConfigurationError: An argument has another form, or they do not fit each other.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        verifier: Verifier,
        rules: RequestRules = _REQUEST_RULES,
        replay_guard: ReplayGuard | None = None,
        address: PublicAddress = _ADDRESS,
        target_source: TargetSource = TargetSource.RAW,
        body: BodySettings = _BODY,
        responder: Responder = problem_details,
        new_correlation_id: Callable[[], str] = new_correlation_id,
    ) -> None:
        check_verifier(verifier, Verifier, replay_guard)
        if replay_guard is not None and inspect.iscoroutinefunction(getattr(replay_guard, "admit", None)):
            # Called and not awaited it would admit everything.
            raise ConfigurationError("replay_guard answers at once here: `admit` is not awaited")
        if not isinstance(rules, RequestRules):
            raise ConfigurationError("rules of a verifier is a RequestRules")
        _check_common(app, address, target_source, body, responder)
        self._app = app
        self._verifier = verifier
        self._rules = rules
        self._guard = replay_guard
        self._address = address
        self._source = target_source
        self._covered = may_cover_target(verifier.policy.profiles)
        self._body = body
        self._responder = responder
        self._new_correlation_id = new_correlation_id

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Verify one request, and answer or let the application answer (PEP 3333)."""
        visit = _Visit(environ.get(CORRELATION_KEY) or self._new_correlation_id())
        try:
            inner = self._admitted(environ, visit)
        except Exception as error:  # noqa: BLE001 - whatever it is, the application does not get the request
            visit.close()
            return self._refuse(environ, start_response, visit, error)
        except BaseException:
            visit.close()
            raise
        return visit.held(self._app, inner, start_response)

    def _admitted(self, environ: WSGIEnvironment, visit: _Visit) -> WSGIEnvironment:
        """The environ for the application, of a request that may reach it."""
        check_mount(environ)
        note = environ.get(NOTE_KEY)
        question = question_of(
            environ,
            address=self._address,
            source=self._source,
            covered=self._covered,
            read=note.fields if isinstance(note, RefusalNote) else Fields(),
        )
        by_route = question.need(self._rules, announces_body=True)
        if by_route is Need.NONE:
            return environ_for_app(environ, UNVERIFIED_KEY, Unverified(WhyUnverified.EXEMPT), visit.correlation_id)
        message = question.arrived(covered=self._covered)
        if announces_body(message.fields):
            return self._with_proof(environ, message, visit)
        need = question.need(self._rules, announces_body=False)
        signed = carries_signature(message.fields, self._verifier.policy)
        if need is Need.REQUIRED or (need is Need.IF_PRESENT and signed):
            return self._with_proof(environ, message, visit)
        why = WhyUnverified.EXEMPT if need is Need.NONE else WhyUnverified.UNSIGNED
        inner = environ_for_app(environ, UNVERIFIED_KEY, Unverified(why), visit.correlation_id)
        # It passes because no body was announced, so there is none: HTTP/2 announces nothing.
        inner["wsgi.input"] = io.BytesIO(b"")
        return inner

    def _with_proof(self, environ: WSGIEnvironment, message: HttpRequest, visit: _Visit) -> WSGIEnvironment:
        check_framing(message.fields, self._body.limit)
        pending = self._verifier.verify_fields(message)
        visit.signer = pending.signer
        visit.spool = spool = Spool(self._body, pending.body_digest)
        fill(spool, environ, message.fields)
        body = spool.finish()
        verified = pending.complete(body)
        self._admit_once(verified)
        log_verified(LOGGER, verified, visit.correlation_id)
        inner = environ_for_app(environ, VERIFIED_KEY, verified, visit.correlation_id)
        inner["wsgi.input"] = delivered(spool, body)
        # It is no longer what it was in transfer: it ends where it ends, and its length is known.
        inner["wsgi.input_terminated"] = True
        inner["CONTENT_LENGTH"] = str(spool.length)
        inner.pop("HTTP_TRANSFER_ENCODING", None)
        return inner

    def _admit_once(self, verified: VerifiedMessage) -> None:
        if self._guard is not None:
            check_replay(verified, policy=self._verifier.policy, guard=self._guard)

    def _refuse(
        self, environ: WSGIEnvironment, start_response: StartResponse, visit: _Visit, error: Exception
    ) -> Iterable[bytes]:
        if isinstance(error, VerificationError):
            refusal = refusal_of(error, visit.correlation_id)
            note = environ.get(NOTE_KEY)
            if isinstance(note, RefusalNote):
                note.error = error
        else:
            refusal = _our_fault(error, visit.correlation_id)
        log_refusal(LOGGER, refusal, visit.signer)
        return _answer(refusal, self._responder, environ, start_response)


class JadesSignerMiddleware:
    """Signs the answers of an application. Safe to share between threads, when the signer is.

    An answer is held until it is whole; until then nothing leaves, so an application that fails half-way gives a clean
    status 500. `wsgi.file_wrapper` is hidden from it, for a server would send the file past the signature. Answers to HEAD,
    and those with status 1xx, 206 and 304, are not signed and leave as they come.

    Args:
        app: The application, with its verifier.
        signer: What signs.
        rules: Which answers are signed.
        address: What the outside calls this server.
        target_source: Where the request-target comes from when the profile covers it.
        body: How long an answer may be, and where it waits.
        responder: Makes the answers that replace those that failed.
        refusals: How many refusals of requests that anybody can send are signed; the others leave unsigned.
        new_correlation_id: Makes the ids that stand in answers and log.

    Raises:
        ConfigurationError: An argument has another form, or they do not fit each other.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        signer: MessageSigner,
        rules: SigningRules = _SIGNING_RULES,
        address: PublicAddress = _ADDRESS,
        target_source: TargetSource = TargetSource.RAW,
        body: BodySettings = _BODY,
        responder: Responder = problem_details,
        refusals: Throttle | None = None,
        new_correlation_id: Callable[[], str] = new_correlation_id,
    ) -> None:
        check_signer(signer)
        if inspect.iscoroutinefunction(signer.sign):
            raise ConfigurationError("this edge does not wait: give it a Signer, not an AsyncSigner")
        if not isinstance(rules, SigningRules):
            raise ConfigurationError("rules of a signer is a SigningRules")
        if refusals is not None and not isinstance(refusals, Throttle):
            raise ConfigurationError("refusals is a Throttle")
        _check_common(app, address, target_source, body, responder)
        self._app = app
        self._rules = rules
        self._address = address
        self._source = target_source
        self._covered = may_cover_target((signer.profile,))
        self._signature_fields = signature_fields((signer.profile,))
        self._new_correlation_id = new_correlation_id
        self._desk = SigningDesk(
            signer=signer,
            body=body,
            long_answers=rules.long_answers,
            responder=responder,
            refusals=Throttle(REFUSALS_PER_SECOND, REFUSALS_AT_ONCE) if refusals is None else refusals,
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let the application answer one request, and sign what it answers (PEP 3333)."""
        correlation_id = self._new_correlation_id()
        try:
            question = question_of(environ, address=self._address, source=self._source, covered=self._covered)
            request = question.asked()
            is_signed = self._signs(question)
        except Exception as error:  # noqa: BLE001 - whatever it is, no answer could be signed
            if isinstance(error, VerificationError):
                refusal = refusal_of(error, correlation_id)
            else:
                refusal = _our_fault(error, correlation_id)
            log_refusal(LOGGER, refusal)
            return _answer(refusal, self._desk.responder, environ, start_response)
        inner = dict(environ)
        inner[CORRELATION_KEY] = correlation_id
        if not is_signed:
            return self._app(inner, start_response)
        inner[NOTE_KEY] = note = RefusalNote(question.fields)
        inner.pop("wsgi.file_wrapper", None)
        held = HeldAnswer(self._desk, request=request, note=note, start=start_response, correlation_id=correlation_id)
        return held.run(self._app, inner)

    def _signs(self, question: Question) -> bool:
        signed_question = bool(question.fields.among(self._signature_fields))
        return question.answer_is_signed(self._rules, signed_question=signed_question)


class _Visit:
    """One request at a verifier: what is known about it, and what must be let go of."""

    __slots__ = ("correlation_id", "signer", "spool")

    def __init__(self, correlation_id: str) -> None:
        self.correlation_id = correlation_id
        self.signer: SignerIdentity | None = None
        self.spool: Spool | None = None

    def close(self) -> None:
        if self.spool is not None:
            self.spool.close()

    def held(self, app: WSGIApplication, inner: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application's iterable, which keeps a body on disk until it is closed."""
        if self.spool is None or not self.spool.on_disk:
            # As it is: servers look at the length and the type of what they get.
            return app(inner, start_response)
        try:
            return Closing(app(inner, start_response), self.spool)
        except BaseException:
            self.close()
            raise


def _check_common(
    app: WSGIApplication,
    address: PublicAddress,
    target_source: TargetSource,
    body: BodySettings,
    responder: Responder,
) -> None:
    if not callable(app) or not callable(responder):
        raise ConfigurationError("app is a WSGI application, and responder makes an Answer of a Refusal")
    if not isinstance(address, PublicAddress) or not isinstance(body, BodySettings):
        raise ConfigurationError("address is a PublicAddress, and body a BodySettings")
    if not isinstance(target_source, TargetSource):
        raise ConfigurationError("target_source is one of TargetSource")


def _our_fault(error: Exception, correlation_id: str) -> Refusal:
    """The refusal of a request that this side could not judge. Of an exception that is not of this library only the type is
    logged: its text may hold the request's.
    """
    known = error if isinstance(error, NlgovJadesError) else None
    if known is None:
        number = errno.errorcode.get(error.errno or 0, "") if isinstance(error, OSError) else ""
        LOGGER.error("failed correlation_id=%s with=%s %s", correlation_id, type(error).__name__, number)
    return Refusal(
        code=APPLICATION_FAILED,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        correlation_id=correlation_id,
        error=known,
    )


def _answer(
    refusal: Refusal, responder: Responder, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    answer = answer_to(refusal, responder, LOGGER)
    start_response(*head_of(answer))
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [answer.body]
