"""DER as a tree, and chosen changes of it that keep every length right. Nothing here knows certificates.

A parser refuses a wrong length at once; what lies deeper is reached by changes of values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .choices import Choices, changed

__all__ = ["Node", "change", "encoded", "parse"]

_CONSTRUCTED = 0x20
_OCTET_STRING, _BIT_STRING = 0x04, 0x03
_LONG_FORM = 0x80
_HIGH_TAG = 0x1F

INTERESTING = (
    b"", b"\0", b"\1", b"\xff", b"\x7f\xff\xff\xff", b"\x80" + bytes(8), b"\1" * 21, b"20260615120000Z", b"260615120000Z",
    b"99991231235959Z", b"19500101000000Z", b"20260615120000.5Z", b"2606151200Z", b"NTRNL-12345678", b"00000001002220647000",
    b"\x55\x1d\x0f", b"\x55\x1d\x13", b"\x55\x1d\x25", b"\x55\x1d\x1e", b"\x55\x1d\x1c", b"\x55\x1d\x1b", b"\x55\x1d\x20\0",
    b"\x2b\x06\x01\x05\x05\x07\x30\x01\x05", b"\x2b\x0e\x03\x02\x1a", b"http://a.example/", b"\x1b[31m\xe2\x80\xae",
)  # fmt: skip
"""Contents that a parser may have an opinion about: numbers, times, names, OIDs of extensions."""

_TAGS = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0C, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1E, 0x30, 0x31, 0x80, 0x81, 0x82, 0xA0, 0xA1, 0xA2, 0xA3)  # fmt: skip


@dataclass(slots=True)
class Node:
    """A value: its tag, and either its content or its parts. `prefix` is what stands before the parts in a string."""

    tag: int
    content: bytes = b""
    parts: list[Node] = field(default_factory=list)
    prefix: bytes = b""


def parse(octets: bytes) -> Node:
    """The one value in these octets.

    Raises:
        ValueError: They are something else.
    """
    nodes = _parse_all(octets)
    if len(nodes) != 1:
        raise ValueError
    return nodes[0]


def _parse_all(octets: bytes) -> list[Node]:
    nodes, at = [], 0
    while at < len(octets):
        if at + 2 > len(octets) or octets[at] & _HIGH_TAG == _HIGH_TAG:
            raise ValueError
        length, start = octets[at + 1], at + 2
        if length & _LONG_FORM:
            start += length & 0x7F
            length = int.from_bytes(octets[at + 2 : start])
        if start + length > len(octets):
            raise ValueError
        nodes.append(_node(octets[at], octets[start : start + length]))
        at = start + length
    return nodes


def _node(tag: int, content: bytes) -> Node:
    prefix = b""
    if not tag & _CONSTRUCTED:
        # Extensions, keys and OCSP responses are values inside strings.
        if tag == _BIT_STRING and content[:1] == b"\0":
            prefix = b"\0"
        elif tag != _OCTET_STRING:
            return Node(tag, content)
        if len(content) - len(prefix) < 2:
            return Node(tag, content)
    try:
        parts = _parse_all(content[len(prefix) :])
    except ValueError:
        return Node(tag, content)
    return Node(tag, parts=parts, prefix=prefix) if parts or tag & _CONSTRUCTED else Node(tag, content)


def encoded(node: Node) -> bytes:
    """The octets of a value."""
    content = node.prefix + b"".join(map(encoded, node.parts)) if node.parts or node.prefix else node.content
    length = len(content)
    if length < _LONG_FORM:
        return bytes([node.tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([node.tag, _LONG_FORM | len(size)]) + size + content


def _walk(node: Node) -> list[tuple[Node, int]]:
    """Every part of every value below, as its parent and its place there."""
    found = []
    for index, part in enumerate(node.parts):
        found.append((node, index))
        found.extend(_walk(part))
    return found


def change(root: Node, choices: Choices) -> None:
    """One chosen change somewhere below the root: a value's content, its tag, its place; left out, repeated, or put elsewhere."""
    places = _walk(root)
    if not places:
        return
    parent, index = places[choices.below(len(places))]
    node = parent.parts[index]
    how = choices.below(8)
    if how == 0:
        del parent.parts[index]
    elif how == 1:
        parent.parts.insert(index, node)
    elif how == 2:
        node.tag = choices.pick(_TAGS)
    elif how == 3:
        other, place = places[choices.below(len(places))]
        if node not in [part for part, _ in _walk(other.parts[place])] and not _within(node, other.parts[place]):
            parent.parts[index] = other.parts[place]
    elif how == 4 and len(parent.parts) > 1:
        other_index = choices.below(len(parent.parts))
        parent.parts[index], parent.parts[other_index] = parent.parts[other_index], node
    elif how == 5:
        parent.parts[index] = Node(node.tag & ~_CONSTRUCTED or _OCTET_STRING, choices.pick(INTERESTING))
    else:
        content = node.content if not node.parts else node.prefix + b"".join(map(encoded, node.parts))
        parent.parts[index] = Node(node.tag, changed(content, choices, INTERESTING))


def _within(node: Node, other: Node) -> bool:
    """Whether one is the other or lies below it: such a one must not come under itself."""
    return node is other or any(part is node or _within(node, part) for part in other.parts)
