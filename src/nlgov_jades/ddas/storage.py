"""Where a provider's records are: what it asks of any storage, and one on SQLite. No HTTP, no JSON.

A storage holds what is to be delivered, as it was when the supplier last put it there; whoever fills it, and how often, is
the supplier's. Its methods wait for a disk, so an event loop calls them in a thread.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, Protocol

from ..errors import ConfigurationError
from .kinds import Kind, Organisation, Record

__all__ = ["IN_MEMORY", "Part", "Selection", "Snapshot", "SqliteStorage", "Storage"]

IN_MEMORY: Final = ":memory:"
"""Instead of a file."""

_VERSION = 1
"""Of the tables, as `user_version` of the file."""

_SCHEMA = """
CREATE TABLE organisations (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    gemeentecode TEXT NOT NULL,
    details TEXT NOT NULL,
    UNIQUE (kind, name, gemeentecode)
);
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    json TEXT NOT NULL
);
CREATE INDEX in_order ON records (organisation, id, first, last);
"""
# The index holds all that counting and finding a page needs, so that neither reads a record that is not delivered.

_NO_START, _NO_END = "0000-00-00", "9999-99-99"
"""Before and after all days: no column is NULL, so that one comparison does."""

_OVERLAPS = "organisation = ? AND first <= ? AND last >= ?"

_ROWS = 200
"""Records that are read at once: some 100 KB."""

_BUSY = 30.0
"""Seconds that a writer waits for another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is asked of a storage: the records whose period has a day in common with the one that is asked.

    Attributes:
        kind: SHV or VS.
        start: First day that is asked, or `None`.
        end: Last day that is asked, or `None`.
        organisation: Name of the one that is asked, or `None` for all.
    """

    kind: Kind
    start: date | None = None
    end: date | None = None
    organisation: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One organisation in a snapshot.

    Attributes:
        organisation: It.
        count: How many of its records were selected.
    """

    organisation: Organisation
    count: int


class Snapshot(Protocol):
    """What a storage held at one moment, of what was selected. One thread at a time."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The organisations that are asked about, in an order that stays, also those without a record."""
        ...

    @property
    def known(self) -> int:
        """How many organisations the storage has of this kind: with none of them it was never filled."""
        ...

    @property
    def period(self) -> tuple[date | None, date | None]:
        """The first and last day in the selected records, or `None` where no record says."""
        ...

    def records(self, part: Part, *, offset: int, limit: int) -> Iterator[bytes]:
        """The JSON of the selected records of one part, in an order that stays.

        Args:
            part: One of `parts`.
            offset: How many are left out first.
            limit: How many at most.
        """
        ...

    def close(self) -> None:
        """Let go of it; may be called twice."""
        ...


class Storage(Protocol):
    """What a provider reads from."""

    def look(self, selection: Selection) -> Snapshot:
        """What it holds now. Close it."""
        ...


class SqliteStorage:
    """Records in a file of SQLite. Safe to share between threads and, through the file, between processes.

    Who reads sees the records of one moment, and neither waits for who writes nor is waited for (WAL). The file holds
    personal data: it is made with mode 0600; put it on a disk that is protected as those are.

    Args:
        path: The file, which is made when it does not exist; or IN_MEMORY, which is gone with the process, for tests. Fill that
            one before it is read: its snapshots are not of one moment.

    Raises:
        ConfigurationError: It cannot be opened, or holds something else.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._lock = threading.Lock()
        self._memory: sqlite3.Connection | None = None
        with _faults():
            if self._path == IN_MEMORY:
                self._memory = self._connection()
                _make_tables(self._memory)
                return
            # SQLite gives the files beside it the same mode.
            Path(self._path).touch(mode=0o600)
            with closing(self._connection()) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                _make_tables(connection)

    def _connection(self) -> sqlite3.Connection:
        # Threads of a pool use it in turn, never two at once.
        return sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)

    # --- filling ---------------------------------------------------------------------------------------------------

    def add(self, kind: Kind, organisation: Organisation, records: Iterable[Record]) -> int:
        """Put records of one organisation beside those that are there; all of them or, when it fails, none.

        Args:
            kind: What they are.
            organisation: Whose they are; its details become these.
            records: Read one by one.

        Returns:
            How many there were.

        Raises:
            ConfigurationError: The storage failed.
        """
        with self._writing() as connection:
            return _insert(connection, _organisation(connection, kind, organisation), records)

    def replace(self, kind: Kind, organisation: Organisation, records: Iterable[Record]) -> int:
        """Put records in the place of all that one organisation had, as `add`. Readers see the old ones or the new."""
        with self._writing() as connection:
            identifier = _organisation(connection, kind, organisation)
            connection.execute("DELETE FROM records WHERE organisation = ?", (identifier,))
            return _insert(connection, identifier, records)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _faults():
            connection = self._memory or self._connection()
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            finally:
                if self._memory is None:
                    connection.close()

    # --- reading ---------------------------------------------------------------------------------------------------

    def look(self, selection: Selection) -> SqliteSnapshot:
        """As `Storage.look`.

        Raises:
            ConfigurationError: The storage failed.
        """
        with _faults():
            if self._memory is not None:
                return SqliteSnapshot(self._memory, selection, lock=self._lock, owned=False)
            connection = self._connection()
            try:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                return SqliteSnapshot(connection, selection, lock=threading.Lock(), owned=True)
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        """Let go of one in memory, and of all that it holds; a file stays as it is, and is open only while it is used."""
        if self._memory is not None:
            self._memory.close()

    def __repr__(self) -> str:
        return f"<SqliteStorage: {'in memory' if self._memory is not None else 'a file'}>"


class SqliteSnapshot:
    """A Snapshot. Made by a SqliteStorage.

    Args:
        connection: In a transaction, when it is owned.
        selection: What is asked.
        lock: Held while the connection works.
        owned: Whether nobody else has the connection.
    """

    def __init__(
        self, connection: sqlite3.Connection, selection: Selection, *, lock: AbstractContextManager[object], owned: bool
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._owned = owned
        self._last = _NO_END if selection.end is None else selection.end.isoformat()
        self._first = _NO_START if selection.start is None else selection.start.isoformat()
        self._ids: dict[Organisation, int] = {}
        with lock:
            self.known: int = connection.execute(
                "SELECT count(*) FROM organisations WHERE kind = ?", (selection.kind.value,)
            ).fetchone()[0]
            parts, firsts, lasts = self._find(selection)
        self.parts: tuple[Part, ...] = tuple(parts)
        self.period: tuple[date | None, date | None] = (
            date.fromisoformat(min(firsts)) if firsts else None,
            date.fromisoformat(max(lasts)) if lasts else None,
        )

    def _find(self, selection: Selection) -> tuple[list[Part], list[str], list[str]]:
        parts, firsts, lasts = list[Part](), list[str](), list[str]()
        rows = self._connection.execute(
            "SELECT id, name, gemeentecode, details FROM organisations WHERE kind = ?1 AND (?2 IS NULL OR name = ?2) ORDER BY id",
            (selection.kind.value, selection.organisation),
        ).fetchall()
        for identifier, name, code, details in rows:
            count, first, last = self._connection.execute(
                f"SELECT count(*), min(nullif(first, '{_NO_START}')), max(nullif(last, '{_NO_END}')) "  # noqa: S608 - constants
                f"FROM records WHERE {_OVERLAPS}",
                (identifier, self._last, self._first),
            ).fetchone()
            organisation = Organisation(name=name, details=details, gemeentecode=code or None)
            self._ids[organisation] = identifier
            firsts += [first] if first else []
            lasts += [last] if last else []
            parts.append(Part(organisation=organisation, count=count))
        return parts, firsts, lasts

    def records(self, part: Part, *, offset: int, limit: int) -> Iterator[bytes]:
        """As `Snapshot.records`.

        Raises:
            ConfigurationError: The storage failed.
        """
        with _faults(), closing(self._connection.cursor()) as cursor:
            with self._lock:
                cursor.execute(
                    # As octets: they leave as such, and nobody here reads them.
                    f"SELECT CAST(json AS BLOB) FROM records WHERE {_OVERLAPS} ORDER BY id LIMIT ? OFFSET ?",  # noqa: S608 - constants
                    (self._ids[part.organisation], self._last, self._first, limit, offset),
                )
                rows = cursor.fetchmany(_ROWS)
            while rows:
                for (octets,) in rows:
                    yield octets
                with self._lock:
                    rows = cursor.fetchmany(_ROWS)

    def close(self) -> None:
        """As `Snapshot.close`."""
        if self._owned:
            self._connection.close()


@contextmanager
def _faults() -> Iterator[None]:
    """Failures of SQLite and of the disk as ours; their texts may hold a path or a value.

    Raises:
        ConfigurationError: For each of them.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ConfigurationError(f"the storage failed: {type(error).__name__}") from None


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            raise ConfigurationError("this file holds other tables than this version of the library makes")  # noqa: TRY301 - the transaction ends below
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _organisation(connection: sqlite3.Connection, kind: Kind, organisation: Organisation) -> int:
    """The id of an organisation, whose details become these."""
    row = connection.execute(
        "INSERT INTO organisations (kind, name, gemeentecode, details) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (kind, name, gemeentecode) DO UPDATE SET details = excluded.details RETURNING id",
        (kind.value, organisation.name, organisation.gemeentecode or "", organisation.details),
    ).fetchone()
    identifier: int = row[0]
    return identifier


def _insert(connection: sqlite3.Connection, identifier: int, records: Iterable[Record]) -> int:
    cursor = connection.executemany(
        "INSERT INTO records (organisation, first, last, json) VALUES (?, ?, ?, ?)",
        (
            (
                identifier,
                _NO_START if record.start is None else record.start.isoformat(),
                _NO_END if record.end is None else record.end.isoformat(),
                record.json,
            )
            for record in records
        ),
    )
    return max(cursor.rowcount, 0)
