"""Which requests need a signature: rules, routes, and the two targets that a server gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

import pytest

from nlgov_jades import HttpRequest, Verifier, profiles
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.result import VerifiedMessage
from nlgov_jades.wsgi import (
    ANY_METHOD,
    Need,
    PublicAddress,
    RequestRules,
    Route,
    TargetSource,
    Unverified,
    WhyUnverified,
    verified_message,
)

from .serving import BODY, Recorded, environ_of, get, post, refused, serve, without
from .validating import Validator

Sign = Callable[..., HttpRequest]
Made = Callable[..., WSGIApplication]
ButFor = Callable[..., Validator]
Verifying = Callable[..., Verifier]

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


# --- the rules ---------------------------------------------------------------------------------------------------


def unverified(app: Recorded) -> WhyUnverified:
    (environ,) = app.environs
    assert "nlgov_jades.verified" not in environ
    note = environ["nlgov_jades.unverified"]
    assert isinstance(note, Unverified)
    with pytest.raises(ConfigurationError, match=note.why.value):
        verified_message(environ)
    return note.why


def test_a_get_without_a_signature_passes_unverified_and_without_a_body(verifying_app: Made, app: Recorded) -> None:
    environ = environ_of(get().with_body(b"hidden"), wsgi__input_terminated=True)
    assert serve(verifying_app(), environ).code == 200
    assert unverified(app) is WhyUnverified.UNSIGNED
    assert app.bodies == [b""]


@pytest.mark.parametrize("changes", [{"CONTENT_LENGTH": "1"}, {"HTTP_TRANSFER_ENCODING": "chunked"}], ids=str)
@pytest.mark.parametrize("otherwise", [Need.NONE, Need.IF_PRESENT], ids=str)
def test_a_get_that_announces_a_body_needs_a_signature(
    verifying_app: Made, app: Recorded, changes: dict[str, str], otherwise: Need
) -> None:
    served = serve(verifying_app(rules=RequestRules(otherwise=otherwise)), environ_of(get(), **changes))
    refused(served, app, "SIGNATURE_MISSING")


def test_a_get_with_a_signature_is_verified(verifying_app: Made, app: Recorded, sign: Sign) -> None:
    assert serve(verifying_app(), environ_of(sign(get()))).code == 200
    assert isinstance(verified_message(app.environs[0]), VerifiedMessage)


def test_a_get_with_a_bad_signature_is_refused(verifying_app: Made, app: Recorded) -> None:
    environ = environ_of(get(), HTTP_NLGOV_ADR_PAYLOAD_SIG="a..b")
    refused(serve(verifying_app(), environ), app, "MALFORMED_SIGNATURE")


def test_a_signature_in_another_known_field_is_not_nothing(verifying_app: Made, app: Recorded) -> None:
    refused(serve(verifying_app(), environ_of(get(), HTTP_MESSAGE_SIGNATURE="a..b")), app, "SIGNATURE_MISSING")


@pytest.mark.parametrize("method", ["post", "Post", "pAtCh", "put"])
def test_a_method_in_other_letters_is_the_same_method(verifying_app: Made, app: Recorded, method: str) -> None:
    environ = environ_of(get(method=method))
    with pytest.warns(match="Unknown REQUEST_METHOD"):
        served = serve(verifying_app(), environ)
    refused(served, app, "SIGNATURE_MISSING")


def test_a_route_that_needs_nothing_passes_whole_whatever_it_carries(verifying_app: Made, app: Recorded) -> None:
    rules = RequestRules(routes=(Route(path="/upload", methods={"POST"}, need=Need.NONE),))
    message = post(target="/upload?x=1")
    environ = environ_of(
        message, HTTP_NLGOV_ADR_PAYLOAD_SIG="nonsense", HTTP_HOST="10.0.0.1", wsgi__input_terminated=True
    )
    environ["nlgov_jades.verified"] = "left there by something else"
    address = PublicAddress(authority="provider.example.test")
    assert serve(verifying_app(rules=rules, address=address), environ).code == 200
    assert unverified(app) is WhyUnverified.EXEMPT
    assert app.bodies == [BODY]


def test_otherwise_nothing_passes_without_a_body_whatever_it_carries(verifying_app: Made, app: Recorded) -> None:
    rules = RequestRules(otherwise=Need.NONE)
    environ = environ_of(get().with_body(b"hidden"), wsgi__input_terminated=True, HTTP_NLGOV_ADR_PAYLOAD_SIG="a..b")
    assert serve(verifying_app(rules=rules), environ).code == 200
    assert unverified(app) is WhyUnverified.EXEMPT
    assert app.bodies == [b""]


def test_a_route_that_takes_both_lets_no_unsigned_body_pass(verifying_app: Made, app: Recorded, sign: Sign) -> None:
    made = verifying_app(rules=RequestRules(routes=(Route(path="/*", methods=ANY_METHOD, need=Need.IF_PRESENT),)))
    assert serve(made, environ_of(post(), wsgi__input_terminated=True)).code == 400
    assert app.environs == []
    assert serve(made, environ_of(post().with_body(b""), CONTENT_LENGTH="0")).code == 200
    assert unverified(app) is WhyUnverified.UNSIGNED
    assert app.bodies == [b""]
    app.environs.clear()
    assert serve(made, environ_of(sign(post()))).code == 200
    assert "nlgov_jades.unverified" not in app.environs[0]


HEALTH = RequestRules(routes=(Route(path="/health/*", methods={"GET", "POST"}, need=Need.NONE),))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/v1/%67egevens", "/health"),  # a server or a middleware that shows another path
        ("/health", "/v1/gegevens"),
        ("/health/x", "/health/../v1"),
        ("/health/..%2fv1", "/health/../v1"),
        ("/%68ealth", "/health"),
        ("//health", "/health"),
        ("/health;x", "/health;x"),
        ("http://provider.example.test/health", "/health"),
        ("ealth", "/health"),
    ],
)
def test_a_path_that_can_be_read_in_two_ways_is_exempt_in_neither(
    verifying_app: Made, app: Recorded, raw: str, path: str
) -> None:
    for address in (PublicAddress(), PublicAddress(prefix="/h")):
        environ = environ_of(post(target="/"), RAW_URI=raw, PATH_INFO=path)
        served = serve(verifying_app(rules=HEALTH, address=address), environ)
        assert served.code == 400
        assert not app.environs


@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI", None], ids=str)
def test_a_route_is_found_with_and_without_the_raw_target(verifying_app: Made, app: Recorded, name: str | None) -> None:
    environ = environ_of(post(target="/health/live"), RAW_URI=None, wsgi__input_terminated=True)
    if name is not None:
        environ[name] = "/health/live"
    environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/health", "/live"
    assert serve(verifying_app(rules=HEALTH), environ).code == 200
    assert unverified(app) is WhyUnverified.EXEMPT


def test_a_path_without_a_slash_is_not_made_an_exempt_one_by_a_prefix(
    verifying_app: Made, app: Recorded, but_for: ButFor
) -> None:
    environ = environ_of(post(target="/"), RAW_URI="ealth", PATH_INFO="ealth")
    made = verifying_app(rules=HEALTH, address=PublicAddress(prefix="/h"))
    refused(serve(made, environ, outside=but_for("PATH_INFO doesn't start with /")), app, "MALFORMED_MESSAGE")


def test_without_the_raw_target_what_needs_encoding_fits_no_route(verifying_app: Made, app: Recorded) -> None:
    for path in ("/health/a b", "/health/..", "/health//x", "/health/\xe9", "/health/%41", "/health/;"):
        refused(
            serve(verifying_app(rules=HEALTH), environ_of(post(), RAW_URI=None, PATH_INFO=path)),
            app,
            "SIGNATURE_MISSING",
        )


def test_a_payload_profile_needs_no_raw_target(verifying_app: Made, app: Recorded, sign: Sign) -> None:
    assert serve(verifying_app(), environ_of(sign(post()), RAW_URI=None)).code == 200
    verified = verified_message(app.environs[0]).message
    assert isinstance(verified, HttpRequest)
    assert verified.target == "/v1/gegevens?a=1"


# --- profiles that cover the request-target ----------------------------------------------------------------------


def test_the_raw_target_is_what_was_signed(
    verifying_app: Made, app: Recorded, sign: Sign, message_verifier: Verifier
) -> None:
    signed = sign(post(target="/a%2fb/%7e?x=%20&y"), profiles.ADR_MESSAGE)
    assert serve(verifying_app(verifier=message_verifier), environ_of(signed)).code == 200
    verified = verified_message(app.environs[0]).message
    assert isinstance(verified, HttpRequest)
    assert verified.target == "/a%2fb/%7e?x=%20&y"


@pytest.mark.parametrize("shown", [{"PATH_INFO": "/other"}, {"QUERY_STRING": "a=2"}, {"SCRIPT_NAME": "/x"}], ids=str)
def test_an_application_is_not_shown_another_target_than_was_signed(
    verifying_app: Made, app: Recorded, sign: Sign, message_verifier: Verifier, shown: dict[str, str]
) -> None:
    environ = environ_of(sign(post(), profiles.ADR_MESSAGE), **shown)
    refused(serve(verifying_app(verifier=message_verifier), environ), app, "MALFORMED_MESSAGE")


def test_a_request_to_another_target_is_refused(
    verifying_app: Made, app: Recorded, sign: Sign, message_verifier: Verifier
) -> None:
    signed = sign(post(), profiles.ADR_MESSAGE)
    moved = HttpRequest(method="POST", target="/v1/other", fields=signed.fields, body=BODY)
    refused(serve(verifying_app(verifier=message_verifier), environ_of(moved)), app, "INVALID_SIGNATURE")


def test_without_the_raw_target_it_is_our_fault(
    verifying_app: Made, app: Recorded, sign: Sign, message_verifier: Verifier, caplog: Any
) -> None:
    environ = environ_of(sign(post(), profiles.ADR_MESSAGE), RAW_URI=None)
    refused(serve(verifying_app(verifier=message_verifier), environ), app, "APPLICATION_FAILED", 500)
    assert "TargetSource.RECONSTRUCTED" in caplog.text


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/v1/gegevens?a=1", 200),
        ("/a;b=c/d:@&?q=%20", 200),
        ("/caf%C3%A9", 200),
        ("/a%2fb", 400),
        ("/%7e", 400),
        ("/a?", 400),
    ],
)
def test_a_target_that_is_put_together_fits_when_it_was_written_in_the_usual_way(
    verifying_app: Made, sign: Sign, message_verifier: Verifier, target: str, status: int
) -> None:
    made = verifying_app(verifier=message_verifier, target_source=TargetSource.RECONSTRUCTED)
    environ = environ_of(sign(post(target=target), profiles.ADR_MESSAGE), RAW_URI=None)
    assert serve(made, environ).code == status


def test_where_there_is_a_raw_target_nothing_is_put_together(
    verifying_app: Made, sign: Sign, message_verifier: Verifier
) -> None:
    made = verifying_app(verifier=message_verifier, target_source=TargetSource.RECONSTRUCTED)
    assert serve(made, environ_of(sign(post(target="/a%2fb"), profiles.ADR_MESSAGE))).code == 200


def test_behind_a_proxy_the_target_is_what_the_outside_calls_it(
    verifying_app: Made, sign: Sign, message_verifier: Verifier
) -> None:
    signed = sign(post(target="/ddas/v1/gegevens"), profiles.ADR_MESSAGE)
    arrived = HttpRequest(method="POST", target="/v1/gegevens", fields=signed.fields, body=BODY)
    address = PublicAddress(prefix="/ddas", authority="provider.example.test")
    assert serve(verifying_app(verifier=message_verifier, address=address), environ_of(arrived)).code == 200
    assert serve(verifying_app(verifier=message_verifier), environ_of(arrived)).code == 400


def test_a_host_that_is_another_is_refused(verifying_app: Made, app: Recorded, sign: Sign) -> None:
    made = verifying_app(address=PublicAddress(authority="other.example.test"))
    refused(serve(made, environ_of(sign(post()))), app, "MALFORMED_MESSAGE")


# --- what wsgiref makes up ---------------------------------------------------------------------------------------

WSGIREF = {"SERVER_SOFTWARE": "WSGIServer/0.2", "CONTENT_TYPE": "text/plain"}


def test_the_media_type_that_wsgiref_makes_up_is_not_the_senders(
    verifying_app: Made, app: Recorded, sign: Sign, message_verifier: Verifier
) -> None:
    for verifier, profile in ((None, profiles.DDAS), (message_verifier, profiles.ADR_MESSAGE)):
        made = verifying_app() if verifier is None else verifying_app(verifier=verifier)
        environ = environ_of(sign(get("/x", "DELETE"), profile), **WSGIREF, CONTENT_LENGTH="")
        assert serve(made, environ).code == 200
    assert len(app.environs) == 2


def test_with_a_body_it_is_taken_for_the_senders(
    verifying_app: Made, app: Recorded, sign: Sign, verifying: Verifying
) -> None:
    environ = environ_of(without(sign(post()), "content-type"), **WSGIREF)
    refused(serve(verifying_app(), environ), app, "PROFILE_VIOLATION")
    plain = verifying_app(verifier=verifying(media_types={"text/plain"}))
    assert serve(plain, environ_of(sign(post()), **WSGIREF)).code == 200


def test_another_server_says_what_was_sent(verifying_app: Made, app: Recorded, sign: Sign) -> None:
    environ = environ_of(sign(get("/x", "DELETE")), CONTENT_TYPE="text/plain", SERVER_SOFTWARE="gunicorn/27")
    refused(serve(verifying_app(), environ), app, "PROFILE_VIOLATION")
