"""What becomes of a refresh in the background when its process ends, or is forked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from . import servers
from .conftest import HOUR, NOW, PATIENCE, Authority
from .servers import Server, answering, one_after_the_other

Serve = Callable[..., Server]

PROGRAM = Path(__file__).with_name("program.py")


def started(part: str, server: Server, authority: Authority, *options: str) -> subprocess.Popen[bytes]:
    certificates = (authority.signer.certificate, authority.hierarchy.tsp.certificate)
    ders = (certificate.public_bytes(Encoding.DER).hex() for certificate in certificates)
    command = [sys.executable, "-W", "ignore", str(PROGRAM), part, server.url(host="name"), *ders, *options]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("behave", [servers.silent, servers.dripping_body, servers.dripping_head])
def test_a_process_ends_at_once_and_silently_while_its_refresh_waits_for_a_server(
    serve: Serve, authority: Authority, behave: servers.Behaviour
) -> None:
    server = serve(one_after_the_other(answering(authority.crl()), behave))
    with started("end", server, authority) as program:
        while len(server.requests) < 2:
            assert server.visited.wait(PATIENCE)
            server.visited.clear()
        out, error = program.communicate(timeout=PATIENCE)
    assert (program.returncode, out, error) == (0, b"", b"")


def test_a_process_ends_at_once_and_silently_while_its_refresh_looks_a_name_up(
    serve: Serve, authority: Authority
) -> None:
    server = serve(answering(authority.crl()))
    with started("end", server, authority, "looking-up") as program:
        out, error = program.communicate(timeout=PATIENCE)
    assert (program.returncode, out, error) == (0, b"", b"")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fetcher_goes_on_in_a_process_that_is_forked_while_its_refresh_is_under_way(
    serve: Serve, authority: Authority
) -> None:
    crls = [authority.crl(number=number, at=NOW + number * HOUR - 2 * HOUR) for number in (1, 2, 3)]
    server = serve(one_after_the_other(*map(answering, crls)))
    with started("fork", server, authority) as program:
        out, error = program.communicate(timeout=3 * PATIENCE)
    assert (program.returncode, out, error) == (0, b"", b"")
    assert server.connections == 3
