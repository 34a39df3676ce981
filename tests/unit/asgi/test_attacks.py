"""What applications and tasks do at the wrong moment, and what nobody has heard of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from nlgov_jades import HttpRequest, Signer, profiles
from nlgov_jades.errors import ConfigurationError

from .harness import BODY, START, App, Application, Message, Receive, Send, Server, answer

Wrap = Callable[..., App]


def test_field_lines_that_the_application_changes_afterwards_leave_as_they_were(
    signing_app: Wrap, signed: HttpRequest, client: Callable[..., Any]
) -> None:
    line = [b"content-type", b"application/json"]

    async def app(_: Any, __: Receive, send: Send) -> None:
        await send({"type": START, "status": 200, "headers": [line]})
        line[1] = b"text/html"
        await send({"type": BODY, "body": b"{}"})

    server = Server(signed).run(signing_app(app))
    assert server.answer.fields.get_all("content-type") == ("application/json",)
    client(server.answer)


class Slow:
    """A signer that is awaited until the test says so."""

    profile = profiles.DDAS

    def __init__(self, signer: Signer) -> None:
        self._signer, self.asked, self.may = signer, anyio.Event(), anyio.Event()

    async def sign(self, message: Any) -> Any:
        if not self.asked.is_set():
            self.asked.set()
            await self.may.wait()
        return self._signer.sign(message)


def test_a_task_that_outlives_its_application_adds_no_second_answer(
    signing_app: Wrap, signed: HttpRequest, signer: Signer, backend: str
) -> None:
    told: list[BaseException] = []

    async def main() -> list[Message]:
        slow, server = Slow(signer), Server(signed)
        async with anyio.create_task_group() as tasks:

            async def sends(send: Send) -> None:
                try:
                    for message in answer(b"{}"):
                        await send(message)
                except ConfigurationError as error:
                    told.append(error)

            async def app(_: Any, __: Receive, send: Send) -> None:
                tasks.start_soon(sends, send)
                await slow.asked.wait()

            await signing_app(app, signer=slow)(server.scope, server.receive, server.send)
            slow.may.set()
        return server.sent

    sent = anyio.run(main, backend=backend)
    assert [message["type"] for message in sent] == [START, BODY]
    assert sent[0]["status"] == 500
    assert len(told) == 1


@pytest.mark.parametrize("kind", ["webtransport", "http2.push", ""])
def test_a_connection_of_an_unknown_kind_does_not_reach_the_application(verifying_app: Wrap, kind: str) -> None:
    calls: list[str] = []

    async def app(scope: Any, *_: object) -> None:
        calls.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    async def serve(type_: str) -> None:
        await verifying_app(app)({"type": type_}, nothing, nothing)

    with pytest.raises(ConfigurationError, match="lifespan"):
        asyncio.run(serve(kind))
    assert not calls
    asyncio.run(serve("lifespan"))
    assert calls == ["lifespan"]


def test_the_application_is_shown_the_method_by_which_its_request_was_judged(
    verifying_app: Wrap, sign: Callable[..., HttpRequest], request_message: HttpRequest
) -> None:
    # A signature is over the method in small letters; some servers pass `post` on as it is.
    app = Application()
    Server(sign(request_message), method="post").run(verifying_app(app))
    assert app.scope["method"] == "POST"


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: x", b"a\nb", b"a\rb", b"a\0b"])
def test_a_field_that_would_be_two_on_the_wire_becomes_a_clean_500(
    signing_app: Wrap, signed: HttpRequest, value: bytes, backend: str
) -> None:
    # Behind the signature no server should have to notice: some close the connection then, some send it.
    server = Server(signed, backend=backend).run(signing_app(Application(*answer(b"{}", fields=[(b"x-a", value)]))))
    assert server.answer.status == 500
    assert b"SIGNING_FAILED" in server.answer.body  # type: ignore[operator]  # it is bytes
    assert "x-a" not in server.answer.fields
