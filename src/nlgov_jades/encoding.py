"""Strict base64, base64url and JSON. Only decoders that refuse what a lenient one would repair live here.

Two spellings of one value let an attacker change a signed message without changing what is verified; so each
value has exactly one spelling here.
"""

from __future__ import annotations

import binascii
import json
import math
import re
import string
from typing import Any, NoReturn

from .errors import MalformedSignatureError

MAX_JSON_DEPTH = 8
"""The deepest header the profiles know (`sigX5ts`) nests three levels; more only costs stack."""

_ALPHABET = string.ascii_uppercase.encode() + string.ascii_lowercase.encode() + string.digits.encode() + b"-_"
_LAST = (b"", b"", _ALPHABET[::16], _ALPHABET[::4])
"""The characters that may end a value, by how many are over after its groups of four: their unused bits are zero."""
_PADDING = (b"", b"", b"==", b"=")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL = bytes.maketrans(b"+/", b"-_")
# A string is consumed whole, possessively, and closed or not: an unfinished one must not be tried again at each quote.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)
_MAX_INTEGER_DIGITS = 19
"""Enough for any 63-bit number; Python's own limit raises a plain ValueError at 4300 digits."""


_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def ascii_lower(text: str) -> str:
    """The text with ASCII capitals in lower case, as HTTP compares names (RFC 9110 §5.1).

    Not `str.lower`: beyond ASCII that makes equal what HTTP keeps apart, and makes a k of a Kelvin sign.
    """
    return text.lower() if text.isascii() else text.translate(_LOWER)


def base64url_encode(octets: bytes | memoryview) -> bytes:
    """Base64url without padding (RFC 7515 §2)."""
    return binascii.b2a_base64(octets, newline=False).rstrip(b"=").translate(_TO_URL)


def base64url_decode(text: bytes, what: str) -> bytes:
    """Octets of canonical, unpadded base64url (RFC 7515 §2): unused trailing bits are zero (RFC 4648 §3.5).

    Args:
        text: The encoded form, not empty.
        what: Name of the value for the error, our own words.

    Raises:
        MalformedSignatureError: Another alphabet, padding, an impossible length or trailing bits that are set.
    """
    over = len(text) % 4
    # The decoder passes over what it does not know, so that must not be there.
    if not text or over == 1 or text.translate(None, _ALPHABET):
        raise MalformedSignatureError(f"{what} is not base64url without padding")
    if over and text[-1] not in _LAST[over]:
        raise MalformedSignatureError(f"{what} is not canonical base64url: unused bits at the end are set")
    return binascii.a2b_base64(text.translate(_TO_STANDARD) + _PADDING[over])


def base64_decode(text: str, what: str) -> bytes:
    """Octets of canonical, padded standard base64 (RFC 4648 §4).

    Args:
        text: The encoded form.
        what: Name of the value for the error, our own words.

    Raises:
        MalformedSignatureError: Another alphabet, missing or wrong padding, white space or trailing bits that are set.
    """
    try:
        encoded = text.encode("ascii")
        octets = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:  # UnicodeEncodeError and binascii.Error are ValueErrors
        raise MalformedSignatureError(f"{what} is not padded base64") from None
    if binascii.b2a_base64(octets, newline=False) != encoded:
        raise MalformedSignatureError(f"{what} is not canonical base64")
    return octets


def json_object(octets: bytes, what: str) -> dict[str, Any]:
    """The one JSON object in these octets (RFC 8259, read as strictly as RFC 7515 §5.2 allows).

    Args:
        octets: UTF-8 without a byte order mark.
        what: Name of the value for the error, our own words.

    Raises:
        MalformedSignatureError: Not UTF-8, not an object, a member twice at any depth, NaN, Infinity, a number
            that overflows, a lone surrogate, or nested deeper than MAX_JSON_DEPTH.
    """
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedSignatureError(f"{what} is not UTF-8") from None
    _check_depth(text, what)
    try:
        value, end = _DECODER.raw_decode(text) if text.startswith("{") else (None, -1)
        if end != len(text):
            # White space around it, or it is something else: that is looked for only now.
            value = _DECODER.decode(text)
    except _StrictJsonError as error:
        raise MalformedSignatureError(f"{what} {error}") from None
    except ValueError:
        raise MalformedSignatureError(f"{what} is not JSON") from None
    if not isinstance(value, dict):
        raise MalformedSignatureError(f"{what} is not a JSON object")
    if "\\u" in text and _has_lone_surrogate(value):
        raise MalformedSignatureError(f"{what} holds half a surrogate pair, which is no character")
    return value


class _StrictJsonError(ValueError):
    """Raised from inside the JSON decoder; never leaves this file."""


def _check_depth(text: str, what: str) -> None:
    # Before json.loads: its C scanner recurses, so that 20 KB of brackets end in a RecursionError.
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return  # every usual header; the walk below costs more than all the rest of the parsing
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += (match[1] is not None) - (match[2] is not None)
        if depth > MAX_JSON_DEPTH:
            raise MalformedSignatureError(f"{what} nests deeper than {MAX_JSON_DEPTH} levels")


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _StrictJsonError("names a member twice")
    return members


def _no_constant(_: str) -> NoReturn:
    raise _StrictJsonError("holds NaN or Infinity, which are not JSON")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _StrictJsonError("holds a number that is too large")
    return value


def _bounded_int(text: str) -> int:
    if len(text) > _MAX_INTEGER_DIGITS:
        raise _StrictJsonError("holds a number that is too large")
    return int(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_constant=_no_constant,
    parse_float=_finite_float,
    parse_int=_bounded_int,
)
"""Made once: `json.loads` makes one for each text, which takes as long as reading a short one."""


def _has_lone_surrogate(value: object) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return any(_has_lone_surrogate(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_has_lone_surrogate(part) for part in value)
