"""The fetcher for threads, on `requests`. Needs the extra `requests`.

Of `requests` only the transport adapter is used. Redirects, cookies, netrc and proxies of the environment belong to its
Session, so here they cannot happen.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from types import TracebackType
from typing import Any, Self

from ..clock import Clock, utc_now
from ..errors import FetchError
from ..pki.revocation import FetchRequest, RevocationData
from .address import check_addresses
from .background import Workers
from .deadline import Deadline
from .exchange import CHUNK, AnswerBody, default_tls, failure_of, request_fields, request_method
from .limits import FetchLimits
from .lookup import Lookup, look_up, system_lookup
from .retrieval import Exchange, Landing, Reading, Retrieval, Sharing, Step
from .settings import FetcherSettings
from .store import DataStore, Key
from .url import Target

try:
    import requests
    from requests.adapters import HTTPAdapter
except ImportError as error:
    if error.name != "requests":
        raise
    raise ImportError(
        "nlgov_jades.fetch.requests needs an extra: pip install 'nlgov-jades[requests]'", name="requests"
    ) from None

__all__ = ["RequestsFetcher"]

BACKGROUND = 3
"""How many times the limit of a fetch a refresh in the background has. A refresh takes half of that for the exchange, which has
its own limit; the rest is for a shared store."""


class RequestsFetcher(FetcherSettings[threading.Event, Lookup]):
    """A Fetcher for threads. Safe to share between them; meant to live as long as the process, and to be forked with it.

    Data that are due are fetched anew, and indexed, by threads of its own: daemons, two at most, which end when there is
    nothing to do.

    Arguments as for FetcherSettings.
    """

    _new_event = threading.Event

    def __init__(
        self,
        *,
        limits: FetchLimits | None = None,
        store: DataStore | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock = utc_now,
        lookup: Lookup | None = None,
    ) -> None:
        super().__init__(limits=limits, store=store, tls=tls, clock=clock, lookup=lookup)
        self._workers = Workers()

    @property
    def _system_lookup(self) -> Lookup:
        return system_lookup

    def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:
        """The data, from the store or the network; as `Fetcher.fetch`.

        Args:
            request: What is wanted.
            timeout: Seconds that are left for this verification, look-up of names included.

        Raises:
            FetchError: They cannot be had.
        """
        later = partial(self._refresh_later, request)
        return self._drive(Retrieval(self._desk, self._flights, request, timeout, later=later))

    def _refresh_later(self, request: FetchRequest, key: Key) -> None:
        self._workers.offer(key, partial(self._refresh, request, key))

    def _refresh(self, request: FetchRequest, key: Key) -> None:
        # It looks anew at what is held, and joins a flight like everybody: much may have happened since it was offered.
        try:
            self._drive(Retrieval(self._desk, self._flights, request, BACKGROUND * self.limits.seconds))
        except FetchError:
            pass  # what was held became unusable meanwhile; whoever needs it hears why
        except BaseException as error:
            # A store or a clock that is broken: each caller would start this again.
            self._desk.unreachable(key, failure_of(error, late=False))
            raise

    def _drive(self, retrieval: Retrieval[threading.Event]) -> RevocationData:
        with closing(retrieval.steps()) as steps:
            for step in steps:
                with step.outcome():
                    self._perform(step)
        return retrieval.data

    def _perform(self, step: Step) -> None:
        if isinstance(step, Exchange):
            self._exchange(step)
        elif isinstance(step, Reading):
            step.parse()
        elif isinstance(step, Sharing):
            step.call()
        elif isinstance(step, Landing):
            step.flight.landed.wait(min(step.deadline.left(), threading.TIMEOUT_MAX))
            step.deadline.left()

    def _exchange(self, step: Exchange) -> None:
        proxy = self.limits.proxy_for(step.target)
        addresses = self._addresses(step.target, step.deadline) if proxy is None else ()
        with _Watchdog(step.deadline) as watchdog:

            def dial(host: str, port: int) -> socket.socket:
                # A proxy was named by the operator: its own address is not checked.
                found = addresses or tuple(look_up(self._lookup, host, port, step.deadline))
                return _connect(found, port, step.deadline, watchdog)

            with closing(_Adapter(dial, self._tls or default_tls)) as adapter:
                self._send(adapter, step, proxy)

    def _addresses(self, target: Target, deadline: Deadline) -> tuple[str, ...]:
        if target.literal is not None:
            return (target.literal,)  # checked with the URL
        return check_addresses(look_up(self._lookup, target.host, target.port, deadline), self.limits.addresses)

    @staticmethod
    def _send(adapter: _Adapter, step: Exchange, proxy: str | None) -> None:
        prepared = requests.Request(
            request_method(step.request),
            step.target.url,
            headers=request_fields(step.request, step.target),
            data=step.request.body(),
        ).prepare()
        proxies = {} if proxy is None else {step.target.scheme: proxy}
        with adapter.send(prepared, stream=True, timeout=step.deadline.left(), proxies=proxies) as response:
            body = AnswerBody.expected(step.request, response.status_code, response.headers)
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                body.add(chunk)
        # A connection that the watchdog ended looks like an answer that is complete.
        step.deadline.left()
        step.octets, step.max_age = body.complete(), body.max_age


class _Watchdog:
    """Ends every connection at the deadline, whatever its other side is doing: a time-out of a socket starts anew with
    each octet.

    It holds a duplicate of each socket. The original disappears into a TLS socket that exists only after the handshake.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(deadline.left(), self._bark)
        self._timer.name = "nlgov-jades-watchdog"
        self._timer.daemon = True
        self._barked = False

    def watch(self, connection: socket.socket) -> None:
        """End this one too.

        Raises:
            FetchError: The deadline has passed.
        """
        with self._lock:
            if self._barked:
                raise FetchError("no answer in time")
            self._sockets.append(connection.dup())

    def _bark(self) -> None:
        with self._lock:
            self._barked = True
            for connection in self._sockets:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it ended by itself

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._timer.join()
        for connection in self._sockets:
            connection.close()


def _connect(addresses: tuple[str, ...], port: int, deadline: Deadline, watchdog: _Watchdog) -> socket.socket:
    """A connection to the first of these addresses that takes it."""
    failure = FetchError("its host has no address")
    for position, address in enumerate(addresses):
        # One that does not answer leaves time for the others.
        seconds = deadline.left() / (len(addresses) - position)
        try:
            connection = socket.create_connection((address, port), seconds)
        except OSError as error:
            failure = failure_of(error, late=False)
            continue
        try:
            watchdog.watch(connection)
            connection.settimeout(deadline.left())
        except BaseException:
            connection.close()
            raise
        return connection
    raise failure


class _Adapter(HTTPAdapter):
    """A transport adapter that connects where it is told, and otherwise acts on the URL: its Host, SNI and certificate."""

    def __init__(
        self, dial: Callable[[str, int], socket.socket], tls: ssl.SSLContext | Callable[[], ssl.SSLContext]
    ) -> None:
        self._dial = dial
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Which connection fits a request: with our own TLS settings only."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] != "https":
            return host, {}
        return host, {"ssl_context": self._tls if isinstance(self._tls, ssl.SSLContext) else self._tls()}

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """A pool whose connections come from `dial`."""
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        dial = self._dial
        # urllib3 offers `_new_conn` to those who bring their own sockets: its SOCKS support does the same.
        made = {"_new_conn": lambda connection: dial(connection.host, connection.port)}
        pool.ConnectionCls = type("Dialled", (pool.ConnectionCls,), made)
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: the TLS settings of the pool are complete, and this would add the CAs of `certifi` to them."""
