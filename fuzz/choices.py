"""An input read as a row of choices, and changes made by chance: what makes harnesses aware of structure.

A harness that reads its input through `Choices` gets a valid thing for every input, with the deviations that the input
chose; an engine that changes octets then changes choices. Nothing here knows what is chosen.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

__all__ = ["Choices", "changed", "mutations"]

_T = TypeVar("_T")
_TWO_OCTETS = 256


class Choices:
    """Reads choices from octets. Behind the end every choice is the first one, so that every input is complete."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Octets that were not read yet."""
        return max(len(self._data) - self._at, 0)

    def octet(self) -> int:
        """A number from 0 to 255."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, count: int) -> int:
        """A number from 0 to `count - 1`."""
        number = self.octet()
        if count > _TWO_OCTETS:
            number = number << 8 | self.octet()
        return number % count

    def pick(self, items: Sequence[_T]) -> _T:
        """One of these."""
        return items[self.below(len(items))]

    def octets(self, longest: int) -> bytes:
        """So many octets as one octet says, at most `longest`."""
        length = min(self.octet(), longest, self.left)
        start = self._at
        self._at += length
        return self._data[start : start + length]

    def text(self, longest: int) -> str:
        """The same as UTF-8 or, where that fails, as ISO-8859-1."""
        octets = self.octets(longest)
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return octets.decode("iso-8859-1")

    def rest(self) -> bytes:
        """Everything that is left."""
        start, self._at = self._at, len(self._data)
        return self._data[start:]


def changed(octets: bytes, choices: Choices, words: Sequence[bytes] = ()) -> bytes:  # noqa: PLR0911 - one for each kind of change
    """The octets with one chosen change: replaced, inserted, left out, repeated, cut short, or a word put in."""
    at = choices.below(len(octets) + 1)
    how = choices.below(8)
    if how == 0:
        return octets[:at] + bytes([choices.octet()]) + octets[at + 1 :]
    if how == 1:
        return octets[:at] + bytes([choices.octet()]) + octets[at:]
    if how == 2:
        return octets[:at] + octets[at + 1 + choices.octet() % 16 :]
    if how == 3:
        end = at + 1 + choices.octet()
        return octets[:end] + octets[at:end] + octets[end:]
    if how == 4:
        return octets[:at]
    if how == 5:
        flipped = bytes([octets[at] ^ (1 << choices.octet() % 8)]) if at < len(octets) else b""
        return octets[:at] + flipped + octets[at + 1 :]
    word = choices.pick(words) if words else choices.octets(16)
    return octets[:at] + word + octets[at + (len(word) if how == 6 else 0) :]


def mutations(seeds: Sequence[bytes], words: Sequence[bytes], count: int, start: int) -> Iterator[bytes]:
    """So many mutations of the seeds, the same for the same `start`: for tests, which run without an engine."""
    chance = random.Random(start)
    for _ in range(count):
        octets = chance.choice(seeds)
        for _ in range(chance.randint(1, 4)):
            octets = changed(octets, Choices(chance.randbytes(24)), words)
            if chance.random() < 0.1:
                other = chance.choice(seeds)
                octets = octets[: chance.randint(0, len(octets))] + other[chance.randint(0, len(other)) :]
        yield octets
