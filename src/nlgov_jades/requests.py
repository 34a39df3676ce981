"""Signed requests and verified answers with `requests`. Needs the extra `requests`.

Only what is of `requests` and its `urllib3` lives here. How a message is signed and verified is written in `edges/client.py`.
"""

from __future__ import annotations

import inspect
import io
import re
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import IO, Any
from urllib.parse import quote, urlsplit

from .edges.body import PIECE, BodySettings, Spool
from .edges.client import DEFAULT_BODY, DEFAULT_RULES, Blocking, ClientSettings, Proven, exchange, octets_of, run
from .edges.client_hosts import ANY_HOST, AnyHost, Origin
from .edges.outcome import UNVERIFIED_KEY, VERIFIED_KEY, Unverified, verified_message
from .edges.parties import MessageSigner
from .edges.rules import AnswerRules, OtherHosts
from .encoding import ascii_lower
from .errors import ConfigurationError
from .message import Fields, HttpRequest, HttpResponse
from .replay import ReplayGuard
from .result import VerifiedMessage
from .verify import Verifier

try:
    import requests
    from requests.adapters import BaseAdapter, HTTPAdapter
    from requests.structures import CaseInsensitiveDict
    from urllib3 import HTTPResponse as RawResponse
    from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError, SSLError
except ImportError as error:
    if error.name not in {"requests", "urllib3"}:
        raise
    raise ImportError(
        "nlgov_jades.requests needs an extra: pip install 'nlgov-jades[requests]'", name=error.name
    ) from None

__all__ = ["ANY_HOST", "OUTCOME", "JadesAdapter", "verified"]

OUTCOME = "nlgov_jades"
"""Attribute of a response: a mapping with its proof or its Unverified, under the keys of `nlgov_jades.edges`."""

_READ = 64 * 1024
"""Octets that are read at once."""

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_PATH = "!$&'()*+,;=:@/"
_QUERY = _PATH + "?"
"""What urllib3 leaves in a path and in a query as it is, besides letters, digits and `-._~`."""


def verified(response: requests.Response) -> VerifiedMessage:
    """The proof that an answer was verified.

    Args:
        response: From a session with a JadesAdapter.

    Raises:
        ConfigurationError: There is none: it passed as unverified, or another adapter brought it. A redirect can lead to
            another adapter.
    """
    return verified_message(getattr(response, OUTCOME, {}))


class JadesAdapter(BaseAdapter):
    """Signs every request to the named hosts, and hands out only answers that were verified. Safe to share between threads.

    It sees each message as it is on the wire, each redirect's too, and signs anew whatever the session sends again. A request
    is read to its end before it is sent, and an answer before the application gets any of it, with `stream=True` too; what is
    long waits in a temporary file. `Accept-Encoding` becomes `identity`, and `Host` is set, so that it can be signed.

    A session finds an adapter by the beginning of the URL. Mount this one at `https://`: mounted at one host, a redirect to
    another is followed elsewhere, unsigned and unverified, and `https://api.example.nl` is also how `https://api.example.nl.test`
    begins, which `hosts` refuses.

    The response has the proof in its attribute `nlgov_jades`, which `verified(response)` reads; it is not pickled. What the rules
    let through has an `Unverified` there instead.

    Args:
        inner: Sends, with the `timeout`, `verify`, `cert` and `proxies` of each call; a new HTTPAdapter when `None`. What
            urllib3 itself repeats (`max_retries`) carries the same signature, which a replay guard takes for a replay: repeat
            the call instead.
        signer: A Signer or RotatingSigner; `None` lets requests leave unsigned.
        verifier: For the answers.
        hosts: Each host as in the URL, with its port when that is not 443: `{"api.example.nl", "api.example.nl:8443"}`. A
            name with other letters than ASCII as `xn--...`. A host is reached over https; `"http://127.0.0.1:8080"` allows one
            without TLS. ANY_HOST is every host over https.
        other_hosts: What becomes of requests elsewhere.
        rules: Which answers are verified.
        replay_guard: Refuses an answer that was accepted before; needs a policy with `max_age`.
        body: How long bodies may be, of requests that are signed and of answers, and where they wait.

    Raises:
        ConfigurationError: An argument has another form.
    """

    def __init__(
        self,
        inner: HTTPAdapter | None = None,
        *,
        signer: MessageSigner | None,
        verifier: Verifier,
        hosts: Collection[str] | AnyHost,
        other_hosts: OtherHosts = OtherHosts.REFUSE,
        rules: AnswerRules = DEFAULT_RULES,
        replay_guard: ReplayGuard | None = None,
        body: BodySettings = DEFAULT_BODY,
    ) -> None:
        super().__init__()
        if inner is not None and not isinstance(inner, HTTPAdapter):
            raise ConfigurationError("the first argument is the HTTPAdapter to send with")
        self._settings = ClientSettings.checked(
            Verifier,
            signer=signer,
            verifier=verifier,
            hosts=hosts,
            other_hosts=other_hosts,
            rules=rules,
            replay_guard=replay_guard,
            body=body,
        )
        self._work = Blocking(signer, verifier, replay_guard)
        self._inner = HTTPAdapter() if inner is None else inner

    def send(  # noqa: PLR0917 - so is BaseAdapter.send
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - so is BaseAdapter.send
        timeout: Any = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002 - so is BaseAdapter.send
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request of the session; as `HTTPAdapter.send`.

        Raises:
            MessageNotSignableError: It goes to a host that was not named, or cannot be signed as it is. It was not sent.
            SigningError: No signature could be made. It was not sent.
            VerificationError: The answer is refused.
            OSError: A body could not be kept in a file.
            requests.RequestException: As from the inner adapter, or while the body of the answer was read.
        """

        def send(prepared: requests.PreparedRequest) -> requests.Response:
            return self._inner.send(prepared, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies)

        courier = _Courier(request, send, self._inner.request_url(request, {}))
        outcome = run(exchange(self._settings, self._work, courier))
        response = courier.outcome(outcome)
        # For whoever sends it again, as HTTPDigestAuth does: unsigned yet, and through this adapter.
        response.request = request
        response.connection = self  # type: ignore[assignment]  # any adapter will do
        return response

    def close(self) -> None:
        """Close the inner adapter."""
        self._inner.close()


class _Courier:
    """One request and its answer."""

    def __init__(
        self,
        asked: requests.PreparedRequest,
        send: Callable[[requests.PreparedRequest], requests.Response],
        target: str,
    ) -> None:
        self._asked, self._send, self._target = asked, send, target
        self._response: requests.Response | None = None

    @property
    def _brought(self) -> requests.Response:
        if self._response is None:
            raise ConfigurationError("there is no answer yet")
        return self._response

    @property
    def origin(self) -> Origin:
        """As Courier. The parts of the URL as the inner adapter finds them."""
        try:
            parts = urlsplit(self._asked.url or "")
            return Origin.of(parts.scheme, parts.hostname or "", parts.port)
        except ValueError:
            raise requests.exceptions.InvalidURL(request=self._asked) from None

    @property
    def request(self) -> HttpRequest:
        """As Courier."""
        fields = Fields(self._asked.headers.items())
        if "host" not in fields:
            fields = Fields([("Host", _authority(self._asked.url or "")), *fields])
        if "content-length" in fields:
            # Of a stream with a length, `requests` says that it comes in chunks, and sends it without.
            fields = Fields(line for line in fields if ascii_lower(line[0]) != "transfer-encoding")
        return HttpRequest(method=self._asked.method or "", target=_sent_as(self._target), fields=fields)

    @property
    def content(self) -> bytes | Iterable[Any]:
        """As Courier."""
        body: Any = self._asked.body
        if body is None:
            return b""
        if isinstance(body, bytes | str | bytearray | memoryview):
            return octets_of(body)
        if inspect.isgenerator(body) and inspect.getgeneratorstate(body) == inspect.GEN_CLOSED:
            # It would be sent as an empty body, signed.
            raise requests.exceptions.UnrewindableBodyError(
                "the body was sent already, and a generator gives it only once", request=self._asked
            )
        read = getattr(body, "read", None)
        return body if read is None else iter(lambda: read(_READ) or b"", b"")

    async def forward(self) -> None:
        """As Courier."""
        self._response = self._send(self._asked)

    async def send(self, request: HttpRequest, spool: Spool | None) -> HttpResponse:
        """As Courier."""
        prepared: Any = self._asked.copy()  # its body may be more than its types say
        prepared.headers = CaseInsensitiveDict(request.fields)
        if spool is not None and prepared.body is not None:
            prepared.body = request.body if isinstance(request.body, bytes) else _reader(spool)
        self._response = self._send(prepared)
        return HttpResponse(
            status=self._response.status_code, fields=self._response.raw.headers.iteritems(), request=request
        )

    @property
    def answer(self) -> Iterator[bytes]:
        """As Courier, with the errors that `requests` itself makes of those of `urllib3`."""
        try:
            yield from self._brought.raw.stream(_READ, decode_content=False)
        except ProtocolError as error:
            raise requests.exceptions.ChunkedEncodingError(error, request=self._asked) from error
        except ReadTimeoutError as error:
            raise requests.exceptions.ConnectionError(error, request=self._asked) from error
        except SSLError as error:
            raise requests.exceptions.SSLError(error, request=self._asked) from error
        except HTTPError as error:
            raise requests.exceptions.RequestException(error, request=self._asked) from error

    async def finish(self) -> None:
        """As Courier."""
        self._brought.raw.release_conn()

    async def abandon(self) -> None:
        """As Courier."""
        if self._response is not None:
            self._response.close()

    def outcome(self, outcome: Proven | Unverified) -> requests.Response:
        """The answer for the session, with the proof or with why there is none."""
        response = self._brought
        if isinstance(outcome, Unverified):
            setattr(response, OUTCOME, {UNVERIFIED_KEY: outcome})
            return response
        spool = outcome.spool
        octets: IO[bytes] = io.BytesIO(outcome.verified.body) if spool is None else _reader(spool)
        response.raw = _verified_raw(response.raw, octets, self._asked)
        setattr(response, OUTCOME, {VERIFIED_KEY: outcome.verified})
        return response


def _sent_as(target: str) -> str:
    """What urllib3 sends: it rewrites what `requests` does not, of a redirect for example."""
    path, mark, query = target.partition("?")
    return _escaped(path, _PATH) + mark + _escaped(query, _QUERY)


def _escaped(text: str, allowed: str) -> str:
    text, escapes = _ESCAPE.subn(lambda escape: escape[0].upper(), text)
    return quote(text, safe=f"{allowed}%" if escapes == text.count("%") else allowed, errors="surrogatepass")


def _authority(url: str) -> str:
    """What `http.client` would put into Host."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return host.removesuffix(default) if default else host


def _verified_raw(raw: Any, octets: IO[bytes], request: requests.PreparedRequest) -> RawResponse:
    """What the session and the response read from, over verified octets: fields, cookies and decoding as before."""
    made = RawResponse(
        body=octets,
        headers=raw.headers,
        status=raw.status,
        version=raw.version,
        reason=raw.reason,
        preload_content=False,
        decode_content=False,
        # Where a session finds cookies.
        original_response=getattr(raw, "_original_response", None),
        retries=raw.retries,
        request_method=request.method,
        request_url=request.path_url,
    )
    if hasattr(raw, "version_string"):  # urllib3 2.3 and later
        made.version_string = raw.version_string
    return made


class _SpoolReader(io.RawIOBase):
    """A body in a spool as a file. The spool is closed with it, or when nobody can reach it any more."""

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self._spool = spool
        weakref.finalize(self, spool.close)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As `io.RawIOBase`."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        octets = self._spool.read(len(buffer))
        buffer[: len(octets)] = octets
        return len(octets)

    def close(self) -> None:
        """Let go of the body."""
        self._spool.close()
        super().close()


def _reader(spool: Spool) -> io.BufferedReader:
    return io.BufferedReader(_SpoolReader(spool), PIECE)
