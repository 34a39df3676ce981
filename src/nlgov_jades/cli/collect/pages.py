"""The pages on disk: a folder for each provider, which has its name only once all of its pages are there.

001-gemeente-voorbeeldstad/page-0001.json       the very octets that were verified
001-gemeente-voorbeeldstad/page-0001.headers    status and fields: with them `nlgov-jades verify` can verify it again
"""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from anyio.to_thread import run_sync

from ...ddas import CollectedPage, Provider

__all__ = ["Pages"]

PART = ".part"
"""Behind the name of a folder that is not complete."""

_LONGEST = 40
"""Characters of a provider's name in that of its folder."""


class Pages:
    """Keeps pages in a folder, for its owner alone. One provider's pages come one by one.

    Args:
        folder: An empty folder.
        providers: Whose pages come.
    """

    def __init__(self, folder: Path, providers: Iterable[Provider]) -> None:
        self._folder = folder
        self._names = {
            provider.name: f"{number:03}-{_plain(provider.name)}" for number, provider in enumerate(providers, start=1)
        }
        self._rounds: dict[str, int] = {}

    async def keep(self, page: CollectedPage) -> None:
        """Write a page; with the first one of a new round, what the round before brought is thrown away.

        Raises:
            OSError: It cannot be written.
        """
        await run_sync(self._write, page)

    def finish(self, name: str) -> str:
        """All pages of a provider are there: give its folder its name, and return that.

        Raises:
            OSError: It cannot be renamed.
        """
        folder = self._part(name)
        folder.rename(self._folder / self._names[name])
        return self._names[name]

    def sweep(self) -> None:
        """Throw away what is not complete: nobody is to take it for everything."""
        for name in self._names:
            shutil.rmtree(self._part(name), ignore_errors=True)

    def _part(self, name: str) -> Path:
        return self._folder / (self._names[name] + PART)

    def _write(self, page: CollectedPage) -> None:
        name = page.provider.name
        folder = self._part(name)
        if self._rounds.get(name) != page.round:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            self._rounds[name] = page.round
        stem = folder / f"page-{page.number:04}"
        _write(stem.with_suffix(".headers"), [_head(page)])
        _write(stem.with_suffix(".json"), page.octets())


def _write(path: Path, pieces: Iterable[bytes] | Iterator[bytes]) -> None:
    # Personal data: readable by its owner alone, from the first moment.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)


def _head(page: CollectedPage) -> bytes:
    """As `curl -D` writes it. A page has status 200, or it would be none."""
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in page.verified.message.fields), "", ""]
    return "\r\n".join(lines).encode("iso-8859-1")  # what Fields holds


def _plain(name: str) -> str:
    """A name that every file system takes."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only)[:_LONGEST].strip("-") or "provider"
