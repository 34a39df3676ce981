"""The machines of the chain as processes, and a consumer before them."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx

from nlgov_jades import Oin, Signer, profiles
from nlgov_jades.ddas import Kind, Question
from nlgov_jades.ddas.collect import CollectedPage, Consumer, Provider, Retries
from nlgov_jades.ddas.fleet import collect_fleet
from nlgov_jades.ddas.report import FleetReport, ProviderReport
from nlgov_jades.fetch import FetchLimits
from nlgov_jades.fetch.httpx import HttpxFetcher
from nlgov_jades.testing import Hierarchy, Issued, Responder

PATIENCE = 30.0
"""Seconds after which something hangs."""

PROGRAM = Path(__file__).with_name("program.py")

CBS, MUNICIPALITY = "00000001001234567000", "00000003123456780000"
QUESTION = Question()
LOOPBACK = IPv4Network("127.0.0.1/32")


@dataclass
class Machine:
    """A process that listens, or soon will."""

    process: subprocess.Popen[bytes]
    log: Path

    @cached_property
    def port(self) -> int:
        """Where it listens: waits until it does."""
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        assert told, self.log.read_text()
        return int(told)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@contextmanager
def machine(role: str, folder: Path, **options: Any) -> Iterator[Machine]:
    """The process, until the end of the block. Who asks for its port waits until it takes connections."""
    log = folder / f"{role}-{len(list(folder.glob('*.log')))}.log"
    command = [sys.executable, "-W", "ignore", str(PROGRAM), role, str(folder), json.dumps(options)]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL) as process,
    ):
        try:
            yield Machine(process, log)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@dataclass
class Collection:
    """What came of asking."""

    report: FleetReport
    pages: list[CollectedPage] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def only(self) -> ProviderReport:
        (report,) = self.report.providers
        return report

    @property
    def told(self) -> tuple[str, str | None, int | None]:
        return self.only.status.value, self.only.code, self.only.http_status


@dataclass
class Chain:
    """Consumer → outway → inway → provider, and who is asked about revocation."""

    hierarchy: Hierarchy
    responder: Responder
    consumer: Issued
    provider: Issued
    folder: Path
    outway: Machine

    def logged(self, role: str, line: str) -> bool:
        """Whether the log of such a machine has a line like this, or gets one: it is written behind the answer."""
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.05)):
            if any(re.search(line, log.read_text()) for log in self.folder.glob(f"{role}-*.log")):
                return True
            pause.wait(0.05)
        return False

    def collect(
        self,
        grant: str,
        *,
        kind: Kind = Kind.SHV,
        signer: Issued | None = None,
        outway: Machine | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        fields: dict[str, str] | None = None,
    ) -> Collection:
        """All pages, with nothing remembered about revocation."""
        limits = FetchLimits(addresses=(LOOPBACK,), ports={int(self.responder.url.rpartition(":")[2])})
        consumer = Consumer(
            signer=Signer((signer or self.consumer).credential, profile=profiles.DDAS),
            trust=self.hierarchy.trust,
            fetcher=HttpxFetcher(limits=limits),
            retries=Retries(attempts=1),
            seconds=PATIENCE,
            transport=lambda _: transport or httpx.AsyncHTTPTransport(trust_env=False),
        )
        asked = Provider(
            name="Gemeente A",
            url=f"{(outway or self.outway).url}/v1/gegevens",
            oin=Oin(MUNICIPALITY),
            kind=kind,
            fields={"Fsc-Grant-Hash": grant, **(fields or {})},
        )
        pages: list[CollectedPage] = []
        records: list[dict[str, Any]] = []

        async def keep(page: CollectedPage) -> None:
            await asyncio.sleep(0)
            pages.append(page)
            records.extend(record.data for record in page.records())

        report = asyncio.run(collect_fleet([asked], QUESTION, consumer=consumer, keep=keep))
        return Collection(report, pages, records)
