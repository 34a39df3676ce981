"""A body on its way: in memory while it is short, in a temporary file when it is long, and hashed once. No HTTP here.

The file has no name and only this process can read it: it may hold personal data.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..digest import BodyDigest
from ..errors import BodyTooLargeError, ConfigurationError
from ..message import Body

__all__ = ["BodySettings", "Spool"]

MAX_BODY = 64 * 1024 * 1024
"""Octets: twice the largest page that DDAS describes, indented."""

PIECE = 1024 * 1024
"""Octets that are kept in memory, and hashed and written in one go: about a millisecond, which an event loop can bear."""

MANY_PIECES = 1024
"""Pieces that are kept apart: whoever sends single octets would make each of them cost fifty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodySettings:
    """What bodies an edge takes, and where it keeps them.

    Attributes:
        limit: Octets that a body may have.
        memory: Octets of a body that stay in memory; what is longer goes to a temporary file.
        folder: Where that file is made: a folder whose disk is as well protected as the data; the system's own when `None`.

    Raises:
        ConfigurationError: A number is not above zero, or the folder does not exist.
    """

    limit: int = MAX_BODY
    memory: int = PIECE
    folder: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        for value in (self.limit, self.memory):
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ConfigurationError("limit and memory of BodySettings are numbers of octets above zero")
        if self.folder is not None and not Path(self.folder).is_dir():
            raise ConfigurationError("folder of BodySettings is a folder that exists")


class Spool:
    """One body. Fill it with `add`, call `flush` whenever it is `due`, then `finish`, then `read` it. Close it always.

    `add` never waits. `flush` and `read` may touch a disk, and `flush` and `finish` hash: an event loop runs the first two
    in a thread. One of them at a time; `close` may be called while a thread still works, as it does when a task is
    cancelled, and the thread then lets go when it is done.

    Args:
        settings: Limit and folder.
        digest: Makes the BodyDigest; called once, when the body turns out to be long.
    """

    def __init__(self, settings: BodySettings, digest: Callable[[], BodyDigest]) -> None:
        self._settings = settings
        self._new_digest = digest
        self._pieces: list[bytes] = []
        self._held = 0
        self._digest: BodyDigest | None = None
        self._file: IO[bytes] | None = None
        self._whole: bytes | None = None
        self._closed = False
        self._working = threading.Lock()
        self.length = 0
        """Octets added so far."""

    @property
    def due(self) -> bool:
        """Whether more is held in memory than should be."""
        return self._held > self._settings.memory

    @property
    def on_disk(self) -> bool:
        """Whether it went to a file, so that `read` touches a disk."""
        return self._file is not None

    def add(self, octets: bytes) -> None:
        """The next octets of the body.

        Raises:
            BodyTooLargeError: There are more than the limit. Nothing of them was kept.
        """
        if self.length + len(octets) > self._settings.limit:
            raise BodyTooLargeError(f"the body has more than the {self._settings.limit} octets that are accepted")
        if octets:
            if len(self._pieces) >= MANY_PIECES:
                self._pieces = [b"".join(self._pieces)]
            self._pieces.append(octets)
            self._held += len(octets)
            self.length += len(octets)

    def flush(self) -> None:
        """Hash and write to the file what is held in memory.

        Raises:
            OSError: The disk is full or the file cannot be made.
            ConfigurationError: It was closed.
        """
        with self._at_work():
            self._flush()

    def _flush(self) -> None:
        if self._digest is None:
            self._digest = self._new_digest()
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._settings.folder, buffering=0)  # noqa: SIM115 - `close` ends it
        for octets in self._pieces:
            self._digest.update(octets)
            view = memoryview(octets)
            while view:
                view = view[self._file.write(view) :]
        self._pieces.clear()
        self._held = 0

    def finish(self) -> Body:
        """The body for a signer or verifier: its octets when it is in memory, else what it was hashed to.

        Raises:
            OSError: As `flush`.
            ConfigurationError: It was closed.
        """
        with self._at_work():
            if self._file is None:
                self._whole = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
                self._pieces.clear()
                return self._whole
            self._flush()
            self._file.seek(0)
            if self._digest is None:  # pragma: no cover - a file is made together with it
                raise ConfigurationError("a body in a file has a digest")
            return self._digest

    def read(self, size: int = PIECE) -> bytes:
        """The next octets, at most `size`; empty at the end. Only after `finish`.

        Raises:
            OSError: The file cannot be read.
            ConfigurationError: It was closed.
        """
        with self._at_work():
            if self._file is not None:
                return self._file.read(size)
            whole, self._whole = self._whole or b"", b""
            if len(whole) > size:
                self._whole = whole[size:]
                return whole[:size]
            return whole

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        try:
            with self._working:
                if self._closed:
                    raise ConfigurationError("this body was closed")
                yield
        finally:
            if self._closed:
                self._let_go()

    def close(self) -> None:
        """Let go of everything; what was in a file is gone. May be called more than once."""
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        # A file that is closed under a thread that writes: the number of the file may be another's by then.
        if not self._working.acquire(blocking=False):
            return
        try:
            self._pieces.clear()
            self._whole = None
            file, self._file = self._file, None
            if file is not None:
                file.close()
        finally:
            self._working.release()

    def __repr__(self) -> str:
        return f"<Spool: {self.length} octets>"
