from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import httpx
import pytest

from nlgov_jades import errors
from nlgov_jades.ddas import AnswerSettings, AnswerShape, Kind, MissingPage, Question, SqliteStorage
from nlgov_jades.ddas.collect import (
    AnswerError,
    AnswerFault,
    GatewayError,
    NoAnswerError,
    ProblemAnswerError,
    Retries,
    collect,
)
from nlgov_jades.ddas.fsc_errors import FscError
from nlgov_jades.testing import Hierarchy, Issued

from .fleet_world import CBS, MUNICIPALITY, NOW, OTHER, Scripted, Step, World, bare, failing, page, plain

Fill = Callable[..., SqliteStorage]

PAGED = Question(start=dt.date(2024, 1, 1), end=dt.date(2024, 12, 31), organisation="Gemeente A", page_size=2)
EVERYTHING = Question()


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def cbs(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(common_name="ddas.cbs.example", oin=CBS)


@pytest.fixture(scope="session")
def municipality(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(common_name="gegevens.gemeente.example", oin=MUNICIPALITY)


@pytest.fixture
def world(hierarchy: Hierarchy, cbs: Issued, municipality: Issued) -> World:
    return World(hierarchy, cbs, municipality)


# --- a provider as it should be ------------------------------------------------------------------------------------


def test_all_pages_of_a_real_provider_come_with_their_proofs(world: World, filled: Fill, backend: str) -> None:
    found = world.run(world.provider(), world.consumer(world.app(filled(30, 20))), Question(page_size=20), backend)
    assert [(seen.page.number, seen.page.pages, seen.page.count, seen.page.total) for seen in found] == [
        (1, 3, 20, 50),
        (2, 3, 20, 50),
        (3, 3, 10, 50),
    ]
    assert {str(seen.page.verified.signer.oin) for seen in found} == {MUNICIPALITY}
    assert len({record["omschrijving"] + json.dumps(record) for seen in found for record in seen.records}) == 50


def test_a_question_without_page_size_follows_the_pages_of_the_provider(
    world: World, filled: Fill, backend: str
) -> None:
    app = world.app(filled(10), answers=AnswerSettings(supplier="x", max_page_size=4))
    assert [len(seen.records) for seen in world.run(world.provider(), world.consumer(app), EVERYTHING, backend)] == [
        4,
        4,
        2,
    ]


def test_an_answer_in_one_piece_is_one_page(world: World, filled: Fill, backend: str) -> None:
    (seen,) = world.run(world.provider(), world.consumer(world.app(filled(7))), EVERYTHING, backend)
    assert (seen.page.number, seen.page.pages, seen.page.total, len(seen.records)) == (1, 1, 7, 7)


def test_signalen_are_collected_too(world: World, filled: Fill, backend: str) -> None:
    app = world.app(filled(5, kind=Kind.VS), kind=Kind.VS)
    found = world.run(world.provider(kind=Kind.VS), world.consumer(app), Question(page_size=3), backend)
    assert [len(seen.records) for seen in found] == [3, 2]


def test_an_empty_answer_is_one_empty_page(world: World, filled: Fill, backend: str) -> None:
    (seen,) = world.run(world.provider(), world.consumer(world.app(filled(0))), Question(page_size=5), backend)
    assert (seen.page.count, seen.page.total, seen.records) == (0, 0, [])


@pytest.mark.parametrize("most", [None, 3], ids=["as asked", "smaller than asked"])
def test_bare_answers_are_asked_for_until_one_is_empty(
    world: World, filled: Fill, backend: str, most: int | None
) -> None:
    answers = AnswerSettings(
        supplier="x", shape=AnswerShape.BARE, missing_page=MissingPage.EMPTY_PAGE, max_page_size=most
    )
    app = world.app(filled(10), answers=answers)
    found = world.run(world.provider(), world.consumer(app), Question(page_size=4), backend)
    assert sum(len(seen.records) for seen in found) == 10
    assert all(seen.page.shape is AnswerShape.BARE and seen.page.pages is None for seen in found)


def test_a_page_gives_the_octets_that_were_verified_and_not_after_the_next_one(world: World, backend: str) -> None:
    bodies = [json.dumps(page(1, 2)).encode(), json.dumps(page(3, 4, current=2)).encode()]
    scripted = Scripted(*(world.signed(body) for body in bodies))

    async def main() -> list[bytes]:
        async with collect(world.provider(), PAGED, consumer=world.consumer(scripted)) as pages:
            octets, first = list[bytes](), None
            async for got in pages:
                octets.append(b"".join(got.octets()))
                if first is not None:
                    with pytest.raises(errors.ConfigurationError, match="before the next one"):
                        next(first.records())
                first = got
            return octets

    assert anyio.run(main, backend=backend) == bodies


def test_the_members_of_an_answer_come_in_any_order(world: World, backend: str) -> None:
    answer = page(1, 2, total=2)
    levering = answer["gegevens"]["leveringen"][0]
    answer["gegevens"]["leveringen"][0] = dict(reversed(levering.items()))
    answer["gegevens"] = dict(reversed(answer["gegevens"].items()))
    scripted = Scripted(world.signed(dict(reversed(answer.items()))))
    (seen,) = world.run(world.provider(), world.consumer(scripted), PAGED, backend)
    assert [record["omschrijving"] for record in seen.records] == ["Traject 1", "Traject 2"]


# --- signed, and not the answer to the question --------------------------------------------------------------------

LONG = {**page(1, 2, total=2), "more": "x" * 1_100_000}

FAULTS: dict[str, tuple[Question, list[Any], AnswerFault]] = {
    "the first page again": (PAGED, [page(1, 2), page(1, 2)], AnswerFault.PAGE),
    "a page that was not asked for": (PAGED, [page(3, 4, current=2)], AnswerFault.PAGE),
    "the records of the first page again": (PAGED, [page(1, 2), page(1, 2, current=2)], AnswerFault.REPEATED),
    "a bare page again": (PAGED, [bare(1, 2), bare(1, 2)], AnswerFault.REPEATED),
    "another first day": (PAGED, [page(1, 2, start="2024-02-01")], AnswerFault.PERIOD),
    "another last day": (PAGED, [page(1, 2, end="2025-12-31")], AnswerFault.PERIOD),
    "another organisation": (PAGED, [page(1, 2, organisation="Gemeente B")], AnswerFault.ORGANISATION),
    "another organisation, later": (
        PAGED,
        [page(1, 2), page(3, 4, current=2, organisation="Gemeente B")],
        AnswerFault.ORGANISATION,
    ),
    "signalen": (PAGED, [page(1, 2, member="vroegsignalen")], AnswerFault.KIND),
    "totals that change all the time": (
        PAGED,
        [page(1, 2), page(3, 4, current=2, total=6), page(1, 2), page(3, 4, current=2, total=8)],
        AnswerFault.CHANGED,
    ),
    "too few records": (PAGED, [page(1)], AnswerFault.COUNT),
    "too many records": (PAGED, [page(1, 2, 3)], AnswerFault.COUNT),
    "pages that are not those of the total": (PAGED, [page(1, 2, pages=3)], AnswerFault.PAGING),
    "a larger page than was asked for": (PAGED, [page(1, 2, 3, size=3, total=3)], AnswerFault.PAGING),
    "a page of no size": (PAGED, [page(1, 2, size=-2)], AnswerFault.PAGING),
    "no paginering where it must be": (PAGED, [{"gegevens": bare(1, 2)}], AnswerFault.PAGING),
    "paginering with texts": (PAGED, [{**page(1, 2), "paginering": {"pageSize": "2"}}], AnswerFault.PAGING),
    "paginering with truths": (
        PAGED,
        [{**page(1), "paginering": dict.fromkeys(page()["paginering"], True)}],
        AnswerFault.PAGING,
    ),
    "millions of pages": (PAGED, [page(1, 2, total=10**12)], AnswerFault.TOO_MANY),
    "as many bare records as a page holds": (EVERYTHING, [bare(*range(25_000))], AnswerFault.PAGING),
    "a bare page with more than was asked for": (PAGED, [bare(1, 2, 3)], AnswerFault.COUNT),
    "both shapes at once": (PAGED, [{**page(1, 2), **bare(3, 4)}], AnswerFault.MALFORMED),
    "no members": (PAGED, [{}], AnswerFault.MALFORMED),
    "a levering without records": (PAGED, [page(1, 2, member="anders")], AnswerFault.MALFORMED),
    "an array": (PAGED, [b"[]"], AnswerFault.MALFORMED),
    "no JSON": (PAGED, [b"<html>"], AnswerFault.MALFORMED),
    "nothing": (PAGED, [b""], AnswerFault.MALFORMED),
    "half an answer": (PAGED, [json.dumps(page(1, 2)).encode()[:-9]], AnswerFault.MALFORMED),
    "two answers": (PAGED, [json.dumps(page(1, 2)).encode() * 2], AnswerFault.MALFORMED),
    "no UTF-8": (PAGED, [json.dumps(page(1, 2)).encode("utf-16")], AnswerFault.MALFORMED),
    "a member twice": (PAGED, [b'{"gegevens":{},"gegevens":{}}'], AnswerFault.MALFORMED),
    "a member twice in a record": (
        PAGED,
        [json.dumps(page(1, 2)).encode().replace(b'{"omsch', b'{"a":1,"a":2,"omsch')],
        AnswerFault.MALFORMED,
    ),
    "NaN in a record": (
        PAGED,
        [json.dumps(page(1, 2)).encode().replace(b'"Traject 2"', b"NaN")],
        AnswerFault.MALFORMED,
    ),
    "a number that is too large": (
        PAGED,
        [json.dumps(page(1, 2)).encode().replace(b'"Traject 2"', b"1e999")],
        AnswerFault.MALFORMED,
    ),
    "brackets without end": (PAGED, [b'{"x":' + b"[" * 200_000], AnswerFault.MALFORMED),
    "a value without end": (PAGED, [LONG | {"more": "x" * 2_000_000}], AnswerFault.MALFORMED),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_signed_answer_that_is_none_to_the_question_is_refused_and_not_asked_for_again(
    world: World, backend: str, name: str
) -> None:
    question, bodies, fault = FAULTS[name]
    scripted = Scripted(*(world.signed(body) for body in bodies))
    with pytest.raises(AnswerError) as refused:
        world.run(world.provider(), world.consumer(scripted), question, backend)
    assert refused.value.fault is fault
    assert "Traject" not in str(refused.value)
    assert "Gemeente" not in str(refused.value)
    assert len(scripted.questions) == len(bodies)
    assert world.time.slept == []


def test_data_that_change_midway_are_collected_again_once(world: World, backend: str) -> None:
    bodies = [page(1, 2), page(3, 4, current=2, total=5), page(1, 2, total=3), page(5, current=2, total=3)]
    scripted = Scripted(*map(world.signed, bodies))
    found = world.run(world.provider(), world.consumer(scripted), PAGED, backend)
    assert [(seen.page.round, seen.page.number, seen.page.count) for seen in found] == [(1, 1, 2), (2, 1, 2), (2, 2, 1)]
    assert [asked["page"] for asked in scripted.questions] == [1, 2, 1, 2]


def test_a_page_that_shrank_away_is_a_change_and_not_a_wrong_page(world: World, backend: str) -> None:
    bodies = [page(1, 2), page(1, 2, total=2), page(1, 2, total=2)]
    found = world.run(world.provider(), world.consumer(Scripted(*map(world.signed, bodies))), PAGED, backend)
    assert [(seen.page.round, seen.page.number) for seen in found] == [(1, 1), (2, 1)]


# --- not to be trusted ---------------------------------------------------------------------------------------------


def fsc(code: str) -> dict[str, Any]:
    answer = FscError.of(code, "Iets").answer()
    return {"body": answer.body, "Fsc_Error_Code": code}


def test_what_is_not_signed_is_refused_and_not_asked_for_again(world: World, backend: str) -> None:
    for step, kind in {
        plain(200, json.dumps(page(1, 2)).encode()): errors.SignatureMissingError,
        plain(307, Location="https://elders.example/"): errors.SignatureMissingError,
        plain(503, b'{"code":"REVOCATION_UNKNOWN"}', Retry_After="1"): errors.SignatureMissingError,
        plain(400, b"{}"): errors.SignatureMissingError,
        plain(200, **fsc("ERROR_CODE_SERVICE_UNREACHABLE")): errors.SignatureMissingError,
        plain(503, **fsc("ERROR_CODE_SERVICE_UNREACHABLE")): errors.ProfileViolationError,
        plain(502, b"{}", Fsc_Error_Code="ERROR_CODE_SERVICE_UNREACHABLE"): errors.MalformedMessageError,
        plain(502, b"{" * 50_000, Fsc_Error_Code="ERROR_CODE_SERVICE_UNREACHABLE"): errors.MalformedMessageError,
    }.items():
        scripted = Scripted(step)
        with pytest.raises(errors.VerificationError) as refused:
            world.run(world.provider(), world.consumer(scripted), PAGED, backend)
        assert type(refused.value) is kind
        assert refused.value.code == kind.code
        assert len(scripted.questions) == 1


def test_another_signer_is_refused(world: World, hierarchy: Hierarchy, stranger: Hierarchy, backend: str) -> None:
    expired = hierarchy.tsp.issue(oin=MUNICIPALITY, not_after=NOW - dt.timedelta(days=1))
    for signer, clock, kind in (
        (hierarchy.tsp.issue(oin=OTHER), NOW, errors.SignerNotAllowedError),
        (expired, NOW - dt.timedelta(days=2), errors.CertificateExpiredError),
        (stranger.tsp.issue(oin=MUNICIPALITY), NOW, errors.CertificatePathError),
    ):
        scripted = Scripted(world.signed(page(1, 2), signer=signer, clock=clock))
        with pytest.raises(errors.VerificationError) as refused:
            world.run(world.provider(), world.consumer(scripted), PAGED, backend)
        assert type(refused.value) is kind
        assert refused.value.code == kind.code
        assert len(scripted.questions) == 1


def test_a_body_that_was_changed_is_refused(world: World, backend: str) -> None:
    async def tampered(request: httpx.Request) -> httpx.Response:
        answer = await world.signed(page(1, 2))(request)
        body = answer.content.replace(b"Traject 1", b"Traject 9")
        return httpx.Response(200, headers=answer.headers.raw, content=body)

    with pytest.raises(errors.DigestMismatchError) as refused:
        world.run(world.provider(), world.consumer(Scripted(tampered)), PAGED, backend)
    assert refused.value.code == "DIGEST_MISMATCH"


def test_the_certificate_of_the_connection_is_none_to_sign_with(
    world: World, municipality: Issued, cbs: Issued, backend: str
) -> None:
    class Tls:
        def __init__(self, peer: Issued) -> None:
            self._peer = peer

        def get_extra_info(self, info: str) -> Tls | None:
            return self if info == "ssl_object" else None

        def getpeercert(self, *, binary_form: bool) -> bytes:
            assert binary_form
            return _der(self._peer)

    same = Scripted(world.signed(page(1, 2, total=2), extensions={"network_stream": Tls(municipality)}))
    with pytest.raises(AnswerError) as refused:
        world.run(world.provider(), world.consumer(same), PAGED, backend)
    assert refused.value.fault is AnswerFault.SIGNER
    other = Scripted(world.signed(page(1, 2, total=2), extensions={"network_stream": Tls(cbs)}))
    assert len(world.run(world.provider(), world.consumer(other), PAGED, backend)) == 1


def _der(issued: Issued) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return issued.certificate.public_bytes(Encoding.DER)


# --- errors, and trying again --------------------------------------------------------------------------------------


def problem(world: World, status: int, **members: Any) -> Step:
    fields = tuple((name.replace("_", "-"), str(members.pop(name))) for name in ("Retry_After",) if name in members)
    return world.signed(
        {"status": status, **members}, status=status, media_type="application/problem+json", fields=fields
    )


def test_a_problem_document_says_who_what_and_where_and_nothing_else(world: World, backend: str) -> None:
    told = {"code": "UNPROCESSABLE", "veld": "page", "correlation_id": "0123456789abcdef", "detail": "BSN 123456782"}
    with pytest.raises(ProblemAnswerError) as found:
        world.run(world.provider(), world.consumer(Scripted(problem(world, 422, **told))), PAGED, backend)
    error = found.value
    assert (error.status, error.code, error.veld, error.correlation_id) == (
        422,
        "UNPROCESSABLE",
        "page",
        "0123456789abcdef",
    )
    hostile = {"code": "123456782", "veld": "123456782", "correlation_id": "12\n"}
    with pytest.raises(ProblemAnswerError) as found:
        world.run(world.provider(), world.consumer(Scripted(problem(world, 400, **hostile))), PAGED, backend)
    assert (found.value.status, found.value.code, found.value.veld, found.value.correlation_id) == (
        400,
        None,
        None,
        None,
    )
    assert "123456782" not in str(error) + str(found.value)


def test_what_passes_is_asked_for_again_with_a_new_signature(world: World, backend: str) -> None:
    end = world.signed(page(1, 2, total=2))
    for step, wait in {
        problem(world, 503, code="REVOCATION_UNKNOWN"): 1.0,
        problem(world, 503, code="REVOCATION_UNKNOWN", Retry_After=5): 5.0,
        problem(world, 429, code="RATE_LIMIT", Retry_After=30): 30.0,
        problem(world, 429, code="RATE_LIMIT", Retry_After="Mon, 15 Jun 2026 12:00:20 GMT"): 20.0,
        problem(world, 429, code="RATE_LIMIT", Retry_After="soon"): 1.0,
        plain(502, **fsc("ERROR_CODE_SERVICE_UNREACHABLE")): 1.0,
        failing(httpx.ConnectError): 1.0,
        failing(httpx.RemoteProtocolError): 1.0,
    }.items():
        scripted = Scripted(step, end)
        world.time.slept.clear()
        assert len(world.run(world.provider(), world.consumer(scripted), PAGED, backend)) == 1
        assert world.time.slept == [wait]
        assert len(set(scripted.signatures)) == 2


def test_patience_ends(world: World, backend: str) -> None:
    retries = Retries(attempts=5, first=2.0, longest=10.0)
    for step, kind in {
        problem(world, 503, code="NO_DATA"): ProblemAnswerError,
        plain(502, **fsc("ERROR_CODE_SERVICE_UNREACHABLE")): GatewayError,
        failing(httpx.ConnectTimeout): httpx.ConnectTimeout,
    }.items():
        world.time.slept.clear()
        with pytest.raises(kind):
            world.run(world.provider(), world.consumer(Scripted(step), retries=retries), PAGED, backend)
        assert world.time.slept == [2.0, 4.0, 8.0, 10.0]
    world.time.slept.clear()
    slow = Scripted(problem(world, 429, Retry_After=86_400))
    with pytest.raises(ProblemAnswerError) as found:
        world.run(world.provider(), world.consumer(slow, retries=retries), PAGED, backend)
    assert found.value.retry_after == 86_400
    assert world.time.slept == []


@pytest.mark.parametrize(
    "code",
    [
        "ERROR_CODE_ACCESS_TOKEN_INVALID",
        "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN",
        "ERROR_CODE_SERVICE_NOT_FOUND",
        "ERROR_CODE_METHOD_UNSUPPORTED",
    ],
)
def test_an_error_of_a_gateway_that_stays_is_told_at_once(world: World, backend: str, code: str) -> None:
    answer = FscError.of(code, "Iets").answer()
    scripted = Scripted(plain(answer.status, **fsc(code)))
    with pytest.raises(GatewayError) as found:
        world.run(world.provider(), world.consumer(scripted), PAGED, backend)
    assert (found.value.error.code, found.value.error.status) == (code, answer.status)
    assert len(scripted.questions) == 1


def test_a_connection_that_breaks_in_the_midst_of_an_answer_is_not_tried_again(world: World, backend: str) -> None:
    class Half(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b'{"gegevens'
            raise httpx.ReadError("the text of the library")

    async def broken(request: httpx.Request) -> httpx.Response:
        answer = await world.signed(page(1, 2))(request)
        return httpx.Response(200, headers=answer.headers.raw, stream=Half())

    scripted = Scripted(broken)
    with pytest.raises(httpx.ReadError):
        world.run(world.provider(), world.consumer(scripted), PAGED, backend)
    assert len(scripted.questions) == 1


def test_an_answer_that_never_comes_is_not_waited_for(world: World, backend: str) -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    with pytest.raises(NoAnswerError):
        world.run(world.provider(), world.consumer(Scripted(hang), seconds=0.05), PAGED, backend)


def test_a_cancelled_collection_ends(world: World, backend: str) -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    scripted = Scripted(world.signed(page(1, 2)), hang)
    numbers: list[int] = []

    async def main() -> None:
        with anyio.move_on_after(0.2) as scope:
            async with collect(world.provider(), PAGED, consumer=world.consumer(scripted)) as pages:
                async for got in pages:
                    numbers.append(got.number)  # noqa: PERF401 - what came before the end counts
        assert scope.cancelled_caught

    anyio.run(main, backend=backend)
    assert numbers == [1]


def test_what_is_configured_wrongly_is_told(world: World, backend: str) -> None:
    providers: tuple[dict[str, Any], ...] = (
        {"url": "ftp://x/"},
        {"url": "https://u:p@x/"},
        {"name": "\n"},
        {"oin": CBS},
        {"fields": {"a b": "c"}},
    )
    for options in providers:
        with pytest.raises(errors.ConfigurationError):
            world.provider(**options)
    with pytest.raises(errors.ConfigurationError, match="page of the question"):
        world.run(world.provider(), world.consumer(Scripted()), Question(page=2), backend)
    wrong: tuple[dict[str, Any], ...] = ({"attempts": 0}, {"first": 0.0}, {"first": 3.0, "longest": 2.0})
    for numbers in wrong:
        with pytest.raises(errors.ConfigurationError):
            Retries(**numbers)


def test_a_signed_answer_that_is_neither_a_page_nor_an_error_is_refused(world: World, backend: str) -> None:
    with pytest.raises(AnswerError) as refused:
        world.run(world.provider(), world.consumer(Scripted(world.signed(page(1, 2), status=201))), PAGED, backend)
    assert refused.value.fault is AnswerFault.STATUS
