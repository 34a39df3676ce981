"""CredentialFiles: when the credential in use stays, whatever is in the files, and when the next one takes over."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nlgov_jades import HttpRequest, Signer, profiles
from nlgov_jades.errors import SigningError
from nlgov_jades.rotation import CredentialFiles, Reading
from nlgov_jades.rotation.files import OVERLAP
from nlgov_jades.rotation.reading import MAX_OCTETS
from nlgov_jades.testing import Issued

from .conftest import Hand, Pair, Told

STAYS = "the credential in use stays"


@pytest.fixture
def source(pair: Pair) -> CredentialFiles:
    pair.put(pair.first)
    return CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE)


def become(path: Path, kind: Callable[[Path], object]) -> None:
    path.unlink()
    kind(path)


def gives(source: CredentialFiles, issued: Issued) -> bool:
    return source.current().chain == issued.chain


# --- files that cannot be used -----------------------------------------------------------------------------------


def test_a_key_that_was_replaced_before_its_chain_is_not_used_until_the_chain_follows(
    source: CredentialFiles, pair: Pair, told: Told
) -> None:
    pair.put_key(pair.second.key_pem())
    pair.hand.forward(seconds=10)
    assert gives(source, pair.first)
    assert told() == [
        f"WARNING '{pair.key}' with '{pair.chain}': no certificate in the chain belongs to the private key; {STAYS}"
    ]
    pair.put_chain(pair.second.chain_pem)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.second)
    assert told() == []


def test_a_chain_that_was_replaced_before_its_key_is_not_used_until_the_key_follows(
    source: CredentialFiles, pair: Pair, told: Told
) -> None:
    pair.put_chain(pair.second.chain_pem)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.first)
    assert len(told()) == 1
    pair.put_key(pair.second.key_pem())
    pair.hand.forward(seconds=10)
    assert gives(source, pair.second)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda pair: pair.put_key(b"garbage"), "the private key cannot be read"),
        (lambda pair: pair.put_key(b""), "the private key cannot be read"),
        (lambda pair: pair.put_chain(b"\x00" * 100), "the certificate chain holds no PEM certificate"),
        (lambda pair: pair.put_chain(b"x" * (MAX_OCTETS + 1)), f"is larger than {MAX_OCTETS} octets"),
        (lambda pair: pair.key.unlink(), "cannot be read: No such file"),
        (lambda pair: pair.chain.unlink(), "cannot be read: No such file"),
        (lambda pair: become(pair.key, Path.mkdir), "is no regular file"),
        (lambda pair: become(pair.key, os.mkfifo), "is no regular file"),
    ],
    ids=["garbage", "empty", "zeros", "huge", "no-key", "no-chain", "folder", "pipe"],
)
def test_files_that_cannot_be_used_are_told_once_and_change_nothing(
    source: CredentialFiles,
    pair: Pair,
    told: Told,
    spoil: Callable[[Pair], object],
    words: str,
) -> None:
    spoil(pair)
    for _ in range(20):  # several times longer than what they are tried again after
        pair.hand.forward(seconds=10)
        assert gives(source, pair.first)
    (line,) = told()
    assert line.startswith("WARNING ")
    assert words in line
    assert line.endswith(STAYS)
    if pair.key.is_dir():
        pair.key.rmdir()
    pair.put(pair.second)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.second)
    assert told() == []


def test_each_change_to_something_that_cannot_be_used_is_told(source: CredentialFiles, pair: Pair, told: Told) -> None:
    for garbage in (b"garbage", b"more garbage"):
        pair.put_key(garbage)
        pair.hand.forward(seconds=10)
        source.current()
        assert len(told()) == 1


def test_files_that_come_back_as_they_were_are_used_again(source: CredentialFiles, pair: Pair) -> None:
    given = source.current()
    aside = pair.key.with_suffix(".aside")
    pair.key.replace(aside)
    pair.hand.forward(seconds=10)
    assert source.current() is given
    aside.replace(pair.key)
    pair.hand.forward(seconds=10)
    assert source.current() is given
    pair.put(pair.second)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.second)


def test_a_certificate_that_has_expired_is_not_used(source: CredentialFiles, pair: Pair, told: Told) -> None:
    pair.put(pair.issue(-20, -1))
    pair.hand.forward(seconds=10)
    assert gives(source, pair.first)
    (line,) = told()
    assert "expired on 2026-06-14T12:00:00Z" in line


def test_a_credential_that_expired_is_given_when_there_is_no_other_and_a_signer_refuses_it(
    source: CredentialFiles, first: Issued, hand: Hand, request_message: HttpRequest
) -> None:
    hand.forward(days=41)
    assert gives(source, first)
    signer = Signer(source.current(), profile=profiles.OOTS_RESPONSE, clock=hand)
    with pytest.raises(SigningError, match=r"^nobody would accept the signature: .* expired on"):
        signer.sign(request_message)


# --- when the next one takes over --------------------------------------------------------------------------------


def test_a_certificate_that_was_just_issued_waits_for_the_overlap(source: CredentialFiles, pair: Pair) -> None:
    new = pair.issue(0, 100)
    pair.put(new)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.first)
    waiting = source.successor()
    assert waiting is not None
    assert waiting.chain == new.chain
    pair.hand.forward(seconds=289)
    assert gives(source, pair.first)
    pair.hand.forward(seconds=1)
    assert source.current() is waiting
    assert source.successor() is None


def test_a_certificate_that_is_not_yet_valid_waits_until_it_has_been_valid_for_the_overlap(
    source: CredentialFiles, pair: Pair, told: Told
) -> None:
    new = pair.issue(3, 100)
    pair.put(new)
    pair.hand.forward(minutes=1)
    assert gives(source, pair.first)
    pair.hand.forward(days=2, hours=23, minutes=59)
    assert gives(source, pair.first)
    pair.hand.forward(minutes=4, seconds=59)
    assert gives(source, pair.first)
    pair.hand.forward(seconds=1)
    assert gives(source, new)
    assert told() == []


def test_without_overlap_it_is_used_as_soon_as_it_is_valid(pair: Pair) -> None:
    pair.put(pair.first)
    source = CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE, overlap=dt.timedelta(0))
    new = pair.issue(1, 100)
    pair.put(new)
    pair.hand.forward(days=1, seconds=-1)
    assert gives(source, pair.first)
    pair.hand.forward(seconds=1)
    assert gives(source, new)


def test_when_the_old_one_ends_before_the_overlap_the_new_one_is_used_as_soon_as_it_is_valid(pair: Pair) -> None:
    old = pair.issue(-20, (OVERLAP - dt.timedelta(seconds=1)) / dt.timedelta(days=1))
    pair.put(old)
    source = CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE, check_every=dt.timedelta(0))
    new = pair.issue(0, 100)
    pair.put(new)
    assert gives(source, new)


def test_when_the_old_one_ends_with_the_overlap_the_new_one_waits(pair: Pair) -> None:
    old = pair.issue(-20, OVERLAP / dt.timedelta(days=1))
    pair.put(old)
    source = CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE, check_every=dt.timedelta(0))
    new = pair.issue(0, 100)
    pair.put(new)
    assert gives(source, old)
    pair.hand.forward(minutes=5)
    assert gives(source, new)


def test_when_the_old_one_has_expired_the_new_one_is_used_as_soon_as_it_is_valid(
    source: CredentialFiles, pair: Pair
) -> None:
    new = pair.issue(42, 100)
    pair.put(new)
    pair.hand.forward(days=41)
    assert gives(source, pair.first)
    pair.hand.forward(days=1)
    assert gives(source, new)


def test_the_certificate_before_is_used_at_once_when_it_comes_back(source: CredentialFiles, pair: Pair) -> None:
    new = pair.issue(0, 100)
    pair.put(new)
    pair.hand.forward(minutes=5)
    assert gives(source, new)
    pair.put(pair.first)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.first)


def test_what_waits_is_dropped_when_the_files_hold_the_one_in_use_again(source: CredentialFiles, pair: Pair) -> None:
    pair.put(pair.issue(0, 100))
    pair.hand.forward(seconds=10)
    given = source.current()
    assert source.successor() is not None
    pair.put(pair.first)
    pair.hand.forward(seconds=10)
    assert source.current() is given
    assert source.successor() is None


def test_what_waits_stays_the_same_object_when_its_files_are_touched_and_gives_way_to_another(
    source: CredentialFiles, pair: Pair
) -> None:
    one, other = pair.issue(1, 100), pair.issue(2, 100)
    pair.put(one)
    pair.hand.forward(seconds=10)
    source.current()
    waiting = source.successor()
    os.utime(pair.key, (1, 1))
    pair.hand.forward(seconds=10)
    source.current()
    assert source.successor() is waiting
    pair.put(other)
    pair.hand.forward(seconds=10)
    source.current()
    waiting = source.successor()
    assert waiting is not None
    assert waiting.chain == other.chain


def test_what_waits_takes_over_although_its_files_were_spoiled_meanwhile(source: CredentialFiles, pair: Pair) -> None:
    new = pair.issue(0, 100)
    pair.put(new)
    pair.hand.forward(seconds=10)
    source.current()
    pair.put_key(b"garbage")
    pair.hand.forward(minutes=5)
    assert gives(source, new)


def test_what_waited_until_it_expired_does_not_take_over(source: CredentialFiles, pair: Pair) -> None:
    pair.put(pair.issue(1, 2))
    pair.hand.forward(seconds=10)
    source.current()
    pair.hand.forward(days=10)
    assert gives(source, pair.first)


# --- threads -----------------------------------------------------------------------------------------------------


def test_one_thread_reads_and_the_others_go_on_with_the_old_one(pair: Pair) -> None:
    pair.put(pair.first)
    reading, go_on = threading.Event(), threading.Event()
    asked: list[int] = []

    def password() -> None:
        asked.append(threading.get_ident())
        if len(asked) > 1:
            reading.set()
            assert go_on.wait(30)

    source = CredentialFiles(
        pair.key,
        pair.chain,
        password=password,  # type: ignore[arg-type]  # None: the key has no password
        clock=pair.hand,
        reading=Reading.INLINE,
    )
    pair.put(pair.second)
    pair.hand.forward(seconds=10)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(source.current)
        assert reading.wait(30)
        assert [gives(source, pair.first) for _ in range(5)] == [True] * 5
        go_on.set()
        assert slow.result(30).chain == pair.second.chain
    assert gives(source, pair.second)
    assert len(asked) == 2


def test_what_waits_takes_over_in_all_threads_while_one_is_reading(pair: Pair) -> None:
    pair.put(pair.first)
    source = CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE)
    new = pair.issue(0, 100)
    pair.put(new)
    pair.hand.forward(seconds=10)
    source.current()
    pair.hand.forward(minutes=5)
    with source._turn.taken() as mine:  # as if another thread were reading
        assert mine
        assert gives(source, new)
