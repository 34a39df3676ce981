"""What a rotating signer asks for its credential. Protocols, and the source that never changes; no files here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..credentials import SigningCredential
from ..errors import ConfigurationError

__all__ = ["CredentialSource", "FixedCredential", "SuccessionSource"]


class CredentialSource(Protocol):
    """Knows which credential to sign with now."""

    def current(self) -> SigningCredential:
        """The credential for the next message.

        It is asked for each message, by many threads at once: it is cheap, and waits for nothing. As long as the
        credential stays, it returns the same object, for which a signer is made once. While it has a credential that
        is valid it raises nothing.
        """
        ...


@runtime_checkable
class SuccessionSource(CredentialSource, Protocol):
    """A source that may know which credential comes next. One that does is not warned of expiry."""

    def successor(self) -> SigningCredential | None:
        """The credential that waits until it may be used, or `None`."""
        ...


@dataclass(frozen=True, slots=True)
class FixedCredential:
    """A source of one credential that stays: for who wants the warning before it expires, and rotates by a restart.

    Args:
        credential: Key and chain.

    Raises:
        ConfigurationError: It is no SigningCredential.
    """

    credential: SigningCredential

    def __post_init__(self) -> None:
        if not isinstance(self.credential, SigningCredential):
            raise ConfigurationError("a FixedCredential is made of a SigningCredential")

    def current(self) -> SigningCredential:
        """That credential."""
        return self.credential
