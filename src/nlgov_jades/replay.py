"""Replay: one signature passes once. What identifies a signature, how long it counts, and a guard in memory.

A guard is asked last, when everything else holds, the comparison with the body included: else a stranger who sends a
recorded signature with another body would use it up for its owner. It remembers a signature for as long as a verifier
would accept it again, which is why a policy without `max_age` cannot have one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Protocol

from .errors import ConfigurationError, NlgovJadesError, ReplayedMessageError, ReplayUnknownError, SigningTimeError
from .pki.answer import later
from .policy import VerificationPolicy
from .profiles import SignatureAlgorithm
from .result import VerifiedMessage

__all__ = ["MemoryReplayGuard", "ReplayGuard", "Sighting", "check_guardable", "check_replay"]

DEFAULT_CAPACITY = 250_000
"""Signatures: some 35 MB, and 800 messages a second for five minutes."""

_SLOT = 60
"""Seconds of signing time that are forgotten together: to forget one by one would cost a sorted index."""

_NEVER = 1 << 40
"""A slot before all others: no time that a datetime can hold lies so far from 1970."""

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_HALF = 32


@dataclass(frozen=True, slots=True)
class Sighting:
    """One accepted signature, as a guard remembers it.

    Attributes:
        key: SHA-256 of the algorithm and the signature's octets, which do not depend on how they were written.
        signed_at: What the signer claims (`iat` or `sigT`), UTC.
        seen_at: When it was verified, UTC.
        until: The last moment at which a verifier with this policy accepts it, clocks' differences included, UTC.
    """

    key: bytes
    signed_at: dt.datetime
    seen_at: dt.datetime
    until: dt.datetime

    @classmethod
    def of(cls, verified: VerifiedMessage, policy: VerificationPolicy) -> Sighting:
        """What is to be remembered of a verified message.

        Args:
            verified: The proof.
            policy: The one it was verified under; its `max_age` and `clock_skew` say for how long.

        Raises:
            ConfigurationError: The policy sets no `max_age`.
            SigningTimeError: The signature states no signing time.
        """
        max_age = check_guardable(policy)
        if verified.signing_time is None:
            raise SigningTimeError("the signature states no signing time (iat), so a replay of it cannot be told")
        octets = verified.algorithm.value.encode("ascii") + b"\0" + _normalised(verified)
        return cls(
            key=hashlib.sha256(octets).digest(),
            signed_at=verified.signing_time,
            seen_at=verified.verified_at,
            until=later(later(verified.signing_time, max_age), policy.clock_skew),
        )


def _normalised(verified: VerifiedMessage) -> bytes:
    """The signature with the smaller s: (r, s) and (r, n - s) are both signatures by ES256 (SEC 1 §4.1.4)."""
    if verified.algorithm is not SignatureAlgorithm.ES256:
        return verified.signature
    s = int.from_bytes(verified.signature[_P256_HALF:])
    return verified.signature[:_P256_HALF] + min(s, _P256_ORDER - s).to_bytes(_P256_HALF)


class ReplayGuard(Protocol):
    """Remembers signatures. Safe to share between threads; of simultaneous copies exactly one is admitted."""

    def admit(self, sighting: Sighting) -> None:
        """Return when this signature was not seen before, and remember it.

        Args:
            sighting: From `Sighting.of`.

        Raises:
            ReplayedMessageError: It was seen.
            ReplayUnknownError: That cannot be told now. It may have been remembered all the same.
        """
        ...


def check_guardable(policy: VerificationPolicy) -> dt.timedelta:
    """The `max_age` of a policy that a guard can work with.

    Raises:
        ConfigurationError: It sets none: every signature would have to be remembered for ever.
    """
    if policy.max_age is None:
        raise ConfigurationError("a replay guard needs a policy with max_age: it cannot remember signatures for ever")
    return policy.max_age


def check_replay(verified: VerifiedMessage, *, policy: VerificationPolicy, guard: ReplayGuard) -> None:
    """Return when this signature was not accepted before: the last step of a verification.

    Args:
        verified: The proof, body included.
        policy: The one it was verified under.
        guard: Shared by all that accept messages for the same purpose.

    Raises:
        ReplayedMessageError: It was.
        ReplayUnknownError: That cannot be told now.
        ConfigurationError: The policy sets no `max_age`, or the guard is awaited.
    """
    # A guard says no by raising. What it returns is looked at for its type only: one that is awaited has not looked yet.
    sighting = Sighting.of(verified, policy)
    try:
        answer: object = guard.admit(sighting)  # type: ignore[func-returns-value]  # see above
    except NlgovJadesError:
        raise
    except Exception as error:
        # Whoever wrote the guard: a failure admits nothing.
        raise ReplayUnknownError(f"the replay guard failed: {type(error).__name__}") from error
    if answer is None:
        return
    if isinstance(answer, Coroutine):
        answer.close()
    raise ConfigurationError("a replay guard raises or returns nothing; one that is awaited cannot be used")


class MemoryReplayGuard:
    """A guard for one process. Several processes that serve one address need one they share: `RedisReplayGuard`.

    Each operation is one step on a dict, so threads need no lock. Signatures lie in slots by signing time, which is part of
    the signature: a copy always looks where the original lies. What was signed before the oldest slot that is left is never
    admitted: it may have been among what was forgotten. Such a message was verified long ago and its body came slowly, or
    it meets a policy with a longer `max_age` than any before.

    Args:
        capacity: Signatures at most. When it is full of signatures that still count, nothing is admitted.

    Raises:
        ConfigurationError: `capacity` is no number above zero.
    """

    __slots__ = ("_capacity", "_count", "_oldest", "_slots", "_windows")

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        if not isinstance(capacity, int) or isinstance(capacity, bool) or capacity <= 0:
            raise ConfigurationError("capacity of a replay guard is a number above zero")
        self._capacity = capacity
        self._slots: dict[int, dict[bytes, object]] = {}
        self._windows: dict[dt.timedelta, None] = {}
        # Its largest key is the slot before which everything was forgotten: a number that no two threads can lower.
        self._oldest: dict[int, None] = {-_NEVER: None}
        self._count = 0

    def admit(self, sighting: Sighting) -> None:
        """As `ReplayGuard.admit`."""
        self._windows.setdefault(sighting.until - sighting.signed_at)
        number = int(sighting.signed_at.timestamp()) // _SLOT
        slot = self._slots.get(number)
        if slot is None:
            self._forget(sighting.seen_at)
            self._check_remembered(number)
            slot = self._slots.setdefault(number, {})
        mine = object()
        if sighting.key not in slot and self._count >= self._capacity:
            self._forget(sighting.seen_at)
            if self._count >= self._capacity:
                raise ReplayUnknownError("the replay guard is full: its capacity does not fit the traffic")
        if slot.setdefault(sighting.key, mine) is not mine:
            raise ReplayedMessageError("this very signature was accepted before")
        # Once more: another thread may have dropped this slot since, and a copy would find a new one.
        self._check_remembered(number)
        # Threads may lose a step of this count; it is made exact each time a minute begins, and bounds memory only.
        self._count += 1

    def _check_remembered(self, number: int) -> None:
        if number < max(self._oldest.copy()):
            raise ReplayUnknownError(
                "the message was signed before what the replay guard remembers: its body came long after its fields, or "
                "another policy of this guard has a shorter max_age"
            )

    def _forget(self, now: dt.datetime) -> None:
        """Drop the slots of which every signature is too old for every policy that was met."""
        # The longest window of all policies: what one refuses for its age, another may still accept. Copies are walked
        # over, since other threads write meanwhile.
        longest = max(self._windows.copy())
        # Before the first slot is dropped: who still writes into one of them must see it afterwards.
        self._oldest.setdefault(int(now.timestamp() - longest.total_seconds()) // _SLOT)
        oldest = max(self._oldest.copy())
        for passed in self._oldest.copy():
            if passed < oldest:
                self._oldest.pop(passed, None)
        for number in self._slots.copy():
            if number < oldest:
                self._slots.pop(number, None)
        self._count = len(self)

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots.copy().values())

    def __repr__(self) -> str:
        return f"<MemoryReplayGuard: {len(self)} of {self._capacity}>"
