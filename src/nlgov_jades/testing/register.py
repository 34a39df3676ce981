"""What a responder has been told is revoked: in memory, or in a file that another process changes."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cryptography import x509

from ..errors import ConfigurationError
from .revocation import Revocation, crl_entry

__all__ = ["Register", "RegisterFile", "State"]

State = tuple[int, tuple[Revocation, ...]]
"""How often it changed, and what is revoked now, oldest first."""


class Register:
    """Revocations by serial number, which is random in certificates of `nlgov_jades.testing`. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[int, Revocation] = {}
        self._changes = 0

    def revoke(self, entry: Revocation) -> None:
        """Add it; another entry for the same serial number is replaced.

        Raises:
            ConfigurationError: A register on disk cannot be read.
            OSError: A register on disk cannot be written.
        """
        with self._lock:
            self._refresh()
            self._replace({**self._entries, entry.serial_number: entry})

    def reinstate(self, serial_number: int) -> None:
        """Take the entry out, when there is one: a hold is lifted.

        Raises:
            ConfigurationError: A register on disk cannot be read.
            OSError: A register on disk cannot be written.
        """
        with self._lock:
            self._refresh()
            self._replace({number: entry for number, entry in self._entries.items() if number != serial_number})

    def clear(self) -> None:
        """Nothing is revoked any more.

        Raises:
            OSError: A register on disk cannot be written.
        """
        with self._lock:
            self._replace({})

    def state(self) -> State:
        """What holds now.

        Raises:
            ConfigurationError: A register on disk cannot be read.
        """
        with self._lock:
            self._refresh()
            return self._changes, tuple(self._entries.values())

    def _refresh(self) -> None:
        """Read what another process wrote. Nobody else writes in memory."""

    def _replace(self, entries: dict[int, Revocation]) -> None:
        self._entries = entries
        self._changes += 1


class RegisterFile(Register):
    """The same in a file, which is read again whenever it has changed.

    Args:
        path: A JSON file: `{"revoked": [{"serial": "7F3A…", "at": "2026-01-31T12:00:00Z", "reason": "keyCompromise"}]}`,
            serial numbers in hexadecimal. `reason` may be absent, and so may `issuer`, the name of the CA as RFC 4514
            writes it. The file need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._seen: tuple[int, int, int] | None = None

    def _refresh(self) -> None:
        try:
            status = self.path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                super()._replace(_parse(self.path.read_bytes()))
                self._seen = seen
        except FileNotFoundError:
            if self._entries:
                super()._replace({})
            self._seen = None
        except OSError as error:
            raise ConfigurationError(
                f"{self.path.name} cannot be read: {error.strerror or 'no reason given'}"
            ) from None

    def _replace(self, entries: dict[int, Revocation]) -> None:
        # Moved into place: a reader sees the old file or the new one, never half of it.
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_text(entries.values()))
            Path(name).replace(self.path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        super()._replace(entries)
        # Read again at the next question: between here and `stat` another process may write.
        self._seen = None


def _text(entries: Iterable[Revocation]) -> bytes:
    revoked = []
    for entry in entries:
        item = {"serial": f"{entry.serial_number:X}", "at": entry.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        if entry.reason is not None:
            item["reason"] = entry.reason.value
        if entry.issuer is not None:
            item["issuer"] = entry.issuer.rfc4514_string()
        revoked.append(item)
    return (json.dumps({"revoked": revoked}, indent=2) + "\n").encode()


def _parse(octets: bytes) -> dict[int, Revocation]:
    try:
        entries = [_entry(item) for item in json.loads(octets)["revoked"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigurationError(
            'the file with revocations is not of the form {"revoked": [{"serial": "7F3A", "at": "2026-01-31T12:00:00Z"}]}'
        ) from None
    return {entry.serial_number: entry for entry in entries}


def _entry(item: Any) -> Revocation:
    at = dt.datetime.fromisoformat(item["at"])
    if at.utcoffset() is None:
        raise ValueError
    reason, issuer = item.get("reason"), item.get("issuer")
    entry = Revocation(
        serial_number=int(item["serial"], 16),
        at=at.astimezone(dt.UTC),
        reason=None if reason is None else x509.ReasonFlags(reason),
        issuer=None if issuer is None else x509.Name.from_rfc4514_string(issuer),
    )
    crl_entry(entry)  # here, where it can be told: not at the next question for a CRL
    return entry
