"""Where certificates say that revocation data are."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from nlgov_jades.pki.path import CertificationPath
from nlgov_jades.pki.revocation import GivenData, check_revocation
from nlgov_jades.policy import RevocationPolicy
from nlgov_jades.result import RevocationSource
from nlgov_jades.testing import Authority, Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def pointing() -> Hierarchy:
    return Hierarchy.new(not_before=NOW - dt.timedelta(days=30), revocation_url="http://127.0.0.1:8888/")


def crl_urls(issued: Issued) -> list[str]:
    points = issued.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    return [name.value for point in points for name in point.full_name or ()]


def has(issued: Issued, kind: type[x509.ExtensionType]) -> bool:
    return any(isinstance(extension.value, kind) for extension in issued.certificate.extensions)


def test_without_a_url_no_certificate_names_a_responder(hierarchy: Hierarchy) -> None:
    for issued in (*hierarchy.authorities, hierarchy.tsp.issue(key=KEY)):
        assert not has(issued, x509.CRLDistributionPoints)
        assert not has(issued, x509.AuthorityInformationAccess)


def test_a_leaf_names_the_crl_of_its_issuer_and_the_ocsp_responder(pointing: Hierarchy) -> None:
    leaf = pointing.tsp.issue(key=KEY)
    assert crl_urls(leaf) == ["http://127.0.0.1:8888/crl/tsp.crl"]
    access = leaf.certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert [(item.access_method._name, item.access_location.value) for item in access] == [
        ("OCSP", "http://127.0.0.1:8888/ocsp")
    ]


def test_a_ca_names_a_crl_and_no_ocsp_and_the_root_neither(pointing: Hierarchy) -> None:
    assert crl_urls(pointing.tsp) == ["http://127.0.0.1:8888/crl/domain.crl"]
    assert crl_urls(pointing.domain) == ["http://127.0.0.1:8888/crl/root.crl"]
    assert not has(pointing.root, x509.CRLDistributionPoints)
    assert not any(has(authority, x509.AuthorityInformationAccess) for authority in pointing.authorities)


def test_the_library_asks_where_the_certificates_point(pointing: Hierarchy) -> None:
    leaf = pointing.tsp.issue(key=KEY)
    questions = check_revocation(
        CertificationPath(leaf.chain, frozenset()), RevocationPolicy.HARD_FAIL, at=NOW, given=GivenData()
    )
    first = next(questions)
    assert (first.source, first.url) == (RevocationSource.OCSP, "http://127.0.0.1:8888/ocsp")


def test_an_authority_without_a_label_has_its_crl_under_its_name(pointing: Hierarchy) -> None:
    other = pointing.domain.issue_authority("TEST Ándere  CA - G4", key=KEY)
    assert other.crl_path == "/crl/test-ndere-ca-g4.crl"
    assert crl_urls(other.issue(key=KEY)) == ["http://127.0.0.1:8888/crl/test-ndere-ca-g4.crl"]


def test_a_label_names_the_crl(pointing: Hierarchy) -> None:
    assert pointing.domain.issue_authority("TEST CA", key=KEY, label="seal").crl_path == "/crl/seal.crl"


def test_pointers_of_ones_own_replace_those_of_the_hierarchy(pointing: Hierarchy) -> None:
    elsewhere = x509.UniformResourceIdentifier("http://elsewhere.example/x.crl")
    points = x509.CRLDistributionPoints([x509.DistributionPoint([elsewhere], None, None, None)])
    leaf = pointing.tsp.issue(key=KEY, more_extensions=[(points, False)])
    assert crl_urls(leaf) == ["http://elsewhere.example/x.crl"]
    assert has(leaf, x509.AuthorityInformationAccess)


def test_an_authority_can_still_be_made_of_a_key_and_a_chain(hierarchy: Hierarchy) -> None:
    bare = Authority(hierarchy.tsp.key, hierarchy.tsp.chain)
    assert (bare.revocation_url, bare.crl_path) == (None, "/crl/test-nlgov-jades-tsp-ca.crl")
