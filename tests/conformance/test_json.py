"""The protected header as JSON: each case of `json_cases.py` to the parser, and inside a message that is signed to the verifier.

What is forbidden, and what was decided so, is `MALFORMED_SIGNATURE`. What is allowed is read; a member that nobody knows is
then ignored, so that the message is accepted.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import HttpRequest, Verifier
from nlgov_jades.encoding import json_object
from nlgov_jades.errors import MalformedSignatureError
from nlgov_jades.testing import Issued

from .deviating import deviations
from .json_cases import (
    ALLOWED_DOCUMENTS,
    ALLOWED_VALUES,
    FORBIDDEN_DOCUMENTS,
    FORBIDDEN_VALUES,
    FREE_AND_READ,
    FREE_AND_REFUSED,
    FREE_AND_REFUSED_DOCUMENTS,
)

LISTED: Final = deviations("jsontestsuite")
READ: Final = ALLOWED_VALUES | {name: case.octets for name, case in FREE_AND_READ.items()}
REFUSED: Final = FORBIDDEN_VALUES | {name: case.octets for name, case in FREE_AND_REFUSED.items()}
READ_DOCUMENTS: Final = {name: octets for name, octets in ALLOWED_DOCUMENTS.items() if name not in LISTED}
REFUSED_DOCUMENTS: Final = (
    FORBIDDEN_DOCUMENTS
    | {name: octets for name, octets in ALLOWED_DOCUMENTS.items() if name in LISTED}
    | {name: case.octets for name, case in FREE_AND_REFUSED_DOCUMENTS.items()}
)

Send = Callable[[bytes], HttpRequest]


def each(cases: dict[str, bytes]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("octets", cases.values(), ids=cases.keys())


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


@pytest.fixture
def header(issued: Issued) -> bytes:
    """A protected header that is accepted, but for its last brace."""
    certificates = [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in issued.chain]
    members: dict[str, Any] = {
        "alg": "PS256",
        "kid": "k",
        "x5c": certificates,
        "b64": False,
        "crit": ["b64", "sigD"],
        "sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest"]},
    }
    return json.dumps(members).encode()[:-1]


@pytest.fixture
def send(issued: Issued, request_message: HttpRequest) -> Send:
    """Signs a request with these octets as its protected header."""
    assert isinstance(request_message.body, bytes)
    digest = "SHA-256=" + base64.b64encode(hashlib.sha256(request_message.body).digest()).decode()
    key = issued.key
    assert isinstance(key, rsa.RSAPrivateKey)

    def sent(protected: bytes) -> HttpRequest:
        signing_input = f"{encoded(protected)}.digest: {digest}".encode()
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        value = f"{encoded(protected)}..{encoded(key.sign(signing_input, pss, hashes.SHA256()))}"
        return request_message.with_fields([("Digest", digest), ("nlgov-adr-payload-sig", value)])

    return sent


@each(READ)
def test_a_value_that_is_allowed_is_read(octets: bytes) -> None:
    found = json_object(b'{"x":' + octets + b"}", "it")
    assert found == json.loads(b'{"x":' + octets + b"}")


@each(READ)
def test_a_value_that_is_allowed_does_no_harm_in_a_signed_message(
    octets: bytes, header: bytes, send: Send, verifier: Verifier
) -> None:
    message = send(header + b',"x":' + octets + b"}")
    assert verifier.verify(message).body == message.body


@each(READ_DOCUMENTS)
def test_a_document_that_is_allowed_is_read(octets: bytes) -> None:
    assert json_object(octets, "it") == json.loads(octets)


@each(REFUSED)
def test_a_value_that_is_refused_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedSignatureError) as caught:
        json_object(b'{"x":' + octets + b"}", "it")
    assert caught.value.code == "MALFORMED_SIGNATURE"


@each(REFUSED)
def test_a_value_that_is_refused_makes_a_signed_message_malformed(
    octets: bytes, header: bytes, send: Send, verifier: Verifier
) -> None:
    with pytest.raises(MalformedSignatureError) as caught:
        verifier.verify(send(header + b',"x":' + octets + b"}"))
    assert (caught.value.code, caught.value.sub_indication) == ("MALFORMED_SIGNATURE", "FORMAT_FAILURE")


@each(REFUSED_DOCUMENTS)
def test_a_document_that_is_refused_is_malformed(octets: bytes, send: Send, verifier: Verifier) -> None:
    with pytest.raises(MalformedSignatureError):
        json_object(octets, "it")
    with pytest.raises(MalformedSignatureError) as caught:
        verifier.verify(send(octets))
    assert caught.value.code == "MALFORMED_SIGNATURE"


def test_every_deviation_is_one_of_an_allowed_document_that_is_json() -> None:
    assert LISTED.keys() <= ALLOWED_DOCUMENTS.keys()
    for octets in (*ALLOWED_DOCUMENTS.values(), *(b'{"x":' + value + b"}" for value in ALLOWED_VALUES.values())):
        json.loads(octets)


def test_what_was_decided_has_a_reason() -> None:
    for case in (*FREE_AND_READ.values(), *FREE_AND_REFUSED.values(), *FREE_AND_REFUSED_DOCUMENTS.values()):
        assert len(case.reason.split()) > 3


def test_no_two_cases_are_the_same() -> None:
    for cases in (READ, REFUSED, READ_DOCUMENTS, REFUSED_DOCUMENTS):
        assert len(set(cases.values())) == len(cases)
    assert not READ.keys() & REFUSED.keys()
