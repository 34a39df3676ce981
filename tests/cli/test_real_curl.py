"""What a real `curl` writes with -D and -o is what `verify --headers --body` reads."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nlgov_jades.cli.capture import parse_capture

from .command import PATIENCE, Run, signing, trusting

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not on this machine")

BODY = b'{"gegevens":' + b" " * 5000 + b'{"a":"S\xc3\xbadermeer"}}\r\n\n'


class Provider(BaseHTTPRequestHandler):
    """Gives the signed answer, in the way that the path asks for."""

    protocol_version = "HTTP/1.1"
    signed_fields: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/plain")
            self.send_header("nlgov-adr-payload-sig", "not..this")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"moved")
            return
        self.send_response(200)
        for name, value in self.signed_fields:
            self.send_header(name, value)
        if self.path.startswith("/chunked"):
            self._send_chunked(b"X-Trailer: a\r\n" if self.path.endswith("trailer") else b"")
        else:
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def _send_chunked(self, trailer: bytes) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(BODY), 1000):
            piece = BODY[start : start + 1000]
            self.wfile.write(b"%X;x=y\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n" + trailer + b"\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        pass


@pytest.fixture
def provider(run: Run, files: Path) -> Iterator[str]:
    """The address of a provider whose answers are signed."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY
    made = run("sign", "-", "-o", "-", *signing(files), "--profile", "ddas", stdin=answer)
    assert made.status == 0
    Provider.signed_fields = list(parse_capture(made.out).message.fields)
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def curl(folder: Path, *options: str) -> None:
    """curl -D head -o body, in the folder."""
    assert CURL is not None
    words = [CURL, "-q", "-s", "--noproxy", "*", "-D", "head", "-o", "body", *options]
    subprocess.run(words, cwd=folder, check=True, timeout=PATIENCE)


def verify(run: Run, files: Path, folder: Path) -> str:
    """`valid`, or the code of the error."""
    captured = ("--headers", folder / "head", "--body", folder / "body")
    done = run("verify", *captured, *trusting(files), "--profile", "ddas", "--json")
    return "valid" if done.status == 0 else done.error


@pytest.mark.parametrize("path", ["plain", "chunked", "chunked-with-trailer"])
def test_a_signed_answer_is_accepted(path: str, provider: str, run: Run, files: Path, tmp_path: Path) -> None:
    curl(tmp_path, f"{provider}/{path}")
    assert (tmp_path / "body").read_bytes() == BODY
    assert verify(run, files, tmp_path) == "valid"


def test_the_answer_behind_a_redirect_is_accepted(provider: str, run: Run, files: Path, tmp_path: Path) -> None:
    curl(tmp_path, "-L", f"{provider}/redirect")
    assert (tmp_path / "head").read_bytes().count(b"HTTP/1.1 ") == 2
    assert verify(run, files, tmp_path) == "valid"


def test_the_answer_behind_a_100_continue_is_accepted(provider: str, run: Run, files: Path, tmp_path: Path) -> None:
    curl(tmp_path, "-H", "Expect: 100-continue", "--data", "{}", f"{provider}/plain")
    assert (tmp_path / "head").read_bytes().startswith(b"HTTP/1.1 100 Continue\r\n")
    assert verify(run, files, tmp_path) == "valid"


@pytest.mark.parametrize("path", ["plain", "chunked"])
def test_an_answer_of_which_the_body_was_changed_is_refused(
    path: str, provider: str, run: Run, files: Path, tmp_path: Path
) -> None:
    curl(tmp_path, f"{provider}/{path}")
    (tmp_path / "body").write_bytes(BODY.replace(b'"a"', b'"b"'))
    assert verify(run, files, tmp_path) == "DIGEST_MISMATCH"


def test_an_answer_that_was_cut_off_cannot_be_read(provider: str, run: Run, files: Path, tmp_path: Path) -> None:
    curl(tmp_path, f"{provider}/plain")
    (tmp_path / "body").write_bytes(BODY[:-1])
    assert verify(run, files, tmp_path) == "UNREADABLE_INPUT"


def test_two_files_of_different_answers_do_not_make_one(provider: str, run: Run, files: Path, tmp_path: Path) -> None:
    curl(tmp_path, f"{provider}/redirect")
    (tmp_path / "body").write_bytes(BODY)
    assert verify(run, files, tmp_path) == "UNREADABLE_INPUT"


def test_the_whole_answer_as_curl_shows_it_is_one_capture(provider: str, run: Run, files: Path, tmp_path: Path) -> None:
    # curl -i writes head and body into one file, the body without its chunks.
    curl(tmp_path, "-i", f"{provider}/plain")
    done = run("verify", tmp_path / "body", *trusting(files), "--profile", "ddas")
    assert done.status == 0


def test_the_raw_answer_as_curl_shows_it_is_one_capture(provider: str, run: Run, files: Path, tmp_path: Path) -> None:
    curl(tmp_path, "-i", "--raw", f"{provider}/chunked")
    done = run("verify", tmp_path / "body", *trusting(files), "--profile", "ddas")
    assert done.status == 0
