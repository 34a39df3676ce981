"""gunicorn takes SCRIPT_NAME from a field of the request, by default where it listens on loopback behind a proxy."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nlgov_jades.testing import Hierarchy, save_hierarchy

PATIENCE = 30.0
"""Seconds until a server that does not answer counts as a failure."""

SITE = """
from pathlib import Path
from wsgiref.validate import validator

from nlgov_jades import ANY_TRUSTED, RevocationPolicy, TrustStore, VerificationPolicy, Verifier, profiles
from nlgov_jades.wsgi import ANY_METHOD, JadesVerifierMiddleware, Need, RequestRules, Route


def inner(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"reached " + environ["PATH_INFO"].encode()]


app = validator(JadesVerifierMiddleware(
    validator(inner),
    verifier=Verifier(
        trust=TrustStore.from_pem(Path("root.pem").read_bytes()),
        policy=VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF),
    ),
    rules=RequestRules(routes=(Route(path="/docs/*", methods=ANY_METHOD, need=Need.NONE),)),
))
"""


@pytest.fixture
def port(tmp_path: Path, hierarchy: Hierarchy) -> Iterator[int]:
    pytest.importorskip("gunicorn")
    save_hierarchy(hierarchy, tmp_path)
    (tmp_path / "attacked.py").write_text(SITE)
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "attacked:app", "--bind=127.0.0.1:0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    late = threading.Timer(PATIENCE, process.kill)
    late.start()
    try:
        assert process.stderr is not None
        told = next(filter(None, (re.search(r"127\.0\.0\.1:(\d+)", line) for line in process.stderr)))
        yield int(told[1])
    finally:
        late.cancel()
        process.terminate()
        process.communicate(timeout=PATIENCE)


def ask(port: int, *fields: bytes) -> bytes:
    lines = [b"POST /docs/v1/gegevens HTTP/1.1", b"Host: x", b"Connection: close", b"Content-Length: 2", *fields]
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n{}")
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_no_field_moves_an_unsigned_request_from_an_exempt_path_to_another(port: int) -> None:
    assert b"reached /docs/v1/gegevens" in ask(port)
    moved = ask(port, b"SCRIPT_NAME: /docs")
    assert b"MALFORMED_MESSAGE" in moved
    assert b"reached" not in moved
