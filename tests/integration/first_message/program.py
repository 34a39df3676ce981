"""A process that verifies and signs one long exchange, and prints its status and the modules that were imported during it.

With `lifespan` as its argument it is told before that it starts, as servers do.
"""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from typing import Any

from nlgov_jades import ANY_TRUSTED, AsyncVerifier, HttpRequest, RevocationPolicy, Signer, VerificationPolicy, profiles
from nlgov_jades.asgi import BodySettings, JadesSignerMiddleware, JadesVerifierMiddleware
from nlgov_jades.testing import Hierarchy

BODY = bytes(3 * 1024 * 1024)
"""Hashed in a thread, and put into a file."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads all, and answers as much."""
    if scope["type"] == "lifespan":
        return
    while (await receive())["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": BODY})


async def main() -> None:
    """One exchange."""
    hierarchy = Hierarchy.new()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signer = Signer(hierarchy.tsp.issue().credential, profile=profiles.DDAS)
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF)
    settings = BodySettings(memory=1024 * 1024)
    verifier = AsyncVerifier(trust=hierarchy.trust, policy=policy)
    edge = JadesSignerMiddleware(
        JadesVerifierMiddleware(app, verifier=verifier, body=settings), signer=signer, body=settings
    )
    lines = [("Host", "a.test"), ("Content-Type", "application/json")]
    request = HttpRequest(method="POST", target="/", fields=lines, body=BODY)
    request = request.with_fields(signer.sign(request))
    fields = [(name.lower().encode(), value.encode()) for name, value in request.fields]
    statuses: list[int | None] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    if sys.argv[1:] == ["lifespan"]:
        await edge({"type": "lifespan"}, receive, send)
    before = set(sys.modules)
    await edge(
        {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "headers": fields},
        receive,
        send,
    )
    sys.stdout.write(json.dumps([statuses[0], sorted(set(sys.modules) - before)]))


if __name__ == "__main__":
    asyncio.run(main())
