"""One question and its answer: sent, told apart, tried again where that is worth it. What a page holds is judged elsewhere.

What comes back is a verified answer with status 200, in a temporary file, or an error that says who made it.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import json
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import IO, Any

import anyio
import httpx
from anyio.to_thread import run_sync

from ..edges.body import BodySettings
from ..edges.client_async import Ending
from ..edges.outcome import UNVERIFIED_KEY
from ..edges.rules import AnswerRules, UnsignedErrors
from ..encoding import json_object
from ..errors import ConfigurationError, MalformedSignatureError
from ..httpx import AsyncJadesTransport, verified
from ..result import VerifiedMessage
from .consumer import AnswerError, AnswerFault, Consumer, GatewayError, NoAnswerError, ProblemAnswerError, Provider
from .fsc_errors import MAX_BODY, FscError
from .question import END, ORGANISATION, PAGE, PAGE_SIZE, START, Question

__all__ = ["Answer", "Asking", "asking", "body_of"]

MAX_PROBLEM = 64 * 1024
"""Octets of a problem document: a few sentences."""

_OK = 200
_ERRORS = range(400, 600)
_BUSY = frozenset({429, 503})
"""What a provider answers that can answer later: too many questions, or something it needs is not there now."""

_UNREACHABLE = "ERROR_CODE_SERVICE_UNREACHABLE"
_CODE = re.compile(r"[A-Z][A-Z_]{1,63}")
_ID = re.compile(r"[0-9A-Za-z.-]{8,100}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_FIELDS = frozenset({START, END, ORGANISATION, PAGE, PAGE_SIZE, "Fsc-Transaction-Id", "Fsc-Authorization"})

_RULES = AnswerRules(unsigned_errors=UnsignedErrors.GATEWAY_ONLY)
_BEGUN = "nlgov_jades.ddas.begun"


def body_of(question: Question) -> bytes:
    """A question as JSON."""
    members: dict[str, Any] = {
        START: None if question.start is None else question.start.isoformat(),
        END: None if question.end is None else question.end.isoformat(),
        ORGANISATION: question.organisation,
        PAGE: question.page,
        PAGE_SIZE: question.page_size,
    }
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with status 200, verified.

    Attributes:
        verified: The proof.
        file: Its octets, from the first; whoever got it closes it.
        length: How many there are.
    """

    verified: VerifiedMessage
    file: IO[bytes]
    length: int


class _Begun:
    """Of one attempt: whether an answer began, and with which certificate its connection was made."""

    def __init__(self) -> None:
        self.answer = False
        self.certificate: str | None = None


class _Watch(httpx.AsyncBaseTransport):
    """Around what sends: sees the connection while it is open."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        begun = request.extensions.get(_BEGUN)
        if isinstance(begun, _Begun):
            begun.answer = True
            begun.certificate = _server_certificate(response)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _server_certificate(response: httpx.Response) -> str | None:
    """SHA-256 of the certificate at the other end of the connection; `None` without TLS, or where the transport does not tell."""
    stream = response.extensions.get("network_stream")
    tls = None if stream is None else stream.get_extra_info("ssl_object")
    der = None if tls is None else tls.getpeercert(binary_form=True)
    return hashlib.sha256(der).hexdigest() if der else None


@asynccontextmanager
async def asking(provider: Provider, consumer: Consumer) -> AsyncIterator[Asking]:
    """A connection to one provider.

    Raises:
        ConfigurationError: A setting has another form.
    """
    transport = AsyncJadesTransport(
        _Watch(consumer.transport(provider)),
        signer=consumer.signer,
        verifier=consumer.verifier(provider),
        hosts={provider.host},
        rules=_RULES,
        body=consumer.body,
    )
    # The time of an answer is limited as a whole, which a silent and a dripping provider cannot get round.
    async with httpx.AsyncClient(transport=transport, timeout=None, follow_redirects=False) as client:  # noqa: S113 - see above
        yield Asking(client, provider, consumer)


class Asking:
    """Asks one provider. One task at a time.

    Args:
        client: Signs and verifies.
        provider: Whom.
        consumer: How.
    """

    def __init__(self, client: httpx.AsyncClient, provider: Provider, consumer: Consumer) -> None:
        self._client, self._provider, self._consumer = client, provider, consumer
        self.attempts = 0
        """How often anything was asked."""

    async def ask(self, question: Question) -> Answer:
        """The verified answer; each attempt is signed anew.

        Raises:
            VerificationError: An answer is refused. That is never tried again.
            GatewayError: An FSC gateway answered.
            ProblemAnswerError: The provider answered with a problem.
            AnswerError: It answered with another status, or signed with the certificate of the connection.
            NoAnswerError: There was no answer in time.
            SigningError: No signature could be made.
            OSError: The answer could not be kept in its file.
            httpx.TransportError: The connection failed.
        """
        for attempt in range(1, self._consumer.retries.attempts + 1):
            begun = _Begun()
            try:
                return await self._attempt(question, begun)
            except (GatewayError, ProblemAnswerError, httpx.TransportError) as error:
                if not _worth_it(error, begun):
                    raise
                waiting = self._consumer.waiting
                asked = error.retry_after if isinstance(error, ProblemAnswerError) else None
                seconds = self._consumer.retries.wait(attempt, asked, waiting.chance())
                if seconds is None:
                    raise
            await waiting.sleep(seconds)
        raise ConfigurationError("there was no attempt")  # pragma: no cover - the last one raises above

    async def _attempt(self, question: Question, begun: _Begun) -> Answer:
        self.attempts += 1
        seconds = self._consumer.seconds
        try:
            with anyio.fail_after(seconds):
                return await self._exchange(question, begun)
        except TimeoutError:
            raise NoAnswerError(f"there was no whole answer in {seconds:.0f} seconds") from None

    async def _exchange(self, question: Question, begun: _Begun) -> Answer:
        request = self._client.build_request(
            "POST",
            self._provider.url,
            content=body_of(question),
            headers={**self._provider.fields, "Content-Type": "application/json"},
            extensions={_BEGUN: begun},
        )
        response = await self._client.send(request, stream=True)
        try:
            if UNVERIFIED_KEY in response.extensions:
                # The rules let nothing else pass than an error of a gateway.
                header, body = response.headers.get("Fsc-Error-Code", ""), await _short(response, MAX_BODY)
                raise GatewayError(FscError.read(header=header, status=response.status_code, body=body))
            proof = verified(response)
            if begun.certificate == proof.signer.sha256:
                raise AnswerError(AnswerFault.SIGNER, "the answer is signed with the certificate of the connection")
            if response.status_code in _ERRORS:
                raise self._problem(response, await _short(response, MAX_PROBLEM))
            if response.status_code != _OK:
                raise AnswerError(AnswerFault.STATUS, f"the answer has status {response.status_code}")
            file = _new_file(self._consumer.body)
            try:
                return Answer(proof, file, await _copy(response, file))
            except BaseException:
                file.close()
                raise
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()

    def _problem(self, response: httpx.Response, body: bytes) -> ProblemAnswerError:
        members: dict[str, Any] = {}
        # One that cannot be read is a problem all the same. No signature covers the status, which never makes a page of it.
        with contextlib.suppress(MalformedSignatureError):
            members = json_object(body, "a problem document")
        code, veld, identifier = members.get("code"), members.get("veld"), members.get("correlation_id")
        return ProblemAnswerError(
            response.status_code,
            code=code if isinstance(code, str) and _CODE.fullmatch(code) else None,
            veld=veld if isinstance(veld, str) and veld in _FIELDS else None,
            correlation_id=identifier if isinstance(identifier, str) and _ID.fullmatch(identifier) else None,
            retry_after=self._retry_after(response.headers.get("Retry-After", "")),
        )

    def _retry_after(self, value: str) -> float | None:
        """RFC 9110 §10.2.3: seconds, or a date. No signature covers it, so it is a wish at most."""
        if _SECONDS.fullmatch(value):
            return float(value)
        try:
            date = email.utils.parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
        date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        return max(0.0, (date - self._consumer.clock()).total_seconds())


def _worth_it(error: GatewayError | ProblemAnswerError | httpx.TransportError, begun: _Begun) -> bool:
    if isinstance(error, GatewayError):
        return error.error.code == _UNREACHABLE
    if isinstance(error, ProblemAnswerError):
        return error.status in _BUSY
    return not begun.answer and not isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError)


def _new_file(settings: BodySettings) -> IO[bytes]:
    """As the file of a Spool: in memory while it is short, without a name, and for this process only."""
    folder = None if settings.folder is None else os.fspath(settings.folder)
    return tempfile.SpooledTemporaryFile(max_size=settings.memory, dir=folder)


async def _short(response: httpx.Response, limit: int) -> bytes:
    """The beginning of a body; one octet more than the limit when it is longer."""
    octets = bytearray()
    async with contextlib.aclosing(_pieces(response)) as pieces:
        async for piece in pieces:
            octets += piece[: limit + 1 - len(octets)]
            if len(octets) > limit:
                break
    return bytes(octets)


def _pieces(response: httpx.Response) -> Ending:
    """Its body, which may be left half-way: the generators of httpx would be found by the event loop as garbage."""
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise ConfigurationError("an AsyncClient has answers that are read asynchronously")
    return Ending(response.stream)


async def _copy(response: httpx.Response, file: IO[bytes]) -> int:
    length = 0
    async for piece in response.aiter_raw():
        length += len(piece)
        await run_sync(file.write, piece)
    await run_sync(file.seek, 0)
    return length
