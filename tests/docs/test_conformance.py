"""The page of conformance holds: every row points at code, tests and vectors that exist, and every clause in the source has a row."""

from __future__ import annotations

import ast
import re
import runpy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
SOURCE = ROOT / "src" / "nlgov_jades"
VECTORS = ROOT / "test-vectors" / "vectors"
ARCHITECTURE = ROOT / "tests" / "unit" / "test_architecture.py"

COLUMNS = ["clause", "what it asks", "code", "test", "vector", "remark"]
NONE = "\N{EN DASH}"

STANDARD = r"(?:RFC \d{4}|TS 119 182-1|EN 319 \d{3}-\d|PKI00\d|draft-[a-z-]+-\d\d)"
CLAUSE = r"(?:§ ?\d+(?:\.\d+)*|[Aa]ppendix [A-Z](?:\.\d+)*|clause \d+(?:\.\d+)*)"

EVERYWHERE = re.compile(r"TS 119 182-1|RFC (?:3230|7515|7518|7797|9530)|PKI00\d")
"""Cited anywhere in the source, these have a row; of other standards only what the core cites."""

# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A row of the page: the standard is that of the section, when its heading begins with one."""

    standard: str
    clause: str
    asks: str
    code: str
    test: str
    vector: str
    remark: str

    @property
    def name(self) -> str:
        return f"{self.standard} {self.clause}".strip()

    def __str__(self) -> str:
        return self.name


def rows_of(text: str) -> Iterator[Row]:
    standard = ""
    for line in text.splitlines():
        if line.startswith("## "):
            found = re.match(STANDARD, line.removeprefix("## "))
            standard = found[0] if found else ""
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells == COLUMNS or set("".join(cells)) <= {"-"}:
                continue
            assert len(cells) == len(COLUMNS), line
            yield Row(standard, *cells)


def citations_of(text: str) -> Iterator[str]:
    """Each `RFC 7797 §3` in a text, also when the clauses are several (`§5.1.7, §5.2.2`) or the line breaks between them."""
    flat = re.sub(r"PKI003/004", "PKI003, PKI004", re.sub(r"\s*\n\s*(?:# )?", " ", text))
    for match in re.finditer(rf"({STANDARD})(?: V\d\.\d\.\d)?((?:(?:, | and | ){CLAUSE})*)", flat):
        clauses = re.findall(CLAUSE, match[2])
        yield from (f"{match[1]} {clause.replace('§ ', '§')}" for clause in clauses)
        if not clauses:
            yield match[1]


ROWS = list(rows_of(PAGE.read_text("utf-8")))


# --- resolving -------------------------------------------------------------------------------------------------------


@cache
def defined_in(file: Path) -> frozenset[str]:
    """The names that a module defines, those of its classes with the class before them."""
    return frozenset(_names(ast.parse(file.read_text("utf-8")), ""))


def _names(node: ast.Module | ast.ClassDef, above: str) -> Iterator[str]:
    for statement in node.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield above + name
            case ast.ClassDef(name=name):
                yield above + name
                yield from _names(statement, f"{above}{name}.")
            case ast.Assign(targets=targets):
                yield from (
                    above + part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)
                )
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield above + name


def cell(text: str) -> list[str]:
    """What a cell names; nothing for a dash.

    Raises:
        AssertionError: It holds something else than names in code spans with commas.
    """
    if text == NONE:
        return []
    names = text.split(", ")
    assert all(re.fullmatch(r"`[^` ]+`", name) for name in names), text
    return [name.strip("`") for name in names]


def is_defined(pointer: str, below: Path) -> bool:
    path, _, name = pointer.partition("::")
    file = below / path
    return path.endswith(".py") and file.is_file() and name in defined_in(file)


def faults(row: Row) -> list[str]:
    """What is wrong with a row."""
    found = [f"no such code: {item}" for item in cell(row.code) if not is_defined(item, SOURCE)]
    for item in cell(row.test):
        name = item.partition("::")[2]
        if not name.startswith("test_") or not is_defined(item, ROOT / "tests"):
            found.append(f"no such test: {item}")
    found += [f"no such vector: {item}" for item in cell(row.vector) if not (VECTORS / f"{item}.json").is_file()]
    if not row.asks.endswith("."):
        found.append("what it asks is no sentence")
    if not (cell(row.code) and cell(row.test)) and not row.remark:
        found.append("neither code and test nor a reason")
    if row.remark and not row.remark.endswith("."):
        found.append("the remark is no sentence")
    for column in (row.code, row.test, row.vector):
        found += [f"named twice: {item}" for item, count in Counter(cell(column)).items() if count > 1]
    return found


# --- tests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_points_at_what_exists(row: Row) -> None:
    assert faults(row) == []


def test_a_row_that_points_at_nothing_is_found() -> None:
    good = next(row for row in ROWS if not faults(row) and row.vector != NONE)
    spoilt = {
        "no such code": replace(good, code="`jades.py::check_nothing`"),
        "no such test": replace(good, test="`unit/test_jades.py::test_nothing`"),
        "no such vector": replace(good, vector="`read-1-nothing`"),
        "neither code": replace(good, code=NONE, remark=""),
        "neither code and test": replace(good, test=NONE, remark=""),
        "named twice": replace(good, vector=f"{good.vector}, {good.vector}"),
        "the remark": replace(good, remark="no sentence"),
        "what it asks": replace(good, asks="no sentence"),
    }
    for words, row in spoilt.items():
        assert any(fault.startswith(words) for fault in faults(row)), words
    for pointer in ("jades.py", "jades.py::", "nowhere.py::check_critical", "jades.py::check_critical.more", "../x::y"):
        assert any(fault.startswith("no such code") for fault in faults(replace(good, code=f"`{pointer}`"))), pointer
    # Not everything in a module of tests is a test.
    assert faults(replace(good, test="`docs/test_conformance.py::faults`")) == [
        "no such test: docs/test_conformance.py::faults"
    ]


def test_no_clause_has_two_rows() -> None:
    # Each section is of one standard, or its clauses name theirs; DDAS and the ADR module are alone without a number.
    assert [name for name, count in Counter(row.name for row in ROWS).items() if count > 1] == []
    assert len(ROWS) >= 140


STANDARDS = (
    *(
        "/signing/algorithm",
        "/signing/payload",
        "/signing/message",
        "TS 119 182-1",
        "RFC 7797",
        "RFC 3230",
        "signing: ",
    ),
    *("PKI003", "PKI004", "PKI005"),
)


@pytest.mark.parametrize("standard", STANDARDS)
def test_every_standard_that_this_library_claims_is_there(standard: str) -> None:
    assert [row for row in ROWS if row.name.startswith(standard)] != []


def cited(*, everywhere: bool) -> dict[str, set[str]]:
    """Each clause that the source cites, with the files that do."""
    edges = runpy.run_path(str(ARCHITECTURE))["EDGES"]
    found: dict[str, set[str]] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        path = file.relative_to(SOURCE)
        is_core = path.parts[0].removesuffix(".py") not in edges
        for citation in citations_of(file.read_text("utf-8")):
            if is_core or (everywhere and EVERYWHERE.match(citation)):
                found.setdefault(citation, set()).add(path.as_posix())
    return found


def test_every_clause_that_the_source_cites_has_a_row() -> None:
    # `RFC 7797 §3: value` is a row of `RFC 7797 §3`, and any row of a standard does for the standard as a whole.
    clauses = {row.name.partition(": ")[0] for row in ROWS}
    standards = {match[0] for clause in clauses if (match := re.match(STANDARD, clause))}
    missing = {name: files for name, files in cited(everywhere=True).items() if name not in clauses | standards}
    assert missing == {}


def test_the_citations_of_the_source_are_found() -> None:
    found = cited(everywhere=False)
    assert "jades.py" in found["TS 119 182-1 §5.1.9"]
    assert "jades.py" in found["TS 119 182-1 §5.2.2"]  # the second of two clauses
    assert "sigd.py" in found["TS 119 182-1 §5.2.8.2"]
    assert "jws.py" in found["RFC 7515 appendix F"]
    assert "policy.py" in found["PKI003"]
    assert not any(file.startswith(("cli/", "testing/")) for files in found.values() for file in files)
    assert len(found) >= 50
    assert list(
        citations_of("RFC 7797 §3, §6 and\n    # RFC 7515 appendix F; PKI003/004 of TS 119 182-1 V1.2.1 §5.1.11).")
    ) == [
        *("RFC 7797 §3", "RFC 7797 §6", "RFC 7515 appendix F", "PKI003", "PKI004", "TS 119 182-1 §5.1.11"),
    ]
