"""A signer around a verifier around an application, as they are meant to be used."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from nlgov_jades import HttpRequest, Oin, Signer, VerifiedMessage, profiles
from nlgov_jades.asgi import (
    CORRELATION_KEY,
    BodySettings,
    MemoryReplayGuard,
    SigningRules,
    Throttle,
    UnsignedQuestions,
    verified_message,
)
from nlgov_jades.edges.body import Spool
from nlgov_jades.errors import SigningError

from .harness import GONE, App, Application, Receive, Send, Server, pieces

Wrap = Callable[..., App]
Client = Callable[..., VerifiedMessage]

SIGNATURE = "nlgov-adr-payload-sig"


def copying(app: App) -> App:
    """Middleware between the two that copies the scope, as some do."""

    async def wrapped(scope: Any, receive: Receive, send: Send) -> None:
        await app(dict(scope), receive, send)

    return wrapped


def unsigned(request: HttpRequest) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        target=request.target,
        fields=[line for line in request.fields if line[0] != SIGNATURE],
        body=request.body,
    )


def test_a_whole_exchange_is_signed_both_ways(
    signing_app: Wrap,
    verifying_app: Wrap,
    signed: HttpRequest,
    client: Client,
    log: pytest.LogCaptureFixture,
    backend: str,
) -> None:
    ids = iter(["id-1", "id-2"])
    app = Application()
    wrapped = signing_app(
        copying(verifying_app(app, new_correlation_id=lambda: next(ids))), new_correlation_id=lambda: next(ids)
    )
    server = Server(signed, backend=backend).run(wrapped)
    assert client(server.answer).body == b'{"ok":true}'
    assert verified_message(app.scope).body == signed.body
    # One id for both.
    assert app.scope[CORRELATION_KEY] == "id-1"
    assert "correlation_id=id-1" in log.text


def test_a_refusal_is_signed(
    signing_app: Wrap, verifying_app: Wrap, signed: HttpRequest, client: Client, backend: str
) -> None:
    server = Server(unsigned(signed), backend=backend).run(signing_app(copying(verifying_app(Application()))))
    assert server.answer.status == 400
    assert b"SIGNATURE_MISSING" in client(server.answer).body


def test_refusals_to_strangers_are_signed_only_so_often(
    signing_app: Wrap, verifying_app: Wrap, signed: HttpRequest, client: Client, log: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    refusals = Throttle(1, 2, clock=lambda: now[0])
    wrapped = signing_app(copying(verifying_app(Application())), refusals=refusals)

    def is_signed() -> bool:
        got = Server(unsigned(signed)).run(wrapped).answer
        assert got.status == 400
        assert isinstance(got.body, bytes)
        assert got.fields.get_all("content-length") == (str(len(got.body)),)
        assert b"SIGNATURE_MISSING" in got.body
        return SIGNATURE in got.fields

    assert [is_signed() for _ in range(4)] == [True, True, False, False]
    now[0] += 1
    assert [is_signed() for _ in range(2)] == [True, False]
    # Whoever signed well is answered with a signature all the same.
    client(Server(signed).run(wrapped).answer)
    assert not any(record.levelname == "ERROR" for record in log.records)


def test_refusals_to_a_signer_who_is_not_allowed_are_throttled_since_his_messages_can_be_recorded(
    signing_app: Wrap, verifying_app: Wrap, signed: HttpRequest, client: Client
) -> None:
    changes = {"signers": {Oin("00000003273229050000")}}
    wrapped = signing_app(verifying_app(Application(), policy=changes), refusals=Throttle(0.001, 1, clock=lambda: 0.0))
    assert b"SIGNER_NOT_ALLOWED" in client(Server(signed).run(wrapped).answer).body
    for _ in range(2):
        assert SIGNATURE not in Server(signed).run(wrapped).answer.fields


def test_a_refusal_that_cannot_be_signed_leaves_as_it_is(
    signing_app: Wrap, verifying_app: Wrap, signed: HttpRequest, log: pytest.LogCaptureFixture
) -> None:
    class Expired:
        profile = profiles.DDAS

        def sign(self, _: object) -> Any:
            raise SigningError("expired")

    got = Server(unsigned(signed)).run(signing_app(verifying_app(Application()), signer=Expired())).answer
    assert got.status == 400
    assert SIGNATURE not in got.fields
    assert "a refusal leaves unsigned correlation_id=id-1 detail=expired" in log.text


def test_a_target_that_nobody_can_sign_is_still_refused(
    signing_app: Wrap, verifying_app: Wrap, signed: HttpRequest, credential: Any
) -> None:
    signer = Signer(credential, profile=profiles.ADR_MESSAGE)
    wrapped = signing_app(verifying_app(Application()), signer=signer)
    got = Server(signed, raw_path=b"/\xe9\n").run(wrapped).answer
    assert got.status == 400
    assert "nlgov-adr-message-sig" not in got.fields


def test_a_client_that_leaves_gets_nothing_and_raises_no_alarm(
    signing_app: Wrap, verifying_app: Wrap, signed: HttpRequest, log: pytest.LogCaptureFixture, backend: str
) -> None:
    app = Application()
    assert isinstance(signed.body, bytes)
    server = Server(signed, [*pieces(signed.body[:9], b"")[:1], GONE], backend=backend)
    server.run(signing_app(verifying_app(app)))
    assert (server.sent, app.calls) == ([], 0)
    assert [record.levelname for record in log.records] == ["INFO"]


def test_a_second_copy_gets_a_signed_refusal(
    signing_app: Wrap, verifying_app: Wrap, signed: HttpRequest, client: Client
) -> None:
    policy = {"max_age": dt.timedelta(minutes=5)}
    wrapped = signing_app(verifying_app(Application(), policy=policy, replay_guard=MemoryReplayGuard()))
    assert client(Server(signed).run(wrapped).answer).message.status == 200  # type: ignore[union-attr] # it is an answer
    assert b"REPLAYED_MESSAGE" in client(Server(signed).run(wrapped).answer).body


def test_where_only_signed_questions_are_answered_signed_a_bad_signature_is_one(
    signing_app: Wrap, verifying_app: Wrap, signed: HttpRequest, client: Client
) -> None:
    rules = SigningRules(unsigned_questions=UnsignedQuestions.LEAVE_UNSIGNED)
    wrapped = signing_app(verifying_app(Application()), rules=rules)
    assert isinstance(signed.body, bytes)
    client(Server(signed, pieces(signed.body[:-1])).run(wrapped).answer)
    assert SIGNATURE not in Server(unsigned(signed)).run(wrapped).answer.fields


def test_many_requests_at_once_do_not_see_each_other(
    signing_app: Wrap, verifying_app: Wrap, sign: Callable[..., HttpRequest], client: Client, backend: str
) -> None:
    async def echo(scope: Any, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        assert verified_message(scope).message.fields.get_all("x-number") == (body.strip(b"x").decode(),)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": body[:20_000], "more_body": True})
        await send({"type": "http.response.body", "body": body[20_000:]})

    wrapped = signing_app(verifying_app(echo, body=BodySettings(memory=1000)), body=BodySettings(memory=1000))
    servers = []
    for number in range(20):
        body = str(number).encode() + b"x" * (3_000 * number)
        fields = [("Host", "h"), ("Content-Type", "application/json"), ("X-Number", str(number))]
        fields.append(("Transfer-Encoding", "chunked"))
        message = HttpRequest(method="POST", target="/", fields=fields, body=body)
        cut = [body[at : at + 7_000] for at in range(0, len(body), 7_000)]
        servers.append(Server(sign(message), pieces(*cut)))

    async def serve(server: Server) -> None:
        await wrapped(server.scope, server.receive, server.send)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for server in servers:
                group.start_soon(serve, server)

    anyio.run(main, backend=backend)
    for number, server in enumerate(servers):
        assert client(server.answer).body == str(number).encode() + b"x" * (3_000 * number)


def test_a_task_that_asyncio_cancels_leaves_no_file_behind(
    verifying_app: Wrap, signed: HttpRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # asyncio's own cancellation does not wait for the thread, as that of anyio does.
    started, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    spools: list[Spool] = []

    def slow(spool: Spool, *_: object) -> None:
        try:
            with spool._at_work():
                spools.append(spool)
                started.set()
                assert go_on.wait(20)
        finally:
            ended.set()

    monkeypatch.setattr(Spool, "_write", slow)
    server = Server(signed)

    async def main() -> None:
        app = verifying_app(Application(), body=BodySettings(memory=16))
        task = asyncio.ensure_future(app(server.scope, server.receive, server.send))
        await anyio.to_thread.run_sync(started.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert spools[0]._closed
        go_on.set()
        await anyio.to_thread.run_sync(ended.wait, 20)

    asyncio.run(main())
    assert spools[0]._file is None
    assert server.sent == []
