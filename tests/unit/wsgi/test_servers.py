"""One real process of each server on loopback: a signed request in, a signed answer out, as lengths and in chunks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from nlgov_jades import HttpRequest, HttpResponse, Verifier, profiles
from nlgov_jades.profiles import Profile
from nlgov_jades.testing import Hierarchy, Issued

SITE = Path(__file__).with_name("wsgi_site.py")
PATIENCE = 30
"""Seconds until a server that does not answer counts as a failure."""

COMMANDS = {
    "gunicorn": ["-m", "gunicorn", "--bind=127.0.0.1:0", f"--chdir={SITE.parent}", "wsgi_site:application"],
    "waitress": [str(SITE), "waitress"],
    "werkzeug": [str(SITE), "werkzeug"],
    "wsgiref": [str(SITE), "wsgiref"],
}
BODY = b'{"many":[' + b"1," * 2000 + b"1]}"


@contextmanager
def running(name: str, folder: Path, profile: Profile) -> Iterator[int]:
    """The port of a server that takes connections."""
    command = [sys.executable, *COMMANDS[name]]
    process = subprocess.Popen(
        command,
        env={
            **os.environ,
            "PKI": str(folder),
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PROFILE": profile.id,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    giving_up = threading.Timer(PATIENCE, process.kill)
    giving_up.start()
    seen: list[str] = []
    try:
        for line in process.stdout:
            seen.append(line)
            port = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)|^(\d+)$", line)
            if port:
                yield int(port[1] or port[2])
                return
        pytest.fail(f"{name} did not start: {''.join(seen)}")
    finally:
        giving_up.cancel()
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()


@pytest.fixture
def pki(tmp_path: Path, hierarchy: Hierarchy, issued: Issued) -> Path:
    (tmp_path / "root.pem").write_bytes(hierarchy.root_pem)
    (tmp_path / "key.pem").write_bytes(issued.key_pem())
    (tmp_path / "chain.pem").write_bytes(issued.chain_pem)
    return tmp_path


def exchange(port: int, message: HttpRequest, *, chunks: list[bytes] | None = None) -> HttpResponse:
    """Send exactly these fields, and return what came."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.putrequest(message.method, message.target, skip_host=True, skip_accept_encoding=True)
        for name, value in message.fields:
            connection.putheader(name, value)
        body: Any = message.body
        if chunks is not None:
            connection.putheader("Transfer-Encoding", "chunked")
            body = chunks
        connection.endheaders(body, encode_chunked=chunks is not None)
        answer = connection.getresponse()
        return HttpResponse(status=answer.status, fields=answer.getheaders(), body=answer.read(), request=message)
    finally:
        connection.close()


CASES = [
    (name, profile)
    for name in COMMANDS
    for profile in (profiles.DDAS, profiles.ADR_MESSAGE)
    # wsgiref does not give the request-target, which the second covers.
    if (name, profile) != ("wsgiref", profiles.ADR_MESSAGE)
]


@pytest.mark.parametrize(("name", "profile"), CASES, ids=[f"{name}-{profile.id}" for name, profile in CASES])
def test_a_server_takes_signed_requests_and_gives_signed_answers(
    name: str, profile: Profile, pki: Path, sign: Callable[..., HttpRequest], verifying: Callable[..., Verifier]
) -> None:
    if name != "wsgiref":
        pytest.importorskip(name, reason="needs the servers of the group `servers`")
    verifier = verifying(profiles=(profile,))
    lines = [("Host", "provider.example.test"), ("Content-Type", "application/json")]
    with running(name, pki, profile) as port:
        plain = HttpRequest(
            method="POST",
            target="/v1/a%2Fb?x=%20",
            fields=[*lines, ("Content-Length", str(len(BODY)))],
            body=BODY,
        )
        signed = sign(plain, profile)
        answer = exchange(port, signed)
        assert (answer.status, answer.body) == (200, BODY)
        verifier.verify(answer)

        tampered = exchange(port, signed.with_body(BODY.replace(b"many", b"none")))
        assert tampered.status == 400
        assert b"DIGEST_MISMATCH" in bytes(tampered.body if isinstance(tampered.body, bytes) else b"")

        if name != "wsgiref":  # it leaves chunks to the application
            unsigned = HttpRequest(method="POST", target="/v1/a%2Fb?x=%20", fields=lines, body=BODY)
            chunked = exchange(port, sign(unsigned, profile), chunks=[BODY[:7], BODY[7:]])
            # waitress makes a Content-Length of them, and that was not signed.
            assert chunked.status == (400 if (name, profile) == ("waitress", profiles.ADR_MESSAGE) else 200)
        assert exchange(port, sign(plain, profile)).status == 200
