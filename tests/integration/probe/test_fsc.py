"""Through an outway and an inway: what the gateways refuse themselves is a refusal too, and the rest is the provider's."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from nlgov_jades.ddas import FscSettings, Kind, SqliteStorage
from nlgov_jades.ddas.gateways import Grant, Inway, Outway, TlsFiles, TokenMaker
from nlgov_jades.ddas.gateways.serving import inway_config, outway_config
from nlgov_jades.ddas.probe import Endpoint, Outcome, probe
from nlgov_jades.testing import save_signer

from .world import CBS, MUNICIPALITY, World, failures, running, serving

GRANT = "$1$4$example"


def tls(world: World, folder: Path, name: str, oin: str) -> TlsFiles:
    """A certificate for connections: another than the one that messages are signed with."""
    here = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    usages = (ExtendedKeyUsageOID.SERVER_AUTH.dotted_string, ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string)
    issued = world.hierarchy.tsp.issue(
        common_name=name, oin=oin, extended_key_usages=usages, more_extensions=[(here, False)]
    )
    save_signer(issued, folder, name=name)
    (folder / f"{name}-root.pem").write_bytes(world.hierarchy.root_pem)
    return TlsFiles(
        chain=folder / f"{name}-chain.pem", key=folder / f"{name}-key.pem", trust=folder / f"{name}-root.pem"
    )


@pytest.fixture
def outway(world: World, storage: SqliteStorage, tmp_path: Path) -> Iterator[str]:
    """The address of an outway before an inway before a provider that asks for a token."""
    group = "fsc.group.example"
    manager = world.hierarchy.tsp.issue(common_name="manager", oin=MUNICIPALITY)
    with ExitStack() as stack:
        before, behind = (stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        provider = stack.enter_context(serving(world.provider(storage, Kind.SHV, fsc=FscSettings())))
        address = f"https://127.0.0.1:{behind.getsockname()[1]}"
        inway = Inway(services={"ddas": provider}, group=group, audience=address, issuers=[manager.certificate])
        tokens = TokenMaker(key=manager.key, certificate=manager.certificate, group=group)
        grant = Grant(hash=GRANT, service="ddas", inway=address)
        sender = tls(world, tmp_path, "outway", CBS)
        first = Outway(grants=[grant], tls=sender, tokens=tokens.token)
        second = inway_config(inway, tls=tls(world, tmp_path, "inway", MUNICIPALITY), port=behind.getsockname()[1])
        stack.enter_context(running(second, behind))
        stack.enter_context(running(outway_config(first, port=before.getsockname()[1]), before))
        yield f"http://127.0.0.1:{before.getsockname()[1]}/v1/gegevens"


def test_through_fsc_every_case_passes(world: World, outway: str) -> None:
    endpoint = Endpoint(outway, fields=(("Fsc-Grant-Hash", GRANT),))
    report = probe(endpoint, kind=Kind.SHV, credentials=world.credentials, verifier=world.verifier())
    assert failures(report) == {}
    assert report.outcome is Outcome.PASSED
    assert GRANT not in report.json()


def test_without_a_grant_the_first_case_says_that_it_was_no_answer_of_the_provider(world: World, outway: str) -> None:
    report = probe(Endpoint(outway), kind=Kind.SHV, credentials=world.credentials, verifier=world.verifier())
    assert failures(report)["good-page"][:2] == ["SIGNATURE", "REFUSED"]
    assert report.outcome is Outcome.FAILED
