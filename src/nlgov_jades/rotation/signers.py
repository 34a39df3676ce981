"""Signers that ask a source for their credential at each message. How a message is signed stays in `nlgov_jades.sign`."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar

from ..clock import Clock, check_time, utc_now
from ..credentials import SigningCredential
from ..errors import ConfigurationError, NlgovJadesError, SigningError
from ..message import HttpMessage, SignedFields
from ..notice import NlgovJadesWarning
from ..profiles import Profile
from ..sign import LONGEST_FIELD, AsyncSigner, HeaderForm, SendChain, Signer
from .expiry import ExpiryWatch, owner
from .sources import CredentialSource, SuccessionSource
from .turn import Turn

__all__ = ["AsyncRotatingSigner", "RotatingSigner"]

_log = logging.getLogger("nlgov_jades.rotation")

_NOTHING = object()
"""Not None, which a source may give by mistake."""

_S = TypeVar("_S", bound=Signer | AsyncSigner)


class _Options(TypedDict):
    """What a signer is made with, beside the credential."""

    profile: Profile
    clock: Clock
    send_chain: SendChain | str
    kid: str | None
    header_form: HeaderForm | str
    content_encodings: Collection[str]
    max_field_length: int


@dataclass(frozen=True, slots=True, repr=False)
class _InUse(Generic[_S]):
    """What signs.

    Attributes:
        given: The credential that the source gave.
        signer: Made of that, or of the one before where no signer could be made of it.
    """

    given: SigningCredential
    signer: _S


class _Rotating(ABC, Generic[_S]):
    """What both signers have in common."""

    __slots__ = ("_in_use", "_options", "_refused", "_source", "_turn", "_watch")

    def __init__(
        self,
        source: CredentialSource,
        *,
        profile: Profile,
        clock: Clock = utc_now,
        send_chain: SendChain | str = SendChain.NO_ROOT,
        kid: str | None = None,
        header_form: HeaderForm | str = HeaderForm.BASELINE_B,
        content_encodings: Collection[str] = frozenset({"identity"}),
        max_field_length: int = LONGEST_FIELD,
    ) -> None:
        if not callable(getattr(source, "current", None)):
            raise ConfigurationError(
                "a rotating signer is made of a CredentialSource, CredentialFiles or FixedCredential"
            )
        self._source = source
        if isinstance(content_encodings, Collection) and not isinstance(content_encodings, str):
            # A copy, because later signers are made with it; anything else is left for the signer to refuse.
            content_encodings = tuple(content_encodings)
        self._options = _Options(
            profile=profile,
            clock=clock,
            send_chain=send_chain,
            kid=kid,
            header_form=header_form,
            content_encodings=content_encodings,
            max_field_length=max_field_length,
        )
        self._turn = Turn()
        self._watch = ExpiryWatch(source.successor if isinstance(source, SuccessionSource) else _no_successor)
        given = self._asked()
        self._in_use: _InUse[_S] = _InUse(given, self._made(given))
        self._refused: object = _NOTHING
        self._watch.look(self.credential.chain[0], check_time(clock()))

    @property
    def profile(self) -> Profile:
        """What is signed."""
        return self._options["profile"]

    @property
    def credential(self) -> SigningCredential:
        """What the last message was signed with; before the first one, what the source gave at the start."""
        return self._in_use.signer.credential

    @abstractmethod
    def _made(self, credential: SigningCredential) -> _S:
        """A signer with the options of this one."""

    def _asked(self) -> SigningCredential:
        try:
            return self._source.current()
        except NlgovJadesError:
            raise
        except Exception as error:
            raise SigningError("the credential source gave no credential") from error

    def _ready(self) -> _S:
        """The signer for one message."""
        given = self._asked()
        in_use = self._in_use
        if given is not in_use.given:
            in_use = self._swapped(given, in_use.signer)
        self._watch.look(in_use.signer.credential.chain[0], check_time(self._options["clock"]()))
        return in_use.signer

    def _swapped(self, given: SigningCredential, before: _S) -> _InUse[_S]:
        refusal = ""
        try:
            new = _InUse(given, self._made(given))
        except (ConfigurationError, NlgovJadesWarning) as error:  # a warning, where those are errors
            refusal = str(error)
            new = _InUse(given, before)
        # Threads that come here together each make one, which takes a tenth of a millisecond, and one is kept.
        with self._turn.taken() as mine:
            if not mine:
                return new
            self._in_use = new
            if not refusal or self._refused is given:
                return new
            self._refused = given
        kept = owner(before.credential.chain[0])
        _log.error("the new credential cannot be used, and that of %s stays: %s", kept, refusal)
        return new

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.profile.id}, {self.credential!r}>"


class RotatingSigner(_Rotating[Signer]):
    """`Signer` for a credential that changes. Safe to share between threads.

    A new credential of which no signer can be made (another algorithm, a chain that makes the field too long) is
    logged as an error once, and the one before goes on signing. From 30 days before its certificate expires, a warning
    is logged once a day while messages are signed, unless the source knows a successor; once it has expired, an error.

    Args:
        source: Asked for the credential at each message.
        profile: What is signed and where the signature goes.
        clock: Gives the current time, UTC.
        send_chain: Which certificates are sent.
        kid: Key identifier of every credential; the IssuerSerial of the certificate, which changes with it, when not
            given.
        header_form: As for `Signer`.
        content_encodings: As for `Signer`.
        max_field_length: As for `Signer`.

    Raises:
        ConfigurationError: As for `Signer`, with the credential that the source gives first.
        SigningError: The source gives none.
    """

    __slots__ = ()

    def sign(self, message: HttpMessage) -> SignedFields:
        """As `Signer.sign`, with the credential of this moment.

        Args:
            message: As it will stand on the wire, body included.

        Raises:
            MessageNotSignableError: As for `Signer.sign`.
            SigningError: As for `Signer.sign`: the certificate has expired, or the private key could not sign. Or the
                source failed.
            ConfigurationError: As for `Signer.sign`.
        """
        return self._ready().sign(message)

    def _made(self, credential: SigningCredential) -> Signer:
        return Signer(credential, **self._options)


class AsyncRotatingSigner(_Rotating[AsyncSigner]):
    """`RotatingSigner` for a key that is awaited, or any other. Safe to share between tasks.

    The source is asked in the event loop. `CredentialFiles` reads in a thread.

    Args:
        source: Asked for the credential at each message.
        profile: As for `RotatingSigner`.
        clock: As for `RotatingSigner`.
        send_chain: As for `RotatingSigner`.
        kid: As for `RotatingSigner`.
        header_form: As for `Signer`.
        content_encodings: As for `Signer`.
        max_field_length: As for `Signer`.

    Raises:
        ConfigurationError: As for `RotatingSigner`.
        SigningError: The source gives no credential.
    """

    __slots__ = ()

    async def sign(self, message: HttpMessage) -> SignedFields:
        """As `RotatingSigner.sign`."""
        return await self._ready().sign(message)

    def _made(self, credential: SigningCredential) -> AsyncSigner:
        return AsyncSigner(credential, **self._options)


def _no_successor() -> SigningCredential | None:
    return None
