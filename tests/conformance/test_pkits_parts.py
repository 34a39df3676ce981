"""PKITS put to one part at a time, where another part would refuse first: certificate policies and directory names.

The path library refuses critical policyMappings and critical constraints on directory names; the chains of these tests
are therefore put together by signature and handed to `valid_policies` and `check_authorities` directly.
"""

from __future__ import annotations

from typing import Final

import pytest

from nlgov_jades.errors import CertificatePathError
from nlgov_jades.pki.policies import valid_policies
from nlgov_jades.pki.requirements import check_authorities

from .pkits import PkitsTest, chain, pkits_tests

POLICIES: Final = [test for test in pkits_tests() if test.id.split(".")[1] in {"8", "9", "10", "11", "12"}]
DIRECTORY_NAMES: Final = [
    test
    for test in pkits_tests()
    if test.id.startswith("4.13.") and int(test.id.split(".")[2]) <= 20  # then other names
]


def name(test: PkitsTest) -> str:
    return f"{test.id}-{test.leaf}"


def maps_policies(test: PkitsTest) -> bool:
    return any(item.oid.dotted_string == "2.5.29.33" for certificate in chain(test) for item in certificate.extensions)


@pytest.mark.parametrize("test", POLICIES, ids=name)
def test_certificate_policies_are_processed_as_the_document_says_but_mappings_are_refused(test: PkitsTest) -> None:
    path = chain(test)
    if "inhibit-any" in test.settings:
        assert valid_policies(path, test.policies), "initial-inhibit-any-policy can be set now: take it off the list"
    elif test.must_be == "invalid" or maps_policies(test):
        with pytest.raises(CertificatePathError, match=r"polic(y|ies)"):
            valid_policies(path, test.policies)
    else:
        valid_policies(path, test.policies)


@pytest.mark.parametrize("test", DIRECTORY_NAMES, ids=name)
def test_constraints_on_directory_names_are_processed_as_the_document_says(test: PkitsTest) -> None:
    path = chain(test)
    if test.must_be == "invalid":
        with pytest.raises(CertificatePathError, match="may not certify"):
            check_authorities(path)
    else:
        check_authorities(path)
