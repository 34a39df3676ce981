"""Requests that reach the application, and requests that do not: fields, framing, bodies."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.validate import validator

import pytest

from nlgov_jades import HttpRequest, Signer, Verifier, profiles
from nlgov_jades.edges.body import PIECE
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.testing import Hierarchy
from nlgov_jades.wsgi import (
    BodySettings,
    Need,
    RequestRules,
    verified_message,
)

from .serving import BODY, Closable, Recorded, environ_of, get, post, refused, serve
from .validating import Validator

Sign = Callable[..., HttpRequest]
Made = Callable[..., WSGIApplication]
ButFor = Callable[..., Validator]
Verifying = Callable[..., Verifier]

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


# --- what reaches the application --------------------------------------------------------------------------------


def test_a_signed_request_reaches_the_application_with_its_proof(
    verifying_app: Made, app: Recorded, sign: Sign
) -> None:
    environ = environ_of(sign(post()))
    environ["nlgov_jades.unverified"] = "left there by something else"
    served = serve(verifying_app(), environ)
    assert (served.raised, served.code, served.body) == (None, 200, b'{"ok":true}')
    verified = verified_message(app.environs[0])
    assert verified.body == BODY == app.bodies[0]
    assert verified.profile is profiles.DDAS
    assert app.environs[0]["nlgov_jades.correlation_id"] == "c0ffee"
    assert app.environs[0]["CONTENT_LENGTH"] == str(len(BODY))
    assert app.environs[0]["wsgi.input_terminated"] is True
    assert "nlgov_jades.unverified" not in app.environs[0]
    assert "nlgov_jades.verified" not in environ, "the server's own environ was changed"


def test_a_body_is_read_to_its_end_and_not_further(verifying_app: Made, sign: Sign) -> None:
    environ = environ_of(sign(post()))
    connection = environ["wsgi.input"]
    serve(verifying_app(), environ)
    assert connection.read_octets == len(BODY)


@pytest.mark.parametrize("memory", [1, 5, len(BODY), PIECE], ids=str)
def test_the_application_reads_its_body_as_a_file(verifying_app: Made, sign: Sign, memory: int) -> None:
    got: list[Any] = []
    body = b"[1,\n2,\n3,\n" + b"4" * 200_000 + b"]\n"

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        source = environ["wsgi.input"]
        got.extend([source.read(2), source.readline(), source.readline(), next(iter(source)), source.readlines()])
        got.append(source.read(1))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return []

    served = serve(verifying_app(app, body=BodySettings(memory=memory)), environ_of(sign(post(body))))
    assert served.raised is None
    assert got == [b"[1", b",\n", b"2,\n", b"3,\n", [b"4" * 200_000 + b"]\n"], b""]


def test_a_long_body_waits_in_the_folder_until_the_answer_is_closed(
    verifying_app: Made, sign: Sign, tmp_path: Path
) -> None:
    body = b"[" + b"1," * PIECE + b"1]"
    closable = Closable([b"a", b"b"])
    sources: list[Any] = []

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        sources.append(environ["wsgi.input"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        closable.pieces = (sources[0].read(size) for size in (1, 2 * PIECE, 10))
        return closable

    served = serve(verifying_app(app, body=BodySettings(memory=PIECE, folder=tmp_path)), environ_of(sign(post(body))))
    assert served.raised is None
    assert served.body == body
    assert closable.closed == 1
    with pytest.raises(ConfigurationError, match="closed"):
        sources[0].read(1)


def test_an_application_need_not_have_a_close(verifying_app: Made, sign: Sign) -> None:
    # What the validator makes has one; a list around it has not, and is what the middleware gets.
    def without(app: Any) -> WSGIApplication:
        checked = validator(app)

        def validated(environ: Any, start_response: Any) -> Iterable[bytes]:
            answer: Any = checked(environ, start_response)
            try:
                return list(answer)
            finally:
                answer.close()

        validated.__qualname__ = checked.__qualname__
        return validated

    made = verifying_app(Recorded(), inside=without, body=BodySettings(memory=1))
    assert serve(made, environ_of(sign(post()))).body == b'{"ok":true}'


def test_an_application_that_raises_lets_go_of_a_long_body(verifying_app: Made, sign: Sign) -> None:
    sources: list[Any] = []

    def app(environ: Any, _: Any) -> Iterable[bytes]:
        sources.append(environ["wsgi.input"])
        raise LookupError("of the application")

    served = serve(verifying_app(app, body=BodySettings(memory=1)), environ_of(sign(post())))
    assert isinstance(served.raised, LookupError), "it belongs to the server"
    with pytest.raises(ConfigurationError, match="closed"):
        sources[0].read(1)


@pytest.mark.parametrize("memory", [1, PIECE], ids=["disk", "memory"])
def test_an_application_is_closed_once_when_the_client_leaves(verifying_app: Made, sign: Sign, memory: int) -> None:
    closable = Closable([b"a", b"b", b"c"])

    def app(_: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return closable

    for pieces in (0, 1, 2):
        served = serve(verifying_app(app, body=BodySettings(memory=memory)), environ_of(sign(post())), pieces=pieces)
        assert served.raised is None
        assert closable.closed == pieces + 1


@pytest.mark.parametrize("terminated", [True, False], ids=["terminated", "connection"])
def test_an_empty_content_length_is_none(verifying_app: Made, app: Recorded, sign: Sign, terminated: bool) -> None:  # noqa: FBT001 - pytest passes it
    environ = environ_of(sign(post(b"")), CONTENT_LENGTH="", wsgi__input_terminated=terminated)
    connection = environ["wsgi.input"]
    assert serve(verifying_app(), environ).code == 200
    assert app.bodies == [b""]
    assert app.environs[0]["CONTENT_LENGTH"] == "0"
    assert not connection.overread


def test_a_body_without_a_length_is_read_where_the_server_ends_it(
    verifying_app: Made, app: Recorded, sign: Sign
) -> None:
    chunked = {"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi__input_terminated": True}
    served = serve(verifying_app(), environ_of(sign(post()), **chunked))
    assert served.code == 200
    assert app.bodies == [BODY]
    assert app.environs[0]["CONTENT_LENGTH"] == str(len(BODY))
    assert "HTTP_TRANSFER_ENCODING" not in app.environs[0]
    assert app.environs[0]["wsgi.input_terminated"] is True


def test_a_chunked_body_that_the_server_left_alone_is_refused_unread(
    verifying_app: Made, app: Recorded, sign: Sign
) -> None:
    environ = environ_of(sign(post()), CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked")
    connection = environ["wsgi.input"]
    refused(serve(verifying_app(), environ), app, "MALFORMED_MESSAGE")
    assert not connection.asked


def test_a_body_that_nobody_announced_is_not_there(verifying_app: Made, app: Recorded, sign: Sign) -> None:
    environ = environ_of(sign(post()), CONTENT_LENGTH=None)
    connection = environ["wsgi.input"]
    refused(serve(verifying_app(), environ), app, "DIGEST_MISMATCH")
    assert not connection.asked


# --- what does not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, len(BODY) - 1, len(BODY)], ids=str)
def test_a_body_that_is_cut_short_is_refused(verifying_app: Made, app: Recorded, sign: Sign, cut: int) -> None:
    message = sign(post())
    environ = environ_of(message.with_body(BODY[:-cut]), CONTENT_LENGTH=str(len(BODY)), wsgi__input_terminated=True)
    refused(serve(verifying_app(), environ), app, "MALFORMED_MESSAGE")


def test_a_body_that_is_longer_than_it_says_is_read_as_far_as_it_says(
    verifying_app: Made, app: Recorded, sign: Sign
) -> None:
    environ = environ_of(sign(post()), CONTENT_LENGTH=str(len(BODY) - 1))
    connection = environ["wsgi.input"]
    refused(serve(verifying_app(), environ), app, "DIGEST_MISMATCH")
    assert connection.read_octets == len(BODY) - 1


@pytest.mark.parametrize("error", [OSError("reset"), ValueError("bad chunk 999990019"), EOFError()], ids=repr)
@pytest.mark.parametrize("length", [str(len(BODY)), None], ids=["length", "chunked"])
def test_a_connection_that_breaks_is_refused_without_its_words(
    verifying_app: Made, app: Recorded, sign: Sign, error: Exception, length: str | None, caplog: Any
) -> None:
    environ = environ_of(sign(post()), CONTENT_LENGTH=length, wsgi__input_terminated=True)
    environ["wsgi.input"].broken = error
    refused(serve(verifying_app(), environ), app, "MALFORMED_MESSAGE")
    assert type(error).__name__ in caplog.text
    assert "999990019" not in caplog.text


def test_a_server_that_gives_more_than_was_asked_is_our_fault(verifying_app: Made, app: Recorded, sign: Sign) -> None:
    environ = environ_of(sign(post()))
    environ["wsgi.input"].read = lambda _size: BODY + b"more"
    refused(serve(verifying_app(), environ), app, "APPLICATION_FAILED", 500)


@pytest.mark.parametrize(
    "body", [BODY[:-1] + b" ", b"", BODY.swapcase(), BODY + b"\n", gzip.compress(BODY, mtime=0)], ids=len
)
def test_a_body_that_was_tampered_with_never_reaches_the_application(
    verifying_app: Made, app: Recorded, sign: Sign, body: bytes
) -> None:
    environ = environ_of(sign(post()).with_body(body), CONTENT_LENGTH=str(len(body)))
    refused(serve(verifying_app(body=BodySettings(memory=2)), environ), app, "DIGEST_MISMATCH")


def test_a_request_without_a_signature_is_refused_unread(verifying_app: Made, app: Recorded) -> None:
    environ = environ_of(post())
    connection = environ["wsgi.input"]
    refused(serve(verifying_app(), environ), app, "SIGNATURE_MISSING")
    assert not connection.asked


def test_a_signature_by_a_stranger_is_refused_before_the_body_is_read(
    verifying_app: Made, app: Recorded, stranger: Hierarchy
) -> None:
    signer = Signer(stranger.tsp.issue().credential, profile=profiles.DDAS, clock=lambda: NOW)
    environ = environ_of(post().with_fields(signer.sign(post())))
    connection = environ["wsgi.input"]
    refused(serve(verifying_app(), environ), app, "CERTIFICATE_PATH", 403)
    assert not connection.asked


def test_a_field_that_is_there_twice_arrives_joined_and_is_refused(
    verifying_app: Made, app: Recorded, sign: Sign
) -> None:
    signed = sign(post())
    (signature,) = signed.fields.get_all("nlgov-adr-payload-sig")
    repeated = signed.with_fields([("nlgov-adr-payload-sig", signature)])
    refused(serve(verifying_app(), environ_of(repeated)), app, "MALFORMED_SIGNATURE")


@pytest.mark.parametrize("hosts", ["a.example.test,a.example.test", "a.example.test, b.example.test", ","], ids=repr)
def test_two_hosts_that_were_joined_are_refused(verifying_app: Made, app: Recorded, sign: Sign, hosts: str) -> None:
    refused(serve(verifying_app(), environ_of(sign(post()), HTTP_HOST=hosts)), app, "MALFORMED_MESSAGE")


def test_a_digest_that_is_there_twice_is_refused_and_a_list_is_not(
    verifying_app: Made, app: Recorded, signer: Signer
) -> None:
    sha_256, sha_512 = (base64.b64encode(hashlib.new(name, BODY).digest()).decode() for name in ("sha256", "sha512"))
    message = post().with_fields([("Digest", f"SHA-256={sha_256},SHA-512={sha_512}")])
    signed = message.with_fields(signer.sign(message))
    repeated = signed.with_fields([("Digest", f"SHA-256={sha_256}")])
    # The signature covers the joined value of a list: a repeat changes it, and fails there already.
    refused(serve(verifying_app(), environ_of(repeated)), app, "INVALID_SIGNATURE")
    assert serve(verifying_app(), environ_of(signed)).code == 200


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "MALFORMED_MESSAGE", 400),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi__input_terminated": True}, "MALFORMED_MESSAGE", 400),
        (
            {"CONTENT_LENGTH": "\u0661\u0669"},
            "APPLICATION_FAILED",
            500,
        ),  # no server may do that: PEP 3333 says ISO-8859-1
        ({"CONTENT_LENGTH": "+19"}, "MALFORMED_MESSAGE", 400),
        ({"CONTENT_LENGTH": "1_9"}, "MALFORMED_MESSAGE", 400),
        ({"HTTP_HOST": None}, "MALFORMED_MESSAGE", 400),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, "PROFILE_VIOLATION", 400),
        ({"CONTENT_TYPE": "text/html"}, "PROFILE_VIOLATION", 400),
        ({"CONTENT_TYPE": "application/json, text/html"}, "PROFILE_VIOLATION", 400),
        ({"CONTENT_TYPE": ""}, "PROFILE_VIOLATION", 400),
        ({"HTTP_MESSAGE_SIGNATURE": "a..b"}, "MALFORMED_SIGNATURE", 400),
        ({"HTTP_X(Y)": "z"}, "MALFORMED_SIGNATURE", 400),
        ({"HTTP_DIGEST": None}, "PROFILE_VIOLATION", 400),
        ({"RAW_URI": "http://provider.example.test/v1/gegevens?a=1"}, "MALFORMED_MESSAGE", 400),
        ({"RAW_URI": "*"}, "MALFORMED_MESSAGE", 400),
        ({"RAW_URI": "/caf\xe9"}, "MALFORMED_MESSAGE", 400),
    ],
    ids=lambda value: str(sorted(value.items())) if isinstance(value, dict) else None,
)
def test_a_request_that_contradicts_itself_is_refused_unread(
    verifying_app: Made, app: Recorded, sign: Sign, changes: dict[str, Any], code: str, status: int
) -> None:
    environ = environ_of(sign(post()), **changes)
    connection = environ["wsgi.input"]
    served = serve(verifying_app(), environ)
    if changes == {"CONTENT_TYPE": ""}:
        # Whether there is a body that needs a media type is known when it was read.
        assert connection.asked
    else:
        assert not connection.asked
    refused(served, app, code, status)


NO_NUMBER = "invalid literal for int() with base 10"


@pytest.mark.parametrize(
    ("length", "rules"),
    [
        *((length, (NO_NUMBER,)) for length in ("19,19", "19, 19", "19;", "0x13")),
        ("-1", ("Invalid CONTENT_LENGTH",)),
        ("1" * 19, ()),
    ],
    ids=str,
)
def test_a_length_that_is_no_number_is_refused_unread(
    verifying_app: Made, app: Recorded, sign: Sign, length: str, rules: tuple[str, ...], but_for: ButFor
) -> None:
    environ = environ_of(sign(post()), CONTENT_LENGTH=length)
    connection = environ["wsgi.input"]
    refused(serve(verifying_app(), environ, outside=but_for(*rules)), app, "MALFORMED_MESSAGE")
    assert not connection.asked


@pytest.mark.parametrize("length", [str(10**17), "101"])
def test_a_body_that_is_announced_to_be_too_long_is_refused_unread(
    verifying_app: Made, app: Recorded, sign: Sign, length: str
) -> None:
    environ = environ_of(sign(post()), CONTENT_LENGTH=length)
    connection = environ["wsgi.input"]
    refused(serve(verifying_app(body=BodySettings(limit=100)), environ), app, "BODY_TOO_LARGE", 413)
    assert not connection.asked


def test_a_body_that_turns_out_to_be_too_long_is_refused(verifying_app: Made, app: Recorded, sign: Sign) -> None:
    chunked = {"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi__input_terminated": True}
    environ = environ_of(sign(post(b"1" * 101)), **chunked)
    refused(serve(verifying_app(body=BodySettings(limit=100, memory=10)), environ), app, "BODY_TOO_LARGE", 413)
    environ = environ_of(sign(post(b"1" * 100)), **chunked)
    assert serve(verifying_app(body=BodySettings(limit=100, memory=10)), environ).code == 200


def test_a_refusal_has_no_body_for_head(verifying_app: Made, app: Recorded) -> None:
    environ = environ_of(get(method="HEAD"))
    served = serve(verifying_app(rules=RequestRules(otherwise=Need.REQUIRED)), environ)
    assert (served.code, served.body) == (400, b"")
    assert served.field("content-length") != "0"
    assert not app.environs
