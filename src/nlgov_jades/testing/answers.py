"""What a responder says to one request: bytes in, bytes out. No socket and no thread; those are in `responder`."""

from __future__ import annotations

import base64
import datetime as dt
import threading
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp

from ..clock import Clock
from ..errors import ConfigurationError
from .behaviour import Behaviour, OcspSigner
from .hierarchy import Authority, Issued, new_key
from .register import Register
from .revocation import (
    OCSPCertStatus,
    OCSPResponseStatus,
    Revocation,
    issuer_hashes,
    make_crl,
    make_ocsp,
    ocsp_delegate,
    ocsp_failure,
)

_Made = TypeVar("_Made")

__all__ = ["ELSEWHERE", "OCSP_PATH", "Answers", "Reply", "covers"]

OCSP_PATH: Final = "/ocsp"
ELSEWHERE: Final = "/elsewhere"
"""Where `REDIRECTING` leads: the same paths below it always answer normally."""

_STALE_FOR: Final = dt.timedelta(days=7)
"""Longer than any skew or tolerance that a verifier may have."""

_TEXT: Final = "text/plain; charset=utf-8"
_OCSP_REQUEST: Final = "application/ocsp-request"
_OCSP_RESPONSE: Final = "application/ocsp-response"
_CRL: Final = "application/pkix-crl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP response.

    Attributes:
        status: HTTP status.
        body: Its octets.
        content_type: Media type.
        fields: Further fields.
    """

    status: HTTPStatus = HTTPStatus.OK
    body: bytes
    content_type: str = _TEXT
    fields: tuple[tuple[str, str], ...] = ()


def covers(path: str, requested: str) -> bool:
    """Whether the path asked for is this one or lies below it: `/ocsp` covers an OCSP request by GET."""
    return requested == path or requested.startswith(path.rstrip("/") + "/")


class Answers:
    """Answers for some authorities. Safe between threads.

    Args:
        clock: Gives thisUpdate.
        validity: From thisUpdate to nextUpdate.
        register: What is revoked.
        ocsp_signer: Who signs OCSP responses.
    """

    def __init__(self, *, clock: Clock, validity: dt.timedelta, register: Register, ocsp_signer: OcspSigner) -> None:
        self._clock = clock
        self._validity = validity
        self._register = register
        self._ocsp_signer = ocsp_signer
        self._lock = threading.RLock()
        self._authorities: dict[str, Authority] = {}
        self._made: dict[tuple[str, object], Any] = {}
        # CRL numbers only go up (RFC 5280 §5.2.3), also over a restart: one for each change, from the time of the start.
        self._first_number = int(clock().timestamp())

    def add(self, authorities: Iterable[Authority]) -> None:
        """Answer for these too.

        Raises:
            ConfigurationError: Two different ones would have their CRL at one path.
        """
        with self._lock:
            for authority in authorities:
                known = self._authorities.setdefault(authority.crl_path, authority)
                if known.certificate != authority.certificate:
                    raise ConfigurationError(f"two authorities have a CRL at {authority.crl_path}: give one a label")

    @property
    def authorities(self) -> tuple[Authority, ...]:
        """Whom it answers for."""
        with self._lock:
            return tuple(self._authorities.values())

    def answer(self, method: str, path: str, content_type: str, body: bytes, behaviour: Behaviour) -> Reply:
        """The reply to one request. Faults of transport are not made here: they send what `NORMAL` would.

        Args:
            method: GET or POST.
            path: Path without query.
            content_type: Media type of the request's body.
            body: The request's body.
            behaviour: How to answer.
        """
        if behaviour is Behaviour.ERROR_STATUS:
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR, "told to fail")
        if covers(ELSEWHERE, path):
            path, behaviour = path.removeprefix(ELSEWHERE), Behaviour.NORMAL
        elif behaviour is Behaviour.REDIRECTING:
            return Reply(status=HTTPStatus.TEMPORARY_REDIRECT, body=b"", fields=(("Location", ELSEWHERE + path),))
        try:
            if covers(OCSP_PATH, path):
                return self._ocsp_reply(method, path, content_type, body, behaviour)
            authority = self._authorities.get(path)
            if method == "GET" and authority is not None:
                return self._crl_reply(authority, behaviour)
        except ConfigurationError as error:  # the file with revocations
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        return self._directions(path, method)

    def crl(self, authority: Authority, behaviour: Behaviour = Behaviour.NORMAL) -> bytes:
        """The CRL of an authority, made now.

        Raises:
            ConfigurationError: What is revoked cannot be read.
        """
        changes, entries = self._register.state()
        this_update, until = self._times(behaviour)
        number = self._first_number + changes
        revoked = self._effective(entries, authority)
        if behaviour is Behaviour.WRONG:
            authority = self._once("stranger", authority.crl_path, lambda: _stranger(authority))
        impostor = self._impostor(authority) if behaviour is Behaviour.WRONG_SIGNATURE else None
        return make_crl(
            authority, revoked, this_update=this_update, next_update=until, number=number, signed_by=impostor
        )

    def _crl_reply(self, authority: Authority, behaviour: Behaviour) -> Reply:
        if behaviour is Behaviour.TRY_LATER:
            fields = (("Retry-After", "60"),)
            return Reply(status=HTTPStatus.SERVICE_UNAVAILABLE, body=b"told to be busy\n", fields=fields)
        if behaviour is Behaviour.UNKNOWN:
            return _plain(HTTPStatus.NOT_FOUND, "told to have no CRL")
        body = _garbage() if behaviour is Behaviour.GARBAGE else self.crl(authority, behaviour)
        return Reply(body=body, content_type=_CRL)

    def _ocsp_reply(self, method: str, path: str, content_type: str, body: bytes, behaviour: Behaviour) -> Reply:
        if method == "POST" and content_type.lower() != _OCSP_REQUEST:
            return _plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"post {_OCSP_REQUEST}")
        if behaviour is Behaviour.GARBAGE:
            return Reply(body=_garbage(), content_type=_OCSP_RESPONSE)
        if behaviour is Behaviour.TRY_LATER:
            return Reply(body=ocsp_failure(OCSPResponseStatus.TRY_LATER), content_type=_OCSP_RESPONSE)
        try:
            octets = body if method == "POST" else _from_path(path)
            request = ocsp.load_der_ocsp_request(octets)
            _ = request.serial_number, request.extensions
        except Exception:  # noqa: BLE001 - the parser raises more classes than it documents
            return Reply(body=ocsp_failure(OCSPResponseStatus.MALFORMED_REQUEST), content_type=_OCSP_RESPONSE)
        return Reply(body=self._ocsp(request, behaviour), content_type=_OCSP_RESPONSE)

    def _ocsp(self, request: ocsp.OCSPRequest, behaviour: Behaviour) -> bytes:
        authority = self._issuer(request)
        if authority is None:
            return ocsp_failure(OCSPResponseStatus.UNAUTHORIZED)
        entry = self._entry(request.serial_number, authority)
        status = OCSPCertStatus.GOOD if entry is None else OCSPCertStatus.REVOKED
        if behaviour is Behaviour.UNKNOWN:
            status, entry = OCSPCertStatus.UNKNOWN, None
        this_update, until = self._times(behaviour)
        nonces = [item.value for item in request.extensions if isinstance(item.value, x509.OCSPNonce)]
        return make_ocsp(
            authority,
            request.serial_number + (behaviour is Behaviour.WRONG),
            status=status,
            this_update=this_update,
            next_update=until,
            reason=None if entry is None else entry.reason,
            revoked_at=None if entry is None else entry.at,
            delegate=self._delegate(authority),
            hash_algorithm=request.hash_algorithm,  # type: ignore[arg-type]  # _issuer took one of the four
            more_extensions=[(nonce, False) for nonce in nonces],
            signed_by=self._impostor(authority) if behaviour is Behaviour.WRONG_SIGNATURE else None,
        )

    def _issuer(self, request: ocsp.OCSPRequest) -> Authority | None:
        asked = (request.issuer_name_hash, request.issuer_key_hash)
        for authority in self.authorities:
            if issuer_hashes(authority, request.hash_algorithm)[:2] == asked:  # type: ignore[arg-type]  # all that is hashed with
                return authority
        return None

    def _entry(self, serial_number: int, authority: Authority) -> Revocation | None:
        _, entries = self._register.state()
        for entry in self._effective(entries, authority):
            if entry.serial_number == serial_number:
                return entry
        return None

    def _effective(self, entries: Iterable[Revocation], authority: Authority) -> list[Revocation]:
        """What this authority has revoked by now."""
        now, name = self._clock(), authority.certificate.subject
        return [entry for entry in entries if entry.at <= now and entry.issuer in {None, name}]

    def _times(self, behaviour: Behaviour) -> tuple[dt.datetime, dt.datetime]:
        """Give thisUpdate and nextUpdate. A time in DER has whole seconds."""
        start = self._clock().replace(microsecond=0)
        if behaviour is Behaviour.STALE:
            start -= _STALE_FOR + self._validity
        return start, start + self._validity

    def _delegate(self, authority: Authority) -> Issued | None:
        if self._ocsp_signer is OcspSigner.AUTHORITY:
            return None
        nocheck = self._ocsp_signer is OcspSigner.DELEGATE
        return self._once("delegate", authority.crl_path, lambda: ocsp_delegate(authority, nocheck=nocheck))

    def _impostor(self, authority: Authority) -> Issued:
        kind = type(authority.key)
        return self._once("impostor", kind, lambda: Issued(_key_like(authority), authority.chain))

    def _once(self, what: str, whose: object, make: Callable[[], _Made]) -> _Made:
        # RSA keys take a tenth of a second and more: made when first needed, and once.
        with self._lock:
            if (what, whose) not in self._made:
                self._made[what, whose] = make()
            made: _Made = self._made[what, whose]
            return made

    def _directions(self, path: str, method: str) -> Reply:
        lines = [f"POST or GET {OCSP_PATH}", *(f"GET {authority.crl_path}" for authority in self.authorities)]
        known = path == "/" and method == "GET"
        return _plain(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND, "\n".join(lines))


def _plain(status: HTTPStatus, text: str) -> Reply:
    return Reply(status=status, body=f"{text}\n".encode())


def _from_path(path: str) -> bytes:
    """RFC 6960 appendix A.1: the request in base64, percent-encoded, behind the responder's URL."""
    return base64.b64decode(urllib.parse.unquote(path.removeprefix(f"{OCSP_PATH}/")), validate=True)


def _garbage() -> bytes:
    # The first octets are those of a DER sequence of that length, so that a glance at them does not tell.
    return b"\x30\x82\x03\xfc" + bytes(range(256))[::-1] * 4


def _stranger(authority: Authority) -> Authority:
    return authority.issue_authority("TEST nlgov-jades CA that was not asked for", key=_key_like(authority))


def _key_like(authority: Authority) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if isinstance(authority.key, rsa.RSAPrivateKey):
        return new_key(authority.key.key_size)
    return ec.generate_private_key(authority.key.curve)
