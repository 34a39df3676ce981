"""The provider of this library passes all of it; others fail, each in exactly the places where something is missing."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nlgov_jades import ANY_TRUSTED, AsyncVerifier, Oin, RevocationPolicy, Signer, VerificationPolicy, profiles
from nlgov_jades.asgi import JadesSignerMiddleware
from nlgov_jades.ddas import AnswerSettings, AnswerShape, Kind, MissingPage, RateLimit, SqliteStorage
from nlgov_jades.ddas.probe import AS_FIRST, BY_ID, CASES, Outcome, ProbeReport, Verdict
from nlgov_jades.ddas.probe.cases import Group, Refused, Refuser
from nlgov_jades.edges.throttle import Throttle
from nlgov_jades.fetch import AddressRule, FetchLimits
from nlgov_jades.fetch.httpx import HttpxFetcher
from nlgov_jades.testing import Responder

from .world import MUNICIPALITY, World, failures, serving


def ids(*groups: Group) -> set[str]:
    return {case.id for case in CASES if case.group in groups}


def code_of(report: ProbeReport, case: str) -> str | None:
    (found,) = [result.code for result in report.results if result.case.id == case]
    return found


# --- the provider of this library ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.SHV, Kind.VS], ids=["shv", "vs"])
@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_the_provider_of_this_library_passes_every_case(world: World, tmp_path: Path, kind: Kind, http: str) -> None:
    app = world.provider(world.storage(tmp_path / "records.sqlite", kind), kind)
    with serving(app, http=http) as url:
        report = world.probe(f"{url}/v1/gegevens?geheim=1", kind=kind)
    assert failures(report) == {}
    assert [result.verdict for result in report.results] == [Verdict.PASSED] * len(CASES)
    assert report.outcome is Outcome.PASSED
    # Every refusal that the provider itself gives has the first of the reasons, and a signature.
    for result in report.results:
        expects = result.case.expects
        if isinstance(expects, Refused) and expects.by is Refuser.PROVIDER:
            assert (result.signed, result.status) == (True, expects.statuses[0]), result.case.id
            assert result.code in expects.codes, result.case.id
            assert result.remarks == (), result.case.id
    assert report.provider is not None
    assert str(report.provider.oin) == MUNICIPALITY
    assert report.provider.signature.certificate_days_left == 364
    assert report.provider.signature.revocation_source is not None
    assert "geheim" not in report.json()
    assert report.address.endswith("/v1/gegevens?…")


def test_a_provider_of_the_earlier_description_passes_too(world: World, storage: SqliteStorage) -> None:
    answers = AnswerSettings(supplier="GL1", shape=AnswerShape.BARE, missing_page=MissingPage.EMPTY_PAGE)
    with serving(world.provider(storage, Kind.SHV, answers=answers)) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert failures(report) == {}
    assert report.results[0].remarks != ()


def test_a_busy_provider_is_waited_for_and_that_is_told(world: World, storage: SqliteStorage) -> None:
    waited: list[float] = []
    # A second has passed for nobody, so the limiter would say the same for ever: the test lets it pass.
    with serving(world.provider(storage, Kind.SHV, rate_limit=RateLimit(rate=1000, burst=1))) as url:
        report = world.probe(f"{url}/v1/gegevens", sleep=waited.append)
    assert failures(report) == {}
    assert list(report.waits) == waited


def test_a_provider_that_stays_busy_fails_after_three_attempts(world: World, storage: SqliteStorage) -> None:
    waited: list[float] = []
    with serving(world.provider(storage, Kind.SHV, rate_limit=RateLimit(rate=0.02, burst=1))) as url:
        report = world.probe(f"{url}/v1/gegevens", sleep=waited.append)
    assert report.results[0].verdict is Verdict.PASSED
    busy = report.results[1]
    assert (busy.verdict, busy.status, busy.attempts) == (Verdict.FAILED, 429, 3)
    assert set(waited) == {50.0}


def test_a_refusal_that_is_not_signed_for_there_were_many_is_asked_for_once_more(
    world: World, storage: SqliteStorage
) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    refusals = Throttle(20, 12, clock=lambda: now[0])
    with serving(world.provider(storage, Kind.SHV, refusals=refusals)) as url:
        report = world.probe(f"{url}/v1/gegevens", sleep=sleep)
    assert failures(report) == {}
    assert report.waits == (1.0, 1.0)
    assert [result.attempts for result in report.results].count(2) == 2


def test_refusals_that_stay_unsigned_fail_after_three_more_attempts(world: World, storage: SqliteStorage) -> None:
    refusals = Throttle(20, 4, clock=lambda: 0.0)
    with serving(world.provider(storage, Kind.SHV, refusals=refusals)) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert report.waits == (1.0, 1.0, 1.0)
    assert set(map(tuple, failures(report).values())) == {("SIGNATURE",)}


# --- what one setting of it is worth -------------------------------------------------------------------------------


def verifier(world: World, **changes: Any) -> AsyncVerifier:
    strict = world.verifier_of_provider()
    return AsyncVerifier(trust=world.hierarchy.trust, policy=strict.policy.replace(**changes), fetcher=strict._fetcher)


def test_without_a_replay_guard_only_the_replay_fails(world: World, storage: SqliteStorage) -> None:
    with serving(world.provider(storage, Kind.SHV, replay_guard=None)) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert failures(report) == {"replay": ["ACCEPTED"]}
    assert "replay guard" in report.results[[*BY_ID].index("replay")].advice


def test_without_max_age_only_what_is_old_and_the_replay_fail(world: World, storage: SqliteStorage) -> None:
    options = {
        "replay_guard": None,
        "verifier": verifier(world, max_age=None),
        "refusals": Throttle(1000, 1000),  # two runs at once are more than is signed for strangers
    }
    with serving(world.provider(storage, Kind.SHV, **options)) as url:
        report = world.probe(f"{url}/v1/gegevens")
        skipped = world.probe(f"{url}/v1/gegevens", skip=frozenset({"iat-old", "replay"}))
    assert failures(report) == {"iat-old": ["ACCEPTED"], "replay": ["ACCEPTED"]}
    assert skipped.outcome is Outcome.PASSED
    assert skipped.count(Verdict.SKIPPED) == 2
    assert any("iat-old, replay" in note for note in skipped.notes)


def test_without_revocation_only_the_revoked_certificate_passes_by_it(world: World, storage: SqliteStorage) -> None:
    with serving(world.provider(storage, Kind.SHV, verifier=verifier(world, revocation=RevocationPolicy.OFF))) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert failures(report) == {"certificate-revoked": ["ACCEPTED"]}


def test_who_may_not_ask_is_told_so_once(world: World, storage: SqliteStorage) -> None:
    others = {Oin("00000003123456780000")}
    app = world.provider(
        storage, Kind.SHV, verifier=verifier(world, signers=others), refusals=Throttle(1000, 1000)
    )  # all of them are of a stranger
    with serving(app) as url:
        report = world.probe(f"{url}/v1/gegevens")
    first, *rest = [result for result in report.results if result.verdict is Verdict.FAILED]
    assert first.case.id == "good-page"
    assert "`signers`" in first.advice
    # The first of its two messages was refused, and not the one that is judged.
    assert {result.case.id for result in rest if result.advice != AS_FIRST} <= {"replay"}
    assert len(rest) > 10


def test_refusals_that_are_signed_no_more_have_the_same_reason_all_the_same(
    world: World, storage: SqliteStorage
) -> None:
    others = {Oin("00000003123456780000")}
    refusals = Throttle(20, 15, clock=lambda: 0.0)
    with serving(world.provider(storage, Kind.SHV, verifier=verifier(world, signers=others), refusals=refusals)) as url:
        report = world.probe(f"{url}/v1/gegevens")
    last = report.results[-1]
    assert [finding.fault.value for finding in last.findings] == ["SIGNATURE", "REFUSED"]
    assert last.advice == AS_FIRST
    alone = [
        result for result in report.results if [finding.code for finding in result.findings] == ["SIGNATURE_MISSING"]
    ]
    assert alone
    assert all("Sign every answer" in result.advice for result in alone)


def test_without_a_list_of_signers_only_the_other_oin_passes_by_it(world: World, storage: SqliteStorage) -> None:
    with serving(world.provider(storage, Kind.SHV, verifier=verifier(world, signers=ANY_TRUSTED))) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert failures(report) == {"oin-other": ["ACCEPTED"]}


def test_with_another_media_type_allowed_only_that_case_fails(world: World, storage: SqliteStorage) -> None:
    media_types = {"application/json", "text/plain"}
    with serving(world.provider(storage, Kind.SHV, verifier=verifier(world, media_types=media_types))) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert failures(report) == {"media-type": ["ACCEPTED"]}


def test_a_provider_of_the_other_kind_fails_where_pages_are_read(world: World, tmp_path: Path) -> None:
    with serving(world.provider(world.storage(tmp_path / "vs.sqlite", Kind.VS), Kind.VS)) as url:
        report = world.probe(f"{url}/v1/gegevens", kind=Kind.SHV)
    assert failures(report) == {case: ["PAGE"] for case in BY_ID if BY_ID[case].group is Group.GOOD}
    assert "proves nothing" in report.notes[0]


def test_whose_answers_are_signed_by_another_oin_fails_everywhere_he_should_sign(
    world: World, storage: SqliteStorage
) -> None:
    stranger = world.hierarchy.tsp.issue(oin="00000003999999990000")
    with serving(world.provider(storage, Kind.SHV, signer=Signer(stranger.credential, profile=profiles.DDAS))) as url:
        report = world.probe(f"{url}/v1/gegevens")
    by_anybody = {case.id for case in CASES if isinstance(case.expects, Refused) and case.expects.by is Refuser.ANYBODY}
    assert failures(report) == {case: ["SIGNATURE"] for case in BY_ID if case not in by_anybody}
    assert report.provider is None


def test_a_provider_whose_own_certificate_is_revoked_fails_where_it_signs(world: World, storage: SqliteStorage) -> None:
    revoked = world.hierarchy.tsp.issue(oin=MUNICIPALITY)
    world.responder.revoke(revoked)
    with serving(world.provider(storage, Kind.SHV, signer=Signer(revoked.credential, profile=profiles.DDAS))) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert set(failures(report)) == {*ids(*Group)} - {
        "field-oversized",
        "length-long",
        "length-twice",
        "length-twice-last",
        "length-and-chunked",
    }
    assert "CERTIFICATE_REVOKED" in report.results[0].findings[0].detail


# --- providers without the middlewares -----------------------------------------------------------------------------


def page() -> dict[str, Any]:
    return {
        "gegevens": {
            "startdatumLevering": "2025-01-01",
            "einddatumLevering": "2025-03-31",
            "aanleverdatumEnTijd": "2026-01-01T00:00:00Z",
            "codeGegevensleverancier": "GL1",
            "leveringen": [],
        },
        "paginering": {"pageSize": 5, "currentPage": 1, "totalPages": 1, "totalRecords": 0},
    }


def bare_app() -> Starlette:
    """Answers everything that is POSTed with a page, whatever it says."""

    async def gegevens(request: Request) -> Response:
        await request.body()
        return Response(json.dumps(page()), media_type="application/json")

    return Starlette(routes=[Route("/v1/gegevens", gegevens, methods=["POST"])])


FRAMING_OF_THE_SERVER = {"length-long", "length-twice", "length-twice-last", "length-and-chunked"}
"""What a web server refuses by itself."""


def test_a_provider_without_any_middleware_fails_everything_that_only_a_provider_can_do(world: World) -> None:
    with serving(bare_app(), http="httptools") as url:
        report = world.probe(f"{url}/v1/gegevens")
    found = failures(report)
    assert {case for case, faults in found.items() if faults == ["SIGNATURE"]} == ids(Group.GOOD)
    assert {case for case, faults in found.items() if faults == ["ACCEPTED"]} == (
        set(BY_ID) - ids(Group.GOOD) - FRAMING_OF_THE_SERVER
    )
    assert set(BY_ID) - set(found) == FRAMING_OF_THE_SERVER
    assert report.outcome is Outcome.FAILED
    assert report.provider is None


def test_a_provider_that_signs_and_verifies_nothing_fails_every_refusal(world: World) -> None:
    app = JadesSignerMiddleware(
        bare_app(),
        signer=Signer(world.municipality.credential, profile=profiles.DDAS),
    )
    with serving(app, http="httptools") as url:
        report = world.probe(f"{url}/v1/gegevens")
    found = failures(report)
    assert {case for case, faults in found.items() if faults == ["ACCEPTED"]} == (
        set(BY_ID) - ids(Group.GOOD) - FRAMING_OF_THE_SERVER
    )
    assert ids(Group.GOOD).isdisjoint(found)
    assert report.outcome is Outcome.FAILED
    assert report.provider is not None


def test_a_provider_that_refuses_everything_passes_no_good_message(world: World, storage: SqliteStorage) -> None:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers={Oin("00000001999999990000")})
    refusing = AsyncVerifier(trust=world.hierarchy.trust, policy=policy.replace(revocation=RevocationPolicy.OFF))
    app = world.provider(
        storage, Kind.SHV, verifier=refusing, replay_guard=None, refusals=Throttle(1000, 1000)
    )  # all of them are of a stranger
    with serving(app) as url:
        report = world.probe(f"{url}/v1/gegevens")
    found = failures(report)
    assert ids(Group.GOOD) <= set(found)
    assert found["good-page"] == ["REFUSED"]
    assert code_of(report, "good-page") == "SIGNER_NOT_ALLOWED"
    # Refused before the question is read, so for another reason than the one that is tried.
    assert found["page-zero"] == ["STATUS", "REASON", "FIELD"]
    assert "proves nothing" in report.notes[0]


def test_a_provider_that_cannot_reach_the_responder_fails_where_it_must_know(
    world: World, storage: SqliteStorage
) -> None:
    with Responder() as elsewhere:
        port = int(elsewhere.url.rpartition(":")[2])
    limits = FetchLimits(allowed_hosts={"127.0.0.1"}, ports={port}, addresses=AddressRule.ANY_ADDRESS)
    deaf = AsyncVerifier(
        trust=world.hierarchy.trust,
        policy=world.verifier_of_provider().policy.replace(max_age=dt.timedelta(minutes=5)),
        fetcher=HttpxFetcher(limits=limits),
    )
    with serving(world.provider(storage, Kind.SHV, verifier=deaf)) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert (report.results[0].status, report.results[0].code) == (503, "REVOCATION_UNKNOWN")
    assert failures(report)["certificate-revoked"] == ["STATUS", "REASON"]
