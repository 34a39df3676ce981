"""The list of mutants that survive and why that is no gap: reading it, and holding it against what survived. Exact."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .operators import Mutant
from .selection import ROOT

__all__ = ["LIST", "Explained", "Known", "as_entries", "compare", "key_of", "read"]

LIST: Final = ROOT / "mutation" / "survivors.toml"

Known = tuple[str, str, str, str]
"""Module, function, line of the source, change: what a mutant is known by; numbers of lines would not last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One entry: mutants of one line that survive for one reason.

    Attributes:
        module: Name of the module behind `nlgov_jades.`.
        function: Qualified name of the function or class, or `<module>`.
        line: The line where they begin, stripped.
        changes: What each of them changes.
        reason: Why no test can or need tell.
    """

    module: str
    function: str
    line: str
    changes: tuple[str, ...]
    reason: str

    @property
    def keys(self) -> list[Known]:
        """What its mutants are known by."""
        return [(self.module, self.function, self.line, change) for change in self.changes]


def key_of(mutant: Mutant) -> Known:
    """What a mutant is known by."""
    return mutant.place.module, mutant.place.function, mutant.place.text, mutant.change


def read(path: Path = LIST) -> list[Explained]:
    """The entries of the list.

    Raises:
        ValueError: An entry has another form.
    """
    with path.open("rb") as file:
        entries = tomllib.load(file)["survivor"]
    try:
        return [Explained(**(entry | {"changes": tuple(entry["changes"])})) for entry in entries]
    except (KeyError, TypeError) as error:
        raise ValueError(f"an entry of {path.name} has another form: {error}") from None


def compare(
    survived: Iterable[Mutant], modules: Collection[str], listed: Iterable[Explained]
) -> tuple[list[Mutant], list[Known]]:
    """Survivors that are not explained, and explained mutants of these modules that no longer survive or exist.

    Args:
        survived: Mutants of these modules.
        modules: Those that were run to the end.
        listed: The whole list.
    """
    explained = {key for entry in listed for key in entry.keys if entry.module in modules}
    found = list(survived)
    return [mutant for mutant in found if key_of(mutant) not in explained], sorted(explained - set(map(key_of, found)))


def as_entries(mutants: Iterable[Mutant]) -> str:
    """Entries for the list, as TOML, with the reason left to write."""
    lines: dict[Known, list[str]] = {}
    for mutant in mutants:
        module, function, line, change = key_of(mutant)
        lines.setdefault((module, function, line, ""), []).append(change)
    entries = []
    for (module, function, line, _), changes in lines.items():
        listed = "".join(f"  {_toml(change)},\n" for change in dict.fromkeys(changes))
        named = f"module = {_toml(module)}\nfunction = {_toml(function)}\nline = {_toml(line)}\n"
        entries.append(f'[[survivor]]\n{named}changes = [\n{listed}]\nreason = ""\n')
    return "\n".join(entries)


def _toml(text: str) -> str:
    if "\\" not in text and '"' not in text:
        return f'"{text}"'
    quote = "'" if "'" not in text else "'" * 3
    return f"{quote}{text}{quote}"
