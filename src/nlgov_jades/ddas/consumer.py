"""What a consumer of DDAS is told, and how an answer can fail: settings and errors. Nothing is sent here."""

from __future__ import annotations

import datetime as dt
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import anyio
import httpx

from .. import profiles
from ..clock import Clock, utc_now
from ..edges.body import BodySettings
from ..edges.parties import AsyncMessageSigner, MessageSigner
from ..errors import ConfigurationError, NlgovJadesError
from ..fetch.httpx import HttpxFetcher
from ..fetching import AsyncFetcher
from ..pki.identity import Oin
from ..pki.trust import TrustStore
from ..policy import CertificateRequirements, RevocationPolicy, VerificationPolicy
from ..profiles import Profile
from ..verify import AsyncVerifier
from .fsc_errors import FscError
from .kinds import Kind

__all__ = [
    "AnswerError",
    "AnswerFault",
    "Consumer",
    "GatewayError",
    "NoAnswerError",
    "ProblemAnswerError",
    "Provider",
    "Retries",
    "Waiting",
]

ANSWER_SECONDS = 300.0
"""For one page from the first octet to the last, signature included: 31 MB over a slow line, made by a slow provider."""

MAX_ATTEMPTS = 10
"""More is no patience but a load."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


# --- settings ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Whom to ask.

    Attributes:
        name: What the report calls it.
        url: Where its `/gegevens` is, for example `https://ddas.gemeente.example/v1/gegevens`, or the outway that leads there. A
            URL with http names a host without TLS, which only an outway on this machine should be.
        oin: Who must have signed its answers.
        kind: SHV or VS.
        fields: Further field lines of each question, for example the `Fsc-Grant-Hash` that an outway asks for.

    Raises:
        ConfigurationError: A value has another form.
    """

    name: str
    url: str
    oin: Oin
    kind: Kind
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            raise ConfigurationError("a provider has a name that can be printed")
        if not isinstance(self.oin, Oin) or not isinstance(self.kind, Kind):
            raise ConfigurationError("oin of a provider is an Oin, and kind a Kind")
        try:
            url = httpx.URL(self.url)
        except (httpx.InvalidURL, TypeError):
            raise ConfigurationError("url of a provider is a URL") from None
        if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
            raise ConfigurationError("url of a provider is one of http or https, without password, query and fragment")
        if not all(isinstance(key, str) and _NAME.fullmatch(key) for key in self.fields):
            raise ConfigurationError("fields of a provider are field names with their values")
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))

    @property
    def host(self) -> str:
        """As `hosts` of a transport names it."""
        url = httpx.URL(self.url)
        authority = url.netloc.decode("ascii")
        return authority if url.scheme == "https" else f"http://{authority}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and how long to try again, where that is worth it.

    Attributes:
        attempts: How often each page is asked for at most.
        first: Seconds before the second attempt; each further wait is twice as long.
        longest: Seconds of one wait at most. A provider that asks for more with Retry-After is not waited for.

    Raises:
        ConfigurationError: A number is out of range.
    """

    attempts: int = 4
    first: float = 1.0
    longest: float = 60.0

    def __post_init__(self) -> None:
        if type(self.attempts) is not int or not 1 <= self.attempts <= MAX_ATTEMPTS:
            raise ConfigurationError(f"attempts of Retries is a number from 1 to {MAX_ATTEMPTS}")
        if not 0 < self.first <= self.longest < float("inf"):
            raise ConfigurationError("first of Retries is above zero, and not above longest")

    def wait(self, attempt: int, asked: float | None, chance: float) -> float | None:
        """Seconds before the next attempt, or `None` when there is none.

        Args:
            attempt: How many were made.
            asked: What Retry-After says, or `None`.
            chance: From 0 to 1, so that consumers drift apart.
        """
        if attempt >= self.attempts or (asked is not None and asked > self.longest):
            return None
        own: float = min(self.longest, self.first * 2 ** (attempt - 1)) * (0.5 + chance / 2)
        return own if asked is None else max(own, asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Time and chance, for those who want others.

    Attributes:
        sleep: Waits so many seconds.
        monotonic: Gives seconds that never go back.
        chance: Gives a number from 0 to 1.
    """

    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


def _transport(_: Provider) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport()


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Who asks, and what it accepts. Safe to share between tasks; the fetcher holds what is known of revocation, for all.

    Attributes:
        signer: Signs the questions.
        trust: Trust anchors for the signers of answers.
        transport: Gives what a provider is reached with: client certificate and trust in servers are its own.
        profiles: Which signatures are accepted.
        certificate: What a signer's certificate must say.
        revocation: How revocation is judged.
        max_age: How old an answer's signing time may be; `None` sets no limit. A payload signature does not say to which
            question it is an answer: a limit keeps old answers out.
        fetcher: Where revocation data come from; `None` opens no connection.
        retries: How often to try again.
        seconds: How long one page may take.
        body: How long an answer may be, and where it waits.
        clock: Gives the time, UTC.
        waiting: Time and chance.

    Raises:
        ConfigurationError: A value has another form.
    """

    signer: MessageSigner | AsyncMessageSigner
    trust: TrustStore
    transport: Callable[[Provider], httpx.AsyncBaseTransport] = _transport
    profiles: tuple[Profile, ...] = (profiles.DDAS,)
    certificate: CertificateRequirements = CertificateRequirements.PKIOVERHEID_SIGNING
    revocation: RevocationPolicy = RevocationPolicy.HARD_FAIL
    max_age: dt.timedelta | None = None
    fetcher: AsyncFetcher | None = field(default_factory=HttpxFetcher)
    retries: Retries = Retries()
    seconds: float = ANSWER_SECONDS
    body: BodySettings = BodySettings()  # noqa: RUF009 - a frozen value
    clock: Clock = utc_now
    waiting: Waiting = Waiting()

    def __post_init__(self) -> None:
        if not isinstance(self.retries, Retries) or not isinstance(self.waiting, Waiting) or not self.seconds > 0:
            raise ConfigurationError("retries is a Retries, waiting a Waiting, and seconds a number above zero")
        if not isinstance(self.body, BodySettings) or not callable(self.transport):
            raise ConfigurationError("body is a BodySettings, and transport gives a transport for a provider")

    def verifier(self, provider: Provider) -> AsyncVerifier:
        """One that accepts the answers of this provider, and of nobody else.

        Raises:
            ConfigurationError: A setting has another form.
        """
        policy = VerificationPolicy(
            profiles=self.profiles,
            signers={provider.oin},
            certificate=self.certificate,
            revocation=self.revocation,
            max_age=self.max_age,
        )
        return AsyncVerifier(trust=self.trust, policy=policy, fetcher=self.fetcher, clock=self.clock)


# --- errors --------------------------------------------------------------------------------------------------------


class AnswerFault(StrEnum):
    """Why an answer that was signed as it should be is none to the question."""

    STATUS = "ANSWER_STATUS"
    """Its status is neither 200 nor an error."""
    MALFORMED = "ANSWER_MALFORMED"
    """It is no page that DDAS describes."""
    KIND = "ANSWER_KIND"
    """It has signalen where trajecten were asked for, or the other way round."""
    PERIOD = "ANSWER_PERIOD"
    """It is about another period."""
    ORGANISATION = "ANSWER_ORGANISATION"
    """It is about another organisation."""
    PAGE = "ANSWER_PAGE"
    """It is another page."""
    PAGING = "ANSWER_PAGING"
    """What it says about pages is missing or contradicts itself or the question."""
    COUNT = "ANSWER_COUNT"
    """It does not have as many records as it says."""
    REPEATED = "ANSWER_REPEATED"
    """It has the records of an earlier page."""
    CHANGED = "ANSWER_CHANGED"
    """What was delivered changed between two pages, and again after a new start."""
    TOO_MANY = "ANSWER_TOO_MANY"
    """It speaks of more pages than are fetched."""
    SIGNER = "ANSWER_SIGNER"
    """It is signed with the certificate of the TLS connection."""


class AnswerError(NlgovJadesError):
    """An answer that was verified is not the one to the question.

    Attributes:
        fault: Why; its value is a stable code.
    """

    def __init__(self, fault: AnswerFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


class ProblemAnswerError(NlgovJadesError):
    """The provider answered with a problem document, which it signed. Its sentences are not kept: nobody checked them.

    Attributes:
        status: HTTP status.
        code: The reason, when it has the form of one.
        veld: The field of the question that is wrong, when it names one that exists.
        correlation_id: What the provider's log has, when it has the form of an id.
        retry_after: Seconds after which to ask again, or `None`.
    """

    def __init__(
        self,
        status: int,
        *,
        code: str | None = None,
        veld: str | None = None,
        correlation_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"the provider answered with status {status}, code {code}, field {veld}")
        self.status, self.code, self.veld = status, code, veld
        self.correlation_id, self.retry_after = correlation_id, retry_after


class GatewayError(NlgovJadesError):
    """An FSC gateway answered, and not the provider. Nobody signed it.

    Attributes:
        error: What it says.
    """

    def __init__(self, error: FscError) -> None:
        super().__init__(f"an FSC gateway answered with {error.code}")
        self.error = error


class NoAnswerError(NlgovJadesError):
    """There was no whole answer in time."""
