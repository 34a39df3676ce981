"""`nlgov-jades dev-pki new`: what it writes, where it refuses to write, and what it puts into the certificates."""

from __future__ import annotations

import datetime as dt
import os
import re
import shlex
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from nlgov_jades.testing.hierarchy import EXAMPLE_OIN

from .command import Argument, Done, Run, process, signing

NAMES = {"root.pem", "intermediates.pem", "signer-chain.pem", "signer-key.pem"}


def new(run: Run, folder: Path, *options: Argument) -> Done:
    return run("dev-pki", "new", folder, *options, "--json")


def leaf(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates((folder / "signer-chain.pem").read_bytes())[0]


def subject(folder: Path, oid: x509.ObjectIdentifier) -> str:
    value = leaf(folder).subject.get_attributes_for_oid(oid)[0].value
    assert isinstance(value, str)
    return value


# --- what is written -----------------------------------------------------------------------------------------


def test_what_it_writes_signs_and_verifies(run: Run, files: Path, tmp_path: Path) -> None:
    assert new(run, tmp_path / "pki").status == 0
    assert {path.name for path in (tmp_path / "pki").iterdir()} == NAMES
    words = ("--key", tmp_path / "pki" / "signer-key.pem", "--chain", tmp_path / "pki" / "signer-chain.pem")
    assert run("sign", files / "request.http", "-o", tmp_path / "out", *words).status == 0
    trusted = ("--trust", tmp_path / "pki" / "root.pem", "--revocation", "off", "--oin", EXAMPLE_OIN)
    assert run("verify", tmp_path / "out", *trusted).status == 0


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_its_owner_may_read_the_key(umask: int, run: Run, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        new(run, tmp_path / "pki")
    finally:
        os.umask(before)
    assert (tmp_path / "pki" / "signer-key.pem").stat().st_mode & 0o777 == 0o600


def test_the_keys_of_the_authorities_are_not_kept(run: Run, tmp_path: Path) -> None:
    new(run, tmp_path / "pki")
    keys = [path.name for path in (tmp_path / "pki").iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    assert keys == ["signer-key.pem"]


def test_the_json_says_what_was_written(run: Run, tmp_path: Path) -> None:
    value = new(run, tmp_path / "pki", "--kvk", "12345678").json
    assert (value["ok"], value["folder"], set(value["files"])) == (True, str(tmp_path / "pki"), NAMES)
    assert (value["oin"], value["kvk"]) == (EXAMPLE_OIN, "12345678")


def test_two_hierarchies_have_nothing_in_common(run: Run, tmp_path: Path) -> None:
    new(run, tmp_path / "one")
    new(run, tmp_path / "two")
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() != (tmp_path / "two" / name).read_bytes()


def test_the_options_go_into_the_certificate(run: Run, tmp_path: Path) -> None:
    options = ("--common-name", "a.example", "--organization", "Gemeente Súd", "--kvk", "87654321")
    new(run, tmp_path / "pki", *options, "--oin", "00000099000000002000")
    assert subject(tmp_path / "pki", NameOID.COMMON_NAME) == "a.example"
    assert subject(tmp_path / "pki", NameOID.ORGANIZATION_NAME) == "Gemeente Súd"
    assert subject(tmp_path / "pki", NameOID.SERIAL_NUMBER) == "00000099000000002000"
    assert subject(tmp_path / "pki", NameOID.ORGANIZATION_IDENTIFIER) == "NTRNL-87654321"


@pytest.mark.parametrize("days", [1, 3650])
def test_all_is_valid_for_the_days_that_were_asked(days: int, run: Run, tmp_path: Path) -> None:
    new(run, tmp_path / "pki", "--days", str(days))
    certificate = leaf(tmp_path / "pki")
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == dt.timedelta(days=days)


def test_a_password_encrypts_the_key(run: Run, files: Path, tmp_path: Path) -> None:
    new(run, tmp_path / "pki", "--password-file", files / "password")
    octets = (tmp_path / "pki" / "signer-key.pem").read_bytes()
    with pytest.raises(TypeError, match="encrypted"):
        load_pem_private_key(octets, None)
    assert isinstance(load_pem_private_key(octets, (files / "password").read_bytes().rstrip()), rsa.RSAPrivateKey)


# --- where it is written -------------------------------------------------------------------------------------


def test_an_empty_folder_is_used(run: Run, tmp_path: Path) -> None:
    assert new(run, tmp_path).status == 0
    assert {path.name for path in tmp_path.iterdir()} == NAMES


def test_folders_on_the_way_are_made(run: Run, tmp_path: Path) -> None:
    assert new(run, tmp_path / "a" / "b").status == 0


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "signer-key.pem"])
def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_was(name: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"mine")
    done = new(run, tmp_path)
    assert (done.status, done.error) == (2, "OUTPUT")
    assert "not empty" in done.detail
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"mine")]


@pytest.mark.parametrize("name", ["file", "file/pki", "nul\x00", "a" * 5000])
def test_what_cannot_be_a_folder_is_refused(name: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = run("dev-pki", "new", f"{tmp_path}/{name}", "--json")
    assert (done.status, done.error) == (2, "OUTPUT")


def test_the_lines_it_shows_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    # They are shown to be copied; a folder may have a space in its name.
    folder = tmp_path / "my pki; true"
    shown = process("dev-pki", "new", folder).text
    commands = re.findall(r"^ +(nlgov-jades .+)$", shown, re.MULTILINE)
    assert len(commands) == 2
    words = shlex.split(commands[0])
    assert words[words.index("--key") + 1] == str(folder / "signer-key.pem")


def test_the_lines_it_shows_for_an_encrypted_key_name_the_password_file(run: Run, files: Path, tmp_path: Path) -> None:
    shown = run("dev-pki", "new", tmp_path / "pki", "--password-file", files / "password").text
    line = next(line for line in shown.splitlines() if "nlgov-jades sign" in line)
    assert "--password-file" in line


# --- options that make no sense ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ("--oin", ""),
        ("--oin", "123"),
        ("--oin", "00000099A00000002000\n"),
        ("--kvk", ""),
        ("--kvk", "1234567"),
        ("--kvk", "1234567x"),
        ("--common-name", ""),
        ("--common-name", "a" * 65),
        ("--organization", ""),
        ("--organization", "a" * 65),
        ("--days", "0"),
        ("--days", "-1"),
        ("--days", "3651"),
        ("--days", "x"),
    ],
    ids=lambda options: f"{options[0]} {options[1][:8]!a}",
)
def test_an_option_that_makes_no_sense_is_refused_before_anything_is_written(
    options: tuple[str, str], run: Run, tmp_path: Path
) -> None:
    done = new(run, tmp_path / "pki", *options)
    assert (done.status, done.error in {"USAGE", "CONFIGURATION"}) == (2, True)
    assert not (tmp_path / "pki").exists()


@pytest.mark.parametrize("option", ["--common-name", "--organization"])
def test_a_name_that_is_no_text_is_refused_before_anything_is_written(option: str, run: Run, tmp_path: Path) -> None:
    # The octet 0xff on a command line.
    assert new(run, tmp_path / "pki", option, "\udcff").status == 2
    assert not (tmp_path / "pki").exists()


def test_a_password_that_is_too_long_is_refused_before_anything_is_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"x" * 2000)
    done = new(run, tmp_path / "pki", "--password-file", tmp_path / "password")
    assert done.status == 2
    assert not (tmp_path / "pki").exists()


@pytest.mark.parametrize("name", ["a" * 64, "é" * 32, "[red]", "\x1b[31m", "a,b=c\\"])
def test_any_text_of_up_to_64_characters_is_a_name(name: str, run: Run, tmp_path: Path) -> None:
    assert new(run, tmp_path / "pki", "--common-name", name).status == 0
    assert subject(tmp_path / "pki", NameOID.COMMON_NAME) == name


def test_a_name_of_64_letters_with_accents_is_written_or_refused_before_anything_is_written(
    run: Run, tmp_path: Path
) -> None:
    # 64 characters, 128 octets: the limit of X.520 is in characters, that of cryptography in octets.
    done = new(run, tmp_path / "pki", "--common-name", "é" * 64)
    assert (done.status, (tmp_path / "pki").exists()) in {(0, True), (2, False)}


def test_a_folder_of_which_the_name_is_no_text_is_written_and_told(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/pki-\xff")
    done = process("dev-pki", "new", folder, "--json", PYTHONIOENCODING="utf-8")
    assert done.status == 0
    assert done.json["ok"] is True


def test_the_installed_command_signs_with_what_it_wrote(files: Path, tmp_path: Path) -> None:
    process("dev-pki", "new", tmp_path / "pki")
    pki = tmp_path / "pki"
    words = ("--key", pki / "signer-key.pem", "--chain", pki / "signer-chain.pem")
    assert process("sign", files / "request.http", "-o", tmp_path / "out", *words).status == 0
    assert process("verify", tmp_path / "out", "--trust", pki / "root.pem", "--revocation", "off").status == 0


def test_a_message_signed_under_another_hierarchy_is_refused(run: Run, files: Path, tmp_path: Path) -> None:
    new(run, tmp_path / "pki")
    run("sign", files / "request.http", "-o", tmp_path / "out", *signing(files))
    done = run("verify", tmp_path / "out", "--trust", tmp_path / "pki" / "root.pem", "--revocation", "off", "--json")
    assert (done.status, done.error) == (1, "CERTIFICATE_PATH")
