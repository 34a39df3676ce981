"""A responder for OCSP and CRLs on the loopback interface, for tests: it says what it is told to say.

It answers POST and GET on `/ocsp` (RFC 6960 appendix A) and GET on `/crl/…crl`. It does not know what was issued: whatever
is not revoked is good.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import threading
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final, Self

from cryptography import x509

from ..clock import Clock, utc_now
from ..errors import ConfigurationError
from .answers import Answers, Reply, covers
from .behaviour import Behaviour, OcspSigner
from .hierarchy import Authority, Hierarchy
from .register import Register
from .revocation import Revocable, Revocation, serial_number_of
from .server import Exchange, ReceivedRequest, Server, Transport

__all__ = ["Behaviour", "OcspSigner", "ReceivedRequest", "Responder"]

FOUR_HOURS: Final = dt.timedelta(hours=4)
"""How often PKIoverheid publishes (Digikoppeling PKI003)."""

MAX_REQUESTS: Final = 100_000
"""Requests that are remembered; a responder that runs for weeks forgets the oldest."""


class Responder:
    """Answers for a hierarchy over HTTP, on 127.0.0.1 only.

        with Responder() as responder:
            hierarchy = Hierarchy.new(revocation_url=responder.url)
            responder.add(hierarchy)
            responder.revoke(signer)
            responder.behave(Behaviour.SILENT, "/ocsp")

    Args:
        authorities: Whom to answer for; more with `add`.
        behaviour: How to answer until told otherwise.
        port: Port; a free one when 0.
        clock: Gives thisUpdate, and the time of a revocation.
        validity: From thisUpdate to nextUpdate.
        delay: How long `SLOW` waits.
        drip_interval: How long `DRIPPING` waits after each octet.
        huge: Octets that `HUGE` sends.
        ocsp_signer: Who signs OCSP responses.
        register: What is revoked; a new one in memory when not given.
        on_request: Called with each request, in the thread that answers it.
    """

    def __init__(
        self,
        authorities: Hierarchy | Iterable[Authority] = (),
        *,
        behaviour: Behaviour = Behaviour.NORMAL,
        port: int = 0,
        clock: Clock = utc_now,
        validity: dt.timedelta = FOUR_HOURS,
        delay: dt.timedelta = dt.timedelta(seconds=2),
        drip_interval: dt.timedelta = dt.timedelta(milliseconds=100),
        huge: int = 64 * 1024 * 1024,
        ocsp_signer: OcspSigner = OcspSigner.AUTHORITY,
        register: Register | None = None,
        on_request: Callable[[ReceivedRequest], None] | None = None,
    ) -> None:
        self._clock = clock
        self._register = register or Register()
        self._answers = Answers(clock=clock, validity=validity, register=self._register, ocsp_signer=ocsp_signer)
        self._transport = Transport(delay=delay.total_seconds(), drip=drip_interval.total_seconds(), huge=huge)
        self._port = port
        self._first_behaviour = behaviour
        self._behaviours: dict[str, Behaviour] = {"/": behaviour}
        self._received: deque[ReceivedRequest] = deque(maxlen=MAX_REQUESTS)
        self._arrival = threading.Condition()
        self._on_request = on_request
        self._server: Server | None = None
        self.add(authorities)

    def start(self) -> Self:
        """Listen. Also done by `with`.

        Raises:
            ConfigurationError: It runs already.
            OSError: The port cannot be used.
        """
        if self._server is not None:
            raise ConfigurationError("the responder runs already")
        self._server = Server(self._port, self._reply, self._transport)
        return self

    def close(self) -> None:
        """Stop listening, hang up on everyone, and wait until no thread is left. Once more does nothing."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def __enter__(self) -> Self:
        return self if self._server is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end: a `revocation_url`.

        Raises:
            ConfigurationError: It does not run.
        """
        if self._server is None:
            raise ConfigurationError("the responder does not run: use it in `with`, or call `start`")
        return f"http://127.0.0.1:{self._server.port}"

    def add(self, authorities: Hierarchy | Iterable[Authority]) -> None:
        """Answer for these too.

        Raises:
            ConfigurationError: Two different ones would have their CRL at one path.
        """
        self._answers.add(authorities.authorities if isinstance(authorities, Hierarchy) else authorities)

    def revoke(
        self, certificate: Revocable, reason: x509.ReasonFlags | None = None, at: dt.datetime | None = None
    ) -> None:
        """Say from now on that the certificate is revoked.

        Args:
            certificate: The certificate, or its serial number.
            reason: Why; `certificate_hold` is one that `reinstate` may lift.
            at: When, UTC; now when not given. A time to come revokes it then.
        """
        self._register.revoke(Revocation.of(certificate, at or self._clock(), reason))

    def reinstate(self, certificate: Revocable) -> None:
        """Say from now on that the certificate is good.

        Args:
            certificate: The certificate, or its serial number.
        """
        self._register.reinstate(serial_number_of(certificate))

    def behave(self, behaviour: Behaviour, path: str | None = None) -> None:
        """Answer in another way from the next request on.

        Args:
            behaviour: How.
            path: Only for this path and what is below it, such as `/ocsp` or `/crl/tsp.crl`; the longest path that was
                told counts. `None`: for every path, and what was told for single ones is forgotten.
        """
        with self._arrival:
            if path is None:
                self._behaviours = {"/": behaviour}
            else:
                self._behaviours[path] = behaviour

    def reset(self) -> None:
        """Forget what was revoked, told and asked: as it was when it was made."""
        self._register.clear()
        self.behave(self._first_behaviour)
        with self._arrival:
            self._received.clear()

    def crls(self) -> tuple[bytes, ...]:
        """A fresh CRL of every authority as DER, for `Verifier.verify(…, crls=…)`: without a connection."""
        return tuple(self._answers.crl(authority) for authority in self._answers.authorities)

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """What was asked so far, oldest first; each before it was answered."""
        with self._arrival:
            return tuple(self._received)

    def count(self, path: str | None = None) -> int:
        """How many requests there were for a path and what is below it; for all paths when not given."""
        return sum(path is None or covers(path, request.path) for request in self.requests)

    def wait_for(self, number: int, path: str | None = None, *, timeout: float = 5) -> None:
        """Return as soon as there were this many requests: for a test of a client that gives up early.

        Args:
            number: At least so many.
            path: As for `count`.
            timeout: Seconds to wait.

        Raises:
            TimeoutError: There were fewer.
        """
        with self._arrival:
            if not self._arrival.wait_for(lambda: self.count(path) >= number, timeout):
                raise TimeoutError(f"{self.count(path)} of {number} requests in {timeout} s")

    def _reply(self, request: ReceivedRequest, content_type: str, body: bytes) -> Exchange:
        with self._arrival:
            self._received.append(request)
            self._arrival.notify_all()
            told = [path for path in self._behaviours if covers(path, request.path)]
            behaviour = self._behaviours[max(told, key=len)]
        if self._on_request is not None:
            self._on_request(request)
        reply = self._answers.answer(request.method, request.path, content_type, body, behaviour)
        return Exchange(self._dated(reply), behaviour)

    def _dated(self, reply: Reply) -> Reply:
        date = email.utils.format_datetime(self._clock().astimezone(dt.UTC), usegmt=True)
        return Reply(
            status=reply.status,
            body=reply.body,
            content_type=reply.content_type,
            fields=(*reply.fields, ("Date", date)),
        )
