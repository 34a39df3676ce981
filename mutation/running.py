"""The tests in a process of their own: once with coverage, then those that run a mutant's code on each mutant.

A mutant in a function is made by exchanging the code of that function in a fork of the process in which all tests were
collected and ran once, so that it costs milliseconds. A mutant of what runs at import is made by importing everything anew.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.abc
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import coverage
import pytest
from hypothesis import settings

from .children import End, fork
from .operators import Mutant, apply
from .selection import LEFT_OUT, ROOT, SELECTION, source_of

__all__ = ["Baseline", "Outcome", "Warm", "arguments", "check_cold", "run_cold"]

SLOW: Final = 1.5
"""Seconds: slower tests are left out, for each would be run for hundreds of mutants."""

_LEAST: Final = 5.0
"""Seconds of processor time that any mutant may take, besides a multiple of what its tests took without one."""

_MULTIPLE: Final = 4

_FAIL_AGAIN: Final = 10
"""Tests that may fail when they run a second time in one process; more of them are a fault of the tests."""

PACKAGE: Final = "nlgov_jades"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant.

    Attributes:
        mutant: Which.
        end: How its process ended.
        tests: How many tests run the code.
    """

    mutant: Mutant
    end: End
    tests: int


@dataclass(slots=True)
class Baseline:
    """What the tests did to one module without a mutant.

    Attributes:
        durations: Seconds for each test, by its id; the same for all modules.
        by_line: Ids of the tests that run a line.
        at_import: Lines that run at import.
        beside: Ids of the tests that run a line of a module that imports this one, or of none that is mutated: they may
            look at what the import of this one made.
    """

    durations: dict[str, float] = field(default_factory=dict)
    by_line: dict[int, set[str]] = field(default_factory=dict)
    at_import: set[int] = field(default_factory=set)
    beside: set[str] = field(default_factory=set)

    def tests_for(self, mutant: Mutant) -> list[str]:
        """The tests that run the mutant's code, the quickest first."""
        for first, last in mutant.place.lines:
            found = set().union(*(self.by_line.get(line, set()) for line in range(first, last + 1)))
            if found:
                return sorted(found, key=lambda name: (self.durations[name], name))
        return []

    def tests_for_import(self) -> list[str]:
        """The tests that may notice what the import of the module made, the quickest first."""
        found = self.beside.union(*self.by_line.values())
        return sorted(found, key=lambda name: (self.durations[name], name))

    def runs_at_import(self, mutant: Mutant) -> bool:
        """Whether the mutant's code runs when the module is imported."""
        first, last = mutant.place.lines[0]
        return any(line in self.at_import for line in range(first, last + 1))


def arguments(tests: Sequence[str]) -> list[str]:
    """Arguments of pytest: as the project sets it up, with nothing that is kept between runs."""
    left_out = [f"--deselect={name}" for name in LEFT_OUT]
    return [
        *tests,
        *left_out,
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:cov",
        "-s",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        f"--rootdir={ROOT}",
    ]


def prepare() -> None:
    """Make property tests the same in each run."""
    settings.register_profile("mutation", database=None, derandomize=True, deadline=None)
    settings.load_profile("mutation")


class Warm:
    """A pytest plugin that takes the place of pytest's loop over the tests.

    Args:
        selection: What of `SELECTION` all these modules have in common: their tests.
        job: What to do when all tests have run once.
    """

    def __init__(self, selection: Sequence[str], job: Callable[[Warm], None]) -> None:
        # All of them, whichever are mutated: what imports a module counts for its mutants.
        modules = [module for module, tests in SELECTION.items() if tests == selection]
        self._job = job
        self.durations: dict[str, float] = {}
        self.baselines = {module: Baseline(self.durations) for module in modules}
        self._items: dict[str, pytest.Item] = {}
        self._failed: str | None = None
        self._session: pytest.Session | None = None
        sources = [str(source_of(module)) for module in modules]
        self._cov = coverage.Coverage(data_file=None, config_file=False, include=sources)

    def start(self) -> None:
        """Before anything of the package is imported."""
        self._cov.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember that a test failed."""
        if report.failed:
            self._failed = report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every test once with coverage, then do the job."""
        self._session = session
        items = list(session.items)
        for position, item in enumerate(items):
            self._cov.switch_context(item.nodeid)
            began = time.perf_counter()
            # Behind the last test everything but the session's own fixtures is torn down.
            behind = items[position + 1] if position + 1 < len(items) else _Nothing(session)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=behind)
            self.durations[item.nodeid] = time.perf_counter() - began
            if self._failed is not None:
                raise pytest.UsageError(f"{item.nodeid} fails without any mutant")
            self._items[item.nodeid] = item
        self._cov.stop()
        self._read_coverage()
        forget()
        self._job(self)
        return True

    def _read_coverage(self) -> None:
        left_out = {name for name, seconds in self.durations.items() if seconds > SLOW}
        data = self._cov.get_data()
        for module, baseline in self.baselines.items():
            for line, contexts in data.contexts_by_lineno(str(source_of(module))).items():
                baseline.by_line[line] = {name for name in contexts if name and name not in left_out}
                if "" in contexts:
                    baseline.at_import.add(line)
        tests = {module: set().union(*item.by_line.values()) for module, item in self.baselines.items()}
        none = set(self.durations) - left_out - set().union(*tests.values())
        for module, baseline in self.baselines.items():
            importers = [other for other in self.baselines if _imports(other, module)]
            baseline.beside = none.union(*(tests[other] for other in importers))

    def run(self, names: Sequence[str]) -> bool:
        """Whether these tests pass, in a child; the first that fails ends it."""
        assert self._session is not None  # noqa: S101 - set before the job begins
        items = [self._items[name] for name in names]
        for position, item in enumerate(items):
            behind = items[position + 1] if position + 1 < len(items) else _Nothing(self._session)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=behind)
            if self._failed is not None:
                return False
        return True

    def limit(self, names: Sequence[str]) -> float:
        """Seconds for a run of these tests."""
        return _LEAST + _MULTIPLE * sum(self.durations[name] for name in names)

    def leave_out_what_fails_again(self) -> list[str]:
        """Tests that do not pass a second time, the quickest first: they would kill what nobody changed. Left out."""
        again: list[str] = []
        while True:
            names = sorted(self.durations, key=lambda name: (self.durations[name], name))
            names = [name for name in names if self.durations[name] <= SLOW]
            with tempfile.TemporaryDirectory() as folder:
                told = Path(folder) / "failed"

                def work(names: list[str] = names, told: Path = told) -> bool:
                    passed = self.run(names)
                    told.write_text(self._failed or "", encoding="utf-8")
                    return passed

                end = fork(work, self.limit(names))
                if end is End.SURVIVED:
                    return again
                failed = told.read_text(encoding="utf-8") if told.exists() else ""
            if not failed or len(again) >= _FAIL_AGAIN:
                raise pytest.UsageError(f"the tests do not pass a second time ({end.value}): {again}")
            again.append(failed)
            del self.durations[failed]
            for baseline in self.baselines.values():
                for tests in (*baseline.by_line.values(), baseline.beside):
                    tests.discard(failed)

    def try_mutant(self, tree: ast.Module, mutant: Mutant) -> Outcome:
        """A mutant in a function, in a fork of this process."""
        module = mutant.place.module
        names = self.baselines[module].tests_for(mutant)
        if not names:
            return Outcome(mutant, End.SURVIVED, 0)
        code = compile(apply(tree, mutant), str(source_of(module)), "exec", dont_inherit=True)

        def work() -> bool:
            exchange(sys.modules[f"{PACKAGE}.{module}"], mutant.place.outermost, code)
            return self.run(names)

        return Outcome(mutant, fork(work, self.limit(names)), len(names))


_CACHED: Final = type(lru_cache(lambda: None))


class _Nothing:
    """Stands for the test behind the last one: it needs nothing but the session."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session

    def listchain(self) -> list[pytest.Session]:
        return [self._session]


def _imports(module: str, other: str) -> bool:
    """Whether a module imports the other one, or names from it."""
    package = f"{PACKAGE}.{module}".split(".")[:-1]
    wanted = f"{PACKAGE}.{other}"
    for node in ast.walk(ast.parse(source_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            above = package[: len(package) - node.level + 1]
            found = ".".join([*above, *(node.module.split(".") if node.module else [])])
            if wanted in {found, *(f"{found}.{alias.name}" for alias in node.names)}:
                return True
    return False


def forget() -> None:
    """Empty the caches of the package's functions: what they hold was found without a mutant."""
    for thing in gc.get_objects():
        if isinstance(thing, _CACHED) and str(thing.__module__).startswith(PACKAGE):
            thing.cache_clear()


def exchange(module: ModuleType, name: str, code: CodeType) -> None:
    """Give the function of that name in a module the code that it has in `code`, the changed module."""
    function = _function(module, name)
    function.__code__ = next(found for found in _codes(code) if found.co_qualname == name)


def _function(module: ModuleType, name: str) -> FunctionType:
    owner: Any = module
    for part in name.split("."):
        owner = vars(owner)[part]
    if isinstance(owner, property):
        owner = owner.fget
    elif isinstance(owner, (classmethod, staticmethod)):
        owner = owner.__func__
    elif isinstance(owner, cached_property):
        owner = owner.func
    elif isinstance(owner, _CACHED):
        owner.cache_clear()
        owner = owner.__wrapped__
    if not isinstance(owner, FunctionType):
        raise TypeError(f"{name} is no function")
    return owner


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from code that was changed."""

    def __init__(self, module: str, source: Path, code: CodeType) -> None:
        self._module, self._source, self._code = f"{PACKAGE}.{module}", source, code

    def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
        if name != self._module:
            return None
        return importlib.util.spec_from_file_location(name, self._source, loader=self)

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, vars(module))  # noqa: S102 - the module's own code, with one change


class _FirstFailure:
    """A pytest plugin that runs tests in an order of ours."""

    def __init__(self, order: Sequence[str]) -> None:
        self._order = {name: position for position, name in enumerate(order)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._order), key=lambda item: self._order[item.nodeid]
        )


def run_cold(tree: ast.Module, mutant: Mutant, files: Sequence[str], baseline: Baseline) -> Outcome:
    """A mutant of what runs at import, in a fork of a process that has imported nothing of the package.

    First the module's own test files, then all.
    """
    module = mutant.place.module
    own = [name for name in files if Path(name).stem.startswith(f"test_{module.rpartition('.')[2]}")]
    # Its own tests are all asked: they may read what the module made and run nothing of it.
    mine = [test for test in baseline.durations if test.partition("::")[0] in own and baseline.durations[test] <= SLOW]
    names = list(dict.fromkeys([*baseline.tests_for_import(), *mine]))
    files = [name for name in files if any(test.startswith(f"{name}::") for test in names)]
    changed = apply(tree, mutant)
    end = _anew(module, changed, own, names, baseline) if own else End.SURVIVED
    if end is End.SURVIVED:
        end = _anew(module, changed, files, names, baseline)
        if end is End.KILLED:
            # Thousands of tests and imports: once in a long while something else goes wrong, so it has to go wrong twice.
            end = _anew(module, changed, files, names, baseline)
    return Outcome(mutant, end, len(names))


def check_cold(module: str, tree: ast.Module, files: Sequence[str], baseline: Baseline) -> None:
    """Return when the tests pass that way with the module as it is: otherwise they would kill what nobody changed.

    Raises:
        RuntimeError: They do not.
    """
    names = baseline.tests_for_import()
    end = _anew(module, tree, files, names, baseline)
    if end is not End.SURVIVED:
        raise RuntimeError(f"the tests of {module} do not pass when everything is imported anew ({end.value})")


def _anew(module: str, tree: ast.Module, files: Sequence[str], names: Sequence[str], baseline: Baseline) -> End:
    source = source_of(module)
    code = compile(tree, str(source), "exec", dont_inherit=True)

    def work() -> bool:
        sys.meta_path.insert(0, _Changed(module, source, code))
        return pytest.main(arguments(files), plugins=[_FirstFailure(names)]) == 0

    return fork(work, 2 * _LEAST + _MULTIPLE * sum(baseline.durations[name] for name in names))
