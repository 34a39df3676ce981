"""What an edge is given to sign and to verify with, and what it can do with that. Checks and protocols, no HTTP."""

from __future__ import annotations

from collections.abc import Awaitable
from inspect import isawaitable
from typing import Protocol

from ..credentials import refuse_awaitable
from ..digest import BodyDigest, DigestAlgorithm, parse_content_digest, parse_digest
from ..errors import ConfigurationError, MessageNotSignableError, VerificationError
from ..message import Fields, HttpMessage, HttpRequest, SignedFields
from ..profiles import REQUEST_TARGET, BodyOctets, Profile
from ..replay import ReplayGuard, check_guardable
from ..verify import AsyncVerifier, Verifier

__all__ = [
    "AsyncMessageSigner",
    "MessageSigner",
    "check_signer",
    "check_verifier",
    "digest_to_sign",
    "signed_here",
    "signed_later",
]


class MessageSigner(Protocol):
    """A Signer, or a RotatingSigner."""

    @property
    def profile(self) -> Profile:
        """What is signed."""
        ...

    def sign(self, message: HttpMessage) -> SignedFields:
        """As `Signer.sign`."""
        ...


class AsyncMessageSigner(Protocol):
    """An AsyncSigner, or an AsyncRotatingSigner."""

    @property
    def profile(self) -> Profile:
        """What is signed."""
        ...

    def sign(self, message: HttpMessage) -> Awaitable[SignedFields]:
        """As `AsyncSigner.sign`."""
        ...


def check_signer(signer: MessageSigner | AsyncMessageSigner) -> None:
    """Return when an edge can sign with it.

    Raises:
        ConfigurationError: It is no signer, or its profile signs the body itself.
    """
    if not callable(getattr(signer, "sign", None)) or not isinstance(getattr(signer, "profile", None), Profile):
        raise ConfigurationError("signer is a Signer, or anything with its `sign` and `profile`")
    _check_profiles((signer.profile,))


def check_verifier(
    verifier: Verifier | AsyncVerifier, kind: type[Verifier | AsyncVerifier], guard: ReplayGuard | None
) -> None:
    """Return when an edge can verify with it.

    Args:
        verifier: What was given.
        kind: What this edge needs.
        guard: What was given, or `None`.

    Raises:
        ConfigurationError: It is of the other kind, a profile signs the body itself, or there is a guard and no `max_age`.
    """
    if not isinstance(verifier, kind):
        raise ConfigurationError(
            f"verifier is an {kind.__name__} here" if kind is AsyncVerifier else "verifier is a Verifier here"
        )
    _check_profiles(verifier.policy.profiles)
    if guard is not None:
        check_guardable(verifier.policy)


def _check_profiles(profiles: tuple[Profile, ...]) -> None:
    if any(isinstance(profile.covers, BodyOctets) for profile in profiles):
        # A stranger's body would have to be read into memory before anything could be decided.
        raise ConfigurationError(
            "a profile that signs the body itself (ddas-body) needs Signer and Verifier, not an edge"
        )


def digest_to_sign(fields: Fields) -> BodyDigest:
    """A BodyDigest with all that a signer will compare: SHA-256, and what Digest and Content-Digest state already."""
    algorithms = {DigestAlgorithm.SHA_256}
    stated, content = fields.combined("digest"), fields.combined("content-digest")
    try:
        algorithms.update(parse_digest(stated) if stated is not None else ())
        algorithms.update(parse_content_digest(content) if content is not None else ())
    except VerificationError:
        pass  # the signer says what is wrong with them
    return BodyDigest(algorithms)


def _check_target(profile: Profile, message: HttpMessage) -> None:
    """Return when servers show the target as it is signed: `/a?` becomes `/a` with most of them.

    Raises:
        MessageNotSignableError: They do not.
    """
    if not isinstance(message, HttpRequest) or isinstance(profile.covers, BodyOctets):
        return
    _, mark, query = message.target.partition("?")
    if mark and not query and REQUEST_TARGET in profile.covers.order:
        raise MessageNotSignableError("the target ends with a question mark, which servers lose: leave it out")


def signed_here(signer: MessageSigner, message: HttpMessage) -> SignedFields:
    """The field lines to add, from a signer that does not wait.

    Raises:
        SigningError: No signature could be made.
        ConfigurationError: It is a signer that is awaited.
    """
    _check_target(signer.profile, message)
    signed = signer.sign(message)
    refuse_awaitable(signed, "this edge does not wait: give it a Signer, not an AsyncSigner")
    return signed


async def signed_later(signer: MessageSigner | AsyncMessageSigner, message: HttpMessage) -> SignedFields:
    """The field lines to add, from either kind of signer.

    Raises:
        SigningError: No signature could be made.
    """
    _check_target(signer.profile, message)
    signed = signer.sign(message)
    return signed if isinstance(signed, SignedFields) or not isawaitable(signed) else await signed
