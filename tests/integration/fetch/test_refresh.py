"""When a fetcher asks again: ahead of time, once, and not at all for a while after it failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.x509 import ocsp

from nlgov_jades.errors import FetchError

from .conftest import HOUR, NOW, Authority, Clock, Fetching
from .servers import OCSP, Server, Visit, answering, one_after_the_other

Serve = Callable[..., Server]

SECOND = dt.timedelta(seconds=1)


def test_data_are_used_again_until_they_are_due(
    fetching: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    server = serve(answering(authority.crl()))
    for _ in range(3):
        fetching(authority.crl_at(server.url(), at=time.now))
        time.now += HOUR
    assert server.connections == 1
    time.now = NOW + 4 * HOUR
    fetching(authority.crl_at(server.url(), at=time.now))
    fetching.settle()
    assert server.connections == 2


def test_newer_data_replace_older_ones(fetching: Fetching, serve: Serve, authority: Authority, time: Clock) -> None:
    newer = authority.crl(number=2, at=NOW + 4 * HOUR)
    server = serve(one_after_the_other(answering(authority.crl()), answering(newer)))
    fetching(authority.crl_at(server.url()))
    time.now = NOW + 5 * HOUR
    assert fetching(authority.crl_at(server.url(), at=time.now)).der == newer


def test_a_replay_of_older_data_does_not_take_a_revocation_back(
    fetching: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    revoked = authority.ocsp(ocsp.OCSPCertStatus.REVOKED, at=NOW - HOUR)
    replayed = authority.ocsp(at=NOW - 2 * HOUR, window=48 * HOUR)
    server = serve(one_after_the_other(answering(revoked, Content_Type=OCSP), answering(replayed, Content_Type=OCSP)))
    fetching(authority.ocsp_at(server.url()))
    time.now = NOW + 5 * HOUR
    assert fetching(authority.ocsp_at(server.url(), at=time.now)).der == revoked
    assert server.connections == 2
    # Out of date, they are still remembered.
    time.now = NOW + 30 * HOUR
    with pytest.raises(FetchError, match="older than one that was seen before"):
        fetching(authority.ocsp_at(server.url(), at=time.now))


def test_of_overdue_data_one_caller_waits_for_newer_ones_and_the_others_use_what_they_have(
    serve: Serve, authority: Authority, time: Clock
) -> None:
    fetching = Fetching("threads", time)
    newer = authority.crl(number=2, at=NOW + 4 * HOUR)

    def waiting(visit: Visit) -> None:
        visit.request()
        visit.server.gate.wait()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\n" + newer)

    server = serve(one_after_the_other(answering(authority.crl()), waiting))
    older = fetching(authority.crl_at(server.url()))
    time.now = NOW + 5 * HOUR
    request = authority.crl_at(server.url(), at=time.now)
    with ThreadPoolExecutor(1) as pool:
        server.visited.clear()
        refreshing = pool.submit(fetching, request)
        assert server.visited.wait(5)
        assert all(fetching(request) is older for _ in range(50))
        server.gate.set()
        assert refreshing.result().der == newer
    assert server.connections == 2


@pytest.mark.parametrize("hours", [4, 5], ids=["due", "overdue"])
def test_a_refresh_that_fails_keeps_what_is_held_and_is_not_repeated_at_once(
    fetching: Fetching, serve: Serve, authority: Authority, time: Clock, hours: int
) -> None:
    server = serve(one_after_the_other(answering(authority.crl()), answering(b"", 503)))
    held = fetching(authority.crl_at(server.url()))
    connections = []
    for moment in (0, 1, 20, 45, 60, 90, 200):
        time.now = NOW + hours * HOUR + moment * SECOND
        assert fetching(authority.crl_at(server.url(), at=time.now)) is held
        fetching.settle()
        connections.append(server.connections)
    # The waits are 30 to 37.5, then 60 to 75, then 120 to 150 seconds.
    assert connections == [2, 2, 2, 3, 3, 3, 4]


def test_a_failure_is_remembered_for_a_minute_at_most(
    fetching: Fetching, serve: Serve, authority: Authority, time: Clock
) -> None:
    server = serve(one_after_the_other(*[answering(b"", 503)] * 4, answering(authority.crl())))
    for attempt in range(1, 5):
        with pytest.raises(FetchError, match=r"^it answered with status 503$"):
            fetching(authority.crl_at(server.url(), at=time.now))
        time.now += 29 * SECOND
        with pytest.raises(FetchError, match=r"29 s ago, not tried again yet"):
            fetching(authority.crl_at(server.url(), at=time.now))
        assert server.connections == attempt
        time.now += 31 * SECOND
    assert fetching(authority.crl_at(server.url(), at=time.now)) is not None


def test_what_cannot_be_used_for_a_time_long_ago_is_no_setback_for_now(
    fetching: Fetching, serve: Serve, authority: Authority
) -> None:
    server = serve(answering(authority.crl()))
    with pytest.raises(FetchError, match="after the time it is asked for"):
        fetching(authority.crl_at(server.url(), at=NOW - 48 * HOUR))
    assert fetching(authority.crl_at(server.url())) is not None


def test_what_cannot_be_used_for_one_certificate_is_no_setback_for_another(
    fetching: Fetching, serve: Serve, authority: Authority
) -> None:
    server = serve(answering(authority.crl(only_for="users")))
    below = authority.hierarchy.tsp.issue_authority("TEST below", key=authority.signer.key)
    with pytest.raises(FetchError, match="about certificates of another kind"):
        fetching(authority.crl_at(server.url(), certificate=below.certificate))
    assert fetching(authority.crl_at(server.url())) is not None


def test_cache_control_may_only_shorten(fetching: Fetching, serve: Serve, authority: Authority, time: Clock) -> None:
    server = serve(answering(authority.crl(window=10 * HOUR), Cache_Control="public, max-age=3600"))
    fetching(authority.crl_at(server.url()))
    for minutes, connections in ((50, 1), (61, 2)):
        time.now = NOW + dt.timedelta(minutes=minutes)
        fetching(authority.crl_at(server.url(), at=time.now))
        fetching.settle()
        assert server.connections == connections


def test_a_store_can_be_shared_by_fetchers(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.crl()))
    first = fetching(authority.crl_at(server.url()))
    assert fetching.renew()(authority.crl_at(server.url())) is first
    assert server.connections == 1
