"""A second reading of the wire format, as plain as can be and without any code of the library: what must be accepted.

Each function returns the value, or `None` for "refused". Slow and without messages: it only ever judges. Profiles are
data and are taken from the library.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
from typing import Any

from nlgov_jades.message import HttpMessage, HttpRequest
from nlgov_jades.profiles import BodyOctets, Profile

__all__ = ["base64_octets", "base64url_octets", "digests", "jws", "lower", "payload", "values"]

_FIELD = re.compile("([A-Za-z0-9_-]+)[.][.]([A-Za-z0-9_-]+)")
_TOKEN_CHARACTERS = set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_PRINTABLE = {"\t", *map(chr, range(0x20, 0x7F))}


def lower(text: str) -> str:
    """ASCII capitals in lower case."""
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in text)


def base64url_octets(text: str) -> bytes | None:
    """Of canonical base64url without padding."""
    if not re.fullmatch("[A-Za-z0-9_-]+", text) or len(text) % 4 == 1:
        return None
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return octets if base64.urlsafe_b64encode(octets).decode().rstrip("=") == text else None


def base64_octets(text: str) -> bytes | None:
    """Of canonical standard base64 with padding."""
    if not re.fullmatch("[A-Za-z0-9+/]*={0,2}", text) or len(text) % 4:
        return None
    try:
        octets = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return octets if base64.b64encode(octets).decode() == text else None


def jws(value: str) -> tuple[str, bytes, bytes] | None:
    """The encoded header, the header and the signature of a field value."""
    match = _FIELD.fullmatch(value) if len(value) <= 32 * 1024 else None
    if match is None:
        return None
    header, signature = base64url_octets(match[1]), base64url_octets(match[2])
    return None if header is None or signature is None else (match[1], header, signature)


def digests(value: str, *, content: bool) -> dict[str, bytes] | None:
    """The strong digests in a Digest or, with `content`, in a Content-Digest field, by names in lower case."""
    if len(value) > 2048:
        return None
    stated: dict[str, str] = {}
    for item in value.split(","):
        name, equals, text = item.strip(" \t").partition("=")
        if content:
            well = bool(re.fullmatch("[a-z*][a-z0-9_.*-]*", name) and re.fullmatch(":[A-Za-z0-9+/=]*:", text))
            text = text[1:-1]
        else:
            well = bool(name and set(name) <= _TOKEN_CHARACTERS and text and all("!" <= c <= "~" for c in text))
        if not equals or not well or lower(name) in stated:
            return None
        stated[lower(name)] = text
    strong = {}
    for name, length in (("sha-256", 32), ("sha-512", 64)):
        if name in stated:
            octets = base64_octets(stated[name])
            if octets is None or len(octets) != length:
                return None
            strong[name] = octets
    return strong or None


def digests_fit(stated: dict[str, bytes], body: bytes) -> bool:
    """Whether every one of them is the body's."""
    return bool(stated) and all(
        hashlib.new(name.replace("-", ""), body).digest() == octets for name, octets in stated.items()
    )


def values(message: HttpMessage, name: str) -> list[str]:
    """The values of a field, in order."""
    return [value.strip(" \t") for line, value in message.fields if lower(line) == name]


def payload(pars: list[str], message: HttpMessage) -> bytes | None:
    """The octets behind the dot of the signing input."""
    lines = []
    for name in map(lower, pars):
        if name == "(request-target)":
            request = message if isinstance(message, HttpRequest) else message.request
            if request is None or not _is_origin_form(request):
                return None
            lines.append(f"(request-target): {lower(request.method)} {request.target}")
            continue
        found = values(message, name)
        text = ", ".join(found)
        if not 1 <= len(name) <= 64 or not set(name) <= _TOKEN_CHARACTERS or not found or not set(text) <= _PRINTABLE:
            return None
        lines.append(f"{name}: {text}")
    return "\n".join(lines).encode("ascii")


def _is_origin_form(request: HttpRequest) -> bool:
    method, target = request.method, request.target
    if not 1 <= len(method) <= 32 or not set(method) <= _TOKEN_CHARACTERS:
        return False
    return target.startswith("/") and all("!" <= character <= "~" for character in target)


def covers(pars: list[str], message: HttpMessage, profile: Profile) -> bool:
    """Whether `pars` names what the profile asks of this message, and what the message has."""
    if isinstance(profile.covers, BodyOctets):
        return True
    named = {lower(name) for name in pars}
    present = {lower(name) for name, _ in message.fields} | {"(request-target)"}
    asked = set(profile.covers.mandatory) | (set(profile.covers.if_present) & present)
    more = named - asked
    return asked <= named and named <= present and (not more or profile.covers.others.value == "allowed")


# --- the protected header ------------------------------------------------------------------------------------

_REGISTERED = {
    "alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "enc", "zip", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c",
}  # fmt: skip
_CRITICAL = {"b64", "sigD", "sigT", "x5t#o", "sigX5ts", "iat", "exp"}
_SIG_T = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z", re.ASCII)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def header_is_well(header: dict[str, Any], profile: Profile) -> bool:  # noqa: PLR0911 - one for each rule
    """Whether a protected header is one that the profile takes: all that needs neither message nor certificate."""
    if header.get("alg") != profile.algorithm.value:
        return False
    plain = isinstance(profile.covers, BodyOctets)
    if plain and header.keys() & {"b64", "crit", "sigD"}:
        return False
    if not plain and not (header.get("b64") is False and crit_is_well(header) and _sigd_is_well(header.get("sigD"))):
        return False
    if not isinstance(header.get("kid", ""), str) or not isinstance(header.get("typ", ""), str):
        return False
    if lower(header.get("typ", "jose")) != "jose":
        return False
    if any(header.get(name, "") == "" for name in profile.required_parameters):
        return False
    return _x5c_is_well(header["x5c"]) and times(header) is not None


def crit_is_well(header: dict[str, Any]) -> bool:
    """Whether `crit` names what it must and nothing that it must not."""
    crit = header.get("crit")
    if not isinstance(crit, list) or not _texts(crit) or len(set(crit)) != len(crit):
        return False
    named = set(crit)
    return {"b64", "sigD"} <= named <= _CRITICAL and named <= header.keys() and not named & _REGISTERED


def _sigd_is_well(sigd: object) -> bool:
    if not isinstance(sigd, dict) or sigd.keys() != {"mId", "pars"}:
        return False
    pars = sigd["pars"]
    if sigd["mId"] != "http://uri.etsi.org/19182/HttpHeaders" or not isinstance(pars, list) or not _texts(pars):
        return False
    return len(pars) <= 32 and len({lower(name) for name in pars}) == len(pars)


def _x5c_is_well(x5c: object) -> bool:
    if not isinstance(x5c, list) or not _texts(x5c) or not 1 <= len(x5c) <= 5:
        return False
    return all((octets := base64_octets(text)) is not None and 0 < len(octets) <= 8192 for text in x5c)


def times(header: dict[str, Any]) -> tuple[float | None, float | None] | None:
    """The claimed time of signing and the expiry, in seconds; `None` when they are not as they must be."""
    if "iat" in header and "sigT" in header:
        return None
    for name in ("iat", "exp"):
        value = header.get(name, 0)
        if type(value) is not int or not 0 <= value <= 253402300799:
            return None
    claimed = header.get("iat")
    if "sigT" in header:
        claimed = _seconds(header["sigT"])
        if claimed is None:
            return None
    return claimed, header.get("exp")


def _seconds(sig_t: object) -> float | None:
    match = _SIG_T.fullmatch(sig_t) if isinstance(sig_t, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not (1 <= month <= 12 and year >= 1 and hour <= 23 and minute <= 59 and second <= 59):
        return None
    if not 1 <= day <= lengths[month - 1]:
        return None
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162 + sum(lengths[: month - 1]) + day - 1
    return math.fsum([days * 86400, hour * 3600, minute * 60, second])


def references_are_well(header: dict[str, Any], certificates: list[bytes]) -> bool:
    """Whether every reference names the certificate that it must."""
    stated: list[tuple[object, object, list[bytes]]] = []
    if "x5t#S256" in header:
        stated.append(("S256", header["x5t#S256"], certificates[:1]))
    objects = [header["x5t#o"]] if "x5t#o" in header else []
    more = header.get("sigX5ts", [])
    if not isinstance(more, list) or ("sigX5ts" in header and not more):
        return False
    for position, value in enumerate([*objects, *more]):
        if not isinstance(value, dict) or value.keys() != {"digAlg", "digVal"}:
            return False
        first = position <= len(objects)
        stated.append((value["digAlg"], value["digVal"], certificates[:1] if first else certificates))
    return all(_names_one(*reference) for reference in stated)


def _names_one(algorithm: object, value: object, among: list[bytes]) -> bool:
    names = {"S256": "sha256", "S384": "sha384", "S512": "sha512"}
    if not isinstance(algorithm, str) or algorithm not in names or not isinstance(value, str):
        return False
    octets = base64url_octets(value)
    return octets in [hashlib.new(names[algorithm], der).digest() for der in among]
