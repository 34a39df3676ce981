"""One face for every client: httpx, httpx2 and requests, in threads, on asyncio and on trio."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import httpx2
import requests
from anyio.from_thread import BlockingPortal, start_blocking_portal
from requests.adapters import HTTPAdapter

import nlgov_jades.httpx
import nlgov_jades.httpx2
import nlgov_jades.requests
from nlgov_jades import AsyncVerifier, Verifier
from nlgov_jades.edges import UNVERIFIED_KEY, Unverified
from nlgov_jades.result import VerifiedMessage

KINDS = ("httpx", "httpx2", "requests", "httpx-asyncio", "httpx-trio", "httpx2-asyncio", "httpx2-trio")
PATIENCE = 20.0
"""Seconds after which a test fails that waits for something else."""

LIBRARIES: Mapping[str, Any] = {"httpx": httpx, "httpx2": httpx2}
EDGES: Mapping[str, Any] = {"httpx": nlgov_jades.httpx, "httpx2": nlgov_jades.httpx2}


@dataclass(frozen=True)
class Got:
    """An answer as the application has it."""

    status: int
    content: bytes
    outcome: Mapping[str, Any]
    response: Any
    verified: Callable[[], VerifiedMessage]

    @property
    def unverified(self) -> Unverified:
        found: Unverified = self.outcome[UNVERIFIED_KEY]
        return found


async def _later(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class Consumer:
    """A client that is open until the `with` block ends."""

    def __init__(
        self,
        kind: str,
        *,
        signer: Any,
        verifier: Verifier,
        hosts: Collection[str] | Any,
        inner: Any = None,
        inner_options: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.kind = kind
        name, _, backend = kind.partition("-")
        self.library, self.backend = name, backend
        self._stack = contextlib.ExitStack()
        self._portal: BlockingPortal | None = None
        options = dict(inner_options or {})
        if name == "requests":
            self.inner: Any = inner or HTTPAdapter(**options)
            self.edge: Any = nlgov_jades.requests.JadesAdapter(
                self.inner, signer=signer, verifier=verifier, hosts=hosts, **settings
            )
            self.client: Any = requests.Session()
            self.client.mount("https://", self.edge)
            self.client.mount("http://", self.edge)
            self.client.trust_env = False
            return
        lib, edges = LIBRARIES[name], EDGES[name]
        if not backend:
            self.inner = inner or lib.HTTPTransport(**options)
            self.edge = edges.JadesTransport(self.inner, signer=signer, verifier=verifier, hosts=hosts, **settings)
            self.client = lib.Client(transport=self.edge)
            return
        self._portal = self._stack.enter_context(start_blocking_portal(backend))
        waiting = AsyncVerifier(trust=verifier.trust, policy=verifier.policy, clock=verifier._clock)
        self.inner = inner or lib.AsyncHTTPTransport(**options)
        self.edge = edges.AsyncJadesTransport(self.inner, signer=signer, verifier=waiting, hosts=hosts, **settings)
        self.client = lib.AsyncClient(transport=self.edge)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if self._portal is not None:
                self._portal.call(self.client.aclose)
            else:
                self.client.close()

    def run(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        assert self._portal is not None
        return self._portal.call(function, *arguments)

    def ask(
        self,
        method: str,
        url: str,
        *,
        content: bytes | Iterable[bytes] | None = None,
        headers: Any = None,
        follow: bool = False,
        timeout: float = PATIENCE,
        **options: Any,
    ) -> Got:
        """Send a request and read the whole answer."""
        if self.library == "requests":
            response = self.client.request(
                method, url, data=content, headers=headers, allow_redirects=follow, timeout=timeout, **options
            )
            return self._got_requests(response)
        if self._portal is None:
            response = self.client.request(
                method, url, content=content, headers=headers, follow_redirects=follow, timeout=timeout, **options
            )
            return self._got(response)
        given = content if content is None or isinstance(content, bytes) else _later(content)

        async def ask() -> Any:
            return await self.client.request(
                method, url, content=given, headers=headers, follow_redirects=follow, timeout=timeout, **options
            )

        return self._got(self.run(ask))

    def _got(self, response: Any) -> Got:
        edge = EDGES[self.library]
        return Got(
            response.status_code, response.content, response.extensions, response, lambda: edge.verified(response)
        )

    @staticmethod
    def _got_requests(response: requests.Response) -> Got:
        outcome = vars(response).get("nlgov_jades", {})
        return Got(
            response.status_code,
            response.content,
            outcome,
            response,
            lambda: nlgov_jades.requests.verified(response),
        )

    @property
    def busy(self) -> int:
        """Connections of the pool that are neither idle nor gone."""
        if self.library == "requests":
            manager = self.inner.poolmanager
            pools = [manager.pools[key] for key in manager.pools.keys()]  # noqa: SIM118 - no iteration over it
            return sum(pool.pool.maxsize - pool.pool.qsize() for pool in pools)
        pool = self.inner._pool
        return sum(1 for connection in pool.connections if not connection.is_idle()) + len(pool._requests)

    @property
    def errors(self) -> dict[str, type[Exception]]:
        """What this library raises: for an answer that ends early, for one that is late, and everything of its own."""
        if self.library == "requests":
            found = requests.exceptions
            return {
                "cut": found.ChunkedEncodingError,
                "late": found.ReadTimeout,
                "late body": found.ConnectionError,
                "own": found.RequestException,
                "consumed": found.UnrewindableBodyError,
            }
        lib = LIBRARIES[self.library]
        return {
            "cut": lib.RemoteProtocolError,
            "late": lib.ReadTimeout,
            "late body": lib.ReadTimeout,
            "own": lib.HTTPError,
            "consumed": lib.StreamConsumed,
        }
