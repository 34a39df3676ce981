"""Providers that do half of what they must, or more than they may: each is found out by one answer."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import ANY_TRUSTED, HttpResponse, Signer, Verifier, profiles
from nlgov_jades.ddas import Kind
from nlgov_jades.ddas.probe import Endpoint
from nlgov_jades.ddas.probe.catalogue import BY_ID
from nlgov_jades.ddas.probe.judging import Judge, Judgement
from nlgov_jades.ddas.probe.running import with_remark
from nlgov_jades.ddas.probe.wire import RawAnswer, WireError, WireFault
from nlgov_jades.testing import Hierarchy

from .conftest import Answer, page, problem

JudgeOf = Callable[[str, RawAnswer], Judgement]


def faults(judgement: Judgement) -> list[str]:
    return [finding.fault.value for finding in judgement.findings]


def paged(**changes: Any) -> dict[str, Any]:
    whole = page()
    return whole | {"paginering": whole["paginering"] | changes}


@pytest.mark.parametrize("shape", ["gegevens", None], ids=["bare", "envelope"])
def test_a_second_page_with_the_records_of_the_first_fails(judge: JudgeOf, answer: Answer, shape: str | None) -> None:
    first, second = page(), paged(currentPage=2, totalRecords=10)
    bodies = [whole[shape] if shape else whole for whole in (first, second)]
    assert faults(judge("good-page", answer(200, bodies[0]))) == []
    judgement = judge("good-page-second", answer(200, bodies[1]))
    assert [finding.detail for finding in judgement.findings] == ["page 2 has the records of page 1"]


def test_where_there_is_one_page_only_the_second_is_the_first(judge: JudgeOf, answer: Answer) -> None:
    only = paged(totalPages=1, totalRecords=5)
    assert faults(judge("good-page", answer(200, only))) == []
    assert faults(judge("good-page-second", answer(200, only))) == []


def test_all_answers_are_of_one_signer_also_when_nobody_said_of_which(
    hierarchy: Hierarchy, verifying: Callable[..., Verifier], answer: Answer, clock: Any
) -> None:
    judging = Judge(verifier=verifying(signers=ANY_TRUSTED), kind=Kind.SHV)
    assert faults(judging.judge(BY_ID["good-page"], answer(200, page()))) == []
    refusal = answer(400, problem(), sign=False)
    lines = [(name.decode(), value.decode()) for name, value in refusal.fields]
    other = hierarchy.tsp.issue(oin="00000001999999990000").credential
    lines += Signer(other, profile=profiles.DDAS, clock=clock).sign(
        HttpResponse(status=400, fields=lines, body=refusal.body)
    )
    signed = dataclasses.replace(refusal, fields=tuple((name.encode(), value.encode()) for name, value in lines))
    judgement = judging.judge(BY_ID["body-tampered"], signed)
    assert faults(judgement) == ["SIGNATURE"]
    assert "another organisation" in judgement.findings[0].detail
    assert faults(judging.judge(BY_ID["body-tampered"], answer(400, problem()))) == []


def test_what_was_sent_in_secret_is_not_repeated(verifier: Verifier, answer: Answer) -> None:
    endpoint = Endpoint(
        "https://a.example/v1?token=s3cr3t-query&x=1", fields=(("Fsc-Authorization", "Bearer e30.secret-token.x"),)
    )
    judging = Judge(verifier=verifier, kind=Kind.SHV, secrets=endpoint.secrets)
    texts = {"title": "No: Bearer e30.secret-token.x", "code": "for s3cr3t-query, e30.secret-token.x"}
    judgement = judging.judge(BY_ID["body-tampered"], answer(400, problem(**texts)))
    shown = f"{judgement.seen} {judgement.code} {judgement.findings} {judgement.remarks}"
    assert "secret-token" not in shown
    assert "s3cr3t-query" not in shown
    assert "No: " in shown


@pytest.mark.parametrize("fault", list(WireFault))
@pytest.mark.parametrize("case", ["field-oversized", "body-tampered"])
def test_who_begins_a_page_and_hangs_up_has_accepted_the_message(
    verifier: Verifier, case: str, fault: WireFault
) -> None:
    error = WireError(fault, "gone")
    error.status = 200
    judgement = Judge(verifier=verifier, kind=Kind.SHV).no_answer(BY_ID[case], error)
    assert faults(judgement) == ["ACCEPTED"]
    assert judgement.status == 200


@pytest.mark.parametrize("fault", list(WireFault))
def test_who_was_not_reached_refused_nothing(verifier: Verifier, fault: WireFault) -> None:
    judgement = Judge(verifier=verifier, kind=Kind.SHV).no_answer(BY_ID["length-twice"], WireError(fault, "gone"))
    reached = fault not in {WireFault.UNREACHABLE, WireFault.TLS}
    assert faults(judgement) == ([] if reached else ["NO_ANSWER"])


def test_a_server_that_read_one_of_two_lengths_did_not_refuse_them(judge: JudgeOf, answer: Answer) -> None:
    for case in ("length-twice", "length-twice-last", "length-and-chunked"):
        assert faults(judge(case, answer(400, problem(), sign=False))) == ["REASON"]
        assert faults(judge(case, answer(400, problem(code="MALFORMED_MESSAGE"), sign=False))) == []
        assert faults(judge(case, answer(400, problem(code="OTHER"), sign=False))) == []


@pytest.mark.parametrize(("seconds", "remarks"), [(-60, 0), (0, 0), (60, 0), (61, 1), (86_400, 1)])
def test_an_answer_that_was_kept_from_an_earlier_question_is_remarked_upon(
    verifier: Verifier, answer: Answer, clock: Callable[[], dt.datetime], seconds: int, remarks: int
) -> None:
    asked = clock() + dt.timedelta(seconds=seconds)
    judging = Judge(verifier=verifier, kind=Kind.SHV)
    judgement = with_remark(judging.judge(BY_ID["good-page"], answer(200, page())), asked)
    assert (faults(judgement), len(judgement.remarks)) == ([], remarks)
    unsigned = with_remark(judging.judge(BY_ID["good-page"], answer(200, page(), sign=False)), asked)
    assert unsigned.remarks == ()
