"""The runner of mutation tests: what it changes and leaves alone, how it exchanges code, how it tells how a child ended."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

SOURCE = '''
"""A module."""
import re
from enum import Enum

__all__ = ["Kind", "check"]

LIMIT = 10
"""Of something."""

NAME = re.compile(r"[a-z]{1,3}")

class Kind(Enum):
    ONE = "one"
    TWO = "two"

class BadError(ValueError):
    pass

class WorseError(ValueError):
    pass

def check(value: int, *, kind: Kind = Kind.ONE) -> bool:
    """Check it."""
    if value > LIMIT and kind is not Kind.TWO:
        raise BadError(f"the value {value} is too large for this")
    return value == 3
'''


OTHER_ERROR = (
    "other error: raise BadError(f'the value {value} is too large for this') -> "
    "raise WorseError(f'the value {value} is too large for this')"
)


@pytest.fixture(scope="module")
def parts() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(ROOT))
    try:
        yield {name: importlib.import_module(f"mutation.{name}") for name in ("operators", "survivors", "page")}
    finally:
        sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def module() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "nlgov_jades.example"}
    exec(SOURCE, names)  # noqa: S102 - the text above
    return names


@pytest.fixture(scope="module")
def mutants(parts: dict[str, ModuleType], module: dict[str, Any]) -> list[Any]:
    found: list[Any] = parts["operators"].mutants_of("example", SOURCE, module)
    return found


def test_the_mutants_are_these_and_no_sentence_docstring_or_annotation_is_among_them(mutants: list[Any]) -> None:
    assert {mutant.change for mutant in mutants} == {
        "constant: 10 -> 11",
        "constant: 10 -> 9",
        "constant: '[a-z]{1,3}' -> '[XXa-z]{1,3}'",
        "pattern: re.compile('[a-z]{1,3}') -> re.compile('[a-z]{1,4}')",
        "pattern: re.compile('[a-z]{1,3}') -> re.compile('[a-z]{1,2}')",
        "pattern: re.compile('[a-z]{1,3}') -> re.compile('[a-z]{2,3}')",
        "pattern: re.compile('[a-z]{1,3}') -> re.compile('[a-z]{0,3}')",
        "constant: 'one' -> 'oXXne'",
        "constant: 'two' -> 'tXXwo'",
        "other member: Kind.ONE -> Kind.TWO",
        "other member: Kind.TWO -> Kind.ONE",
        "and/or: value > LIMIT and kind is not Kind.TWO -> value > LIMIT or kind is not Kind.TWO",
        "drop operand: value > LIMIT and kind is not Kind.TWO -> kind is not Kind.TWO",
        "drop operand: value > LIMIT and kind is not Kind.TWO -> value > LIMIT",
        "compare: value > LIMIT -> value >= LIMIT",
        "compare: kind is not Kind.TWO -> kind is Kind.TWO",
        "delete raise: raise BadError(f'the value {value} is too large for this') -> pass",
        OTHER_ERROR,
        "return None: return value == 3 -> return None",
        "compare: value == 3 -> value != 3",
        "constant: 3 -> 4",
        "constant: 3 -> 2",
    }


def test_each_mutant_is_one_change_that_compiles_and_leaves_the_original_alone(
    parts: dict[str, ModuleType], mutants: list[Any]
) -> None:
    tree = ast.parse(SOURCE)
    before = ast.dump(tree)
    made = {ast.dump(parts["operators"].apply(tree, mutant)) for mutant in mutants}
    assert len(made) == len(mutants)
    assert before not in made
    assert ast.dump(tree) == before
    for mutant in mutants:
        compile(parts["operators"].apply(tree, mutant), "example", "exec")


def test_what_runs_at_import_is_told_from_what_runs_in_a_call(mutants: list[Any]) -> None:
    scopes = {mutant.change: mutant.scope.value for mutant in mutants}
    assert scopes["constant: 10 -> 11"] == "import"
    assert scopes["other member: Kind.ONE -> Kind.TWO"] == "import", "a default is made once"
    assert scopes["constant: 3 -> 4"] == "call"


def test_mutants_that_look_alike_are_numbered(parts: dict[str, ModuleType]) -> None:
    found = parts["operators"].mutants_of("example", "def f(a):\n    return a[1] + a[1]\n", {})
    assert [mutant.change for mutant in found if "1 -> 2" in mutant.change] == [
        "constant: 1 -> 2",
        "constant: 1 -> 2 (number 2)",
    ]


def test_the_list_of_survivors_is_held_against_what_survived_in_both_directions(
    parts: dict[str, ModuleType], mutants: list[Any], tmp_path: Path
) -> None:
    survivors = parts["survivors"]
    first, second = mutants[0], mutants[1]
    listed = tmp_path / "survivors.toml"
    listed.write_text(survivors.as_entries([first]).replace('reason = ""', 'reason = "It is so."'), encoding="utf-8")
    entries = survivors.read(listed)
    assert [entry.reason for entry in entries] == ["It is so."]
    assert survivors.compare([first], {"example"}, entries) == ([], [])
    assert survivors.compare([first, second], {"example"}, entries) == ([second], [])
    assert survivors.compare([], {"example"}, entries) == ([], [survivors.key_of(first)])
    assert survivors.compare([], {"another"}, entries) == ([], []), "only modules that were run"


def test_an_entry_of_another_form_is_refused(parts: dict[str, ModuleType], tmp_path: Path) -> None:
    listed = tmp_path / "survivors.toml"
    listed.write_text('[[survivor]]\nmodule = "example"\nchanges = []\n', encoding="utf-8")
    with pytest.raises(ValueError, match="has another form"):
        parts["survivors"].read(listed)


def test_figures_are_written_between_the_marks_and_those_of_other_modules_stay(
    parts: dict[str, ModuleType], tmp_path: Path
) -> None:
    page = parts["page"]
    path = tmp_path / "page.md"
    path.write_text(f"before\n\n{page.BEGIN}\n{page.END}\n\nbehind\n", encoding="utf-8")

    def figures(module: str, killed: int) -> Any:
        return page.Figures(module=module, mutants=200, killed=killed, too_long=1, version="1.2.3", date="2026-06-15")

    page.write([figures("b", 180), figures("a", 200)], ["a", "b"], path)
    page.write([figures("b", 190)], ["a", "b"], path)
    assert page.read(path) == {"a": figures("a", 200), "b": figures("b", 190)}
    text = path.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("behind\n")
    assert "| `b` | 200 | 190 | 1 | 10 | 95.0 % | 1.2.3 | 2026-06-15 |" in text
    assert "| all | 400 | 390 | 2 | 10 | 97.5 % | | |" in text


Fork = Callable[[str], str]


@pytest.fixture
def ended() -> Callable[[str], str]:
    """How a child that runs this code ends, in a process of its own: a fork of the tests would copy their threads."""
    import subprocess

    def run(body: str) -> str:
        script = (
            "import sys\n"
            f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'src')!r}]\n"
            "from mutation.children import fork\n"
            f"def work():\n    {body}\n"
            "print(fork(work, 0.2).value)\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
        return done.stdout.strip()

    return run


@pytest.mark.parametrize(
    ("body", "end"),
    [
        ("return True", "survived"),
        ("return False", "killed"),
        ("raise KeyError('a test that could not even start')", "killed"),
        ("sys.exit(0)", "killed"),
        ("import os; os.abort()", "killed"),
        ("return bytearray(1 << 40)", "killed"),
        ("while True: pass", "timeout"),
    ],
    ids=["passes", "fails", "raises", "exits", "aborts", "takes all memory", "runs without end"],
)
def test_a_child_is_told_by_how_it_ended(ended: Fork, body: str, end: str) -> None:
    assert ended(body) == end
