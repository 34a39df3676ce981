"""Where an application is mounted is the server's to say: gunicorn takes it from a field of the request too."""

from __future__ import annotations

from collections.abc import Callable
from wsgiref.types import WSGIApplication

import pytest

from nlgov_jades import HttpRequest, Verifier, profiles
from nlgov_jades.profiles import Profile
from nlgov_jades.wsgi import ANY_METHOD, Need, RequestRules, Route

from .serving import Recorded, environ_of, post, refused, serve

Made = Callable[..., WSGIApplication]
DOCS = RequestRules(routes=(Route(path="/docs/*", methods=ANY_METHOD, need=Need.NONE),))
MOVED = {"SCRIPT_NAME": "/docs", "PATH_INFO": "/v1/gegevens"}


def test_a_field_that_moves_the_application_gets_no_request_through_an_exemption(
    verifying_app: Made, app: Recorded
) -> None:
    environ = environ_of(post(target="/docs/v1/gegevens"), HTTP_SCRIPT_NAME="/docs", **MOVED)
    refused(serve(verifying_app(rules=DOCS), environ), app, "MALFORMED_MESSAGE")


@pytest.mark.parametrize("profile", [profiles.DDAS, profiles.ADR_MESSAGE], ids=lambda profile: profile.id)
def test_a_field_that_moves_the_application_sends_no_signed_request_elsewhere(
    verifying_app: Made,
    app: Recorded,
    sign: Callable[..., HttpRequest],
    verifying: Callable[..., Verifier],
    profile: Profile,
) -> None:
    request = sign(post(target="/docs/v1/gegevens"), profile)
    made = verifying_app(verifier=verifying(profiles=(profile,)))
    refused(serve(made, environ_of(request, HTTP_SCRIPT_NAME="/docs", **MOVED)), app, "MALFORMED_MESSAGE")


def test_a_mount_that_no_field_chose_and_a_field_that_moves_nothing_are_as_ever(
    verifying_app: Made, app: Recorded
) -> None:
    mounted = environ_of(post(target="/docs/v1/gegevens"), **MOVED)
    assert serve(verifying_app(rules=DOCS), mounted).code == 200
    dashed = environ_of(post(target="/docs/x"), HTTP_SCRIPT_NAME="/docs")
    assert serve(verifying_app(rules=DOCS), dashed).code == 200
    assert len(app.environs) == 2
