"""A signer's protected header, encoded once: between two messages only the digits of `iat` differ. No message is known here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from .encoding import base64url_encode

__all__ = ["HeaderTemplate"]

_EXAMPLE = 9_999_999_999
"""Seconds with as many digits as those of any message until the year 2286."""

_GROUP = 3
"""Octets that base64 encodes together: what stands before a whole number of groups is encoded by itself."""


class HeaderTemplate:
    """The encoded protected header, all but `iat`. Safe to share between threads.

    Encoding and writing a chain of eight thousand characters for each message costs half of what a signer does beside its
    private key.

    Args:
        header: Gives the header's octets for an `iat`: compact JSON, the same but for those digits.
    """

    __slots__ = ("_hasher", "_latest", "_rest", "_tail", "text")

    def __init__(self, header: Callable[[int], bytes]) -> None:
        # Nothing else reads like this: within a JSON string the quotes would be escaped.
        before, found, tail = header(_EXAMPLE).partition(b'"iat":%d' % _EXAMPLE)
        start = before + b'"iat":' if found else before
        cut = len(start) // _GROUP * _GROUP
        encoded = base64url_encode(start[:cut])
        self.text = encoded.decode("ascii")
        """What is the same for every message."""
        self._hasher = hashlib.sha256(encoded)
        self._rest = start[cut:]
        self._tail = tail if found else None
        # Of the last message: a busy signer makes a thousand in a second. One tuple, so threads need no lock.
        self._latest: tuple[int | None, bytes] = None, b""

    def rest(self, iat: int) -> bytes:
        """What follows `text` in BASE64URL(protected header) for a message that is signed at this time.

        Args:
            iat: Seconds since 1970; left out where the header has none.
        """
        made, text = self._latest
        if made != iat:
            text = base64url_encode(self._rest if self._tail is None else b"%b%d%b" % (self._rest, iat, self._tail))
            self._latest = iat, text
        return text

    def hasher(self) -> hashlib._Hash:
        """A new SHA-256 that was fed with `text`."""
        return self._hasher.copy()
