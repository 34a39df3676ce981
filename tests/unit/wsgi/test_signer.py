"""JadesSignerMiddleware with a verifier inside it, and what it is made of."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.validate import validator

import pytest

from nlgov_jades import AsyncSigner, HttpRequest, Signer, SigningCredential, Verifier, profiles
from nlgov_jades.errors import ConfigurationError, SigningError
from nlgov_jades.wsgi import (
    JadesSignerMiddleware,
    JadesVerifierMiddleware,
    Throttle,
)

from .serving import (
    BODY,
    BrokenSigner,
    Recorded,
    environ_of,
    post,
    proof,
    serve,
)

Made = Callable[..., WSGIApplication]
Sign = Callable[..., HttpRequest]

OK = "200 OK"
FAILURE = RuntimeError("of the application")


# --- with a verifier inside --------------------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def both(verifier: Verifier, signing_app: Made) -> Made:
    def made(app: Any, **settings: Any) -> WSGIApplication:
        return signing_app(JadesVerifierMiddleware(validator(app), verifier=verifier), **settings)

    return made


def test_a_signed_question_gets_a_signed_answer(both: Made, sign: Sign, verifier: Verifier) -> None:
    app = Recorded()
    proof(serve(both(app), environ_of(sign(post()))), verifier, b'{"ok":true}')
    assert app.bodies == [BODY]


def test_refusals_of_strangers_are_signed_so_often_and_then_not(both: Made, caplog: Any) -> None:
    clock, app = Clock(), Recorded()
    made = both(app, refusals=Throttle(1, 2, clock))
    answers = [serve(made, environ_of(post())) for _ in range(4)]
    assert [answer.is_signed for answer in answers] == [True, True, False, False]
    assert {answer.code for answer in answers} == {400}
    assert {answer.body for answer in answers} == {answers[0].body}
    assert all(answer.field("content-length") == str(len(answer.body)) for answer in answers)
    clock.now = 1.0
    assert serve(made, environ_of(post())).is_signed
    assert not serve(made, environ_of(post())).is_signed
    assert not app.environs
    assert "code=SIGNATURE_MISSING" in caplog.text


def test_answers_of_the_application_are_not_counted(both: Made, sign: Sign) -> None:
    made = both(Recorded(), refusals=Throttle(1, 1, Clock()))
    assert serve(made, environ_of(post())).is_signed
    assert not serve(made, environ_of(post())).is_signed
    assert all(serve(made, environ_of(sign(post()))).is_signed for _ in range(3))


def test_a_refusal_that_cannot_be_signed_stays_a_refusal(both: Made, caplog: pytest.LogCaptureFixture) -> None:
    made = both(Recorded(), signer=BrokenSigner(SigningError("the key is gone")))
    served = serve(made, environ_of(post()))
    assert (served.code, served.is_signed) == (400, False)
    assert json.loads(served.body)["code"] == "SIGNATURE_MISSING"
    assert "a refusal leaves unsigned correlation_id=c0ffee" in caplog.text


def test_one_id_stands_in_every_line_and_in_the_answer(both: Made, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="nlgov_jades")
    served = serve(both(Recorded()), environ_of(post()))
    assert json.loads(served.body)["correlation_id"] == "c0ffee"
    assert all("c0ffee" in record.getMessage() for record in caplog.records)
    assert caplog.records


def test_a_target_that_cannot_be_signed_is_refused_and_not_our_fault(
    both: Made, credential: SigningCredential, clock: Callable[[], dt.datetime]
) -> None:
    made = both(Recorded(), signer=Signer(credential, profile=profiles.ADR_MESSAGE, clock=clock))
    served = serve(made, environ_of(post(), RAW_URI="http://provider.example.test/v1"))
    assert (served.code, served.is_signed) == (400, False)


# --- what it is made of ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"app": None},
        {"signer": None},
        {"rules": {}},
        {"address": "provider.example.test"},
        {"target_source": "raw"},
        {"body": 1},
        {"responder": 1},
        {"refusals": 20},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_setting_of_another_form_is_our_mistake(signer: Signer, settings: dict[str, Any]) -> None:
    given = {"app": Recorded(), "signer": signer, **settings}
    with pytest.raises(ConfigurationError):
        JadesSignerMiddleware(given.pop("app"), **given)


def test_a_signer_that_is_awaited_or_signs_the_body_itself_is_refused(
    credential: SigningCredential, clock: Callable[[], dt.datetime]
) -> None:
    awaited: Any = AsyncSigner(credential, profile=profiles.DDAS, clock=clock)
    with pytest.raises(ConfigurationError, match="not an AsyncSigner"):
        JadesSignerMiddleware(Recorded(), signer=awaited)
    with pytest.raises(ConfigurationError, match="ddas-body"):
        JadesSignerMiddleware(Recorded(), signer=Signer(credential, profile=profiles.DDAS_BODY, clock=clock))


def test_each_middleware_has_a_throttle_of_its_own(signer: Signer) -> None:
    one, other = JadesSignerMiddleware(Recorded(), signer=signer), JadesSignerMiddleware(Recorded(), signer=signer)
    assert one._desk.refusals is not other._desk.refusals
