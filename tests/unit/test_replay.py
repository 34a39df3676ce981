"""The replay guard in memory: what identifies a signature, for how long it counts, and that it passes once."""

from __future__ import annotations

import base64
import datetime as dt
import gc
import itertools
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import ANY_TRUSTED, HttpRequest, RevocationPolicy, Signer, VerificationPolicy, Verifier, profiles
from nlgov_jades.errors import ConfigurationError, ReplayedMessageError, ReplayUnknownError, SigningTimeError
from nlgov_jades.replay import MemoryReplayGuard, Sighting, check_guardable, check_replay
from nlgov_jades.testing import Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_numbers = itertools.count(1_000_000)


def sighting(
    number: int | None = None,
    *,
    signed_at: dt.datetime = NOW,
    seen_at: dt.datetime | None = None,
    window: dt.timedelta = 6 * MINUTE,
) -> Sighting:
    key = (next(_numbers) if number is None else number).to_bytes(32)
    return Sighting(
        key=key, signed_at=signed_at, seen_at=signed_at if seen_at is None else seen_at, until=signed_at + window
    )


def replayed(guard: MemoryReplayGuard, again: Sighting) -> None:
    with pytest.raises(ReplayedMessageError) as caught:
        guard.admit(again)
    assert caught.value.code == "REPLAYED_MESSAGE"


def unknown(guard: MemoryReplayGuard, again: Sighting, words: str) -> None:
    with pytest.raises(ReplayUnknownError, match=words) as caught:
        guard.admit(again)
    assert caught.value.code == "REPLAY_UNKNOWN"
    assert caught.value.http_status == 503


@pytest.fixture
def guarded(verifier: Verifier) -> VerificationPolicy:
    return verifier.policy.replace(max_age=5 * MINUTE)


@pytest.fixture
def at(verifier: Verifier, guarded: VerificationPolicy) -> Callable[..., Verifier]:
    """A verifier with `max_age`, at that time."""

    def made(time: dt.datetime = NOW, **changes: Any) -> Verifier:
        return Verifier(trust=verifier.trust, policy=guarded.replace(**changes), clock=lambda: time)

    return made


# --- what is remembered --------------------------------------------------------------------------------------


def test_a_sighting_says_until_when_a_copy_would_be_accepted(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, at: Callable[..., Verifier]
) -> None:
    verifier = at(NOW + 3 * SECOND)
    seen = Sighting.of(verifier.verify(sign(request_message)), verifier.policy)
    assert (seen.signed_at, seen.seen_at) == (NOW, NOW + 3 * SECOND)
    assert seen.until == NOW + 5 * MINUTE + verifier.policy.clock_skew
    assert len(seen.key) == 32


def test_a_copy_written_otherwise_is_the_same_sighting(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, at: Callable[..., Verifier]
) -> None:
    signed, verifier = sign(request_message), at()
    other = HttpRequest(
        method="PUT",
        target="/another?path",
        fields=[*((name.upper(), f"  {value}\t") for name, value in signed.fields), ("X-More", "1")],
        body=signed.body,
    )
    guard = MemoryReplayGuard()
    check_replay(verifier.verify(signed), policy=verifier.policy, guard=guard)
    with pytest.raises(ReplayedMessageError) as caught:
        check_replay(verifier.verify(other), policy=verifier.policy, guard=guard)
    assert caught.value.code == "REPLAYED_MESSAGE"


def test_the_same_message_signed_again_passes(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, at: Callable[..., Verifier]
) -> None:
    verifier, guard = at(), MemoryReplayGuard()
    for _ in range(2):
        check_replay(verifier.verify(sign(request_message)), policy=verifier.policy, guard=guard)
    assert len(guard) == 2


def test_the_twin_of_an_es256_signature_verifies_and_is_a_replay(
    hierarchy: Hierarchy, p256: Issued, request_message: HttpRequest
) -> None:
    signed = request_message.with_fields(
        Signer(p256.credential, profile=profiles.OOTS_RESPONSE, clock=lambda: NOW).sign(request_message)
    )
    policy = VerificationPolicy(
        profiles=(profiles.OOTS_RESPONSE,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF, max_age=5 * MINUTE
    )
    verifier = Verifier(trust=hierarchy.trust, policy=policy, clock=lambda: NOW)
    (value,) = signed.fields.get_all("oots-response-sig")
    header, _, signature = value.rpartition(".")
    octets = base64.urlsafe_b64decode(signature + "==")
    twin_octets = octets[:32] + (P256_ORDER - int.from_bytes(octets[32:])).to_bytes(32)
    twin = HttpRequest(
        method=signed.method,
        target=signed.target,
        fields=[
            (
                name,
                f"{header}.{base64.urlsafe_b64encode(twin_octets).decode().rstrip('=')}" if shown == value else shown,
            )
            for name, shown in signed.fields
        ],
        body=signed.body,
    )
    first, second = verifier.verify(signed), verifier.verify(twin)
    assert first.signature != second.signature
    assert Sighting.of(first, policy).key == Sighting.of(second, policy).key
    for original, copy in ((first, second), (second, first)):
        guard = MemoryReplayGuard()
        check_replay(original, policy=policy, guard=guard)
        with pytest.raises(ReplayedMessageError) as caught:
            check_replay(copy, policy=policy, guard=guard)
        assert caught.value.code == "REPLAYED_MESSAGE"


def test_the_algorithm_is_a_part_of_the_key(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, at: Callable[..., Verifier]
) -> None:
    verifier = at()
    proof = verifier.verify(sign(request_message))
    key = Sighting.of(proof, verifier.policy).key
    # The same octets as an ES256 signature: no verifier makes such a proof.
    object.__setattr__(proof, "algorithm", profiles.SignatureAlgorithm.ES256)
    object.__setattr__(proof, "signature", proof.signature[:64])
    assert Sighting.of(proof, verifier.policy).key != key


def test_a_policy_without_max_age_cannot_have_a_guard(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier
) -> None:
    assert verifier.policy.max_age is None
    proof, guard = verifier.verify(sign(request_message)), MemoryReplayGuard()
    with pytest.raises(ConfigurationError, match="max_age"):
        check_replay(proof, policy=verifier.policy, guard=guard)
    with pytest.raises(ConfigurationError, match="max_age"):
        check_guardable(verifier.policy)
    assert len(guard) == 0


def test_a_message_without_signing_time_cannot_be_guarded(
    forge: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier, guarded: VerificationPolicy
) -> None:
    # Verified under a policy that asks for no time, guarded under one that does: a mistake of the caller's.
    proof = verifier.verify(forge(request_message, edit=lambda header: header.pop("iat")))
    with pytest.raises(SigningTimeError) as caught:
        check_replay(proof, policy=guarded, guard=MemoryReplayGuard())
    assert caught.value.code == "SIGNING_TIME"


@pytest.mark.parametrize("answer", [True, False, "admitted"], ids=repr)
def test_a_guard_that_answers_instead_of_raising_is_a_mistake_of_ours(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, at: Callable[..., Verifier], answer: Any
) -> None:
    class Telling:
        def admit(self, sighting: Sighting) -> Any:
            return answer if sighting.key else None

    verifier = at()
    with pytest.raises(ConfigurationError, match="raises or returns nothing"):
        check_replay(verifier.verify(sign(request_message)), policy=verifier.policy, guard=Telling())


def test_a_guard_that_is_awaited_is_a_mistake_of_ours_and_nothing_is_left_waiting(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, at: Callable[..., Verifier]
) -> None:
    class Awaited:
        async def admit(self, _: Sighting) -> None:
            raise AssertionError("it was never asked")

    guard: Any = Awaited()
    verifier = at()
    with pytest.raises(ConfigurationError, match="awaited"):
        check_replay(verifier.verify(sign(request_message)), policy=verifier.policy, guard=guard)


def test_max_age_zero_is_a_window_all_the_same(guarded: VerificationPolicy) -> None:
    assert check_guardable(guarded.replace(max_age=dt.timedelta(0))) == dt.timedelta(0)


def test_a_sighting_shows_no_more_than_a_hash(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, at: Callable[..., Verifier]
) -> None:
    verifier = at()
    proof = verifier.verify(sign(request_message))
    seen = Sighting.of(proof, verifier.policy)
    assert repr(proof.signature)[2:40] not in repr(seen)


# --- the guard -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capacity", [0, -1, True, 1.5, "9", None])
def test_a_capacity_that_is_no_number_is_refused(capacity: Any) -> None:
    with pytest.raises(ConfigurationError, match="capacity"):
        MemoryReplayGuard(capacity)


def test_a_copy_is_refused_until_the_very_end_of_its_window() -> None:
    guard = MemoryReplayGuard()
    first = sighting(1)
    guard.admit(first)
    for later in (0 * SECOND, SECOND, 5 * MINUTE, 6 * MINUTE):
        # What comes between makes the guard look for what to forget.
        guard.admit(sighting(signed_at=NOW + later))
        replayed(guard, sighting(1, seen_at=NOW + later))


@pytest.mark.parametrize("offset", [0, 1, 30, 59])
def test_what_is_forgotten_is_never_admitted_again(offset: int) -> None:
    guard = MemoryReplayGuard()
    signed_at = NOW + offset * SECOND
    guard.admit(sighting(1, signed_at=signed_at))
    for minute in range(1, 20):
        guard.admit(sighting(signed_at=NOW + minute * MINUTE))
        with pytest.raises((ReplayedMessageError, ReplayUnknownError)):
            guard.admit(sighting(1, signed_at=signed_at, seen_at=NOW + minute * MINUTE))
    assert len(guard) < 10


def test_a_copy_whose_body_was_drawn_out_until_the_original_was_forgotten_is_not_admitted() -> None:
    guard = MemoryReplayGuard()
    guard.admit(sighting(1))
    guard.admit(sighting(signed_at=NOW + 20 * MINUTE))
    # Its fields were verified in time; nobody looks at the clock again.
    unknown(guard, sighting(1, seen_at=NOW + SECOND), "signed before what the replay guard remembers")
    assert len(guard) == 1


def test_a_slow_message_passes_while_a_copy_of_it_would_still_be_known() -> None:
    guard = MemoryReplayGuard()
    guard.admit(sighting(signed_at=NOW + 5 * MINUTE))
    guard.admit(sighting(1, seen_at=NOW))
    replayed(guard, sighting(1, seen_at=NOW))


def test_signatures_of_one_minute_are_forgotten_together_and_no_sooner() -> None:
    guard = MemoryReplayGuard()
    for second in range(60):
        guard.admit(sighting(signed_at=NOW + second * SECOND))
    guard.admit(sighting(signed_at=NOW + 6 * MINUTE + 59 * SECOND))
    assert len(guard) == 61
    guard.admit(sighting(signed_at=NOW + 7 * MINUTE))
    assert len(guard) == 2


def test_a_clock_that_jumps_back_a_little_lets_nothing_pass_twice() -> None:
    guard = MemoryReplayGuard()
    guard.admit(sighting(1))
    ahead = NOW + 4 * MINUTE
    guard.admit(sighting(2, signed_at=ahead))
    replayed(guard, sighting(1, seen_at=NOW - 30 * SECOND))
    guard.admit(sighting(3, signed_at=NOW - 30 * SECOND))
    for number, signed_at in ((1, NOW), (2, ahead), (3, NOW - 30 * SECOND)):
        replayed(guard, sighting(number, signed_at=signed_at, seen_at=NOW))


def test_a_clock_that_jumped_ahead_and_back_lets_nothing_pass_twice() -> None:
    guard = MemoryReplayGuard()
    guard.admit(sighting(1))
    guard.admit(sighting(signed_at=NOW + 60 * MINUTE))
    unknown(guard, sighting(1, seen_at=NOW + SECOND), "signed before")


def test_two_policies_share_a_guard_and_the_longer_window_counts() -> None:
    guard = MemoryReplayGuard()
    hour = 61 * MINUTE
    guard.admit(sighting(1))
    guard.admit(sighting(2, window=hour))
    for minute in range(1, 60, 5):
        guard.admit(sighting(signed_at=NOW + minute * MINUTE))
    # Under the shorter it is too old, under the longer it is not.
    replayed(guard, sighting(1, seen_at=NOW + 60 * MINUTE, window=hour))
    replayed(guard, sighting(2, seen_at=NOW + 60 * MINUTE))


def test_a_longer_window_that_comes_later_cannot_bring_back_what_was_forgotten() -> None:
    guard = MemoryReplayGuard()
    guard.admit(sighting(1))
    guard.admit(sighting(signed_at=NOW + 10 * MINUTE))
    unknown(guard, sighting(1, seen_at=NOW + 10 * MINUTE, window=61 * MINUTE), "shorter max_age")
    # What comes from now on counts for the longer window.
    guard.admit(sighting(2, signed_at=NOW + 10 * MINUTE, window=61 * MINUTE))
    for minute in range(20, 60, 5):
        guard.admit(sighting(signed_at=NOW + minute * MINUTE))
    replayed(guard, sighting(2, signed_at=NOW + 10 * MINUTE, seen_at=NOW + 59 * MINUTE, window=61 * MINUTE))


def test_a_full_guard_admits_nothing_and_still_knows_what_it_saw() -> None:
    guard = MemoryReplayGuard(capacity=3)
    for number in range(1, 4):
        guard.admit(sighting(number + 900))
    unknown(guard, sighting(), "full")
    unknown(guard, sighting(signed_at=NOW + MINUTE), "full")
    replayed(guard, sighting(901))
    assert repr(guard) == "<MemoryReplayGuard: 3 of 3>"


def test_a_full_guard_has_room_again_when_signatures_no_longer_count() -> None:
    guard = MemoryReplayGuard(capacity=3)
    for _ in range(3):
        guard.admit(sighting())
    unknown(guard, sighting(), "full")
    guard.admit(sighting(1, signed_at=NOW + 10 * MINUTE))
    replayed(guard, sighting(1, signed_at=NOW + 10 * MINUTE))
    assert len(guard) == 1


def test_a_full_guard_looks_for_room_also_in_a_minute_that_it_knows() -> None:
    guard = MemoryReplayGuard(capacity=3)
    later = NOW + 6 * MINUTE
    for signed_at in (NOW, NOW, later):
        guard.admit(sighting(signed_at=signed_at))
    unknown(guard, sighting(signed_at=later), "full")
    guard.admit(sighting(signed_at=later, seen_at=NOW + 8 * MINUTE))
    assert len(guard) == 2


def test_a_guard_that_was_refused_for_being_full_forgot_nothing() -> None:
    guard = MemoryReplayGuard(capacity=1)
    guard.admit(sighting(1))
    refused = sighting(2)
    unknown(guard, refused, "full")
    unknown(guard, refused, "full")
    replayed(guard, sighting(1))


def test_a_signing_time_before_1970_or_at_the_end_of_the_calendar_has_its_slot() -> None:
    for time in (dt.datetime(1950, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.UTC)):
        guard = MemoryReplayGuard()
        guard.admit(sighting(1, signed_at=time, window=dt.timedelta(0)))
        replayed(guard, sighting(1, signed_at=time, window=dt.timedelta(0)))


def test_what_one_signature_takes_is_as_the_documentation_says() -> None:
    count = 50_000
    seen = [sighting(number + 1, signed_at=NOW + (number % 300) * SECOND) for number in range(count)]
    guard = MemoryReplayGuard()
    gc.collect()
    tracemalloc.start()
    try:
        for each in seen:
            # A key of its own, as when it was hashed from a message.
            guard.admit(Sighting(bytes(bytearray(each.key)), each.signed_at, each.seen_at, each.until))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(guard) == count
    assert 100 < held / count < 250


def test_a_flood_of_minutes_leaves_no_more_than_a_window_of_slots() -> None:
    guard = MemoryReplayGuard()
    for minute in range(5000):
        guard.admit(sighting(signed_at=NOW + minute * MINUTE))
    assert len(guard._slots) < 10
    assert len(guard._oldest) == 1
    assert len(guard) < 10
