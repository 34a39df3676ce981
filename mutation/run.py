"""`python -m mutation [module …]`: mutate, run, hold what survives against the list of survivors, and write the page."""

from __future__ import annotations

import argparse
import ast
import datetime as dt
import importlib
import itertools
import os
import pickle
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from . import kept, page, survivors
from .children import End, Keys
from .operators import Mutant, Scope, mutants_of
from .running import Outcome, Warm, arguments, check_cold, prepare, run_cold
from .selection import ROOT, SELECTION, source_of, tests_of

__all__ = ["main"]

_KEYS_IN_RESERVE: Final = 6
"""Of one size, made before the forks; most tests ask for one or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """Which mutants are tried.

    Attributes:
        only: Text that a mutant's function, line or change must hold; `None` takes all.
        again: Whether those that an earlier run killed are taken as killed.
    """

    only: str | None
    again: bool

    def of(self, mutants: list[Mutant]) -> list[Mutant]:
        """Those that are chosen."""
        return [mutant for mutant in mutants if self.only is None or self.only in _described(mutant)]


def examine(modules: Sequence[str], keys: Keys, choice: _Choice) -> Iterator[tuple[str, list[Outcome]]]:
    """What becomes of every mutant of modules that share their tests.

    Args:
        modules: Names behind `nlgov_jades.`.
        keys: RSA keys for the tests.
        choice: Which mutants.
    """
    with tempfile.TemporaryDirectory() as folder:
        _apart(lambda: _warm(modules, keys, Path(folder), choice))
        for module in modules:
            result = Path(folder) / module
            if not result.exists():
                raise SystemExit(f"the tests of {module} could not be run without a mutant")
            outcomes, cold, baseline, asked = pickle.loads(result.read_bytes())  # noqa: S301 - our own child wrote it
            keys.fill({kind: min(number, _KEYS_IN_RESERVE) for kind, number in asked.items()})
            files = tests_of(module)
            if cold:
                check_cold(module, _tree(module), files, baseline)
            for mutant in cold:
                outcomes.append(run_cold(_tree(module), mutant, files, baseline))
                _tell(outcomes[-1])
            outcomes.sort(key=lambda outcome: outcome.mutant.place.line)
            if choice.only is None:
                kept.keep(module, outcomes)
            yield module, outcomes


def _tree(module: str) -> ast.Module:
    return ast.parse(source_of(module).read_text(encoding="utf-8"))


def _apart(work: Callable[[], None]) -> None:
    """In a child, since this process must not import the package."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - told here: the parent sees a status only
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.waitpid(child, 0)


def _warm(modules: Sequence[str], keys: Keys, folder: Path, choice: _Choice) -> None:
    """Try the mutants that can be made in a process where all tests have run; write them and what is left to a file each."""

    def job(warm: Warm) -> None:
        # What the tests ask for while they run alone; each fork starts with the same ones.
        keys.fill(dict.fromkeys(keys.asked, _KEYS_IN_RESERVE // 2))
        for name in warm.leave_out_what_fails_again():
            print(f"left out, it does not pass a second time: {name}", flush=True)
        for module in modules:
            outcomes, cold = _try_all(module, warm, choice)
            result = outcomes, cold, warm.baselines[module], keys.asked
            (folder / module).write_bytes(pickle.dumps(result))

    warm = Warm(SELECTION[modules[0]], job)
    warm.start()
    pytest.main(arguments(tests_of(modules[0])), plugins=[warm])


def _try_all(module: str, warm: Warm, choice: _Choice) -> tuple[list[Outcome], list[Mutant]]:
    """Outcomes of the mutants in functions, and the mutants of what runs at import."""
    tree = _tree(module)
    names = vars(importlib.import_module(f"nlgov_jades.{module}"))
    known = kept.recall(module) if choice.again else {}
    outcomes: list[Outcome] = []
    cold: list[Mutant] = []
    for mutant in choice.of(mutants_of(module, source_of(module).read_text(encoding="utf-8"), names)):
        if survivors.key_of(mutant) in known:
            outcomes.append(Outcome(mutant, known[survivors.key_of(mutant)], 0))
            continue
        outcome = None if mutant.scope is Scope.IMPORT else warm.try_mutant(tree, mutant)
        if outcome is None or (outcome.end is End.SURVIVED and warm.baselines[module].runs_at_import(mutant)):
            cold.append(mutant)
            continue
        outcomes.append(outcome)
        _tell(outcome)
    return outcomes, cold


def _described(mutant: Mutant) -> str:
    place = mutant.place
    return f"{place.module} {place.function}:{place.line} [{mutant.change}]"


def _tell(outcome: Outcome) -> None:
    if outcome.end is not End.KILLED:
        print(f"{outcome.end.value}: {_described(outcome.mutant)} ({outcome.tests} tests)", flush=True)


def _figures(module: str, outcomes: Collection[Outcome]) -> page.Figures:
    version = re.search(r'__version__ = "([^"]+)"', (ROOT / "src/nlgov_jades/__init__.py").read_text(encoding="utf-8"))
    return page.Figures(
        module=module,
        mutants=len(outcomes),
        killed=sum(outcome.end is not End.SURVIVED for outcome in outcomes),
        too_long=sum(outcome.end is End.TIMEOUT for outcome in outcomes),
        version=version[1] if version else "unknown",
        date=dt.datetime.now(dt.UTC).date().isoformat(),
    )


def _judge(outcomes: Collection[Outcome], modules: Collection[str], figures: Collection[page.Figures]) -> int:
    """Print what is amiss; how many things are."""
    survived = [outcome.mutant for outcome in outcomes if outcome.end is End.SURVIVED]
    unexplained, stale = survivors.compare(survived, modules, survivors.read())
    if unexplained:
        print("not explained; kill them with a test, or give a reason:")
        print(survivors.as_entries(unexplained))
    for known in stale:
        print(f"explained, but it does not survive or is no longer made: {' | '.join(known)}")
    low = [item for item in figures if item.score < page.LEAST_SCORE]
    for item in low:
        print(f"below {page.LEAST_SCORE} %: {item.module} with {item.score:.1f} %")
    return len(unexplained) + len(stale) + len(low)


def main() -> int:
    """Run it.

    Returns:
        0 when every survivor is explained and every module has its score, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m mutation", description="Mutation testing of the core.")
    parser.add_argument("modules", nargs="*", metavar="module", help="such as jws or pki.crl; all when none is named")
    parser.add_argument("--only", help="only mutants whose function, line or change holds this text; judges nothing")
    parser.add_argument("--again", action="store_true", help="take as killed what an earlier run here killed")
    parser.add_argument("--write", action="store_true", help="put the figures into the documentation")
    options = parser.parse_args()
    modules = options.modules or list(SELECTION)
    if unknown := set(modules) - set(SELECTION):
        parser.error(f"not among the modules that are mutated: {', '.join(sorted(unknown))}")
    prepare()
    keys = Keys()
    keys.install()
    everything: list[Outcome] = []
    figures: list[page.Figures] = []
    choice = _Choice(only=options.only, again=options.again)
    for _, group in itertools.groupby(modules, key=SELECTION.__getitem__):
        began = time.monotonic()
        for module, outcomes in examine(list(group), keys, choice):
            everything += outcomes
            if outcomes:
                figures.append(_figures(module, outcomes))
                seconds = time.monotonic() - began
                killed = figures[-1].killed
                print(f"{module}: {killed} of {len(outcomes)} killed; {seconds:.0f} s so far", flush=True)
    if options.only is not None:
        return 0
    amiss = _judge(everything, modules, figures)
    if options.write:
        page.write(figures, SELECTION)
    return 1 if amiss else 0
