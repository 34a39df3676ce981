"""What the tests of the command line share: a hierarchy that is valid today, and a folder with files made with it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import Signer, profiles
from nlgov_jades.cli import app
from nlgov_jades.cli.capture import parse_capture
from nlgov_jades.testing import Hierarchy, Issued
from nlgov_jades.testing.hierarchy import pem

from .command import Argument, Done, Run

PASSWORD = b"geheim-9f3b"
BODY = '{"aanleverperiodeStartdatum":"2025-01-01","aanleverende_organisatie":"Gemeente Súdwest"}'.encode()
REQUEST = (
    b"POST /v1/gegevens?a=1 HTTP/1.1\r\nHost: provider.example.test\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(scope="session")
def today() -> Hierarchy:
    """Valid now: the command line reads the real clock."""
    return Hierarchy.new()


@pytest.fixture(scope="session")
def signer(today: Hierarchy) -> Issued:
    return today.tsp.issue(kvk="12345678")


@pytest.fixture(scope="session")
def files(today: Hierarchy, signer: Issued, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key, certificates and messages. Read only: a test writes to its own `tmp_path`."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "key.pem").write_bytes(signer.key_pem())
    (folder / "locked.pem").write_bytes(signer.key_pem(PASSWORD))
    (folder / "key.p12").write_bytes(signer.pkcs12(PASSWORD))
    (folder / "password").write_bytes(PASSWORD + b"\n")
    (folder / "chain.pem").write_bytes(signer.chain_pem)
    (folder / "leaf.pem").write_bytes(pem([signer.certificate]))
    (folder / "cas.pem").write_bytes(today.intermediates_pem)
    (folder / "root.pem").write_bytes(today.root_pem)
    (folder / "foreign-root.pem").write_bytes(Hierarchy.new(name="TEST elsewhere").root_pem)
    (folder / "root.der").write_bytes(today.root.certificate.public_bytes(Encoding.DER))
    (folder / "request.http").write_bytes(REQUEST)
    (folder / "response.http").write_bytes(RESPONSE)
    (folder / "signed.http").write_bytes(signed(REQUEST, signer))
    head, _, body = signed(REQUEST, signer).partition(b"\r\n\r\n")
    (folder / "head").write_bytes(head + b"\r\n\r\n")
    (folder / "body").write_bytes(body)
    (folder / "empty-folder").mkdir()
    return folder


def signed(octets: bytes, signer: Issued) -> bytes:
    """A captured message, signed now through the library."""
    capture = parse_capture(octets)
    return capture.with_fields(Signer(signer.credential, profile=profiles.ADR_PAYLOAD).sign(capture.message))


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in this process. An exception that leaves it fails the test."""

    def command(*arguments: Argument, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsysbinary.readouterr()
        status = app.run([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        return Done(status, out, err)

    return command
