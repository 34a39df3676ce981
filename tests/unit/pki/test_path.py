"""Certification paths: from the signer's certificate to a trust anchor, against the shapes that an attacker has.

Sets and certificates that are made to hurt are in `test_path_hostile.py`, real ones in `test_path_pkioverheid.py`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from nlgov_jades import CertificateRequirements, TrustStore
from nlgov_jades.errors import (
    CertificateExpiredError,
    CertificateNotYetValidError,
    CertificatePathError,
    VerificationError,
)
from nlgov_jades.pki.path import CertificationPath, build_path, find_path
from nlgov_jades.pki.trust import MAX_INTERMEDIATES_ON_PATH
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.testing import Authority, Hierarchy, Issued

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]
PathOf = Callable[..., CertificationPath]

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
GENERIC = CertificateRequirements.GENERIC


@pytest.fixture
def path_of(hierarchy: Hierarchy) -> PathOf:
    """The path of what was issued, with all its CAs but the root sent along."""

    def build(
        issued: Issued,
        *,
        sent: Sequence[x509.Certificate] | None = None,
        trust: TrustStore | None = None,
        requirements: CertificateRequirements = GENERIC,
        at: dt.datetime = NOW,
    ) -> CertificationPath:
        return build_path(
            issued.certificate,
            issued.chain[1:-1] if sent is None else sent,
            trust=hierarchy.trust if trust is None else trust,
            requirements=requirements,
            algorithm=SignatureAlgorithm.PS256,
            at=at,
        )

    return build


# --- found ---------------------------------------------------------------------------------------------------


def test_the_path_goes_from_the_signer_to_the_anchor(issued: Issued, path_of: PathOf) -> None:
    path = path_of(issued)
    assert path.certificates == issued.chain
    assert path.leaf == issued.certificate
    assert path.policies == {"2.16.528.1.1003.1.2.8.4"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        path.certificates = ()  # type: ignore[misc] # that it cannot be set is what is tested


def test_the_order_in_which_the_cas_are_sent_does_not_matter(issued: Issued, path_of: PathOf) -> None:
    assert path_of(issued, sent=issued.chain[::-1]).certificates == issued.chain


def test_configured_intermediates_complete_a_short_chain(hierarchy: Hierarchy, issued: Issued, path_of: PathOf) -> None:
    for sent in ((), issued.chain[1:2], issued.chain[2:3]):
        trust = TrustStore([hierarchy.root.certificate], issued.chain[1:3])
        assert path_of(issued, sent=sent, trust=trust).certificates == issued.chain


def test_an_anchor_below_the_root_ends_the_path(hierarchy: Hierarchy, issued: Issued, path_of: PathOf) -> None:
    trust = TrustStore([hierarchy.domain.certificate])
    assert path_of(issued, trust=trust).certificates == issued.chain[:3]


def test_certificates_that_have_nothing_to_do_with_it_are_passed_over(
    issued: Issued, stranger: Hierarchy, look_alike: Hierarchy, path_of: PathOf
) -> None:
    # An attacker may send them along; the path does not change.
    sent = (*look_alike.tsp.chain, *stranger.tsp.chain, *issued.chain[1:])
    assert path_of(issued, sent=sent).certificates == issued.chain


def test_certificates_sent_twice_are_no_obstacle(issued: Issued, path_of: PathOf) -> None:
    assert path_of(issued, sent=issued.chain[1:] * 5).certificates == issued.chain


def test_finding_a_path_asks_nothing_of_the_certificate_itself(hierarchy: Hierarchy) -> None:
    tsp = hierarchy.tsp
    assert find_path(tsp.certificate, tsp.chain[1:], trust=hierarchy.trust, at=NOW) == tsp.chain


@pytest.fixture(scope="module")
def levels(hierarchy: Hierarchy, p256_key: EllipticCurvePrivateKey) -> list[Authority]:
    """One CA below the other."""
    authorities = [hierarchy.root]
    for index in range(MAX_INTERMEDIATES_ON_PATH + 2):
        authorities.append(authorities[-1].issue_authority(f"level {index + 1}", key=p256_key))
    return authorities


@pytest.mark.parametrize("count", range(MAX_INTERMEDIATES_ON_PATH + 1))
def test_up_to_four_cas_between_signer_and_anchor_are_accepted(
    levels: list[Authority], hierarchy: Hierarchy, p256_key: EllipticCurvePrivateKey, count: int
) -> None:
    issued = levels[count].issue(key=p256_key)
    assert MAX_INTERMEDIATES_ON_PATH == 4
    found = find_path(issued.certificate, issued.chain[1:], trust=hierarchy.trust, at=NOW)
    assert found == issued.chain
    assert len(found) == count + 2


@pytest.mark.parametrize("count", [MAX_INTERMEDIATES_ON_PATH + 1, MAX_INTERMEDIATES_ON_PATH + 2])
def test_a_longer_path_is_refused_and_not_blamed_on_somebody_elses_key(
    levels: list[Authority],
    hierarchy: Hierarchy,
    p256_key: EllipticCurvePrivateKey,
    count: int,
) -> None:
    issued = levels[count].issue(key=p256_key)
    with pytest.raises(CertificatePathError) as caught:
        find_path(issued.certificate, issued.chain[1:], trust=hierarchy.trust, at=NOW)
    assert caught.value.code == "CERTIFICATE_PATH"
    # Every signature on this path holds.
    assert "another key signed it" not in caught.value.detail
    assert "is neither a trust anchor nor among" not in caught.value.detail


# --- not found -----------------------------------------------------------------------------------------------


def test_a_foreign_hierarchy_is_refused_also_when_it_sends_its_root(
    refused: Refused, stranger: Hierarchy, leaf_key: rsa.RSAPrivateKey, path_of: PathOf
) -> None:
    issued = stranger.tsp.issue(key=leaf_key)
    for sent in (issued.chain[1:-1], issued.chain):
        with refused(CertificatePathError, "is neither a trust anchor nor among", no_chain=True):
            path_of(issued, sent=sent)


def test_a_hierarchy_with_the_same_names_is_refused_also_when_it_sends_its_root(
    refused: Refused, look_alike: Hierarchy, leaf_key: rsa.RSAPrivateKey, path_of: PathOf
) -> None:
    issued = look_alike.tsp.issue(key=leaf_key)
    for sent in (issued.chain[1:-1], issued.chain):
        with refused(CertificatePathError, "has the name of a trust anchor, but another key signed it", no_chain=True):
            path_of(issued, sent=sent)


def test_a_ca_with_the_same_name_cannot_stand_in_for_the_real_one(
    refused: Refused, hierarchy: Hierarchy, look_alike: Hierarchy, leaf_key: rsa.RSAPrivateKey, path_of: PathOf
) -> None:
    forged = look_alike.tsp.issue(key=leaf_key)
    with refused(CertificatePathError, "is neither a trust anchor nor among", no_chain=True):
        path_of(forged, sent=hierarchy.tsp.chain)


def test_a_missing_intermediate_is_named(refused: Refused, issued: Issued, path_of: PathOf) -> None:
    with refused(CertificatePathError, "'TEST nlgov-jades TSP CA', is neither", no_chain=True) as caught:
        path_of(issued, sent=())
    assert isinstance(caught.value, CertificatePathError)
    assert caught.value.certificate == "'gegevens.gemeente.example'"
    with refused(
        CertificatePathError, "certificate 'TEST nlgov-jades TSP CA', 'TEST nlgov-jades Domain", no_chain=True
    ):
        path_of(issued, sent=issued.chain[1:2])


def test_a_root_out_of_the_message_is_no_anchor(
    refused: Refused, stranger: Hierarchy, issued: Issued, path_of: PathOf
) -> None:
    with refused(CertificatePathError, "is neither a trust anchor nor among", no_chain=True):
        path_of(issued, trust=stranger.trust, sent=issued.chain)


def test_an_intermediate_of_the_configuration_is_no_anchor(
    refused: Refused, stranger: Hierarchy, issued: Issued, path_of: PathOf
) -> None:
    trust = TrustStore([stranger.root.certificate], issued.chain[1:])
    with refused(CertificatePathError, "is neither a trust anchor nor among", no_chain=True):
        path_of(issued, trust=trust)


# --- who may issue -------------------------------------------------------------------------------------------


def test_a_ca_does_not_sign_messages(refused: Refused, hierarchy: Hierarchy, path_of: PathOf) -> None:
    with refused(CertificatePathError, "'TEST nlgov-jades TSP CA' is that of a CA, which does not sign messages"):
        path_of(hierarchy.tsp)


@pytest.mark.parametrize("usages", [("key_cert_sign", "crl_sign"), ("digital_signature", "key_cert_sign")])
def test_an_anchor_does_not_sign_messages(
    refused: Refused, hierarchy: Hierarchy, ca_key: rsa.RSAPrivateKey, path_of: PathOf, usages: tuple[str, ...]
) -> None:
    # A CA that signs for itself would meet no revocation check.
    anchor = hierarchy.domain.issue_authority("own CA", key=ca_key, usages=usages)
    with refused(CertificatePathError, "certificate 'own CA' is itself a trust anchor"):
        path_of(anchor, trust=TrustStore([anchor.certificate]))
    with refused(CertificatePathError, "certificate 'own CA' is itself a trust anchor"):
        path_of(anchor, trust=TrustStore([hierarchy.root.certificate, anchor.certificate]))


def test_a_signer_cannot_issue(
    refused: Refused, hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey, ca_key: rsa.RSAPrivateKey, path_of: PathOf
) -> None:
    for usages in (("digital_signature",), ("digital_signature", "key_cert_sign")):
        signer = hierarchy.tsp.issue(key=ca_key, usages=usages)
        issued = Authority(ca_key, signer.chain).issue(key=leaf_key, common_name="below a signer")
        with refused(CertificatePathError, "certificate 'below a signer' is refused: "):
            path_of(issued)


@pytest.mark.parametrize("usages", [("crl_sign",), ("digital_signature", "content_commitment"), ()])
def test_a_ca_without_keycertsign_cannot_issue(
    refused: Refused,
    hierarchy: Hierarchy,
    leaf_key: rsa.RSAPrivateKey,
    ca_key: rsa.RSAPrivateKey,
    path_of: PathOf,
    *,
    usages: tuple[str, ...],
) -> None:
    authority = hierarchy.domain.issue_authority("TEST CA", key=ca_key, usages=usages)
    with refused(CertificatePathError, "is refused: "):
        path_of(authority.issue(key=leaf_key))


@pytest.mark.parametrize(("length", "below"), [(0, 1), (0, 2), (1, 2)])
def test_a_path_longer_than_a_ca_allows_is_refused(
    refused: Refused,
    hierarchy: Hierarchy,
    leaf_key: rsa.RSAPrivateKey,
    ca_key: rsa.RSAPrivateKey,
    path_of: PathOf,
    *,
    length: int,
    below: int,
) -> None:
    authority = hierarchy.root.issue_authority("limited", key=ca_key, path_length=length)
    assert path_of(authority.issue(key=leaf_key)).certificates[1] == authority.certificate
    for index in range(below):
        authority = authority.issue_authority(f"below {index}", key=ca_key)
    with refused(CertificatePathError, "path length constraint violated"):
        path_of(authority.issue(key=leaf_key))


# --- time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["leaf", "CA", "root"])
@pytest.mark.parametrize(("kind", "late"), [(CertificateExpiredError, True), (CertificateNotYetValidError, False)])
def test_a_certificate_that_is_not_valid_now_is_refused_at_every_level(
    refused: Refused,
    leaf_key: rsa.RSAPrivateKey,
    ca_key: rsa.RSAPrivateKey,
    path_of: PathOf,
    *,
    level: str,
    kind: type[CertificatePathError],
    late: bool,
) -> None:
    def validity(name: str) -> dict[str, Any]:
        wide = {"not_before": NOW - 9 * DAY, "not_after": NOW + 9 * DAY}
        if name == level:
            wide |= {"not_after": NOW - DAY} if late else {"not_before": NOW + DAY}
        return wide

    root = validity("root")
    roots = Hierarchy.new(not_before=root["not_before"], days=(root["not_after"] - root["not_before"]).days).root
    issued = roots.issue_authority("the CA", key=ca_key, **validity("CA")).issue(
        key=leaf_key, common_name="the leaf", **validity("leaf")
    )
    shown = {"leaf": "'the leaf'", "CA": "'the CA'", "root": "'TEST nlgov-jades Root CA'"}[level]
    with refused(kind, f"certificate {shown} ") as caught:
        path_of(issued, trust=TrustStore([roots.certificate]))
    assert isinstance(caught.value, CertificatePathError)
    assert caught.value.certificate == shown


def test_a_fraction_of_a_second_after_the_end_is_after_the_end(
    refused: Refused, hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey, path_of: PathOf
) -> None:
    issued = hierarchy.tsp.issue(key=leaf_key, not_after=NOW)
    assert path_of(issued, at=NOW).leaf == issued.certificate
    with refused(CertificateExpiredError, "expired on 2026-06-15T12:00:00Z"):
        path_of(issued, at=NOW + dt.timedelta(microseconds=1))


def test_the_path_is_judged_at_the_time_that_is_given(
    hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey, path_of: PathOf
) -> None:
    past = hierarchy.tsp.issue(key=leaf_key, not_after=NOW - DAY)
    assert path_of(past, at=NOW - 2 * DAY).leaf == past.certificate
