"""Providers that behave and providers that do not, in this process, and a consumer with a clock of its own."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import httpx

from nlgov_jades import (
    AsyncVerifier,
    CertificateRequirements,
    HttpRequest,
    HttpResponse,
    Oin,
    RevocationPolicy,
    Signer,
    VerificationPolicy,
    profiles,
)
from nlgov_jades.ddas import AnswerSettings, FscSettings, FscToken, Kind, Question, RateLimit, Storage, provider_app
from nlgov_jades.ddas.collect import CollectedPage, Consumer, Provider, Waiting, collect
from nlgov_jades.testing import Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
CBS, MUNICIPALITY, OTHER = "00000001001234567000", "00000003123456780000", "00000003876543210000"
URL = "https://gegevens.gemeente.example/v1/gegevens"

Step = Callable[[httpx.Request], Awaitable[httpx.Response]]


@dataclass
class Time:
    """Seconds that pass only where somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class World:
    """One hierarchy with a consumer and a provider in it."""

    hierarchy: Hierarchy
    cbs: Issued
    municipality: Issued
    time: Time = field(default_factory=Time)

    def provider(self, name: str = "Gemeente A", **options: Any) -> Provider:
        defaults: dict[str, Any] = {"name": name, "url": URL, "oin": Oin(MUNICIPALITY), "kind": Kind.SHV}
        return Provider(**defaults | options)

    def consumer(self, transport: httpx.AsyncBaseTransport | None = None, **options: Any) -> Consumer:
        defaults: dict[str, Any] = {
            "signer": Signer(self.cbs.credential, profile=profiles.DDAS, clock=lambda: NOW),
            "trust": self.hierarchy.trust,
            "transport": lambda _: transport,
            "certificate": CertificateRequirements.GENERIC,
            "revocation": RevocationPolicy.OFF,
            "fetcher": None,
            "clock": lambda: NOW,
            "waiting": Waiting(sleep=self.time.sleep, monotonic=lambda: self.time.now, chance=lambda: 1.0),
        }
        return Consumer(**defaults | options)

    def app(self, storage: Storage, **options: Any) -> httpx.ASGITransport:
        """A real provider."""
        policy = VerificationPolicy(profiles=(profiles.DDAS,), signers={Oin(CBS)}, revocation=RevocationPolicy.OFF)
        defaults: dict[str, Any] = {
            "storage": storage,
            "kind": Kind.SHV,
            "signer": Signer(self.municipality.credential, profile=profiles.DDAS, clock=lambda: NOW),
            "verifier": AsyncVerifier(trust=self.hierarchy.trust, policy=policy, clock=lambda: NOW),
            "answers": AnswerSettings(supplier="GL123456"),
            "fsc": FscSettings(token=FscToken.IF_PRESENT),
            "rate_limit": RateLimit(burst=10_000),
            "prefix": "/v1",
            "clock": lambda: NOW,
        }
        return httpx.ASGITransport(app=provider_app(**defaults | options), raise_app_exceptions=False)

    def signed(
        self,
        body: bytes | dict[str, Any],
        *,
        status: int = 200,
        signer: Issued | None = None,
        media_type: str = "application/json",
        fields: tuple[tuple[str, str], ...] = (),
        clock: dt.datetime = NOW,
        extensions: dict[str, Any] | None = None,
    ) -> Step:
        """An answer as a provider signs it, whatever it holds."""

        async def answer(request: httpx.Request) -> httpx.Response:
            octets = body if isinstance(body, bytes) else json.dumps(body).encode()
            lines = [("Content-Type", media_type), ("Content-Length", str(len(octets))), *fields]
            asked = HttpRequest(method="POST", target="/v1/gegevens", fields=list(request.headers.multi_items()))
            message = HttpResponse(status=status, fields=lines, body=octets, request=asked)
            party = signer or self.municipality
            made = Signer(party.credential, profile=profiles.DDAS, clock=lambda: clock).sign(message)
            return httpx.Response(status, headers=[*lines, *made], content=octets, extensions=extensions or {})

        return answer

    def run(self, provider: Provider, consumer: Consumer, question: Question, backend: str) -> list[Seen]:
        """What is collected; raises what the collection raises."""
        seen: list[Seen] = []
        anyio.run(partial(self.gather, provider, consumer, question, seen), backend=backend)
        return seen

    @staticmethod
    async def gather(provider: Provider, consumer: Consumer, question: Question, seen: list[Seen]) -> None:
        with anyio.fail_after(60):
            async with collect(provider, question, consumer=consumer) as pages:
                async for page in pages:
                    seen.append(Seen(page, [record.data for record in page.records()]))  # noqa: PERF401 - what came before an error counts


@dataclass
class Seen:
    """A page and its records."""

    page: CollectedPage
    records: list[dict[str, Any]]


class Scripted(httpx.AsyncBaseTransport):
    """Answers one question after the other as it is told; the last step stays."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.questions: list[dict[str, Any]] = []
        self.signatures: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.questions.append(json.loads(await request.aread()))
        self.signatures.append(request.headers["nlgov-adr-payload-sig"])
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return await step(request)


def plain(status: int, body: bytes = b"", **fields: str) -> Step:
    """An answer that nobody signed."""

    async def answer(_: httpx.Request) -> httpx.Response:
        lines = {name.replace("_", "-"): value for name, value in fields.items()}
        # A stream, as from a network: `content` would be read already.
        stream = httpx.ByteStream(body)
        return httpx.Response(status, headers={"Content-Type": "application/json", **lines}, stream=stream)

    return answer


def failing(error: type[httpx.TransportError]) -> Step:
    """A connection that fails before an answer began."""

    async def fail(request: httpx.Request) -> httpx.Response:
        raise error("the text of the library", request=request)

    return fail


def page(
    *numbers: int,
    current: int = 1,
    size: int = 2,
    total: int = 4,
    pages: int | None = None,
    start: str = "2024-01-01",
    end: str = "2024-12-31",
    organisation: str = "Gemeente A",
    member: str = "schuldhulptrajecten",
) -> dict[str, Any]:
    """A page in the newest shape, whose records have these numbers."""
    count = -(-total // size) if pages is None else pages
    return {
        "gegevens": bare(*numbers, start=start, end=end, organisation=organisation, member=member),
        "paginering": {"pageSize": size, "currentPage": current, "totalPages": count, "totalRecords": total},
    }


def bare(
    *numbers: int,
    start: str = "2024-01-01",
    end: str = "2024-12-31",
    organisation: str = "Gemeente A",
    member: str = "schuldhulptrajecten",
) -> dict[str, Any]:
    """The same without anything around it."""
    levering = {
        "teller": 1,
        "aanleverende_organisatie": {"(Statutaire) Naam": organisation},
        member: [{"omschrijving": f"Traject {number}"} for number in numbers],
    }
    return {
        "startdatumLevering": start,
        "einddatumLevering": end,
        "aanleverdatumEnTijd": "2026-06-15T12:00:00Z",
        "codeGegevensleverancier": "GL123456",
        "leveringen": [levering],
    }
