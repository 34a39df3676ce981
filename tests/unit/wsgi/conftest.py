"""The two middlewares around an application, made as the tests of this folder need them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.validate import validator

import pytest

from nlgov_jades import HttpRequest, Signer, SigningCredential, Verifier, profiles
from nlgov_jades.wsgi import JadesSignerMiddleware, JadesVerifierMiddleware

from .serving import Recorded


@pytest.fixture
def signer(credential: SigningCredential, clock: Callable[[], dt.datetime]) -> Signer:
    return Signer(credential, profile=profiles.DDAS, clock=clock)


@pytest.fixture
def app() -> Recorded:
    return Recorded()


@pytest.fixture
def question(sign: Callable[..., HttpRequest], request_message: HttpRequest) -> HttpRequest:
    """A signed POST with a body."""
    return sign(request_message)


@pytest.fixture
def verifying_app(app: Recorded, verifier: Verifier) -> Callable[..., WSGIApplication]:
    """The verifier around an application, by default the recording one."""

    def made(inner: Any = app, **settings: Any) -> WSGIApplication:
        given = {"verifier": verifier, "new_correlation_id": lambda: "c0ffee", **settings}
        return JadesVerifierMiddleware(validator(inner), **given)

    return made


@pytest.fixture
def signing_app(signer: Signer) -> Callable[..., WSGIApplication]:
    """The signer around an application."""

    def made(inner: Any, **settings: Any) -> WSGIApplication:
        given = {"signer": signer, "new_correlation_id": lambda: "c0ffee", **settings}
        return JadesSignerMiddleware(validator(inner), **given)

    return made


@pytest.fixture
def message_verifier(verifying: Callable[..., Verifier]) -> Verifier:
    """For a profile that covers the request-target."""
    return verifying(profiles=(profiles.ADR_MESSAGE,))
