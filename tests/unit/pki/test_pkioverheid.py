"""The pinned facts: well formed, without contradiction, and asked for by whole certificate only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography import x509

from nlgov_jades import CertificateRequirements
from nlgov_jades.pki import pkioverheid
from nlgov_jades.pki.certificate import fingerprint
from nlgov_jades.pki.identity import common_name
from nlgov_jades.pki.pkioverheid import PINS, POLICIES, TLS_POLICIES, TRIAL_ARC, PinRole, role_of
from nlgov_jades.testing import Hierarchy


def test_every_pin_is_a_fingerprint_of_its_own() -> None:
    assert all(re.fullmatch("[0-9a-f]{64}", pin.sha256) for pin in PINS)
    assert len({pin.sha256 for pin in PINS}) == len({pin.common_name for pin in PINS}) == len(PINS)
    assert {pin.role for pin in PINS} == set(PinRole)


def test_every_address_is_that_of_logius() -> None:
    addresses = [pin.url for pin in PINS if pin.url is not None]
    assert addresses
    assert all(re.fullmatch(r"http://cert\.pkioverheid\.nl/[A-Za-z0-9-]+\.cer", address) for address in addresses)


def test_no_policy_is_one_of_the_trial_hierarchy() -> None:
    assert not any(oid.startswith(TRIAL_ARC) for oid in POLICIES)


def test_policies_for_signing_and_for_tls_are_known_and_apart() -> None:
    signing = CertificateRequirements.PKIOVERHEID_SIGNING.policies
    assert signing | TLS_POLICIES <= POLICIES.keys()
    assert signing.isdisjoint(TLS_POLICIES)


def test_a_certificate_that_nobody_pinned_has_no_role(hierarchy: Hierarchy) -> None:
    for authority in (hierarchy.root, hierarchy.domain, hierarchy.tsp):
        assert role_of(authority.certificate) is None
        assert role_of(authority.certificate, {"00" * 32}) is None


@pytest.mark.parametrize("role", PinRole)
def test_a_pinned_certificate_has_the_role_of_its_pin(
    hierarchy: Hierarchy, monkeypatch: pytest.MonkeyPatch, role: PinRole
) -> None:
    sha256 = fingerprint(hierarchy.root.certificate)
    monkeypatch.setitem(pkioverheid._ROLES, sha256, role)
    assert role_of(hierarchy.root.certificate) is role
    assert role_of(hierarchy.root.certificate, {sha256}) is role
    assert role_of(hierarchy.domain.certificate) is None


def test_a_pin_of_the_operator_makes_a_root_an_anchor_and_others_intermediates(hierarchy: Hierarchy) -> None:
    pins = {fingerprint(authority.certificate) for authority in (hierarchy.root, hierarchy.domain)}
    assert role_of(hierarchy.root.certificate, pins) is PinRole.ANCHOR
    assert role_of(hierarchy.domain.certificate, pins) is PinRole.INTERMEDIATE
    assert role_of(hierarchy.tsp.certificate, pins) is None


def test_a_look_alike_has_no_role(hierarchy: Hierarchy, look_alike: Hierarchy) -> None:
    assert role_of(look_alike.root.certificate, {fingerprint(hierarchy.root.certificate)}) is None


def published(folder: Path) -> list[x509.Certificate]:
    return [x509.load_pem_x509_certificate(file.read_bytes()) for file in sorted(folder.glob("pkioverheid/*.pem"))]


def test_every_pin_says_what_the_published_certificate_says(data: Path) -> None:
    certificates = {fingerprint(certificate): certificate for certificate in published(data)}
    for pin in PINS:
        certificate = certificates[pin.sha256]
        assert common_name(certificate) == pin.common_name
        assert certificate.not_valid_after_utc.date() == pin.not_after
        assert role_of(certificate) is pin.role
        self_issued = certificate.subject == certificate.issuer
        assert pin.role is (PinRole.ANCHOR if self_issued else PinRole.INTERMEDIATE)


def test_every_address_is_the_one_that_certificates_below_name_for_their_issuer(data: Path) -> None:
    named: dict[x509.Name, str] = {}
    for certificate in published(data):
        for extension in certificate.extensions:
            if isinstance(extension.value, x509.AuthorityInformationAccess):
                (access,) = extension.value
                named[certificate.issuer] = access.access_location.value
    subjects = {fingerprint(certificate): certificate.subject for certificate in published(data)}
    # Nothing that was published by Root CA - G3 is at hand, and its pin has no address.
    assert {pin.url for pin in PINS} == {named.get(subjects[pin.sha256]) for pin in PINS}
    assert all(pin.url == named.get(subjects[pin.sha256]) for pin in PINS)
