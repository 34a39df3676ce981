"""`python -m fuzz`: runs the harnesses one after the other and tells what they found; or one input again.

    python -m fuzz --seconds 60                       every harness for a minute
    python -m fuzz --seconds 600 verifier crl         two of them for ten minutes
    python -m fuzz --replay verifier FILE             one input again, without atheris
    python -m fuzz --list                             the harnesses and what they hold

The exit status is 1 when there was a finding, and 2 when a harness could not run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FINDINGS = Path(tempfile.gettempdir()) / "nlgov-jades-fuzz"
"""Outside the project: what is found becomes a test, never a file."""

_NO_FINDING, _FINDING, _FAILED = 0, 1, 2
_ARTIFACTS = ("crash", "timeout", "oom", "leak", "slow-unit")


@dataclass(frozen=True, slots=True)
class Report:
    """How one harness did."""

    name: str
    status: int
    executions: int
    coverage: str
    seconds: float
    processor: float
    outcomes: dict[str, int]
    slowest: float
    artifacts: tuple[Path, ...]


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Fuzz the parsers and the verifier.")
    parser.add_argument("names", nargs="*", metavar="HARNESS", help="which harnesses; all when not given")
    parser.add_argument("--seconds", type=int, default=60, help="for each harness (60)")
    parser.add_argument(
        "--findings", type=Path, default=FINDINGS, help=f"where the input of a finding goes ({FINDINGS})"
    )
    parser.add_argument("--corpus", type=Path, help="keep what reaches new code here, and begin with it")
    parser.add_argument("--seed", type=int, default=int(time.time()) & 0xFFFF, help="for the engine's chances")
    parser.add_argument("--replay", nargs=2, metavar=("HARNESS", "FILE"), help="run one input again")
    parser.add_argument("--list", action="store_true", help="name the harnesses")
    parser.add_argument("--engine", metavar="HARNESS", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.engine:
        from .engine import run  # noqa: PLC0415 - the instrumentation comes before any import of the library

        run(
            options.engine, seconds=options.seconds, corpus=options.corpus, findings=options.findings, seed=options.seed
        )
    from .table import BY_NAME, HARNESSES  # noqa: PLC0415 - the same

    if options.replay:
        name, file = options.replay
        print(f"{name}: {BY_NAME[name].run(Path(file).read_bytes())}")
        return _NO_FINDING
    if options.list:
        for harness in HARNESSES.values():
            print(f"{harness.name}: {harness.oracle}")
        return _NO_FINDING
    if unknown := set(options.names) - BY_NAME.keys():
        parser.error(f"no such harness: {', '.join(sorted(unknown))}; see --list")
    options.findings = options.findings.resolve()
    options.findings.mkdir(parents=True, exist_ok=True)
    reports = [fuzz(name, options) for name in options.names or HARNESSES]
    total = sum(report.executions for report in reports)
    found = sum(report.status == _FINDING for report in reports)
    spent = sum(report.processor for report in reports)
    print(f"{len(reports)} harnesses, {total} executions, {spent:.0f} s of a processor, {found} with a finding")
    return max((report.status for report in reports), default=_FAILED)


def fuzz(name: str, options: argparse.Namespace) -> Report:
    """Run one harness in a process of its own, and print how it did."""
    with tempfile.TemporaryDirectory(prefix="nlgov-jades-corpus-") as folder:
        corpus = options.corpus.resolve() / name if options.corpus else Path(folder)
        corpus.mkdir(parents=True, exist_ok=True)
        (options.findings / f"{name}.json").unlink(missing_ok=True)  # of an earlier run
        before = set(options.findings.iterdir())
        command = [
            sys.executable,
            "-m",
            "fuzz",
            "--engine",
            name,
            "--seconds",
            str(options.seconds),
            "--seed",
            str(options.seed),
        ]
        command += ["--corpus", str(corpus), "--findings", str(options.findings)]
        start, spent = time.monotonic(), _processor()
        # A harness never waits for anything; twice its time and five minutes are for a machine that is busy.
        status, log = _ended(command, 2 * options.seconds + 300)
        times = time.monotonic() - start, _processor() - spent
    (options.findings / f"{name}.log").write_text(log, "utf-8")
    report = read_log(name, log, status=status, times=times, findings=options.findings, before=before)
    tell(report, options.findings)
    return report


def _ended(command: list[str], limit: float) -> tuple[int, str]:
    """Exit status and everything that was printed; the status of an engine that does not end is -1."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=limit,
            cwd=root,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return -1, f"ended after {limit} s"
    return done.returncode, done.stderr + done.stdout


def _processor() -> float:
    """Seconds of processor time of all that was started and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read_log(
    name: str, log: str, *, status: int, times: tuple[float, float], findings: Path, before: set[Path]
) -> Report:
    """What the engine printed, and which files it left."""
    executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", log) or re.findall(
        r"^#(\d+)", log, re.MULTILINE
    )
    coverage = re.findall(r"(cov: \d+ ft: \d+ corp: \d+)", log)
    new = sorted(
        path
        for path in set(findings.iterdir()) - before
        if path.name.startswith(tuple(f"{name}-{kind}" for kind in _ARTIFACTS))
    )
    told = findings / f"{name}.json"
    statistics = json.loads(told.read_text("ascii")) if told.exists() else {}
    verdict = _NO_FINDING if status == 0 else _FINDING if new else _FAILED
    return Report(
        name,
        verdict,
        int(executions[-1]) if executions else 0,
        coverage[-1] if coverage else "no coverage",
        *times,
        statistics.get("outcomes", {}),
        statistics.get("slowest", 0.0),
        tuple(new),
    )


def tell(report: Report, findings: Path) -> None:
    """Print how one harness did."""
    words = ", ".join(
        f"{word} {count}" for word, count in sorted(report.outcomes.items(), key=lambda item: -item[1])[:6]
    )
    print(
        f"{report.name}: {report.executions} executions in {report.seconds:.0f} s ({report.processor:.0f} s of a processor), {report.coverage}, slowest {report.slowest:.2f} s; {words}",
        flush=True,
    )
    for path in report.artifacts:
        print(f"  FINDING: python -m fuzz --replay {report.name} {path}")
    if report.status == _FAILED:
        print(f"  could not run; see {findings / report.name}.log")


if __name__ == "__main__":
    sys.exit(main())
