"""The inway: before a provider. It lets through who has an access token for this service over this very connection."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import httpx
from cryptography import x509

from ...clock import Clock, check_time, utc_now
from ...edges.asgi_parts import Scope, field_lines
from ...errors import ConfigurationError
from ...message import Fields
from ..fsc import AUTHORIZATION, AccessToken
from ..fsc_errors import FscError
from .gateway import Gateway, Route
from .grants import address, check_service
from .passing import GatewayLimits, new_transport
from .tokens import INVALID, TokenRefusedError, check_access, check_issuer, peer_id, thumbprint
from .wire import RefusedError, request_lines

__all__ = ["Inway"]

_LIMITS = GatewayLimits()
_LOCAL = "localhost"

_SENTENCES = MappingProxyType(
    {
        "ERROR_CODE_ACCESS_TOKEN_MISSING": "The request has no access token.",
        INVALID: "The access token is not accepted.",
        "ERROR_CODE_ACCESS_TOKEN_EXPIRED": "The access token has expired.",
        "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN": "The access token is of another group.",
        "ERROR_CODE_SERVICE_NOT_FOUND": "This inway does not offer the service.",
        "ERROR_CODE_SERVICE_UNREACHABLE": "The service cannot be reached.",
    }
)
"""What a peer is told: the code in words."""


class Inway(Gateway):
    """A stand-in for an FSC inway, as an ASGI application. For tests and development.

    The server before it asks for a client certificate, checks it against the trust anchors of the group, and gives it in the
    TLS extension of ASGI, as `serving.inway_config` does. A field of the request never stands for a certificate.

    Args:
        services: Address of each service by its name. With http, only on this machine.
        group: Id of the FSC group.
        audience: What tokens call this inway: the `inway` of a Grant.
        issuers: The certificates that the manager of this inway signs tokens with.
        limits: How long it waits.
        clock: Gives the time, UTC.
        transport: What the services are reached with; HTTP/1.1, with the trust anchors of the machine for https, when `None`.

    Raises:
        ConfigurationError: An argument has another form.
    """

    name = "inway"

    def __init__(
        self,
        *,
        services: Mapping[str, str],
        group: str,
        audience: str,
        issuers: Iterable[x509.Certificate],
        limits: GatewayLimits = _LIMITS,
        clock: Clock = utc_now,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(transport or new_transport(limits, ssl.create_default_context()), limits)
        self._services = {_checked_name(name): _service(url) for name, url in services.items()}
        if not isinstance(group, str) or not group or not callable(clock):
            raise ConfigurationError("group is the id of the FSC group, and clock gives the time")
        if address(audience).scheme != "https":
            raise ConfigurationError("audience is an address with https")
        self._group, self._audience, self._clock = group, audience, clock
        known = tuple(issuers)
        for certificate in known:
            check_issuer(certificate)
        self._issuers = {thumbprint(certificate): certificate for certificate in known}
        if not self._services or not self._issuers:
            raise ConfigurationError("an inway has a service at least, and a certificate that tokens are signed with")
        self.peers = frozenset(map(peer_id, known))
        """Who signs the tokens that it accepts."""

    def _route(self, scope: Scope, fields: Fields) -> Route:
        peer = _peer_certificate(scope)
        token = self._token(fields, peer, check_time(self._clock()))
        url = self._services.get(token.service)
        if url is None:
            raise _refused("ERROR_CODE_SERVICE_NOT_FOUND")
        # The token goes on (FSC core, routing): the provider compares its holder with the signer.
        return Route(token.service, url, request_lines(field_lines(scope)))

    def _token(self, fields: Fields, peer: x509.Certificate, now: dt.datetime) -> AccessToken:
        values = fields.get_all(AUTHORIZATION)
        if not any(value.strip().lower() not in {"", "bearer"} for value in values):
            raise _refused("ERROR_CODE_ACCESS_TOKEN_MISSING")
        if len(values) != 1:
            raise _refused(INVALID)
        try:
            return check_access(
                values[0], issuers=self._issuers, group=self._group, audience=self._audience, peer=peer, now=now
            )
        except TokenRefusedError as error:
            raise _refused(error.code) from None

    def _unreachable(self) -> RefusedError:
        return _refused("ERROR_CODE_SERVICE_UNREACHABLE")


def _refused(code: str) -> RefusedError:
    return RefusedError(FscError.of(code, _SENTENCES[code]).answer(), code)


def _checked_name(name: str) -> str:
    check_service(name)
    return name


def _service(text: str) -> httpx.URL:
    url = address(text)
    if url.scheme == "http" and not _is_here(url.host):
        raise ConfigurationError("the address of a service on another machine has https")
    return url


def _is_here(host: str) -> bool:
    try:
        return host == _LOCAL or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _peer_certificate(scope: Mapping[str, Any]) -> x509.Certificate:
    """The certificate at the other end, which the server checked in the handshake (ASGI, extension `tls`).

    Raises:
        ConfigurationError: The server gives none: it would be no inway.
    """
    tls = (scope.get("extensions") or {}).get("tls")
    chain = list(tls.get("client_cert_chain") or ()) if isinstance(tls, Mapping) else []
    if not chain or (isinstance(tls, Mapping) and tls.get("client_cert_error") is not None):
        raise ConfigurationError("the server gives no client certificate: run an inway with serving.inway_config")
    try:
        return x509.load_pem_x509_certificate(str(chain[0]).encode("ascii"))
    except ValueError:  # UnicodeEncodeError is one
        raise ConfigurationError("the client certificate that the server gives is no PEM") from None
