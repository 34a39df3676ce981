"""The figures in the documentation: one row for each module, between two marks. Rows of modules that were not run stay."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .selection import ROOT

__all__ = ["LEAST_SCORE", "PAGE", "Figures", "read", "write"]

PAGE: Final = ROOT / "docs" / "explanation" / "mutation-testing.md"
BEGIN: Final = "<!-- figures: written by `nox -s mutation -- --write` -->"
END: Final = "<!-- end of figures -->"

LEAST_SCORE: Final = 85
"""Percent of a module's mutants that must be killed, explained or not."""

_HEAD: Final = (
    "| module | mutants | killed | of these by the time limit | survivors, all explained | score | version | date |",
    "|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a run found for one module.

    Attributes:
        module: Name behind `nlgov_jades.`.
        mutants: How many were made.
        killed: How many a test noticed, or that took too long.
        too_long: How many of these took too long.
        version: Of the library.
        date: Of the run, ISO 8601.
    """

    module: str
    mutants: int
    killed: int
    too_long: int
    version: str
    date: str

    @property
    def score(self) -> float:
        """Percent killed."""
        return 100 * self.killed / self.mutants

    @property
    def row(self) -> str:
        """Its row in the table."""
        survived = self.mutants - self.killed
        return (
            f"| `{self.module}` | {self.mutants} | {self.killed} | {self.too_long} | {survived} | {self.score:.1f} % "
            f"| {self.version} | {self.date} |"
        )


def read(path: Path = PAGE) -> dict[str, Figures]:
    """The figures of the page, by module."""
    _, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    found = {}
    for line in rest.partition(END)[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        name, mutants, killed, too_long, _, _, version, date = cells
        module = name.strip("`")
        found[module] = Figures(
            module=module,
            mutants=int(mutants),
            killed=int(killed),
            too_long=int(too_long),
            version=version,
            date=date,
        )
    return found


def write(figures: Collection[Figures], order: Collection[str], path: Path = PAGE) -> None:
    """Put the figures into the page, in that order; older ones of other modules stay."""
    all_figures = read(path) | {item.module: item for item in figures}
    shown = [all_figures[module] for module in order if module in all_figures]
    mutants, killed = sum(item.mutants for item in shown), sum(item.killed for item in shown)
    total = (
        f"| all | {mutants} | {killed} | {sum(item.too_long for item in shown)} | {mutants - killed} "
        f"| {100 * killed / mutants:.1f} % | | |"
    )
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, behind = rest.partition(END)
    table = "\n".join([BEGIN, "", *_HEAD, *(item.row for item in shown), total, "", END])
    path.write_text(before + table + behind, encoding="utf-8")
