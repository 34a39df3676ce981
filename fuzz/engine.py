"""Runs one harness under atheris (libFuzzer) in this process, which ends with it. `__main__.py` starts it.

Only here is atheris needed. Everything else runs without it, replaying included.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

__all__ = ["run"]

HANG = 30
"""Seconds after which libFuzzer ends a run that hangs where Python cannot look; the slowest good input takes 0.2."""

MEMORY = 2048
"""MiB of the whole process, corpus and instrumentation included; a good run stays below 600."""

WRITE_EVERY = 5.0
"""Seconds between two writings of the statistics, besides one at each power of two: the engine ends without telling Python."""


def run(name: str, *, seconds: int, corpus: Path, findings: Path, seed: int) -> None:
    """Fuzz one harness for so many seconds. Does not return.

    Args:
        name: Of the harness.
        seconds: For how long.
        corpus: A folder with inputs; what reaches new code is added.
        findings: A folder for the input of a finding, and for the statistics.
        seed: For the engine's chances.
    """
    import atheris  # noqa: PLC0415 - only here, and slow  # pyright: ignore[reportMissingImports]  # it is not there where types are checked

    with atheris.instrument_imports(include=["nlgov_jades"]):  # pyright: ignore[reportAttributeAccessIssue]  # it is there
        # Nothing that imports the library may have been imported before.
        from .table import BY_NAME  # noqa: PLC0415 - under instrumentation
        from .watch import Watch  # noqa: PLC0415 - the same
    harness = BY_NAME[name]
    for index, octets in enumerate(harness.seeds()):
        (corpus / f"seed-{index:05}").write_bytes(octets)
    words = findings / f"{name}.dict"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in harness.words if word), "ascii")
    outcomes: Counter[str] = Counter()
    watch, written = Watch(), time.monotonic()
    statistics = findings / f"{name}.json"

    def one(data: bytes) -> None:
        nonlocal written
        with watch:
            outcomes[harness.run(data)] += 1
        count = outcomes.total()
        if count & (count - 1) == 0 or time.monotonic() - written > WRITE_EVERY:
            written = time.monotonic()
            statistics.write_text(json.dumps({"outcomes": outcomes, "slowest": watch.slowest}), "ascii")

    warnings.simplefilter("ignore")  # a parser that warns of what it reads is no finding
    options = {
        "max_total_time": seconds,
        "max_len": harness.longest,
        "timeout": HANG,
        "rss_limit_mb": MEMORY,
        "print_final_stats": 1,
        "artifact_prefix": f"{findings / name}-",
        "dict": words,
        "seed": seed,
        "verbosity": 1,
        "len_control": 20,  # inputs are short; let them grow sooner than those of a compiler
    }
    if not harness.words:
        del options["dict"]
    arguments = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], one)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word)
