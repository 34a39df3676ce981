"""One fetch at a time for each key, whatever the number of those who ask, and whatever becomes of the one who fetches."""

from __future__ import annotations

import threading
import time as stopwatch
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from nlgov_jades.errors import FetchError
from nlgov_jades.pki.revocation import FetchRequest

from . import servers
from .conftest import Authority, Clock, Fetching
from .servers import OCSP, Server, answering, gated

Serve = Callable[..., Server]

THREADS = 200
TASKS = 2000


@pytest.fixture
def threads(time: Clock) -> Fetching:
    return Fetching("threads", time)


@pytest.fixture(params=["asyncio", "trio"])
def tasks(request: pytest.FixtureRequest, time: Clock) -> Fetching:
    return Fetching(request.param, time)


def outcome_of(fetching: Fetching, request: FetchRequest) -> str:
    try:
        return type(fetching(request)).__name__
    except FetchError as error:
        return f"FetchError: {error}"


def ask_in_threads(fetching: Fetching, request: FetchRequest) -> list[str]:
    start = threading.Barrier(THREADS)

    def ask() -> str:
        start.wait()
        return outcome_of(fetching, request)

    with ThreadPoolExecutor(THREADS) as pool:
        return [asked.result() for asked in [pool.submit(ask) for _ in range(THREADS)]]


def ask_in_tasks(fetching: Fetching, request: FetchRequest) -> list[str]:
    outcomes: list[str] = []

    async def ask() -> None:
        try:
            outcomes.append(type(await fetching.fetcher.fetch(request, timeout=20)).__name__)
        except FetchError as error:
            outcomes.append(f"FetchError: {error}")

    async def everybody() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(TASKS):
                group.start_soon(ask)

    fetching.run(everybody)
    return outcomes


def test_200_threads_cause_one_connection(threads: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.ocsp(), Content_Type=OCSP))
    assert ask_in_threads(threads, authority.ocsp_at(server.url())) == ["OcspResponse"] * THREADS
    assert server.connections == 1
    assert threads.flights == 0


def test_200_threads_hear_of_one_failure(threads: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(b"", 503))
    outcomes = ask_in_threads(threads, authority.ocsp_at(server.url()))
    assert len(outcomes) == THREADS
    assert all(outcome.startswith("FetchError: it answered with status 503") for outcome in outcomes)
    assert server.connections == 1
    assert threads.flights == 0


def test_200_threads_hear_of_one_answer_that_says_nothing(
    threads: Fetching, serve: Serve, authority: Authority
) -> None:
    server = serve(answering(b"not DER", Content_Type=OCSP))
    outcomes = ask_in_threads(threads, authority.ocsp_at(server.url()))
    assert all(outcome.startswith("FetchError: this is not an OCSP response") for outcome in outcomes)
    assert server.connections == 1


def test_2000_tasks_cause_one_connection(tasks: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.crl()))
    assert ask_in_tasks(tasks, authority.crl_at(server.url())) == ["Crl"] * TASKS
    assert server.connections == 1
    assert tasks.flights == 0


def test_2000_tasks_hear_of_one_failure(tasks: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(servers.resetting)
    outcomes = ask_in_tasks(tasks, authority.crl_at(server.url()))
    assert len(outcomes) == TASKS
    assert all(outcome.startswith("FetchError: the exchange failed") for outcome in outcomes)
    assert server.connections == 1
    assert tasks.flights == 0


def test_each_url_has_its_own_flight(threads: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.crl()))
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(threads, authority.crl_at(server.url(f"/{item % 4}"))) for item in range(20)]
        assert {type(item.result()).__name__ for item in asked} == {"Crl"}
    assert server.connections == 4


def test_two_certificates_of_one_issuer_share_a_crl(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.crl()))
    first = fetching(authority.crl_at(server.url()))
    second = fetching(authority.crl_at(server.url(), certificate=authority.other.certificate))
    assert first is second
    assert server.connections == 1


def test_a_thread_that_waits_has_a_time_out_of_its_own(threads: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(gated(answering(authority.crl())))
    request = authority.crl_at(server.url())
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(threads, request, timeout=20)
        assert server.visited.wait(5)
        started = stopwatch.monotonic()
        with pytest.raises(FetchError, match="no answer in time"):
            threads(request, timeout=0.1)
        assert stopwatch.monotonic() - started < 1
        server.gate.set()
        assert type(leader.result()).__name__ == "Crl"
    assert server.connections == 1


def test_a_task_that_waits_has_a_time_out_of_its_own(tasks: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(gated(answering(authority.crl())))
    request = authority.crl_at(server.url())
    found = []

    async def lead() -> None:
        found.append(await tasks.fetcher.fetch(request, timeout=20))

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await anyio.to_thread.run_sync(server.visited.wait, 5)
            with pytest.raises(FetchError, match="no answer in time"):
                await tasks.fetcher.fetch(request, timeout=0.1)
            server.gate.set()

    tasks.run(both)
    assert len(found) == 1
    assert server.connections == 1


def test_a_leader_with_little_time_spoils_nothing_for_the_others(
    fetching: Fetching, serve: Serve, authority: Authority
) -> None:
    server = serve(gated(answering(authority.crl())))
    request = authority.crl_at(server.url())
    with pytest.raises(FetchError, match="no answer in time"):
        fetching(request, timeout=0.1)
    server.gate.set()
    assert type(fetching(request)).__name__ == "Crl"


def test_when_the_leading_task_is_cancelled_a_waiter_takes_over(
    tasks: Fetching, serve: Serve, authority: Authority
) -> None:
    server = serve(gated(answering(authority.crl())))
    request = authority.crl_at(server.url())
    found = []

    async def wait() -> None:
        found.append(await tasks.fetcher.fetch(request, timeout=20))

    async def cancel_the_first() -> None:
        async with anyio.create_task_group() as group:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as first:
                    first.start_soon(wait)
                    await anyio.to_thread.run_sync(server.visited.wait, 5)
                    for _ in range(20):
                        group.start_soon(wait)
                    await anyio.lowlevel.checkpoint()
                    scope.cancel()
            server.gate.set()

    tasks.run(cancel_the_first)
    assert len(found) == 20
    assert server.connections == 2
    assert tasks.flights == 0


@pytest.mark.parametrize("behave", [servers.silent, servers.dripping_body, servers.silent_at_once])
def test_cancelled_tasks_leave_nothing_behind(
    tasks: Fetching, serve: Serve, authority: Authority, behave: servers.Behaviour
) -> None:
    server = serve(behave)
    scheme = "https" if behave is servers.silent_at_once else "http"
    request = authority.crl_at(server.url(scheme=scheme))

    async def give_up() -> None:
        with anyio.move_on_after(0.1):
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(tasks.fetcher.fetch, request)

    async def fetch(request: FetchRequest) -> None:
        await original(request, timeout=20)

    original, tasks.fetcher.fetch = tasks.fetcher.fetch, fetch
    tasks.run(give_up)
    assert tasks.flights == 0


def test_a_leader_that_is_interrupted_leaves_nothing_behind(
    threads: Fetching, serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answering(authority.crl()))
    request = authority.crl_at(server.url())

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threads.fetcher, "_exchange", interrupt)
        with pytest.raises(KeyboardInterrupt):
            threads(request)
    assert threads.flights == 0
    assert type(threads(request)).__name__ == "Crl"


def test_an_unexpected_exception_is_a_fetch_error_for_everybody(
    threads: Fetching, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fail(step: object) -> None:
        calls.append(step)
        raise RuntimeError("http://secret.example/")

    monkeypatch.setattr(threads.fetcher, "_exchange", fail)
    outcomes = ask_in_threads(threads, authority.crl_at("http://127.0.0.1/"))
    assert all(outcome.startswith("FetchError: the exchange failed (RuntimeError)") for outcome in outcomes)
    assert len(calls) == 1
