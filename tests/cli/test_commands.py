"""The installed command as a process of its own: exit statuses, one JSON object, and people's text beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

import nlgov_jades

from .command import Argument, Run, process, signing, trusting


def absent(files: Path) -> Path:
    return files / "absent"


def with_flipped_body(files: Path, folder: Path) -> Path:
    changed = folder / "changed.http"
    changed.write_bytes((files / "signed.http").read_bytes().replace(b"2025-01-01", b"2025-01-02"))
    return changed


# --- sign, verify, inspect -----------------------------------------------------------------------------------


def test_what_sign_signs_verify_accepts(files: Path, tmp_path: Path) -> None:
    made = process("sign", files / "request.http", "-o", tmp_path / "out.http", *signing(files))
    assert (made.status, made.err) == (0, b"")
    assert b"Digest and nlgov-adr-payload-sig added" in made.out
    seen = process("verify", tmp_path / "out.http", *trusting(files))
    assert (seen.status, seen.err) == (0, b"")
    assert seen.out.startswith(b"valid\n")


def test_what_was_changed_verify_refuses_with_status_one(files: Path, tmp_path: Path) -> None:
    seen = process("verify", with_flipped_body(files, tmp_path), *trusting(files))
    assert (seen.status, seen.err) == (1, b"")
    assert seen.out.startswith(b"not valid\n")
    assert b"DIGEST_MISMATCH" in seen.out


def test_a_file_that_is_not_there_is_status_two_and_one_line_on_standard_error(files: Path) -> None:
    seen = process("verify", absent(files), *trusting(files))
    assert (seen.status, seen.out) == (2, b"")
    assert seen.err.startswith(b"nlgov-jades: the message '")
    assert seen.err.count(b"\n") == 1


def test_inspect_says_that_nothing_was_verified(files: Path) -> None:
    seen = process("inspect", files / "signed.http")
    assert (seen.status, seen.err) == (0, b"")
    assert seen.out.startswith(b"Nothing was verified.")


# --- --json: every command, every status ---------------------------------------------------------------------


def test_sign_with_json_prints_one_object_and_speaks_on_standard_error(files: Path, tmp_path: Path) -> None:
    done = process("sign", files / "request.http", "-o", tmp_path / "out", *signing(files), "--json")
    assert done.status == 0
    assert done.json["ok"] is True
    assert b"signed:" in done.err


def test_verify_with_json_prints_one_object_for_a_valid_message(files: Path) -> None:
    done = process("verify", files / "signed.http", *trusting(files), "--json")
    assert done.status == 0
    assert done.json["valid"] is True
    assert done.err.startswith(b"valid\n")


def test_verify_with_json_prints_one_object_for_a_message_that_is_not_valid(files: Path, tmp_path: Path) -> None:
    done = process("verify", with_flipped_body(files, tmp_path), *trusting(files), "--json")
    assert (done.status, done.error) == (1, "DIGEST_MISMATCH")
    assert done.err.startswith(b"not valid\n")


def test_inspect_with_json_prints_one_object(files: Path) -> None:
    done = process("inspect", files / "signed.http", "--json")
    assert done.status == 0
    assert done.json["verified"] is False
    assert b"Nothing was verified." in done.err


def test_dev_pki_with_json_prints_one_object(tmp_path: Path) -> None:
    done = process("dev-pki", "new", tmp_path / "pki", "--json")
    assert done.status == 0
    assert sorted(done.json["files"]) == sorted(path.name for path in (tmp_path / "pki").iterdir())


UNREADABLE: list[tuple[Argument, ...]] = [
    ("sign", "ABSENT", "-o", "OUT", "--key", "ABSENT", "--chain", "ABSENT"),
    ("verify", "ABSENT", "--trust", "ABSENT"),
    ("inspect", "ABSENT"),
]


@pytest.mark.parametrize("arguments", UNREADABLE, ids=lambda arguments: arguments[0])
def test_what_cannot_be_read_is_status_two_and_one_object(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = process(*(str(tmp_path / word) if word.isupper() else word for word in arguments), "--json")
    assert (done.status, done.error) == (2, "UNREADABLE_INPUT")
    assert done.err.startswith(b"nlgov-jades: ")


USAGE: list[tuple[Argument, ...]] = [
    ("sign",),
    ("verify",),
    ("verify", "--body", "BODY"),
    ("verify", "IN", "--profile", "ddas", "--max-age", "x"),
    ("verify", "IN", "--trust", "ROOTS", "--no-such-option"),
    ("verify", "IN", "ANOTHER", "--trust", "ROOTS"),
    ("verify", "IN", "--trust", "ROOTS", "--profile", "no-such-profile"),
    ("inspect",),
    ("inspect", "--headers", "HEAD"),
    ("demo", "IN"),
    ("collect",),
    ("collect", "FLEET", "--key", "KEY"),
    ("dev-pki", "new"),
    ("dev-pki", "new", "FOLDER", "--days", "0"),
    ("dev-pki", "no-such-command"),
    ("no-such-command",),
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_a_wrong_command_line_is_status_two_and_one_object(arguments: tuple[str, ...], run: Run) -> None:
    done = run(*arguments, "--json")
    assert (done.status, done.error) == (2, "USAGE")
    assert done.err.startswith(b"nlgov-jades: ")


def test_an_option_without_its_value_is_status_two_and_one_object() -> None:
    done = process("verify", "IN", "--json", "--trust")
    assert (done.status, done.error) == (2, "USAGE")


@pytest.mark.parametrize("arguments", [("verify", "--no-such-option"), ("no-such-command",)])
def test_a_wrong_command_line_without_json_prints_nothing_on_standard_output(arguments: tuple[str, ...]) -> None:
    done = process(*arguments)
    assert (done.status, done.out) == (2, b"")
    assert b"--help" in done.err


# --- help ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [(), ("sign",), ("verify",), ("inspect",), ("dev-pki",), ("dev-pki", "new"), ("collect",), ("demo",)]
)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_a_help_text(command: tuple[str, ...], option: str, run: Run) -> None:
    done = run(*command, option)
    assert (done.status, done.err) == (0, b"")
    assert done.out.startswith(b"Usage: nlgov-jades ")


def test_the_version_is_that_of_the_package() -> None:
    done = process("--version")
    assert (done.status, done.err) == (0, b"")
    assert nlgov_jades.__version__ in done.text


@pytest.mark.parametrize("command", [(), ("dev-pki",)], ids=["nlgov-jades", "dev-pki"])
def test_a_command_that_needs_another_word_says_so_and_is_no_success(command: tuple[str, ...]) -> None:
    done = process(*command)
    assert done.status == 2
    # The whole help text is no sentence to put behind "nlgov-jades:".
    assert b"nlgov-jades: Usage:" not in done.err


# --- other surroundings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252"])
@pytest.mark.parametrize("command", ["inspect", "inspect --json"])
def test_a_terminal_of_any_encoding_gets_an_answer(encoding: str, command: str, files: Path) -> None:
    # Python on Windows writes cp1252 into a file or pipe.
    done = process(*command.split(), files / "signed.http", PYTHONIOENCODING=encoding)
    assert done.status == 0


def test_a_narrow_terminal_gets_every_character(files: Path) -> None:
    done = process("verify", files / "signed.http", *trusting(files), COLUMNS="20")
    assert done.status == 0
    assert "00000001002220647000" in "".join(done.text.split())


def test_a_fingerprint_can_be_copied_from_a_pipe_in_one_piece(files: Path) -> None:
    shown = process("inspect", files / "signed.http", "--json").json["signatures"][0]["certificates"][0]["sha256"]
    assert shown in process("inspect", files / "signed.http").text
