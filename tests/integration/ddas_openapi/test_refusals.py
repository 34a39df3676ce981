"""What no made-up question provokes: each refusal of the provider under the published descriptions, one by one.

Each answer is verified. What the description does not have, or has for a gateway of FSC, stands in `deviations.toml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from schemathesis.checks import CHECKS, load_all_checks

from nlgov_jades.ddas import IN_MEMORY, AnswerShape, Kind, Problem, RateLimit, Selection, SqliteStorage
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.testing import Hierarchy

from .conftest import Serve, Sessions
from .described import Finding, deviations

Description = Callable[[Kind, AnswerShape], dict[str, Any]]


class Broken:
    """A storage that fails."""

    def look(self, _: Selection) -> Any:
        raise ConfigurationError("the storage failed: OperationalError")


@dataclass(frozen=True)
class Refusal:
    """A question that is good but for one thing, and how it is refused."""

    name: str
    status: int
    code: str
    veld: str = ""
    sent: dict[str, Any] = field(default_factory=dict)
    provider: dict[str, Any] = field(default_factory=dict)
    signer: str = "cbs"


TOKEN = "Fsc-Authorization"
REFUSALS = [
    Refusal("unsigned", 400, "SIGNATURE_MISSING", signer="nobody"),
    Refusal("another signer", 403, "SIGNER_NOT_ALLOWED", signer="a stranger"),
    Refusal("no token", 400, "FSC_TOKEN_MISSING", TOKEN, sent={"headers": {}}),
    Refusal("token of another", 403, "FSC_TOKEN_OTHER_HOLDER", sent={"oin": "00000001009876543000"}),
    Refusal("not UTF-8", 400, "INVALID_REQUEST", sent={"data": b'{"aanleverende_organisatie":"S\xfadwest"}'}),
    Refusal("too long", 413, "BODY_TOO_LARGE", sent={"data": b" " * 20_000}),
    Refusal("elsewhere", 404, "NOT_FOUND", sent={"path": "/v1/elders"}),
    Refusal("another method", 405, "METHOD_NOT_ALLOWED", sent={"method": "PUT"}),
    Refusal("too often", 429, "RATE_LIMIT", provider={"rate_limit": RateLimit(rate=0.001, burst=1)}),
    Refusal("broken storage", 500, "APPLICATION_FAILED", provider={"storage": Broken()}),
    Refusal("empty storage", 503, "NO_DATA", provider={"storage": SqliteStorage(IN_MEMORY)}),
]


@pytest.fixture
def refuse(
    serve: Serve,
    session: Sessions,
    token: Callable[..., dict[str, str]],
    hierarchy: Hierarchy,
    description: Description,
) -> Callable[[Refusal, Kind], tuple[dict[str, Any], set[Finding]]]:
    """The problem document of a refusal, and what the checks of schemathesis find in the answer."""

    def refused(refusal: Refusal, kind: Kind) -> tuple[dict[str, Any], set[Finding]]:
        signers: dict[str, dict[str, Any]] = {
            "nobody": {"signer": None},
            "a stranger": {"signer": hierarchy.tsp.issue(oin="00000001009876543000")},
        }
        sent = dict(refusal.sent)
        headers = sent.pop("headers", None)
        oin = {"oin": sent.pop("oin")} if "oin" in sent else {}
        method, path = sent.pop("method", "POST"), sent.pop("path", "/v1/gegevens")
        with serve(kind, **refusal.provider) as address:
            asking = session(address, **signers.get(refusal.signer, {}))
            lines = {"Content-Type": "application/json", **(token(**oin) if headers is None else headers)}
            options = {"data": b"{}", "headers": lines, "timeout": 30, **sent}
            answer = asking.request(method, f"{address}{path}", **options)
            if refusal.status == 429:
                answer = asking.request(method, f"{address}{path}", **options)
        found = {
            Finding(answer.status_code, check, refusal.code, refusal.veld)
            for check in _failures(answer, description(kind, AnswerShape.ENVELOPE))
        }
        problem: dict[str, Any] = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert "fsc-error-code" not in answer.headers
        assert (answer.status_code, problem["status"]) == (refusal.status, refusal.status)
        assert problem["type"] == {kind.status: kind.uri for kind in Problem}[refusal.status]
        return problem, found

    return refused


def _failures(answer: requests.Response, described: dict[str, Any]) -> set[str]:
    """Names of the checks that an answer fails; each is tried by itself."""
    case = schemathesis.openapi.from_dict(described)["/gegevens"]["POST"].Case(body={}, media_type="application/json")
    load_all_checks()
    failed = set()
    for check in CHECKS.get_all():
        # All that look at one answer are functions; none of another kind is registered.
        assert not isinstance(check, type)
        try:
            case.validate_response(answer, checks=[check])
        except schemathesis.errors.FailureGroup:
            failed.add(check.__name__)
    return failed


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_refusal_is_as_described_but_for_what_is_listed(
    refuse: Callable[[Refusal, Kind], tuple[dict[str, Any], set[Finding]]], refusal: Refusal, kind: Kind
) -> None:
    problem, found = refuse(refusal, kind)
    assert (problem["code"], problem.get("veld", "")) == (refusal.code, refusal.veld)
    listed = {item for item in deviations("refusals") if (item.status, item.code) == (refusal.status, refusal.code)}
    assert found == listed


def test_every_listed_deviation_is_provoked_here() -> None:
    provoked = {(refusal.status, refusal.code) for refusal in REFUSALS}
    assert {(item.status, item.code) for item in deviations("refusals")} <= provoked
