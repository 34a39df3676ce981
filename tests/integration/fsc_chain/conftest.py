"""The chain, once for all tests of this folder: two providers, an inway for both, an outway, a responder."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from nlgov_jades.testing import Hierarchy, Issued, Responder, save_signer

from .chain import CBS, MUNICIPALITY, Chain, machine
from .meddling import Meddler, meddling

CLIENT_AUTH, SERVER_AUTH = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"
HERE = (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)


def gateway(hierarchy: Hierarchy, name: str, oin: str) -> Issued:
    """A certificate of the group, for TLS and tokens; elliptic keys are quick to make."""
    return hierarchy.tsp.issue(
        common_name=name,
        oin=oin,
        key=ec.generate_private_key(ec.SECP256R1()),
        extended_key_usages=(CLIENT_AUTH, SERVER_AUTH),
        more_extensions=[HERE],
    )


@pytest.fixture(scope="session")
def responder() -> Iterator[Responder]:
    with Responder() as running:
        yield running


@pytest.fixture(scope="session")
def group(responder: Responder) -> Hierarchy:
    """One hierarchy for messages and for TLS, as PKIoverheid is."""
    hierarchy = Hierarchy.new(revocation_url=responder.url)
    responder.add(hierarchy)
    return hierarchy


@pytest.fixture(scope="session")
def closed_port() -> Iterator[int]:
    """Where nobody listens, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="session")
def late_port() -> int:
    """Where a provider may come later."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def signers(group: Hierarchy) -> dict[str, Issued]:
    """Consumer and provider; the one with two uses could be the certificate of an outway too."""
    return {
        "consumer": group.tsp.issue(common_name="ddas.cbs.example", oin=CBS),
        "provider": group.tsp.issue(common_name="gegevens.gemeente.example", oin=MUNICIPALITY),
        "two-uses": group.tsp.issue(
            common_name="both.cbs.example", oin=CBS, extended_key_usages=(CLIENT_AUTH,), more_extensions=[HERE]
        ),
    }


@pytest.fixture(scope="session")
def folder(group: Hierarchy, signers: dict[str, Issued], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("chain")
    (made / "root.pem").write_bytes(group.root_pem)
    for name, issued in signers.items():
        save_signer(issued, made, name=name)
    for name, oin in (("outway", CBS), ("inway", MUNICIPALITY), ("manager", MUNICIPALITY)):
        save_signer(gateway(group, f"{name}.example", oin), made, name=name)
    return made


@pytest.fixture(scope="session")
def meddler(folder: Path) -> Iterator[Meddler]:
    with meddling(folder) as running:
        yield running


@pytest.fixture(scope="session")
def chain(
    group: Hierarchy,
    responder: Responder,
    signers: dict[str, Issued],
    folder: Path,
    closed_port: int,
    late_port: int,
    meddler: Meddler,
) -> Iterator[Chain]:
    about = {"responder": int(responder.url.rpartition(":")[2]), "consumer": CBS}
    (folder / "about.json").write_text(json.dumps(about))
    with ExitStack() as stack:
        shv = stack.enter_context(machine("provider", folder, kind="SHV", **about))
        vs = stack.enter_context(machine("provider", folder, kind="VS", **about))
        services = {
            "ddas-shv": shv.url,
            "ddas-vs": vs.url,
            "ddas-closed": f"http://127.0.0.1:{closed_port}",
            "ddas-late": f"http://127.0.0.1:{late_port}",
        }
        inway = stack.enter_context(machine("inway", folder, services=services))
        behind = stack.enter_context(machine("inway", folder, services=services, audience=meddler.url))
        meddler.upstream = behind.port
        grants = [{"hash": f"$1$4${name}", "service": name, "inway": inway.tls_url} for name in services]
        grants += [
            {"hash": f"$1$4${name}", "service": "ddas-shv", "inway": inway.tls_url}
            for name in ("invalid", "expired", "group")
        ]
        grants.append({"hash": "$1$4$elsewhere", "service": "ddas-elsewhere", "inway": inway.tls_url})
        grants.append({"hash": "$1$4$meddled", "service": "ddas-shv", "inway": meddler.url})
        (folder / "grants.json").write_text(json.dumps(grants))
        outway = stack.enter_context(machine("outway", folder, grants=grants))
        yield Chain(group, responder, signers["consumer"], signers["provider"], folder, outway)
