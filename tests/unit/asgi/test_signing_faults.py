"""JadesSignerMiddleware: applications, signers and disks that fail. Nothing of an unsigned or half answer leaves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import wait
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from nlgov_jades import BodyDigest, HttpRequest, Signer, SigningCredential, VerifiedMessage, profiles
from nlgov_jades.asgi import Answer, BodySettings, Refusal
from nlgov_jades.edges.body import Spool
from nlgov_jades.errors import ConfigurationError, MessageNotSignableError, SigningError

from .conftest import NOW
from .harness import BODY, START, App, Application, Message, Receive, Send, Server, answer

Wrap = Callable[..., App]
Client = Callable[..., VerifiedMessage]

SIGNATURE = "nlgov-adr-payload-sig"
SECRET = b'{"bsn":"999993653"}'


@pytest.fixture
def question() -> HttpRequest:
    return HttpRequest(method="GET", target="/v1/gegevens?bsn=999990019", fields=[("Host", "h")])


@pytest.fixture
def failed(client: Client, log: pytest.LogCaptureFixture) -> Callable[..., None]:
    """Assert that the client got a clean, signed 500, that the log says why, and nothing of what was held."""

    def check(server: Server, words: str, code: str = "APPLICATION_FAILED") -> None:
        got = server.answer
        assert got.status == 500
        body = client(got).body
        assert f'"code": "{code}"'.encode() in body
        assert b'"correlation_id": "id-1"' in body
        assert "x-app" not in got.fields
        assert len(server.sent) == 2
        lines = [record.getMessage() for record in log.records if record.levelname == "ERROR"]
        assert len(lines) == 1
        assert lines[0].startswith(f"refused code={code} status=500 oin=- correlation_id=id-1 detail=")
        assert words in lines[0]
        for secret in ("9999", "bsn"):
            assert secret not in log.text + body.decode()

    return check


# --- applications that fail --------------------------------------------------------------------------------------

HELD = answer(SECRET, b"", fields=[(b"x-app", b"1")])


@pytest.mark.parametrize("memory", [16, 4096], ids=["disk", "memory"])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_an_application_that_raises_before_its_answer_is_whole_becomes_a_500(
    signing_app: Wrap, question: HttpRequest, failed: Callable[..., None], backend: str, memory: int, step: int
) -> None:
    server = Server(question, backend=backend)
    app = Application(*HELD[:step], ValueError("bsn=999993653"))
    # The server hears of it as well: it logs what happened.
    with pytest.raises(ValueError, match="bsn"):
        server.run(signing_app(app, body=BodySettings(memory=memory)))
    failed(server, "the application raised ValueError")


@pytest.mark.parametrize("step", [0, 1, 2])
def test_an_application_that_ends_before_its_answer_becomes_a_500(
    signing_app: Wrap, question: HttpRequest, failed: Callable[..., None], backend: str, step: int
) -> None:
    messages = [*HELD[:step], lambda: None]
    server = Server(question, backend=backend).run(signing_app(Application(*messages)))
    failed(server, "the application ended before its answer did")


def test_an_application_that_raises_afterwards_has_answered(
    signing_app: Wrap, question: HttpRequest, client: Client, backend: str
) -> None:
    server = Server(question, backend=backend)
    with pytest.raises(ValueError, match="background"):
        server.run(signing_app(Application(*answer(b"{}"), ValueError("background"))))
    assert client(server.answer).body == b"{}"


START_AGAIN: Message = {"type": START, "status": 200, "headers": [(b"x-app", b"2")]}
MORE: Message = {"type": BODY, "body": SECRET, "more_body": True}


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ((HELD[0], START_AGAIN), "began its answer twice"),
        ((HELD[0], MORE, START_AGAIN), "began its answer twice"),
        ((MORE,), "sent a body before its answer began or after it ended"),
        ((HELD[0], {"type": "http.response.trailers", "headers": []}), "sent trailers before its body ended"),
        ((HELD[0], {"type": "http.response.pathsend", "path": "/etc/9999"}), "sent http.response.pathsend"),
        ((HELD[0], {"type": "http.response.zerocopysend", "file": 3}), "sent http.response.zerocopysend"),
        (({"type": "http.response.pathsend", "path": "/etc/9999"},), "sent http.response.pathsend"),
        ((HELD[0], {"type": BODY, "body": "9999"}), "the body of an ASGI message is bytes"),
        ((HELD[0], {"type": BODY, "body": None}), "the body of an ASGI message is bytes"),
        (({"type": START, "status": "200"},), "a status that is no number"),
        (({"type": START, "status": 200, "headers": [b"a: b"]},), "a field line is a (name, value) pair"),
        (({"type": START, "status": 200, "headers": [("€", b"")]},), "a field line is a (name, value) pair"),
        (answer(b"{}", fields=[(b"content-length", b"3")]), "announced 3 octets and sent 2"),
        (answer(b"{}", fields=[(b"content-length", b"1")]), "announced 1 octets and sent 2"),
        (answer(b"", fields=[(b"content-length", b"1")]), "announced 1 octets and sent 0"),
        (answer(b"{}", fields=[(b"content-length", b"x")]), "Content-Length is not one number"),
        (answer(b"{}", fields=[(b"content-length", b"2")] * 2), "Content-Length is not one number"),
        (
            answer(b"{}", fields=[(b"content-length", b"2"), (b"transfer-encoding", b"chunked")]),
            "Content-Length and Transfer-Encoding are both there",
        ),
        (answer(b"{}", status=204), "sent a body with status 204"),
        (answer(bytes(4097)), "answered with more than the 4096 octets that are signed"),
        (answer(b"", fields=[(b"content-length", b"4097")]), "answered with more than the 4096 octets"),
    ],
    ids=[
        "two-starts",
        "start-after-body",
        "body-first",
        "early-trailers",
        "pathsend",
        "zerocopysend",
        "pathsend-first",
        "text",
        "none",
        "status-text",
        "odd-line",
        "odd-name",
        "too-short",
        "too-long",
        "empty",
        "odd-length",
        "two-lengths",
        "length-and-chunked",
        "no-content",
        "over-limit",
        "announces-over-limit",
    ],
)
def test_what_asgi_does_not_allow_becomes_a_500_and_the_application_hears_it(
    signing_app: Wrap,
    question: HttpRequest,
    failed: Callable[..., None],
    backend: str,
    messages: tuple[Message, ...],
    words: str,
) -> None:
    server = Server(question, backend=backend)
    with pytest.raises(ConfigurationError) as caught:
        server.run(signing_app(Application(*messages), body=BodySettings(limit=4096)))
    assert words in str(caught.value)
    failed(server, words)


def test_a_body_after_the_end_is_told_to_the_application_only(
    signing_app: Wrap, question: HttpRequest, client: Client
) -> None:
    for late in (MORE, START_AGAIN):
        server = Server(question)
        with pytest.raises(ConfigurationError):
            server.run(signing_app(Application(*answer(b"{}"), late)))
        assert client(server.answer).body == b"{}"


def test_an_application_that_goes_on_after_its_fault_changes_nothing(
    signing_app: Wrap, question: HttpRequest, failed: Callable[..., None], backend: str
) -> None:
    async def app(_: object, __: Receive, send: Send) -> None:
        await send(HELD[0])
        for message in (START_AGAIN, *answer(SECRET)):
            with pytest.raises(ConfigurationError):
                await send(message)

    failed(Server(question, backend=backend).run(signing_app(app)), "began its answer twice")


def test_an_error_handler_inside_that_answers_itself_is_signed(
    signing_app: Wrap, question: HttpRequest, client: Client
) -> None:
    # As Starlette's: it answers when nothing had begun, and raises on.
    server = Server(question)
    with pytest.raises(KeyError):
        server.run(signing_app(Application(*answer(b"oops", status=500), KeyError())))
    assert client(server.answer).body == b"oops"


def test_a_cancelled_application_gets_no_answer_and_its_file_is_closed(
    signing_app: Wrap, question: HttpRequest, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spools: list[Spool] = []
    made = Spool.__init__

    def watched(spool: Spool, *arguments: Any) -> None:
        made(spool, *arguments)
        spools.append(spool)

    monkeypatch.setattr(Spool, "__init__", watched)
    server = Server(question, backend=backend)

    async def main() -> None:
        with anyio.CancelScope() as scope:

            async def app(_: object, __: Receive, send: Send) -> None:
                await send(HELD[0])
                await send({"type": BODY, "body": bytes(100), "more_body": True})
                assert spools[0].on_disk
                scope.cancel()
                await anyio.sleep_forever()

            await signing_app(app, body=BodySettings(memory=16))(server.scope, server.receive, server.send)

    anyio.run(main, backend=backend)
    assert server.sent == []
    # A thread that was still writing closes it.
    wait(spools[0]._passing, 30)
    assert [spool._file for spool in spools] == [None]


def test_a_task_that_outlives_the_application_cannot_begin_anew(
    signing_app: Wrap, question: HttpRequest, client: Client, backend: str
) -> None:
    server = Server(question, backend=backend)
    kept: list[Send] = []

    async def app(_: object, __: Receive, send: Send) -> None:
        kept.append(send)
        for message in answer(b"{}"):
            await send(message)

    async def main() -> None:
        await signing_app(app)(server.scope, server.receive, server.send)
        for message in answer(b"late"):
            with pytest.raises(ConfigurationError):
                await kept[0](message)

    anyio.run(main, backend=backend)
    assert client(server.answer).body == b"{}"


def test_an_application_that_fails_when_its_client_has_left_answers_nobody(
    signing_app: Wrap, question: HttpRequest, backend: str, log: pytest.LogCaptureFixture
) -> None:
    async def app(_: object, receive: Receive, __: Send) -> None:
        assert (await receive())["type"] == "http.disconnect"
        raise ValueError

    server = Server(question, [{"type": "http.disconnect"}], backend=backend)
    with pytest.raises(ValueError, match=r"^$"):
        server.run(signing_app(app))
    assert server.sent == []
    assert log.records == []


def test_a_full_disk_becomes_a_500(
    signing_app: Wrap,
    question: HttpRequest,
    failed: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    server = Server(question, backend=backend)
    with pytest.raises(ConfigurationError):
        server.run(signing_app(Application(*HELD), body=BodySettings(memory=16)))
    failed(server, "the temporary file of a body failed: No space left on device")


def test_a_server_that_does_not_give_the_target_is_our_fault(
    signing_app: Wrap, question: HttpRequest, failed: Callable[..., None]
) -> None:
    app = Application()
    server = Server(question, raw_path=None).run(signing_app(app))
    assert app.calls == 0
    failed(server, "the server gives no raw_path")


def test_nor_does_head_get_a_body_then(signing_app: Wrap, question: HttpRequest) -> None:
    server = Server(question, raw_path=None, method="HEAD").run(signing_app(Application()))
    assert (server.answer.status, server.answer.body) == (500, b"")
    assert SIGNATURE not in server.answer.fields


# --- signers that fail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([(SIGNATURE.encode(), b"a..b")], "already has the signature field"),
        ([(b"digest", b"SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")], "not that of the body"),
        ([(b"digest", b"MD5=AAAA")], "neither SHA-256 nor SHA-512"),
        ([(b"digest", b"nonsense")], "not a list"),
        ([(b"content-encoding", b"gzip")], "Content-Encoding"),
        ([(b"x y", b"")], "field with the name"),
    ],
    ids=["signature", "digest", "md5", "nonsense", "gzip", "odd-name"],
)
@pytest.mark.parametrize("memory", [1, 4096], ids=["disk", "memory"])
def test_an_answer_that_cannot_be_signed_becomes_a_500(
    signing_app: Wrap,
    question: HttpRequest,
    failed: Callable[..., None],
    backend: str,
    memory: int,
    fields: list[tuple[bytes, bytes]],
    words: str,
) -> None:
    ran: list[int] = []
    app = Application(*answer(b"{", b"}", fields=[(b"x-app", b"1"), *fields]), lambda: ran.append(1))
    server = Server(question, backend=backend).run(signing_app(app, body=BodySettings(memory=memory)))
    failed(server, words, "SIGNING_FAILED")
    assert ran == [1]


class BrokenSigner:
    """Signs nothing."""

    profile = profiles.DDAS

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome
        self.asked = 0

    def sign(self, _: object) -> Any:
        self.asked += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (SigningError("the certificate expired"), "the certificate expired"),
        (MessageNotSignableError("no"), "detail=no"),
        (ConfigurationError("request is needed"), "request is needed"),
        (OSError("bsn=999993653"), "the signer failed: OSError"),
        ((), "the signer returned no SignedFields"),
        (None, "the signer returned no SignedFields"),
    ],
    ids=["expired", "not-signable", "configuration", "os", "empty", "none"],
)
def test_where_nothing_can_be_signed_the_500_leaves_unsigned_and_the_log_says_so(
    signing_app: Wrap, question: HttpRequest, log: pytest.LogCaptureFixture, backend: str, outcome: object, words: str
) -> None:
    signer = BrokenSigner(outcome)
    server = Server(question, backend=backend).run(signing_app(Application(*HELD), signer=signer))
    assert server.answer.status == 500
    assert isinstance(server.answer.body, bytes)
    assert b'"SIGNING_FAILED"' in server.answer.body
    assert SIGNATURE not in server.answer.fields
    assert signer.asked == 2
    lines = [(record.levelname, record.getMessage()) for record in log.records]
    assert [level for level, _ in lines] == ["ERROR", "ERROR"]
    assert "refused code=SIGNING_FAILED status=500" in lines[0][1]
    assert "leaves unsigned correlation_id=id-1" in lines[1][1]
    assert words in lines[0][1]
    assert "9999" not in log.text


def test_a_profile_that_covers_the_target_cannot_sign_where_it_is_not_known(
    signing_app: Wrap, question: HttpRequest, credential: SigningCredential, log: pytest.LogCaptureFixture
) -> None:
    signer = Signer(credential, profile=profiles.ADR_MESSAGE, clock=lambda: NOW)
    server = Server(question, raw_path=None).run(signing_app(Application(), signer=signer))
    assert server.answer.status == 500
    assert "nlgov-adr-message-sig" not in server.answer.fields
    assert "leaves unsigned" in log.text


def test_a_responder_may_word_a_failure(signing_app: Wrap, question: HttpRequest, client: Client) -> None:
    def responder(refusal: Refusal) -> Answer:
        assert str(refusal.error) == "the application raised ValueError"
        return Answer(status=502, fields=(("Content-Type", "text/plain"),), body=refusal.code.encode())

    server = Server(question)
    with pytest.raises(ValueError, match=r"^$"):
        server.run(signing_app(Application(ValueError()), responder=responder))
    assert server.answer.status == 502
    assert client(server.answer).body == b"APPLICATION_FAILED"


@pytest.mark.parametrize("memory", [1024 * 1024, 8 * 1024 * 1024], ids=["on disk", "in memory"])
def test_the_event_loop_is_free_while_a_long_answer_is_hashed(
    signing_app: Wrap,
    question: HttpRequest,
    client: Client,
    backend: str,
    memory: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashed: list[int] = []
    update = BodyDigest.update

    def watched(digest: BodyDigest, octets: bytes) -> None:
        with pytest.raises(RuntimeError):
            anyio.current_time()
        hashed.append(len(octets))
        update(digest, octets)

    monkeypatch.setattr(BodyDigest, "update", watched)
    body = b"x" * (1024 * 1024)
    app = signing_app(Application(*answer(body, body, b"x")), body=BodySettings(memory=memory))
    server = Server(question, backend=backend).run(app)
    assert sum(hashed) == 2 * len(body) + 1
    client(server.answer)
