"""What a server answers when it refuses, and what it writes down: the code and an id for the peer, the rest for us."""

from __future__ import annotations

import dataclasses
import inspect
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import ANY_TRUSTED, HttpRequest, Kvk, Oin, SignerIdentity, Verifier, errors
from nlgov_jades.edges import Answer, Refusal, problem_details
from nlgov_jades.edges.refusal import (
    APPLICATION_FAILED,
    SIGNING_FAILED,
    answer_to,
    comes_from_a_stranger,
    log_refusal,
    log_verified,
    new_correlation_id,
    refusal_of,
)
from nlgov_jades.errors import (
    ConfigurationError,
    ProfileViolationError,
    ReplayUnknownError,
    SignerNotAllowedError,
    VerificationError,
    quoted,
)

LOG = logging.getLogger("nlgov_jades.test")
ID = "0123456789abcdef0123456789abcdef"
OIN = Oin("00000001002220647000")
HOSTILE = '\x1b[31mred\r\nrefused code=NONE [bold]\u202eevil\x00</script>"}{%s %n'


def identity(oin: Oin | None = OIN) -> SignerIdentity:
    return SignerIdentity(oin=oin, kvk=Kvk("87654321"), common_name=HOSTILE, organization=HOSTILE, sha256="ab" * 32)


def every_error() -> list[VerificationError]:
    """One of each class, with a detail that holds hostile text as the library would write it."""
    made: list[VerificationError] = []
    waiting: list[type[VerificationError]] = [VerificationError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__ != errors.__name__:
            continue
        if "identity" in inspect.signature(kind).parameters:
            made.append(SignerNotAllowedError(f"not {quoted(HOSTILE)}", identity=identity()))
        elif "at" not in inspect.signature(kind).parameters:
            made.append(kind(f"it says {quoted(HOSTILE)}"))
    return sorted(made, key=lambda error: error.code)


# --- the answer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.code)
def test_the_peer_gets_the_code_and_the_id_and_nothing_else(error: VerificationError) -> None:
    answer = problem_details(refusal_of(error, ID))
    assert answer.status == error.http_status
    problem = json.loads(answer.body)
    assert set(problem) == {"type", "title", "status", "code", "correlation_id"}
    assert (problem["code"], problem["correlation_id"], problem["status"]) == (error.code, ID, error.http_status)
    assert problem["type"] == "about:blank"
    assert error.detail.encode() not in answer.body
    assert b"red" not in answer.body
    fields = dict(answer.fields)
    assert fields["Content-Type"] == "application/problem+json"
    assert fields["Cache-Control"] == "no-store"
    assert ("Retry-After" in fields) is (error.http_status == 503)


@pytest.mark.parametrize("code", [SIGNING_FAILED, APPLICATION_FAILED])
def test_a_failure_of_this_side_has_a_code_too(code: str) -> None:
    answer = problem_details(Refusal(code=code, status=500, correlation_id=ID))
    assert json.loads(answer.body)["code"] == code
    assert answer.status == 500


def test_an_id_is_new_each_time_and_holds_nothing_but_digits() -> None:
    made = {new_correlation_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in made)


def test_neither_refusal_nor_answer_shows_what_was_wrong() -> None:
    refusal = refusal_of(ProfileViolationError("detail"), ID)
    assert "detail" not in repr(refusal)
    assert "secret" not in repr(Answer(status=400, body=b"secret"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        refusal.status = 200  # type: ignore[misc] # that it cannot be set is what is tested


@pytest.mark.parametrize(
    "options",
    [
        {"status": 200},
        {"status": 399},
        {"status": 600},
        {"status": "400"},
        {"status": None},
        {"fields": (("Bad Name", "x"),)},
        {"fields": (("X", "a\r\nSet-Cookie: b"),)},
        {"fields": (("X", "a\nb"),)},
        {"fields": (("X", "a\0b"),)},
        {"fields": (("X", "\u20ac"),)},
        {"fields": {"X": "mapping"}},
        {"fields": (("Content-Length", "0"),)},
        {"fields": (("TRANSFER-encoding", "chunked"),)},
        {"body": "text"},
        {"body": None},
    ],
    ids=range(15),
)
def test_an_answer_that_would_not_be_one_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Answer(**{"status": 400, **options})


def test_the_fields_of_an_answer_are_text_in_the_end() -> None:
    answer = Answer(status=422, fields=[(b"X-Name", b"v")], body=b"{}")  # type: ignore[arg-type] # taken as well
    assert answer.fields == (("X-Name", "v"),)


def test_a_responder_of_ones_own_answers() -> None:
    own = Answer(status=422, body=b"nee")
    assert answer_to(refusal_of(ProfileViolationError("x"), ID), lambda _: own, LOG) is own


def fails(refusal: Refusal) -> Answer:
    raise RuntimeError(f"secret of {refusal.code}")


@pytest.mark.parametrize(
    "responder", [fails, lambda _: None, lambda _: "text", lambda _: Answer(status=200)], ids=range(4)
)
def test_a_responder_that_fails_is_stood_in_for_and_its_text_is_not_logged(
    responder: Callable[[Refusal], Any], caplog: pytest.LogCaptureFixture
) -> None:
    refusal = refusal_of(ProfileViolationError("x"), ID)
    assert answer_to(refusal, responder, LOG) == problem_details(refusal)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert ID in record.getMessage()
    assert "secret" not in caplog.text
    assert record.exc_info is None


# --- strangers -------------------------------------------------------------------------------------------------


def test_whoever_is_refused_for_his_message_may_be_a_stranger() -> None:
    known = {error.code for error in every_error() if not comes_from_a_stranger(error)}
    assert known == {"VERIFICATION"}
    assert not comes_from_a_stranger(None)
    assert not comes_from_a_stranger(ConfigurationError("ours"))


# --- the log ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.code)
def test_a_refusal_is_one_line_with_code_status_and_id_and_obeys_nobody(
    error: VerificationError, caplog: pytest.LogCaptureFixture
) -> None:
    log_refusal(LOG, refusal_of(error, ID))
    (record,) = caplog.records
    line = record.getMessage()
    oin = str(OIN) if isinstance(error, SignerNotAllowedError) else "-"
    start = f"refused code={error.code} status={error.http_status} oin={oin} correlation_id={ID} detail="
    assert line.startswith(start)
    assert line.isprintable()
    assert "\x1b" not in line
    assert "[bold]" not in line
    assert record.levelno == logging.WARNING
    fields = vars(record)
    assert (fields["code"], fields["oin"], fields["correlation_id"]) == (error.code, oin, ID)
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("signer", "oin"),
    [(identity(), str(OIN)), (identity(oin=None), "-"), (None, "-")],
    ids=["oin", "no oin", "unknown"],
)
def test_a_signer_is_named_by_the_oin_only(
    signer: SignerIdentity | None, oin: str, caplog: pytest.LogCaptureFixture
) -> None:
    log_refusal(LOG, refusal_of(ReplayUnknownError("full"), ID), signer)
    (record,) = caplog.records
    assert f" oin={oin} " in record.getMessage()
    assert "87654321" not in record.getMessage()
    assert "red" not in record.getMessage().replace("refused", "")


@pytest.mark.parametrize("code", [SIGNING_FAILED, APPLICATION_FAILED])
def test_a_failure_of_this_side_is_an_error(code: str, caplog: pytest.LogCaptureFixture) -> None:
    log_refusal(LOG, Refusal(code=code, status=500, correlation_id=ID))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == f"refused code={code} status=500 oin=- correlation_id={ID} detail=-"


def test_a_verified_message_is_one_line_without_anything_of_the_message(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    proof = verifier.verify(sign(request_message))
    assert verifier.policy.signers is ANY_TRUSTED
    with caplog.at_level(logging.WARNING, LOG.name):
        log_verified(LOG, proof, ID)
    assert caplog.records == []
    with caplog.at_level(logging.INFO, LOG.name):
        log_verified(LOG, proof, ID)
    (record,) = caplog.records
    assert record.getMessage() == f"verified profile=ddas oin={proof.signer.oin} correlation_id={ID}"
    assert vars(record)["code"] == "VERIFIED"


def hostile(request: HttpRequest) -> list[HttpRequest]:
    """Requests that are refused, each with hostile text in another place."""
    secret = "BSN=123456782"
    lines = [
        [("Content-Type", HOSTILE.replace("\u202e", "") + secret)],
        [("Content-Type", "application/json"), ("Digest", HOSTILE.replace("\u202e", ""))],
        [("Content-Encoding", HOSTILE.replace("\u202e", ""))],
        [("Bad\nName [bold]", secret)],
        [("nlgov-adr-payload-sig", HOSTILE.replace("\u202e", "") + secret)],
        [("nlgov-adr-payload-sig", "eyJhIjoiG1szMW0ifQ..AAAA"), ("Authorization", secret)],
    ]
    made = [HttpRequest(method="POST", target=f"/?{secret}", fields=more, body=secret.encode()) for more in lines]
    return [*made, request.with_body(secret.encode()), request.with_fields([("Bad\x1bName", secret)])]


def test_what_a_verifier_says_of_hostile_messages_is_safe_to_log(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    for message in hostile(sign(request_message)):
        with pytest.raises(VerificationError) as caught:
            verifier.verify(message)
        refusal = refusal_of(caught.value, ID)
        log_refusal(LOG, refusal)
        assert problem_details(refusal).body.isascii()
    assert len(caplog.records) == 8
    for record in caplog.records:
        line = record.getMessage()
        assert line.isprintable()
        assert "123456782" not in line
        assert "[bold]" not in line
        assert len(line) < 500
