"""What a provider says when it does not answer: problem documents in Dutch, which its readers speak. No HTTP library.

The details never quote a value of the request: it may be personal data. A name of a member is told where it is plain enough
to be nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

from ..edges.refusal import RETRY_AFTER, Answer, Refusal
from ..errors import NlgovJadesError

__all__ = ["Problem", "ProblemDetails", "ProblemError", "ddas_responder"]

_TYPES = "urn:nlgov-jades:ddas:"


class Problem(Enum):
    """The types of problems: status, the end of the type URI, and the title."""

    INVALID_REQUEST = (400, "ongeldig-request", "Ongeldig request")
    ACCESS_DENIED = (403, "toegang-geweigerd", "Toegang geweigerd")
    NOT_FOUND = (404, "niet-gevonden", "Service of resource niet gevonden")
    METHOD_NOT_ALLOWED = (405, "methode-niet-ondersteund", "Niet-ondersteunde HTTP-methode")
    TOO_LARGE = (413, "request-te-groot", "Request te groot")
    UNPROCESSABLE = (422, "niet-verwerkbaar", "Request syntactisch correct, maar inhoudelijk niet verwerkbaar")
    RATE_LIMIT = (429, "rate-limit", "Rate limit overschreden")
    FAILED = (500, "interne-fout", "Interne fout")
    UNAVAILABLE = (503, "tijdelijk-niet-beschikbaar", "Tijdelijk niet beschikbaar")

    def __init__(self, status: int, slug: str, title: str) -> None:
        self.status, self.uri, self.title = status, _TYPES + slug, title


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDetails:
    """A problem document (RFC 9457), as the OpenAPI description has it, with three members more.

    Attributes:
        type: URI of the kind of problem.
        title: What that kind is called.
        status: HTTP status.
        detail: What is wrong with this request, in Dutch.
        code: Stable name of the reason, for programs.
        veld: Which field of the request is wrong; `None` when it is none, or one whose name is not told.
        correlation_id: Stands in the log too.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    veld: str | None = None
    correlation_id: str | None = None

    @classmethod
    def of(cls, problem: Problem, detail: str, *, code: str | None = None, veld: str | None = None) -> ProblemDetails:
        """One of the known kinds.

        Args:
            problem: Which kind.
            detail: A sentence, without any value of the request.
            code: The reason; the name of the kind when not given.
            veld: Name of the field that is wrong.
        """
        return cls(
            type=problem.uri,
            title=problem.title,
            status=problem.status,
            detail=detail,
            code=problem.name if code is None else code,
            veld=veld,
        )

    def document(self) -> dict[str, Any]:
        """Its members, those that say something."""
        members = {name: getattr(self, name) for name in ("type", "title", "status", "detail", "code")}
        for name in ("veld", "correlation_id"):
            if getattr(self, name) is not None:
                members[name] = getattr(self, name)
        return members

    def answer(self, correlation_id: str, fields: tuple[tuple[str, str], ...] = ()) -> Answer:
        """As an answer.

        Args:
            correlation_id: Stands in the log too.
            fields: Field lines on top of the usual.
        """
        document = replace(self, correlation_id=correlation_id).document()
        lines = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store"), *fields]
        if self.status == Problem.UNAVAILABLE.status:
            lines.append(("Retry-After", str(RETRY_AFTER)))
        return Answer(status=self.status, fields=tuple(lines), body=json.dumps(document, ensure_ascii=False).encode())


class ProblemError(NlgovJadesError):
    """A request that was verified and is not answered as it asks.

    Attributes:
        problem: What its sender is told.
        fields: Field lines of the answer, on top of the usual.
    """

    def __init__(self, problem: ProblemDetails, fields: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.fields = fields


def invalid(detail: str, *, code: str = "INVALID_REQUEST", veld: str | None = None) -> ProblemError:
    """A request of another form: status 400."""
    return ProblemError(ProblemDetails.of(Problem.INVALID_REQUEST, detail, code=code, veld=veld))


def unprocessable(detail: str, *, veld: str) -> ProblemError:
    """A request that has its form and asks what cannot be answered: status 422."""
    return ProblemError(ProblemDetails.of(Problem.UNPROCESSABLE, detail, veld=veld))


def denied(detail: str, *, code: str) -> ProblemError:
    """A request of somebody who may not ask: status 403."""
    return ProblemError(ProblemDetails.of(Problem.ACCESS_DENIED, detail, code=code))


# --- refusals of the middlewares -----------------------------------------------------------------------------------

_BY_STATUS = MappingProxyType({problem.status: problem for problem in Problem})

_DETAILS = MappingProxyType(
    {
        "SIGNATURE_MISSING": "Het bericht heeft geen ondertekening in het veld nlgov-adr-payload-sig.",
        "MALFORMED_SIGNATURE": "De ondertekening heeft niet de voorgeschreven vorm.",
        "UNSUPPORTED_ALGORITHM": "De ondertekening gebruikt een algoritme of sleutel die niet is toegestaan.",
        "PROFILE_VIOLATION": "De ondertekening of het bericht voldoet niet aan het DDAS-profiel.",
        "INVALID_SIGNATURE": "De ondertekening klopt niet met wat is ondertekend.",
        "DIGEST_MISMATCH": "De Digest klopt niet met de body.",
        "SIGNING_TIME": "Het moment van ondertekening wordt niet geaccepteerd.",
        "REPLAYED_MESSAGE": "Deze ondertekening is al eerder gebruikt.",
        "MALFORMED_MESSAGE": "Het HTTP-bericht heeft niet de juiste vorm.",
        "BODY_TOO_LARGE": "De body is langer dan wordt geaccepteerd.",
        "CERTIFICATE_PATH": "Het certificaat van de ondertekenaar wordt niet vertrouwd.",
        "CERTIFICATE_EXPIRED": "Het certificaat van de ondertekenaar is verlopen.",
        "CERTIFICATE_NOT_YET_VALID": "Het certificaat van de ondertekenaar is nog niet geldig.",
        "CERTIFICATE_REVOKED": "Het certificaat van de ondertekenaar is ingetrokken.",
        "REVOCATION_UNKNOWN": "Of het certificaat is ingetrokken kan nu niet worden vastgesteld.",
        "REPLAY_UNKNOWN": "Of deze ondertekening eerder is gebruikt kan nu niet worden vastgesteld.",
        "SIGNER_NOT_ALLOWED": "Deze ondertekenaar mag hier geen gegevens opvragen.",
        "SIGNING_FAILED": "Het antwoord kon niet worden ondertekend.",
        "APPLICATION_FAILED": "Het antwoord kon niet worden gemaakt.",
    }
)
"""What a peer may know: the code in words, and nothing about how this side is configured."""


def ddas_responder(refusal: Refusal) -> Answer:
    """The refusals of the middlewares as DDAS describes problems: a Responder.

    Never with `Fsc-Error-Code`: that says that a gateway made the error.
    """
    problem = _BY_STATUS.get(refusal.status, Problem.FAILED)
    detail = _DETAILS.get(refusal.code, "Het bericht is niet geaccepteerd.")
    details = replace(ProblemDetails.of(problem, detail, code=refusal.code), status=refusal.status)
    return details.answer(refusal.correlation_id)
