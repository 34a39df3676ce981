"""The driver of fuzzing: what it runs, what it says, and how it ends."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.__main__ import main, read_log
from fuzz.harness import Finding
from fuzz.self_test import HELD
from fuzz.table import HARNESSES
from fuzz.watch import MAX_GROWTH, MAX_SECONDS, Watch

ROOT = Path(__file__).resolve().parents[2]
LOG = """
#1024	pulse  cov: 24 ft: 30 corp: 12/25b lim: 4096 exec/s: 512 rss: 84Mb
#2048	DONE   cov: 25 ft: 31 corp: 13/25b lim: 4096 exec/s: 512 rss: 84Mb
stat::number_of_executed_units: 2050
"""


def test_the_list_names_every_harness_and_what_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == list(HARNESSES)
    assert "self-test" not in HARNESSES


def test_an_input_is_replayed_without_an_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "input"
    file.write_bytes(b"SGk=")
    assert main(["--replay", "base64", str(file)]) == 0
    assert capsys.readouterr().out == "base64: accepted\n"
    file.write_bytes(HELD)
    with pytest.raises(Finding):
        main(["--replay", "self-test", str(file)])


def test_a_harness_that_does_not_exist_is_a_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["everything"])
    assert caught.value.code == 2
    assert "no such harness: everything" in capsys.readouterr().err


def test_the_report_tells_executions_coverage_and_outcomes(tmp_path: Path) -> None:
    (tmp_path / "json.json").write_text('{"outcomes": {"accepted": 3}, "slowest": 0.5}', "ascii")
    report = read_log("json", LOG, status=0, times=(2.0, 1.0), findings=tmp_path, before=set())
    assert (report.status, report.executions, report.coverage) == (0, 2050, "cov: 25 ft: 31 corp: 13")
    assert (report.seconds, report.processor, report.outcomes, report.slowest) == (2.0, 1.0, {"accepted": 3}, 0.5)


@pytest.mark.parametrize("kind", ["crash", "timeout", "oom"])
def test_an_input_that_the_engine_left_is_a_finding(tmp_path: Path, kind: str) -> None:
    old, new = tmp_path / "json-crash-old", tmp_path / f"json-{kind}-new"
    old.touch()
    before = set(tmp_path.iterdir())
    new.touch()
    report = read_log("json", LOG, status=77, times=(1.0, 1.0), findings=tmp_path, before=before)
    assert (report.status, report.artifacts) == (1, (new,))


@pytest.mark.parametrize("status", [-1, 1, 77])
def test_an_engine_that_ends_badly_and_leaves_nothing_could_not_run(tmp_path: Path, status: int) -> None:
    report = read_log("json", "ImportError", status=status, times=(1.0, 1.0), findings=tmp_path, before=set())
    assert (report.status, report.executions, report.artifacts) == (2, 0, ())


def test_a_harness_that_finds_ends_with_status_1_and_says_how_to_replay(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: it is in the group fuzz, for `nox -s fuzz`")
    command = [sys.executable, "-m", "fuzz", "--seconds", "5", "--findings", str(tmp_path), "self-test"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    (found,) = tmp_path.glob("self-test-crash-*")
    assert found.read_bytes() == HELD
    assert f"FINDING: python -m fuzz --replay self-test {found}" in done.stdout


# --- the watch -----------------------------------------------------------------------------------------------


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What the watch sees of this process."""
    seen = {"seconds": 0.0, "memory": 0.0}

    class Usage:
        @property
        def ru_maxrss(self) -> int:
            return int(seen["memory"])

    monkeypatch.setattr("fuzz.watch.time.process_time", lambda: seen["seconds"])
    monkeypatch.setattr("fuzz.watch.resource.getrusage", lambda _: Usage())
    return seen


def used(watching: Watch, seen: dict[str, float], seconds: float, memory: float = 0) -> None:
    with watching:
        seen["seconds"] += seconds
        seen["memory"] += memory


def test_an_input_that_takes_long_is_a_finding_unless_it_is_the_first(spent: dict[str, float]) -> None:
    watching = Watch()
    used(watching, spent, MAX_SECONDS + 1)
    used(watching, spent, MAX_SECONDS)
    with pytest.raises(Finding, match="of processor time"):
        used(watching, spent, MAX_SECONDS + 1)
    assert watching.slowest == MAX_SECONDS + 1


def test_an_input_that_takes_much_memory_is_a_finding(spent: dict[str, float]) -> None:
    watching = Watch()
    used(watching, spent, 0)
    used(watching, spent, 0, MAX_GROWTH)
    with pytest.raises(Finding, match="took 256 MiB"):
        used(watching, spent, 0, MAX_GROWTH + 1)


def test_a_finding_of_the_harness_is_not_hidden_by_that_of_the_watch(spent: dict[str, float]) -> None:
    watching = Watch()
    used(watching, spent, 0)

    def fails() -> None:
        with watching:
            spent["seconds"] += MAX_SECONDS + 1
            raise KeyError

    with pytest.raises(KeyError):
        fails()
