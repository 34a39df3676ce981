"""One machine of the chain as a process: `program.py ROLE FOLDER OPTIONS`. Prints the port on which it listens.

The folder holds the certificates; the options are JSON.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import socket
import sys
from ipaddress import IPv4Network
from pathlib import Path
from random import Random
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from nlgov_jades import (
    AsyncVerifier,
    Oin,
    RevocationPolicy,
    Signer,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    profiles,
)
from nlgov_jades.ddas import (
    IN_MEMORY,
    AnswerSettings,
    FscSettings,
    FscToken,
    Kind,
    Record,
    SqliteStorage,
    provider_app,
)
from nlgov_jades.ddas.gateways import Grant, Inway, Outway, TlsFiles, TokenMaker
from nlgov_jades.ddas.gateways.serving import inway_config, outway_config
from nlgov_jades.ddas.testdata import organisations, signalen, trajecten
from nlgov_jades.fetch import FetchLimits
from nlgov_jades.fetch.httpx import HttpxFetcher

GROUP = "fsc.group.example"
LOOPBACK = IPv4Network("127.0.0.1/32")
PAGE_SIZE = 30
RECORDS = 40
"""Of each of two organisations."""


def provider(folder: Path, options: dict[str, Any]) -> uvicorn.Config:
    """A provider that asks the responder about every signer, and lets nobody in without a token."""
    kind, random = Kind[options["kind"]], Random(7)  # noqa: S311 - test data
    storage = SqliteStorage(IN_MEMORY)
    make = trajecten if kind is Kind.SHV else signalen
    for organisation in organisations(kind, 2, random):
        storage.add(kind, organisation, (Record.of(kind, data) for data in make(RECORDS, random)))
    limits = FetchLimits(addresses=(LOOPBACK,), ports={options["responder"]})
    credential = SigningCredential.from_pem(
        (folder / "provider-key.pem").read_bytes(), (folder / "provider-chain.pem").read_bytes()
    )
    policy = VerificationPolicy(
        profiles=(profiles.DDAS,), signers={Oin(options["consumer"])}, revocation=RevocationPolicy.HARD_FAIL
    )
    app = provider_app(
        storage=storage,
        kind=kind,
        signer=Signer(credential, profile=profiles.DDAS),
        verifier=AsyncVerifier(
            trust=TrustStore.from_pem((folder / "root.pem").read_bytes()),
            policy=policy,
            fetcher=HttpxFetcher(limits=limits),
        ),
        answers=AnswerSettings(supplier="GL123456", max_page_size=PAGE_SIZE),
        fsc=FscSettings(token=FscToken.REQUIRED),
        prefix="/v1",
    )
    return uvicorn.Config(app, h11_max_incomplete_event_size=64 * 1024, http="h11", lifespan="off")


def files(folder: Path, name: str) -> TlsFiles:
    return TlsFiles(chain=folder / f"{name}-chain.pem", key=folder / f"{name}-key.pem", trust=folder / "root.pem")


def inway(folder: Path, options: dict[str, Any], port: int) -> uvicorn.Config:
    manager = x509.load_pem_x509_certificates((folder / "manager-chain.pem").read_bytes())[0]
    app = Inway(
        services=options["services"],
        group=GROUP,
        audience=options.get("audience") or f"https://127.0.0.1:{port}",
        issuers=[manager],
    )
    return inway_config(app, tls=files(folder, "inway"), port=port)


def outway(folder: Path, options: dict[str, Any]) -> uvicorn.Config:
    """An outway whose manager makes other tokens for some grants."""

    def maker(name: str = "manager", group: str = GROUP, late: dt.timedelta = dt.timedelta(0)) -> TokenMaker:
        chain, key = (folder / f"{name}-chain.pem").read_bytes(), (folder / f"{name}-key.pem").read_bytes()
        return TokenMaker(
            key=load_pem_private_key(key, None),  # type: ignore[arg-type]  # of any kind, and checked there
            certificate=x509.load_pem_x509_certificates(chain)[0],
            group=group,
            clock=lambda: dt.datetime.now(dt.UTC) - late,
        )

    sources = {
        "$1$4$expired": maker(late=dt.timedelta(hours=1)).token,
        "$1$4$group": maker(group="another.group.example").token,
        "$1$4$invalid": maker("provider").token,
    }
    usual = maker().token
    app = Outway(
        grants=[Grant(**grant) for grant in options["grants"]],
        tls=files(folder, options.get("certificate", "outway")),
        tokens=lambda grant, holder: sources.get(grant.hash, usual)(grant, holder),
    )
    return outway_config(app, port=0)


def main(role: str, folder: Path, options: dict[str, Any]) -> None:
    logging.basicConfig(level=logging.INFO)
    listener = socket.create_server(("127.0.0.1", options.get("port", 0)))
    port = listener.getsockname()[1]
    config = {
        "provider": lambda: provider(folder, options),
        "inway": lambda: inway(folder, options, port),
        "outway": lambda: outway(folder, options),
    }[role]()
    # It takes connections from here, and answers them in a moment.
    print(port, flush=True)  # noqa: T201 - whoever started it reads that
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]))
