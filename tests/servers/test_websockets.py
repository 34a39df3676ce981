"""Websockets through both ASGI middlewares: real servers as processes on loopback, and a client that knows nothing of ASGI.

By default one server of each kind; `nox -s matrix` also runs uvicorn with httptools.
"""

from __future__ import annotations

import http.client
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path

import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from nlgov_jades import HttpRequest
from nlgov_jades.testing.hierarchy import EXAMPLE_OIN

from .clients import Party, Question, ask
from .processes import ASGI_SERVERS, PATIENCE, Server, missing, running, with_websockets
from .websocket_clients import Http2Client, websocket

EVERYTHING = bool(os.environ.get("NLGOV_JADES_MATRIX"))
CHOSEN = [server for server in ASGI_SERVERS if EVERYTHING or server != "uvicorn-httptools"]
APPLICATIONS = ["plain", "starlette", "fastapi"]
TWICE = [(b"X-Twice", b"one"), (b"Accept-Language", b"nl"), (b"X-Twice", b"two")]

FORBIDDEN = 403
FAREWELL, FAREWELL_CODE = "farewell", 4321
"""As `sockets` has them: for a close by the application."""

StartSite = Callable[[str], Server]


def opened(site: Server) -> list[str]:
    """The targets of the websockets that an application was called for."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/opened")
        found: list[str] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return found


@pytest.fixture(scope="module")
def start_site(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSite]:
    with ExitStack() as stack:
        started: dict[str, Server] = {}

        def start(server: str) -> Server:
            why_not = missing(server)
            if why_not:
                pytest.skip(why_not)
            if server not in started:
                folder, environment = tmp_path_factory.mktemp("log"), {"SITE_PKI": str(pki)}
                started[server] = stack.enter_context(running(with_websockets(server), folder, environment))
            return started[server]

        yield start


@pytest.fixture(params=CHOSEN)
def site(request: pytest.FixtureRequest, start_site: StartSite) -> Iterator[Server]:
    """A server, which has nothing to complain about."""
    server = start_site(request.param)
    yield server
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


@pytest.fixture(params=APPLICATIONS)
def application(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def fresh() -> str:
    """What makes a target one that no other test asks for."""
    return uuid.uuid4().hex


# --- refused -----------------------------------------------------------------------------------------------------


def test_a_websocket_is_refused_in_words_and_its_application_never_called(
    site: Server, application: str, fresh: str
) -> None:
    with websocket(site, f"/refused/{application}?{fresh}") as client:
        status, fields, body = client.refused()
    assert (status, fields[b"content-type"]) == (FORBIDDEN, b"application/problem+json")
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (FORBIDDEN, "SIGNATURE_MISSING")
    # The log has the line to this answer.
    assert f"correlation_id={problem['correlation_id']}" in site.log.read_text(encoding="utf-8")
    assert not [target for target in opened(site) if fresh in target]


def test_a_refused_handshake_is_not_signed(site: Server, fresh: str) -> None:
    with websocket(site, f"/refused/plain?{fresh}") as client:
        _, fields, _ = client.refused()
    assert not {b"nlgov-adr-payload-sig", b"digest"} & set(fields)


def test_a_server_that_cannot_say_why_refuses_with_its_own_403(site: Server, application: str) -> None:
    before = opened(site)
    with websocket(site, f"/refused/{application}?wordless") as client:
        status, _, body = client.refused()
    assert (status, b"SIGNATURE_MISSING" in body) == (FORBIDDEN, False)
    assert opened(site) == before


def test_a_signed_handshake_opens_no_websocket_either(site: Server, party: Party, fresh: str) -> None:
    target = f"/refused/plain?{fresh}"
    request = HttpRequest(method="GET", target=target, fields=[("Host", site.authority)], body=b"")
    signed = [(name.encode(), value.encode()) for name, value in party.signer.sign(request)]
    with websocket(site, target, signed) as client:
        assert client.refused()[0] == FORBIDDEN
    assert not [target for target in opened(site) if fresh in target]


# --- let through -------------------------------------------------------------------------------------------------


def test_a_websocket_that_is_let_through_echoes_and_is_marked_as_unverified(
    site: Server, application: str, fresh: str
) -> None:
    target = f"/open/{application}?{fresh}"
    with websocket(site, target) as client:
        client.accepted()
        told = client.told()
        # Were it not told there, the tests of what is refused would prove nothing.
        assert [opened_target for opened_target in opened(site) if fresh in opened_target] == [target]
        assert (told["why"], told["verified"], told["correlated"]) == ("websocket", False, True)
        assert (told["method"], told["target"]) == (None, target)
        for text in ("goedemorgen, S\u00fadwest", "x" * 200_000):
            client.send(TextMessage(data=text))
            assert client.text() == text
        for octets in (bytes(range(256)), b"\x00" * 200_000):
            client.send(BytesMessage(data=octets))
            assert client.octets() == octets
        client.send(CloseConnection(code=1000))
        assert client.closed()[0] == 1000


def test_the_application_gets_the_fields_of_the_handshake_as_they_were_sent(site: Server, application: str) -> None:
    with websocket(site, f"/open/{application}", TWICE, ["een", "twee"]) as client:
        assert client.accepted().subprotocol == "een"
        told = client.told()
    lines = [line.partition(b": ") for line in client.handshake.split(b"\r\n")[1:] if line]
    sent = [[name.decode().lower(), value.decode()] for name, _, value in lines]
    # granian puts lines with the same name together, which says the same (RFC 9110 §5.3).
    assert sorted(_kept(told["fields"]), key=itemgetter(0)) == sorted(_kept(sent), key=itemgetter(0))
    assert [value for name, value in told["fields"] if name == "x-twice"] == ["one", "two"]
    assert told["subprotocols"] == ["een", "twee"]


def _kept(lines: list[list[str]]) -> list[list[str]]:
    """All but what uvicorn leaves out of the list, with wsproto: it gives the subprotocols apart only."""
    return [line for line in lines if line[0] != "sec-websocket-protocol"]


def test_the_application_closes_with_its_own_code_and_reason(site: Server, application: str) -> None:
    with websocket(site, f"/open/{application}") as client:
        client.accepted()
        client.told()
        client.send(TextMessage(data=FAREWELL))
        assert client.closed() == (FAREWELL_CODE, "as asked")


@pytest.mark.parametrize("application", ["starlette", "fastapi"])
def test_the_application_may_refuse_in_its_own_words(site: Server, application: str) -> None:
    with websocket(site, f"/open/{application}?denied=yes") as client:
        status, _, body = client.refused()
    assert (status, body) == (409, b"not today")


# --- beside it ---------------------------------------------------------------------------------------------------


def test_a_request_signed_both_ways_passes_beside_an_open_websocket(site: Server, party: Party) -> None:
    with websocket(site, "/open/plain") as client:
        client.accepted()
        client.told()
        reply = ask("httpx", party, Question(site.authority, "/gegevens"))
        assert (reply.status, reply.oin, reply.code) == (200, EXAMPLE_OIN, "")
        assert json.loads(reply.body)["oin"] == EXAMPLE_OIN
        client.send(TextMessage(data="still here"))
        assert client.text() == "still here"


def test_an_open_websocket_does_not_let_an_unsigned_request_pass(site: Server) -> None:
    with websocket(site, "/open/plain") as client:
        client.accepted()
        client.told()
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
        connection.request("POST", "/gegevens", b"{}", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (400, "SIGNATURE_MISSING")
        connection.close()


# --- over HTTP/2 (RFC 8441): of these servers only hypercorn has it --------------------------------------------------


@pytest.mark.parametrize("site", ["hypercorn"], indirect=True)
def test_a_websocket_over_http2_is_refused_in_words(site: Server, fresh: str) -> None:
    client = Http2Client(site, f"/refused/plain?{fresh}")
    with client.socket:
        assert (client.status, json.loads(client.whole())["code"]) == (FORBIDDEN, "SIGNATURE_MISSING")
    assert not [target for target in opened(site) if fresh in target]


@pytest.mark.parametrize("site", ["hypercorn"], indirect=True)
def test_a_websocket_over_http2_is_let_through_and_echoes(site: Server) -> None:
    client, frames = Http2Client(site, "/open/plain"), Connection(ConnectionType.CLIENT)
    with client.socket:
        assert client.status == 200
        told = json.loads(client.text(frames))
        assert (told["why"], told["method"]) == ("websocket", None)
        assert [value for name, value in told["fields"] if name == "x-twice"] == ["one", "two"]
        client.send(frames.send(TextMessage(data="over HTTP/2")))
        assert client.text(frames) == "over HTTP/2"
