"""Test data of any size make answers that satisfy the schema, in both forms, whichever page is asked for."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from nlgov_jades.ddas import IN_MEMORY, AnswerSettings, AnswerShape, Kind, MissingPage, Question, Record, SqliteStorage
from nlgov_jades.ddas.answers import page_of, pieces_of, selection_of
from nlgov_jades.ddas.testdata import organisations, passes_eleven_test, signalen, trajecten

from .described import SCHEMA_FILE
from .vroegsignalen import STAND_IN

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
MAKE: Final = {Kind.SHV: trajecten, Kind.VS: signalen}
bounded = settings(deadline=None, derandomize=True, database=None, max_examples=60)

sizes = st.lists(st.integers(0, 25), min_size=1, max_size=3)
questions = st.builds(
    Question,
    start=st.none() | st.dates(dt.date(2023, 6, 1), dt.date(2024, 3, 1)),
    end=st.none() | st.dates(dt.date(2024, 3, 1), dt.date(2026, 1, 1)),
    page=st.none() | st.integers(1, 30),
    page_size=st.none() | st.integers(1, 30),
)


@pytest.fixture(scope="session")
def schemas(data: Path) -> dict[Kind, Draft202012Validator]:
    """The published schema of SHV, and the stand-in for that of VS."""
    published = json.loads((data / "ddas" / SCHEMA_FILE).read_text("utf-8"))
    checker = Draft202012Validator.FORMAT_CHECKER
    return {
        Kind.SHV: Draft202012Validator(published, format_checker=checker),
        Kind.VS: Draft202012Validator(STAND_IN, format_checker=checker),
    }


def answer(kind: Kind, shape: AnswerShape, counts: list[int], question: Question, seed: int) -> dict[str, Any]:
    """What a storage with so many records of so many organisations answers."""
    random = Random(seed)  # noqa: S311 - test data
    missing = MissingPage.EMPTY_PAGE if shape is AnswerShape.BARE else MissingPage.FIRST_PAGE
    supplier = AnswerSettings(supplier="GL123456", shape=shape, missing_page=missing)
    storage = SqliteStorage(IN_MEMORY)
    try:
        for organisation, count in zip(organisations(kind, len(counts), random), counts, strict=True):
            storage.add(kind, organisation, (Record.of(kind, record) for record in MAKE[kind](count, random)))
        snapshot = storage.look(selection_of(question, kind))
        page = page_of(question, snapshot, kind=kind, settings=supplier, now=NOW)
        made: dict[str, Any] = json.loads(b"".join(pieces_of(page, snapshot)))
    finally:
        storage.close()
    return made


def numbers(thing: Any) -> Iterator[str]:
    """Every citizen service number in an answer."""
    if isinstance(thing, dict):
        for name, value in thing.items():
            yield from [value] if name == "Burgerservicenummer" else numbers(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from numbers(value)


def check(schemas: dict[Kind, Draft202012Validator], kind: Kind, shape: AnswerShape, made: dict[str, Any]) -> int:
    """Return how many citizen service numbers an answer holds, when it is as described."""
    model = made if shape is AnswerShape.BARE else made["gegevens"]
    schemas[kind].validate(model)
    found = list(numbers(model))
    assert not any(map(passes_eleven_test, found))
    assert {len(number) for number in found} <= {9}
    return len(found)


@pytest.mark.parametrize("shape", AnswerShape, ids=lambda shape: shape.value)
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_answers_of_any_size_to_any_question_satisfy_the_schema(
    schemas: dict[Kind, Draft202012Validator], kind: Kind, shape: AnswerShape
) -> None:
    held = 0

    @bounded
    @given(counts=sizes, question=questions, seed=st.integers(0, 2**32))
    def each(counts: list[int], question: Question, seed: int) -> None:
        nonlocal held
        held += check(schemas, kind, shape, answer(kind, shape, counts, question, seed))

    each()
    assert held > 200


@pytest.mark.parametrize("counts", [[0], [1], [0, 0], [0, 1], [1, 0, 1], [20], [21], [400]], ids=str)
@pytest.mark.parametrize("shape", AnswerShape, ids=lambda shape: shape.value)
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_sizes_at_the_edge_satisfy_the_schema(
    schemas: dict[Kind, Draft202012Validator], kind: Kind, shape: AnswerShape, counts: list[int]
) -> None:
    held = check(schemas, kind, shape, answer(kind, shape, counts, Question(), 3))
    assert held >= sum(counts)
    assert (held == 0) is (sum(counts) == 0)


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_every_member_of_a_record_is_looked_at(schemas: dict[Kind, Draft202012Validator], kind: Kind) -> None:
    made = answer(kind, AnswerShape.BARE, [1], Question(), 3)
    made["leveringen"][0][kind.member][0]["onbekend"] = 1
    assert [error.validator for error in schemas[kind].iter_errors(made)] == ["additionalProperties"]
