"""JAdES sigD with mId HttpHeaders (TS 119 182-1 §5.2.8.2): from `pars` and a message to the octets that are signed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from .encoding import ascii_lower
from .errors import ConfigurationError, MalformedSignatureError, ProfileViolationError, quoted
from .message import HttpMessage, HttpRequest, HttpResponse
from .profiles import REQUEST_TARGET, HttpHeaders, OtherFields

__all__ = ["HTTP_HEADERS", "check_pars", "pars_to_emit", "payload_octets"]

HTTP_HEADERS = "http://uri.etsi.org/19182/HttpHeaders"
"""The `mId` of the mechanism."""

MAX_PARS = 32
"""Names in `pars`; the ADR's longest list has seven."""

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_TARGET = re.compile(r"/[\x21-\x7e]*")


@lru_cache(maxsize=256)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def pars_to_emit(covers: HttpHeaders, message: HttpMessage) -> tuple[str, ...]:
    """What a signer covers: what is mandatory and what the message has, in the profile's order and in lower case."""
    if not covers.if_present:
        return covers.order
    mandatory, fields = covers.mandatory, message.fields
    return tuple([name for name in covers.order if name in mandatory or name in fields])


def check_pars(pars: Sequence[str], covers: HttpHeaders, message: HttpMessage) -> None:
    """Return when `pars` covers what the profile asks of this very message (wire format read-6).

    "If present" is judged on the message: judged on `pars`, it would let anybody add an unsigned Content-Type.

    Args:
        pars: Names in lower case, each once.
        covers: From the profile.
        message: The message as received.

    Raises:
        ProfileViolationError: A name is missing, or one too many is there.
    """
    present = message.fields.names
    if not covers.if_present and tuple(pars) == covers.order and covers.mandatory <= present:
        # The same for every message, and all of it is there.
        return
    named = set(pars)
    if absent := [name for name in named if name != REQUEST_TARGET and name not in present]:
        raise ProfileViolationError(f"the signature covers {quoted(min(absent))}, which the message does not have")
    unasked = REQUEST_TARGET in named and REQUEST_TARGET not in covers.mandatory
    if unasked and isinstance(message, HttpResponse) and message.request is None:
        # The signer chose to cover it: a matter of the message, not of our configuration.
        raise ProfileViolationError("the signature covers (request-target), and the request is not known")
    required = covers.mandatory | (covers.if_present & present)
    if missing := required - named:
        raise ProfileViolationError(f"the signature does not cover {', '.join(sorted(missing))}")
    if covers.others is OtherFields.REFUSED and named - required:
        raise ProfileViolationError(f"pars must be exactly {sorted(covers.mandatory)} in this profile")


def payload_octets(pars: Sequence[str], message: HttpMessage, added: Mapping[str, str] = _NOTHING) -> bytes:
    """The JWS payload: a line `name: value` per covered field, joined with line feeds, none at the end.

    Args:
        pars: Names in any case, in the order in which they are signed.
        message: Its fields give the values as they were received; nothing is computed anew.
        added: Of a message that is signed: values of fields that are yet to be added, by names in lower case.

    Raises:
        ProfileViolationError: A covered field is not in the message, or a name cannot be one of a field.
        MalformedSignatureError: A covered value holds an octet other than 0x09 and 0x20 to 0x7E.
        ConfigurationError: `(request-target)` of a response is covered and the request was not given.
    """
    return "\n".join([_line(ascii_lower(name), message, added) for name in pars]).encode("ascii")


def _line(name: str, message: HttpMessage, added: Mapping[str, str]) -> str:
    if name == REQUEST_TARGET:
        return f"{name}: {_request_target(message)}"
    if not _is_name(name):
        raise ProfileViolationError("pars holds something that is not the name of a field")
    value = message.fields.combined(name)
    if value is None:
        value = added.get(name)
    if value is None:
        raise ProfileViolationError(f"the signature covers {name}, which the message does not have")
    # Printable ASCII is the usual form, and told at a glance.
    if not (value.isascii() and value.isprintable()) and not _VALUE.fullmatch(value):
        raise MalformedSignatureError(
            f"the covered field {name} holds an octet that is neither tab nor printable ASCII"
        )
    return f"{name}: {value}"


def _request_target(message: HttpMessage) -> str:
    request = message if isinstance(message, HttpRequest) else message.request
    if request is None:
        raise ConfigurationError(
            "this profile covers (request-target): give the request that the response answers (request=)"
        )
    if not _METHOD.fullmatch(request.method) or not _TARGET.fullmatch(request.target):
        raise MalformedSignatureError("method or request-target of the request cannot be signed: origin-form is needed")
    return f"{request.method.lower()} {request.target}"
