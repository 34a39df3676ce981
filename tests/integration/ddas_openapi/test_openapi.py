"""The provider under the published descriptions: schemathesis makes up questions, each is signed, each answer is verified.

Nothing may be found but what `deviations.toml` lists, and all of that must be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from nlgov_jades.ddas import IN_MEMORY, AnswerShape, Kind, Organisation, Record, SqliteStorage

from .conftest import ANSWERS, Serve, Sessions
from .described import Finding, deviations, reasons

EXAMPLES = 80
"""Questions that are made up by chance in one run, on top of the sixty that follow from the description."""

PHASES = ("examples", "coverage", "fuzzing")

CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
}

Description = Callable[[Kind, AnswerShape], dict[str, Any]]


@dataclass
class Run:
    """What a run of schemathesis did."""

    findings: set[Finding] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    sent: list[tuple[str, str, bytes | None]] = field(default_factory=list)
    told: dict[Finding, str] = field(default_factory=dict)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch,
    description: Description,
    session: Sessions,
    token: Callable[..., dict[str, str]],
) -> Callable[..., Run]:
    """Runs all phases of schemathesis against a provider, with all checks and always the same questions."""

    def ran(
        address: str, kind: Kind, shape: AnswerShape, *, examples: int = EXAMPLES, phases: Collection[str] = PHASES
    ) -> Run:
        settings: dict[str, Any] = {
            "base-url": f"{address}/v1",
            "seed": 20260615,
            "headers": token(),
            "continue-on-failure": True,
            # Literals of whatever modules happen to be loaded would become questions.
            "analysis": {"constants": {"enabled": False}},
            "generation": {"max-examples": examples, "deterministic": True, "database": "none", "no-shrink": True},
            # Both would let an answer, which has a new correlation_id each time, decide what is asked next.
            "phases": {
                phase: {"enabled": phase in phases, "extra-data-sources": {"responses": False}} for phase in PHASES
            },
        }
        settings["phases"]["fuzzing"]["error-feedback"] = {"enabled": False}
        signing = session(address)
        # Schemathesis has no setting for the session of a whole run. When this is no longer its place, the line fails.
        monkeypatch.setattr("schemathesis.engine.context.make_session", lambda *_, **__: signing)
        schema = schemathesis.openapi.from_dict(description(kind, shape), config=SchemathesisConfig.from_dict(settings))
        return _collected(from_schema(schema).execute())

    return ran


def _collected(stream: Any) -> Run:
    found = Run()
    for event in stream:
        # An error is what kept a question from being asked, an answer from being verified, or a check from being made.
        assert not isinstance(event, events.NonFatalError | events.FatalError | events.Interrupted), event
        if isinstance(event, events.ScenarioFinished):
            _collect(event, found)
    return found


def _collect(event: events.ScenarioFinished, found: Run) -> None:
    for identifier, interaction in event.recorder.interactions.items():
        request, response = interaction.request, interaction.response
        assert response is not None, request.uri
        found.sent.append((request.method, request.uri.partition("/v1")[2], request.body))
        found.statuses[response.status_code] += 1
        found.phases[event.phase.value] += 1
        for check in event.recorder.checks.get(identifier, ()):
            found.checks[check.name] += 1
            if check.failure_info is not None:
                finding = _finding(check.name, response)
                found.findings.add(finding)
                found.told[finding] = check.failure_info.failure.message


def _finding(check: str, response: Any) -> Finding:
    problem = response.json() if response.headers["content-type"] == ["application/problem+json"] else {}
    return Finding(response.status_code, check, problem.get("code", ""), problem.get("veld", ""))


@pytest.mark.parametrize("shape", AnswerShape, ids=lambda shape: shape.value)
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_nothing_is_found_but_what_is_listed(
    serve: Serve, run: Callable[..., Run], kind: Kind, shape: AnswerShape
) -> None:
    with serve(kind, answers=ANSWERS[shape]) as address:
        found = run(address, kind, shape)
    assert found.findings == deviations("runs"), found.told
    assert found.checks.keys() >= CHECKS
    assert found.phases.keys() == set(PHASES)
    assert found.phases["fuzzing"] >= EXAMPLES
    assert found.statuses[200] >= 20, found.statuses
    assert found.statuses[400] >= 30, found.statuses
    assert found.statuses.keys() == {200, 400, 405, 422}


def test_a_run_asks_the_same_each_time(serve: Serve, run: Callable[..., Run]) -> None:
    with serve(Kind.SHV) as address:
        first, second = (run(address, Kind.SHV, AnswerShape.ENVELOPE, examples=3) for _ in range(2))
    assert first.sent == second.sent
    assert first.findings == second.findings


@pytest.mark.parametrize("shape", AnswerShape, ids=lambda shape: shape.value)
@pytest.mark.parametrize(
    ("kind", "record"),
    [(Kind.SHV, '{"client":[]}'), (Kind.VS, '{"ID":"1","client":{},"signaalpartner":{"type":"Anders"}}')],
    ids=["SHV", "VS"],
)
def test_an_answer_that_does_not_satisfy_the_schema_is_found(
    serve: Serve, run: Callable[..., Run], kind: Kind, record: str, shape: AnswerShape
) -> None:
    storage = SqliteStorage(IN_MEMORY)
    organisation = Organisation.of(
        kind, {kind.name_member: "Gemeente Voorbeeldstad"}, gemeentecode="0001" if kind is Kind.VS else None
    )
    storage.add(kind, organisation, [Record(json=record)])
    with serve(kind, storage=storage, answers=ANSWERS[shape]) as address:
        found = run(address, kind, shape, phases=["examples"])
    storage.close()
    assert found.statuses == {200: 1}
    assert found.findings == {Finding(200, "response_schema_conformance")}


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_a_bare_answer_is_not_what_the_newest_description_has(
    serve: Serve, run: Callable[..., Run], kind: Kind
) -> None:
    with serve(kind, answers=ANSWERS[AnswerShape.BARE]) as address:
        found = run(address, kind, AnswerShape.ENVELOPE, phases=["examples"])
    assert found.findings == {Finding(200, "response_schema_conformance")}


def test_every_deviation_has_a_reason() -> None:
    assert all(reason.endswith(".") and len(reason) > 40 for reason in reasons())
