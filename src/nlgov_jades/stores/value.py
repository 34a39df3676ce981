"""What one key of the shared store holds: a line with the times, then the DER. Read strictly, trusted for nothing.

The line lets the server decide which of two values is older, and tells when newer data are due. Everything else, and whatever
a verification goes by, is read again from the DER.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re

from ..fetch.shared import SharedData
from ..fetch.store import Entry, Key
from ..pki.answer import Standing
from ..pki.crl import Crl

__all__ = ["MAX_LINE", "NEWS", "Stamp", "age_of", "name_of", "read_value"]

_PREFIX = "nlgov-jades:revocation:1:"
"""Of every key, for ACL rules and for whoever looks around; the number is that of this format."""

NEWS = _PREFIX + "news"
"""A counter that goes up when data are saved that may say "revoked" of something that was good."""

MAX_LINE = 128
"""Octets before the DER."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)

# Fixed widths: the server compares as text. A CRLNumber has 20 octets at most (RFC 5280 §5.2.3), which is 49 digits.
_LINE = re.compile(rb"jades1 (?P<age>[0-9]{16}[01]) (?P<number>[0-9]{49}|-) (?P<refresh>[0-9]{16})\n")


def name_of(key: Key) -> str:
    """The name of a key: a hash, so that nobody reads in it who sends us messages."""
    hasher = hashlib.sha256()
    for part in (key.source.value.encode(), key.issuer, str(key.serial).encode(), key.url.encode()):
        hasher.update(len(part).to_bytes(8))
        hasher.update(part)
    return _PREFIX + hasher.hexdigest()


class Stamp:
    """The times of an entry, as they are written.

    Attributes:
        age: thisUpdate in milliseconds, then 1 for data that say "revoked": of the same moment those are the newer ones.
        number: The CRLNumber, or `-`.
        line: The whole line.
        warns: Whether conclusions from before these data may not hold any more: it says "revoked", or it is a list that
            lists anything.

    Raises:
        ValueError: A time or number is so strange that it cannot be written.
    """

    __slots__ = ("age", "line", "number", "warns")

    def __init__(self, entry: Entry) -> None:
        # A CRL speaks about more certificates than the one that it was fetched for.
        revoked = not isinstance(entry.data, Crl) and entry.standing is not Standing.GOOD
        self.warns = len(entry.data) > 0 if isinstance(entry.data, Crl) else revoked
        self.age = age_of(entry.this_update, revoked=revoked)
        self.number = "-" if entry.number is None else f"{entry.number:049d}"
        self.line = f"jades1 {self.age} {self.number} {_milliseconds(entry.refresh_at):016d}\n".encode()
        if not _LINE.fullmatch(self.line):
            raise ValueError("the times of this entry cannot be written")


def age_of(this_update: dt.datetime, *, revoked: bool) -> str:
    """How old data are, as text that sorts: the newest last."""
    return f"{_milliseconds(this_update):016d}{revoked:d}"


def read_value(value: bytes, limit: int) -> SharedData | None:
    """What a value says, or `None` when it is none of ours.

    Args:
        value: As it stands in the store.
        limit: Octets that the DER may have.
    """
    line = _LINE.match(value)
    if line is None or not 0 < len(value) - line.end() <= limit:
        return None
    try:
        refresh_at = _EPOCH + int(line["refresh"]) * _MILLISECOND
    except OverflowError:
        return None
    return SharedData(value[line.end() :], refresh_at)


def _milliseconds(time: dt.datetime) -> int:
    return (time - _EPOCH) // _MILLISECOND
