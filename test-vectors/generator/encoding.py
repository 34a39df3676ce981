"""Base64, JSON and the few octets of DER that the vectors need."""

from __future__ import annotations

import base64
import json
from itertools import pairwise

DER_SHORT_LENGTH = 0x7F
"""Up to this length one octet holds the length (X.690 section 8.1.3.4)."""


def b64(octets: bytes) -> str:
    """Return standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(octets).decode("ascii")


def b64url(octets: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def compact_json(value: object) -> str:
    """Return JSON without spaces, members in insertion order, non-ASCII characters as themselves."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def der(tag: int, content: bytes) -> bytes:
    """Return one DER element with a definite length."""
    length = len(content)
    if length <= DER_SHORT_LENGTH:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def der_integer(value: int) -> bytes:
    """Return a non-negative DER INTEGER."""
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def other_trailing_bits(segment: str) -> str:
    """Return the same base64 text with its unused trailing bits set, which decodes to the same octets.

    The text may end in padding; it must have unused bits.
    """
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bare = segment.rstrip("=")
    if len(bare) % 4 not in (2, 3):
        raise ValueError("this base64 text has no unused trailing bits")
    # The canonical last character stands for a multiple of 4 or 16; its successor keeps the used bits.
    successors = dict(pairwise(alphabet))
    return bare[:-1] + successors[bare[-1]] + segment[len(bare) :]
