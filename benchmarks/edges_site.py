"""The applications that `edges.py` measures: with the middlewares, and with the bare cryptography inline."""

from __future__ import annotations

import binascii
import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from nlgov_jades import (
    ANY_TRUSTED,
    AsyncVerifier,
    HttpResponse,
    Signer,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    Verifier,
    asgi,
    profiles,
    wsgi,
)
from nlgov_jades.edges import BodySettings
from nlgov_jades.errors import FetchError
from nlgov_jades.pki.revocation import FetchRequest, RevocationData

PKI = Path(os.environ["SITE_PKI"])
GIB = 1024**3
PIECE = b"x" * 65536
BODY = BodySettings(limit=2 * GIB)
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)

key_pem, chain_pem = (PKI / "signer-key.pem").read_bytes(), (PKI / "signer-chain.pem").read_bytes()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    SIGNER = Signer(SigningCredential.from_pem(key_pem, chain_pem), profile=profiles.DDAS)
TRUST = TrustStore.from_pem((PKI / "root.pem").read_bytes())
POLICY = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED)


class Given:
    """A fetcher whose data are at hand: revocation is on, and its first check is not what is measured."""

    def __init__(self) -> None:
        self._crls = [path.read_bytes() for path in sorted(PKI.glob("*.crl"))]

    def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:  # noqa: ARG002 - the protocol
        """The CRL that fits."""
        for der in self._crls:
            try:
                return request.parse(der)
            except FetchError:
                continue
        raise FetchError("none fits")


class AsyncGiven(Given):
    """The same, awaited."""

    async def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:  # type: ignore[override]  # noqa: ASYNC109 - the protocol
        """The CRL that fits."""
        return super().fetch(request, timeout=timeout)


def verifier() -> Verifier:
    """For the WSGI application and for clients."""
    return Verifier(trust=TRUST, policy=POLICY, fetcher=Given())


_key: Any = load_pem_private_key(key_pem, None)
_public: Any = x509.load_pem_x509_certificates(chain_pem)[0].public_key()
assert isinstance(_key, rsa.RSAPrivateKey)  # noqa: S101 - a benchmark

_OURS = len(SIGNER.sign(HttpResponse(status=200)).signature)
_HEADER = SIGNER.sign(HttpResponse(status=200)).signature.partition("..")[0].encode("ascii")
_EXAMPLE = _HEADER + b".digest: SHA-256=" + b"0" * 44
_signature: bytes = _key.sign(_EXAMPLE, PSS, hashes.SHA256())


def verify_inline() -> None:
    """SHA-256 of one signing input, a chain in its header as in ours, and one RSA verification."""
    _public.verify(_signature, _EXAMPLE, PSS, hashes.SHA256())


def sign_inline(digest: bytes) -> bytes:
    """The same, and one RSA signature."""
    signature: bytes = _key.sign(_HEADER + b".digest: SHA-256=" + binascii.b2a_base64(digest), PSS, hashes.SHA256())
    return signature


def as_long_as_ours(signature: bytes) -> str:
    """A field that takes a server as long to send as that with a chain."""
    return signature.hex().ljust(_OURS, "0")


SMALL = b'{"status":"ok","padding":"' + b"x" * 2000 + b'"}'


def _pieces(path: str) -> Iterator[bytes]:
    if path in {"/long", "/bare"}:
        for _ in range(GIB // len(PIECE)):
            yield PIECE
    else:
        yield SMALL


def _length(path: str) -> int:
    return GIB if path in {"/long", "/bare"} else len(SMALL)


def _fields(path: str) -> list[tuple[str, str]]:
    return [("Content-Type", "application/json"), ("Content-Length", str(_length(path)))]


async def _asgi_app(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await _send(scope["path"], send, [])


async def _send(path: str, send: Any, more: list[tuple[str, str]], pieces: Iterable[bytes] | None = None) -> None:
    fields = [(name.lower().encode(), value.encode()) for name, value in (*_fields(path), *more)]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    for piece in pieces or _pieces(path):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


_inner_asgi = asgi.JadesSignerMiddleware(
    asgi.JadesVerifierMiddleware(
        _asgi_app, verifier=AsyncVerifier(trust=TRUST, policy=POLICY, fetcher=AsyncGiven()), body=BODY
    ),
    signer=SIGNER,
    body=BODY,
)


async def asgi_ours(scope: Any, receive: Any, send: Any) -> None:
    """With the middlewares; `/bare` goes around them, for a client that does not sign."""
    await (_asgi_app if scope["path"] == "/bare" else _inner_asgi)(scope, receive, send)


async def asgi_bare(scope: Any, receive: Any, send: Any) -> None:
    """The same cryptography inline: both digests, one verification and one signature, each with its signing input."""
    hasher = hashlib.sha256()
    more = True
    while more:
        message = await receive()
        hasher.update(message.get("body", b""))
        more = message.get("more_body", False)
    verify_inline()
    answer = hashlib.sha256()
    for piece in _pieces(scope["path"]):
        answer.update(piece)
    signature = as_long_as_ours(sign_inline(answer.digest()))
    await _send(scope["path"], send, [("nlgov-adr-payload-sig", signature), ("Digest", hasher.hexdigest())])


async def asgi_spool(scope: Any, receive: Any, send: Any) -> None:
    """As `asgi_bare`, for an application that neither acts before all is verified nor makes its answer twice: with files."""
    hasher, answer = hashlib.sha256(), hashlib.sha256()
    with tempfile.TemporaryFile(buffering=0) as question, tempfile.TemporaryFile(buffering=0) as made:
        more = True
        while more:
            message = await receive()
            hasher.update(message.get("body", b""))
            question.write(message.get("body", b""))
            more = message.get("more_body", False)
        verify_inline()
        question.seek(0)
        while question.read(1 << 20):
            pass
        for piece in _pieces(scope["path"]):
            answer.update(piece)
            made.write(piece)
        more_fields = [
            ("nlgov-adr-payload-sig", as_long_as_ours(sign_inline(answer.digest()))),
            ("Digest", hasher.hexdigest()),
        ]
        made.seek(0)
        await _send(scope["path"], send, more_fields, iter(lambda: made.read(1 << 20), b""))


def _wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    while environ["wsgi.input"].read(65536):
        pass
    start_response("200 OK", _fields(environ["PATH_INFO"]))
    return _pieces(environ["PATH_INFO"])


wsgi_ours = wsgi.JadesSignerMiddleware(
    wsgi.JadesVerifierMiddleware(_wsgi_app, verifier=verifier(), body=BODY), signer=SIGNER, body=BODY
)


def wsgi_bare(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """As `asgi_bare`."""
    hasher = hashlib.sha256()
    while piece := environ["wsgi.input"].read(65536):
        hasher.update(piece)
    verify_inline()
    answer = hashlib.sha256()
    for piece in _pieces(environ["PATH_INFO"]):
        answer.update(piece)
    signature = as_long_as_ours(sign_inline(answer.digest()))
    fields = _fields(environ["PATH_INFO"])
    start_response("200 OK", [*fields, ("nlgov-adr-payload-sig", signature), ("Digest", hasher.hexdigest())])
    return _pieces(environ["PATH_INFO"])


def wsgi_spool(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """As `asgi_spool`."""
    hasher, answer = hashlib.sha256(), hashlib.sha256()
    with tempfile.TemporaryFile(buffering=0) as question, tempfile.TemporaryFile(buffering=0) as made:
        while piece := environ["wsgi.input"].read(65536):
            hasher.update(piece)
            question.write(piece)
        verify_inline()
        question.seek(0)
        while question.read(1 << 20):
            pass
        for piece in _pieces(environ["PATH_INFO"]):
            answer.update(piece)
            made.write(piece)
        signature = as_long_as_ours(sign_inline(answer.digest()))
        fields = _fields(environ["PATH_INFO"])
        start_response("200 OK", [*fields, ("nlgov-adr-payload-sig", signature), ("Digest", hasher.hexdigest())])
        made.seek(0)
        yield from iter(lambda: made.read(1 << 20), b"")
