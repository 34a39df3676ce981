"""What a process pays once is paid before there are messages: an import that takes long holds the event loop for everybody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("program.py")

PATIENCE = 120
"""Seconds after which a Python hangs."""


def first_exchange(*arguments: str) -> tuple[int, list[str]]:
    """The status of the first answer of a process, and the modules that it waited for."""
    command = [sys.executable, "-W", "error", str(PROGRAM), *arguments]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
    status, modules = json.loads(ran.stdout)
    return status, modules


def test_after_the_lifespan_the_first_long_message_imports_nothing() -> None:
    assert first_exchange("lifespan") == (200, [])


def test_without_a_lifespan_it_imports_only_what_anyio_has_for_the_loop_that_runs() -> None:
    status, modules = first_exchange()

    assert status == 200
    assert [name for name in modules if not name.startswith("anyio._backends")] == []
