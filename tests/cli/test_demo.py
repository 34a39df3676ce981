"""`nlgov-jades demo` as a process: what it shows, what it keeps, and that it leaves nothing else behind."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import pytest

from nlgov_jades.testing import load_hierarchy

from .command import PATIENCE, Done, Run, finished, process, script, surroundings, without_traceback
from .test_dev_pki_serve import interrupts_allowed

MARK = "NLGOV_JADES_MARK"
REFUSED = ["SIGNATURE_MISSING", "CERTIFICATE_PATH", "DIGEST_MISMATCH"]

by_process = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")


@dataclass(frozen=True)
class Kept:
    """A run with `--keep`."""

    folder: Path
    done: Done

    def messages(self, part: str) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.folder.glob(f"messages/*-{part}.http"))]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("demo") / "kept"
    return Kept(folder, process("demo", "--json", "--keep", folder))


def steps_of(done: Done, name: str) -> list[dict[str, Any]]:
    return [step for step in done.json["steps"] if step["step"] == name]


# --- what it shows -------------------------------------------------------------------------------------------


def test_it_tells_people_what_it_does() -> None:
    done = process("demo")
    assert (done.status, done.err) == (0, b"")
    assert re.findall(r"^([0-9])\. ", done.text, re.MULTILINE) == ["1", "2", "3", "4", "5", "6"]
    assert "signed by  Gemeente Súdermeer (demo), OIN 00000099000000002000" in re.sub(" {2,}", "  ", done.text)
    assert all(code in done.text for code in [*REFUSED, "CERTIFICATE_REVOKED"])
    assert "Every connection was to this machine itself." in done.text


def test_with_json_it_prints_one_object_and_speaks_on_standard_error(kept: Kept) -> None:
    done = kept.done
    assert (done.status, done.json["ok"]) == (0, True)
    assert all(step["ok"] for step in done.json["steps"])
    assert b"1. A throw-away hierarchy" in done.err
    assert isinstance(done.json["seconds"], float)


def test_all_records_of_both_providers_are_collected_and_revocation_was_checked(kept: Kept) -> None:
    (step,) = steps_of(kept.done, "collect")
    assert [(one["status"], one["pages"], one["records"]) for one in step["fleet"]["providers"]] == [
        ("ok", 3, 120),
        ("ok", 4, 200),
    ]
    for answer in step["answers"]:
        assert (answer["valid"], answer["profile"], answer["covered"]) == (True, "ddas", ["digest"])
        assert [entry["source"] for entry in answer["revocation"]] == ["ocsp", "crl", "crl"]
        assert {entry["status"] for entry in answer["revocation"]} == {"good"}


def test_three_messages_are_refused_by_those_who_must(kept: Kept) -> None:
    refusals = steps_of(kept.done, "refusal")
    assert [(step["code"], step["refused_by"], step.get("http_status")) for step in refusals] == [
        ("SIGNATURE_MISSING", "provider", 400),
        ("CERTIFICATE_PATH", "provider", 403),
        ("DIGEST_MISMATCH", "consumer", None),
    ]
    # The refusals themselves were signed by the one who refused.
    assert {step["oin"] for step in refusals if step["refused_by"] == "provider"} == {"00000099000000002000"}


def test_after_the_revocation_the_next_call_is_refused_and_the_other_provider_is_not(kept: Kept) -> None:
    (step,) = steps_of(kept.done, "revocation")
    assert step["code"] == "CERTIFICATE_REVOKED"
    assert [(one["status"], one["code"], one["records"]) for one in step["fleet"]["providers"]] == [
        ("refused", "CERTIFICATE_REVOKED", 0),
        ("ok", None, 200),
    ]


def test_it_runs_on_a_terminal_without_unicode() -> None:
    assert process("demo", PYTHONIOENCODING="ascii").status == 0


# --- what it keeps -------------------------------------------------------------------------------------------


def numbers_in(messages: list[bytes]) -> set[str]:
    return {number.decode() for octets in messages for number in re.findall(rb'Burgerservicenummer":"(\d{9})"', octets)}


def test_no_citizen_service_number_is_shown_or_logged(kept: Kept) -> None:
    numbers = numbers_in(kept.messages("answer"))
    assert len(numbers) > 300
    shown = kept.done.text + "".join(path.read_text() for path in kept.folder.glob("*.log"))
    assert "answered kind=SHV" in shown, "the logs were read"
    assert numbers.isdisjoint(re.findall(r"\d{9}", shown))
    assert "Burgerservicenummer" not in shown


def test_what_is_kept_can_be_read_by_its_owner_alone(kept: Kept) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in kept.folder.rglob("*") if path.is_file()}
    assert {path.suffix for path in modes} == {".http", ".sqlite", ".log", ".pem", ".crl", ".json"}
    public = {path.name for path, mode in modes.items() if mode & 0o077}
    chains = {f"{label}-chain.pem" for label in ("cbs", "municipality", "supplier")}
    assert public <= {"root.pem", "intermediates.pem", *chains}


VERDICTS = {
    "supplier-answer": None,
    "municipality-question": None,
    "municipality-answer": "CERTIFICATE_REVOKED",
    "unsigned-question": "SIGNATURE_MISSING",
    "foreign-root-question": "CERTIFICATE_PATH",
    "changed-answer": "DIGEST_MISMATCH",
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_kept_messages_are_judged_by_verify_as_they_were_by_the_demo(name: str, kept: Kept, run: Run) -> None:
    pki = kept.folder / "pki"
    crls = [word for path in sorted(pki.glob("*.crl")) for word in ("--crl", path)]
    found = sorted(kept.folder.glob(f"messages/*-{name}.http"))
    assert found
    for path in found:
        done = run("verify", path, "--trust", pki / "root.pem", "--profile", "ddas", *crls, "--json")
        assert done.json.get("error", {}).get("code") == VERDICTS[name]
        assert run("inspect", path).status == 0


def test_the_commands_that_it_proposes_work(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    done = process("demo", "--keep", folder)
    assert done.status == 0
    proposed = re.findall(r"^  nlgov-jades (.+)$", done.text, re.MULTILINE)
    shell = [f"{script()} {words}" for words in proposed]
    statuses = [finished(["/bin/sh", "-c", words], stdin=b"", env=surroundings()).status for words in shell]
    assert statuses == [0, 1, 0]


def test_the_kept_hierarchy_can_be_served_again(kept: Kept) -> None:
    hierarchy = load_hierarchy(kept.folder / "pki")
    assert hierarchy.root.revocation_url == steps_of(kept.done, "responder")[0]["url"]
    revoked = json.loads((kept.folder / "pki" / "revoked.json").read_text())["revoked"]
    assert len(revoked) == 1


def test_a_folder_that_is_not_empty_is_left_as_it_is(tmp_path: Path, run: Run) -> None:
    (tmp_path / "mine").write_text("mine")
    done = run("demo", "--keep", tmp_path, "--json")
    assert (done.status, done.error) == (2, "OUTPUT")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


# --- what it leaves and touches ------------------------------------------------------------------------------

AUDIT = """
import os, sys

def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple) or event == "socket.getaddrinfo":
        host = str(arguments[1][0] if event == "socket.connect" else arguments[0])
        with open(os.environ["NLGOV_JADES_SEEN"], "a") as file:
            file.write(f"{os.getpid()} {host}\\n")
        if host != "127.0.0.1":
            raise OSError("there is no network")

sys.addaudithook(watch)
"""


def test_it_needs_no_network_and_asks_for_none(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AUDIT)
    seen = tmp_path / "seen"
    environment = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://proxy.example.test:3128")
    environment |= {"PYTHONPATH": str(tmp_path), "NLGOV_JADES_SEEN": str(seen)}
    done = finished([script(), "demo"], stdin=b"", env=surroundings(**environment))
    assert done.status == 0
    lines = [line.split() for line in seen.read_text().splitlines()]
    assert len({pid for pid, _ in lines}) == 3, "the command and both providers were watched"
    assert {host for _, host in lines} == {"127.0.0.1"}


def marked(mark: str) -> list[int]:
    """Processes that have this in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            octets = path.read_bytes()
        except OSError:  # it ended, or is somebody else's
            continue
        if f"{MARK}={mark}".encode() in octets.split(b"\0"):
            found.append(int(path.parent.name))
    return found


def await_none(mark: str) -> None:
    """Until there are no such processes any more."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        if not marked(mark):
            return
        pause.wait(0.05)
    pytest.fail("a process is left")


@dataclass(frozen=True)
class Running:
    """A demo on its way."""

    running: subprocess.Popen[bytes]
    mark: str
    temporary: Path

    def until(self, begin: bytes) -> None:
        """Read what it prints, up to a line that begins so."""
        stream: IO[bytes] | None = self.running.stdout
        assert stream is not None
        assert any(line.startswith(begin) for line in stream), "it ended before that"

    def ended(self) -> Done:
        out, err = self.running.communicate(timeout=PATIENCE)
        return without_traceback(Done(self.running.returncode, out, err))


@contextmanager
def running(temporary: Path) -> Iterator[Running]:
    mark = uuid4().hex
    environment = surroundings(PYTHONUNBUFFERED="1", TMPDIR=str(temporary), **{MARK: mark})
    with interrupts_allowed():
        started = subprocess.Popen(
            [script(), "demo"],
            bufsize=0,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    try:
        yield Running(started, mark, temporary)
    finally:
        started.kill()
        started.communicate()


@by_process
def test_when_it_is_done_no_process_and_no_file_is_left(tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        demo.until(b"4. ")
        assert len(marked(demo.mark)) == 3, "the command and both providers"
        assert len(list(tmp_path.iterdir())) == 2, "the records of both"
        assert demo.ended().status == 0
        assert marked(demo.mark) == []
    assert list(tmp_path.iterdir()) == []


@by_process
@pytest.mark.parametrize("step", ["1", "3", "4", "6"])
def test_ctrl_c_ends_it_with_everything_it_started(step: str, tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        demo.until(f"{step}. ".encode())
        os.killpg(demo.running.pid, signal.SIGINT)  # as a terminal does: the whole group
        done = demo.ended()
        assert (done.status, done.err.strip()) == (130, b"")
        assert marked(demo.mark) == []
    assert list(tmp_path.iterdir()) == []


@by_process
@pytest.mark.parametrize("step", ["3", "5"])
def test_kill_ends_it_as_ctrl_c_does(step: str, tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        demo.until(f"{step}. ".encode())
        demo.running.terminate()
        assert demo.ended().status == 130
        assert marked(demo.mark) == []
    assert list(tmp_path.iterdir()) == []


@by_process
@pytest.mark.parametrize("step", ["1", "4"])
def test_its_providers_do_not_outlive_a_command_that_could_close_nothing(step: str, tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        demo.until(f"{step}. ".encode())
        demo.running.kill()
        demo.ended()
        await_none(demo.mark)
    assert list(tmp_path.iterdir()) == []


def test_it_ends_when_nobody_reads_what_it_says() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = finished([script(), "demo"], stdin=b"", env=surroundings(PYTHONUNBUFFERED="1"), stdout=writing)
    finally:
        os.close(writing)
    assert done.status == 2


def test_a_provider_that_is_told_nothing_ends() -> None:
    done = finished([sys.executable, "-m", "nlgov_jades.cli.demo.process"], stdin=b"", env=surroundings())
    assert (done.status, done.text) == (0, "")
