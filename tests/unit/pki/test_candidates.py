"""Of what a stranger sends along only what hangs below a known CA is used, and no key of his own makes a search dear."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256

from nlgov_jades import TrustStore
from nlgov_jades.errors import CertificateExpiredError, CertificatePathError
from nlgov_jades.pki import candidates
from nlgov_jades.pki.candidates import below_known_cas
from nlgov_jades.pki.certificate import has_signed
from nlgov_jades.pki.path import find_path
from nlgov_jades.testing import Authority, Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def stranger() -> Hierarchy:
    """Of nobody's, under the names of the known one."""
    return Hierarchy.new(not_before=NOW - DAY)


def certificates(*issued: Issued) -> list[x509.Certificate]:
    return [one.certificate for one in issued]


def test_cas_are_used_in_whatever_order_they_were_sent(hierarchy: Hierarchy) -> None:
    cas = certificates(hierarchy.domain, hierarchy.tsp)
    assert set(below_known_cas(cas, hierarchy.trust)) == set(cas)
    assert set(below_known_cas(cas[::-1], hierarchy.trust)) == set(cas)


def test_a_ca_below_a_configured_intermediate_is_used_and_one_below_nothing_is_not(hierarchy: Hierarchy) -> None:
    other = Hierarchy.new(name="TEST other", not_before=NOW - DAY)
    tsp = certificates(hierarchy.tsp)
    assert below_known_cas(tsp, TrustStore([other.root.certificate], [hierarchy.domain.certificate])) == tsp
    assert below_known_cas(tsp, TrustStore([other.root.certificate])) == []
    assert below_known_cas(tsp, hierarchy.trust) == []


def test_cas_of_a_stranger_are_not_used_under_whatever_name(hierarchy: Hierarchy, stranger: Hierarchy) -> None:
    sent = certificates(stranger.root, stranger.domain, stranger.tsp)
    assert [ca.subject for ca in sent] == [ca.certificate.subject for ca in hierarchy.authorities]
    assert below_known_cas(sent, hierarchy.trust) == []
    genuine = certificates(hierarchy.domain)
    assert below_known_cas([*sent, *genuine], hierarchy.trust) == genuine


def test_a_signer_is_no_ca_whatever_his_key_signs(hierarchy: Hierarchy, issued: Issued) -> None:
    # The holder of a good certificate makes CAs of his own below it.
    assert isinstance(issued.key, rsa.RSAPrivateKey)
    above = Authority(issued.key, issued.chain)
    own = above.issue_authority("own CA", key=issued.key)
    below = own.issue_authority("CA below it", key=issued.key)
    genuine = [*certificates(hierarchy.domain, hierarchy.tsp), issued.certificate]
    assert set(below_known_cas([*certificates(own, below), *genuine], hierarchy.trust)) == set(genuine)


def test_a_ca_whose_extensions_cannot_be_read_vouches_for_nobody(
    hierarchy: Hierarchy, reissue: Callable[..., bytes]
) -> None:
    def edit(certificate: Any) -> None:
        extensions = certificate["tbs_certificate"]["extensions"]
        extensions.append(extensions[0].copy())

    odd = x509.load_der_x509_certificate(reissue(hierarchy.domain, hierarchy.root, edit))
    assert below_known_cas([odd, hierarchy.tsp.certificate], hierarchy.trust) == [odd]


def test_no_key_of_a_stranger_is_used_to_find_a_path(
    hierarchy: Hierarchy, stranger: Hierarchy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[x509.Certificate, x509.Certificate]] = []

    def noting(issuer: x509.Certificate, signed: x509.Certificate) -> bool:
        asked.append((issuer, signed))
        return has_signed(issuer, signed)

    monkeypatch.setattr(candidates, "has_signed", noting)
    name = hierarchy.root.certificate.subject
    circle = [_named(name, stranger.root) for _ in range(4)]
    assert below_known_cas(circle, hierarchy.trust) == []
    assert {issuer for issuer, _ in asked} == {hierarchy.root.certificate}
    assert len(asked) == len(circle)


def _named(name: x509.Name, key: Issued) -> x509.Certificate:
    assert isinstance(key.key, rsa.RSAPrivateKey)
    return _certificate(name, key.key.public_key(), key.key)


def _certificate(
    name: x509.Name, key: rsa.RSAPublicKey, signed_by: rsa.RSAPrivateKey, issuer: x509.Name | None = None
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(signed_by, SHA256())
    )


# --- keys that make a check dear --------------------------------------------------------------------------------------


def with_exponent(bits: int) -> rsa.RSAPrivateKey:
    """An RSA key whose public exponent has this many bits: to check a signature takes as long as the exponent is."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
    p, q = made.p, made.q
    exponent = (1 << (bits - 1)) | 1
    while math.gcd(exponent, (p - 1) * (q - 1)) != 1:
        exponent += 2
    d = pow(exponent, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(exponent, p * q)
    )
    return numbers.private_key()


NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dear")])


def test_another_name_and_another_key_have_not_signed(hierarchy: Hierarchy, stranger: Hierarchy) -> None:
    ours, theirs = hierarchy.root.certificate, stranger.root.certificate
    assert has_signed(ours, ours)
    assert not has_signed(theirs, ours)
    assert not has_signed(hierarchy.tsp.certificate, ours)


@pytest.mark.parametrize("above", [(), ("known",)], ids=["nowhere", "below an anchor by name"])
def test_a_circle_of_dear_keys_costs_no_check_with_them(
    hierarchy: Hierarchy, above: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[x509.Certificate] = []

    def noting(issuer: x509.Certificate, signed: x509.Certificate) -> bool:
        verified.append(issuer)
        return has_signed(issuer, signed)

    for module in ("candidates", "failure"):
        monkeypatch.setattr(f"nlgov_jades.pki.{module}.has_signed", noting)
    key = with_exponent(2047)
    name = hierarchy.root.certificate.subject if above else NAME
    circle = [_certificate(name, key.public_key(), key) for _ in range(4)]
    leaf = _certificate(name, key.public_key(), key)
    with pytest.raises(CertificatePathError) as caught:
        find_path(leaf, circle, trust=hierarchy.trust, at=NOW)
    assert caught.value.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    # Each that was sent, and the signer's own when that is explained, against the anchor of that name.
    assert verified == [hierarchy.root.certificate] * (len(circle) + 1 if above else 0)


def test_a_key_that_cannot_be_read_explains_nothing(hierarchy: Hierarchy, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_: object) -> bool:
        raise ValueError

    monkeypatch.setattr("nlgov_jades.pki.failure.is_dear", unreadable)
    other = Hierarchy.new(name="TEST other", not_before=NOW - DAY)
    leaf = other.tsp.issue()
    with pytest.raises(CertificatePathError, match=r"the issuer of certificate 'gegevens\.gemeente\.example'"):
        find_path(leaf.certificate, certificates(other.tsp, other.domain), trust=hierarchy.trust, at=NOW)


def test_the_key_of_an_anchor_is_used_whatever_it_costs() -> None:
    # The operator chose it; only to sign with a key like that is refused, and with the true reason.
    key = with_exponent(33)
    anchor = _certificate(NAME, key.public_key(), key)
    below = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "below")])
    leaf = _certificate(below, key.public_key(), key, issuer=NAME)
    with pytest.raises(CertificateExpiredError):
        find_path(leaf, [], trust=TrustStore([anchor]), at=NOW + 2 * DAY)


def test_where_there_are_two_paths_the_order_in_which_they_were_sent_decides(hierarchy: Hierarchy) -> None:
    root, domain = hierarchy.root, hierarchy.domain
    assert isinstance(hierarchy.tsp.key, rsa.RSAPrivateKey)
    direct = root.issue_authority("TEST nlgov-jades TSP CA", key=hierarchy.tsp.key, path_length=0)
    leaf = hierarchy.tsp.issue().certificate
    assert direct.certificate.subject == hierarchy.tsp.certificate.subject
    longer, shorter = hierarchy.tsp.certificate, direct.certificate
    for sent in ([longer, shorter, domain.certificate], [shorter, longer, domain.certificate]):
        assert below_known_cas(sent, hierarchy.trust) == sent
        assert find_path(leaf, sent, trust=hierarchy.trust, at=NOW)[1] == sent[0]
