"""NIST PKITS, sections 4.1 to 4.16, through `build_path` and `check_revocation` with hard-fail and every CRL given.

Not one test that must fail may pass. A test that must pass and is refused stands in `deviations.toml`, with the reason.
"""

from __future__ import annotations

import collections
from typing import Final

import pytest

from nlgov_jades.errors import ConfigurationError
from nlgov_jades.pki.revocation import GivenData

from .deviating import deviations
from .judging import VALID
from .pkits import PkitsTest, outcome, pkits_tests

TESTS: Final = {test.id: test for test in pkits_tests()}
LISTED: Final = deviations("pkits")
MUST_FAIL: Final = [test for test in TESTS.values() if test.must_be == "invalid"]
MUST_PASS: Final = [test for test in TESTS.values() if test.must_be == "valid"]

# Tests in each section of PKITS 1.0.1, subparts not counted.
SECTIONS: Final = dict(zip(range(1, 17), (6, 8, 11, 21, 8, 17, 5, 20, 8, 14, 11, 10, 38, 35, 10, 2), strict=True))


def name(test: PkitsTest) -> str:
    return f"{test.id}-{test.leaf}"


def test_the_table_holds_every_test_of_the_document() -> None:
    found = {tuple(map(int, identifier.split(".")[:3])) for identifier in TESTS}
    assert dict(collections.Counter(section for _, section, _ in found)) == SECTIONS
    for section, count in SECTIONS.items():
        assert {number for _, its, number in found if its == section} == set(range(1, count + 1))


def test_every_file_of_the_table_exists() -> None:
    missing = [str(file) for test in TESTS.values() for file in test.files if not file.is_file()]
    assert missing == []


def test_the_table_expects_what_the_names_of_the_files_say() -> None:
    for test in TESTS.values():
        if test.id.count(".") == 2 and test.leaf.startswith(("Valid", "Invalid")):
            assert test.leaf.lower().startswith(test.must_be), test.id


@pytest.mark.parametrize("test", MUST_FAIL, ids=name)
def test_what_must_fail_is_refused(test: PkitsTest) -> None:
    verdict, words = outcome(test)
    if (group := LISTED.get(test.id)) is not None:
        assert group.kind == "not-asked", "a test that must fail is listed for another reason than a missing setting"
        assert verdict == VALID, "this is refused now: take it off the list"
    else:
        assert verdict != VALID, words


@pytest.mark.parametrize("test", MUST_PASS, ids=name)
def test_what_must_pass_is_accepted_or_listed_with_a_reason(test: PkitsTest) -> None:
    verdict, words = outcome(test)
    if (group := LISTED.get(test.id)) is not None:
        assert group.kind == "refused"
        assert verdict != VALID, "this is accepted now: take it off the list"
    else:
        assert verdict == VALID, words


def test_every_deviation_is_one_of_a_test() -> None:
    assert LISTED.keys() <= TESTS.keys()


def test_revoked_certificates_are_refused_as_revoked() -> None:
    codes = {
        identifier: outcome(TESTS[identifier])[0] for identifier in ("4.4.2", "4.4.3", "4.4.18", "4.14.2", "4.15.3")
    }
    assert set(codes.values()) == {"CERTIFICATE_REVOKED"}


def test_a_missing_crl_leaves_revocation_unknown() -> None:
    assert outcome(TESTS["4.4.1"])[0] == "REVOCATION_UNKNOWN"


def test_expired_and_future_certificates_are_refused_as_such() -> None:
    assert outcome(TESTS["4.2.6"])[0] == "CERTIFICATE_EXPIRED"
    assert outcome(TESTS["4.2.2"])[0] == "CERTIFICATE_NOT_YET_VALID"


@pytest.mark.parametrize("identifier", ["4.15.1", "4.15.4", "4.14.17", "4.14.31"])
def test_a_caller_who_brings_a_delta_partial_or_indirect_crl_hears_so(identifier: str) -> None:
    crls = tuple(file.read_bytes() for file in TESTS[identifier].files if file.suffix == ".crl")
    with pytest.raises(ConfigurationError, match="revocation data that were given cannot be used"):
        GivenData.parse((), crls)
