"""What travels with a message to the application: the proof, or why there is none. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ..errors import ConfigurationError
from ..result import VerifiedMessage

__all__ = ["UNVERIFIED_KEY", "VERIFIED_KEY", "Unverified", "WhyUnverified", "verified_message"]

VERIFIED_KEY: Final = "nlgov_jades.verified"
"""Where an edge puts the VerifiedMessage: in an ASGI scope, a WSGI environ, the extensions of an httpx response."""

UNVERIFIED_KEY: Final = "nlgov_jades.unverified"
"""Where an edge puts an Unverified, and then nothing under VERIFIED_KEY."""


class WhyUnverified(StrEnum):
    """Why a message passed without a signature."""

    EXEMPT = "exempt"
    """A route says that it needs none."""
    UNSIGNED = "unsigned"
    """It has none, and the rules ask for none."""
    ERROR = "error"
    """It is an error without one."""
    GATEWAY_ERROR = "gateway-error"
    """It is an error that an FSC gateway made."""
    UNVERIFIABLE = "unverifiable"
    """It has no whole body: an answer to HEAD, or status 1xx, 206 or 304."""
    OTHER_HOST = "other-host"
    """It is from a host that was not named to the client."""
    WEBSOCKET = "websocket"
    """It opens a websocket."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """A message that nothing vouches for: neither its content nor where it came from.

    Attributes:
        why: Why it passed.
    """

    why: WhyUnverified


def verified_message(carrier: Mapping[str, Any]) -> VerifiedMessage:
    """The proof that an edge put beside a message.

    Args:
        carrier: An ASGI scope, a WSGI environ (Django: `request.META`), or the extensions of an httpx response.

    Raises:
        ConfigurationError: There is none: the rules let this message pass without a signature, or no verifier is in place.
    """
    found = carrier.get(VERIFIED_KEY)
    if isinstance(found, VerifiedMessage):
        return found
    passed = carrier.get(UNVERIFIED_KEY)
    why = f"the rules let it pass ({passed.why})" if isinstance(passed, Unverified) else "no verifier saw it"
    raise ConfigurationError(f"this message is not verified: {why}")
