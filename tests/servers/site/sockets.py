"""What the tests of websockets serve: an echo, plain and in two frameworks, behind both middlewares.

Below /refused the rules are the default ones, below /open websockets are let through. `GET /opened`, outside the
middlewares, tells which websockets an application was called for. Http is as in `served`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI
from fastapi import WebSocket as FastApiWebSocket
from served import ADDRESS, POLICY, SIGNER, TRUST, plain_asgi  # type: ignore[import-not-found]  # servers run in this folder
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from nlgov_jades import AsyncVerifier
from nlgov_jades.asgi import (
    CORRELATION_KEY,
    UNVERIFIED_KEY,
    VERIFIED_KEY,
    JadesSignerMiddleware,
    JadesVerifierMiddleware,
    RequestRules,
    Websockets,
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

DEFAULTS = RequestRules()
OPEN = RequestRules(websockets=Websockets.LET_THROUGH)
FAREWELL = "farewell"
FAREWELL_CODE = 4321

opened: list[str] = []


def target_of(scope: Scope) -> str:
    return f"{scope['raw_path'].decode()}?{scope['query_string'].decode()}"


def told(scope: Scope) -> str:
    """What an application finds in its scope."""
    outcome = scope.get(UNVERIFIED_KEY)
    return json.dumps(
        {
            "why": outcome.why if outcome else None,
            "verified": VERIFIED_KEY in scope,
            "correlated": bool(scope.get(CORRELATION_KEY)),
            "method": scope.get("method"),
            "target": target_of(scope),
            "subprotocols": list(scope["subprotocols"]),
            "fields": [(name.decode("iso-8859-1"), value.decode("iso-8859-1")) for name, value in scope["headers"]],
        }
    )


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        await plain_asgi(scope, receive, send)
        return
    opened.append(target_of(scope))
    message = await receive()
    if message["type"] != "websocket.connect":
        raise RuntimeError("a websocket begins with websocket.connect")
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
    await send({"type": "websocket.send", "text": told(scope)})
    while (message := await receive())["type"] == "websocket.receive":
        text, octets = message.get("text"), message.get("bytes")
        if text == FAREWELL:
            await send({"type": "websocket.close", "code": FAREWELL_CODE, "reason": "as asked"})
            return
        await send({"type": "websocket.send", **({"bytes": octets} if text is None else {"text": text})})


async def in_starlette(websocket: WebSocket) -> None:
    opened.append(target_of(websocket.scope))
    if websocket.query_params.get("denied"):
        await websocket.send_denial_response(PlainTextResponse("not today", status_code=409))
        return
    await websocket.accept(subprotocol=next(iter(websocket.scope["subprotocols"]), None))
    await websocket.send_text(told(websocket.scope))
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") == FAREWELL:
                await websocket.close(FAREWELL_CODE, "as asked")
                return
            if message.get("text") is not None:
                await websocket.send_text(message["text"])
            else:
                await websocket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        return


def both(rules: RequestRules) -> list[Middleware]:
    """The middlewares as a framework takes them, outermost first."""
    return [
        Middleware(JadesSignerMiddleware, signer=SIGNER, address=ADDRESS),
        Middleware(JadesVerifierMiddleware, verifier=VERIFIER, rules=rules, address=ADDRESS),
    ]


def fastapi(rules: RequestRules, path: str) -> App:
    app = FastAPI(middleware=both(rules))

    @app.websocket(path)
    async def converse(websocket: FastApiWebSocket) -> None:
        await in_starlette(websocket)

    return app


def applications(folder: str, rules: RequestRules) -> dict[str, App]:
    """Each application under its path."""
    behind = JadesVerifierMiddleware(plain, verifier=VERIFIER, rules=rules, address=ADDRESS)
    path = f"{folder}/starlette"
    return {
        f"{folder}/plain": JadesSignerMiddleware(behind, signer=SIGNER, address=ADDRESS),
        path: Starlette(routes=[WebSocketRoute(path, in_starlette)], middleware=both(rules)),
        f"{folder}/fastapi": fastapi(rules, f"{folder}/fastapi"),
    }


VERIFIER = AsyncVerifier(trust=TRUST, policy=POLICY)
APPLICATIONS = {**applications("/refused", DEFAULTS), **applications("/open", OPEN)}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Outside everything: chooses the application by path. What has none here goes through the middlewares of /open/plain."""
    if scope["type"] == "lifespan":
        raise RuntimeError("nothing here has a lifespan")
    if scope["query_string"] == b"wordless":
        # As a server without the extension that lets an application answer a handshake in words.
        scope = {name: value for name, value in scope.items() if name != "extensions"}
    if scope["path"] == "/opened":
        body = json.dumps(opened).encode()
        fields = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": body})
        return
    await APPLICATIONS.get(scope["path"], APPLICATIONS["/open/plain"])(scope, receive, send)
