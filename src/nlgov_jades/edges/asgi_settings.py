"""What the ASGI middlewares are given, checked when they are made. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..replay import ReplayGuard
from ..verify import AsyncVerifier
from .asgi_parts import ASGIApp
from .body import BodySettings
from .parties import AsyncMessageSigner, MessageSigner, check_signer, check_verifier
from .refusal import Responder
from .rules import RequestRules, SigningRules
from .site import PublicAddress
from .throttle import Throttle

__all__ = ["SignerSettings", "VerifierSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What both middlewares are given.

    Attributes:
        app: What is called.
        address: What the outside calls this server.
        body: Limit and place of bodies.
        responder: Makes the answers to what is refused.
        new_correlation_id: Makes ids.

    Raises:
        ConfigurationError: One of them is something else.
    """

    app: ASGIApp
    address: PublicAddress
    body: BodySettings
    responder: Responder
    new_correlation_id: Callable[[], str]

    def __post_init__(self) -> None:
        if not all(callable(given) for given in (self.app, self.responder, self.new_correlation_id)):
            raise ConfigurationError("app, responder and new_correlation_id are functions")
        if not isinstance(self.address, PublicAddress) or not isinstance(self.body, BodySettings):
            raise ConfigurationError("address is a PublicAddress, and body a BodySettings")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerSettings(Settings):
    """What a JadesSignerMiddleware was given."""

    signer: MessageSigner | AsyncMessageSigner
    rules: SigningRules
    refusals: Throttle

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if not isinstance(self.rules, SigningRules):
            raise ConfigurationError("rules of a JadesSignerMiddleware are SigningRules")
        if not isinstance(self.refusals, Throttle):
            raise ConfigurationError("refusals of a JadesSignerMiddleware is a Throttle")
        check_signer(self.signer)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierSettings(Settings):
    """What a JadesVerifierMiddleware was given."""

    verifier: AsyncVerifier
    rules: RequestRules
    replay_guard: ReplayGuard | None

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if not isinstance(self.rules, RequestRules):
            raise ConfigurationError("rules of a JadesVerifierMiddleware are RequestRules")
        check_verifier(self.verifier, AsyncVerifier, self.replay_guard)
