"""A message that is changed after it was signed, or signed again in another way. Only the probe makes such messages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ...credentials import SigningCredential
from ...digest import digest_field_value
from ...encoding import ascii_lower, base64url_decode, base64url_encode
from ...errors import ConfigurationError, SigningError

__all__ = [
    "DIGEST",
    "SIGNATURE",
    "Draft",
    "digest_of",
    "flipped",
    "mac_of",
    "md5_of",
    "padded",
    "resigned",
    "without_signature",
]

DIGEST: Final = "Digest"
SIGNATURE: Final = "nlgov-adr-payload-sig"

OVERSIZED: Final = 40_000
"""Characters of a signature field: above the 32 768 where verifiers stop, and below what a web server takes in."""

CHUNK: Final = 7
"""Octets of a chunk: so few that even the shortest question has several."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A POST that may be wrong. Immutable; each method gives another one.

    Attributes:
        target: As on the request line.
        lines: Field lines, in order.
        body: Octets.
    """

    target: str = field(repr=False)
    lines: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)

    def value(self, name: str) -> str:
        """Value of the one line with this name."""
        (found,) = [value for key, value in self.lines if ascii_lower(key) == ascii_lower(name)]
        return found

    def without(self, name: str) -> Draft:
        """Without the lines of this name."""
        return Draft(self.target, [line for line in self.lines if ascii_lower(line[0]) != ascii_lower(name)], self.body)

    def plus(self, name: str, value: str) -> Draft:
        """With one more line at the end."""
        return Draft(self.target, [*self.lines, (name, value)], self.body)

    def replaced(self, name: str, value: str) -> Draft:
        """With another value in the one line of this name."""
        self.value(name)
        wanted = ascii_lower(name)
        lines = [(key, value if ascii_lower(key) == wanted else old) for key, old in self.lines]
        return Draft(self.target, lines, self.body)

    def before(self, name: str, value: str) -> Draft:
        """With one more line of this name before the one that is there."""
        at = next(index for index, line in enumerate(self.lines) if ascii_lower(line[0]) == ascii_lower(name))
        return Draft(self.target, [*self.lines[:at], (name, value), *self.lines[at:]], self.body)

    def with_body(self, body: bytes) -> Draft:
        """With another body, and the Content-Length that belongs to it.

        Raises:
            ConfigurationError: It is the same.
        """
        if body == self.body:
            raise ConfigurationError("the other body is the same")
        return Draft(self.target, self.lines, body).replaced("Content-Length", str(len(body)))

    def octets(self, *, chunked: bool = False) -> bytes:
        """As it goes out: Content-Length and the rest as the lines say."""
        head = "".join(f"{name}: {value}\r\n" for name, value in self.lines)
        body = _chunks(self.body) if chunked else self.body
        return f"POST {self.target} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _chunks(body: bytes) -> bytes:
    pieces = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def digest_of(body: bytes) -> str:
    """Value of the field Digest for a body."""
    return digest_field_value(body)


def md5_of(body: bytes) -> str:
    """The same with MD5."""
    return "MD5=" + base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def flipped(value: str) -> str:
    """The value of a signature field with one bit of the signature changed."""
    header, _, text = value.partition("..")
    octets = bytearray(base64url_decode(text.encode(), "the signature"))
    octets[len(octets) // 2] ^= 1
    return f"{header}..{base64url_encode(bytes(octets)).decode()}"


def without_signature(value: str) -> str:
    """The value of a signature field, with nothing behind its last point."""
    return value.rpartition(".")[0] + "."


def mac_of(value: str, payload: str, credential: SigningCredential) -> str:
    """The value of a signature field, with a MAC instead: its secret is the public key of the signer, as PEM.

    Args:
        value: Whose protected header says HS256.
        payload: What it covers.
        credential: The signer's.
    """
    key = credential.chain[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = value.partition("..")[0]
    mac = hmac.digest(key, f"{header}.{payload}".encode(), "sha256")
    return f"{header}..{base64url_encode(mac).decode()}"


def padded() -> dict[str, object]:
    """A member that makes a protected header too long."""
    return {"probe": "x" * (OVERSIZED * 3 // 4)}


def resigned(draft: Draft, changes: Mapping[str, object], credential: SigningCredential) -> Draft:
    """The same with these members in its protected header, signed again by this key whatever they say.

    Args:
        draft: Signed.
        changes: Members to add or to replace; the signature covers what `sigD` then names.
        credential: With a key that is not awaited.

    Raises:
        SigningError: The key could not sign.
    """
    header: dict[str, Any] = json.loads(
        base64url_decode(draft.value(SIGNATURE).partition("..")[0].encode(), "a header")
    )
    header |= changes
    encoded = base64url_encode(json.dumps(header, separators=(",", ":")).encode())
    names = [str(name) for name in header["sigD"]["pars"]]
    payload = "\n".join(f"{name}: {draft.value(name)}" for name in names).encode()
    digest = hashlib.sha256(encoded + b"." + payload).digest()
    try:
        signature = credential.key.sign_digest(digest, algorithm="PS256")
    except Exception as error:
        raise SigningError("the private key could not sign") from error
    if not isinstance(signature, bytes):
        raise ConfigurationError("the probe signs with a key that is not awaited")
    return draft.replaced(SIGNATURE, f"{encoded.decode()}..{base64url_encode(signature).decode()}")
