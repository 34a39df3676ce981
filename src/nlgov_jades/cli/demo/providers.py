"""The command's side of a provider's process: starting it, telling it what to serve, ending it. What it does is in `process`."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from .keeping import new_file
from .process import ProviderSettings

__all__ = ["ProviderFailedError", "ProviderProcess", "Serving"]

MODULE: Final = "nlgov_jades.cli.demo.process"

START_SECONDS = 20.0
"""Until a provider serves. It takes one; more on a machine that is busy."""

END_SECONDS = 5.0
"""Until a provider that was told to end has ended."""

_LONGEST_LINE = 4096


class ProviderFailedError(Exception):
    """A provider does not serve. The text says why, and holds nothing of its settings."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What a provider says once it serves.

    Attributes:
        port: Where, on 127.0.0.1.
        records: How many records it holds.
    """

    port: int
    records: int


class ProviderProcess:
    """A provider, from its start until the end of `with`. It imports what it needs while its settings are made.

    Args:
        log: File for its log lines; `None`: nobody reads them.

    Raises:
        ProviderFailedError: The operating system starts no process.
    """

    def __init__(self, log: Path | None = None) -> None:
        with contextlib.ExitStack() as stack:
            errors = subprocess.DEVNULL if log is None else stack.enter_context(new_file(log))
            try:
                self._process = subprocess.Popen(  # noqa: S603 - this Python, and a module of ours
                    # -P: a file of the folder that this was called in does not stand in for a module.
                    [sys.executable, "-P", "-m", MODULE],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    # Ctrl-C comes to the command alone, which then ends its providers.
                    start_new_session=True,
                )
            except OSError as error:
                reason = error.strerror or "the operating system refused"
                raise ProviderFailedError(f"its process cannot be started: {reason}") from None

    def serve(self, settings: ProviderSettings) -> Serving:
        """Tell it what to serve, and wait until it does.

        Raises:
            ProviderFailedError: It does not.
        """
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 - for type checkers: both are pipes
        giving_up = threading.Timer(START_SECONDS, self._process.kill)
        giving_up.daemon = True
        giving_up.start()
        try:
            # One that ended already closed the pipe; what it said tells.
            with contextlib.suppress(OSError):
                self._process.stdin.write(settings.line())
                self._process.stdin.flush()
            said = self._process.stdout.readline(_LONGEST_LINE)
        finally:
            giving_up.cancel()
        if not said:
            raise ProviderFailedError(f"its process ended with status {self._process.wait()}")
        try:
            return Serving(**json.loads(said))
        except (ValueError, TypeError):
            raise ProviderFailedError("it does not say where it listens") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.tell_to_end()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            if self._process.stdout is not None:
                self._process.stdout.close()

    def tell_to_end(self) -> None:
        """Let its standard input end, and wait for nothing: several end in the time of one."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it ended before it read everything
                self._process.stdin.close()
