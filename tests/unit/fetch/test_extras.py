"""Without its extra, each fetcher says what to install; the rest of the package needs none."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCK = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ImportError(f"{{name}} is not installed here", name=name)

sys.meta_path.insert(0, Missing())
import nlgov_jades.fetch
nlgov_jades.fetch.FetchLimits(), nlgov_jades.fetch.MemoryStore()
assert not {{"requests", "httpx", "anyio"}} & set(sys.modules)
try:
    import nlgov_jades.fetch.{module}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(("module", "missing"), [("requests", "requests"), ("httpx", "httpx"), ("httpx", "anyio")])
def test_a_fetcher_without_its_extra_says_so(module: str, missing: str) -> None:
    code = BLOCK.format(module=module, missing={missing})
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == f"nlgov_jades.fetch.{module} needs an extra: pip install 'nlgov-jades[{module}]'\n"
