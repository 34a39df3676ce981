"""The outway: before a consumer. It gives a request an access token and a transaction id, and shows its certificate."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable

import httpx
from cryptography import x509

from ...clock import Clock, check_time, utc_now
from ...edges.asgi_parts import Scope, field_lines
from ...errors import ConfigurationError
from ...message import Fields
from ..fsc import AUTHORIZATION, TRANSACTION, transaction_id
from ..fsc_errors import FscError
from ..problems import ProblemError
from .gateway import Gateway, Route
from .grants import Grant
from .passing import GatewayLimits, new_transport
from .tls import TlsFiles
from .wire import RefusedError, plain_refusal, request_lines

__all__ = ["Grant", "Outway", "TokenSource"]

TokenSource = Callable[[Grant, x509.Certificate], str]
"""Gives a new token for a grant and the certificate of the outway: in FSC the manager of the other peer, asked by one's own."""

GRANT = "Fsc-Grant-Hash"

_UNSUPPORTED = "ERROR_CODE_METHOD_UNSUPPORTED"
_METHODS_REFUSED = frozenset({"CONNECT"})
"""FSC core, error codes of the outway."""

_OURS = frozenset({AUTHORIZATION.lower().encode(), GRANT.lower().encode()})
"""What is for the outway, or made by it: what a consumer writes there goes no further."""

_LIMITS = GatewayLimits(silence=150.0, whole=660.0)
"""Longer than those of an inway: what became of the service is for the inway to say, with FSC's code."""


class Outway(Gateway):
    """A stand-in for an FSC outway, as an ASGI application. For tests and development.

    A consumer reaches it without TLS, on this machine; `serving.outway_config` lets it listen nowhere else. Whoever can reach it
    asks in the name of the peer. Errors of the other side pass unchanged; FSC has no code for an inway that cannot be reached,
    so the answer is a 502 without `Fsc-Error-Code` then.

    Args:
        grants: What may be asked; a request names one with `Fsc-Grant-Hash`.
        tls: Who it is, and what it trusts.
        tokens: Gives access tokens; for example the `token` of a TokenMaker.
        limits: How long it waits; a while longer than the inway.
        clock: Gives the time, UTC, for transaction ids.
        transport: What inways are reached with; HTTP/1.1 over mutual TLS with `tls` when `None`.

    Raises:
        ConfigurationError: An argument has another form.
    """

    name = "outway"

    def __init__(
        self,
        *,
        grants: Iterable[Grant],
        tls: TlsFiles,
        tokens: TokenSource,
        limits: GatewayLimits = _LIMITS,
        clock: Clock = utc_now,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if not isinstance(tls, TlsFiles) or not callable(tokens) or not callable(clock):
            raise ConfigurationError("tls is a TlsFiles, tokens gives tokens, and clock the time")
        super().__init__(transport or new_transport(limits, tls.client_context()), limits)
        self._certificate, self._tokens, self._clock = tls.certificate, tokens, clock
        known = tuple(grants)
        if not known or not all(isinstance(grant, Grant) for grant in known):
            raise ConfigurationError("grants has a Grant at least")
        self._grants = {grant.hash: grant for grant in known}
        if len(self._grants) != len(known):
            raise ConfigurationError("no two grants have the same hash")

    def _target(self, scope: Scope) -> bytes:
        # Before the target is looked at, which with CONNECT is no path.
        if scope["method"].upper() in _METHODS_REFUSED:
            answer = FscError.of(_UNSUPPORTED, "This method is not passed on.").answer()
            raise RefusedError(answer, _UNSUPPORTED)
        return super()._target(scope)

    def _route(self, scope: Scope, fields: Fields) -> Route:
        grant = self._grant(fields)
        own = [(AUTHORIZATION.encode(), f"Bearer {self._tokens(grant, self._certificate)}".encode("ascii"))]
        ending = set(_OURS)
        if not _has_transaction(fields):
            own.append((TRANSACTION.encode(), self._new_transaction().encode("ascii")))
            ending.add(TRANSACTION.lower().encode())
        lines = request_lines(field_lines(scope), without=ending)
        return Route(grant.service, httpx.URL(grant.inway), [*lines, *own])

    def _grant(self, fields: Fields) -> Grant:
        named = fields.get_all(GRANT)
        grant = self._grants.get(named[0]) if len(named) == 1 else None
        if grant is None:
            raise plain_refusal(400, "The request names no grant of this outway in Fsc-Grant-Hash.")
        return grant

    def _new_transaction(self) -> str:
        """A UUID of version 7, as FSC asks for: the time, and chance (RFC 9562 §5.7)."""
        milliseconds = int(check_time(self._clock()).timestamp() * 1000)
        chance = secrets.randbits(74)
        number = milliseconds << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & (1 << 62) - 1
        return str(uuid.UUID(int=number))

    def _unreachable(self) -> RefusedError:
        return plain_refusal(502, "The inway cannot be reached.")


def _has_transaction(fields: Fields) -> bool:
    try:
        return transaction_id(fields) is not None
    except ProblemError:
        return False
