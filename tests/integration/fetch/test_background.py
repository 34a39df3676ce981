"""Data that are due: the caller has what is held at once, and threads behind its back fetch newer ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.x509 import ocsp

from nlgov_jades.errors import FetchError
from nlgov_jades.fetch.background import MAX_THREADS, MAX_WAITING
from nlgov_jades.fetch.retrieval import Reading

from . import servers
from .conftest import HOUR, NOW, PATIENCE, Authority, Clock, Fetching
from .servers import OCSP, Behaviour, Server, answering, gated, one_after_the_other

Serve = Callable[..., Server]

DUE = NOW + 4 * HOUR
THREADS = 200
KEYS = 50


class BrokenError(BaseException):
    """Not an Exception."""


@pytest.fixture
def threads(time: Clock) -> Iterator[Fetching]:
    fetching = Fetching("threads", time)
    yield fetching
    fetching.settle()
    assert fetching.flights == 0


def newer(authority: Authority, **changes: Any) -> bytes:
    return authority.crl(number=2, at=NOW + 3 * HOUR, **changes)


def first_then(authority: Authority, behave: Behaviour) -> Behaviour:
    """A CRL, and from then on something else."""
    return one_after_the_other(answering(authority.crl()), behave)


# --- nobody waits ------------------------------------------------------------------------------------------------


def test_a_caller_gets_what_is_held_while_the_server_is_silent_and_the_next_one_gets_newer_data(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    server = serve(first_then(authority, gated(answering(newer(authority)))))
    held = threads(authority.crl_at(server.url()))
    server.visited.clear()
    time.now = DUE
    request = authority.crl_at(server.url(), at=time.now)
    assert threads(request) is held
    assert server.visited.wait(PATIENCE)
    assert threads(request) is held
    server.gate.set()
    threads.settle()
    assert threads(request).der == newer(authority)


def test_the_thread_of_the_caller_neither_fetches_nor_parses(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(first_then(authority, answering(newer(authority))))
    threads(authority.crl_at(server.url()))
    by, perform = [], threads.fetcher._perform

    def watched(step: Any) -> None:
        by.append((type(step).__name__, threading.current_thread().name))
        perform(step)

    monkeypatch.setattr(threads.fetcher, "_perform", watched)
    time.now = DUE
    threads(authority.crl_at(server.url(), at=time.now))
    threads.settle()
    assert by == [("Exchange", "nlgov-jades-refresh"), ("Reading", "nlgov-jades-refresh")]


def test_a_revocation_that_is_found_in_the_background_changes_the_generation(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    revoked = authority.ocsp(ocsp.OCSPCertStatus.REVOKED, at=NOW + HOUR)
    server = serve(
        one_after_the_other(*(answering(octets, Content_Type=OCSP) for octets in (authority.ocsp(), revoked)))
    )
    held = threads(authority.ocsp_at(server.url()))
    generation = threads.fetcher.generation
    time.now = DUE
    request = authority.ocsp_at(server.url(), at=time.now)
    assert threads(request) is held
    threads.settle()
    assert threads.fetcher.generation != generation
    assert threads(request).der == revoked


def test_the_refresh_has_the_time_of_a_fetch_and_not_what_its_caller_has_left(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(first_then(authority, answering(newer(authority))))
    threads(authority.crl_at(server.url()))
    left, exchange = [], threads.fetcher._exchange

    def watched(step: Any) -> None:
        left.append(step.deadline.left())
        exchange(step)

    monkeypatch.setattr(threads.fetcher, "_exchange", watched)
    time.now = DUE
    threads(authority.crl_at(server.url(), at=time.now), timeout=0.1)
    threads.settle()
    assert len(left) == 1
    assert 4 < left[0] <= threads.limits.seconds == 5


# --- how many ----------------------------------------------------------------------------------------------------


def test_200_callers_with_data_that_are_due_cause_one_refresh(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    server = serve(first_then(authority, gated(answering(newer(authority)))))
    held = threads(authority.crl_at(server.url()))
    time.now = DUE
    request = authority.crl_at(server.url(), at=time.now)
    with ThreadPoolExecutor(THREADS) as pool:
        assert all(data is held for data in pool.map(threads, [request] * THREADS))
    server.gate.set()
    threads.settle()
    assert server.connections == 2


def test_200_callers_over_50_keys_start_two_threads_and_a_bounded_queue_and_nothing_is_left_out(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    server = serve(gated(answering(authority.crl())))
    server.gate.set()
    held = [threads(authority.crl_at(server.url(f"/{key}"))) for key in range(KEYS)]
    server.gate.clear()
    time.now = DUE
    requests = [authority.crl_at(server.url(f"/{number % KEYS}"), at=time.now) for number in range(THREADS)]
    workers = threads.fetcher._workers
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(threads, requests)) == held * (THREADS // KEYS)
    assert len(workers._threads) == MAX_THREADS
    assert len(workers._jobs) <= MAX_WAITING
    assert MAX_WAITING <= len(workers._keys) <= MAX_WAITING + MAX_THREADS < KEYS
    server.gate.set()
    threads.settle()
    assert MAX_WAITING <= server.connections - KEYS <= MAX_WAITING + MAX_THREADS
    # What did not fit, the next callers start.
    for request in requests[:KEYS]:
        threads(request)
    threads.settle()
    assert server.connections == 2 * KEYS


def test_who_has_nothing_to_use_any_more_waits_for_the_refresh_that_is_under_way(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    server = serve(first_then(authority, gated(answering(newer(authority)))))
    threads(authority.crl_at(server.url()))
    server.visited.clear()
    time.now = DUE
    threads(authority.crl_at(server.url(), at=time.now))
    assert server.visited.wait(PATIENCE)
    time.now = NOW + 24 * HOUR
    late = authority.crl_at(server.url(), at=time.now)
    with pytest.raises(FetchError, match="no answer in time"):
        threads(late, timeout=0.1)
    server.gate.set()
    assert threads(late).der == newer(authority)
    assert server.connections == 2


# --- and what goes wrong -----------------------------------------------------------------------------------------


def test_what_has_been_due_for_an_hour_is_waited_for(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    server = serve(first_then(authority, answering(newer(authority))))
    threads(authority.crl_at(server.url()))
    time.now = NOW + 5 * HOUR
    assert threads(authority.crl_at(server.url(), at=time.now)).der == newer(authority)


def test_a_server_that_is_silent_is_left_alone_for_a_while_however_short_the_limit(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    server = serve(first_then(authority, servers.silent))
    held = threads(authority.crl_at(server.url()))
    threads.renew(seconds=0.2)
    time.now = DUE
    for _ in range(3):
        assert threads(authority.crl_at(server.url(), at=time.now)) is held
        threads.settle()
    assert server.connections == 2


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, BrokenError])
@pytest.mark.parametrize("broken", ["parse", "keep"])
def test_a_refresh_that_meets_a_bug_is_a_setback_and_the_next_one_works(
    threads: Fetching,
    serve: Serve,
    authority: Authority,
    time: Clock,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
    error: type[BaseException],
) -> None:
    def fail(*_: object) -> Any:
        raise error

    server = serve(first_then(authority, answering(newer(authority))))
    held = threads(authority.crl_at(server.url()))
    time.now = DUE
    with monkeypatch.context() as patched:
        if broken == "parse":
            patched.setattr(Reading, "parse", fail)
        else:
            patched.setattr(threads.fetcher._desk, "keep", fail)
        for _ in range(3):
            assert threads(authority.crl_at(server.url(), at=time.now)) is held
            threads.settle()
    assert server.connections == 2
    time.now = DUE + HOUR / 60
    assert threads(authority.crl_at(server.url(), at=time.now)) is held
    threads.settle()
    assert threads(authority.crl_at(server.url(), at=time.now)).der == newer(authority)


def test_a_clock_that_is_broken_in_the_background_does_not_end_refreshes_for_ever(
    threads: Fetching, serve: Serve, authority: Authority, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Any:
        if threading.current_thread().name == "nlgov-jades-refresh":
            raise BrokenError
        return time.now

    server = serve(first_then(authority, answering(newer(authority))))
    held = threads(authority.crl_at(server.url()))
    time.now = DUE
    request = authority.crl_at(server.url(), at=time.now)
    with monkeypatch.context() as patched:
        patched.setattr(threads.fetcher._desk, "_clock", fail)
        assert threads(request) is held
        threads.settle()
    assert threads(request) is held
    threads.settle()
    assert threads(request).der == newer(authority)
