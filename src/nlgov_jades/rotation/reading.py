"""Reading files that somebody else may be replacing: what they look like, and octets that belong to one moment.

Nothing here knows what is in the files, and nothing of what is in them goes into an error.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError, quoted

__all__ = ["Contents", "Look", "UnreadableError", "look_at", "read_together"]

ATTEMPTS: Final = 3
"""A replacement takes a moment, and one that is still going on after this is looked at again later."""

MAX_OCTETS: Final = 1 << 20
"""A key with its chain takes some kilobytes. A path that names something else by mistake must not fill the memory."""

PATH_LENGTH: Final = 200
"""Characters of a path that are shown: enough for those of mounted secrets."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the system says of one file, symbolic links followed. Equal looks are taken for equal octets.

    The inode tells a rename and the swap of a symbolic link, size and mtime a file that is written in place. The ctime
    tells what keeps the mtime: a restored file, or access that was granted later.
    """

    device: int
    inode: int
    size: int
    modified: int
    changed: int


@dataclass(frozen=True, slots=True, repr=False)
class Contents:
    """Octets of several files, which hold secrets.

    Attributes:
        looks: What the files looked like before and after they were read.
        octets: Of each file.
    """

    looks: tuple[Look | None, ...]
    octets: tuple[bytes, ...]


class UnreadableError(ConfigurationError):
    """The files cannot be read.

    Attributes:
        looks: What they looked like when it was tried.
    """

    def __init__(self, detail: str, looks: tuple[Look | None, ...]) -> None:
        super().__init__(detail)
        self.looks = looks


def look_at(paths: Sequence[Path]) -> tuple[Look | None, ...]:
    """What each of the files looks like; `None` for one that is not there or cannot be reached."""
    return tuple(_look(path) for path in paths)


def read_together(paths: Sequence[Path]) -> Contents:
    """The octets of all the files as they stood at one moment: none changed between the first look and the last.

    Raises:
        UnreadableError: A file cannot be read, is no regular file or is too large, or the files kept changing.
    """
    looks = look_at(paths)
    for _ in range(ATTEMPTS):
        problem, octets = "", tuple[bytes, ...]()
        try:
            octets = tuple(_read(path) for path in paths)
        except ConfigurationError as error:
            problem = str(error)
        before, looks = looks, look_at(paths)
        # What failed while the files changed says nothing of them as they are now.
        if looks == before:
            if problem:
                raise UnreadableError(problem, looks)
            return Contents(looks, octets)
    raise UnreadableError("the files keep changing while they are read", looks)


def _look(path: Path) -> Look | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return Look(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _read(path: Path) -> bytes:
    name = quoted(path, PATH_LENGTH)
    try:
        # A pipe would hold up whoever opens it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigurationError(f"{name} is no regular file")
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from None
    if len(octets) > MAX_OCTETS:
        raise ConfigurationError(f"{name} is larger than {MAX_OCTETS} octets")
    return octets
