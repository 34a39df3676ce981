"""Answers that are signed, and answers that leave as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.validate import validator

import pytest

from nlgov_jades import HttpRequest, Signer, SigningCredential, Verifier, profiles
from nlgov_jades.digest import digest_field_value
from nlgov_jades.edges.body import PIECE
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.profiles import Profile
from nlgov_jades.wsgi import (
    BodySettings,
    LongAnswers,
    Need,
    PublicAddress,
    Route,
    SigningRules,
    TargetSource,
    UnsignedQuestions,
)

from .serving import (
    JSON,
    Closable,
    Recorded,
    environ_of,
    failed,
    get,
    proof,
    saying,
    serve,
)

Made = Callable[..., WSGIApplication]
Sign = Callable[..., HttpRequest]

OK = "200 OK"
FAILURE = RuntimeError("of the application")


# --- answers that are signed -------------------------------------------------------------------------------------


def generated() -> Iterator[bytes]:
    yield b'{"a":'
    yield b""
    yield b"1}"


class Sized:
    def __iter__(self) -> Iterator[bytes]:
        return generated()

    def __len__(self) -> int:
        return 3


def late(_: Any, start_response: Any) -> Iterator[bytes]:
    start_response(OK, JSON)
    yield from generated()


def writing(_: Any, start_response: Any) -> Iterable[bytes]:
    write = start_response(OK, JSON)
    write(b'{"a"')
    write(b"")
    write(b":")
    return [b"1}"]


def writing_only(_: Any, start_response: Any) -> Iterable[bytes]:
    start_response(OK, JSON)(b'{"a":1}')
    return []


def writing_between(_: Any, start_response: Any) -> Iterator[bytes]:
    write = start_response(OK, JSON)
    yield b'{"a'
    write(b'":')
    yield b"1}"


ANSWERING: dict[str, Callable[[], Any]] = {
    "list": lambda: saying([b'{"a":1}']),
    "generator": lambda: saying(generated()),
    "sized": lambda: saying(Sized()),
    "tuple": lambda: saying((b'{"a"', b":1}")),
    "late": lambda: late,
    "write": lambda: writing,
    "write-only": lambda: writing_only,
    "write-between": lambda: writing_between,
}


@pytest.mark.parametrize("way", ANSWERING)
@pytest.mark.parametrize("memory", [1, PIECE], ids=["disk", "memory"])
def test_every_way_to_answer_is_signed_as_one(signing_app: Made, verifier: Verifier, way: str, memory: int) -> None:
    app = ANSWERING[way]()
    served = serve(signing_app(app, body=BodySettings(memory=memory)), environ_of(get()))
    proof(served, verifier, b'{"a":1}')
    assert served.field("content-length") == "7"


def test_an_empty_answer_is_signed(signing_app: Made, verifier: Verifier) -> None:
    served = serve(signing_app(saying([])), environ_of(get()))
    proof(served, verifier, b"")
    assert served.field("content-length") == "0"


@pytest.mark.parametrize("status", ["201 Created", "404 Not Found", "500 Internal Server Error", "299 Odd"])
def test_answers_of_every_status_are_signed(signing_app: Made, verifier: Verifier, status: str) -> None:
    served = serve(signing_app(saying([b"{}"], status)), environ_of(get()))
    assert served.status == status
    proof(served, verifier, b"{}")


def test_204_is_signed_and_has_no_content_length(signing_app: Made, verifier: Verifier) -> None:
    served = serve(signing_app(saying([], "204 No Content", [])), environ_of(get(method="DELETE")))
    proof(served, verifier, b"")
    assert served.field("content-length") is None


def test_a_content_length_that_fits_is_kept_once(signing_app: Made, verifier: Verifier) -> None:
    served = serve(signing_app(saying([b"{}"], lines=[*JSON, ("content-length", "2")])), environ_of(get()))
    proof(served, verifier, b"{}")
    assert [name for name, _ in served.lines if name.lower() == "content-length"] == ["content-length"]


def test_a_digest_of_the_application_that_fits_is_kept(signing_app: Made, verifier: Verifier) -> None:
    body = b"[" + b"1," * 50 + b"1]"
    lines = [
        *JSON,
        ("Digest", digest_field_value(body)),
        ("Content-Digest", f"sha-256=:{digest_field_value(body)[8:]}:"),
    ]
    for memory in (10, PIECE):
        made = signing_app(saying([body], lines=lines), body=BodySettings(memory=memory))
        proof(serve(made, environ_of(get())), verifier, body)


def test_fields_that_the_application_changes_later_are_not_changed(signing_app: Made, verifier: Verifier) -> None:
    lines = list(JSON)

    def app(_: Any, start_response: Any) -> Iterable[bytes]:
        start_response(OK, lines)
        lines.append(("Content-Encoding", "gzip"))
        return [b"{}"]

    served = serve(signing_app(app), environ_of(get()))
    proof(served, verifier, b"{}")
    assert served.field("content-encoding") is None


def test_a_long_answer_waits_in_the_folder_and_leaves_in_pieces(
    signing_app: Made, verifier: Verifier, tmp_path: Path
) -> None:
    body = b"[" + b"1," * (3 * PIECE // 2) + b"1]"
    served = serve(signing_app(saying([body]), body=BodySettings(folder=tmp_path)), environ_of(get()))
    proof(served, verifier, body)
    assert max(served.pieces) <= PIECE
    assert len(served.pieces) == 4
    assert not list(tmp_path.iterdir())


def test_nothing_leaves_before_all_of_it_is_there(signing_app: Made) -> None:
    events: list[str] = []

    def app(_: Any, start_response: Any) -> Iterator[bytes]:
        start_response(OK, JSON)
        for _n in range(3):
            events.append("made")
            yield b"1"

    def start(*_: Any) -> Any:
        events.append("start")
        return events.append

    answer: Any = validator(signing_app(app))(environ_of(get()), start)
    assert events == ["made", "made", "made", "start"]
    answer.close()


@pytest.mark.parametrize("profile", [profiles.ADR_MESSAGE], ids=lambda profile: profile.id)
def test_a_profile_that_covers_the_target_signs_that_of_the_request(
    signing_app: Made, verifying: Callable[..., Verifier], credential: SigningCredential, clock: Any, profile: Profile
) -> None:
    signer = Signer(credential, profile=profile, clock=clock)
    made = signing_app(saying([b"{}"]), signer=signer, address=PublicAddress(prefix="/ddas"))
    served = serve(made, environ_of(get("/a%2Fb?x=1")))
    seen = served.answer(get("/ddas/a%2Fb?x=1"))
    assert "(request-target)" in verifying(profiles=(profile,)).verify(seen).covered
    without = serve(made, environ_of(get("/a"), RAW_URI=None))
    assert (without.code, without.is_signed) == (500, False)
    made = signing_app(saying([b"{}"]), signer=signer, target_source=TargetSource.RECONSTRUCTED)
    served = serve(made, environ_of(get("/a?x=1"), RAW_URI=None))
    verifying(profiles=(profile,)).verify(served.answer(get("/a?x=1")))


def test_the_file_wrapper_is_hidden_and_the_id_is_given(signing_app: Made) -> None:
    app = Recorded()
    environ = environ_of(get(), wsgi__input_terminated=True)
    serve(signing_app(app), environ)
    assert "wsgi.file_wrapper" in environ
    assert "wsgi.file_wrapper" not in app.environs[0]
    assert app.environs[0]["nlgov_jades.correlation_id"] == "c0ffee"


# --- answers that are not ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["206 Partial Content", "304 Not Modified", "103 Early Hints"])
@pytest.mark.parametrize("app", ["return", "write", "late"])
def test_what_nobody_can_verify_leaves_as_it_comes(signing_app: Made, status: str, app: str) -> None:
    lines = [] if status[:3] == "304" else JSON

    def answering(_: Any, start_response: Any) -> Iterable[bytes]:
        write = start_response(status, lines)
        if app == "write":
            write(b"0")
            write(b"0")
        return [b"1", b"1", b"1"]

    def generating(_: Any, start_response: Any) -> Iterator[bytes]:
        start_response(status, lines)
        yield from (b"1", b"1", b"1")

    served = serve(signing_app(generating if app == "late" else answering), environ_of(get()))
    assert (served.raised, served.status, served.starts) == (None, status, 1)
    assert served.body == (b"00111" if app == "write" else b"111")
    assert served.lines == lines


def test_an_unsigned_answer_without_a_body_leaves(signing_app: Made) -> None:
    served = serve(signing_app(saying([], "304 Not Modified", [("ETag", "x")])), environ_of(get()))
    assert (served.status, served.lines, served.starts) == ("304 Not Modified", [("ETag", "x")], 1)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_head_and_a_route_without_signatures_pass_at_once(signing_app: Made, method: str) -> None:
    rules = SigningRules(routes=(Route(path="/events", methods={"GET"}, need=Need.NONE),))
    app = Recorded()
    closable = Closable([b"1", b"2"])

    def streaming(environ: Any, start_response: Any) -> Iterable[bytes]:
        app(environ, start_response)
        return closable

    served = serve(
        signing_app(streaming, rules=rules), environ_of(get("/events", method), wsgi__input_terminated=True), pieces=1
    )
    assert (served.body, served.is_signed, closable.closed) == (b"1", False, 1)
    assert "wsgi.file_wrapper" in app.environs[0]


def test_a_route_whose_two_targets_disagree_is_signed(signing_app: Made, verifier: Verifier) -> None:
    rules = SigningRules(routes=(Route(path="/events", methods={"GET"}, need=Need.NONE),))
    served = serve(signing_app(saying([b"{}"]), rules=rules), environ_of(get("/events"), PATH_INFO="/other"))
    proof(served, verifier, b"{}")


def test_answers_to_unsigned_questions_may_be_left_unsigned(signing_app: Made, sign: Sign) -> None:
    made = signing_app(saying([b"{}"]), rules=SigningRules(unsigned_questions=UnsignedQuestions.LEAVE_UNSIGNED))
    assert not serve(made, environ_of(get())).is_signed
    assert serve(made, environ_of(sign(get()))).is_signed
    assert serve(made, environ_of(get(), HTTP_PAYLOAD_SIGNATURE="anything")).is_signed


# --- answers that are too long -----------------------------------------------------------------------------------

LEAVE = SigningRules(long_answers=LongAnswers.LEAVE_UNSIGNED)
PIECES = [b"1" * 40, b"2" * 40, b"3" * 40, b"4" * 40]


def writing_long(_: Any, start_response: Any) -> Iterator[bytes]:
    write = start_response(OK, JSON)
    for piece in PIECES[:-1]:
        write(piece)
    yield PIECES[-1]


@pytest.mark.parametrize(
    "app",
    [saying(PIECES), writing_long, saying(PIECES, lines=[*JSON, ("Content-Length", "160")])],
    ids=["return", "write", "announced"],
)
@pytest.mark.parametrize("memory", [10, PIECE], ids=["disk", "memory"])
def test_a_long_answer_is_refused_or_left_unsigned(
    signing_app: Made, verifier: Verifier, app: Any, memory: int, caplog: pytest.LogCaptureFixture
) -> None:
    settings = BodySettings(limit=100, memory=memory)
    failed(serve(signing_app(app, body=settings), environ_of(get())), verifier)
    assert "more than the 100 octets" in caplog.text
    assert "Traceback" not in caplog.text
    served = serve(signing_app(app, body=settings, rules=LEAVE), environ_of(get()))
    assert (served.raised, served.status, served.is_signed, served.starts) == (None, OK, False, 1)
    assert served.body == b"".join(PIECES)
    assert "leaves unsigned correlation_id=c0ffee" in caplog.text


def test_an_answer_of_exactly_the_limit_is_signed(signing_app: Made, verifier: Verifier) -> None:
    made = signing_app(saying([b"1" * 100]), body=BodySettings(limit=100))
    proof(serve(made, environ_of(get())), verifier, b"1" * 100)


def test_a_long_answer_is_not_made_to_its_end(signing_app: Made, verifier: Verifier) -> None:
    made: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            made.append(1)
            yield b"1" * 40

    failed(serve(signing_app(saying(endless()), body=BodySettings(limit=100)), environ_of(get())), verifier)
    assert len(made) == 3


def test_an_application_that_swallows_the_refusal_is_refused_all_the_same(
    signing_app: Made, verifier: Verifier
) -> None:
    def app(_: Any, start_response: Any) -> Iterable[bytes]:
        write = start_response(OK, JSON)
        with pytest.raises(ConfigurationError):
            write(b"1" * 101)
        return [b"{}"]

    failed(serve(signing_app(app, body=BodySettings(limit=100)), environ_of(get())), verifier)
