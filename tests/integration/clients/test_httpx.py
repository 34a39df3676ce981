"""What httpx and httpx2 have that requests has not: extensions, an Auth, transports of one another."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
from anyio.from_thread import start_blocking_portal

from nlgov_jades import AsyncSigner, AsyncVerifier, errors
from nlgov_jades import httpx as edge
from nlgov_jades import httpx2 as edge2
from nlgov_jades.edges import (
    ANY_HOST,
    UNVERIFIED_KEY,
    VERIFIED_KEY,
    BodySettings,
    OtherHosts,
    Unverified,
    WhyUnverified,
)
from nlgov_jades.edges.body import Spool
from nlgov_jades.errors import ReplayedMessageError
from nlgov_jades.replay import Sighting

from .conftest import NOW, Parties
from .consumers import KINDS, PATIENCE, Consumer
from .provider import Provider, plain

Serve = Callable[..., Provider]
Consume = Callable[..., Consumer]

BODY = b'{"a":1}'
HTTPX = [kind for kind in KINDS if kind != "requests"]
WAITING = [kind for kind in HTTPX if "-" in kind]
PAIRS = [pytest.param(httpx, edge, id="httpx"), pytest.param(httpx2, edge2, id="httpx2")]


@pytest.mark.parametrize("kind", HTTPX)
def test_the_extensions_of_the_inner_transport_stay(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()())
    got = consume(provider).ask("GET", provider.origin)
    assert got.response.http_version == "HTTP/1.1"
    assert got.response.extensions["reason_phrase"] == b"Whatever"
    assert got.response.extensions["network_stream"] is not None
    assert got.response.elapsed > dt.timedelta(0)


@pytest.mark.parametrize("kind", HTTPX)
def test_a_request_whose_target_is_not_that_of_its_url_is_not_sent(serve: Serve, consume: Consume) -> None:
    provider = serve(plain())
    with pytest.raises(errors.MessageNotSignableError, match="extension 'target'"):
        consume(provider).ask("POST", provider.origin + "/a", content=BODY, extensions={"target": b"/b"})
    assert provider.connections == 0


@pytest.mark.parametrize("kind", HTTPX)
def test_repeated_fields_and_their_case_stay(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()(more=[("X-Two", "1"), ("X-Two", "2")]))
    consumer = consume(provider)
    got = consumer.ask("GET", provider.origin, headers=[("x-Ask", "1"), ("x-Ask", "2")])
    assert [line for line in provider.received[0].message.fields if line[0] == "x-Ask"] == [
        ("x-Ask", "1"),
        ("x-Ask", "2"),
    ]
    assert got.response.headers.get_list("x-two") == ["1", "2"]


@pytest.mark.parametrize("kind", ["httpx"])
def test_a_proof_that_the_inner_transport_claims_is_none(consume: Consume) -> None:
    libraries: list[Any] = [httpx, httpx2]
    for library in libraries:
        inner: Any = library.MockTransport(
            lambda _, library=library: library.Response(500, extensions={VERIFIED_KEY: "forged"})
        )
        got = consume(kind=library.__name__, inner=inner, hosts={"api.example.test"}).ask(
            "GET", "https://api.example.test"
        )
        assert VERIFIED_KEY not in got.outcome
        assert got.unverified.why is WhyUnverified.ERROR


@pytest.mark.parametrize(("library", "module"), PAIRS)
def test_a_transport_of_the_other_library_is_refused(parties: Parties, library: Any, module: Any) -> None:
    other = httpx2 if library is httpx else httpx
    settings = {"signer": parties.signer, "hosts": {"api.example.test"}}
    with pytest.raises(errors.ConfigurationError, match=f"a BaseTransport of {library.__name__}$"):
        module.JadesTransport(other.HTTPTransport(), verifier=parties.verifier(), **settings)
    waiting = AsyncVerifier(trust=parties.hierarchy.trust, policy=parties.verifier().policy)
    with pytest.raises(errors.ConfigurationError, match=f"an? AsyncBaseTransport of {library.__name__}$"):
        module.AsyncJadesTransport(other.AsyncHTTPTransport(), verifier=waiting, **settings)
    with pytest.raises(errors.ConfigurationError, match="verifier is a Verifier"):
        module.JadesTransport(library.HTTPTransport(), verifier=waiting, **settings)
    with pytest.raises(errors.ConfigurationError, match="verifier is an AsyncVerifier"):
        module.AsyncJadesTransport(library.AsyncHTTPTransport(), verifier=parties.verifier(), **settings)


@pytest.mark.parametrize("kind", WAITING)
def test_an_async_signer_is_awaited(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()())
    signer = AsyncSigner(parties.consumer.credential, profile=parties.profile, clock=parties.clock)
    consume(provider, signer=signer).ask("POST", provider.origin, content=b"x" * 2_000_000)
    assert parties.verify(provider.received[0].message).body == b"x" * 2_000_000


@pytest.mark.parametrize("kind", ["httpx", "httpx2", "requests"])
def test_an_async_signer_is_refused_where_nothing_is_awaited(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(plain())
    signer = AsyncSigner(parties.consumer.credential, profile=parties.profile, clock=parties.clock)
    with pytest.raises(errors.ConfigurationError, match="not an AsyncSigner"):
        consume(provider, signer=signer).ask("POST", provider.origin, content=BODY)
    assert provider.connections == 0


class Guard:
    """A guard of somebody else, that remembers where it was asked."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.seen: set[bytes] = set()

    def admit(self, sighting: Sighting) -> None:
        self.threads.append(threading.current_thread().name)
        if sighting.key in self.seen:
            raise ReplayedMessageError("seen")
        self.seen.add(sighting.key)


@pytest.mark.parametrize("kind", WAITING)
def test_a_guard_of_somebody_else_does_not_hold_up_the_loop(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()())
    guard = Guard()
    consumer = consume(provider, verifier=parties.verifier(max_age=dt.timedelta(minutes=5)), replay_guard=guard)
    assert consumer.ask("GET", provider.origin).status == 200

    async def name() -> str:
        return threading.current_thread().name

    assert guard.threads != [consumer.run(name)]


@pytest.mark.parametrize("kind", WAITING)
def test_a_request_that_is_cancelled_leaves_no_connection(parties: Parties, serve: Serve, consume: Consume) -> None:
    import anyio

    answering = parties.answering()
    provider = serve(
        lambda received: type(answering()(received))([next(iter(answering(b"1" * 1000)(received).pieces)), b"1"]),
        answering(),
    )
    consumer = consume(provider)

    async def give_up() -> bool:
        with anyio.move_on_after(0.2) as scope:
            await consumer.client.get(provider.origin)
        return scope.cancelled_caught

    assert consumer.run(give_up) is True
    assert consumer.busy == 0
    assert consumer.ask("GET", provider.origin).status == 200


@pytest.mark.parametrize("kind", ["httpx-asyncio", "httpx2-asyncio"])
def test_a_body_whose_reading_was_given_up_cannot_be_read_on(
    parties: Parties, serve: Serve, consume: Consume, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A thread may have read on meanwhile: what follows would not be what was verified.
    provider = serve(parties.answering()(b"z" * 5000))
    consumer = consume(provider, body=BodySettings(memory=100))

    async def give_up() -> None:
        response = await consumer.edge.handle_async_request(consumer.client.build_request("GET", provider.origin))
        pieces = aiter(response.stream)
        entered, leave, read = threading.Event(), threading.Event(), Spool.read

        def slow(spool: Spool, size: int) -> bytes:
            entered.set()
            leave.wait(PATIENCE)
            return read(spool, size)

        monkeypatch.setattr(Spool, "read", slow)
        task = asyncio.ensure_future(anext(pieces))
        await asyncio.to_thread(entered.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        leave.set()
        with pytest.raises(__import__(consumer.library).StreamClosed):
            await anext(pieces)
        await response.aclose()

    consumer.run(give_up)


# --- JadesAuth -----------------------------------------------------------------------------------------------------


def asks(library: Any, auth: Any, waiting: str, method: str, url: str, **options: Any) -> Any:
    """A client with this Auth and nothing else."""
    if not waiting:
        with library.Client(auth=auth, trust_env=False) as client:
            return client.request(method, url, **options)

    async def ask() -> Any:
        async with library.AsyncClient(auth=auth, trust_env=False) as client:
            return await client.request(method, url, **options)

    with start_blocking_portal(waiting) as portal:
        return portal.call(ask)


LOOPS = [pytest.param("", id="threads"), "asyncio", "trio"]


@pytest.mark.parametrize("waiting", LOOPS)
@pytest.mark.parametrize(("library", "module"), PAIRS)
def test_an_auth_signs_and_verifies_nothing(
    parties: Parties, serve: Serve, library: Any, module: Any, waiting: str
) -> None:
    provider = serve(plain())
    auth = module.JadesAuth(parties.signer, hosts={provider.named})
    response = asks(library, auth, waiting, "POST", provider.origin + "/a?b", content=BODY)
    assert parties.verify(provider.received[0].message).body == BODY
    assert provider.received[0].message.target == "/a?b"
    assert response.request.content == BODY
    with pytest.raises(errors.ConfigurationError, match="no verifier saw it"):
        module.verified(response)


@pytest.mark.parametrize("waiting", LOOPS)
@pytest.mark.parametrize(("library", "module"), PAIRS)
def test_an_auth_signs_for_named_hosts_only(
    parties: Parties, serve: Serve, library: Any, module: Any, waiting: str
) -> None:
    provider = serve(plain())
    auth = module.JadesAuth(parties.signer, hosts={"api.example.test"})
    with pytest.raises(errors.MessageNotSignableError, match="not among `hosts`"):
        asks(library, auth, waiting, "POST", provider.origin, content=BODY)
    assert provider.connections == 0
    lenient = module.JadesAuth(parties.signer, hosts={"api.example.test"}, other_hosts=OtherHosts.LEAVE_UNSIGNED)
    asks(library, lenient, waiting, "POST", provider.origin, content=BODY)
    assert "digest" not in provider.received[0].message.fields


@pytest.mark.parametrize(("library", "module"), PAIRS)
def test_an_auth_s_signature_travels_with_a_redirect_as_its_docstring_says(
    parties: Parties, serve: Serve, library: Any, module: Any
) -> None:
    other = serve(plain())
    provider = serve(plain(b"", status=307, fields=[("Location", other.origin + "/there")]))
    auth = module.JadesAuth(parties.signer, hosts={provider.named})
    asks(library, auth, "", "POST", provider.origin, content=BODY, follow_redirects=True)
    assert "nlgov-adr-payload-sig" in other.received[0].message.fields
    assert "travels on to that host" in (module.JadesAuth.__doc__ or "").replace("\n    ", " ")


@pytest.mark.parametrize(("library", "module"), PAIRS)
def test_a_request_that_an_auth_signed_can_be_sent_again(
    parties: Parties, serve: Serve, library: Any, module: Any
) -> None:
    provider = serve(plain())
    with library.Client(auth=module.JadesAuth(parties.signer, hosts={provider.named}), trust_env=False) as client:
        request = client.build_request("POST", provider.origin, content=BODY)
        for _ in range(2):
            client.send(request)
    times = [parties.verify(received.message).signing_time for received in provider.received]
    assert times == [NOW, NOW + dt.timedelta(seconds=1)]
    assert "digest" not in request.headers


@pytest.mark.parametrize(("library", "module"), PAIRS)
def test_a_generator_is_read_by_an_auth_and_signed(parties: Parties, serve: Serve, library: Any, module: Any) -> None:
    provider = serve(plain())
    auth = module.JadesAuth(parties.signer, hosts={provider.named})
    asks(library, auth, "", "POST", provider.origin, content=iter([b"abc", b"d"]))
    assert parties.verify(provider.received[0].message).body == b"abcd"


@pytest.mark.parametrize(("library", "module"), PAIRS)
def test_an_auth_for_any_host_signs_over_https_only(parties: Parties, serve: Serve, library: Any, module: Any) -> None:
    provider = serve(plain())
    auth = module.JadesAuth(parties.signer, hosts=ANY_HOST)
    with pytest.raises(errors.MessageNotSignableError, match="not over https"):
        asks(library, auth, "", "POST", provider.origin, content=BODY)
    assert provider.connections == 0


# --- mounts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("library", "module"), PAIRS)
def test_a_mounted_transport_sees_its_own_host_only_and_a_redirect_away_has_no_proof(
    parties: Parties, serve: Serve, library: Any, module: Any
) -> None:
    other = serve(plain(b"elsewhere"))
    provider = serve(plain(b"", status=302, fields=[("Location", other.origin)]))
    transport = module.JadesTransport(
        library.HTTPTransport(), signer=parties.signer, verifier=parties.verifier(), hosts={provider.named}
    )
    with library.Client(mounts={provider.origin: transport}, trust_env=False, follow_redirects=True) as client:
        response = client.get(provider.origin)
    assert response.content == b"elsewhere"
    assert isinstance(response.history[0].extensions[UNVERIFIED_KEY], Unverified)
    assert "digest" not in other.received[0].message.fields
    with pytest.raises(errors.ConfigurationError, match="no verifier saw it"):
        module.verified(response)
