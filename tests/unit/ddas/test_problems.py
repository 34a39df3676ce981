from __future__ import annotations

import json
from typing import Any

import pytest

from nlgov_jades import errors
from nlgov_jades.ddas import FscDomain, FscError, Problem, ProblemDetails, ProblemError, RateLimit, ddas_responder
from nlgov_jades.ddas.limits import MAX_SIGNERS, Limiter
from nlgov_jades.edges.fsc import GATEWAY_ERRORS
from nlgov_jades.edges.refusal import Refusal
from nlgov_jades.errors import ConfigurationError, MalformedMessageError
from nlgov_jades.result import SignerIdentity

CODES = [kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")]


def test_a_problem_document_has_what_the_description_requires() -> None:
    details = ProblemDetails.of(Problem.INVALID_REQUEST, "page is geen geheel getal.", veld="page")
    answer = details.answer("id-1")
    document = json.loads(answer.body)
    assert document == {
        "type": "urn:nlgov-jades:ddas:ongeldig-request",
        "title": "Ongeldig request",
        "status": 400,
        "detail": "page is geen geheel getal.",
        "code": "INVALID_REQUEST",
        "veld": "page",
        "correlation_id": "id-1",
    }
    assert ("Content-Type", "application/problem+json") in answer.fields


@pytest.mark.parametrize("code", [*CODES, "SIGNING_FAILED", "APPLICATION_FAILED", "SOMETHING_NEW"])
@pytest.mark.parametrize("status", [400, 403, 413, 500, 503, 418])
def test_the_responder_says_every_refusal_in_dutch_and_never_as_a_gateway(code: str, status: int) -> None:
    answer = ddas_responder(Refusal(code=code, status=status, correlation_id="id-1"))
    document = json.loads(answer.body)
    assert answer.status == document["status"] == status
    assert (document["code"], document["correlation_id"]) == (code, "id-1")
    assert document["title"]
    assert "Fsc-Error-Code" not in dict(answer.fields)
    assert ("Retry-After" in dict(answer.fields)) is (status == 503)


def test_the_responder_has_a_sentence_of_its_own_for_every_code() -> None:
    told = {
        json.loads(ddas_responder(Refusal(code=code, status=400, correlation_id="")).body)["detail"] for code in CODES
    }
    unknown = json.loads(ddas_responder(Refusal(code="X", status=400, correlation_id="")).body)["detail"]
    assert len(CODES) == 18  # VerificationError itself is no code of a refusal
    assert len(told) == 18
    assert unknown in told


# --- errors of gateways --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", GATEWAY_ERRORS)
def test_an_error_of_a_gateway_is_written_in_both_forms_and_read_again(code: str) -> None:
    error = FscError.of(code, "iets")
    answer = error.answer()
    members = json.loads(answer.body)
    assert {"message", "domain", "code", "title", "status"} == set(members)
    assert dict(answer.fields)["Fsc-Error-Code"] == code
    assert ("WWW-Authenticate" in dict(answer.fields)) is (answer.status == 401)
    assert FscError.read(header=code, status=answer.status, body=answer.body) == error


@pytest.mark.parametrize(
    "members",
    [
        {"message": "iets", "domain": "ERROR_DOMAIN_INWAY", "code": "ERROR_CODE_ACCESS_TOKEN_INVALID"},
        {"title": "iets", "domain": "ERROR_DOMAIN_INWAY", "code": "ERROR_CODE_ACCESS_TOKEN_INVALID", "status": 401},
    ],
    ids=["FSC core", "DDAS"],
)
def test_both_forms_are_read(members: dict[str, Any]) -> None:
    error = FscError.read(header="ERROR_CODE_ACCESS_TOKEN_INVALID", status=401, body=json.dumps(members).encode())
    assert (error.message, error.domain, error.status) == ("iets", FscDomain.INWAY, 401)


GOOD = {"message": "x", "domain": "ERROR_DOMAIN_INWAY", "code": "ERROR_CODE_ACCESS_TOKEN_INVALID"}


@pytest.mark.parametrize(
    ("header", "status", "body"),
    [
        ("ERROR_CODE_ACCESS_TOKEN_INVALID", 403, GOOD),
        ("ERROR_CODE_ACCESS_TOKEN_INVALID", 200, GOOD),
        ("ERROR_CODE_UNKNOWN", 401, GOOD),
        ("ERROR_CODE_ACCESS_TOKEN_MISSING", 401, GOOD),
        ("ERROR_CODE_ACCESS_TOKEN_INVALID", 401, {**GOOD, "status": 403}),
        ("ERROR_CODE_ACCESS_TOKEN_INVALID", 401, {**GOOD, "domain": "ELSEWHERE"}),
        ("ERROR_CODE_ACCESS_TOKEN_INVALID", 401, {**GOOD, "domain": []}),
        ("ERROR_CODE_ACCESS_TOKEN_INVALID", 401, {**GOOD, "message": 5}),
        ("ERROR_CODE_ACCESS_TOKEN_INVALID", 401, []),
        ("ERROR_CODE_ACCESS_TOKEN_INVALID", 401, {**GOOD, "more": "x" * 20_000}),
    ],
    ids=range(10),
)
def test_what_is_no_error_of_a_gateway_is_refused(header: str, status: int, body: Any) -> None:
    with pytest.raises(MalformedMessageError) as caught:
        FscError.read(header=header, status=status, body=json.dumps(body).encode())
    assert caught.value.code == "MALFORMED_MESSAGE"


def test_an_error_that_fsc_does_not_know_cannot_be_made() -> None:
    with pytest.raises(ConfigurationError):
        FscError.of("ERROR_CODE_UNKNOWN", "x")


# --- how often ------------------------------------------------------------------------------------------------------


def who(number: int) -> SignerIdentity:
    return SignerIdentity(oin=None, kvk=None, common_name="", organization="", sha256=f"{number:064x}")


def test_who_asks_too_often_waits_and_others_do_not() -> None:
    seconds = [0.0]
    limiter = Limiter(RateLimit(rate=0.1, burst=2), lambda: seconds[0])
    limiter.take(who(1))
    limiter.take(who(1))
    with pytest.raises(ProblemError) as caught:
        limiter.take(who(1))
    assert (caught.value.problem.status, caught.value.problem.code) == (429, "RATE_LIMIT")
    assert caught.value.fields == (("Retry-After", "10"),)
    limiter.take(who(2))
    seconds[0] = 10.0
    limiter.take(who(1))


def test_only_so_many_signers_are_remembered() -> None:
    limiter = Limiter(RateLimit())
    for number in range(MAX_SIGNERS + 5):
        limiter.take(who(number))
    assert len(limiter._throttles) == MAX_SIGNERS


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"rate": float("inf")}, {"rate": float("nan")}, {"burst": 0}])
def test_a_rate_limit_is_above_zero(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        RateLimit(**wrong)
