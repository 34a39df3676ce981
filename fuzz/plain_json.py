"""A JSON parser of its own (RFC 8259), with the limits of the wire format: for the reference, which shares no code.

Python's parser would agree with itself about what it wrongly takes.
"""

from __future__ import annotations

import math
import re
from typing import Any

__all__ = ["json_object"]

_TOKEN = re.compile(
    r"[ \t\n\r]*(?:"
    r"(?P<sign>[{}\[\]:,])"
    r'|(?P<text>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")'
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?P<fraction>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?))"
    r"|(?P<word>true|false|null))"
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS = {"true": True, "false": False, "null": None}
_DEEPEST, _LONGEST_NUMBER = 8, 19


class _RefusedError(Exception):
    """Never leaves this file."""


def json_object(octets: bytes) -> dict[str, Any] | None:
    """The one object in these octets; `None` when they are refused."""
    try:
        reader = _Reader(octets.decode("utf-8"))
        value = reader.value(0)
        reader.end()
    except (UnicodeDecodeError, _RefusedError):
        return None
    return value if isinstance(value, dict) else None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def _next(self) -> re.Match[str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise _RefusedError
        self._at = match.end()
        return match

    def end(self) -> None:
        if self._text[self._at :].strip(" \t\n\r"):
            raise _RefusedError

    def value(self, depth: int, token: re.Match[str] | None = None) -> Any:
        token = token or self._next()
        if token["text"] is not None:
            return _unescaped(token["text"][1:-1])
        if token["number"] is not None:
            return _number(token["number"], is_whole=not token["fraction"])
        if token["word"] is not None:
            return _WORDS[token["word"]]
        if depth >= _DEEPEST or token["sign"] not in "{[":
            raise _RefusedError
        return self._object(depth + 1) if token["sign"] == "{" else self._list(depth + 1)

    def _object(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        token = self._next()
        while token["sign"] != "}" or members:
            if token["text"] is None:
                raise _RefusedError
            name = _unescaped(token["text"][1:-1])
            if name in members or self._next()["sign"] != ":":
                raise _RefusedError
            members[name] = self.value(depth)
            behind = self._next()["sign"]
            if behind == "}":
                return members
            if behind != ",":
                raise _RefusedError
            token = self._next()
        return members

    def _list(self, depth: int) -> list[Any]:
        items: list[Any] = []
        token = self._next()
        while token["sign"] != "]" or items:
            items.append(self.value(depth, token))
            behind = self._next()["sign"]
            if behind == "]":
                return items
            if behind != ",":
                raise _RefusedError
            token = self._next()
        return items


def _unescaped(text: str) -> str:
    # In UTF-16 two halves of a pair become one character, and half a pair is an error.
    units = "".join(text[start:end] + character for start, end, character in _pieces(text))
    try:
        return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise _RefusedError from None


def _pieces(text: str) -> list[tuple[int, int, str]]:
    found, start = [], 0
    for match in _ESCAPE.finditer(text):
        character = chr(int(match[1], 16)) if match[1] else _PLAIN.get(match[2], match[2])
        found.append((start, match.start(), character))
        start = match.end()
    return [*found, (start, len(text), "")]


def _number(text: str, *, is_whole: bool) -> int | float:
    if is_whole:
        if len(text) > _LONGEST_NUMBER:
            raise _RefusedError
        return int(text)
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedError
    return value
