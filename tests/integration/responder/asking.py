"""Asking a responder, and reading what comes back as a verifier would."""

from __future__ import annotations

import datetime as dt
import http.client
import socket
import urllib.parse
import urllib.request
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from nlgov_jades.pki.answer import Standing
from nlgov_jades.pki.crl import check_crl, parse_crl
from nlgov_jades.pki.ocsp import OcspAnswer, check_ocsp, ocsp_request, parse_ocsp
from nlgov_jades.policy import RevocationPolicy
from nlgov_jades.testing import (
    Issued,
    Responder,
)

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
TSP_CRL = "/crl/tsp.crl"
LONG = dt.timedelta(hours=1)
IMPATIENT = 0.1
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Received:
    """What came back."""

    status: int
    fields: http.client.HTTPMessage
    body: bytes


def ask(
    responder: Responder,
    method: str = "GET",
    path: str = TSP_CRL,
    body: bytes | None = None,
    *,
    content_type: str = "application/ocsp-request",
    timeout: float = PATIENCE,
) -> Received:
    """One request that follows nothing."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(responder.url).netloc, timeout=timeout)
    try:
        connection.request(method, path, body, {"Content-Type": content_type} if body is not None else {})
        response = connection.getresponse()
        return Received(response.status, response.headers, response.read())
    finally:
        connection.close()


def request_for(leaf: Issued) -> bytes:
    return ocsp_request(leaf.certificate, leaf.chain[1])


def post(responder: Responder, leaf: Issued, timeout: float = PATIENCE) -> Received:
    return ask(responder, "POST", "/ocsp", request_for(leaf), timeout=timeout)


def by_ocsp(received: Received, leaf: Issued, at: dt.datetime = NOW) -> OcspAnswer:
    assert (received.status, received.fields["Content-Type"]) == (200, "application/ocsp-response")
    return check_ocsp(
        parse_ocsp(received.body), leaf.certificate, leaf.chain[1], policy=RevocationPolicy.HARD_FAIL, at=at
    )


def by_crl(received: Received, leaf: Issued) -> Standing:
    assert (received.status, received.fields["Content-Type"]) == (200, "application/pkix-crl")
    crl = parse_crl(received.body)
    return check_crl(crl, leaf.certificate, leaf.chain[1], policy=RevocationPolicy.HARD_FAIL, at=NOW).standing


def raw(responder: Responder) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(responder.url.rpartition(":")[2])), PATIENCE)
