"""A request with more fields than anybody needs is refused before they are read: some servers pass on as many as come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import HttpRequest, Signer, VerifiedMessage, profiles
from nlgov_jades.asgi import ANY_METHOD, Need, RequestRules, Route, SigningRules, Throttle, Websockets
from nlgov_jades.edges.site import MAX_FIELD_LINES, MAX_FIELD_OCTETS
from nlgov_jades.testing import Issued

from .conftest import NOW
from .harness import App, Application, Server

Wrap = Callable[..., App]
Client = Callable[..., VerifiedMessage]

MANY = pytest.mark.parametrize(
    ("count", "octets"), [(MAX_FIELD_LINES + 1, 0), (200_000, 0), (1, MAX_FIELD_OCTETS + 1)], ids=["one", "all", "long"]
)


def with_more(request: HttpRequest, count: int, octets: int) -> HttpRequest:
    """The same with further fields, until there are so many lines and so many octets."""
    lines = [("X", "")] * (count - len(request.fields) - 1)
    held = sum(len(name) + len(value) for name, value in [*request.fields, *lines, ("X-Long", "")])
    return request.with_fields([*lines, ("X-Long", "v" * (octets - held))])


def test_names_count_as_well(verifying_app: Wrap, signed: HttpRequest, refused: Callable[..., None]) -> None:
    app = Application()
    request = signed.with_fields([("X" * MAX_FIELD_OCTETS, "")])
    refused(Server(request).run(verifying_app(app)), app, 400, "MALFORMED_MESSAGE")


def test_a_refusal_in_a_profile_that_covers_the_target_is_signed_too(
    signing_app: Wrap, verifying_app: Wrap, signed: HttpRequest, issued: Issued, log: pytest.LogCaptureFixture
) -> None:
    signer = Signer(issued.credential, profile=profiles.ADR_MESSAGE, clock=lambda: NOW)
    edge = signing_app(verifying_app(Application()), signer=signer)
    answer = Server(with_more(signed, MAX_FIELD_LINES + 1, 0)).run(edge).answer
    assert answer.status == 400
    assert "nlgov-adr-message-sig" in answer.fields
    assert "unsigned" not in log.text


def test_as_many_fields_as_are_read_are_read(
    verifying_app: Wrap, signing_app: Wrap, signed: HttpRequest, client: Client
) -> None:
    for count, octets in ((MAX_FIELD_LINES, 0), (0, MAX_FIELD_OCTETS)):
        app = Application()
        request = with_more(signed, count, octets)
        client(Server(request).run(signing_app(verifying_app(app))).answer)
        assert len(app.scope["headers"]) == len(request.fields)


@MANY
def test_more_are_refused_by_a_verifier(
    verifying_app: Wrap,
    signed: HttpRequest,
    refused: Callable[..., None],
    backend: str,
    log: pytest.LogCaptureFixture,
    count: int,
    octets: int,
) -> None:
    app = Application()
    server = Server(with_more(signed, count, octets), backend=backend).run(verifying_app(app))
    refused(server, app, 400, "MALFORMED_MESSAGE")
    assert server.received == 0
    assert f"more than {MAX_FIELD_LINES} field lines" in log.text


@MANY
def test_more_are_refused_on_a_route_that_needs_no_signature_too(
    verifying_app: Wrap, signed: HttpRequest, refused: Callable[..., None], count: int, octets: int
) -> None:
    app = Application()
    rules = RequestRules(routes=(Route(path="/*", methods=ANY_METHOD, need=Need.NONE),))
    refused(
        Server(with_more(signed, count, octets)).run(verifying_app(app, rules=rules)), app, 400, "MALFORMED_MESSAGE"
    )


@MANY
def test_more_are_refused_by_a_signer_as_often_with_a_signature_as_other_strangers_are(
    verifying_app: Wrap,
    signing_app: Wrap,
    signed: HttpRequest,
    refused: Callable[..., None],
    client: Client,
    count: int,
    octets: int,
) -> None:
    app = Application()
    edge = signing_app(verifying_app(app), refusals=Throttle(0.001, 1))
    request = with_more(signed, count, octets)
    first, second = Server(request).run(edge), Server(request).run(edge)
    refused(first, app, 400, "MALFORMED_MESSAGE")
    refused(second, app, 400, "MALFORMED_MESSAGE")
    client(first.answer)
    assert "nlgov-adr-payload-sig" not in second.answer.fields


def test_more_are_refused_by_a_signer_where_it_signs_nothing_too(signing_app: Wrap, signed: HttpRequest) -> None:
    app = Application()
    rules = SigningRules(routes=(Route(path="/*", methods=ANY_METHOD, need=Need.NONE),))
    assert Server(with_more(signed, MAX_FIELD_LINES + 1, 0)).run(signing_app(app, rules=rules)).answer.status == 400
    assert app.calls == 0


@MANY
def test_a_websocket_with_more_is_refused_where_websockets_are_let_through(
    verifying_app: Wrap, signed: HttpRequest, count: int, octets: int
) -> None:
    app = Application()
    server = Server(with_more(signed, count, octets), [{"type": "websocket.connect"}], type="websocket")
    del server.scope["method"]
    server.run(verifying_app(app, rules=RequestRules(websockets=Websockets.LET_THROUGH)))
    assert server.sent == [{"type": "websocket.close"}]
    assert app.calls == 0


def test_a_list_of_fields_that_never_ends_is_not_read_to_its_end(
    verifying_app: Wrap, signed: HttpRequest, refused: Callable[..., None]
) -> None:
    def endless() -> Any:
        while True:
            yield b"x", b"y"

    app, server = Application(), Server(signed)
    server.scope["headers"] = endless()
    refused(server.run(verifying_app(app)), app, 400, "MALFORMED_MESSAGE")
