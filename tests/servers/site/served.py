"""What the servers of the matrix serve: the same small application as ASGI and as WSGI, signed and verified both ways.

The folder in SITE_PKI holds the certificates; PUBLIC_AUTHORITY and PUBLIC_PREFIX say what a proxy before it is called.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

from nlgov_jades import (
    ANY_TRUSTED,
    AsyncVerifier,
    RevocationPolicy,
    SendChain,
    Signer,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.asgi import JadesSignerMiddleware as AsgiSigner
from nlgov_jades.asgi import JadesVerifierMiddleware as AsgiVerifier
from nlgov_jades.edges import Need, PublicAddress, RequestRules, Route, verified_message
from nlgov_jades.result import VerifiedMessage
from nlgov_jades.wsgi import JadesSignerMiddleware as WsgiSigner
from nlgov_jades.wsgi import JadesVerifierMiddleware as WsgiVerifier

PKI = Path(os.environ["SITE_PKI"])
PROFILE = profiles.BY_ID[os.environ.get("SITE_PROFILE", "ddas")]
ADDRESS = PublicAddress(
    authority=os.environ.get("PUBLIC_AUTHORITY") or None, prefix=os.environ.get("PUBLIC_PREFIX", "")
)
RULES = RequestRules(routes=(Route(path="/health", methods={"GET"}, need=Need.NONE),))
POLICY = VerificationPolicy(profiles=(PROFILE,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a long field is what some of these tests are about
    SIGNER = Signer(
        SigningCredential.from_pem((PKI / "signer-key.pem").read_bytes(), (PKI / "signer-chain.pem").read_bytes()),
        profile=PROFILE,
        send_chain=SendChain(os.environ.get("SITE_SEND_CHAIN", "no-root")),
    )
TRUST = TrustStore.from_pem((PKI / "root.pem").read_bytes(), intermediates=(PKI / "intermediates.pem").read_bytes())

Answer = tuple[int, bytes]


def answer(method: str, path: str, query: str, body: bytes, verified: Callable[[], VerifiedMessage]) -> Answer:
    """The application: what both kinds of server do with a request."""
    if path == "/health":
        return 200, b'{"status":"ok"}'
    if path == "/echo":
        return 200, body
    if path == "/fails":
        raise RuntimeError("this application fails on purpose")
    if path == "/page":
        return 200, json.dumps({"page": "x" * int(query.removeprefix("size="))}).encode()
    if path == "/gegevens" and method == "POST":
        seen = verified()
        told = {"sha256": hashlib.sha256(body).hexdigest(), "oin": str(seen.signer.oin), "length": len(body)}
        return 200, json.dumps(told).encode()
    return 404, b'{"status":404}'


JSON = "application/json"


async def plain_asgi(scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    if scope["type"] != "http":
        raise RuntimeError("only http is served here")
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    query = scope["query_string"].decode()
    status, content = answer(scope["method"], scope["path"], query, body, lambda: verified_message(scope))
    fields = [(b"content-type", JSON.encode()), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    # In two pieces: what leaves is signed as a whole.
    middle = len(content) // 2
    await send({"type": "http.response.body", "body": content[:middle], "more_body": True})
    await send({"type": "http.response.body", "body": content[middle:]})


def _wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    length = int(environ["CONTENT_LENGTH"] or 0)  # given by the middleware, also where the request was chunked
    body = environ["wsgi.input"].read(length)
    status, content = answer(
        environ["REQUEST_METHOD"],
        environ["PATH_INFO"],
        environ["QUERY_STRING"],
        body,
        lambda: verified_message(environ),
    )
    start_response(f"{status} Some", [("Content-Type", JSON), ("Content-Length", str(len(content)))])
    middle = len(content) // 2
    return [content[:middle], content[middle:]]


asgi_app = AsgiSigner(
    AsgiVerifier(plain_asgi, verifier=AsyncVerifier(trust=TRUST, policy=POLICY), rules=RULES, address=ADDRESS),
    signer=SIGNER,
    address=ADDRESS,
)

wsgi_app = validator(
    WsgiSigner(
        validator(
            WsgiVerifier(validator(_wsgi), verifier=Verifier(trust=TRUST, policy=POLICY), rules=RULES, address=ADDRESS)
        ),
        signer=SIGNER,
        address=ADDRESS,
    )
)
"""With `wsgiref.validate` between server, middlewares and application: what it objects to is no signed answer."""
