"""One request at a JadesVerifierMiddleware, from its scope until the application has it or it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import (
    ConfigurationError,
    MalformedMessageError,
    ReplayUnknownError,
    SignatureMissingError,
    VerificationError,
)
from ..message import Fields, HttpRequest
from ..replay import MemoryReplayGuard, ReplayGuard, check_replay
from ..result import SignerIdentity, VerifiedMessage
from ..verify import AsyncVerifier
from .asgi_parts import (
    CORRELATION_KEY,
    LOGGER,
    NOTE_KEY,
    ASGIApp,
    Lock,
    Message,
    Receive,
    RefusalNote,
    Scope,
    Send,
    Settings,
    body_octets,
    correlation_id,
    digested,
    failed,
    field_lines,
    finished,
    flushed,
    in_thread,
    octets_of,
    read_piece,
    target_of,
)
from .body import BodySettings, Spool
from .outcome import UNVERIFIED_KEY, VERIFIED_KEY, Unverified, WhyUnverified
from .refusal import Refusal, Responder, answer_to, log_refusal, log_verified, refusal_of
from .rules import Need, RequestRules, Websockets, carries_signature
from .site import PublicAddress, announced_length, announces_body, arrived, check_framing

__all__ = ["Verifying", "VerifierSettings", "judge_websocket"]

FORBIDDEN = 403
"""What a server makes of a websocket that is closed before it was accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierSettings(Settings):
    """What a JadesVerifierMiddleware was given."""

    app: ASGIApp
    verifier: AsyncVerifier
    rules: RequestRules
    replay_guard: ReplayGuard | None
    address: PublicAddress
    body: BodySettings
    responder: Responder
    new_correlation_id: object


class _GoneError(Exception):
    """The client disconnected before the end of its request. Never leaves this file."""
