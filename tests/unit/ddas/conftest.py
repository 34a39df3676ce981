"""A storage with records, the published schema, and what reads an answer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nlgov_jades.ddas import IN_MEMORY, AnswerSettings, Kind, Question, Record, SqliteStorage
from nlgov_jades.ddas.answers import page_of, pieces_of, selection_of
from nlgov_jades.ddas.testdata import organisations, signalen, trajecten

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
SUPPLIER = AnswerSettings(supplier="GL123456")

Fill = Callable[..., SqliteStorage]


def chance(seed: int) -> Random:
    """What test data are made with."""
    return Random(seed)  # noqa: S311 - no secrets: the same each time


@pytest.fixture(scope="session")
def schema(data: Path) -> Draft202012Validator:
    """The published schema of SHV."""
    text = (data / "ddas" / "json_schema_Uitwisselmodel.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text), format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.fixture(params=["a file", "in memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStorage]:
    stored = SqliteStorage(IN_MEMORY if request.param == "in memory" else tmp_path / "records.sqlite")
    yield stored
    stored.close()


@pytest.fixture
def filled(storage: SqliteStorage) -> Fill:
    """The storage with so many records for each of so many organisations."""

    def fill(*counts: int, kind: Kind = Kind.SHV) -> SqliteStorage:
        random = chance(7)
        make = trajecten if kind is Kind.SHV else signalen
        for organisation, count in zip(organisations(kind, len(counts), random), counts, strict=True):
            storage.add(kind, organisation, (Record.of(kind, data) for data in make(count, random)))
        return storage

    return fill


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """The answer of a storage to a question, parsed."""

    def answer(
        storage: SqliteStorage,
        question: Question = Question(),  # noqa: B008 - a frozen value
        *,
        kind: Kind = Kind.SHV,
        settings: AnswerSettings = SUPPLIER,
    ) -> dict[str, Any]:
        snapshot = storage.look(selection_of(question, kind))
        try:
            page = page_of(question, snapshot, kind=kind, settings=settings, now=NOW)
            pieces = list(pieces_of(page, snapshot))
        finally:
            snapshot.close()
        assert all(pieces)
        parsed: dict[str, Any] = json.loads(b"".join(pieces))
        return parsed

    return answer
