"""The warning before a certificate expires: from when, how often, about whom, and when it is left out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import HttpRequest, SigningCredential, profiles
from nlgov_jades.errors import SigningError
from nlgov_jades.rotation import CredentialFiles, FixedCredential, Reading, RotatingSigner
from nlgov_jades.testing import Issued

from .conftest import Hand, Issue, Pair, Told

Sign = Callable[[], object]

WARNING = (
    "WARNING the certificate of OIN 00000001002220647000 expires on 2026-07-25T12:00:00Z, days left: {}; install its "
    "successor"
)
ERROR = (
    "ERROR the certificate of OIN 00000001002220647000 expired on 2026-07-25T12:00:00Z; nothing is signed until its "
    "successor is installed"
)


@pytest.fixture
def sign(first: Issued, hand: Hand, request_message: HttpRequest) -> Sign:
    """Sign one message with a certificate that ends 40 days from now."""
    signer = RotatingSigner(FixedCredential(first.credential), profile=profiles.OOTS_RESPONSE, clock=hand)
    return lambda: signer.sign(request_message)


def test_nothing_is_told_more_than_30_days_before(sign: Sign, hand: Hand, told: Told) -> None:
    hand.forward(days=10, seconds=-1)
    sign()
    assert told() == []


def test_the_warning_begins_30_days_before_and_comes_once_a_day(sign: Sign, hand: Hand, told: Told) -> None:
    hand.forward(days=10)
    lines = []
    for _ in range(30 * 24):  # each hour until it expires
        sign()
        sign()
        lines += told()
        hand.forward(hours=1)
    assert lines == [WARNING.format(left) for left in range(30, 0, -1)]


def test_on_the_last_day_no_whole_day_is_left(sign: Sign, hand: Hand, told: Told) -> None:
    hand.forward(days=40, seconds=-1)
    sign()
    assert told() == [WARNING.format(0)]


def test_once_it_has_expired_an_error_is_told_once_a_day(sign: Sign, hand: Hand, told: Told) -> None:
    hand.forward(days=40)
    sign()
    assert told() == [WARNING.format(0)]
    for hours in (1, 1, 22, 1):
        hand.forward(hours=hours)
        with pytest.raises(SigningError):
            sign()
        hand.forward(seconds=1)
        with pytest.raises(SigningError):
            sign()
    assert told() == [ERROR, ERROR]


def test_a_clock_that_was_set_back_does_not_silence_the_warning(sign: Sign, hand: Hand, told: Told) -> None:
    hand.forward(days=35)
    sign()
    hand.forward(days=-2)
    sign()
    assert told() == [WARNING.format(5), WARNING.format(7)]


def test_a_signer_that_is_made_within_30_days_tells_it_at_once(
    first: Issued, hand: Hand, request_message: HttpRequest, told: Told
) -> None:
    hand.forward(days=15)
    signer = RotatingSigner(FixedCredential(first.credential), profile=profiles.OOTS_RESPONSE, clock=hand)
    assert told() == [WARNING.format(25)]
    signer.sign(request_message)
    assert told() == []


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ({"oin": None, "kvk": "12345678"}, "of KVK 12345678 expires"),
        ({"oin": None, "common_name": "[bold]\x1b"}, r"of '\x5bbold]\x1b' expires"),
    ],
    ids=["kvk", "name"],
)
def test_without_oin_the_warning_names_the_kvk_number_or_the_name_quoted(
    issue: Issue, subject: dict[str, Any], words: str, hand: Hand, told: Told
) -> None:
    soon: Issued = issue(-20, 10, **subject)
    RotatingSigner(FixedCredential(soon.credential), profile=profiles.OOTS_RESPONSE, clock=hand)
    (line,) = told()
    assert words in line


# --- when the next one is there ----------------------------------------------------------------------------------


def files_with(pair: Pair, new: Issued) -> RotatingSigner:
    """A signer whose files hold `first`, and then another, 20 days before the first one ends."""
    pair.put(pair.first)
    source = CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE)
    signer = RotatingSigner(source, profile=profiles.OOTS_RESPONSE, clock=pair.hand)
    pair.put(new)
    pair.hand.forward(days=20)
    return signer


def test_nothing_is_told_while_a_successor_waits(pair: Pair, request_message: HttpRequest, told: Told) -> None:
    signer = files_with(pair, pair.issue(30, 200))
    signer.sign(request_message)
    pair.hand.forward(days=15)
    signer.sign(request_message)
    assert signer.credential.chain != pair.first.chain
    assert told() == []


def test_a_successor_that_begins_too_late_silences_nothing(
    pair: Pair, request_message: HttpRequest, told: Told
) -> None:
    signer = files_with(pair, pair.issue(41, 200))
    signer.sign(request_message)
    assert told() == [WARNING.format(20)]
    pair.hand.forward(days=20, seconds=1)
    with pytest.raises(SigningError):
        signer.sign(request_message)
    assert told() == [ERROR]


def test_a_successor_that_ends_no_later_silences_nothing(pair: Pair, request_message: HttpRequest, told: Told) -> None:
    signer = files_with(pair, pair.issue(30, 40))
    signer.sign(request_message)
    assert told() == [WARNING.format(20)]


def test_the_next_certificate_is_warned_of_by_itself(pair: Pair, request_message: HttpRequest, told: Told) -> None:
    signer = files_with(pair, pair.issue(10, 45, oin="00000003123456780000"))
    signer.sign(request_message)
    (line,) = told()
    assert "OIN 00000003123456780000 expires on 2026-07-30T12:00:00Z, days left: 25" in line


def test_a_certificate_that_stays_because_the_next_one_cannot_be_used_is_warned_of(
    pair: Pair, issued: Issued, request_message: HttpRequest, told: Told
) -> None:
    signer = files_with(pair, issued)  # RSA
    signer.sign(request_message)
    refusal, warning = told()
    assert "the new credential cannot be used" in refusal
    assert warning == WARNING.format(20)


def test_a_source_that_cannot_say_what_comes_next_does_not_end_signing(
    first: Issued, hand: Hand, request_message: HttpRequest, told: Told
) -> None:
    credential = first.credential

    class Broken:
        def current(self) -> SigningCredential:
            return credential

        def successor(self) -> SigningCredential | None:
            raise RuntimeError("vault is sealed")

    signer = RotatingSigner(Broken(), profile=profiles.OOTS_RESPONSE, clock=hand)
    hand.forward(days=20)
    assert len(signer.sign(request_message)) == 2
    assert told() == [WARNING.format(20)]


def test_a_certificate_at_the_end_of_the_calendar_has_days_enough(
    pair: Pair, request_message: HttpRequest, told: Told
) -> None:
    # RFC 5280 §4.1.2.5: 99991231235959Z stands for no end at all.
    end = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC) - pair.hand()
    endless = pair.issue(-20, end / dt.timedelta(days=1))
    pair.put(endless)
    source = CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE, overlap=dt.timedelta.max)
    signer = RotatingSigner(source, profile=profiles.OOTS_RESPONSE, clock=pair.hand)
    pair.put(pair.issue(-1, end / dt.timedelta(days=1)))
    pair.hand.forward(seconds=10)
    signer.sign(request_message)
    assert told() == []
