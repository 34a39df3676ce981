"""HTTP messages as they stand on the wire. Values only: nothing here reads, signs or verifies.

`Fields` keeps every field line apart and in order: a dict would hide a repeated field, which is how one message
is read in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Self, overload

from .digest import BodyDigest
from .encoding import ascii_lower
from .errors import ConfigurationError, quoted

if TYPE_CHECKING:
    from .notice import Notice

__all__ = ["Body", "Fields", "HttpMessage", "HttpRequest", "HttpResponse", "SignedFields"]

Body = bytes | BodyDigest
"""The body after removing the transfer coding, still content-encoded: its octets, or a digest fed with them."""

FieldLines = Iterable[tuple[str | bytes, str | bytes]]

_LISTS = (tuple, list)
"""The usual forms, told by a glance: to ask whether something is a Mapping takes longer than to read it."""

_OWS = " \t"
_PAIR = 2
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_USERINFO = re.compile(r"//[^/?#]*@")
_NAMES_KNOWN, _LONGEST_KNOWN = 1024, 64
"""Names that are remembered, and characters of one: 1.1 MB at most, and whoever sends others only has them read anew."""

_set = object.__setattr__

_LINE_FORM = "a field line is a (name, value) pair of bytes or ISO-8859-1 text"


class Fields:
    """Ordered multi-map of raw field lines (RFC 9110 §5). Immutable; names compare without regard to ASCII case.

    Names and values are ISO-8859-1 views of the octets on the wire, so nothing is lost and nothing is decoded.

    Args:
        lines: (name, value) pairs, `bytes` or `str`, in the order of the message.

    Raises:
        ConfigurationError: A line is not a pair of `bytes` or ISO-8859-1 `str`.
    """

    __slots__ = ("_by_name", "_lines", "_odd_names")

    def __init__(self, lines: FieldLines = ()) -> None:
        if type(lines) not in _LISTS and (isinstance(lines, str | bytes | Mapping) or not isinstance(lines, Iterable)):
            raise ConfigurationError("fields are a list of (name, value) pairs; a mapping would hide a repeated field")
        usual = (_usual_octets(lines) or _usual_text(lines)) if type(lines) in _LISTS else None
        self._lines, self._by_name, self._odd_names = usual or _read(lines)

    def get_all(self, name: str) -> tuple[str, ...]:
        """Values of every line with this name, in order, leading and trailing spaces and tabs trimmed."""
        values = self._by_name.get(name, ())
        return values if values or name.islower() else self._by_name.get(ascii_lower(name), ())

    def combined(self, name: str) -> str | None:
        """The values of `get_all` joined with `, ` (RFC 9110 §5.3); `None` when the field is absent."""
        values = self._by_name.get(name)
        if values is None:
            if name.islower():
                return None
            values = self._by_name.get(ascii_lower(name), ())
        return values[0] if len(values) == 1 else ", ".join(values) if values else None

    def among(self, names: Collection[str]) -> list[str]:
        """Those of these names, in lower case, that are there."""
        by_name = self._by_name
        # Usually none is, or one.
        found = by_name.keys() & names
        return list(found) if len(found) <= 1 else [name for name in names if name in by_name]

    @property
    def names(self) -> KeysView[str]:
        """The names that are there, each once, in lower case."""
        return self._by_name.keys()

    @property
    def odd_names(self) -> tuple[str, ...]:
        """Names that are no token (RFC 9110 §5.6.2): some software reads them as another name, some not at all."""
        return self._odd_names

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            name in self._by_name or (not name.islower() and ascii_lower(name) in self._by_name)
        )

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __eq__(self, other: object) -> bool:
        return self._lines == other._lines if isinstance(other, Fields) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._lines)

    def __add__(self, lines: FieldLines) -> Fields:
        more = lines if isinstance(lines, Fields) else Fields(lines)
        made = Fields.__new__(Fields)
        made._lines = self._lines + more._lines
        made._odd_names = self._odd_names + more._odd_names
        made._by_name = by_name = self._by_name.copy()
        for name, values in more._by_name.items():
            own = by_name.get(name)
            by_name[name] = values if own is None else own + values
        return made

    def __repr__(self) -> str:
        # Values may hold Authorization, Cookie or a query string.
        return f"<Fields: {len(self._lines)} lines>"


_Read = tuple[tuple[tuple[str, str], ...], dict[str, tuple[str, ...]], tuple[str, ...]]


def _usual_octets(lines: Iterable[object]) -> _Read | None:
    """Lines as servers give them, pairs of octets whose names were met before; `None` when one is anything else.

    There are dozens of lines to a message and its answer, so nothing is called here that can be spared.
    """
    by_name: dict[str, tuple[str, ...]] = {}
    again: list[tuple[str, str]] = []
    read: list[tuple[str, str]] = []
    try:
        for line in lines:
            if type(line) is not tuple:
                return None
            octets, value = line
            # Before the look-up: other types may be equal to octets, or raise what they like when they are compared.
            if type(octets) is not bytes or type(value) is not bytes:
                return None
            name, lower = _tokens[octets]
            text = value.decode("iso-8859-1")
            if lower in by_name:
                again.append((lower, text.strip(_OWS)))
            else:
                by_name[lower] = (text.strip(_OWS),)
            read.append((name, text))
    except (KeyError, ValueError):
        return None
    return tuple(read), _with(by_name, again) if again else by_name, ()


def _usual_text(lines: Iterable[object]) -> _Read | None:
    """The same for pairs of text in ASCII, as WSGI and most clients have them."""
    by_name: dict[str, tuple[str, ...]] = {}
    again: list[tuple[str, str]] = []
    read: list[tuple[str, str]] = []
    try:
        for line in lines:
            if type(line) is not tuple:
                return None
            name, value = line
            if type(name) is not str or type(value) is not str or not value.isascii():
                return None
            lower = _lower_tokens[name]
            if lower in by_name:
                again.append((lower, value.strip(_OWS)))
            else:
                by_name[lower] = (value.strip(_OWS),)
            read.append(line)
    except (KeyError, ValueError):
        return None
    return tuple(read), _with(by_name, again) if again else by_name, ()


def _with(by_name: dict[str, tuple[str, ...]], again: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The first values by name, with those of lines that repeat a name behind them."""
    further: dict[str, list[str]] = {}
    for name, value in again:
        further.setdefault(name, []).append(value)
    return by_name | {name: (*by_name[name], *values) for name, values in further.items()}


def _read(lines: Iterable[object]) -> _Read:
    by_name: dict[str, list[str]] = {}
    read: list[tuple[str, str]] = []
    odd_names: list[str] = []
    for line in lines:
        name, value = _line(line)
        lower, is_token = _known_name(name) if len(name) <= _LONGEST_KNOWN else _name(name)
        by_name.setdefault(lower, []).append(value.strip(_OWS))
        read.append((name, value))
        if not is_token:
            odd_names.append(name)
    return tuple(read), {name: tuple(values) for name, values in by_name.items()}, tuple(odd_names)


def _name(name: str) -> tuple[str, bool]:
    """The name in lower case, and whether it is a token."""
    return ascii_lower(name), _TOKEN.fullmatch(name) is not None


_known_name = lru_cache(maxsize=_NAMES_KNOWN)(_name)

_tokens: dict[bytes, tuple[str, str]] = {}
"""Names that are tokens, as octets: the same as text, and in lower case. Begun anew when there are too many."""


_lower_tokens: dict[str, str] = {}
"""The same, as text: in lower case."""


def _remember(name: str, octets: bytes | None) -> None:
    lower, is_token = _known_name(name)
    if not is_token:
        return
    if octets is None:
        if len(_lower_tokens) >= _NAMES_KNOWN:
            _lower_tokens.clear()
        _lower_tokens[name] = lower
    else:
        if len(_tokens) >= _NAMES_KNOWN:
            _tokens.clear()
        _tokens[octets] = name, lower


def _line(line: object) -> tuple[str, str]:
    if not isinstance(line, _LISTS) or len(line) != _PAIR:
        raise ConfigurationError(_LINE_FORM)
    name, value = line
    # The usual types are told by a glance.
    if type(name) is bytes and type(value) is bytes:
        text = name.decode("iso-8859-1")
        if len(name) <= _LONGEST_KNOWN and name not in _tokens:
            _remember(text, name)
        return text, value.decode("iso-8859-1")
    if type(name) is not str or not name.isascii():
        name = name.decode("iso-8859-1") if isinstance(name, bytes) else _latin1(name)
    elif len(name) <= _LONGEST_KNOWN and name not in _lower_tokens:
        _remember(name, None)
    if type(value) is not str or not value.isascii():
        value = value.decode("iso-8859-1") if isinstance(value, bytes) else _latin1(value)
    return name, value


def _latin1(text: object) -> str:
    try:
        if isinstance(text, str):
            if not text.isascii():
                text.encode("iso-8859-1")
            return text
    except UnicodeEncodeError:
        pass
    raise ConfigurationError(_LINE_FORM)


@dataclass(frozen=True, slots=True, init=False, repr=False)
class HttpRequest:
    """An HTTP request as it stands on the wire.

    Args:
        method: As sent, for example `POST`.
        target: The request-target exactly as on the request line, in origin-form (RFC 9112 §3.2.1).
        fields: Every field line, in order.
        body: The octets after removing the transfer coding, or a `BodyDigest` fed with them.

    Raises:
        ConfigurationError: An argument has another type.
    """

    method: str
    target: str
    fields: Fields
    body: Body

    def __init__(self, *, method: str, target: str, fields: Fields | FieldLines = (), body: Body = b"") -> None:
        if not isinstance(method, str) or not isinstance(target, str):
            raise ConfigurationError("method and target of a request are text")
        _set(self, "method", method)
        _set(self, "target", target)
        _set(self, "fields", fields if isinstance(fields, Fields) else Fields(fields))
        _set(self, "body", body if isinstance(body, bytes) else _body_digest(body))

    def with_fields(self, lines: FieldLines) -> Self:
        """The same request with these field lines added at the end."""
        return type(self)(method=self.method, target=self.target, fields=self.fields + lines, body=self.body)

    def with_body(self, body: Body) -> Self:
        """The same request with this body."""
        return type(self)(method=self.method, target=self.target, fields=self.fields, body=body)

    def __repr__(self) -> str:
        path, mark, _ = self.target.partition("?")
        target = _USERINFO.sub("//…@", path) + ("?…" if mark else "")
        return f"HttpRequest(method={quoted(self.method)}, target={quoted(target)}, fields={self.fields!r}, body={_size(self.body)})"


@dataclass(frozen=True, slots=True, init=False, repr=False)
class HttpResponse:
    """An HTTP response as it stands on the wire.

    Args:
        status: The status code.
        fields: Every field line, in order.
        body: The octets after removing the transfer coding, or a `BodyDigest` fed with them.
        request: The request it answers; needed where a profile covers `(request-target)`.

    Raises:
        ConfigurationError: An argument has another type.
    """

    status: int
    fields: Fields
    body: Body
    request: HttpRequest | None

    def __init__(
        self,
        *,
        status: int,
        fields: Fields | FieldLines = (),
        body: Body = b"",
        request: HttpRequest | None = None,
    ) -> None:
        if not isinstance(status, int):
            raise ConfigurationError("status of a response is a number")
        if request is not None and not isinstance(request, HttpRequest):
            raise ConfigurationError("request of a response is the HttpRequest it answers")
        _set(self, "status", status)
        _set(self, "fields", fields if isinstance(fields, Fields) else Fields(fields))
        _set(self, "body", body if isinstance(body, bytes) else _body_digest(body))
        _set(self, "request", request)

    def with_fields(self, lines: FieldLines) -> Self:
        """The same response with these field lines added at the end."""
        return type(self)(status=self.status, fields=self.fields + lines, body=self.body, request=self.request)

    def with_body(self, body: Body) -> Self:
        """The same response with this body."""
        return type(self)(status=self.status, fields=self.fields, body=body, request=self.request)

    def __repr__(self) -> str:
        return f"HttpResponse(status={self.status}, fields={self.fields!r}, body={_size(self.body)})"


HttpMessage = HttpRequest | HttpResponse


def _body_digest(body: object) -> BodyDigest:
    # A bytearray or memoryview could change between the check and the use.
    if not isinstance(body, BodyDigest):
        raise ConfigurationError("body is bytes, or a BodyDigest that was fed with it")
    return body


def _size(body: Body) -> str:
    return f"<{len(body)} octets>" if isinstance(body, bytes) else repr(body)


class SignedFields(Sequence[tuple[str, str]]):
    """The (name, value) pairs that a signature adds to a message, in order. Immutable."""

    __slots__ = ("_lines", "_notices", "_signature")

    def __init__(self, lines: Sequence[tuple[str, str]], *, signature: str, notices: tuple[Notice, ...]) -> None:
        self._lines = tuple(lines)
        self._signature = signature
        self._notices = notices

    @property
    def signature(self) -> str:
        """Value of the signature field."""
        return self._signature

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a person should know, for example that the field is too long for some servers."""
        return self._notices

    @overload
    def __getitem__(self, index: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[str, str], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, str] | tuple[tuple[str, str], ...]:
        return self._lines[index]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __repr__(self) -> str:
        return f"<SignedFields: {', '.join(name for name, _ in self._lines)}>"
