"""Standard input, standard output and the files beside them: `-`, closed pipes, full disks, an interrupted command."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from nlgov_jades.cli import main

from .command import (
    PATIENCE,
    Argument,
    Done,
    Run,
    finished,
    process,
    script,
    signing,
    surroundings,
    trusting,
    without_traceback,
)

# --- `-` for input -------------------------------------------------------------------------------------------


def test_the_message_to_sign_may_come_from_standard_input(files: Path, tmp_path: Path) -> None:
    octets = (files / "request.http").read_bytes()
    assert process("sign", "-", "-o", tmp_path / "out", *signing(files), stdin=octets).status == 0
    assert process("verify", "-", *trusting(files), stdin=(tmp_path / "out").read_bytes()).status == 0


FROM_STANDARD_INPUT = {
    "sign IN": (("sign", "-", "-o", "OUT", "--key", "key.pem", "--chain", "chain.pem"), "request.http"),
    "sign --key": (("sign", "request.http", "-o", "OUT", "--key", "-", "--chain", "chain.pem"), "key.pem"),
    "sign --chain": (("sign", "request.http", "-o", "OUT", "--key", "key.pem", "--chain", "-"), "chain.pem"),
    "sign --password-file": (
        ("sign", "request.http", "-o", "OUT", "--key", "key.p12", "--password-file", "-"),
        "password",
    ),
    "sign --request": (
        ("sign", "response.http", "-o", "OUT", "--key", "key.pem", "--chain", "chain.pem", "--request", "-"),
        "request.http",
    ),
    "verify IN": (("verify", "-", "--trust", "root.pem", "--revocation", "off"), "signed.http"),
    "verify --headers": (
        ("verify", "--headers", "-", "--body", "body", "--trust", "root.pem", "--revocation", "off"),
        "head",
    ),
    "verify --body": (
        ("verify", "--headers", "head", "--body", "-", "--trust", "root.pem", "--revocation", "off"),
        "body",
    ),
    "verify --request": (
        ("verify", "signed.http", "--request", "-", "--trust", "root.pem", "--revocation", "off"),
        "request.http",
    ),
    "verify --trust": (("verify", "signed.http", "--trust", "-", "--revocation", "off"), "root.pem"),
    "verify --trust of DER": (("verify", "signed.http", "--trust", "-", "--revocation", "off"), "root.der"),
    "verify --intermediates": (
        ("verify", "signed.http", "--trust", "root.pem", "--intermediates", "-", "--revocation", "off"),
        "cas.pem",
    ),
    "inspect IN": (("inspect", "-"), "signed.http"),
    "inspect --headers": (("inspect", "--headers", "-", "--body", "body"), "head"),
    "inspect --body": (("inspect", "--headers", "head", "--body", "-"), "body"),
    "dev-pki new --password-file": (("dev-pki", "new", "OUT", "--password-file", "-"), "password"),
}


@pytest.mark.parametrize("where", FROM_STANDARD_INPUT)
def test_every_input_file_may_be_standard_input(where: str, run: Run, files: Path, tmp_path: Path) -> None:
    words, source = FROM_STANDARD_INPUT[where]
    places: dict[str, Argument] = {"OUT": tmp_path / "out"}
    arguments: list[Argument] = [
        places[word] if word in places else files / word if (files / word).is_file() else word for word in words
    ]
    assert run(*arguments, stdin=(files / source).read_bytes()).status == 0


TWICE: list[tuple[str, ...]] = [
    ("sign", "-", "-o", "OUT", "--key", "-", "--chain", "chain.pem"),
    ("sign", "-", "-o", "OUT", "--key", "key.pem", "--chain", "-"),
    ("sign", "request.http", "-o", "OUT", "--key", "-", "--chain", "-"),
    ("sign", "request.http", "-o", "OUT", "--key", "-", "--password-file", "-"),
    ("sign", "-", "-o", "OUT", "--key", "key.pem", "--chain", "chain.pem", "--request", "-"),
    ("verify", "-", "--request", "-", "--trust", "root.pem"),
    ("verify", "--headers", "-", "--body", "-", "--trust", "root.pem"),
    ("verify", "-", "--trust", "-"),
    ("verify", "-", "--trust", "root.pem", "--intermediates", "-"),
    ("verify", "signed.http", "--trust", "-", "--intermediates", "-"),
    ("verify", "-", "--trust", "root.pem", "--crl", "-"),
    ("verify", "signed.http", "--trust", "root.pem", "--crl", "-", "--crl", "-"),
    ("verify", "signed.http", "--trust", "root.pem", "--crl", "-", "--ocsp", "-"),
    ("inspect", "-", "--request", "-"),
    ("inspect", "--headers", "-", "--body", "-"),
]


@pytest.mark.parametrize("words", TWICE, ids=" ".join)
def test_standard_input_cannot_be_two_files(words: tuple[str, ...], run: Run, files: Path, tmp_path: Path) -> None:
    places: dict[str, Argument] = {"OUT": tmp_path / "out"}
    arguments = [places.get(word, files / word if (files / word).is_file() else word) for word in words]
    done = run(*arguments, "--json", stdin=(files / "signed.http").read_bytes())
    assert (done.status, done.error) == (2, "USAGE")
    assert "standard input" in done.detail


def test_a_file_with_the_name_of_standard_input_is_reached_through_its_folder(
    run: Run, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "-").write_bytes((files / "signed.http").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert run("verify", "./-", *trusting(files)).status == 0


def closed(arguments: tuple[Argument, ...], redirection: str) -> Done:
    words = [script(), *map(str, arguments)]
    return finished(["sh", "-c", f'exec "$@" {redirection}', "sh", *words], stdin=b"", env=surroundings())


def test_a_closed_standard_input_is_status_two(files: Path) -> None:
    done = closed(("verify", "-", *trusting(files), "--json"), "<&-")
    assert (done.status, done.error) == (2, "UNREADABLE_INPUT")


# --- `-` for output, and files that cannot be written --------------------------------------------------------


def test_the_signed_message_may_go_to_standard_output(files: Path) -> None:
    done = process("sign", files / "request.http", "-o", "-", *signing(files))
    assert done.status == 0
    assert b"signed:" in done.err
    assert process("verify", "-", *trusting(files), stdin=done.out).status == 0


def test_a_pipe_from_sign_to_verify_carries_every_octet(run: Run, files: Path) -> None:
    octets = b"POST / HTTP/1.1\n\n" + bytes(range(256)) * 10 + b"\r\n\n\r\x1a"
    done = run("sign", "-", "-o", "-", *signing(files), stdin=octets)
    assert done.status == 0
    assert done.out.endswith(b"\n\n" + octets.partition(b"\n\n")[2])
    assert run("verify", "-", *trusting(files), stdin=done.out).status == 0


def test_json_and_the_message_do_not_share_standard_output(run: Run, files: Path) -> None:
    done = run("sign", files / "request.http", "-o", "-", *signing(files), "--json")
    assert (done.status, done.error) == (2, "USAGE")


@pytest.mark.parametrize("name", ["absent/out", ".", "nul\x00", "a" * 5000, "file/out", "/dev/full"])
def test_output_that_cannot_be_written_is_status_two(name: str, run: Run, files: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    out = name if name.startswith("/") else f"{tmp_path}/{name}"
    done = run("sign", files / "request.http", "-o", out, *signing(files), "--json")
    assert (done.status, done.error) == (2, "OUTPUT")


def test_an_empty_name_for_output_is_status_two(run: Run, files: Path) -> None:
    assert run("sign", files / "request.http", "-o", "", *signing(files)).status == 2


def test_a_name_for_output_that_is_no_text_is_written_and_told(files: Path, tmp_path: Path) -> None:
    out = os.fsdecode(os.fsencode(tmp_path) + b"/out-\xff")
    done = process("sign", files / "request.http", "-o", out, *signing(files), "--json", PYTHONIOENCODING="utf-8")
    assert done.status == 0
    assert done.json["ok"] is True
    assert Path(out).is_file()


# --- nobody reads what is printed ----------------------------------------------------------------------------

PRINTING = {
    "verify": ("verify", "signed.http", "--trust", "root.pem", "--revocation", "off"),
    "verify --json": ("verify", "signed.http", "--trust", "root.pem", "--revocation", "off", "--json"),
    "inspect": ("inspect", "signed.http"),
    "sign -o -": ("sign", "request.http", "-o", "-", "--key", "key.pem", "--chain", "chain.pem"),
}


def printing(what: str, files: Path) -> tuple[Argument, ...]:
    return tuple(files / word if (files / word).is_file() else word for word in PRINTING[what])


@pytest.mark.parametrize("what", PRINTING)
@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])
def test_a_pipe_that_was_closed_is_neither_valid_nor_not_valid(
    what: str, buffering: dict[str, str], files: Path
) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        words = [script(), *map(str, printing(what, files))]
        done = finished(words, stdin=b"", stdout=write, env=surroundings(**buffering))
    finally:
        os.close(write)
    # Status 1 says that the signature is wrong.
    assert done.status == 2


@pytest.mark.parametrize("what", PRINTING)
@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])
def test_a_full_disk_is_neither_valid_nor_not_valid(what: str, buffering: dict[str, str], files: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        words = [script(), *map(str, printing(what, files))]
        done = finished(words, stdin=b"", stdout=full.fileno(), env=surroundings(**buffering))
    assert done.status == 2


@pytest.mark.parametrize("what", ["verify", "verify --json", "sign -o -"])
def test_a_closed_standard_output_gives_no_traceback(what: str, files: Path) -> None:
    done = closed(printing(what, files), ">&-")
    assert done.status == (0 if what == "verify" else 2)


@pytest.mark.parametrize("what", ["verify", "verify --json"])
def test_a_closed_standard_error_does_no_harm(what: str, files: Path) -> None:
    assert closed(printing(what, files), "2>&-").status == 0


# --- an interrupted command ----------------------------------------------------------------------------------


def test_an_interrupted_command_ends_without_a_traceback_and_is_no_verdict(files: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "message"
    os.mkfifo(fifo)
    words = [script(), "verify", str(fifo), *map(str, trusting(files))]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=surroundings()) as command:
        # When the command ends before it opens its end, this end must not wait for ever.
        rescue = threading.Thread(target=lambda: (command.wait(), os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)))
        rescue.start()
        # Opening waits until the command opens its end: then it is reading, and nothing will come.
        writing = os.open(fifo, os.O_WRONLY)
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=PATIENCE)
        rescue.join()
        os.close(writing)
    done = without_traceback(Done(command.returncode, out, err))
    assert done.status not in {0, 1}


def test_an_interrupt_while_standard_input_is_read_is_no_verdict(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        @property
        def buffer(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Interrupted())
    monkeypatch.setattr("sys.argv", ["nlgov-jades", "verify", "-", *map(str, trusting(files))])
    with pytest.raises((SystemExit, KeyboardInterrupt)) as caught:
        main()
    if isinstance(caught.value, SystemExit):
        assert caught.value.code not in {0, 1, None}


# --- large messages ------------------------------------------------------------------------------------------


def test_a_message_of_fifty_megabytes_is_signed_and_verified(files: Path, tmp_path: Path) -> None:
    body = bytes(range(256)) * 200_000
    head = b"POST /v1 HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    (tmp_path / "in").write_bytes(head + body)
    assert process("sign", tmp_path / "in", "-o", tmp_path / "out", *signing(files)).status == 0
    signed = (tmp_path / "out").read_bytes()
    assert signed.endswith(b"\r\n\r\n" + body)
    assert process("verify", tmp_path / "out", *trusting(files)).status == 0
