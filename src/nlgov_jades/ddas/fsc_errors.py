"""The bodies of errors that FSC gateways make: read in both forms that are described, written in their union. Values only.

FSC core asks for `message`, `domain` and `code`, DDAS describes `code`, `domain`, `title`, `detail` and `status`. A provider
makes none of these: what it refuses itself has no FSC code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..edges.fsc import GATEWAY_ERRORS
from ..edges.refusal import Answer
from ..encoding import json_object
from ..errors import ConfigurationError, MalformedMessageError, MalformedSignatureError

__all__ = ["FscDomain", "FscError"]

MAX_BODY = 16 * 1024
"""Octets of such a body: a few sentences."""

MAX_TEXT = 500
"""Characters of a text in it: for people, and written by strangers."""


class FscDomain(StrEnum):
    """Which gateway made it."""

    INWAY = "ERROR_DOMAIN_INWAY"
    OUTWAY = "ERROR_DOMAIN_OUTWAY"


_DOMAINS = {
    code: FscDomain.OUTWAY if code == "ERROR_CODE_METHOD_UNSUPPORTED" else FscDomain.INWAY for code in GATEWAY_ERRORS
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FscError:
    """An error of a gateway. Nobody signed it.

    Attributes:
        code: One of FSC's table.
        message: What it says, in FSC's word.
        domain: Which gateway made it.
        detail: What it says more, in DDAS's word, or `None`.

    Raises:
        ConfigurationError: FSC knows no such code.
    """

    code: str
    message: str = field(repr=False)
    domain: FscDomain
    detail: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.code not in GATEWAY_ERRORS:
            raise ConfigurationError("code of an FscError is one of FSC's table")

    @property
    def status(self) -> int:
        """The one HTTP status that the code has."""
        return GATEWAY_ERRORS[self.code]

    @classmethod
    def of(cls, code: str, message: str) -> FscError:
        """One that says where it is made, as FSC's table does.

        Raises:
            ConfigurationError: As the class.
        """
        return cls(code=code, message=message, domain=_DOMAINS.get(code, FscDomain.INWAY))

    @classmethod
    def read(cls, *, header: str, status: int, body: bytes) -> FscError:
        """From an answer, in either form.

        Args:
            header: The one value of `Fsc-Error-Code`.
            status: Of the answer.
            body: Of the answer.

        Raises:
            MalformedMessageError: It is no error of FSC's table with this status, or the body is none or of another.
        """
        if GATEWAY_ERRORS.get(header) != status:
            raise MalformedMessageError("FSC knows no such error with this status")
        if len(body) > MAX_BODY:
            raise MalformedMessageError("the body of an FSC error is longer than such bodies are")
        try:
            members = json_object(body, "the body of an FSC error")
        except MalformedSignatureError as error:
            raise MalformedMessageError(error.detail) from None
        if members.get("code") != header or members.get("status", status) != status:
            raise MalformedMessageError("the body of an FSC error is about another error than its header")
        try:
            domain = FscDomain(members.get("domain", ""))
        except ValueError:
            raise MalformedMessageError("the body of an FSC error names no domain of FSC") from None
        message = _first_text(members, "message", "title")
        return cls(code=header, message=message or "", domain=domain, detail=_first_text(members, "detail"))

    def answer(self) -> Answer:
        """As an answer of a gateway: header and the union of both forms. For stand-ins of gateways only."""
        members = {
            "message": self.message,
            "domain": self.domain.value,
            "code": self.code,
            "title": self.message,
            "status": self.status,
        }
        if self.detail is not None:
            members["detail"] = self.detail
        fields = [("Content-Type", "application/problem+json"), ("Fsc-Error-Code", self.code)]
        if self.status == 401:  # noqa: PLR2004 - RFC 9110 §11.6.1 and FSC ask for it with this status
            fields.append(("WWW-Authenticate", "Bearer"))
        return Answer(status=self.status, fields=tuple(fields), body=json.dumps(members, ensure_ascii=False).encode())


def _first_text(members: dict[str, Any], *names: str) -> str | None:
    """The first of these members that is a text, cut.

    Raises:
        MalformedMessageError: One is something else.
    """
    for name in names:
        value = members.get(name)
        if isinstance(value, str):
            return value[:MAX_TEXT]
        if value is not None:
            raise MalformedMessageError(f"{name} of an FSC error is no text")
    return None
