"""The rule of the house: everything that decides is pure, and no arrow of the import graph points the wrong way."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import nlgov_jades

SRC = Path(nlgov_jades.__file__).parent
PACKAGE = "nlgov_jades"

EDGES = frozenset(
    {"asgi", "bundle", "cli", "custody", "ddas", "diagnose", "edges", "evidence", "fetch", "fork", "httpx", "httpx2"}
    | {"requests", "rotation", "stores", "testing", "wsgi"}
)
"""Rooms that touch the world; every other module is the core."""

CORE_DEPENDENCIES = frozenset({"cryptography", "asn1crypto"})

IMPURE = frozenset(
    # the machine
    {"atexit", "ctypes", "getpass", "glob", "importlib", "io", "locale", "multiprocessing", "os", "pathlib", "pickle"}
    | {"platform", "shelve", "shutil", "signal", "sqlite3", "subprocess", "sys", "sysconfig", "tempfile"}
    # the network
    | {"ftplib", "http", "select", "selectors", "smtplib", "socket", "socketserver", "ssl", "urllib", "xmlrpc"}
    # threads, tasks and what hangs on them
    | {"_thread", "asyncio", "concurrent", "contextvars", "logging", "queue", "sched", "threading"}
    # time and chance
    | {"random", "secrets", "time", "uuid", "zoneinfo"}
)
"""Of the standard library, what touches the machine, the network or the time."""

MAY_IMPORT = {"nlgov_jades.drivers": {"time"}}
MAY_READ = {"nlgov_jades.clock": {"now"}, "nlgov_jades.drivers": {"monotonic"}}
"""The only ones: "the clock lives in the drivers" (architecture, the rule of the house)."""

IMPURE_CALLS = frozenset({"open", "input", "print", "exec", "eval", "compile", "__import__", "breakpoint"})

PUBLIC = [
    "ANY_MEDIA_TYPE",
    "ANY_TRUSTED",
    "AsyncPrivateKey",
    "AsyncSigner",
    "AsyncVerifier",
    "BodyDigest",
    "CertificateRequirements",
    "Fields",
    "HeaderForm",
    "HttpRequest",
    "HttpResponse",
    "Kvk",
    "Oin",
    "PendingMessage",
    "PrivateKey",
    "RevocationPolicy",
    "SendChain",
    "SignedFields",
    "Signer",
    "SignerIdentity",
    "SigningCredential",
    "TrustStore",
    "VerificationPolicy",
    "VerifiedMessage",
    "Verifier",
    "errors",
    "profiles",
]


@dataclass(frozen=True)
class Import:
    """One import of one module: `of` is the dotted name, `typing_only` when no run ever executes it."""

    by: str
    of: str
    typing_only: bool


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    named = {}
    for path in sorted(SRC.rglob("*.py")):
        parts = (PACKAGE, *path.relative_to(SRC).with_suffix("").parts)
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def is_core(module: str) -> bool:
    parts = module.split(".")
    return parts[0] == PACKAGE and (len(parts) == 1 or parts[1] not in EDGES)


def core() -> list[str]:
    return [module for module in modules() if is_core(module)]


def imports(module: str) -> Iterator[Import]:
    """All imports of a module, those inside functions and under TYPE_CHECKING included."""
    body = tree(module)
    typing_only = {
        id(inner)
        for node in ast.walk(body)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(body):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            targets = list(targets_of(module, node))
        else:
            continue
        for target in targets:
            yield Import(module, target, id(node) in typing_only)


def targets_of(module: str, node: ast.ImportFrom) -> Iterator[str]:
    """The modules that `from x import a, b` imports: `x.a` when that is a module, else `x`."""
    base = module.split(".")
    if modules()[module].name != "__init__.py":
        base = base[:-1]
    up = base[: len(base) - (node.level - 1)] if node.level else []
    stem = ".".join([*up, *([node.module] if node.module else [])])
    for alias in node.names:
        yield f"{stem}.{alias.name}" if f"{stem}.{alias.name}" in modules() else stem


# --- the import graph --------------------------------------------------------------------------------------------


def test_the_walk_finds_the_modules_and_their_imports() -> None:
    # Otherwise every test below could pass by looking at nothing.
    assert {"nlgov_jades", "nlgov_jades.verify", "nlgov_jades.pki.path", "nlgov_jades.testing.hierarchy"} <= set(
        modules()
    )
    assert len(core()) > 20
    found = {item.of for item in imports("nlgov_jades.pki.path")}
    assert {"nlgov_jades.errors", "nlgov_jades.pki.requirements", "nlgov_jades.policy", "cryptography"} <= found
    assert {item.of for item in imports("nlgov_jades.errors") if item.typing_only} == {"datetime", "nlgov_jades.result"}


@pytest.mark.parametrize("module", core())
def test_a_core_module_imports_the_standard_library_two_packages_and_the_core_only(module: str) -> None:
    wrong = []
    for item in imports(module):
        root = item.of.partition(".")[0]
        if root == PACKAGE:
            wrong += [] if is_core(item.of) and item.of in modules() else [item.of]
        elif root not in CORE_DEPENDENCIES and root not in sys.stdlib_module_names:
            wrong.append(item.of)
    assert wrong == []


@pytest.mark.parametrize("module", core())
def test_a_core_module_touches_neither_machine_nor_network_nor_time(module: str) -> None:
    wrong = [item.of for item in imports(module) if item.of.partition(".")[0] in IMPURE - MAY_IMPORT.get(module, set())]
    called = [node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    wrong += [f"{name.id}()" for name in called if isinstance(name, ast.Name) and name.id in IMPURE_CALLS]
    assert wrong == []


@pytest.mark.parametrize("module", core())
def test_only_the_clock_and_the_drivers_read_the_time(module: str) -> None:
    readings = {
        node.attr
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "time_ns", "monotonic"}
    }
    assert readings == MAY_READ.get(module, set())


@pytest.mark.parametrize("module", core())
def test_a_core_module_uses_no_assert_to_check_its_input(module: str) -> None:
    # `python -O` leaves them out.
    assert [node.lineno for node in ast.walk(tree(module)) if isinstance(node, ast.Assert)] == []


def test_nothing_but_the_command_line_imports_the_command_line() -> None:
    above = f"{PACKAGE}.cli"
    found = {item.by for module in modules() for item in imports(module) if (item.of + ".").startswith(above + ".")}
    assert {module for module in found if not (module + ".").startswith(above + ".")} == set()


def test_no_imports_go_round() -> None:
    graph = {
        module: {item.of for item in imports(module) if not item.typing_only} & set(modules()) for module in modules()
    }
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module not in finished:
            for imported in sorted(graph[module]):
                visit(imported, (*path, module))
            finished.add(module)

    for module in graph:
        visit(module, ())
    assert finished == set(modules())


def test_imports_that_only_type_checkers_see_are_in_the_core_too() -> None:
    seen = [item for module in core() for item in imports(module) if item.typing_only]
    assert [item for item in seen if item.of.startswith(PACKAGE) and not is_core(item.of)] == []


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda path: str(path.relative_to(SRC)))
def test_a_file_has_400_lines_at_most_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    assert (SRC / "py.typed").is_file()


# --- public names ------------------------------------------------------------------------------------------------


def test_the_public_names_are_these() -> None:
    assert sorted(nlgov_jades.__all__) == PUBLIC
    assert {name for name in vars(nlgov_jades) if not name.startswith("_")} >= set(PUBLIC)


@pytest.mark.parametrize("module", core())
def test_every_name_that_a_module_exports_exists(module: str) -> None:
    loaded = importlib.import_module(module)
    exported = getattr(loaded, "__all__", [])
    assert len(set(exported)) == len(exported)
    assert [name for name in exported if not hasattr(loaded, name)] == []


# --- no extra installed ------------------------------------------------------------------------------------------

WITHOUT_EXTRAS = """
import importlib.abc, json, sys

class OnlyTheCore(importlib.abc.MetaPathFinder):
    allowed = {"nlgov_jades", "cryptography", "asn1crypto", "cffi", "_cffi_backend"} | sys.stdlib_module_names

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.allowed:
            raise ImportError(f"{name} is not installed here", name=name)

sys.meta_path.insert(0, OnlyTheCore())
before = set(sys.modules)
import nlgov_jades
first = sorted(name for name in set(sys.modules) - before if name.startswith("nlgov_jades"))
public = {name: getattr(nlgov_jades, name) is not None for name in nlgov_jades.__all__}
for module in sys.argv[1:]:
    importlib.import_module(module)
try:
    import click
except ImportError:
    blocked = True
else:
    blocked = False
json.dump({"first": first, "public": sorted(public), "blocked": blocked}, sys.stdout)
"""


def test_the_core_imports_where_no_extra_is_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_EXTRAS, *core(), "nlgov_jades.testing"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["blocked"] is True
    assert found["public"] == PUBLIC
    # `import nlgov_jades` starts no edge.
    assert [module for module in found["first"] if not is_core(module)] == []
    assert "nlgov_jades.verify" in found["first"]
