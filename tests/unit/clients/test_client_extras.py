"""Without its extra, each client edge says what to install; what they share needs none."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nlgov_jades

SRC = Path(nlgov_jades.__file__).parent

BLOCK = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ImportError(f"{{name}} is not installed here", name=name)

sys.meta_path.insert(0, Missing())
import nlgov_jades.edges.client
assert not {{"requests", "urllib3", "httpx", "httpx2", "anyio"}} & set(sys.modules)
try:
    import nlgov_jades.{module}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("module", "missing"),
    [
        ("requests", "requests"),
        ("requests", "urllib3"),
        ("httpx", "httpx"),
        ("httpx", "anyio"),
        ("httpx2", "httpx2"),
        ("httpx2", "anyio"),
    ],
)
def test_a_client_edge_without_its_extra_says_so(module: str, missing: str) -> None:
    code = BLOCK.format(module=module, missing={missing})
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == f"nlgov_jades.{module} needs an extra: pip install 'nlgov-jades[{module}]'\n"


@pytest.mark.parametrize(("module", "other"), [("httpx", "httpx2"), ("httpx2", "httpx"), ("requests", "httpx")])
def test_a_client_edge_needs_no_other_client(module: str, other: str) -> None:
    code = BLOCK.format(module=module, missing={other})
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == ""


def test_the_two_thin_modules_differ_in_nothing_but_their_library() -> None:
    def tree(name: str) -> str:
        module = ast.parse((SRC / f"{name}.py").read_text(encoding="utf-8").replace("httpx2", "httpx"))
        module.body.pop(0)  # the docstring
        return ast.dump(module)

    assert tree("httpx") == tree("httpx2")


@pytest.mark.parametrize("path", sorted((SRC / "edges").glob("client*.py")), ids=lambda path: path.name)
def test_what_the_clients_share_imports_no_client(path: Path) -> None:
    names = {
        alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        (node.module or "").partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and not node.level
    }
    assert not names & {"httpx", "httpx2", "requests", "urllib3", "httpcore", "h11"}
