"""Running `nlgov-jades` and looking at what came out: as the installed script, or in this process."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Argument = str | Path

PATIENCE = 120
"""Seconds after which a command hangs. No command takes a tenth of it."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    status: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """All that a person may have seen."""
        return (self.out + self.err).decode("utf-8", errors="replace")

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output, where nothing else may be."""
        assert self.out.endswith(b"\n"), self
        assert self.out.count(b"\n") == 1, self
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def error(self) -> str:
        """Code of the error on standard output."""
        code = self.json["error"]["code"]
        assert isinstance(code, str)
        return code

    @property
    def detail(self) -> str:
        """The sentence that goes with it."""
        detail = self.json["error"]["detail"]
        assert isinstance(detail, str)
        return detail


class Run(Protocol):
    """A command line, in this process."""

    def __call__(self, *arguments: Argument, stdin: bytes = b"") -> Done: ...


def script() -> str:
    """The installed command of this environment."""
    found = shutil.which("nlgov-jades", path=str(Path(sys.executable).parent)) or shutil.which("nlgov-jades")
    assert found is not None, "nlgov-jades is not installed"
    return found


def surroundings(**more: str) -> dict[str, str]:
    """This process's environment without what changes how a command prints, and with `more`."""
    printing = {"PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "TERM"}
    return {name: value for name, value in os.environ.items() if name not in printing} | more


def process(*arguments: Argument, stdin: bytes = b"", **environment: str) -> Done:
    """The installed command, as a process."""
    return finished([script(), *map(str, arguments)], stdin=stdin, env=surroundings(**environment))


def finished(words: Sequence[str], *, stdin: bytes, env: Mapping[str, str], stdout: int = subprocess.PIPE) -> Done:
    """A process that ended, and not with a traceback."""
    done = subprocess.run(
        words, input=stdin, stdout=stdout, stderr=subprocess.PIPE, env=env, timeout=PATIENCE, check=False
    )
    return without_traceback(Done(done.returncode, done.stdout or b"", done.stderr))


def without_traceback(done: Done) -> Done:
    """The same, when it shows nothing of Python."""
    for words in ("Traceback (most recent call last)", "Exception ignored", "panicked at"):
        assert words not in done.text, done.text[-2000:]
    return done


def signing(files: Path) -> tuple[Argument, ...]:
    """Options that sign with the key in the folder."""
    return ("--key", files / "key.pem", "--chain", files / "chain.pem")


def trusting(files: Path) -> tuple[Argument, ...]:
    """Options that verify what `signing` signed."""
    return ("--trust", files / "root.pem", "--revocation", "off")


def protected_header(message: bytes, field: bytes = b"nlgov-adr-payload-sig") -> dict[str, Any]:
    """The protected header in a signed message."""
    encoded = message.partition(b"\n" + field + b": ")[2].partition(b"..")[0]
    header = json.loads(base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))
    assert isinstance(header, dict)
    return header


def with_header(message: bytes, **changes: object) -> bytes:
    """The signed message with another protected header; the signature no longer fits. `None` leaves a parameter out."""
    header = {name: value for name, value in (protected_header(message) | changes).items() if value is not None}
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    head, name, rest = message.partition(b"\nnlgov-adr-payload-sig: ")
    return head + name + encoded + rest[rest.index(b"..") :]
