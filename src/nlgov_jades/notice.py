"""What is allowed but worth telling a person. A notice never decides anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["NlgovJadesWarning", "Notice", "NoticeCode"]


class NoticeCode(StrEnum):
    """Stable names, fit to be stored and compared."""

    FIELD_LONG = "FIELD_LONG"
    """The signature field is longer than common servers accept by default."""
    SMALL_KEY = "SMALL_KEY"
    """The signer's RSA key is below 3072 bits."""
    AGE_UNLIMITED = "AGE_UNLIMITED"
    """The policy sets no `max_age`: an old message is accepted as readily as a new one."""
    NO_SIGNING_TIME = "NO_SIGNING_TIME"
    """The signature states no signing time."""
    REVOCATION_UNCHECKED = "REVOCATION_UNCHECKED"
    """Revocation was not checked for some certificate: switched off, or unknown under soft-fail."""
    ANY_SIGNER = "ANY_SIGNER"
    """The policy accepts every signer that a trust anchor vouches for."""
    RSIN_CHECK = "RSIN_CHECK"
    """The RSIN inside the signer's OIN fails the eleven-test."""
    TRIAL_CERTIFICATE = "TRIAL_CERTIFICATE"
    """The signer's certificate names a policy of the TRIAL hierarchy."""
    CONTENT_TYPE_UNSIGNED = "CONTENT_TYPE_UNSIGNED"
    """The policy accepts any media type, and Content-Type is not covered by the signature."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing worth telling.

    Attributes:
        code: Stable name.
        text: One sentence for people that says what to do.
    """

    code: NoticeCode
    text: str


class NlgovJadesWarning(UserWarning):
    """A notice about our own configuration, given once through `warnings` when an object is made."""
