"""CAs that certify each other in circles end in an error, and soon: the search spends a bounded number of signatures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from .hostile import CAS, DOORS, SETS

PATIENCE: Final = 30
"""Seconds before the process is killed. Each door takes some milliseconds; without a budget it would be hours."""


@pytest.mark.parametrize("kind", SETS)
def test_circles_of_cas_end_in_a_path_error_at_every_door(kind: str) -> None:
    script = Path(__file__).with_name("hostile.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), kind],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{door}: CertificatePathError" for door in DOORS]


@pytest.mark.parametrize("kind", SETS)
def test_the_sets_are_as_large_as_they_say(kind: str) -> None:
    assert len(SETS[kind]()[1]) >= CAS
