"""That the tests of this folder run under `wsgiref.validate`, and that what they use instead of it lets nothing else pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.validate import validator

import pytest

from nlgov_jades import Signer, Verifier
from nlgov_jades.wsgi import JadesSignerMiddleware, JadesVerifierMiddleware

from .serving import JSON, Recorded, environ_of, get, saying, serve
from .validating import Lenient

Made = Callable[..., WSGIApplication]


def both_kinds(signer: Signer, verifier: Verifier, app: Any) -> list[WSGIApplication]:
    return [JadesSignerMiddleware(app, signer=signer), JadesVerifierMiddleware(app, verifier=verifier)]


def test_a_middleware_that_is_called_without_a_validator_fails_the_test(signer: Signer, verifier: Verifier) -> None:
    for made in both_kinds(signer, verifier, validator(Recorded())):
        with pytest.raises(AssertionError, match="between server and middleware"):
            made(environ_of(get()), lambda *_: len)


def test_a_middleware_whose_application_has_no_validator_fails_the_test(signer: Signer, verifier: Verifier) -> None:
    for made in both_kinds(signer, verifier, Recorded()):
        served = serve(made, environ_of(get()))
        assert isinstance(served.raised, AssertionError)
        assert "between middleware and application" in str(served.raised)


def test_a_lenient_validator_still_sees_every_other_fault(signing_app: Made) -> None:
    lenient = Lenient("PATH_INFO doesn't start with /")
    served = serve(signing_app(saying([b"{}"])), environ_of(get(), PATH_INFO="x", SCRIPT_NAME="/"), outside=lenient)
    assert "SCRIPT_NAME cannot be '/'" in str(served.raised)
    assert not lenient.unbroken


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CONTENT_LENGTH": "x"}, "invalid literal"),
        ({"PATH_INFO": "x"}, "PATH_INFO"),
        ({"wsgi__version": "1"}, "tuple"),
    ],
    ids=["length", "path", "version"],
)
def test_a_validator_that_is_lenient_for_nothing_is_the_usual_one(
    signing_app: Made, changes: dict[str, str], said: str
) -> None:
    for outside in (validator, Lenient()):
        served = serve(signing_app(saying([b"{}"])), environ_of(get(), **changes), outside=outside)
        assert said in str(served.raised)


@pytest.mark.parametrize("status", ["20", "", "OK"], ids=ascii)
def test_so_it_is_for_an_application(status: str) -> None:
    for inside in (validator, Lenient()):
        assert serve(inside(saying([b"{}"], status)), environ_of(get())).raised is not None


def test_a_rule_that_was_named_for_nothing_is_told() -> None:
    lenient = Lenient("PATH_INFO doesn't start with /")
    assert serve(lenient(saying([b"{}"], lines=JSON)), environ_of(get())).raised is None
    assert lenient.unbroken == {"PATH_INFO doesn't start with /"}
