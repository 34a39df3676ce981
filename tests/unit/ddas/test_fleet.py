from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from nlgov_jades import RevocationPolicy
from nlgov_jades.ddas import Question, SqliteStorage
from nlgov_jades.ddas.breaking import BRIEF, HostBreaker
from nlgov_jades.ddas.collect import CollectedPage, Provider
from nlgov_jades.ddas.fleet import FleetProgress, collect_fleet, terminal_progress
from nlgov_jades.ddas.report import CollectionStatus, FleetReport
from nlgov_jades.errors import ConfigurationError, FetchError
from nlgov_jades.fetch import FetchLimits
from nlgov_jades.fetch.httpx import HttpxFetcher
from nlgov_jades.pki.revocation import FetchRequest, RevocationData
from nlgov_jades.testing import Hierarchy, Issued, Responder

from .fleet_world import CBS, MUNICIPALITY, NOW, Scripted, Time, World, failing, page, plain

Fill = Callable[..., SqliteStorage]

QUESTION = Question(page_size=2)


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def cbs(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(common_name="ddas.cbs.example", oin=CBS)


@pytest.fixture(scope="session")
def municipality(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(common_name="gegevens.gemeente.example", oin=MUNICIPALITY)


@pytest.fixture
def world(hierarchy: Hierarchy, cbs: Issued, municipality: Issued) -> World:
    return World(hierarchy, cbs, municipality)


async def nowhere(_: CollectedPage) -> None:
    await anyio.lowlevel.checkpoint()


def fleet(
    world: World,
    transports: dict[str, httpx.AsyncBaseTransport],
    backend: str,
    *,
    keep: Callable[[CollectedPage], Awaitable[None]] = nowhere,
    consumer: dict[str, Any] | None = None,
    **options: Any,
) -> FleetReport:
    async def main() -> FleetReport:
        with anyio.fail_after(60):
            return await collect_fleet(
                [world.provider(name) for name in transports],
                QUESTION,
                consumer=_consumer(world, transports, consumer or {}),
                keep=keep,
                **options,
            )

    return anyio.run(main, backend=backend)


def _consumer(world: World, transports: dict[str, httpx.AsyncBaseTransport], options: dict[str, Any]) -> Any:
    return replace(world.consumer(), transport=lambda one: transports[one.name], **options)


async def hang(_: httpx.Request) -> httpx.Response:
    await anyio.sleep_forever()
    raise AssertionError


def test_one_failure_ends_no_other(world: World, filled: Fill, backend: str) -> None:
    gateway = plain(403, _gateway_body(), Fsc_Error_Code="ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN")
    transports: dict[str, httpx.AsyncBaseTransport] = {
        "good": world.app(filled(5)),
        "unsigned": Scripted(plain(200, b"{}")),
        "wrong page": Scripted(world.signed(page(1, 2, current=2))),
        "gateway": Scripted(gateway),
        "away": Scripted(failing(httpx.ConnectError)),
        "problem": Scripted(world.signed({"code": "UNPROCESSABLE"}, status=422, media_type="application/problem+json")),
        "full disk": Scripted(world.signed(page(1, 2))),
    }

    async def keep(got: CollectedPage) -> None:
        await anyio.lowlevel.checkpoint()
        if got.provider.name == "full disk":
            raise OSError("a path that nobody should see")

    report = fleet(world, transports, backend, keep=keep)
    assert [(one.name, one.status, one.code, one.http_status) for one in report.providers] == [
        ("good", CollectionStatus.OK, None, None),
        ("unsigned", CollectionStatus.REFUSED, "SIGNATURE_MISSING", None),
        ("wrong page", CollectionStatus.REFUSED, "ANSWER_PAGE", None),
        ("gateway", CollectionStatus.GATEWAY, "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN", 403),
        ("away", CollectionStatus.UNREACHABLE, "ConnectError", None),
        ("problem", CollectionStatus.PROBLEM, "UNPROCESSABLE", 422),
        ("full disk", CollectionStatus.FAILED, "OSError", None),
    ]
    good, away = report.providers[0], report.providers[4]
    assert (good.pages, good.records, good.attempts, good.rounds) == (3, 5, 3, 1)
    assert good.signature is not None
    assert (good.signature.profile, good.signature.certificate_days_left) == ("ddas", 335)
    assert good.signature.field_length > 1000
    assert (away.attempts, away.signature) == (4, None)
    assert not report.is_complete


def _gateway_body() -> bytes:
    return json.dumps(
        {"code": "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN", "domain": "ERROR_DOMAIN_INWAY", "message": "x"}
    ).encode()


def test_fifty_providers_are_asked_while_one_hangs(world: World, backend: str) -> None:
    running, most = 0, 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.lowlevel.checkpoint()
        running -= 1
        return await world.signed(page(1, 2, total=2))(request)

    transports: dict[str, httpx.AsyncBaseTransport] = {f"p{number}": Scripted(answer) for number in range(49)}
    transports["hangs"] = Scripted(hang)
    # The others need less, also on a machine that is busy.
    report = fleet(world, transports, backend, at_once=10, consumer={"seconds": 3.0})
    assert [one.name for one in report.providers] == list(transports)
    assert sum(one.status is CollectionStatus.OK for one in report.providers) == 49
    assert (report.providers[-1].status, report.providers[-1].code) == (CollectionStatus.UNREACHABLE, "TIMEOUT")
    assert most <= 10


def test_a_provider_has_its_time_for_all_of_its_pages(world: World, backend: str) -> None:
    transports: dict[str, httpx.AsyncBaseTransport] = {"slow": Scripted(world.signed(page(1, 2)), hang)}
    (one,) = fleet(world, transports, backend, seconds=0.2).providers
    assert (one.status, one.code, one.pages, one.records) == (CollectionStatus.UNREACHABLE, "TIMEOUT", 1, 2)


def test_a_cancelled_fleet_ends(world: World, backend: str) -> None:
    async def main() -> None:
        with anyio.move_on_after(0.1) as scope:
            providers = [world.provider(str(number)) for number in range(5)]
            await collect_fleet(providers, QUESTION, consumer=world.consumer(Scripted(hang)), keep=nowhere)
        assert scope.cancelled_caught

    anyio.run(main, backend=backend)


def test_progress_tells_of_each_page_and_each_end_and_may_fail(world: World, backend: str) -> None:
    told: list[FleetProgress] = []

    def tell(progress: FleetProgress) -> None:
        told.append(progress)
        raise ValueError("a bar that fails")

    transports: dict[str, httpx.AsyncBaseTransport] = {
        "a": Scripted(world.signed(page(1, 2)), world.signed(page(3, 4, current=2)))
    }
    report = fleet(world, transports, backend, progress=tell)
    assert [(one.pages, one.of, one.done, one.total) for one in told] == [(1, 2, 0, 1), (2, 2, 0, 1), (2, 2, 1, 1)]
    assert told[-1].report == report.providers[0]


def test_the_log_has_one_line_for_each_provider_and_nothing_of_its_answer(
    world: World, filled: Fill, caplog: pytest.LogCaptureFixture, backend: str
) -> None:
    caplog.set_level(logging.INFO, "nlgov_jades.ddas")
    seen: list[str] = []

    async def keep(got: CollectedPage) -> None:
        await anyio.lowlevel.checkpoint()
        seen.extend(client["Burgerservicenummer"] for record in got.records() for client in record.data["client"])

    report = fleet(world, {"a": world.app(filled(3))}, backend, keep=keep)
    (line,) = [record.getMessage() for record in caplog.records if record.getMessage().startswith("collected")]
    assert f"oin={MUNICIPALITY} status=ok" in line
    assert seen
    assert not [number for number in seen if number in caplog.text + report.json() + report.table()]


def test_what_is_configured_wrongly_is_told(world: World, backend: str) -> None:
    async def ask(providers: list[Provider], **options: Any) -> None:
        await collect_fleet(providers, QUESTION, consumer=world.consumer(Scripted()), keep=nowhere, **options)

    one = world.provider()
    for providers, options in (([], {}), ([one, one], {}), ([one], {"at_once": 0}), ([one], {"seconds": 0})):
        with pytest.raises(ConfigurationError):
            anyio.run(partial(ask, providers, **options), backend=backend)


# --- revocation ----------------------------------------------------------------------------------------------------


def test_all_share_what_is_known_of_revocation(world: World, backend: str) -> None:
    with Responder(clock=lambda: NOW) as responder:
        hierarchy = Hierarchy.new(
            not_before=world.hierarchy.root.certificate.not_valid_before_utc, revocation_url=responder.url
        )
        responder.add(hierarchy)
        here = World(hierarchy, world.cbs, hierarchy.tsp.issue(oin=MUNICIPALITY))
        port = int(responder.url.rpartition(":")[2])
        limits = FetchLimits(ports={port}, addresses=(ip_network("127.0.0.0/8"),))
        fetcher = HttpxFetcher(limits=limits, clock=lambda: NOW)
        transports: dict[str, httpx.AsyncBaseTransport] = {
            f"p{number}": Scripted(here.signed(page(1, 2, total=2))) for number in range(6)
        }
        options = {"revocation": RevocationPolicy.HARD_FAIL, "fetcher": fetcher}
        report = fleet(here, transports, backend, consumer=options)
        asked = sorted(request.path for request in responder.requests)
    assert report.is_complete, report.table()
    found = report.providers[0].as_json()["revocation"]
    assert (found["status"], found["source"]) == ("good", "ocsp")
    assert found["this_update"] is not None
    # One OCSP response and the CRLs above it, for six providers with one signer.
    assert len(asked) == len(set(asked)) == 3, asked


class Dead:
    """A fetcher whose host takes its time to say nothing."""

    def __init__(self, time: Time, takes: float) -> None:
        self.time, self.takes, self.timeouts = time, takes, list[float]()

    async def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:  # noqa: ASYNC109 - a fetcher's
        del request
        await anyio.lowlevel.checkpoint()
        self.timeouts.append(timeout)
        self.time.now += min(timeout, self.takes)
        raise FetchError("no answer in time")


@pytest.mark.parametrize(("takes", "given"), [(5.0, [10, BRIEF, BRIEF, 10]), (0.1, [10, 10, 10, 10])])
def test_a_host_that_lets_wait_is_left_alone_and_one_that_says_no_is_not(
    backend: str, takes: float, given: list[float]
) -> None:
    time = Time()
    dead = Dead(time, takes)
    breaker = HostBreaker(dead, monotonic=lambda: time.now, rest=30.0)

    class Request:
        url = "http://ocsp.example/a"

    async def main() -> None:
        for number in range(4):
            time.now += 31 if number == 3 else 0
            with pytest.raises(FetchError):
                await breaker.fetch(Request(), timeout=10)  # type: ignore[arg-type] # only its URL is looked at

    anyio.run(main, backend=backend)
    assert dead.timeouts == given


# --- on a terminal -------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


TOLD = FleetProgress("a", 1, 1, 3, 7)


def test_a_terminal_gets_a_bar_and_a_file_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, shown in ((Terminal(), "3/7"), (io.StringIO(), "")):
        with terminal_progress(stream) as tell:
            tell(TOLD)
        assert shown in stream.getvalue()
        assert bool(stream.getvalue()) is bool(shown)
    # Where rich is not installed.
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    without = Terminal()
    with terminal_progress(without) as tell:
        tell(TOLD)
    assert without.getvalue() == ""
