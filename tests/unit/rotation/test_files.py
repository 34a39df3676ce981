"""CredentialFiles: what it gives, and when it reads the files again."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nlgov_jades import SigningCredential
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.rotation import CredentialFiles, Reading, SuccessionSource, files, reading
from nlgov_jades.testing import Issued

from .conftest import Hand, Pair, Told


@pytest.fixture
def source(pair: Pair) -> CredentialFiles:
    pair.put(pair.first)
    return CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE)


def gives(source: CredentialFiles, issued: Issued) -> bool:
    return source.current().chain == issued.chain


# --- what it gives -----------------------------------------------------------------------------------------------


def test_the_credential_is_what_the_files_hold(source: CredentialFiles, first: Issued) -> None:
    assert gives(source, first)
    assert source.successor() is None
    assert isinstance(source, SuccessionSource)


def test_the_same_object_is_given_as_long_as_nothing_changes(source: CredentialFiles, hand: Hand) -> None:
    given = source.current()
    hand.forward(minutes=1)
    assert source.current() is given


def test_files_that_were_only_touched_give_the_same_object(source: CredentialFiles, pair: Pair, told: Told) -> None:
    given = source.current()
    os.utime(pair.chain, (1, 1))
    pair.hand.forward(minutes=1)
    assert source.current() is given
    assert told(logging.DEBUG) == []


def test_a_chain_with_another_certificate_in_it_is_a_new_credential_at_once(pair: Pair, hierarchy: Any) -> None:
    pair.put_key(pair.first.key_pem())
    pair.put_chain(pair.first.chain_pem.replace(hierarchy.root_pem, b""))
    source = CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE)
    assert len(source.current().chain) == 3
    pair.put_chain(pair.first.chain_pem)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.first)


def test_names_of_files_may_be_text_and_relative(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.put(pair.first)
    monkeypatch.chdir(pair.folder)
    source = CredentialFiles("key.pem", "chain.pem", clock=pair.hand, reading=Reading.INLINE)
    monkeypatch.chdir("/")
    pair.put(pair.second)
    pair.hand.forward(minutes=1)
    assert gives(source, pair.second)


# --- how files change --------------------------------------------------------------------------------------------


def test_a_rename_is_followed(source: CredentialFiles, pair: Pair, told: Told) -> None:
    pair.put(pair.second)
    assert not gives(source, pair.second)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.second)
    read, used = told(logging.INFO)
    assert read.startswith("INFO ")
    assert "read a new credential, of OIN 00000001002220647000, valid from 2026-06-14T12:00:00Z until" in read
    assert "signing with a new credential from now on, of OIN 00000001002220647000" in used


def test_the_swap_of_a_symbolic_link_is_followed(tmp_path: Path, first: Issued, second: Issued, hand: Hand) -> None:
    # As Kubernetes mounts a secret: the files are links into ..data, which is a link that is replaced.
    for name, issued in (("..1", first), ("..2", second)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tls.key").write_bytes(issued.key_pem())
        (tmp_path / name / "tls.crt").write_bytes(issued.chain_pem)
    (tmp_path / "..data").symlink_to("..1")
    for name in ("tls.key", "tls.crt"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    source = CredentialFiles(tmp_path / "tls.key", tmp_path / "tls.crt", clock=hand, reading=Reading.INLINE)
    assert gives(source, first)
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    hand.forward(seconds=10)
    assert gives(source, second)


def test_files_that_are_written_in_place_are_followed(source: CredentialFiles, pair: Pair) -> None:
    pair.key.write_bytes(pair.second.key_pem())
    pair.chain.write_bytes(pair.second.chain_pem)
    os.utime(pair.key, (1, 1))
    os.utime(pair.chain, (1, 1))
    pair.hand.forward(seconds=10)
    assert gives(source, pair.second)


def test_the_files_are_looked_at_once_in_check_every(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.put(pair.first)
    source = CredentialFiles(
        pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE, check_every=dt.timedelta(seconds=30)
    )
    looks: list[dt.datetime] = []

    def counting(paths: Sequence[Path]) -> object:
        looks.append(pair.hand.time)
        return reading.look_at(paths)

    monkeypatch.setattr(files, "look_at", counting)
    start = pair.hand.time
    for _ in range(100):
        source.current()
        pair.hand.forward(seconds=1)
    assert [(time - start).seconds for time in looks] == [30, 60, 90]


def test_the_clock_is_read_once_for_each_question(source: CredentialFiles, hand: Hand) -> None:
    before = hand.readings
    source.current()
    assert hand.readings == before + 1


def test_a_clock_that_was_set_back_does_not_keep_the_files_from_being_looked_at(
    source: CredentialFiles, pair: Pair
) -> None:
    pair.put(pair.second)
    pair.hand.forward(hours=-2)
    assert gives(source, pair.second)


def test_with_check_every_zero_they_are_looked_at_each_time(pair: Pair) -> None:
    pair.put(pair.first)
    source = CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE, check_every=dt.timedelta(0))
    for issued in (pair.second, pair.first, pair.second):
        pair.put(issued)
        assert source.current() is source.current()
    assert gives(source, pair.second)


# --- files that change while they are read -----------------------------------------------------------------------


def test_files_that_are_replaced_between_the_two_reads_are_read_again(
    source: CredentialFiles,
    pair: Pair,
    monkeypatch: pytest.MonkeyPatch,
    told: Told,
) -> None:
    read, seen = reading._read, []

    def replacing(path: Path) -> bytes:
        octets = read(path)
        seen.append(path.name)
        if len(seen) == 1:
            pair.put(pair.second)
        return octets

    os.utime(pair.key, (1, 1))
    monkeypatch.setattr(reading, "_read", replacing)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.second)
    assert seen == ["key.pem", "chain.pem"] * 2
    assert told() == []


def test_files_that_keep_changing_are_left_for_later(
    source: CredentialFiles,
    pair: Pair,
    monkeypatch: pytest.MonkeyPatch,
    told: Told,
) -> None:
    read, turn = reading._read, iter([pair.first, pair.second] * 10)

    def replacing(path: Path) -> bytes:
        octets = read(path)
        pair.put(next(turn))
        return octets

    with monkeypatch.context() as patch:
        patch.setattr(reading, "_read", replacing)
        os.utime(pair.key, (1, 1))
        pair.hand.forward(seconds=10)
        assert gives(source, pair.first)
    assert [line.partition("pem': ")[2].rpartition("pem': ")[2] for line in told()] == [
        "the files keep changing while they are read; the credential in use stays"
    ]
    pair.put(pair.second)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.second)


# --- PKCS#12 and passwords ---------------------------------------------------------------------------------------


def test_a_pkcs12_file_is_followed(tmp_path: Path, first: Issued, second: Issued, hand: Hand) -> None:
    file = tmp_path / "signer.p12"
    file.write_bytes(first.pkcs12(b"geheim"))
    source = CredentialFiles(file, password=b"geheim", clock=hand, reading=Reading.INLINE)
    assert gives(source, first)
    file.with_suffix(".new").write_bytes(second.pkcs12(b"geheim"))
    file.with_suffix(".new").replace(file)
    hand.forward(seconds=10)
    assert gives(source, second)


def test_a_password_that_a_function_gives_is_replaced_together_with_the_key(pair: Pair) -> None:
    password = pair.folder / "password"
    password.write_bytes(b"een\n")
    pair.put_key(pair.first.key_pem(b"een"))
    pair.put_chain(pair.first.chain_pem)
    source = CredentialFiles(
        pair.key, pair.chain, password=lambda: password.read_bytes().strip(), clock=pair.hand, reading=Reading.INLINE
    )
    assert gives(source, pair.first)
    pair.put_key(pair.second.key_pem(b"twee"))
    pair.put_chain(pair.second.chain_pem)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.first)
    password.write_bytes(b"twee\n")
    pair.hand.forward(seconds=60)
    assert gives(source, pair.second)


def test_a_function_that_fails_changes_nothing_and_what_it_says_is_not_told(pair: Pair, told: Told) -> None:
    answers: list[bytes] = [b"een"]
    pair.put_key(pair.first.key_pem(b"een"))
    pair.put_chain(pair.first.chain_pem)

    def password() -> bytes:
        if not answers:
            raise RuntimeError("geheim")
        return answers.pop()

    source = CredentialFiles(pair.key, pair.chain, password=password, clock=pair.hand, reading=Reading.INLINE)
    pair.put(pair.second)
    pair.hand.forward(seconds=10)
    assert gives(source, pair.first)
    (line,) = told()
    assert line.endswith("cannot be loaded (RuntimeError); the credential in use stays")
    assert "geheim" not in line


# --- the pair.first load ----------------------------------------------------------------------------------------------


def test_a_certificate_that_is_not_valid_now_is_refused_at_the_start(pair: Pair) -> None:
    pair.put(pair.issue(-20, -1))
    with pytest.raises(ConfigurationError, match="expired on 2026-06-14T12:00:00Z"):
        CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE)
    pair.put(pair.issue(1, 20))
    with pytest.raises(ConfigurationError, match="is valid from 2026-06-16T12:00:00Z"):
        CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=Reading.INLINE)


def test_what_cannot_be_loaded_is_refused_at_the_start(pair: Pair) -> None:
    def refused(words: str, *, chain: Path | None = pair.chain, **options: Any) -> None:
        with pytest.raises(ConfigurationError, match=words) as caught:
            CredentialFiles(pair.key, chain, clock=pair.hand, reading=Reading.INLINE, **options)
        assert str(caught.value).startswith(f"'{pair.key}'")

    refused("cannot be read: No such file")
    pair.put(pair.first)
    refused("a key as PEM goes with a file for its chain", chain=None)
    refused("a password was given", password=b"x")
    refused(r"cannot be loaded \(TypeError\)", password=lambda _: b"x")
    refused("key and password are bytes", password=lambda: "x")
    pair.put_key(b"\x00\x01")
    refused("the PKCS#12 file cannot be read", chain=None)
    refused("the private key cannot be read")
    pair.put_key(pair.second.key_pem())
    refused("no certificate in the chain belongs to the private key")


@pytest.mark.parametrize("key", [None, 7, b"key.pem", "", "key\0.pem"], ids=repr)
def test_what_names_no_file_is_refused(key: Any) -> None:
    with pytest.raises(ConfigurationError, match="a file is named by text or by a path"):
        CredentialFiles(key, "chain.pem")


def test_a_path_of_octets_is_refused(tmp_path: Path) -> None:
    class Octets(os.PathLike[bytes]):
        def __fspath__(self) -> bytes:
            return bytes(tmp_path)

    with pytest.raises(ConfigurationError, match="a file is named by text or by a path"):
        CredentialFiles(Octets(), "chain.pem")  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize("option", ["check_every", "overlap"])
@pytest.mark.parametrize("value", [10, None, dt.timedelta(seconds=-1)], ids=repr)
def test_a_duration_is_a_timedelta_that_is_not_negative(pair: Pair, option: str, value: Any) -> None:
    pair.put(pair.first)
    with pytest.raises(ConfigurationError, match=f"^{option} is a timedelta, zero or longer"):
        CredentialFiles(pair.key, pair.chain, **{option: value})


def test_a_password_that_is_text_is_refused(pair: Pair) -> None:
    pair.put(pair.first)
    with pytest.raises(ConfigurationError, match="a password is bytes, or a function"):
        CredentialFiles(pair.key, pair.chain, password="geheim")  # type: ignore[arg-type]  # the mistake under test


def test_a_clock_without_time_zone_is_refused(pair: Pair) -> None:
    pair.put(pair.first)
    with pytest.raises(ConfigurationError, match="a time is a datetime with a time zone"):
        CredentialFiles(pair.key, pair.chain, clock=lambda: dt.datetime(2026, 6, 15))  # noqa: DTZ001 - naive on purpose


# --- secrets -----------------------------------------------------------------------------------------------------


def test_the_repr_names_the_files_and_the_signer_and_nothing_secret(pair: Pair) -> None:
    pair.put_key(pair.first.key_pem(b"geheim"))
    pair.put_chain(pair.first.chain_pem)
    source = CredentialFiles(pair.key, pair.chain, password=b"geheim", clock=pair.hand, reading=Reading.INLINE)
    assert repr(source) == (
        f"<CredentialFiles: '{pair.key}' with '{pair.chain}', "
        "<SigningCredential: 'gegevens.gemeente.example', 4 certificates>>"
    )
    assert "geheim" not in repr(source._state)
    assert "BEGIN" not in repr(reading.read_together([pair.key]))


def test_no_log_line_holds_a_key_or_a_password(pair: Pair, told: Told) -> None:
    pair.put_key(pair.first.key_pem(b"geheim"))
    pair.put_chain(pair.first.chain_pem)
    source = CredentialFiles(pair.key, pair.chain, password=b"geheim", clock=pair.hand, reading=Reading.INLINE)
    broken = pair.second.key_pem(b"geheim")[:-60]
    secret = pair.second.key_pem().splitlines()[1]
    for key in (
        broken,
        pair.second.key_pem(),
        b"geheim",
        pair.second.key_pem(b"anders"),
        pair.second.key_pem(b"geheim"),
    ):
        pair.put_key(key)
        pair.hand.forward(seconds=10)
        source.current()
    pair.put_chain(pair.second.chain_pem)
    pair.hand.forward(seconds=10)
    assert isinstance(source.current(), SigningCredential)
    assert gives(source, pair.second)
    lines = told(logging.DEBUG)
    assert len(lines) == 7
    for line in lines:
        assert "geheim" not in line
        assert secret.decode() not in line
        assert broken.splitlines()[1].decode() not in line
