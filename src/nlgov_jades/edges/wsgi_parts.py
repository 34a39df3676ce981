"""What the verifier and the signer of WSGI have in common, and what passes between them. No decisions."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from ..errors import VerificationError
from ..message import Fields
from .body import BodySettings, Spool
from .parties import MessageSigner
from .refusal import Answer, Responder
from .rules import LongAnswers
from .throttle import Throttle

__all__ = ["CORRELATION_KEY", "LOGGER", "NOTE_KEY", "Closing", "Lines", "RefusalNote", "SigningDesk", "head_of"]

LOGGER: Final = logging.getLogger("nlgov_jades.wsgi")

CORRELATION_KEY: Final = "nlgov_jades.correlation_id"
"""Where an edge puts the id that stands in its log lines and refusals."""

NOTE_KEY: Final = "nlgov_jades._refusal_note"
"""Where a signer puts a RefusalNote. Ours alone."""

Lines = list[tuple[str, str]]
"""Field lines as PEP 3333 has them."""


@dataclass(slots=True)
class RefusalNote:
    """Between a signer and the verifier inside it.

    Attributes:
        fields: What the signer read: once for both.
        error: What was wrong with the request; `None` when it was not refused.
    """

    fields: Fields
    error: VerificationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningDesk:
    """What every answer is signed with.

    Attributes:
        signer: Makes the signatures.
        body: How long an answer may be, and where it waits.
        long_answers: What becomes of longer ones.
        responder: Makes the answers of our own.
        refusals: How many refusals of strangers are signed.
    """

    signer: MessageSigner
    body: BodySettings
    long_answers: LongAnswers
    responder: Responder
    refusals: Throttle


class Closing:
    """What an application returns, and a spool that is closed after it.

    Args:
        iterable: The application's.
        spool: What it may still read from.
    """

    __slots__ = ("_iterable", "_spool")

    def __init__(self, iterable: Iterable[bytes], spool: Spool) -> None:
        self._iterable = iterable
        self._spool = spool

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._iterable)

    def close(self) -> None:
        """Tell the application, then let go of the spool."""
        try:
            close = getattr(self._iterable, "close", None)
            if close is not None:
                close()
        finally:
            self._spool.close()


def head_of(answer: Answer) -> tuple[str, Lines]:
    """Status line and field lines of a whole answer."""
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Refused"  # PEP 3333 wants a phrase, and a responder may choose a status without one
    return f"{answer.status} {phrase}", [*answer.fields, ("Content-Length", str(len(answer.body)))]
