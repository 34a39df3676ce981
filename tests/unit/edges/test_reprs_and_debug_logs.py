"""What a repr or the debug log of an event loop shows of a message: nothing of its body, its query or its fields."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from nlgov_jades import BodyDigest, Fields, HttpRequest
from nlgov_jades.edges import BodySettings, PublicAddress
from nlgov_jades.edges.asgi_parts import RefusalNote, finished, flushed, in_thread, read_piece
from nlgov_jades.edges.body import Spool
from nlgov_jades.edges.client_async import dispose, read_spool
from nlgov_jades.edges.wsgi_answer import _head
from nlgov_jades.edges.wsgi_request import Question

SECRET = "999990019"


@pytest.mark.parametrize(
    "value",
    [
        Question(
            method="GET",
            target=f"/x?bsn={SECRET}",
            shown=f"/x?bsn={SECRET}",
            same=True,
            fields=Fields([("Cookie", SECRET)]),
            address=PublicAddress(),
        ),
        RefusalNote(lines=((b"authorization", SECRET.encode()),)),
        _head("200 OK", [("Set-Cookie", SECRET)], HttpRequest(method="GET", target="/")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_repr_shows_a_query_or_a_field(value: object) -> None:
    assert SECRET not in repr(value)


async def _spooled(read: Callable[[Spool], Awaitable[bytes]]) -> None:
    spool = Spool(BodySettings(memory=1), BodyDigest)
    spool.add(SECRET.encode())
    await flushed(spool)
    await finished(spool)
    assert await read(spool) == SECRET.encode()
    await dispose(spool)


async def _returned() -> None:
    assert await in_thread(partial(bytes, SECRET.encode())) == SECRET.encode()


@pytest.mark.parametrize(
    "work",
    [partial(_spooled, read_piece), partial(_spooled, lambda spool: read_spool(spool, 99)), _returned],
    ids=["server", "client", "thread"],
)
def test_asyncio_s_debug_log_shows_nothing_of_a_body(
    work: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async def watched() -> None:
        asyncio.get_running_loop().slow_callback_duration = 0
        await work()

    caplog.set_level(logging.DEBUG)
    asyncio.run(watched(), debug=True)
    assert "_report_result" in caplog.text
    assert SECRET not in caplog.text
