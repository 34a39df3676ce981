"""Which cases are tried with a peer, and the words for what may come of them. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nlgov_jades import HeaderForm, profiles
from nlgov_jades.profiles import Profile

from .jobs import Tampering


class Direction(StrEnum):
    """Who signs; the value is for the table."""

    OURS = "it verifies ours"
    THEIRS = "we verify its"


class Outcome(StrEnum):
    """What came of a row; the value is for the table."""

    ACCEPTED = "accepted"
    REFUSED = "rightly refused"
    CANNOT = "cannot"
    FAILED = "FAILED"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Case:
    """What is tried with a peer.

    Attributes:
        id: Profile, and what is special.
        profile: What is signed.
        directions: In which directions.
        header_form: What our signer puts in the protected header.
        signing_time: How a JAdES peer states the signing time.
        alg: What a JAdES peer signs with, when that is not the profile's.
        pars: What a JAdES peer covers, when that is not what the profile asks.
        refusal: The code that we must refuse it with; `None`: we must accept it.
    """

    id: str
    profile: Profile
    directions: tuple[Direction, ...] = (Direction.OURS, Direction.THEIRS)
    header_form: HeaderForm = HeaderForm.BASELINE_B
    signing_time: str = "IAT"
    alg: str | None = None
    pars: tuple[str, ...] | None = None
    refusal: str | None = None


_THEIRS = (Direction.THEIRS,)
_TARGET = "(request-target)"

CASES = tuple(Case(profile.id, profile) for profile in profiles.ALL)
"""With every peer: every profile."""

JADES_CASES = (
    Case("adr-payload, sigT", profiles.ADR_PAYLOAD, _THEIRS, signing_time="SIG_T"),
    Case("ddas, no iat", profiles.DDAS, (Direction.OURS,), header_form=HeaderForm.PROFILE_ONLY),
    Case("adr-payload, RS256", profiles.ADR_PAYLOAD, _THEIRS, alg="RS256", refusal="UNSUPPORTED_ALGORITHM"),
    Case(
        *("adr-payload, host covered", profiles.ADR_PAYLOAD, _THEIRS),
        pars=("host", "digest"),
        refusal="PROFILE_VIOLATION",
    ),
    Case(
        *("adr-message, Content-Type not covered", profiles.ADR_MESSAGE, _THEIRS),
        pars=(_TARGET, "host", "content-length", "digest"),
        refusal="PROFILE_VIOLATION",
    ),
)
"""With a library that knows JAdES: the signing time of TS 119 182-1 V1.1.1, DDAS's shortest header, and what it signs
readily although our profiles must refuse it.
"""

EXPECTED_CODES = {
    Tampering.SIGNATURE: "INVALID_SIGNATURE",
    Tampering.HEADER: "INVALID_SIGNATURE",
    Tampering.BODY: "INVALID_SIGNATURE",
    Tampering.DIGEST: "DIGEST_MISMATCH",
    Tampering.TARGET: "INVALID_SIGNATURE",
    Tampering.ANCHOR: "CERTIFICATE_PATH",
    Tampering.REVOKED: "CERTIFICATE_REVOKED",
}
"""What we say to each tampering of what a peer signed."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    peer: str
    version: str
    direction: Direction
    case: str
    outcome: Outcome
    reason: str
