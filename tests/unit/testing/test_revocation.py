"""The CRLs and OCSP responses that tests are made of: the library reads them, and each deviation is the one asked for."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.x509 import ocsp

from nlgov_jades.pki.answer import Answer, Standing
from nlgov_jades.pki.crl import check_crl, parse_crl
from nlgov_jades.pki.ocsp import OcspAnswer, check_ocsp, parse_ocsp
from nlgov_jades.pki.signatures import UnusableDataError
from nlgov_jades.policy import RevocationPolicy
from nlgov_jades.testing import (
    Authority,
    Hierarchy,
    Issued,
    OCSPCertStatus,
    OCSPResponderEncoding,
    OCSPResponseStatus,
    Revocation,
    RsaScheme,
    make_crl,
    make_ocsp,
    ocsp_delegate,
    ocsp_failure,
)
from nlgov_jades.testing.revocation import CertIdHash, SignatureHash

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SHA_1 = SHA1()  # noqa: S303 - in a CertID it identifies, and nearly everyone uses it
KEY, DELEGATE_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
HOLD, COMPROMISE = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.key_compromise


@pytest.fixture(scope="module")
def elliptic(hierarchy: Hierarchy) -> Authority:
    return hierarchy.domain.issue_authority("TEST EC CA", key=KEY)


@pytest.fixture(params=["rsa", "elliptic"])
def authority(request: pytest.FixtureRequest, hierarchy: Hierarchy, elliptic: Authority) -> Authority:
    return hierarchy.tsp if request.param == "rsa" else elliptic


@pytest.fixture
def leaf(authority: Authority) -> Issued:
    return authority.issue(key=KEY)


def by_crl(der: bytes, leaf: Issued) -> Answer:
    issuer = leaf.chain[1]
    return check_crl(parse_crl(der), leaf.certificate, issuer, policy=RevocationPolicy.HARD_FAIL, at=NOW)


def by_ocsp(der: bytes, leaf: Issued) -> OcspAnswer:
    issuer = leaf.chain[1]
    return check_ocsp(parse_ocsp(der), leaf.certificate, issuer, policy=RevocationPolicy.HARD_FAIL, at=NOW)


# --- CRLs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [None, SHA384(), SHA512()], ids=["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("scheme", RsaScheme)
def test_a_crl_is_good_about_a_certificate_that_it_does_not_hold(
    authority: Authority, leaf: Issued, algorithm: SignatureHash | None, scheme: RsaScheme
) -> None:
    answer = by_crl(make_crl(authority, this_update=NOW, algorithm=algorithm, scheme=scheme), leaf)
    assert answer.standing is Standing.GOOD
    assert (answer.this_update, answer.next_update) == (NOW, NOW + 24 * HOUR)


def test_a_crl_holds_certificates_and_serial_numbers(hierarchy: Hierarchy) -> None:
    first, second = (hierarchy.tsp.issue(key=KEY) for _ in range(2))
    crl = x509.load_der_x509_crl(make_crl(hierarchy.tsp, [first, second.certificate, 7], this_update=NOW))
    assert {entry.serial_number for entry in crl} == {
        first.certificate.serial_number,
        second.certificate.serial_number,
        7,
    }


def test_a_crl_gives_the_reason_and_the_time(authority: Authority, leaf: Issued) -> None:
    answer = by_crl(make_crl(authority, [leaf], this_update=NOW, reason=COMPROMISE), leaf)
    assert (answer.standing, answer.reason, answer.revoked_at) == (Standing.REVOKED, "keyCompromise", NOW)


def test_an_entry_has_a_time_and_a_reason_of_its_own(authority: Authority, leaf: Issued) -> None:
    entry = Revocation.of(leaf, NOW - HOUR, HOLD)
    answer = by_crl(make_crl(authority, [entry], this_update=NOW, reason=COMPROMISE), leaf)
    assert (answer.standing, answer.revoked_at) == (Standing.ON_HOLD, NOW - HOUR)


def test_a_crl_can_lack_next_update_and_is_still_signed(authority: Authority) -> None:
    der = make_crl(authority, [5], this_update=NOW, next_update=None)
    crl = x509.load_der_x509_crl(der)
    assert crl.next_update_utc is None
    key = authority.key.public_key()
    assert crl.is_signature_valid(key)
    with pytest.raises(UnusableDataError, match="no nextUpdate"):
        parse_crl(der)


def test_next_update_is_a_time_or_counted_from_this_update(authority: Authority) -> None:
    assert parse_crl(make_crl(authority, this_update=NOW, next_update=HOUR)).next_update == NOW + HOUR
    assert parse_crl(make_crl(authority, this_update=NOW, next_update=NOW + HOUR)).next_update == NOW + HOUR


def test_a_crl_has_the_number_asked_for_or_none(authority: Authority) -> None:
    assert parse_crl(make_crl(authority, this_update=NOW, number=42)).number == 42
    assert parse_crl(make_crl(authority, this_update=NOW, number=None)).number is None


def test_a_crl_takes_further_extensions(authority: Authority) -> None:
    der = make_crl(authority, this_update=NOW, more_extensions=[(x509.DeltaCRLIndicator(1), True)])
    with pytest.raises(UnusableDataError, match="delta CRL"):
        parse_crl(der)


def test_an_entry_takes_further_extensions(authority: Authority) -> None:
    issuer = x509.CertificateIssuer([x509.DirectoryName(authority.certificate.subject)])
    entry = Revocation(serial_number=5, at=NOW, more_extensions=[(issuer, True)])
    with pytest.raises(UnusableDataError, match="critical extension"):
        parse_crl(make_crl(authority, [entry], this_update=NOW))


def test_a_crl_signed_by_another_key_does_not_fit(hierarchy: Hierarchy) -> None:
    der = make_crl(hierarchy.tsp, this_update=NOW, signed_by=hierarchy.domain)
    with pytest.raises(UnusableDataError, match="does not fit"):
        by_crl(der, hierarchy.tsp.issue(key=KEY))


# --- OCSP ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_hash", [None, SHA_1, SHA256(), SHA512()], ids=["default", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("responder", OCSPResponderEncoding)
def test_a_response_names_the_certificate_and_the_responder_as_asked(
    authority: Authority, leaf: Issued, id_hash: CertIdHash | None, responder: OCSPResponderEncoding
) -> None:
    der = make_ocsp(authority, leaf, this_update=NOW, hash_algorithm=id_hash, responder=responder)
    assert by_ocsp(der, leaf).answer.standing is Standing.GOOD
    parsed = ocsp.load_der_ocsp_response(der)
    assert parsed.hash_algorithm.name == (id_hash or SHA_1).name
    assert (parsed.responder_name is None) == (responder is OCSPResponderEncoding.HASH)


@pytest.mark.parametrize("algorithm", [None, SHA384(), SHA512()], ids=["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("scheme", RsaScheme)
def test_a_response_is_signed_in_the_form_asked_for(
    authority: Authority, leaf: Issued, algorithm: SignatureHash | None, scheme: RsaScheme
) -> None:
    der = make_ocsp(authority, leaf, this_update=NOW, algorithm=algorithm, scheme=scheme)
    assert by_ocsp(der, leaf).answer.standing is Standing.GOOD
    # RFC 4055 §3.1: id-RSASSA-PSS
    is_pss = parse_ocsp(der).basic["signature_algorithm"]["algorithm"].dotted == "1.2.840.113549.1.1.10"
    assert is_pss == (scheme is RsaScheme.PSS and authority.key is not KEY)


def test_a_response_says_revoked_with_reason_and_time(authority: Authority, leaf: Issued) -> None:
    der = make_ocsp(
        authority, leaf, status=OCSPCertStatus.REVOKED, this_update=NOW, reason=COMPROMISE, revoked_at=NOW - HOUR
    )
    answer = by_ocsp(der, leaf).answer
    assert (answer.standing, answer.reason, answer.revoked_at) == (Standing.REVOKED, "keyCompromise", NOW - HOUR)


def test_a_response_says_unknown(authority: Authority, leaf: Issued) -> None:
    with pytest.raises(UnusableDataError, match="does not know"):
        by_ocsp(make_ocsp(authority, leaf, status=OCSPCertStatus.UNKNOWN, this_update=NOW), leaf)


def test_a_reason_without_a_revocation_is_refused(authority: Authority, leaf: Issued) -> None:
    with pytest.raises(ValueError, match="revocation_reason"):
        make_ocsp(authority, leaf, this_update=NOW, reason=COMPROMISE)


def test_every_time_in_a_response_is_one_that_was_given(authority: Authority, leaf: Issued) -> None:
    der = make_ocsp(authority, leaf, this_update=NOW, next_update=HOUR)
    parsed = ocsp.load_der_ocsp_response(der)
    single = next(iter(parsed.responses))
    assert (parsed.produced_at_utc, single.this_update_utc, single.next_update_utc) == (NOW, NOW, NOW + HOUR)
    later = make_ocsp(authority, leaf, this_update=NOW, next_update=None, produced_at=NOW + HOUR)
    assert ocsp.load_der_ocsp_response(later).produced_at_utc == NOW + HOUR
    assert by_ocsp(later, leaf).answer.next_update is None


@pytest.mark.parametrize("nocheck", [True, False], ids=["nocheck", "to be checked"])
@pytest.mark.parametrize("responder", OCSPResponderEncoding)
def test_a_delegate_answers_for_its_authority(
    authority: Authority, leaf: Issued, responder: OCSPResponderEncoding, *, nocheck: bool
) -> None:
    delegate = ocsp_delegate(authority, nocheck=nocheck, key=DELEGATE_KEY)
    said = by_ocsp(make_ocsp(authority, leaf, this_update=NOW, delegate=delegate, responder=responder), leaf)
    assert said.answer.signer == "TEST nlgov-jades OCSP responder"
    assert said.delegate == (None if nocheck else delegate.certificate)


def test_a_delegate_without_the_usage_is_no_delegate(authority: Authority, leaf: Issued) -> None:
    delegate = ocsp_delegate(authority, key=DELEGATE_KEY, extended_key_usages=None)
    with pytest.raises(UnusableDataError, match="not for OCSP"):
        by_ocsp(make_ocsp(authority, leaf, this_update=NOW, delegate=delegate), leaf)


def test_a_response_signed_by_another_key_does_not_fit(hierarchy: Hierarchy) -> None:
    leaf = hierarchy.tsp.issue(key=KEY)
    with pytest.raises(UnusableDataError, match="does not fit"):
        by_ocsp(make_ocsp(hierarchy.tsp, leaf, this_update=NOW, signed_by=hierarchy.domain), leaf)


def test_a_response_may_be_signed_by_a_key_of_another_kind(hierarchy: Hierarchy, elliptic: Authority) -> None:
    leaf = hierarchy.tsp.issue(key=KEY)
    with pytest.raises(UnusableDataError, match="algorithm or key"):
        by_ocsp(make_ocsp(hierarchy.tsp, leaf, this_update=NOW, signed_by=elliptic), leaf)


def test_a_response_takes_further_extensions(authority: Authority, leaf: Issued) -> None:
    der = make_ocsp(authority, leaf, this_update=NOW, more_extensions=[(x509.OCSPNonce(b"12345678"), False)])
    nonce = ocsp.load_der_ocsp_response(der).extensions.get_extension_for_class(x509.OCSPNonce).value
    assert nonce.nonce == b"12345678"


@pytest.mark.parametrize("status", [item for item in OCSPResponseStatus if item is not OCSPResponseStatus.SUCCESSFUL])
def test_a_failure_says_which(status: OCSPResponseStatus) -> None:
    assert ocsp.load_der_ocsp_response(ocsp_failure(status)).response_status is status
