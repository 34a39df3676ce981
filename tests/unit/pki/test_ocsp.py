"""OCSP: the request, the form of a response, and what is kept of an answer."""

from __future__ import annotations

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from nlgov_jades.pki import ocsp as module
from nlgov_jades.pki.answer import Standing
from nlgov_jades.pki.ocsp import check_ocsp, ocsp_request, parse_ocsp
from nlgov_jades.pki.signatures import UnusableDataError
from nlgov_jades.result import RevocationSource
from nlgov_jades.testing import Hierarchy, Issued

from .revoking import COMPROMISE, HARD, HOUR, NOW, REVOKED, ocsp_of


@pytest.fixture(scope="module")
def signer(hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey) -> Issued:
    return hierarchy.tsp.issue(key=leaf_key)


def test_a_request_names_one_certificate_and_holds_no_nonce(hierarchy: Hierarchy, signer: Issued) -> None:
    request = ocsp.load_der_ocsp_request(ocsp_request(signer.certificate, hierarchy.tsp.certificate))
    assert request.serial_number == signer.certificate.serial_number
    assert isinstance(request.hash_algorithm, hashes.SHA1)
    name = hierarchy.tsp.certificate.subject.public_bytes()
    sha1 = hashes.Hash(hashes.SHA1())  # noqa: S303 - it identifies, it does not protect
    sha1.update(name)
    assert request.issuer_name_hash == sha1.finalize()
    assert list(request.extensions) == []


def test_an_answer_says_from_when_until_when_and_by_whom(hierarchy: Hierarchy, signer: Issued) -> None:
    der = ocsp_of(hierarchy.tsp, signer, REVOKED, reason=COMPROMISE)
    said = check_ocsp(parse_ocsp(der), signer.certificate, hierarchy.tsp.certificate, policy=HARD, at=NOW)
    assert said.delegate is None
    answer = said.answer
    assert (answer.standing, answer.source) == (Standing.REVOKED, RevocationSource.OCSP)
    assert (answer.this_update, answer.next_update, answer.valid_until) == (NOW - HOUR, NOW + 2 * HOUR, NOW + 2 * HOUR)
    assert (answer.revoked_at, answer.reason) == (NOW - 24 * HOUR, "keyCompromise")
    assert answer.signer == "TEST nlgov-jades TSP CA"
    assert answer.der == der


def test_an_answer_ends_with_its_delegate(hierarchy: Hierarchy, signer: Issued, ca_key: rsa.RSAPrivateKey) -> None:
    delegate = responder(hierarchy, ca_key, ends_in_hours=1)
    response = parse_ocsp(ocsp_of(hierarchy.tsp, signer, by=delegate))
    said = check_ocsp(response, signer.certificate, hierarchy.tsp.certificate, policy=HARD, at=NOW)
    assert said.answer.next_update == NOW + 2 * HOUR
    assert said.answer.valid_until == NOW + HOUR
    assert said.delegate == delegate.certificate


@pytest.mark.parametrize("status", [item for item in ocsp.OCSPResponseStatus if item.name != "SUCCESSFUL"])
def test_a_response_that_reports_an_error_is_refused(status: ocsp.OCSPResponseStatus) -> None:
    der = ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
    with pytest.raises(UnusableDataError, match=f"the OCSP responder answered {status.name.lower()}"):
        parse_ocsp(der)


@pytest.mark.parametrize("octets", [b"", b"\x30", b"\x30\x00", b"\x30\x03\x0a\x01\x00", b"<html>"])
def test_octets_that_are_no_response_are_refused(octets: bytes) -> None:
    with pytest.raises(UnusableDataError, match="this is not an OCSP response, or a damaged one"):
        parse_ocsp(octets)


def test_what_is_not_bytes_or_too_many_of_them_is_refused(
    hierarchy: Hierarchy, signer: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    der = ocsp_of(hierarchy.tsp, signer)
    with pytest.raises(UnusableDataError, match="an OCSP response is bytes, at most"):
        parse_ocsp(bytearray(der))  # type: ignore[arg-type]  # the mistake under test
    monkeypatch.setattr(module, "MAX_OCSP", len(der))
    assert parse_ocsp(der).der == der
    monkeypatch.setattr(module, "MAX_OCSP", len(der) - 1)
    with pytest.raises(UnusableDataError, match="an OCSP response is bytes, at most"):
        parse_ocsp(der)


def test_a_repr_does_not_spill_the_response(hierarchy: Hierarchy, signer: Issued) -> None:
    assert "TEST" not in repr(parse_ocsp(ocsp_of(hierarchy.tsp, signer)))


def test_a_delegate_whose_extensions_cannot_be_read_makes_the_response_damaged(
    hierarchy: Hierarchy, signer: Issued, ca_key: rsa.RSAPrivateKey
) -> None:
    delegate = twice_the_same_extension(responder(hierarchy, ca_key), hierarchy.tsp)
    response = parse_ocsp(ocsp_of(hierarchy.tsp, signer, by=delegate))
    with pytest.raises(UnusableDataError, match="the OCSP response is damaged"):
        check_ocsp(response, signer.certificate, hierarchy.tsp.certificate, policy=HARD, at=NOW)


def responder(hierarchy: Hierarchy, key: rsa.RSAPrivateKey, *, ends_in_hours: int = 24) -> Issued:
    return hierarchy.tsp.issue(
        common_name="the responder",
        oin=None,
        key=key,
        policies=None,
        extended_key_usages=("1.3.6.1.5.5.7.3.9",),
        not_after=NOW + ends_in_hours * HOUR,
    )


def twice_the_same_extension(issued: Issued, issuer: Issued) -> Issued:
    assert isinstance(issuer.key, rsa.RSAPrivateKey)
    parsed = asn1_x509.Certificate.load(issued.certificate.public_bytes(Encoding.DER))
    tbs = parsed["tbs_certificate"]
    tbs["extensions"] = [*tbs["extensions"], tbs["extensions"][0]]
    parsed["signature_value"] = issuer.key.sign(tbs.dump(force=True), padding.PKCS1v15(), hashes.SHA256())
    return Issued(issued.key, (x509.load_der_x509_certificate(parsed.dump(force=True)), *issued.chain[1:]))
