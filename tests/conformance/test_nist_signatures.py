"""NIST's signature verification tests (CAVP, FIPS 186-3) through our verifier, from the package `cryptography-vectors`.

What is not about ES256 or PS256 must be refused as a whole: other hashes and curves, and RSASSA-PSS with salts of 10 octets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from nlgov_jades.errors import InvalidSignatureError, UnsupportedAlgorithmError

from .judging import VALID
from .signatures import Published, nist_ecdsa, nist_pss

CODES = {InvalidSignatureError.code, UnsupportedAlgorithmError.code}


@cache
def ecdsa() -> Sequence[Published]:
    return tuple(nist_ecdsa())


@cache
def pss() -> Sequence[Published]:
    return tuple(nist_pss())


def test_ecdsa_signatures_are_judged_as_nist_says() -> None:
    assert Counter(one.must_be for one in ecdsa() if one.is_ours) == {"valid": 3, "invalid": 12}
    assert [one for one in ecdsa() if one.deviates] == []


def test_ecdsa_signatures_with_another_hash_or_curve_are_refused_though_nist_calls_them_valid() -> None:
    others = [one for one in ecdsa() if not one.is_ours and one.must_be == "valid"]
    assert len(others) == 42
    assert {one.verdict for one in others} == CODES


def test_pss_signatures_with_salts_of_ten_octets_are_refused_though_nist_calls_them_valid() -> None:
    valid = [one for one in pss() if one.must_be == "valid"]
    assert (len(pss()), len(valid)) == (450, 75)
    assert {one.verdict for one in pss()} == CODES
    assert VALID not in CODES
