"""What a server answers when it refuses, and what it writes in its log. Nothing here holds text of the request.

The peer gets the code and a correlation id (RFC 9457); the sentence that says what was wrong goes to the log, under the
same id. So nobody can use the answers to find out how this side is configured, and who asks for help can be helped.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from ..errors import (
    BodyTooLargeError,
    CertificatePathError,
    ConfigurationError,
    DigestMismatchError,
    InvalidSignatureError,
    MalformedMessageError,
    MalformedSignatureError,
    NlgovJadesError,
    ProfileViolationError,
    ReplayedMessageError,
    ReplayUnknownError,
    RevocationUnknownError,
    SignatureMissingError,
    SignerNotAllowedError,
    SigningTimeError,
    UnsupportedAlgorithmError,
    VerificationError,
)
from ..message import Fields
from ..pki.identity import Oin
from ..result import SignerIdentity, VerifiedMessage

__all__ = [
    "Answer",
    "Refusal",
    "Responder",
    "answer_to",
    "comes_from_a_stranger",
    "log_refusal",
    "log_verified",
    "new_correlation_id",
    "problem_details",
    "refusal_of",
]

RETRY_AFTER = 30
"""Seconds, with a 503: what was out of order is asked anew no sooner."""

SIGNING_FAILED = "SIGNING_FAILED"
"""The answer could not be signed: of this application or its configuration, not of the request."""

APPLICATION_FAILED = "APPLICATION_FAILED"
"""The application raised, or ended without an answer, before anything had left."""

_ERRORS = range(400, 600)
_BREAKS = re.compile(r"[\r\n\0]")

_STRANGERS = (
    SignatureMissingError,
    MalformedMessageError,
    MalformedSignatureError,
    UnsupportedAlgorithmError,
    ProfileViolationError,
    InvalidSignatureError,
    BodyTooLargeError,
    SigningTimeError,
    CertificatePathError,
    RevocationUnknownError,
    # Recorded fields, sent by whoever has them: with another body, or once more.
    DigestMismatchError,
    ReplayedMessageError,
    ReplayUnknownError,
    SignerNotAllowedError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that is not answered as it asks.

    Attributes:
        code: Stable name of the reason: of the VerificationError, or SIGNING_FAILED or APPLICATION_FAILED.
        status: HTTP status.
        correlation_id: Stands in the log too.
        error: What was raised, for a responder that says more; its `detail` is for people on this side.
    """

    code: str
    status: int
    correlation_id: str
    error: NlgovJadesError | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer of a server's own.

    Attributes:
        status: HTTP status, from 400: nobody may take a refusal for a success.
        fields: Field lines, without Content-Length.
        body: Octets.

    Raises:
        ConfigurationError: A value has another form.
    """

    status: int
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.status, int) or self.status not in _ERRORS:
            raise ConfigurationError("status of an answer to a refused request is from 400 to 599")
        fields = Fields(self.fields)
        if fields.odd_names or any(_BREAKS.search(value) for _, value in fields):
            raise ConfigurationError("the fields of an answer do not have their form")
        if "content-length" in fields or "transfer-encoding" in fields:
            raise ConfigurationError("the fields of an answer leave its length to the edge")
        if not isinstance(self.body, bytes):
            raise ConfigurationError("body of an answer is bytes")
        object.__setattr__(self, "fields", tuple(fields))


Responder = Callable[[Refusal], Answer]
"""Makes the answer to a refused request. Replace it to answer in a form of your own."""


def new_correlation_id() -> str:
    """A new one: 32 hexadecimal digits."""
    return os.urandom(16).hex()


def refusal_of(error: VerificationError, correlation_id: str) -> Refusal:
    """The refusal that follows from an error."""
    return Refusal(code=error.code, status=error.http_status, correlation_id=correlation_id, error=error)


def comes_from_a_stranger(error: NlgovJadesError | None) -> bool:
    """Whether anybody can send such a request: its certification path was not found good, or it may be a recorded one."""
    return error is not None and isinstance(error, _STRANGERS)


def problem_details(refusal: Refusal) -> Answer:
    """`application/problem+json` (RFC 9457) with the members `code` and `correlation_id`."""
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
        "correlation_id": refusal.correlation_id,
    }
    fields = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        fields.append(("Retry-After", str(RETRY_AFTER)))
    return Answer(status=refusal.status, fields=tuple(fields), body=json.dumps(problem).encode("ascii"))


def answer_to(refusal: Refusal, responder: Responder, logger: logging.Logger) -> Answer:
    """What the responder makes of it; problem details when that fails."""
    try:
        answer = responder(refusal)
    except Exception as error:  # noqa: BLE001 - it is the application's
        logger.error("the responder failed correlation_id=%s with=%s", refusal.correlation_id, type(error).__name__)  # noqa: TRY400 - a traceback may show the message
        return problem_details(refusal)
    if isinstance(answer, Answer):
        return answer
    logger.error("the responder returned no Answer correlation_id=%s", refusal.correlation_id)
    return problem_details(refusal)


def log_refusal(logger: logging.Logger, refusal: Refusal, signer: SignerIdentity | None = None) -> None:
    """One line about a refused request: code, status, the signer's OIN where it is known, the id, what was wrong."""
    error = refusal.error
    if signer is None and isinstance(error, SignerNotAllowedError):
        signer = error.identity
    oin = None if signer is None else signer.oin
    logger.log(
        logging.ERROR if refusal.code in {SIGNING_FAILED, APPLICATION_FAILED} else logging.WARNING,
        "refused code=%s status=%d oin=%s correlation_id=%s detail=%s",
        refusal.code,
        refusal.status,
        _shown(oin),
        refusal.correlation_id,
        "-" if error is None else error,
        extra={"code": refusal.code, "oin": _shown(oin), "correlation_id": refusal.correlation_id},
    )


def log_verified(logger: logging.Logger, verified: VerifiedMessage, correlation_id: str) -> None:
    """One line about a verified message: profile, the signer's OIN, the id."""
    if not logger.isEnabledFor(logging.INFO):
        return
    oin = _shown(verified.signer.oin)
    logger.info(
        "verified profile=%s oin=%s correlation_id=%s",
        verified.profile.id,
        oin,
        correlation_id,
        extra={"code": "VERIFIED", "oin": oin, "correlation_id": correlation_id},
    )


def _shown(oin: Oin | None) -> str:
    return "-" if oin is None else str(oin)
