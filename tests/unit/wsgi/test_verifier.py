"""JadesVerifierMiddleware besides the request: replay, what it answers and logs, what it is made of."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

import pytest

from nlgov_jades import AsyncVerifier, HttpRequest, VerificationPolicy, Verifier, profiles
from nlgov_jades.errors import ConfigurationError, ReplayUnknownError
from nlgov_jades.policy import ANY_MEDIA_TYPE
from nlgov_jades.replay import MemoryReplayGuard, Sighting
from nlgov_jades.testing import Hierarchy
from nlgov_jades.wsgi import (
    Answer,
    BodySettings,
    JadesVerifierMiddleware,
    Refusal,
)

from .serving import BODY, Recorded, environ_of, post, refused, serve, without

Sign = Callable[..., HttpRequest]
Made = Callable[..., WSGIApplication]
Verifying = Callable[..., Verifier]

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


# --- replay ------------------------------------------------------------------------------------------------------

GUARDED = {"max_age": dt.timedelta(minutes=5)}


def test_a_signature_passes_once(verifying_app: Made, app: Recorded, sign: Sign, verifying: Verifying) -> None:
    made = verifying_app(verifier=verifying(**GUARDED), replay_guard=MemoryReplayGuard())
    signed = sign(post())
    # Another body with the recorded signature does not use it up for its owner.
    assert serve(made, environ_of(signed.with_body(b"x" * len(BODY)))).code == 400
    assert serve(made, environ_of(signed)).code == 200
    app.environs.clear()
    refused(serve(made, environ_of(signed)), app, "REPLAYED_MESSAGE")


class BrokenGuard:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def admit(self, sighting: Sighting) -> None:
        del sighting
        raise self._error


@pytest.mark.parametrize("error", [RuntimeError("999990019"), OSError(), ReplayUnknownError("full")], ids=repr)
def test_a_guard_that_does_not_answer_admits_nothing(
    verifying_app: Made, app: Recorded, sign: Sign, verifying: Verifying, error: Exception, caplog: Any
) -> None:
    made = verifying_app(verifier=verifying(**GUARDED), replay_guard=BrokenGuard(error))
    served = serve(made, environ_of(sign(post())))
    refused(served, app, "REPLAY_UNKNOWN", 503)
    assert served.field("retry-after") is not None
    assert "999990019" not in caplog.text


# --- answers and logs --------------------------------------------------------------------------------------------


def test_a_responder_answers_in_its_own_form(verifying_app: Made, app: Recorded) -> None:
    seen: list[Refusal] = []

    def respond(refusal: Refusal) -> Answer:
        seen.append(refusal)
        return Answer(status=499, fields=(("Content-Type", "text/plain"),), body=b"nee")

    served = serve(verifying_app(responder=respond), environ_of(post()))
    assert (served.status, served.body, served.field("content-length")) == ("499 Refused", b"nee", "3")
    assert [(refusal.code, refusal.correlation_id) for refusal in seen] == [("SIGNATURE_MISSING", "c0ffee")]
    assert not app.environs


@pytest.mark.parametrize("respond", [lambda _: 1 / 0, lambda _: None, lambda _: b"x"], ids=["raises", "None", "bytes"])
def test_a_responder_that_fails_is_replaced(verifying_app: Made, app: Recorded, respond: Any) -> None:
    refused(serve(verifying_app(responder=respond), environ_of(post())), app, "SIGNATURE_MISSING")


def test_a_disk_that_is_full_is_our_fault(
    verifying_app: Made, app: Recorded, sign: Sign, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def full(**_: Any) -> Any:
        raise OSError(28, "No space left on device: /var/tmp/x")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    served = serve(verifying_app(body=BodySettings(memory=1)), environ_of(sign(post())))
    refused(served, app, "APPLICATION_FAILED", 500)
    assert "with=OSError ENOSPC" in caplog.text
    assert "/var/tmp" not in caplog.text + served.body.decode()  # noqa: S108 - nothing is written there


def test_logs_and_refusals_hold_nothing_of_the_request(
    verifying_app: Made, sign: Sign, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="nlgov_jades")
    secret = sign(post(b'{"bsn":"999990019"}', target="/v1/gegevens?bsn=999990019")).with_fields(
        [("Authorization", "Bearer 999990019"), ("Cookie", "999990019"), ("X-Any", "999990019")]
    )
    made = verifying_app()
    bodies = []
    for environ in (
        environ_of(secret),
        environ_of(secret.with_body(b'{"bsn":"999990018"}')),
        environ_of(secret, HTTP_NLGOV_ADR_PAYLOAD_SIG="999990019"),
        environ_of(secret, CONTENT_LENGTH="999990019"),
        environ_of(secret, HTTP_HOST="999990019:"),
        environ_of(secret, RAW_URI="999990019"),
        environ_of(secret, CONTENT_TYPE="text/plain"),
        environ_of(without(secret, "nlgov-adr-payload-sig")),
    ):
        served = serve(made, environ)
        bodies.append(served.body)
        assert served.raised is None
    text = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert text.count("correlation_id=c0ffee") >= len(bodies)
    assert "99999" not in text
    assert b"99999" not in b"".join(bodies)
    assert "profile=ddas oin=00000001002220647000" in caplog.text


def test_a_refusal_is_logged_with_the_signer_when_it_is_known(
    verifying_app: Made, sign: Sign, caplog: pytest.LogCaptureFixture
) -> None:
    serve(verifying_app(), environ_of(sign(post()).with_body(b"x" * len(BODY))))
    assert "code=DIGEST_MISMATCH status=400 oin=00000001002220647000" in caplog.text


def test_the_id_of_a_signer_outside_comes_first(verifying_app: Made, app: Recorded, sign: Sign) -> None:
    environ = environ_of(sign(post()))
    environ["nlgov_jades.correlation_id"] = "f00d"
    serve(verifying_app(), environ)
    assert app.environs[0]["nlgov_jades.correlation_id"] == "f00d"


def test_whatever_a_verifier_raises_the_application_does_not_get_the_request(
    verifying_app: Made, app: Recorded, sign: Sign, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a fetcher, and 999990019")

    monkeypatch.setattr(Verifier, "verify_fields", fails)
    refused(serve(verifying_app(), environ_of(sign(post()))), app, "APPLICATION_FAILED", 500)
    assert "with=RuntimeError" in caplog.text
    assert "999990019" not in caplog.text


def test_who_stops_the_process_stops_it_and_nothing_is_kept(
    verifying_app: Made, app: Recorded, sign: Sign, verifying: Verifying
) -> None:
    class Stop(BaseException):
        pass

    class Guard:
        def admit(self, sighting: Sighting) -> None:
            del sighting
            raise Stop

    made = verifying_app(verifier=verifying(**GUARDED), replay_guard=Guard(), body=BodySettings(memory=1))
    with pytest.raises(Stop):
        serve(made, environ_of(sign(post())))
    assert not app.environs


# --- what it is made of ------------------------------------------------------------------------------------------


class AwaitedGuard:
    async def admit(self, sighting: Sighting) -> None:
        """Would admit everything, called and not awaited."""


@pytest.mark.parametrize(
    "settings",
    [
        {"app": None},
        {"rules": None},
        {"rules": {}},
        {"address": "provider.example.test"},
        {"target_source": "raw"},
        {"body": 1},
        {"responder": None},
        {"verifier": None},
        {"replay_guard": MemoryReplayGuard()},  # and no max_age
    ],
    ids=lambda settings: next(iter(settings.items())).__repr__()[:40],
)
def test_a_setting_of_another_form_is_our_mistake(verifier: Verifier, settings: dict[str, Any]) -> None:
    given = {"app": Recorded(), "verifier": verifier, **settings}
    with pytest.raises(ConfigurationError):
        JadesVerifierMiddleware(given.pop("app"), **given)


def test_a_guard_that_is_awaited_is_refused(verifying: Verifying) -> None:
    guard: Any = AwaitedGuard()
    with pytest.raises(ConfigurationError, match="not awaited"):
        JadesVerifierMiddleware(Recorded(), verifier=verifying(**GUARDED), replay_guard=guard)


def test_a_verifier_that_is_awaited_is_refused(hierarchy: Hierarchy, policy: VerificationPolicy) -> None:
    verifier: Any = AsyncVerifier(trust=hierarchy.trust, policy=policy)
    with pytest.raises(ConfigurationError, match="a Verifier here"):
        JadesVerifierMiddleware(Recorded(), verifier=verifier)


def test_a_profile_that_signs_the_body_itself_is_refused(verifying: Verifying) -> None:
    verifier = verifying(profiles=(profiles.DDAS_BODY,), media_types=ANY_MEDIA_TYPE)
    with pytest.raises(ConfigurationError, match="ddas-body"):
        JadesVerifierMiddleware(Recorded(), verifier=verifier)
