"""What the tests of the probe share: certificates with a responder, providers under a real server, servers that misbehave."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import uvicorn

from nlgov_jades import AsyncVerifier, Oin, RevocationPolicy, Signer, VerificationPolicy, Verifier, profiles
from nlgov_jades.clock import utc_now
from nlgov_jades.ddas import AnswerSettings, FscSettings, FscToken, Kind, Record, SqliteStorage, provider_app
from nlgov_jades.ddas.probe import Credentials, Endpoint, ProbeReport, ProbeSettings, Tls, Verdict, credentials, probe
from nlgov_jades.ddas.testdata import organisations, signalen, trajecten
from nlgov_jades.fetch import AddressRule, FetchLimits
from nlgov_jades.fetch.httpx import HttpxFetcher
from nlgov_jades.fetch.requests import RequestsFetcher
from nlgov_jades.replay import MemoryReplayGuard
from nlgov_jades.testing import CaKeys, Hierarchy, Issued, Responder, save_hierarchy, save_signer
from nlgov_jades.testing.folder import register_in

CBS, MUNICIPALITY = "00000001001234567000", "00000003123456780000"
PATIENCE = 30.0


@dataclass(frozen=True)
class World:
    """Certificates that are valid now: the servers read the real clock."""

    folder: Path
    hierarchy: Hierarchy
    cbs: Issued
    municipality: Issued
    responder: Responder
    credentials: Credentials

    def limits(self) -> FetchLimits:
        port = int(self.responder.url.rpartition(":")[2])
        return FetchLimits(allowed_hosts={"127.0.0.1"}, ports={port}, addresses=AddressRule.ANY_ADDRESS)

    def storage(self, path: Path, kind: Kind) -> SqliteStorage:
        stored, random = SqliteStorage(path), Random(11)  # noqa: S311 - test data
        make = trajecten if kind is Kind.SHV else signalen
        for organisation in organisations(kind, 2, random):
            stored.add(kind, organisation, (Record.of(kind, data) for data in make(20, random)))
        return stored

    def verifier_of_provider(self, *, revocation: RevocationPolicy = RevocationPolicy.HARD_FAIL) -> AsyncVerifier:
        policy = VerificationPolicy(
            profiles=(profiles.DDAS,),
            signers={Oin(CBS)},
            revocation=revocation,
            max_age=dt.timedelta(minutes=5),
        )
        return AsyncVerifier(trust=self.hierarchy.trust, policy=policy, fetcher=HttpxFetcher(limits=self.limits()))

    def provider(self, storage: SqliteStorage, kind: Kind, **options: Any) -> Any:
        """A provider that passes; options as for `provider_app`."""
        defaults: dict[str, Any] = {
            "storage": storage,
            "kind": kind,
            "signer": Signer(self.municipality.credential, profile=profiles.DDAS),
            "verifier": self.verifier_of_provider(),
            "answers": AnswerSettings(supplier="GL123456"),
            "fsc": FscSettings(token=FscToken.IF_PRESENT),
            "replay_guard": MemoryReplayGuard(),
            "prefix": "/v1",
        }
        return provider_app(**{**defaults, **options})

    def verifier(self, *, revocation: RevocationPolicy = RevocationPolicy.HARD_FAIL) -> Verifier:
        """What the probe accepts."""
        policy = VerificationPolicy(profiles=(profiles.DDAS,), signers={Oin(MUNICIPALITY)}, revocation=revocation)
        return Verifier(trust=self.hierarchy.trust, policy=policy, fetcher=RequestsFetcher(limits=self.limits()))

    def probe(
        self,
        url: str,
        *,
        kind: Kind = Kind.SHV,
        tls: Tls | None = None,
        verifier: Verifier | None = None,
        seconds: float = PATIENCE,
        sleep: Callable[[float], None] | None = None,
        skip: frozenset[str] = frozenset(),
    ) -> ProbeReport:
        return probe(
            Endpoint(url, tls=tls),
            kind=kind,
            credentials=self.credentials,
            verifier=verifier or self.verifier(),
            settings=ProbeSettings(seconds=seconds, skip=skip),
            sleep=sleep or (lambda _: None),
        )


@contextmanager
def new_world(folder: Path) -> Iterator[World]:
    """The folder is one that `dev-pki` could have made, with CA keys; its responder answers meanwhile."""
    with Responder(register=register_in(folder)) as responder:
        hierarchy = Hierarchy.new(revocation_url=responder.url)
        responder.add(hierarchy)
        save_hierarchy(hierarchy, folder, ca_keys=CaKeys.KEPT)
        cbs = hierarchy.tsp.issue(common_name="ddas.cbs.example", organization="CBS", oin=CBS)
        municipality = hierarchy.tsp.issue(common_name="gegevens.gemeente.example", oin=MUNICIPALITY)
        save_signer(cbs, folder)
        made = credentials(cbs.credential, at=utc_now(), pki=folder)
        yield World(folder, hierarchy, cbs, municipality, responder, made)


def failures(report: ProbeReport) -> dict[str, list[str]]:
    """What failed, and why."""
    return {
        result.case.id: [finding.fault.value for finding in result.findings]
        for result in report.results
        if result.verdict is Verdict.FAILED
    }


# --- servers -------------------------------------------------------------------------------------------------------


@contextmanager
def serving(app: Any, *, http: Any = "h11", **options: Any) -> Iterator[str]:
    """An ASGI application under uvicorn, in a thread; gives `http://127.0.0.1:port`."""
    config = uvicorn.Config(app, http=http, lifespan="off", log_config=None, access_log=False, **options)
    with socket.create_server(("127.0.0.1", 0)) as listener, running(config, listener):
        scheme = "https" if options.get("ssl_certfile") else "http"
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def running(config: uvicorn.Config, listener: socket.socket) -> Iterator[None]:
    """A server on a socket that listens already, so that nobody comes too early."""
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        # What goes on until somebody hangs up is cut; an application that has a lifespan ends it first.
        server.force_exit = config.lifespan == "off"
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with each connection what it is told, one thread for each."""
    threads: list[threading.Thread] = []
    open_ones: list[socket.socket] = []

    def talk(connection: socket.socket) -> None:
        # The probe hangs up when it has seen enough, and the test when it ends.
        with connection, suppress(OSError):
            answer(connection)

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_ones.append(connection)
            thread = threading.Thread(target=talk, args=(connection,))
            threads.append(thread)
            thread.start()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        acceptor = threading.Thread(target=accept, args=(listener,))
        acceptor.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join(PATIENCE)
            for connection in open_ones:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(PATIENCE)
                assert not thread.is_alive()


def read_request(connection: socket.socket) -> bytes:
    """All that a request of the probe has, as far as it can be told."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        piece = connection.recv(65536)
        if not piece:
            return octets
        octets += piece
    return octets
