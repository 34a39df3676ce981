from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import RevocationPolicy, Verifier, errors
from nlgov_jades.ddas import Kind
from nlgov_jades.ddas.probe.cases import Refused, Refuser
from nlgov_jades.ddas.probe.catalogue import BY_ID, CASES
from nlgov_jades.ddas.probe.judging import KNOWN_CODES, Fault, Judge, Judgement
from nlgov_jades.ddas.probe.wire import RawAnswer, WireError, WireFault
from nlgov_jades.testing import Hierarchy

from .conftest import Answer, page, problem

JudgeOf = Callable[[str, RawAnswer], Judgement]


def faults(judgement: Judgement) -> list[str]:
    return [finding.fault.value for finding in judgement.findings]


# --- good messages -------------------------------------------------------------------------------------------------


def test_a_page_that_answers_the_question_passes(judge: JudgeOf, answer: Answer) -> None:
    judgement = judge("good-page", answer(200, page()))
    assert faults(judgement) == []
    assert judgement.verified is not None
    assert judgement.advice(BY_ID["good-page"]) == ""
    assert judgement.seen == "200"


def test_a_bare_page_passes_with_a_remark(judge: JudgeOf, answer: Answer) -> None:
    judgement = judge("good-page", answer(200, page()["gegevens"]))
    assert faults(judgement) == []
    assert "bare" in judgement.remarks[0]


def paged(**changes: Any) -> dict[str, Any]:
    whole = page()
    return whole | {"paginering": whole["paginering"] | changes}


@pytest.mark.parametrize(
    ("case", "body", "words"),
    [
        ("good-page", b"[]", "no page of SHV"),
        ("good-page", b"", "no page of SHV"),
        ("good-page", {"gegevens": page()["gegevens"]}, "no paginering"),
        ("good-page", paged(pageSize="5"), "four numbers"),
        ("good-page", paged(totalRecords=-1), "four numbers"),
        ("good-page", paged(totalRecords=None), "four numbers"),
        ("good-page", paged(pageSize=6), "above the 5"),
        ("good-page", paged(currentPage=2), "another one"),
        ("good-page", paged(totalPages=3), "contradicts itself"),
        ("good-page", paged(totalRecords=11), "contradicts itself"),
        ("good-page", paged(pageSize=0), "contradicts itself"),
        ("good-page", paged(totalRecords=0, totalPages=0), "as many records"),
        ("good-page", paged(totalRecords=3, totalPages=1), "as many records"),
        ("good-page", paged(pageSize=4), "as many records"),
        ("good-whole", paged(currentPage=2), "another one"),
        ("good-whole", paged(pageSize=25_001, totalPages=1), "a page may have"),
        ("good-page-second", paged(), "another one"),
        ("good-page-beyond", paged(currentPage=2), "does not exist"),
        ("good-page-beyond", paged(currentPage=999_999), "does not exist"),
        ("good-page", page(leveringen=[]) | {"paginering": []}, "no page of SHV"),
        (
            "good-page",
            page(
                leveringen=[{"aanleverende_organisatie": {"(Statutaire) Naam": "X"}, "schuldhulptrajecten": [{}] * 6}]
            ),
            "more records",
        ),
        (
            "good-page",
            page(leveringen=[{"aanleverende_organisatie": {"naam": "X"}, "vroegsignalen": []}]),
            "no page of SHV",
        ),
        ("good-period", page(startdatumLevering="2025-01-02"), "startdatumLevering"),
        ("good-period", page(einddatumLevering="2025-03-30"), "einddatumLevering"),
    ],
    ids=range(24),
)
def test_what_is_no_page_or_another_one_fails(
    judge: JudgeOf, answer: Answer, case: str, body: dict[str, Any] | bytes, words: str
) -> None:
    judgement = judge(case, answer(200, body))
    assert faults(judgement) == ["PAGE"]
    assert words in judgement.findings[0].detail
    assert judgement.advice(BY_ID[case]) == BY_ID[case].advice


@pytest.mark.parametrize("current", [1, 999_999])
def test_a_page_that_does_not_exist_is_the_first_one_or_an_empty_one(
    judge: JudgeOf, answer: Answer, current: int
) -> None:
    whole = paged(currentPage=current)
    if current != 1:
        whole["gegevens"]["leveringen"] = []
    assert faults(judge("good-page-beyond", answer(200, whole))) == []


def test_a_good_message_that_is_refused_fails_with_the_reason(judge: JudgeOf, answer: Answer) -> None:
    judgement = judge("good-page", answer(403, problem(status=403, code="SIGNER_NOT_ALLOWED")))
    assert faults(judgement) == ["REFUSED"]
    assert "403 SIGNER_NOT_ALLOWED" in judgement.findings[0].detail
    assert "`signers`" in judgement.advice(BY_ID["good-page"])


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (503, "REVOCATION_UNKNOWN", "fetcher"),
        (400, "SIGNING_TIME", "clocks"),
        (400, "MALFORMED_MESSAGE", "public address"),
        (400, "FSC_TOKEN_MISSING", "outway"),
        (404, "NOT_FOUND", "/v1"),
        (404, "of-another", "/v1"),
    ],
)
@pytest.mark.parametrize("case", ["good-page", "good-period"])
def test_what_to_do_follows_from_the_code_of_a_refused_good_message(
    judge: JudgeOf, answer: Answer, case: str, status: int, code: str, words: str
) -> None:
    told = judge(case, answer(status, problem(status=status, code=code))).advice(BY_ID[case])
    assert words in told
    assert BY_ID[case].advice not in told


def test_a_code_that_nobody_knows_leaves_the_advice_of_the_case(judge: JudgeOf, answer: Answer) -> None:
    told = judge("good-page", answer(400, problem(code="ANDERS"))).advice(BY_ID["good-page"])
    assert told == BY_ID["good-page"].advice


@pytest.mark.parametrize("case", ["good-page", "body-tampered", "page-zero"])
def test_where_a_web_server_answers_only_its_limits_are_told(judge: JudgeOf, answer: Answer, case: str) -> None:
    told = judge(case, answer(502, b"<html>", sign=False, media_type="text/html")).advice(BY_ID[case])
    assert "proxy_buffer_size" in told
    assert "Sign every answer" not in told
    signed = judge("body-tampered", answer(502, problem(status=502)))
    assert "proxy_buffer_size" not in signed.advice(BY_ID["body-tampered"])


def test_a_path_to_no_root_is_a_matter_of_the_chain_and_not_of_signing(
    verifier: Verifier, stranger: Hierarchy, answer: Answer, clock: Callable[[], dt.datetime]
) -> None:
    judging = Judge(verifier=Verifier(trust=stranger.trust, policy=verifier.policy, clock=clock), kind=Kind.SHV)
    told = judging.judge(BY_ID["good-page"], answer(200, page())).advice(BY_ID["good-page"])
    assert "cert check" in told
    assert "Sign every answer" not in told


def test_answers_are_wrong_for_one_reason_when_their_causes_are_the_same(judge: JudgeOf, answer: Answer) -> None:
    first = judge("good-page", answer(403, problem(status=403, code="SIGNER_NOT_ALLOWED")))
    same = judge("page-zero", answer(403, problem(status=403, code="SIGNER_NOT_ALLOWED")))
    other = judge("page-zero", answer(403, problem(status=403, code="CERTIFICATE_PATH")))
    unsigned = judge("page-zero", answer(403, problem(status=403, code="SIGNER_NOT_ALLOWED"), sign=False))
    assert same.causes() <= first.causes()
    assert not other.causes() <= first.causes()
    assert not unsigned.causes() <= first.causes()


def test_a_good_message_that_a_gateway_answers_fails_as_such(judge: JudgeOf, answer: Answer) -> None:
    gateway = answer(404, {"code": "x"}, sign=False, more=(("Fsc-Error-Code", "ERROR_CODE_SERVICE_NOT_FOUND"),))
    assert faults(judge("good-page", gateway)) == ["SIGNATURE", "REFUSED", "FSC_ERROR_CODE"]


# --- signatures on answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "status", "body"), [("good-page", 200, page()), ("body-tampered", 400, problem())])
def test_every_answer_must_be_signed(judge: JudgeOf, answer: Answer, case: str, status: int, body: Any) -> None:
    judgement = judge(case, answer(status, body, sign=False))
    assert faults(judgement) == ["SIGNATURE"]
    assert "SIGNATURE_MISSING" in judgement.findings[0].detail
    assert judgement.verified is None
    assert "Sign every answer" in judgement.advice(BY_ID[case])


def test_a_body_that_changed_behind_its_signature_fails(judge: JudgeOf, answer: Answer) -> None:
    from dataclasses import replace

    good = answer(400, problem())
    judgement = judge("body-tampered", replace(good, body=good.body + b" "))
    assert faults(judgement) == ["SIGNATURE"]
    assert "DIGEST_MISMATCH" in judgement.findings[0].detail


def test_who_signs_with_the_certificate_of_the_connection_fails(judge: JudgeOf, answer: Answer) -> None:
    assert faults(judge("good-page", answer(200, page(), tls=True))) == ["SAME_CERTIFICATE"]


def test_revocation_that_is_not_known_here_is_no_fault_of_the_signature(
    verifying: Callable[..., Verifier], answer: Answer
) -> None:
    judging = Judge(verifier=verifying(revocation=RevocationPolicy.HARD_FAIL), kind=Kind.SHV)
    judgement = judging.judge(BY_ID["body-tampered"], answer(400, problem()))
    assert faults(judgement) == ["REVOCATION"]
    assert "--online" in judgement.advice(BY_ID["body-tampered"])


# --- refusals ------------------------------------------------------------------------------------------------------


def test_a_refusal_as_it_should_be_passes(judge: JudgeOf, answer: Answer) -> None:
    judgement = judge("body-tampered", answer(400, problem()))
    assert (faults(judgement), judgement.remarks) == ([], ())
    assert judgement.seen == "400 DIGEST_MISMATCH 'Ongeldig request'"
    assert (judgement.status, judgement.code) == (400, "DIGEST_MISMATCH")


@pytest.mark.parametrize("status", [200, 201, 204, 206, 299])
def test_a_bad_message_that_is_answered_with_a_success_was_accepted(
    judge: JudgeOf, answer: Answer, status: int
) -> None:
    given = answer(status, page(), media_type="application/json", sign=status != 206)
    judgement = judge("body-tampered", given)
    assert faults(judgement) == ["ACCEPTED"]
    assert judgement.advice(BY_ID["body-tampered"]) == BY_ID["body-tampered"].advice


@pytest.mark.parametrize(
    ("status", "changes", "options", "expected"),
    [
        (401, {"status": 401}, {}, ["STATUS"]),
        (500, {"status": 500}, {}, ["STATUS"]),
        (302, {"status": 302}, {}, ["STATUS"]),
        (400, {"status": 403}, {}, ["PROBLEM"]),
        (400, {"status": "400"}, {}, ["PROBLEM"]),
        (400, {"status": True}, {}, ["PROBLEM"]),
        (400, {"code": "INVALID_REQUEST"}, {}, ["REASON"]),
        (400, {"code": "SIGNATURE_MISSING"}, {}, ["REASON"]),
        (400, {}, {"media_type": "application/json"}, ["MEDIA_TYPE"]),
        (400, {}, {"media_type": "application/problem+json; charset=utf-8"}, []),
        (400, {}, {"more": (("Fsc-Error-Code", "x"),)}, ["FSC_ERROR_CODE"]),
        (400, {"status": None}, {}, []),
    ],
    ids=range(12),
)
def test_a_refusal_that_is_not_as_it_should_be_fails(
    judge: JudgeOf, answer: Answer, status: int, changes: dict[str, Any], options: dict[str, Any], expected: list[str]
) -> None:
    assert faults(judge("body-tampered", answer(status, problem(**changes), **options))) == expected


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"a":1,"a":2}', b"{" + b" " * 70_000 + b"}", b"\xff"])
def test_what_is_no_problem_document_fails(judge: JudgeOf, answer: Answer, body: bytes) -> None:
    assert faults(judge("body-tampered", answer(400, body))) == ["PROBLEM"]


@pytest.mark.parametrize("code", [None, "handtekening-fout", 7, ""])
def test_a_code_that_nobody_knows_here_is_remarked_upon(judge: JudgeOf, answer: Answer, code: object) -> None:
    judgement = judge("body-tampered", answer(400, problem(code=code)))
    assert faults(judgement) == []
    assert "reason was not compared" in judgement.remarks[0]


def test_the_texts_of_a_problem_document_are_quoted_and_cut(judge: JudgeOf, answer: Answer) -> None:
    title = "<script>\u202e[red]\x1b[31m" + "x" * 500
    seen = judge("body-tampered", answer(400, problem(title=title, code="[b]\x00"))).seen
    assert "\u202e" not in seen
    assert "\x1b" not in seen
    assert "\\u{202e}" in seen
    assert len(seen) < 250


def test_a_question_that_is_wrong_is_refused_with_the_field_by_its_name(judge: JudgeOf, answer: Answer) -> None:
    named = problem(status=422, code="UNPROCESSABLE", veld="aanleverperiodeEinddatum")
    assert faults(judge("dates-reversed", answer(422, named))) == []
    in_a_sentence = problem(code=None, detail="aanleverperiodeEinddatum ligt te vroeg")
    assert faults(judge("dates-reversed", answer(400, in_a_sentence))) == []
    assert faults(judge("dates-reversed", answer(422, problem(status=422, code=None)))) == ["FIELD"]


# --- what a web server may refuse ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 408, 413, 431, 494])
def test_a_web_server_may_refuse_in_its_own_words(judge: JudgeOf, answer: Answer, status: int) -> None:
    html = answer(status, b"<html>", media_type="text/html", sign=False)
    assert faults(judge("field-oversized", html)) == []


@pytest.mark.parametrize(("status", "fault"), [(200, "ACCEPTED"), (307, "STATUS"), (429, "STATUS"), (502, "STATUS")])
def test_even_there_some_answers_are_no_refusal(judge: JudgeOf, answer: Answer, status: int, fault: str) -> None:
    assert faults(judge("field-oversized", answer(status, b"{}", sign=False))) == [fault]


def test_to_hang_up_is_a_refusal_only_there(verifier: Verifier) -> None:
    judging = Judge(verifier=verifier, kind=Kind.SHV)
    hung_up = WireError(WireFault.CLOSED, "the connection was closed")
    for case in CASES:
        judgement = judging.no_answer(case, hung_up)
        anybody = isinstance(case.expects, Refused) and case.expects.by is Refuser.ANYBODY
        assert faults(judgement) == ([] if anybody else ["NO_ANSWER"]), case.id
        assert bool(judgement.remarks) is anybody


# --- tables --------------------------------------------------------------------------------------------------------


def test_the_codes_that_are_known_are_those_of_this_library() -> None:
    def below(kind: type[errors.VerificationError]) -> set[str]:
        return {kind.code for kind in kind.__subclasses__()}.union(*map(below, kind.__subclasses__()))

    assert below(errors.VerificationError) | {"INVALID_REQUEST", "UNPROCESSABLE"} == KNOWN_CODES


def test_there_is_advice_for_every_fault() -> None:
    for fault in Fault:
        from nlgov_jades.ddas.probe.judging import Finding

        judgement = Judgement(findings=(Finding(fault, "x"),), seen="x")
        assert judgement.advice(BY_ID["body-tampered"])


def test_nothing_of_an_answer_is_in_a_repr(judge: JudgeOf, answer: Answer, clock: Callable[[], dt.datetime]) -> None:
    del clock
    given = answer(400, problem(detail="geheim-123456789"))
    assert "geheim" not in repr(given) + repr(judge("body-tampered", given))
