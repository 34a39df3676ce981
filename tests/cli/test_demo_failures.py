"""`nlgov-jades demo` when something does not come out as it must: said, status 1, and everything is ended all the same."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from nlgov_jades.cli.demo import providers as demo_providers
from nlgov_jades.cli.demo import run as demo_run
from nlgov_jades.ddas import Question
from nlgov_jades.testing import Hierarchy, Responder

from .command import PATIENCE, Done, Run

Processes = list[subprocess.Popen[Any]]


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    """The providers' processes. Each test ends with all of them ended."""
    made: Processes = []
    original = subprocess.Popen

    def start(*words: Any, **options: Any) -> Any:
        made.append(original(*words, **options))
        return made[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return made


def failed(done: Done, step: str, processes: Processes) -> str:
    """It said that this step, and no other, went wrong; what it said of it."""
    assert done.status == 1
    assert done.json["ok"] is False
    wrong = [one for one in done.json["steps"] if not one["ok"]]
    assert [one["step"] for one in wrong] == [step]
    assert b"Something did not come out as it must." in done.err
    assert all(process.returncode is not None for process in processes)
    assert not [thread.name for thread in threading.enumerate() if "responder" in thread.name]
    detail = wrong[0]["detail"]
    assert isinstance(detail, str)
    return detail


def test_a_revocation_that_nobody_hears_of(run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes) -> None:
    monkeypatch.setattr(Responder, "revoke", lambda *_: None)
    assert "must be refused" in failed(run("demo", "--json"), "revocation", processes)


def test_a_change_that_is_not_noticed(run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes) -> None:
    monkeypatch.setattr(demo_run, "one_bit_changed", bytes)
    assert "accepted, which is wrong" in failed(run("demo", "--json"), "refusal", processes)


def test_a_change_that_is_refused_for_another_reason(
    run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> None:
    monkeypatch.setattr(demo_run, "ANSWER_SECONDS", 1e-9)
    done = run("demo", "--json")
    assert done.status == 1
    wrong = [one for one in done.json["steps"] if not one["ok"]]
    assert [one["step"] for one in wrong] == ["refusal"] * 3
    assert all("Timeout" in one["detail"] for one in wrong)
    assert all(process.returncode is not None for process in processes)


def test_a_foreign_root_that_is_none(run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes) -> None:
    made: list[Hierarchy] = []
    original = Hierarchy.new

    def the_first(**options: Any) -> Hierarchy:
        if not made:
            made.append(original(**options))
        return made[0]

    monkeypatch.setattr(Hierarchy, "new", the_first)
    assert "answered with status 200" in failed(run("demo", "--json"), "refusal", processes)


def test_records_that_do_not_come(run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes) -> None:
    monkeypatch.setattr(
        demo_run, "QUESTION", Question(start=dt.date(2024, 1, 1), end=dt.date(2024, 1, 31), page_size=50)
    )
    done = run("demo", "--json")
    assert done.status == 1
    wrong = {one["step"] for one in done.json["steps"] if not one["ok"]}
    assert wrong == {"collect", "revocation"}
    assert all(process.returncode is not None for process in processes)


def test_a_provider_whose_process_ends_at_once(run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes) -> None:
    monkeypatch.setattr(demo_providers, "MODULE", "nlgov_jades.no_such_module")
    assert "ended with status 1" in failed(run("demo", "--json"), "provider", processes)


@pytest.mark.parametrize(
    "said", ["", "no JSON\\n", "x" * 10_000, '{"port": 1}\\n'], ids=["nothing", "words", "long", "half"]
)
def test_a_provider_that_does_not_say_where_it_is(
    said: str, run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes, tmp_path: Path
) -> None:
    program = f"import sys; sys.stdout.write({said.encode().decode('unicode_escape')!r}); sys.stdout.flush(); sys.stdin.read()"
    (tmp_path / "mute.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(demo_providers, "MODULE", "mute")
    if not said:
        monkeypatch.setattr(demo_providers, "START_SECONDS", 0.1)
    assert "does not serve" in failed(run("demo", "--json"), "provider", processes)


def test_a_provider_that_does_not_end_when_it_is_told_to(
    run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes, tmp_path: Path
) -> None:
    (tmp_path / "deaf.py").write_text("import threading; print('{', flush=True); threading.Event().wait()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(demo_providers, "MODULE", "deaf")
    monkeypatch.setattr(demo_providers, "END_SECONDS", 0.1)
    assert "does not serve" in failed(run("demo", "--json"), "provider", processes)


def test_a_machine_that_starts_no_process(run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "cannot be started" in failed(run("demo", "--json"), "provider", processes)


def test_a_machine_without_a_free_port(run: Run, monkeypatch: pytest.MonkeyPatch, processes: Processes) -> None:
    def refuse(_: Responder) -> Responder:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(Responder, "start", refuse)
    done = run("demo", "--json")
    assert (done.status, done.error) == (2, "CONFIGURATION")
    assert all(process.returncode is not None for process in processes)


@pytest.mark.parametrize("missing", ["anyio", "httpx", "starlette", "uvicorn"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    program = f"""
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {missing!r}:
            raise ModuleNotFoundError("No such module", name={missing!r})

sys.meta_path.insert(0, Hidden())
from nlgov_jades.cli import main
sys.argv = ["nlgov-jades", "demo"]
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"nlgov-jades: the demo needs two extras: pip install 'nlgov-jades[cli,ddas]'\n"
