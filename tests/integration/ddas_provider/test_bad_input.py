"""Bad questions from outside: each is answered with a signed problem document that says which field is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from nlgov_jades.ddas import AnswerSettings, AnswerShape, Kind, MissingPage, RateLimit
from nlgov_jades.httpx import verified

from .conftest import Ask

Provider = Callable[..., Starlette]

MUNICIPALITY = "00000003123456780000"
START, END = "aanleverperiodeStartdatum", "aanleverperiodeEinddatum"
ORGANISATION, PAGE, PAGE_SIZE = "aanleverende_organisatie", "page", "pageSize"

WRONG: dict[str, list[Any]] = {
    START: [None, 1, True, 1.5, [], {}, "", "gisteren", "2025-02-30", "01-02-2025", "2025-01-01T00:00:00Z"],
    END: [None, 20250101, False, [], {"datum": "2025-01-01"}, "2025-13-01", "2025-1-1"],
    ORGANISATION: [None, 1, True, 1.5, ["Gemeente Voorbeeldstad"], {"naam": "Gemeente Voorbeeldstad"}],
    PAGE: [None, "1", True, 1.5, 0, -1, [1], {}],
    PAGE_SIZE: [None, "25000", False, 0.5, 0, -25000, [], {}],
}


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in WRONG.items() for value in values],
    ids=json.dumps,
)
def test_a_member_of_a_wrong_type_is_named(ask: Ask, provider: Provider, kind: Kind, name: str, value: object) -> None:
    answer = ask(provider(kind=kind), {name: value})
    assert answer.status_code == 400
    _is_signed_problem(answer, "INVALID_REQUEST", name)


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
@pytest.mark.parametrize(
    "more", [{}, {ORGANISATION: "Gemeente Súdermeer 1", PAGE: 1, PAGE_SIZE: 5}], ids=["two", "all"]
)
def test_dates_the_wrong_way_round_name_the_end(
    ask: Ask, provider: Provider, kind: Kind, more: dict[str, object]
) -> None:
    answer = ask(provider(kind=kind), {START: "2025-02-01", END: "2025-01-31", **more})
    assert answer.status_code == 422
    _is_signed_problem(answer, "UNPROCESSABLE", END)
    assert START in answer.json()["detail"]
    assert ask(provider(kind=kind), {START: "2025-01-31", END: "2025-01-31", **more}).status_code == 200


@pytest.mark.parametrize("name", ["sinds", "pagesize", "Page", "limit"])
def test_an_unknown_property_is_named(ask: Ask, provider: Provider, name: str) -> None:
    answer = ask(provider(), {PAGE: 1, name: 1})
    assert answer.status_code == 400
    _is_signed_problem(answer, "INVALID_REQUEST", name)


@pytest.mark.parametrize(
    "content",
    [
        b'{"aanleverende_organisatie":"S\xfadwest"}',
        b'{"aanleverende_organisatie":"\xc3"}',
        b'{"aanleverende_organisatie":"\xc0\xaf"}',
        b'{"aanleverende_organisatie":"\xed\xa0\x80"}',
        '{"page":1}'.encode("utf-16"),
        b"\xff",
    ],
    ids=["ISO 8859-1", "cut off", "overlong", "a surrogate", "UTF-16", "one octet"],
)
def test_a_body_that_is_no_utf_8_is_told_so(ask: Ask, provider: Provider, content: bytes) -> None:
    answer = ask(provider(), content=content)
    assert answer.status_code == 400
    _is_signed_problem(answer, "INVALID_REQUEST", None)
    assert "UTF-8" in answer.json()["detail"]


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_a_page_that_does_not_exist_is_the_first_one_or_an_empty_one(ask: Ask, provider: Provider, kind: Kind) -> None:
    question = {PAGE: 7, PAGE_SIZE: 15}
    first = ask(provider(kind=kind), question)
    assert first.json()["paginering"] == {"pageSize": 15, "currentPage": 1, "totalPages": 3, "totalRecords": 40}
    settings = AnswerSettings(supplier="x", missing_page=MissingPage.EMPTY_PAGE)
    empty = ask(provider(kind=kind, answers=settings), question)
    assert empty.json()["paginering"] == {"pageSize": 15, "currentPage": 7, "totalPages": 3, "totalRecords": 40}
    bare = AnswerSettings(supplier="x", shape=AnswerShape.BARE, missing_page=MissingPage.EMPTY_PAGE)
    earlier = ask(provider(kind=kind, answers=bare), question)
    counts = [
        sum(len(levering[kind.member]) for levering in model["leveringen"])
        for model in (first.json()["gegevens"], empty.json()["gegevens"], earlier.json())
    ]
    assert counts == [15, 0, 0]
    for answer in (first, empty, earlier):
        assert answer.status_code == 200
        assert str(verified(answer).signer.oin) == MUNICIPALITY


def test_a_number_without_a_fraction_is_what_the_description_calls_an_integer(ask: Ask, provider: Provider) -> None:
    answer = ask(provider(), content=b'{"page":2.0,"pageSize":1e1}')
    assert answer.json()["paginering"] == {"pageSize": 10, "currentPage": 2, "totalPages": 4, "totalRecords": 40}


def test_a_number_of_any_length_costs_no_more(ask: Ask, provider: Provider) -> None:
    settings = AnswerSettings(supplier="x", missing_page=MissingPage.EMPTY_PAGE)
    for number in (b"1e308", b"9" * 4000):
        answer = ask(provider(answers=settings), content=b'{"page":%b,"pageSize":%b}' % (number, number))
        assert answer.status_code == 200
        assert answer.json()["paginering"]["pageSize"] == 25_000


def test_the_number_of_a_page_that_does_not_exist_goes_into_no_log(
    ask: Ask, provider: Provider, log: pytest.LogCaptureFixture
) -> None:
    settings = AnswerSettings(supplier="x", missing_page=MissingPage.EMPTY_PAGE)
    assert ask(provider(answers=settings), {PAGE: 111222334}).json()["paginering"]["currentPage"] == 111222334
    lines = [record.getMessage() for record in log.records if record.name == "nlgov_jades.ddas"]
    assert ["page=- pages=1" in line for line in lines] == [True]
    assert "111222334" not in "".join(lines)


def test_who_asks_too_often_gets_a_signed_429(ask: Ask, provider: Provider) -> None:
    app = provider(rate_limit=RateLimit(rate=0.5, burst=1))
    assert ask(app).status_code == 200
    answer = ask(app)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    _is_signed_problem(answer, "RATE_LIMIT", None)


def _is_signed_problem(answer: httpx.Response, code: str, field: str | None) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(verified(answer).signer.oin) == MUNICIPALITY
    problem = answer.json()
    assert (problem["status"], problem["code"], problem.get("veld")) == (answer.status_code, code, field)
    assert field is None or field in problem["detail"]
