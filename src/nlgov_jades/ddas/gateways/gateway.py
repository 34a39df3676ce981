"""What inway and outway do alike: take a request, let it be judged, pass it on, and tell when that fails. Plain ASGI."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

import httpx

from ...edges.asgi_parts import Receive, Scope, Send, field_lines, octets_of
from ...errors import ConfigurationError
from ...message import Fields
from ..fsc import transaction_id
from ..problems import ProblemError
from .passing import CutAnswerError, Exchange, GatewayLimits, UnreachableError
from .wire import Lines, RefusedError, check_request

__all__ = ["Gateway", "Route"]

LOGGER: Final = logging.getLogger("nlgov_jades.ddas.gateways")

_POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes, and with which field lines.

    Attributes:
        service: Name of the service.
        url: Scheme, host and port.
        lines: Field lines, as they are sent.
    """

    service: str
    url: httpx.URL
    lines: Lines


class Gateway(ABC):
    """An ASGI application that passes requests on.

    Args:
        transport: With what.
        limits: How long it waits.
    """

    name: str
    """In the log."""

    def __init__(self, transport: httpx.AsyncBaseTransport, limits: GatewayLimits) -> None:
        if not isinstance(limits, GatewayLimits) or not isinstance(transport, httpx.AsyncBaseTransport):
            raise ConfigurationError("limits is a GatewayLimits, and transport a transport of httpx")
        self._transport, self._limits = transport, limits

    @abstractmethod
    def _route(self, scope: Scope, fields: Fields) -> Route:
        """Where a request goes.

        Raises:
            RefusedError: Nowhere.
        """

    @abstractmethod
    def _unreachable(self) -> RefusedError:
        """What is told when there was no answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take what a server gives.

        Raises:
            CutAnswerError: An answer broke off. The server must hang up.
            ConfigurationError: The server does not give what is needed.
        """
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            # FSC passes requests on, and no other conversations.
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        fields = Fields(field_lines(scope))
        try:
            target = self._target(scope)
            route = self._route(scope, fields)
            await self._exchange(scope["method"], target, route, receive, send)
        except RefusedError as error:
            LOGGER.warning("%s refused code=%s transaction_id=%s", self.name, error.code, _transaction(fields))
            for message in octets_of(error.answer, method=scope["method"]):
                await send(message)

    def _target(self, scope: Scope) -> bytes:
        """The target of a request that is passed on.

        Raises:
            RefusedError: It is not.
        """
        return check_request(scope)

    async def _exchange(self, method: str, target: bytes, route: Route, receive: Receive, send: Send) -> None:
        exchange = Exchange(self._transport, receive, send, limits=self._limits)
        transaction = _transaction(Fields(route.lines))
        try:
            await exchange.run(method, route.url, target, route.lines)
        except UnreachableError:
            raise self._unreachable() from None
        except CutAnswerError:
            LOGGER.warning("%s cut service=%s transaction_id=%s", self.name, route.service, transaction)
            raise
        LOGGER.info(
            "%s passed service=%s status=%s transaction_id=%s",
            self.name,
            route.service,
            exchange.status or "-",
            transaction,
        )

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._transport.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _transaction(fields: Fields) -> str:
    """The transaction id for a line in the log: only when it is one."""
    try:
        return transaction_id(fields) or "-"
    except ProblemError:
        return "-"
