"""The inway: what it lets through as it came, and each error of FSC that it makes."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest

from nlgov_jades.ddas import FscError
from nlgov_jades.ddas.gateways import CutAnswerError, Grant
from nlgov_jades.ddas.gateways.wire import TARGET_KEY
from nlgov_jades.errors import ConfigurationError

from .world import GRANT, INWAY, NOW, Reply, Upstream, World, call, scope_of, with_lines

TRANSACTION = "0197a3c1-9d2e-7f00-8a9b-0c1d2e3f4a5b"


def token_of(world: World, grant: Grant = GRANT) -> str:
    return f"Bearer {world.maker.token(grant, world.outway.certificate)}"


def ask(
    world: World,
    upstream: Upstream,
    *lines: tuple[str, str],
    token: str | None = "",
    backend: str = "asyncio",
    scope: dict[str, Any] | None = None,
    **options: Any,
) -> Reply:
    """Ask over the connection of the outway, with a token unless that is None."""
    given = list(lines)
    if token is not None:
        given.append(("fsc-authorization", token or token_of(world)))
    asked = scope_of(world.outway, headers=with_lines(*given), **(scope or {}))
    return call(world.inway_app(transport=upstream, **options), asked, backend=backend)


def gateway_error(reply: Reply) -> str:
    """The code of an error that is one of FSC's, in both described forms."""
    (code,) = reply.values("fsc-error-code")
    found = FscError.read(header=code, status=reply.status, body=reply.body)
    members = json.loads(reply.body)
    assert (members["code"], members["domain"], members["status"]) == (code, "ERROR_DOMAIN_INWAY", reply.status)
    assert members["message"] == members["title"] == found.message != ""
    assert reply.values("content-type") == ["application/problem+json"]
    assert reply.values("www-authenticate") == (["Bearer"] if reply.status == 401 else [])
    return code


# --- let through ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_request_with_a_token_is_passed_on_and_answered(world: World, backend: str) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, backend=backend)
    assert (reply.status, reply.body, reply.is_whole) == (200, b"{}", True)
    assert upstream.body == b"{}"
    assert str(upstream.requests[0].url) == "http://127.0.0.1:8080"
    assert upstream.stream is not None
    assert upstream.stream.closed


def test_token_and_transaction_id_go_to_the_service(world: World) -> None:
    upstream, token = Upstream(), token_of(world)
    ask(world, upstream, ("fsc-transaction-id", TRANSACTION), token=token)
    assert upstream.value("Fsc-Authorization") == token
    assert upstream.value("Fsc-Transaction-Id") == TRANSACTION


def test_the_service_of_the_token_decides_where_a_request_goes(world: World) -> None:
    upstream = Upstream()
    other = Grant(hash="$1$4$b", service="ddas-vs", inway=INWAY)
    services = {"ddas-shv": "http://127.0.0.1:1", "ddas-vs": "https://vs.gemeente.example:9443"}
    ask(world, upstream, token=token_of(world, other), services=services)
    assert str(upstream.requests[0].url) == "https://vs.gemeente.example:9443"


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        (b"/v1/a%2Fb%7e", b"", b"/v1/a%2Fb%7e"),
        (b"/v1", b"a=%20&a=+&b", b"/v1?a=%20&a=+&b"),
        (b"//x/../y/./", b"?", b"//x/../y/./??"),
    ],
)
def test_the_target_is_not_changed(world: World, path: bytes, query: bytes, target: bytes) -> None:
    upstream = Upstream()
    ask(world, upstream, scope={"raw_path": path, "query_string": query, "path": "/something/else"})
    assert upstream.target == target


def test_the_target_that_a_server_of_ours_gives_counts(world: World) -> None:
    upstream = Upstream()
    ask(world, upstream, scope={TARGET_KEY: b"/v1/gegevens?"})
    assert upstream.target == b"/v1/gegevens?"


def test_repeated_field_lines_keep_their_number_and_order(world: World) -> None:
    upstream = Upstream()
    signature = "nlgov-adr-payload-sig"
    ask(world, upstream, (signature, "a"), ("x", "1"), (signature, "b"), ("x", "2, 3"), ("x", ""))
    assert upstream.values(signature) == ["a", "b"]
    assert upstream.values("x") == ["1", "2, 3", ""]


def test_no_field_is_added(world: World) -> None:
    upstream = Upstream()
    ask(world, upstream, ("accept", "application/json"))
    names = [name for name, _ in upstream.raw]
    assert names == [b"host", b"content-length", b"accept", b"fsc-authorization"]


def test_what_is_said_to_the_next_machine_only_goes_no_further(world: World) -> None:
    upstream = Upstream(
        lines=[("Content-Length", "2"), ("Connection", "X-Hop, close"), ("X-Hop", "1"), ("Keep-Alive", "5"), ("Y", "1")]
    )
    ends = ["keep-alive", "te", "trailer", "upgrade", "proxy-authorization", "proxy-connection", "x-mine", "expect"]
    lines = [(name, "websocket") for name in ends]
    reply = ask(world, upstream, *lines, ("connection", "close, X-Mine, Host, Content-Length"), ("stays", "1"))
    assert [name for name, _ in upstream.raw] == [b"host", b"content-length", b"stays", b"fsc-authorization"]
    assert [name for name, _ in reply.lines] == [b"Content-Length", b"Y"]


def test_a_peer_cannot_have_the_token_or_the_transaction_id_taken_away(world: World) -> None:
    named = ("connection", "close, Fsc-Authorization,\tfsc-transaction-id , FSC-ERROR-CODE")
    upstream = Upstream(lines=[("Content-Length", "2"), ("Connection", "Fsc-Error-Code"), ("Fsc-Error-Code", "X")])
    token = token_of(world)
    reply = ask(world, upstream, ("fsc-transaction-id", TRANSACTION), named, token=token)
    assert upstream.value("Fsc-Authorization") == token
    assert upstream.value("Fsc-Transaction-Id") == TRANSACTION
    assert reply.values("Fsc-Error-Code") == ["X"]


def test_a_body_in_chunks_stays_one(world: World) -> None:
    upstream = Upstream()
    headers = [(b"host", b"a"), (b"transfer-encoding", b"chunked"), (b"fsc-authorization", token_of(world).encode())]
    asked = scope_of(world.outway, headers=headers)
    reply = call(world.inway_app(transport=upstream), asked, [b"a", b"", b"b" * 70_000, b"c"])
    assert reply.status == 200
    assert upstream.values("transfer-encoding") == ["chunked"]
    assert upstream.values("content-length") == []
    assert upstream.body == b"a" + b"b" * 70_000 + b"c"


def test_an_answer_is_passed_back_as_it_came(world: World) -> None:
    lines = [
        ("Content-Encoding", "gzip"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Transfer-Encoding", "chunked"),
    ]
    upstream = Upstream(status=422, lines=lines, pieces=[b"\x1f\x8b\x08", b"no gzip at all"])
    reply = ask(world, upstream)
    assert (reply.status, reply.body) == (422, b"\x1f\x8b\x08no gzip at all")
    assert reply.lines == [(b"Content-Encoding", b"gzip"), (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2")]


def test_an_error_that_the_service_makes_is_passed_back(world: World) -> None:
    upstream = Upstream(status=403, lines=[("Content-Length", "2"), ("nlgov-adr-payload-sig", "e30..x")])
    reply = ask(world, upstream)
    assert (reply.status, reply.values("nlgov-adr-payload-sig"), reply.values("fsc-error-code")) == (
        403,
        ["e30..x"],
        [],
    )


def test_a_line_in_the_log_has_the_service_and_the_transaction_id_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ask(world, Upstream(), ("fsc-transaction-id", TRANSACTION), scope={"query_string": b"bsn=961425548"})
    ask(world, Upstream(), ("fsc-transaction-id", "no\nid"), token=None)
    lines = [record.getMessage() for record in caplog.records if record.name == "nlgov_jades.ddas.gateways"]
    assert lines == [
        f"inway passed service=ddas-shv status=200 transaction_id={TRANSACTION}",
        "inway refused code=ERROR_CODE_ACCESS_TOKEN_MISSING transaction_id=-",
    ]


# --- errors of FSC -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, " ", "Bearer", "bearer "])
def test_a_request_without_a_token_is_refused(world: World, value: str | None) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, token=value)
    assert (gateway_error(reply), reply.status) == ("ERROR_CODE_ACCESS_TOKEN_MISSING", 401)
    assert upstream.requests == []


def test_a_request_with_two_tokens_is_refused(world: World) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, ("fsc-authorization", token_of(world)))
    assert (gateway_error(reply), reply.status) == ("ERROR_CODE_ACCESS_TOKEN_INVALID", 401)
    assert upstream.requests == []


@pytest.mark.parametrize("value", ["Bearer a.b.c", "x", "Basic YTpi"])
def test_what_is_no_token_is_refused(world: World, value: str) -> None:
    assert gateway_error(ask(world, Upstream(), token=value)) == "ERROR_CODE_ACCESS_TOKEN_INVALID"


def test_an_expired_token_is_refused(world: World) -> None:
    upstream = Upstream()
    late = NOW.replace(year=NOW.year + 1)
    reply = ask(world, upstream, clock=lambda: late)
    assert (gateway_error(reply), reply.status) == ("ERROR_CODE_ACCESS_TOKEN_EXPIRED", 401)
    assert upstream.requests == []


def test_a_token_of_another_group_is_refused(world: World) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, group="another.group")
    assert (gateway_error(reply), reply.status) == ("ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN", 403)
    assert upstream.requests == []


def test_a_token_of_another_connection_is_refused(world: World) -> None:
    upstream = Upstream()
    scope = scope_of(world.inway, headers=with_lines(("fsc-authorization", token_of(world))))
    reply = call(world.inway_app(transport=upstream), scope)
    assert gateway_error(reply) == "ERROR_CODE_ACCESS_TOKEN_INVALID"
    assert upstream.requests == []


def test_a_service_that_is_not_offered_is_not_found(world: World) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, services={"ddas-vs": "http://127.0.0.1:1"})
    assert (gateway_error(reply), reply.status) == ("ERROR_CODE_SERVICE_NOT_FOUND", 404)
    assert upstream.requests == []


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("no"),
        httpx.ConnectTimeout("no"),
        httpx.ReadTimeout("no"),
        httpx.PoolTimeout("no"),
        httpx.RemoteProtocolError("no"),
        httpx.LocalProtocolError("no"),
        OSError("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_service_that_does_not_answer_is_unreachable(world: World, error: Exception) -> None:
    reply = ask(world, Upstream(error=error))
    assert (gateway_error(reply), reply.status) == ("ERROR_CODE_SERVICE_UNREACHABLE", 502)


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        (200, []),
        (200, [("Content-Length", "2"), ("Transfer-Encoding", "chunked")]),
        (200, [("Content-Length", "2"), ("Content-Length", "3")]),
        (101, [("Upgrade", "x")]),
    ],
    ids=["its end is not said", "its end is said twice", "two lengths", "another protocol"],
)
def test_an_answer_that_does_not_say_where_it_ends_is_none(
    world: World, status: int, lines: list[tuple[str, str]]
) -> None:
    assert gateway_error(ask(world, Upstream(status=status, lines=lines))) == "ERROR_CODE_SERVICE_UNREACHABLE"


@pytest.mark.parametrize(("status", "method"), [(204, "POST"), (304, "GET"), (200, "HEAD")])
def test_an_answer_without_a_body_need_not_say_where_it_ends(world: World, status: int, method: str) -> None:
    reply = ask(world, Upstream(status=status, lines=[], pieces=[]), scope={"method": method})
    assert (reply.status, reply.is_whole) == (status, True)


@pytest.mark.parametrize("error", [httpx.ReadError("no"), httpx.RemoteProtocolError("no"), httpx.ReadTimeout("no")])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_answer_that_breaks_off_is_broken_off(
    world: World, error: Exception, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    upstream = Upstream(lines=[("Transfer-Encoding", "chunked")], pieces=[b"a", error])
    headers = with_lines(("fsc-authorization", token_of(world)))
    scope = scope_of(world.outway, headers=headers)
    reply = call(world.inway_app(transport=upstream), scope, backend=backend, failing=CutAnswerError)
    assert reply.body == b"a"
    assert not reply.is_whole
    assert "inway cut service=ddas-shv transaction_id=-" in caplog.messages
    assert upstream.stream is not None
    assert upstream.stream.closed


@pytest.mark.parametrize("body", [[None], [b"{", None]], ids=["before", "after a piece"])
def test_a_request_that_breaks_off_is_never_whole_at_the_service(world: World, body: list[bytes | None]) -> None:
    upstream = Upstream()
    scope = scope_of(world.outway, headers=with_lines(("fsc-authorization", token_of(world))))
    reply = call(world.inway_app(transport=upstream), scope, body)
    assert reply.messages == []
    # Its body was not read to an end, so no answer was made.
    assert upstream.stream is None


# --- other refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"http_version": "1.0"}, 505),
        ({"http_version": "2"}, 505),
        ({"raw_path": b"*"}, 400),
        ({"raw_path": b"http://elsewhere.example/"}, 400),
        ({"raw_path": None}, 400),
        ({TARGET_KEY: b""}, 400),
    ],
    ids=str,
)
def test_what_cannot_be_passed_on_as_it_is_is_refused(world: World, scope: dict[str, Any], status: int) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, scope=scope)
    assert (reply.status, reply.values("fsc-error-code"), upstream.requests) == (status, [], [])


@pytest.mark.parametrize(
    "line",
    [
        ("transfer-encoding", "chunked"),
        ("content-length", "2"),
        ("host", "b.example"),
    ],
)
def test_a_length_or_a_host_that_is_said_twice_is_refused(world: World, line: tuple[str, str]) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, line)
    assert (reply.status, upstream.requests) == (400, [])


def test_another_coding_than_chunks_is_refused(world: World) -> None:
    upstream = Upstream()
    headers = [(b"host", b"a"), (b"transfer-encoding", b"gzip, chunked")]
    reply = call(world.inway_app(transport=upstream), scope_of(world.outway, headers=headers))
    assert (reply.status, upstream.requests) == (400, [])


@pytest.mark.parametrize(
    "extensions",
    [
        {},
        {"tls": {}},
        {"tls": {"client_cert_chain": []}},
        {"tls": {"client_cert_chain": ["no certificate"]}},
        {"tls": None},
    ],
    ids=str,
)
def test_a_server_that_gives_no_certificate_is_a_mistake_and_lets_nobody_in(
    world: World, extensions: dict[str, Any]
) -> None:
    upstream = Upstream()
    headers = with_lines(("fsc-authorization", token_of(world)))
    scope = scope_of(None, headers=headers, extensions=extensions)
    reply = call(world.inway_app(transport=upstream), scope, failing=ConfigurationError)
    assert (reply.messages, upstream.requests) == ([], [])


def test_a_certificate_that_the_server_did_not_accept_is_none(world: World) -> None:
    scope = scope_of(world.outway, headers=with_lines(("fsc-authorization", token_of(world))))
    scope["extensions"]["tls"]["client_cert_error"] = "self-signed"
    assert call(world.inway_app(transport=Upstream()), scope, failing=ConfigurationError).messages == []


def test_a_certificate_in_a_field_is_none(world: World) -> None:
    pem = scope_of(world.outway)["extensions"]["tls"]["client_cert_chain"][0].replace("\n", "%0A")
    names = ("x-forwarded-client-cert", "ssl-client-cert", "x-client-cert")
    headers = with_lines(("fsc-authorization", token_of(world)), *((name, pem) for name in names))
    scope = scope_of(None, headers=headers)
    assert call(world.inway_app(transport=Upstream()), scope, failing=ConfigurationError).messages == []


def test_a_websocket_is_refused(world: World) -> None:
    reply = call(world.inway_app(transport=Upstream()), {"type": "websocket"})
    assert [message["type"] for message in reply.messages] == ["websocket.close"]


def test_it_closes_its_connections_when_its_server_ends(world: World) -> None:
    class Closing(Upstream):
        closed = False

        async def aclose(self) -> None:
            type(self).closed = True

    messages: list[dict[str, Any]] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        await world.inway_app(transport=Closing())({"type": "lifespan"}, receive, send)  # type: ignore[arg-type]  # a MutableMapping, as a dict is

    import anyio

    anyio.run(run)
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert Closing.closed


# --- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"services": {}},
        {"services": {"a/b": "http://127.0.0.1:1"}},
        {"services": {"a": "http://10.0.0.1:1"}},
        {"services": {"a": "http://gegevens.gemeente.example"}},
        {"services": {"a": "http://127.0.0.1:1/path"}},
        {"services": {"a": "ftp://127.0.0.1"}},
        {"group": ""},
        {"audience": "http://inway.example"},
        {"issuers": []},
        {"issuers": ["a certificate"]},
        {"clock": None},
        {"limits": 5},
        {"transport": "a transport"},
    ],
    ids=str,
)
def test_an_inway_of_another_form_is_a_mistake(world: World, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        world.inway_app(**change)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://elsewhere.example"]
)
def test_a_service_without_tls_is_on_this_machine(world: World, url: str) -> None:
    upstream = Upstream()
    assert ask(world, upstream, services={"ddas-shv": url}).status == 200
    assert str(upstream.requests[0].url) == url
