"""A body on its way: in memory while it is short, in a temporary file when it is long, and hashed once. No HTTP here.

The file has no name and only this process can read it: it may hold personal data.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..digest import BodyDigest
from ..errors import BodyTooLargeError, ConfigurationError
from ..message import Body
from .workers import begin

__all__ = ["HASHED_AT_ONCE", "PIECE", "BodySettings", "Spool"]

MAX_BODY = 64 * 1024 * 1024
"""Octets: twice the largest page that DDAS describes, indented."""

PIECE = 1024 * 1024
"""Octets that are read, written or handed on in one go."""

HASHED_AT_ONCE = 2 * PIECE
"""Octets that an event loop hashes itself: 1.5 ms, and no more than 5 on a processor without instructions for SHA-256. To
hand this much to a thread and back costs as much as the hash."""

IN_MEMORY = 4 * PIECE
"""Octets: most messages never touch a disk, and a hundred long ones at once take no more than the application takes for
them. Nobody whose signature was not verified can make a server keep any."""

LONG_FILE = 16 * PIECE
"""Octets: from here on the end of a file that has no name takes milliseconds, and 35 for a GiB."""

MANY_PIECES = 1024
"""Pieces that are kept apart: whoever sends single octets would make each of them cost fifty."""

_AT_ONCE = 256
"""Pieces that are written in one go; systems take at least 1 024."""

_HAS_WRITEV = hasattr(os, "writev")
"""Not on Windows."""


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
    memory: int = IN_MEMORY
    folder: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        for value in (self.limit, self.memory):
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ConfigurationError("limit and memory of BodySettings are numbers of octets above zero")
        if self.folder is not None and not Path(self.folder).is_dir():
            raise ConfigurationError("folder of BodySettings is a folder that exists")


class Spool:
    """One body. Fill it with `add`, call `flush` whenever it is `due`, then `finish`, then `read` it. Close it always.

    `add` never waits. `flush` gives what is held to a thread that hashes and writes it, and `read` has one fetch what comes
    next; each waits only while that thread `is_behind`. `finish` hashes. An event loop runs what would wait or hash in a
    thread. One of them at a time; `close` may be called while a thread still works, as it does when a task is cancelled,
    and the thread then lets go when it is done.

    Args:
        settings: Limit and folder.
        digest: Makes the BodyDigest; called once, when the body turns out to be long.
    """

    # How it begins. On the class, since one is made for every message and most are short.
    _joined = 0
    _held = 0
    _digest: BodyDigest | None = None
    _file: IO[bytes] | None = None
    _whole: bytes | None = None
    # What threads hash and write, or read ahead; and of a file, the piece that is being read.
    _passing: tuple[Future[None], ...] = ()
    _ahead: Future[bytes] | None = None
    _piece = b""
    _read = 0
    _closed = False
    # How many threads are at work on it, which decides who closes the file. `_count` guards it: made as soon as there can
    # be any, and most bodies come in one piece that stays with whoever added it.
    _busy = 0
    _count: threading.Lock | None = None
    length = 0
    """Octets added so far."""

    def __init__(self, settings: BodySettings, digest: Callable[[], BodyDigest]) -> None:
        self._settings = settings
        self._new_digest = digest
        self._pieces: list[bytes] = []

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
        added, pieces = len(octets), self._pieces
        if self.length + added > self._settings.limit:
            raise BodyTooLargeError(f"the body has more than the {self._settings.limit} octets that are accepted")
        if added:
            if pieces and self._count is None:
                self._count = threading.Lock()
            if len(pieces) - self._joined >= MANY_PIECES:
                # Never those that were joined before: a body would be copied as often as it has thousands of pieces.
                pieces[self._joined :] = [b"".join(pieces[self._joined :])]
                self._joined += 1
            pieces.append(octets)
            self._held += added
            self.length += added

    @property
    def is_behind(self) -> bool:
        """Whether `flush` or `read` would have to wait for a disk or a hash."""
        if self._passing:
            return not all(work.done() for work in self._passing)
        if self._file is None or self._read < len(self._piece):
            return False
        return self._ahead is None or not self._ahead.done()

    def flush(self) -> None:
        """Have what is held in memory hashed and written to the file, when what was held before it is.

        Raises:
            OSError: The disk is full or the file cannot be made: found now, or by the thread before.
            ConfigurationError: It was closed.
        """
        if self._count is None:
            self._count = threading.Lock()
        self._settle()
        pieces, self._pieces = self._pieces, []
        self._held = self._joined = 0
        with self._at_work():
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._settings.folder, buffering=0)  # noqa: SIM115 - `close` ends it
            digest = self._digest = self._digest or self._new_digest()
            file = self._file
        # Both at once: each takes about as long as the other, and neither needs it.
        self._passing = (begin(lambda: self._hash(digest, pieces)), begin(lambda: self._write(file, pieces)))

    def _settle(self) -> None:
        """Wait for what is being hashed and written."""
        passing, self._passing = self._passing, ()
        wait(passing)
        try:
            for work in passing:
                work.result()
        except BaseException:
            # What is in the file is no longer what was hashed.
            self.close()
            raise

    def _hash(self, digest: BodyDigest, pieces: list[bytes]) -> None:
        with self._at_work():
            for group in _groups(pieces):
                digest.update(b"".join(group))

    def _write(self, file: IO[bytes], pieces: list[bytes]) -> None:
        with self._at_work():
            for group in _groups(pieces):
                written = os.writev(file.fileno(), group) if _HAS_WRITEV else 0
                if written < sum(map(len, group)):
                    rest = memoryview(b"".join(group))[written:]
                    while rest:
                        rest = rest[file.write(rest) :]

    def finish(self) -> Body:
        """The body for a signer or verifier: its octets when it is in memory, else what it was hashed to.

        Raises:
            OSError: As `flush`.
            ConfigurationError: It was closed.
        """
        if self._file is not None:
            self.flush()
            self._settle()
        elif self._count is None:
            # A short body, usually: nothing to join, so nothing that takes time.
            whole = self._whole
            if whole is None:
                # One piece at most: joined, it is itself.
                whole = self._whole = b"".join(self._pieces)
                self._pieces.clear()
            if self._closed:
                self._forget()
            self._check_open()
            return whole
        with self._at_work():
            if self._file is None:
                if self._whole is None:
                    self._whole = b"".join(self._pieces)
                    self._pieces.clear()
                return self._whole
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
        if self._file is None:
            whole = self._whole
            if whole is None:
                raise ConfigurationError("this body was closed, or is not finished")
            return self._part(whole, size)
        if self._read >= len(self._piece):
            ahead, self._ahead = self._ahead, None
            self._piece, self._read = self._fetch() if ahead is None else ahead.result(), 0
            if self._piece:
                self._ahead = begin(self._fetch)
        return self._part(self._piece, size)

    def _part(self, octets: bytes, size: int) -> bytes:
        start = self._read
        self._read = min(start + size, len(octets))
        return octets[start : self._read]

    def _fetch(self) -> bytes:
        with self._at_work():
            return b"" if self._file is None else self._file.read(PIECE)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        count = self._count
        if count is None:  # pragma: no cover - whoever works has more than one piece, or a file
            raise ConfigurationError("a body that is worked on has a lock")
        with count:
            self._check_open()
            self._busy += 1
        try:
            yield
        finally:
            with count:
                self._busy -= 1
            if self._closed:
                self._let_go()

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigurationError("this body was closed")

    def close(self) -> None:
        """Let go of everything; what was in a file is gone. May be called more than once."""
        if not self._closed:
            # Now, or when the last thread that is at work is done.
            self._closed = True
            self._let_go()
            # It may be a method of whoever holds this: a ring, which the garbage collector would have to find.
            self._new_digest = BodyDigest

    def _let_go(self) -> None:
        if self._count is None:
            self._forget()
            return
        # A file that is closed under a thread that writes: the number of the file may be another's by then.
        with self._count:
            if self._busy:
                return
            file, self._file = self._file, None
            self._forget()
        if file is not None and self.length > LONG_FILE:
            begin(file.close)
        elif file is not None:
            file.close()

    def _forget(self) -> None:
        self._pieces.clear()
        self._whole = None
        self._piece = b""

    def __repr__(self) -> str:
        return f"<Spool: {self.length} octets>"


def _groups(pieces: list[bytes]) -> Iterator[list[bytes]]:
    """These pieces, in their order, as many together as make about a MiB; a longer one stands alone.

    A thread that comes back to Python for each of many pieces waits each time until it is let in.
    """
    start = length = 0
    for at, octets in enumerate(pieces):
        if at > start and (length + len(octets) > PIECE or at - start >= _AT_ONCE):
            yield pieces[start:at]
            start, length = at, 0
        length += len(octets)
    if start < len(pieces):
        yield pieces[start:]
