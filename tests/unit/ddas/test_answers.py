from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nlgov_jades.ddas import (
    AnswerSettings,
    AnswerShape,
    Kind,
    MissingPage,
    Organisation,
    ProblemError,
    Question,
    Record,
    Selection,
    SqliteStorage,
)
from nlgov_jades.ddas.answers import page_of, pieces_of
from nlgov_jades.errors import ConfigurationError

from .conftest import NOW, SUPPLIER, Fill

Ask = Callable[..., dict[str, Any]]

EMPTY = dataclasses.replace(SUPPLIER, missing_page=MissingPage.EMPTY_PAGE)
BARE = dataclasses.replace(EMPTY, shape=AnswerShape.BARE)
NOTHING = Question(start=dt.date(1990, 1, 1), end=dt.date(1990, 12, 31))


def counts(model: dict[str, Any]) -> list[int]:
    return [len(levering["schuldhulptrajecten"]) for levering in model["leveringen"]]


def test_an_answer_of_several_organisations_satisfies_the_schema(
    filled: Fill, ask: Ask, schema: Draft202012Validator
) -> None:
    answer = ask(filled(3, 0, 500))
    schema.validate(answer["gegevens"])
    assert counts(answer["gegevens"]) == [3, 500]
    assert [levering["teller"] for levering in answer["gegevens"]["leveringen"]] == [1, 2]
    assert "paginering" not in answer


def test_an_answer_of_one_record_satisfies_the_schema(filled: Fill, ask: Ask, schema: Draft202012Validator) -> None:
    answer = ask(filled(1))
    schema.validate(answer["gegevens"])
    assert counts(answer["gegevens"]) == [1]


def test_an_empty_answer_satisfies_the_schema_and_says_of_whom_there_is_nothing(
    filled: Fill, ask: Ask, schema: Draft202012Validator
) -> None:
    answer = ask(filled(2, 2), NOTHING)
    schema.validate(answer["gegevens"])
    assert counts(answer["gegevens"]) == [0, 0]
    assert answer["gegevens"]["startdatumLevering"] == "1990-01-01"
    assert answer["gegevens"]["einddatumLevering"] == "1990-12-31"


def test_a_bare_answer_satisfies_the_schema(filled: Fill, ask: Ask, schema: Draft202012Validator) -> None:
    storage = filled(5)
    schema.validate(ask(storage, settings=BARE))
    schema.validate(ask(storage, Question(page=9, page_size=2), settings=BARE))
    assert counts(ask(storage, Question(page=3, page_size=2), settings=BARE)) == [1]
    assert counts(ask(storage, Question(page=9, page_size=2), settings=BARE)) == [0]


def test_the_pages_together_are_the_whole(filled: Fill, ask: Ask, schema: Draft202012Validator) -> None:
    storage = filled(7, 1, 5)
    whole = [item for levering in ask(storage)["gegevens"]["leveringen"] for item in levering["schuldhulptrajecten"]]
    found: list[Any] = []
    for number in range(1, 6):
        answer = ask(storage, Question(page=number, page_size=3))
        schema.validate(answer["gegevens"])
        assert answer["paginering"] == {"pageSize": 3, "currentPage": number, "totalPages": 5, "totalRecords": 13}
        found += [item for levering in answer["gegevens"]["leveringen"] for item in levering["schuldhulptrajecten"]]
    assert found == whole


@pytest.mark.parametrize(
    ("question", "paging"),
    [
        (Question(), None),
        (Question(page=1), None),
        (Question(page_size=50), (50, 1, 1, 13)),
        (Question(page_size=13), (13, 1, 1, 13)),
        (Question(page_size=12), (12, 1, 2, 13)),
        (Question(page_size=10**30), (25_000, 1, 1, 13)),
        (Question(page=2), (25_000, 1, 1, 13)),
    ],
    ids=range(7),
)
def test_an_answer_says_which_page_it_is_when_pages_are_asked_for_or_needed(
    filled: Fill, ask: Ask, question: Question, paging: tuple[int, ...] | None
) -> None:
    said = ask(filled(13), question).get("paginering")
    assert (None if said is None else tuple(said.values())) == paging


def test_more_records_than_a_page_may_have_are_paged_without_being_asked(filled: Fill, ask: Ask) -> None:
    settings = dataclasses.replace(SUPPLIER, max_page_size=4)
    answer = ask(filled(3, 3), settings=settings)
    assert answer["paginering"] == {"pageSize": 4, "currentPage": 1, "totalPages": 2, "totalRecords": 6}
    assert counts(answer["gegevens"]) == [3, 1]


@pytest.mark.parametrize(("kind", "most"), [(Kind.SHV, 25_000), (Kind.VS, 50_000)], ids=["trajecten", "signalen"])
def test_a_page_never_has_more_than_the_description_allows(kind: Kind, most: int) -> None:
    assert SUPPLIER.page_size(kind, None) == SUPPLIER.page_size(kind, most + 1) == most
    assert dataclasses.replace(SUPPLIER, max_page_size=10**9).page_size(kind, None) == most


def test_a_page_that_does_not_exist_is_the_first_one_in_the_newest_description(filled: Fill, ask: Ask) -> None:
    answer = ask(filled(5), Question(page=10**40, page_size=2))
    assert answer["paginering"] == {"pageSize": 2, "currentPage": 1, "totalPages": 3, "totalRecords": 5}
    assert counts(answer["gegevens"]) == [2]


def test_a_page_that_does_not_exist_is_empty_in_the_earlier_description(
    filled: Fill, ask: Ask, schema: Draft202012Validator
) -> None:
    answer = ask(filled(5), Question(page=4, page_size=2), settings=EMPTY)
    schema.validate(answer["gegevens"])
    assert answer["paginering"] == {"pageSize": 2, "currentPage": 4, "totalPages": 3, "totalRecords": 5}
    assert counts(answer["gegevens"]) == [0]


def test_paging_of_nothing_has_one_page(filled: Fill, ask: Ask) -> None:
    answer = ask(filled(0), Question(page_size=2))
    assert answer["paginering"] == {"pageSize": 2, "currentPage": 1, "totalPages": 1, "totalRecords": 0}


def test_signalen_have_the_form_of_vs(filled: Fill, ask: Ask) -> None:
    answer = ask(filled(2, 1, kind=Kind.VS), kind=Kind.VS)["gegevens"]
    assert [levering["gemeentecode"] for levering in answer["leveringen"]] == ["0001", "0002"]
    assert [len(levering["vroegsignalen"]) for levering in answer["leveringen"]] == [2, 1]
    assert all("schuldhulptrajecten" not in levering for levering in answer["leveringen"])


# --- the head ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        (Question(start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 31)), "2024-03-01", "2024-03-31"),
        (Question(start=dt.date(2030, 1, 1)), "2030-01-01", "2030-01-01"),
        (Question(end=dt.date(1990, 1, 1)), "1990-01-01", "1990-01-01"),
    ],
    ids=["both asked", "only a start after today", "only an end before all records"],
)
def test_the_period_that_was_asked_is_the_one_that_is_told(
    storage: SqliteStorage, ask: Ask, question: Question, start: str, end: str
) -> None:
    organisation = Organisation.of(Kind.SHV, {"(Statutaire) Naam": "x"})
    storage.add(Kind.SHV, organisation, [Record(json="{}", start=dt.date(2024, 1, 1), end=dt.date(2024, 5, 1))])
    head = ask(storage, question)["gegevens"]
    assert (head["startdatumLevering"], head["einddatumLevering"]) == (start, end)


def test_without_a_period_it_is_that_of_the_records(storage: SqliteStorage, ask: Ask) -> None:
    organisation = Organisation.of(Kind.SHV, {"(Statutaire) Naam": "x"})
    storage.add(Kind.SHV, organisation, [Record(json="{}", start=dt.date(2024, 1, 1), end=dt.date(2024, 5, 1))])
    head = ask(storage)["gegevens"]
    assert (head["startdatumLevering"], head["einddatumLevering"]) == ("2024-01-01", "2024-05-01")
    assert head["aanleverdatumEnTijd"] == "2026-06-15T12:00:00Z"
    assert head["codeGegevensleverancier"] == "GL123456"


# --- what is not answered ------------------------------------------------------------------------------------------


def problem_of(ask: Ask, *arguments: Any, **options: Any) -> tuple[int, str, str | None]:
    with pytest.raises(ProblemError) as caught:
        ask(*arguments, **options)
    return caught.value.problem.status, caught.value.problem.code, caught.value.problem.veld


def test_an_organisation_that_nothing_is_delivered_for_is_not_an_empty_answer(filled: Fill, ask: Ask) -> None:
    told = problem_of(ask, filled(1), Question(organisation="Gemeente Elders"))
    assert told == (422, "UNPROCESSABLE", "aanleverende_organisatie")


def test_a_storage_that_was_never_filled_gives_no_empty_answer(storage: SqliteStorage, ask: Ask) -> None:
    assert problem_of(ask, storage) == (503, "NO_DATA", None)


def test_a_bare_answer_is_never_cut_off_in_silence(filled: Fill, ask: Ask) -> None:
    settings = dataclasses.replace(BARE, max_page_size=2)
    assert problem_of(ask, filled(3), settings=settings) == (422, "UNPROCESSABLE", "pageSize")
    assert counts(ask(filled(), Question(page=2), settings=settings)) == [1]


def test_a_storage_that_lost_records_meanwhile_gives_no_answer(filled: Fill) -> None:
    snapshot = filled(2).look(Selection(kind=Kind.SHV))
    page = page_of(Question(), snapshot, kind=Kind.SHV, settings=SUPPLIER, now=NOW)
    part, offset, _ = page.slices[0]
    page = dataclasses.replace(page, slices=((part, offset, 3),))
    with pytest.raises(ConfigurationError, match="changed"):
        list(pieces_of(page, snapshot))
    snapshot.close()


def test_settings_of_another_form_are_refused() -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"supplier": ""},
        {"supplier": "x", "shape": AnswerShape.BARE},
        {"supplier": "x", "shape": "bare"},
        {"supplier": "x", "max_page_size": 0},
        {"supplier": "x", "max_page_size": True},
    )
    for wrong in wrongs:
        with pytest.raises(ConfigurationError):
            AnswerSettings(**wrong)
