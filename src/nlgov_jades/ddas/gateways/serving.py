"""Inway and outway under uvicorn: the TLS settings, and the certificate of a real handshake for the inway.

uvicorn.Server(inway_config(inway, tls=files, port=8443)).run()
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ...errors import ConfigurationError
from .inway import Inway
from .outway import Outway
from .tls import TlsFiles
from .tokens import peer_id
from .wire import TARGET_KEY

try:
    import h11
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol
except ImportError as error:
    if error.name is None or error.name.partition(".")[0] not in {"h11", "uvicorn"}:
        raise
    raise ImportError(
        "nlgov_jades.ddas.gateways.serving needs an extra: pip install 'nlgov-jades[ddas]'", name=error.name
    ) from None

__all__ = ["GatewayProtocol", "inway_config", "outway_config"]

MAX_HEAD: Final = 128 * 1024
"""Octets of a request without its body: a signature field of 32 KiB, a token of 16 KiB, and what else there is."""

KEEP_ALIVE: Final = 60
"""Seconds that a connection stays open: longer than clients keep one, so that none is closed while it is used."""

HERE: Final = "127.0.0.1"


def inway_config(app: Inway, *, tls: TlsFiles, port: int, host: str = HERE) -> uvicorn.Config:
    """Settings of a server for an inway: without a certificate of the group nobody gets in.

    Args:
        app: The inway.
        tls: Who it is, and whose certificates it accepts.
        port: Where it listens; 0 is a free one.
        host: On which address.

    Raises:
        ConfigurationError: An argument has another form.
    """
    if not isinstance(app, Inway) or not isinstance(tls, TlsFiles):
        raise ConfigurationError("app is an Inway, and tls a TlsFiles")
    # FSC core, authorization: the token is signed by the same peer that owns the inway.
    if app.peers != {peer_id(tls.certificate)}:
        raise ConfigurationError("the tokens of an inway are signed by the peer that its certificate is of")
    return _config(
        app,
        host=host,
        port=port,
        ssl_certfile=str(tls.chain),
        ssl_keyfile=str(tls.key),
        ssl_ca_certs=str(tls.trust),
        ssl_cert_reqs=ssl.CERT_REQUIRED,
    )


def outway_config(app: Outway, *, port: int) -> uvicorn.Config:
    """Settings of a server for an outway, on 127.0.0.1: whoever reaches it asks in the name of its peer.

    Args:
        app: The outway.
        port: Where it listens; 0 is a free one.

    Raises:
        ConfigurationError: An argument has another form.
    """
    if not isinstance(app, Outway):
        raise ConfigurationError("app is an Outway")
    return _config(app, host=HERE, port=port)


def _config(app: Inway | Outway, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=GatewayProtocol,
        ws="none",
        lifespan="on",
        # Nothing is believed that a field says about the client.
        proxy_headers=False,
        # The answer has those of whoever made it.
        server_header=False,
        date_header=False,
        # It has targets, with what a query holds.
        access_log=False,
        h11_max_incomplete_event_size=MAX_HEAD,
        timeout_keep_alive=KEEP_ALIVE,
        **more,
    )


class _Connection(h11.Connection):
    """Keeps the target of the request as it came. There is one request at a time."""

    target = b""

    def next_event(self) -> Any:
        """As h11."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.target = event.target
        return event


_App = Callable[[Any, Any, Any], Awaitable[None]]


class GatewayProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, which also gives the TLS extension of ASGI, and the target as it came."""

    def __init__(self, config: uvicorn.Config, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self.conn: h11.Connection = _Connection(h11.SERVER, config.h11_max_incomplete_event_size or MAX_HEAD)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """As uvicorn; the handshake is done."""
        super().connection_made(transport)
        extension, inner = _tls_extension(transport), self.app

        async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                target = getattr(self.conn, "target", b"")
                extensions = {name: value for name, value in (scope.get("extensions") or {}).items() if name != "tls"}
                scope = {**scope, TARGET_KEY: target, "extensions": {**extensions, **extension}}
            await inner(scope, receive, send)

        self.app = app


def _tls_extension(transport: asyncio.Transport) -> dict[str, Any]:
    """What ASGI says about a connection with TLS; nothing about one without, or where no certificate was demanded."""
    connection, context = transport.get_extra_info("ssl_object"), transport.get_extra_info("sslcontext")
    if connection is None or context is None or context.verify_mode is not ssl.CERT_REQUIRED:
        return {}
    der = connection.getpeercert(binary_form=True)
    if not der:
        return {}
    return {
        "tls": {
            "server_cert": None,
            "client_cert_chain": [ssl.DER_cert_to_PEM_cert(der)],
            "client_cert_name": None,
            "client_cert_error": None,
            "tls_version": None,
            "cipher_suite": None,
        }
    }
