"""JadesVerifierMiddleware: what passes to the application, and how."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from nlgov_jades import AsyncVerifier, BodyDigest, HttpRequest, VerifiedMessage, profiles
from nlgov_jades.asgi import (
    ANY_METHOD,
    CORRELATION_KEY,
    UNVERIFIED_KEY,
    VERIFIED_KEY,
    BodySettings,
    JadesVerifierMiddleware,
    Need,
    PublicAddress,
    RequestRules,
    Route,
    Unverified,
    Websockets,
    WhyUnverified,
    verified_message,
)
from nlgov_jades.errors import ConfigurationError, SignatureMissingError

from .harness import GONE, App, Application, Message, Receive, Send, Server, pieces

Wrap = Callable[..., App]
Refused = Callable[..., None]

HOST = ("Host", "provider.example.test")


def plain(method: str = "GET", target: str = "/v1/gegevens", *fields: tuple[str, str]) -> HttpRequest:
    return HttpRequest(method=method, target=target, fields=[HOST, *fields])


# --- a signed request --------------------------------------------------------------------------------------------


def test_the_application_gets_the_body_that_was_verified_and_the_proof(
    verifying_app: Wrap, signed: HttpRequest, backend: str, log: pytest.LogCaptureFixture
) -> None:
    app = Application()
    server = Server(signed, backend=backend).run(verifying_app(app))
    assert server.answer.status == 200
    assert app.body == signed.body
    verified = verified_message(app.scope)
    assert verified is app.scope[VERIFIED_KEY]
    assert verified.body == signed.body
    assert verified.message.fields.get_all("digest") == signed.fields.get_all("digest")
    assert UNVERIFIED_KEY not in app.scope
    assert app.scope[CORRELATION_KEY] == "id-1"
    assert [record.getMessage() for record in log.records] == [
        "verified profile=ddas oin=00000001002220647000 correlation_id=id-1"
    ]


def test_the_scope_of_the_server_is_not_changed(verifying_app: Wrap, signed: HttpRequest) -> None:
    app = Application()
    server = Server(signed)
    before = dict(server.scope)
    headers = list(server.scope["headers"])
    server.run(verifying_app(app))
    assert server.scope == before
    assert server.scope["headers"] == headers
    assert app.scope["headers"] is not server.scope["headers"]


@pytest.mark.parametrize("memory", [16, 1024 * 1024], ids=["on-disk", "in-memory"])
@pytest.mark.parametrize("size", [1, 7, 40, 1000])
def test_the_body_may_come_in_any_pieces(
    verifying_app: Wrap, signed: HttpRequest, backend: str, memory: int, size: int
) -> None:
    body = signed.body
    assert isinstance(body, bytes)
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    app = Application()
    Server(signed, pieces(b"", *cut, b""), backend=backend).run(verifying_app(app, body=BodySettings(memory=memory)))
    assert app.body == body
    kept = verified_message(app.scope).message.body
    assert isinstance(kept, BodyDigest if memory == 16 else bytes)


def test_a_long_body_is_given_in_pieces_of_a_mebibyte_at_most(
    verifying_app: Wrap, sign: Callable[..., HttpRequest], backend: str
) -> None:
    body = bytes(range(256)) * 4096 * 3 + b"end"
    message = plain("POST", "/v1/gegevens", ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"))
    request = sign(message.with_body(body))
    for memory in (1024 * 1024, 16 * 1024 * 1024):
        app = Application()
        cut = [body[at : at + 65536] for at in range(0, len(body), 65536)]
        Server(request, pieces(*cut), backend=backend).run(verifying_app(app, body=BodySettings(memory=memory)))
        assert app.body == body
        assert app.longest == 1024 * 1024


def test_a_body_of_two_mebibytes_is_given_whole_however_it_came(
    verifying_app: Wrap, sign: Callable[..., HttpRequest], backend: str
) -> None:
    body = bytes(range(256)) * 4096 * 2
    message = plain("POST", "/v1/gegevens", ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"))
    for memory in (1024 * 1024, 16 * 1024 * 1024):
        app = Application()
        cut = [body[at : at + 65536] for at in range(0, len(body), 65536)]
        server = Server(sign(message.with_body(body)), pieces(*cut), backend=backend)
        server.run(verifying_app(app, body=BodySettings(memory=memory)))
        assert app.body == body
        # From a file it is read in pieces.
        assert app.longest == min(memory, len(body))


def test_a_chunked_body_without_a_length_passes(verifying_app: Wrap, sign: Callable[..., HttpRequest]) -> None:
    message = plain("POST", "/v1", ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"))
    app = Application()
    Server(sign(message.with_body(b"{}"))).run(verifying_app(app))
    assert app.body == b"{}"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
def test_a_signature_over_an_empty_body_is_verified_too(
    verifying_app: Wrap, sign: Callable[..., HttpRequest], backend: str, method: str
) -> None:
    app = Application()
    Server(sign(plain(method)), backend=backend).run(verifying_app(app))
    assert app.body == b""
    assert isinstance(app.scope[VERIFIED_KEY], VerifiedMessage)


def test_after_the_body_each_receive_asks_the_server(verifying_app: Wrap, signed: HttpRequest, backend: str) -> None:
    seen: list[Message] = []
    strange: Message = {"type": "http.something"}

    async def app(_: object, receive: Receive, send: Send) -> None:
        seen.extend([await receive() for _ in range(3)])
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    assert isinstance(signed.body, bytes)
    server = Server(signed, [*pieces(signed.body), strange, GONE], backend=backend).run(verifying_app(app))
    assert seen[0] == {"type": "http.request", "body": signed.body, "more_body": False}
    assert seen[1] is strange
    assert seen[2] is GONE
    assert server.received == 3


def test_two_tasks_of_an_application_that_read_at_once_lose_nothing(
    verifying_app: Wrap, sign: Callable[..., HttpRequest], backend: str
) -> None:
    body = bytes(range(256)) * 4096 * 4
    got: list[Message] = []

    async def app(_: object, receive: Receive, send: Send) -> None:
        async def read() -> None:
            got.append(await receive())

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(read)
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    request = sign(
        plain("POST", "/", ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")).with_body(body)
    )
    assert isinstance(request.body, bytes)
    Server(request, [*pieces(request.body), GONE], backend=backend).run(verifying_app(app))
    assert got.pop() is GONE
    assert b"".join(message["body"] for message in got) == body
    assert [message["more_body"] for message in got] == [True, True, True, False]


def test_trailers_that_a_server_adds_to_the_field_list_later_are_not_seen(
    verifying_app: Wrap, signed: HttpRequest, backend: str
) -> None:
    app = Application()
    server = Server(signed, backend=backend)
    headers = server.scope["headers"]
    before = list(headers)
    server.messages[0]["before"] = lambda: headers.append((b"content-type", b"text/html"))
    server.run(verifying_app(app))
    assert app.scope["headers"] == before
    assert ("content-type", "text/html") not in list(verified_message(app.scope).message.fields)


def test_what_is_behind_the_application_may_fail_with_errors_of_ours(
    verifying_app: Wrap, signed: HttpRequest, log: pytest.LogCaptureFixture
) -> None:
    # An application may verify something itself; its failure is no refusal of this request.
    app = Application(SignatureMissingError("elsewhere"))
    server = Server(signed)
    with pytest.raises(SignatureMissingError, match="elsewhere"):
        server.run(verifying_app(app))
    assert server.sent == []
    assert not any("refused" in record.getMessage() for record in log.records)


# --- the target --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "scope", "prefix"),
    [
        ("/v1/a?x=%7e&y", {"raw_path": b"/v1/a", "query_string": b"x=%7e&y"}, ""),
        ("/v1/%7Ea%2Fb", {"raw_path": b"/v1/%7Ea%2Fb", "path": "/v1/~a/b", "query_string": b""}, ""),
        ("/base/v1/a", {"raw_path": b"/base/v1/a", "path": "/base/v1/a", "root_path": "/base"}, ""),
        ("/ddas/v1/a?x=1", {"raw_path": b"/a", "path": "/a", "query_string": b"x=1"}, "/ddas/v1"),
    ],
    ids=["query", "encoded", "root-path", "prefix"],
)
def test_the_target_is_the_one_that_was_signed(
    verifying_app: Wrap, sign: Callable[..., HttpRequest], target: str, scope: dict[str, Any], prefix: str
) -> None:
    app = Application()
    request = sign(plain("GET", target), profiles.ADR_MESSAGE)
    wrapped = verifying_app(app, policy={"profiles": (profiles.ADR_MESSAGE,)}, address=PublicAddress(prefix=prefix))
    Server(request, **scope).run(wrapped)
    message = verified_message(app.scope).message
    assert isinstance(message, HttpRequest)
    assert message.target == target


def test_a_signature_for_another_target_is_refused(
    verifying_app: Wrap, sign: Callable[..., HttpRequest], refused: Refused
) -> None:
    app = Application()
    request = sign(plain("GET", "/v1/a"), profiles.ADR_MESSAGE)
    server = Server(request, raw_path=b"/v1/b", path="/v1/b")
    server.run(verifying_app(app, policy={"profiles": (profiles.ADR_MESSAGE,)}))
    refused(server, app, 400, "INVALID_SIGNATURE")


@pytest.mark.parametrize("raw", [None, "/v1", b"/v1?x=1"], ids=["missing", "text", "with-query"])
def test_a_server_that_does_not_give_the_target_is_our_fault(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused, log: pytest.LogCaptureFixture, raw: object
) -> None:
    app = Application()
    server = Server(signed, raw_path=raw).run(verifying_app(app))
    refused(server, app, 500, "APPLICATION_FAILED")
    assert server.received == 0
    assert "the server gives no raw_path" in log.text
    assert "ERROR" in log.text


def test_a_server_that_leaves_out_the_target_is_our_fault(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused
) -> None:
    app = Application()
    server = Server(signed)
    del server.scope["raw_path"]
    refused(server.run(verifying_app(app)), app, 500, "APPLICATION_FAILED")


# --- a request that needs no signature ---------------------------------------------------------------------------


def test_a_request_without_body_and_signature_passes_as_unverified(verifying_app: Wrap, backend: str) -> None:
    app = Application()
    server = Server(plain(), [*pieces(b""), GONE], backend=backend).run(verifying_app(app))
    assert server.answer.status == 200
    assert app.scope[UNVERIFIED_KEY] == Unverified(WhyUnverified.UNSIGNED)
    assert VERIFIED_KEY not in app.scope
    assert app.scope[CORRELATION_KEY] == "id-1"
    with pytest.raises(ConfigurationError, match="the rules let it pass"):
        verified_message(app.scope)
    assert app.body == b""
    assert app.receive is not None
    assert server.messages == [GONE]


@pytest.mark.parametrize("otherwise", [Need.IF_PRESENT, Need.NONE])
@pytest.mark.parametrize(
    "first",
    [
        {"type": "http.request", "body": b"x", "more_body": False},
        {"type": "http.request", "body": b"", "more_body": True},
        {"type": "http.request", "more_body": True},
    ],
    ids=["body", "more", "more-without-body"],
)
def test_a_body_that_was_not_announced_does_not_pass_unsigned(
    verifying_app: Wrap, refused: Refused, backend: str, first: Message, otherwise: Need
) -> None:
    app = Application()
    server = Server(plain(), [dict(first), *pieces(b"secret")], backend=backend, http_version="2")
    server.run(verifying_app(app, rules=RequestRules(otherwise=otherwise)))
    refused(server, app, 400, "SIGNATURE_MISSING")
    # With the first octet it is over.
    assert server.received == (1 if first.get("body") else 2)


def test_a_request_without_a_body_may_end_later_than_its_fields(verifying_app: Wrap, backend: str) -> None:
    app = Application()
    empty: Message = {"type": "http.request", "body": b"", "more_body": True}
    server = Server(plain(), [dict(empty), dict(empty), *pieces(b"")], backend=backend, http_version="2")
    server.run(verifying_app(app))
    assert app.scope[UNVERIFIED_KEY] == Unverified(WhyUnverified.UNSIGNED)
    assert app.body == b""


@pytest.mark.parametrize(
    "fields",
    [[("Content-Length", "3")], [("Transfer-Encoding", "chunked")]],
    ids=["length", "chunked"],
)
def test_an_announced_body_needs_a_signature(
    verifying_app: Wrap, refused: Refused, fields: list[tuple[str, str]]
) -> None:
    app = Application()
    server = Server(plain("GET", "/", *fields), pieces(b"abc")).run(verifying_app(app))
    refused(server, app, 400, "SIGNATURE_MISSING")
    assert server.received == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "post", "Put"])
def test_a_writing_request_needs_a_signature_even_without_a_body(
    verifying_app: Wrap, refused: Refused, method: str
) -> None:
    app = Application()
    server = Server(plain(method)).run(verifying_app(app))
    refused(server, app, 400, "SIGNATURE_MISSING")
    assert server.received == 0


def test_a_signature_that_is_there_is_verified_where_none_is_needed(
    verifying_app: Wrap, sign: Callable[..., HttpRequest], refused: Refused
) -> None:
    app = Application()
    request = sign(plain())
    spoiled = HttpRequest(
        method="GET",
        target=request.target,
        fields=[(n, v[:-8] + "AAAAAAAA" if "sig" in n else v) for n, v in request.fields],
    )
    refused(Server(spoiled).run(verifying_app(app)), app, 400, "INVALID_SIGNATURE")


def test_a_route_may_need_no_signature_whatever_comes(verifying_app: Wrap, backend: str) -> None:
    app = Application()
    rules = RequestRules(routes=(Route(path="/hook", methods={"POST"}, need=Need.NONE),))
    # Not even Host is looked at: it may be a probe of the platform.
    request = HttpRequest(
        method="POST", target="/hook?a=1", fields=[("nlgov-adr-payload-sig", "x"), ("Content-Length", "2")], body=b"{}"
    )
    wrapped = verifying_app(app, rules=rules, address=PublicAddress(authority="provider.example.test"))
    Server(request, backend=backend).run(wrapped)
    assert app.body == b"{}"
    assert app.scope[UNVERIFIED_KEY] == Unverified(WhyUnverified.EXEMPT)


def test_where_no_request_needs_a_signature_one_without_body_is_exempt(verifying_app: Wrap) -> None:
    app = Application()
    Server(plain()).run(verifying_app(app, rules=RequestRules(otherwise=Need.NONE)))
    assert app.scope[UNVERIFIED_KEY] == Unverified(WhyUnverified.EXEMPT)


@pytest.mark.parametrize(
    "scope",
    [
        {"raw_path": b"/%68ook", "path": "/hook"},
        {"raw_path": b"/hook", "path": "/v1/admin"},
        {"raw_path": b"/v1/admin", "path": "/hook"},
        {"raw_path": b"ook", "path": "ook"},
    ],
    ids=["encoded", "rewritten", "hidden", "no-slash"],
)
def test_a_route_without_signature_takes_no_other_path(
    verifying_app: Wrap, refused: Refused, scope: dict[str, Any]
) -> None:
    app = Application()
    rules = RequestRules(routes=(Route(path="/hook", methods=ANY_METHOD, need=Need.NONE),))
    address = PublicAddress(prefix="/h" if scope["path"] == "ook" else "")
    server = Server(plain("POST", "/hook"), **scope).run(verifying_app(app, rules=rules, address=address))
    refused(server, app, 400, "MALFORMED_MESSAGE" if scope["path"] == "ook" else "SIGNATURE_MISSING")


def test_a_route_may_leave_it_to_the_client(
    verifying_app: Wrap, refused: Refused, sign: Callable[..., HttpRequest]
) -> None:
    rules = RequestRules(routes=(Route(path="/v1/gegevens", methods={"POST"}, need=Need.IF_PRESENT),))
    app = Application()
    Server(plain("POST")).run(verifying_app(app, rules=rules))
    assert app.scope[UNVERIFIED_KEY] == Unverified(WhyUnverified.UNSIGNED)
    app = Application()
    Server(sign(plain("POST"))).run(verifying_app(app, rules=rules))
    assert VERIFIED_KEY in app.scope
    app = Application()
    server = Server(plain("POST", "/v1/gegevens", ("Content-Length", "1")), pieces(b"x"))
    refused(server.run(verifying_app(app, rules=rules)), app, 400, "SIGNATURE_MISSING")


def test_an_outcome_from_outside_does_not_survive(verifying_app: Wrap, signed: HttpRequest) -> None:
    app = Application()
    server = Server(plain())
    server.scope[VERIFIED_KEY] = object()
    server.run(verifying_app(app))
    assert VERIFIED_KEY not in app.scope
    app = Application()
    server = Server(signed)
    server.scope[UNVERIFIED_KEY] = object()
    server.run(verifying_app(app))
    assert UNVERIFIED_KEY not in app.scope


# --- what is no request ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lifespan"])
def test_what_is_no_request_passes_untouched(verifying_app: Wrap, backend: str, kind: str) -> None:
    given: list[object] = []

    async def app(*arguments: object) -> None:
        given.extend(arguments)

    server = Server(plain(), backend=backend)
    server.scope = {"type": kind}
    server.run(verifying_app(app))
    assert given == [server.scope, server.receive, server.send]
    assert given[0] is server.scope


def test_a_lifespan_passes_on_a_loop_that_anyio_does_not_know(verifying_app: Wrap, signing_app: Wrap) -> None:
    given: list[object] = []

    async def app(scope: object, *_: object) -> None:
        given.append(scope)

    async def nothing(*_: object) -> Any:
        raise AssertionError

    with pytest.raises(StopIteration):
        signing_app(verifying_app(app))({"type": "lifespan"}, nothing, nothing).send(None)  # type: ignore[attr-defined]  # a coroutine
    assert given == [{"type": "lifespan"}]


def websocket(**scope: Any) -> Server:
    server = Server(plain(), [{"type": "websocket.connect"}], **{"type": "websocket", "scheme": "wss", **scope})
    del server.scope["method"]  # ASGI gives a websocket none
    return server


def test_a_websocket_is_refused_before_it_is_accepted(
    verifying_app: Wrap, backend: str, log: pytest.LogCaptureFixture
) -> None:
    app = Application()
    server = websocket(backend=backend).run(verifying_app(app))
    assert server.sent == [{"type": "websocket.close"}]
    assert app.calls == 0
    assert "refused code=SIGNATURE_MISSING status=403 oin=- correlation_id=id-1" in log.text


def test_a_websocket_is_refused_in_words_where_the_server_can(verifying_app: Wrap, backend: str) -> None:
    app = Application()
    server = websocket(backend=backend, extensions={"websocket.http.response": {}}).run(verifying_app(app))
    assert server.types == ["websocket.http.response.start", "websocket.http.response.body"]
    assert server.sent[0]["status"] == 403
    assert b'"SIGNATURE_MISSING"' in server.sent[1]["body"]
    assert app.calls == 0


def test_a_websocket_may_be_let_through(verifying_app: Wrap) -> None:
    given: dict[str, Any] = {}

    async def app(scope: Any, receive: Receive, _: Send) -> None:
        given.update(scope)
        given["first"] = await receive()

    websocket().run(verifying_app(app, rules=RequestRules(websockets=Websockets.LET_THROUGH)))
    assert given[UNVERIFIED_KEY] == Unverified(WhyUnverified.WEBSOCKET)
    assert "method" not in given
    assert given["first"] == {"type": "websocket.connect"}


# --- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    [
        {"verifier": None},
        {"rules": None},
        {"address": "provider.example"},
        {"body": None},
        {"responder": None},
        {"new_correlation_id": None},
        {"app": None},
    ],
    ids=lambda option: next(iter(option)),
)
def test_a_wrong_setting_is_told_at_once(awaited: Callable[..., AsyncVerifier], option: dict[str, Any]) -> None:
    arguments = {"app": Application(), "verifier": awaited(), **option}
    app = arguments.pop("app")
    with pytest.raises(ConfigurationError):
        JadesVerifierMiddleware(app, **arguments)


def test_a_verifier_for_threads_and_a_profile_over_the_body_are_told_at_once(
    awaited: Callable[..., AsyncVerifier], verifier: Any
) -> None:
    with pytest.raises(ConfigurationError, match="AsyncVerifier"):
        JadesVerifierMiddleware(Application(), verifier=verifier)
    with pytest.raises(ConfigurationError, match="ddas-body"):
        JadesVerifierMiddleware(Application(), verifier=awaited(profiles=(profiles.DDAS_BODY,)))


def test_without_anyio_the_import_names_the_extra() -> None:
    program = "import sys; sys.modules['anyio'] = None; import nlgov_jades.asgi"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "ImportError: nlgov_jades.asgi needs an extra: pip install 'nlgov-jades[asgi]'" in done.stderr
    assert "During handling" not in done.stderr
