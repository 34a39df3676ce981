"""A request as it arrived at a server, made into an HttpRequest or refused. Values only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ..encoding import ascii_lower
from ..errors import BodyTooLargeError, ConfigurationError, MalformedMessageError, quoted
from ..message import Fields, HttpRequest

__all__ = [
    "MAX_FIELD_LINES",
    "MAX_FIELD_OCTETS",
    "PublicAddress",
    "announced_length",
    "announces_body",
    "arrived",
    "check_framing",
    "check_readable",
    "check_size",
]

_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,=:@-]+)+")
_LONGEST_AUTHORITY = 300
"""Characters of a host and a port: names have 255 at most (RFC 1035 §2.3.4)."""

MAX_FIELD_LINES = 500
"""Field lines of a request. Some servers stop at 100, and uvicorn with httptools nowhere: to read the 200 000 lines that it
passes on holds an event loop for half a second."""

MAX_FIELD_OCTETS = 256 * 1024
"""Octets of their names and values together: eight times the longest signature field."""

_LONGEST_LENGTH = 18
"""Digits of a Content-Length: an exabyte."""

_READ_BODIES = frozenset({"content-digest", "content-encoding", "content-length", "content-type", "transfer-encoding"})
"""Fields that say how to read a body. A verifier decides by whether they are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAddress:
    """What the outside calls this server, where a proxy stands before it. Fields such as X-Forwarded-Host are never asked.

    Attributes:
        authority: Host, and port unless it is the default: the one value that Host may have. `None` asks for one Host only.
        prefix: What the proxy takes off the path, for example `/ddas/v1`; empty when it leaves the path alone.

    Raises:
        ConfigurationError: A value has another form.
    """

    authority: str | None = None
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.authority is not None and not (
            isinstance(self.authority, str)
            and len(self.authority) <= _LONGEST_AUTHORITY
            and _AUTHORITY.fullmatch(self.authority)
        ):
            raise ConfigurationError("authority of a PublicAddress is a host, with a port where it has one")
        if not isinstance(self.prefix, str) or (self.prefix and not _PREFIX.fullmatch(self.prefix)):
            raise ConfigurationError("prefix of a PublicAddress begins with a slash and does not end with one")


@lru_cache(maxsize=256)
def _is_authority(host: str) -> bool:
    return _AUTHORITY.fullmatch(host) is not None


def check_size(count: int, octets: int) -> None:
    """Return when the fields of a request are few enough to be read.

    Args:
        count: Of the lines.
        octets: Of their names and values together.

    Raises:
        MalformedMessageError: They are not.
    """
    if count > MAX_FIELD_LINES or octets > MAX_FIELD_OCTETS:
        raise MalformedMessageError(
            f"the request has more than {MAX_FIELD_LINES} field lines, or more than {MAX_FIELD_OCTETS} octets in them"
        )


def arrived(
    *, method: str, target: str, fields: Fields, address: PublicAddress, made: HttpRequest | None = None
) -> HttpRequest:
    """The request as its sender signed it, without its body.

    Args:
        method: As on the wire.
        target: As the server got it, in origin-form.
        fields: Every field line.
        address: What the outside calls this server.
        made: The same request as somebody else made it, to be used again where it is the same.

    Raises:
        MalformedMessageError: The target is not in origin-form, Host is not there once, is no host, or is another's, or a
            name is read in two ways.
    """
    if "_" in "".join(fields.names):
        _check_names(fields)
    if not (target.startswith("/") and target.isascii() and target.isprintable() and " " not in target):
        raise MalformedMessageError("the request-target is not a path in visible ASCII (origin-form)")
    hosts = fields.get_all("host")
    if len(hosts) != 1:
        raise MalformedMessageError(f"the field Host is there {len(hosts)} times")
    if len(hosts[0]) > _LONGEST_AUTHORITY or not _is_authority(hosts[0]):
        # Also two that were joined with a comma.
        raise MalformedMessageError("the field Host is not a host, with or without a port")
    if address.authority is not None and ascii_lower(hosts[0]) != ascii_lower(address.authority):
        raise MalformedMessageError(
            f"the field Host is not {address.authority}: the proxy must pass it on unchanged, or the request is for another"
        )
    target = address.prefix + target
    if made is not None and made.fields is fields and made.method == method and made.target == target:
        return made
    return HttpRequest(method=method, target=target, fields=fields)


def _check_names(fields: Fields) -> None:
    """Return when no name stands for another where `_` is read as `-`, as in Django and all that speaks CGI inside.

    Raises:
        MalformedMessageError: One does: `Content_Encoding` would escape the rules for `Content-Encoding`.
    """
    spelled: dict[str, str] = {}
    for name, _ in fields:
        if "_" in name:
            lower = ascii_lower(name)
            alike = lower.replace("_", "-")
            if alike in _READ_BODIES or alike in fields or spelled.setdefault(alike, lower) != lower:
                raise MalformedMessageError(f"the field {quoted(name)} is read as {quoted(alike)} by some software")


def announced_length(fields: Fields) -> int | None:
    """What Content-Length says, or `None` when there is none (RFC 9112 §6).

    Raises:
        MalformedMessageError: It is there more than once, is no number, or stands beside Transfer-Encoding: two readers
            would find two ends of the body.
    """
    # Two of them are joined with a comma, and then no number.
    length = fields.combined("content-length")
    if length is None:
        return None
    if "transfer-encoding" in fields:
        raise MalformedMessageError("Content-Length and Transfer-Encoding are both there")
    if len(length) > _LONGEST_LENGTH or not (length.isascii() and length.isdecimal()):
        raise MalformedMessageError("Content-Length is not one number")
    return int(length)


def announces_body(fields: Fields) -> bool:
    """Whether the fields say that a body follows.

    Raises:
        MalformedMessageError: As `announced_length`.
    """
    return "transfer-encoding" in fields or bool(announced_length(fields))


def check_framing(fields: Fields, limit: int) -> int | None:
    """What Content-Length says, or `None` when there is none, of a body that may be read.

    Raises:
        MalformedMessageError: As `announced_length`, or there is another transfer coding than chunked: servers leave it in
            the body, and the Digest is of a body without it.
        BodyTooLargeError: It is announced to be longer than the limit.
    """
    length = announced_length(fields)
    check_readable(fields, length, limit)
    return length


def check_readable(fields: Fields, length: int | None, limit: int) -> None:
    """Return when the body may be read.

    Args:
        fields: Of its message.
        length: From `announced_length`.
        limit: Octets that a body may have.

    Raises:
        MalformedMessageError: As `check_framing`.
        BodyTooLargeError: As `check_framing`.
    """
    coding = fields.combined("transfer-encoding")
    if coding is not None and ascii_lower(coding) != "chunked":
        raise MalformedMessageError("Transfer-Encoding is something else than chunked")
    if length is not None and length > limit:
        raise BodyTooLargeError(f"the body has more than the {limit} octets that are accepted")
