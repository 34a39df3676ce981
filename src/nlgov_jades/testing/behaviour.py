"""The ways in which a responder can be told to answer. One fault each, so that a test knows what it met."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Behaviour", "OcspSigner"]


class Behaviour(StrEnum):
    """How a responder answers."""

    NORMAL = "normal"
    """Valid and fresh."""

    SLOW = "slow"
    """Valid, but after a delay."""

    STALE = "stale"
    """Signed and all, but nextUpdate passed a week ago."""

    WRONG = "wrong"
    """OCSP about another serial number; the CRL of another issuer."""

    WRONG_SIGNATURE = "wrong-signature"
    """Signed with another key of the same kind."""

    UNKNOWN = "unknown"
    """OCSP that says "unknown"; no CRL (404)."""

    HUGE = "huge"
    """A valid answer that goes on and on, without a Content-Length that would give it away."""

    DRIPPING = "dripping"
    """One octet at a time, from the status line on: no single read takes long."""

    SILENT = "silent"
    """The request is read, and then nothing, until the client hangs up."""

    REDIRECTING = "redirecting"
    """307 to another path of the same responder, where the valid answer is: for clients that must not follow."""

    ERROR_STATUS = "error-status"
    """500."""

    TRY_LATER = "try-later"
    """OCSP tryLater; 503 with Retry-After for a CRL."""

    GARBAGE = "garbage"
    """200 and the right media type, and octets that mean nothing."""


class OcspSigner(StrEnum):
    """Who signs OCSP responses."""

    AUTHORITY = "authority"
    """The CA itself."""

    DELEGATE = "delegate"
    """A delegate that need not be checked (id-pkix-ocsp-nocheck)."""

    CHECKED_DELEGATE = "checked-delegate"
    """A delegate whose own certificate must be looked up in the CRL."""
