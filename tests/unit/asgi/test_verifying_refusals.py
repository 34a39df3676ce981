"""JadesVerifierMiddleware: what does not pass, when that is decided, and what is said of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import os
import stat
import tempfile
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import anyio
import pytest

from nlgov_jades import AsyncVerifier, HttpRequest, Oin, Signer, SigningCredential, profiles
from nlgov_jades.asgi import Answer, BodySettings, JadesVerifierMiddleware, MemoryReplayGuard, PublicAddress, Refusal
from nlgov_jades.edges.body import Spool
from nlgov_jades.errors import (
    BodyTooLargeError,
    ConfigurationError,
    ReplayedMessageError,
    ReplayUnknownError,
    RevocationUnknownError,
)
from nlgov_jades.replay import ReplayGuard, Sighting

from .conftest import NOW
from .harness import GONE, App, Application, Message, Server, pieces

Wrap = Callable[..., App]
Refused = Callable[..., None]

SIGNATURE = "nlgov-adr-payload-sig"
HOUR = {"max_age": dt.timedelta(hours=1)}


def edited(request: HttpRequest, *changes: tuple[str, str | None], more: Any = ()) -> HttpRequest:
    """The request with these fields replaced, or left out; `more` is added at the end."""
    by_name = {name.lower(): value for name, value in changes}
    lines: list[tuple[str, str]] = []
    for name, value in request.fields:
        new = by_name.get(name.lower(), value)
        if new is not None:
            lines.append((name, new))
    return HttpRequest(method=request.method, target=request.target, fields=[*lines, *more], body=request.body)


# --- decided from the fields, before anything is read ------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "status", "code"),
    [
        (lambda m: edited(m, (SIGNATURE, None)), 400, "SIGNATURE_MISSING"),
        (lambda m: edited(m, ("Digest", None)), 400, "PROFILE_VIOLATION"),
        (lambda m: edited(m, more=[("Digest", "SHA-256=AAAA")]), 400, "INVALID_SIGNATURE"),
        (lambda m: edited(m, more=[(SIGNATURE, m.fields.get_all(SIGNATURE)[0])]), 400, "MALFORMED_SIGNATURE"),
        (
            lambda m: edited(m, (SIGNATURE, ", ".join(m.fields.get_all(SIGNATURE) * 2))),
            400,
            "MALFORMED_SIGNATURE",
        ),
        (lambda m: edited(m, more=[("Payload-Signature", "a..b")]), 400, "MALFORMED_SIGNATURE"),
        (lambda m: edited(m, ("Host", None)), 400, "MALFORMED_MESSAGE"),
        (lambda m: edited(m, more=[("Host", "provider.example.test")]), 400, "MALFORMED_MESSAGE"),
        (lambda m: edited(m, ("Host", "other.example.test")), 400, "MALFORMED_MESSAGE"),
        (lambda m: edited(m, more=[("Transfer-Encoding", "chunked")]), 400, "MALFORMED_MESSAGE"),
        (lambda m: edited(m, more=[("Content-Length", "88")]), 400, "MALFORMED_MESSAGE"),
        (lambda m: edited(m, ("Content-Length", "+88")), 400, "MALFORMED_MESSAGE"),
        (lambda m: edited(m, ("Content-Length", "5000")), 413, "BODY_TOO_LARGE"),
        (lambda m: edited(m, ("Content-Length", "5" * 18)), 413, "BODY_TOO_LARGE"),
        (lambda m: edited(m, more=[("Content-Encoding", "gzip")]), 400, "PROFILE_VIOLATION"),
        (lambda m: edited(m, ("Content-Type", "text/html")), 400, "PROFILE_VIOLATION"),
        (lambda m: edited(m, more=[("Digest ", "x")]), 400, "MALFORMED_SIGNATURE"),
        (lambda m: edited(m, (SIGNATURE, "x" * 40_000)), 400, "MALFORMED_SIGNATURE"),
        (lambda m: edited(m, (SIGNATURE, "é\x85..ü")), 400, "MALFORMED_SIGNATURE"),
    ],
    ids=[
        "no-signature",
        "no-digest",
        "two-digests",
        "two-signatures",
        "joined-signatures",
        "two-signature-fields",
        "no-host",
        "two-hosts",
        "another-host",
        "length-and-chunked",
        "two-lengths",
        "odd-length",
        "too-long",
        "far-too-long",
        "gzip",
        "html",
        "odd-name",
        "long-signature",
        "no-ascii",
    ],
)
def test_what_the_fields_show_is_refused_before_the_body_is_read(
    verifying_app: Wrap,
    signed: HttpRequest,
    refused: Refused,
    backend: str,
    spoil: Callable[[HttpRequest], HttpRequest],
    status: int,
    code: str,
) -> None:
    app = Application()
    server = Server(spoil(signed), backend=backend)
    wrapped = verifying_app(
        app, body=BodySettings(limit=4096), address=PublicAddress(authority="provider.example.test")
    )
    refused(server.run(wrapped), app, status, code)
    assert server.received == 0


@pytest.mark.parametrize("raw", [b"http://other/v1", b"*", b"", b"/v1/\xe9", b"/v1 x"])
def test_a_target_that_is_no_path_is_refused(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused, raw: bytes
) -> None:
    app = Application()
    refused(Server(signed, raw_path=raw).run(verifying_app(app)), app, 400, "MALFORMED_MESSAGE")


def test_another_signer_is_refused_before_the_body_is_read_and_is_named_in_the_log(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused, log: pytest.LogCaptureFixture
) -> None:
    app = Application()
    server = Server(signed)
    server.run(verifying_app(app, policy={"signers": {Oin("00000003273229050000")}}))
    refused(server, app, 403, "SIGNER_NOT_ALLOWED")
    assert server.received == 0
    assert "refused code=SIGNER_NOT_ALLOWED status=403 oin=00000001002220647000 correlation_id=id-1" in log.text


def test_a_failure_that_passes_says_when_to_come_back(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*_: object) -> None:
        raise RevocationUnknownError("no answer")

    monkeypatch.setattr(AsyncVerifier, "verify_fields", unknown)
    app = Application()
    server = Server(signed).run(verifying_app(app))
    refused(server, app, 503, "REVOCATION_UNKNOWN")
    assert server.answer.fields.get_all("retry-after") == ("30",)


# --- decided by the body -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [16, 4096], ids=["on-disk", "in-memory"])
@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda body: body.replace(b"2025", b"2024"), "DIGEST_MISMATCH"),
        (lambda body: body[:-1], "MALFORMED_MESSAGE"),
        (lambda body: body + b" ", "MALFORMED_MESSAGE"),
        (lambda body: b"", "MALFORMED_MESSAGE"),  # noqa: ARG005 - nothing is left of it
        (lambda body: body + bytes(5000), "MALFORMED_MESSAGE"),
    ],
    ids=["changed", "shorter", "longer", "none", "much-longer"],
)
def test_another_body_never_reaches_the_application(
    verifying_app: Wrap,
    signed: HttpRequest,
    refused: Refused,
    backend: str,
    memory: int,
    spoil: Callable[[bytes], bytes],
    code: str,
) -> None:
    app = Application()
    assert isinstance(signed.body, bytes)
    body = spoil(signed.body)
    server = Server(signed, pieces(body[:20], body[20:40], body[40:]), backend=backend)
    refused(server.run(verifying_app(app, body=BodySettings(memory=memory))), app, 400, code)


def test_a_body_longer_than_announced_is_not_read_to_its_end(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused
) -> None:
    app = Application()
    server = Server(signed, pieces(*[bytes(80)] * 1000)).run(verifying_app(app))
    refused(server, app, 400, "MALFORMED_MESSAGE")
    assert server.received == 2


@pytest.mark.parametrize("memory", [16, 4096], ids=["on-disk", "in-memory"])
def test_a_chunked_body_is_read_to_the_limit_only(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused, backend: str, memory: int
) -> None:
    request = edited(signed, ("Content-Length", None), more=[("Transfer-Encoding", "chunked")])
    app = Application()
    server = Server(request, pieces(*[bytes(50)] * 1000), backend=backend)
    refused(server.run(verifying_app(app, body=BodySettings(limit=99, memory=memory))), app, 413, "BODY_TOO_LARGE")
    assert server.received == 2


@pytest.mark.parametrize("kind", ["text", 5, None], ids=["text", "number", "none"])
def test_a_server_that_gives_no_octets_is_our_fault(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused, kind: object
) -> None:
    app = Application()
    server = Server(signed, [{"type": "http.request", "body": kind, "more_body": False}]).run(verifying_app(app))
    refused(server, app, 500, "APPLICATION_FAILED")


def test_messages_that_are_no_body_are_left_out(verifying_app: Wrap, signed: HttpRequest) -> None:
    app = Application()
    assert isinstance(signed.body, bytes)
    messages = pieces(signed.body[:10], signed.body[10:])
    messages.insert(1, {"type": "http.unknown", "body": b"unverified"})
    Server(signed, messages).run(verifying_app(app))
    assert app.body == signed.body


def test_a_compressed_body_passes_as_it_is_where_the_policy_takes_it(
    verifying_app: Wrap, credential: SigningCredential
) -> None:
    body = gzip.compress(b'{"a":1}')
    fields = [("Host", "h"), ("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
    message = HttpRequest(method="POST", target="/", fields=fields, body=body)
    accepted = frozenset({"identity", "gzip"})
    signer = Signer(credential, profile=profiles.DDAS, clock=lambda: NOW, content_encodings=accepted)
    app = Application()
    Server(message.with_fields(signer.sign(message))).run(verifying_app(app, policy={"content_encodings": accepted}))
    assert app.body == body


# --- a client that leaves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [16, 4096], ids=["on-disk", "in-memory"])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_client_that_leaves_before_the_end_is_only_written_down(
    verifying_app: Wrap, signed: HttpRequest, log: pytest.LogCaptureFixture, backend: str, memory: int, before: int
) -> None:
    app = Application()
    assert isinstance(signed.body, bytes)
    parts = pieces(signed.body[:30], signed.body[30:60], signed.body[60:])
    server = Server(signed, [*parts[:before], GONE], backend=backend)
    server.run(verifying_app(app, body=BodySettings(memory=memory)))
    assert server.sent == []
    assert app.calls == 0
    assert [(record.levelname, record.getMessage()) for record in log.records] == [
        ("INFO", "the client left before the end of its request correlation_id=id-1")
    ]


def test_a_client_without_signature_may_leave_too(verifying_app: Wrap, backend: str) -> None:
    app = Application()
    request = HttpRequest(method="GET", target="/", fields=[("Host", "h")])
    server = Server(request, [GONE], backend=backend).run(verifying_app(app))
    assert (server.sent, app.calls) == ([], 0)


def test_a_client_that_leaves_after_its_request_is_the_matter_of_the_application(
    verifying_app: Wrap, signed: HttpRequest, backend: str
) -> None:
    seen: list[Message] = []

    async def app(_: object, receive: Callable[[], Any], __: object) -> None:
        seen.append(await receive())
        seen.append(await receive())

    assert isinstance(signed.body, bytes)
    server = Server(signed, [*pieces(signed.body), GONE], backend=backend).run(verifying_app(app))
    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]
    assert server.sent == []


def test_a_broken_connection_stays_the_error_of_the_server(verifying_app: Wrap, signed: HttpRequest) -> None:
    app = Application()
    server = Server(edited(signed, (SIGNATURE, None)))
    server.broken = ConnectionResetError("gone")
    with pytest.raises(ConnectionResetError):
        server.run(verifying_app(app))
    server = Server(signed, [])
    with pytest.raises(AssertionError):
        server.run(verifying_app(app))
    assert app.calls == 0


# --- replay ------------------------------------------------------------------------------------------------------


class SlowGuard:
    """A guard that is not the one in memory, so it is asked in a thread."""

    def __init__(self) -> None:
        self.inner = MemoryReplayGuard()

    def admit(self, sighting: Sighting) -> None:
        with pytest.raises(RuntimeError):
            anyio.current_time()
        self.inner.admit(sighting)


@pytest.mark.parametrize("kind", [MemoryReplayGuard, SlowGuard])
def test_a_second_copy_is_refused_and_a_tampered_one_does_not_use_up_the_first(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused, backend: str, kind: type[ReplayGuard]
) -> None:
    guard = kind()
    assert isinstance(signed.body, bytes)

    def ask(body: bytes) -> tuple[Server, Application]:
        app = Application()
        server = Server(signed, pieces(body), backend=backend)
        return server.run(verifying_app(app, policy=HOUR, replay_guard=guard)), app

    refused(*ask(signed.body.replace(b"2025", b"2024")), 400, "DIGEST_MISMATCH")
    refused(*ask(signed.body[:-1]), 400, "MALFORMED_MESSAGE")
    server, app = ask(signed.body)
    assert (server.answer.status, app.calls) == (200, 1)
    refused(*ask(signed.body), 400, "REPLAYED_MESSAGE")


class BrokenGuard:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def admit(self, _: Sighting) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ConnectionError("redis://user:secret@host"), 503, "REPLAY_UNKNOWN"),
        (KeyError("secret"), 503, "REPLAY_UNKNOWN"),
        (ReplayUnknownError("full"), 503, "REPLAY_UNKNOWN"),
        (ReplayedMessageError("seen"), 400, "REPLAYED_MESSAGE"),
        (ConfigurationError("no"), 500, "APPLICATION_FAILED"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_a_guard_that_fails_admits_nothing(
    verifying_app: Wrap,
    signed: HttpRequest,
    refused: Refused,
    log: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
) -> None:
    app = Application()
    server = Server(signed).run(verifying_app(app, policy=HOUR, replay_guard=BrokenGuard(error)))
    refused(server, app, status, code)
    assert "secret" not in log.text


def test_a_guard_that_is_awaited_admits_nothing(verifying_app: Wrap, signed: HttpRequest, refused: Refused) -> None:
    class Awaited:
        async def admit(self, sighting: Sighting) -> None:
            """Never awaited."""

    app = Application()
    guard: Any = Awaited()
    refused(Server(signed).run(verifying_app(app, policy=HOUR, replay_guard=guard)), app, 500, "APPLICATION_FAILED")


def test_a_guard_needs_a_policy_with_an_age(awaited: Callable[..., AsyncVerifier]) -> None:
    with pytest.raises(ConfigurationError, match="max_age"):
        JadesVerifierMiddleware(Application(), verifier=awaited(), replay_guard=MemoryReplayGuard())


# --- what is said of it ------------------------------------------------------------------------------------------


def test_no_body_goes_to_head(verifying_app: Wrap, signed: HttpRequest, backend: str) -> None:
    request = edited(signed, (SIGNATURE, None))
    server = Server(request, backend=backend, method="HEAD").run(verifying_app(Application()))
    assert server.answer.status == 400
    assert server.answer.body == b""
    assert int(server.answer.fields.get_all("content-length")[0]) > 0


def test_a_responder_may_answer_in_its_own_form(verifying_app: Wrap, signed: HttpRequest) -> None:
    given: list[Refusal] = []

    def responder(refusal: Refusal) -> Answer:
        given.append(refusal)
        return Answer(status=422, fields=(("Content-Type", "text/plain"), ("X-A", "é")), body=b"no")

    server = Server(edited(signed, (SIGNATURE, None))).run(verifying_app(Application(), responder=responder))
    assert server.answer.status == 422
    assert list(server.answer.fields) == [("content-type", "text/plain"), ("x-a", "é"), ("content-length", "2")]
    assert server.answer.body == b"no"
    assert given[0].correlation_id == "id-1"
    assert given[0].error is not None


@pytest.mark.parametrize(
    "responder",
    [
        lambda _: 1 / 0,
        lambda _: None,
        lambda _: b"no",
        lambda _: Answer(status=200, body=b"fine"),
        lambda _: Answer(status=400, fields=(("X", "a\r\nSet-Cookie: b"),)),
        lambda _: Answer(status=400, fields=(("X Y", "a"),)),
        lambda _: Answer(status=400, fields=(("X", "\u20ac"),)),
        lambda _: Answer(status=400, fields=(("Content-Length", "9"),)),
    ],
    ids=["raises", "nothing", "octets", "200", "two-lines", "odd-name", "euro", "length"],
)
def test_a_responder_that_fails_is_replaced(
    verifying_app: Wrap, signed: HttpRequest, refused: Refused, log: pytest.LogCaptureFixture, responder: Any
) -> None:
    app = Application()
    server = Server(edited(signed, (SIGNATURE, None))).run(verifying_app(app, responder=responder))
    refused(server, app, 400, "SIGNATURE_MISSING")
    assert "the responder" in log.text


def test_nothing_of_the_request_is_in_log_or_refusal(
    verifying_app: Wrap, sign: Callable[..., HttpRequest], log: pytest.LogCaptureFixture, backend: str
) -> None:
    secret = b'{"bsn":"999993653"}'
    fields = [("Host", "h"), ("Content-Type", "application/json"), ("Authorization", "Bearer s3cret")]
    message = HttpRequest(method="POST", target="/v1/burgers?bsn=999990019", fields=fields, body=secret)
    request = sign(message)
    digest = request.fields.get_all("digest")[0]
    said = b""
    for spoiled in (
        edited(request, (SIGNATURE, None)),
        edited(request, ("Digest", digest.replace("=", "=A", 1))),
        edited(request, ("Host", "999993653")),
        request.with_body(secret.replace(b"53", b"54")),
        request,
    ):
        for memory in (4, 4096):
            body = BodySettings(memory=memory, limit=30)
            server = Server(spoiled, backend=backend).run(
                verifying_app(Application(), body=body, address=PublicAddress(authority="h"))
            )
            said += server.answer.body if isinstance(server.answer.body, bytes) else b""
    text = log.text + said.decode()
    for word in ("99999", "bsn", "burgers", "s3cret", digest[8:]):
        assert word not in text


# --- the temporary file ------------------------------------------------------------------------------------------


def test_the_file_has_no_name_and_only_we_can_read_it(
    verifying_app: Wrap, signed: HttpRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int, list[Path]]] = []
    flush = Spool.flush

    def watched(spool: Spool) -> None:
        flush(spool)
        assert spool._file is not None
        status = os.fstat(spool._file.fileno())
        seen.append((stat.S_IMODE(status.st_mode), status.st_nlink, list(tmp_path.iterdir())))

    monkeypatch.setattr(Spool, "flush", watched)
    assert isinstance(signed.body, bytes)
    cut = pieces(signed.body[:40], signed.body[40:])
    Server(signed, cut).run(verifying_app(Application(), body=BodySettings(memory=16, folder=tmp_path)))
    # Each time it was due, and once at the end.
    assert seen == [(0o600, 0, [])] * 3


def test_a_full_disk_is_our_fault(
    verifying_app: Wrap,
    signed: HttpRequest,
    refused: Refused,
    log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere/secret")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    app = Application()
    server = Server(signed, backend=backend).run(verifying_app(app, body=BodySettings(memory=16)))
    refused(server, app, 500, "APPLICATION_FAILED")
    assert "the temporary file of a body failed: No space left on device" in log.text
    assert "secret" not in log.text
    assert log.records[-1].levelname == "ERROR"


def test_the_file_is_closed_whatever_happens(
    verifying_app: Wrap, signed: HttpRequest, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spools: list[Spool] = []
    made = Spool.__init__

    def watched(spool: Spool, *arguments: Any) -> None:
        made(spool, *arguments)
        spools.append(spool)

    monkeypatch.setattr(Spool, "__init__", watched)
    assert isinstance(signed.body, bytes)
    parts = pieces(signed.body[:40], signed.body[40:60], signed.body[60:])
    body = BodySettings(memory=16)

    async def stops(*_: object) -> None:
        await anyio.sleep_forever()

    for app, messages in (
        (Application(), parts),
        (Application(), [*parts[:2], GONE]),
        (Application(ValueError()), parts),
        (stops, parts),
        (stops, [*parts[:1], {"type": "http.request", "more_body": True}]),
    ):
        server = Server(signed, messages, backend=backend)

        async def limited(server: Server, app: Any) -> None:
            with anyio.CancelScope() as scope:

                async def receive() -> Message:
                    if not server.messages:
                        scope.cancel()
                        await anyio.sleep_forever()
                    return await server.receive()

                async def inner(inner_scope: Any, receive: Any, send: Any) -> None:
                    if app is stops:
                        scope.cancel()
                    await app(inner_scope, receive, send)

                await verifying_app(inner, body=body)(server.scope, receive, server.send)

        with contextlib.suppress(ValueError):
            anyio.run(limited, server, app, backend=backend)
    assert len(spools) == 5
    # A thread that still writes lets go of the file when it is done.
    wait([work for spool in spools for work in spool._passing])
    assert [spool._file for spool in spools] == [None] * 5
    assert all(spool._closed for spool in spools)


def test_a_file_that_loses_octets_gives_the_application_none_that_were_not_verified(
    verifying_app: Wrap, signed: HttpRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spool, "read", lambda *_: b"")
    app = Application()
    server = Server(signed)
    with pytest.raises(ConfigurationError, match="has lost octets"):
        server.run(verifying_app(app, body=BodySettings(memory=16)))
    assert app.body is None


def test_the_limit_is_said_without_the_body() -> None:
    spool = Spool(BodySettings(limit=1), lambda: pytest.fail("not hashed"))
    with pytest.raises(BodyTooLargeError) as caught:
        spool.add(b"999993653")
    assert caught.value.code == "BODY_TOO_LARGE"
    assert "999" not in caught.value.detail
