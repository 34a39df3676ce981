"""The provider: a Starlette application with `POST /gegevens`, behind the middlewares that verify and sign.

Only what joins the parts is here: what a question may say is in `question`, what an answer holds in `answers`. Each line in
the log has the transaction id of FSC; no line has a body, a token or a record.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from anyio import CancelScope
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..asgi import JadesSignerMiddleware, JadesVerifierMiddleware
from ..clock import Clock, check_time, utc_now
from ..edges.asgi_parts import CORRELATION_KEY, ASGIApp, Receive, Scope, Send, field_lines, in_thread, octets_of
from ..edges.body import BodySettings
from ..edges.outcome import verified_message
from ..edges.parties import AsyncMessageSigner, MessageSigner
from ..edges.refusal import Answer, new_correlation_id
from ..edges.site import PublicAddress
from ..edges.throttle import Throttle
from ..errors import ConfigurationError
from ..message import Fields
from ..replay import ReplayGuard
from ..result import VerifiedMessage
from ..verify import AsyncVerifier
from .answers import AnswerSettings, Page, page_of, pieces_of, selection_of
from .fsc import FscSettings, check_token, transaction_id
from .kinds import Kind
from .limits import Limiter, RateLimit
from .problems import Problem, ProblemDetails, ProblemError, ddas_responder
from .question import MAX_QUESTION, read_question
from .storage import Snapshot, Storage

__all__ = ["TRANSACTION_KEY", "provider_app"]

LOGGER: Final = logging.getLogger("nlgov_jades.ddas")

TRANSACTION_KEY: Final = "nlgov_jades.ddas.transaction_id"
"""Where the scope has the transaction id of FSC, checked; it is absent when there is none, or none that is a UUID."""

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")

_T = TypeVar("_T")

_FSC = FscSettings()
_RATE = RateLimit()
_ADDRESS = PublicAddress()
_BODY = BodySettings()
_QUESTIONS = BodySettings(limit=MAX_QUESTION)


def provider_app(
    *,
    storage: Storage,
    kind: Kind,
    signer: MessageSigner | AsyncMessageSigner,
    verifier: AsyncVerifier,
    answers: AnswerSettings,
    fsc: FscSettings = _FSC,
    rate_limit: RateLimit = _RATE,
    prefix: str = "",
    address: PublicAddress = _ADDRESS,
    replay_guard: ReplayGuard | None = None,
    body: BodySettings = _BODY,
    refusals: Throttle | None = None,
    clock: Clock = utc_now,
) -> Starlette:
    """An application that answers `POST <prefix>/gegevens`, signed, to those whom the verifier lets through.

    It trusts that the FSC inway checked the signature of the access token: nothing else may reach it. An answer goes from the
    storage to the temporary file of the signer piece by piece.

    Args:
        storage: What is delivered.
        kind: SHV or VS.
        signer: Signs the answers.
        verifier: What is accepted, and who may ask.
        answers: How it answers.
        fsc: How it takes what the inway passes on.
        rate_limit: How often one signer may ask.
        prefix: What stands before `/gegevens`, for example `/v1`.
        address: What the outside calls this server.
        replay_guard: Lets each signature pass once.
        body: How long an answer may be, and where it waits.
        refusals: How often a refusal to somebody unknown is signed; as for JadesSignerMiddleware.
        clock: Gives the time, for aanleverdatumEnTijd and tokens.

    Raises:
        ConfigurationError: An argument has another form.
    """
    if not isinstance(kind, Kind) or not isinstance(answers, AnswerSettings) or not isinstance(fsc, FscSettings):
        raise ConfigurationError("kind is a Kind, answers an AnswerSettings and fsc an FscSettings")
    if not isinstance(rate_limit, RateLimit) or not callable(getattr(storage, "look", None)):
        raise ConfigurationError("rate_limit is a RateLimit, and storage has a method `look`")
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ConfigurationError("prefix begins with a slash and does not end with one, or is empty")
    desk = _Desk(storage=storage, kind=kind, answers=answers, fsc=fsc, limiter=Limiter(rate_limit), clock=clock)
    app = Starlette(
        routes=[Route(f"{prefix}/gegevens", _Gegevens(desk), methods=["POST"])],
        middleware=[
            Middleware(_Transactions),
            Middleware(
                JadesSignerMiddleware,
                signer=signer,
                address=address,
                body=body,
                responder=ddas_responder,
                refusals=refusals,
            ),
            Middleware(
                JadesVerifierMiddleware,
                verifier=verifier,
                replay_guard=replay_guard,
                address=address,
                body=_QUESTIONS,
                responder=ddas_responder,
            ),
        ],
        exception_handlers={HTTPException: _not_here},
    )
    # A redirect would lead a signed POST to an address that was not asked.
    app.router.redirect_slashes = False
    # Now, and not at the first request: an argument of another form is told to whoever starts the server.
    app.middleware_stack = app.build_middleware_stack()
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What every question is answered with."""

    storage: Storage
    kind: Kind
    answers: AnswerSettings
    fsc: FscSettings
    limiter: Limiter
    clock: Clock


class _Transactions:
    """Outermost: gives a request an id that begins with its transaction id, so that every line about it has that.

    Args:
        app: The application, with its middlewares.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            identifier = new_correlation_id()
            scope = {**scope, CORRELATION_KEY: identifier}
            scope.pop(TRANSACTION_KEY, None)
            try:
                transaction = transaction_id(Fields(field_lines(scope)))
            except ProblemError:
                transaction = None  # refused once its sender is known
            if transaction is not None:
                # The peer chose it, and may choose one twice: the local part keeps two requests apart.
                scope |= {TRANSACTION_KEY: transaction, CORRELATION_KEY: f"{transaction}.{identifier}"}
        await self._app(scope, receive, send)


class _Gegevens:
    """`POST /gegevens`.

    Args:
        desk: What it is answered with.
    """

    def __init__(self, desk: _Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question, which was verified.

        Raises:
            ConfigurationError: It was not, or the storage failed; the signer makes a 500 of it.
        """
        del receive  # the verifier has read the body
        verified = verified_message(scope)
        try:
            async with self._opened(verified) as (page, snapshot):
                await _send_page(page, snapshot, send)
                _log_answer(scope, verified, page)
        except ProblemError as error:
            await _refuse(scope, verified, error, send)

    @asynccontextmanager
    async def _opened(self, verified: VerifiedMessage) -> AsyncIterator[tuple[Page, Snapshot]]:
        desk, fields = self._desk, verified.message.fields
        desk.limiter.take(verified.signer)
        now = check_time(desk.clock())
        transaction_id(fields)
        check_token(fields, verified.signer, settings=desk.fsc, now=now)
        question = read_question(verified.body)
        look = partial(desk.storage.look, selection_of(question, desk.kind))
        snapshot = await _finished(look)
        try:
            yield page_of(question, snapshot, kind=desk.kind, settings=desk.answers, now=now), snapshot
        finally:
            await _finished(snapshot.close)


async def _finished(work: Callable[[], _T]) -> _T:
    """Do this in a thread, and to its end: cancelled between what opens and what closes, a connection would stay open."""
    outcome: list[_T] = []
    with CancelScope(shield=True):
        outcome.append(await in_thread(work))
    return outcome[0]


async def _send_page(page: Page, snapshot: Snapshot, send: Send) -> None:
    """Send a page; not one piece of it before the storage gave the first."""
    pieces = pieces_of(page, snapshot)
    try:
        piece = await in_thread(partial(next, pieces, b""))
        lines = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        while piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await in_thread(partial(next, pieces, b""))
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        _close(pieces)


def _close(pieces: Iterator[bytes]) -> None:
    """End a generator before what it reads from is closed."""
    close = getattr(pieces, "close", None)
    if close is not None:
        close()


# --- refusals ------------------------------------------------------------------------------------------------------


async def _refuse(scope: Scope, verified: VerifiedMessage, error: ProblemError, send: Send) -> None:
    _log_problem(scope, error.problem, _shown(verified))
    answer = error.problem.answer(scope[CORRELATION_KEY], error.fields)
    for message in octets_of(answer, method="POST"):
        await send(message)


async def _not_here(request: Request, error: Exception) -> Response:
    """Another path or another method, as a problem document."""
    status = error.status_code if isinstance(error, HTTPException) else Problem.FAILED.status
    allowed = getattr(error, "headers", None) or {}
    if status == Problem.METHOD_NOT_ALLOWED.status:
        details = ProblemDetails.of(Problem.METHOD_NOT_ALLOWED, "Hier kan alleen POST.")
    else:
        details = ProblemDetails.of(Problem.NOT_FOUND, "Hier is niets: gegevens worden opgevraagd met POST /gegevens.")
    _log_problem(request.scope, details, "-")
    return _response(details.answer(request.scope[CORRELATION_KEY], tuple(allowed.items())))


def _response(answer: Answer) -> Response:
    return Response(answer.body, status_code=answer.status, headers=dict(answer.fields))


# --- log lines -----------------------------------------------------------------------------------------------------


def _shown(verified: VerifiedMessage) -> str:
    return str(verified.signer.oin or "-")


def _log_answer(scope: Scope, verified: VerifiedMessage, page: Page) -> None:
    LOGGER.info(
        "answered kind=%s oin=%s page=%s pages=%d records=%d transaction_id=%s correlation_id=%s",
        page.kind.value,
        _shown(verified),
        # A page that does not exist is any number that the peer wrote, of a person too.
        page.number if page.number <= page.pages else "-",
        page.pages,
        page.count,
        scope.get(TRANSACTION_KEY, "-"),
        scope[CORRELATION_KEY],
    )


def _log_problem(scope: Scope, problem: ProblemDetails, oin: str) -> None:
    LOGGER.warning(
        "refused code=%s status=%d field=%s oin=%s transaction_id=%s correlation_id=%s",
        problem.code,
        problem.status,
        problem.veld or "-",
        oin,
        scope.get(TRANSACTION_KEY, "-"),
        scope[CORRELATION_KEY],
    )
