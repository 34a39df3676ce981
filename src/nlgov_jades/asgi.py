"""Verifying requests and signing answers of an ASGI application. Needs the extra `asgi`.

    app = JadesVerifierMiddleware(app, verifier=verifier)
    app = JadesSignerMiddleware(app, signer=signer)

The signer is outermost, so that refusals are signed too; what compresses answers goes inside it. The application reads who
signed with `verified_message(scope)`. Only the two classes are here; what they do with one request is in `edges`.
"""

from __future__ import annotations

from collections.abc import Callable

from .edges.asgi_parts import CORRELATION_KEY, ASGIApp, Receive, Scope, Send, prepare
from .edges.asgi_settings import SignerSettings, VerifierSettings
from .edges.asgi_signing import Signing
from .edges.asgi_verifying import Verifying
from .edges.body import BodySettings
from .edges.outcome import UNVERIFIED_KEY, VERIFIED_KEY, Unverified, WhyUnverified, verified_message
from .edges.parties import AsyncMessageSigner, MessageSigner
from .edges.refusal import Answer, Refusal, Responder, new_correlation_id, problem_details
from .edges.rules import (
    ANY_METHOD,
    LongAnswers,
    Need,
    RequestRules,
    Route,
    SigningRules,
    UnsignedQuestions,
    Websockets,
)
from .edges.site import PublicAddress
from .edges.throttle import Throttle
from .errors import ConfigurationError
from .replay import MemoryReplayGuard, ReplayGuard
from .verify import AsyncVerifier

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
    "Throttle",
    "UnsignedQuestions",
    "Unverified",
    "Websockets",
    "WhyUnverified",
    "problem_details",
    "verified_message",
]

REFUSALS_PER_SECOND = 20.0
"""Signed refusals to strangers: at RSA-4096 3 % of one processor."""

REFUSALS_AT_ONCE = 40
"""The same, at once: a client that was set up wrongly sees signed refusals, a flood does not."""

_REQUEST_RULES = RequestRules()
_SIGNING_RULES = SigningRules()
_ADDRESS = PublicAddress()
_BODY = BodySettings()


class JadesVerifierMiddleware:
    """Verifies requests before the application gets any octet of them. Safe to share between tasks.

    The proof is in the scope under VERIFIED_KEY (`verified_message` reads it), or else under UNVERIFIED_KEY why there is
    none; the id that the log has is under CORRELATION_KEY. Behind a proxy, `address` says what the outside calls this
    server: fields such as X-Forwarded-Host are never asked.

    Args:
        app: The application.
        verifier: What is accepted, and from whom.
        rules: Which requests need a signature; their routes have paths as the client sent them, with the prefix of `address`.
        replay_guard: Lets each signature pass once; `None` lets copies pass for as long as `max_age` allows.
        address: What the outside calls this server.
        body: How long bodies may be, and where they are kept.
        responder: Makes the answers to requests that are refused.
        new_correlation_id: Gives the id of a request.

    Raises:
        ConfigurationError: An argument has another form, the verifier accepts a profile that signs the body itself, or there
            is a guard and the policy sets no `max_age`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        verifier: AsyncVerifier,
        rules: RequestRules = _REQUEST_RULES,
        replay_guard: ReplayGuard | None = None,
        address: PublicAddress = _ADDRESS,
        body: BodySettings = _BODY,
        responder: Responder = problem_details,
        new_correlation_id: Callable[[], str] = new_correlation_id,
    ) -> None:
        self._settings = VerifierSettings(
            app=app,
            verifier=verifier,
            rules=rules,
            replay_guard=replay_guard,
            address=address,
            body=body,
            responder=responder,
            new_correlation_id=new_correlation_id,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one websocket, or a lifespan, which passes.

        Raises:
            ConfigurationError: It is something else, of which nobody here knows what it brings.
        """
        if scope["type"] == "http":
            await Verifying(self._settings, scope, receive, send).http()
        elif scope["type"] == "websocket":
            await Verifying(self._settings, scope, receive, send).websocket()
        elif scope["type"] == "lifespan":
            prepare()
            await self._settings.app(scope, receive, send)
        else:
            raise ConfigurationError("a verifier lets http, websocket and lifespan through, and no other kind of scope")


class JadesSignerMiddleware:
    """Signs answers. Each is held until it is whole: a stream without end needs a route with `Need.NONE`.

    Nothing leaves before it is signed, so what goes wrong meanwhile becomes a 500 as if nothing had been written. Trailers
    are not covered by the signature. Safe to share between tasks.

    What ends as if it were whole is signed as whole. Starlette's BaseHTTPMiddleware ends an answer like that when the
    application behind it raises in mid-stream; with a Content-Length it becomes a 500 here.

    Args:
        app: The application, with its JadesVerifierMiddleware where there is one.
        signer: Signs.
        rules: Which answers are signed; their routes have paths as the client sent them, with the prefix of `address`.
        address: What the outside calls this server.
        body: How long an answer may be, and where it is kept.
        responder: Makes the answer where the application or the signing failed.
        refusals: How often a refusal to somebody unknown is signed; what comes on top leaves unsigned. `None`: 20 a
            second, and 40 at once.
        new_correlation_id: Gives the id of a request.

    Raises:
        ConfigurationError: An argument has another form, or the signer's profile signs the body itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        signer: MessageSigner | AsyncMessageSigner,
        rules: SigningRules = _SIGNING_RULES,
        address: PublicAddress = _ADDRESS,
        body: BodySettings = _BODY,
        responder: Responder = problem_details,
        refusals: Throttle | None = None,
        new_correlation_id: Callable[[], str] = new_correlation_id,
    ) -> None:
        self._settings = SignerSettings(
            app=app,
            signer=signer,
            rules=rules,
            address=address,
            body=body,
            responder=responder,
            refusals=Throttle(REFUSALS_PER_SECOND, REFUSALS_AT_ONCE) if refusals is None else refusals,
            new_correlation_id=new_correlation_id,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or anything else, which passes unsigned: a websocket and the refusal of one too."""
        if scope["type"] == "http":
            await Signing(self._settings, scope, receive, send).http()
        else:
            if scope["type"] == "lifespan":
                prepare()
            await self._settings.app(scope, receive, send)
