"""What a gateway takes off a message and what it leaves: fields, framing, the target. Pure; nothing is read or sent here.

What is not named here passes as it came: order and repetition of field lines, content codings, every octet of the target.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from ...edges.refusal import Answer
from ...errors import NlgovJadesError

__all__ = ["TARGET_KEY", "Lines", "RefusedError", "check_request", "passed_on", "plain_refusal", "request_lines"]

Lines = list[tuple[bytes, bytes]]

TARGET_KEY: Final = "nlgov_jades.ddas.gateways.target"
"""Where the scope has the target as it came: ASGI itself loses a `?` that nothing follows."""

HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"}
    | {b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
"""RFC 9110 §7.6.1: what is said to the next machine and not to the last one."""

_ANSWERED_HERE: Final = frozenset({b"expect"})
"""A gateway reads the body in any case, so 100-continue is its server's to answer."""

_NEVER_OF_A_HOP: Final = frozenset(
    {b"host", b"content-length", b"fsc-authorization", b"fsc-transaction-id", b"fsc-error-code"}
)
"""What the next message cannot do without, whatever Connection names: a peer could otherwise have the inway take away the
token that it checked, and a provider would compare its holder with nobody."""

_VERSION: Final = "1.1"
_NO_BODY: Final = frozenset({204, 304})
_CONNECT: Final = "CONNECT"


class RefusedError(NlgovJadesError):
    """A request that goes no further.

    Attributes:
        answer: What its sender is told.
        code: For the log.
    """

    def __init__(self, answer: Answer, code: str) -> None:
        super().__init__(f"the request was answered with {code}")
        self.answer, self.code = answer, code


def plain_refusal(status: int, title: str) -> RefusedError:
    """One for which FSC has no code: a problem document without `Fsc-Error-Code`.

    Args:
        status: HTTP status.
        title: A sentence, without anything of the request.
    """
    body = json.dumps({"title": title, "status": status}).encode()
    fields = (("Content-Type", "application/problem+json"),)
    return RefusedError(Answer(status=status, fields=fields, body=body), f"HTTP_{status}")


# --- requests ------------------------------------------------------------------------------------------------------


def check_request(scope: Mapping[str, Any]) -> bytes:
    """The target of a request that can be passed on, as it came.

    Raises:
        RefusedError: It cannot be: another version of HTTP, another form of target, or a length that is said twice.
    """
    # To a client of HTTP/1.0, an answer that was cut short would look whole.
    if scope.get("http_version") != _VERSION:
        raise plain_refusal(505, "This gateway speaks HTTP/1.1 only.")
    target = scope.get(TARGET_KEY)
    if not isinstance(target, bytes):
        path, query = scope.get("raw_path"), scope.get("query_string") or b""
        target = (path + b"?" + query if query else path) if isinstance(path, bytes) else b""
    if not target.startswith(b"/"):
        raise plain_refusal(400, "The target of a request begins with a slash.")
    names = [bytes(name).lower() for name, _ in scope["headers"]]
    lengths, codings = names.count(b"content-length"), names.count(b"transfer-encoding")
    chunked = all(bytes(value).lower() == b"chunked" for name, value in scope["headers"] if _is_coding(name))
    if lengths + codings > 1 or not chunked or names.count(b"host") != 1:
        raise plain_refusal(400, "A request has one Host, and says its length once.")
    return target


def _is_coding(name: bytes) -> bool:
    return bytes(name).lower() == b"transfer-encoding"


def request_lines(lines: Iterable[tuple[bytes, bytes]], *, without: Collection[bytes] = ()) -> Lines:
    """The field lines of a request for the next machine.

    Args:
        lines: As they came.
        without: Further names that end here, in lower case.
    """
    given = [(bytes(name), bytes(value)) for name, value in lines]
    kept = passed_on(given, without={*without, *_ANSWERED_HERE})
    chunked = any(_is_coding(name) for name, _ in given)
    # The next message has framing of its own, of the same kind.
    return [*kept, (b"Transfer-Encoding", b"chunked")] if chunked else kept


# --- answers -------------------------------------------------------------------------------------------------------


def passed_on(lines: Iterable[tuple[bytes, bytes]], *, without: Collection[bytes] = ()) -> Lines:
    """The field lines that go on, in their order.

    Args:
        lines: As they came.
        without: Further names that end here, in lower case.
    """
    given = list(lines)
    named = {
        token.strip().lower() for name, value in given if name.lower() == b"connection" for token in value.split(b",")
    }
    ending = {*HOP_BY_HOP, *(named - _NEVER_OF_A_HOP), *without}
    return [(name, value) for name, value in given if name.lower() not in ending]


def says_its_end(status: int, lines: Iterable[tuple[bytes, bytes]], *, method: str) -> bool:
    """Whether an answer tells where it ends: of one that ends with its connection, nobody knows whether it was cut.

    Args:
        status: Of the answer.
        lines: As they came.
        method: Of the request.
    """
    names = [name.lower() for name, _ in lines]
    said = names.count(b"content-length") + names.count(b"transfer-encoding")
    return said == 1 or (said == 0 and (method == "HEAD" or status in _NO_BODY))
