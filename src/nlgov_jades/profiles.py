"""Named profiles: what one family of APIs signs and how. Data only; the verifier and the signer read it.

Another API family adds a `Profile` of its own and names it in a policy; no line of the verifier changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from .errors import ConfigurationError

__all__ = [
    "ADR_MESSAGE",
    "ADR_PAYLOAD",
    "ALL",
    "BY_ID",
    "DDAS",
    "DDAS_BODY",
    "LOGIUS_MESSAGE",
    "LOGIUS_PAYLOAD",
    "OOTS_RESPONSE",
    "BodyOctets",
    "CertificateReference",
    "HttpHeaders",
    "OtherFields",
    "Profile",
    "SignatureAlgorithm",
    "signature_fields",
]

REQUEST_TARGET: Final = "(request-target)"
"""The one name in `pars` that is no field (draft-cavage-http-signatures-10 §2.3)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class SignatureAlgorithm(StrEnum):
    """`alg` values (RFC 7518 §3.1). Key type, size or curve and signature form follow from it."""

    PS256 = "PS256"
    """RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of 32 octets (RFC 7518 §3.5); RSA of 2048 to 8192 bits."""
    ES256 = "ES256"
    """ECDSA with P-256 and SHA-256, signature as 64 octets R and S (RFC 7518 §3.4)."""


class CertificateReference(StrEnum):
    """Which digest of the signing certificate a signer puts in the protected header (TS 119 182-1 §5.1.7, §5.2.2)."""

    X5T_S256 = "x5t#S256"
    X5T_O = "x5t#o"


class OtherFields(Enum):
    """What `pars` may name beyond what the profile names."""

    REFUSED = "refused"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHeaders:
    """The signature covers fields through sigD with mId HttpHeaders (TS 119 182-1 §5.2.8.2).

    Attributes:
        mandatory: Names that `pars` must hold.
        if_present: Names that `pars` must hold when the message has that field.
        others: Whether `pars` may hold further names.
        order: In which order a signer emits them; exactly the names of `mandatory` and `if_present`.
    """

    mandatory: frozenset[str]
    if_present: frozenset[str] = frozenset()
    others: OtherFields = OtherFields.REFUSED
    order: tuple[str, ...]

    def __post_init__(self) -> None:
        sets = [value for value in (self.mandatory, self.if_present) if isinstance(value, set | frozenset)]
        if len(sets) != len(("mandatory", "if_present")) or not isinstance(self.order, tuple | list):
            raise ConfigurationError(
                "mandatory and if_present of a profile are sets of names, order is a tuple of them"
            )
        if not isinstance(self.others, OtherFields):
            raise ConfigurationError("others of a profile is one of OtherFields")
        # Copies: nobody changes a profile through a set that it was made of.
        object.__setattr__(self, "mandatory", frozenset(self.mandatory))
        object.__setattr__(self, "if_present", frozenset(self.if_present))
        object.__setattr__(self, "order", tuple(self.order))
        names = self.mandatory | self.if_present
        if not all(isinstance(name, str) for name in (*names, *self.order)):
            raise ConfigurationError("a profile names fields by text")
        if not self.mandatory or frozenset(self.order) != names or len(self.order) != len(names):
            raise ConfigurationError("a profile orders each of its mandatory and if_present names once")
        if "digest" not in self.mandatory:
            raise ConfigurationError("a profile that does not cover digest leaves the body unsigned")
        if not all(name == REQUEST_TARGET or (_TOKEN.fullmatch(name) and name == name.lower()) for name in names):
            raise ConfigurationError("a profile names fields in lower case")


@dataclass(frozen=True, slots=True)
class BodyOctets:
    """The signature covers the body itself, detached as in RFC 7515 appendix F; no sigD, no `b64`, no Digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one family of APIs signs.

    Attributes:
        id: Name on the command line and in logs.
        field_name: Field that carries the signature.
        algorithm: The one `alg` that is accepted and used.
        covers: What is signed.
        required_parameters: Protected header parameters that must be there, beyond what every profile needs.
        reference: The certificate reference that a signer emits.

    Raises:
        ConfigurationError: A value has another form.
    """

    id: str
    field_name: str
    algorithm: SignatureAlgorithm = SignatureAlgorithm.PS256
    covers: HttpHeaders | BodyOctets
    required_parameters: frozenset[str] = frozenset({"x5c"})
    reference: CertificateReference = CertificateReference.X5T_S256

    def __hash__(self) -> int:
        # Equal profiles have equal ids. Profiles are looked up for every message, and all of one takes ten times as long.
        return hash(self.id)

    def __post_init__(self) -> None:
        texts = isinstance(self.id, str) and isinstance(self.field_name, str)
        if not texts or not self.id or not _TOKEN.fullmatch(self.field_name):
            raise ConfigurationError("a profile has an id and the name of a field")
        if not isinstance(self.algorithm, SignatureAlgorithm) or not isinstance(self.reference, CertificateReference):
            raise ConfigurationError(
                "algorithm and reference of a profile are a SignatureAlgorithm and a CertificateReference"
            )
        if not isinstance(self.covers, HttpHeaders | BodyOctets):
            raise ConfigurationError("covers of a profile is HttpHeaders or BodyOctets")
        required = self.required_parameters
        if not isinstance(required, set | frozenset) or not all(isinstance(name, str) for name in required):
            raise ConfigurationError("required_parameters of a profile is a set of names")
        object.__setattr__(self, "required_parameters", frozenset(required))
        if "x5c" not in self.required_parameters:
            raise ConfigurationError("a profile requires x5c: it is where the verifier takes the key from")


_DIGEST_ONLY = HttpHeaders(mandatory=frozenset({"digest"}), order=("digest",))

# The ADR's list, in its order.
_ADR_FIELDS = HttpHeaders(
    mandatory=frozenset({REQUEST_TARGET, "digest"}),
    if_present=frozenset({"host", "origin", "content-encoding", "content-type", "content-length"}),
    others=OtherFields.ALLOWED,
    order=(REQUEST_TARGET, "host", "origin", "content-encoding", "content-type", "content-length", "digest"),
)

ADR_PAYLOAD: Final = Profile(id="adr-payload", field_name="nlgov-adr-payload-sig", covers=_DIGEST_ONLY)
"""Geonovum signing-jades: the payload, through its Digest."""

ADR_MESSAGE: Final = Profile(id="adr-message", field_name="nlgov-adr-message-sig", covers=_ADR_FIELDS)
"""Geonovum signing-jades: the payload, the request-target and the fields that say how to read it."""

LOGIUS_PAYLOAD: Final = Profile(id="logius-payload", field_name="Payload-Signature", covers=_DIGEST_ONLY)
"""ADR_PAYLOAD under the field name that Logius gave it in November 2025."""

LOGIUS_MESSAGE: Final = Profile(id="logius-message", field_name="Message-Signature", covers=_ADR_FIELDS)
"""ADR_MESSAGE under the field name that Logius gave it in November 2025."""

DDAS: Final = Profile(
    id="ddas",
    field_name="nlgov-adr-payload-sig",
    covers=_DIGEST_ONLY,
    required_parameters=frozenset({"kid", "x5c"}),
)
"""DDAS koppelvlakspecificatie: as ADR_PAYLOAD, with `kid`."""

DDAS_BODY: Final = Profile(
    id="ddas-body",
    field_name="nlgov-adr-payload-sig",
    covers=BodyOctets(),
    required_parameters=frozenset({"kid", "x5c"}),
)
"""The early dialect of DDAS (early 2026): a plain detached JWS over the body. Only on explicit request, never detected."""

OOTS_RESPONSE: Final = Profile(
    id="oots-response",
    field_name="oots-response-sig",
    algorithm=SignatureAlgorithm.ES256,
    covers=_DIGEST_ONLY,
    required_parameters=frozenset({"x5c", "x5t#o"}),
    reference=CertificateReference.X5T_O,
)
"""EU Once-Only Technical System, common services: as ADR_PAYLOAD with ES256 and `x5t#o`."""

ALL: Final = (ADR_PAYLOAD, ADR_MESSAGE, LOGIUS_PAYLOAD, LOGIUS_MESSAGE, DDAS, DDAS_BODY, OOTS_RESPONSE)
"""Every profile of this library; their field names are the "known signature fields"."""

BY_ID: Final[Mapping[str, Profile]] = MappingProxyType({profile.id: profile for profile in ALL})
"""The same by `id`."""


@lru_cache(maxsize=64)
def signature_fields(extra: tuple[Profile, ...] = ()) -> tuple[str, ...]:
    """Names of all fields that carry a signature in a profile of this library or in one of these, in lower case."""
    return tuple(dict.fromkeys(profile.field_name.lower() for profile in (*ALL, *extra)))
