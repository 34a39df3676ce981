from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nlgov_jades.ddas import Kind
from nlgov_jades.ddas.testdata import citizen_service_number, organisations, passes_eleven_test, signalen, trajecten

from .conftest import chance


def values(thing: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(thing, dict):
        for inner, value in thing.items():
            yield from values(value, f"{name}.{inner}")
    elif isinstance(thing, list):
        for value in thing:
            yield from values(value, name)
    else:
        yield name, thing


def described(schema: dict[str, Any], definitions: dict[str, Any], name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that a schema describes, with the values that it may have."""
    schema = {**schema, **definitions.get(schema.get("$ref", "").rpartition("/")[2], {})}
    if "properties" in schema:
        for inner, below in schema["properties"].items():
            yield from described(below, definitions, f"{name}.{inner}")
    elif "items" in schema:
        yield from described(schema["items"], definitions, name)
    else:
        yield name, schema.get("enum")


def test_every_number_fails_the_eleven_test() -> None:
    random = chance(3)
    numbers = [citizen_service_number(random) for _ in range(2000)]
    assert not any(map(passes_eleven_test, numbers))
    assert {len(number) for number in numbers} == {9}
    assert passes_eleven_test("111222333")
    assert not passes_eleven_test("111222334")


def test_the_same_seed_makes_the_same_records() -> None:
    for make in (trajecten, signalen):
        assert list(make(50, chance(5))) == list(make(50, chance(5)))
        assert list(make(50, chance(5))) != list(make(50, chance(6)))


def test_trajecten_and_organisations_satisfy_the_schema(schema: Draft202012Validator) -> None:
    random = chance(1)
    model: dict[str, Any] = {
        "startdatumLevering": "2024-01-01",
        "einddatumLevering": "2024-12-31",
        "aanleverdatumEnTijd": "2024-12-31T23:59:59Z",
        "codeGegevensleverancier": "x",
        "leveringen": [
            {
                "teller": teller,
                "aanleverende_organisatie": json.loads(organisation.details),
                "schuldhulptrajecten": list(trajecten(300, random)),
            }
            for teller, organisation in enumerate(organisations(Kind.SHV, 3, random), start=1)
        ],
    }
    schema.validate(model)


def test_every_part_and_every_value_of_the_schema_occurs(schema: Draft202012Validator) -> None:
    assert isinstance(schema.schema, dict)
    levering = schema.schema["properties"]["leveringen"]["items"]
    traject = levering["properties"]["schuldhulptrajecten"]["items"]
    found: dict[str, set[Any]] = {}
    for record in trajecten(400, chance(2)):
        for name, value in values(record):
            found.setdefault(name, set()).add(value)
    wanted = dict(described(traject, schema.schema["$defs"]))
    assert set(found) == set(wanted)
    for name, choices in wanted.items():
        assert choices is None or set(choices) <= found[name], name


def test_a_traject_is_as_long_as_real_ones() -> None:
    lengths = [len(json.dumps(record, separators=(",", ":")).encode()) for record in trajecten(1000, chance(4))]
    assert 320 <= sum(lengths) / len(lengths) <= 820


def test_the_days_of_a_traject_follow_each_other() -> None:
    for record in trajecten(500, chance(8)):
        assert record["startdatum"] <= record.get("einddatum", "9999")
        assert 1 <= len(record["client"]) <= 2
        for part in [*record.values(), *record.get("begeleiding", ()), *record.get("moratoria", ())]:
            if isinstance(part, dict) and "startdatum" in part:
                assert record["startdatum"] <= part["startdatum"] <= part.get("einddatum", "9999")


def test_signalen_have_what_vs_requires_and_no_two_share_an_id() -> None:
    records = list(signalen(300, chance(9)))
    assert len({record["ID"] for record in records}) == 300
    for record in records:
        assert {"signaalpartner", "client", "ID"} <= set(record)
        assert record["ontstaansdatum"] < record["signaaldatum"]
        assert not passes_eleven_test(record["client"]["Burgerservicenummer"])


@pytest.mark.parametrize("kind", Kind)
def test_organisations_have_different_names(kind: Kind) -> None:
    names = [organisation.name for organisation in organisations(kind, 50, chance(1))]
    assert len(set(names)) == 50
