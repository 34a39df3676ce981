"""Servers that misbehave, each with real sockets: every fetch ends in a FetchError, and in time."""

from __future__ import annotations

import threading
import time as stopwatch
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from nlgov_jades.errors import FetchError

from . import servers
from .conftest import Authority, Fetching
from .servers import Behaviour, Server, answering

Serve = Callable[..., Server]

TIMEOUT = 0.3
"""Seconds. Hanging is the failure, so the bound is generous."""


def refused_in_time(fetching: Fetching, call: Callable[[], object], words: str) -> None:
    """The call raises a FetchError with these words within five times the time-out, and leaves nothing behind."""
    started = stopwatch.monotonic()
    with pytest.raises(FetchError, match=words) as caught:
        call()
    assert stopwatch.monotonic() - started < 5 * TIMEOUT
    assert caught.value.__cause__ is None
    assert "127.0.0.1" not in str(caught.value)
    assert fetching.flights == 0


@pytest.mark.parametrize(
    "behave",
    [
        servers.silent,
        servers.dripping_head,
        servers.dripping_fields,
        servers.dripping_body,
        servers.dripping_chunks,
        servers.always_continuing,
    ],
)
def test_a_server_that_takes_too_long_is_left(
    fetching: Fetching, serve: Serve, authority: Authority, behave: Behaviour
) -> None:
    server = serve(behave)
    refused_in_time(
        fetching,
        lambda: fetching(authority.crl_at(server.url()), timeout=TIMEOUT),
        "^no answer in time$",
    )


def test_the_limit_of_one_fetch_holds_where_more_time_is_left(
    fetching: Fetching, serve: Serve, authority: Authority
) -> None:
    server = serve(servers.dripping_body)
    fetching.renew(seconds=TIMEOUT)
    refused_in_time(fetching, lambda: fetching(authority.crl_at(server.url()), timeout=60), "^no answer in time$")


@pytest.mark.parametrize("behave", [servers.silent_at_once, servers.dripping_handshake])
def test_a_tls_handshake_that_takes_too_long_is_left(
    fetching: Fetching, serve: Serve, authority: Authority, behave: Behaviour
) -> None:
    server = serve(behave)
    refused_in_time(
        fetching,
        lambda: fetching(authority.crl_at(server.url(scheme="https")), timeout=TIMEOUT),
        "^no answer in time$",
    )


def test_a_server_that_never_accepts_is_left(fetching: Fetching, authority: Authority) -> None:
    with servers.full_backlog() as port:
        request = authority.crl_at(f"http://127.0.0.1:{port}/")
        refused_in_time(fetching, lambda: fetching(request, timeout=TIMEOUT), "^no answer in time$")


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (servers.endless, "larger than 65536 octets"),
        (servers.endless_chunks, "larger than 65536 octets"),
        (answering(b"", Content_Type=servers.OCSP, Content_Length=65537), "larger than 65536 octets"),
        (answering(b"", Content_Type=servers.OCSP, Content_Length="10" * 30), "length|failed"),
        (answering(b"", Content_Type=servers.OCSP, Content_Length="-1"), "length|failed"),
        (servers.too_short, "the exchange failed"),
        (servers.closing_early, "the exchange failed|media type ''"),
        (servers.saying_nothing, "the exchange failed"),
        (servers.resetting, "the exchange failed"),
        (servers.speaking_something_else, "the exchange failed"),
        (answering(b"", 301, Location="http://127.0.0.1:1/"), "it redirects .status 301"),
        (answering(b"", 307, Location="http://127.0.0.1:1/"), "it redirects .status 307"),
        (answering(b"", 404), "status 404"),
        (answering(b"", 204), "status 204"),
        (answering(b"", 500), "status 500"),
        (answering(b"\x1f\x8b", Content_Encoding="gzip"), "content coding 'gzip'"),
        (answering(b"<html>", Content_Type="text/html"), "media type 'text/html'"),
        (answering(b"{}"), "media type ''"),
        (answering(b"", Content_Type=servers.OCSP), "not an OCSP response"),
        (answering(b"0" * 99, Content_Type=servers.OCSP), "not an OCSP response"),
    ],
)
def test_an_answer_that_is_not_acceptable_is_refused(
    fetching: Fetching, serve: Serve, authority: Authority, behave: Behaviour, words: str
) -> None:
    server = serve(behave)
    refused_in_time(fetching, lambda: fetching(authority.ocsp_at(server.url())), words)


def test_what_a_server_says_is_quoted(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(b"", Content_Type="text/[red]" + "x" * 200))
    with pytest.raises(FetchError) as caught:
        fetching(authority.crl_at(server.url()))
    assert "text/\\x5bred" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_port_where_nobody_listens_is_an_error(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(servers.silent)
    server.close()
    refused_in_time(fetching, lambda: fetching(authority.crl_at(server.url())), "the exchange failed")


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_without_time_nothing_is_tried(fetching: Fetching, serve: Serve, authority: Authority, timeout: float) -> None:
    server = serve(answering(authority.crl()))
    with pytest.raises(FetchError, match="no time is left"):
        fetching(authority.crl_at(server.url()), timeout=timeout)
    assert server.connections == 0


def test_nothing_is_left_behind(fetching: Fetching, authority: Authority) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    behaviours = [
        answering(authority.crl()),
        servers.dripping_body,
        servers.resetting,
        servers.dripping_handshake,
        answering(b"", 404),
    ]
    counts = []
    # Idle threads of other tests end when they like.
    before = set(threading.enumerate())
    for _ in range(3):
        for behave in behaviours:
            with Server(behave) as server:
                scheme = "https" if behave is servers.dripping_handshake else "http"
                with suppress(FetchError):
                    fetching(authority.crl_at(server.url(scheme=scheme)), timeout=0.1)
        counts.append((descriptors(), sorted(thread.name for thread in set(threading.enumerate()) - before)))
    # The first round may load what stays loaded.
    assert counts[1] == counts[2]
    assert not [name for name in counts[2][1] if "nlgov" in name]
