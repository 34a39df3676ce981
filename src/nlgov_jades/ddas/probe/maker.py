"""What the messages of the probe are made of: good questions, signed by whoever is to have signed them. None is sent here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from ... import __version__, profiles
from ...clock import Clock, check_time
from ...credentials import SigningCredential
from ...errors import NlgovJadesError
from ...message import HttpRequest
from ...profiles import Profile
from ...sign import SendChain, Signer
from ..asking import body_of
from .cases import Material
from .catalogue_questions import PAGED
from .certificates import Credentials
from .forging import Draft, resigned
from .wire import Ending, Endpoint

__all__ = ["Connections", "Maker", "Sending", "UnavailableError"]

BEFORE_THE_END: Final = dt.timedelta(seconds=10)
"""How long before the end of an expired certificate something was signed with it."""


class UnavailableError(NlgovJadesError):
    """A case cannot be tried here. The text says what to give."""


class Connections(Enum):
    """How the messages of one case go out."""

    ONE = "one"
    """All on one connection."""
    EACH = "each"
    """Each on its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is sent for a case: the answer to the last message is judged, those before it must be answered with 200.

    Attributes:
        messages: Octets.
        connections: How they go out.
        ending: What is said behind them.
    """

    messages: tuple[bytes, ...] = field(repr=False)
    connections: Connections = Connections.EACH
    ending: Ending = Ending.OPEN


class Maker:
    """Makes messages, each time anew: no signature is used twice unless that is the case.

    Args:
        endpoint: Where they go.
        credentials: Whom they are signed by.
        clock: Gives the time, UTC.
        send_chain: Which certificates go along.

    Raises:
        ConfigurationError: A key does not fit the profile, or the signature field would be too long.
    """

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        credentials: Credentials,
        clock: Clock,
        send_chain: SendChain | str = SendChain.NO_ROOT,
    ) -> None:
        self._endpoint = endpoint
        self.credentials = credentials
        self._clock = clock
        self._chain = send_chain
        self._good = self._signer(credentials.good)

    def _signer(
        self, credential: SigningCredential, *, at: dt.datetime | None = None, profile: Profile = profiles.DDAS
    ) -> Signer:
        clock = self._clock if at is None else (lambda: at)
        return Signer(credential, profile=profile, clock=clock, send_chain=self._chain)

    def now(self) -> dt.datetime:
        """The time."""
        return check_time(self._clock())

    # --- what messages are made of -------------------------------------------------------------------------------

    def good(self, body: bytes, *, signer: Signer | None = None) -> Draft:
        """A question as it should be."""
        lines = [
            ("Host", self._endpoint.authority),
            ("User-Agent", f"nlgov-jades/{__version__} probe"),
            ("Accept", "application/json, application/problem+json"),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
            *self._endpoint.fields,
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
        ]
        request = HttpRequest(method="POST", target=self._endpoint.target, fields=lines, body=body)
        signed = (signer or self._good).sign(request)
        return Draft(self._endpoint.target, [*lines, *signed], body)

    def paged(self) -> Draft:
        """The good question that the bad ones differ from."""
        return self.good(body_of(PAGED))

    def resigned(self, draft: Draft, changes: Mapping[str, object]) -> Draft:
        """The same with these members in its protected header, signed again."""
        return resigned(draft, changes, self.credentials.good)

    def as_material(self, material: Material) -> Draft:
        """The good question, signed with one of the other certificates."""
        credential = self.credentials.others.get(material)
        if credential is None:
            raise UnavailableError(
                f"there is no such certificate here: give --pki, or --certificates with {material.value}-chain.pem and "
                f"{material.value}-key.pem"
            )
        at = None
        if material is Material.EXPIRED:
            leaf = credential.chain[0]
            at = max(leaf.not_valid_after_utc - BEFORE_THE_END, leaf.not_valid_before_utc)
        return self.good(body_of(PAGED), signer=self._signer(credential, at=at))

    def signed_at(self, at: dt.datetime) -> Draft:
        """The good question, as if it had been signed at another time."""
        return self.good(body_of(PAGED), signer=self._signer(self.credentials.good, at=at))

    def early(self) -> Draft:
        """The good question in the dialect of early 2026."""
        return self.good(body_of(PAGED), signer=self._signer(self.credentials.good, profile=profiles.DDAS_BODY))

    def stranger(self) -> Draft:
        """The good question under another root."""
        return self.good(body_of(PAGED), signer=self._signer(self.credentials.foreign))
