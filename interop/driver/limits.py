"""What a peer cannot do, and why: a reviewed list. A limit that no longer holds makes its row fail, so that it is taken out."""

from __future__ import annotations

from dataclasses import dataclass

from nlgov_jades import profiles
from nlgov_jades.profiles import HttpHeaders

from .plan import Case, Direction


@dataclass(frozen=True, slots=True)
class Limit:
    """Why a row cannot be green.

    Attributes:
        because: A sentence for the table.
        says: What must stand in the peer's own words, so that no other failure hides behind it.
    """

    because: str
    says: str


_GO_CRIT = Limit(
    because="go-jose knows `b64` as the only critical parameter and has no option to add `sigD`.",
    says="unsupported critical header",
)

_INTACT = "JSON-NOT-ETSI, signature intact, and no longer intact once the message is tampered with"

_EARLY_DIALECT = Limit(
    because="The early dialect of DDAS has no signing time, so it is a JWS and no JAdES.",
    says=_INTACT,
)

_SHORTEST_HEADER = Limit(
    because="The shortest header of DDAS has neither signing time nor certificate reference, so it is a JWS and no JAdES.",
    says=_INTACT,
)

_THROUGH_FIELDS = tuple(profile.id for profile in profiles.ALL if isinstance(profile.covers, HttpHeaders))

LIMITS: dict[tuple[str, Direction, str], Limit] = {
    **{("go-jose", Direction.OURS, case): _GO_CRIT for case in _THROUGH_FIELDS},
    ("dss", Direction.OURS, "ddas-body"): _EARLY_DIALECT,
    ("dss", Direction.OURS, "ddas, no iat"): _SHORTEST_HEADER,
}
"""By peer, direction and case."""


OPINIONS = {
    "read-8-pss-key-of-issuer": (
        "it tries the key of every certificate in `x5c`, and finds the issuer's; RFC 7515 §4.1.6 has the signer's first, and "
        "no other is tried here"
    ),
    "read-8-x5c-reversed": (
        "it takes the certificate that `x5t#S256` names from anywhere in `x5c`; RFC 7515 §4.1.6 has the signer's first, and "
        "there we look"
    ),
}
"""Test vectors of which a JAdES peer thinks otherwise than we, and why. The list is exact."""


def limit_of(peer: str, direction: Direction, case: Case) -> Limit | None:
    """The limit of a row, or `None`."""
    return LIMITS.get((peer, direction, case.id))
