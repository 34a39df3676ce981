"""Both event loops, a verifier that is awaited, and middleware around an application."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import AsyncVerifier, HttpRequest, HttpResponse, Signer, VerificationPolicy, Verifier, profiles
from nlgov_jades.asgi import JadesSignerMiddleware, JadesVerifierMiddleware
from nlgov_jades.policy import ANY_MEDIA_TYPE
from nlgov_jades.result import VerifiedMessage
from nlgov_jades.testing import Hierarchy, Issued

from .harness import App, Server

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)

Serve = Callable[..., Server]


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def awaited(hierarchy: Hierarchy, policy: VerificationPolicy) -> Callable[..., AsyncVerifier]:
    """The verifier of the tests with another policy."""

    def changed(**changes: Any) -> AsyncVerifier:
        return AsyncVerifier(trust=hierarchy.trust, policy=policy.replace(**changes), clock=lambda: NOW)

    return changed


@pytest.fixture
def verifying_app(awaited: Callable[..., AsyncVerifier]) -> Callable[..., App]:
    """An application with a verifier around it. `policy` changes the policy."""

    def wrapped(app: App, *, policy: dict[str, Any] | None = None, **options: Any) -> App:
        options.setdefault("new_correlation_id", lambda: "id-1")
        return JadesVerifierMiddleware(app, verifier=awaited(**(policy or {})), **options)

    return wrapped


@pytest.fixture
def signer(issued: Issued) -> Signer:
    return Signer(issued.credential, profile=profiles.DDAS, clock=lambda: NOW)


@pytest.fixture
def signing_app(signer: Signer) -> Callable[..., App]:
    """An application with a signer around it."""

    def wrapped(app: App, **options: Any) -> App:
        options.setdefault("new_correlation_id", lambda: "id-1")
        options.setdefault("signer", signer)
        return JadesSignerMiddleware(app, **options)

    return wrapped


@pytest.fixture
def signed(sign: Callable[..., HttpRequest], request_message: HttpRequest) -> HttpRequest:
    """A request with a good signature."""
    return sign(request_message)


@pytest.fixture
def client(verifier: Verifier) -> Callable[..., VerifiedMessage]:
    """What a client makes of an answer: the proof, or a VerificationError."""
    policy = verifier.policy.replace(media_types=ANY_MEDIA_TYPE)

    def verify(answer: HttpResponse, **changes: Any) -> VerifiedMessage:
        client = Verifier(trust=verifier.trust, policy=policy.replace(**changes), clock=lambda: NOW)
        return client.verify(answer)

    return verify


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="nlgov_jades")
    return caplog


@pytest.fixture
def refused() -> Callable[..., None]:
    """Assert that a request was refused with this status and code, and that nobody saw it."""

    def check(server: Server, app: Any, status: int, code: str) -> None:
        answer = server.answer
        assert app.calls == 0
        assert answer.status == status
        assert answer.fields.get_all("content-type") == ("application/problem+json",)
        assert isinstance(answer.body, bytes)
        assert answer.fields.get_all("content-length") == (str(len(answer.body)),)
        problem = json.loads(answer.body)
        assert problem["code"] == code
        assert problem["status"] == status
        assert problem["correlation_id"] == "id-1"

    return check
