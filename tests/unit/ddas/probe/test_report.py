from __future__ import annotations

import dataclasses
import json

from nlgov_jades.ddas.probe import CASES, CaseResult, Outcome, Verdict

from .reports import hostile_report


def test_the_json_has_every_key_whatever_happened() -> None:
    report = hostile_report()
    value = json.loads(report.json())
    assert set(value) == {
        *("address", "kind", "started", "seconds", "version", "outcome", "totals", "wanted_oin", "provider"),
        *("waits", "notes", "cases"),
    }
    assert value["totals"] == {"passed": 13, "failed": 12, "not tried": 12, "skipped": 12}
    assert [case["id"] for case in value["cases"]] == [case.id for case in CASES]
    assert {frozenset(case) for case in value["cases"]} == {frozenset(value["cases"][0])}
    assert value["provider"]["certificate_days_left"] == 100
    assert value["provider"]["revocation"] == {"status": "good", "source": "ocsp"}
    nothing = json.loads(dataclasses.replace(report, provider=None).json())
    assert nothing["provider"] is None


def test_the_json_is_ascii() -> None:
    assert hostile_report().json().isascii()


def test_it_is_passed_only_when_everything_passed_or_was_left_out() -> None:
    report = hostile_report()

    def outcome(*verdicts: Verdict) -> Outcome:
        results = tuple(CaseResult(case=case, verdict=verdict) for case, verdict in zip(CASES, verdicts, strict=False))
        return dataclasses.replace(report, results=results).outcome

    assert outcome(Verdict.PASSED, Verdict.SKIPPED) is Outcome.PASSED
    assert outcome(Verdict.PASSED, Verdict.NOT_TRIED) is Outcome.INCOMPLETE
    assert outcome(Verdict.NOT_TRIED, Verdict.FAILED) is Outcome.FAILED
    assert outcome(Verdict.SKIPPED) is Outcome.INCOMPLETE
    assert outcome() is Outcome.INCOMPLETE


def test_names_of_people_and_organisations_are_in_no_repr() -> None:
    provider = hostile_report().provider
    assert provider is not None
    assert "script" not in repr(provider)
    assert "onerror" not in repr(provider)
