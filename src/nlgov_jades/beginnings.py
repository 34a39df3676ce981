"""Signature fields read, and how those of signers met before begin. A value and a bounded store; nothing is judged here.

Of one signer's protected headers only a few octets differ, usually those of `iat`; the certificates before them are 95 % of
the field. To decode, parse and hash these once per signer saves 40 µs of the 130 that a verification takes with RSA-3072.
Where nothing but the ten digits of `iat` differs from a header that was judged, neither is that judged again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .encoding import base64url_decode, json_object
from .errors import MalformedSignatureError
from .jws import MAX_FIELD_LENGTH, parse_detached
from .verdicts import verdict_key

if TYPE_CHECKING:
    from .profiles import Profile, SignatureAlgorithm

__all__ = ["Beginnings", "KnownHeader", "ReadSignature"]

MAX_BEGINNINGS = 512
"""Signers that are remembered: with the limits below 80 MB at the very most, usually 15 MB."""

MAX_BEGINNING = 16_000
"""Characters of a beginning: as much as signers of this library send."""

_TOLD_APART_BY = 512
"""Characters by which a beginning is looked up: they hold kid and reference, or the serial number of the certificate. Two
signers that share them only take each other's place: what is used is always compared as a whole."""

_MAX_BEFORE_X5C, _MAX_AFTER_X5C = 2048, 1024
"""Octets of the header besides its certificates: ours has 300. JSON takes up to twenty times its length when it is read."""

MAX_HEADERS = 4
"""Headers that are remembered of one beginning: one for each list of `pars` that a signer uses."""

_MAX_TRIES = 16
"""Headers of one beginning that are looked at to be remembered: whoever changes more than `iat` never has one."""

_DIGITS = 10
"""Of `iat`, from 2001 until 2286."""

_IAT = re.compile(rb'"iat": ?([1-9][0-9]{9})(?=[,}])')

_CONSTANT = frozenset({"alg", "kid", "typ", "cty", "x5c", "x5t", "x5t#S256", "x5t#o", "sigX5ts", "b64", "sigD", "crit"})
"""What a signer repeats. A header in which anything else comes before `x5c` is read whole each time, and never kept."""

_WHAT = "the protected header"


@dataclass(frozen=True, slots=True, repr=False)
class KnownHeader:
    """What follows a beginning in a protected header that was judged, all but the digits of `iat`.

    Attributes:
        start: The characters from the beginning to the group in which the digits begin.
        octets: The same, decoded.
        left: What stands before the digits in that group.
        right: What follows them in the group in which they end.
        end: The characters from there on, and the two dots.
        after: The same, decoded, without the dots.
        members: Those of the header.
        hasher: SHA-256, fed with the beginning and `start`. Copied, never fed.
        profile: Whose rules the header keeps.
        pars: In lower case; steps 4 to 7 found nothing against the header, whatever the message.
        key: The verdict key of its certificates.
        expires: Whether it has `exp`. It has no `sigT`: both would have been refused.
    """

    start: str
    octets: bytes
    left: bytes
    right: bytes
    end: str
    after: bytes
    members: dict[str, Any]
    hasher: hashlib._Hash
    profile: Profile
    pars: tuple[str, ...]
    key: bytes
    expires: bool

    def iat(self, octets: bytes) -> int | None:
        """The `iat` in the groups that hold its digits, or `None` when they hold anything else besides."""
        left, right = self.left, self.right
        digits = octets[len(left) : len(left) + _DIGITS]
        if octets != left + digits + right or not digits.isdigit() or digits.startswith(b"0"):
            return None
        return int(digits)


@dataclass(slots=True, repr=False, eq=False)
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
        headers: Those that were judged.
        tries: How many were looked at to be remembered.
    """

    text: str
    octets: bytes
    left: bytes
    members: dict[str, Any]
    hasher: hashlib._Hash
    algorithm: SignatureAlgorithm
    key: bytes
    headers: list[KnownHeader] = field(default_factory=list)
    tries: int = 0


class ReadSignature(NamedTuple):
    """A signature field, read. A tuple, since one is made for every message.

    Attributes:
        protected: The octets of the protected header.
        header: The same as JSON. Not to be changed: a part may be another message's too.
        signature: The octets of the signature.
        hasher: SHA-256, fed with a beginning of the encoded header.
        unhashed: The rest of the encoded header.
        beginning: What was known of it, or `None`.
        known: The header that was judged before and differs in `iat` alone, or `None`.
    """

    protected: bytes
    header: dict[str, Any]
    signature: bytes
    hasher: hashlib._Hash
    unhashed: bytes
    beginning: _Beginning | None
    known: KnownHeader | None = None

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
        if known.headers and (read := _with_header(value, known)) is not None:
            return read
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
        begin = protected.find(b'"x5c"')
        end = protected.find(b"]", begin) + 1
        whole = end - end % 3
        length = whole // 3 * 4
        if not _TOLD_APART_BY < length <= MAX_BEGINNING or protected[end : end + 1] != b",":
            return
        if begin > _MAX_BEFORE_X5C:
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

    def learn_header(
        self, value: str, read: ReadSignature, profile: Profile, pars: tuple[str, ...], key: bytes
    ) -> None:
        """Remember a header of which the beginning is known. Only when it was judged, as for `learn`.

        Args:
            value: The field.
            read: From `read`, with a beginning.
            profile: Whose rules it keeps.
            pars: What it covers.
            key: The verdict key of its certificates, for the algorithm of this profile.
        """
        known = read.beginning
        if known is None or known.tries >= _MAX_TRIES or len(known.headers) >= MAX_HEADERS:
            return
        known.tries += 1
        made = _header(value, read, profile, pars, key)
        if made is not None:
            known.headers.append(made)


def _with_header(value: str, known: _Beginning) -> ReadSignature | None:
    """What the field holds when its header is a known one, or `None`."""
    begin = len(known.text)
    for header in known.headers:
        at = begin + len(header.start)
        count = len(header.left) + _DIGITS + len(header.right)
        length = count // 3 * 4
        if not value.startswith(header.start, begin) or not value.startswith(header.end, at + length):
            continue
        after = length + len(header.end)
        try:
            rest = value[at:].encode("ascii")
            # The groups of the digits are whole: decoded together with the signature they are what they are alone.
            octets = base64url_decode(rest[:length] + rest[after:], _WHAT)
        except (MalformedSignatureError, UnicodeEncodeError):
            return None
        groups, signature = octets[:count], octets[count:]
        iat = header.iat(groups)
        if iat is not None and signature:
            return ReadSignature(
                b"".join((known.octets, header.octets, groups, header.after)),
                {**header.members, "iat": iat},
                signature,
                header.hasher.copy(),
                rest[: after - 2],
                known,
                header,
            )
    return None


def _header(value: str, read: ReadSignature, profile: Profile, pars: tuple[str, ...], key: bytes) -> KnownHeader | None:
    known = read.beginning
    if known is None:
        return None
    protected, members, begin = read.protected, read.header, len(known.octets)
    found = list(_IAT.finditer(protected, begin))
    if len(protected) - begin > _MAX_AFTER_X5C or len(found) != 1 or members.get("iat") != int(found[0][1]):
        return None
    start, stop = found[0].span(1)
    # Proves that these are the digits of the header's own `iat`, and of nothing else: other digits change that alone.
    other = b"1234567890" if found[0][1] != b"1234567890" else b"1234567891"
    try:
        changed = json_object(protected[:start] + other + protected[stop:], _WHAT)
    except MalformedSignatureError:
        return None
    first, last = start - start % 3, stop + -stop % 3
    if changed != members | {"iat": int(other)} or last > len(protected):
        return None
    encoded = value.partition("..")[0]
    text = encoded[len(known.text) : first // 3 * 4]
    hasher = known.hasher.copy()
    hasher.update(text.encode("ascii"))
    return KnownHeader(
        start=text,
        octets=protected[begin:first],
        left=protected[first:start],
        right=protected[stop:last],
        end=encoded[last // 3 * 4 :] + "..",
        after=protected[last:],
        members=members,
        hasher=hasher,
        profile=profile,
        pars=pars,
        key=key,
        expires="exp" in members,
    )


def _whole(value: str) -> ReadSignature:
    jws = parse_detached(value)
    header = json_object(jws.protected, _WHAT)
    return ReadSignature(jws.protected, header, jws.signature, hashlib.sha256(), jws.encoded_header, None)
