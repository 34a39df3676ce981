"""CRLs: their index, their signature, and what of them is refused before anything is asked."""

from __future__ import annotations

import datetime as dt

import pytest
from asn1crypto import crl as asn1_crl
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades.pki import crl as module
from nlgov_jades.pki.answer import Answer, Standing
from nlgov_jades.pki.crl import Crl, check_crl, parse_crl
from nlgov_jades.pki.signatures import UnusableDataError
from nlgov_jades.testing import Authority, Hierarchy, Issued

from .revoking import COMPROMISE, HARD, HOUR, NOW, crl_of

LONGEST = (1 << 159) - 1


@pytest.fixture(scope="module")
def signer(hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey) -> Issued:
    return hierarchy.tsp.issue(key=leaf_key)


def ask(der: bytes, signer: Issued, issuer: Authority) -> Answer:
    return check_crl(parse_crl(der), signer.certificate, issuer.certificate, policy=HARD, at=NOW)


def test_a_crl_tells_what_it_is(hierarchy: Hierarchy) -> None:
    crl = parse_crl(crl_of(hierarchy.tsp, {5: None, 7: COMPROMISE}))
    assert len(crl) == 2
    assert repr(crl) == "<Crl: 2 entries, 2026-06-15T11:00:00Z>"
    assert crl.number is None
    assert (crl.this_update, crl.next_update) == (NOW - HOUR, NOW + HOUR)
    assert crl.issuer == hierarchy.tsp.certificate.subject


def test_a_crl_number_is_read(hierarchy: Hierarchy) -> None:
    builder = x509.CertificateRevocationListBuilder(hierarchy.tsp.certificate.subject, NOW, NOW + HOUR)
    crl = builder.add_extension(x509.CRLNumber(4711), critical=False).sign(hierarchy.tsp.key, SHA256())
    assert parse_crl(crl.public_bytes(Encoding.DER)).number == 4711


@pytest.mark.parametrize("serial", [1, 127, 128, 255, (1 << 64) - 1, 1 << 64, LONGEST])
def test_what_is_listed_is_found_and_its_neighbours_are_not(hierarchy: Hierarchy, serial: int) -> None:
    crl = parse_crl(crl_of(hierarchy.tsp, {serial: None, 3: None, LONGEST - 7: None}))
    entry = crl.entry(serial)
    assert entry is not None
    assert entry.serial_number == serial
    for other in (serial + 1, serial - 1, serial + (1 << 64), serial + (1 << 160)):
        assert crl.entry(other) is None


def test_a_number_with_the_same_last_eight_octets_is_not_taken_for_another(hierarchy: Hierarchy) -> None:
    crl = parse_crl(crl_of(hierarchy.tsp, {(7 << 64) + 5: None}))
    assert crl.entry(5) is None
    assert crl.entry((8 << 64) + 5) is None
    assert crl.entry((7 << 64) + 5) is not None


def test_a_negative_number_is_not_looked_up(hierarchy: Hierarchy) -> None:
    with pytest.raises(UnusableDataError, match="negative serial number"):
        parse_crl(crl_of(hierarchy.tsp)).entry(-5)


def test_an_empty_crl_lists_nothing(hierarchy: Hierarchy, signer: Issued) -> None:
    answer = ask(crl_of(hierarchy.tsp), signer, hierarchy.tsp)
    assert answer.standing is Standing.GOOD
    assert (answer.reason, answer.revoked_at) == (None, None)
    assert answer.valid_until == answer.next_update == NOW + HOUR


def test_a_listed_certificate_is_revoked_with_time_and_reason(hierarchy: Hierarchy, signer: Issued) -> None:
    answer = ask(crl_of(hierarchy.tsp, {signer.certificate.serial_number: COMPROMISE}), signer, hierarchy.tsp)
    assert answer.standing is Standing.REVOKED
    assert answer.reason == "keyCompromise"
    assert answer.revoked_at == NOW - dt.timedelta(days=1)
    assert answer.signer == "TEST nlgov-jades TSP CA"


def test_a_signature_is_checked_once_for_each_key(
    hierarchy: Hierarchy, look_alike: Hierarchy, monkeypatch: pytest.MonkeyPatch
) -> None:
    crl = parse_crl(crl_of(hierarchy.tsp))
    crl.check_signature(hierarchy.tsp.certificate)
    with pytest.raises(UnusableDataError, match="does not fit its signer"):
        crl.check_signature(look_alike.tsp.certificate)

    def checked_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(module, "check_signature", checked_again)
    crl.check_signature(hierarchy.tsp.certificate)
    with pytest.raises(AssertionError):
        crl.check_signature(look_alike.tsp.certificate)


def test_two_algorithms_are_refused_should_a_parser_ever_let_them_pass(hierarchy: Hierarchy) -> None:
    der = crl_of(hierarchy.tsp)
    crl = parse_crl(der)
    parsed = asn1_crl.CertificateList.load(der)
    parsed["signature_algorithm"] = {"algorithm": "sha512_rsa"}
    crl.der = parsed.dump(force=True)
    with pytest.raises(UnusableDataError, match="one algorithm inside and another outside"):
        crl.check_signature(hierarchy.tsp.certificate)


def test_a_crl_of_version_one_is_read(hierarchy: Hierarchy, signer: Issued) -> None:
    # RFC 5280 asks CAs for version 2; a list without extensions loses nothing by it.
    key = hierarchy.tsp.key
    assert isinstance(key, rsa.RSAPrivateKey)
    parsed = asn1_crl.CertificateList.load(crl_of(hierarchy.tsp, {signer.certificate.serial_number: None}))
    del parsed["tbs_cert_list"]["version"]
    octets = parsed["tbs_cert_list"].dump(force=True)
    parsed["signature"] = key.sign(octets, padding.PKCS1v15(), SHA256())
    assert ask(parsed.dump(force=True), signer, hierarchy.tsp).standing is Standing.REVOKED


@pytest.mark.parametrize(
    ("usages", "words"),
    [((), "the CRL's issuer has no keyUsage"), (("key_cert_sign",), "the CRL's issuer may not sign CRLs (cRLSign)")],
)
def test_a_ca_that_does_not_say_it_signs_crls_signs_none(
    hierarchy: Hierarchy, signer: Issued, ca_key: rsa.RSAPrivateKey, usages: tuple[str, ...], words: str
) -> None:
    ca = hierarchy.root.issue_authority("TEST CA", key=ca_key, usages=usages)
    below = ca.issue(key=signer.key)
    with pytest.raises(UnusableDataError) as caught:
        ask(crl_of(ca), below, ca)
    assert str(caught.value) == words


@pytest.mark.parametrize("octets", [b"", b"\x30", b"\x30\x00", b"no CRL at all", b"\x30\x84\xff\xff\xff\xff"])
def test_octets_that_are_no_crl_are_refused(octets: bytes) -> None:
    with pytest.raises(UnusableDataError, match="this is not a CRL, or a damaged one"):
        parse_crl(octets)


def test_what_is_not_bytes_or_too_many_of_them_is_refused(
    hierarchy: Hierarchy, monkeypatch: pytest.MonkeyPatch
) -> None:
    der = crl_of(hierarchy.tsp)
    with pytest.raises(UnusableDataError, match="a CRL is bytes, at most"):
        parse_crl(bytearray(der))  # type: ignore[arg-type]  # the mistake under test
    monkeypatch.setattr(module, "MAX_CRL", len(der))
    assert isinstance(parse_crl(der), Crl)
    monkeypatch.setattr(module, "MAX_CRL", len(der) - 1)
    with pytest.raises(UnusableDataError, match="a CRL is bytes, at most"):
        parse_crl(der)
