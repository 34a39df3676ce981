"""The one reviewed list of deviations, `deviations.toml`, as data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

KINDS: Final = {
    "pkits": {"refused", "not-asked"},
    "wycheproof": {"other-algorithm"},
    "jsontestsuite": {"refused"},
}
"""The suites, and what may be said of each."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A reviewed group of tests that end otherwise than the suite says."""

    suite: str
    kind: str
    reason: str
    tests: tuple[str, ...]


@cache
def all_deviations() -> tuple[Deviation, ...]:
    """The reviewed list."""
    content = tomllib.loads((Path(__file__).parent / "deviations.toml").read_text(encoding="utf-8"))
    return tuple(
        Deviation(item["suite"], item["kind"], item["reason"], tuple(item["tests"])) for item in content["deviation"]
    )


def deviations(suite: str) -> dict[str, Deviation]:
    """The tests of one suite that deviate, with the group they stand in."""
    return {test: group for group in all_deviations() if group.suite == suite for test in group.tests}
