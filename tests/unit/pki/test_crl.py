"""CRLs: their index, their signature, and what of them is refused before anything is asked."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from asn1crypto import crl as asn1_crl
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades.pki import crl as module
from nlgov_jades.pki.answer import Answer, Standing
from nlgov_jades.pki.crl import Crl, Entries, check_crl, parse_crl
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


@pytest.mark.parametrize("at_once", [1, 2, 4, 6, 7, 100])
def test_a_long_list_that_is_sorted_in_parts_is_sorted_as_a_whole(
    hierarchy: Hierarchy, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(module, "_SORTED_AT_ONCE", at_once)
    serials = [900, 7, (1 << 64) - 1, 500, 8, 3, LONGEST]
    crl = parse_crl(crl_of(hierarchy.tsp, dict.fromkeys(serials)))
    assert len(crl) == len(serials)
    for serial in serials:
        assert crl.entry(serial) is not None
        assert crl.entry(serial + 1) is None or serial + 1 in serials


def test_a_number_with_the_same_last_eight_octets_is_not_taken_for_another(hierarchy: Hierarchy) -> None:
    crl = parse_crl(crl_of(hierarchy.tsp, {(7 << 64) + 5: None}))
    assert crl.entry(5) is None
    assert crl.entry((8 << 64) + 5) is None
    assert crl.entry((7 << 64) + 5) is not None


@pytest.mark.parametrize("number", [-1, -5])
def test_a_negative_number_is_not_looked_up(hierarchy: Hierarchy, number: int) -> None:
    with pytest.raises(UnusableDataError, match="negative serial number"):
        parse_crl(crl_of(hierarchy.tsp)).entry(number)


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


def test_an_entry_that_cannot_be_read_makes_a_signed_crl_unusable(hierarchy: Hierarchy, signer: Issued) -> None:
    der = crl_of(hierarchy.tsp, {signer.certificate.serial_number + 1: COMPROMISE})
    assert der.count(b"\x0a\x01\x01") == 1
    damaged = der.replace(b"\x0a\x01\x01", b"\x0a\x01\x63")  # CRLReason 99
    parsed = asn1_crl.CertificateList.load(damaged)
    assert isinstance(hierarchy.tsp.key, rsa.RSAPrivateKey)
    signature = hierarchy.tsp.key.sign(parsed["tbs_cert_list"].dump(), padding.PKCS1v15(), SHA256())
    crl = parse_crl(damaged.replace(parsed["signature"].native, signature), Entries.AFTER_SIGNATURE)
    crl.check_signature(hierarchy.tsp.certificate)
    with pytest.raises(UnusableDataError, match="this is not a CRL, or a damaged one"):
        check_crl(crl, signer.certificate, hierarchy.tsp.certificate, policy=HARD, at=NOW)


def test_entries_from_a_network_are_read_when_they_are_asked_for(hierarchy: Hierarchy) -> None:
    der = crl_of(hierarchy.tsp, {5: None})
    assert parse_crl(der)._index is not None
    crl = parse_crl(der, Entries.AFTER_SIGNATURE)
    assert crl._index is None
    assert crl.entry(5) is not None
    assert crl.entry(0) is None


def test_a_later_crl_counts_for_an_earlier_time_at_which_the_certificate_was_revoked_already(
    hierarchy: Hierarchy, signer: Issued
) -> None:
    revoked_since = NOW - 24 * HOUR
    crl = parse_crl(crl_of(hierarchy.tsp, {signer.certificate.serial_number: None}))
    asked: dict[str, Any] = {
        "crl": crl,
        "certificate": signer.certificate,
        "issuer": hierarchy.tsp.certificate,
        "policy": HARD,
    }
    answer = check_crl(**asked, at=revoked_since)
    assert (answer.standing, answer.revoked_at) == (Standing.REVOKED, revoked_since)
    with pytest.raises(UnusableDataError, match="after the time it is asked for"):
        check_crl(**asked, at=revoked_since - HOUR)


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def with_entry(authority: Authority, extension: x509.ExtensionType, *, critical: bool) -> bytes:
    entry = x509.RevokedCertificateBuilder(5, NOW - 24 * HOUR).add_extension(extension, critical=critical).build()
    builder = x509.CertificateRevocationListBuilder(authority.certificate.subject, NOW - HOUR, NOW + HOUR)
    return builder.add_revoked_certificate(entry).sign(authority.key, SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("extension", "critical"),
    [
        (UNKNOWN, False),
        (x509.CRLReason(COMPROMISE), True),
        (x509.InvalidityDate(NOW.replace(tzinfo=None)), True),
        (x509.InvalidityDate(NOW.replace(tzinfo=None)), False),
    ],
    ids=["unknown", "reason, critical", "invalidity date, critical", "invalidity date"],
)
def test_an_entry_may_say_what_is_processed_and_what_may_be_passed_over(
    hierarchy: Hierarchy, extension: x509.ExtensionType, *, critical: bool
) -> None:
    crl = parse_crl(with_entry(hierarchy.tsp, extension, critical=critical))
    assert crl.entry(5) is not None


@pytest.mark.parametrize(
    "extension", [UNKNOWN, x509.CertificateIssuer([x509.DNSName("a.example")])], ids=["unknown", "of another issuer"]
)
def test_an_entry_with_a_critical_extension_that_is_not_processed_is_refused(
    hierarchy: Hierarchy, extension: x509.ExtensionType
) -> None:
    with pytest.raises(UnusableDataError, match="an entry of the CRL has a critical extension that is not processed"):
        parse_crl(with_entry(hierarchy.tsp, extension, critical=True))


def scope(**kind: bool) -> x509.IssuingDistributionPoint:
    return x509.IssuingDistributionPoint(
        full_name=None,
        relative_name=None,
        only_contains_user_certs=kind.get("users", False),
        only_contains_ca_certs=kind.get("cas", False),
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )


def with_extension(authority: Authority, extension: x509.ExtensionType, *, critical: bool) -> bytes:
    builder = x509.CertificateRevocationListBuilder(authority.certificate.subject, NOW - HOUR, NOW + HOUR)
    signed = builder.add_extension(extension, critical=critical).sign(authority.key, SHA256())
    return signed.public_bytes(Encoding.DER)


def of_kind(authority: Authority, **kind: bool) -> bytes:
    return with_extension(authority, scope(**kind), critical=True)


def test_a_crl_for_one_kind_of_certificates_speaks_of_that_kind_only(hierarchy: Hierarchy, signer: Issued) -> None:
    ca, issuer = hierarchy.tsp, hierarchy.authorities[-2]
    assert ca.certificate.issuer == issuer.certificate.subject
    assert ask(of_kind(ca, users=True), signer, ca).standing is Standing.GOOD
    assert ask(of_kind(issuer, cas=True), ca, issuer).standing is Standing.GOOD
    with pytest.raises(UnusableDataError, match="about certificates of another kind"):
        ask(of_kind(ca, cas=True), signer, ca)
    with pytest.raises(UnusableDataError, match="about certificates of another kind"):
        ask(of_kind(issuer, users=True), ca, issuer)


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize(
    "extension",
    [x509.CRLNumber(7), x509.AuthorityKeyIdentifier(b"key", None, None), scope(users=True)],
    ids=lambda extension: type(extension).__name__,
)
def test_a_crl_may_insist_on_what_is_processed(
    hierarchy: Hierarchy, signer: Issued, extension: x509.ExtensionType, *, critical: bool
) -> None:
    answer = ask(with_extension(hierarchy.tsp, extension, critical=critical), signer, hierarchy.tsp)
    assert answer.standing is Standing.GOOD


def test_a_crl_of_32_mib_is_looked_at_and_a_longer_one_is_not() -> None:
    with pytest.raises(UnusableDataError, match="this is not a CRL, or a damaged one"):
        parse_crl(bytes(33_554_432))
    with pytest.raises(UnusableDataError, match="a CRL is bytes, at most 33554432 of them"):
        parse_crl(bytes(33_554_433))
