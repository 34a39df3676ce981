"""Messages made of a test vector and chosen changes: of the message, of the protected header, of the field, signed again or not.

Changes before the signature make messages that somebody did sign, however odd; changes behind it are an attack.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from nlgov_jades import HttpRequest, HttpResponse, profiles
from nlgov_jades.message import HttpMessage

from . import reference
from .choices import Choices, changed
from .der import encoded
from .plain_json import json_object
from .resign import edited, sign_plain
from .vectors import Vector, certificate_ders, key, public_key_id, signing_keys, vectors

__all__ = ["Forged", "forge", "raw_signature"]

FIELDS = tuple(sorted({profile.field_name for profile in profiles.ALL}))
NAMES = (
    "Digest", "digest", "Content-Digest", "Content-Type", "Content-Encoding", "Content-Length", "Host", "Origin", "X-Other",
    "Authorization", "Cookie", "Di gest", "Digest ", "\u212aost", *FIELDS,
)  # fmt: skip
TEXTS = (
    "application/json", "text/plain", "gzip", "identity", "a, b", " ", "", "\t", "\r\nX: y", "\0", "\xe9", "1", "0", "SHA-256=", "MD5=",
    "api.example.nl", "text/\x1b[31m", "x" * 3000, "eyJhbGciOiJQUzI1NiJ9..AA", "..",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.0, "", "x", [], {}, [[]], ["b64", "sigD"], ["sigD"], ["b64", "sigD", "exp"], ["digest"], ["Digest"],
    ["digest", "digest"], ["(request-target)", "digest"], ["host", "digest"], ["authorization"], "PS256", "ES256", "none", "RS256", "JOSE",
    "jose", 1781524800, 1781524801, 1781528400, 1781524800000, 253402300799, "2026-06-15T12:00:00Z", "1999-01-01T00:00:00Z",
    {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest"]}, {"digAlg": "S256", "digVal": "AA"}, "\ud83d\ude00", "\u212a",
    "\x1b[31m\u202e", "x" * 5000,
)  # fmt: skip
ITEMS: tuple[Any, ...] = (
    "exp", "iat", "digest", "host", "(request-target)", "content-type", "kid", "", "x-other", "\x1b[2J", 1, None, "(Request-Target)", "HOST",
    "\u212ahost", "origin", "content-length", "content-encoding", "b64", "sigD", "(created)", "di\u0131gest",
)  # fmt: skip
MEMBERS = (
    "alg", "kid", "typ", "cty", "b64", "crit", "sigD", "x5c", "x5t", "x5t#S256", "x5t#o", "sigX5ts", "iat", "sigT", "exp", "jwk", "jku", "x5u",
    "hashM", "other",
)  # fmt: skip

_MOST = 4
"""Changes of one kind; one is enough for most faults, and few hide each other."""


@dataclass(slots=True)
class Forged:
    """A message, and what is known of how it came about.

    Attributes:
        vector: What it was made of: its policy, trust and time hold.
        message: The message.
        signed: Who signed what: the id of a public key and SHA-256 of the signing input.
        signatures: Octets of signatures made of it, with what they sign.
        is_changed: Whether anything was changed at all.
    """

    vector: Vector
    message: HttpMessage
    signed: set[tuple[bytes, bytes]] = field(default_factory=set)
    signatures: set[tuple[bytes, bytes]] = field(default_factory=set)
    is_changed: bool = False


def forge(choices: Choices) -> Forged:
    """The message that the choices make."""
    vector = vectors()[choices.below(len(vectors()))]
    forged = Forged(vector, vector.message)
    stages = choices.octet()
    if stages & 1:
        _apply(forged, choices, MESSAGE_CHANGES)
    if stages & 2:
        _sign_again(forged, choices, has_changes=bool(stages & 4))
    if stages & 8:
        _apply(forged, choices, MESSAGE_CHANGES)
    if stages & 16:
        _apply(forged, choices, (_change_signature_field,))
    return forged


Change = Callable[[HttpMessage, Choices], HttpMessage]


def _apply(forged: Forged, choices: Choices, kinds: tuple[Change, ...]) -> None:
    for _ in range(1 + choices.below(_MOST)):
        forged.message = choices.pick(kinds)(forged.message, choices)
    forged.is_changed = True


# --- changes of the message ----------------------------------------------------------------------------------


def _with(message: HttpMessage, lines: list[tuple[str, str]]) -> HttpMessage:
    if isinstance(message, HttpRequest):
        return HttpRequest(method=message.method, target=message.target, fields=lines, body=message.body)
    return HttpResponse(status=message.status, fields=lines, body=message.body, request=message.request)


def _change_body(message: HttpMessage, choices: Choices) -> HttpMessage:
    assert isinstance(message.body, bytes)
    return message.with_body(changed(message.body, choices, (b"", b"{}", b" ", b"\0")))


def _latin(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")


def _change_value(message: HttpMessage, choices: Choices) -> HttpMessage:
    lines = list(message.fields)
    if not lines:
        return message
    at = choices.below(len(lines))
    name, value = lines[at]
    spoilt = changed(value.encode("latin-1"), choices, [text.encode("latin-1") for text in TEXTS])
    return _with(message, [*lines[:at], (name, spoilt.decode("latin-1")), *lines[at + 1 :]])


def _change_lines(message: HttpMessage, choices: Choices) -> HttpMessage:
    lines = list(message.fields)
    at, how = choices.below(len(lines) + 1), choices.below(6)
    if how == 0:
        return _with(message, lines[:at] + lines[at + 1 :])
    if how == 1:
        return _with(message, lines[:at] + lines[at : at + 1] * 2 + lines[at + 1 :])
    if how == 2 and at < len(lines):
        return _with(message, [*lines[:at], (_latin(choices.pick(NAMES)), lines[at][1]), *lines[at + 1 :]])
    if how == 3 and at < len(lines):
        return _with(message, [*lines[:at], (lines[at][0].swapcase(), f" {lines[at][1]}\t"), *lines[at + 1 :]])
    if how == 4:
        return _with(message, lines[at:] + lines[:at])
    return _with(message, [*lines[:at], (_latin(choices.pick(NAMES)), _latin(choices.pick(TEXTS))), *lines[at:]])


def _change_start(message: HttpMessage, choices: Choices) -> HttpMessage:
    if isinstance(message, HttpResponse):
        status = choices.pick((200, 201, 204, 206, 304, 404, 500, 100, message.status))
        if choices.below(4) == 0 and message.request is not None:
            other = choices.pick((None, _change_start(message.request, choices)))
            assert other is None or isinstance(other, HttpRequest)
            return HttpResponse(status=status, fields=message.fields, body=message.body, request=other)
        return HttpResponse(status=status, fields=message.fields, body=message.body, request=message.request)
    target = changed(message.target.encode("latin-1", "replace"), choices, (b"?", b"//", b"%2F", b" ", b"*")).decode(
        "latin-1"
    )
    method = choices.pick(("GET", "post", "PUT", "M-SEARCH", "P T", "", message.method))
    return HttpRequest(method=method, target=target, fields=message.fields, body=message.body)


def _fresh_digest(message: HttpMessage, choices: Choices) -> HttpMessage:
    """A Digest that fits the body, in one of the forms that must be taken, or two that must not."""
    assert isinstance(message.body, bytes)
    sha256, sha512, md5 = (
        base64.b64encode(hashlib.new(kind, message.body).digest()).decode() for kind in ("sha256", "sha512", "md5")
    )
    value = choices.pick(
        (f"SHA-256={sha256}", f"sha-256={sha256}", f"SHA-512={sha512}", f"MD5={md5},SHA-256={sha256}", f"SHA-256={sha256}, sha-512={sha512}",
         f"MD5={md5}", f"SHA-256={sha256},sha-256={sha256}", f"SHA-256={sha256},SHA-512={sha256}")
    )  # fmt: skip
    lines = [line for line in message.fields if line[0].lower() != "digest"]
    more = [("Content-Digest", f"sha-256=:{sha256}:")] if choices.below(4) == 1 else []
    return _with(message, [*lines, ("Digest", value), *more])


MESSAGE_CHANGES: tuple[Change, ...] = (_change_body, _change_value, _change_lines, _change_start, _fresh_digest)


# --- changes of the signature --------------------------------------------------------------------------------


def _signature_line(message: HttpMessage) -> tuple[int, str] | None:
    for at, (name, value) in enumerate(message.fields):
        if name in FIELDS:
            return at, value
    return None


def _change_signature_field(message: HttpMessage, choices: Choices) -> HttpMessage:
    found = _signature_line(message)
    if found is None:
        return message
    at, value = found
    lines = list(message.fields)
    parsed = reference.jws(value)
    if parsed is not None and choices.below(2):
        # One of the two parts, decoded, changed, and encoded again.
        parts = [parsed[1], parsed[2]]
        which = choices.below(2)
        parts[which] = changed(parts[which], choices, (b"", b" ", b'"b64":false,', b'"alg":"none",'))
        text = ".".join([_url(parts[0]), "", _url(parts[1])])
    else:
        text = changed(value.encode("latin-1"), choices, (b"..", b"=", b", ", b".", b"A")).decode("latin-1")
    lines[at] = (lines[at][0], text)
    return _with(message, lines)


def _url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _sign_again(forged: Forged, choices: Choices, *, has_changes: bool) -> None:
    """Sign the message, with chosen changes of the protected header, by a chosen key."""
    found = _signature_line(forged.message)
    parsed = reference.jws(found[1]) if found is not None else None
    header = json_object(parsed[1]) if parsed is not None else None
    if found is None or header is None:
        return
    forged.is_changed = True
    if has_changes:
        for _ in range(1 + choices.below(_MOST)):
            choices.pick(HEADER_CHANGES)(header, choices)
    octets = json.dumps(header, separators=(",", ":"), ensure_ascii=choices.below(4) == 1).encode(
        "utf-8", "surrogatepass"
    )
    if choices.below(8) == 7:
        octets = changed(octets, choices, (b'"alg":"PS256",', b"NaN", b"\xff", b" ", b"\xef\xbb\xbf"))
    encoded_header = _url(octets)
    payload = _payload(header, forged.message, choices)
    names = signing_keys()
    who = names[max(choices.below(3 * len(names)) - 2 * len(names), 0)]  # the right one, most of the time
    if header.get("alg") == "ES256" and who == names[0]:
        who = names[1]
    signing_input = encoded_header.encode() + b"." + payload
    signature = raw_signature(key(who), signing_input)
    digest = hashlib.sha256(signing_input).digest()
    forged.signed.add((public_key_id(who), digest))
    forged.signatures.add((digest, signature))
    lines = list(forged.message.fields)
    lines[found[0]] = (lines[found[0]][0], f"{encoded_header}..{_url(signature)}")
    forged.message = _with(forged.message, lines)


def _payload(header: dict[str, Any], message: HttpMessage, choices: Choices) -> bytes:
    if choices.below(16) == 15:
        return choices.octets(64)
    sigd = header.get("sigD")
    if sigd is None and "b64" not in header:
        assert isinstance(message.body, bytes)
        return _url(message.body).encode()
    pars = sigd.get("pars") if isinstance(sigd, dict) else None
    known = isinstance(pars, list) and all(isinstance(name, str) for name in pars)
    found = reference.payload(pars if known and pars is not None else ["digest"], message)
    return b"" if found is None else found


def raw_signature(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, octets: bytes) -> bytes:
    """A signature as JWS has it."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private.sign(octets, ec.ECDSA(SHA256(), deterministic_signing=True)))
        size = (private.key_size + 7) // 8
        return r.to_bytes(size) + s.to_bytes(size)
    return private.sign(octets, padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32), SHA256())


# --- changes of the protected header -------------------------------------------------------------------------


def _set_member(header: dict[str, Any], choices: Choices) -> None:
    name = choices.pick(MEMBERS)
    header[name] = choices.pick(VALUES)


def _remove_member(header: dict[str, Any], choices: Choices) -> None:
    header.pop(choices.pick(MEMBERS), None)


def _reorder(header: dict[str, Any], choices: Choices) -> None:
    name = choices.pick(MEMBERS)
    if name in header:
        header[name] = header.pop(name)


def _change_list(header: dict[str, Any], choices: Choices) -> None:
    """A list in the header: crit, pars, x5c or the references."""
    sigd = header.get("sigD")
    lists = [
        header.get("crit"),
        sigd.get("pars") if isinstance(sigd, dict) else None,
        header.get("x5c"),
        header.get("sigX5ts"),
    ]
    found = lists[choices.below(len(lists))]
    if not isinstance(found, list):
        return
    at, how = choices.below(len(found) + 1), choices.below(5)
    if how == 0:
        del found[at : at + 1]
    elif how == 1:
        found[at:at] = found[at - 1 : at]
    elif how == 2:
        found.reverse()
    else:
        found.insert(at, choices.pick(ITEMS))


def _change_x5c(header: dict[str, Any], choices: Choices) -> None:
    """Another certificate, one more, one less, or one that was edited, signed again or not."""
    x5c = header.get("x5c")
    if not isinstance(x5c, list):
        return
    ders = tuple(certificate_ders().values())
    der, at, how = choices.pick(ders), choices.below(len(x5c) + 1), choices.below(5)
    if how == 0:
        del x5c[at : at + 1]
        return
    if how == 1:
        root = edited(der, choices)
        signer = choices.pick((None, "foreign-leaf", "leaf-rsa2048"))
        if signer is not None:
            sign_plain(root, key(signer))
        der = encoded(root)
    text = base64.b64encode(der).decode()
    x5c[at : at + (how != 2)] = [text]
    if choices.below(2):
        # The references follow, so that the certificate itself is judged.
        first = (reference.base64_octets(x5c[0]) if isinstance(x5c[0], str) else None) or b""
        if "x5t#S256" in header:
            header["x5t#S256"] = _url(hashlib.sha256(first).digest())
        if "x5t#o" in header:
            header["x5t#o"] = {"digAlg": "S512", "digVal": _url(hashlib.sha512(first).digest())}


HEADER_CHANGES = (_set_member, _remove_member, _reorder, _change_list, _change_x5c)
