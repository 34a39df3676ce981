"""What a verifier accepts, as frozen values and enums. No check is made here and no default accepts by being empty."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Collection, Iterable
from enum import Enum
from typing import Any, ClassVar, Final, Self

from .errors import ConfigurationError
from .pki.identity import Kvk, Oin
from .pki.policies import ANY_POLICY
from .profiles import Profile, signature_fields

__all__ = [
    "ANY_MEDIA_TYPE",
    "ANY_TRUSTED",
    "AllowedSigners",
    "AnyMediaType",
    "AnyTrusted",
    "CertificateRequirements",
    "ExtendedKeyUsages",
    "RevocationMode",
    "RevocationPolicy",
    "VerificationPolicy",
]

DEFAULT_CLOCK_SKEW = dt.timedelta(seconds=60)
"""How far clocks of two organisations may differ; DDAS parties keep time with NTP."""

REVOCATION_MAX_AGE = dt.timedelta(hours=4)
"""Digikoppeling PKI003 and PKI004: revocations are published within four hours, and looked for as often."""

_LONGEST = dt.timedelta(days=3653)
"""Beyond ten years a duration is a mistake, and dates would overflow."""

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,38})){1,32}")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_CODING = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")


def _texts(texts: object, form: re.Pattern[str], rule: str) -> frozenset[str]:
    if isinstance(texts, str) or not isinstance(texts, Collection) or not texts:
        raise ConfigurationError(f"{rule}, at least one")
    if not all(isinstance(text, str) and form.fullmatch(text) for text in texts):
        raise ConfigurationError(rule)
    return frozenset(texts)


def _check_duration(duration: object, what: str) -> None:
    if not isinstance(duration, dt.timedelta) or not dt.timedelta(0) <= duration <= _LONGEST:
        raise ConfigurationError(f"{what} is a timedelta from 0 to ten years")


class AnyTrusted(Enum):
    """Type of `ANY_TRUSTED`."""

    ANY_TRUSTED = "any-trusted"


ANY_TRUSTED: Final = AnyTrusted.ANY_TRUSTED
"""Every signer whose certification path ends at a trust anchor is allowed, also one without OIN."""


class AnyMediaType(Enum):
    """Type of `ANY_MEDIA_TYPE`."""

    ANY_MEDIA_TYPE = "any-media-type"


ANY_MEDIA_TYPE: Final = AnyMediaType.ANY_MEDIA_TYPE
"""Every Content-Type is accepted, also where the signature does not cover it."""

JSON: Final = frozenset({"application/json", "application/problem+json"})
"""The media types of the ADR's APIs."""

AllowedSigners = frozenset[Oin | Kvk] | AnyTrusted


class ExtendedKeyUsages(Enum):
    """Which extended key usages a signer's certificate may carry, when it carries any. serverAuth is never among them."""

    COMMON = (
        "1.3.6.1.5.5.7.3.36",  # id-kp-documentSigning (RFC 9336)
        "1.3.6.1.4.1.311.10.3.12",  # Microsoft document signing
        "1.3.6.1.5.5.7.3.4",  # emailProtection: older PKIoverheid services certificates
        "1.3.6.1.5.5.7.3.2",  # clientAuth: the same
        "2.5.29.37.0",  # anyExtendedKeyUsage
    )
    STRICT = ("1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.10.3.12")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRequirements:
    """What the signer's certificate must say, beyond what every path must.

    Attributes:
        policies: Certificate policy OIDs, at least one of which must be valid for the path (RFC 5280 §6.1);
            `{ANY_POLICY}` asks for none.
        extended_key_usages: What an extendedKeyUsage extension may hold.

    Raises:
        ConfigurationError: No policy, or one that is no OID.
    """

    GENERIC: ClassVar[CertificateRequirements]
    PKIOVERHEID_SIGNING: ClassVar[CertificateRequirements]

    policies: frozenset[str] = frozenset({ANY_POLICY})
    extended_key_usages: ExtendedKeyUsages = ExtendedKeyUsages.COMMON

    def __post_init__(self) -> None:
        object.__setattr__(self, "policies", _texts(self.policies, _OID, "policies holds certificate policy OIDs"))
        if not isinstance(self.extended_key_usages, ExtendedKeyUsages):
            raise ConfigurationError("extended_key_usages is one of ExtendedKeyUsages")

    def replace(self, **changes: Any) -> Self:
        """The same requirements with these attributes changed."""
        return dataclasses.replace(self, **changes)


CertificateRequirements.GENERIC = CertificateRequirements()
"""Any certificate policy."""

CertificateRequirements.PKIOVERHEID_SIGNING = CertificateRequirements(
    policies=frozenset(
        {
            "2.16.528.1.1003.1.2.8.4",  # private services: authenticity (G1)
            "2.16.528.1.1003.1.2.5.4",  # organisation services: authenticity (G3)
            "2.16.528.1.1003.1.2.44.16.25.4",  # G4 legal person: authenticity
            "2.16.528.1.1003.1.2.44.14.25.5",  # G4 legal person: seal
        }
    )
)
"""PKIoverheid certificates for authenticity of a service and for seals. The TRIAL hierarchy is not among them."""


class RevocationMode(Enum):
    """What an unanswered "is it revoked?" means."""

    HARD_FAIL = "hard"
    SOFT_FAIL = "soft"
    OFF = "off"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RevocationPolicy:
    """How revocation is judged.

    Attributes:
        mode: What an unanswered question means.
        max_age: How old an OCSP response may be that states no nextUpdate, and how long a verdict is remembered,
            counted from now and from thisUpdate of the data about the signer.
        skew: How far the clocks of the issuer and ours may differ.

    Raises:
        ConfigurationError: A value has another type or is negative.
    """

    HARD_FAIL: ClassVar[RevocationPolicy]
    SOFT_FAIL: ClassVar[RevocationPolicy]
    OFF: ClassVar[RevocationPolicy]

    mode: RevocationMode
    max_age: dt.timedelta = REVOCATION_MAX_AGE
    skew: dt.timedelta = DEFAULT_CLOCK_SKEW

    def __post_init__(self) -> None:
        if not isinstance(self.mode, RevocationMode):
            raise ConfigurationError("mode of a RevocationPolicy is one of RevocationMode")
        _check_duration(self.max_age, "max_age of a RevocationPolicy")
        _check_duration(self.skew, "skew of a RevocationPolicy")

    def replace(self, **changes: Any) -> Self:
        """The same policy with these attributes changed."""
        return dataclasses.replace(self, **changes)


RevocationPolicy.HARD_FAIL = RevocationPolicy(mode=RevocationMode.HARD_FAIL)
RevocationPolicy.SOFT_FAIL = RevocationPolicy(mode=RevocationMode.SOFT_FAIL)
RevocationPolicy.OFF = RevocationPolicy(mode=RevocationMode.OFF)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VerificationPolicy:
    """Everything a verifier needs to know before a message arrives.

    Attributes:
        profiles: Which signatures are accepted; at most one profile for a field name, for nothing is detected.
        signers: `ANY_TRUSTED`, or the OINs and KVK numbers that may sign.
        certificate: What the signer's certificate must say.
        revocation: How revocation is judged.
        max_age: How old the signing time may be; `None` sets no limit, and every result says so.
        clock_skew: How far the signer's clock may be ahead of ours.
        media_types: Media types that are accepted where the signature does not cover Content-Type.
        content_encodings: Content codings that are accepted where the signature does not cover Content-Encoding.

    Raises:
        ConfigurationError: No profile, two profiles for one field name, no signer, or a value of another form.
    """

    profiles: tuple[Profile, ...]
    signers: Collection[Oin | Kvk] | AnyTrusted
    certificate: CertificateRequirements = CertificateRequirements.GENERIC
    revocation: RevocationPolicy = RevocationPolicy.HARD_FAIL
    max_age: dt.timedelta | None = None
    clock_skew: dt.timedelta = DEFAULT_CLOCK_SKEW
    media_types: Collection[str] | AnyMediaType = JSON
    content_encodings: Collection[str] = frozenset({"identity"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "profiles", _profiles(self.profiles))
        object.__setattr__(self, "signers", _signers(self.signers))
        if not isinstance(self.certificate, CertificateRequirements):
            raise ConfigurationError("certificate is a CertificateRequirements")
        if not isinstance(self.revocation, RevocationPolicy):
            raise ConfigurationError("revocation is a RevocationPolicy")
        if self.max_age is not None:
            _check_duration(self.max_age, "max_age")
        _check_duration(self.clock_skew, "clock_skew")
        if self.media_types is not ANY_MEDIA_TYPE:
            media_types = _texts(self.media_types, _MEDIA_TYPE, "media_types holds media types in lower case")
            object.__setattr__(self, "media_types", media_types)
        codings = _texts(self.content_encodings, _CODING, "content_encodings holds content codings in lower case")
        object.__setattr__(self, "content_encodings", codings)

    @property
    def signature_fields(self) -> tuple[str, ...]:
        """Every field that carries a signature in a profile of this library or in one of these, in lower case."""
        return signature_fields(self.profiles)

    def replace(self, **changes: Any) -> Self:
        """The same policy with these attributes changed."""
        return dataclasses.replace(self, **changes)


def _profiles(profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    chosen = tuple(profiles) if isinstance(profiles, Iterable) else ()
    if not chosen or not all(isinstance(profile, Profile) for profile in chosen):
        raise ConfigurationError("profiles names at least one Profile")
    if len({profile.field_name.lower() for profile in chosen}) != len(chosen):
        raise ConfigurationError(
            "profiles names two profiles for one field: which one a message follows would have to be guessed"
        )
    return chosen


def _signers(signers: Collection[Oin | Kvk] | AnyTrusted) -> AllowedSigners:
    if isinstance(signers, AnyTrusted):
        return signers
    if isinstance(signers, str) or not isinstance(signers, Collection) or not signers:
        raise ConfigurationError("signers is ANY_TRUSTED or a non-empty set of Oin and Kvk")
    if not all(isinstance(signer, Oin | Kvk) for signer in signers):
        raise ConfigurationError("signers holds Oin and Kvk values, not text")
    return frozenset(signers)
