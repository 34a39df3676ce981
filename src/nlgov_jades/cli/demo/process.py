"""The process of one provider: made-up records in SQLite, the application of `nlgov_jades.ddas`, uvicorn on a free port.

It is told everything on standard input, says on standard output where it listens, and ends when standard input does: it
never outlives the command that started it, however that ends. Its records are gone with it, unless it is told where to
keep them. Keys come through the pipe, so that none is written to a disk.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, Self

import uvicorn

from ... import profiles
from ...credentials import SigningCredential
from ...ddas import AnswerSettings, FscSettings, FscToken, Kind, Record, SqliteStorage, provider_app
from ...ddas.testdata import organisations, signalen, trajecten
from ...pki.identity import Oin
from ...pki.trust import TrustStore
from ...policy import CertificateRequirements, VerificationPolicy
from ...sign import Signer
from ...verify import AsyncVerifier
from .revocation import ASKED_EACH_TIME, HOST, fetcher_for

__all__ = ["PREFIX", "ProviderSettings", "main"]

PREFIX: Final = "/v1"

_ORGANISATIONS = 2
_SEED = 2026
_LONGEST_FIELDS = 64 * 1024
"""Octets of a request's fields. The certificates in a signature can be longer than the 16 KB that h11 takes by itself."""

_LAST_ANSWER = 1
"""Seconds for an answer that is on its way when the command ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What a provider is told.

    Attributes:
        kind: SHV or VS.
        supplier: codeGegevensleverancier.
        records: How many it delivers.
        key: Its private key, PEM.
        chain: Its certificate and those above it, PEM.
        root: The trust anchor, PEM.
        consumer: OIN of who may ask.
        responder: Port of the responder for OCSP and CRLs.
        storage: File for its records; `None`: a temporary one.
    """

    kind: str
    supplier: str
    records: int
    key: str = field(repr=False)
    chain: str = field(repr=False)
    root: str = field(repr=False)
    consumer: str
    responder: int
    storage: str | None

    def line(self) -> bytes:
        """As the first line of standard input."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """From that line."""
        return cls(**json.loads(line))


def main() -> None:
    """Serve until standard input ends."""
    # As at the end of standard input: what was opened is closed, and a temporary folder removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with ExitStack() as stack:
        line = _line()
        if not line:
            return  # whoever started this is gone
        settings = ProviderSettings.read(line)
        path = settings.storage
        if path is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nlgov-jades-demo-"))
            path = str(Path(folder, "records.sqlite"))
        storage = SqliteStorage(path)
        stack.callback(storage.close)
        records = _fill(storage, Kind(settings.kind), settings.records)
        listener = stack.enter_context(socket.create_server((HOST, 0)))
        server = uvicorn.Server(_config(_app(settings, storage)))
        threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
        sys.stdout.write(json.dumps({"port": listener.getsockname()[1], "records": records}) + "\n")
        sys.stdout.flush()
        server.run(sockets=[listener])


def _line() -> bytes:
    """The first line of standard input.

    Unbuffered: the thread that waits for the end would hold the lock of a buffer when the interpreter ends.
    """
    found = bytearray()
    while not found.endswith(b"\n") and (octets := os.read(0, 64 * 1024)):
        found += octets
    return bytes(found)


def _end_with_input(server: uvicorn.Server) -> None:
    while os.read(0, 64 * 1024):
        pass
    server.should_exit = True


def _fill(storage: SqliteStorage, kind: Kind, count: int) -> int:
    """Put so many records into a storage, in equal parts, and say how many there are."""
    random = Random(_SEED)  # noqa: S311 - made-up data, the same each time
    make = trajecten if kind is Kind.SHV else signalen
    return sum(
        storage.replace(kind, organisation, (Record.of(kind, data) for data in make(count // _ORGANISATIONS, random)))
        for organisation in organisations(kind, _ORGANISATIONS, random)
    )


def _app(settings: ProviderSettings, storage: SqliteStorage) -> Any:
    policy = VerificationPolicy(
        profiles=(profiles.DDAS,),
        signers={Oin(settings.consumer)},
        certificate=CertificateRequirements.PKIOVERHEID_SIGNING,
        revocation=ASKED_EACH_TIME,
    )
    trust = TrustStore.from_pem(settings.root.encode())
    credential = SigningCredential.from_pem(settings.key.encode(), settings.chain.encode())
    return provider_app(
        storage=storage,
        kind=Kind(settings.kind),
        signer=Signer(credential, profile=profiles.DDAS),
        verifier=AsyncVerifier(trust=trust, policy=policy, fetcher=fetcher_for(settings.responder)),
        answers=AnswerSettings(supplier=settings.supplier),
        # There is no FSC inway on this machine that would pass a token on.
        fsc=FscSettings(token=FscToken.IF_PRESENT),
        prefix=PREFIX,
    )


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        h11_max_incomplete_event_size=_LONGEST_FIELDS,
        timeout_graceful_shutdown=_LAST_ANSWER,
    )


if __name__ == "__main__":
    main()
