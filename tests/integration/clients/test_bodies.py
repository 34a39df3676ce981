"""Bodies that are streamed: hashed before they leave, verified before they are read, and flat in memory."""

from __future__ import annotations

import gc
import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter

from nlgov_jades import HttpResponse, errors
from nlgov_jades.digest import BodyDigest
from nlgov_jades.edges import BodySettings
from nlgov_jades.edges.body import Spool
from nlgov_jades.httpx import JadesTransport
from nlgov_jades.requests import JadesAdapter

from .conftest import Parties
from .consumers import KINDS, Consumer
from .provider import Provider, Received, Reply, head, plain

Serve = Callable[..., Provider]
Consume = Callable[..., Consumer]

PIECE = b"0123456789abcdef" * 4096
MIB = 1024 * 1024


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many spools went to a file, and how many of these files were closed."""
    counts = {"opened": 0, "closed": 0}
    flush, close = Spool.flush, Spool.close

    def flushing(self: Spool) -> None:
        counts["opened"] += self._file is None
        flush(self)

    def closing(self: Spool) -> None:
        counts["closed"] += self._file is not None
        close(self)

    monkeypatch.setattr(Spool, "flush", flushing)
    monkeypatch.setattr(Spool, "close", closing)
    return counts


# --- requests that are streamed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [MIB, 100], ids=["in memory", "in a file"])
def test_a_generator_is_hashed_first_and_leaves_in_chunks(
    parties: Parties, serve: Serve, consume: Consume, closed: dict[str, int], memory: int
) -> None:
    provider = serve(parties.answering()())
    consumer = consume(provider, body=BodySettings(memory=memory))
    assert consumer.ask("POST", provider.origin, content=iter([b"abc", b"", b"x" * 1000])).status == 200
    received = provider.received[0]
    assert received.chunked
    assert "content-length" not in received.message.fields
    assert parties.verify(received.message).body == b"abc" + b"x" * 1000
    assert closed["opened"] == closed["closed"] == (memory == 100)


def test_a_generator_with_a_content_length_leaves_without_chunks(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    provider = serve(parties.answering()())
    consume(provider).ask("POST", provider.origin, content=iter([b"abc", b"d"]), headers={"Content-Length": "4"})
    received = provider.received[0]
    assert not received.chunked
    assert received.message.fields.get_all("content-length") == ("4",)
    assert parties.verify(received.message).body == b"abcd"


def test_an_empty_generator_leaves_as_an_empty_chunked_body(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()())
    consume(provider).ask("POST", provider.origin, content=iter([]))
    assert parties.verify(provider.received[0].message).body == b""


@pytest.mark.parametrize("kind", ["httpx", "httpx2", "requests"])
@pytest.mark.parametrize("memory", [MIB, 100], ids=["in memory", "in a file"])
def test_a_file_is_sent_with_its_length_from_where_it_stands(
    parties: Parties, serve: Serve, consume: Consume, tmp_path: Path, memory: int
) -> None:
    (tmp_path / "upload").write_bytes(b"skipped" + b"y" * 5000)
    provider = serve(parties.answering()())
    consumer = consume(provider, body=BodySettings(memory=memory))
    with (tmp_path / "upload").open("rb") as file:
        file.seek(7)
        length = None if consumer.library == "requests" else {"Content-Length": "5000"}
        consumer.ask("POST", provider.origin, content=file, headers=length)
    received = provider.received[0]
    assert received.message.fields.get_all("content-length") == ("5000",)
    assert not received.chunked
    assert parties.verify(received.message).body == b"y" * 5000


def test_a_generator_that_was_sent_is_not_sent_again_as_nothing(serve: Serve, consume: Consume) -> None:
    provider = serve(plain(b"", status=307, fields=[("Location", "/again")]))
    consumer = consume(provider)

    def generate() -> Iterator[bytes]:
        yield b"abc"

    with pytest.raises(consumer.errors["consumed"]):
        consumer.ask("POST", provider.origin, content=generate(), follow=True)
    assert len(provider.received) == 1


def test_a_request_over_the_limit_is_ours_to_mend(serve: Serve, consume: Consume) -> None:
    provider = serve(plain())
    consumer = consume(provider, body=BodySettings(limit=1000, memory=100))
    for content in (b"x" * 1001, iter([b"x" * 600] * 2)):
        with pytest.raises(errors.MessageNotSignableError, match="more than 1000 octets"):
            consumer.ask("POST", provider.origin, content=content)
    assert provider.connections == 0


def test_what_a_generator_raises_reaches_the_application(serve: Serve, consume: Consume) -> None:

    def broken() -> Iterator[bytes]:
        yield b"abc"
        raise LookupError("mine")

    provider = serve(plain())
    with pytest.raises(LookupError, match="mine"):
        consume(provider).ask("POST", provider.origin, content=broken())
    assert provider.connections == 0


# --- answers that are streamed -------------------------------------------------------------------------------------


def read_all(consumer: Consumer, url: str, size: int = 1000) -> tuple[bytes, Any]:
    """Stream an answer; what was read, and the response."""
    if consumer.library == "requests":
        with consumer.client.get(url, stream=True) as response:
            return b"".join(response.iter_content(size)), response
    if consumer._portal is None:
        with consumer.client.stream("GET", url) as response:
            return b"".join(response.iter_bytes(size)), response

    async def read() -> tuple[bytes, Any]:
        async with consumer.client.stream("GET", url) as response:
            return b"".join([piece async for piece in response.aiter_bytes(size)]), response

    found: tuple[bytes, Any] = consumer.run(read)
    return found


@pytest.mark.parametrize("memory", [MIB, 100], ids=["in memory", "in a file"])
def test_an_answer_is_streamed_from_what_was_verified(
    parties: Parties, serve: Serve, consume: Consume, closed: dict[str, int], memory: int
) -> None:
    provider = serve(parties.answering()(b"z" * 5000, chunked=True))
    consumer = consume(provider, body=BodySettings(memory=memory))
    assert read_all(consumer, provider.origin)[0] == b"z" * 5000
    assert consumer.busy == 0
    assert closed["opened"] == closed["closed"] == (memory == 100)


def test_nothing_of_a_stream_is_read_when_its_end_is_not_what_was_signed(
    parties: Parties, serve: Serve, consume: Consume, closed: dict[str, int]
) -> None:
    provider = serve(parties.answering()(b"z" * 5000, sent=b"z" * 4999 + b"!"))
    with pytest.raises(errors.DigestMismatchError):
        read_all(consume(provider, body=BodySettings(memory=100)), provider.origin)
    assert closed == {"opened": 1, "closed": 1}


def test_an_answer_that_nobody_reads_lets_go_of_its_file(
    parties: Parties, serve: Serve, consume: Consume, closed: dict[str, int]
) -> None:
    provider = serve(parties.answering()(b"z" * 5000))
    consumer = consume(provider, body=BodySettings(memory=100))
    if consumer.library == "requests":
        consumer.client.get(provider.origin, stream=True)
    elif consumer._portal is None:
        consumer.client.send(consumer.client.build_request("GET", provider.origin), stream=True)
    else:

        async def leave() -> None:
            await consumer.client.send(consumer.client.build_request("GET", provider.origin), stream=True)

        consumer.run(leave)
    gc.collect()
    assert closed == {"opened": 1, "closed": 1}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "requests"])  # there any closed stream just ends
def test_a_stream_that_is_closed_half_way_does_not_look_like_one_that_ended(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    provider = serve(parties.answering()(b"z" * 3 * MIB))
    consumer = consume(provider, body=BodySettings(memory=100))
    stream_closed = __import__(consumer.library).StreamClosed
    if consumer._portal is None:
        response = consumer.client.send(consumer.client.build_request("GET", provider.origin), stream=True)
        pieces = response.iter_raw()
        next(pieces)
        response.close()
        with pytest.raises(stream_closed):
            list(pieces)
        return

    async def half() -> None:
        response = await consumer.client.send(consumer.client.build_request("GET", provider.origin), stream=True)
        pieces = response.aiter_raw()
        await anext(pieces)
        await response.aclose()
        with pytest.raises(stream_closed):
            await anext(pieces)

    consumer.run(half)


def test_an_answer_in_a_file_is_verified_through_its_digest(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()(b"z" * 5000))
    got = consume(provider, body=BodySettings(memory=100)).ask("GET", provider.origin)
    assert isinstance(got.verified().message.body, BodyDigest)
    assert got.content == b"z" * 5000


# --- flat in memory ------------------------------------------------------------------------------------------------

LONG = 1024
"""Pieces: 64 MiB."""


def long_answer(parties: Parties) -> Callable[[Received], Reply]:
    digest = BodyDigest()
    for _ in range(LONG):
        digest.update(PIECE)
    fields = [("Content-Type", "application/json"), ("Content-Length", str(LONG * len(PIECE)))]
    signer = parties.answering().signer

    def script(received: Received) -> Reply:
        answer = HttpResponse(status=200, fields=fields, body=digest, request=received.message)
        first = head(200, answer.with_fields(signer.sign(answer)).fields)
        return Reply((first, *([PIECE] * LONG)))

    return script


@pytest.mark.parametrize("kind", ["httpx", "requests", "httpx-asyncio"])
def test_a_long_answer_takes_no_memory(
    parties: Parties, serve: Serve, consume: Consume, closed: dict[str, int]
) -> None:
    provider = serve(long_answer(parties))
    consumer = consume(provider)
    client, url, length = consumer.client, provider.origin, 0
    tracemalloc.start()
    try:
        if consumer.library == "requests":
            with client.get(url, stream=True) as response:
                length = sum(len(piece) for piece in response.iter_content(65536))
        elif consumer._portal is None:
            with client.stream("GET", url) as response:
                length = sum(len(piece) for piece in response.iter_bytes(65536))
        else:

            async def read() -> int:
                async with client.stream("GET", url) as response:
                    return sum([len(piece) async for piece in response.aiter_bytes(65536)])

            length = consumer.run(read)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert length == LONG * len(PIECE)
    assert peak < 12 * MIB
    assert closed == {"opened": 1, "closed": 1}


class Discarding(httpx.BaseTransport):
    """Reads the request and keeps only how much it was."""

    length = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        self.length = sum(len(piece) for piece in request.stream)
        return httpx.Response(503)


class DiscardingAdapter(HTTPAdapter):
    length = 0

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body: Any = request.body
        self.length = sum(len(piece) for piece in iter(lambda: body.read(65536), b""))
        import urllib3

        return self.build_response(request, urllib3.HTTPResponse(io.BytesIO(), status=503, preload_content=False))


@pytest.mark.parametrize("library", ["httpx", "requests"])
def test_a_long_upload_takes_no_memory(parties: Parties, library: str, closed: dict[str, int]) -> None:
    settings: dict[str, Any] = {
        "signer": parties.signer,
        "verifier": parties.verifier(),
        "hosts": {"api.example.test"},
    }
    inner: Any = Discarding() if library == "httpx" else DiscardingAdapter()
    pieces = (PIECE for _ in range(LONG))
    tracemalloc.start()
    try:
        if library == "httpx":
            with httpx.Client(transport=JadesTransport(inner, **settings)) as client:
                assert client.post("https://api.example.test/", content=pieces).status_code == 503
        else:
            with requests.Session() as session:
                session.mount("https://", JadesAdapter(inner, **settings))
                assert session.post("https://api.example.test/", data=pieces).status_code == 503
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert inner.length == LONG * len(PIECE)
    assert peak < 12 * MIB
    assert closed == {"opened": 1, "closed": 1}
