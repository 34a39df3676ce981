"""Which answers a client verifies and a server signs: by the request, the method and the status, never by what is absent."""

from __future__ import annotations

import dataclasses

import pytest

from nlgov_jades import ANY_TRUSTED, Fields, HttpRequest, HttpResponse, RevocationPolicy, VerificationPolicy, profiles
from nlgov_jades.edges import (
    ANY_METHOD,
    AnswerRules,
    LongAnswers,
    Need,
    Route,
    SigningRules,
    UnsignedErrors,
    UnsignedQuestions,
    Unverifiable,
    Unverified,
    WhyUnverified,
)
from nlgov_jades.edges.fsc import GATEWAY_ERRORS
from nlgov_jades.edges.rules import carries_signature
from nlgov_jades.errors import ConfigurationError, ProfileViolationError

HEALTH = Route(path="/health", methods={"GET"}, need=Need.NONE)
STRICT = Route(path="/v1/gegevens/*", methods={"GET"}, need=Need.REQUIRED)
EVERYTHING = Route(path="/*", methods=ANY_METHOD, need=Need.NONE)
SIGNATURE = ("nlgov-adr-payload-sig", "x")
POLICY = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF)


# --- answers ---------------------------------------------------------------------------------------------------


def answer(
    status: int = 200, *fields: tuple[str, str], method: str = "GET", target: str = "/v1/gegevens/1"
) -> HttpResponse:
    return HttpResponse(status=status, fields=fields, request=HttpRequest(method=method, target=target))


def violates(rules: AnswerRules, message: HttpResponse, words: str) -> None:
    with pytest.raises(ProfileViolationError, match=words) as caught:
        rules.exemption(message, POLICY)
    assert caught.value.code == "PROFILE_VIOLATION"


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 205, 207, 226, 299])
@pytest.mark.parametrize("errors", list(UnsignedErrors))
def test_every_answer_of_success_is_verified(status: int, errors: UnsignedErrors) -> None:
    rules = AnswerRules(unsigned_errors=errors)
    assert rules.exemption(answer(status), POLICY) is None
    assert rules.exemption(answer(status, ("Fsc-Error-Code", "ERROR_CODE_SERVICE_NOT_FOUND")), POLICY) is None


@pytest.mark.parametrize("status", [200, 300, 302, 400, 404, 500, 502, 599])
@pytest.mark.parametrize("errors", list(UnsignedErrors))
@pytest.mark.parametrize(
    "field", ["nlgov-adr-payload-sig", "NLGOV-ADR-MESSAGE-SIG", "Payload-Signature", "oots-response-sig"]
)
def test_what_carries_a_signature_is_verified_whatever_it_is(status: int, errors: UnsignedErrors, field: str) -> None:
    rules = AnswerRules(unsigned_errors=errors)
    gateway = ("Fsc-Error-Code", "ERROR_CODE_SERVICE_NOT_FOUND")
    assert rules.exemption(answer(status, (field, ""), gateway), POLICY) is None


@pytest.mark.parametrize("status", [400, 401, 404, 500, 502, 503])
def test_an_unsigned_error_is_as_the_rules_say(status: int) -> None:
    passed = AnswerRules().exemption(answer(status), POLICY)
    assert passed == Unverified(WhyUnverified.ERROR)
    for errors in (UnsignedErrors.GATEWAY_ONLY, UnsignedErrors.REFUSE):
        assert AnswerRules(unsigned_errors=errors).exemption(answer(status), POLICY) is None


@pytest.mark.parametrize(("code", "status"), sorted(GATEWAY_ERRORS.items()))
def test_an_error_of_a_gateway_passes_with_its_own_status_only(code: str, status: int) -> None:
    field = ("Fsc-Error-Code", code)
    for errors in (UnsignedErrors.LET_THROUGH, UnsignedErrors.GATEWAY_ONLY):
        rules = AnswerRules(unsigned_errors=errors)
        assert rules.exemption(answer(status, field), POLICY) == Unverified(WhyUnverified.GATEWAY_ERROR)
        violates(rules, answer(599, field), "Fsc-Error-Code")
        violates(rules, answer(status, field, field), "Fsc-Error-Code")
        violates(rules, answer(status, ("Fsc-Error-Code", "MADE_UP")), "Fsc-Error-Code")
    assert AnswerRules(unsigned_errors=UnsignedErrors.REFUSE).exemption(answer(status, field), POLICY) is None


@pytest.mark.parametrize(
    "message",
    [
        answer(200, SIGNATURE, method="HEAD"),
        answer(404, method="HEAD"),
        answer(206, SIGNATURE),
        answer(304),
        answer(103),
    ],
    ids=["HEAD", "HEAD 404", "206", "304", "103"],
)
def test_what_has_no_whole_body_cannot_be_verified(message: HttpResponse) -> None:
    violates(AnswerRules(), message, "cannot be verified: unverifiable=Unverifiable.LET_THROUGH")
    rules = AnswerRules(unverifiable=Unverifiable.LET_THROUGH)
    assert rules.exemption(message, POLICY) == Unverified(WhyUnverified.UNVERIFIABLE)


@pytest.mark.parametrize("status", [200, 304, 404])
def test_a_route_that_asks_nothing_lets_everything_pass(status: int) -> None:
    rules = AnswerRules(routes=(EVERYTHING,))
    assert rules.exemption(answer(status, SIGNATURE), POLICY) == Unverified(WhyUnverified.EXEMPT)


def test_a_route_that_asks_when_there_is_one_lets_pass_what_has_none() -> None:
    rules = AnswerRules(routes=(Route(path="/*", methods=ANY_METHOD, need=Need.IF_PRESENT),))
    for status in (200, 404):
        assert rules.exemption(answer(status), POLICY) == Unverified(WhyUnverified.UNSIGNED)
        assert rules.exemption(answer(status, SIGNATURE), POLICY) is None
    violates(rules, answer(304), "cannot be verified")


def test_a_route_that_asks_for_one_lets_no_error_pass() -> None:
    rules = AnswerRules(routes=(STRICT,))
    assert rules.exemption(answer(404), POLICY) is None
    assert rules.exemption(answer(404, target="/other"), POLICY) == Unverified(WhyUnverified.ERROR)


def test_an_answer_to_no_request_is_not_judged() -> None:
    with pytest.raises(ConfigurationError, match="with the request that it answers"):
        AnswerRules().exemption(HttpResponse(status=200), POLICY)


def test_a_field_counts_as_a_signature_when_the_policy_knows_it() -> None:
    other = dataclasses.replace(profiles.DDAS, id="other", field_name="Other-Sig")
    fields = Fields([("other-sig", "x")])
    assert not carries_signature(fields, POLICY)
    assert carries_signature(fields, POLICY.replace(profiles=(other,)))
    assert not carries_signature(Fields([("x-nlgov-adr-payload-sig", "x")]), POLICY)


# --- what a server signs ---------------------------------------------------------------------------------------


def test_a_server_signs_every_answer_but_those_to_head_and_of_exempt_routes() -> None:
    rules = SigningRules(routes=(HEALTH, STRICT))
    assert rules.long_answers is LongAnswers.REFUSE
    for signed_question in (True, False):
        assert rules.signs_answer_to("POST", "/v1", signed_question=signed_question)
        assert rules.signs_answer_to("GET", "/v1/gegevens/1", signed_question=signed_question)
        assert not rules.signs_answer_to("HEAD", "/v1", signed_question=signed_question)
        assert not rules.signs_answer_to("GET", "/health?x", signed_question=signed_question)
        assert rules.signs_answer_to("GET", "//health", signed_question=signed_question)


def test_answers_to_unsigned_questions_can_be_left_unsigned() -> None:
    rules = SigningRules(unsigned_questions=UnsignedQuestions.LEAVE_UNSIGNED)
    assert rules.signs_answer_to("GET", "/", signed_question=True)
    assert not rules.signs_answer_to("GET", "/", signed_question=False)
