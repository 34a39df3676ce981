"""The page on mutation testing names every module, and the list of survivors speaks of code and mutants that exist."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("operators", "page", "selection", "survivors")


@pytest.fixture(scope="module")
def parts() -> Iterator[dict[str, ModuleType]]:
    """The runner's modules that need nothing but the standard library. They are no part of the library."""
    sys.path.insert(0, str(ROOT))
    try:
        yield {name: importlib.import_module(f"mutation.{name}") for name in PARTS}
    finally:
        sys.path.remove(str(ROOT))


def modules_that_decide() -> set[str]:
    pki = {f"pki.{path.stem}" for path in (ROOT / "src" / "nlgov_jades" / "pki").glob("[!_]*.py")}
    return pki | {"jws", "sigd", "digest", "jades", "steps", "verification", "verify"}


def test_every_module_that_decides_is_mutated_and_has_a_score_on_the_page(parts: dict[str, ModuleType]) -> None:
    assert set(parts["selection"].SELECTION) == modules_that_decide()
    figures = parts["page"].read()
    assert set(figures) == modules_that_decide()
    for item in figures.values():
        assert item.row in parts["page"].PAGE.read_text(encoding="utf-8")
        assert 0 < item.killed <= item.mutants
        assert item.score >= parts["page"].LEAST_SCORE


def test_every_module_has_tests_that_are_tried_on_its_mutants(parts: dict[str, ModuleType]) -> None:
    selection = parts["selection"]
    for module, patterns in selection.SELECTION.items():
        assert selection.source_of(module).is_file()
        for pattern in patterns:
            assert list(ROOT.glob(pattern)), f"{module}: {pattern}"


def test_every_explained_survivor_is_a_mutant_of_the_code_as_it_stands(parts: dict[str, ModuleType]) -> None:
    entries = parts["survivors"].read()
    keys = [key for entry in entries for key in entry.keys]
    assert len(keys) == len(set(keys))
    made = {
        parts["survivors"].key_of(mutant)
        for module in {entry.module for entry in entries}
        for mutant in parts["operators"].mutants_of(
            module,
            parts["selection"].source_of(module).read_text(encoding="utf-8"),
            vars(importlib.import_module(f"nlgov_jades.{module}")),
        )
    }
    assert set(keys) - made == set()
    for entry in entries:
        assert entry.reason.endswith(".")
        assert len(entry.reason.split()) > 5, entry.reason


def test_every_survivor_on_the_page_is_explained(parts: dict[str, ModuleType]) -> None:
    explained: dict[str, int] = {}
    for entry in parts["survivors"].read():
        explained[entry.module] = explained.get(entry.module, 0) + len(entry.changes)
    survived = {item.module: item.mutants - item.killed for item in parts["page"].read().values()}
    assert {module: number for module, number in survived.items() if number} == explained
