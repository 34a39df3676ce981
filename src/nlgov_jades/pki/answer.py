"""What one OCSP response or CRL says about one certificate, and how answers that contradict each other are weighed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..policy import RevocationPolicy
from ..result import RevocationSource
from .signatures import UnusableDataError

__all__ = ["Answer", "Standing", "check_window", "decide", "later"]


class Standing(StrEnum):
    """What an answer says."""

    GOOD = "good"
    REVOKED = "revoked"
    ON_HOLD = "on hold"
    """Revoked with the reason certificateHold, which newer data may lift (RFC 5280 §5.3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A valid answer about one certificate.

    Attributes:
        standing: What it says.
        source: OCSP or CRL.
        signer: Common name of who signed it.
        this_update: When it was known to be so, UTC.
        next_update: When newer data are due, UTC, or `None`.
        valid_until: The last moment at which it may be used, UTC.
        revoked_at: When the certificate was revoked, UTC, or `None`.
        reason: CRLReason as RFC 5280 spells it, or `None`.
        der: The response or CRL itself.
    """

    standing: Standing
    source: RevocationSource
    signer: str
    this_update: dt.datetime
    next_update: dt.datetime | None
    valid_until: dt.datetime
    revoked_at: dt.datetime | None = None
    reason: str | None = None
    der: bytes


def decide(answers: Sequence[Answer]) -> Answer | None:
    """The answer that counts: any "revoked" before any "good"; a hold unless newer data say good. `None`: no answer."""
    revoked = [answer for answer in answers if answer.standing is Standing.REVOKED]
    if revoked:
        return revoked[0]
    latest = max(answers, key=lambda answer: answer.this_update, default=None)
    holds = [answer for answer in answers if answer.standing is Standing.ON_HOLD]
    if latest is not None and holds and latest.this_update <= max(hold.this_update for hold in holds):
        return holds[0]
    return latest


def later(time: dt.datetime, duration: dt.timedelta) -> dt.datetime:
    """The time so much later, or the end of the calendar."""
    try:
        return time + duration
    except OverflowError:
        return dt.datetime.max.replace(tzinfo=dt.UTC)


def check_window(
    this_update: dt.datetime,
    next_update: dt.datetime | None,
    *,
    policy: RevocationPolicy,
    at: dt.datetime,
    what: str,
    revoked_at: dt.datetime | None = None,
) -> dt.datetime:
    """The last moment at which data with these times may be used.

    Args:
        this_update: From the data, UTC.
        next_update: From the data, UTC; without it the policy's `max_age` counts from `this_update`.
        policy: Gives `max_age` and `skew`.
        at: The time to judge for, UTC.
        what: Name of the data for the error.
        revoked_at: Since when they call the certificate revoked, UTC: for an earlier time newer data count too.

    Raises:
        UnusableDataError: They do not cover that time.
    """
    known_before = revoked_at is not None and revoked_at <= at
    if this_update - at > policy.skew and not known_before:
        raise UnusableDataError(f"the {what} is from {_utc(this_update)}, after the time it is asked for")
    until = later(this_update, policy.max_age) if next_update is None else next_update
    if at > until:
        raise UnusableDataError(f"the {what} was valid until {_utc(until)}")
    return until


def _utc(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
