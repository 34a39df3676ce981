"""`dev-pki serve`, `revoke` and `reinstate`, and the options of `dev-pki new` that go with them."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

import pytest
from cryptography import x509

from nlgov_jades.testing import Responder, load_hierarchy
from nlgov_jades.testing.hierarchy import pem

from .command import PATIENCE, Argument, Done, Run, process, script, surroundings, without_traceback

pytestmark = pytest.mark.skipif(os.name != "posix", reason="interrupting one process is another matter on Windows")

URL = re.compile(rb"http://127\.0\.0\.1:[0-9]+")


class Serving:
    """A running `dev-pki serve`."""

    def __init__(self, running: subprocess.Popen[bytes], first: bytes) -> None:
        found = URL.search(first)
        assert found is not None, first
        self._running = running
        self.first = first
        self.url = found.group().decode()

    def crl(self, name: str = "tsp") -> x509.CertificateRevocationList:
        # No proxy of the environment stands between us and the loopback interface.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/crl/{name}.crl", timeout=PATIENCE) as response:
            return x509.load_der_x509_crl(response.read())

    def revoked(self) -> list[int]:
        return [entry.serial_number for entry in self.crl()]

    def end(self, number: signal.Signals = signal.SIGINT) -> Done:
        self._running.send_signal(number)
        out, err = self._running.communicate(timeout=PATIENCE)
        return without_traceback(Done(self._running.returncode, self.first + out, err))


@contextmanager
def serving(folder: Path, *arguments: Argument) -> Iterator[Serving]:
    with ExitStack() as stack:
        stack.enter_context(interrupts_allowed())
        words = [script(), "dev-pki", "serve", str(folder), "--port", "0", *map(str, arguments)]
        running = stack.enter_context(
            # Without a buffer, which would keep from `communicate` what is behind the first line.
            subprocess.Popen(words, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=surroundings())
        )
        stack.callback(running.kill)
        yield Serving(running, line(running.stdout))


@contextmanager
def interrupts_allowed() -> Iterator[None]:
    """A test run in the background of a script ignores interrupts, and would pass that on."""
    before: Callable[[int, FrameType | None], object] | int | None = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def line(stream: IO[bytes] | None) -> bytes:
    assert stream is not None
    return stream.readline()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with CA keys. Read only."""
    folder = tmp_path_factory.mktemp("serve") / "pki"
    assert process("dev-pki", "new", folder, "--revocation-url", "http://127.0.0.1:8888").status == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """The same, to revoke in."""
    copied = tmp_path / "pki"
    (copied / "ca").mkdir(parents=True)
    for path in made.rglob("*"):
        if path.is_file():
            (copied / path.relative_to(made)).write_bytes(path.read_bytes())
    return copied


def serial_of(folder: Path) -> int:
    return x509.load_pem_x509_certificates((folder / "signer-chain.pem").read_bytes())[0].serial_number


# --- serve ---------------------------------------------------------------------------------------------------


def test_a_revocation_reaches_a_running_server(folder: Path, run: Run) -> None:
    with serving(folder) as server:
        assert server.revoked() == []
        assert run("dev-pki", "revoke", folder, folder / "signer-chain.pem").status == 0
        assert server.revoked() == [serial_of(folder)]
        assert run("dev-pki", "reinstate", folder, folder / "signer-chain.pem").status == 0
        assert server.revoked() == []
        done = server.end()
    assert (done.status, done.err) == (0, b"")
    assert done.out.count(b"GET /crl/tsp.crl") == 3
    assert done.out.endswith(b"stopped\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_no_error(made: Path, number: signal.Signals) -> None:
    with serving(made) as server:
        assert server.end(number).status == 0


def test_with_json_the_one_object_is_printed_when_it_answers(made: Path) -> None:
    with serving(made, "--json", "--behave", "stale") as server:
        stale = server.crl("root")
        done = server.end()
    assert done.status == 0
    assert done.json == {
        "ok": True,
        "folder": str(made),
        "url": server.url,
        "ocsp": f"{server.url}/ocsp",
        "crls": [f"{server.url}/crl/{name}.crl" for name in ("root", "domain", "tsp")],
        "behaviour": "stale",
        "revocation_url": "http://127.0.0.1:8888",
    }
    assert b"GET /crl/root.crl" in done.err
    assert stale.next_update_utc is not None
    assert stale.next_update_utc < load_hierarchy(made).root.certificate.not_valid_before_utc


def test_a_server_elsewhere_than_the_certificates_say_tells_so(made: Path) -> None:
    with serving(made) as server:
        done = server.end()
    assert b"the certificates name http://127.0.0.1:8888" in done.out


def test_what_is_asked_cannot_write_to_the_terminal(made: Path) -> None:
    with serving(made) as server:
        path = "/\x1b[31m\u202e".encode().decode("iso-8859-1")
        host = urllib.parse.urlsplit(server.url).netloc
        done = raw_get(host, path)
        assert done.startswith(b"HTTP/1.1 404 ")
        shown = server.end().out
    assert b"\x1b" not in shown
    assert b"  GET /" in shown


def raw_get(host: str, path: str) -> bytes:
    import socket

    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), PATIENCE) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode("iso-8859-1"))
        return connection.recv(4096)


def test_a_port_that_is_taken_is_status_two(made: Path, run: Run) -> None:
    with Responder() as other:
        port = other.url.rpartition(":")[2]
        done = run("dev-pki", "serve", made, "--port", port, "--json")
    assert (done.status, done.error) == (2, "CONFIGURATION")
    assert "the port on 127.0.0.1 cannot be used" in done.detail


def test_a_folder_without_ca_keys_is_status_two(tmp_path: Path, run: Run) -> None:
    done = run("dev-pki", "serve", tmp_path, "--json")
    assert (done.status, done.error) == (2, "CONFIGURATION")
    assert "holds no CA keys" in done.detail


@pytest.mark.parametrize("option", [("--behave", "rudely"), ("--port", "65536"), ("--port", "x")])
def test_a_wrong_option_is_status_two(option: tuple[str, ...], made: Path, run: Run) -> None:
    done = run("dev-pki", "serve", made, *option, "--json")
    assert (done.status, done.error) == (2, "USAGE")


@pytest.mark.parametrize("command", ["serve", "revoke", "reinstate"])
def test_every_command_has_a_help_text(command: str, run: Run) -> None:
    done = run("dev-pki", command, "--help")
    assert (done.status, done.err) == (0, b"")
    assert done.out.startswith(b"Usage: nlgov-jades dev-pki ")


# --- revoke --------------------------------------------------------------------------------------------------


def test_a_revocation_has_a_reason_and_a_time(folder: Path, run: Run) -> None:
    at = ("--reason", "keyCompromise", "--at", "2026-01-31T12:00:00+01:00")
    done = run("dev-pki", "revoke", folder, folder / "signer-chain.pem", *at, "--json")
    serial = f"{serial_of(folder):X}"
    assert done.json == {"ok": True, "serial": serial, "at": "2026-01-31T11:00:00Z", "reason": "keyCompromise"}
    (entry,) = json.loads((folder / "revoked.json").read_bytes())["revoked"]
    assert (entry["serial"], entry["reason"], entry["at"]) == (serial, "keyCompromise", "2026-01-31T11:00:00Z")
    assert "TSP CA" in entry["issuer"]


@pytest.mark.parametrize("form", ["{:X}", "{:x}", "0x{:X}"])
def test_a_serial_number_is_hexadecimal(form: str, folder: Path, run: Run) -> None:
    serial = serial_of(folder)
    done = run("dev-pki", "revoke", folder, form.format(serial), "--json")
    assert (done.status, done.json["serial"]) == (0, f"{serial:X}")
    assert b"CN=gegevens.gemeente.example" in done.err


def test_a_serial_number_may_have_colons_and_be_unknown(folder: Path, run: Run) -> None:
    done = run("dev-pki", "revoke", folder, "7f:3a:01", "--json")
    assert (done.status, done.json["serial"]) == (0, "7F3A01")
    assert b"no certificate in the folder has this serial number" in done.err


@pytest.mark.parametrize("command", ["revoke", "reinstate"])
@pytest.mark.parametrize("word", ["0", "no-such-file.pem", "f" * 41, "80" + "00" * 19, "7f:3", ""])
def test_what_is_neither_file_nor_serial_number_is_status_two(command: str, word: str, folder: Path, run: Run) -> None:
    done = run("dev-pki", command, folder, word, "--json")
    assert (done.status, done.error) == (2, "USAGE")


def test_a_certificate_of_another_hierarchy_is_not_revoked(folder: Path, files: Path, run: Run) -> None:
    done = run("dev-pki", "revoke", folder, files / "leaf.pem", "--json")
    assert (done.status, done.error) == (2, "UNREADABLE_INPUT")
    assert "not issued by a CA in this folder" in done.detail
    assert not (folder / "revoked.json").exists()


def test_a_ca_can_be_revoked_too(folder: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "tsp.pem").write_bytes(pem([load_hierarchy(folder).tsp.certificate]))
    assert run("dev-pki", "revoke", folder, tmp_path / "tsp.pem", "--reason", "cACompromise").status == 0
    with serving(folder) as server:
        entries = [entry.serial_number for entry in server.crl("domain")]
        server.end()
    assert entries == [load_hierarchy(folder).tsp.certificate.serial_number]


def test_a_register_of_another_form_is_status_two(folder: Path, run: Run) -> None:
    (folder / "revoked.json").write_text("{}")
    done = run("dev-pki", "revoke", folder, "7F", "--json")
    assert (done.status, done.error) == (2, "CONFIGURATION")


# --- new -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", [(), ("--with-ca-keys",), ("--revocation-url", "http://ocsp.example/")], ids=str)
def test_new_names_every_file_that_it_writes(option: tuple[str, ...], tmp_path: Path, run: Run) -> None:
    done = run("dev-pki", "new", tmp_path / "pki", *option, "--json")
    written = [str(path.relative_to(tmp_path / "pki")) for path in (tmp_path / "pki").rglob("*") if path.is_file()]
    assert sorted(done.json["files"]) == sorted(written)
    assert ("ca/root-key.pem" in written) == bool(option)
    assert done.json["revocation_url"] == ("http://ocsp.example" if "--revocation-url" in option else None)


def test_the_ca_keys_are_readable_by_their_owner_only(made: Path) -> None:
    assert stat.S_IMODE((made / "ca").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (made / "ca").iterdir()} == {0o600}


def test_new_tells_the_next_commands(tmp_path: Path, run: Run) -> None:
    done = run("dev-pki", "new", tmp_path / "pki", "--with-ca-keys")
    for words in (f"dev-pki serve {tmp_path}/pki", "curl -O http://127.0.0.1:8888/crl/root.crl", "dev-pki revoke"):
        assert words in done.text
    assert f"the CA keys, readable only by you, to {tmp_path}/pki/ca" in done.text


def test_with_a_revocation_url_the_next_command_verifies_online(tmp_path: Path, run: Run) -> None:
    done = run("dev-pki", "new", tmp_path / "pki", "--revocation-url", "http://127.0.0.1:8888")
    assert f"verify OUT --trust {tmp_path}/pki/root.pem --online --online-host 127.0.0.1:8888" in done.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8888",
        "https://127.0.0.1",
        "http://",
        "http://x/path",
        "http://x?y",
        "http://u@x",
        "http://x:99999",
        "http://x:0",
        "http://é",
        "http://[",
        "http://" + "x" * 200,
    ],
)
def test_a_revocation_url_of_another_form_is_status_two(url: str, tmp_path: Path, run: Run) -> None:
    done = run("dev-pki", "new", tmp_path / "pki", "--revocation-url", url, "--json")
    assert (done.status, done.error) == (2, "USAGE")
    assert not (tmp_path / "pki").exists()
