"""A WSGI environ read as an HTTP request: its fields, its targets, its body. No signature and no answer here.

What PEP 3333 and the servers leave of a request, and what follows from it:

- A field that is there twice arrives as one, joined with a comma. In a signature or in Host that is refused. Where a
  signature covers such a field it only fits when the server joins with `, ` as RFC 9110 does; otherwise it is refused.
- Names lose their capitals, and `_` and `-` become one. gunicorn, waitress and werkzeug drop names with `_`; wsgiref joins
  them to the others, and then the comma tells.
- gunicorn takes SCRIPT_NAME from a field of that name, so that whoever sends it chooses what of the path the application is
  shown. Such a request is refused.
- wsgiref says `text/plain` where the request has no Content-Type.
- The request-target is decoded into SCRIPT_NAME and PATH_INFO; most servers give it as it was too, wsgiref does not.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_to_bytes
from wsgiref.types import InputStream, WSGIEnvironment

from ..errors import ConfigurationError, MalformedMessageError
from ..message import Body, Fields, HttpRequest
from ..profiles import REQUEST_TARGET, HttpHeaders, OtherFields, Profile
from .body import PIECE, Spool
from .outcome import UNVERIFIED_KEY, VERIFIED_KEY
from .rules import Need, RequestRules, SigningRules
from .site import PublicAddress, announced_length, arrived, check_size
from .wsgi_parts import CORRELATION_KEY

__all__ = [
    "Question",
    "TargetSource",
    "check_mount",
    "delivered",
    "environ_for_app",
    "fill",
    "may_cover_target",
    "question_of",
]

_RAW_TARGETS = ("RAW_URI", "REQUEST_URI")
"""gunicorn has the first; waitress, uWSGI and mod_wsgi the second; werkzeug both."""

_PATH_CHARACTERS = "/!$&'()*+,;=:@"
"""What a path may hold as it is, besides letters, digits and `-._~` (RFC 3986 §3.3)."""

_PLAIN = re.compile(r"[A-Za-z0-9/._~-]*")
"""Paths that nothing is encoded in: most of them."""

_CONTENT = ("CONTENT_LENGTH", "CONTENT_TYPE")
"""The fields that CGI names without `HTTP_`; servers may leave them empty for absent ones."""

_NONE_READ = Fields()

_KEYS_KNOWN, _MOST_KEYS, _LONGEST_KEYS = 256, 128, 4096
"""Sets of keys that are remembered, keys of one, and characters of them together: 8 MB at most, and usually a few hundred
KB. Whoever sends others only has them read anew."""

_BUFFER = 64 * 1024
"""Octets that are read from a file at once for an application that reads line by line."""


class TargetSource(Enum):
    """Where the request-target comes from when a profile covers it."""

    RAW = "raw"
    """The server gives it as it was on the wire; where it does not, no such request or answer passes."""
    RECONSTRUCTED = "reconstructed"
    """Where the server does not give it, it is put together from what was decoded. `%2F`, `%7E`, `%2f`, a `?` without a query
    and other spellings are lost: a request that was signed with one of them is refused, never accepted."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Question:
    """A request without its body.

    Attributes:
        method: As the server gives it; waitress puts it in capitals.
        target: As its sender wrote it, where that is known.
        shown: What the application is shown, written as a target.
        same: Whether the two say the same.
        fields: Field lines.
        address: What the outside calls this server.
    """

    method: str
    target: str
    shown: str
    same: bool
    fields: Fields
    address: PublicAddress

    def need(self, rules: RequestRules, *, announces_body: bool) -> Need:
        """What is asked of it: where its two targets disagree about that, a signature."""
        if not rules.routes:
            return rules.need(self.method, self.target, announces_body=announces_body)
        asked = {rules.need(self.method, target, announces_body=announces_body) for target in self._targets()}
        return asked.pop() if len(asked) == 1 else Need.REQUIRED

    def answer_is_signed(self, rules: SigningRules, *, signed_question: bool) -> bool:
        """Whether its answer is signed: where its two targets disagree about that, yes."""
        if not rules.routes:
            return rules.signs_answer_to(self.method, self.target, signed_question=signed_question)
        return any(
            rules.signs_answer_to(self.method, target, signed_question=signed_question) for target in self._targets()
        )

    def arrived(self, *, covered: bool) -> HttpRequest:
        """The request as its sender signed it.

        Args:
            covered: Whether the signature may be about the target.

        Raises:
            MalformedMessageError: As `site.arrived`, or the application would act on another target than was signed.
        """
        request = arrived(method=self.method, target=self.target, fields=self.fields, address=self.address)
        if covered and not self.same:
            raise MalformedMessageError("the server shows the application another request-target than the sender's")
        return request

    def asked(self) -> HttpRequest:
        """The request as an answer speaks of it; nothing is checked."""
        return HttpRequest(method=self.method, target=self.address.prefix + self.target, fields=self.fields)

    def _targets(self) -> Iterator[str]:
        for target in (self.target, self.shown):
            # What does not begin with a slash fits no route, and must not be made to by a prefix.
            yield self.address.prefix + target if target.startswith("/") else target


def may_cover_target(profiles: tuple[Profile, ...]) -> bool:
    """Whether a signature in one of these can be about the request-target."""
    return any(
        isinstance(profile.covers, HttpHeaders)
        and (REQUEST_TARGET in profile.covers.order or profile.covers.others is OtherFields.ALLOWED)
        for profile in profiles
    )


def check_mount(environ: WSGIEnvironment) -> None:
    """Return when the server itself says where the application is mounted.

    Raises:
        MalformedMessageError: A field of the request may have said it: `/docs/v1/x` would be an exempt target, and `/v1/x` what
            the application acts on.
    """
    if environ.get("SCRIPT_NAME") and "HTTP_SCRIPT_NAME" in environ:
        raise MalformedMessageError(
            "the request has a field SCRIPT_NAME, and this server lets it choose the path: set it in the server's environment"
        )


def question_of(
    environ: WSGIEnvironment, *, address: PublicAddress, source: TargetSource, covered: bool, read: Fields = _NONE_READ
) -> Question:
    """The request in an environ.

    Args:
        environ: From the server.
        address: What the outside calls this server.
        source: Where the target may come from.
        covered: Whether a signature may be about the target; otherwise it decides about routes only, and there the path that
            the application is shown is as good.
        read: The fields as they were read before; read anew when something changed one since.

    Raises:
        ConfigurationError: The server does not give the target, it is needed, and it may not be put together.
        MalformedMessageError: It has more fields than are read.
    """
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    shown = path if _PLAIN.fullmatch(path) else quote(path.encode("iso-8859-1"), safe=_PATH_CHARACTERS)
    if query:
        shown = f"{shown}?{query}"
    raw = environ.get(_RAW_TARGETS[0]) or environ.get(_RAW_TARGETS[1]) or None
    if raw is None and covered and source is TargetSource.RAW:
        raise ConfigurationError(
            "a profile covers (request-target), and this server gives neither RAW_URI nor REQUEST_URI: use one that does, "
            "or target_source=TargetSource.RECONSTRUCTED"
        )
    return Question(
        method=environ["REQUEST_METHOD"],
        target=shown if raw is None else raw,
        shown=shown,
        same=raw is None or raw == shown or _split(raw) == (path, query),
        fields=_fields(environ, read),
        address=address,
    )


def _split(raw: str) -> tuple[str, str]:
    path, _, query = raw.partition("?")
    return unquote_to_bytes(path).decode("iso-8859-1"), query


def _fields(environ: WSGIEnvironment, read: Fields) -> Fields:
    keys = tuple(environ)
    length = sum(map(len, keys))
    check_size(0, length)
    names = _known_names(keys) if len(keys) <= _MOST_KEYS and length <= _LONGEST_KEYS else _names(keys)
    lines = [
        (name, environ[key])
        for key, name in names
        if key not in _CONTENT or (environ[key] and (key != "CONTENT_TYPE" or not _is_invented(environ)))
    ]
    check_size(len(lines), sum([len(name) + len(value) for name, value in lines]))
    return read if tuple(read) == tuple(lines) else Fields(lines)


def _names(keys: tuple[str, ...]) -> list[tuple[str, str]]:
    """Those of these keys under which fields stand, and the names of the fields."""
    return [
        (key, key.removeprefix("HTTP_").replace("_", "-").lower())
        for key in keys
        if key.startswith("HTTP_") or key in _CONTENT
    ]


_known_names = lru_cache(maxsize=_KEYS_KNOWN)(_names)
"""A server gives the requests of one client the same keys in the same order."""


def _is_invented(environ: WSGIEnvironment) -> bool:
    """Whether wsgiref put the Content-Type there. With a body nobody can tell, and then it is taken for the sender's."""
    return (
        environ["CONTENT_TYPE"] == "text/plain"
        and environ.get("SERVER_SOFTWARE", "").startswith("WSGIServer/")
        and environ.get("CONTENT_LENGTH", "") in {"", "0"}
    )


def fill(spool: Spool, environ: WSGIEnvironment, fields: Fields) -> None:
    """Read the body, and not one octet more.

    Args:
        spool: Takes it.
        environ: From the server.
        fields: The request's.

    Raises:
        MalformedMessageError: It ends too early, the server cannot read it or does not know where it ends.
        BodyTooLargeError: It is longer than the spool takes.
        OSError: The spool's disk fails.
    """
    left = announced_length(fields)
    if left is None and not environ.get("wsgi.input_terminated"):
        if "transfer-encoding" in fields:
            raise MalformedMessageError("the body has a Transfer-Encoding, which this server leaves to the application")
        left = 0
    source: InputStream = environ["wsgi.input"]
    while left is None or left > 0:
        octets = _read(source, PIECE if left is None else min(left, PIECE))
        if not octets:
            break
        spool.add(octets)
        if spool.due:
            spool.flush()
        left = None if left is None else left - len(octets)
    if left:
        raise MalformedMessageError("the body is cut short: Content-Length says that there is more")


def _read(source: InputStream, size: int) -> bytes:
    try:
        octets = source.read(size)
    except Exception as error:  # noqa: BLE001 - each server has errors of its own for a broken connection or a bad chunk
        raise MalformedMessageError(f"the body cannot be read to its end ({type(error).__name__})") from None
    if not isinstance(octets, bytes) or len(octets) > size:
        raise ConfigurationError("wsgi.input of this server does not give the octets that were asked for")
    return octets


class _SpoolReader(io.RawIOBase):
    """A spool as a file."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        octets = self._spool.read(len(buffer))
        buffer[: len(octets)] = octets
        return len(octets)


def delivered(spool: Spool, body: Body) -> InputStream:
    """The body as an application reads it.

    Args:
        spool: That holds it; left alone when the body is in memory.
        body: From `spool.finish`.
    """
    return io.BytesIO(body) if isinstance(body, bytes) else io.BufferedReader(_SpoolReader(spool), _BUFFER)


def environ_for_app(environ: WSGIEnvironment, key: str, outcome: object, correlation_id: str) -> WSGIEnvironment:
    """A copy that says of its request what an edge found out, and nothing that anything before it said.

    Args:
        environ: From the server.
        key: VERIFIED_KEY or UNVERIFIED_KEY.
        outcome: What belongs there.
        correlation_id: For the application's own log.
    """
    inner = dict(environ)
    inner.pop(VERIFIED_KEY, None)
    inner.pop(UNVERIFIED_KEY, None)
    inner[key] = outcome
    inner[CORRELATION_KEY] = correlation_id
    return inner
