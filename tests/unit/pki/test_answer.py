"""How answers that contradict each other are weighed, and which times data cover."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from nlgov_jades import RevocationPolicy
from nlgov_jades.pki.answer import Answer, Standing, check_window, decide, later
from nlgov_jades.pki.signatures import UnusableDataError
from nlgov_jades.result import RevocationSource

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)
HARD = RevocationPolicy.HARD_FAIL


def said(standing: Standing, hours_ago: int) -> Answer:
    return Answer(
        standing=standing,
        source=RevocationSource.CRL,
        signer="TEST CA",
        this_update=NOW - hours_ago * HOUR,
        next_update=NOW + HOUR,
        valid_until=NOW + HOUR,
        der=b"",
    )


def test_no_answer_decides_nothing() -> None:
    assert decide([]) is None


def test_the_newest_good_answer_counts() -> None:
    old, new = said(Standing.GOOD, 3), said(Standing.GOOD, 1)
    assert decide([old, new]) is new
    assert decide([new, old]) is new


@pytest.mark.parametrize("hours_ago", [1, 2, 3])
def test_revoked_wins_over_good_and_hold_of_any_age(hours_ago: int) -> None:
    revoked = said(Standing.REVOKED, hours_ago)
    others = [said(Standing.GOOD, 2), said(Standing.ON_HOLD, 2)]
    assert decide([*others, revoked]) is revoked
    assert decide([revoked, *others]) is revoked


def test_a_hold_is_lifted_by_newer_good_data() -> None:
    hold, good = said(Standing.ON_HOLD, 2), said(Standing.GOOD, 1)
    assert decide([hold, good]) is good
    assert decide([good, hold]) is good


@pytest.mark.parametrize("good_hours_ago", [2, 3])
def test_a_hold_counts_when_good_data_are_as_old_or_older(good_hours_ago: int) -> None:
    hold, good = said(Standing.ON_HOLD, 2), said(Standing.GOOD, good_hours_ago)
    assert decide([hold, good]) is hold
    assert decide([good, hold]) is hold


def test_a_hold_that_came_back_counts() -> None:
    first, lifted, again = said(Standing.ON_HOLD, 3), said(Standing.GOOD, 2), said(Standing.ON_HOLD, 1)
    answer = decide([first, lifted, again])
    assert answer is not None
    assert answer.standing is Standing.ON_HOLD


def test_data_cover_the_time_up_to_and_with_their_next_update() -> None:
    assert check_window(NOW - HOUR, NOW, policy=HARD, at=NOW, what="CRL") == NOW
    with pytest.raises(UnusableDataError, match="the CRL was valid until 2026-06-15T12:00:00Z"):
        check_window(NOW - HOUR, NOW, policy=HARD, at=NOW + SECOND, what="CRL")


def test_data_may_be_ahead_by_the_skew_of_the_policy_and_no_more() -> None:
    until = NOW + HOUR
    assert check_window(NOW + HARD.skew, until, policy=HARD, at=NOW, what="CRL") == until
    with pytest.raises(UnusableDataError, match="the CRL is from 2026-06-15T12:01:01Z, after the time it is asked for"):
        check_window(NOW + HARD.skew + SECOND, until, policy=HARD, at=NOW, what="CRL")


def test_without_next_update_the_age_of_the_policy_counts() -> None:
    policy = HARD.replace(max_age=2 * HOUR)
    assert check_window(NOW - 2 * HOUR, None, policy=policy, at=NOW, what="OCSP response") == NOW
    with pytest.raises(UnusableDataError, match="the OCSP response was valid until 2026-06-15T11:59:59Z"):
        check_window(NOW - 2 * HOUR - SECOND, None, policy=policy, at=NOW, what="OCSP response")


def test_an_age_of_the_policy_does_not_lengthen_a_next_update() -> None:
    policy = HARD.replace(max_age=30 * 24 * HOUR)
    with pytest.raises(UnusableDataError, match="was valid until"):
        check_window(NOW - HOUR, NOW - SECOND, policy=policy, at=NOW, what="CRL")


def test_newer_data_that_call_a_certificate_revoked_before_the_time_in_question_count() -> None:
    # Otherwise soft-fail would pass over a "revoked" because it was learnt later.
    later = NOW + 10 * HOUR
    with pytest.raises(UnusableDataError, match="after the time it is asked for"):
        check_window(later, later + HOUR, policy=HARD, at=NOW, what="CRL")
    with pytest.raises(UnusableDataError, match="after the time it is asked for"):
        check_window(later, later + HOUR, policy=HARD, at=NOW, what="CRL", revoked_at=NOW + HOUR)
    assert check_window(later, later + HOUR, policy=HARD, at=NOW, what="CRL", revoked_at=NOW - HOUR) == later + HOUR


def test_a_hold_as_new_as_the_good_data_counts_whatever_was_on_hold_before() -> None:
    earlier, good, hold = said(Standing.ON_HOLD, 3), said(Standing.GOOD, 1), said(Standing.ON_HOLD, 1)
    answer = decide([earlier, good, hold])
    assert answer is not None
    assert answer.standing is Standing.ON_HOLD


@pytest.mark.parametrize("standing", [Standing.REVOKED, Standing.ON_HOLD])
def test_of_several_answers_that_refuse_the_first_that_was_given_is_told(standing: Standing) -> None:
    first, second = said(standing, 1), said(standing, 1)
    assert decide([said(Standing.GOOD, 2), first, second]) is first


def test_a_time_beyond_the_calendar_is_the_end_of_the_calendar() -> None:
    end = dt.datetime.max.replace(tzinfo=dt.UTC)
    assert later(NOW, HOUR) == NOW + HOUR
    assert later(end - HOUR, HOUR) == end
    assert later(NOW, dt.timedelta.max) == end


def test_data_from_later_count_for_a_certificate_that_was_revoked_by_the_time_in_question() -> None:
    times: dict[str, Any] = {
        "this_update": NOW + HOUR,
        "next_update": NOW + 2 * HOUR,
        "policy": HARD,
        "at": NOW,
        "what": "CRL",
    }
    assert check_window(**times, revoked_at=NOW) == NOW + 2 * HOUR
    with pytest.raises(UnusableDataError, match="after the time it is asked for"):
        check_window(**times, revoked_at=NOW + SECOND)
