"""Where the server is not installed."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "uvicorn":
            raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")
        return None

sys.meta_path.insert(0, Hidden())
import nlgov_jades.ddas.gateways
try:
    import nlgov_jades.ddas.gateways.serving
except ImportError as error:
    print(error.name, error)
"""


def test_the_gateways_import_without_a_server_and_serving_names_the_extra() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    told = "uvicorn nlgov_jades.ddas.gateways.serving needs an extra: pip install 'nlgov-jades[ddas]'\n"
    assert done.stdout == told
