"""Who is asked: how the program of each peer is built and started, and what is missing where it cannot be.

Builds download libraries of the versions that pom.xml, package.json and go.mod pin. They leave what they make in folders that
git ignores, or in the given one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .jobs import Answer, Job

FOLDER = Path(__file__).resolve().parents[1]

BUILD_SECONDS = 900
"""A first Maven run downloads 20 MB of libraries and its own plug-ins."""

RUN_SECONDS = 300
"""All jobs of one peer take seconds; DSS starts slowly."""


class MissingToolError(Exception):
    """A program that the peer needs is not on this machine. The text is for the table."""


class PeerError(Exception):
    """The program of a peer could not be built, died, or did not answer every job."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A library that signs and verifies in a program of its own.

    Attributes:
        id: Name on the command line and in the names of vectors.
        name: Name for people.
        command: Builds what there is to build, given a folder to build in, and returns how to start it.
        tools: Programs that must be on this machine.
        is_jades: It knows JAdES: it makes the payload from the message by itself, and validates certificates.
    """

    id: str
    name: str
    command: Callable[[Path], Sequence[str]]
    tools: tuple[str, ...] = ()
    is_jades: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """Tools that are not on this machine."""
        return tuple(tool for tool in self.tools if shutil.which(tool) is None)

    def ask(self, jobs: Sequence[Job], folder: Path) -> list[Answer]:
        """The answers to all jobs, in order.

        Args:
            jobs: As in `jobs.py`.
            folder: Where to build; it lives longer than this call.

        Raises:
            MissingToolError: It cannot run on this machine.
            PeerError: It was not built, died, took too long, or answered another number of jobs.
        """
        if self.missing:
            raise MissingToolError(f"not on this machine: {', '.join(self.missing)}")
        lines = "".join(json.dumps(job) + "\n" for job in jobs)
        done = _run(self.command(folder), RUN_SECONDS, lines)
        try:
            answers: list[Answer] = [json.loads(line) for line in done.splitlines()]
        except ValueError:
            raise PeerError(f"{self.name} wrote something that is no JSON") from None
        if not all(isinstance(answer, dict) for answer in answers):
            raise PeerError(f"{self.name} wrote something that is no answer")
        if len(answers) != len(jobs):
            raise PeerError(f"{self.name} answered {len(answers)} of {len(jobs)} jobs")
        return answers


def _run(command: Sequence[str], seconds: float, text: str = "", folder: Path = FOLDER) -> str:
    program = shutil.which(command[0]) or command[0]
    try:
        done = subprocess.run(  # noqa: S603 - the commands are those of this file
            [program, *command[1:]],
            cwd=folder,
            input=text,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"{command[0]} took more than {seconds:.0f} s") from None
    if done.returncode != 0:
        raise PeerError(f"{command[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-600:]}")
    return done.stdout


def _java(peer: str) -> Callable[[Path], Sequence[str]]:
    def command(folder: Path) -> Sequence[str]:
        target = folder / "java"
        if not (target / "interop-1.jar").exists():
            # Quiet, one thread, and a clean target: no jar of an earlier version stays on the class path.
            maven = ("mvn", "-q", "-T1", "-B", f"-Dinterop.target={target}", "package")
            _run(maven, BUILD_SECONDS, folder=FOLDER / "java")
        return ("java", "-cp", f"{target / 'classes'}{os.pathsep}{target / 'libraries'}/*", "nl.interop.Main", peer)

    return command


def _node(_: Path) -> Sequence[str]:
    _run(("npm", "ci", "--no-audit", "--no-fund", "--silent"), BUILD_SECONDS, folder=FOLDER / "node")
    return ("node", str(FOLDER / "node" / "peer.mjs"))


def _go(folder: Path) -> Sequence[str]:
    program = folder / "go-peer"
    _run(("go", "build", "-o", str(program), "."), BUILD_SECONDS, folder=FOLDER / "go")
    return (str(program),)


def _python(peer: str) -> Callable[[Path], Sequence[str]]:
    return lambda _: (sys.executable, str(FOLDER / "python" / "peer.py"), peer)


_MAVEN = ("java", "javac", "mvn")

PEERS = (
    Peer("dss", "EU DSS", _java("dss"), _MAVEN, is_jades=True),
    Peer("jose4j", "jose4j", _java("jose4j"), _MAVEN),
    Peer("nimbus", "Nimbus JOSE+JWT", _java("nimbus"), _MAVEN),
    Peer("jose", "npm jose", _node, ("node", "npm")),
    Peer("go-jose", "go-jose", _go, ("go",)),
    Peer("jwcrypto", "jwcrypto", _python("jwcrypto")),
    Peer("joserfc", "joserfc", _python("joserfc")),
    Peer("pyjwt", "PyJWT", _python("pyjwt")),
)
"""In the order of the table."""
