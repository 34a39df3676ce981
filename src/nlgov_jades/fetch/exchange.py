"""One HTTP exchange without the HTTP: the fields that are sent, and what is accepted of what comes back."""

from __future__ import annotations

import datetime as dt
import functools
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ConfigurationError, FetchError, quoted
from ..pki.revocation import FetchRequest
from ..result import RevocationSource
from .url import Target

__all__ = ["CHUNK", "AnswerBody", "default_tls", "failure_of", "request_fields", "request_method", "usable_tls"]

CHUNK = 16 * 1024
"""Octets that are read at once, and so by how much an answer may pass its limit before it is noticed."""

OK = 200
_REDIRECTS = range(300, 400)

_OCSP_TYPES = frozenset({"application/ocsp-response"})
_CRL_TYPES = frozenset({"application/pkix-crl", "application/x-pkcs7-crl", "application/octet-stream", ""})
"""What servers of CRLs say in practice; RFC 2585 §4.2 names the first. One that says text/html serves an error page."""

_MAX_AGE = re.compile(r"max-age=\"?([0-9]{1,9})\"?")
_MAX_LENGTH_DIGITS = 12

_MAX_CAUSES = 16


def request_method(request: FetchRequest) -> str:
    """POST for OCSP (RFC 6960 appendix A.1), GET for a CRL."""
    return "POST" if request.source is RevocationSource.OCSP else "GET"


def request_fields(request: FetchRequest, target: Target) -> dict[str, str]:
    """All the fields of the request but Content-Length. Nothing about us, the message or its signer is among them."""
    fields = {
        "Host": target.authority,
        "User-Agent": "nlgov-jades",
        # A compressed answer could grow without bound after it was counted.
        "Accept-Encoding": "identity",
        "Accept": "application/pkix-crl, */*;q=0.1",
        # The next fetch of the same data is hours away.
        "Connection": "close",
    }
    if request.source is RevocationSource.OCSP:
        fields |= {"Accept": "application/ocsp-response", "Content-Type": "application/ocsp-request"}
    return fields


@dataclass(slots=True)
class AnswerBody:
    """The body of an accepted answer, counted while it comes in.

    Attributes:
        limit: Octets that it may have.
        stated: What Content-Length says, or `None`.
        max_age: What Cache-Control says, or `None`.
    """

    limit: int
    stated: int | None
    max_age: dt.timedelta | None
    _octets: bytearray = field(default_factory=bytearray)

    @classmethod
    def expected(cls, request: FetchRequest, status: int, fields: Mapping[str, str]) -> AnswerBody:
        """An empty body for this answer, when its head is acceptable.

        Args:
            request: What was asked for.
            status: Status code.
            fields: The fields; names are found whatever their case.

        Raises:
            FetchError: Another status, a redirect, a coding, another media type, or too large.
        """
        if status in _REDIRECTS:
            raise FetchError(f"it redirects (status {status}), which is not followed")
        if status != OK:
            raise FetchError(f"it answered with status {status}")
        coding = fields.get("content-encoding", "identity")
        if coding.strip().lower() not in {"identity", ""}:
            raise FetchError(f"its answer has the content coding {quoted(coding)}")
        media_type = fields.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in (_OCSP_TYPES if request.source is RevocationSource.OCSP else _CRL_TYPES):
            raise FetchError(f"its answer has the media type {quoted(media_type)}")
        found = _MAX_AGE.search(fields.get("cache-control", "").lower())
        max_age = dt.timedelta(seconds=int(found[1])) if found else None
        return cls(request.limit, _stated_length(fields.get("content-length"), request.limit), max_age)

    def add(self, octets: bytes) -> None:
        """Take in the next octets.

        Raises:
            FetchError: Now it is too large.
        """
        if len(self._octets) + len(octets) > self.limit:
            raise _too_large(self.limit)
        self._octets += octets

    def complete(self) -> bytes:
        """The whole, when nothing more comes.

        Raises:
            FetchError: It is not as long as was stated.
        """
        if self.stated is not None and self.stated != len(self._octets):
            raise FetchError("its answer is not as long as it says")
        return bytes(self._octets)


def _stated_length(text: str | None, limit: int) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_LENGTH_DIGITS):
        raise FetchError("its answer states a length that cannot be read")
    if int(text) > limit:
        raise _too_large(limit)
    return int(text)


def _too_large(limit: int) -> FetchError:
    return FetchError(f"its answer is larger than {limit} octets")


def failure_of(error: BaseException, *, late: bool) -> FetchError:
    """What went wrong, in our words: a library's text holds URLs, addresses and what a stranger sent.

    Args:
        error: What a library raised.
        late: Whether the time was over, so that whatever was raised is its consequence.
    """
    causes: list[BaseException] = [error]
    for cause in causes:  # which grows meanwhile
        # urllib3 keeps some causes among the arguments only.
        below = (cause.__cause__, cause.__context__, *cause.args)
        causes += [found for found in below if isinstance(found, BaseException) and found not in causes]
        if len(causes) >= _MAX_CAUSES:
            break
    for found in causes:
        if isinstance(found, FetchError):
            return found
    if late or any(isinstance(found, TimeoutError) for found in causes):
        return FetchError("no answer in time")
    if any(isinstance(found, ssl.SSLCertVerificationError) for found in causes):
        return FetchError("the certificate of its server is not accepted")
    if any(isinstance(found, ssl.SSLError) for found in causes):
        return FetchError("no TLS connection could be made")
    return FetchError(f"the exchange failed ({type(error).__name__})")


@functools.cache
def default_tls() -> ssl.SSLContext:
    """Who may be a server: what this machine trusts. Revocation data carry their own signature, whoever serves them."""
    return ssl.create_default_context()


def usable_tls(context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """The context, when it checks servers.

    Raises:
        ConfigurationError: It accepts any certificate or any name.
    """
    if context is not None and not (context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname):
        raise ConfigurationError("tls is an SSLContext that asks for a certificate and checks its name")
    return context
