"""The two middlewares around an application, made as the tests of this folder need them; none runs without validators."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.validate import validator

import pytest

from nlgov_jades import HttpRequest, Signer, SigningCredential, Verifier, profiles
from nlgov_jades.wsgi import JadesSignerMiddleware, JadesVerifierMiddleware

from .serving import Recorded
from .validating import Lenient, Validator, is_validated, is_validator


@pytest.fixture(autouse=True)
def _between_validators(monkeypatch: pytest.MonkeyPatch) -> None:
    """No middleware of this folder runs without `wsgiref.validate` on both sides."""

    def checked(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, environ: Any, start_response: Any) -> Any:
            assert is_validated(environ, start_response), "no validator between server and middleware"
            assert is_validator(self._app), "no validator between middleware and application"
            return original(self, environ, start_response)

        return call

    for middleware in (JadesVerifierMiddleware, JadesSignerMiddleware):
        monkeypatch.setattr(middleware, "__call__", checked(middleware.__call__))


@pytest.fixture
def but_for() -> Iterator[Callable[..., Validator]]:
    """A validator that lets the named rules pass, each of which the test must break."""
    made: list[Lenient] = []

    def lenient(*rules: str) -> Validator:
        made.append(Lenient(*rules))
        return made[-1]

    yield lenient
    assert [validator.unbroken for validator in made if validator.unbroken] == []


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
    """The verifier around an application, by default the recording one; `inside` is the validator between them."""

    def made(inner: Any = app, *, inside: Validator = validator, **settings: Any) -> WSGIApplication:
        given = {"verifier": verifier, "new_correlation_id": lambda: "c0ffee", **settings}
        return JadesVerifierMiddleware(inside(inner), **given)

    return made


@pytest.fixture
def signing_app(signer: Signer) -> Callable[..., WSGIApplication]:
    """The signer around an application; `inside` is the validator between them."""

    def made(inner: Any, *, inside: Validator = validator, **settings: Any) -> WSGIApplication:
        given = {"signer": signer, "new_correlation_id": lambda: "c0ffee", **settings}
        return JadesSignerMiddleware(inside(inner), **given)

    return made


@pytest.fixture
def message_verifier(verifying: Callable[..., Verifier]) -> Verifier:
    """For a profile that covers the request-target."""
    return verifying(profiles=(profiles.ADR_MESSAGE,))
