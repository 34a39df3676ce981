"""What becomes of an answer when the application, the signer, the server or the disk fails."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.validate import validator

import pytest

from nlgov_jades import HttpRequest, Verifier
from nlgov_jades.digest import digest_field_value
from nlgov_jades.edges.body import PIECE
from nlgov_jades.errors import ConfigurationError, SigningError
from nlgov_jades.wsgi import (
    Answer,
    BodySettings,
)

from .serving import (
    JSON,
    BrokenSigner,
    Closable,
    environ_of,
    failed,
    get,
    proof,
    saying,
    serve,
)
from .validating import Validator

Made = Callable[..., WSGIApplication]
ButFor = Callable[..., Validator]
Sign = Callable[..., HttpRequest]

OK = "200 OK"
FAILURE = RuntimeError("of the application")
NOTHING: Any = None
TEXT: Any = ["text"]


# --- applications that fail --------------------------------------------------------------------------------------


def raising_at_once(_: Any, __: Any) -> Iterable[bytes]:
    raise FAILURE


def raising_started(_: Any, start_response: Any) -> Iterable[bytes]:
    start_response(OK, JSON)
    raise FAILURE


def raising_late(_: Any, start_response: Any) -> Iterator[bytes]:
    start_response(OK, JSON)
    yield b'{"half":'
    raise FAILURE


def raising_written(_: Any, start_response: Any) -> Iterator[bytes]:
    start_response(OK, JSON)(b"half")
    raise FAILURE
    yield b""


def starting_never(_: Any, __: Any) -> Iterable[bytes]:
    return []


def starting_too_late(_: Any, start_response: Any) -> Iterator[bytes]:
    yield b"{}"
    start_response(OK, JSON)


def starting_twice(_: Any, start_response: Any) -> Iterable[bytes]:
    start_response(OK, JSON)
    start_response(OK, JSON)
    return [b"{}"]


FAILING = [raising_at_once, raising_started, raising_late, raising_written, starting_never]
FAILING += [starting_too_late, starting_twice]


@pytest.mark.parametrize("memory", [1, PIECE], ids=["disk", "memory"])
@pytest.mark.parametrize("app", FAILING, ids=lambda app: app.__name__)
def test_what_fails_before_it_left_is_a_clean_signed_500(
    signing_app: Made, verifier: Verifier, app: Any, memory: int, caplog: pytest.LogCaptureFixture
) -> None:
    failed(serve(signing_app(app, body=BodySettings(memory=memory)), environ_of(get())), verifier)
    assert "correlation_id=c0ffee" in caplog.text
    assert ("Traceback" in caplog.text) is (app is not starting_never)


@pytest.mark.parametrize(
    ("answer", "lines", "words"),
    [
        ([b"{}"], [*JSON, ("Content-Length", "1")], "announced 1 octets and sent 2"),
        ([b"{}"], [*JSON, ("Content-Length", "3")], "announced 3 octets and sent 2"),
        ([], [*JSON, ("Content-Length", "2")], "announced 2 octets and sent 0"),
        ([b"{}"], [*JSON, ("Content-Length", "2"), ("content-length", "2")], "Content-Length is not one number"),
        ([b"{}"], [*JSON, ("Content-Length", "two")], "Content-Length is not one number"),
        ([b"{}"], [*JSON, ("X", "\u20ac")], "ISO-8859-1"),
    ],
    ids=["short", "long", "empty", "twice", "word", "euro"],
)
def test_an_answer_with_a_fault_is_a_clean_signed_500(
    signing_app: Made, verifier: Verifier, answer: Any, lines: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    failed(serve(signing_app(saying(answer, lines=lines)), environ_of(get())), verifier)
    assert words in caplog.text


@pytest.mark.parametrize(
    ("app", "rule", "words"),
    [
        (saying(NOTHING), "The application must return an iterator", "NoneType"),
        (saying(TEXT), "Iterator yielded non-bytestring", "bytes"),
        (starting_too_late, "start_response has not yet been called", "start_response"),
    ],
    ids=["nothing", "text", "too late"],
)
def test_what_is_no_answer_is_a_clean_signed_500(
    signing_app: Made,
    verifier: Verifier,
    app: Any,
    rule: str,
    words: str,
    but_for: ButFor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed(serve(signing_app(app, inside=but_for(rule)), environ_of(get())), verifier)
    assert words in caplog.text


THREE = "Status codes must be three characters"
WORDS = "should be a three-digit integer followed by a single space"


@pytest.mark.parametrize(
    ("status", "rules"),
    [
        ("20", (THREE, "Status code is invalid", WORDS)),
        ("", ("list index out of range",)),
        ("OK 200", (THREE, "invalid literal for int() with base 10", WORDS)),
        ("\u0662\u0660\u0660 OK", ()),
    ],
    ids=ascii,
)
def test_a_status_that_is_none_is_a_clean_signed_500(
    signing_app: Made, verifier: Verifier, status: str, rules: tuple[str, ...], but_for: ButFor
) -> None:
    failed(serve(signing_app(saying([b"{}"], status), inside=but_for(*rules)), environ_of(get())), verifier)


def test_204_with_a_body_is_a_clean_signed_500(signing_app: Made, verifier: Verifier) -> None:
    failed(serve(signing_app(saying([b"{}"], "204 No Content", [])), environ_of(get(method="DELETE"))), verifier)


def test_an_application_replaces_its_answer_when_it_fails_half_way(signing_app: Made, verifier: Verifier) -> None:
    def app(_: Any, start_response: Any) -> Iterator[bytes]:
        start_response(OK, [*JSON, ("Content-Length", "100"), ("X-First", "1")])
        yield b'{"half":'
        try:
            raise FAILURE
        except RuntimeError as error:
            start_response("503 Service Unavailable", JSON, (type(error), error, error.__traceback__))
        yield b'{"sorry":true}'

    for memory in (1, PIECE):
        served = serve(signing_app(app, body=BodySettings(memory=memory)), environ_of(get()))
        proof(served, verifier, b'{"sorry":true}')
        assert served.code == 503
        assert served.field("x-first") is None


def test_an_answer_that_left_unsigned_cannot_be_replaced(signing_app: Made) -> None:
    def app(_: Any, start_response: Any) -> Iterator[bytes]:
        start_response("206 Partial Content", JSON)
        yield b"half"
        try:
            raise FAILURE
        except RuntimeError as error:
            start_response("500 Internal Server Error", JSON, (type(error), error, error.__traceback__))
        yield b"never"

    served = serve(signing_app(app), environ_of(get()))
    assert served.raised is FAILURE
    assert (served.status, served.body) == ("206 Partial Content", b"half")


@pytest.mark.parametrize("write", [True, False], ids=["write", "yield"])
def test_what_fails_after_a_part_left_unsigned_is_the_servers(signing_app: Made, write: bool) -> None:  # noqa: FBT001 - pytest passes it
    closable = Closable([])

    def app(_: Any, start_response: Any) -> Iterable[bytes]:
        out = start_response("206 Partial Content", JSON)
        if write:
            out(b"half")
            raise FAILURE
        closable.pieces = raising_late(None, lambda *_: None)
        return closable

    served = serve(signing_app(app), environ_of(get()))
    assert served.raised is FAILURE
    assert served.code == 206
    assert closable.closed == (0 if write else 1)


def test_a_server_that_objects_to_a_field_gets_another_answer(
    signing_app: Made, verifier: Verifier, but_for: ButFor
) -> None:
    # The validator outside stands in for it: it allows no such name, which the one inside lets pass.
    made = signing_app(saying([b"{}"], lines=[*JSON, ("X-", "1")]), inside=but_for("Names may not end in '-'"))
    failed(serve(made, environ_of(get())), verifier)


def test_a_server_that_kept_a_head_it_objects_to_may_replace_it(signing_app: Made) -> None:
    heads: list[str] = []

    def start_response(status: str, _: Any, exc_info: Any = None) -> Any:
        # As wsgiref does: it stores, looks, and then takes no second head without exc_info.
        assert exc_info or not heads
        heads.append(status)
        assert len(heads) > 1, "hop-by-hop"

    answer: Any = validator(signing_app(saying([b"{}"])))(environ_of(get()), start_response)
    assert heads == ["200 OK", "500 Internal Server Error"]
    assert b"APPLICATION_FAILED" in b"".join(answer)
    answer.close()


def test_an_application_may_answer_otherwise_when_it_was_too_long(signing_app: Made, verifier: Verifier) -> None:
    def app(_: Any, start_response: Any) -> Iterable[bytes]:
        write = start_response(OK, JSON)
        try:
            write(b"1" * 101)
        except ConfigurationError as error:
            start_response("507 Insufficient Storage", JSON, (type(error), error, error.__traceback__))
        return [b"[]"]

    served = serve(signing_app(app, body=BodySettings(limit=100)), environ_of(get()))
    assert served.code == 507
    proof(served, verifier, b"[]")


def test_a_disk_that_is_full_is_a_clean_signed_500(
    signing_app: Made, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    failed(serve(signing_app(saying([b"{}"]), body=BodySettings(memory=1)), environ_of(get())), verifier)


def test_who_stops_the_process_stops_it_and_the_application_is_closed(signing_app: Made) -> None:
    class Stop(BaseException):
        pass

    def stop() -> None:
        raise Stop

    closable = Closable([b"1"], before=stop)
    with pytest.raises(Stop):
        serve(signing_app(saying(closable)), environ_of(get()))
    assert closable.closed == 1


# --- close, once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [None, 0, 1, 2], ids=str)
@pytest.mark.parametrize("status", [OK, "206 Partial Content"])
@pytest.mark.parametrize("before", [lambda: None, lambda: 1 / 0], ids=["well", "raises"])
def test_the_application_is_closed_once_however_it_ends(
    signing_app: Made, pieces: int | None, status: str, before: Any
) -> None:
    closable = Closable([b"1" * PIECE, b"2" * PIECE, b"3"], before=before)
    served = serve(signing_app(saying(closable, status)), environ_of(get()), pieces=pieces)
    assert served.raised is None
    assert closable.closed == 1
    assert served.starts == 1


def test_closing_twice_closes_once(signing_app: Made, but_for: ButFor) -> None:
    closable = Closable([b"{}"])
    made = but_for("Iterator read after closed")(signing_app(saying(closable)))
    answer: Any = made(environ_of(get()), lambda *_: len)
    answer.close()
    answer.close()
    assert closable.closed == 1
    assert list(answer) == []


def test_what_an_application_raises_when_it_is_closed_is_the_servers(signing_app: Made, tmp_path: Path) -> None:
    closable = Closable([b"1" * 100], close_raises=FAILURE)
    made = signing_app(saying(closable), body=BodySettings(memory=1, folder=tmp_path))
    served = serve(made, environ_of(get()))
    assert served.raised is FAILURE
    assert served.body == b"1" * 100
    assert closable.closed == 1


# --- signers that fail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [SigningError("the key is gone"), RuntimeError("999990019"), ConfigurationError("x"), OSError()], ids=repr
)
def test_an_answer_that_cannot_be_signed_does_not_leave(
    signing_app: Made, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    broken = BrokenSigner(error)
    served = serve(signing_app(saying([b'{"bsn":"999990019"}']), signer=broken), environ_of(get()))
    assert (served.code, served.is_signed, served.starts) == (500, False, 1)
    assert json.loads(served.body)["code"] == "SIGNING_FAILED"
    assert broken.calls == 1, "a key that failed was asked again"
    assert "code=SIGNING_FAILED" in caplog.text
    assert "999990019" not in caplog.text + served.body.decode()


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (gzip.compress(b"{}", mtime=0), [*JSON, ("Content-Encoding", "gzip")]),
        (b"{}", [*JSON, ("nlgov-adr-payload-sig", "a..b")]),
        (b"{}", [*JSON, ("Digest", digest_field_value(b"other"))]),
        (b"{}", [*JSON, ("Digest", "nonsense")]),
    ],
    ids=["gzip", "signed", "digest", "nonsense"],
)
def test_an_answer_that_is_not_to_be_signed_is_a_signed_500(
    signing_app: Made, verifier: Verifier, body: bytes, lines: Any
) -> None:
    served = serve(signing_app(saying([body], lines=lines)), environ_of(get()))
    failed(served, verifier, "SIGNING_FAILED")


def test_a_failure_that_cannot_be_signed_leaves_unsigned(signing_app: Made, caplog: pytest.LogCaptureFixture) -> None:
    made = signing_app(raising_at_once, signer=BrokenSigner(SigningError("the key is gone")))
    served = serve(made, environ_of(get()))
    assert (served.code, served.is_signed) == (500, False)
    assert json.loads(served.body)["code"] == "APPLICATION_FAILED"
    assert "the key is gone" in caplog.text


def test_a_responder_answers_for_what_failed(signing_app: Made, verifier: Verifier) -> None:
    made = signing_app(
        raising_late, responder=lambda refusal: Answer(status=502, fields=tuple(JSON), body=refusal.code.encode())
    )
    served = serve(made, environ_of(get()))
    assert served.code == 502
    proof(served, verifier, b"APPLICATION_FAILED")
