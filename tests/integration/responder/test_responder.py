"""The responder over real HTTP on the loopback interface: the protocols, and revoking while it runs."""

from __future__ import annotations

import base64
import http.client
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from nlgov_jades import ANY_TRUSTED, HttpRequest, VerificationPolicy, Verifier, profiles
from nlgov_jades.errors import CertificateRevokedError, ConfigurationError
from nlgov_jades.pki.answer import Standing
from nlgov_jades.pki.crl import parse_crl
from nlgov_jades.testing import (
    Hierarchy,
    Issued,
    OCSPResponseStatus,
    OcspSigner,
    Responder,
)

from .asking import KEY, LONG, NOW, PATIENCE, TSP_CRL, ask, by_crl, by_ocsp, post, request_for

CRLS = ("/crl/root.crl", "/crl/domain.crl", TSP_CRL)


# --- the protocol --------------------------------------------------------------------------------------------


def test_ocsp_by_post_is_good(responder: Responder, leaf: Issued) -> None:
    answer = by_ocsp(post(responder, leaf), leaf).answer
    assert (answer.standing, answer.this_update, answer.signer) == (Standing.GOOD, NOW, "TEST nlgov-jades TSP CA")


@pytest.mark.parametrize("safe", ["", "/"], ids=["quoted", "as it is"])
def test_ocsp_by_get_is_good(responder: Responder, leaf: Issued, safe: str) -> None:
    encoded = urllib.parse.quote(base64.b64encode(request_for(leaf)), safe=safe)
    assert by_ocsp(ask(responder, "GET", f"/ocsp/{encoded}"), leaf).answer.standing is Standing.GOOD


def test_a_crl_is_good(responder: Responder, leaf: Issued) -> None:
    assert by_crl(ask(responder), leaf) is Standing.GOOD


@pytest.mark.parametrize("position", [1, 2], ids=["tsp", "domain"])
def test_cas_are_in_the_crl_of_the_one_above(responder: Responder, leaf: Issued, position: int) -> None:
    ca = Issued(KEY, leaf.chain[position:])
    path = {1: "/crl/domain.crl", 2: "/crl/root.crl"}[position]
    assert by_crl(ask(responder, path=path), ca) is Standing.GOOD
    responder.revoke(ca)
    assert by_crl(ask(responder, path=path), ca) is Standing.REVOKED


def test_the_answer_is_in_the_hash_of_the_question_and_repeats_the_nonce(responder: Responder, leaf: Issued) -> None:
    builder = ocsp.OCSPRequestBuilder().add_certificate(leaf.certificate, leaf.chain[1], SHA256())
    question = builder.add_extension(x509.OCSPNonce(b"0123456789abcdef"), critical=False).build()
    received = ask(responder, "POST", "/ocsp", question.public_bytes(Encoding.DER))
    assert by_ocsp(received, leaf).answer.standing is Standing.GOOD
    answer = ocsp.load_der_ocsp_response(received.body)
    assert answer.hash_algorithm.name == "sha256"
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789abcdef"


def test_another_authority_is_not_answered_for(responder: Responder, stranger: Hierarchy) -> None:
    received = post(responder, stranger.tsp.issue(key=KEY))
    status = ocsp.load_der_ocsp_response(received.body).response_status
    assert status is OCSPResponseStatus.UNAUTHORIZED


def test_an_authority_that_was_added_is_answered_for(responder: Responder, stranger: Hierarchy) -> None:
    other = stranger.domain.issue_authority("TEST other", key=KEY)
    responder.add([other])
    leaf = other.issue(key=KEY)
    assert by_ocsp(post(responder, leaf), leaf).answer.standing is Standing.GOOD
    assert by_crl(ask(responder, path="/crl/test-other.crl"), leaf) is Standing.GOOD


def test_two_authorities_with_one_path_are_refused(responder: Responder, stranger: Hierarchy) -> None:
    with pytest.raises(ConfigurationError, match="give one a label"):
        responder.add(stranger)


@pytest.mark.parametrize("path", ["/ocsp/AAAA", "/ocsp/%25", "/ocsp", "/ocsp/"])
def test_what_is_no_question_is_malformed(responder: Responder, path: str) -> None:
    status = ocsp.load_der_ocsp_response(ask(responder, path=path).body).response_status
    assert status is OCSPResponseStatus.MALFORMED_REQUEST


def test_a_question_of_another_media_type_is_refused(responder: Responder, leaf: Issued) -> None:
    assert ask(responder, "POST", "/ocsp", request_for(leaf), content_type="application/octet-stream").status == 415


def test_a_question_that_is_too_large_is_refused(responder: Responder) -> None:
    assert ask(responder, "POST", "/ocsp", bytes(64 * 1024 + 1)).status == 413


def test_a_question_without_a_length_is_refused(responder: Responder) -> None:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(responder.url).netloc, timeout=PATIENCE)
    # Fields only: the server answers at once, and a body would meet a closed connection.
    connection.putrequest("POST", "/ocsp")
    connection.putheader("Content-Type", "application/ocsp-request")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    assert connection.getresponse().status == 411
    connection.close()


def test_a_path_that_is_nothing_says_what_there_is(responder: Responder) -> None:
    received = ask(responder, path="/crl/other.crl")
    assert (received.status, TSP_CRL.encode() in received.body) == (404, True)
    assert ask(responder, path="/").status == 200


def test_many_ask_at_once(responder: Responder, leaf: Issued) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: by_ocsp(post(responder, leaf), leaf).answer.standing, range(64)))
    assert answers == [Standing.GOOD] * 64
    assert responder.count("/ocsp") == 64


@pytest.mark.parametrize("signer", [OcspSigner.DELEGATE, OcspSigner.CHECKED_DELEGATE])
def test_a_delegate_signs_when_told(hierarchy: Hierarchy, leaf: Issued, signer: OcspSigner) -> None:
    with Responder(hierarchy, clock=lambda: NOW, ocsp_signer=signer) as responder:
        first, second = (by_ocsp(post(responder, leaf), leaf) for _ in range(2))
    assert (first.answer.signer, first.answer.standing) == ("TEST nlgov-jades OCSP responder", Standing.GOOD)
    assert (first.delegate is None) == (signer is OcspSigner.DELEGATE)
    assert first.delegate == second.delegate


# --- revocation ----------------------------------------------------------------------------------------------


def test_a_revocation_holds_from_the_next_answer_on(responder: Responder, leaf: Issued) -> None:
    assert by_crl(ask(responder), leaf) is Standing.GOOD
    responder.revoke(leaf, x509.ReasonFlags.key_compromise, NOW - LONG)
    answer = by_ocsp(post(responder, leaf), leaf).answer
    assert (answer.standing, answer.reason, answer.revoked_at) == (Standing.REVOKED, "keyCompromise", NOW - LONG)
    assert by_crl(ask(responder), leaf) is Standing.REVOKED


@pytest.mark.parametrize("form", [lambda leaf: leaf.certificate, lambda leaf: leaf.certificate.serial_number])
def test_a_certificate_or_its_serial_number_is_revoked(
    responder: Responder, leaf: Issued, form: Callable[[Issued], x509.Certificate | int]
) -> None:
    responder.revoke(form(leaf))
    assert by_ocsp(post(responder, leaf), leaf).answer.standing is Standing.REVOKED
    responder.reinstate(form(leaf))
    assert by_ocsp(post(responder, leaf), leaf).answer.standing is Standing.GOOD


def test_a_hold_is_lifted(responder: Responder, leaf: Issued) -> None:
    responder.revoke(leaf, x509.ReasonFlags.certificate_hold)
    assert by_crl(ask(responder), leaf) is Standing.ON_HOLD
    responder.reinstate(leaf)
    assert by_crl(ask(responder), leaf) is Standing.GOOD


def test_only_the_issuers_crl_holds_the_certificate(responder: Responder, leaf: Issued) -> None:
    responder.revoke(leaf)
    entries = {path: len(list(x509.load_der_x509_crl(ask(responder, path=path).body))) for path in CRLS}
    assert entries == {"/crl/root.crl": 0, "/crl/domain.crl": 0, TSP_CRL: 1}


def test_a_time_to_come_revokes_then(hierarchy: Hierarchy, leaf: Issued) -> None:
    now = [NOW]
    with Responder(hierarchy, clock=lambda: now[0]) as responder:
        responder.revoke(leaf, at=NOW + LONG)
        assert by_ocsp(post(responder, leaf), leaf).answer.standing is Standing.GOOD
        now[0] = NOW + LONG
        assert by_ocsp(post(responder, leaf), leaf, NOW + LONG).answer.standing is Standing.REVOKED


def test_the_number_of_a_crl_goes_up_with_each_change(responder: Responder, leaf: Issued) -> None:
    def number() -> int:
        return parse_crl(ask(responder).body).number or 0

    before = number()
    responder.revoke(leaf)
    after = number()
    responder.reinstate(leaf)
    assert before < after < number()


def test_a_verifier_refuses_what_was_revoked(
    responder: Responder,
    hierarchy: Hierarchy,
    issued: Issued,
    request_message: HttpRequest,
    sign: Callable[[HttpRequest], HttpRequest],
) -> None:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED)
    verifier = Verifier(trust=hierarchy.trust, policy=policy, clock=lambda: NOW)
    signed = sign(request_message)
    verifier.verify(signed, crls=responder.crls())
    responder.revoke(issued)
    with pytest.raises(CertificateRevokedError):
        verifier.verify(signed, crls=responder.crls())
