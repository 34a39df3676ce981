"""JadesSignerMiddleware: answers that are whole, how they leave, and those that are not signed."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from nlgov_jades import AsyncSigner, HttpRequest, HttpResponse, Signer, SigningCredential, VerifiedMessage, profiles
from nlgov_jades.asgi import (
    CORRELATION_KEY,
    BodySettings,
    JadesSignerMiddleware,
    LongAnswers,
    Need,
    PublicAddress,
    Route,
    SigningRules,
    Throttle,
    UnsignedQuestions,
)
from nlgov_jades.edges import asgi_signing
from nlgov_jades.edges.asgi_parts import NOTE_KEY
from nlgov_jades.edges.body import Spool
from nlgov_jades.errors import ConfigurationError, SignatureMissingError
from nlgov_jades.message import Fields

from .conftest import NOW
from .harness import BODY, GONE, START, App, Application, Message, Receive, Send, Server, answer

Wrap = Callable[..., App]
Client = Callable[..., VerifiedMessage]

SIGNATURE = "nlgov-adr-payload-sig"
EMPTY = "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
MEBIBYTE = 1024 * 1024


@pytest.fixture
def question() -> HttpRequest:
    return HttpRequest(method="GET", target="/v1/gegevens?a=1", fields=[("Host", "h")])


def is_signed(answer: HttpResponse) -> bool:
    return SIGNATURE in answer.fields


# --- an answer that is signed ------------------------------------------------------------------------------------


def test_an_answer_is_signed_as_it_is(signing_app: Wrap, question: HttpRequest, client: Client, backend: str) -> None:
    app = Application(*answer(b'{"a"', b":1}", fields=[(b"set-cookie", b"a"), (b"set-cookie", b"b")]))
    server = Server(question, backend=backend).run(signing_app(app))
    assert client(server.answer).body == b'{"a":1}'
    assert [name for name, _ in server.answer.fields] == [
        "content-type",
        "set-cookie",
        "set-cookie",
        "content-length",
        "digest",
        SIGNATURE,
    ]
    assert server.answer.fields.get_all("content-length") == ("7",)
    assert app.scope[CORRELATION_KEY] == "id-1"


def test_nothing_leaves_before_the_answer_is_whole_and_all_has_left_when_the_last_send_returns(
    signing_app: Wrap, question: HttpRequest, backend: str
) -> None:
    sent: list[int] = []
    server = Server(question, backend=backend)

    def count() -> None:
        sent.append(len(server.sent))

    start, first, last = answer(b"{", b"}")
    # What comes after the last is a background task.
    server.run(signing_app(Application(start, count, first, count, last, count)))
    assert sent == [0, 0, 2]
    assert server.types == [START, BODY]


@pytest.mark.parametrize("size", [100, MEBIBYTE, 6 * MEBIBYTE])
def test_nothing_of_an_answer_is_kept_for_background_tasks_after_it_left(
    signing_app: Wrap, question: HttpRequest, backend: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    spools: list[Spool] = []
    held: list[bool] = []

    def kept(*arguments: Any) -> Spool:
        spools.append(Spool(*arguments))
        return spools[-1]

    def look() -> None:
        (spool,) = spools
        with pytest.raises(ConfigurationError, match="closed"):
            spool.read()
        held.append(spool._whole is not None or bool(spool._pieces))

    monkeypatch.setattr(asgi_signing, "Spool", kept)
    server = Server(question, backend=backend)
    server.run(signing_app(Application(*answer(b"x" * size), look)))
    assert server.answer.body == b"x" * size
    assert held == [False]


@pytest.mark.parametrize("memory", [16, MEBIBYTE, 64 * MEBIBYTE], ids=["disk", "default", "memory"])
@pytest.mark.parametrize("size", [0, 1, MEBIBYTE, 3 * MEBIBYTE + 5])
def test_a_long_answer_leaves_whole_and_in_pieces(
    signing_app: Wrap, question: HttpRequest, client: Client, backend: str, memory: int, size: int
) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    cut = [body[at : at + 300_000] for at in range(0, size, 300_000)] or [b""]
    server = Server(question, backend=backend)
    server.run(signing_app(Application(*answer(*cut)), body=BodySettings(memory=memory)))
    assert server.answer.body == body
    client(server.answer)
    assert max(len(message.get("body", b"")) for message in server.sent) <= MEBIBYTE
    assert len(server.sent) == 1 + max(1, -(-size // MEBIBYTE))


@pytest.mark.parametrize("memory", [1, MEBIBYTE, 2 * MEBIBYTE, 8 * MEBIBYTE])
@pytest.mark.parametrize("count", [1, 2], ids=["at-once", "in-two"])
@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("size", [MEBIBYTE, 2 * MEBIBYTE], ids=["piece", "hashed-at-once"])
def test_an_answer_about_as_long_as_what_is_handed_on_at_once_leaves_whole(
    signing_app: Wrap, question: HttpRequest, memory: int, count: int, more: int, size: int
) -> None:
    body = bytes(range(255)) * (size // 255) + b"x" * (size % 255 + more)
    assert len(body) == size + more
    step = -(-len(body) // count)
    cut = [body[at : at + step] for at in range(0, len(body), step)]
    server = Server(question).run(signing_app(Application(*answer(*cut)), body=BodySettings(memory=memory)))
    assert server.answer.body == body
    assert server.answer.fields.get_all("content-length") == (str(len(body)),)


@pytest.mark.parametrize(
    ("start", "last"),
    [
        ({"type": START, "status": 200}, {"type": BODY}),
        ({"type": START, "status": 200, "headers": []}, {"type": BODY, "body": b""}),
        ({"type": START, "status": 200, "headers": ()}, {"type": BODY, "more_body": False}),
        ({"type": START, "status": 200, "headers": iter([[b"x-a", b"1"]])}, {"type": BODY}),
    ],
    ids=["nothing", "empty", "tuple", "iterator"],
)
def test_an_answer_may_be_as_short_as_asgi_allows(
    signing_app: Wrap, question: HttpRequest, client: Client, backend: str, start: Message, last: Message
) -> None:
    server = Server(question, backend=backend).run(signing_app(Application(start, last)))
    assert server.answer.fields.get_all("digest") == (EMPTY,)
    assert server.answer.fields.get_all("content-length") == ("0",)
    client(server.answer)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_octets_may_be_of_another_type(
    signing_app: Wrap, question: HttpRequest, client: Client, kind: Callable[[bytes], Any]
) -> None:
    app = Application({"type": START, "status": 200}, {"type": BODY, "body": kind(b"{}")})
    assert client(Server(question).run(signing_app(app)).answer).body == b"{}"


def test_what_an_application_changes_after_sending_is_not_changed(
    signing_app: Wrap, question: HttpRequest, client: Client
) -> None:
    headers = [(b"content-type", b"application/json")]
    start: Message = {"type": START, "status": 200, "headers": headers}
    buffer = bytearray(b"{}")

    def change() -> None:
        buffer.clear()
        headers.append((b"digest", b"SHA-256=AAAA"))
        start["status"] = 500

    first: Message = {"type": BODY, "body": buffer, "more_body": True}
    app = Application(start, first, change, {"type": BODY, "body": b" "})
    server = Server(question).run(signing_app(app))
    assert server.answer.status == 200
    assert client(server.answer).body == b"{} "


@pytest.mark.parametrize("status", [200, 201, 301, 400, 404, 500, 503])
def test_errors_are_signed_too(signing_app: Wrap, question: HttpRequest, client: Client, status: int) -> None:
    server = Server(question).run(signing_app(Application(*answer(b"{}", status=status))))
    assert server.answer.status == status
    client(server.answer)


def test_an_answer_without_content_says_no_length(signing_app: Wrap, question: HttpRequest, client: Client) -> None:
    server = Server(question).run(signing_app(Application(*answer(b"", status=204))))
    assert "content-length" not in server.answer.fields
    client(server.answer)


def test_a_length_and_a_digest_that_are_right_are_kept(
    signing_app: Wrap, question: HttpRequest, client: Client, backend: str
) -> None:
    body = b"{}" + b" " * 2 * MEBIBYTE
    both = b"SHA-512=" + base64.b64encode(hashlib.sha512(body).digest())
    both += b",SHA-256=" + base64.b64encode(hashlib.sha256(body).digest())
    fields = [(b"Content-Length", str(len(body)).encode()), (b"Digest", both)]
    for memory in (MEBIBYTE, 8 * MEBIBYTE):
        app = Application(*answer(body, fields=fields))
        server = Server(question, backend=backend).run(signing_app(app, body=BodySettings(memory=memory)))
        start, *rest = server.sent
        assert Fields(start["headers"]).get_all("digest") == (both.decode(),)
        assert Fields(start["headers"]).get_all("content-length") == (str(len(body)),)
        octets = b"".join(message["body"] for message in rest)
        client(HttpResponse(status=200, fields=start["headers"], body=octets))


def test_a_request_target_that_is_covered_is_the_one_that_was_asked(
    signing_app: Wrap, question: HttpRequest, client: Client, credential: SigningCredential
) -> None:
    signer = Signer(credential, profile=profiles.ADR_MESSAGE, clock=lambda: NOW)
    wrapped = signing_app(Application(), signer=signer, address=PublicAddress(prefix="/public"))
    got = Server(question).run(wrapped).answer
    for target in ("/public/v1/gegevens?a=1", "/v1/gegevens?a=1"):
        asked = HttpRequest(method="GET", target=target, fields=question.fields)
        whole = HttpResponse(status=got.status, fields=got.fields, body=got.body, request=asked)
        if target.startswith("/public"):
            proof = client(whole, profiles=(profiles.ADR_MESSAGE,))
            assert {"(request-target)", "digest", "content-length"} <= set(proof.covered)
        else:
            with pytest.raises(Exception, match="signature"):
                client(whole, profiles=(profiles.ADR_MESSAGE,))


def test_a_signer_may_be_awaited(
    signing_app: Wrap, question: HttpRequest, client: Client, credential: SigningCredential, backend: str
) -> None:
    signer = AsyncSigner(credential, profile=profiles.DDAS, clock=lambda: NOW)
    client(Server(question, backend=backend).run(signing_app(Application(), signer=signer)).answer)


def test_a_compressed_answer_is_signed_as_it_is_where_the_signer_takes_it(
    signing_app: Wrap, question: HttpRequest, client: Client, credential: SigningCredential
) -> None:
    both = frozenset({"identity", "gzip"})
    signer = Signer(credential, profile=profiles.DDAS, clock=lambda: NOW, content_encodings=both)
    body = gzip.compress(b"{}")
    app = Application(*answer(body, fields=[(b"content-encoding", b"gzip")]))
    got = Server(question).run(signing_app(app, signer=signer)).answer
    assert client(got, content_encodings=both).body == body


def test_two_tasks_of_an_application_that_send_at_once_lose_nothing(
    signing_app: Wrap, question: HttpRequest, client: Client, backend: str
) -> None:
    async def app(_: object, __: Receive, send: Send) -> None:
        async def part(octets: bytes) -> None:
            await send({"type": BODY, "body": octets * MEBIBYTE, "more_body": True})

        await send({"type": START, "status": 200})
        async with anyio.create_task_group() as group:
            for octets in (b"a", b"b", b"c", b"d"):
                group.start_soon(part, octets)
        await send({"type": BODY, "body": b"end"})

    got = Server(question, backend=backend).run(signing_app(app, body=BodySettings(memory=16))).answer
    assert isinstance(got.body, bytes)
    assert sorted(got.body[:-3:MEBIBYTE]) == [ord(letter) for letter in "abcd"]
    client(got)


# --- other messages ----------------------------------------------------------------------------------------------


def test_messages_that_are_not_known_keep_their_place(
    signing_app: Wrap, question: HttpRequest, client: Client, backend: str
) -> None:
    start, one, two, three = answer(b"{", b" ", b"}")
    marks: list[Message] = [{"type": f"http.response.new{number}"} for number in range(6)]
    app = Application(marks[0], start, marks[1], one, marks[2], two, marks[3], three, marks[4], marks[5])
    server = Server(question, backend=backend).run(signing_app(app))
    held = [(message["type"][-4:], message.get("body"), message.get("more_body")) for message in server.sent]
    assert held == [
        ("new0", None, None),
        ("tart", None, None),
        ("new1", None, None),
        ("body", b"{", True),
        ("new2", None, None),
        ("body", b" ", True),
        ("new3", None, None),
        ("body", b"}", False),
        ("new4", None, None),
        ("new5", None, None),
    ]
    client(server.answer)


def test_an_unknown_message_before_an_empty_end_comes_before_it(signing_app: Wrap, question: HttpRequest) -> None:
    start, one, last = answer(b"{}", b"")
    server = Server(question).run(signing_app(Application(start, one, {"type": "new"}, last)))
    assert server.types == [START, BODY, "new", BODY]
    assert [message.get("more_body") for message in server.sent] == [None, True, None, False]


@pytest.mark.parametrize("kind", ["http.response.push", "http.response.early_hint", "http.response.debug"])
def test_what_helps_only_before_the_answer_leaves_at_once(signing_app: Wrap, question: HttpRequest, kind: str) -> None:
    start, last = answer(b"{}")
    message: Message = {"type": kind}
    server = Server(question).run(signing_app(Application(message, start, message, last)))
    assert server.types == [kind, kind, START, BODY]


def test_trailers_stay_behind_the_body(signing_app: Wrap, question: HttpRequest, client: Client) -> None:
    start, last = answer(b"{}")
    start["trailers"] = True
    trailers: Message = {"type": "http.response.trailers", "headers": [(b"x", b"y")], "more_trailers": False}
    server = Server(question).run(signing_app(Application(start, last, trailers)))
    assert server.types == [START, BODY, "http.response.trailers"]
    # With a length there could be no trailers in HTTP/1.1.
    assert "content-length" not in server.answer.fields
    assert server.sent[0]["trailers"] is True
    client(server.answer)


def test_extensions_that_send_unseen_octets_are_hidden(signing_app: Wrap, question: HttpRequest) -> None:
    extensions = {"http.response.pathsend": {}, "http.response.zerocopysend": {}, "tls": {"a": 1}}
    app = Application()
    server = Server(question, extensions=extensions).run(signing_app(app))
    assert app.scope["extensions"] == {"tls": {"a": 1}}
    assert set(server.scope["extensions"]) == {"http.response.pathsend", "http.response.zerocopysend", "tls"}
    assert NOTE_KEY not in server.scope
    app = Application()
    Server(question).run(signing_app(app))
    assert app.scope["extensions"] == {}


# --- an answer that is not signed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "rules"),
    [
        ("HEAD", "/v1", SigningRules()),
        ("GET", "/events", SigningRules(routes=(Route(path="/events", methods={"GET"}, need=Need.NONE),))),
        ("GET", "/v1", SigningRules(unsigned_questions=UnsignedQuestions.LEAVE_UNSIGNED)),
    ],
    ids=["head", "route", "unsigned-question"],
)
def test_what_is_not_signed_passes_untouched(
    signing_app: Wrap, backend: str, method: str, path: str, rules: SigningRules
) -> None:
    given: list[object] = []

    async def app(*arguments: object) -> None:
        given.extend(arguments)

    server = Server(HttpRequest(method=method, target=path, fields=[]), backend=backend)
    server.run(signing_app(app, rules=rules))
    assert given[0] is server.scope
    assert given[1:] == [server.receive, server.send]


def test_where_only_questions_with_a_signature_are_answered_with_one(
    signing_app: Wrap, signed: HttpRequest, client: Client
) -> None:
    rules = SigningRules(unsigned_questions=UnsignedQuestions.LEAVE_UNSIGNED)
    client(Server(signed).run(signing_app(Application(), rules=rules)).answer)


def test_a_path_that_was_rewritten_does_not_escape_the_signature(
    signing_app: Wrap, question: HttpRequest, client: Client
) -> None:
    rules = SigningRules(routes=(Route(path="/events", methods={"GET"}, need=Need.NONE),))
    for raw, shown in ((b"/events", "/v1"), (b"/v1", "/events")):
        client(Server(question, raw_path=raw, path=shown).run(signing_app(Application(), rules=rules)).answer)


@pytest.mark.parametrize("status", [101, 206, 304])
def test_an_answer_without_a_whole_body_passes_as_it_comes(
    signing_app: Wrap, question: HttpRequest, backend: str, status: int
) -> None:
    messages = answer(b"a", b"b", status=status)
    unknown: Message = {"type": "http.response.new"}
    server = Server(question, backend=backend)
    counts: list[int] = []
    steps = (messages[0], unknown, messages[1], lambda: counts.append(len(server.sent)), messages[2])
    server.run(signing_app(Application(*steps)))
    assert counts == [3]
    assert server.sent == [messages[0], unknown, messages[1], messages[2]]


@pytest.mark.parametrize("memory", [16, MEBIBYTE], ids=["disk", "memory"])
@pytest.mark.parametrize("announced", [False, True])
def test_an_answer_above_the_limit_may_leave_unsigned(
    signing_app: Wrap,
    question: HttpRequest,
    backend: str,
    log: pytest.LogCaptureFixture,
    memory: int,
    *,
    announced: bool,
) -> None:
    rules = SigningRules(long_answers=LongAnswers.LEAVE_UNSIGNED)
    cut = [b"a" * 40, b"b" * 40, b"c" * 40, b"d" * 40]
    fields = [(b"content-length", b"160")] if announced else []
    start, *rest = answer(*cut, fields=fields)
    unknown: Message = {"type": "http.response.new"}
    counts: list[int] = []
    server = Server(question, backend=backend)
    steps = (start, rest[0], unknown, rest[1], lambda: counts.append(len(server.sent)), rest[2], rest[3])
    server.run(signing_app(Application(*steps), rules=rules, body=BodySettings(limit=100, memory=memory)))
    assert counts == [4 if announced else 0]
    assert server.sent == [start, rest[0], unknown, rest[1], rest[2], rest[3]]
    assert server.answer.body == b"".join(cut)
    assert [record.getMessage() for record in log.records] == [
        "an answer of more than 100 octets leaves unsigned correlation_id=id-1"
    ]


@pytest.mark.parametrize("kind", ["websocket", "lifespan", "something-new"])
def test_what_is_no_request_passes_untouched(signing_app: Wrap, question: HttpRequest, kind: str) -> None:
    given: list[object] = []

    async def app(*arguments: object) -> None:
        given.extend(arguments)

    server = Server(question)
    server.scope = {"type": kind}
    server.run(signing_app(app))
    assert given == [server.scope, server.receive, server.send]


# --- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    [{"signer": None}, {"rules": None}, {"refusals": 20}, {"address": None}, {"body": 5}, {"responder": 1}],
    ids=lambda option: next(iter(option)),
)
def test_a_wrong_setting_is_told_at_once(signer: Signer, option: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        JadesSignerMiddleware(Application(), **{"signer": signer, **option})


def test_a_profile_over_the_body_is_told_at_once(credential: SigningCredential) -> None:
    signer = Signer(credential, profile=profiles.DDAS_BODY)
    with pytest.raises(ConfigurationError, match="ddas-body"):
        JadesSignerMiddleware(Application(), signer=signer)


def test_an_unsigned_answer_is_no_signed_one(question: HttpRequest, client: Client) -> None:
    # Otherwise `client` could say yes to anything.
    with pytest.raises(SignatureMissingError):
        client(Server(question).run(Application()).answer)


def test_the_client_may_be_gone_when_the_answer_leaves(signing_app: Wrap, question: HttpRequest, backend: str) -> None:
    server = Server(question, backend=backend)
    server.broken = ConnectionResetError("gone")
    with pytest.raises(ConnectionResetError):
        server.run(signing_app(Application()))
    assert server.sent == []


def test_disconnects_reach_the_application(signing_app: Wrap, question: HttpRequest, backend: str) -> None:
    seen: list[Message] = []

    async def app(_: object, receive: Receive, __: Send) -> None:
        seen.append(await receive())

    server = Server(question, [GONE], backend=backend).run(signing_app(app))
    assert seen == [GONE]
    # Nobody waits for an answer.
    assert server.sent == []


def test_the_throttle_is_for_refusals_only(signing_app: Wrap, question: HttpRequest, client: Client) -> None:
    app = signing_app(Application(*answer(b"{}", status=403)), refusals=Throttle(0.001, 1, clock=lambda: 0.0))
    for _ in range(3):
        client(Server(question).run(app).answer)
