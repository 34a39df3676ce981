"""Signature fields read, and how those of signers met before begin. A value and a bounded store; nothing is judged here.

Of one signer's protected headers only a few octets differ, usually those of `iat`; the certificates before them are 95 % of
the field. To decode, parse and hash these once per signer saves 40 µs of the 130 that a verification takes with RSA-3072.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from .encoding import base64url_decode, json_object
from .errors import MalformedSignatureError
from .jws import MAX_FIELD_LENGTH, parse_detached
from .verdicts import verdict_key

if TYPE_CHECKING:
    from .profiles import SignatureAlgorithm

__all__ = ["Beginnings", "ReadSignature"]

MAX_BEGINNINGS = 512
"""Signers that are remembered: with MAX_BEGINNING 25 MB at the very most, usually 5 MB."""

MAX_BEGINNING = 16_000
"""Characters of a beginning: as much as signers of this library send."""

_TOLD_APART_BY = 512
"""Characters by which a beginning is looked up: they hold kid and reference, or the serial number of the certificate. Two
signers that share them only take each other's place: what is used is always compared as a whole."""

_CONSTANT = frozenset({"alg", "kid", "typ", "cty", "x5c", "x5t", "x5t#S256", "x5t#o", "sigX5ts", "b64", "sigD", "crit"})
"""What a signer repeats. A header in which anything else comes before `x5c` is read whole each time, and never kept."""

_WHAT = "the protected header"


@dataclass(frozen=True, slots=True, repr=False)
class _Beginning:
    """How the field of one signer begins, up to the end of `x5c`.

    Attributes:
        text: The characters of the field: whole groups of four.
        octets: The same, decoded.
        left: What stands between `octets` and the end of `x5c`, and the comma after it.
        members: The members of the protected header until there.
        hasher: SHA-256, fed with `text`. Copied, never fed.
        algorithm: Of `key`.
        key: The verdict key of these certificates.
    """

    text: str
    octets: bytes
    left: bytes
    members: dict[str, Any]
    hasher: hashlib._Hash
    algorithm: SignatureAlgorithm
    key: bytes


class ReadSignature(NamedTuple):
    """A signature field, read. A tuple, since one is made for every message.

    Attributes:
        protected: The octets of the protected header.
        header: The same as JSON. Not to be changed: a part may be another message's too.
        signature: The octets of the signature.
        hasher: SHA-256, fed with a beginning of the encoded header.
        unhashed: The rest of the encoded header.
        beginning: What was known of it, or `None`.
    """

    protected: bytes
    header: dict[str, Any]
    signature: bytes
    hasher: hashlib._Hash
    unhashed: bytes
    beginning: _Beginning | None

    def __repr__(self) -> str:
        return f"<ReadSignature: a protected header of {len(self.protected)} octets>"

    def verdict_key(self, algorithm: SignatureAlgorithm, x5c: tuple[str, ...]) -> bytes:
        """As `verdicts.verdict_key`, which is not computed again for a beginning that is known."""
        known = self.beginning
        return known.key if known is not None and known.algorithm is algorithm else verdict_key(algorithm, x5c)


class Beginnings:
    """The beginnings that one verifier knows. Safe to share: each operation is one step on a dict.

    Bounded by two halves: when the younger is full it becomes the elder, and the elder is forgotten.
    """

    __slots__ = ("_elder", "_younger")

    def __init__(self) -> None:
        self._younger: dict[str, _Beginning] = {}
        self._elder: dict[str, _Beginning] = {}

    def read(self, value: str) -> ReadSignature:
        """What one field value holds (wire format read-1 to read-3).

        Raises:
            MalformedSignatureError: Too long, another form, not canonical base64url, or not one strict JSON object.
        """
        return self._with_beginning(value) or _whole(value)

    def _with_beginning(self, value: str) -> ReadSignature | None:
        """The same, or `None`: whatever is wrong, the whole is read and tells."""
        start = value[:_TOLD_APART_BY]
        known = self._younger.get(start) or self._elder.get(start)
        if known is None or len(value) > MAX_FIELD_LENGTH or not value.startswith(known.text):
            return None
        encoded, _, signature = value[len(known.text) :].partition("..")
        try:
            unhashed = encoded.encode("ascii")
            rest = base64url_decode(unhashed, _WHAT)
            if not rest.startswith(known.left):
                return None
            # `{a,` and `b}` are one object with the members of `{a}` and `{b}` when both are objects with members.
            members = json_object(b"{" + rest[len(known.left) :], _WHAT)
            octets = base64url_decode(signature.encode("ascii"), _WHAT)
        except (MalformedSignatureError, UnicodeEncodeError):
            return None
        if not members or not known.members.keys().isdisjoint(members):
            return None
        return ReadSignature(known.octets + rest, known.members | members, octets, known.hasher.copy(), unhashed, known)

    def learn(self, value: str, read: ReadSignature, algorithm: SignatureAlgorithm, key: bytes) -> None:
        """Remember how a field begins. Only of a signer whose signature and certification path were found good: what
        strangers send must not displace it.

        Args:
            value: The field.
            read: From `read`.
            algorithm: Of the profile.
            key: The verdict key of its certificates.
        """
        protected = read.protected
        end = protected.find(b"]", protected.find(b'"x5c"')) + 1
        whole = end - end % 3
        length = whole // 3 * 4
        if not _TOLD_APART_BY < length <= MAX_BEGINNING or protected[end : end + 1] != b",":
            return
        try:
            # Proves that `end` is the end of a member of the header itself, wherever it was found.
            members = json_object(protected[:end] + b"}", _WHAT)
        except MalformedSignatureError:
            return
        if "x5c" not in members or not members.keys() <= _CONSTANT:
            return
        text = value[:length]
        made = _Beginning(
            text=text,
            octets=protected[:whole],
            left=protected[whole : end + 1],
            members=members,
            hasher=hashlib.sha256(text.encode("ascii")),
            algorithm=algorithm,
            key=key,
        )
        if len(self._younger) >= MAX_BEGINNINGS // 2:
            self._elder, self._younger = self._younger, {}
        self._younger[value[:_TOLD_APART_BY]] = made


def _whole(value: str) -> ReadSignature:
    jws = parse_detached(value)
    header = json_object(jws.protected, _WHAT)
    return ReadSignature(jws.protected, header, jws.signature, hashlib.sha256(), jws.encoded_header, None)
