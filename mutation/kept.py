"""What earlier runs found, kept in a folder beside the sources: which mutants were killed. `--again` trusts it.

A mutant that a test killed stays killed while its module and the operators are the same and tests are only added: this is
for writing those tests. It is no part of the repository.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from .children import End
from .running import Outcome
from .selection import ROOT, source_of
from .survivors import Known, key_of

__all__ = ["keep", "recall"]

FOLDER: Final = ROOT / ".mutation"


def keep(module: str, outcomes: Iterable[Outcome]) -> None:
    """Remember what became of all mutants of a module."""
    FOLDER.mkdir(exist_ok=True)
    ends = [[*key_of(outcome.mutant), outcome.end.value] for outcome in outcomes]
    _file(module).write_text(json.dumps({"of": _state(module), "ends": ends}), encoding="utf-8")


def recall(module: str) -> dict[Known, End]:
    """The mutants of a module that were killed, and how; none when the module or the operators have changed."""
    if not _file(module).exists():
        return {}
    kept = json.loads(_file(module).read_text(encoding="utf-8"))
    if kept["of"] != _state(module):
        return {}
    survived = {tuple(key) for *key, end in kept["ends"] if end == End.SURVIVED.value}
    # Mutants that look alike are tried again together.
    return {tuple(key): End(end) for *key, end in kept["ends"] if tuple(key) not in survived}


def _file(module: str) -> Path:
    return FOLDER / f"{module}.json"


def _state(module: str) -> str:
    octets = source_of(module).read_bytes() + (ROOT / "mutation" / "operators.py").read_bytes()
    return hashlib.sha256(octets).hexdigest()
